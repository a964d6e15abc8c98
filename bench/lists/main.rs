//! Catalogues of any size in the embedded table, and what a page of a list costs in them.
//!
//!     lists load DATA IMAGES
//!     lists measure ROUNDS DATA...
//!
//! `load` makes a data directory for `glint serve` with so many images of project `bench` and as many public ones of another,
//! written past the API, as 200,000 creates would take an hour. `measure` asks for pages as a member of `bench` does, by the
//! operation itself, and prints a line of JSON for each page and directory: its name, most queries and items, and the lower quartile of
//! nanoseconds.
//! Each round asks for another marker and name. Directories take turns, so that what else the machine does meets them alike.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs};

use async_trait::async_trait;
use futures_util::{TryStreamExt as _, stream};
use serde_json::json;
use shared::adapters::sqlite::SqliteTable;
use shared::app::App;
use shared::catalog::Catalog;
use shared::config::Config;
use shared::id::ImageId;
use shared::identity::Caller;
use shared::image::{
    ContainerFormat, Digests, DiskFormat, Image, ListRequest, NewImage, PageLimits, SortKey, Status,
    Visibility,
};
use shared::operations::Images;
use shared::ports::{Item, Key, Page, Query, Table, TableError, Write};
use shared::time::Timestamp;
use shared::usage::Allowance;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The project that asks, and the one whose public images it sees.
const PROJECTS: [&str; 2] = ["bench", "vendor"];

/// How many images are registered at once: as many as the table commits together.
const AT_ONCE: usize = 256;

/// 2026-10-01T08:00:00Z, in microseconds.
const BEGINNING: i64 = 1_790_841_600_000_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["load", data, images] => load(Path::new(data), images.parse()?).await,
        ["measure", rounds, data @ ..] if !data.is_empty() => measure(rounds.parse()?, data).await,
        _ => Err("usage: lists load DATA IMAGES | lists measure ROUNDS DATA...".into()),
    }
}

