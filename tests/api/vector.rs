//! Lists against a vector: a random catalogue of several projects, random filters, orders and pages. What the service
//! answers is what filtering, sorting and cutting a plain vector gives, by rules written down here once more.

mod catalogue;
mod parameter;

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::Value;
use shared::image::{Image, Status, Visibility};
use tests::world::World;

use catalogue::{Entry, entries, fill};
use parameter::{Test, test};

const CALLERS: [(&str, Option<&str>); 4] = [
    ("p1:member,reader", Some("p1")),
    ("p2:reader", Some("p2")),
    ("p3:reader", Some("p3")),
    ("p1:admin", None),
];
const KEYS: [&str; 8] =
    ["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"];

/// What a list asks for.
#[derive(Clone, Debug)]
struct Asked {
    caller: (&'static str, Option<&'static str>),
    tests: Vec<Test>,
    visibility: Option<&'static str>,
    member_status: Option<&'static str>,
    hidden: Option<bool>,
    /// The keys, and whether each is descending.
    orders: Vec<(&'static str, bool)>,
    classic: bool,
    limit: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let which = (
        select(&CALLERS[..]),
        proptest::collection::vec(test(), 0..3),
        proptest::option::weighted(0.4, select(&["private", "shared", "community", "public", "all"][..])),
        proptest::option::weighted(0.3, select(&["pending", "accepted", "rejected", "all"][..])),
        proptest::option::weighted(0.1, any::<bool>()),
    );
    let keys = prop_oneof![1 => 0..=0_usize, 3 => 1..=1_usize, 1 => 2..=3_usize];
    let orders = keys.prop_flat_map(|count| {
        let keys = subsequence(KEYS.to_vec(), count).prop_shuffle();
        (keys, proptest::collection::vec(any::<bool>(), count))
            .prop_map(|(keys, dirs)| keys.into_iter().zip(dirs).collect::<Vec<_>>())
    });
    (which, orders, any::<bool>(), 1..9_usize).prop_map(|(which, orders, classic, limit)| {
        let (caller, tests, visibility, member_status, hidden) = which;
        Asked { caller, tests, visibility, member_status, hidden, orders, classic, limit }
    })
}

fn dir(descending: bool) -> &'static str {
    if descending { "desc" } else { "asc" }
}

