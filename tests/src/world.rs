//! The whole service in memory, under a probe: for tests of what HTTP does not tell or cannot bring about.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use shared::adapters::in_process::{LocalEvents, LocalQueue};
use shared::adapters::memory::{MemoryStore, MemoryTable};
use shared::catalog::Catalog;
use shared::error::Cause;
use shared::format::Rules;
use shared::http::{Cors, Door, Payload, Routes, serve};
use shared::id::StoreId;
use shared::image::{Accepted, Image, PageLimits, Quotas};
use shared::import::{ImportMethod, Plugins};
use shared::operations::{
    Completion, CompletionSettings, Context, ImageData, Images, ImagesSettings, ImportSettings, Importer,
    ImporterPorts, ImporterSettings, Imports, Info, Locations, LocationsSettings, Members, Reaper, Redirects,
    Registrar, RegistrarSettings, SessionSettings, Shown, Signatures, StoreInfo, Stores, Tasks,
    TasksSettings, UploadRequest, UploadSettings,
};
use shared::policy::Policy;
use shared::ports::{Clock, Events, Ids, Job, Key, Query, Queue, Store, Table};
use shared::transfer::{Intake, Patience};
use tokio::sync::mpsc::Receiver;

use crate::callers::{TokenSays, admin};
use crate::fixtures::{CountingIds, TestCertificates, TestClock, TestLimits};
use crate::probe::{Probe, ProbedStore, ProbedTable};
use crate::service::Service;
use crate::shelf::{self, BUCKET, Shelf, ShelfStore, WEB};
use crate::web::TestWeb;

/// The service in this process, wherever another is deployed, and handles on everything under it. Derefs to [`Service`].
#[derive(Debug)]
pub struct World {
    /// Records.
    pub images: Images,
    /// Bytes.
    pub data: ImageData,
    /// Tasks.
    pub tasks: Tasks,
    /// Where images lie.
    pub locations: Locations,
    /// What is due.
    pub reaper: Reaper,
    /// What takes requests to import.
    pub imports: Imports,
    /// What does the work of imports.
    pub importer: Importer,
    /// What lies at URLs.
    pub web: TestWeb,
    /// What completes upload sessions.
    pub completion: Completion,
    /// The routes of every function that answers requests, by its crate's name.
    pub functions: BTreeMap<&'static str, Routes>,
    /// The functions behind one door.
    pub service: Service,
    /// What is kept, past the probe.
    pub catalog: Catalog,
    /// Work that was asked for.
    jobs: Jobs,
    /// The time.
    pub clock: Arc<TestClock>,
    /// How much projects may have: any amount, until a test says otherwise.
    pub limits: Arc<TestLimits>,
    /// Who keeps the certificates that images are signed by.
    pub certificates: Arc<TestCertificates>,
    /// Counts calls, makes them fail.
    pub probe: Probe,
    /// The table, past the probe.
    pub table: Arc<dyn Table>,
    /// The store, past the probe.
    pub store: MemoryStore,
    /// The other stores, past the probe.
    pub other_stores: BTreeMap<&'static str, MemoryStore>,
    /// What others have written.
    pub shelf: Shelf,
}

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

/// Nobody who is told of jobs.
pub fn no_queue() -> Arc<dyn Queue> {
    Arc::new(LocalQueue::new(1).0)
}

/// Work that was asked for.
type Jobs = Arc<Mutex<Receiver<Job>>>;

/// A queue, and the work that is asked for by it.
fn queue() -> (Arc<dyn Queue>, Jobs) {
    let (queue, jobs) = LocalQueue::new(64);
    (Arc::new(queue), Arc::new(Mutex::new(jobs)))
}

/// What an importer is told, but for its ports.
fn importer_settings(intake: Intake, rules: Rules) -> ImporterSettings {
    ImporterSettings {
        lease: LEASE,
        life: IMPORT_LIFE,
        intake,
        plugins: Plugins::default(),
        patience: Patience { tries: 1, pause: Duration::from_millis(1), ..Patience::default() },
        rules,
        completion: session_settings().completion,
        task_life: TASK_LIFE,
    }
}

const INTAKE: Intake = Intake {
    part_bytes: PART as u64,
    parts_in_flight: 2,
    max_bytes: MAX_IMAGE,
    idle: Duration::from_mins(1),
};

