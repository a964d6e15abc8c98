//! Orders: where rows lie, and what is read of them.

use super::*;
use crate::image::Bounds;

/// Names that hold what keys are made of, or sort near it.
const NAMES: [&str; 14] =
    ["", " ", "!", "#", "a", "a\u{0}", "a\u{1}", "a\u{2}", "a b", "a#b", "a-b", "b", "\u{e4}", "\u{ffff}"];

#[tokio::test]
async fn names_sort_as_their_bytes_do_whatever_follows_them() {
    let (catalog, _) = catalog(1);
    // Registered the other way round, so that time does not help.
    for (number, name) in (1..).zip(NAMES.iter().rev()) {
        catalog.create(&named(number, name), &any()).await.unwrap();
    }
    for step in [1, 2, 5, 100] {
        for descending in [false, true] {
            let order = Order { key: SortKey::Name, descending };
            let images = listed(&catalog, Walk::new(&[Scope::All], order, step)).await;
            let mut names: Vec<_> = images.iter().map(|image| image.name.as_deref().unwrap()).collect();
            if descending {
                names.reverse();
            }
            assert_eq!(names, NAMES, "{step} rows a query, descending {descending}");
        }
    }
}

#[tokio::test]
async fn every_marker_leads_to_the_rest_of_the_list() {
    let (catalog, _) = catalog(4);
    for (number, name) in (1..).zip(NAMES.iter().chain(&["a\u{1}", "a\u{1}b", "a", "a"])) {
        catalog.create(&named(number, name), &any()).await.unwrap();
    }
    for key in SortKey::ALL {
        for descending in [false, true] {
            let order = Order { key, descending };
            let all = listed(&catalog, Walk::new(&[Scope::All], order, 3)).await;
            assert_eq!(all.len(), NAMES.len() + 4);
            for (at, marker) in all.iter().enumerate() {
                let rest = {
                    let walk = Walk::new(&[Scope::All], order, 3);
                    listed(&catalog, Walk { from: Start::Behind(marker), ..walk }).await
                };
                assert_eq!(rest, all[at + 1..], "{order:?} behind {:?}", marker.name);
            }
        }
    }
}

#[tokio::test]
async fn a_list_by_name_holds_that_name_alone() {
    let (catalog, _) = catalog(2);
    let others = ["we", "web-base", "web\u{2}", "web\u{0}", "webs", "Web", "", "web "];
    for (number, name) in (1..).zip(["web"].iter().chain(&others).chain(&["web"])) {
        catalog.create(&named(number, name), &any()).await.unwrap();
    }
    catalog.create(&Image { name: None, ..image(50) }, &any()).await.unwrap();
    let order = Order::default();
    let of_name = async |name: &str, step: usize| {
        let within = Some((SortKey::Name, Bounds::Texts(vec![name.to_owned()])));
        listed(&catalog, Walk { within, ..Walk::new(&[Scope::All], order, step) }).await
    };
    for step in [1, 10] {
        let ids: Vec<_> = of_name("web", step).await.into_iter().map(|image| image.id).collect();
        assert_eq!(ids, [id(10), id(1)], "newest first");
        for name in others.iter().filter(|name| !name.is_empty()) {
            assert_eq!(of_name(name, step).await.len(), 1, "{name:?}");
        }
    }
    let unnamed = of_name("", 10).await;
    assert_eq!(unnamed.len(), 2, "no name and an empty one are one place: the filter tells them apart");
}

#[test]
fn the_range_of_a_name_holds_its_keys_and_no_others() {
    let bounds = Bounds::Texts(vec!["web".to_owned()]);
    let ranges = key::ranges(SortKey::Name, &bounds);
    let range = &ranges[0];
    let place = |name: &str| key::indexed(SortKey::Name, &named(1, name));
    assert!(range.contains(&place("web")));
    for other in ["", "we", "web-base", "web\u{2}", "web\u{0}", "webs", "web0", "\u{1}web"] {
        assert!(!range.contains(&place(other)), "{other:?}");
    }
    for other in ["web\u{1}", "web\u{1}x", "web\u{2}\u{1}", "web\u{0}\u{1}"] {
        assert!(!range.contains(&place(other)), "{other:?}");
    }
}

#[test]
fn sizes_sort_as_numbers_and_none_counts_as_0() {
    let place = |size| key::indexed(SortKey::Size, &Image { size, ..image(1) });
    let sizes = [0, 1, 9, 10, 99, 100, 1 << 40, u64::MAX];
    let places = sizes.map(|size| place(Some(size)));
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    assert_eq!(place(None), place(Some(0)));
    assert!(place(None) < key::indexed(SortKey::Size, &Image { size: None, ..image(2) }), "ties by time");
}

#[test]
fn an_index_attribute_fits_the_table_whatever_the_name() {
    let longest = key::indexed(SortKey::Name, &named(1, &"\u{ffff}".repeat(255)));
    assert!(longest.len() <= 1024, "{}", longest.len());
    let owner = "\u{10ffff}".repeat(255).parse().unwrap();
    assert!(key::rows(key::Rows::Whole, &Scope::Owner(owner), 0).len() <= 2048);
}

#[test]
fn shards_spread_the_widest_scopes_and_stay_where_they_are() {
    let spread = |scope: &Scope, shards| {
        let keys = (0..1000).map(|number| key::listing(scope, shards, &image(number)).partition);
        keys.fold(BTreeMap::<_, u32>::new(), |mut counts, partition| {
            *counts.entry(partition).or_default() += 1;
            counts
        })
    };
    let all = spread(&Scope::All, 4);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["list#all#0", "list#all#1", "list#all#2", "list#all#3"]);
    assert!(all.values().all(|count| (150..=350).contains(count)), "{all:?}");
    assert_eq!(spread(&Scope::Community, 4).len(), 1);
    assert_eq!(spread(&Scope::Owner("p1".parse().unwrap()), 4).len(), 1);
    assert_eq!(spread(&Scope::All, 1).len(), 1);
    // These must never change: rows are where they were written.
    let shards = (0..8).map(|number| key::listing(&Scope::Public, 4, &image(number)).partition);
    let shards: Vec<_> = shards.map(|partition| partition.replace("list#public#", "")).collect();
    assert_eq!(shards, ["1", "2", "3", "0", "1", "2", "3", "0"]);
}

#[test]
fn owners_do_not_meet_in_one_partition() {
    let partition = |owner: &str| key::rows(key::Rows::Whole, &Scope::Owner(owner.parse().unwrap()), 0);
    assert_ne!(partition("a#0"), partition("a"));
    let wide =
        [Scope::All, Scope::Public, Scope::Community].map(|scope| key::rows(key::Rows::Whole, &scope, 0));
    for owner in ["all", "public", "all#0", "#", "owner"] {
        assert!(!wide.contains(&partition(owner)), "{owner}");
    }
}

proptest! {
    #[test]
    fn two_names_sort_as_they_do_themselves(a in "[\u{0}-\u{4} -~\u{e4}-\u{fff}]{0,8}", b in "[\u{0}-\u{4}a]{0,8}") {
        let (first, second) = (key::indexed(SortKey::Name, &named(1, &a)), key::indexed(SortKey::Name, &named(1, &b)));
        prop_assert_eq!(first.cmp(&second), a.cmp(&b));
    }
}
