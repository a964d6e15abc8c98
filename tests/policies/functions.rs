//! Everything each function does, done once, on DynamoDB, S3 and SQS as engines in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::http::{HttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::adapters::aws::AwsSettings;
use shared::adapters::dynamodb::DynamoTable;
use shared::adapters::in_process::LocalEvents;
use shared::adapters::s3::S3Store;
use shared::adapters::sqs::SqsQueue;
use shared::adapters::system::SystemClock;
use shared::catalog::Catalog;
use shared::format::Rules;
use shared::http::{Cors, Door, serve};
use shared::image::{PageLimits, Quotas};
use shared::import::{ImportMethod, Plugins};
use shared::operations::{
    Addresses, Arrival, Arrivals, ArrivalsSettings, Bucket, Completion, CompletionSettings, Context,
    ImageData, Images, ImagesSettings, ImportSettings, Importer, ImporterPorts, ImporterSettings, Imports,
    Locations, LocationsSettings, Members, Owner, Reaper, SessionSettings, Shown, Stores, Tasks,
    TasksSettings, UploadSettings,
};
use shared::policy::Policy;
use shared::ports::{Clock, Events, Ids, Job, Queue, Store as _};
use shared::store::{Address, ObjectKey, Takes};
use shared::transfer::{Intake, Patience};
use tests::callers::{MEMBER, TokenSays};
use tests::engines::dynamodb::Dynamo;
use tests::engines::s3::S3Engine;
use tests::engines::sqs::{IMPORT_URL, Sqs, URL};
use tests::fixtures::{CountingIds, TestClock, TestLimits, bytes};
use tests::probe::{Fault, Probe, ProbedStore, ProbedTable};
use tests::web::TestWeb;
use tests::world::{LEASE, completion, registrar, session_settings};

use crate::calls::{PART, ask, create, members, put, records, tasks, transfers};
use crate::recorder::{Recorder, Right};

/// The token of a service that acts in the project of the images.
const SERVICE: &str = "p1:service,member,reader";

/// How long a lease is: the clock of the test stands still, so none ends before it is moved.
const A_MOMENT: Duration = Duration::from_millis(30);

/// How long a task is kept.
const A_DAY: Duration = Duration::from_hours(24);

/// One cloud, and the functions that are deployed in it, each with connections of its own.
struct Cloud {
    dynamo: Dynamo,
    s3: S3Engine,
    jobs: Sqs,
    clock: Arc<TestClock>,
    ids: Arc<dyn Ids>,
    events: Arc<dyn Events>,
    recorders: BTreeMap<&'static str, Recorder>,
    /// Kills the function that moves bytes.
    probe: Probe,
}

/// The rights that each function's requests needed, by the function's name.
pub(crate) async fn recorded() -> BTreeMap<String, BTreeSet<Right>> {
    let names =
        ["authorizer", "discovery", "images", "importer", "reaper", "tasks", "upload_completed", "uploads"];
    let cloud = Cloud {
        dynamo: Dynamo::new(),
        s3: S3Engine::new(),
        jobs: Sqs::new(),
        clock: Arc::default(),
        ids: Arc::new(CountingIds::default()),
        events: Arc::new(LocalEvents::new(1)),
        recorders: names.into_iter().map(|name| (name, Recorder::default())).collect(),
        probe: Probe::default(),
    };
    cloud.drive().await;
    cloud.recorders.iter().map(|(name, recorder)| ((*name).to_owned(), recorder.rights())).collect()
}

impl Cloud {
    async fn drive(&self) {
        let (images, uploads) = (self.images(), self.uploads());
        records(&images).await;
        tasks(&self.tasks(), &create(&images, json!({})).await).await;
        transfers(&images, &uploads, &self.recorders["uploads"]).await;
        let gone = create(&images, json!({})).await;
        assert_eq!(put(&uploads, &gone, "", b"0123456789").await, 204);
        members(&images, &gone).await;
        let keys = self.s3.keys().0;
        assert_eq!(ask(&images, MEMBER, Method::DELETE, &gone, &[], b"").await.0, 204);
        assert!(!self.jobs.messages().is_empty(), "nobody told the reaper");
        self.arrive(&keys, Owner::Image).await; // and one that is garbage already
        self.reap(&images, &uploads).await;
        self.arrive(&keys, Owner::Nobody).await; // after the reaper has forgotten it
        self.sessions(&images, &uploads).await;
        self.imports(&images, &uploads).await;
        self.located(&images).await;
    }

