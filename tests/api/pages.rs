//! Lists against a model: whatever was created, changed and deleted, the pages of every order hold what a sorted vector
//! holds, each image once.

use proptest::prelude::*;
use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, STRANGER};
use tests::service::Service;
use tests::world::World;

const NAMES: [Option<&str>; 5] = [None, Some("web"), Some("web-base"), Some("web\u{2}"), Some("db")];
const VISIBILITIES: [&str; 4] = ["private", "shared", "community", "public"];
const OWNERS: [&str; 2] = ["p1", "p2"];
const ORDERS: [&str; 5] = ["created_at", "name", "status", "size", "updated_at"];

/// One thing that happens; numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Create { name: usize, visibility: usize, owner: usize, size: Option<u8> },
    Delete(usize),
    Rename { image: usize, name: usize },
    Show { image: usize, visibility: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let create = (0..NAMES.len(), 0..VISIBILITIES.len(), 0..OWNERS.len(), proptest::option::of(0..3_u8));
    let create =
        create.prop_map(|(name, visibility, owner, size)| Step::Create { name, visibility, owner, size });
    let image = 0..64_usize;
    let step = prop_oneof![
        4 => create,
        1 => image.clone().prop_map(Step::Delete),
        1 => (image.clone(), 0..NAMES.len()).prop_map(|(image, name)| Step::Rename { image, name }),
        1 => (image, 0..VISIBILITIES.len()).prop_map(|(image, visibility)| Step::Show { image, visibility }),
    ];
    proptest::collection::vec(step, 0..40)
}

/// An image as the model knows it. Times are counted in steps.
#[derive(Clone, Debug)]
struct Known {
    path: String,
    name: Option<&'static str>,
    visibility: &'static str,
    owner: &'static str,
    size: Option<u8>,
    created: usize,
    updated: usize,
}

impl Known {
    fn listed(&self, project: Option<&str>, all: bool) -> bool {
        let own = project == Some(self.owner);
        match self.visibility {
            "public" => true,
            "community" => own || all,
            _ => own || project.is_none(),
        }
    }

    /// What orders it: the attribute, then the time of registration.
    fn place(&self, order: &str) -> (String, usize, usize) {
        let (text, number) = match order {
            "name" => (self.name.unwrap_or_default(), 0),
            "status" => (if self.size.is_some() { "active" } else { "queued" }, 0),
            "size" => ("", self.size.unwrap_or(0).into()),
            "updated_at" => ("", self.updated),
            _ => ("", 0),
        };
        (text.to_owned(), number, self.created)
    }
}

async fn change(service: &Service, image: &Known, path: &str, value: Value) {
    let answer =
        service.patch(ADMIN, &image.path, json!([{"op": "replace", "path": path, "value": value}])).await;
    assert_eq!(answer.status.as_u16(), 200, "{answer}");
}

/// Makes one step in the service and in the model.
async fn make(service: &Service, known: &mut Vec<Known>, now: usize, step: &Step) {
    let pick = |image: usize, count: usize| if count == 0 { None } else { Some(image % count) };
    match *step {
        Step::Create { name, visibility, owner, size } => {
            let (name, visibility, owner) = (NAMES[name], VISIBILITIES[visibility], OWNERS[owner]);
            let path = service
                .made(ADMIN, json!({
                    "name": name, "visibility": visibility, "owner": owner, "disk_format": "raw", "container_format": "bare",
                }))
                .await;
            if let Some(size) = size {
                let bytes = vec![0; size.into()];
                assert_eq!(service.put_file(ADMIN, &path, &bytes).await.line(), "204");
            }
            known.push(Known { path, name, visibility, owner, size, created: now, updated: now });
        }
        Step::Delete(image) => {
            let Some(at) = pick(image, known.len()) else { return };
            let image = known.remove(at);
            assert_eq!(service.call("DELETE", &image.path).by(ADMIN).send().await.line(), "204");
        }
        Step::Rename { image, name } => {
            let Some(at) = pick(image, known.len()) else { return };
            change(service, &known[at], "/name", json!(NAMES[name])).await;
            (known[at].name, known[at].updated) = (NAMES[name], now);
        }
        Step::Show { image, visibility } => {
            let Some(at) = pick(image, known.len()) else { return };
            change(service, &known[at], "/visibility", json!(VISIBILITIES[visibility])).await;
            (known[at].visibility, known[at].updated) = (VISIBILITIES[visibility], now);
        }
    }
}

/// Every image of a list, by its pages.
async fn walked(service: &Service, token: &str, first: String, limit: usize) -> Vec<String> {
    let (mut paths, mut next) = (Vec::new(), Some(first));
    while let Some(path) = next {
        let page = service.get(token, &path).await.json();
        let images = page["images"].as_array().unwrap();
        assert!(images.len() <= limit);
        paths.extend(images.iter().map(|image| image["self"].as_str().unwrap().to_owned()));
        next = page.get("next").map(|next| next.as_str().unwrap().to_owned());
    }
    paths
}

