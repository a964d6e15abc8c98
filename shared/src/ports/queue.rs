//! Work that is asked for now and done soon, elsewhere.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::image::Location;

/// A job. Each may be delivered twice or not at all: due rows stay the record of what is owed.
///
/// Where a queue keeps text, a job is an object that is named by its member `job`: `{"job":"reap"}`. Other members are
/// passed over, so that a job can come to say more while older workers run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Something is due: the reaper need not wait for its schedule.
    Reap,
    /// An object is to be filled by an import: `{"job":"import","store":…,"key":…}`.
    Import(Location),
}

/// Takes jobs.
#[async_trait]
pub trait Queue: Debug + Send + Sync {
    /// Asks for a job to be done soon. A full or absent queue loses it, which costs time and nothing else.
    async fn enqueue(&self, job: Job);

    /// Asks for a job to be done after a while, of 15 minutes at most.
    async fn enqueue_after(&self, job: Job, delay: Duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_an_object_that_may_come_to_say_more() {
        assert_eq!(serde_json::to_string(&Job::Reap).unwrap(), r#"{"job":"reap"}"#);
        assert_eq!(serde_json::from_str::<Job>(r#"{"job":"reap","since":1}"#).unwrap(), Job::Reap);
        let key = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01ARYZ6S41ZZZZZZZZZZZZZZZZ";
        let import = format!(r#"{{"job":"import","store":"far","key":"{key}"}}"#);
        let job = serde_json::from_str::<Job>(&import).unwrap();
        assert_eq!(serde_json::to_string(&job).unwrap(), import);
        serde_json::from_str::<Job>(r#"{"job":"import"}"#).unwrap_err();
    }
}
