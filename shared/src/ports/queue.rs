//! Work that is asked for now and done soon, elsewhere.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A job. Each may be delivered twice or not at all: due rows stay the record of what is owed.
///
/// Where a queue keeps text, a job is an object that is named by its member `job`: `{"job":"reap"}`. Other members are
/// passed over, so that a job can come to say more while older workers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_an_object_that_may_come_to_say_more() {
        assert_eq!(serde_json::to_string(&Job::Reap).unwrap(), r#"{"job":"reap"}"#);
        assert_eq!(serde_json::from_str::<Job>(r#"{"job":"reap","since":1}"#).unwrap(), Job::Reap);
        serde_json::from_str::<Job>(r#"{"job":"import"}"#).unwrap_err();
    }
}
