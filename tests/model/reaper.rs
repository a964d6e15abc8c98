//! `operations/reaper.rs`: does what a due row promises, one at a time. Any time may have passed, so any row may be due.

use crate::calls::{Answer, Call, Choice};
use crate::completion::{self, Outcome};
use crate::protocol::{Broken, Rules};
use crate::state::{BlobState, Due, Held, Image, Key, Phase, Status, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// `sweep`
    Idle,
    /// `step`
    Look(Due),
    /// `expire`, in its turns.
    Find(Due),
    Expire {
        due: Due,
        seen: Image,
    },
    Disown(Due),
    LookAgain(Due),
    IsDue(Due),
    /// Its session goes on.
    Works {
        key: Key,
        step: completion::Step,
    },
    DisownEnded(Key),
    Remove(Due),
    /// As it must not be: before the image is taken back.
    RemoveFirst(Due),
    Forget(Due),
    ForgetFirst(Due),
    Settle(Due),
}

impl Step {
    pub(crate) fn visit(&mut self, visit: &mut dyn Visit) {
        match self {
            Self::Idle | Self::DisownEnded(_) => {}
            Self::Look(due)
            | Self::Find(due)
            | Self::Disown(due)
            | Self::LookAgain(due)
            | Self::IsDue(due)
            | Self::Remove(due)
            | Self::RemoveFirst(due)
            | Self::Forget(due)
            | Self::ForgetFirst(due)
            | Self::Settle(due) => visit.due(due),
            Self::Expire { due, seen } => {
                visit.due(due);
                visit.image(seen);
            }
            Self::Works { key, step } => step.visit(*key, visit),
        }
    }

    pub(crate) fn calls(self, held: &Held, renewals: bool) -> Vec<Call> {
        match self {
            Self::Idle => held.due.iter().map(|due| Call::Chooses(Choice::Sweeps(*due))).collect(),
            Self::Look(due) | Self::LookAgain(due) => vec![Call::Blob(due.key)],
            Self::Find(_) => vec![Call::Find],
            Self::Expire { due, seen } => vec![Call::Expire { seen, due }],
            Self::Disown(Due { key, .. }) | Self::DisownEnded(key) => vec![Call::Disown(key)],
            Self::IsDue(due) => vec![Call::IsDue(due)],
            Self::Works { key, step } => step.calls(key, renewals),
            Self::Remove(due) | Self::RemoveFirst(due) => vec![Call::Remove(due.key)],
            Self::Forget(due) | Self::ForgetFirst(due) => vec![Call::Forget(due)],
            Self::Settle(due) => vec![Call::Settle(due)],
        }
    }

    pub(crate) fn after(self, call: Call, answer: Answer, rules: Rules) -> Self {
        match (self, answer) {
            (Self::Idle, _) => match call {
                Call::Chooses(Choice::Sweeps(due)) => Self::Look(due),
                _ => Self::Idle,
            },
            (Self::Look(due), Answer::Blob(blob)) => {
                if let Some(session) = blob.and_then(|blob| blob.session) {
                    if session.due != due.at {
                        return Self::Settle(due);
                    }
                    if session.phase == Phase::Completing {
                        return Self::Works { key: due.key, step: completion::Step::Advance };
                    }
                }
                match blob.map(|blob| blob.state) {
                    Some(BlobState::Attached) => Self::Settle(due),
                    Some(BlobState::Writing) if rules.broken == Some(Broken::RemovesFirst) => {
                        Self::RemoveFirst(due)
                    }
                    Some(BlobState::Writing) => Self::Find(due),
                    None | Some(BlobState::Garbage) if rules.broken == Some(Broken::ForgetsFirst) => {
                        Self::ForgetFirst(due)
                    }
                    None | Some(BlobState::Garbage) => Self::Remove(due),
                }
            }
            (Self::RemoveFirst(due), Answer::Done) => Self::Find(due),
            (Self::ForgetFirst(due), Answer::Done) => Self::Remove(due),
            (Self::Find(due), Answer::Image(seen)) if seen.status == Status::Saving(due.key) => {
                Self::Expire { due, seen }
            }
            (Self::Find(due), Answer::Image(_)) => Self::Disown(due),
            (Self::Expire { due, .. } | Self::Disown(due), Answer::Done) => Self::Remove(due),
            (Self::Expire { due, .. } | Self::Disown(due), Answer::Lost) => Self::LookAgain(due),
            (Self::LookAgain(due), Answer::Blob(Some(blob))) if blob.state == BlobState::Writing => {
                Self::IsDue(due)
            }
            (Self::IsDue(due), Answer::Is(true)) => Self::Find(due),
            (Self::Works { key, step }, answer) => match step.after(call, answer, key, rules) {
                completion::Step::Over(Outcome::Ended) => Self::DisownEnded(key),
                completion::Step::Over(_) => Self::Idle,
                step => Self::Works { key, step },
            },
            (Self::Remove(due), Answer::Done) if rules.broken != Some(Broken::ForgetsFirst) => {
                Self::Forget(due)
            }
            _ => Self::Idle,
        }
    }
}
