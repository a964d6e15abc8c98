//! Several stores: which take an image, and which it is read from.

use serde_json::json;
use shared::app::App;
use shared::config::{Config, Sources};
use shared::http::{Cors, Routes, serve};
use shared::operations::Redirects;
use tests::callers::{ADMIN, MEMBER, READER};
use tests::service::Service;
use tests::world::World;

const STORES: &[(&str, i64)] = &[("fast", 10), ("slow", -5)];

/// An image with data in a store.
async fn stored(world: &World, store: &str, data: &'static [u8]) -> String {
    let path = raw(world).await;
    let sent = world.call("PUT", &format!("{path}/file")).by(MEMBER);
    let sent = sent.header("content-type", "application/octet-stream").header("x-image-meta-store", store);
    assert_eq!(sent.body(data).send().await.line(), "204");
    path
}

async fn raw(service: &Service) -> String {
    service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await
}

#[tokio::test]
async fn clients_are_told_the_stores_they_may_choose_from() {
    let world = World::storing(STORES);
    let created = world.call("POST", "/v2/images").by(MEMBER).json(&json!({})).send().await;
    assert_eq!(created.header("openstack-image-store-ids"), "default,fast,slow");
    insta::assert_json_snapshot!(world.get(READER, "/v2/info/stores").await.json(), @r#"
    {
      "stores": [
        {
          "default": "true",
          "id": "default"
        },
        {
          "description": "the fast store",
          "id": "fast"
        },
        {
          "description": "the slow store",
          "id": "slow"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn where_there_is_no_choice_nothing_is_said_of_one() {
    let world = World::default();
    let created = world.call("POST", "/v2/images").by(MEMBER).json(&json!({})).send().await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("openstack-image-store-ids"), "");
}

#[tokio::test]
async fn an_upload_goes_to_the_store_that_was_chosen_and_the_image_says_where_it_lies() {
    let world = World::storing(STORES);
    let path = stored(&world, "slow", b"abc").await;
    let kept = ["fast", "slow"].map(|id| world.other_stores[id].keys().len());
    assert_eq!((world.store.keys().len(), kept), (0, [0, 1]));
    assert_eq!(world.get(READER, &path).await.json()["stores"], "slow");
    let listed = world.get(READER, "/v2/images").await.json();
    assert_eq!(listed["images"][0]["stores"], "slow", "lists say it too");
    assert_eq!(world.get(READER, &raw(&world).await).await.json().get("stores"), None);
}

#[tokio::test]
async fn an_image_names_its_stores_as_they_are_read_the_heaviest_first() {
    let world = World::storing(STORES);
    let path = stored(&world, "slow", b"abc").await;
    let copied = json!({"method": {"name": "copy-image"}, "stores": ["default", "fast"]});
    let sent = world.call("POST", &format!("{path}/import")).by(ADMIN).json(&copied).send().await;
    assert_eq!(sent.status, 202);
    world.work().await;
    assert_eq!(world.get(READER, &path).await.json()["stores"], "fast,default,slow");
    let listed = world.get(READER, "/v2/images").await.json();
    assert_eq!(listed["images"][0]["stores"], "fast,default,slow");
}

#[tokio::test]
async fn a_store_that_is_not_there_takes_nothing() {
    let world = World::storing(STORES);
    let path = raw(&world).await;
    for call in [
        world
            .call("PUT", &format!("{path}/file"))
            .header("content-type", "application/octet-stream")
            .body(b"abc"),
        world.call("POST", &format!("{path}/uploads")).json(&json!({"size": 3})),
    ] {
        let answer = call.by(MEMBER).header("x-image-meta-store", "far").send().await;
        assert_eq!(answer.line(), "400 X-Image-Meta-Store: there is no store 'far'");
    }
    assert_eq!(world.get(READER, &path).await.json()["status"], "queued");
}

#[tokio::test]
async fn a_session_brings_its_parts_to_the_store_that_was_chosen() {
    let world = World::storing(STORES);
    let path = raw(&world).await;
    let opened = world.call("POST", &format!("{path}/uploads")).by(MEMBER);
    let opened = opened.header("x-image-meta-store", "fast").json(&json!({"size": 3})).send().await.json();
    let part = opened["parts"][0]["url"].as_str().unwrap();
    let (_, part) = part.split_once("/v2/").unwrap();
    let brought = world.call("PUT", &format!("/v2/{part}")).body(b"abc").send().await;
    assert_eq!(brought.status, 200);
    let elsewhere = part.replace("store=fast", "store=slow");
    assert_eq!(world.call("PUT", &format!("/v2/{elsewhere}")).body(b"abc").send().await.status, 403);
    let unknown = part.replace("store=fast", "store=far");
    assert_eq!(world.call("PUT", &format!("/v2/{unknown}")).body(b"abc").send().await.status, 404);
    let this = opened["self"].as_str().unwrap();
    assert_eq!(world.call("POST", &format!("{this}/complete")).by(MEMBER).send().await.status, 200);
    assert_eq!(world.other_stores["fast"].keys().len(), 1);
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, &b"abc"[..]);
}

#[tokio::test]
async fn a_signed_url_leads_to_the_store_that_signed_it() {
    let redirects =
        Redirects { trusted: "glint".parse().unwrap(), url_life: std::time::Duration::from_mins(1) };
    let world = World::storing(STORES).opened(Some(redirects), Cors::default());
    let path = stored(&world, "slow", b"abc").await;
    let call = world.call("GET", &format!("{path}/file")).by(MEMBER);
    let answer = call.send().await;
    assert_eq!(answer.status, 302);
    let there = answer.header("location").split_once("/v2/").unwrap().1.to_owned();
    assert!(there.ends_with("&store=slow"), "{there}");
    assert_eq!(world.call("GET", &format!("/v2/{there}")).send().await.body, &b"abc"[..]);
    let elsewhere = there.replace("store=slow", "store=fast");
    assert_eq!(world.call("GET", &format!("/v2/{elsewhere}")).send().await.status, 403);
}

#[tokio::test]
async fn what_is_preferred_must_be_there_and_a_choice() {
    let world = World::storing(STORES);
    let path = stored(&world, "slow", b"abc").await;
    for preferred in ["slow", "fast,slow", "fast"] {
        let answer = world.get(MEMBER, &format!("{path}/file?prefer={preferred}")).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"abc"[..]), "{preferred}");
    }
    let answer = world.get(MEMBER, &format!("{path}/file?prefer=slow,far")).await;
    assert_eq!(answer.line(), "400 prefer: there is no store 'far'");
    let single = World::default();
    let path = raw(&single).await;
    single.put_file(MEMBER, &path, b"abc").await;
    let answer = single.get(MEMBER, &format!("{path}/file?prefer=default")).await;
    assert_eq!(answer.line(), "400 prefer: there is one store alone, and nothing to prefer");
}

#[tokio::test]
async fn the_last_store_of_an_image_is_not_taken_from_it() {
    let world = World::storing(STORES);
    let path = stored(&world, "slow", b"abc").await;
    let id = path.rsplit('/').next().unwrap();
    for (store, told) in [
        ("slow", format!("403 Store 'slow' is the last one with the data of image {id}: delete the image.")),
        ("fast", format!("404 The data of image {id} is not in store 'fast'.")),
        ("far", "409 There is no store 'far'.".to_owned()),
    ] {
        let answer = world.call("DELETE", &format!("/v2/stores/{store}/{id}")).by(ADMIN).send().await;
        assert_eq!(answer.line(), told);
    }
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, &b"abc"[..]);
}

