//! What each operation costs, counted call by call at the ports. A count that grows fails; so does a `docs/costs.md` that
//! does not say what was counted.

#![cfg(test)]

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;
use tests::callers::MEMBER;
use tests::fixtures::bytes;
use tests::world::{PART, World};

/// An operation, and the calls it may make.
struct Case {
    operation: &'static str,
    calls: Vec<&'static str>,
}

const fn case(operation: &'static str, calls: Vec<&'static str>) -> Case {
    Case { operation, calls }
}

/// What the document says: the operations in its order, with all they may cost.
fn budget() -> Vec<Case> {
    vec![
        case("versions, schemas, health", vec![]),
        case("create an image", vec!["commit 4"]),
        case("create an image, public or community", vec!["commit 5"]),
        case("show an image", vec!["get 1"]),
        case("list 25 of 60 images", vec!["query 25", "query 0"]),
        case("list 25 of 60 images as an administrator", vec!["query 25"]),
        case("list the page behind a marker", vec!["get 1", "query 25", "query 0"]),
        case("list by name", vec!["query 1", "query 0"]),
        case("list by a filter that few images pass", vec!["query 60", "query 0"]),
        case("list with limit 0", vec![]),
        case("patch an image", vec!["get 1", "commit 3"]),
        case("patch an image's visibility to community", vec!["get 1", "commit 4"]),
        case("patch an image with nothing", vec!["get 1"]),
        case("add a tag", vec!["get 1", "commit 3"]),
        case("add a tag that is there", vec!["get 1"]),
        case("remove a tag", vec!["get 1", "commit 3"]),
        case("delete an image without data", vec!["get 1", "commit 4"]),
        case("delete an image with data", vec!["get 1", "commit 6"]),
        case("upload less than a part", vec!["get 1", "commit 5", "put", "commit 6"]),
        case("upload nothing", vec!["get 1", "commit 5", "put", "commit 5"]),
        case(
            "upload 3 parts",
            vec!["get 1", "commit 5", "begin", "write", "write", "write", "complete", "commit 6"],
        ),
        case("upload of another size than announced", vec!["get 1", "commit 5", "remove", "commit 5"]),
        case("download", vec!["get 1", "read"]),
        case("download a range", vec!["get 1", "read"]),
        case("download what the client has", vec!["get 1"]),
        case("ask for the data's headers", vec!["get 1"]),
        case(
            "remove the data of a deleted image (reaper)",
            vec!["query 1", "get 1", "remove", "commit 2", "query 0"],
        ),
        case("nothing is due (reaper)", vec!["query 0"]),
    ]
}

const RAW: &str = "raw";

/// Does an operation in a world of its own and counts.
async fn count(operation: &str) -> Vec<String> {
    let world = World::default();
    let image = json!({"name": "web", "disk_format": RAW, "container_format": "bare", "tags": ["lts"]});
    let path = world.made(MEMBER, image).await;
    let file = format!("{path}/file");
    let put_tag = |tag: &str| world.call("PUT", &format!("{path}/tags/{tag}")).by(MEMBER);
    if operation.starts_with("list") {
        for at in 0..59 {
            world.made(MEMBER, json!({"name": format!("image-{at}")})).await;
        }
    }
    if ["download", "ask for", "delete an image with data", "remove the data"]
        .iter()
        .any(|word| operation.starts_with(word))
    {
        assert_eq!(world.put_file(MEMBER, &path, b"0123456789").await.line(), "204");
    }
    if operation.starts_with("remove the data") {
        assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
    }
    world.probe.reset();
    let answer = match operation {
        "versions, schemas, health" => {
            for path in ["/", "/versions", "/healthcheck", "/v2/schemas/images"] {
                world.get(MEMBER, path).await;
            }
            world.get(MEMBER, "/v2/schemas/image").await
        }
        "create an image" => world.post(MEMBER, json!({"name": "new", "os_distro": "debian"})).await,
        "create an image, public or community" => {
            world.post(MEMBER, json!({"visibility": "community"})).await
        }
        "show an image" => world.get(MEMBER, &path).await,
        "list 25 of 60 images" => world.get(MEMBER, "/v2/images").await,
        "list 25 of 60 images as an administrator" => world.get("ops:admin", "/v2/images").await,
        "list the page behind a marker" => {
            world.get(MEMBER, "/v2/images?marker=00000000-0000-4000-8000-00000000003c").await
        }
        "list by name" => world.get(MEMBER, "/v2/images?name=web").await,
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
        "delete an image without data" | "delete an image with data" => {
            world.call("DELETE", &path).by(MEMBER).send().await
        }
        "upload less than a part" => world.put_file(MEMBER, &path, &bytes(PART - 1)).await,
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
        "remove the data of a deleted image (reaper)" | "nothing is due (reaper)" => {
            world.reaper.run().await.unwrap();
            return world.probe.calls();
        }
        other => panic!("nobody knows how to {other}"),
    };
    let refused = operation == "upload of another size than announced";
    assert_eq!(answer.status.is_client_error(), refused, "{operation}: {answer}");
    world.probe.calls()
}

