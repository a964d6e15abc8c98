//! How bytes become an image's, as a model (docs/adr/0018): one who uploads, one with a session, one who deletes, the reaper, and
//! the function that is told of objects. Every order of their calls is looked at, with calls that fail, are doubled or come late,
//! and with processes that die or stand still. Steps and calls have the names of the code's functions.

#![cfg(test)]
#![expect(clippy::match_same_arms, reason = "arms stand in the order of the steps they are of")]

mod actors;
mod arrivals;
mod calls;
mod client;
mod completion;
mod deleter;
mod protocol;
mod reaper;
mod state;
mod store;
mod table;
mod upload;

use protocol::{ACTIVE, BEGUN, Broken, COMPLETED, ENDS, LOOKED_AT, Limits, OWNED, Protocol, Rules, UPLOADED};
use stateright::{Checker, HasDiscoveries, Model};

const BUCKET: Rules = Rules { tells: true, repeats: false, empty: false, broken: None };
const DIRECTORY: Rules = Rules { tells: false, ..BUCKET };

/// Looks at every state, or until `found` is; answers how many there were, and what was found.
fn explored(rules: Rules, limits: Limits, found: HasDiscoveries) -> (usize, Vec<&'static str>) {
    let checker = Protocol { rules, limits }.checker().finish_when(found).spawn_bfs().join();
    let states = checker.unique_state_count();
    println!("{rules:?}, {limits:?}: {states} states, at most {} steps", checker.max_depth());
    let mut found: Vec<_> = checker.discoveries().into_keys().collect();
    found.sort_unstable();
    (states, found)
}

/// Everything holds in at least so many states, and every way to an active image was taken.
fn holds(rules: Rules, limits: Limits, at_least: usize) {
    let (states, found) = explored(rules, limits, HasDiscoveries::AnyFailures);
    let mut ways = vec![COMPLETED];
    ways.extend(limits.uploads.then_some(UPLOADED));
    if found != ways {
        let checker = Protocol { rules, limits }.checker().finish_when(HasDiscoveries::AnyFailures);
        for (name, path) in checker.spawn_bfs().join().discoveries() {
            println!("{name}: {:#?}", path.into_actions());
        }
    }
    assert_eq!(found, ways);
    assert!(states >= at_least, "{states} states are too few");
}

const ALL: Limits = Limits {
    faults: 0,
    crashes: 0,
    stalls: 0,
    renewals: 0,
    updates: 0,
    uploads: true,
    helps: false,
    deletes: true,
};

#[test]
fn everybody_at_once_and_one_stands_still() {
    holds(BUCKET, Limits { stalls: 1, ..ALL }, 500_000);
}

#[test]
fn two_who_upload_while_a_call_fails_and_one_dies() {
    holds(BUCKET, Limits { faults: 1, crashes: 1, deletes: false, ..ALL }, 300_000);
}

#[test]
fn a_session_that_is_deleted_while_a_call_fails_and_one_dies() {
    holds(BUCKET, Limits { faults: 1, crashes: 1, uploads: false, ..ALL }, 100_000);
}

#[test]
fn a_session_of_two_machines_while_one_dies() {
    holds(BUCKET, Limits { crashes: 1, helps: true, uploads: false, deletes: false, ..ALL }, 10_000);
}

#[test]
fn a_session_without_bytes_while_a_call_fails() {
    holds(Rules { empty: true, ..BUCKET }, Limits { faults: 1, uploads: false, ..ALL }, 50_000);
}

#[test]
fn events_that_come_twice() {
    holds(Rules { repeats: true, ..BUCKET }, Limits { faults: 1, deletes: false, ..ALL }, 100_000);
}

#[test]
fn leases_that_are_renewed_of_an_image_that_is_changed() {
    holds(BUCKET, Limits { renewals: 1, updates: 1, stalls: 1, deletes: false, ..ALL }, 200_000);
}

/// Who lives to its end leaves nothing, also where nobody tells of objects.
#[test]
fn a_directory_tells_of_nothing() {
    for empty in [false, true] {
        holds(Rules { empty, ..DIRECTORY }, Limits { stalls: 1, ..ALL }, 40_000);
    }
}

/// Each mistake is found, by what it breaks.
#[test]
fn what_is_broken_is_found() {
    for (broken, rules, limits, breaks) in [
        (Broken::AttachesAlways, BUCKET, Limits { stalls: 1, ..ALL }, ACTIVE),
        (Broken::ForgetsIntent, BUCKET, ALL, LOOKED_AT),
        (Broken::ForgetsIntent, BUCKET, Limits { crashes: 1, deletes: false, ..ALL }, ENDS),
        (Broken::RemovesFirst, BUCKET, Limits { stalls: 1, ..ALL }, ACTIVE),
        (Broken::ForgetsFirst, BUCKET, Limits { crashes: 1, ..ALL }, OWNED),
        (Broken::LeavesBehind, DIRECTORY, ALL, BEGUN),
        (Broken::LeavesBehind, Rules { empty: true, ..DIRECTORY }, ALL, OWNED),
    ] {
        let rules = Rules { broken: Some(broken), ..rules };
        let (_, found) = explored(rules, limits, HasDiscoveries::AllOf([breaks].into()));
        assert!(found.contains(&breaks), "{broken:?}: {found:?}");
    }
}
