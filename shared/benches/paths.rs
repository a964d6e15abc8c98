//! The paths that requests and bytes take most often, on ports in memory: what the rest of a request costs is the table's,
//! the store's and the network's.   cargo bench -p shared --features contract

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use shared::adapters::memory::{MemoryStore, MemoryTable};
use shared::catalog::{Catalog, Scope, Walk};
use shared::format::{Examination, Rules, samples};
use shared::id::{ImageId, ProjectId, Ulid};
use shared::image::{DiskFormat, Image, ListRequest, NewImage, Order, PageLimits, Patch, PatchForm};
use shared::store::ObjectKey;
use shared::time::Timestamp;
use shared::transfer::{Body, Intake};
use shared::usage::Allowance;
use tokio::runtime::Runtime;

const IMAGES: u32 = 1000;
const MIB: usize = 1 << 20;

fn image(number: u32) -> Image {
    let body = json!({
        "name": format!("image-{number}"), "disk_format": "qcow2", "container_format": "bare", "tags": ["lts", "web"],
        "visibility": if number.is_multiple_of(2) { "public" } else { "private" }, "os_distro": "debian", "os_version": "12",
        "hw_disk_bus": "virtio", "hw_vif_model": "virtio",
    });
    let owner: ProjectId = "p1".parse().unwrap();
    let created_at = Timestamp::from_microseconds(1_790_000_000_000_000 + i64::from(number) * 1_000_000);
    NewImage::parse(body)
        .unwrap()
        .into_image(ImageId::from_random(number.into()), Some(owner), created_at)
        .unwrap()
}

fn patch(c: &mut Criterion) {
    let image = image(1);
    let document = json!([
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/os_type", "value": "linux"},
        {"op": "remove", "path": "/os_version"},
    ]);
    c.bench_function("patch: three changes, read and applied", |b| {
        b.iter_batched(
            || document.clone(),
            |document| {
                Patch::parse(PatchForm::V21, document).unwrap().apply(black_box(&image), |_, _| true).unwrap()
            },
            BatchSize::SmallInput,
        );
    });
}

fn filter(c: &mut Criterion) {
    let images: Vec<_> = (0..IMAGES).map(image).collect();
    let query = [
        ("os_distro", "debian"),
        ("tag", "web"),
        ("created_at", "gte:2026-09-01"),
        ("name", "in:image-7,image-8"),
    ];
    let query = query.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let filter = ListRequest::parse(&query, PageLimits { default: 25, max: 1000 }).unwrap().filter;
    let mut group = c.benchmark_group("filter");
    group.throughput(Throughput::Elements(IMAGES.into()));
    group.bench_function("four tests, 1,000 images", |b| {
        b.iter(|| images.iter().filter(|image| filter.matches(black_box(image))).count());
    });
    group.finish();
}

fn list(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let catalog = Catalog::new(Arc::new(MemoryTable::new()), 1);
    runtime.block_on(async {
        for number in 0..IMAGES {
            catalog.create(&image(number), &Allowance::default()).await.unwrap();
        }
    });
    let own_and_public = [Scope::Owner("p1".parse().unwrap()), Scope::Public];
    for (name, scopes) in
        [("one stream", [Scope::All].as_slice()), ("two streams, half in both", &own_and_public)]
    {
        c.bench_function(&format!("list: a page of 25 of 1,000, {name}"), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    let mut listing = catalog.list(Walk::new(scopes, Order::default(), 25));
                    for _ in 0..25 {
                        black_box(listing.next().await.unwrap().unwrap());
                    }
                });
            });
        });
    }
}

fn intake(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (piece, pieces) = (Bytes::from(vec![7; MIB / 16]), 64 * 16);
    let intake = Intake {
        part_bytes: 8 * MIB as u64,
        parts_in_flight: 4,
        max_bytes: 1 << 40,
        idle: Duration::from_mins(1),
    };
    let key = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1));
    let mut group = c.benchmark_group("intake");
    group.throughput(Throughput::Bytes(64 * MIB as u64)).sample_size(20);
    group.bench_function("64 MiB in pieces of 64 KiB, hashed and kept", |b| {
        b.iter(|| {
            let body = std::iter::repeat_n(piece.clone(), pieces).map(Ok);
            let mut body: Body = Box::pin(futures_util::stream::iter(body));
            let store = MemoryStore::new();
            runtime.block_on(intake.receive(&store, &key, &mut body, None, None)).unwrap()
        });
    });
    group.finish();
}

/// What inspection costs beside the hash that sets the pace of an upload.
fn inspection(c: &mut Criterion) {
    let piece = vec![7; MIB / 16];
    let mut group = c.benchmark_group("inspection");
    group.throughput(Throughput::Bytes(64 * MIB as u64)).sample_size(20);
    for (name, image) in [("raw", vec![7; MIB / 16]), ("qcow2", samples::qcow2(3)), ("vhdx", samples::vhdx())]
    {
        group.bench_function(format!("64 MiB in pieces of 64 KiB, {name}"), |b| {
            b.iter(|| {
                let mut examination = Examination::new(Rules::default(), DiskFormat::parse(name).unwrap());
                let pieces = image.chunks(MIB / 16).chain(std::iter::repeat_n(piece.as_slice(), 64 * 16));
                pieces.for_each(|piece| examination.update([black_box(piece)]).unwrap());
                examination.conclude().unwrap();
                examination.into_verdict()
            });
        });
    }
    group.bench_function("64 MiB in pieces of 64 KiB, MD5 for comparison", |b| {
        b.iter(|| {
            let mut md5 = fast_md5::Md5::new();
            (0..64 * 16).for_each(|_| md5.update(black_box(&piece)));
            md5.finalize()
        });
    });
    group.finish();
}

criterion_group!(benches, patch, filter, list, intake, inspection);
criterion_main!(benches);
