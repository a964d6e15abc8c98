//! The order of a list: `sort=key:dir` or `sort_key` with `sort_dir`.

use super::{Sort, SortKey, invalid};
use crate::error::Result;

/// Reads the order. One key decides; `created_at` and `id` may follow it, since they break its ties anyway.
pub(super) fn parse(query: &[(String, String)]) -> Result<Sort> {
    let all = |name: &str| -> Vec<&str> {
        query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    };
    let (new, keys, dirs) = (all("sort"), all("sort_key"), all("sort_dir"));
    let orders = match (new.last(), keys.is_empty() && dirs.is_empty()) {
        (Some(_), false) => return Err(invalid("sort", "left out when sort_key or sort_dir is given")),
        (Some(sort), true) => sort.split(',').map(combined).collect::<Result<Vec<_>>>()?,
        (None, _) => separate(&keys, &dirs)?,
    };
    let mut orders = orders.into_iter();
    let Some((key, descending)) = orders.next() else { return Ok(Sort::default()) };
    let key = sort_key(key)?;
    for (tie, _) in orders {
        if !matches!(tie, "created_at" | "id") {
            return Err(invalid("sort", "one key, with created_at and id behind it at most"));
        }
    }
    Ok(Sort { key, descending })
}

/// `key` or `key:dir`; without a direction, descending.
fn combined(text: &str) -> Result<(&str, bool)> {
    match text.split_once(':') {
        None => Ok((text, true)),
        Some((key, dir)) => Ok((key, descending("sort", dir)?)),
    }
}

/// One direction counts for every key; several are matched to the keys one by one.
fn separate<'a>(keys: &[&'a str], dirs: &[&str]) -> Result<Vec<(&'a str, bool)>> {
    let dirs = dirs.iter().map(|dir| descending("sort_dir", dir)).collect::<Result<Vec<_>>>()?;
    let keys = if keys.is_empty() { &["created_at"] } else { keys };
    match dirs.as_slice() {
        [] => Ok(keys.iter().map(|key| (*key, true)).collect()),
        [dir] => Ok(keys.iter().map(|key| (*key, *dir)).collect()),
        dirs if dirs.len() == keys.len() => Ok(keys.iter().copied().zip(dirs.iter().copied()).collect()),
        _ => Err(invalid("sort_dir", "given once, or once for each sort_key")),
    }
}

fn descending(parameter: &str, dir: &str) -> Result<bool> {
    match dir {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(invalid(parameter, "asc or desc")),
    }
}

fn sort_key(key: &str) -> Result<SortKey> {
    match key {
        "created_at" => Ok(SortKey::CreatedAt),
        "name" => Ok(SortKey::Name),
        "status" => Ok(SortKey::Status),
        "size" => Ok(SortKey::Size),
        "updated_at" => Ok(SortKey::UpdatedAt),
        "id" | "container_format" | "disk_format" => Err(invalid(
            key,
            "left out: sorting by it is not supported; created_at, name, size, status, updated_at are",
        )),
        _ => Err(invalid("sort_key", "one of created_at, name, size, status, updated_at")),
    }
}
