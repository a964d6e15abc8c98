//! Tasks and their rows.

use super::*;
use crate::catalog::record::TaskRecord;
use crate::task::{Column, Task, TaskFilter, TaskSort, TaskStatus, TaskType};

fn task() -> Task {
    Task {
        id: "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap(),
        kind: TaskType::ApiImageImport,
        status: TaskStatus::Failure,
        owner: Some("p1".parse().unwrap()),
        user: Some("u1".to_owned()),
        request: Some("req-0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c12".parse().unwrap()),
        image: Some("0F1c2a9e-5a53-4c52-9c36-3f8f0a6f7c13".parse().unwrap()),
        input: json!({"import_req": {"stores": ["a"], "weight": 0.5}}),
        result: json!({}),
        message: "no such host".to_owned(),
        created_at: Timestamp::from_microseconds(NOW + 1),
        updated_at: Timestamp::from_microseconds(NOW + 2),
        due_at: Timestamp::from_microseconds(NOW + 172_800_000_002),
    }
}

/// When the shape changes, the schema does: this file stays, and the record in it must still be read.
#[test]
fn schema_1_is_read_and_written_as_it_ever_was() {
    let golden: Attributes = serde_json::from_str(include_str!("../golden/task-1.json")).unwrap();
    let record: TaskRecord = decode(golden.clone()).unwrap();
    assert_eq!(record.revision, 3);
    assert_eq!(Task::try_from(record).unwrap(), task());
    assert_eq!(encode(&TaskRecord::new(&task(), 3)).unwrap(), golden);
}

#[tokio::test]
async fn a_row_tells_what_a_list_shows() {
    let (catalog, _) = catalog(1);
    catalog.create_task(&task()).await.unwrap();
    let stub = Task { input: Value::Null, result: Value::Null, message: String::new(), ..task() };
    for key in [Column::CreatedAt, Column::Status, Column::UpdatedAt, Column::ExpiresAt] {
        let sort = TaskSort { key, descending: false };
        let mut listing = catalog.tasks(sort, &TaskFilter::default(), None, 5);
        assert_eq!(listing.next().await.unwrap(), Some(stub.clone()), "{key:?}");
        assert_eq!(listing.next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_change_is_based_on_what_was_read() {
    let (catalog, _) = catalog(1);
    let pending = Task { status: TaskStatus::Pending, ..task() };
    let first = catalog.create_task(&pending).await.unwrap();
    assert!(matches!(catalog.create_task(&pending).await, Err(ChangeError::Lost)));
    let second = catalog.replace_task(&first, &task()).await.unwrap();
    assert!(matches!(catalog.replace_task(&first, &pending).await, Err(ChangeError::Lost)));
    assert!(matches!(catalog.forget_task(&first).await, Err(ChangeError::Lost)));
    catalog.forget_task(&second).await.unwrap();
    assert_eq!(catalog.task(&pending.id).await.unwrap(), None);
}

/// The longest a project's id can be does not fit in a key with a place behind it.
#[tokio::test]
async fn a_value_that_no_key_can_hold_is_cut_in_its_order() {
    let (catalog, sheet) = catalog(1);
    let long = Task { owner: Some("\u{1f600}".repeat(255).parse().unwrap()), ..task() };
    let stored = catalog.create_task(&long).await.unwrap();
    catalog.forget_task(&stored).await.unwrap();
    assert!(sheet.items.lock().unwrap().is_empty());
}
