//! The service over a bucket that tells of each object that is created, and the function that is told.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::Error;
use shared::adapters::in_process::{LocalEvents, LocalQueue};
use shared::adapters::memory::MemoryStore;
use shared::catalog::{BlobState, Catalog};
use shared::error::Cause;
use shared::format::Rules;
use shared::image::{Image, Location};
use shared::operations::{
    Arrival, Arrivals, ArrivalsSettings, Context, ImageData, Reaper, Stores, UploadRequest, UploadSettings,
};
use shared::policy::Policy;
use shared::ports::{ByteStream, Chunks, Clock, ObjectWriter, Part, PartLimits, Store, StoreError};
use shared::store::ObjectKey;
use shared::transfer::Intake;
use tests::callers::admin;
use tests::fixtures::{CountingIds, TestClock, TestLimits};
use tests::probe::{ProbedStore, ProbedTable};
use tests::world::{LEASE, PART, World, completion, no_queue, others, session_settings, time_passes};

const NAME: &str = "glint-images";
const PREFIX: &str = "images/";

/// A bucket. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) objects: MemoryStore,
    clock: Arc<TestClock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Every object ever created.
    created: Vec<Arrival>,
    /// The numbers of those whose event was delivered.
    delivered: BTreeSet<usize>,
    /// Every key anything was asked of.
    keys: BTreeSet<ObjectKey>,
    /// Whether the next write goes unanswered.
    stalls: bool,
    /// Writes that went unanswered and may still land.
    stalled: Vec<(ObjectKey, Chunks)>,
    /// Which removal what went unanswered lands behind, and who is told of it at once.
    ambush: Option<(usize, Arrivals)>,
}

impl Bucket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, key: &ObjectKey) {
        let path = format!("{PREFIX}{key}");
        let created = Arrival { bucket: NAME.to_owned(), path, at: self.clock.now() };
        self.state().created.push(created);
    }

    async fn create(&self, key: &ObjectKey, bytes: Chunks) {
        self.objects.put(key, bytes).await.unwrap();
        self.tell(key);
    }

    /// Lets one write land that went unanswered.
    pub(super) async fn land(&self, number: usize) {
        let landing = {
            let stalled = &mut self.state().stalled;
            (!stalled.is_empty()).then(|| stalled.remove(number % stalled.len()))
        };
        if let Some((key, bytes)) = landing {
            self.create(&key, bytes).await;
        }
    }

    /// Whom to tell, and of what, now that an object was removed.
    fn ambushed(&self, removed: &ObjectKey) -> Option<(Arrivals, Chunks)> {
        let mut state = self.state();
        let number = state.stalled.iter().position(|(key, _)| key == removed)?;
        let (left, arrivals) = state.ambush.take()?;
        if left > 0 {
            state.ambush = Some((left - 1, arrivals));
            return None;
        }
        Some((arrivals, state.stalled.remove(number).1))
    }

    /// Lets the next write go unanswered.
    pub(super) fn stall(&self) {
        self.state().stalls = true;
    }

    /// Lets what went unanswered land right behind a removal of its key, the first after so many others, and has it
    /// looked at before anybody goes on.
    pub(super) fn ambush(&self, others: usize, arrivals: Arrivals) {
        self.state().ambush = Some((others, arrivals));
    }

    /// What went unanswered until now never lands.
    pub(super) fn calm(&self) {
        self.state().stalled.clear();
    }

    pub(super) fn created(&self) -> Vec<Arrival> {
        self.state().created.clone()
    }

    pub(super) fn is_delivered(&self, number: usize) -> bool {
        self.state().delivered.contains(&number)
    }

    pub(super) fn keys(&self) -> Vec<ObjectKey> {
        self.state().keys.iter().cloned().collect()
    }
}

