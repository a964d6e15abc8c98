//! How the service is set up here.

use std::sync::Arc;
use std::time::Duration;

use shared::adapters::in_process::LocalEvents;
use shared::catalog::Catalog;
use shared::format::Rules;
use shared::image::{Accepted, PageLimits, Quotas};
use shared::import::{ImportMethod, Plugins};
use shared::operations::{
    Completion, CompletionSettings, Context, ImagesSettings, ImportSettings, ImporterSettings, Imports,
    Registrar, RegistrarSettings, SessionSettings, Stores,
};
use shared::ports::Clock;
use shared::transfer::{Intake, Patience};

use crate::regions::seals;

/// How long a writer's lease is here.
pub const LEASE: Duration = Duration::from_mins(2);

/// How long an upload session lasts here.
pub const SESSION_LIFE: Duration = Duration::from_mins(30);

/// How long an import may take for a store here.
pub const IMPORT_LIFE: Duration = Duration::from_hours(3);

/// How long a URL of one is good here.
pub const URL_LIFE: Duration = Duration::from_mins(10);

/// How many bytes of one are hashed here before it is written down.
pub const STRETCH: u64 = 100;

/// How long a task is kept here once it has ended.
pub const TASK_LIFE: Duration = Duration::from_hours(48);

/// How large parts are here, in bytes.
pub const PART: usize = 64;

/// How large an image may be, in bytes, here and where tests ask a deployed service.
pub const MAX_IMAGE: u64 = 1 << 20;

/// How many members an image may have.
pub const MAX_MEMBERS: usize = 128;

/// How upload sessions are here.
pub fn session_settings() -> SessionSettings {
    SessionSettings {
        part_bytes: PART as u64,
        life: SESSION_LIFE,
        url_life: URL_LIFE,
        completion: CompletionSettings { lease: LEASE, stretch_bytes: STRETCH, run_bytes: u64::MAX },
        within: None,
    }
}

/// What completes them over a catalog and its stores, and tells nobody.
pub fn completion(catalog: Catalog, stores: Stores, clock: Arc<dyn Clock>, rules: Rules) -> Completion {
    let events = Arc::new(LocalEvents::new(16));
    Completion::new(catalog, stores, clock, events, rules, session_settings().completion)
}

/// How often what was registered is tried again here.
pub const RETRIES: u32 = 3;

/// What looks at what was registered, over a catalog and its stores, and tells nobody.
pub fn registrar(catalog: Catalog, stores: Stores, clock: Arc<dyn Clock>, rules: Rules) -> Registrar {
    let settings = RegistrarSettings {
        completion: session_settings().completion,
        max_bytes: MAX_IMAGE,
        retries: RETRIES,
        task_life: TASK_LIFE,
    };
    Registrar::new(catalog, stores, clock, Arc::new(LocalEvents::new(16)), rules, settings)
}

/// What an importer is told, but for its ports.
pub(super) fn importer_settings(intake: Intake, rules: Rules) -> ImporterSettings {
    ImporterSettings {
        lease: LEASE,
        life: IMPORT_LIFE,
        intake,
        plugins: Plugins::default(),
        patience: Patience { tries: 1, pause: Duration::from_millis(1), ..Patience::default() },
        rules,
        completion: session_settings().completion,
        task_life: TASK_LIFE,
        accepted: Arc::default(),
        extra_properties: vec!["hw_".to_owned(), "os_distro".to_owned()],
    }
}

pub(super) const INTAKE: Intake = Intake {
    part_bytes: PART as u64,
    parts_in_flight: 2,
    max_bytes: MAX_IMAGE,
    idle: Duration::from_mins(1),
};

/// What is said of records.
pub(super) fn images_settings(
    stores: &Stores,
    accepted: Arc<Accepted>,
    import_methods: Vec<ImportMethod>,
) -> ImagesSettings {
    ImagesSettings {
        quotas: Quotas::default(),
        pages: PageLimits { default: 25, max: 1000 },
        accepted,
        import_methods,
        stores: stores.ids().cloned().collect(),
    }
}

/// What takes requests to import.
pub(super) fn imported(
    context: &Context,
    stores: &Stores,
    methods: Vec<ImportMethod>,
    plugins: Plugins,
) -> Imports {
    let settings = ImportSettings {
        methods: methods.into(),
        stores: stores.ids().cloned().collect(),
        sources: Arc::default(),
        plugins,
        life: IMPORT_LIFE,
        task_life: TASK_LIFE,
    };
    Imports::new(context.clone(), settings).sealing(Some(seals()))
}
