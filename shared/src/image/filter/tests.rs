use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::image::NewImage;

const KEYS: &[&str] = &[
    "limit",
    "marker",
    "sort",
    "sort_key",
    "sort_dir",
    "name",
    "id",
    "status",
    "container_format",
    "disk_format",
    "size",
    "size_min",
    "size_max",
    "virtual_size",
    "min_ram_min",
    "min_disk_max",
    "owner",
    "checksum",
    "os_hash_value",
    "os_hash_algo",
    "created_at",
    "updated_at",
    "protected",
    "os_hidden",
    "visibility",
    "member_status",
    "tag",
    "tags",
    "deleted",
    "locations",
    "properties",
    "changes-since",
];

const LIMITS: PageLimits = PageLimits { default: 25, max: 1000 };

fn parse(query: &str) -> Result<ListRequest> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap()).collect();
    let owned: Vec<_> = pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    ListRequest::parse(&owned, LIMITS)
}

fn image() -> Image {
    let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
    let time = Timestamp::parse("2026-10-01T08:02:11.5Z").unwrap();
    let body = json!({
        "name": "web,base", "disk_format": "qcow2", "tags": ["lts", "web"], "os_distro": "debian", "min_ram": 512,
    });
    let mut image = NewImage::parse(body).unwrap().into_image(id, Some("p1".parse().unwrap()), time).unwrap();
    image.size = Some(100);
    image
}

#[test]
fn a_filter_matches_what_the_reference_says() {
    for (query, expected) in [
        ("", true),
        ("name=web,base", true),
        ("name=in:\"web,base\",other", true),
        ("name=in:web,base", false),
        ("name=eq:web,base", true),
        ("name=WEB,BASE", false),
        ("status=in:active,queued", true),
        ("status=active", false),
        ("disk_format=qcow2&container_format=bare", false),
        ("owner=p1", true),
        ("checksum=00", false),
        ("created_at=2026-10-01T08:02:11Z", true),
        ("created_at=gt:2026-10-01T08:02:11Z", false),
        ("created_at=gte:2026-10-01", true),
        ("updated_at=lt:2026-10-01T08:02:12Z", true),
        ("updated_at=neq:2026-10-01", true),
        ("size=100", true),
        ("size=gt:5", false),
        ("size_min=100&size_max=100", true),
        ("size_min=101", false),
        ("size_min=-1", true),
        ("size_max=-1", false),
        ("min_ram_min=512&min_disk_max=0", true),
        ("virtual_size=0", false),
        ("protected=false", true),
        ("os_hidden=True", false),
        ("visibility=shared", true),
        ("visibility=all", true),
        ("visibility=public", false),
        ("tag=lts&tag=web", true),
        ("tag=lts&tag=db", false),
        ("name=other&name=web,base", true),
        ("os_distro=debian", true),
        ("os_distro_min=7", false),
        ("nobody_knows=1", false),
        ("deleted=true", true),
        ("tags=lts", false),
        ("locations=x", false),
        ("os_hash_algo=sha512", false),
    ] {
        assert_eq!(parse(query).unwrap().filter.matches(&image()), expected, "{query}");
    }
}

