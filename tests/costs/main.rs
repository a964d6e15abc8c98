//! What each operation costs: its calls, counted at the ports, and the units DynamoDB charges for them. A count that
//! grows fails; so does a `docs/costs/counts.toml` that does not say what was counted. `docs/costs/costs.py` makes tables
//! and money of that file.

#![cfg(test)]

mod counts;
mod imports;
mod meter;

use std::sync::Arc;
use std::time::Duration;

use meter::{Meter, Units};
use serde_json::{Value, json};
use shared::catalog::Catalog;
use shared::format::Rules;
use shared::image::{Member, MemberStatus, SortKey};
use shared::operations::{Arrival, Arrivals, ArrivalsSettings, Bucket, Stores};
use shared::ports::{Clock, Key};
use tests::callers::{ADMIN, STRANGER};
use tests::fixtures::{TestClock, bytes};
use tests::probe::ProbedTable;
use tests::request::Answer;
use tests::world::{PART, World, completion};

/// An operation, the calls it may make, and the jobs it may ask others for.
struct Case {
    operation: &'static str,
    calls: Vec<&'static str>,
    jobs: Vec<&'static str>,
}

const fn case(operation: &'static str, calls: Vec<&'static str>) -> Case {
    Case { operation, calls, jobs: Vec::new() }
}

impl Case {
    fn asks(self, jobs: Vec<&'static str>) -> Self {
        Self { jobs, ..self }
    }
}

/// What an operation was counted to make.
struct Counted {
    calls: Vec<String>,
    jobs: Vec<&'static str>,
    units: Units,
}

impl Counted {
    /// What was counted since the last look.
    fn take(world: &World, meter: &Meter) -> Self {
        Self { calls: world.probe.calls(), jobs: world.probe.jobs(), units: meter.take() }
    }
}

