//! The order of a partition, by sort key and by index.

use serde_json::{Value, json};

use super::{fill, item, item_in, one, put, remove, write};
use crate::ports::{Direction, Index, Page, Position, Query, Table};

/// The sort keys a query finds.
async fn found(table: &dyn Table, query: Query) -> Vec<String> {
    sorts(&table.query(&query).await.expect("a read that nothing speaks against"))
}

fn sorts(page: &Page) -> Vec<String> {
    page.items.iter().map(|item| item.key.sort.clone()).collect()
}

fn all() -> Query {
    Query::partition("partition", 100)
}

fn by(index: Index) -> Query {
    Query { index: Some(index), ..all() }
}

fn descending(query: Query) -> Query {
    Query { direction: Direction::Descending, ..query }
}

fn within(query: Query, start: &str, end: &str) -> Query {
    Query { range: Some(start.to_owned()..=end.to_owned()), ..query }
}

fn after(query: Query, sort: &str) -> Query {
    Query { after: Some(Position { sort: sort.to_owned(), indexed: None }), ..query }
}

fn after_indexed(query: Query, value: &str, sort: &str) -> Query {
    Query { after: Some(Position { sort: sort.to_owned(), indexed: Some(value.to_owned()) }), ..query }
}

async fn letters(table: &dyn Table) {
    let neighbours = [item_in("partitio", "z", one()), item_in("partition ", "a", one())];
    fill(table, ["c", "a", "e", "b", "d"].map(|sort| item(sort, one())).into_iter().chain(neighbours)).await;
}

/// Items whose names run against their sort keys, two of one name, one of none.
async fn names(table: &dyn Table) {
    let named = [("1", "pear"), ("2", "fig"), ("3", "apple"), ("4", "fig")];
    let named = named.map(|(sort, name)| item(sort, json!({ "lsi1": name })));
    let others = [item("5", one()), item_in("elsewhere", "6", json!({ "lsi1": "fig" }))];
    fill(table, named.into_iter().chain(others)).await;
}

