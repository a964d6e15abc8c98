//! Reading much: batches, long walks, walks beside a writer, pages of large items.

use std::collections::BTreeSet;

use serde_json::json;

use super::{fill, item, key, one, put, remove, write};
use crate::ports::{Direction, Index, Item, Page, Position, Query, Table};

/// Any number of keys in one batch; what is absent is left out.
pub async fn a_batch_takes_any_number_of_keys(table: &dyn Table) {
    let items: Vec<_> =
        (0..230).map(|number| item(&format!("{number:03}"), json!({ "number": number }))).collect();
    fill(table, items.clone()).await;
    let absent = (0..20).map(|number| key("absent", &number.to_string()));
    let keys: Vec<_> = absent.chain(items.iter().map(|item| item.key.clone())).collect();
    let mut found = table.get_batch(&keys).await.unwrap();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(found, items);
    assert_eq!(table.get_batch(&[]).await.unwrap(), []);
}

/// A batch of items that are large together is complete.
pub async fn a_batch_of_large_items_is_complete(table: &dyn Table) {
    let large = "x".repeat(390 * 1024);
    let items: Vec<_> =
        (0..45).map(|number| item(&format!("{number:02}"), json!({ "text": large }))).collect();
    for items in items.chunks(10) {
        write(table, items.iter().cloned().map(put)).await;
    }
    let keys: Vec<_> = items.iter().map(|item| item.key.clone()).collect();
    assert_eq!(table.get_batch(&keys).await.unwrap().len(), items.len());
}

/// The position of a page's last item.
fn behind(query: &Query, page: &Page) -> Option<Position> {
    let last = page.items.last()?;
    let value = |index: Index| last.attributes[index.name()].as_str().unwrap().to_owned();
    Some(Position { sort: last.key.sort.clone(), indexed: query.index.map(value) })
}

/// Walks page by page to the end, and lets `between` run after each page.
async fn walk(table: &dyn Table, mut query: Query, mut between: impl AsyncFnMut(usize)) -> Vec<Item> {
    let mut seen = Vec::new();
    for number in 0.. {
        let page = table.query(&query).await.unwrap();
        query.after = behind(&query, &page).or(query.after);
        let more = page.more;
        assert!(page.items.len() <= query.limit);
        seen.extend(page.items);
        if !more {
            break;
        }
        between(number).await;
    }
    seen
}

fn numbered(number: usize) -> Item {
    // Three items share a value, so that pages of an index end between equals.
    item(&format!("{number:04}"), json!({ "lsi3": format!("{:04}", (1000 - number) / 3) }))
}

/// A walk sees each item once, in order, by sort key and by index, both ways.
pub async fn a_walk_sees_each_item_once(table: &dyn Table) {
    fill(table, (0..250).map(numbered)).await;
    for index in [None, Some(Index::Third)] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = Query { index, direction, ..Query::partition("partition", 7) };
            let items = walk(table, query, async |_| ()).await;
            let order = |item: &Item| {
                let value = index.map(|index| item.attributes[index.name()].as_str().unwrap().to_owned());
                (value, item.key.sort.clone())
            };
            assert_eq!(items.len(), 250);
            match direction {
                Direction::Ascending => assert!(items.is_sorted_by(|a, b| order(a) < order(b))),
                Direction::Descending => assert!(items.is_sorted_by(|a, b| order(a) > order(b))),
            }
        }
    }
}

/// A walk over a thousand items sees each once while others come and go beside it.
pub async fn a_walk_sees_each_item_once_beside_a_writer(table: &dyn Table) {
    fill(table, (0..1000).map(numbered)).await;
    let churn = async |page: usize| {
        // Comes and goes right at the place where the walk stands.
        let here = (page + 1) * 40;
        let passing = |offset: usize| format!("{:04}+", here + offset);
        write(table, [put(item(&passing(0), one())), put(item(&passing(5), one()))]).await;
        write(table, [remove(&passing(0))]).await;
    };
    let items = walk(table, Query::partition("partition", 40), churn).await;
    let (passing, staying): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| item.key.sort.ends_with('+'));
    assert_eq!(staying, (0..1000).map(numbered).collect::<Vec<_>>());
    assert_eq!(passing.iter().map(|item| &item.key.sort).collect::<BTreeSet<_>>().len(), passing.len());
}

/// A walk goes on when the very item it stopped at is removed, and what lies around it.
pub async fn a_walk_survives_the_removal_of_its_place(table: &dyn Table) {
    fill(table, (0..40).map(numbered)).await;
    let churn = async |page: usize| {
        let last = (page + 1) * 4 - 1;
        write(table, [remove(&format!("{last:04}")), remove(&format!("{:04}", last - 1))]).await;
    };
    let items = walk(table, Query::partition("partition", 4), churn).await;
    assert_eq!(items, (0..40).map(numbered).collect::<Vec<_>>());
}

/// A page is complete however large its items are together.
pub async fn a_page_of_large_items_is_complete(table: &dyn Table) {
    let large = "x".repeat(100 * 1024);
    let large = |number: usize| {
        item(&format!("{number:02}"), json!({ "text": large, "lsi1": format!("{:02}", 99 - number) }))
    };
    fill(table, (0..30).map(large)).await;
    let page = table.query(&Query::partition("partition", 25)).await.unwrap();
    assert_eq!(page.items, (0..25).map(large).collect::<Vec<_>>());
    assert!(page.more);
    let query = Query { index: Some(Index::First), ..Query::partition("partition", 31) };
    let page = table.query(&query).await.unwrap();
    assert_eq!(page.items, (0..30).rev().map(large).collect::<Vec<_>>());
    assert!(!page.more);
}
