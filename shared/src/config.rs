//! How this process was told to run: defaults, a TOML file, `GLINT_*` variables, flags; the later wins.
//!
//! The environment is read here and nowhere else. Each setting stands once in `setting.rs`, which gives its key in the
//! file, its variable, its line in `docs/configuration.md` and its parser; a value that does not parse, or a key that
//! does not exist, is an error naming the key and where it came from.

mod azure;
mod check;
mod content;
mod cors;
mod credentials;
mod download;
mod egress;
mod image;
mod keystone;
mod locations;
mod policy;
mod projects;
mod setting;
mod signatures;
mod source;
mod stores;
mod swift;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::id::{ProjectId, StoreId};
use crate::import::{ImportMethod, Plugins};

pub use crate::networks::Networks;
pub use azure::AzureConfig;
pub use content::{Content, FileOf, TextOf};
pub use cors::{CorsConfig, Origins};
pub use credentials::CredentialsConfig;
pub use download::{DownloadConfig, Redirect};
pub use egress::EgressConfig;
pub use image::ImageConfig;
pub use keystone::{KeystoneConfig, Secret};
pub use locations::LocationsConfig;
pub use policy::PolicyConfig;
pub use projects::ProjectOverrides;
pub use setting::{SETTINGS, Setting, reference};
pub use signatures::{KeyManager, SignaturesConfig, TrustedCertificates};
pub use source::{ConfigError, Origin, Sources};
pub use stores::MoreStores;
pub use swift::{AuthVersion, Interface, SwiftConfig};

/// Everything a process can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Address and port the gateway listens on.
    pub listen: SocketAddr,
    /// Directory of the embedded table and store.
    pub data: PathBuf,
    /// URL clients reach the service by, without a version; taken from each request when absent.
    pub public_endpoint: Option<String>,
    /// URL of a `glint serve` on the same table and store, without a version, for bodies that functions cannot carry.
    pub data_plane_endpoint: Option<String>,
    /// How long running requests may go on after a signal to stop.
    pub drain_seconds: u64,
    /// Which deployment this is, as metrics name it.
    pub stage: String,
    /// Filter of the log, as `tracing` writes one: `info`, `glint=debug,hyper=warn`.
    pub log: String,
    /// Who may call.
    pub identity: IdentityConfig,
    /// Who may do what.
    pub policy: PolicyConfig,
    /// What values images may take.
    pub image: ImageConfig,
    /// Where records lie.
    pub table: TableConfig,
    /// Where bytes lie.
    pub store: StoreConfig,
    /// Where else they may lie.
    pub stores: MoreStores,
    /// How bytes arrive.
    pub upload: UploadConfig,
    /// Who carries bytes to clients.
    pub download: DownloadConfig,
    /// Scripts of which pages may ask.
    pub cors: CorsConfig,
    /// What data is fetched from on users' behalf.
    pub egress: EgressConfig,
    /// How data can be imported.
    pub import: ImportConfig,
    /// How data is registered that others have written.
    pub locations: LocationsConfig,
    /// How signed images are verified.
    pub signatures: SignaturesConfig,
    /// Who is told that something is due.
    pub queue: QueueConfig,
    /// How much of everything.
    pub limits: LimitsConfig,
    /// What becomes of tasks.
    pub tasks: TasksConfig,
    /// When what is due is done.
    pub reaper: ReaperConfig,
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityConfig {
    /// How callers are told apart.
    pub mode: IdentityMode,
    /// The project everybody acts for in mode `none`.
    pub project: ProjectId,
    /// Allows mode `none` on an address other machines can reach.
    pub none_on_any_address: bool,
    /// Where callers of the functions may come from in mode `none`.
    pub none_networks: Networks,
    /// How Keystone is asked in mode `keystone`.
    pub keystone: KeystoneConfig,
}

/// How callers are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityMode {
    /// Not at all: everybody is the administrator of one project.
    None,
    /// By their tokens, as Keystone validates them.
    Keystone,
}

/// Where records lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// The engine.
    pub adapter: TableAdapter,
    /// Name of the `DynamoDB` table.
    pub name: String,
    /// URL of a server that speaks `DynamoDB`; AWS's own when absent.
    pub endpoint: Option<String>,
    /// Region of the table; the SDK's own rules when absent.
    pub region: Option<String>,
    /// Partitions the listings of all and of public images are spread over.
    pub listing_shards: u32,
}

/// The engine that holds the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableAdapter {
    /// A file in the data directory.
    Sqlite,
    /// The process's memory: lost when it ends.
    Memory,
    /// `DynamoDB`, or a server that speaks it.
    DynamoDb,
}

