//! What the table does: each write with the conditions that `shared::catalog` gives it.

use crate::calls::{Answer, Call};
use crate::protocol::{Broken, Rules};
use crate::state::{Blob, BlobState, Due, Held, Image, Key, Phase, Session, Status};

impl Held {
    /// Does what a call asks for.
    pub(crate) fn apply(&mut self, call: Call, rules: Rules) -> Answer {
        match call {
            Call::Chooses(_) => Answer::Done,
            Call::Find => Answer::Image(self.image),
            Call::Blob(key) => Answer::Blob(self.blobs.get(&key).copied()),
            Call::IsDue(due) => Answer::Is(self.due.contains(&due)),
            Call::BeginUpload { .. }
            | Call::BeginSession { .. }
            | Call::RenewLease(_)
            | Call::KeepSession { .. }
            | Call::Renews { .. } => self.begin(call, rules),
            Call::Attach { .. } | Call::Abandon { .. } | Call::Withdraw { .. } | Call::Expire { .. } => {
                self.end(call, rules)
            }
            Call::Delete { .. } | Call::Update { .. } => self.change(call),
            Call::Disown(_) | Call::Condemn(_) | Call::Remind(_) | Call::Forget(_) | Call::Settle(_) => {
                self.note(call)
            }
            _ => self.ask_store(call, rules),
        }
    }

    /// Attempts, as they begin and go on.
    fn begin(&mut self, call: Call, rules: Rules) -> Answer {
        let current = |seen: Image| seen == self.image;
        match call {
            Call::BeginUpload { seen, key } => {
                if !current(seen) || self.blobs.contains_key(&key) {
                    return Answer::Lost;
                }
                self.changed(Status::Saving(key));
                self.put_blob(key, BlobState::Writing);
                let due = self.put_due(key);
                if rules.broken == Some(Broken::ForgetsIntent) {
                    self.due.remove(&due);
                }
                Answer::Due(due)
            }
            Call::BeginSession { seen, key } => {
                if !current(seen) || self.blobs.contains_key(&key) {
                    return Answer::Lost;
                }
                self.changed(Status::Saving(key));
                let due = self.put_due(key).at;
                let session = Session { revision: 1, phase: Phase::Open, begun: false, due };
                self.blobs.insert(key, Blob { state: BlobState::Writing, session: Some(session) });
                Answer::Kept(session)
            }
            Call::RenewLease(lease) => {
                if !self.is(lease.key, BlobState::Writing) {
                    return Answer::Lost;
                }
                self.due.remove(&lease);
                Answer::Due(self.put_due(lease.key))
            }
            Call::KeepSession { key, seen, phase, begun, moves } => {
                self.keep_session(key, seen, phase, begun, moves)
            }
            Call::Renews { key, seen } => self.keep_session(key, seen, seen.phase, seen.begun, true),
            _ => Answer::Failed,
        }
    }

    /// Attempts, as they end.
    fn end(&mut self, call: Call, rules: Rules) -> Answer {
        let current = |seen: Image| seen == self.image;
        match call {
            Call::Attach { seen, lease } => {
                let holds = current(seen) && self.is(lease.key, BlobState::Writing);
                if !holds && rules.broken != Some(Broken::AttachesAlways) {
                    return Answer::Lost;
                }
                self.changed(Status::Active(lease.key));
                self.put_blob(lease.key, BlobState::Attached);
                self.due.remove(&lease);
                Answer::Done
            }
            Call::Abandon { seen, lease } => {
                if !current(seen) || !self.is(lease.key, BlobState::Writing) {
                    return Answer::Lost;
                }
                self.changed(Status::Queued);
                self.put_blob(lease.key, BlobState::Garbage);
                self.due.remove(&lease);
                Answer::Due(self.put_due(lease.key))
            }
            Call::Withdraw { seen, lease } => {
                if !current(seen) || !self.is(lease.key, BlobState::Writing) {
                    return Answer::Lost;
                }
                self.changed(Status::Queued);
                self.blobs.remove(&lease.key);
                self.due.remove(&lease);
                Answer::Done
            }
            Call::Expire { seen, due } => {
                if !current(seen) || !self.is(due.key, BlobState::Writing) || !self.due.contains(&due) {
                    return Answer::Lost;
                }
                self.changed(Status::Queued);
                self.put_blob(due.key, BlobState::Garbage);
                Answer::Done
            }
            _ => Answer::Failed,
        }
    }

    /// The image, whatever is written for it.
    fn change(&mut self, call: Call) -> Answer {
        let current = |seen: Image| seen == self.image;
        match call {
            Call::Delete { seen } => {
                if !current(seen) {
                    return Answer::Lost;
                }
                match seen.status {
                    Status::Active(key) => {
                        self.put_blob(key, BlobState::Garbage);
                        self.put_due(key);
                    }
                    Status::Saving(key) => self.put_blob(key, BlobState::Garbage),
                    Status::Queued | Status::Deleted => {}
                }
                self.changed(Status::Deleted);
                Answer::Done
            }
            Call::Update { seen } => {
                if !current(seen) || seen.status == Status::Deleted {
                    return Answer::Lost;
                }
                self.changed(seen.status);
                Answer::Done
            }
            _ => Answer::Failed,
        }
    }

    /// Rows beside the record.
    fn note(&mut self, call: Call) -> Answer {
        match call {
            Call::Disown(key) => {
                if !self.is(key, BlobState::Writing) {
                    return Answer::Lost;
                }
                self.put_blob(key, BlobState::Garbage);
                Answer::Done
            }
            Call::Condemn(key) => {
                if self.blobs.contains_key(&key) {
                    return Answer::Lost;
                }
                self.put_blob(key, BlobState::Garbage);
                self.put_due(key);
                Answer::Done
            }
            Call::Remind(key) => {
                self.put_due(key);
                Answer::Done
            }
            Call::Forget(due) => {
                self.blobs.remove(&due.key);
                self.due.remove(&due);
                Answer::Done
            }
            Call::Settle(due) => {
                self.due.remove(&due);
                Answer::Done
            }
            _ => Answer::Failed,
        }
    }

    fn keep_session(&mut self, key: Key, seen: Session, phase: Phase, begun: bool, moves: bool) -> Answer {
        if self.blobs.get(&key).and_then(|blob| blob.session).map(|held| held.revision) != Some(seen.revision)
        {
            return Answer::Lost;
        }
        let mut kept = Session { revision: seen.revision + 1, phase, begun, due: seen.due };
        if moves {
            self.due.remove(&Due { key, at: seen.due });
            kept.due = self.put_due(key).at;
        }
        self.blobs.insert(key, Blob { state: BlobState::Writing, session: Some(kept) });
        Answer::Kept(kept)
    }
}