/// The operations in the order of the document, with all they may call.
fn budget() -> Vec<Case> {
    vec![
        case("versions, schemas, health", vec![]),
        case("create an image", vec!["commit 6"]),
        case("create an image, public or community", vec!["commit 8"]),
        case("show an image", vec!["get 1"]),
        case("list 25 of 60 images", vec!["query 25", "query 0", "query 0"]),
        case("list 25 of 60 images and 60 public ones", vec!["query 25", "query 25", "query 0"]),
        case(SHARED, vec!["query 25", "query 25", "query 25", "get_batch 25"]),
        case("list 25 of 60 images as an administrator", vec!["query 25"]),
        case("list 25 of 60 images by disk format", vec!["query 0", "query 25", "query 0", "get_batch 25"]),
        case("list the page behind a marker", vec!["get 1", "query 25", "query 0", "query 0"]),
        case("list by name", vec!["query 1", "query 0", "query 0"]),
        case("list by id", vec!["get_batch 1"]),
        case("list by a filter that few images pass", vec!["query 60", "query 0", "query 0"]),
        case("list with limit 0", vec![]),
        case("show what a project uses", vec!["get 1"]),
        case("patch an image", vec!["get 1", "commit 3"]),
        case("patch an image's visibility to community", vec!["get 1", "commit 5"]),
        case("patch an image with nothing", vec!["get 1"]),
        case("add a tag", vec!["get 1", "commit 3"]),
        case("add a tag that is there", vec!["get 1"]),
        case("remove a tag", vec!["get 1", "commit 3"]),
        case("show an image to a member", vec!["get 1", "get 1"]),
        case("list 3 members", vec!["get 1", "query 3"]),
        case("list members as a member", vec!["get 1", "get 1", "get 1"]),
        case("show a member", vec!["get 1", "get 1"]),
        case("add a member", vec!["get 1", "commit 3"]),
        case("accept as a member", vec!["get 1", "get 1", "get 1", "commit 2"]),
        case("remove a member", vec!["get 1", "get 1", "commit 3"]),
        case("deactivate an image", vec!["get 1", "commit 3"]),
        case("delete an image with data and members", vec!["get 1", "commit 9"]).asks(vec!["reap"]),
        case("delete an image without data", vec!["get 1", "commit 6"]),
        case("delete an image with data", vec!["get 1", "commit 8"]).asks(vec!["reap"]),
        case("upload less than a part", vec!["get 1", "commit 6", "put", "commit 6"]),
        case("upload nothing", vec!["get 1", "commit 6", "put", "commit 6"]),
        case(
            "upload 3 parts",
            vec!["get 1", "commit 6", "begin", "write", "write", "write", "complete", "commit 6"],
        ),
        case("stage less than a part", vec!["get 1", "commit 6", "put", "commit 5"]),
        case("delete an image with what is staged of it", vec!["get 1", "commit 8"]).asks(vec!["reap"]),
        case("upload of another size than announced", vec!["get 1", "commit 6", "remove", "commit 6"]),
        case(
            "delete an image while an upload session brings its data",
            vec!["get 1", "get 1", "commit 7", "commit 1"],
        )
        .asks(vec!["reap"]),
        case("upload session: open", vec!["get 1", "commit 6", "begin_direct", "commit 1"]),
        case("upload session: show, with 3 parts", vec!["get 1", "get 1", "arrived"]),
        case("upload session: list, with 3 parts", vec!["get 1", "get 1", "arrived"]),
        case("upload session: sign a part", vec!["get 1", "get 1"]),
        case(
            "upload session: complete",
            vec![
                // Looked into, then hashed in two stretches.
                "get 1", "get 1", "arrived", "commit 3", "size", "arrived", "assemble", "size", "read",
                "read", "commit 3", "read", "get 1", "commit 6", "get 1",
            ],
        ),
        case("upload session: close", vec!["get 1", "get 1", "get 1", "commit 7", "remove", "commit 2"]),
        case("download", vec!["get 1", "read"]),
        case("download a range", vec!["get 1", "read"]),
        case("download what the client has", vec!["get 1"]),
        case("ask for the data's headers", vec!["get 1"]),
        case("create a task", vec!["commit 9", "commit 6", "get 1", "commit 10"]).asks(vec!["import"]),
        case("show a task", vec!["get 1"]),
        case("list tasks", vec!["query 2"]),
        case("list tasks by status", vec!["query 2"]),
        case("list tasks by id", vec!["query 2", "get_batch 2"]),
        case("list the tasks of an image", vec!["get 1", "query 0"]),
        case(
            "remove the data of a deleted image (reaper)",
            vec!["query 1", "get 1", "remove", "commit 2", "query 0", "query 0", "query 0"],
        ),
        case(
            "remove 3 members of a deleted image (reaper)",
            vec!["query 0", "query 1", "get 1", "query 3", "commit 7", "query 0", "query 0"],
        ),
        case("nothing is due (reaper)", vec!["query 0", "query 0", "query 0"]),
        case("an object appears in the bucket (upload_completed)", vec!["get 1"]),
        case("an object that nobody owns appears (upload_completed)", vec!["get 0", "get 1", "commit 2"]),
    ]
}

/// A list of everything that a project sees.
const SHARED: &str = "list 25 of 60 images, 60 public and 60 shared ones";

/// A member of a project named as Keystone names one.
const MEMBER: &str = "7c9e667974254de99a3a1b0f7c3d2e4b:member,reader";
/// A member of another project, which the image is shared with where an operation is about members.
const SHARED_WITH: &str = "0b1d2f3a4c5e6f708192a3b4c5d6e7f8:member,reader";
const NAME: &str = "debian-13-generic-amd64-20260901";

/// An image as published ones are: what it holds decides how many units it takes to write and read it.
fn image(name: &str, tag: &str) -> Value {
    json!({
        "name": name, "disk_format": "raw", "container_format": "bare", "min_disk": 10, "min_ram": 512,
        "tags": ["debian", tag], "architecture": "x86_64", "hw_disk_bus": "scsi", "hw_firmware_type": "uefi",
        "hw_qemu_guest_agent": "yes", "hw_scsi_model": "virtio-scsi", "hw_vif_model": "virtio",
        "os_distro": "debian", "os_version": "13",
    })
}

