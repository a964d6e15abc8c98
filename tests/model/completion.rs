//! `operations/completion.rs`: one worker on one session, whoever called it.

use crate::calls::{Answer, Call, Choice};
use crate::protocol::{Broken, Rules};
use crate::state::{BlobState, Due, Image, Key, Phase, Session, Status, Visit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// `advance`.
    Advance,
    Take(Session),
    /// `work`: is its time over?
    Work(Session),
    /// `make_whole`, for the first time and for the second.
    Size {
        held: Session,
        first: bool,
    },
    Arrived {
        held: Session,
        first: bool,
    },
    Assemble {
        held: Session,
        first: bool,
    },
    Put(Session),
    Reopen(Session),
    /// Between two stretches.
    Hash(Session),
    PassedOver,
    /// `attach`: `standing`, then the write.
    Standing(Session),
    Attach {
        held: Session,
        seen: Image,
    },
    /// `give_up`: `standing`, then the write.
    GiveUp(Session),
    Abandon {
        held: Session,
        seen: Image,
    },
    Discard(Due),
    Forget(Due),
    /// The image waits for it no longer: what was made of it goes.
    Leave,
    Over(Outcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Active,
    Refused,
    Reopened,
    Ended,
    Open,
    Busy,
    None,
    Failed,
}

impl Step {
    pub(crate) fn visit(&mut self, key: Key, visit: &mut dyn Visit) {
        match self {
            Self::Take(held)
            | Self::Work(held)
            | Self::Size { held, .. }
            | Self::Arrived { held, .. }
            | Self::Assemble { held, .. }
            | Self::Put(held)
            | Self::Reopen(held)
            | Self::Hash(held)
            | Self::Standing(held)
            | Self::GiveUp(held) => visit.session(key, held),
            Self::Attach { held, seen } | Self::Abandon { held, seen } => {
                visit.session(key, held);
                visit.image(seen);
            }
            Self::Discard(due) | Self::Forget(due) => visit.due(due),
            Self::Advance | Self::PassedOver | Self::Leave | Self::Over(_) => {}
        }
    }

    pub(crate) fn calls(self, key: Key, renewals: bool) -> Vec<Call> {
        let keep =
            |seen: Session, phase| Call::KeepSession { key, seen, phase, begun: seen.begun, moves: true };
        let lease = |held: Session| Due { key, at: held.due };
        match self {
            Self::Advance => vec![Call::Blob(key)],
            Self::Take(seen) => vec![keep(seen, Phase::Completing)],
            Self::Work(_) => vec![Call::Chooses(Choice::Fits), Call::Chooses(Choice::Refused)],
            Self::Size { .. } => vec![Call::Size(key)],
            Self::Arrived { first: true, .. } if renewals => {
                vec![Call::Arrived(key), Call::Chooses(Choice::Missing)]
            }
            Self::Arrived { .. } => vec![Call::Arrived(key)],
            Self::Assemble { .. } => vec![Call::Assemble(key)],
            Self::Put(_) => vec![Call::Put(key)],
            Self::Reopen(held) => vec![keep(held, Phase::Open)],
            Self::Hash(held) => {
                let mut calls = vec![Call::Chooses(Choice::Fits), Call::Chooses(Choice::Refused)];
                if renewals {
                    calls.push(Call::Renews { key, seen: held });
                }
                calls
            }
            Self::Standing(_) | Self::GiveUp(_) | Self::PassedOver => vec![Call::Find],
            Self::Attach { held, seen } => vec![Call::Attach { seen, lease: lease(held) }],
            Self::Abandon { held, seen } => vec![Call::Abandon { seen, lease: lease(held) }],
            Self::Discard(_) | Self::Leave => vec![Call::Remove(key)],
            Self::Forget(due) => vec![Call::Forget(due)],
            Self::Over(_) => vec![],
        }
    }

    pub(crate) fn after(self, call: Call, answer: Answer, key: Key, rules: Rules) -> Self {
        let over = Self::Over;
        let failed = over(Outcome::Failed);
        match (self, answer) {
            (Self::Advance, Answer::Blob(blob)) => match blob.map(|blob| (blob.state, blob.session)) {
                None | Some((BlobState::Garbage, _)) => over(Outcome::Ended),
                Some((BlobState::Attached, _)) => over(Outcome::Active),
                Some((BlobState::Writing, None)) => over(Outcome::None),
                Some((BlobState::Writing, Some(session))) if session.phase == Phase::Open => {
                    over(Outcome::Open)
                }
                Some((BlobState::Writing, Some(session))) => Self::Take(session),
            },
            (Self::Take(_), Answer::Kept(held)) => Self::Work(held),
            (Self::Take(_), Answer::Lost) => over(Outcome::Busy),
            (Self::Work(held), _) if call == Call::Chooses(Choice::Refused) => Self::GiveUp(held),
            (Self::Work(held), _) => Self::Size { held, first: true },
            (Self::Size { held, .. }, Answer::Done) => Self::Hash(held),
            (Self::Size { held, first }, Answer::NotFound) if first && rules.empty => Self::Put(held),
            (Self::Size { held, first: true }, Answer::NotFound) => Self::Arrived { held, first: true },
            (Self::Size { held, first: false }, Answer::NotFound) => Self::GiveUp(held),
            (Self::Arrived { held, .. }, _) if call == Call::Chooses(Choice::Missing) => Self::Reopen(held),
            (Self::Arrived { held, first }, Answer::Is(true)) => Self::Assemble { held, first },
            (Self::Arrived { held, .. }, Answer::Is(false)) => Self::Reopen(held),
            (Self::Arrived { held, .. }, Answer::NotFound) => Self::Size { held, first: false },
            (Self::Assemble { held, .. }, Answer::Done | Answer::NotFound) => {
                Self::Size { held, first: false }
            }
            (Self::Put(held), Answer::Done) => Self::Size { held, first: false },
            (Self::Reopen(_), Answer::Kept(_)) => over(Outcome::Reopened),
            (Self::Reopen(_) | Self::Hash(_), Answer::Lost) => Self::PassedOver,
            (Self::PassedOver, Answer::Image(seen)) => match seen.status {
                Status::Active(taken) if taken == key => over(Outcome::Active),
                Status::Saving(waits) if waits == key => over(Outcome::Busy),
                _ => Self::ended(rules),
            },
            (Self::Hash(held), _) if call == Call::Chooses(Choice::Fits) => Self::Standing(held),
            (Self::Hash(held), _) if call == Call::Chooses(Choice::Refused) => Self::GiveUp(held),
            (Self::Hash(_), Answer::Kept(held)) => Self::Hash(held),
            (Self::Standing(held), Answer::Image(seen)) => match seen.status {
                Status::Active(taken) if taken == key => over(Outcome::Active),
                Status::Saving(waits) if waits == key => Self::Attach { held, seen },
                _ => Self::ended(rules),
            },
            (Self::Attach { .. }, Answer::Done) => over(Outcome::Active),
            (Self::Attach { held, .. }, Answer::Lost) => Self::Standing(held),
            (Self::GiveUp(held), Answer::Image(seen)) => match seen.status {
                Status::Active(taken) if taken == key => over(Outcome::Active),
                Status::Saving(waits) if waits == key => Self::Abandon { held, seen },
                _ => Self::ended(rules),
            },
            (Self::Abandon { .. }, Answer::Due(due)) => Self::Discard(due),
            (Self::Abandon { held, .. }, Answer::Lost) => Self::GiveUp(held),
            (Self::Discard(due), Answer::Done) => Self::Forget(due),
            (Self::Discard(_) | Self::Forget(_), _) => over(Outcome::Refused),
            (Self::Leave, _) => over(Outcome::Ended),
            _ => failed,
        }
    }

    fn ended(rules: Rules) -> Self {
        if rules.broken == Some(Broken::LeavesBehind) { Self::Over(Outcome::Ended) } else { Self::Leave }
    }
}