/// A number that looks like any, and is the same each time.
fn scattered(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

/// An image as published ones are. Most tie in status and formats.
fn image(project: &str, visibility: Visibility, number: u64) -> Outcome<Image> {
    let chance = scattered(number + if visibility == Visibility::Public { 1 << 40 } else { 0 });
    let body = json!({
        "name": format!("debian-13-{project}-amd64-{number:08}"), "min_disk": 10, "min_ram": 512, "tags": ["debian", "nightly"],
        "architecture": "x86_64", "hw_disk_bus": "scsi", "hw_firmware_type": "uefi", "hw_qemu_guest_agent": "yes",
        "hw_scsi_model": "virtio-scsi", "hw_vif_model": "virtio", "os_distro": "debian", "os_version": "13",
    });
    let at = |seconds: u64| -> Outcome<Timestamp> {
        Ok(Timestamp::from_microseconds(BEGINNING + i64::try_from(seconds)? * 1_000_000))
    };
    let (created, id) = (at(number)?, ImageId::from_random(u128::from(chance) << 64 | u128::from(chance)));
    let image = NewImage::parse(body)?.into_image(id, Some(project.parse()?), created)?;
    let (status, size) = match chance % 20 {
        0 => (Status::Queued, None),
        1 => (Status::Deactivated, Some(chance >> 24)),
        _ => (Status::Active, Some(chance >> 24)),
    };
    let digests = size.map(|size| Digests { md5: format!("{size:032x}"), sha512: format!("{size:0128x}") });
    let disk_format = if chance.is_multiple_of(7) { DiskFormat::Raw } else { DiskFormat::Qcow2 };
    Ok(Image {
        visibility,
        status,
        size,
        digests,
        disk_format: Some(disk_format),
        container_format: Some(ContainerFormat::Bare),
        updated_at: at(number + chance % 1_000_000)?,
        ..image
    })
}

async fn load(data: &Path, images: u64) -> Outcome<()> {
    fs::create_dir_all(data)?;
    let catalog = Catalog::new(Arc::new(SqliteTable::open(data.join("table.sqlite"))?), 1);
    for (project, visibility) in PROJECTS.into_iter().zip([Visibility::Shared, Visibility::Public]) {
        let made = (0..images).map(|number| image(project, visibility, number));
        let create = |image: Image| {
            let catalog = &catalog;
            async move { Ok(catalog.create(&image, &Allowance::default()).await?) }
        };
        let done: Outcome<Vec<()>> =
            stream::iter(made).map_ok(create).try_buffer_unordered(AT_ONCE).try_collect().await;
        done?;
    }
    Ok(())
}

/// A table that counts what is read of it.
#[derive(Debug)]
struct Counting {
    table: SqliteTable,
    queries: AtomicUsize,
    items: AtomicUsize,
}

impl Counting {
    /// What was read since the last look: queries, items.
    fn taken(&self) -> (usize, usize) {
        (self.queries.swap(0, Ordering::Relaxed), self.items.swap(0, Ordering::Relaxed))
    }
}

#[async_trait]
impl Table for Counting {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.table.get(key).await
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.items.fetch_add(keys.len(), Ordering::Relaxed);
        self.table.get_batch(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let page = self.table.query(query).await?;
        self.queries.fetch_add(1, Ordering::Relaxed);
        self.items.fetch_add(page.items.len(), Ordering::Relaxed);
        Ok(page)
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        self.table.commit(write).await
    }
}

/// A loaded catalogue.
struct Loaded {
    data: String,
    images: Images,
    table: Arc<Counting>,
    /// How many images the project has.
    count: u64,
}

async fn open(data: &str) -> Outcome<Loaded> {
    let table = SqliteTable::open(Path::new(data).join("table.sqlite"))?;
    let table = Arc::new(Counting { table, queries: AtomicUsize::new(0), items: AtomicUsize::new(0) });
    let catalog = Catalog::new(Arc::<Counting>::clone(&table), 1);
    let app = App::new(Config::default());
    let images = app.images(&app.context(&catalog, app.no_queue())?);
    let count = catalog.usage(&PROJECTS[0].parse()?).await?.images;
    Ok(Loaded { data: data.to_owned(), images, table, count })
}

/// What is asked for, by name: each order from its beginning and behind an image, and that image by its name.
fn pages(image: &Image) -> BTreeMap<String, String> {
    let (id, name) = (&image.id, image.name.as_deref().unwrap_or_default());
    let orders =
        SortKey::ALL.iter().flat_map(|key| ["asc", "desc"].map(|dir| format!("{}:{dir}", key.name())));
    let pages = orders.flat_map(|order| {
        [
            (order.clone(), format!("sort={order}")),
            (format!("{order} behind"), format!("sort={order}&marker={id}")),
        ]
    });
    let by_name = [
        ("name".to_owned(), format!("name={name}")),
        ("name sorted".to_owned(), format!("name={name}&sort=name:asc")),
    ];
    pages.chain(by_name).collect()
}

/// What one page cost.
#[derive(Clone, Debug, Default)]
struct Cost {
    queries: usize,
    items: usize,
    times: Vec<u128>,
}

/// Asks a catalogue for one page.
async fn ask(loaded: &Loaded, caller: &Caller, query: &str, cost: &mut Cost) -> Outcome<()> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let request = ListRequest::parse(&pairs, PageLimits { default: 25, max: 1000 })?;
    loaded.table.taken();
    let begun = Instant::now();
    let page = loaded.images.list(caller, &request).await?;
    cost.times.push(begun.elapsed().as_nanos());
    let (queries, items) = loaded.table.taken();
    (cost.queries, cost.items) = (cost.queries.max(queries), cost.items.max(items));
    if page.images.is_empty() && query.contains("name=") {
        Err(format!("{query}: nothing there").into())
    } else {
        Ok(())
    }
}

async fn measure(rounds: u64, data: &[&str]) -> Outcome<()> {
    let caller = Caller::new(Some(PROJECTS[0].parse()?), None, ["member", "reader"]);
    let (mut all, mut out) = (Vec::new(), io::stdout().lock());
    for data in data {
        all.push(open(data).await?);
    }
    let names = pages(&image(PROJECTS[0], Visibility::Shared, 0)?).into_keys();
    for name in names {
        let mut costs = vec![Cost::default(); all.len()];
        for round in 0..rounds {
            for (loaded, cost) in all.iter().zip(&mut costs) {
                let some = image(PROJECTS[0], Visibility::Shared, scattered(round) % loaded.count)?;
                let query = pages(&some).remove(&name).unwrap_or_default();
                ask(loaded, &caller, &query, cost).await?;
            }
        }
        for (loaded, Cost { queries, items, mut times }) in all.iter().zip(costs) {
            times.sort_unstable();
            let quartile = u64::try_from(times.get(times.len() / 4).copied().unwrap_or_default())?;
            let told = json!({"page": name, "data": loaded.data, "queries": queries, "items": items, "ns": quartile});
            writeln!(out, "{told}")?;
        }
    }
    Ok(())
}