/// The service as it is configured so, in this process.
fn configured(stores: &str) -> Service {
    let settings = [("table.adapter", "memory"), ("store.adapter", "memory"), ("stores", stores)];
    let sources =
        settings.into_iter().fold(Sources::default(), |all, (key, value)| all.with_flag(key, value));
    let app = App::new(Config::load(&sources).unwrap());
    let (catalog, stores) = (app.catalog().unwrap(), app.stores().unwrap());
    let context = app.context(&catalog, app.no_queue()).unwrap();
    let routes: Routes = [
        discovery::routes(app.info()),
        images::routes(app.images(&context), app.members(&context), app.locations(&context)),
        uploads::routes(app.image_data(&context, &stores)),
    ]
    .into_iter()
    .collect();
    Service::in_process(serve(routes, app.door()))
}

#[tokio::test]
async fn nothing_is_added_to_what_is_only_read() {
    let service = configured(r#"{"web": {"adapter": "http", "description": "elsewhere"}}"#);
    insta::assert_json_snapshot!(service.get(ADMIN, "/v2/info/stores/detail").await.json()["stores"][1], @r#"
    {
      "description": "elsewhere",
      "id": "web",
      "properties": {},
      "read-only": "true",
      "type": "http",
      "weight": 0
    }
    "#);
    let path = raw(&service).await;
    for call in [
        service
            .call("PUT", &format!("{path}/file"))
            .header("content-type", "application/octet-stream")
            .body(b"abc"),
        service.call("POST", &format!("{path}/uploads")).json(&json!({"size": 3})),
    ] {
        let answer = call.by(MEMBER).header("x-image-meta-store", "web").send().await;
        assert_eq!(answer.line(), "410 store 'web' is read-only: no image can be added to it");
    }
    assert_eq!(service.get(MEMBER, &path).await.json()["status"], "queued");
}