/// A task as clients of old ask for one.
fn import() -> Value {
    let input = json!({
        "import_from": "https://cloud.debian.org/images/cloud/trixie/latest/debian-13-generic-amd64.qcow2",
        "import_from_format": "qcow2",
        "image_properties": image(NAME, "lts"),
    });
    json!({"type": "import", "input": input})
}

/// What an operation is counted in, and the path of the image it is done to.
async fn world_of(operation: &str) -> (World, Meter, String) {
    let meter = Meter::default();
    let world = World::on(Arc::new(meter.table()));
    let path = fill(&world, operation).await;
    world.probe.reset();
    meter.take();
    (world, meter, path)
}

/// Makes what an operation finds there, and answers the path of the image it is done to.
async fn fill(world: &World, operation: &str) -> String {
    let path = world.made(MEMBER, image(NAME, "lts")).await;
    let bare = [
        "versions",
        "create",
        "upload",
        "delete an image without data",
        "nothing is due",
        "remove 3 members",
        "delete an image while",
        "stage",
        "delete an image with what is staged",
    ];
    if !bare.iter().any(|word| operation.starts_with(word)) {
        assert_eq!(world.put_file(MEMBER, &path, b"0123456789").await.line(), "204");
    }
    if operation.ends_with("staged of it") {
        assert_eq!(stage(world, &path).await.line(), "204");
    }
    if operation.starts_with("list") {
        for at in 0..59 {
            let other =
                world.made(MEMBER, image(&format!("debian-13-nightly-amd64-{at:08}"), "nightly")).await;
            assert_eq!(world.put_file(MEMBER, &other, b"0123456789").await.line(), "204");
        }
    }
    if operation.ends_with("public ones") || operation == SHARED {
        for at in 0..60 {
            let mut public = image(&format!("debian-13-release-amd64-{at:08}"), "release");
            public["visibility"] = json!("public");
            let public = world.made(ADMIN, public).await;
            assert_eq!(world.put_file(ADMIN, &public, b"0123456789").await.line(), "204");
        }
    }
    if operation == SHARED {
        share(world, 60).await;
    }
    if operation.contains("member") {
        for member in [SHARED_WITH, "a member of another name", "a third"] {
            let call = world.call("POST", &format!("{path}/members")).by(MEMBER);
            let member = member.split(':').next().unwrap();
            assert_eq!(call.json(&json!({ "member": member })).send().await.line(), "200");
        }
    }
    if operation.contains("task") && operation != "create a task" {
        for _ in 0..2 {
            assert_eq!(world.call("POST", "/v2/tasks").by(ADMIN).json(&import()).send().await.line(), "201");
        }
    }
    if operation.starts_with("remove the data") || operation.starts_with("remove 3 members") {
        assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
    }
    path
}

async fn stage(world: &World, path: &str) -> Answer {
    let call = world.call("PUT", &format!("{path}/stage")).by(MEMBER);
    call.header("content-type", "application/octet-stream").body(&bytes(PART - 1)).send().await
}

/// Shares images of another project with the member's, which accepts them.
async fn share(world: &World, count: usize) {
    let catalog = Catalog::new(Arc::clone(&world.table), 1);
    for at in 0..count {
        let path = world.made(STRANGER, image(&format!("debian-13-partner-amd64-{at:08}"), "partner")).await;
        assert_eq!(world.put_file(STRANGER, &path, b"0123456789").await.line(), "204");
        let id = path.trim_start_matches("/v2/images/").parse().unwrap();
        let seen = catalog.find(&id).await.unwrap().unwrap();
        let (project, _) = MEMBER.split_once(':').unwrap();
        let now = world.clock.now();
        let member = Member {
            image: id,
            project: project.parse().unwrap(),
            status: MemberStatus::Accepted,
            created_at: now,
            updated_at: now,
        };
        catalog.add_member(&seen, &member).await.unwrap();
    }
}

