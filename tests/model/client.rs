//! `operations/sessions`: whoever brings the parts of a session, and completes it or gives it up.

use crate::calls::{Answer, Call, Choice};
use crate::completion;
use crate::protocol::Rules;
use crate::state::{BlobState, Image, Key, Phase, Session, Status, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Find,
    Begin(Image),
    BeginParts(Session),
    KeepBegun(Session),
    Bring,
    /// What the client asks for next.
    Asks,
    /// `find_session`: the image, then the blob. `closes` says what for.
    FindSession {
        closes: bool,
    },
    FindBlob {
        closes: bool,
    },
    /// `take_over`
    Arrived(Session),
    TakeOver(Session),
    Works(completion::Step),
    Over,
}

impl Step {
    pub(crate) fn visit(&mut self, key: Key, visit: &mut dyn Visit) {
        match self {
            Self::Begin(seen) => visit.image(seen),
            Self::BeginParts(held) | Self::KeepBegun(held) | Self::Arrived(held) | Self::TakeOver(held) => {
                visit.session(key, held);
            }
            Self::Works(step) => step.visit(key, visit),
            Self::Find
            | Self::Bring
            | Self::Asks
            | Self::FindSession { .. }
            | Self::FindBlob { .. }
            | Self::Over => {}
        }
    }

    pub(crate) fn calls(self, key: Key, renewals: bool) -> Vec<Call> {
        let keep = |seen: Session, phase, moves| Call::KeepSession { key, seen, phase, begun: true, moves };
        match self {
            Self::Find | Self::FindSession { .. } => vec![Call::Find],
            Self::Begin(seen) => vec![Call::BeginSession { seen, key }],
            Self::BeginParts(_) => vec![Call::BeginDirect(key)],
            Self::KeepBegun(session) => vec![keep(session, Phase::Open, false)],
            Self::Bring => vec![Call::TakePart(key)],
            Self::Asks => vec![Call::Chooses(Choice::Completes), Call::Chooses(Choice::Closes)],
            Self::FindBlob { .. } => vec![Call::Blob(key)],
            Self::Arrived(_) => vec![Call::Arrived(key)],
            Self::TakeOver(session) => vec![keep(session, Phase::Completing, true)],
            Self::Works(step) => step.calls(key, renewals),
            Self::Over => vec![],
        }
    }

    pub(crate) fn after(self, call: Call, answer: Answer, key: Key, rules: Rules) -> Self {
        let works = |step: completion::Step| match step {
            completion::Step::Over(_) => Self::Over,
            step => Self::Works(step),
        };
        match (self, answer) {
            (Self::Find, Answer::Image(seen)) if seen.status == Status::Queued => Self::Begin(seen),
            // Another try has another key, and is another client.
            (Self::Begin(_), Answer::Kept(_)) if rules.empty => Self::Asks,
            (Self::Begin(_), Answer::Kept(session)) => Self::BeginParts(session),
            (Self::BeginParts(session), Answer::Done) => Self::KeepBegun(session),
            (Self::KeepBegun(_), Answer::Kept(_)) => Self::Bring,
            // `open_session` gives up what could not be begun.
            (Self::BeginParts(session) | Self::KeepBegun(session), _) => {
                Self::Works(completion::Step::GiveUp(session))
            }
            (Self::Bring, Answer::Done) => Self::Asks,
            (Self::Asks, _) => Self::FindSession { closes: call == Call::Chooses(Choice::Closes) },
            (Self::FindSession { closes }, Answer::Image(seen)) if seen.status == Status::Saving(key) => {
                Self::FindBlob { closes }
            }
            (Self::FindBlob { closes }, Answer::Blob(Some(blob))) if blob.state == BlobState::Writing => {
                match blob.session {
                    None => Self::Over,
                    Some(session) if closes => Self::Works(completion::Step::GiveUp(session)),
                    Some(session) if session.phase == Phase::Completing => {
                        Self::Works(completion::Step::Advance)
                    }
                    Some(session) if rules.empty => Self::TakeOver(session),
                    Some(session) if session.begun => Self::Arrived(session),
                    Some(_) => Self::Over,
                }
            }
            (Self::Arrived(session), Answer::Is(true)) => Self::TakeOver(session),
            (Self::Arrived(_), Answer::NotFound) | (Self::TakeOver(_), Answer::Lost) => {
                Self::FindSession { closes: false }
            }
            (Self::TakeOver(_), Answer::Kept(held)) => Self::Works(completion::Step::Work(held)),
            (Self::Works(step), answer) => works(step.after(call, answer, key, rules)),
            _ => Self::Over,
        }
    }
}
