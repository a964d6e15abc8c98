//! Other regions, as the Keystone in this process tells a token of them.

use shared::adapters::keystone::{KeystoneRegions, RegionsSettings};
use shared::identity::Token;
use shared::ports::{Regions as _, RegionsError};
use shared::time::Timestamp;
use tests::engines::keystone::{Behaviour, EXPIRES_AT, Keystone};

async fn site() -> (Keystone, KeystoneRegions) {
    let keystone = Keystone::start().await;
    keystone.give("hush", "p1", &["member"]);
    for (kind, region, interface, url) in [
        ("object-store", "Two", "public", "https://swift.two.example"),
        ("image", "One", "public", "https://image.one.example"),
        ("image", "Two", "internal", "http://10.0.0.2:9292/"),
        ("image", "Two", "public", "https://two.example/image/v2/"),
    ] {
        keystone.serve(kind, region, interface, url);
    }
    let settings = keystone.settings();
    let regions = RegionsSettings { auth_url: settings.auth_url, ca_file: None, timeout: settings.timeout };
    (keystone, KeystoneRegions::new(&regions).unwrap())
}

async fn found(regions: &KeystoneRegions, token: &str, region: &str, interface: &str) -> String {
    match regions.images(&Token::new(token), region, interface).await {
        Ok(found) => {
            assert_eq!(found.token_ends, Timestamp::parse(EXPIRES_AT).unwrap());
            found.url
        }
        Err(RegionsError::Unavailable(cause)) => {
            assert!(!format!("{cause} {cause:?}").contains(token), "{cause:?}");
            format!("unavailable: {cause}")
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_image_service_is_found_by_region_and_interface_in_the_tokens_own_catalogue() {
    let (keystone, regions) = site().await;
    let none = "there is no such region, or no such endpoint of its image service";
    for (region, interface, expected) in [
        ("One", "public", "https://image.one.example"),
        ("Two", "public", "https://two.example/image"),
        ("two", "internal", "http://10.0.0.2:9292"),
        ("One", "internal", none),
        ("Three", "public", none),
        ("Two", "swift", none),
    ] {
        assert_eq!(found(&regions, "hush", region, interface).await, expected, "{region} {interface}");
    }
    assert!(keystone.asked().iter().all(|asked| asked == "GET /v3/auth/tokens"));
}

#[tokio::test]
async fn a_token_that_is_good_for_nothing_finds_no_region() {
    let (keystone, regions) = site().await;
    let expired = "the token has expired: Keystone knows it no longer";
    for token in ["made-up", "not\u{7f}a-header"] {
        assert_eq!(found(&regions, token, "One", "public").await, expired, "{token:?}");
    }
    keystone.expire("hush");
    assert_eq!(found(&regions, "hush", "One", "public").await, expired);
}

#[tokio::test]
async fn a_keystone_that_is_ill_is_asked_later() {
    let (keystone, regions) = site().await;
    for (behaviour, why) in [
        (
            Behaviour::Failing,
            "unavailable: Keystone answered 500 Internal Server Error to the catalogue of a token",
        ),
        (
            Behaviour::Garbage,
            "unavailable: Keystone's answer to the catalogue of a token makes no sense: it is no token: Syntax error at line 1, column 1",
        ),
    ] {
        keystone.behave(behaviour);
        assert_eq!(found(&regions, "hush", "One", "public").await, why);
    }
    // Half an answer may end before the client has read its head, or after.
    keystone.behave(Behaviour::Breaking(2));
    let told = found(&regions, "hush", "One", "public").await;
    let broken = ["unavailable: Keystone's answer cannot be read", "unavailable: cannot reach Keystone"];
    assert!(broken.contains(&&*told), "{told}");
    keystone.behave(Behaviour::Breaking(1));
    assert_eq!(found(&regions, "hush", "One", "public").await, "https://image.one.example");
}