impl Asked {
    fn query(&self, entries: &[Entry]) -> Vec<(String, String)> {
        let mut query: Vec<(&str, String)> = self.tests.iter().map(|test| test.parameter(entries)).collect();
        query.extend(self.visibility.map(|visibility| ("visibility", visibility.to_owned())));
        query.extend(self.member_status.map(|status| ("member_status", status.to_owned())));
        query.extend(
            self.hidden.map(|hidden| ("os_hidden", if hidden { "True" } else { "false" }.to_owned())),
        );
        if self.classic {
            for (key, descending) in &self.orders {
                query.push(("sort_key", (*key).to_owned()));
                query.push(("sort_dir", dir(*descending).to_owned()));
            }
        } else if !self.orders.is_empty() {
            let orders = self.orders.iter().map(|(key, descending)| format!("{key}:{}", dir(*descending)));
            query.push(("sort", orders.collect::<Vec<_>>().join(",")));
        }
        query.push(("limit", self.limit.to_string()));
        query.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn wants(&self, entry: &Entry, entries: &[Entry]) -> bool {
        let Entry { image, members } = entry;
        let (_, project) = self.caller;
        let own = image.owner.as_ref().is_some_and(|owner| Some(owner.as_str()) == project.or(Some("p1")));
        let status = project.and_then(|project| members.get(project));
        let asked = self.member_status.unwrap_or("accepted");
        let is_member = status.is_some_and(|status| asked == "all" || asked == status.name());
        let listed = match image.visibility {
            Visibility::Public => true,
            Visibility::Community => own || self.visibility.is_some(),
            Visibility::Shared => own || project.is_none() || is_member,
            Visibility::Private => own || project.is_none(),
        };
        // Of a parameter that is repeated the last one counts; of tags, all.
        let counts = |(at, test): &(usize, &Test)| {
            let key = test.parameter(entries).0;
            key == "tag" || self.tests[at + 1..].iter().all(|later| later.parameter(entries).0 != key)
        };
        listed
            && !matches!(image.status, Status::Killed | Status::Deleted)
            && self.visibility.is_none_or(|asked| asked == "all" || asked == image.visibility.name())
            && image.os_hidden == self.hidden.unwrap_or(false)
            && self.tests.iter().enumerate().filter(counts).all(|(_, test)| test.holds(entry, entries))
    }

    fn compare(&self, a: &Image, b: &Image) -> Ordering {
        let ties = match self.orders.as_slice() {
            [(_, descending)] => *descending,
            _ => true,
        };
        let mut orders = self.orders.clone();
        for key in ["created_at", "id"] {
            if orders.iter().all(|(before, _)| *before != key) {
                orders.push((key, ties));
            }
        }
        let decide = |(key, descending): &(&str, bool)| {
            let order = by(key, a, b);
            if *descending { order.reverse() } else { order }
        };
        orders.iter().map(decide).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// The ids of the whole list.
    fn expected(&self, entries: &[Entry]) -> Vec<String> {
        let mut wanted: Vec<_> = entries.iter().filter(|entry| self.wants(entry, entries)).collect();
        wanted.sort_by(|a, b| self.compare(&a.image, &b.image));
        wanted.into_iter().map(|entry| entry.image.id.to_string()).collect()
    }
}

fn by(key: &str, a: &Image, b: &Image) -> Ordering {
    match key {
        "name" => a.name.clone().unwrap_or_default().cmp(&b.name.clone().unwrap_or_default()),
        "status" => a.status.name().cmp(b.status.name()),
        "container_format" => {
            a.container_format.map_or("", |it| it.name()).cmp(b.container_format.map_or("", |it| it.name()))
        }
        "disk_format" => {
            a.disk_format.map_or("", |it| it.name()).cmp(b.disk_format.map_or("", |it| it.name()))
        }
        "size" => a.size.unwrap_or(0).cmp(&b.size.unwrap_or(0)),
        "id" => a.id.as_str().cmp(b.id.as_str()),
        "created_at" => a.created_at.cmp(&b.created_at),
        _ => a.updated_at.cmp(&b.updated_at),
    }
}

fn path(query: &[(String, String)]) -> String {
    let pairs: Vec<_> = query.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    if pairs.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{}", pairs.join("&")) }
}

fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

/// A link as the pairs it asks for.
fn pairs(link: &str) -> Vec<(String, String)> {
    let query = link.strip_prefix("/v2/images").unwrap().trim_start_matches('?');
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let mut pieces = text.split('%');
        let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
        for piece in pieces {
            let (code, rest) = piece.split_at(2);
            bytes.push(u8::from_str_radix(code, 16).unwrap());
            bytes.extend_from_slice(rest.as_bytes());
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(key, value)| (decoded(key), decoded(value))).collect()
}

fn ids(page: &Value) -> Vec<String> {
    let images = page["images"].as_array().unwrap();
    images.iter().map(|image| image["id"].as_str().unwrap().to_owned()).collect()
}

async fn page(world: &World, token: &str, path: &str) -> Value {
    let answer = world.get(token, path).await;
    assert_eq!(answer.status.as_u16(), 200, "{path}: {answer}");
    answer.json()
}

/// Walks all pages: what they hold, and that their links ask for the same again.
async fn walked(world: &World, asked: &Asked, entries: &[Entry]) -> Vec<String> {
    let (token, _) = asked.caller;
    let query = asked.query(entries);
    let mut next = Some(path(&query));
    let mut found = Vec::new();
    while let Some(path) = next {
        let page = page(world, token, &path).await;
        let images = ids(&page);
        assert!(images.len() <= asked.limit, "{path}");
        assert_eq!(pairs(page["first"].as_str().unwrap()), query, "{path}");
        next = page.get("next").map(|next| next.as_str().unwrap().to_owned());
        if images.len() == asked.limit {
            let mut expected = query.clone();
            expected.extend(images.last().map(|last| ("marker".to_owned(), last.clone())));
            assert_eq!(pairs(next.as_deref().unwrap()), expected, "{path}");
        } else {
            assert_eq!(next, None, "nothing this small is left off: {path}");
        }
        found.extend(images);
    }
    found
}

async fn lists_are_as_the_vector_says(shards: u32, entries: &[Entry], all_asked: &[Asked]) {
    let world = World::sharded(shards);
    fill(&world, shards, entries).await;
    for asked in all_asked {
        let expected = asked.expected(entries);
        assert_eq!(walked(&world, asked, entries).await, expected, "{asked:?}");
        // Any of them leads to those behind it.
        for (at, marker) in expected.iter().enumerate().step_by(3) {
            let mut query = asked.query(entries);
            query.push(("marker".to_owned(), marker.clone()));
            let rest = &expected[at + 1..];
            let found = ids(&page(&world, asked.caller.0, &path(&query)).await);
            assert_eq!(found, rest[..rest.len().min(asked.limit)], "behind {marker}: {asked:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_what_a_filtered_and_sorted_vector_is(
        shards in select(&[1, 3][..]),
        // Now and then more images than are ever read at once.
        (copies, entries) in prop_oneof![15 => Just(1), 1 => Just(16)].prop_flat_map(|copies| (Just(copies), entries(copies))),
        mut asked in proptest::collection::vec(asked(), 12),
    ) {
        for asked in &mut asked {
            asked.limit *= copies;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(lists_are_as_the_vector_says(shards, &entries, &asked));
    }
}
