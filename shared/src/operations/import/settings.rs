//! What an importer works with, and how.

use std::sync::Arc;
use std::time::Duration;

use crate::format::Rules;
use crate::import::Plugins;
use crate::operations::CompletionSettings;
use crate::ports::{Clock, Events, Fetch, Ids, Queue};
use crate::transfer::{Intake, Patience};

/// What an importer needs from outside.
#[derive(Clone, Debug)]
pub struct ImporterPorts {
    /// Who fetches what users named.
    pub fetch: Arc<dyn Fetch>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// Who is told what happened.
    pub events: Arc<dyn Events>,
    /// Who is told what is to be done next.
    pub queue: Arc<dyn Queue>,
}

/// How imports are worked on.
#[derive(Clone, Debug)]
pub struct ImporterSettings {
    /// How long a worker that died keeps others from going on. A living one renews its lease every third of it.
    pub lease: Duration,
    /// How long it may take to fill one store.
    pub life: Duration,
    /// How a source that does not say how long it is is taken in; its parts are those of every object.
    pub intake: Intake,
    /// How a source is asked again.
    pub patience: Patience,
    /// What is done to data before it is an image's.
    pub plugins: Plugins,
    /// What data is held to.
    pub rules: Rules,
    /// How many bytes are hashed before it is written down, and in one run.
    pub completion: CompletionSettings,
    /// How long a task is kept once it has ended.
    pub task_life: Duration,
}