#[test]
fn a_wrong_parameter_is_named() {
    for (query, word) in [
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("marker=web", "marker"),
        ("name=like:web", "name"),
        ("name=in:\"web", "quotes"),
        ("created_at=yesterday", "created_at"),
        ("created_at=after:2026-10-01", "created_at"),
        ("size_min=big", "size_min"),
        ("protected=True", "protected"),
        ("os_hidden=1", "os_hidden"),
        ("visibility=secret", "visibility"),
        ("member_status=maybe", "member_status"),
        ("changes-since=2026-10-01", "changes-since"),
        ("sort_key=colour", "sort_key"),
        ("sort_key=name&sort_dir=up", "sort_dir"),
        ("sort_key=name&sort_dir=asc&sort_dir=desc&sort_dir=asc", "sort_dir"),
        ("sort=name:asc&sort_key=name", "sort"),
        ("sort=colour", "sort"),
        ("sort=name,", "sort"),
        ("sort=name:up", "sort"),
        ("sort=name:asc:desc", "sort"),
        ("sort_dir=asc&sort_dir=desc", "sort_dir"),
        ("name=in:a\"b\"", "name"),
    ] {
        match parse(query) {
            Err(Error::Invalid(message)) => assert!(message.contains(word), "{query}: {message}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn order_and_limit_have_defaults_and_bounds() {
    assert_eq!(parse("").unwrap().sort, Sort::default());
    assert_eq!(parse("").unwrap().limit, 25);
    assert_eq!(parse("limit=0").unwrap().limit, 0);
    assert_eq!(parse("limit=5000").unwrap().limit, 1000);
}

/// The order of a query, in the words of the API: what decides first, and what breaks its ties.
fn order(query: &str) -> String {
    let sort = parse(query).unwrap().sort;
    let words = sort
        .orders()
        .map(|order| format!("{}:{}", order.key.name(), if order.descending { "desc" } else { "asc" }));
    words.collect::<Vec<_>>().join(",")
}

#[test]
fn an_order_is_read_from_either_syntax() {
    for (query, expected) in [
        ("", "created_at:desc,id:desc"),
        ("sort_dir=asc", "created_at:asc,id:asc"),
        ("sort=name", "name:desc,created_at:desc,id:desc"),
        ("sort=name:", "name:desc,created_at:desc,id:desc"),
        ("sort=name:asc", "name:asc,created_at:asc,id:asc"),
        ("sort_key=name&sort_dir=asc", "name:asc,created_at:asc,id:asc"),
        ("sort_key=name", "name:desc,created_at:desc,id:desc"),
        ("sort=name:asc,size", "name:asc,size:desc,created_at:desc,id:desc"),
        ("sort=name:asc,size:asc", "name:asc,size:asc,created_at:desc,id:desc"),
        ("sort=name:asc, size : asc", "name:asc,size:asc,created_at:desc,id:desc"),
        ("sort_key=name&sort_key=size&sort_dir=asc", "name:asc,size:asc,created_at:asc,id:asc"),
        (
            "sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc",
            "name:asc,size:desc,created_at:desc,id:desc",
        ),
        ("sort=name:asc,created_at:asc,id:asc", "name:asc,created_at:asc,id:asc"),
        ("sort=name:asc,id:asc", "name:asc,id:asc"),
        ("sort=id:asc,name:desc", "id:asc"),
        ("sort=name:asc,name:desc,size:asc", "name:asc,size:asc,created_at:desc,id:desc"),
        (
            "sort=status:asc,container_format:asc,disk_format:desc,updated_at:asc",
            "status:asc,container_format:asc,disk_format:desc,updated_at:asc,created_at:desc,id:desc",
        ),
    ] {
        assert_eq!(order(query), expected, "{query}");
    }
}

#[test]
fn an_order_that_every_index_has_needs_no_sorting() {
    for (query, expected) in [
        ("", true),
        ("sort=name:asc", true),
        ("sort=id:asc", true),
        ("sort=created_at:asc", true),
        ("sort=name:asc,created_at:asc,id:asc", true),
        ("sort=name:desc,created_at,id", true),
        ("sort=name:asc,created_at:desc", false),
        ("sort=name:asc,id:asc", false),
        ("sort=created_at:asc,name:asc", false),
        ("sort=name:desc,size:desc", false),
    ] {
        assert_eq!(parse(query).unwrap().sort.is_indexed(), expected, "{query}");
    }
}

#[test]
fn a_limit_of_any_length_is_cut() {
    assert_eq!(parse("limit=99999999999999999999999999").unwrap().limit, 1000);
}

#[test]
fn a_list_of_values_is_read_as_glance_reads_it() {
    for (value, expected) in [
        ("in:a,b", Some(&["a", "b"][..])),
        ("in:\"a,b\",c", Some(&["a,b", "c"])),
        ("in:a,\"b,c\"", Some(&["a", "b,c"])),
        ("in:", Some(&[""])),
        ("in:a,", Some(&["a", ""])),
        ("in:\"\"", Some(&[""])),
        ("in:\"a\\\"b\"", Some(&["a\"b"])),
        ("eq:a,b", Some(&["a,b"])),
        ("eq:\"a\"", Some(&["\"a\""])),
        ("eq:a:b", Some(&["a:b"])),
        ("2026-10-01T08:00:00Z", Some(&["2026-10-01T08:00:00Z"])),
        ("in:\"a", None),
        ("in:a\"b", None),
        ("in:a\"b\"", None),
        ("in:\"a\"b", None),
        ("gt:a", None),
        ("a:b", None),
        (":", None),
    ] {
        let parsed =
            parse(&format!("name={value}")).ok().and_then(|request| request.filter.bounds(SortKey::Name));
        let expected = expected.map(|texts| {
            let mut texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            texts.sort();
            Bounds::Texts(texts)
        });
        assert_eq!(parsed, expected, "{value}");
    }
}

#[test]
fn bounds_hold_all_that_passes() {
    let second = |text: &str| Timestamp::parse(text).unwrap().microseconds();
    let times = |low: i64, high: i64| {
        Some(Bounds::Times(Timestamp::from_microseconds(low), Timestamp::from_microseconds(high)))
    };
    let day = second("2026-10-01");
    for (query, key, expected) in [
        ("", SortKey::Size, None),
        ("size=5", SortKey::Size, Some(Bounds::Numbers(5, 5))),
        ("size_min=5", SortKey::Size, Some(Bounds::Numbers(5, u64::MAX))),
        ("size_max=5&size_min=2", SortKey::Size, Some(Bounds::Numbers(2, 5))),
        ("created_at=gte:2026-10-01", SortKey::CreatedAt, times(day, i64::MAX)),
        ("created_at=gt:2026-10-01", SortKey::UpdatedAt, None),
        ("updated_at=lt:2026-10-01", SortKey::UpdatedAt, times(0, day + 1_000_000)),
        ("updated_at=2026-10-01", SortKey::UpdatedAt, times(day, day + 1_000_000)),
        ("updated_at=neq:2026-10-01", SortKey::UpdatedAt, None),
        ("status=active", SortKey::Status, Some(Bounds::Texts(vec!["active".to_owned()]))),
    ] {
        assert_eq!(parse(query).unwrap().filter.bounds(key), expected, "{query}");
    }
}

proptest! {
    /// Of one parameter, whatever its name and value: an answer, or an error that names it.
    #[test]
    fn any_parameter_is_read_or_named(
        key in prop_oneof![proptest::sample::select(KEYS), "[a-z_-]{0,12}".prop_map(|key| &*key.leak())],
        value in prop_oneof![
            "\\PC{0,16}",
            "(in|eq|gt|gte|lt|lte|neq|like|):[\"a-z0-9,:\\\\ -]{0,12}",
            "-?[0-9]{1,40}",
            "[0-9+-]{1,6}-[0-9]{1,2}-[0-9]{1,2}T?[0-9:.Z+-]{0,12}",
        ],
    ) {
        match ListRequest::parse(&[(key.to_owned(), value)], LIMITS) {
            Ok(request) => for key in SortKey::ALL {
                let _ = (request.filter.bounds(key), request.filter.matches(&image()));
            },
            Err(Error::Invalid(message)) => prop_assert!(message.contains(key), "{key}: {message}"),
            Err(other) => prop_assert!(false, "{key}: {other:?}"),
        }
    }

    #[test]
    fn a_quoted_list_keeps_commas(names in proptest::collection::vec("[a-z,:]{1,6}", 1..4)) {
        let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let request = parse(&format!("name=in:{}", quoted.join(","))).unwrap();
        prop_assert_eq!(&request.filter.tests, &[Test::Text(TextField::Name, names)]);
    }
}
