//! The whole service in memory, under a probe: for tests of what HTTP does not tell or cannot bring about.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

mod others;
mod settings;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use shared::adapters::in_process::LocalEvents;
use shared::adapters::memory::{MemoryStore, MemoryTable};
use shared::catalog::Catalog;
use shared::error::Cause;
use shared::format::Rules;
use shared::http::{Cors, Door, Payload, Routes, serve};
use shared::id::StoreId;
use shared::image::{Accepted, Image, PageLimits};
use shared::import::{ImportMethod, Plugins};
use shared::operations::{
    Completion, Context, ImageData, Images, Importer, ImporterPorts, ImporterSettings, Imports, Info,
    Locations, LocationsSettings, Members, Reaper, Redirects, Registrar, Shown, Signatures, StoreInfo,
    Stores, Tasks, TasksSettings, UploadRequest, UploadSettings,
};
use shared::policy::Policy;
use shared::ports::{Clock, Events, Ids, Key, Query, Store, Table};

pub use others::{Others, no_queue, others, time_passes};
pub use settings::{
    IMPORT_LIFE, LEASE, MAX_IMAGE, MAX_MEMBERS, PART, RETRIES, SESSION_LIFE, STRETCH, TASK_LIFE, URL_LIFE,
    completion, registrar, session_settings,
};

use self::others::{Jobs, import_one, others_on, queue};
use self::settings::{INTAKE, images_settings, imported, importer_settings};
use crate::callers::{TokenSays, admin};
use crate::fixtures::{CountingIds, TestCertificates, TestClock, TestLimits};
use crate::probe::{Probe, ProbedStore, ProbedTable};
use crate::regions::TestRegions;
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
    /// Other regions.
    pub regions: TestRegions,
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
    /// The usual ones, when nothing is said.
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

fn located(
    (context, all): (&Context, &Kept),
    do_secure_hash: bool,
    shown: Shown,
    looks: Option<Registrar>,
) -> Locations {
    let settings = LocationsSettings {
        addresses: shelf::addresses(all.iter().map(|(id, weight, _)| (id, *weight))),
        sources: Arc::default(),
        do_secure_hash,
        task_life: TASK_LIFE,
        shown,
        most: Some(2),
    };
    let locations = Locations::new(context.clone(), settings);
    match looks {
        Some(registrar) => locations.looking(registrar),
        None => locations,
    }
}

fn told_of(context: &Context) -> Tasks {
    let pages = PageLimits { default: 25, max: 1000 };
    let settings = TasksSettings { time_to_live: TASK_LIFE, pages, sources: Arc::default() };
    Tasks::new(context.clone(), settings)
}

/// What an importer works with.
fn ports(context: &Context, web: &TestWeb, regions: &TestRegions) -> ImporterPorts {
    ImporterPorts {
        fetch: Arc::new(web.clone()),
        clock: Arc::clone(&context.clock),
        ids: Arc::clone(&context.ids),
        events: Arc::clone(&context.events),
        queue: Arc::clone(&context.queue),
        abroad: Some(regions.ports()),
    }
}

impl World {
    /// The service on a table.
    pub fn on(table: Arc<dyn Table>) -> Self {
        Self::build(table, Told::default())
    }

    /// The service on a table, with stores beside the default one.
    pub fn storing_on(table: Arc<dyn Table>, others: &'static [(&'static str, i64)]) -> Self {
        Self::build(table, Told { others, ..Told::default() })
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

    /// The service that imports from other regions, too, with stores beside the default one.
    pub fn abroad(others: &'static [(&'static str, i64)]) -> Self {
        Self::told(Told { import_methods: Some(&ImportMethod::ALL), others, ..Told::default() })
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
        let import_methods = import_methods.unwrap_or(&ImportMethod::USUAL).to_vec();
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
        let (queue, jobs) = queue(&probe);
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
        let registrar = registrar(catalog.clone(), stores.clone(), Arc::clone(&now), rules.clone());
        let locations = located((&context, &all), do_secure_hash, shown, looks.then(|| registrar.clone()));
        let images = images.locating(locations.clone());
        let certificates = Arc::<TestCertificates>::default();
        let key_manager = Arc::<TestCertificates>::clone(&certificates);
        let signatures = Signatures { certificates: Some(key_manager), ..Signatures::none() };
        let data = ImageData::new(context.clone(), stores.clone(), settings);
        let data = data.verifying(signatures.clone()).importing(import_methods.clone());
        let (web, regions) = (TestWeb::default(), TestRegions::default());
        let imports = imported(&context, &stores, import_methods.clone(), plugins.clone());
        let imports = imports.verifying(signatures);
        let settings = ImporterSettings { plugins, ..importer_settings(INTAKE, rules.clone()) };
        let importer =
            Importer::new(catalog.clone(), stores.clone(), ports(&context, &web, &regions), settings);
        let tasks = told_of(&context).importing(images.clone(), imports.clone());
        let completion = completion(catalog, stores, now, rules.clone());
        let reaper = Reaper::new(completion.clone(), queue).registering(registrar);
        let catalog = Catalog::new(Arc::clone(&table), listing_shards);
        let unprobed = opened(&all, &shelf, |store| store);
        let around = (Arc::clone(&ids), web.clone(), regions.clone());
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
            regions,
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