/// A partition is read in the order of its sort keys, both ways, and no other partition with it.
pub async fn a_partition_is_read_in_order(table: &dyn Table) {
    letters(table).await;
    assert_eq!(found(table, all()).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(found(table, descending(all())).await, ["e", "d", "c", "b", "a"]);
    assert_eq!(found(table, Query::partition("empty", 5)).await, [""; 0]);
}

/// Sort keys are ordered by their bytes, not by any language.
pub async fn the_order_is_by_bytes(table: &dyn Table) {
    let ordered = [" ", "10", "9", "A", "Z", "a", "ab", "z", "é", "京", "\u{fffd}", "😀"];
    fill(table, ordered.iter().rev().map(|sort| item(sort, json!({ "lsi1": sort })))).await;
    assert_eq!(found(table, all()).await, ordered);
    assert_eq!(found(table, by(Index::First)).await, ordered);
}

/// A page has at most as many items as asked for, and tells whether any follow.
pub async fn a_page_has_a_limit(table: &dyn Table) {
    letters(table).await;
    let page = table.query(&Query { limit: 2, ..all() }).await.unwrap();
    assert_eq!(sorts(&page), ["a", "b"]);
    assert!(page.more);
    let page = table.query(&descending(Query { limit: 1, ..all() })).await.unwrap();
    assert_eq!(sorts(&page), ["e"]);
    assert!(page.more);
    let page = table.query(&Query { limit: 6, ..all() }).await.unwrap();
    assert_eq!(page.items.len(), 5);
    assert!(!page.more);
    let empty = table.query(&Query::partition("empty", 1)).await.unwrap();
    assert_eq!(empty, Page::default());
}

/// A range holds both its ends, which need not be items.
pub async fn a_range_holds_both_ends(table: &dyn Table) {
    letters(table).await;
    assert_eq!(found(table, within(all(), "b", "d")).await, ["b", "c", "d"]);
    assert_eq!(found(table, descending(within(all(), "b", "d"))).await, ["d", "c", "b"]);
    assert_eq!(found(table, within(all(), "aa", "cc")).await, ["b", "c"]);
    assert_eq!(found(table, within(all(), "c", "c")).await, ["c"]);
    assert_eq!(found(table, within(all(), "", "b")).await, ["a", "b"]);
}

/// A range that holds nothing finds nothing, whichever way it is empty.
pub async fn an_empty_range_finds_nothing(table: &dyn Table) {
    letters(table).await;
    for (start, end) in [("d", "b"), ("f", "g"), ("bb", "bc"), ("", ""), ("a", "")] {
        for query in [all(), descending(all())] {
            let page = table.query(&within(query, start, end)).await.unwrap();
            assert_eq!(page, Page::default(), "{start}..={end}");
        }
    }
}

/// A query goes on behind a position, whether or not an item still lies there.
pub async fn a_query_goes_on_behind_a_position(table: &dyn Table) {
    letters(table).await;
    assert_eq!(found(table, after(all(), "b")).await, ["c", "d", "e"]);
    assert_eq!(found(table, descending(after(all(), "b"))).await, ["a"]);
    write(table, [remove("b")]).await;
    assert_eq!(found(table, after(all(), "b")).await, ["c", "d", "e"]);
    assert_eq!(found(table, after(all(), "bb")).await, ["c", "d", "e"]);
    assert_eq!(found(table, descending(after(all(), "d"))).await, ["c", "a"]);
    assert_eq!(found(table, after(all(), "e")).await, [""; 0]);
    assert_eq!(found(table, descending(after(all(), "a"))).await, [""; 0]);
}

/// A position outside the range is as good as the nearer end of it.
pub async fn a_position_outside_the_range_is_its_nearer_end(table: &dyn Table) {
    letters(table).await;
    let range = || within(all(), "b", "d");
    assert_eq!(found(table, after(range(), "a")).await, ["b", "c", "d"]);
    assert_eq!(found(table, after(range(), "b")).await, ["c", "d"]);
    assert_eq!(found(table, after(range(), "d")).await, [""; 0]);
    assert_eq!(found(table, after(range(), "e")).await, [""; 0]);
    assert_eq!(found(table, descending(after(range(), "e"))).await, ["d", "c", "b"]);
    assert_eq!(found(table, descending(after(range(), "d"))).await, ["c", "b"]);
    assert_eq!(found(table, descending(after(range(), "a"))).await, [""; 0]);
}

/// An index orders by its attribute, then by sort key, and leaves out what lacks the attribute.
pub async fn an_index_orders_by_its_attribute(table: &dyn Table) {
    names(table).await;
    assert_eq!(found(table, by(Index::First)).await, ["3", "2", "4", "1"]);
    assert_eq!(found(table, descending(by(Index::First))).await, ["1", "4", "2", "3"]);
    assert_eq!(found(table, by(Index::Third)).await, [""; 0]);
}

/// Every index has an order of its own, and answers with the whole item.
pub async fn every_index_has_its_own_order(table: &dyn Table) {
    let items: Vec<_> = Index::ALL
        .iter()
        .enumerate()
        .map(|(number, _)| {
            let ranks = Index::ALL.iter().enumerate().map(|(rank, index)| {
                (index.name().to_owned(), Value::from(((number + rank) % Index::ALL.len()).to_string()))
            });
            item(
                &number.to_string(),
                Value::Object(ranks.chain([("extra".to_owned(), json!([number]))]).collect()),
            )
        })
        .collect();
    fill(table, items.clone()).await;
    for (rank, index) in Index::ALL.into_iter().enumerate() {
        let mut expected = items.clone();
        expected.rotate_left((Index::ALL.len() - rank) % Index::ALL.len());
        assert_eq!(table.query(&by(index)).await.unwrap().items, expected, "{index:?}");
    }
}

/// A range on an index is a range of its attribute's values.
pub async fn a_range_on_an_index_is_of_its_values(table: &dyn Table) {
    names(table).await;
    assert_eq!(found(table, within(by(Index::First), "fig", "fig")).await, ["2", "4"]);
    assert_eq!(found(table, within(by(Index::First), "b", "p")).await, ["2", "4"]);
    assert_eq!(found(table, descending(within(by(Index::First), "apple", "fig"))).await, ["4", "2", "3"]);
    assert_eq!(found(table, within(by(Index::First), "", "apple")).await, ["3"]);
    assert_eq!(found(table, within(by(Index::First), "q", "b")).await, [""; 0]);
}

/// A walk by an index goes on behind a value and a sort key, even one that is gone.
pub async fn a_walk_by_an_index_goes_on_behind_a_position(table: &dyn Table) {
    names(table).await;
    let name = || by(Index::First);
    assert_eq!(found(table, after_indexed(name(), "fig", "2")).await, ["4", "1"]);
    assert_eq!(found(table, descending(after_indexed(name(), "fig", "4"))).await, ["2", "3"]);
    assert_eq!(found(table, after_indexed(name(), "fig", "3")).await, ["4", "1"]);
    assert_eq!(found(table, after_indexed(name(), "b", "9")).await, ["2", "4", "1"]);
    write(table, [remove("2")]).await;
    assert_eq!(found(table, after_indexed(name(), "fig", "2")).await, ["4", "1"]);
    let figs = || within(by(Index::First), "fig", "fig");
    assert_eq!(found(table, after_indexed(figs(), "apple", "3")).await, ["4"]);
    assert_eq!(found(table, after_indexed(figs(), "pear", "1")).await, [""; 0]);
    assert_eq!(found(table, descending(after_indexed(figs(), "pear", "1"))).await, ["4"]);
    assert_eq!(found(table, after_indexed(figs(), "fig", "2")).await, ["4"]);
}

/// An entry follows its item: it moves with the attribute, and goes with it.
pub async fn an_index_follows_its_items(table: &dyn Table) {
    names(table).await;
    fill(table, [item("1", json!({ "lsi1": "banana", "lsi3": "1" }))]).await;
    assert_eq!(found(table, by(Index::First)).await, ["3", "1", "2", "4"]);
    assert_eq!(found(table, by(Index::Third)).await, ["1"]);
    fill(table, [item("2", one())]).await;
    assert_eq!(found(table, by(Index::First)).await, ["3", "1", "4"]);
    write(table, [remove("3"), put(item("5", json!({ "lsi1": "zucchini" })))]).await;
    assert_eq!(found(table, by(Index::First)).await, ["1", "4", "5"]);
    assert_eq!(
        table.query(&by(Index::Third)).await.unwrap().items,
        [item("1", json!({ "lsi1": "banana", "lsi3": "1" }))]
    );
}