    /// The bucket tells of objects: at least one is of that owner.
    async fn arrive(&self, paths: &[String], expected: Owner) {
        let settings = ArrivalsSettings {
            buckets: vec![Bucket {
                store: "default".parse().unwrap(),
                name: "images".to_owned(),
                prefix: "glint/".to_owned(),
            }],
            grace: LEASE,
        };
        let arrivals = Arrivals::new(self.completion("upload_completed"), settings);
        let mut owners = Vec::new();
        for path in paths {
            let arrival = Arrival { bucket: "images".to_owned(), path: path.clone(), at: self.clock.now() };
            owners.push(arrivals.arrived(&arrival, None).await.unwrap());
        }
        assert!(owners.contains(&expected), "{owners:?}");
    }

    fn table(&self, function: &str) -> DynamoTable {
        let connector = self.recorders[function].before(self.dynamo.clone());
        DynamoTable::new(aws("http://dynamodb.test", connector), "glint")
    }

    fn catalog(&self, function: &str) -> Catalog {
        Catalog::new(Arc::new(self.table(function)), 1)
    }

    fn store(&self, function: &str) -> S3Store {
        S3Store::new(self.s3.settings_through(self.recorders[function].before(self.s3.connector())))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<TestClock>::clone(&self.clock)
    }

    fn door(&self) -> Door {
        Door {
            identity: Arc::new(TokenSays),
            ids: Arc::clone(&self.ids),
            public_endpoint: None,
            cors: Cors::default(),
        }
    }

    fn images(&self) -> Router {
        let connector = self.recorders["images"].before(self.jobs.clone());
        let queue = Arc::new(SqsQueue::new(aws("http://sqs.test", connector), URL));
        let context = self.context(self.catalog("images"), queue);
        let members = Members::new(context.clone(), Some(128));
        let locations = Locations::new(context.clone(), locations_settings());
        serve(images::routes(records_in(context), members, locations), self.door())
    }

    fn context(&self, catalog: Catalog, queue: Arc<dyn Queue>) -> Context {
        Context {
            catalog,
            policy: Policy::default(),
            limits: Arc::new(TestLimits::none()),
            clock: self.clock(),
            ids: Arc::clone(&self.ids),
            events: Arc::clone(&self.events),
            queue,
        }
    }

    fn uploads(&self) -> Router {
        let table = ProbedTable { table: Arc::new(self.table("uploads")), probe: self.probe.clone() };
        let store = ProbedStore {
            store: Arc::new(self.store("uploads")),
            probe: self.probe.clone(),
            min_part_bytes: PART as u64,
        };
        let intake = Intake { part_bytes: PART as u64, parts_in_flight: 1, max_bytes: 1 << 30, idle: LEASE };
        let connector = self.recorders["uploads"].before(self.jobs.clone());
        let queue = Arc::new(SqsQueue::new(aws("http://sqs.test", connector), URL));
        let context = self.context(Catalog::new(Arc::new(table), 1), queue);
        let settings =
            UploadSettings { intake, lease: A_MOMENT, rules: Rules::default(), sessions: sessions() };
        let data = ImageData::new(context, stores(store), settings).importing(ImportMethod::ALL);
        serve(uploads::routes(data), self.door())
    }

    fn completion(&self, function: &str) -> Completion {
        completion(self.catalog(function), stores(self.store(function)), self.clock(), Rules::default())
            .with(sessions().completion)
    }

    fn reaper(&self) -> Reaper {
        let (catalog, stores) = (self.catalog("reaper"), stores(self.store("reaper")));
        let registrar = registrar(catalog, stores, self.clock(), Rules::default());
        Reaper::new(self.completion("reaper"), self.queue("reaper")).registering(registrar)
    }