#[async_trait]
impl Store for Bucket {
    fn part_limits(&self) -> PartLimits {
        self.objects.part_limits()
    }

    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        {
            let mut state = self.state();
            state.keys.insert(key.clone());
            if std::mem::take(&mut state.stalls) {
                state.stalled.push((key.clone(), bytes));
                return Err(StoreError::Unavailable("no answer".into()));
            }
        }
        self.create(key, bytes).await;
        Ok(())
    }

    async fn begin(&self, key: &ObjectKey, size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        self.state().keys.insert(key.clone());
        let writer = self.objects.begin(key, size).await?;
        Ok(Arc::new(Writer { parts: writer, key: key.clone(), bucket: self.clone() }))
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        self.objects.read(key, range).await
    }

    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.objects.size(key).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.state().keys.insert(key.clone());
        self.objects.remove(key).await?;
        if let Some((arrivals, bytes)) = self.ambushed(key) {
            self.create(key, bytes).await;
            let landed = self.created().pop().unwrap();
            let number = self.created().len() - 1;
            arrivals.arrived(&landed, None).await.unwrap();
            self.state().delivered.insert(number);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Writer {
    parts: Arc<dyn ObjectWriter>,
    key: ObjectKey,
    bucket: Bucket,
}

#[async_trait]
impl ObjectWriter for Writer {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        self.parts.write(part).await
    }

    async fn complete(&self) -> Result<(), StoreError> {
        self.parts.complete().await?;
        self.bucket.tell(&self.key);
        Ok(())
    }
}

/// The service over such a bucket, all of it under the world's probe.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) world: World,
    pub(super) bucket: Bucket,
    pub(super) data: ImageData,
    pub(super) reaper: Reaper,
    pub(super) arrivals: Arrivals,
    /// The catalog, past the probe.
    pub(super) catalog: Catalog,
    /// Arrivals, past the probe.
    pub(super) unprobed: Arrivals,
}

impl Default for Site {
    fn default() -> Self {
        let world = World::default();
        let (probe, clock) = (world.probe.clone(), Arc::clone(&world.clock));
        let bucket = Bucket { objects: MemoryStore::new(), clock: Arc::clone(&clock), state: Arc::default() };
        let catalog = Catalog::new(Arc::clone(&world.table), 1);
        let table = ProbedTable { table: Arc::clone(&world.table), probe: probe.clone() };
        let probed = Catalog::new(Arc::new(table), 1);
        let store = ProbedStore { store: Arc::new(bucket.clone()), probe, min_part_bytes: 1 };
        let stores = Stores::single("default".parse().unwrap(), Arc::new(store));
        let intake = Intake {
            part_bytes: PART as u64,
            parts_in_flight: 2,
            max_bytes: 1 << 20,
            idle: Duration::from_mins(1),
        };
        let context = Context {
            catalog: probed.clone(),
            policy: Policy::default(),
            limits: Arc::new(TestLimits::none()),
            clock: Arc::<TestClock>::clone(&clock),
            ids: Arc::new(CountingIds::default()),
            events: Arc::new(LocalEvents::new(16)),
            queue: Arc::new(LocalQueue::new(1).0),
        };
        let sessions = session_settings();
        let settings = UploadSettings { intake, lease: LEASE, rules: Rules::default(), sessions };
        let data = ImageData::new(context, stores.clone(), settings);
        let settings = ArrivalsSettings {
            buckets: vec![shared::operations::Bucket {
                store: "default".parse().unwrap(),
                name: NAME.to_owned(),
                prefix: PREFIX.to_owned(),
            }],
            grace: LEASE,
        };
        let looks = |catalog: &Catalog| {
            let completion = completion(
                catalog.clone(),
                stores.clone(),
                Arc::<TestClock>::clone(&clock),
                Rules::default(),
            );
            Arrivals::new(completion, settings.clone())
        };
        let standing = Stores::single("default".parse().unwrap(), Arc::new(bucket.clone()));
        let other = others(catalog.clone(), standing, Arc::clone(&clock), Rules::default());
        world.probe.meanwhile(move || time_passes(other.clone()));
        let (arrivals, unprobed) = (looks(&probed), looks(&catalog));
        let reaper = Reaper::new(
            completion(probed, stores, Arc::<TestClock>::clone(&clock), Rules::default()),
            no_queue(),
        );
        Self { world, bucket, data, reaper, arrivals, catalog, unprobed }
    }
}

impl Site {
    /// Uploads, as the administrator.
    pub(super) async fn upload(&self, image: &Image, bytes: &[u8]) -> shared::Result<()> {
        self.upload_as(image, bytes, bytes.len()).await
    }

    /// As [`Self::upload`], announcing another size.
    pub(super) async fn upload_as(&self, image: &Image, bytes: &[u8], size: usize) -> shared::Result<()> {
        let request = UploadRequest { size: Some(size as u64), store: None, token: None };
        let body = futures_util::stream::iter([Ok::<_, Cause>(Bytes::copy_from_slice(bytes))]);
        self.data.upload(&admin(), &image.id, &request, Box::pin(body)).await
    }

