use serde_json::{Value, json};
use tests::callers::{MEMBER, READER};
use tests::service::Service;

use super::Lines;

async fn image_schema(service: &Service) -> Value {
    service.get(READER, "/v2/schemas/image").await.json()
}

#[tokio::test]
async fn the_schema_says_of_each_attribute_what_clients_check() {
    let schema = image_schema(&Service::empty().await).await;
    let mut lines = Lines::default();
    for (name, property) in schema["properties"].as_object().unwrap() {
        let read_only = if property["readOnly"] == json!(true) { ", read only" } else { "" };
        let most = property.get("maxLength").map_or(String::new(), |most| format!(", at most {most}"));
        lines.add(name, format!("{}{most}{read_only}", property["type"]));
    }
    insta::assert_snapshot!(lines, @r#"
    checksum → ["null","string"], at most 32, read only
    container_format → ["null","string"]
    created_at → "string", read only
    direct_url → "string", read only
    disk_format → ["null","string"]
    file → "string", read only
    id → "string"
    locations → "array"
    min_disk → "integer"
    min_ram → "integer"
    name → ["null","string"], at most 255
    os_hash_algo → ["null","string"], at most 64, read only
    os_hash_value → ["null","string"], at most 128, read only
    os_hidden → "boolean"
    owner → ["null","string"], at most 255
    protected → "boolean"
    schema → "string", read only
    self → "string", read only
    size → ["null","integer"], read only
    status → "string", read only
    stores → "string", read only
    tags → "array"
    updated_at → "string", read only
    virtual_size → ["null","integer"], read only
    visibility → "string"
    "#);
}

#[tokio::test]
async fn formats_list_null_first_as_compute_reads_them() {
    let schema = image_schema(&Service::empty().await).await;
    let mut lines = Lines::default();
    for name in ["disk_format", "container_format", "status", "visibility"] {
        lines.add(name, &schema["properties"][name]["enum"]);
    }
    insta::assert_snapshot!(lines, @r#"
    disk_format → [null,"ami","ari","aki","vhd","vhdx","vmdk","raw","qcow2","vdi","iso","ploop"]
    container_format → [null,"ami","ari","aki","bare","ovf","ova","docker","compressed"]
    status → ["queued","saving","uploading","importing","active","deactivated","killed","deleted","pending_delete"]
    visibility → ["community","public","private","shared"]
    "#);
}

#[tokio::test]
async fn an_image_may_have_other_properties_that_are_strings() {
    let mut schema = image_schema(&Service::empty().await).await;
    schema.as_object_mut().unwrap().remove("properties");
    insta::assert_snapshot!(format!("{schema:#}"), @r#"
    {
      "additionalProperties": {
        "type": "string"
      },
      "links": [
        {
          "href": "{self}",
          "rel": "self"
        },
        {
          "href": "{file}",
          "rel": "enclosure"
        },
        {
          "href": "{schema}",
          "rel": "describedby"
        }
      ],
      "name": "image"
    }
    "#);
}

#[tokio::test]
async fn a_page_of_images_has_a_schema() {
    let service = Service::empty().await;
    let mut schema = service.get(READER, "/v2/schemas/images").await.json();
    let items = schema["properties"]["images"]["items"].take();
    assert_eq!(items, image_schema(&service).await);
    insta::assert_snapshot!(format!("{schema:#}"), @r#"
    {
      "links": [
        {
          "href": "{first}",
          "rel": "first"
        },
        {
          "href": "{next}",
          "rel": "next"
        },
        {
          "href": "{schema}",
          "rel": "describedby"
        }
      ],
      "name": "images",
      "properties": {
        "first": {
          "type": "string"
        },
        "images": {
          "items": null,
          "type": "array"
        },
        "next": {
          "type": "string"
        },
        "schema": {
          "type": "string"
        }
      }
    }
    "#);
}

#[tokio::test]
async fn every_attribute_an_image_shows_is_in_the_schema() {
    let service = Service::empty().await;
    let schema = image_schema(&service).await;
    let image = service.post(MEMBER, json!({})).await.json();
    for name in image.as_object().unwrap().keys() {
        assert!(schema["properties"].get(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn members_and_tasks_have_schemas_that_allow_nothing_else() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for (one, several) in [("member", "members"), ("task", "tasks")] {
        let item = service.get(READER, &format!("/v2/schemas/{one}")).await.json();
        assert_eq!((&item["name"], &item["additionalProperties"]), (&json!(one), &json!(false)));
        let page = service.get(READER, &format!("/v2/schemas/{several}")).await.json();
        assert_eq!(page["name"], several);
        assert_eq!(page["links"].as_array().unwrap().len(), 3);
        for (name, schema) in [(one, &item), (several, &page["properties"][several]["items"])] {
            let properties = schema["properties"].as_object().unwrap();
            lines.add(name, properties.keys().cloned().collect::<Vec<_>>().join(" "));
        }
        lines.add(format!("{one}: status"), &item["properties"]["status"]["enum"]);
    }
    insta::assert_snapshot!(lines, @r#"
    member → created_at image_id member_id schema status updated_at
    members → created_at image_id member_id schema status updated_at
    member: status → ["pending","accepted","rejected"]
    task → created_at expires_at id image_id input message owner request_id result schema self status type updated_at user_id
    tasks → created_at expires_at id image_id owner request_id schema self status type updated_at user_id
    task: status → ["pending","processing","success","failure"]
    "#);
    let absent = service.get(READER, "/v2/schemas/metadefs/namespace").await;
    assert_eq!(absent.status.as_u16(), 404);
}
