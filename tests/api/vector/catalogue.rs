//! A random catalogue: images of several projects, shared with others, that tie in whatever orders them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use shared::catalog::Catalog;
use shared::id::ImageId;
use shared::image::{ContainerFormat, Digests, DiskFormat, Image, Member, MemberStatus, Status, Visibility};
use shared::time::Timestamp;
use shared::usage::Allowance;
use tests::world::World;

pub(super) const PROJECTS: [&str; 3] = ["p1", "p2", "p3"];
pub(super) const NAMES: [&str; 9] =
    ["", "web", "web-base", "Web", "a,b", "q\"x", "back\\slash", "web\u{1}", "\u{e4}:1"];
pub(super) const TAGS: [&str; 3] = ["lts", "a b", "x&y=z"];
pub(super) const DISTROS: [&str; 2] = ["debian", "in:debian"];
pub(super) const VISIBILITIES: [Visibility; 4] =
    [Visibility::Private, Visibility::Shared, Visibility::Community, Visibility::Public];
pub(super) const DISKS: [DiskFormat; 3] = [DiskFormat::Raw, DiskFormat::Qcow2, DiskFormat::Iso];
pub(super) const CONTAINERS: [ContainerFormat; 2] = [ContainerFormat::Bare, ContainerFormat::Ova];
pub(super) const SIZES: [u64; 5] = [0, 5, 7, 1 << 40, i64::MAX as u64];
/// 2026-10-01T08:00:00Z, in microseconds.
pub(super) const NOW: i64 = 1_790_841_600_000_000;

/// An image, and what each project makes of it that it is shared with.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) image: Image,
    pub(super) members: BTreeMap<&'static str, MemberStatus>,
}

/// Times that tie in the second, and in the microsecond too.
pub(super) fn time() -> impl Strategy<Value = Timestamp> {
    (0..3_i64, select(&[0, 1, 999_999][..]))
        .prop_map(|(second, fraction)| Timestamp::from_microseconds(NOW + second * 1_000_000 + fraction))
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let statuses = [
        Status::Queued,
        Status::Active,
        Status::Active,
        Status::Deactivated,
        Status::Saving,
        Status::Killed,
        Status::Deleted,
    ];
    let who = (
        proptest::option::weighted(0.9, select(&NAMES[..])),
        select(statuses.to_vec()),
        select(&VISIBILITIES[..]),
        proptest::option::weighted(0.9, select(&PROJECTS[..])),
        proptest::collection::btree_map(select(&PROJECTS[..]), select(&MemberStatus::ALL[..]), 0..3),
    );
    let what = (
        proptest::option::of(select(&DISKS[..])),
        proptest::option::of(select(&CONTAINERS[..])),
        proptest::option::of(select(&SIZES[..])),
        subsequence(TAGS.to_vec(), 0..=TAGS.len()),
        proptest::option::of(select(&DISTROS[..])),
    );
    let flags = (proptest::bool::weighted(0.2), any::<bool>(), select(&[0, 512][..]), time(), time());
    (who, what, flags).prop_map(|(who, what, flags)| {
        let (name, status, visibility, owner, members) = who;
        let (disk_format, container_format, size, tags, distro) = what;
        let (os_hidden, protected, min_ram, created_at, updated_at) = flags;
        let digests =
            size.map(|size| Digests { md5: format!("{size:032x}"), sha512: format!("{size:0128x}") });
        let properties = distro.map(|distro| ("os_distro".to_owned(), distro.to_owned()));
        let image = Image {
            id: ImageId::from_random(0),
            name: name.map(str::to_owned),
            status,
            visibility,
            protected,
            os_hidden,
            owner: owner.map(|owner| owner.parse().unwrap()),
            disk_format,
            container_format,
            min_disk: 0,
            min_ram,
            size,
            virtual_size: None,
            digests,
            given: None,
            created_at,
            updated_at,
            tags: tags.into_iter().map(str::to_owned).collect(),
            properties: properties.into_iter().collect(),
            locations: Vec::new(),
            upload: None,
            staged: None,
            import: None,
            reserved: 0,
            refused: None,
            members: 0,
        };
        Entry { image, members }
    })
}

/// A catalogue in which each image is there some times, apart from its id.
pub(super) fn entries(copies: usize) -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec((entry(), any::<u64>()), 0..40).prop_map(move |entries| {
        let copy = |(entry, id): &(Entry, u64), number: usize| {
            let mut copy = entry.clone();
            copy.image.id = ImageId::from_random(u128::from(*id).wrapping_mul(number as u128 + 1));
            copy
        };
        let mut entries: Vec<_> =
            (0..copies).flat_map(|number| entries.iter().map(move |entry| copy(entry, number))).collect();
        let mut ids = BTreeSet::new();
        entries.retain(|entry| ids.insert(entry.image.id.clone()));
        entries
    })
}

/// Writes a catalogue past every rule.
pub(super) async fn fill(world: &World, shards: u32, entries: &[Entry]) {
    let catalog = Catalog::new(Arc::clone(&world.table), shards);
    for Entry { image, members } in entries {
        catalog.create(image, &Allowance::default()).await.unwrap();
        for (project, status) in members {
            let seen = catalog.find(&image.id).await.unwrap().unwrap();
            let member = Member {
                image: image.id.clone(),
                project: project.parse().unwrap(),
                status: *status,
                created_at: image.created_at,
                updated_at: image.created_at,
            };
            catalog.add_member(&seen, &member).await.unwrap();
        }
    }
}