/// Where bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// The id clients see the store by.
    pub id: StoreId,
    /// The engine.
    pub adapter: StoreAdapter,
    /// The bucket of `s3` and `gcs`.
    pub bucket: Option<String>,
    /// The container of `swift` and `azblob`.
    pub container: Option<String>,
    /// Whether it is made when it is not there.
    pub create_container: bool,
    /// What every key in the bucket or container begins with; empty for nothing.
    pub prefix: String,
    /// URL of a server that speaks S3; AWS's own when absent. Of `swift` and `azblob`, of the account.
    pub endpoint: Option<String>,
    /// URL of the same server as clients reach it; `endpoint` when absent.
    pub public_endpoint: Option<String>,
    /// Region of the bucket; the SDK's own rules when absent.
    pub region: Option<String>,
    /// Whether the bucket goes into the path and not into the host name.
    pub path_style: bool,
    /// Whether S3 holds parts to its checksums.
    pub checksums: bool,
    /// Who asks S3; the SDK's own rules when absent.
    pub access_key_id: Option<String>,
    /// The secret of that key.
    pub secret_access_key: Option<Secret>,
    /// How Swift is asked.
    pub swift: SwiftConfig,
    /// How Azure is asked.
    pub azure: AzureConfig,
    /// PEM file of the authorities to trust, of `swift` and `azblob`; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// How long an answer of theirs may take to begin.
    pub timeout_seconds: u64,
    /// What URLs are sealed by that lead through the gateway.
    pub seal_key: Option<Secret>,
    /// The directory of a store that is one.
    pub directory: Option<PathBuf>,
    /// How gladly it is read from: the higher the sooner.
    pub weight: i64,
    /// What people are told of it.
    pub description: Option<String>,
}

/// The engine that holds the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAdapter {
    /// A directory in the data directory.
    File,
    /// The process's memory: lost when it ends.
    Memory,
    /// S3, or a server that speaks it.
    S3,
    /// Swift, or a server that speaks it.
    Swift,
    /// Azure Blob Storage, or a server that speaks its API.
    Azblob,
    /// Google Cloud Storage, as it speaks S3.
    Gcs,
    /// The web: data of others, which is read and never written.
    Http,
}

/// Who is told that something is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueConfig {
    /// Where jobs go.
    pub adapter: QueueAdapter,
    /// URL of the SQS queue.
    pub url: Option<String>,
    /// URL of the SQS queue of imports; the same when absent.
    pub import_url: Option<String>,
    /// URL of a server that speaks SQS; AWS's own when absent.
    pub endpoint: Option<String>,
    /// Region of the queue; the SDK's own rules when absent.
    pub region: Option<String>,
}

/// Where jobs go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueAdapter {
    /// To the schedule of the same process. A function has none: there, jobs are dropped.
    #[default]
    Local,
    /// SQS, or a server that speaks it.
    Sqs,
}

/// How bytes arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadConfig {
    /// Size of a part, in MiB. Parts grow when an image would need more than the store allows.
    pub part_mib: u64,
    /// Parts of one upload on their way to the store at a time; memory is bounded by this times the part size.
    pub parts_in_flight: usize,
    /// How long an upload whose process died keeps its image from being uploaded again.
    pub lease_seconds: u64,
    /// How long a client may send nothing before its upload is given up.
    pub idle_seconds: u64,
    /// Size of a part of an upload session, in MiB.
    pub session_part_mib: u64,
    /// How long an upload session lasts after its URLs were last asked for.
    pub session_seconds: u64,
    /// How long a URL of an upload session is good at most.
    pub url_seconds: u64,
    /// How many MiB of an upload session one run hashes at most.
    pub hash_run_mib: u64,
}

/// How data can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportConfig {
    /// The methods that are enabled.
    pub methods: Vec<ImportMethod>,
    /// How long a worker that died keeps others from going on.
    pub lease_seconds: u64,
    /// How long it may take to fill one store.
    pub seconds: u64,
    /// How many objects a process fills at a time.
    pub workers: usize,
    /// What is done to what is imported.
    pub plugins: Plugins,
    /// What tokens are sealed by while data is fetched from other regions.
    pub token_key: Option<Secret>,
    /// How names of properties begin that are taken over from there.
    pub extra_properties: Vec<String>,
}

impl Default for ImportConfig {
    fn default() -> Self {
        Self {
            methods: ImportMethod::USUAL.to_vec(),
            lease_seconds: 20,
            seconds: 86_400,
            workers: 4,
            plugins: Plugins::default(),
            token_key: None,
            extra_properties: ["hw_", "trait:", "os_distro", "os_secure_boot", "os_type"]
                .map(str::to_owned)
                .into(),
        }
    }
}

