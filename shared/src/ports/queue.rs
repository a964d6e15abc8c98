//! Work that is asked for now and done soon, elsewhere.

use std::fmt::Debug;

use async_trait::async_trait;

/// A job. Each may be delivered twice or not at all: due rows stay the record of what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// Something is due: the reaper need not wait for its schedule.
    Reap,
}

/// Takes jobs.
#[async_trait]
pub trait Queue: Debug + Send + Sync {
    /// Asks for a job to be done soon. A full or absent queue loses it, which costs time and nothing else.
    async fn enqueue(&self, job: Job);
}
