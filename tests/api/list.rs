use std::time::Duration;

use proptest::prelude::*;
use std::collections::BTreeSet;

use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::service::Service;
use tests::world::World;

use super::Lines;

/// Five images of p1 with different attributes, of which three have data; `step` is done after each change.
async fn filled(service: &Service, step: impl Fn()) -> Vec<String> {
    let mut paths = Vec::new();
    for body in [
        json!({"name": "a", "disk_format": "raw", "container_format": "bare", "tags": ["lts", "web"], "os_distro": "debian"}),
        json!({"name": "b", "disk_format": "ploop", "container_format": "bare", "tags": ["lts"], "min_ram": 512}),
        json!({"name": "c", "disk_format": "raw", "container_format": "ova", "protected": true, "min_disk": 5}),
        json!({"name": "B", "disk_format": "aki", "container_format": "bare", "os_distro": "fedora", "tags": ["web"]}),
        json!({"name": "a,b:c", "visibility": "private"}),
    ] {
        paths.push(service.made(MEMBER, body).await);
        step();
    }
    for (path, size) in [(0, 30), (1, 10), (3, 20)] {
        assert_eq!(service.put_file(MEMBER, &paths[path], &vec![b'x'; size]).await.line(), "204");
        step();
    }
    paths
}

async fn catalogue() -> (Service, Vec<String>) {
    let service = Service::empty().await;
    let paths = filled(&service, || {}).await;
    (service, paths)
}

async fn names(service: &Service, query: &str) -> String {
    service.get(MEMBER, &format!("/v2/images{query}")).await.names()
}

async fn ids(service: &Service, query: &str) -> Vec<String> {
    let page = service.get(MEMBER, &format!("/v2/images{query}")).await.json();
    let images = page["images"].as_array().unwrap().iter();
    images.map(|image| image["id"].as_str().unwrap().to_owned()).collect()
}

fn id_of(path: &str) -> &str {
    path.strip_prefix("/v2/images/").unwrap()
}

#[tokio::test]
async fn an_empty_list_is_a_page_without_images() {
    insta::assert_snapshot!(Service::empty().await.get(READER, "/v2/images").await, @r#"
    200 OK
    content-length: 64
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "first": "/v2/images",
      "images": [],
      "schema": "/v2/schemas/images"
    }
    "#);
}

#[tokio::test]
async fn a_list_shows_images_as_show_does() {
    let service = Service::empty().await;
    let path = service
        .made(MEMBER, json!({"name": "web", "disk_format": "raw", "container_format": "bare", "x": "y"}))
        .await;
    service.put_file(MEMBER, &path, b"abc").await;
    assert_eq!(
        service.get(READER, "/v2/images").await.json()["images"],
        json!([service.get(READER, &path).await.json()])
    );
}

