use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::image::NewImage;

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
        ("sort=name:asc,size", "sort"),
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
    let by_name = Sort { key: SortKey::Name, descending: false };
    for query in ["sort_key=name&sort_dir=asc", "sort=name:asc", "sort=name:asc,created_at,id"] {
        assert_eq!(parse(query).unwrap().sort, by_name, "{query}");
    }
    assert!(parse("sort=name").unwrap().sort.descending);
}

proptest! {
    #[test]
    fn no_query_panics(key in "[a-z_-]{0,12}", value in "\\PC{0,16}") {
        let _ = ListRequest::parse(&[(key, value)], LIMITS);
    }

    #[test]
    fn a_quoted_list_keeps_commas(names in proptest::collection::vec("[a-z,:]{1,6}", 1..4)) {
        let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let request = parse(&format!("name=in:{}", quoted.join(","))).unwrap();
        prop_assert_eq!(&request.filter.tests, &[Test::Text(TextField::Name, names)]);
    }
}
