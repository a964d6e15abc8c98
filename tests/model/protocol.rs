//! What may happen next, and what must hold.

use stateright::{Model, Property};

use crate::actors::{Actor, CLASSIC, SESSION, State};
use crate::calls::{Answer, Call, Choice};
use crate::state::Status;

/// How the protocol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Whether the store tells of objects, as a bucket does and a directory does not.
    pub(crate) tells: bool,
    /// Whether it tells twice.
    pub(crate) repeats: bool,
    /// Whether the session is one without bytes.
    pub(crate) empty: bool,
    /// What is not as the code has it.
    pub(crate) broken: Option<Broken>,
}

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// `attach` asks for nothing.
    AttachesAlways,
    /// `begin_upload` writes no due row.
    ForgetsIntent,
    /// The reaper removes an object before it says that it is garbage.
    RemovesFirst,
    /// The reaper forgets an object before it removes it.
    ForgetsFirst,
    /// A worker whose image waits for it no longer leaves what it wrote.
    LeavesBehind,
}

/// How much may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    /// Calls that are not made, made without an answer, made twice, or made later.
    pub(crate) faults: u8,
    /// Processes that die.
    pub(crate) crashes: u8,
    /// Processes that stand still for longer than their lease.
    pub(crate) stalls: u8,
    /// Leases that are renewed, and parts that are brought again.
    pub(crate) renewals: u8,
    /// Changes of the image's metadata.
    pub(crate) updates: u8,
    pub(crate) uploads: bool,
    pub(crate) helps: bool,
    pub(crate) deletes: bool,
}

/// The model.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum How {
    Answered,
    Refused,
    AnswerLost,
    Doubled,
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Calls(Actor, Call, How),
    Crashes(Actor),
    /// A request is done that nobody waits for any more.
    Lands(Call),
    Updates,
}

/// A choice that touches nothing others see.
fn is_private(call: Call) -> bool {
    matches!(call, Call::Chooses(choice) if !matches!(choice, Choice::Sweeps(_) | Choice::Arrives(_)))
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.limits)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let calls = Actor::ALL.map(|actor| (actor, state.calls(actor, self.rules)));
        // What touches nothing that others see may come first: every other order leads to the same.
        let private =
            calls.iter().find(|(_, calls)| !calls.is_empty() && calls.iter().all(|call| is_private(*call)));
        if let Some((actor, calls)) = private {
            actions.extend(calls.iter().map(|call| Action::Calls(*actor, *call, How::Answered)));
            return;
        }
        for (actor, calls) in calls {
            for call in calls {
                actions.push(Action::Calls(actor, call, How::Answered));
                if state.left.faults > 0 && call.fails() {
                    actions.push(Action::Calls(actor, call, How::Refused));
                }
                if state.left.faults > 0 && call.writes() {
                    let hows = [How::AnswerLost, How::Doubled, How::Late];
                    actions.extend(hows.map(|how| Action::Calls(actor, call, how)));
                }
            }
            if state.left.crashes > 0 && !state.is_idle(actor) {
                actions.push(Action::Crashes(actor));
            }
        }
        actions.extend(state.in_flight.iter().map(|call| Action::Lands(*call)));
        if state.left.updates > 0 && state.held.image.status != Status::Deleted {
            actions.push(Action::Updates);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Calls(actor, call, how) => self.call(&mut state, actor, call, how)?,
            Action::Crashes(actor) => {
                state.left.crashes -= 1;
                state.crash(actor);
            }
            Action::Lands(call) => {
                state.in_flight.remove(&call);
                state.held.apply(call, self.rules);
            }
            Action::Updates => {
                state.left.updates -= 1;
                state.held.apply(Call::Update { seen: last.held.image }, self.rules);
            }
        }
        Some(state.without_history())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ACTIVE, |_, state: &State| match state.held.image.status {
                Status::Active(key) => state.held.objects.contains(&key),
                _ => true,
            }),
            // Where nobody tells of objects, whoever wrote one looks after it until its end.
            Property::always(OWNED, |model: &Self, state: &State| {
                let looked_after = !model.rules.tells && !state.is_over();
                looked_after || state.held.objects.iter().all(|key| state.is_owned(*key))
            }),
            // What a process leaves that dies, or a request that comes late, is for the bucket's own rule.
            Property::always(BEGUN, |model: &Self, state: &State| {
                let may_stay = model.limits.crashes > 0 || model.limits.faults > 0;
                may_stay || !state.is_over() || state.held.begun.is_empty()
            }),
            Property::always(LOOKED_AT, |_, state: &State| match state.held.image.status {
                Status::Saving(key) => state.is_due(key),
                _ => true,
            }),
            Property::eventually(ENDS, |_, state: &State| {
                state.is_over() && !matches!(state.held.image.status, Status::Saving(_))
            }),
            Property::sometimes(UPLOADED, |_, state: &State| {
                state.held.image.status == Status::Active(CLASSIC)
            }),
            Property::sometimes(COMPLETED, |_, state: &State| {
                state.held.image.status == Status::Active(SESSION)
            }),
        ]
    }
}

pub(crate) const ACTIVE: &str = "nothing is active without its bytes";
pub(crate) const OWNED: &str = "no object is unowned";
pub(crate) const BEGUN: &str = "nothing that was begun stays";
pub(crate) const LOOKED_AT: &str = "an image that waits is looked at";
pub(crate) const ENDS: &str = "no session blocks the image for ever";
pub(crate) const UPLOADED: &str = "an upload makes the image active";
pub(crate) const COMPLETED: &str = "a session makes the image active";

impl Protocol {
    /// `None` when it would be one stall too many.
    fn call(&self, state: &mut State, actor: Actor, call: Call, how: How) -> Option<()> {
        let left = &mut state.left;
        if how != How::Answered {
            left.faults -= 1;
        }
        if matches!(call, Call::RenewLease(_) | Call::Chooses(Choice::Missing) | Call::Renews { .. }) {
            left.renewals -= 1;
        }
        if state.presumes_dead(call) {
            state.left.stalls = state.left.stalls.checked_sub(1)?;
        }
        let held = &mut state.held;
        let answer = match how {
            How::Answered => held.apply(call, self.rules),
            How::Refused => Answer::Failed,
            How::AnswerLost => {
                held.apply(call, self.rules);
                Answer::Failed
            }
            How::Doubled => {
                held.apply(call, self.rules);
                held.apply(call, self.rules)
            }
            How::Late => {
                state.in_flight.insert(call);
                Answer::Failed
            }
        };
        state.after(actor, call, answer, self.rules);
        Some(())
    }
}
