//! Puts everything together, once: which adapter answers which port is decided here, by configuration alone.
//!
//! A function asks only for what it needs, so that one which never touches bytes links no store.

mod abroad;
mod identity;
mod locations;
mod stores;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

#[cfg(feature = "aws")]
use crate::adapters::aws::{AwsSettings, Host};
use crate::adapters::in_process::{LocalEvents, LocalQueue};
use crate::adapters::none::{NoIdentity, ToldByGateway};
use crate::adapters::system::{RandomIds, SystemClock};
use crate::catalog::Catalog;
#[cfg(any(feature = "sqlite", feature = "memory", feature = "dynamodb"))]
use crate::config::TableAdapter;
use crate::config::{Config, IdentityMode, KeyManager, QueueAdapter, Redirect};
use crate::image::{PageLimits, Quotas};
use crate::operations::{
    Arrivals, ArrivalsSettings, Completion, CompletionSettings, Context, ImageData, Images, ImagesSettings,
    ImportSettings, Imports, Info, Members, Reaper, Redirects, SessionSettings, Signatures, Stores, Tasks,
    TasksSettings, UploadSettings,
};
#[cfg(all(feature = "egress", feature = "plugins"))]
use crate::operations::{Importer, ImporterPorts, ImporterSettings};
use crate::policy::Policy;
use crate::ports::{Cause, Clock, Events, Identity, Ids, Job, Limits, Queue, Table};
use crate::transfer::Intake;

/// How many events a slow listener may be behind, and how many jobs may wait.
const BACKLOG: usize = 1024;

/// How many bytes of an upload session are hashed before it is written down: a second's work or two.
const STRETCH_BYTES: u64 = 256 << 20;

/// The same of an import, whose lease is shorter.
#[cfg(all(feature = "egress", feature = "plugins"))]
const IMPORT_STRETCH_BYTES: u64 = 64 << 20;

/// The configured process.
#[derive(Debug)]
pub struct App {
    /// What was configured.
    pub config: Arc<Config>,
    /// Who calls.
    pub identity: Arc<dyn Identity>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// What happened.
    pub events: Arc<dyn Events>,
    /// Who may do what.
    pub policy: Policy,
}

/// Why a process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An adapter is configured that this program was built without.
    #[error("{key}: this program was built without the adapter '{adapter}'")]
    NotBuilt {
        /// The setting.
        key: &'static str,
        /// Its value.
        adapter: String,
    },
    /// A setting does not fit what this process is to do.
    #[error("{key}: {why}")]
    Unfit {
        /// The setting.
        key: &'static str,
        /// What it must be, and why.
        why: String,
    },
    /// What is configured cannot be opened.
    #[error("cannot open {what}")]
    Open {
        /// What was to be opened.
        what: String,
        /// Why not.
        #[source]
        cause: Cause,
    },
}

impl App {
    /// The process as configured. Touches neither disk nor network.
    pub fn new(config: Config) -> Self {
        let identity: Arc<dyn Identity> = match config.identity.mode {
            IdentityMode::None => Arc::new(NoIdentity::new(config.identity.project.clone())),
            // Until `with_identity` is asked for somebody who can tell, nobody is told, and nobody let in.
            IdentityMode::Keystone => {
                Arc::new(ToldByGateway { authenticate_at: config.identity.keystone.uri() })
            }
        };
        Self {
            identity,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            events: Arc::new(LocalEvents::new(BACKLOG)),
            policy: config.policy.policy(),
            config: Arc::new(config),
        }
    }

    /// Opens the table. Call it once: an embedded table has one writer.
    ///
    /// # Errors
    /// [`StartError`] when it cannot be opened or was not built in.
    pub fn catalog(&self) -> Result<Catalog, StartError> {
        Ok(Catalog::new(self.table()?, self.config.table.listing_shards))
    }

