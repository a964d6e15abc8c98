//! `operations/arrivals.rs`: whose an object is that appeared. Events come late, in any order, and twice.

use crate::calls::{Answer, Call, Choice};
use crate::completion::{self, Outcome};
use crate::protocol::Rules;
use crate::state::{BlobState, Held, Key, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Idle,
    /// `look`
    Look(Key),
    Remind(Key),
    /// Is the image known?
    Find(Key),
    Condemn(Key),
    Works {
        key: Key,
        step: completion::Step,
    },
    /// The event is done with.
    Told(Key),
}

impl Step {
    pub(crate) fn visit(&mut self, visit: &mut dyn Visit) {
        if let Self::Works { key, step } = self {
            step.visit(*key, visit);
        }
    }

    pub(crate) fn calls(self, held: &Held, rules: Rules, renewals: bool) -> Vec<Call> {
        match self {
            Self::Idle => {
                let coming = held
                    .events
                    .iter()
                    .filter(|(_, event)| event.untold > 0 || (rules.repeats && !event.repeated));
                coming.map(|(key, _)| Call::Chooses(Choice::Arrives(*key))).collect()
            }
            Self::Look(key) => vec![Call::Blob(key)],
            Self::Remind(key) => vec![Call::Remind(key)],
            Self::Find(_) => vec![Call::Find],
            Self::Condemn(key) => vec![Call::Condemn(key)],
            Self::Works { key, step } => step.calls(key, renewals),
            Self::Told(_) => vec![],
        }
    }

    pub(crate) fn after(self, call: Call, answer: Answer, rules: Rules) -> Self {
        match (self, answer) {
            (Self::Idle, _) => match call {
                Call::Chooses(Choice::Arrives(key)) => Self::Look(key),
                _ => Self::Idle,
            },
            (Self::Look(key), Answer::Blob(blob)) => match blob.map(|blob| (blob.state, blob.session)) {
                Some((BlobState::Writing, Some(_))) => Self::Works { key, step: completion::Step::Advance },
                Some((BlobState::Writing | BlobState::Attached, _)) => Self::Told(key),
                Some((BlobState::Garbage, _)) => Self::Remind(key),
                None => Self::Find(key),
            },
            (Self::Remind(key) | Self::Condemn(key), Answer::Done) => Self::Told(key),
            (Self::Find(key), Answer::Image(_)) => Self::Condemn(key),
            (Self::Condemn(key), Answer::Lost) => Self::Look(key),
            (Self::Works { key, step }, answer) => match step.after(call, answer, key, rules) {
                // It comes again.
                completion::Step::Over(Outcome::Busy | Outcome::Failed) => Self::Idle,
                completion::Step::Over(_) => Self::Told(key),
                step => Self::Works { key, step },
            },
            _ => Self::Idle,
        }
    }
}
