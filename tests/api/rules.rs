//! Rules that an operator wrote. They are this process's, so a deployed service is not asked.

use serde_json::json;
use shared::policy::{Policy, Rules};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::world::World;

use super::Lines;

const BOSS: &str = "ops:boss";

fn world(rules: &str) -> World {
    World::governed(Policy::new(Rules::parse(rules).unwrap()))
}

#[tokio::test]
async fn whoever_the_policy_makes_administrator_is_one_everywhere() {
    let world = world("context_is_admin: role:boss");
    let mut lines = Lines::default();
    for (who, token) in [("boss", BOSS), ("admin", ADMIN), ("member", MEMBER)] {
        let mine = world.made(MEMBER, json!({"visibility": "private"})).await;
        let owner = json!([{"op": "replace", "path": "/owner", "value": "p3"}]);
        let statuses = [
            world.get(token, &mine).await,
            world.get(token, "/v2/images?visibility=private").await,
            world.post(token, json!({"owner": "p9"})).await,
            world.post(token, json!({"visibility": "public"})).await,
            world.patch(token, &mine, owner).await,
        ];
        lines.add(who, statuses.map(|answer| answer.status.as_u16().to_string()).join(" "));
    }
    insta::assert_snapshot!(lines, @r"
    boss → 200 200 201 201 200
    admin → 404 200 403 403 404
    member → 200 200 403 403 403
    ");
}

#[tokio::test]
async fn a_rule_of_ones_own_is_asked_with_the_images_attributes() {
    let world = world(
        "keeper: role:reader and 'yes':%(keep)s\n\
         delete_image: project_id:%(owner)s and not rule:keeper\n\
         get_image: project_id:%(owner)s or 'public':%(visibility)s and not 'yes':%(secret)s\n\
         publicize_image: '@'\n",
    );
    let kept = world.made(MEMBER, json!({"keep": "yes"})).await;
    let loose = world.made(MEMBER, json!({"name": "loose", "visibility": "public"})).await;
    let secret = world.made(MEMBER, json!({"name": "secret", "visibility": "public", "secret": "yes"})).await;
    let delete =
        async |token: &str, path: &str| world.call("DELETE", path).by(token).send().await.status.as_u16();
    assert_eq!(delete(MEMBER, &kept).await, 403);
    assert_eq!(delete(STRANGER, &loose).await, 403);
    assert_eq!(delete(STRANGER, &secret).await, 404);
    assert_eq!(delete(ADMIN, &loose).await, 403, "the rule does not name administrators");
    assert_eq!(
        world.get(STRANGER, "/v2/images").await.names(),
        "loose",
        "what may not be shown is not listed"
    );
    assert_eq!(
        world.get(READER, "/v2/images?sort=name:asc&name=in:loose,secret").await.names(),
        "loose secret"
    );
    assert_eq!(delete(READER, &loose).await, 204);
}