    /// Upload sessions: as they should go, given up, and left by who should complete them.
    async fn sessions(&self, images: &Router, uploads: &Router) {
        for size in [0, PART + 7] {
            let path = create(images, json!({})).await;
            let session = self.brought(uploads, &path, json!({"size": size})).await;
            let shown = ask(uploads, MEMBER, Method::GET, &session, &[], b"").await.1;
            assert_eq!(shown["status"], "open", "{shown}");
            let complete = format!("{session}/complete");
            assert_eq!(ask(uploads, MEMBER, Method::POST, &complete, &[], b"").await.0, 200);
        }
        let path = create(images, json!({})).await;
        let session = self.brought(uploads, &path, json!({"size": 7})).await;
        assert_eq!(ask(uploads, MEMBER, Method::DELETE, &session, &[], b"").await.0, 204);

        let commit = 3; // the image, the blob, the parts
        for (function, expected) in
            [("reaper", 0), ("upload_completed", 0), ("reaper", 1), ("upload_completed", 1)]
        {
            let path = create(images, json!({})).await;
            let md5 = if expected == 0 { Value::Null } else { "0".repeat(32).into() };
            let session = self.brought(uploads, &path, json!({"size": PART + 7, "md5": md5})).await;
            self.probe.arm(commit, Fault::KilledAfter);
            let complete = format!("{session}/complete");
            assert_eq!(ask(uploads, MEMBER, Method::POST, &complete, &[], b"").await.0, 503);
            self.probe.reset();
            self.clock.advance(LEASE * 2);
            // Whoever waits for it asks, and so tells the reaper.
            assert_eq!(ask(uploads, MEMBER, Method::GET, &session, &[], b"").await.1["status"], "completing");
            if function == "reaper" {
                self.reaper().run().await.unwrap();
            } else {
                let (image, blob) = (path.rsplit('/').next().unwrap(), session.rsplit('/').next().unwrap());
                self.arrive(&[format!("glint/{image}/{blob}")], Owner::Image).await;
            }
            let shown = ask(uploads, MEMBER, Method::GET, &session, &[], b"").await.1;
            assert_eq!(
                shown["status"],
                if expected == 0 { "complete" } else { "failed" },
                "{function}: {shown}"
            );
        }
    }

    /// Opens a session and brings its parts to the bucket, past every function. Answers its path.
    async fn brought(&self, uploads: &Router, path: &str, body: Value) -> String {
        // The bucket looks at its own clock whether a URL is still good.
        self.clock.set(SystemClock.now());
        let (path, body) = (format!("{path}/uploads"), body.to_string());
        let (status, session) = ask(uploads, MEMBER, Method::POST, &path, &[], body.as_bytes()).await;
        assert_eq!(status, 201, "{session}");
        for part in session["parts"].as_array().unwrap() {
            let len = usize::try_from(part["size"].as_u64().unwrap()).unwrap();
            let request = Request::put(part["url"].as_str().unwrap()).header("content-length", len);
            let request = request.body(SdkBody::from(bytes(len))).unwrap();
            let answer = self.s3.connector().call(HttpRequest::try_from(request).unwrap()).await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
        }
        session["self"].as_str().unwrap().to_owned()
    }

