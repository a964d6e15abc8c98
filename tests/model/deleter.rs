//! `Images::delete`: whoever deletes the image, whatever becomes of it meanwhile.

use crate::calls::{Answer, Call};
use crate::state::{Image, Key, Status, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Find,
    /// Is it written by a session?
    Blob {
        seen: Image,
        key: Key,
    },
    Delete {
        seen: Image,
        session: Option<Key>,
    },
    /// What a session has brought is due at once.
    Remind(Key),
    Over,
}

impl Step {
    pub(crate) fn visit(&mut self, visit: &mut dyn Visit) {
        match self {
            Self::Blob { seen, .. } | Self::Delete { seen, .. } => visit.image(seen),
            Self::Find | Self::Remind(_) | Self::Over => {}
        }
    }

    pub(crate) fn calls(self) -> Vec<Call> {
        match self {
            Self::Find => vec![Call::Find],
            Self::Blob { key, .. } => vec![Call::Blob(key)],
            Self::Delete { seen, .. } => vec![Call::Delete { seen }],
            Self::Remind(key) => vec![Call::Remind(key)],
            Self::Over => vec![],
        }
    }

    pub(crate) fn after(self, answer: Answer) -> Self {
        match (self, answer) {
            (Self::Find, Answer::Image(seen)) => match seen.status {
                Status::Deleted => Self::Over,
                Status::Saving(key) => Self::Blob { seen, key },
                Status::Queued | Status::Active(_) => Self::Delete { seen, session: None },
            },
            (Self::Blob { seen, key }, Answer::Blob(blob)) => {
                let session = blob.and_then(|blob| blob.session).map(|_| key);
                Self::Delete { seen, session }
            }
            (Self::Delete { session: Some(key), .. }, Answer::Done) => Self::Remind(key),
            (Self::Delete { .. }, Answer::Lost) => Self::Find,
            _ => Self::Over,
        }
    }
}