#[tokio::test]
async fn no_operation_costs_more_than_it_may() {
    for Case { operation, calls } in budget() {
        assert_eq!(count(operation).await, calls, "{operation}");
    }
}

/// How often a call was made, and what it came to each time.
fn told(calls: &[&str], name: &str) -> String {
    let amounts: Vec<_> =
        calls.iter().filter_map(|call| call.strip_prefix(name)?.strip_prefix(' ')).collect();
    if amounts.is_empty() { "–".to_owned() } else { format!("{} ({})", amounts.len(), amounts.join(" + ")) }
}

/// The calls of the store, those that follow one another counted.
fn stored(calls: &[&str]) -> String {
    let calls: Vec<_> = calls.iter().filter(|call| !call.contains(' ')).collect();
    let runs = calls.chunk_by(|a, b| a == b).map(|run| match run {
        [one] => (*one).to_string(),
        more => format!("{} × {}", more.len(), more[0]),
    });
    let runs: Vec<_> = runs.collect();
    if runs.is_empty() { "–".to_owned() } else { runs.join(", ") }
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for Case { operation, calls } in budget() {
        let gets = calls.iter().filter(|call| call.starts_with("get")).count();
        let gets = if gets == 0 { "–".to_owned() } else { gets.to_string() };
        let (queries, commits) = (told(&calls, "query"), told(&calls, "commit"));
        writeln!(text, "| {operation} | {gets} | {queries} | {commits} | {} |", stored(&calls)).unwrap();
    }
    text
}

const INTRODUCTION: &str = "\
# What each operation costs

Counted at the ports by `tests/costs`, which fails when a count grows and when this page does not say what was counted.
An image is one item and so is its row in a list: a request costs its page, never the catalogue. Only a filter that few
images pass reads on, 250 rows at a time, until the page is full or 10,000 rows were looked at.

- *Reads* fetch one item by its key. *Queries* read a run of items in order: in brackets, how many each of them read.
  A list asks for one run in each set the caller sees: the project's images and the public ones, or all of them for an
  administrator. A spread list (`table.listing_shards`) asks for one in each shard.
- *Writes* are transactions, all or nothing: in brackets, how many items each of them changes. An image is one record,
  one row in each list it is in, and the counters of its project when they move.
- *Store* calls move bytes. An upload holds a few parts in memory at a time and reads no part twice; while it lasts, its
  lease is renewed by one more write (3 items) each third of the lease.
- Counted are calls that nobody disturbs: when two requests change one image at once, the later starts again.

On DynamoDB a transaction costs two write units for each KB of each item it changes, a consistent read one read unit for
each 4 KB. On S3 each `write` is one `UploadPart`.

| Operation | Reads | Queries (items) | Writes (items changed) | Store |
| --- | --- | --- | --- | --- |
";

#[test]
fn the_document_says_what_was_counted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let expected = document();
    assert!(written == expected, "docs/costs.md must be:\n\n{expected}");
}