fn expected(known: &[Known], order: &str, descending: bool, wanted: impl Fn(&Known) -> bool) -> Vec<String> {
    let mut images: Vec<_> = known.iter().filter(|image| wanted(image)).collect();
    images.sort_by_key(|image| image.place(order));
    if descending {
        images.reverse();
    }
    images.into_iter().map(|image| image.path.clone()).collect()
}

async fn lists_are_as_the_model_says(service: &Service, steps: &[Step], limit: usize) {
    let mut known = Vec::new();
    for (now, step) in steps.iter().enumerate() {
        make(service, &mut known, now, step).await;
    }
    for (token, project) in [(ADMIN, None), (MEMBER, Some("p1")), (STRANGER, Some("p2"))] {
        for order in ORDERS {
            for descending in [false, true] {
                let all = limit.is_multiple_of(2);
                let (dir, more) =
                    (if descending { "desc" } else { "asc" }, if all { "&visibility=all" } else { "" });
                let first = format!("/v2/images?sort={order}:{dir}&limit={limit}{more}");
                let expected = expected(&known, order, descending, |image| image.listed(project, all));
                assert_eq!(walked(service, token, first.clone(), limit).await, expected, "{token} {first}");
            }
        }
        for name in NAMES.into_iter().flatten() {
            let query = form(name);
            let first = format!("/v2/images?name={query}&limit={limit}");
            let expected = expected(&known, "created_at", true, |image| {
                image.listed(project, false) && image.name == Some(name)
            });
            assert_eq!(walked(service, token, first.clone(), limit).await, expected, "{token} {first}");
        }
    }
}

/// The image a change is of, if it is there already.
fn picked<'a>(known: &'a [Known], step: &Step) -> Option<&'a str> {
    match *step {
        Step::Create { .. } => None,
        Step::Delete(image) | Step::Rename { image, .. } | Step::Show { image, .. } => {
            known.get(image.checked_rem(known.len())?).map(|image| image.path.as_str())
        }
    }
}

/// Walks a list that changes between its pages. Answers the paths of all pages, and those of the images that touched.
async fn walked_while(
    service: &Service,
    known: &mut Vec<Known>,
    changes: &[Step],
    first: String,
    keeps_deleted: bool,
) -> (Vec<String>, Vec<String>) {
    let (mut paths, mut touched, mut next) = (Vec::new(), Vec::new(), Some(first));
    let mut steps = changes.iter().zip(1000..);
    while let Some(path) = next {
        let page = service.get(ADMIN, &path).await.json();
        let images = page["images"].as_array().unwrap_or_else(|| panic!("{path}: {page}"));
        paths.extend(images.iter().map(|image| image["self"].as_str().unwrap().to_owned()));
        next = page.get("next").map(|next| next.as_str().unwrap().to_owned());
        for (step, now) in steps.by_ref().take(3) {
            let image = picked(known, step).map(str::to_owned);
            let is_marker = image.is_some() && image.as_ref() == paths.last();
            // A marker tells where it is now: only a deletion leaves it where it was.
            if is_marker && !(keeps_deleted && matches!(step, Step::Delete(_))) {
                continue;
            }
            make(service, known, now, step).await;
            touched.extend(image.or_else(|| Some(known.last()?.path.clone())));
        }
    }
    (paths, touched)
}

async fn what_does_not_change_is_listed_once(
    service: &Service,
    steps: &[Step],
    changes: &[Step],
    at: usize,
    limit: usize,
) {
    let mut known = Vec::new();
    for (now, step) in steps.iter().enumerate() {
        make(service, &mut known, now, step).await;
    }
    let (order, descending) = (ORDERS[at / 2], at.is_multiple_of(2));
    let dir = if descending { "desc" } else { "asc" };
    let first = format!("/v2/images?sort={order}:{dir}&limit={limit}&visibility=all");
    let before = known.clone();
    let keeps_deleted = !matches!(order, "status" | "updated_at");
    let (mut found, touched) = walked_while(service, &mut known, changes, first.clone(), keeps_deleted).await;
    found.retain(|path| !touched.contains(path));
    let expected = expected(&before, order, descending, |image| !touched.contains(&image.path));
    assert_eq!(found, expected, "{first}");
}

fn form(name: &str) -> String {
    name.replace('\u{2}', "%02")
}

fn run(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case);
}

/// A case is some hundred requests, which over a network take their time.
fn cases() -> u32 {
    if Service::is_deployed() { 2 } else { 24 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_hold_every_image_once_in_order(steps in steps(), limit in 1..7_usize) {
        run(async { lists_are_as_the_model_says(&Service::empty().await, &steps, limit).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// In process: it makes many requests.
    #[test]
    fn pages_of_a_list_that_changes_hold_what_stays_once_in_order(
        steps in steps(), changes in steps(), order in 0..2 * ORDERS.len(), limit in 1..5_usize,
    ) {
        run(async { what_does_not_change_is_listed_once(&World::default(), &steps, &changes, order, limit).await });
    }

    /// In process: how lists are spread is configured.
    #[test]
    fn pages_of_a_spread_list_hold_every_image_once_in_order(steps in steps(), limit in 1..7_usize) {
        run(async { lists_are_as_the_model_says(&World::sharded(4), &steps, limit).await });
    }
}