    /// Hands the function a batch of one message for each event. Answers which of them are done.
    pub(super) async fn deliver(&self, events: &[Arrival]) -> Vec<bool> {
        let messages = events.iter().enumerate().map(|(number, event)| {
            let object = json!({"bucket": {"name": event.bucket}, "object": {"key": event.path, "size": 1}});
            let (time, name) = (event.at.sortable(), "ObjectCreated:Put");
            let body = json!({"Records": [{"eventTime": time, "eventName": name, "s3": object}]});
            json!({"messageId": number.to_string(), "body": body.to_string()})
        });
        let batch = serde_json::from_value(json!({"Records": messages.collect::<Vec<_>>()})).unwrap();
        let answer =
            serde_json::to_value(upload_completed::handle(batch, &self.arrivals, None).await).unwrap();
        let again = answer["batchItemFailures"].as_array().unwrap();
        let comes_again = |number: usize| {
            let id = Value::from(number.to_string());
            again.iter().any(|failure| failure["itemIdentifier"] == id)
        };
        (0..events.len()).map(|number| !comes_again(number)).collect()
    }

    /// Hands the function one event, by number. Whether it is done with.
    pub(super) async fn deliver_one(&self, number: usize) -> bool {
        let done = self.deliver(&[self.bucket.created()[number].clone()]).await == [true];
        if done {
            self.bucket.state().delivered.insert(number);
        }
        done
    }

    /// Writes bytes under a key, behind every rule, as a writer does that is late, and tells of it.
    pub(super) async fn write(&self, key: &ObjectKey, bytes: &[u8]) -> Arrival {
        self.bucket.create(key, vec![Bytes::copy_from_slice(bytes)].into()).await;
        self.bucket.created().pop().unwrap()
    }

    /// What the table knows of a key.
    pub(super) async fn state(&self, key: &ObjectKey) -> Option<BlobState> {
        let location = Location { store: "default".parse().unwrap(), key: key.clone() };
        self.catalog.blob(&location).await.unwrap().map(|blob| blob.state)
    }

    /// What is due, in rows.
    pub(super) async fn due(&self) -> Vec<String> {
        self.world.rows("due#blob#0").await
    }

    /// An image whose upload was given up, and the key of it: removed and forgotten.
    pub(super) async fn forgotten(&self) -> (Image, ObjectKey) {
        let image = self.world.queued().await;
        assert!(matches!(self.upload_as(&image, b"short", 6).await, Err(Error::Invalid(_))));
        let key = self.bucket.keys().pop().unwrap();
        (image, key)
    }

    /// Lets every lease and every grace end, and does what is then due.
    pub(super) async fn settle(&self) {
        self.world.probe.reset();
        self.world.clock.advance(LEASE * 2);
        assert_eq!(self.reaper.run().await.unwrap().failed, 0);
        let second = self.reaper.run().await.unwrap();
        assert_eq!((second.expired, second.removed, second.failed), (0, 0, 0), "nothing is left to do");
    }

    /// Holds the table and the bucket against each other: what is active can be read, and nothing else is kept.
    /// `bytes` says whether an image may hold these.
    pub(super) async fn check(&self, images: &[Image], bytes: impl Fn(usize, &[u8]) -> bool, case: &str) {
        let mut owned = Vec::new();
        for (number, image) in images.iter().enumerate() {
            let record = self.world.record(image).await;
            let mut rows = vec!["record".to_owned()];
            match record["status"].as_str().unwrap() {
                "active" => {
                    let key: ObjectKey =
                        record["location"]["key"].as_str().unwrap().to_owned().try_into().unwrap();
                    let size = record["size"].as_u64().unwrap();
                    let read = self.bucket.objects.read(&key, 0..size).await.unwrap();
                    let pieces: Vec<Bytes> = futures_util::TryStreamExt::try_collect(read).await.unwrap();
                    assert!(bytes(number, &pieces.concat()), "{case}: the bytes of image {number}");
                    assert_eq!(self.state(&key).await, Some(BlobState::Attached), "{case}");
                    rows.insert(0, format!("blob#{}", key.blob()));
                    owned.push(key);
                }
                "queued" | "deleted" => assert!(record.get("upload").is_none(), "{case}: {record}"),
                status => panic!("{case}: image {number} is {status}"),
            }
            assert_eq!(self.world.rows(&format!("image#{}", image.id)).await, rows, "{case}: {number}");
        }
        owned.sort();
        assert_eq!(self.bucket.objects.keys(), owned, "{case}: objects");
        assert_eq!(self.due().await, Vec::<String>::new(), "{case}: due");
    }
}
