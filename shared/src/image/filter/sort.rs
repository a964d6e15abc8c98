//! The order of a list: `sort=key:dir,…`, or `sort_key` with `sort_dir`, each as often as there are keys.

use std::cmp::Ordering;

use super::invalid;
use crate::error::Result;
use crate::image::{ContainerFormat, DiskFormat, Image};

/// What a list can be ordered by. Unset counts as empty, or as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// Name.
    Name,
    /// Status, by its name.
    Status,
    /// Container format.
    ContainerFormat,
    /// Disk format.
    DiskFormat,
    /// Size.
    Size,
    /// Id.
    Id,
    /// Time of registration.
    CreatedAt,
    /// Time of last change.
    UpdatedAt,
}

/// One key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What orders.
    pub key: SortKey,
    /// Largest first.
    pub descending: bool,
}

/// The order of a list: one key after the other, and no two images are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    first: Order,
    ties: Vec<Order>,
}

impl SortKey {
    /// Every key, in the order of the API reference.
    pub const ALL: [Self; 8] = [
        Self::Name,
        Self::Status,
        Self::ContainerFormat,
        Self::DiskFormat,
        Self::Size,
        Self::Id,
        Self::CreatedAt,
        Self::UpdatedAt,
    ];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::ContainerFormat => "container_format",
            Self::DiskFormat => "disk_format",
            Self::Size => "size",
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    fn compare(self, a: &Image, b: &Image) -> Ordering {
        match self {
            Self::Name => a.name.as_deref().unwrap_or_default().cmp(b.name.as_deref().unwrap_or_default()),
            Self::Status => a.status.name().cmp(b.status.name()),
            Self::ContainerFormat => {
                let name = |image: &Image| image.container_format.map_or("", ContainerFormat::name);
                name(a).cmp(name(b))
            }
            Self::DiskFormat => {
                let name = |image: &Image| image.disk_format.map_or("", DiskFormat::name);
                name(a).cmp(name(b))
            }
            Self::Size => a.size.unwrap_or(0).cmp(&b.size.unwrap_or(0)),
            Self::Id => a.id.cmp(&b.id),
            Self::CreatedAt => a.created_at.cmp(&b.created_at),
            Self::UpdatedAt => a.updated_at.cmp(&b.updated_at),
        }
    }
}

impl Order {
    fn compare(self, a: &Image, b: &Image) -> Ordering {
        let order = self.key.compare(a, b);
        if self.descending { order.reverse() } else { order }
    }
}

impl Default for Order {
    fn default() -> Self {
        Self { key: SortKey::CreatedAt, descending: true }
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self::by(Order::default())
    }
}

impl Sort {
    /// By one key; ties by `created_at`, then `id`, in its direction.
    pub fn by(order: Order) -> Self {
        Self::new(&[order], order.descending)
    }

    /// By several keys; ties by `created_at`, then `id`, where they are not among them. Of a repeated key the first counts.
    /// No key is the default order.
    fn new(keys: &[Order], ties_descending: bool) -> Self {
        let last = [SortKey::CreatedAt, SortKey::Id].map(|key| Order { key, descending: ties_descending });
        let mut orders: Vec<Order> = Vec::with_capacity(keys.len() + last.len());
        for order in keys.iter().chain(&last) {
            // Behind the id nothing is left to decide.
            let decided = orders.iter().any(|before| before.key == order.key || before.key == SortKey::Id);
            if !decided {
                orders.push(*order);
            }
        }
        let first = if orders.is_empty() { Order::default() } else { orders.remove(0) };
        Self { first, ties: orders }
    }

    /// What decides, one after the other.
    #[cfg(test)]
    pub(super) fn orders(&self) -> impl Iterator<Item = Order> {
        std::iter::once(self.first).chain(self.ties.iter().copied())
    }

    /// What decides before all else.
    pub fn first(&self) -> Order {
        self.first
    }

    /// Whether ties of the first key are broken as every index breaks them: by `created_at`, then `id`, in its direction.
    pub fn is_indexed(&self) -> bool {
        self.ties == Self::by(self.first).ties
    }

    /// Which of two images comes first.
    pub fn compare(&self, a: &Image, b: &Image) -> Ordering {
        let ties = || self.ties.iter().map(|order| order.compare(a, b));
        self.first.compare(a, b).then_with(|| ties().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
    }

    /// Whether the first key does not tell two images apart.
    pub fn ties(&self, a: &Image, b: &Image) -> bool {
        self.first.key.compare(a, b).is_eq()
    }

    /// Whether a deletion keeps the place that an image has in this order.
    pub fn outlives(&self) -> bool {
        let moved = |order: &Order| matches!(order.key, SortKey::Status | SortKey::UpdatedAt);
        !moved(&self.first) && !self.ties.iter().any(moved)
    }
}

/// Reads the order. Of a repeated `sort` the last one counts.
pub(super) fn parse(query: &[(String, String)]) -> Result<Sort> {
    let all = |name: &str| -> Vec<&str> {
        query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    };
    let (new, keys, dirs) = (all("sort"), all("sort_key"), all("sort_dir"));
    match (new.last(), keys.is_empty() && dirs.is_empty()) {
        (Some(_), false) => Err(invalid("sort", "left out when sort_key or sort_dir is given")),
        (Some(sort), true) => combined(sort),
        (None, _) => separate(&keys, &dirs),
    }
}

/// `key` or `key:dir`, several separated by commas; without a direction, descending.
fn combined(text: &str) -> Result<Sort> {
    let order = |text: &str| {
        let (key, dir) = text.split_once(':').unwrap_or((text, ""));
        let descending = dir.trim().is_empty() || descending("sort", dir)?;
        Ok(Order { key: sort_key("sort", key)?, descending })
    };
    let orders = text.split(',').map(order).collect::<Result<Vec<_>>>()?;
    let ties_descending = !matches!(orders.as_slice(), [Order { descending: false, .. }]);
    Ok(Sort::new(&orders, ties_descending))
}

/// One direction counts for every key; several are matched to the keys one by one.
fn separate(keys: &[&str], dirs: &[&str]) -> Result<Sort> {
    let keys = keys.iter().map(|key| sort_key("sort_key", key)).collect::<Result<Vec<_>>>()?;
    let keys = if keys.is_empty() { vec![SortKey::CreatedAt] } else { keys };
    let dirs = dirs.iter().map(|dir| descending("sort_dir", dir)).collect::<Result<Vec<_>>>()?;
    let (dirs, ties_descending) = match dirs.as_slice() {
        [] => (vec![true; keys.len()], true),
        [dir] => (vec![*dir; keys.len()], *dir),
        _ if dirs.len() == keys.len() => (dirs, true),
        _ => return Err(invalid("sort_dir", "given once, or once for each sort_key")),
    };
    let orders: Vec<_> =
        keys.into_iter().zip(dirs).map(|(key, descending)| Order { key, descending }).collect();
    Ok(Sort::new(&orders, ties_descending))
}

fn descending(parameter: &str, dir: &str) -> Result<bool> {
    match dir.trim() {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(invalid(parameter, "asc or desc")),
    }
}

fn sort_key(parameter: &str, key: &str) -> Result<SortKey> {
    let known = SortKey::ALL.into_iter().find(|known| known.name() == key.trim());
    let expected = "one of name, status, container_format, disk_format, size, id, created_at, updated_at";
    known.ok_or_else(|| invalid(parameter, expected))
}
