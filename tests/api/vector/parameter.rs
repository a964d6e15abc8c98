//! One parameter that filters: as it is written, and what it means.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use shared::image::{ContainerFormat, DiskFormat};
use shared::time::Timestamp;

use super::catalogue::{CONTAINERS, DISKS, DISTROS, Entry, NAMES, NOW, PROJECTS, SIZES, TAGS};

/// One parameter that filters, beside those on visibility.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Name(Operator, Vec<&'static str>),
    Ids(Vec<Index>),
    Status(Operator, Vec<&'static str>),
    Disk(Operator, Vec<DiskFormat>),
    Container(Operator, Vec<ContainerFormat>),
    Owner(&'static str),
    Tag(&'static str),
    Distro(&'static str),
    Protected(bool),
    Size(u64),
    SizeMin(u64),
    SizeMax(u64),
    MinRamMin(u32),
    Checksum(u64),
    Time(&'static str, &'static str, i64),
}

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Plain,
    Equal,
    In,
    Quoted,
}

pub(super) fn values<T: Clone + std::fmt::Debug + 'static>(
    of: &[T],
) -> impl Strategy<Value = (Operator, Vec<T>)> + use<T> {
    let operator = select(&[Operator::Plain, Operator::Equal, Operator::In, Operator::Quoted][..]);
    (operator, subsequence(of.to_vec(), 1..=of.len()))
}

pub(super) fn test() -> impl Strategy<Value = Test> {
    let statuses = ["queued", "active", "deactivated", "killed", "deleted"];
    let operator = select(&["", "eq:", "neq:", "lt:", "lte:", "gt:", "gte:"][..]);
    prop_oneof![
        3 => values(&NAMES).prop_map(|(operator, values)| Test::Name(operator, values)),
        1 => proptest::collection::vec(any::<Index>(), 1..4).prop_map(Test::Ids),
        2 => values(&statuses).prop_map(|(operator, values)| Test::Status(operator, values)),
        1 => values(&DISKS).prop_map(|(operator, values)| Test::Disk(operator, values)),
        1 => values(&CONTAINERS).prop_map(|(operator, values)| Test::Container(operator, values)),
        2 => select(&PROJECTS[..]).prop_map(Test::Owner),
        2 => select(&TAGS[..]).prop_map(Test::Tag),
        1 => select(&DISTROS[..]).prop_map(Test::Distro),
        1 => any::<bool>().prop_map(Test::Protected),
        1 => select(&SIZES[..]).prop_map(Test::Size),
        1 => select(&SIZES[..]).prop_map(Test::SizeMin),
        1 => select(&SIZES[..]).prop_map(Test::SizeMax),
        1 => select(&[0, 1, 513][..]).prop_map(Test::MinRamMin),
        1 => select(&SIZES[..]).prop_map(Test::Checksum),
        3 => (select(&["created_at", "updated_at"][..]), operator, -1..4_i64)
            .prop_map(|(key, operator, second)| Test::Time(key, operator, second)),
    ]
}

impl Test {
    pub(super) fn parameter(&self, entries: &[Entry]) -> (&'static str, String) {
        let ids = |picks: &[Index]| {
            let picked = picks.iter().filter(|_| !entries.is_empty());
            let ids = picked.map(|pick| pick.get(entries).image.id.to_string());
            ids.chain(["nobody".to_owned()]).collect::<Vec<_>>()
        };
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        match self {
            Self::Name(operator, values) => ("name", written(*operator, &names(values.clone()))),
            Self::Ids(picks) => ("id", written(Operator::In, &ids(picks))),
            Self::Status(operator, values) => ("status", written(*operator, &names(values.clone()))),
            Self::Disk(operator, values) => {
                ("disk_format", written(*operator, &names(values.iter().map(|it| it.name()).collect())))
            }
            Self::Container(operator, values) => {
                ("container_format", written(*operator, &names(values.iter().map(|it| it.name()).collect())))
            }
            Self::Owner(owner) => ("owner", (*owner).to_owned()),
            Self::Tag(tag) => ("tag", (*tag).to_owned()),
            Self::Distro(distro) => ("os_distro", (*distro).to_owned()),
            Self::Protected(protected) => ("protected", protected.to_string()),
            Self::Size(size) => ("size", size.to_string()),
            Self::SizeMin(size) => ("size_min", size.to_string()),
            Self::SizeMax(size) => ("size_max", size.to_string()),
            Self::MinRamMin(ram) => ("min_ram_min", ram.to_string()),
            Self::Checksum(size) => ("checksum", format!("{size:032x}")),
            Self::Time(key, operator, second) => {
                (key, format!("{operator}{}", Timestamp::from_microseconds(NOW + second * 1_000_000)))
            }
        }
    }

    pub(super) fn holds(&self, entry: &Entry, entries: &[Entry]) -> bool {
        let image = &entry.image;
        match self {
            Self::Name(operator, values) => {
                image.name.as_deref().is_some_and(|name| meant(*operator, values).contains(&name))
            }
            Self::Ids(picks) => {
                !entries.is_empty() && picks.iter().any(|pick| pick.get(entries).image.id == image.id)
            }
            Self::Status(operator, values) => meant(*operator, values).contains(&image.status.name()),
            Self::Disk(operator, values) => {
                image.disk_format.is_some_and(|format| meant(*operator, values).contains(&format))
            }
            Self::Container(operator, values) => {
                image.container_format.is_some_and(|format| meant(*operator, values).contains(&format))
            }
            Self::Owner(owner) => image.owner.as_ref().is_some_and(|of| of.as_str() == *owner),
            Self::Tag(tag) => image.tags.contains(*tag),
            Self::Distro(distro) => image.properties.get("os_distro").is_some_and(|value| value == distro),
            Self::Protected(protected) => image.protected == *protected,
            Self::Size(size) | Self::Checksum(size) => image.size == Some(*size),
            Self::SizeMin(size) => image.size.is_some_and(|has| has >= *size),
            Self::SizeMax(size) => image.size.is_some_and(|has| has <= *size),
            Self::MinRamMin(ram) => image.min_ram >= *ram,
            Self::Time(key, operator, second) => {
                let time = if *key == "created_at" { image.created_at } else { image.updated_at };
                let order = (time.microseconds() - NOW).div_euclid(1_000_000).cmp(second);
                match *operator {
                    "neq:" => order.is_ne(),
                    "lt:" => order.is_lt(),
                    "lte:" => order.is_le(),
                    "gt:" => order.is_gt(),
                    "gte:" => order.is_ge(),
                    _ => order.is_eq(),
                }
            }
        }
    }
}

/// Of several values only a list says more than the first.
pub(super) fn meant<T>(operator: Operator, values: &[T]) -> &[T] {
    if matches!(operator, Operator::In | Operator::Quoted) { values } else { &values[..1] }
}

pub(super) fn written(operator: Operator, values: &[String]) -> String {
    let quoted = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let bare = |value: &String| {
        if value.contains([',', '"']) { quoted(value) } else { value.clone() }
    };
    let first = &values[0];
    match operator {
        Operator::Plain if !first.contains(':') => first.clone(),
        Operator::Plain | Operator::Equal => format!("eq:{first}"),
        Operator::In => format!("in:{}", values.iter().map(bare).collect::<Vec<_>>().join(",")),
        Operator::Quoted => format!("in:{}", values.iter().map(quoted).collect::<Vec<_>>().join(",")),
    }
}