    /// Opens the table a function in the cloud has: DynamoDB. It names no other, so none is linked, whatever else is
    /// built beside it.
    ///
    /// # Errors
    /// [`StartError`] when another is configured.
    #[cfg(feature = "dynamodb")]
    pub fn cloud_catalog(&self) -> Result<Catalog, StartError> {
        match self.config.table.adapter {
            TableAdapter::DynamoDb => {
                Ok(Catalog::new(self.dynamodb(Host::FUNCTION), self.config.table.listing_shards))
            }
            other => Err(not_built("table.adapter", other)),
        }
    }

    /// Opens the queue, and its worker's end. That end is closed when jobs leave the process.
    ///
    /// # Errors
    /// [`StartError`] when it was not built in.
    #[allow(unreachable_patterns, reason = "only a program with every adapter knows them all")]
    pub fn queue(&self) -> Result<(Arc<dyn Queue>, Receiver<Job>), StartError> {
        let (local, jobs) = LocalQueue::new(BACKLOG);
        match self.config.queue.adapter {
            QueueAdapter::Local => Ok((Arc::new(local), jobs)),
            #[cfg(feature = "sqs")]
            QueueAdapter::Sqs => Ok((self.sqs(Host::MACHINE), jobs)),
            other => Err(not_built("queue.adapter", other)),
        }
    }

    /// The queue of a function that has no jobs for others.
    pub fn no_queue(&self) -> Arc<dyn Queue> {
        Arc::new(LocalQueue::new(1).0)
    }

    /// Opens the queue a function in the cloud has: SQS. With another, nobody is told, and what is due waits for the
    /// reaper's schedule.
    #[cfg(feature = "sqs")]
    pub fn cloud_queue(&self) -> Arc<dyn Queue> {
        match self.config.queue.adapter {
            QueueAdapter::Local => self.no_queue(),
            QueueAdapter::Sqs => self.sqs(Host::FUNCTION),
        }
    }

    /// What operations on callers' behalf work with.
    ///
    /// # Errors
    /// As [`Self::limits`].
    pub fn context(&self, catalog: &Catalog, queue: Arc<dyn Queue>) -> Result<Context, StartError> {
        Ok(self.under_limits(self.limits()?, catalog, queue))
    }

    /// The same in a function, whose callers come with their limits.
    pub fn cloud_context(&self, catalog: &Catalog, queue: Arc<dyn Queue>) -> Context {
        self.under_limits(self.cloud_limits(), catalog, queue)
    }

    fn under_limits(&self, limits: Arc<dyn Limits>, catalog: &Catalog, queue: Arc<dyn Queue>) -> Context {
        Context {
            catalog: catalog.clone(),
            policy: self.policy.clone(),
            limits,
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            events: Arc::clone(&self.events),
            queue,
        }
    }

    /// Operations on image records.
    pub fn images(&self, context: &Context) -> Images {
        let limits = &self.config.limits;
        let settings = ImagesSettings {
            quotas: Quotas { tags: limits.tags, properties: limits.properties },
            pages: PageLimits { default: limits.page_default, max: limits.page_max },
            accepted: Arc::new(self.config.image.accepted()),
            import_methods: self.config.import.methods.clone(),
            stores: self.config.stores().map(|store| store.id.clone()).collect(),
        };
        Images::new(context.clone(), settings).locating(self.locations(context))
    }

    /// Operations on the members of images.
    pub fn members(&self, context: &Context) -> Members {
        Members::new(context.clone(), self.config.limits.members)
    }

    /// Operations on image data.
    pub fn image_data(&self, context: &Context, stores: &Stores) -> ImageData {
        let upload = &self.config.upload;
        let settings = UploadSettings {
            intake: self.intake(),
            lease: Duration::from_secs(upload.lease_seconds),
            rules: self.config.image.rules(),
            sessions: SessionSettings {
                part_bytes: upload.session_part_mib << 20,
                life: Duration::from_secs(upload.session_seconds),
                url_life: Duration::from_secs(upload.url_seconds),
                completion: self.completion_settings(),
                within: None,
            },
        };
        let data = ImageData::new(context.clone(), stores.clone(), settings);
        data.importing(self.config.import.methods.clone())
    }

