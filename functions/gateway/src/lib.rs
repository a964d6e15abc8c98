//! All functions in one process: HTTP of any size, schedules, jobs, and an end that loses nothing.
//!
//! On a laptop this is the whole service; beside functions in the cloud it is where bodies go that are too large for an
//! API gateway. Either way it is the same routers behind the same door.

mod lock;
mod policy;
mod schedule;
mod server;
mod signals;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use shared::app::{App, StartError};
use shared::config::{Config, TableAdapter};
use shared::http::Routes;
use shared::id::ProjectId;
use shared::operations::Reaper;
use shared::ports::Job;
use shared::usage::Usage;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;

pub use signals::Signals;

/// A service that has its data and its port, and is about to answer.
#[derive(Debug)]
pub struct Gateway {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    data: Option<PathBuf>,
    routes: Router,
    reaper: Reaper,
    importing: schedule::Importing,
    jobs: Receiver<Job>,
    policy: Option<policy::Watch>,
    _lock: Option<lock::DataLock>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Somebody else works on the data.
    #[error("the data directory {} is in use by another process: stop that one, or choose another with --data", .0.display())]
    InUse(PathBuf),
    /// The data directory cannot be made, or locked.
    #[error("cannot use the data directory {}: {source}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Signals cannot be caught.
    #[error("cannot catch signals: {0}")]
    Signal(#[source] std::io::Error),
    /// An adapter cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// What a project uses cannot be counted.
    #[error("cannot count what project {project} uses: {error}")]
    Recount {
        /// The project.
        project: ProjectId,
        /// Why not.
        #[source]
        error: shared::Error,
    },
    /// What the last process left undone cannot be read.
    #[error("cannot recover what the last process left: {0}")]
    Recover(#[source] shared::Error),
}

/// Every function's routes behind one door.
pub fn routes(app: &App, functions: impl IntoIterator<Item = Routes>) -> Router {
    shared::http::serve(functions.into_iter().collect::<Routes>(), app.door())
}

/// Sets a project's counters to what its images are. Answers what they said, and what they say now. Beside a running service
/// where the table is a server's; a table in the data directory has one process at a time.
///
/// # Errors
/// Whatever fails first. A second run does no harm.
pub async fn recount(config: Config, project: &ProjectId) -> Result<(Usage, Usage), GatewayError> {
    let in_directory = config.table.adapter == TableAdapter::Sqlite;
    let _lock = in_directory.then(|| lock::DataLock::take(&config.data)).transpose()?;
    let catalog = App::new(config).catalog()?;
    let recounted = shared::operations::recount(&catalog, project).await;
    recounted.map_err(|error| GatewayError::Recount { project: project.clone(), error })
}

impl Gateway {
    /// Takes the data directory, opens what is configured, ends what the last process left undone, and takes the port.
    ///
    /// # Errors
    /// Whatever of that fails first.
    pub async fn open(config: Config) -> Result<Self, GatewayError> {
        let lock = config.uses_data_directory().then(|| lock::DataLock::take(&config.data)).transpose()?;
        let app = App::new(config.clone()).with_identity()?;
        let (catalog, stores) = (app.catalog()?, app.stores()?);
        let (queue, jobs) = app.queue()?;
        let policy = policy::Watch::of(&app.policy, &config.policy).map_err(GatewayError::Signal)?;
        let reaper = app.reaper(&catalog, &stores, Arc::clone(&queue));
        let importer = app.importer(&catalog, &stores, Arc::clone(&queue))?;
        let importing = schedule::Importing::new(importer, config.import.workers);
        let context = app.context(&catalog, queue)?;
        if config.table.adapter == TableAdapter::Sqlite {
            // The table is in the directory that is locked, so no upload can be alive.
            reaper.recover().await.map_err(GatewayError::Recover)?;
        }
        let signatures = app.signatures()?;
        let imports = app.imports(&context)?.verifying(signatures.clone());
        let data = app.image_data(&context, &stores).verifying(signatures);
        let data = data.redirecting(app.gateway_redirects());
        let locations = app.locations(&context).looking(app.registrar(&catalog, &stores));
        let records = app.images(&context).locating(locations.clone());
        let functions = [
            discovery::routes(app.info()),
            images::routes(records, app.members(&context), locations),
            tasks::routes(app.tasks(&context).importing(app.images(&context), imports.clone()), imports),
            uploads::routes(data.clone()),
            uploads::part_routes(data),
        ];
        let routes = routes(&app, functions);
        let unheard = |source| GatewayError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let data = lock.as_ref().map(|lock| lock.directory().to_owned());
        Ok(Self { config, listener, address, data, routes, reaper, importing, jobs, policy, _lock: lock })
    }

    /// Where the service listens: the port that was given, when any was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to tell whoever started it.
    pub fn banner(&self) -> String {
        let url = self.config.public_endpoint.clone().unwrap_or_else(|| format!("http://{}", self.address));
        let url = url.trim_end_matches('/');
        let data = match &self.data {
            Some(directory) => format!("Data lies in {}", directory.display()),
            None => "No data lies on this machine".to_owned(),
        };
        format!(
            "Glint {version} listens on http://{address}\n{data}\nTry it:\n  \
             openstack --os-auth-type none --os-endpoint {url} image list\n  \
             glance --os-auth-token none --os-image-url {url} image-list\n",
            version = env!("CARGO_PKG_VERSION"),
            address = self.address,
        )
    }

    /// Answers until a signal to stop, then as [`Self::run`]. A second signal cuts off what still runs.
    pub async fn run_until_signal(self, mut signals: Signals) {
        let stop = Notify::new();
        let told_twice = async {
            signals.next().await;
            stop.notify_one();
            signals.next().await;
        };
        tokio::select! {
            () = self.run(stop.notified()) => {}
            () = told_twice => tracing::warn!("told to stop twice: running requests are cut off"),
        }
    }

    /// Answers until `stop`, then lets running requests end, for as long as is configured.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let interval = Duration::from_secs(self.config.reaper.interval_seconds);
        let mut importing = self.importing;
        let import = |location| importing.begin(location);
        let reaping = schedule::run(interval, self.jobs, || reap(&self.reaper), import);
        let watching = async {
            match self.policy {
                Some(watch) => watch.run().await,
                None => std::future::pending().await,
            }
        };
        let drain = Duration::from_secs(self.config.drain_seconds);
        // What is due stays due: the reaper may be stopped anywhere.
        tokio::select! {
            () = server::serve(self.listener, self.routes, stop, drain) => {}
            () = reaping => {}
            () = watching => {}
        }
    }
}

async fn reap(reaper: &Reaper) {
    match reaper::handle(reaper).await {
        Ok(report) => tracing::debug!(?report, "reaped"),
        Err(error) => tracing::error!(%error, cause = ?std::error::Error::source(&error), "cannot reap"),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of a test's own")]
mod tests;
