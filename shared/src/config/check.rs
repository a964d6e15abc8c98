//! What a value alone cannot tell: bounds, and settings that must fit each other.

use std::ops::RangeInclusive;

use super::{Config, IdentityMode, QueueAdapter, Setting, StoreAdapter, StoreConfig, TableAdapter};

/// The fewest characters of a key that is a text.
const MIN_KEY: usize = 32;

/// Everything wrong with a configuration: the key to change, and why.
pub(super) fn faults(config: &Config) -> Vec<(&'static str, String)> {
    bounds(config).into_iter().chain(texts(config)).chain(combinations(config)).collect()
}

fn bounds(config: &Config) -> Vec<(&'static str, String)> {
    let of = |count: usize| count as u64;
    let bounded: [(&'static str, u64, RangeInclusive<u64>); 28] = [
        ("drain_seconds", config.drain_seconds, 0..=86_400),
        ("identity.keystone.cache_seconds", config.identity.keystone.cache_seconds, 0..=3600),
        ("identity.keystone.timeout_seconds", config.identity.keystone.timeout_seconds, 1..=25),
        ("signatures.barbican_timeout_seconds", config.signatures.barbican_timeout_seconds, 1..=25),
        ("table.listing_shards", config.table.listing_shards.into(), 1..=64),
        // S3's own limits of a part: 5 MiB to 5 GiB.
        ("upload.part_mib", config.upload.part_mib, 5..=5120),
        ("upload.parts_in_flight", of(config.upload.parts_in_flight), 1..=64),
        ("import.workers", of(config.import.workers), 1..=64),
        ("upload.lease_seconds", config.upload.lease_seconds, 10..=86_400),
        ("upload.idle_seconds", config.upload.idle_seconds, 1..=86_400),
        ("upload.session_part_mib", config.upload.session_part_mib, 5..=5120),
        ("upload.session_seconds", config.upload.session_seconds, 60..=604_800),
        ("upload.url_seconds", config.upload.url_seconds, 60..=604_800),
        ("upload.hash_run_mib", config.upload.hash_run_mib, 1..=u64::MAX >> 20),
        ("download.url_seconds", config.download.url_seconds, 1..=604_800),
        ("cors.max_age_seconds", config.cors.max_age_seconds, 0..=86_400),
        ("egress.connect_seconds", config.egress.connect_seconds, 1..=60),
        ("egress.idle_seconds", config.egress.idle_seconds, 1..=3600),
        ("egress.transfer_seconds", config.egress.transfer_seconds, 60..=604_800),
        ("import.max_ratio", config.import.plugins.max_ratio, 1..=1_000_000),
        ("locations.http_retries", config.locations.http_retries.into(), 0..=100),
        ("limits.image_size_bytes", config.limits.image_size_bytes, 1..=i64::MAX as u64),
        ("limits.page_max", of(config.limits.page_max), 1..=1000),
        ("limits.page_default", of(config.limits.page_default), 1..=of(config.limits.page_max)),
        ("tasks.time_to_live_hours", config.tasks.time_to_live_hours, 1..=8760),
        ("import.lease_seconds", config.import.lease_seconds, 5..=900),
        ("import.seconds", config.import.seconds, 60..=604_800),
        ("reaper.interval_seconds", config.reaper.interval_seconds, 1..=86_400),
    ];
    let outside = bounded.into_iter().filter(|(_, value, bounds)| !bounds.contains(value));
    outside
        .map(|(key, value, bounds)| {
            (key, format!("must be {} to {}, not {value}", bounds.start(), bounds.end()))
        })
        .collect()
}

fn texts(config: &Config) -> Vec<(&'static str, String)> {
    let urls = [
        ("public_endpoint", &config.public_endpoint),
        ("data_plane_endpoint", &config.data_plane_endpoint),
        ("identity.keystone.auth_url", &config.identity.keystone.auth_url),
        ("identity.keystone.www_authenticate_uri", &config.identity.keystone.www_authenticate_uri),
        ("signatures.barbican_endpoint", &config.signatures.barbican_endpoint),
        ("table.endpoint", &config.table.endpoint),
        ("queue.url", &config.queue.url),
        ("queue.import_url", &config.queue.import_url),
        ("queue.endpoint", &config.queue.endpoint),
    ];
    let mut faults: Vec<_> = urls
        .into_iter()
        .filter_map(|(key, url)| Some((key, url.as_deref()?)))
        .filter(|(_, url)| !is_base_url(url))
        .map(|(key, url)| (key, format!("must be a URL such as https://host:9292, not '{url}'")))
        .collect();
    for store in config.stores() {
        let urls = [
            ("endpoint", &store.endpoint),
            ("public_endpoint", &store.public_endpoint),
            ("auth_url", &store.swift.auth_url),
        ];
        let bad = urls.into_iter().filter_map(|(key, url)| Some((key, url.as_deref()?)));
        faults.extend(bad.filter(|(_, url)| !is_base_url(url)).map(|(key, url)| {
            of_store(config, store, key, &format!("must be a URL such as https://host:9292, not '{url}'"))
        }));
    }
    // CloudWatch takes more in a dimension, but not everything.
    if config.stage.is_empty()
        || !config.stage.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    {
        faults.push(("stage", format!("must be letters, digits, '_' or '-', not '{}'", config.stage)));
    }
    if config.table.name.is_empty() {
        faults.push(("table.name", "must not be empty".to_owned()));
    }
    faults
}

/// Whether something can be appended to it and the result be a URL.
fn is_base_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let clean = |rest: &str| {
        !rest.contains(['?', '#', ' ', '"', '<', '>']) && rest.bytes().all(|b| b.is_ascii_graphic())
    };
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && clean(rest))
}

