//! Calls of the table and the store, by the names of `shared::catalog` and `shared::ports::Store`, and their answers.

use crate::state::{Blob, Due, Image, Key, Phase, Session, Visit};

/// A call of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Call {
    // Reads of the table.
    Find,
    Blob(Key),
    IsDue(Due),
    // Writes of the table.
    BeginUpload {
        seen: Image,
        key: Key,
    },
    BeginSession {
        seen: Image,
        key: Key,
    },
    RenewLease(Due),
    KeepSession {
        key: Key,
        seen: Session,
        phase: Phase,
        begun: bool,
        moves: bool,
    },
    /// The same, between two stretches of hashing.
    Renews {
        key: Key,
        seen: Session,
    },
    Attach {
        seen: Image,
        lease: Due,
    },
    Abandon {
        seen: Image,
        lease: Due,
    },
    Withdraw {
        seen: Image,
        lease: Due,
    },
    Expire {
        seen: Image,
        due: Due,
    },
    Disown(Key),
    Delete {
        seen: Image,
    },
    Update {
        seen: Image,
    },
    Condemn(Key),
    Remind(Key),
    Forget(Due),
    Settle(Due),
    // The store.
    Put(Key),
    BeginDirect(Key),
    TakePart(Key),
    Arrived(Key),
    Assemble(Key),
    Size(Key),
    Remove(Key),
    /// No call: one way to go on, of several.
    Chooses(Choice),
}

/// Ways to go on that are not the service's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Choice {
    /// The body breaks, or is refused.
    Broken,
    /// The client completes its session.
    Completes,
    /// The client gives its session up.
    Closes,
    /// The bytes are what they should be.
    Fits,
    /// They are not, or the session's time is over.
    Refused,
    /// A part is being brought again.
    Missing,
    /// What is due is looked at.
    Sweeps(Due),
    /// An event arrives.
    Arrives(Key),
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Done,
    /// Done, and due then.
    Due(Due),
    /// A condition did not hold.
    Lost,
    /// Nobody knows.
    Failed,
    NotFound,
    Image(Image),
    Blob(Option<Blob>),
    Kept(Session),
    Is(bool),
}

impl Call {
    /// Whether it changes anything.
    pub(crate) fn writes(self) -> bool {
        !matches!(
            self,
            Self::Find | Self::Blob(_) | Self::IsDue(_) | Self::Arrived(_) | Self::Size(_) | Self::Chooses(_)
        )
    }

    /// Whether it may fail: a choice is nobody's call.
    pub(crate) fn fails(self) -> bool {
        !matches!(self, Self::Chooses(_))
    }
}

impl Call {
    pub(crate) fn visit(&mut self, visit: &mut dyn Visit) {
        match self {
            Self::BeginUpload { seen, .. }
            | Self::BeginSession { seen, .. }
            | Self::Delete { seen }
            | Self::Update { seen } => visit.image(seen),
            Self::Attach { seen, lease }
            | Self::Abandon { seen, lease }
            | Self::Withdraw { seen, lease }
            | Self::Expire { seen, due: lease } => {
                visit.image(seen);
                visit.due(lease);
            }
            Self::KeepSession { key, seen, .. } | Self::Renews { key, seen } => visit.session(*key, seen),
            Self::IsDue(due) | Self::RenewLease(due) | Self::Forget(due) | Self::Settle(due) => {
                visit.due(due);
            }
            _ => {}
        }
    }
}
