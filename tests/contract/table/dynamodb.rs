//! The table in DynamoDB: the SDK as it runs in production, on an engine in the process; then on a bad connection.

use serde_json::{Value, json};
use shared::adapters::dynamodb::DynamoTable;
use shared::ports::{Addition, Change, Condition, Item, Key, Query, Table, TableError, Write};
use tests::engines::dynamodb::{Dynamo, Fault, Faulty};

shared::table_contract!((Dynamo::new().table(), ()));

fn key(sort: &str) -> Key {
    Key { partition: "partition".to_owned(), sort: sort.to_owned() }
}

fn put(sort: &str, condition: Condition) -> Change {
    let attributes = [("value".to_owned(), json!(1))].into_iter().collect();
    Change::Put(Item { key: key(sort), attributes }, condition)
}

fn counted() -> Write {
    let add = Change::Add(key("usage"), vec![Addition::new("images", 1)]);
    Write::default().with(put("a", Condition::Absent)).with(add)
}

/// Asserts that the write of [`counted`] happened once.
async fn assert_counted_once(table: &DynamoTable) {
    let usage = table.get(&key("usage")).await.unwrap().unwrap();
    assert_eq!(Value::Object(usage.attributes), json!({ "images": 1 }));
    assert!(table.get(&key("a")).await.unwrap().is_some());
}

/// What a write meets on its way and still happens, once.
#[tokio::test(start_paused = true)]
async fn a_write_outlives_passing_faults() {
    let conflict = || Fault::cancellation(&["None", "TransactionConflict"]);
    let faults: [(&str, Vec<Fault>); 8] = [
        ("conflicts", vec![conflict(); 9]),
        ("throttled by reason", vec![Fault::cancellation(&["ThrottlingError", "None"]); 3]),
        ("throttled", vec![Fault::refusal(400, "ThrottlingException"); 3]),
        ("out of capacity", vec![Fault::refusal(400, "ProvisionedThroughputExceededException"); 3]),
        ("in progress", vec![Fault::refusal(400, "TransactionInProgressException"); 2]),
        ("broken server", vec![Fault::refusal(500, "InternalServerError"), Fault::Answer(503, json!({}))]),
        ("lost", vec![Fault::Lost, Fault::Lost]),
        ("done, but lost", vec![conflict(), Fault::AnswerLost, Fault::AnswerLost]),
    ];
    for (name, faults) in faults {
        let engine = Dynamo::new();
        let table = engine.table_behind(&Faulty::first(faults), "passing");
        table.commit(counted()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_counted_once(&engine.table()).await;
    }
}

/// Faults that last make the table unavailable, after a bounded number of tries, and never a refusal.
#[tokio::test(start_paused = true)]
async fn lasting_faults_make_the_table_unavailable() {
    let lasting = [
        (Fault::cancellation(&["TransactionConflict", "None"]), 30),
        (Fault::refusal(400, "ThrottlingException"), 5),
        (Fault::refusal(500, "InternalServerError"), 5),
        (Fault::Lost, 5),
    ];
    for (number, (fault, tries)) in lasting.into_iter().enumerate() {
        let faults = Faulty::always(fault.clone());
        let table = Dynamo::new().table_behind(&faults, &format!("lasting-{number}"));
        let outcome = table.commit(counted()).await;
        assert!(matches!(outcome, Err(TableError::Unavailable(_))), "{fault:?}: {outcome:?}");
        assert_eq!(faults.requests(), tries, "{fault:?}");
    }
}

/// Reads outlive passing faults too, and give up on lasting ones.
#[tokio::test(start_paused = true)]
async fn a_read_outlives_passing_faults() {
    let engine = Dynamo::new();
    engine.table().commit(counted()).await.unwrap();
    let passing =
        [Fault::Lost, Fault::refusal(500, "InternalServerError"), Fault::refusal(400, "ThrottlingException")];
    for fault in passing {
        let table = engine.table_behind(&Faulty::first([fault.clone()]), "reading");
        assert!(table.get(&key("a")).await.unwrap().is_some(), "{fault:?}");
        let table = engine.table_behind(&Faulty::first([fault.clone()]), "reading");
        assert_eq!(table.query(&Query::partition("partition", 9)).await.unwrap().items.len(), 2, "{fault:?}");
        let table = engine.table_behind(&Faulty::first([fault.clone()]), "reading");
        assert_eq!(table.get_batch(&[key("a"), key("b")]).await.unwrap().len(), 1, "{fault:?}");
    }
    let table = engine.table_behind(&Faulty::always(Fault::Lost), "reading-lost");
    assert!(matches!(table.get(&key("a")).await, Err(TableError::Unavailable(_))));
}

/// A refusal is told at once.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_tried_again() {
    let refusals = ["ValidationException", "ResourceNotFoundException", "AccessDeniedException"];
    let refusals = refusals.map(|code| Fault::refusal(400, code));
    for fault in
        refusals.into_iter().chain([Fault::cancellation(&["None", "ItemCollectionSizeLimitExceeded"])])
    {
        let faults = Faulty::always(fault.clone());
        let table = Dynamo::new().table_behind(&faults, "refused");
        let outcome = table.commit(counted()).await;
        assert!(matches!(outcome, Err(TableError::Failed(_))), "{fault:?}: {outcome:?}");
        assert_eq!(faults.requests(), 1, "{fault:?}");
    }
    let faults = Faulty::always(Fault::cancellation(&["TransactionConflict", "ConditionalCheckFailed"]));
    let outcome = Dynamo::new().table_behind(&faults, "refused").commit(counted()).await;
    assert!(matches!(outcome, Err(TableError::ConditionFailed { change: 1 })), "{outcome:?}");
}

/// A batch asks again for what an answer left out, and gives up when nothing more comes.
#[tokio::test(start_paused = true)]
async fn a_batch_asks_again_for_what_was_left_out() {
    let engine = Dynamo::new();
    engine.table().commit(counted()).await.unwrap();
    let keys = [key("a"), key("usage")];
    let named: Vec<_> =
        keys.iter().map(|key| json!({ "PK": { "S": key.partition }, "SK": { "S": key.sort } })).collect();
    let nothing =
        Fault::Answer(200, json!({ "Responses": {}, "UnprocessedKeys": { "glint": { "Keys": named } } }));
    let faults = Faulty::first(vec![nothing.clone(); 3]);
    assert_eq!(engine.table_behind(&faults, "batch").get_batch(&keys).await.unwrap().len(), 2);
    assert_eq!(faults.requests(), 4);
    let faults = Faulty::always(nothing);
    let outcome = engine.table_behind(&faults, "batch").get_batch(&keys).await;
    assert!(matches!(outcome, Err(TableError::Unavailable(_))), "{outcome:?}");
    assert_eq!(faults.requests(), 10);
}

/// What another program wrote is told apart from what is absent.
#[tokio::test]
async fn an_item_that_no_adapter_wrote_is_a_failure() {
    let item = json!({ "PK": { "S": "p" }, "SK": { "S": "s" }, "set": { "SS": ["a"] } });
    let faults = Faulty::first([Fault::Answer(200, json!({ "Item": item }))]);
    let outcome = Dynamo::new().table_behind(&faults, "foreign").get(&key("a")).await;
    assert!(matches!(outcome, Err(TableError::Failed(_))), "{outcome:?}");
}
