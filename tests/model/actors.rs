//! Everybody at once: who is where, and what there is.

use std::collections::{BTreeMap, BTreeSet};

use crate::calls::{Answer, Call, Choice};
use crate::protocol::{Limits, Rules};
use crate::state::{At, BlobState, Due, Held, Image, Key, Session, Status, Visit};
use crate::{arrivals, client, deleter, reaper, upload};

/// The key of the upload.
pub(crate) const CLASSIC: Key = 0;

/// The key of the session.
pub(crate) const SESSION: Key = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Actor {
    Upload,
    Client,
    /// The session's client once more, from another machine.
    Helper,
    Reaper,
    Arrivals,
    Deleter,
}

impl Actor {
    pub(crate) const ALL: [Self; 6] =
        [Self::Upload, Self::Client, Self::Helper, Self::Reaper, Self::Arrivals, Self::Deleter];
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) held: Held,
    pub(crate) upload: upload::Step,
    pub(crate) client: client::Step,
    pub(crate) helper: client::Step,
    pub(crate) reaper: reaper::Step,
    pub(crate) arrivals: arrivals::Step,
    pub(crate) deleter: deleter::Step,
    /// Requests that nobody waits for any more and that may still be done.
    pub(crate) in_flight: BTreeSet<Call>,
    /// What may still happen.
    pub(crate) left: Limits,
}