/// A fault of a store, by the key it is told by.
fn of_store(config: &Config, store: &StoreConfig, key: &str, why: &str) -> (&'static str, String) {
    let setting = Setting::of(&format!("store.{key}")).filter(|_| store.id == config.store.id);
    match setting {
        Some(setting) => (setting.key, why.to_owned()),
        None => ("stores", format!("{}.{key} {why}", store.id)),
    }
}

/// Whether two stores would hold each other's objects.
fn same_place(config: &Config, one: &StoreConfig, other: &StoreConfig) -> bool {
    match (one.adapter, other.adapter) {
        (StoreAdapter::File, StoreAdapter::File) => {
            let is_default = |store: &StoreConfig| store.id == config.store.id;
            let directory = |store: &StoreConfig| store.directory(&config.data, is_default(store));
            directory(one) == directory(other)
        }
        (StoreAdapter::S3, StoreAdapter::S3) | (StoreAdapter::Gcs, StoreAdapter::Gcs) => {
            let place =
                |store: &StoreConfig| (store.endpoint.clone(), store.bucket.clone(), store.prefix.clone());
            place(one) == place(other)
        }
        (StoreAdapter::Swift, StoreAdapter::Swift) => {
            let who = |store: &StoreConfig| {
                (store.swift.auth_url.clone(), store.swift.credentials.project_name.clone())
            };
            let whose =
                |store: &StoreConfig| (store.swift.credentials.username.clone(), store.endpoint.clone());
            let place = |store: &StoreConfig| (store.container.clone(), store.prefix.clone());
            (who(one), whose(one), place(one)) == (who(other), whose(other), place(other))
                && one.region == other.region
        }
        (StoreAdapter::Azblob, StoreAdapter::Azblob) => {
            let whose = |store: &StoreConfig| (store.azure.account_name.clone(), store.endpoint.clone());
            let place = |store: &StoreConfig| (store.container.clone(), store.prefix.clone());
            (whose(one), place(one)) == (whose(other), place(other))
        }
        (StoreAdapter::Http, StoreAdapter::Http) => true,
        _ => false,
    }
}