#[tokio::test]
async fn pages_link_to_the_first_and_the_next() {
    let (service, _) = catalogue().await;
    let mut lines = Lines::default();
    let mut next = Some("/v2/images?limit=2".to_owned());
    while let Some(path) = next {
        let answer = service.get(MEMBER, &path).await;
        let page = answer.json();
        assert_eq!(page["first"], "/v2/images?limit=2");
        lines.add(path, answer.names());
        next = page.get("next").map(|next| next.as_str().unwrap().to_owned());
    }
    insta::assert_snapshot!(lines, @r#"
    /v2/images?limit=2 → a,b:c B …
    /v2/images?limit=2&marker=<id 4> → c b …
    /v2/images?limit=2&marker=<id 2> → a
    "#);
}

#[tokio::test]
async fn links_keep_the_whole_query_its_repeated_tags_too() {
    let (service, _) = catalogue().await;
    let query = "?tag=lts&marker=<id 3>&tag=web&limit=1&sort=name%3Aasc&os_distro=debian";
    let page = service.get(MEMBER, &format!("/v2.5/images{query}")).await.json();
    insta::assert_snapshot!(page["first"], @r#""/v2/images?tag=lts&tag=web&limit=1&sort=name%3Aasc&os_distro=debian""#);
    let page = service.get(MEMBER, page["first"].as_str().unwrap()).await.json();
    insta::assert_snapshot!(page["next"], @r#""/v2/images?tag=lts&tag=web&limit=1&sort=name%3Aasc&os_distro=debian&marker=<id 1>""#);
    assert_eq!(names(&service, "?tag=lts&tag=web").await, "a");
}

#[tokio::test]
async fn a_full_page_has_a_next_even_if_nothing_follows() {
    let (service, _) = catalogue().await;
    let page = service.get(MEMBER, "/v2/images?limit=5").await;
    insta::assert_snapshot!(page.names(), @"a,b:c B c b a …");
    insta::assert_snapshot!(service.get(MEMBER, page.json()["next"].as_str().unwrap()).await, @r#"
    200 OK
    content-length: 72
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "first": "/v2/images?limit=5",
      "images": [],
      "schema": "/v2/schemas/images"
    }
    "#);
}

#[tokio::test]
async fn a_page_has_25_images_unless_asked_and_1000_at_most() {
    let service = Service::empty().await;
    for _ in 0..30 {
        service.made(MEMBER, json!({})).await;
    }
    let count = async |query: &str| {
        let page = service.get(MEMBER, &format!("/v2/images{query}")).await.json();
        (page["images"].as_array().unwrap().len(), page.get("next").is_some())
    };
    assert_eq!(count("").await, (25, true));
    assert_eq!(count("?limit=0").await, (0, false));
    assert_eq!(count("?limit=30").await, (30, true));
    assert_eq!(count("?limit=31").await, (30, false));
    assert_eq!(count("?limit=5000").await, (30, false));
    assert_eq!(count("?limit=1&limit=7").await, (7, true), "the last one counts");
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let (service, paths) = catalogue().await;
    let foreign = id_of(&paths[4]);
    let mut lines = Lines::default();
    for query in [
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.5",
        "marker=web",
        "marker=",
        "marker=00000000-0000-4000-8000-00000000ffff",
        "sort_key=owner",
        "sort_key=",
        "sort_dir=up",
        "sort_key=name&sort_dir=asc&sort_dir=desc",
        "sort=name:up",
        "sort=",
        "sort=name:asc&sort_key=name",
        "sort=name&sort_dir=asc",
        "%FF=x",
    ] {
        lines.answer(query, &service.get(MEMBER, &format!("/v2/images?{query}")).await);
    }
    lines
        .answer("a stranger's marker", &service.get(STRANGER, &format!("/v2/images?marker={foreign}")).await);
    insta::assert_snapshot!(lines, @r#"
    limit=-1 → 400 limit: must be an integer of at least 0
    limit=x → 400 limit: must be an integer of at least 0
    limit= → 400 limit: must be an integer of at least 0
    limit=1.5 → 400 limit: must be an integer of at least 0
    marker=web → 400 marker: must be the id of an image you can see
    marker= → 400 marker: must be the id of an image you can see
    marker=00000000-0000-4000-8000-00000000ffff → 400 marker: must be the id of an image you can see, and 00000000-0000-4000-8000-00000000ffff is not
    sort_key=owner → 400 sort_key: must be one of name, status, container_format, disk_format, size, id, created_at, updated_at
    sort_key= → 400 sort_key: must be one of name, status, container_format, disk_format, size, id, created_at, updated_at
    sort_dir=up → 400 sort_dir: must be asc or desc
    sort_key=name&sort_dir=asc&sort_dir=desc → 400 sort_dir: must be given once, or once for each sort_key
    sort=name:up → 400 sort: must be asc or desc
    sort= → 400 sort: must be one of name, status, container_format, disk_format, size, id, created_at, updated_at
    sort=name:asc&sort_key=name → 400 sort: must be left out when sort_key or sort_dir is given
    sort=name&sort_dir=asc → 400 sort: must be left out when sort_key or sort_dir is given
    %FF=x → 200
    a stranger's marker → 400 marker: must be the id of an image you can see, and <id 5> is not
    "#);
}

#[tokio::test]
async fn the_marker_may_have_been_deleted_since() {
    let (service, paths) = catalogue().await;
    let marker = id_of(&paths[1]);
    let mut before = Vec::new();
    let orders = ["created_at:asc", "created_at:desc", "name:asc", "name:desc", "size:asc", "size:desc"];
    for order in orders {
        before.push(names(&service, &format!("?sort={order}&marker={marker}")).await);
    }
    assert_eq!(service.call("DELETE", &paths[1]).by(MEMBER).send().await.line(), "204");
    for (order, before) in orders.iter().zip(before) {
        assert_eq!(names(&service, &format!("?sort={order}&marker={marker}")).await, before, "{order}");
    }
    assert_eq!(names(&service, &format!("?limit=1&marker={marker}")).await, "a …");
}

/// Where it was by status or time of change, a deleted image no longer tells: going on from elsewhere would lose images.
#[tokio::test]
async fn a_deleted_marker_is_refused_where_its_place_is_gone() {
    let (service, paths) = catalogue().await;
    let marker = id_of(&paths[1]);
    assert_eq!(service.call("DELETE", &paths[1]).by(MEMBER).send().await.line(), "204");
    let mut lines = Lines::default();
    for order in ["status:asc", "status:desc", "updated_at:asc", "updated_at:desc"] {
        lines.answer(order, &service.get(MEMBER, &format!("/v2/images?sort={order}&marker={marker}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    status:asc → 400 marker: must be the id of an image you can see, and <id 2> is not
    status:desc → 400 marker: must be the id of an image you can see, and <id 2> is not
    updated_at:asc → 400 marker: must be the id of an image you can see, and <id 2> is not
    updated_at:desc → 400 marker: must be the id of an image you can see, and <id 2> is not
    "#);
}

#[tokio::test]
async fn images_are_sorted_as_asked_and_newest_first_otherwise() {
    let (service, _) = catalogue().await;
    let mut lines = Lines::default();
    for query in [
        "",
        "?sort_dir=asc",
        "?sort_key=created_at",
        "?sort_key=name",
        "?sort_key=name&sort_dir=asc",
        "?sort=name",
        "?sort=name:asc",
        "?sort=size:asc",
        "?sort=size:desc",
        "?sort=status:asc",
        "?sort=status:desc",
        "?sort=updated_at:asc",
        "?sort=updated_at:desc",
        "?sort=container_format:asc",
        "?sort=disk_format:desc",
        "?sort=name:asc,created_at:desc,id",
        "?sort=container_format:asc,name:asc",
        "?sort=disk_format,size:asc",
        "?sort=container_format,status:asc,name",
        "?sort_key=disk_format&sort_key=name&sort_dir=asc",
        "?sort_key=size&sort_key=created_at&sort_dir=asc&sort_dir=desc",
    ] {
        lines.add(query, names(&service, query).await);
    }
    insta::assert_snapshot!(lines, @r#"
     → a,b:c B c b a
    ?sort_dir=asc → a b c B a,b:c
    ?sort_key=created_at → a,b:c B c b a
    ?sort_key=name → c b a,b:c a B
    ?sort_key=name&sort_dir=asc → B a a,b:c b c
    ?sort=name → c b a,b:c a B
    ?sort=name:asc → B a a,b:c b c
    ?sort=size:asc → c a,b:c b B a
    ?sort=size:desc → a B b a,b:c c
    ?sort=status:asc → a b B c a,b:c
    ?sort=status:desc → a,b:c c B b a
    ?sort=updated_at:asc → c a,b:c a b B
    ?sort=updated_at:desc → B b a a,b:c c
    ?sort=container_format:asc → a,b:c a b B c
    ?sort=disk_format:desc → c a b B a,b:c
    ?sort=name:asc,created_at:desc,id → B a a,b:c b c
    ?sort=container_format:asc,name:asc → a,b:c B a b c
    ?sort=disk_format,size:asc → c a b B a,b:c
    ?sort=container_format,status:asc,name → c b a B a,b:c
    ?sort_key=disk_format&sort_key=name&sort_dir=asc → a,b:c B b a c
    ?sort_key=size&sort_key=created_at&sort_dir=asc&sort_dir=desc → a,b:c c b B a
    "#);
}

/// Which order it is, tests of random catalogues say: ids of a deployed service are not told as they are.
#[tokio::test]
async fn ids_are_an_order_too() {
    let (service, _) = catalogue().await;
    let ascending = ids(&service, "?sort=id:asc").await;
    let mut descending = ids(&service, "?sort_key=id").await;
    descending.reverse();
    assert_eq!(ascending, descending);
    assert_eq!(BTreeSet::from_iter(ascending), BTreeSet::from_iter(ids(&service, "").await));
}

#[tokio::test]
async fn filters_by_names_formats_and_numbers_narrow_a_list() {
    let (service, _) = catalogue().await;
    let mut lines = Lines::default();
    for query in [
        "name=b",
        "name=B",
        "name=nobody",
        "name=",
        "name=eq:b",
        "name=in:a,c",
        "name=in:%22a,b:c%22,b",
        "name=a&name=c",
        "status=active",
        "status=queued",
        "status=in:active,saving",
        "status=nonsense",
        "container_format=ova",
        "disk_format=raw",
        "disk_format=in:raw,aki",
        "owner=p1",
        "owner=p2",
        "os_hash_algo=sha512",
        "os_hash_algo=md5",
        "size=20",
        "size=gt:5",
        "size_min=20",
        "size_max=20",
        "size_min=11&size_max=29",
        "size_min=-5",
        "min_ram=512",
        "min_ram_min=1",
        "min_disk_max=4",
        "virtual_size_min=0",
    ] {
        lines.add(query, names(&service, &format!("?{query}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    name=b → b
    name=B → B
    name=nobody → nothing
    name= → nothing
    name=eq:b → b
    name=in:a,c → c a
    name=in:%22a,b:c%22,b → a,b:c b
    name=a&name=c → c
    status=active → B b a
    status=queued → a,b:c c
    status=in:active,saving → B b a
    status=nonsense → nothing
    container_format=ova → c
    disk_format=raw → c a
    disk_format=in:raw,aki → B c a
    owner=p1 → a,b:c B c b a
    owner=p2 → nothing
    os_hash_algo=sha512 → B b a
    os_hash_algo=md5 → nothing
    size=20 → B
    size=gt:5 → nothing
    size_min=20 → B a
    size_max=20 → B b
    size_min=11&size_max=29 → B
    size_min=-5 → B b a
    min_ram=512 → b
    min_ram_min=1 → b
    min_disk_max=4 → a,b:c B b a
    virtual_size_min=0 → a
    "#);
}

#[tokio::test]
async fn filters_by_flags_tags_and_properties_narrow_a_list() {
    let (service, _) = catalogue().await;
    let mut lines = Lines::default();
    for query in [
        "protected=true",
        "protected=false",
        "tag=lts",
        "tag=lts&tag=web",
        "tag=absent",
        "os_distro=debian",
        "os_distro=debian&os_distro=fedora",
        "os_distro=in:debian,fedora",
        "visibility=private",
        "visibility=shared&status=active",
        "member_status=pending",
        "deleted=true",
        "deleted=nonsense",
        "tags=lts",
        "locations=x",
        "properties=x",
        "foo_min=x",
    ] {
        lines.add(query, names(&service, &format!("?{query}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    protected=true → c
    protected=false → a,b:c B b a
    tag=lts → b a
    tag=lts&tag=web → a
    tag=absent → nothing
    os_distro=debian → a
    os_distro=debian&os_distro=fedora → B
    os_distro=in:debian,fedora → nothing
    visibility=private → a,b:c
    visibility=shared&status=active → B b a
    member_status=pending → a,b:c B c b a
    deleted=true → a,b:c B c b a
    deleted=nonsense → a,b:c B c b a
    tags=lts → nothing
    locations=x → nothing
    properties=x → nothing
    foo_min=x → nothing
    "#);
}

/// In process: the times are the test's, a minute apart.
#[tokio::test]
async fn filters_by_time_narrow_a_list() {
    let world = World::default();
    filled(&world, || world.clock.advance(Duration::from_mins(1))).await;
    let mut lines = Lines::default();
    for query in [
        "created_at=gt:2026-10-01T08:02:00Z",
        "created_at=2026-10-01T08:01:00Z",
        "created_at=lte:2026-10-01T08:01:00",
        "created_at=neq:2026-10-01T08:01:00%2B00:00",
        "created_at=lt:2026-10-01",
        "created_at=gte:2026-10-01T08:01:00Z&updated_at=lt:2026-10-01T08:04:00Z",
        "updated_at=gte:2026-10-01T08:06:00Z",
    ] {
        lines.add(query, names(&world, &format!("?{query}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    created_at=gt:2026-10-01T08:02:00Z → a,b:c B
    created_at=2026-10-01T08:01:00Z → b
    created_at=lte:2026-10-01T08:01:00 → b a
    created_at=neq:2026-10-01T08:01:00%2B00:00 → a,b:c B c a
    created_at=lt:2026-10-01 → nothing
    created_at=gte:2026-10-01T08:01:00Z&updated_at=lt:2026-10-01T08:04:00Z → c
    updated_at=gte:2026-10-01T08:06:00Z → B b
    "#);
}

#[tokio::test]
async fn an_image_is_found_by_its_id_and_by_its_checksum() {
    let (service, paths) = catalogue().await;
    let id = id_of(&paths[2]);
    let image = service.get(MEMBER, &paths[1]).await.json();
    let [checksum, hash] = ["checksum", "os_hash_value"].map(|name| image[name].as_str().unwrap());
    assert_eq!(names(&service, &format!("?id={id}")).await, "c");
    assert_eq!(names(&service, &format!("?id=in:{id},{}", id_of(&paths[0]))).await, "c a");
    assert_eq!(names(&service, &format!("?checksum={checksum}")).await, "b");
    assert_eq!(names(&service, &format!("?os_hash_value={hash}&os_hash_algo=sha512")).await, "b");
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_refused() {
    let (service, _) = catalogue().await;
    let mut lines = Lines::default();
    for query in [
        "name=a:b",
        "status=neq:active",
        "id=in:%22a",
        "visibility=secret",
        "member_status=maybe",
        "protected=True",
        "protected=1",
        "os_hidden=both",
        "size_min=x",
        "size_max=1.5",
        "min_ram_min=",
        "created_at=yesterday",
        "created_at=near:2026-10-01",
        "updated_at=gt:",
        "changes-since=2026-10-01",
    ] {
        lines.add(query, names(&service, &format!("?{query}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    name=a:b → 400 name: must be a value without ':', or one after eq: or in:
    status=neq:active → 400 status: must be a value without ':', or one after eq: or in:
    id=in:%22a → 400 id: must be a list whose quotes are closed
    visibility=secret → 400 visibility: must be one of public, private, shared, community, all
    member_status=maybe → 400 member_status: must be one of pending, accepted, rejected, all
    protected=True → 400 protected: must be true or false
    protected=1 → 400 protected: must be true or false
    os_hidden=both → 400 os_hidden: must be true or false
    size_min=x → 400 size_min: must be an integer
    size_max=1.5 → 400 size_max: must be an integer
    min_ram_min= → 400 min_ram_min: must be an integer
    created_at=yesterday → 400 created_at: must be an ISO 8601 time or date
    created_at=near:2026-10-01 → 400 created_at: must be a time, after gt: gte: lt: lte: eq: or neq:
    updated_at=gt: → 400 updated_at: must be an ISO 8601 time or date
    changes-since=2026-10-01 → 400 changes-since: must be left out: use updated_at=gte:<time>
    "#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// In process: it makes some thousand requests. Whatever is asked is answered, or refused by the parameter's name.
    #[test]
    fn no_query_breaks_a_list(queries in proptest::collection::vec(query(), 64)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            filled(&world, || ()).await;
            for query in queries {
                let answer = world.get(MEMBER, &format!("/v2/images?{query}")).await;
                let keys = query.split('&').map(|pair| pair.split_once('=').unwrap().0);
                match answer.status.as_u16() {
                    200 => {}
                    400 => assert!(keys.clone().any(|key| answer.line().contains(key)), "{query}: {answer}"),
                    _ => panic!("{query}: {answer}"),
                }
            }
        });
    }
}

fn query() -> impl Strategy<Value = String> {
    let keys = "limit marker sort sort_key sort_dir name id status container_format disk_format size size_min size_max \
        virtual_size min_ram_min min_disk_max owner checksum os_hash_value os_hash_algo created_at updated_at protected \
        os_hidden visibility member_status tag tags deleted os_distro changes-since";
    let key = prop_oneof![
        8 => proptest::sample::select(keys.split_whitespace().map(str::to_owned).collect::<Vec<_>>()),
        1 => "[a-z_]{1,8}",
    ];
    let value = prop_oneof![
        "(%[0-9A-F]{2}|[a-zA-Z0-9.:,~-]){0,12}",
        "(in|eq|neq|gt|gte|lt|lte|):(%22|%5C|[a-z0-9,:-]){0,8}",
        "-?[0-9]{1,40}",
        "((lt|gte|neq):)?[0-9]{4,6}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?",
        "(in:)?(%F0%9F%98%80){255}",
        "(name|size|id|status|disk_format|created_at)(:asc|:desc|)(,updated_at|,name:asc|,)?",
        "all|public|shared|private|community|true|false|pending|active|raw",
        "00000000-0000-4000-8000-00000000000[0-9]",
    ];
    let pair = (key, value).prop_map(|(key, value)| format!("{key}={value}"));
    proptest::collection::vec(pair, 1..5).prop_map(|pairs| pairs.join("&"))
}

#[tokio::test]
async fn filters_and_pages_go_together() {
    let (service, _) = catalogue().await;
    let mut lines = Lines::default();
    for first in [
        "?tag=lts&limit=1",
        "?name=in:a,b,c&limit=2&sort=name:asc",
        "?name=a&limit=1",
        "?name=a&sort=size:asc&limit=1",
    ] {
        let mut next = Some(format!("/v2/images{first}"));
        let mut pages = Vec::new();
        while let Some(path) = next {
            let answer = service.get(MEMBER, &path).await;
            pages.push(answer.names());
            next = answer.json().get("next").map(|next| next.as_str().unwrap().to_owned());
        }
        lines.add(first, pages.join(" | "));
    }
    insta::assert_snapshot!(lines, @r#"
    ?tag=lts&limit=1 → b … | a … | nothing
    ?name=in:a,b,c&limit=2&sort=name:asc → a b … | c
    ?name=a&limit=1 → a … | nothing
    ?name=a&sort=size:asc&limit=1 → a … | nothing
    "#);
}

#[tokio::test]
async fn a_list_by_name_pages_on_from_an_image_that_was_renamed() {
    let service = Service::empty().await;
    let mut paths = Vec::new();
    for _ in 0..4 {
        paths.push(service.made(MEMBER, json!({"name": "web"})).await);
    }
    let next =
        service.get(MEMBER, "/v2/images?name=web&limit=2").await.json()["next"].as_str().unwrap().to_owned();
    assert!(next.ends_with(id_of(&paths[2])), "{next}");
    let rename = json!([{"op": "replace", "path": "/name", "value": "a new name"}]);
    assert_eq!(service.patch(MEMBER, &paths[2], rename).await.status.as_u16(), 200);
    let images = service.get(MEMBER, &next).await.json()["images"].clone();
    let ids: Vec<_> =
        images.as_array().unwrap().iter().map(|image| image["self"].as_str().unwrap()).collect();
    assert_eq!(ids, [&paths[1], &paths[0]]);
}

#[tokio::test]
async fn an_image_in_two_lists_is_listed_once() {
    let service = Service::empty().await;
    for name in ["a", "b", "c"] {
        service.made(ADMIN, json!({"name": name, "owner": "p1", "visibility": "public"})).await;
    }
    assert_eq!(names(&service, "").await, "c b a");
    assert_eq!(names(&service, "?limit=2").await, "c b …");
    assert_eq!(names(&service, "?sort=name:asc&visibility=all").await, "a b c");
}