    /// Whether a function sends clients to the store, and which, for [`ImageData::redirecting`].
    pub fn function_redirects(&self) -> Option<Redirects> {
        self.redirects(self.config.download.redirect != Redirect::Never)
    }

    /// The same of `glint serve`.
    pub fn gateway_redirects(&self) -> Option<Redirects> {
        self.redirects(self.config.download.redirect == Redirect::Always)
    }

    fn redirects(&self, wanted: bool) -> Option<Redirects> {
        let told = &self.config.download;
        let trusted = told.trusted_hosts.clone();
        let url_life = Duration::from_secs(told.url_seconds);
        (wanted && !trusted.is_empty()).then_some(Redirects { trusted, url_life })
    }

    /// What verifies signed images, for [`ImageData::verifying`]. Asks nobody yet.
    ///
    /// # Errors
    /// [`StartError`] when the key manager cannot be asked as configured, a trusted certificate cannot be read, or this was not
    /// built in.
    pub fn signatures(&self) -> Result<Signatures, StartError> {
        let told = &self.config.signatures;
        #[cfg_attr(not(feature = "signatures"), expect(unused_mut, reason = "what is built in is set below"))]
        let mut signatures = Signatures::none();
        match told.key_manager {
            KeyManager::None => {}
            #[cfg(not(feature = "signatures"))]
            other => return Err(not_built("signatures.key_manager", other)),
            #[cfg(feature = "signatures")]
            KeyManager::Directory => {
                let root = told.directory.clone().unwrap_or_default();
                let directory = crate::adapters::directory::CertificateDirectory::new(root);
                signatures.certificates = Some(Arc::new(directory));
            }
            #[cfg(feature = "signatures")]
            KeyManager::Barbican => {
                let settings = crate::adapters::barbican::BarbicanSettings {
                    endpoint: told.barbican_endpoint.clone().unwrap_or_default(),
                    ca_file: told.barbican_ca_file.clone(),
                    timeout: Duration::from_secs(told.barbican_timeout_seconds),
                };
                let barbican = crate::adapters::barbican::Barbican::new(&settings);
                let failed = |cause| StartError::Open { what: "Barbican".to_owned(), cause };
                signatures.certificates = Some(Arc::new(barbican.map_err(failed)?));
            }
        }
        #[cfg(feature = "signatures")]
        if let Some((key, pem)) = told.trusted() {
            let read = crate::signature::Authorities::read(pem.as_str());
            let failed = |why: String| StartError::Open { what: key.to_owned(), cause: why.into() };
            signatures.authorities = Some(Arc::new(read.map_err(failed)?));
        }
        Ok(signatures)
    }

    /// What fetches on users' behalf. Connects to nobody yet.
    ///
    /// # Errors
    /// [`StartError`] when the authorities that sources are certified by cannot be read.
    #[cfg(feature = "egress")]
    pub fn fetch(&self) -> Result<Arc<dyn crate::ports::Fetch>, StartError> {
        let told = &self.config.egress;
        let settings = crate::adapters::egress::EgressSettings {
            rules: told.rules.clone(),
            ca_file: told.ca_file.clone(),
            connect: Duration::from_secs(told.connect_seconds),
            idle: Duration::from_secs(told.idle_seconds),
            whole: Duration::from_secs(told.transfer_seconds),
        };
        let failed = |cause| StartError::Open { what: "egress.ca_file".to_owned(), cause };
        Ok(Arc::new(crate::adapters::egress::Egress::new(&settings).map_err(failed)?))
    }

    /// How a transfer is gone on with that broke.
    pub fn patience(&self) -> crate::transfer::Patience {
        let whole = Duration::from_secs(self.config.egress.transfer_seconds);
        crate::transfer::Patience { whole, ..crate::transfer::Patience::default() }
    }

