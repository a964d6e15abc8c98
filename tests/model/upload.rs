//! `operations/upload.rs`: one attempt to write the image.

use crate::calls::{Answer, Call, Choice};
use crate::state::{Due, Image, Key, Status, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Find,
    Begin(Image),
    /// `receive`, beside `keep_lease`.
    Receive {
        seen: Image,
        lease: Due,
    },
    /// `keep_lease` found that the lease is lost.
    Lost {
        seen: Image,
        lease: Due,
    },
    Attach {
        seen: Image,
        lease: Due,
    },
    /// `look`, after an attach that failed.
    Look {
        lease: Due,
        lost: bool,
    },
    GiveUp {
        seen: Image,
        lease: Due,
        unanswered: bool,
    },
    Requeue {
        seen: Image,
        lease: Due,
        removed: bool,
    },
    /// `look`, after a way back that failed.
    LookBack {
        lease: Due,
        removed: bool,
        lost: bool,
    },
    Discard(Due),
    Forget(Due),
    Over,
}

impl Step {
    pub(crate) fn visit(&mut self, visit: &mut dyn Visit) {
        match self {
            Self::Begin(seen) => visit.image(seen),
            Self::Receive { seen, lease }
            | Self::Lost { seen, lease }
            | Self::Attach { seen, lease }
            | Self::GiveUp { seen, lease, .. }
            | Self::Requeue { seen, lease, .. } => {
                visit.image(seen);
                visit.due(lease);
            }
            Self::Look { lease, .. } | Self::LookBack { lease, .. } => visit.due(lease),
            Self::Discard(due) | Self::Forget(due) => visit.due(due),
            Self::Find | Self::Over => {}
        }
    }

    /// What may be done next.
    pub(crate) fn calls(self, key: Key, renewals: bool) -> Vec<Call> {
        match self {
            Self::Find | Self::Lost { .. } | Self::Look { .. } | Self::LookBack { .. } => vec![Call::Find],
            Self::Begin(seen) => vec![Call::BeginUpload { seen, key }],
            Self::Receive { lease, .. } => {
                let mut calls = vec![Call::Put(lease.key), Call::Chooses(Choice::Broken)];
                calls.extend(renewals.then_some(Call::RenewLease(lease)));
                calls
            }
            Self::Attach { seen, lease } => vec![Call::Attach { seen, lease }],
            Self::GiveUp { lease, .. } | Self::Discard(lease) => vec![Call::Remove(lease.key)],
            Self::Requeue { seen, lease, removed: true } => vec![Call::Withdraw { seen, lease }],
            Self::Requeue { seen, lease, removed: false } => vec![Call::Abandon { seen, lease }],
            Self::Forget(due) => vec![Call::Forget(due)],
            Self::Over => vec![],
        }
    }

    /// Where it goes on.
    pub(crate) fn after(self, call: Call, answer: Answer) -> Self {
        match (self, answer) {
            (Self::Find, Answer::Image(seen)) if seen.status == Status::Queued => Self::Begin(seen),
            (Self::Begin(seen), Answer::Due(_)) if matches!(call, Call::BeginUpload { .. }) => {
                let Answer::Due(lease) = answer else { return Self::Over };
                let seen = Image { revision: seen.revision + 1, status: Status::Saving(lease.key) };
                Self::Receive { seen, lease }
            }
            (Self::Receive { seen, lease }, answer) => received(seen, lease, call, answer),
            (Self::Lost { lease, .. }, Answer::Image(seen)) => {
                Self::GiveUp { seen, lease, unanswered: false }
            }
            (Self::Lost { seen, lease }, _) => Self::GiveUp { seen, lease, unanswered: true },
            (Self::Attach { lease, .. }, Answer::Lost) => Self::Look { lease, lost: true },
            (Self::Attach { lease, .. }, Answer::Failed) => Self::Look { lease, lost: false },
            (Self::Look { lease, lost }, Answer::Image(seen)) => match standing(seen, lease) {
                Standing::Taken => Self::Over,
                Standing::Expected if lost => Self::Attach { seen, lease },
                Standing::Expected => Self::Requeue { seen, lease, removed: false },
                Standing::Deleted | Standing::Evicted => Self::Discard(lease),
            },
            (Self::GiveUp { seen, lease, unanswered }, removed) => {
                Self::Requeue { seen, lease, removed: removed == Answer::Done && !unanswered }.allowed()
            }
            (Self::Requeue { removed: false, .. }, Answer::Due(due)) => Self::Discard(due),
            (Self::Requeue { lease, removed, .. }, Answer::Lost) => {
                Self::LookBack { lease, removed, lost: true }
            }
            (Self::Requeue { lease, removed, .. }, Answer::Failed) => {
                Self::LookBack { lease, removed, lost: false }
            }
            (Self::LookBack { lease, removed, lost }, Answer::Image(seen)) => match standing(seen, lease) {
                Standing::Expected if lost => Self::Requeue { seen, lease, removed },
                Standing::Deleted | Standing::Evicted => Self::Discard(lease),
                Standing::Expected | Standing::Taken => Self::Over,
            },
            (Self::Discard(due), Answer::Done) => Self::Forget(due),
            _ => Self::Over,
        }
    }

    /// Only an image that is being saved can be queued again.
    fn allowed(self) -> Self {
        match self {
            Self::Requeue { seen, .. } if !matches!(seen.status, Status::Saving(_)) => Self::Over,
            step => step,
        }
    }
}

fn received(seen: Image, lease: Due, call: Call, answer: Answer) -> Step {
    match (call, answer) {
        (Call::Put(_), Answer::Done) => Step::Attach { seen, lease },
        (Call::Put(_), _) => Step::GiveUp { seen, lease, unanswered: true },
        (Call::RenewLease(_), Answer::Due(lease)) => Step::Receive { seen, lease },
        (Call::RenewLease(_), Answer::Lost) => Step::Lost { seen, lease },
        (Call::RenewLease(_), _) => Step::Receive { seen, lease },
        _ => Step::GiveUp { seen, lease, unanswered: false },
    }
}

enum Standing {
    Expected,
    Taken,
    Deleted,
    Evicted,
}

fn standing(image: Image, lease: Due) -> Standing {
    match image.status {
        Status::Deleted => Standing::Deleted,
        Status::Active(key) if key == lease.key => Standing::Taken,
        Status::Saving(key) if key == lease.key => Standing::Expected,
        Status::Active(_) | Status::Saving(_) | Status::Queued => Standing::Evicted,
    }
}
