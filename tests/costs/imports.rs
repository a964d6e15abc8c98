//! What imports cost: what is asked for, and what an importer does then, by method, by parts and by stores.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::image::Location;
use shared::operations::Outcome;
use tests::fixtures::bytes;
use tests::web::Page;
use tests::world::{PART, World};

use super::meter::Meter;
use super::{ADMIN, Case, Counted, MEMBER, NAME, case, image, object_of};

const URL: &str = "https://images.example/disk";
const OTHERS: &[(&str, i64)] = &[("second", 0), ("third", 0)];

/// The operations in the order of the document, with all they may call.
pub(super) fn budget() -> Vec<Case> {
    let import = |operation, items| case(operation, vec!["get 1", items]).asks(vec!["import"]);
    let mut all = vec![
        import("import by web-download", "commit 16"),
        import("import by web-download into 2 stores", "commit 16"),
        import("import by glance-direct", "commit 15"),
        import("import by glance-direct into 2 stores", "commit 15"),
        import("import by copy-image", "commit 15"),
        // What is there already is copied into all stores side by side.
        import("import by copy-image into 2 stores", "commit 17").asks(vec!["import", "import"]),
    ];
    all.extend(work());
    let again = "look again at what was imported (importer)";
    all.push(case(again, vec!["get 1"]));
    all
}

/// The work itself. Each object is taken, begun, brought, put together, looked into, hashed in stretches, and told of; and each asks for
/// a look when its lease should be over. Only then the next store is filled, with what lies in the first.
fn work() -> [Case; 12] {
    let (url, object, copy) = (Origin::Url, Origin::Object, Origin::Copy);
    let one = |operation, from, last| done(operation, &[(from, last)], false, vec!["import later", "reap"]);
    let three = |operation, from, last| done(operation, &[(from, last)], true, vec!["import later", "reap"]);
    let fetched = || vec!["import later", "import", "import later", "reap"];
    let staged = || vec!["import later", "import", "reap", "import later", "reap"];
    let copied = || vec!["import later", "import later", "reap"];
    [
        one("import by web-download of one part (importer)", url, "commit 10"),
        three("import by web-download of 3 parts (importer)", url, "commit 10"),
        done(
            "import by web-download of one part into 2 stores (importer)",
            &[(url, "commit 8"), (copy, "commit 11")],
            false,
            fetched(),
        ),
        done(
            "import by web-download of 3 parts into 2 stores (importer)",
            &[(url, "commit 8"), (copy, "commit 11")],
            true,
            fetched(),
        ),
        one("import by glance-direct of one part (importer)", object, "commit 12"),
        three("import by glance-direct of 3 parts (importer)", object, "commit 12"),
        done(
            "import by glance-direct of one part into 2 stores (importer)",
            &[(object, "commit 9"), (copy, "commit 11")],
            false,
            staged(),
        ),
        done(
            "import by glance-direct of 3 parts into 2 stores (importer)",
            &[(object, "commit 9"), (copy, "commit 11")],
            true,
            staged(),
        ),
        one("import by copy-image of one part (importer)", copy, "commit 10"),
        three("import by copy-image of 3 parts (importer)", copy, "commit 10"),
        done(
            "import by copy-image of one part into 2 stores (importer)",
            &[(copy, "commit 5"), (copy, "commit 11")],
            false,
            copied(),
        ),
        done(
            "import by copy-image of 3 parts into 2 stores (importer)",
            &[(copy, "commit 5"), (copy, "commit 11")],
            true,
            copied(),
        ),
    ]
}

/// Where bytes come from.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Url,
    /// What was staged, which is looked into when it is an image's.
    Object,
    /// What was looked into already.
    Copy,
}

/// The calls for one object after another, each with how many items its last transaction changes.
fn done(
    operation: &'static str,
    objects: &[(Origin, &'static str)],
    is_long: bool,
    jobs: Vec<&'static str>,
) -> Case {
    let mut calls = Vec::new();
    for (from, last) in objects {
        calls.extend(["get 1", "commit 3", "get 1"]);
        calls.extend((*from != Origin::Url).then_some("size"));
        calls.extend(["begin_direct", "commit 1", "arrived"]);
        calls.extend((*from != Origin::Url).then_some("read"));
        calls.extend(std::iter::repeat_n("bring_part", if is_long { 3 } else { 1 }));
        calls.extend(["commit 3", "size", "arrived", "assemble", "size"]);
        calls.extend((*from != Origin::Copy).then_some("read"));
        calls.push("read");
        // In two stretches.
        calls.extend(is_long.then_some(["commit 3", "read"]).into_iter().flatten());
        calls.push("get 1");
        // With its last store goes its task.
        calls.extend((LAST.contains(last)).then_some("get 1"));
        calls.push(last);
    }
    case(operation, calls).asks(jobs)
}

/// Transactions that end an import.
const LAST: [&str; 3] = ["commit 10", "commit 11", "commit 12"];

/// Asks for an import, or does what was asked for, in a world of its own and counts.
pub(super) async fn count(operation: &str) -> Counted {
    let meter = Meter::default();
    let world = World::storing_on(Arc::new(meter.table()), OTHERS);
    let path = world.made(MEMBER, image(NAME, "lts")).await;
    let data = bytes(if operation.contains("3 parts") { PART * 2 + 1 } else { PART - 1 });
    let (target, sent) = if operation.contains("glance-direct") {
        (Some("stage"), json!({"name": "glance-direct"}))
    } else if operation.contains("copy-image") {
        (Some("file"), json!({"name": "copy-image"}))
    } else {
        world.web.put(URL, Page { bytes: data.clone(), ..Page::default() });
        (None, json!({"name": "web-download", "uri": URL}))
    };
    if let Some(target) = target {
        let call = world.call("PUT", &format!("{path}/{target}")).by(MEMBER);
        let call = call.header("content-type", "application/octet-stream").body(&data);
        assert_eq!(call.send().await.line(), "204");
    }
    let stores = if operation.contains("2 stores") { vec!["second", "third"] } else { vec!["second"] };
    let is_worked = operation.ends_with("(importer)");
    fresh(&world, &meter);
    let body = json!({"method": sent, "stores": stores});
    let asked = world.call("POST", &format!("{path}/import")).by(ADMIN).json(&body).send().await;
    assert_eq!(asked.status, 202, "{operation}: {asked}");
    if is_worked {
        fresh(&world, &meter);
        world.work().await;
    }
    let mut counted = Counted::take(&world, &meter);
    if is_worked {
        let shown = world.get(MEMBER, &path).await.json();
        assert!(stores.iter().all(|store| has(&shown, store)), "{operation}: {shown}");
    }
    if operation.starts_with("look again") {
        let key = object_of(&world, path.rsplit('/').next().unwrap()).await;
        let location: Location = serde_json::from_value(json!({"store": "second", "key": key})).unwrap();
        fresh(&world, &meter);
        let looked = Box::pin(world.importer.advance(&location, None)).await;
        assert_eq!(looked.unwrap(), Outcome::Active);
        counted = Counted::take(&world, &meter);
    }
    counted
}

fn has(shown: &Value, store: &str) -> bool {
    shown["status"] == "active"
        && shown["stores"].as_str().unwrap_or_default().split(',').any(|at| at == store)
}

fn fresh(world: &World, meter: &Meter) {
    world.probe.reset();
    meter.take();
}
