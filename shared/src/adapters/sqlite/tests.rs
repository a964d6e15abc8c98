use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::ports::{Addition, Change, Condition, Direction, Index, Position};

fn open(directory: &Path) -> SqliteTable {
    SqliteTable::open(directory.join("table.db")).unwrap()
}

fn fresh() -> (SqliteTable, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(directory.path()), directory)
}

fn key(partition: &str, sort: &str) -> Key {
    Key { partition: partition.to_owned(), sort: sort.to_owned() }
}

fn put(partition: &str, sort: &str, text: &str) -> Change {
    let attributes = [("lsi1".to_owned(), Value::from(text))].into_iter().collect();
    Change::Put(Item { key: key(partition, sort), attributes }, Condition::Always)
}

/// Two items and a counter, which stand and fall together.
fn whole(name: &str) -> Write {
    let count = Change::Add(key("counter", "writes"), vec![Addition::new("count", 1)]);
    Write::default().with(put("first", name, "x")).with(put("second", name, "x")).with(count)
}

async fn names(table: &SqliteTable, partition: &str) -> Vec<String> {
    let page = table.query(&Query::partition(partition, 10_000)).await.unwrap();
    page.items.into_iter().map(|item| item.key.sort).collect()
}

/// The files as a kill would leave them now. The snapshot keeps the log from being started anew between the copies.
fn copy(from: &Path, to: &Path) {
    let snapshot = schema::open_to_read(&from.join("table.db")).unwrap();
    snapshot.execute_batch("BEGIN; SELECT count(*) FROM items;").unwrap();
    for name in ["table.db", "table.db-wal"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_a_burst_keeps_what_was_answered_and_no_half_write() {
    let (table, directory) = fresh();
    let table = Arc::new(table);
    let (answered, mut answers) = mpsc::unbounded_channel();
    for client in 0..8 {
        let (table, answered) = (Arc::clone(&table), answered.clone());
        tokio::spawn(async move {
            for number in 0..40 {
                let name = format!("{client} {number}");
                table.commit(whole(&name)).await.unwrap();
                answered.send(name).unwrap();
            }
        });
    }
    drop(answered);
    let mut kept = Vec::new();
    while let Some(name) = answers.recv().await {
        kept.push(name);
        if kept.len() % 64 != 0 {
            continue;
        }
        let killed = tempfile::tempdir().unwrap();
        copy(directory.path(), killed.path());
        let after = open(killed.path());
        let found = names(&after, "first").await;
        assert!(
            kept.iter().all(|name| found.contains(name)),
            "{} answered, {} found",
            kept.len(),
            found.len()
        );
        assert_eq!(found, names(&after, "second").await);
        let counter = after.get(&key("counter", "writes")).await.unwrap().unwrap();
        assert_eq!(counter.attributes["count"], json!(found.len()));
    }
    assert_eq!(kept.len(), 320);
}

#[tokio::test]
async fn a_write_whose_caller_went_away_happens_or_not_but_never_by_half() {
    let (table, directory) = fresh();
    for number in 0..50 {
        let name = number.to_string();
        // Polled once, the write is in the queue; then nobody waits for it.
        let _unheard = table.commit(whole(&name)).now_or_never();
    }
    table.commit(whole("last")).await.unwrap();
    drop(table);
    let table = open(directory.path());
    let found = names(&table, "first").await;
    assert_eq!(found.len(), 51);
    assert_eq!(found, names(&table, "second").await);
}

#[tokio::test]
async fn a_refused_write_does_not_disturb_those_committed_with_it() {
    let (table, _directory) = fresh();
    let table = &table;
    let outcomes = join_all((0..64).map(|number| async move {
        let check = if number % 2 == 0 { Condition::Absent } else { Condition::Present };
        let write = whole(&number.to_string()).with(Change::Check(key("absent", "absent"), check));
        table.commit(write).await
    }));
    let outcomes = outcomes.await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 2 == 0, "{number}: {outcome:?}");
    }
    assert_eq!(names(table, "first").await.len(), 32);
    let counter = table.get(&key("counter", "writes")).await.unwrap().unwrap();
    assert_eq!(counter.attributes["count"], json!(32));
}