/// How much of everything. `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Largest image, in bytes.
    pub image_size_bytes: u64,
    /// Tags of an image.
    pub tags: Option<usize>,
    /// Custom properties of an image.
    pub properties: Option<usize>,
    /// Projects an image is shared with.
    pub members: Option<usize>,
    /// Places an image's data may be in.
    pub locations: Option<usize>,
    /// MiB of stored data of a project.
    pub image_size_total: Option<usize>,
    /// MiB a project has staged or is importing.
    pub image_stage_total: Option<usize>,
    /// Images of a project.
    pub image_count_total: Option<usize>,
    /// Images of a project whose data is on its way.
    pub image_count_uploading: Option<usize>,
    /// What some projects may have instead.
    pub projects: ProjectOverrides,
    /// Images on a page, when the request does not say.
    pub page_default: usize,
    /// Images on a page at most.
    pub page_max: usize,
}

/// What becomes of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TasksConfig {
    /// How long a task is kept once it has ended.
    pub time_to_live_hours: u64,
}

/// When what is due is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaperConfig {
    /// Time between two runs.
    pub interval_seconds: u64,
}

impl Config {
    /// Puts the sources together over the defaults, and checks the whole.
    ///
    /// # Errors
    /// The first setting that is unknown, does not parse, is out of bounds or does not fit the others.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let origins = sources.apply(&mut config)?;
        match check::faults(&config).into_iter().next() {
            None => Ok(config),
            Some((key, why)) => {
                let origin = origins.get(key).cloned().unwrap_or(Origin::Default);
                Err(ConfigError::Bad { key: key.to_owned(), origin, why })
            }
        }
    }

    /// The configuration of a function in the cloud: `GLINT_*` variables alone.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::load(&Sources::default().with_environment()?)
    }

    /// Whether anything lies in the data directory.
    pub fn uses_data_directory(&self) -> bool {
        self.table.adapter == TableAdapter::Sqlite
            || self.stores().any(|store| store.adapter == StoreAdapter::File && store.directory.is_none())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9292)),
            data: PathBuf::from("./glint-data"),
            public_endpoint: None,
            data_plane_endpoint: None,
            drain_seconds: 30,
            stage: "dev".to_owned(),
            log: "info".to_owned(),
            identity: IdentityConfig::default(),
            policy: PolicyConfig::default(),
            image: ImageConfig::default(),
            table: TableConfig::default(),
            store: StoreConfig::default(),
            stores: MoreStores::default(),
            import: ImportConfig::default(),
            locations: LocationsConfig::default(),
            signatures: SignaturesConfig::default(),
            queue: QueueConfig::default(),
            upload: UploadConfig {
                part_mib: 8,
                parts_in_flight: 4,
                lease_seconds: 120,
                idle_seconds: 600,
                session_part_mib: 64,
                session_seconds: 86_400,
                url_seconds: 3600,
                hash_run_mib: 65_536,
            },
            download: DownloadConfig::default(),
            cors: CorsConfig::default(),
            egress: EgressConfig::default(),
            limits: LimitsConfig {
                image_size_bytes: 1 << 40,
                tags: Some(128),
                properties: Some(128),
                members: Some(128),
                locations: Some(10),
                image_size_total: None,
                image_stage_total: None,
                image_count_total: None,
                image_count_uploading: None,
                projects: ProjectOverrides::default(),
                page_default: 25,
                page_max: 1000,
            },
            tasks: TasksConfig { time_to_live_hours: 48 },
            reaper: ReaperConfig { interval_seconds: 30 },
        }
    }
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            mode: IdentityMode::None,
            project: literal("admin"),
            none_on_any_address: false,
            none_networks: Networks::loopback(),
            keystone: KeystoneConfig::default(),
        }
    }
}

impl Default for TableConfig {
    fn default() -> Self {
        Self {
            adapter: TableAdapter::Sqlite,
            name: "glint".to_owned(),
            endpoint: None,
            region: None,
            listing_shards: 1,
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            id: literal("default"),
            adapter: StoreAdapter::File,
            bucket: None,
            container: None,
            create_container: false,
            prefix: String::new(),
            endpoint: None,
            public_endpoint: None,
            region: None,
            path_style: false,
            checksums: true,
            access_key_id: None,
            secret_access_key: None,
            swift: SwiftConfig::default(),
            azure: AzureConfig::default(),
            ca_file: None,
            timeout_seconds: 30,
            seal_key: None,
            directory: None,
            weight: 0,
            description: None,
        }
    }
}

/// A default that goes through the same door as what people write.
fn literal<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).unwrap_or_else(|_| unreachable!("the defaults are well formed: {text}"))
}

#[cfg(test)]
mod tests;
