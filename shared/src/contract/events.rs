//! What every [`Events`] does. Each case takes an adapter, and what hears all that is published on it.

#![expect(clippy::unwrap_used, reason = "a suite fails by panicking, as tests do")]

use std::fmt::Debug;

use async_trait::async_trait;

use crate::id::ImageId;
use crate::ports::{Event, EventKind, Events};
use crate::time::Timestamp;

/// The other end of the wire, as a test sees it.
#[async_trait]
pub trait Listener: Debug + Send {
    /// The next event, once there is one; `None` when some were lost before it.
    async fn hear(&mut self) -> Option<Event>;
}

/// Runs every case of the suite as a test of its own. Takes an async function that answers an adapter and a listener.
#[macro_export]
macro_rules! events_contract {
    ($fresh:path) => {
        $crate::events_contract! { @each $fresh:
            an_event_arrives_whole
            events_arrive_in_their_order
            a_listener_that_sleeps_holds_nobody_up
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (events, mut listener) = $fresh().await;
                $crate::contract::events::$case(&events, &mut listener).await;
            }
        )*
    };
}

/// Kind, image, owner and time.
pub async fn an_event_arrives_whole(events: &dyn Events, listener: &mut dyn Listener) {
    let all = [
        EventKind::Create,
        EventKind::Update,
        EventKind::Delete,
        EventKind::Prepare,
        EventKind::Upload,
        EventKind::Activate,
        EventKind::MemberCreate,
        EventKind::MemberUpdate,
        EventKind::MemberDelete,
    ];
    for kind in all {
        for owner in [None, Some("project".parse().unwrap())] {
            let event = Event { member: owner.clone(), owner, ..event(kind, 1) };
            events.publish(event.clone()).await;
            assert_eq!(listener.hear().await, Some(event));
        }
    }
}

/// What one publisher says is heard in the order it was said in.
pub async fn events_arrive_in_their_order(events: &dyn Events, listener: &mut dyn Listener) {
    for number in 0..10 {
        events.publish(event(EventKind::Update, number)).await;
    }
    for number in 0..10 {
        assert_eq!(listener.hear().await, Some(event(EventKind::Update, number)));
    }
}

/// An event may be lost, but never waited for: the request that caused it is not to fail or hang by a listener.
pub async fn a_listener_that_sleeps_holds_nobody_up(events: &dyn Events, listener: &mut dyn Listener) {
    for number in 0..10_000 {
        events.publish(event(EventKind::Update, number)).await;
    }
    listener.hear().await;
}

fn event(kind: EventKind, number: u16) -> Event {
    let image = ImageId::from_random(number.into());
    Event { kind, image, owner: None, member: None, at: Timestamp::from_microseconds(number.into()) }
}