#[tokio::test]
async fn a_full_disk_makes_the_table_unavailable_to_writers_and_to_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.db");
    let writing = schema::create(&path).unwrap();
    writing.pragma_update_and_check(None, "max_page_count", 16, |_| Ok(())).unwrap();
    let table =
        SqliteTable { readers: Readers::open(&path).unwrap(), writer: Writer::start(writing).unwrap() };
    table.commit(whole("before")).await.unwrap();
    let large =
        Write::default().with(put("first", "small", "x")).with(put("large", "large", &"x".repeat(1000)));
    let large =
        (0..90).fold(large, |write, number| write.with(put("large", &number.to_string(), &"x".repeat(1000))));
    let outcome = table.commit(large).await;
    assert!(matches!(outcome, Err(TableError::Unavailable(_))), "{outcome:?}");
    assert_eq!(names(&table, "first").await, ["before"]);
    table.commit(whole("after")).await.unwrap();
    assert_eq!(names(&table, "first").await, ["after", "before"]);
}

#[test]
fn a_file_of_a_newer_program_is_refused() {
    let (table, directory) = fresh();
    drop(table);
    let path = directory.path().join("table.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let refusal = SqliteTable::open(&path).unwrap_err();
    assert!(matches!(refusal, OpenError::Newer { found: 7, known: 1, .. }), "{refusal:?}");
    assert!(
        refusal
            .to_string()
            .ends_with("has table version 7, and this program knows versions up to 1: use a newer one")
    );
    let version: i32 =
        Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 7);
}

#[test]
fn what_is_no_table_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text");
    std::fs::write(&text, "no database, but long enough to be taken for one".repeat(100)).unwrap();
    for path in [text, directory.path().to_owned(), directory.path().join("absent/table.db")] {
        let refusal = SqliteTable::open(&path).unwrap_err();
        assert!(matches!(refusal, OpenError::Unusable { .. }), "{refusal:?}");
    }
}

#[tokio::test]
async fn two_programs_share_a_file() {
    let (first, directory) = fresh();
    let second = open(directory.path());
    let (one, other) = (
        join_all((0..20).map(|_| first.commit(whole("one")))),
        join_all((0..20).map(|_| second.commit(whole("other")))),
    );
    let (one, other) = tokio::join!(one, other);
    assert!(one.iter().chain(&other).all(Result::is_ok), "{one:?} {other:?}");
    let counter = first.get(&key("counter", "writes")).await.unwrap().unwrap();
    assert_eq!(counter.attributes["count"], json!(40));
}

#[test]
fn a_query_searches_and_never_sorts() {
    let (_table, directory) = fresh();
    let connection = schema::open_to_read(&directory.path().join("table.db")).unwrap();
    for index in [None, Some(Index::First)] {
        for direction in [Direction::Ascending, Direction::Descending] {
            for range in [None, Some("b".to_owned()..="y".to_owned())] {
                for after in [None, Some("a"), Some("m"), Some("z")] {
                    let after = after.map(|value| Position {
                        sort: value.to_owned(),
                        indexed: index.map(|_| value.to_owned()),
                    });
                    let range = range.clone();
                    let query = Query { index, range, direction, after, ..Query::partition("p", 10) };
                    let plan = plan_of(&connection, &query);
                    let behind = plan.iter().all(|step| step.starts_with("SEARCH"));
                    assert!(behind, "{query:?}: {plan:?}");
                    let bounded = query.range.is_some() || query.after.is_some();
                    assert_eq!(
                        plan[0].contains('<') || plan[0].contains('>'),
                        bounded,
                        "{query:?}: {plan:?}"
                    );
                }
            }
        }
    }
}

fn plan_of(connection: &Connection, query: &Query) -> Vec<String> {
    let (sql, parameters) = reader::statement(query);
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.query_map(params_from_iter(parameters), |row| row.get("detail")).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}