    /// What is on offer here. Opens nothing.
    pub fn info(&self) -> Info {
        let stores = self.config.stores().map(|store| self.store_info(store));
        let info = Info::new(self.policy.clone(), stores, &self.config.image.accepted());
        info.importing(self.config.import.methods.clone())
    }

    /// Operations on tasks.
    pub fn tasks(&self, context: &Context) -> Tasks {
        let limits = &self.config.limits;
        let settings = TasksSettings {
            time_to_live: Duration::from_hours(self.config.tasks.time_to_live_hours),
            sources: Arc::new(self.config.egress.rules.clone()),
            pages: PageLimits { default: limits.page_default, max: limits.page_max },
        };
        Tasks::new(context.clone(), settings)
    }

    /// What does what is due.
    pub fn reaper(&self, catalog: &Catalog, stores: &Stores, queue: Arc<dyn Queue>) -> Reaper {
        Reaper::new(self.completion(catalog, stores), queue).registering(self.registrar(catalog, stores))
    }

    /// What takes requests to import.
    ///
    /// # Errors
    /// [`StartError`] when other regions are asked and nothing is configured that tokens are sealed by, or it was not built in.
    pub fn imports(&self, context: &Context) -> Result<Imports, StartError> {
        let told = &self.config.import;
        let settings = ImportSettings {
            methods: told.methods.clone().into(),
            stores: self
                .config
                .stores()
                .filter(|store| store.takes_data())
                .map(|store| store.id.clone())
                .collect(),
            sources: Arc::new(self.config.egress.rules.clone()),
            plugins: told.plugins.clone(),
            life: Duration::from_secs(told.seconds),
            task_life: Duration::from_hours(self.config.tasks.time_to_live_hours),
        };
        Ok(Imports::new(context.clone(), settings).sealing(self.seals()?))
    }

    /// What does the work of imports. Connects to nobody yet.
    ///
    /// # Errors
    /// As [`Self::fetch`] and [`Self::imports`]; when other regions are asked and Keystone cannot be.
    #[cfg(all(feature = "egress", feature = "plugins"))]
    pub fn importer(
        &self,
        catalog: &Catalog,
        stores: &Stores,
        queue: Arc<dyn Queue>,
    ) -> Result<Importer, StartError> {
        let lease = Duration::from_secs(self.config.import.lease_seconds);
        let ports = ImporterPorts {
            fetch: self.fetch()?,
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            events: Arc::clone(&self.events),
            queue,
            abroad: self.abroad()?,
        };
        let completion = self.completion_settings();
        let settings = ImporterSettings {
            lease,
            life: Duration::from_secs(self.config.import.seconds),
            intake: Intake { part_bytes: self.config.upload.session_part_mib << 20, ..self.intake() },
            patience: self.patience(),
            plugins: self.config.import.plugins.clone(),
            rules: self.config.image.rules(),
            completion: CompletionSettings {
                lease,
                stretch_bytes: completion.stretch_bytes.min(IMPORT_STRETCH_BYTES),
                ..completion
            },
            task_life: Duration::from_hours(self.config.tasks.time_to_live_hours),
            accepted: Arc::new(self.config.image.accepted()),
            extra_properties: self.config.import.extra_properties.clone(),
        };
        Ok(Importer::new(catalog.clone(), stores.clone(), ports, settings))
    }

    fn intake(&self) -> Intake {
        let upload = &self.config.upload;
        Intake {
            part_bytes: upload.part_mib << 20,
            parts_in_flight: u32::try_from(upload.parts_in_flight).unwrap_or(u32::MAX),
            max_bytes: self.config.limits.image_size_bytes,
            idle: Duration::from_secs(upload.idle_seconds),
        }
    }

    /// What completes upload sessions.
    fn completion(&self, catalog: &Catalog, stores: &Stores) -> Completion {
        let (clock, events) = (Arc::clone(&self.clock), Arc::clone(&self.events));
        let rules = self.config.image.rules();
        Completion::new(catalog.clone(), stores.clone(), clock, events, rules, self.completion_settings())
    }