/// Does the first import that was asked for; whether there was one.
async fn import_one(importer: &Importer, jobs: &Jobs) -> bool {
    loop {
        let job = jobs.lock().unwrap().try_recv();
        match job {
            Ok(Job::Import(location)) => {
                importer::handle(importer, &location, None).await;
                return true;
            }
            Ok(Job::Reap) => {}
            Err(_) => return false,
        }
    }
}

/// Another process: its reaper and its importer, and the time, which is everybody's.
#[derive(Clone, Debug)]
pub struct Others {
    reaper: Reaper,
    importer: Importer,
    jobs: Jobs,
    clock: Arc<TestClock>,
}

/// The others over a catalog and its stores, with nothing to be fetched.
pub fn others(catalog: Catalog, stores: Stores, clock: Arc<TestClock>, rules: Rules) -> Others {
    others_on(catalog, stores, clock, rules, (Arc::new(CountingIds::default()), TestWeb::default()))
}

fn others_on(
    catalog: Catalog,
    stores: Stores,
    clock: Arc<TestClock>,
    rules: Rules,
    (ids, web): (Arc<dyn Ids>, TestWeb),
) -> Others {
    let now: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
    let (queue, jobs) = queue();
    let ports = ImporterPorts {
        fetch: Arc::new(web),
        clock: Arc::clone(&now),
        ids,
        events: Arc::new(LocalEvents::new(16)),
        queue: Arc::clone(&queue),
    };
    let settings = importer_settings(INTAKE, rules.clone());
    let registrar = registrar(catalog.clone(), stores.clone(), Arc::clone(&now), rules.clone());
    let importer = Importer::new(catalog.clone(), stores.clone(), ports, settings);
    let reaper = Reaper::new(completion(catalog, stores, now, rules), queue).registering(registrar);
    Others { reaper, importer, jobs, clock }
}

/// What happens while a process stands still: every lease ends, then every session, and each time the others do what is due.
pub async fn time_passes(others: Others) {
    for time in [LEASE * 2, SESSION_LIFE * 2] {
        others.clock.advance(time);
        others.reaper.run().await.unwrap();
        while import_one(&others.importer, &others.jobs).await {}
    }
}

impl Deref for World {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Default for World {
    fn default() -> Self {
        Self::on(Arc::new(MemoryTable::new()))
    }
}

/// What a service is told; the defaults are those of its parts.
struct Told {
    listing_shards: u32,
    policy: Policy,
    accepted: Accepted,
    rules: Rules,
    /// Every way there is, when nothing is said.
    import_methods: Option<&'static [ImportMethod]>,
    /// What is done to what is imported.
    plugins: Plugins,
    /// Stores beside the default one, with their weights.
    others: &'static [(&'static str, i64)],
    do_secure_hash: bool,
    /// Whether patches wait for what they name.
    looks: bool,
    shown: Shown,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            listing_shards: 0,
            policy: Policy::default(),
            accepted: Accepted::default(),
            rules: Rules::default(),
            import_methods: None,
            plugins: Plugins::default(),
            others: &[],
            do_secure_hash: true,
            looks: false,
            shown: Shown::default(),
        }
    }
}

/// Stores by id, with their weights.
type Kept = Vec<(StoreId, i64, MemoryStore)>;

const DEFAULT: &str = "default";

/// The default store and more, which are empty.
fn in_memory(default: &MemoryStore, more: &[(&str, i64)]) -> Kept {
    let more = more.iter().map(|(id, weight)| (*id, *weight, MemoryStore::new()));
    let all = std::iter::once((DEFAULT, 0, default.clone())).chain(more);
    all.map(|(id, weight, store)| (id.parse().unwrap(), weight, store)).collect()
}