fn combinations(config: &Config) -> Vec<(&'static str, String)> {
    let mut faults: Vec<_> = config.policy.fault().into_iter().chain(config.image.fault()).collect();
    for store in config.stores() {
        if store.adapter == StoreAdapter::S3 && store.bucket.is_none() {
            let why = "must name the bucket when the store's adapter is s3";
            faults.push(of_store(config, store, "bucket", why));
        }
        if store.adapter == StoreAdapter::Gcs {
            if store.bucket.is_none() {
                let why = "must name the bucket when the store's adapter is gcs";
                faults.push(of_store(config, store, "bucket", why));
            }
            if store.access_key_id.is_none() {
                let why = "must be the access id of an HMAC key when the store's adapter is gcs";
                faults.push(of_store(config, store, "access_key_id", why));
            }
        }
        if let StoreAdapter::Swift | StoreAdapter::Azblob = store.adapter {
            let (name, fault) = match store.adapter {
                StoreAdapter::Swift => ("swift", store.swift.fault()),
                _ => ("azblob", store.azure.fault()),
            };
            if store.container.is_none() {
                let why = format!("must name the container when the store's adapter is {name}");
                faults.push(of_store(config, store, "container", &why));
            }
            faults.extend(fault.map(|(key, why)| of_store(config, store, key, why)));
            if !(1..=300).contains(&store.timeout_seconds) {
                faults.push(of_store(config, store, "timeout_seconds", "must be 1 to 300"));
            }
        }
        if store.seal_key.as_ref().is_some_and(|key| key.reveal().len() < MIN_KEY) {
            let why = format!("must have {MIN_KEY} characters or more");
            faults.push(of_store(config, store, "seal_key", &why));
        }
        if store.access_key_id.is_some() != store.secret_access_key.is_some() {
            let why = "must be set together with secret_access_key, or neither";
            faults.push(of_store(config, store, "access_key_id", why));
        }
    }
    if config.store.adapter == StoreAdapter::Http {
        let why = "must be another for the default store: nothing can be written to http";
        faults.push(("store.adapter", why.to_owned()));
    }
    for (at, store) in config.stores().enumerate().skip(1) {
        let others = || config.stores().take(at);
        if others().any(|other| other.id == store.id) {
            faults.push(("stores", format!("there are two stores '{}'", store.id)));
        } else if others().any(|other| same_place(config, other, store)) {
            faults.push(("stores", format!("store '{}' lies where another does", store.id)));
        }
    }
    if config.queue.adapter == QueueAdapter::Sqs && config.queue.url.is_none() {
        faults.push(("queue.url", "must be the queue's URL when queue.adapter is sqs".to_owned()));
    }
    let table = config.table.adapter == TableAdapter::Memory;
    let mut kept = config.stores().filter(|store| store.adapter != StoreAdapter::Http);
    if kept.any(|store| (store.adapter == StoreAdapter::Memory) != table) {
        let key = if table { "table.adapter" } else { "store.adapter" };
        let why = "table.adapter and store.adapter must be memory both or neither, of every store";
        faults.push((key, why.to_owned()));
    }
    faults.extend(config.identity.keystone.fault(config.identity.mode));
    faults.extend(config.signatures.fault());
    faults.extend(config.import.plugins.fault().map(|why| ("import.inject", why)));
    if config.import.token_key.as_ref().is_some_and(|key| key.reveal().len() < MIN_KEY) {
        faults.push(("import.token_key", format!("must have {MIN_KEY} characters or more")));
    }
    let open = config.identity.mode == IdentityMode::None && !config.identity.none_on_any_address;
    if open && !config.listen.ip().is_loopback() {
        faults.push((
            "listen",
            format!(
                "{} can be reached from other machines, and identity.mode none lets everybody do everything: listen \
                 on 127.0.0.1, or set identity.none_on_any_address = true",
                config.listen
            ),
        ));
    }
    faults
}