    fn completion_settings(&self) -> CompletionSettings {
        let upload = &self.config.upload;
        let run_bytes = upload.hash_run_mib << 20;
        CompletionSettings {
            lease: Duration::from_secs(upload.lease_seconds),
            stretch_bytes: STRETCH_BYTES.min(run_bytes),
            run_bytes,
        }
    }

    /// What looks at objects that appear in the buckets.
    ///
    /// # Errors
    /// [`StartError`] when images lie in no bucket.
    pub fn arrivals(&self, catalog: &Catalog, stores: &Stores) -> Result<Arrivals, StartError> {
        let buckets = self.buckets();
        if buckets.is_empty() {
            return Err(not_built("store.adapter", self.config.store.adapter));
        }
        let grace = Duration::from_secs(self.config.upload.lease_seconds);
        let settings = ArrivalsSettings { buckets, grace };
        Ok(Arrivals::new(self.completion(catalog, stores), settings))
    }

    /// The front door of every HTTP function.
    #[cfg(feature = "http")]
    pub fn door(&self) -> crate::http::Door {
        crate::http::Door {
            identity: Arc::clone(&self.identity),
            ids: Arc::clone(&self.ids),
            public_endpoint: self.config.public_endpoint.clone(),
            cors: crate::http::Cors::new(
                self.config.cors.allowed_origins.iter().cloned(),
                Duration::from_secs(self.config.cors.max_age_seconds),
            ),
        }
    }

    #[allow(unreachable_patterns, reason = "only a program with every adapter knows them all")]
    fn table(&self) -> Result<Arc<dyn Table>, StartError> {
        match self.config.table.adapter {
            #[cfg(feature = "sqlite")]
            TableAdapter::Sqlite => {
                let path = self.config.data.join("table.sqlite");
                let table = crate::adapters::sqlite::SqliteTable::open(&path);
                Ok(Arc::new(table.map_err(|cause| cannot_open(&path, cause))?))
            }
            #[cfg(feature = "memory")]
            TableAdapter::Memory => Ok(Arc::new(crate::adapters::memory::MemoryTable::new())),
            #[cfg(feature = "dynamodb")]
            TableAdapter::DynamoDb => Ok(self.dynamodb(Host::MACHINE)),
            other => Err(not_built("table.adapter", other)),
        }
    }

    #[cfg(feature = "dynamodb")]
    fn dynamodb(&self, host: Host) -> Arc<dyn Table> {
        let table = &self.config.table;
        let settings = aws(host, table.endpoint.as_ref(), table.region.as_ref());
        Arc::new(crate::adapters::dynamodb::DynamoTable::new(settings, table.name.clone()))
    }

    #[cfg(feature = "sqs")]
    fn sqs(&self, host: Host) -> Arc<dyn Queue> {
        let queue = &self.config.queue;
        let settings = aws(host, queue.endpoint.as_ref(), queue.region.as_ref());
        let jobs = crate::adapters::sqs::SqsQueue::new(settings, queue.url.clone().unwrap_or_default());
        Arc::new(jobs.importing(queue.import_url.clone()))
    }
}

fn not_built(key: &'static str, adapter: impl std::fmt::Debug) -> StartError {
    StartError::NotBuilt { key, adapter: format!("{adapter:?}") }
}

#[cfg(any(feature = "sqlite", feature = "file"))]
fn cannot_open(path: &std::path::Path, cause: impl Into<Cause>) -> StartError {
    StartError::Open { what: path.display().to_string(), cause: cause.into() }
}

#[cfg(feature = "aws")]
fn aws(host: Host, endpoint: Option<&String>, region: Option<&String>) -> AwsSettings {
    AwsSettings { host, endpoint: endpoint.cloned(), region: region.cloned(), ..AwsSettings::default() }
}