fn opened(all: &Kept, shelf: &Shelf, open: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Stores {
    let kept = |id: &StoreId, own: &MemoryStore| -> Arc<dyn Store> {
        match id.as_str() {
            id @ (WEB | BUCKET) => {
                Arc::new(ShelfStore { own: own.clone(), shelf: shelf.clone(), is_web: id == WEB })
            }
            _ => Arc::new(own.clone()),
        }
    };
    let each = all.iter().map(|(id, weight, store)| (id.clone(), *weight, open(kept(id, store))));
    Stores::many(DEFAULT.parse().unwrap(), each)
}

/// What is said of them: all but the first have a description.
fn offered(all: &Kept) -> Vec<StoreInfo> {
    let each = all.iter().enumerate().map(|(at, (id, weight, _))| StoreInfo {
        id: id.clone(),
        is_default: at == 0,
        is_read_only: false,
        kind: "memory",
        weight: *weight,
        description: (at > 0).then(|| format!("the {id} store")),
        properties: serde_json::Map::new(),
    });
    each.collect()
}

fn located(context: &Context, all: &Kept, do_secure_hash: bool, shown: Shown) -> Locations {
    let settings = LocationsSettings {
        addresses: shelf::addresses(all.iter().map(|(id, weight, _)| (id, *weight))),
        sources: Arc::default(),
        do_secure_hash,
        task_life: TASK_LIFE,
        shown,
        most: Some(2),
    };
    Locations::new(context.clone(), settings)
}

fn told_of(context: &Context) -> Tasks {
    let pages = PageLimits { default: 25, max: 1000 };
    let settings = TasksSettings { time_to_live: TASK_LIFE, pages, sources: Arc::default() };
    Tasks::new(context.clone(), settings)
}

/// What is said of records.
fn images_settings(
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
fn imported(context: &Context, stores: &Stores, methods: Vec<ImportMethod>, plugins: Plugins) -> Imports {
    let settings = ImportSettings {
        methods: methods.into(),
        stores: stores.ids().cloned().collect(),
        sources: Arc::default(),
        plugins,
        life: IMPORT_LIFE,
        task_life: TASK_LIFE,
    };
    Imports::new(context.clone(), settings)
}

/// What an importer works with.
fn ports(context: &Context, web: &TestWeb) -> ImporterPorts {
    ImporterPorts {
        fetch: Arc::new(web.clone()),
        clock: Arc::clone(&context.clock),
        ids: Arc::clone(&context.ids),
        events: Arc::clone(&context.events),
        queue: Arc::clone(&context.queue),
    }
}

impl World {
    /// The service on a table.
    pub fn on(table: Arc<dyn Table>) -> Self {
        Self::build(table, Told::default())
    }

    /// The service under a policy of its own.
    pub fn governed(policy: Policy) -> Self {
        Self::told(Told { policy, ..Told::default() })
    }

    /// The service where images may take these values.
    pub fn accepting(accepted: Accepted) -> Self {
        Self::told(Told { accepted, ..Told::default() })
    }

    /// The service where data is held to these rules.
    pub fn holding_to(rules: Rules) -> Self {
        Self::told(Told { rules, ..Told::default() })
    }

    /// The service with the widest lists spread over some shards.
    pub fn sharded(listing_shards: u32) -> Self {
        Self::told(Told { listing_shards, ..Told::default() })
    }

    /// The service where nothing can be imported.
    pub fn without_import() -> Self {
        Self::told(Told { import_methods: Some(&[]), ..Told::default() })
    }

    /// The service with stores beside the default one, by their weights.
    pub fn storing(others: &'static [(&'static str, i64)]) -> Self {
        Self::told(Told { others, ..Told::default() })
    }

    /// Does the imports that were asked for, and those that follow from them, until nothing more is asked for.
    pub async fn work(&self) {
        while self.work_once().await {}
    }

    /// Does the first import that was asked for; whether there was one.
    pub async fn work_once(&self) -> bool {
        import_one(&self.importer, &self.jobs).await
    }

    /// The service where this is done to what is imported, with stores beside the default one.
    pub fn remaking(plugins: Plugins, others: &'static [(&'static str, i64)]) -> Self {
        Self::told(Told { plugins, others, ..Told::default() })
    }

    /// The service with stores that give what others have written.
    pub fn registering(do_secure_hash: bool) -> Self {
        Self::told(Told { do_secure_hash, others: &[(WEB, -10), (BUCKET, 0)], ..Told::default() })
    }

    /// The same, where images tell where their data is.
    pub fn showing(shown: Shown) -> Self {
        Self::told(Told { shown, others: &[(WEB, -10), (BUCKET, 0)], ..Told::default() })
    }

    /// The same, where patches wait for what they name to be looked at, as in one process with who can.
    pub fn looking(shown: Shown) -> Self {
        Self::told(Told { looks: true, shown, others: &[(WEB, -10), (BUCKET, 0)], ..Told::default() })
    }

    fn told(told: Told) -> Self {
        Self::build(Arc::new(MemoryTable::new()), told)
    }

    fn build(table: Arc<dyn Table>, told: Told) -> Self {
        let Told {
            shown,
            listing_shards,
            policy,
            accepted,
            rules,
            import_methods,
            plugins,
            others: more,
            do_secure_hash,
            looks,
        } = told;
        let shelf = Shelf::default();
        let accepted = Arc::new(accepted);
        let import_methods = import_methods.unwrap_or(&ImportMethod::ALL).to_vec();
        let (clock, probe, store) = (Arc::new(TestClock::default()), Probe::default(), MemoryStore::new());
        let probed_table = ProbedTable { table: Arc::clone(&table), probe: probe.clone() };
        let all = in_memory(&store, more);
        let others_kept = all.iter().skip(1).map(|(_, _, kept)| kept.clone());
        let other_stores = more.iter().map(|(id, _)| *id).zip(others_kept).collect();
        let catalog = Catalog::new(Arc::new(probed_table), listing_shards);
        let stores = opened(&all, &shelf, |store| {
            Arc::new(ProbedStore { store, probe: probe.clone(), min_part_bytes: 1 })
        });
        let events: Arc<dyn Events> = Arc::new(LocalEvents::new(16));
        let (queue, jobs) = queue();
        let ids: Arc<dyn Ids> = Arc::new(CountingIds::default());
        let now: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);

        let settings = images_settings(&stores, accepted, import_methods.clone());
        let limits = Arc::new(TestLimits::none());
        let context = Context {
            catalog: catalog.clone(),
            policy,
            limits: Arc::<TestLimits>::clone(&limits),
            clock: Arc::clone(&now),
            ids: Arc::clone(&ids),
            events,
            queue: Arc::clone(&queue),
        };
        let accepted = Arc::clone(&settings.accepted);
        let images = Images::new(context.clone(), settings);
        let members = Members::new(context.clone(), Some(MAX_MEMBERS));
        let sessions = session_settings();
        let settings = UploadSettings { intake: INTAKE, lease: LEASE, rules: rules.clone(), sessions };
        let tasks = told_of(&context);
        let registrar = registrar(catalog.clone(), stores.clone(), Arc::clone(&now), rules.clone());
        let locations = located(&context, &all, do_secure_hash, shown);
        let locations = if looks { locations.looking(registrar.clone()) } else { locations };
        let images = images.locating(locations.clone());
        let certificates = Arc::<TestCertificates>::default();
        let key_manager = Arc::<TestCertificates>::clone(&certificates);
        let signatures = Signatures { certificates: Some(key_manager), ..Signatures::none() };
        let data = ImageData::new(context.clone(), stores.clone(), settings);
        let data = data.verifying(signatures.clone()).importing(import_methods.clone());
        let web = TestWeb::default();
        let imports = imported(&context, &stores, import_methods.clone(), plugins.clone());
        let imports = imports.verifying(signatures);
        let settings = ImporterSettings { plugins, ..importer_settings(INTAKE, rules.clone()) };
        let importer = Importer::new(catalog.clone(), stores.clone(), ports(&context, &web), settings);
        let tasks = tasks.importing(images.clone(), imports.clone());
        let completion = completion(catalog, stores, now, rules.clone());
        let reaper = Reaper::new(completion.clone(), queue).registering(registrar);
        let catalog = Catalog::new(Arc::clone(&table), listing_shards);
        let unprobed = opened(&all, &shelf, |store| store);
        let around = (Arc::clone(&ids), web.clone());
        let other = others_on(catalog.clone(), unprobed, Arc::clone(&clock), rules, around);
        probe.meanwhile(move || time_passes(other.clone()));
        let info = Info::new(context.policy.clone(), offered(&all), &accepted).importing(import_methods);
        let functions = BTreeMap::from([
            ("discovery", discovery::routes(info)),
            ("images", images::routes(images.clone(), members, locations.clone())),
            ("tasks", tasks::routes(tasks.clone(), imports.clone())),
            ("uploads", uploads::routes(data.clone())),
            ("gateway", uploads::part_routes(data.clone())),
        ]);
        let door = Door { identity: Arc::new(TokenSays), ids, public_endpoint: None, cors: Cors::default() };
        let service = Service::in_process(serve(functions.values().cloned().collect::<Routes>(), door));
        Self {
            images,
            data,
            tasks,
            locations,
            reaper,
            imports,
            importer,
            web,
            completion,
            functions,
            service,
            catalog,
            jobs,
            clock,
            limits,
            certificates,
            probe,
            table,
            store,
            other_stores,
            shelf,
        }
    }

    /// The same service, whose clients are sent to the store for downloads, and may be scripts.
    #[must_use]
    pub fn opened(mut self, redirects: Option<Redirects>, cors: Cors) -> Self {
        let data = self.data.clone().redirecting(redirects);
        self.functions.insert("uploads", uploads::routes(data.clone()));
        self.functions.insert("gateway", uploads::part_routes(data.clone()));
        let ids = Arc::new(CountingIds::default());
        let door = Door { identity: Arc::new(TokenSays), ids, public_endpoint: None, cors };
        let service = Service::in_process(serve(self.routes(), door));
        Self { data, service, ..self }
    }

    /// The same service on a host that puts a body of so many bytes at most into a message.
    #[must_use]
    pub fn carrying(self, max_bytes: u64) -> Self {
        let ids = Arc::new(CountingIds::default());
        let door = Door { identity: Arc::new(TokenSays), ids, public_endpoint: None, cors: Cors::default() };
        let routes = Payload { max_bytes, elsewhere: None }.limit(self.routes());
        Self { service: Service::in_process(serve(routes, door)), ..self }
    }

    /// The routes of every function, as they describe themselves.
    pub fn routes(&self) -> Routes {
        self.functions.values().cloned().collect()
    }

    /// Registers an image whose formats are set, as the administrator.
    pub async fn queued(&self) -> Image {
        let body = serde_json::json!({"name": "web", "disk_format": "raw", "container_format": "bare"});
        self.create(body).await
    }

    /// Registers an image, as the administrator.
    pub async fn create(&self, body: Value) -> Image {
        self.images.create(&admin(), body).await.unwrap()
    }

    /// Uploads, as the administrator, in pieces of 10 bytes.
    ///
    /// # Errors
    /// As [`ImageData::upload`].
    pub async fn upload(&self, image: &Image, bytes: &[u8]) -> shared::Result<()> {
        let request = UploadRequest { size: Some(bytes.len() as u64), store: None, token: None };
        let pieces: Vec<Result<Bytes, Cause>> =
            bytes.chunks(10).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body = Box::pin(futures_util::stream::iter(pieces));
        self.data.upload(&admin(), &image.id, &request, body).await
    }

    /// Stages, as the administrator, in pieces of 10 bytes.
    ///
    /// # Errors
    /// As [`ImageData::stage`].
    pub async fn stage(&self, image: &Image, bytes: &[u8]) -> shared::Result<()> {
        let pieces: Vec<Result<Bytes, Cause>> =
            bytes.chunks(10).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body = Box::pin(futures_util::stream::iter(pieces));
        self.data.stage(&admin(), &image.id, Some(bytes.len() as u64), body).await
    }

    /// The record of an image, deleted or not, past every rule.
    pub async fn record(&self, image: &Image) -> Value {
        let key = Key { partition: format!("image#{}", image.id), sort: "record".to_owned() };
        Value::Object(self.table.get(&key).await.unwrap().unwrap().attributes)
    }

    /// Every sort key in a partition.
    pub async fn rows(&self, partition: &str) -> Vec<String> {
        let page = self.table.query(&Query::partition(partition, 1000)).await.unwrap();
        page.items.into_iter().map(|item| item.key.sort).collect()
    }

    /// What a download holds, straight from the store.
    pub async fn bytes(&self, image: &Image) -> Option<Vec<u8>> {
        let record = self.record(image).await;
        let key: String = record.pointer("/location/key")?.as_str()?.to_owned();
        let size = record.get("size")?.as_u64()?;
        if size == 0 {
            return Some(Vec::new());
        }
        let stream = self.store.read(&key.try_into().unwrap(), 0..size).await.unwrap();
        let pieces: Vec<Bytes> = futures_util::TryStreamExt::try_collect(stream).await.unwrap();
        Some(pieces.concat())
    }
}
