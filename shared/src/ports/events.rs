//! What happened, for whoever listens: the notifications of the Image service.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::id::{ImageId, ProjectId};
use crate::time::Timestamp;

/// What happened to an image. The names are those of Glance's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// `image.create`
    Create,
    /// `image.update`
    Update,
    /// `image.delete`
    Delete,
    /// `image.prepare`: bytes begin to arrive.
    Prepare,
    /// `image.upload`: the bytes are there.
    Upload,
    /// `image.activate`
    Activate,
    /// `image.member.create`
    MemberCreate,
    /// `image.member.update`
    MemberUpdate,
    /// `image.member.delete`
    MemberDelete,
}

impl EventKind {
    /// The event type on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "image.create",
            Self::Update => "image.update",
            Self::Delete => "image.delete",
            Self::Prepare => "image.prepare",
            Self::Upload => "image.upload",
            Self::Activate => "image.activate",
            Self::MemberCreate => "image.member.create",
            Self::MemberUpdate => "image.member.update",
            Self::MemberDelete => "image.member.delete",
        }
    }
}

/// Something that happened, after it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// To which image.
    pub image: ImageId,
    /// Whose it is.
    pub owner: Option<ProjectId>,
    /// Which member of it, when it happened to one.
    pub member: Option<ProjectId>,
    /// When.
    pub at: Timestamp,
}

/// Takes events. Delivery is at most once: an event never decides what the table holds.
#[async_trait]
pub trait Events: Debug + Send + Sync {
    /// Publishes one event. A listener's fault stays with the listener.
    async fn publish(&self, event: Event);
}
