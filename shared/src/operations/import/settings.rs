//! What an importer works with, and how.

use std::sync::Arc;
use std::time::Duration;

use crate::format::Rules;
use crate::image::Accepted;
use crate::import::Plugins;
use crate::operations::CompletionSettings;
use crate::ports::{Clock, Events, Fetch, Ids, Queue, Regions, TokenSeals};
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
    /// Who knows other regions; nobody where none is asked.
    pub abroad: Option<AbroadPorts>,
}

/// Who knows other regions, and whose tokens are whose.
#[derive(Clone, Debug)]
pub struct AbroadPorts {
    /// The regions.
    pub regions: Arc<dyn Regions>,
    /// Who seals tokens.
    pub seals: Arc<dyn TokenSeals>,
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
    /// What values images may take over from other regions.
    pub accepted: Arc<Accepted>,
    /// How names of properties begin that they take over.
    pub extra_properties: Vec<String>,
}