/// Does an operation on members.
async fn count_members(world: &World, operation: &str, path: &str) -> Answer {
    let members = format!("{path}/members");
    let member = format!("{members}/{}", SHARED_WITH.split(':').next().unwrap());
    match operation {
        "list 3 members" => world.get(MEMBER, &members).await,
        "list members as a member" => world.get(SHARED_WITH, &members).await,
        "show a member" => world.get(MEMBER, &member).await,
        "add a member" => {
            world.call("POST", &members).by(MEMBER).json(&json!({"member": "new"})).send().await
        }
        "accept as a member" => {
            world.call("PUT", &member).by(SHARED_WITH).json(&json!({"status": "accepted"})).send().await
        }
        "remove a member" => world.call("DELETE", &member).by(MEMBER).send().await,
        other => panic!("nothing does '{other}'"),
    }
}

/// Does an operation on an upload session of three parts, or on its image.
async fn count_session(world: &World, meter: &Meter, operation: &str, path: &str) -> Answer {
    let data = bytes(PART * 2 + 1);
    let open = || {
        let body =
            json!({"size": data.len(), "checksum": operation.ends_with("sign a part").then_some("sha256")});
        world.call("POST", &format!("{path}/uploads")).by(MEMBER).json(&body).send()
    };
    if operation.ends_with("open") {
        return open().await;
    }
    let session = open().await.json();
    let this = session["self"].as_str().unwrap();
    let bring = async |part: &Value| {
        let number = |name: &str| usize::try_from(part[name].as_u64().unwrap()).unwrap();
        let target = part["url"].as_str().unwrap().trim_start_matches("http://glint");
        let range = number("offset")..number("offset") + number("size");
        world.call("PUT", target).body(&data[range]).send().await
    };
    if operation.ends_with("complete") {
        for part in session["parts"].as_array().unwrap() {
            assert_eq!(bring(part).await.line(), "200");
        }
    }
    world.probe.reset();
    meter.take();
    match operation.split(": ").last().unwrap() {
        "show, with 3 parts" => world.get(MEMBER, this).await,
        "list, with 3 parts" => world.get(MEMBER, &format!("{path}/uploads")).await,
        "sign a part" => {
            let parts =
                json!({"parts": [{"number": 1, "sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}]});
            world.call("POST", &format!("{this}/parts")).by(MEMBER).json(&parts).send().await
        }
        "complete" => world.call("POST", &format!("{this}/complete")).by(MEMBER).send().await,
        "close" => world.call("DELETE", this).by(MEMBER).send().await,
        _ => world.call("DELETE", path).by(MEMBER).send().await,
    }
}

/// Does an operation on tasks.
async fn count_task(world: &World, operation: &str, path: &str) -> Answer {
    match operation {
        "create a task" => world.call("POST", "/v2/tasks").by(ADMIN).json(&import()).send().await,
        "show a task" => world.get(ADMIN, "/v2/tasks/00000000-0000-4000-8000-000000000003").await,
        "list tasks" => world.get(ADMIN, "/v2/tasks").await,
        "list tasks by status" => world.get(ADMIN, "/v2/tasks?status=processing").await,
        "list tasks by id" => world.get(ADMIN, "/v2/tasks?sort_key=id").await,
        "list the tasks of an image" => world.get(MEMBER, &format!("{path}/tasks")).await,
        other => panic!("nothing does '{other}'"),
    }
}

/// Does an operation in a world of its own and counts.
async fn count(operation: &str) -> Counted {
    let (world, meter, path) = world_of(operation).await;
    let file = format!("{path}/file");
    let put_tag = |tag: &str| world.call("PUT", &format!("{path}/tags/{tag}")).by(MEMBER);
    let answer = match operation {
        "versions, schemas, health" => {
            for path in ["/", "/versions", "/healthcheck", "/v2/schemas/images"] {
                world.get(MEMBER, path).await;
            }
            world.get(MEMBER, "/v2/schemas/image").await
        }
        "create an image" => world.post(MEMBER, image("new", "lts")).await,
        "create an image, public or community" => {
            let mut new = image("new", "lts");
            new["visibility"] = json!("community");
            world.post(MEMBER, new).await
        }
        "show an image" => world.get(MEMBER, &path).await,
        "show what a project uses" => world.get(MEMBER, "/v2/info/usage").await,
        "list 25 of 60 images" | "list 25 of 60 images and 60 public ones" => {
            world.get(MEMBER, "/v2/images").await
        }
        "list 25 of 60 images as an administrator" => world.get(ADMIN, "/v2/images").await,
        "list the page behind a marker" => {
            world.get(MEMBER, "/v2/images?marker=00000000-0000-4000-8000-000000000077").await
        }
        SHARED => world.get(MEMBER, "/v2/images").await,
        "list 25 of 60 images by disk format" => world.get(MEMBER, "/v2/images?sort=disk_format:asc").await,
        "list by id" => {
            let id = path.trim_start_matches("/v2/images/");
            world.get(MEMBER, &format!("/v2/images?id={id}")).await
        }
        "list by name" => world.get(MEMBER, &format!("/v2/images?name={NAME}")).await,
        "list by a filter that few images pass" => world.get(MEMBER, "/v2/images?tag=lts").await,
        "list with limit 0" => world.get(MEMBER, "/v2/images?limit=0").await,
        "patch an image" => {
            world.patch(MEMBER, &path, json!([{"op": "replace", "path": "/name", "value": "new"}])).await
        }
        "patch an image's visibility to community" => {
            world
                .patch(MEMBER, &path, json!([{"op": "replace", "path": "/visibility", "value": "community"}]))
                .await
        }
        "patch an image with nothing" => world.patch(MEMBER, &path, json!([])).await,
        "add a tag" => put_tag("new").send().await,
        "add a tag that is there" => put_tag("lts").send().await,
        "remove a tag" => world.call("DELETE", &format!("{path}/tags/lts")).by(MEMBER).send().await,
        deleted if deleted.starts_with("delete an image with") => {
            world.call("DELETE", &path).by(MEMBER).send().await
        }
        "upload less than a part" => world.put_file(MEMBER, &path, &bytes(PART - 1)).await,
        "stage less than a part" => stage(&world, &path).await,
        "upload nothing" => world.put_file(MEMBER, &path, b"").await,
        "upload 3 parts" => world.put_file(MEMBER, &path, &bytes(PART * 2 + 1)).await,
        "upload of another size than announced" => {
            let call = world.call("PUT", &file).by(MEMBER).header("content-type", "application/octet-stream");
            call.header("x-openstack-image-size", "5").chunked(b"0123456789").send().await
        }
        "download" => world.get(MEMBER, &file).await,
        "download a range" => world.call("GET", &file).by(MEMBER).header("range", "bytes=2-4").send().await,
        "download what the client has" => {
            world.call("GET", &file).by(MEMBER).header("if-none-match", "*").send().await
        }
        "ask for the data's headers" => world.call("HEAD", &file).by(MEMBER).send().await,
        "show an image to a member" => world.get(SHARED_WITH, &path).await,
        "list 3 members"
        | "list members as a member"
        | "show a member"
        | "add a member"
        | "accept as a member"
        | "remove a member" => count_members(&world, operation, &path).await,
        "deactivate an image" => {
            world.call("POST", &format!("{path}/actions/deactivate")).by(MEMBER).send().await
        }
        session if session.contains("upload session") => count_session(&world, &meter, session, &path).await,
        task if task.contains("task") => count_task(&world, task, &path).await,
        "remove the data of a deleted image (reaper)"
        | "remove 3 members of a deleted image (reaper)"
        | "nothing is due (reaper)" => {
            world.reaper.run().await.unwrap();
            return Counted::take(&world, &meter);
        }
        "an object appears in the bucket (upload_completed)"
        | "an object that nobody owns appears (upload_completed)" => {
            let id = path.rsplit('/').next().unwrap();
            let key = if operation.contains("nobody") {
                format!("{id}/{NOBODYS}")
            } else {
                object_of(&world, id).await
            };
            meter.take();
            appear(&world, key).await;
            return Counted::take(&world, &meter);
        }
        other => panic!("nobody knows how to {other}"),
    };
    let refused = operation == "upload of another size than announced";
    assert_eq!(answer.status.is_client_error(), refused, "{operation}: {answer}");
    Counted::take(&world, &meter)
}

/// A blob no row knows of.
const NOBODYS: &str = "01ARYZ6S41ZZZZZZZZZZZZZZZZ";
const BUCKET: &str = "images";

/// The key of an image's object.
async fn object_of(world: &World, id: &str) -> String {
    let record = Key { partition: format!("image#{id}"), sort: "record".to_owned() };
    let record = world.table.get(&record).await.unwrap().unwrap();
    record.attributes["location"]["key"].as_str().unwrap().to_owned()
}

async fn appear(world: &World, path: String) {
    let table = ProbedTable { table: Arc::clone(&world.table), probe: world.probe.clone() };
    let settings = ArrivalsSettings {
        buckets: vec![Bucket {
            store: "default".parse().unwrap(),
            name: BUCKET.to_owned(),
            prefix: String::new(),
        }],
        grace: Duration::from_mins(1),
    };
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&world.clock);
    let stores = Stores::single("default".parse().unwrap(), Arc::new(world.store.clone()));
    let arrivals = Arrivals::new(
        completion(Catalog::new(Arc::new(table), 1), stores, clock, Rules::default()),
        settings,
    );
    let arrival = Arrival { bucket: BUCKET.to_owned(), path, at: world.clock.now() };
    arrivals.arrived(&arrival, None).await.unwrap();
}

#[tokio::test]
async fn no_operation_costs_more_than_it_may() {
    let mut counted = Vec::new();
    let each = budget().into_iter().map(|case| (case, false));
    for (Case { operation, calls, jobs }, is_import) in
        each.chain(imports::budget().into_iter().map(|case| (case, true)))
    {
        let made = if is_import { Box::pin(imports::count(operation)).await } else { count(operation).await };
        assert_eq!(made.calls, calls, "{operation}");
        assert_eq!(made.jobs, jobs, "{operation}");
        counted.push((operation, made));
    }
    counts::hold(&counted).await;
}

/// In every order, by name, and by what an order or an owner's set serves: the page is paid for, not the catalogue.
#[tokio::test]
async fn a_page_in_any_order_takes_4_queries_and_200_items_at_most() {
    let world = World::default();
    fill(&world, SHARED).await;
    let orders =
        SortKey::ALL.iter().flat_map(|key| ["asc", "desc"].map(|dir| format!("sort={}:{dir}", key.name())));
    let others = [
        "name=debian-13-release-amd64-00000007",
        "name=debian-13-release-amd64-00000007&sort=size:asc",
        "visibility=public",
        "visibility=public&sort=name:asc",
        "status=active",
        "disk_format=raw&sort=disk_format:desc",
        "owner=ops",
        "owner=7c9e667974254de99a3a1b0f7c3d2e4b&status=active",
        "created_at=gte:2026-10-01",
    ];
    for query in orders.chain(others.map(str::to_owned)) {
        let mut next = Some(format!("/v2/images?{query}"));
        while let Some(path) = next {
            world.probe.reset();
            let answer = world.get(MEMBER, &path).await.json();
            let calls = world.probe.calls();
            let queries = calls.iter().filter(|call| call.starts_with("query")).count();
            let items: usize =
                calls.iter().map(|call| call.split_once(' ').unwrap().1.parse::<usize>().unwrap()).sum();
            assert!(queries <= 4 && items <= 200, "{path}: {calls:?}");
            next = answer["next"].as_str().map(str::to_owned);
        }
    }
}
