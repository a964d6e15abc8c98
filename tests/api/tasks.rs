use std::time::Duration;

use serde_json::{Value, json};
use shared::id::{ImageId, RequestId};
use shared::task::TaskType;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER, caller};
use tests::request::Answer;
use tests::service::Service;
use tests::web::Page;
use tests::world::{TASK_LIFE, World};

use super::Lines;

/// A caller that is a service, and nothing else.
const SERVICE: &str = "service:service,member,reader";

fn import() -> Value {
    json!({
        "type": "import",
        "input": {"import_from": "https://images.example/a.qcow2", "import_from_format": "qcow2", "image_properties": {"name": "a"}},
    })
}

async fn post(service: &Service, token: &str, body: &Value) -> Answer {
    service.call("POST", "/v2/tasks").by(token).json(body).send().await
}

/// An answer's body without what differs from request to request.
fn calm(answer: &Answer) -> Value {
    let mut body = answer.json();
    let request = body.as_object_mut().unwrap().remove("request_id").unwrap();
    assert!(request.as_str().unwrap().parse::<RequestId>().is_ok(), "{request}");
    for time in ["created_at", "updated_at", "expires_at"] {
        if let Some(time) = body.get_mut(time) {
            *time = "<time>".into();
        }
    }
    body
}

#[tokio::test]
async fn a_task_whose_image_has_no_formats_is_taken_and_fails() {
    let service = Service::empty().await;
    let taken = post(&service, ADMIN, &import()).await;
    assert_eq!((taken.status.as_u16(), taken.header("location")), (201, "<endpoint>/v2/tasks/<id 1>"));
    insta::assert_snapshot!(format!("{:#}", calm(&taken)), @r#"
    {
      "created_at": "<time>",
      "id": "<id 1>",
      "image_id": null,
      "input": {
        "image_properties": {
          "name": "a"
        },
        "import_from": "https://images.example/a.qcow2",
        "import_from_format": "qcow2"
      },
      "message": "",
      "owner": "ops",
      "result": null,
      "schema": "/v2/schemas/task",
      "self": "/v2/tasks/<id 1>",
      "status": "pending",
      "type": "import",
      "updated_at": "<time>",
      "user_id": "ops:admin,member,reader"
    }
    "#);
    let shown = service.get(ADMIN, "/v2/tasks/<id 1>").await;
    insta::assert_snapshot!(format!("{:#}", calm(&shown)), @r#"
    {
      "created_at": "<time>",
      "expires_at": "<time>",
      "id": "<id 1>",
      "image_id": null,
      "input": {
        "image_properties": {
          "name": "a"
        },
        "import_from": "https://images.example/a.qcow2",
        "import_from_format": "qcow2"
      },
      "message": "'container_format' needs to be set before import",
      "owner": "ops",
      "result": null,
      "schema": "/v2/schemas/task",
      "self": "/v2/tasks/<id 1>",
      "status": "failure",
      "type": "import",
      "updated_at": "<time>",
      "user_id": "ops:admin,member,reader"
    }
    "#);
    let listed = service.get(ADMIN, "/v2/tasks?limit=1").await.json();
    let mut expected = shown.json();
    for left_out in ["input", "result", "message"] {
        expected.as_object_mut().unwrap().remove(left_out).unwrap();
    }
    assert_eq!(listed["tasks"], json!([expected]));
    assert_eq!(listed["first"], "/v2/tasks?limit=1");
    assert_eq!(listed["schema"], "/v2/schemas/tasks");
}

#[tokio::test]
async fn only_an_administrator_meets_tasks_and_hears_so_before_anything_else() {
    let service = Service::empty().await;
    let id = post(&service, ADMIN, &import()).await.json()["self"].as_str().unwrap().to_owned();
    let mut lines = Lines::default();
    for (who, token) in [
        ("nobody", ""),
        ("a stranger", STRANGER),
        ("a reader", READER),
        ("a member", MEMBER),
        ("a service", SERVICE),
        ("an administrator", ADMIN),
    ] {
        for (method, path, body) in [
            ("POST", "/v2/tasks", "nonsense"),
            ("GET", "/v2/tasks", ""),
            ("GET", "/v2/tasks?limit=x", ""),
            ("GET", id.as_str(), ""),
            ("GET", "/v2/tasks/nonsense", ""),
            ("DELETE", id.as_str(), ""),
        ] {
            let call = service.call(method, path);
            let call = if token.is_empty() { call } else { call.by(token) };
            let call = if body.is_empty() { call } else { call.body(body.as_bytes()) };
            lines.answer(format!("{who}: {method} {path} {body}").trim(), &call.send().await);
        }
    }
    insta::assert_snapshot!(lines, @r#"
    nobody: POST /v2/tasks nonsense → 401 the request you have made requires authentication
    nobody: GET /v2/tasks → 401 the request you have made requires authentication
    nobody: GET /v2/tasks?limit=x → 401 the request you have made requires authentication
    nobody: GET /v2/tasks/<id 1> → 401 the request you have made requires authentication
    nobody: GET /v2/tasks/nonsense → 401 the request you have made requires authentication
    nobody: DELETE /v2/tasks/<id 1> → 401 the request you have made requires authentication
    a stranger: POST /v2/tasks nonsense → 403 You are not authorized to complete this action.
    a stranger: GET /v2/tasks → 403 You are not authorized to complete this action.
    a stranger: GET /v2/tasks?limit=x → 403 You are not authorized to complete this action.
    a stranger: GET /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a stranger: GET /v2/tasks/nonsense → 403 You are not authorized to complete this action.
    a stranger: DELETE /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a reader: POST /v2/tasks nonsense → 403 You are not authorized to complete this action.
    a reader: GET /v2/tasks → 403 You are not authorized to complete this action.
    a reader: GET /v2/tasks?limit=x → 403 You are not authorized to complete this action.
    a reader: GET /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a reader: GET /v2/tasks/nonsense → 403 You are not authorized to complete this action.
    a reader: DELETE /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a member: POST /v2/tasks nonsense → 403 You are not authorized to complete this action.
    a member: GET /v2/tasks → 403 You are not authorized to complete this action.
    a member: GET /v2/tasks?limit=x → 403 You are not authorized to complete this action.
    a member: GET /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a member: GET /v2/tasks/nonsense → 403 You are not authorized to complete this action.
    a member: DELETE /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a service: POST /v2/tasks nonsense → 403 You are not authorized to complete this action.
    a service: GET /v2/tasks → 403 You are not authorized to complete this action.
    a service: GET /v2/tasks?limit=x → 403 You are not authorized to complete this action.
    a service: GET /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    a service: GET /v2/tasks/nonsense → 403 You are not authorized to complete this action.
    a service: DELETE /v2/tasks/<id 1> → 403 You are not authorized to complete this action.
    an administrator: POST /v2/tasks nonsense → 400 Malformed JSON in request body.
    an administrator: GET /v2/tasks → 200
    an administrator: GET /v2/tasks?limit=x → 400 limit: must be an integer of at least 0
    an administrator: GET /v2/tasks/<id 1> → 200
    an administrator: GET /v2/tasks/nonsense → 404 No task found with ID nonsense
    an administrator: DELETE /v2/tasks/<id 1> → 405 Tasks cannot be deleted: each goes by itself at the time its expires_at tells.
    "#);
    let deleted = service.call("DELETE", &id).by(ADMIN).send().await;
    assert_eq!((deleted.status.as_u16(), deleted.header("allow")), (405, "GET"));
}

#[tokio::test]
async fn what_is_wrong_with_a_task_is_named() {
    let service = Service::empty().await;
    let from = |url: &str| json!({"type": "import", "input": {"import_from": url}});
    let mut lines = Lines::default();
    for body in [
        json!([]),
        json!({}),
        json!({"type": "import"}),
        json!({"input": {}}),
        json!({"type": "export", "input": {}}),
        json!({"type": "api_image_import", "input": {}}),
        json!({"type": "import", "input": []}),
        json!({"type": "import", "input": {}}),
        from("file:///etc/passwd"),
        from("http://127.0.0.1/a"),
        from("http://images.example:22/a"),
        from("http://2130706433/a"),
        from("images"),
    ] {
        lines.answer(&body, &post(&service, ADMIN, &body).await);
    }
    let none = service.call("POST", "/v2/tasks").by(ADMIN).send().await;
    lines.answer("nothing", &none);
    lines.answer("no JSON", &service.call("POST", "/v2/tasks").by(ADMIN).body(b"{").send().await);
    let mut long = from("http://images.example/a");
    long["input"]["image_properties"] = json!({"name": "x".repeat(70_000)});
    lines.answer("a long input", &post(&service, ADMIN, &long).await);
    insta::assert_snapshot!(lines, @r#"
    [] → 400 Request body must be a JSON object.
    {} → 400 Task 'type' is required
    {"type":"import"} → 400 Task 'input' is required
    {"input":{}} → 400 Task 'type' is required
    {"input":{},"type":"export"} → 400 type: must be import
    {"input":{},"type":"api_image_import"} → 400 type: must be import
    {"input":[],"type":"import"} → 400 input: must be an object
    {"input":{},"type":"import"} → 400 Input does not contain 'import_from' field
    {"input":{"import_from":"file:///etc/passwd"},"type":"import"} → 400 import_from: its scheme must be http or https
    {"input":{"import_from":"http://127.0.0.1/a"},"type":"import"} → 400 import_from: its address is loopback, and such addresses are not fetched from
    {"input":{"import_from":"http://images.example:22/a"},"type":"import"} → 400 import_from: its port is not allowed: it must be 80 or 443
    {"input":{"import_from":"http://2130706433/a"},"type":"import"} → 400 import_from: its host must be a name or a plainly written address
    {"input":{"import_from":"images"},"type":"import"} → 400 import_from: must be a URL with a host, without blanks, control characters and '\'
    nothing → 400 Body expected in request.
    no JSON → 400 Malformed JSON in request body.
    a long input → 413 input: takes 70072 bytes as JSON, and the limit is 65535
    "#);
}

#[tokio::test]
async fn a_list_of_tasks_takes_what_glance_takes() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for query in [
        "type=export",
        "type=api_image_import",
        "status=done",
        "marker=web",
        "limit=-1",
        "limit=x",
        "sort_dir=up",
        "sort_key=name",
        "marker=00000000-0000-4000-8000-00000000ffff",
    ] {
        lines.answer(query, &service.get(ADMIN, &format!("/v2/tasks?{query}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    type=export → 400 type: must be import
    type=api_image_import → 400 type: must be import
    status=done → 400 status: must be one of pending, processing, success, failure
    marker=web → 400 marker: must be the id of a task
    limit=-1 → 400 limit: must be an integer of at least 0
    limit=x → 400 limit: must be an integer of at least 0
    sort_dir=up → 400 sort_dir: must be asc or desc
    sort_key=name → 400 sort_key: must be one of created_at, updated_at, expires_at, status, type, id, owner, image_id, request_id, user_id, deleted, deleted_at
    marker=00000000-0000-4000-8000-00000000ffff → 400 marker: must be the id of a task, and 00000000-0000-4000-8000-00000000ffff is not
    "#);
    let none = service.get(ADMIN, "/v2/tasks?owner=nobody-at-all&colour=blue&limit=2").await.json();
    assert_eq!(none["tasks"], json!([]));
    let nothing = service.get(ADMIN, "/v2/tasks?limit=0").await.json();
    assert_eq!((&nothing["tasks"], nothing.get("next")), (&json!([]), None));
}

#[tokio::test]
async fn what_is_no_task_is_not_found() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for id in ["00000000-0000-4000-8000-00000000ffff", "web"] {
        lines.answer(id, &service.get(ADMIN, &format!("/v2/tasks/{id}")).await);
    }
    insta::assert_snapshot!(lines, @r#"
    00000000-0000-4000-8000-00000000ffff → 404 No task found with ID 00000000-0000-4000-8000-00000000ffff
    web → 404 No task found with ID web
    "#);
}

/// Tasks of every status and type, as only those who work on them can make them. They are named by their messages.
async fn world_of_tasks() -> (World, Vec<String>) {
    let world = World::default();
    let request = RequestId::from_random(7);
    let image: ImageId = ImageId::from_random(9);
    let mut ids = Vec::new();
    let users = ["p3:admin", "p1:admin", "p2:admin", "p1:admin,x"];
    for (number, user) in users.into_iter().enumerate() {
        let kind = TaskType::ALL[number % 3];
        let of = (number == 1).then(|| image.clone());
        let caller = caller(user).unwrap();
        let task = world.tasks.create(&caller, &request, kind, of, json!({"number": number})).await.unwrap();
        ids.push(task.task.id.to_string());
        match number {
            0 => {}
            1 => drop(world.tasks.begin(task).await.unwrap()),
            2 => drop(world.tasks.fail(task, "no such host").await.unwrap()),
            _ => {
                let begun = world.tasks.begin(task).await.unwrap();
                world.tasks.succeed(begun, json!({"image_id": image.as_str()})).await.unwrap();
            }
        }
    }
    (world, ids)
}

/// The numbers of a page's tasks, and `…` when there is more.
fn numbers(page: &Value, ids: &[String]) -> String {
    let listed = page["tasks"].as_array().unwrap().iter();
    let listed = listed.map(|task| ids.iter().position(|id| task["id"] == **id).unwrap().to_string());
    listed.chain(page.get("next").map(|_| "…".to_owned())).collect::<Vec<_>>().join(" ")
}

/// In process: only workers move tasks.
#[tokio::test]
async fn tasks_are_ordered_and_found_by_every_column() {
    let (world, ids) = world_of_tasks().await;
    let mut lines = Lines::default();
    for key in [
        "created_at",
        "updated_at",
        "expires_at",
        "status",
        "type",
        "id",
        "owner",
        "image_id",
        "request_id",
        "user_id",
        "deleted",
        "deleted_at",
    ] {
        for dir in ["asc", "desc"] {
            let page = world.get(ADMIN, &format!("/v2/tasks?sort_key={key}&sort_dir={dir}")).await.json();
            lines.add(format!("{key} {dir}"), numbers(&page, &ids));
        }
    }
    for query in [
        "status=pending",
        "status=processing",
        "status=success",
        "status=failure",
        "type=import",
        "owner=p1",
        "user_id=p2:admin",
        "status=success&owner=p1",
        "status=success&owner=p2",
        "image_id=x",
        "status=pending&sort_key=owner",
        "type=import&sort_key=id",
    ] {
        lines.add(query, numbers(&world.get(ADMIN, &format!("/v2/tasks?{query}")).await.json(), &ids));
    }
    insta::assert_snapshot!(lines, @r#"
    created_at asc → 0 1 2 3
    created_at desc → 3 2 1 0
    updated_at asc → 0 1 2 3
    updated_at desc → 3 2 1 0
    expires_at asc → 0 1 2 3
    expires_at desc → 3 2 1 0
    status asc → 2 0 1 3
    status desc → 3 1 0 2
    type asc → 1 0 3 2
    type desc → 2 3 0 1
    id asc → 0 1 2 3
    id desc → 3 2 1 0
    owner asc → 1 3 2 0
    owner desc → 0 2 3 1
    image_id asc → 0 2 3 1
    image_id desc → 1 3 2 0
    request_id asc → 0 1 2 3
    request_id desc → 3 2 1 0
    user_id asc → 1 3 2 0
    user_id desc → 0 2 3 1
    deleted asc → 0 1 2 3
    deleted desc → 3 2 1 0
    deleted_at asc → 0 1 2 3
    deleted_at desc → 3 2 1 0
    status=pending → 0
    status=processing → 1
    status=success → 3
    status=failure → 2
    type=import → 3 0
    owner=p1 → 3 1
    user_id=p2:admin → 2
    status=success&owner=p1 → 3
    status=success&owner=p2 → 
    image_id=x → 
    status=pending&sort_key=owner → 0
    type=import&sort_key=id → 3 0
    "#);
}

/// In process: only workers move tasks.
#[tokio::test]
async fn pages_of_tasks_follow_each_other_in_every_order() {
    let (world, ids) = world_of_tasks().await;
    for query in
        ["", "&sort_key=status", "&sort_key=owner&sort_dir=asc", "&sort_key=expires_at", "&sort_key=id"]
    {
        let whole = world.get(ADMIN, &format!("/v2/tasks?limit=10{query}")).await.json();
        let (mut path, mut walked) = (format!("/v2/tasks?limit=1{query}"), Vec::new());
        loop {
            let page = world.get(ADMIN, &path).await.json();
            walked.extend(page["tasks"].as_array().unwrap().clone());
            match page.get("next") {
                Some(next) => next.as_str().unwrap().clone_into(&mut path),
                None => break,
            }
        }
        assert_eq!(Value::Array(walked), whole["tasks"], "{query}");
    }
    let behind = world.get(ADMIN, &format!("/v2/tasks?status=pending&marker={}", ids[3])).await.json();
    assert_eq!(numbers(&behind, &ids), "0", "a marker of another status still has its place");
}

/// In process: it needs the clock.
#[tokio::test]
async fn a_task_that_has_ended_is_shown_until_it_expires_and_then_it_is_gone() {
    let world = World::default();
    let path = post(&world, ADMIN, &import()).await.json()["self"].as_str().unwrap().to_owned();
    world.clock.advance(TASK_LIFE.checked_sub(Duration::from_secs(1)).unwrap());
    world.reaper.run().await.unwrap();
    let shown = world.get(ADMIN, &path).await.json();
    assert_eq!(shown["expires_at"], "2026-10-03T08:00:00Z");
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(world.get(ADMIN, &path).await.status.as_u16(), 404);
        for sort in ["created_at", "status", "id"] {
            let listed = world.get(ADMIN, &format!("/v2/tasks?sort_key={sort}")).await.json();
            assert_eq!(listed["tasks"], json!([]));
        }
        world.reaper.run().await.unwrap();
    }
    let id = path.rsplit('/').next().unwrap();
    for partition in [
        format!("task#{id}"),
        "list#task#0".to_owned(),
        "list#task-id#0".to_owned(),
        "list#task-owner#0".to_owned(),
        "due#task#0".to_owned(),
    ] {
        assert_eq!(world.rows(&partition).await, Vec::<String>::new(), "{partition}");
    }
}

/// In process: it needs the clock.
#[tokio::test]
async fn a_task_that_nothing_is_heard_of_is_given_up() {
    let world = World::default();
    let admin = caller(ADMIN).unwrap();
    let request = RequestId::from_random(7);
    let task = world.tasks.create(&admin, &request, TaskType::ApiImageImport, None, json!({})).await.unwrap();
    let path = format!("/v2/tasks/{}", task.task.id);
    world.clock.advance(TASK_LIFE / 2);
    world.tasks.begin(task).await.unwrap();
    world.clock.advance(TASK_LIFE / 2);
    world.reaper.run().await.unwrap();
    assert_eq!(world.get(ADMIN, &path).await.json()["status"], "processing");
    world.clock.advance(TASK_LIFE / 2);
    world.reaper.run().await.unwrap();
    let given_up = world.get(ADMIN, &path).await.json();
    assert_eq!(given_up["status"], "failure");
    assert_eq!(
        given_up["message"],
        "The task was given up: nothing was heard of it until its time was over."
    );
    world.clock.advance(TASK_LIFE);
    world.reaper.run().await.unwrap();
    assert_eq!(world.get(ADMIN, &path).await.status.as_u16(), 404);
    assert_eq!(world.rows("due#task#0").await, Vec::<String>::new());
}

/// In process: nothing imports yet.
#[tokio::test]
async fn whoever_sees_an_image_sees_what_was_done_to_it() {
    let world = World::default();
    let path = world.made(MEMBER, json!({"visibility": "private"})).await;
    let id: ImageId = path.rsplit('/').next().unwrap().parse().unwrap();
    let member = caller(MEMBER).unwrap();
    let request = RequestId::from_random(7);
    for number in 0..2 {
        let input = json!({"import_req": {"method": {"name": "glance-direct"}}, "number": number});
        let kind = TaskType::ApiImageImport;
        let task = world.tasks.create(&member, &request, kind, Some(id.clone()), input).await.unwrap();
        if number == 1 {
            world.tasks.fail(task, "the data is no qcow2").await.unwrap();
        }
    }
    let tasks = format!("{path}/tasks");
    insta::assert_snapshot!(format!("{:#}", world.get(READER, &tasks).await.json()), @r#"
    {
      "tasks": [
        {
          "created_at": "2026-10-01T08:00:00.000002",
          "deleted": false,
          "deleted_at": null,
          "expires_at": null,
          "id": "00000000-0000-4000-8000-000000000002",
          "image_id": "00000000-0000-4000-8000-000000000001",
          "input": {
            "import_req": {
              "method": {
                "name": "glance-direct"
              }
            },
            "number": 0
          },
          "message": "",
          "owner": "p1",
          "request_id": "req-00000000-0000-4000-8000-000000000007",
          "result": null,
          "status": "pending",
          "type": "api_image_import",
          "updated_at": "2026-10-01T08:00:00.000002",
          "user_id": "p1:member,reader"
        },
        {
          "created_at": "2026-10-01T08:00:00.000003",
          "deleted": false,
          "deleted_at": null,
          "expires_at": "2026-10-03T08:00:00.000004",
          "id": "00000000-0000-4000-8000-000000000003",
          "image_id": "00000000-0000-4000-8000-000000000001",
          "input": {
            "import_req": {
              "method": {
                "name": "glance-direct"
              }
            },
            "number": 1
          },
          "message": "the data is no qcow2",
          "owner": "p1",
          "request_id": "req-00000000-0000-4000-8000-000000000007",
          "result": null,
          "status": "failure",
          "type": "api_image_import",
          "updated_at": "2026-10-01T08:00:00.000004",
          "user_id": "p1:member,reader"
        }
      ]
    }
    "#);
    let mut lines = Lines::default();
    for (who, token) in [("stranger", STRANGER), ("member", MEMBER), ("service", SERVICE), ("admin", ADMIN)] {
        lines.answer(who, &world.get(token, &tasks).await);
    }
    lines.answer("no such image", &world.get(ADMIN, "/v2/images/web/tasks").await);
    insta::assert_snapshot!(lines, @r#"
    stranger → 404 No image found with ID 00000000-0000-4000-8000-000000000001
    member → 200
    service → 404 No image found with ID 00000000-0000-4000-8000-000000000001
    admin → 200
    no such image → 404 No image found with ID web
    "#);
    world.clock.advance(TASK_LIFE);
    let left = world.get(READER, &tasks).await.json();
    assert_eq!(left["tasks"].as_array().unwrap().len(), 1, "the failed one has expired");
}

#[tokio::test]
async fn what_a_task_imports_becomes_an_image() {
    let world = World::default();
    let url = "https://images.example/disk";
    world.web.put(url, Page { bytes: b"0123456789".to_vec(), ..Page::default() });
    let properties = json!({"name": "of a task", "disk_format": "raw", "container_format": "bare"});
    let input = json!({"import_from": url, "import_from_format": "raw", "image_properties": properties});
    let taken = post(&world, ADMIN, &json!({"type": "import", "input": input})).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["status"]), (201, &json!("pending")));
    let path = format!("/v2/tasks/{}", taken.json()["id"].as_str().unwrap());
    assert_eq!(world.get(ADMIN, &path).await.json()["status"], "processing");
    world.work().await;
    let done = world.get(ADMIN, &path).await.json();
    assert_eq!(done["status"], "success", "{done}");
    let image = format!("/v2/images/{}", done["result"]["image_id"].as_str().unwrap());
    let image = world.get(ADMIN, &image).await.json();
    let told = (&image["status"], &image["size"], &image["name"]);
    assert_eq!(told, (&json!("active"), &json!(10), &json!("of a task")));
}

#[tokio::test]
async fn where_nothing_is_fetched_a_task_says_so_and_leaves_no_image() {
    let world = World::without_import();
    let taken = post(&world, ADMIN, &import()).await;
    let path = format!("/v2/tasks/{}", taken.json()["id"].as_str().unwrap());
    let ended = world.get(ADMIN, &path).await.json();
    let why = "Import is not available: no method of import is enabled in this deployment.";
    assert_eq!((&ended["status"], &ended["message"]), (&json!("failure"), &json!(why)));
    for world in [world, World::default()] {
        post(&world, ADMIN, &import()).await;
        assert_eq!(world.get(ADMIN, "/v2/images").await.json()["images"], json!([]));
    }
}