    /// Imports: as they should go, of an image that is deleted meanwhile, and left by who should do them.
    async fn imports(&self, images: &Router, uploads: &Router) {
        let tasks = self.tasks();
        let importer = self.importer();
        let direct = json!({"method": {"name": "glance-direct"}}).to_string();
        let staged = async || {
            let path = create(images, json!({})).await;
            let stage = format!("{path}/stage");
            let octets = [("content-type", "application/octet-stream")];
            let data = bytes(PART + 1);
            assert_eq!(ask(uploads, MEMBER, Method::PUT, &stage, &octets, &data).await.0, 204);
            path
        };
        let import = async |path: &str, body: &str| {
            let import = format!("{path}/import");
            assert_eq!(ask(&tasks, MEMBER, Method::POST, &import, &[], body.as_bytes()).await.0, 202);
        };
        let path = staged().await;
        import(&path, &direct).await;
        self.work(&importer).await;
        assert_eq!(ask(images, MEMBER, Method::GET, &path, &[], b"").await.1["status"], "active");

        // Deleted after the first part: who brings the others removes them.
        let path = staged().await;
        import(&path, &direct).await;
        let (gone, by) = (path.clone(), images.clone());
        self.probe.meanwhile(move || {
            let (gone, by) = (gone.clone(), by.clone());
            async move {
                assert_eq!(ask(&by, MEMBER, Method::DELETE, &gone, &[], b"").await.0, 204);
            }
        });
        let first_part = 8; // the object's row, its lease, the image, what was staged; begun, kept; no part yet
        self.probe.arm(first_part, Fault::DelayedAfter);
        self.work(&importer).await;
        self.probe.reset();
        assert_eq!(ask(images, MEMBER, Method::GET, &path, &[], b"").await.0, 404);

        // Fetched from nowhere, and found by the reaper.
        let web = json!({"method": {"name": "web-download", "uri": "https://images.example/a"}}).to_string();
        let path = create(images, json!({})).await;
        import(&path, &web).await;
        assert!(self.jobs.import().is_some());
        self.clock.advance(LEASE * 2);
        self.reaper().run().await.unwrap();
        self.work(&importer).await;
        let image = ask(images, MEMBER, Method::GET, &path, &[], b"").await.1;
        assert_eq!(image["os_glance_failed_import"], "default", "{image}");
    }

    /// Does the imports that were asked for.
    async fn work(&self, importer: &Importer) {
        while let Some(job) = self.jobs.import() {
            if let Job::Import(location) = serde_json::from_str(&job).unwrap() {
                importer::handle(importer, &location, None).await;
            }
        }
    }

    fn importer(&self) -> Importer {
        let table = ProbedTable { table: Arc::new(self.table("importer")), probe: self.probe.clone() };
        let store = ProbedStore {
            store: Arc::new(self.store("importer")),
            probe: self.probe.clone(),
            min_part_bytes: PART as u64,
        };
        let ports = ImporterPorts {
            fetch: Arc::new(TestWeb::default()),
            clock: self.clock(),
            ids: Arc::clone(&self.ids),
            events: Arc::clone(&self.events),
            queue: self.queue("importer"),
            abroad: None,
        };
        let intake = Intake { part_bytes: PART as u64, parts_in_flight: 1, max_bytes: 1 << 30, idle: LEASE };
        let settings = ImporterSettings {
            lease: LEASE,
            life: A_DAY,
            intake,
            patience: Patience { tries: 0, ..Patience::default() },
            plugins: Plugins::default(),
            rules: Rules::default(),
            completion: sessions().completion,
            task_life: A_DAY,
            accepted: Arc::default(),
            extra_properties: Vec::new(),
        };
        Importer::new(Catalog::new(Arc::new(table), 1), stores(store), ports, settings)
    }

    fn queue(&self, function: &str) -> Arc<dyn Queue> {
        let connector = self.recorders[function].before(self.jobs.clone());
        let queue = SqsQueue::new(aws("http://sqs.test", connector), URL);
        Arc::new(queue.importing(Some(IMPORT_URL.to_owned())))
    }

    /// An object of others is registered, told of, and goes with its image.
    async fn located(&self, images: &Router) {
        let path = create(images, json!({})).await;
        let image = path.rsplit('/').next().unwrap().parse().unwrap();
        let key = ObjectKey::new(image, self.ids.ulid(self.clock.now())).named("others/a b");
        self.store("uploads").put(&key, vec![bytes(3000).into()].into()).await.unwrap();
        let (locations, body) = (format!("{path}/locations"), json!({"url": "s3://images/others/a b"}));
        let body = body.to_string();
        assert_eq!(ask(images, SERVICE, Method::POST, &locations, &[], body.as_bytes()).await.0, 202);
        self.reaper().run().await.unwrap();
        let (_, told) = ask(images, SERVICE, Method::GET, &locations, &[], b"").await;
        assert_eq!(told, json!([{"url": "s3://images/others/a b", "metadata": {"store": "default"}}]));
        let shown = ask(images, MEMBER, Method::GET, &path, &[], b"").await.1;
        assert_eq!((&shown["status"], &shown["size"]), (&json!("active"), &json!(3000)), "{shown}");
        assert_eq!(ask(images, MEMBER, Method::DELETE, &path, &[], b"").await.0, 204);
        self.reaper().run().await.unwrap();
        let (objects, _) = self.s3.keys();
        assert!(!objects.contains(&"others/a b".to_owned()), "{objects:?}");
    }