impl State {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            held: Held::new(),
            upload: if limits.uploads { upload::Step::Find } else { upload::Step::Over },
            client: client::Step::Find,
            helper: if limits.helps { client::Step::Asks } else { client::Step::Over },
            reaper: reaper::Step::Idle,
            arrivals: arrivals::Step::Idle,
            deleter: if limits.deletes { deleter::Step::Find } else { deleter::Step::Over },
            in_flight: BTreeSet::new(),
            left: limits,
        }
    }

    pub(crate) fn calls(&self, actor: Actor, rules: Rules) -> Vec<Call> {
        let renewals = self.left.renewals > 0;
        match actor {
            Actor::Upload => self.upload.calls(CLASSIC, renewals),
            Actor::Client => self.client.calls(SESSION, renewals),
            Actor::Helper => self.helper.calls(SESSION, renewals),
            Actor::Reaper => self.reaper.calls(&self.held, renewals),
            Actor::Arrivals => self.arrivals.calls(&self.held, rules, renewals),
            Actor::Deleter => self.deleter.calls(),
        }
    }

    /// Lets one go on with an answer.
    pub(crate) fn after(&mut self, actor: Actor, call: Call, answer: Answer, rules: Rules) {
        match actor {
            Actor::Upload => self.upload = self.upload.after(call, answer),
            Actor::Client => self.client = self.client.after(call, answer, SESSION, rules),
            Actor::Helper => self.helper = self.helper.after(call, answer, SESSION, rules),
            Actor::Reaper => self.reaper = self.reaper.after(call, answer, rules),
            Actor::Deleter => self.deleter = self.deleter.after(answer),
            Actor::Arrivals => {
                self.arrivals = self.arrivals.after(call, answer, rules);
                if let arrivals::Step::Told(key) = self.arrivals {
                    let event = self.held.events.entry(key).or_default();
                    match event.untold {
                        0 => event.repeated = true,
                        _ => event.untold -= 1,
                    }
                    self.arrivals = arrivals::Step::Idle;
                }
            }
        }
    }

    pub(crate) fn is_idle(&self, actor: Actor) -> bool {
        match actor {
            Actor::Upload => self.upload == upload::Step::Over,
            Actor::Client => self.client == client::Step::Over,
            Actor::Helper => self.helper == client::Step::Over,
            Actor::Reaper => self.reaper == reaper::Step::Idle,
            Actor::Arrivals => self.arrivals == arrivals::Step::Idle,
            Actor::Deleter => self.deleter == deleter::Step::Over,
        }
    }

    /// One dies. The reaper and the function of events are started again.
    pub(crate) fn crash(&mut self, actor: Actor) {
        match actor {
            Actor::Upload => self.upload = upload::Step::Over,
            Actor::Client => self.client = client::Step::Over,
            Actor::Helper => self.helper = client::Step::Over,
            Actor::Reaper => self.reaper = reaper::Step::Idle,
            Actor::Arrivals => self.arrivals = arrivals::Step::Idle,
            Actor::Deleter => self.deleter = deleter::Step::Over,
        }
    }

    /// Nobody does anything any more, and nothing makes anybody.
    pub(crate) fn is_over(&self) -> bool {
        Actor::ALL.iter().all(|actor| self.is_idle(*actor))
            && self.held.due.is_empty()
            && self.in_flight.is_empty()
            && self.held.events.values().all(|event| event.untold == 0)
    }

    /// Whether an object is its image's, or somebody will look at it.
    pub(crate) fn is_owned(&self, key: Key) -> bool {
        self.held.image.status == Status::Active(key)
            || self.is_due(key)
            || self.held.events.get(&key).is_some_and(|event| event.untold > 0)
    }

    pub(crate) fn is_due(&self, key: Key) -> bool {
        self.held.due.iter().any(|due| due.key == key)
    }

    /// Whether it takes somebody who lives for dead to begin this: who lives renews a lease in time, unless it stands still.
    pub(crate) fn presumes_dead(&self, call: Call) -> bool {
        let blob = |key: Key| self.held.blobs.get(&key).filter(|blob| blob.state == BlobState::Writing);
        match call {
            Call::Chooses(Choice::Sweeps(due)) => blob(due.key).is_some() && self.lives(due.key),
            Call::Chooses(Choice::Arrives(key)) => {
                blob(key).is_some_and(|blob| blob.session.is_some()) && self.lives(key)
            }
            _ => false,
        }
    }

    fn lives(&self, key: Key) -> bool {
        if key == CLASSIC {
            return !self.is_idle(Actor::Upload);
        }
        !self.is_idle(Actor::Client)
            || !matches!(self.helper, client::Step::Over | client::Step::Asks)
            || matches!(self.arrivals, arrivals::Step::Works { .. })
            || matches!(self.reaper, reaper::Step::Works { .. })
    }

    fn visit(&mut self, visit: &mut dyn Visit) {
        self.held.visit(visit);
        self.upload.visit(visit);
        self.client.visit(SESSION, visit);
        self.helper.visit(SESSION, visit);
        self.reaper.visit(visit);
        self.arrivals.visit(visit);
        self.deleter.visit(visit);
        let in_flight = std::mem::take(&mut self.in_flight).into_iter();
        self.in_flight = in_flight
            .map(|mut call| {
                call.visit(visit);
                call
            })
            .collect();
    }

    /// The same state without its history: of revisions it matters which is the last, of times which are the same.
    pub(crate) fn without_history(mut self) -> Self {
        let mut times = Times::default();
        self.visit(&mut times);
        let sessions = self.held.blobs.iter();
        let sessions = sessions.filter_map(|(key, blob)| Some((*key, blob.session?.revision))).collect();
        for (key, times) in &times.0 {
            self.held.next.insert(*key, u8::try_from(times.len()).unwrap());
        }
        let mut renamed = Renamed { image: self.held.image.revision, sessions, times };
        self.visit(&mut renamed);
        self
    }
}

/// All times of each key.
#[derive(Default)]
struct Times(BTreeMap<Key, BTreeSet<At>>);

impl Visit for Times {
    fn image(&mut self, _: &mut Image) {}

    fn session(&mut self, key: Key, seen: &mut Session) {
        self.0.entry(key).or_default().insert(seen.due);
    }

    fn due(&mut self, due: &mut Due) {
        self.0.entry(due.key).or_default().insert(due.at);
    }
}

/// New names: 1 for the last revision and 0 for any before; times by their order.
struct Renamed {
    image: u8,
    sessions: BTreeMap<Key, u8>,
    times: Times,
}

impl Renamed {
    fn time(&self, key: Key, at: At) -> At {
        let before = self.times.0.get(&key).map_or(0, |times| times.range(..at).count());
        u8::try_from(before).unwrap() + 1
    }
}

impl Visit for Renamed {
    fn image(&mut self, seen: &mut Image) {
        seen.revision = u8::from(seen.revision == self.image);
    }

    fn session(&mut self, key: Key, seen: &mut Session) {
        seen.revision = u8::from(self.sessions.get(&key) == Some(&seen.revision));
        seen.due = self.time(key, seen.due);
    }

    fn due(&mut self, due: &mut Due) {
        due.at = self.time(due.key, due.at);
    }
}