    fn tasks(&self) -> Router {
        let context = self.context(self.catalog("tasks"), self.queue("tasks"));
        let settings = TasksSettings {
            time_to_live: A_DAY,
            pages: PageLimits { default: 2, max: 1000 },
            sources: Arc::default(),
        };
        let imports = Imports::new(context.clone(), imports());
        serve(tasks::routes(Tasks::new(context, settings), imports), self.door())
    }

    /// What was deleted, and what a writer that died left.
    async fn reap(&self, images: &Router, uploads: &Router) {
        let killed = create(images, json!({})).await;
        let calls_before_the_second_part = 4; // read, begin the upload, begin the object, the first part
        self.probe.arm(calls_before_the_second_part, Fault::Killed);
        let three_parts = bytes(2 * PART + 1);
        assert_eq!(put(uploads, &killed, "", &three_parts).await, 503);
        self.probe.reset();
        let (objects, begun) = self.s3.keys();
        let (held, deleted) = (2, 6);
        assert_eq!((objects.len(), begun.len()), (held + deleted, 1), "{objects:?} {begun:?}");

        self.clock.advance(LEASE * 2);
        let reaper = self.reaper();
        let report = reaper.run().await.unwrap();
        assert_eq!((report.expired, report.failed), (1, 0));
        assert!(report.removed > deleted, "{report:?}");
        let (objects, begun) = self.s3.keys();
        assert_eq!((objects.len(), begun.len()), (held, 0), "{objects:?} {begun:?}");
    }
}

/// Operations on records.
fn records_in(context: Context) -> Images {
    let settings = ImagesSettings {
        quotas: Quotas::default(),
        pages: PageLimits { default: 2, max: 1000 },
        accepted: Arc::default(),
        import_methods: Vec::new(),
        stores: vec!["default".parse().unwrap()],
    };
    Images::new(context, settings)
}

/// How imports are here.
fn imports() -> ImportSettings {
    ImportSettings {
        methods: ImportMethod::ALL.into(),
        stores: vec!["default".parse().unwrap()],
        sources: Arc::default(),
        plugins: Plugins::default(),
        life: A_DAY,
        task_life: A_DAY,
    }
}

/// How sessions are here: in parts as the bucket wants them, and hashed in two stretches.
fn sessions() -> SessionSettings {
    let completion = CompletionSettings { stretch_bytes: PART as u64, ..session_settings().completion };
    SessionSettings { part_bytes: PART as u64, completion, ..session_settings() }
}

/// Where the bucket is, and what others have there.
fn locations_settings() -> LocationsSettings {
    let (name, prefix) = ("images".to_owned(), "glint/".to_owned());
    let takes = Takes::Bucket { name, prefix, server: None };
    let address = Address { prefix: "s3://images/glint/".to_owned(), takes };
    LocationsSettings {
        addresses: Addresses::new([("default".parse().unwrap(), 0, address)]),
        sources: Arc::default(),
        do_secure_hash: true,
        task_life: A_DAY,
        shown: Shown::default(),
        most: None,
    }
}

fn stores(store: impl shared::ports::Store + 'static) -> Stores {
    Stores::single("default".parse().unwrap(), Arc::new(store))
}

fn aws(endpoint: &str, connector: impl HttpConnector + 'static) -> AwsSettings {
    let connector = SharedHttpConnector::new(connector);
    let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    AwsSettings {
        endpoint: Some(endpoint.to_owned()),
        region: Some("us-east-1".to_owned()),
        http_client: Some(http_client_fn(move |_, _| connector.clone())),
        credentials: Some(aws_credential_types::provider::SharedCredentialsProvider::new(credentials)),
        ..AwsSettings::default()
    }
}
