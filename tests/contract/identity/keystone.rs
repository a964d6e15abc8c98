//! Keystone in this process, well and ill.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::adapters::keystone::{Credentials, KeystoneIdentity, KeystoneLimits, KeystoneSettings};
use shared::identity::{Caller, Scope};
use shared::ports::{Clock, Identity, IdentityError, Limit, Limits as _, Tokens};
use tests::engines::keystone::{Behaviour, Keystone};
use tests::fixtures::TestClock;

/// Keystone, and who asks it, at a time that belongs to the test.
#[derive(Debug)]
struct Site {
    keystone: Keystone,
    identity: KeystoneIdentity,
    clock: Arc<TestClock>,
}

#[async_trait::async_trait]
impl Identity for Site {
    async fn identify(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        self.identity.identify(tokens).await
    }

    fn authenticate_at(&self) -> Option<&str> {
        self.identity.authenticate_at()
    }
}

const VALIDATION: &str = "GET /v3/auth/tokens?nocatalog";
const EXPIRED_TOO: &str = "GET /v3/auth/tokens?nocatalog&allow_expired=1";
const AUTHENTICATION: &str = "POST /v3/auth/tokens?nocatalog";

async fn site() -> Site {
    changed(|_| {}).await
}

async fn changed(change: impl FnOnce(&mut KeystoneSettings)) -> Site {
    let (keystone, clock) = (Keystone::start().await, Arc::new(TestClock::default()));
    keystone.give("token", "p1", &["Member", "reader"]);
    let mut settings = keystone.settings();
    change(&mut settings);
    let identity =
        KeystoneIdentity::new(settings, Arc::<TestClock>::clone(&clock) as Arc<dyn Clock>).unwrap();
    Site { keystone, identity, clock }
}

impl Site {
    async fn told(&self, token: &str) -> String {
        self.told_through(token, None).await
    }

    async fn told_through(&self, token: &str, service: Option<&str>) -> String {
        match self.identity.identify(Tokens { user: Some(token), service }).await {
            Ok(caller) => {
                let service = if caller.has_service_role("service") { " by a service" } else { "" };
                format!("{}{service}", caller.user().unwrap())
            }
            Err(IdentityError::Unauthenticated) => "401".to_owned(),
            Err(error @ IdentityError::Unavailable(_)) => {
                let cause = std::error::Error::source(&error).unwrap();
                assert!(!format!("{cause} {cause:?}").contains("hush"), "{cause:?}");
                assert!(!format!("{cause} {cause:?}").contains("token-of-"), "{cause:?}");
                format!("503: {cause}")
            }
        }
    }
}

async fn fresh() -> (Site, &'static str) {
    (site().await, "token")
}

shared::identity_contract!(fresh);

#[tokio::test]
async fn a_token_tells_its_user_project_and_roles_and_is_asked_for_once() {
    let site = site().await;
    let expected = Caller::new("p1".parse().ok(), Some("user of token".to_owned()), ["member", "reader"]);
    for _ in 0..3 {
        assert_eq!(site.identify(Tokens::user("token")).await.unwrap(), expected);
    }
    assert_eq!(site.keystone.asked(), [AUTHENTICATION, VALIDATION]);
    assert_eq!(site.authenticate_at(), Some(format!("{}/v3", site.keystone.settings().auth_url).as_str()));
}

#[tokio::test]
async fn a_burst_asks_once_for_each_token_and_once_for_its_own() {
    let site = site().await;
    site.keystone.give("other", "p2", &["reader"]);
    let tokens = ["token", "other", "unknown"];
    let told = join_all((0..300).map(|at| site.told(tokens[at % 3]))).await;
    for (at, told) in told.iter().enumerate() {
        assert_eq!(told, ["user of token", "user of other", "401"][at % 3]);
    }
    let mut asked = site.keystone.asked();
    asked.sort();
    assert_eq!(asked, [VALIDATION, VALIDATION, VALIDATION, AUTHENTICATION]);
}

#[tokio::test]
async fn a_revoked_token_opens_doors_no_longer_than_is_configured() {
    let site = site().await;
    assert_eq!(site.told("token").await, "user of token");
    site.keystone.revoke("token");
    site.clock.advance(Duration::from_secs(59));
    assert_eq!(site.told("token").await, "user of token");
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.told("token").await, "401");
    let strict = changed(|settings| settings.cache = Duration::ZERO).await;
    assert_eq!(strict.told("token").await, "user of token");
    strict.keystone.revoke("token");
    assert_eq!(strict.told("token").await, "401");
}

#[tokio::test]
async fn a_token_ends_when_it_says_however_long_answers_are_kept() {
    let site = changed(|settings| settings.cache = Duration::from_hours(10)).await;
    assert_eq!(site.told("token").await, "user of token");
    site.clock.advance(Duration::from_secs(3599));
    assert_eq!(site.told("token").await, "user of token");
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.told("token").await, "401", "Keystone still knows it, but it has ended");
}

#[tokio::test]
async fn what_keystone_does_not_know_is_refused_without_asking_again_for_a_moment() {
    let site = site().await;
    for _ in 0..3 {
        assert_eq!(site.told("late").await, "401");
    }
    assert_eq!(site.keystone.asked(), [AUTHENTICATION, VALIDATION]);
    site.keystone.give("late", "p1", &["reader"]);
    site.clock.advance(Duration::from_secs(10));
    assert_eq!(site.told("late").await, "user of late");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_not_asked_for() {
    let site = site().await;
    for token in ["", "a\nb", "caf\u{e9}\u{7f}", &"x".repeat(20_000)] {
        assert_eq!(site.told(token).await, "401", "{token:?}");
    }
    assert!(matches!(site.identify(Tokens::default()).await, Err(IdentityError::Unauthenticated)));
    let service_alone = Tokens { user: None, service: Some("token") };
    assert!(matches!(site.identify(service_alone).await, Err(IdentityError::Unauthenticated)));
    assert!(site.keystone.asked().is_empty());
}

#[tokio::test]
async fn a_token_that_is_good_for_no_project_says_so() {
    let site = site().await;
    let domain = json!({"domain": {"id": "default"}});
    for (token, scope, expected) in [
        ("system", json!({"system": {"all": true}}), Scope::System),
        ("domain", domain, Scope::Domain),
        ("unscoped", json!({}), Scope::Unscoped),
    ] {
        site.keystone.give_scoped(token, &scope, &["admin"]);
        let caller = site.identify(Tokens::user(token)).await.unwrap();
        assert_eq!((caller.scope(), caller.has_role("admin")), (&expected, true), "{token}");
    }
    let restricted =
        json!({"project": {"id": "p1"}, "application_credential": {"access_rules": [{"path": "/"}]}});
    site.keystone.give_scoped("restricted", &restricted, &["reader"]);
    assert_eq!(site.told("restricted").await, "401", "nobody checks which calls its rules allow");
}

#[tokio::test]
async fn a_service_adds_its_roles_and_a_bad_service_token_is_refused() {
    let site = site().await;
    site.keystone.give("nova", "service", &["Service"]);
    site.keystone.give("other", "service", &["member"]);
    assert_eq!(site.told_through("token", Some("nova")).await, "user of token by a service");
    assert_eq!(site.told_through("token", Some("other")).await, "user of token");
    assert_eq!(site.told_through("token", Some("unknown")).await, "401");
    assert_eq!(site.told_through("unknown", Some("nova")).await, "401");
    assert_eq!(site.told("token").await, "user of token", "what a service asked for gives others nothing");
}

#[tokio::test]
async fn an_expired_token_is_accepted_from_a_trusted_service_alone() {
    let site = site().await;
    site.keystone.give("nova", "service", &["service"]);
    site.keystone.give("other", "service", &["member"]);
    site.keystone.expire("token");
    assert_eq!(site.told("token").await, "401");
    assert_eq!(site.told_through("token", Some("other")).await, "401");
    assert_eq!(site.told_through("token", Some("nova")).await, "user of token by a service");
    assert_eq!(site.told("token").await, "401", "not what the service was told of it");
    assert_eq!(site.told_through("token", Some("other")).await, "401");
    assert_eq!(site.told_through("token", Some("token")).await, "401", "nor may it stand for a service");
    let asked = site.keystone.asked();
    assert_eq!(asked.iter().filter(|asked| *asked == EXPIRED_TOO).count(), 1, "{asked:?}");
    let strict = changed(|settings| settings.service_roles.clear()).await;
    strict.keystone.give("nova", "service", &["service"]);
    strict.keystone.expire("token");
    assert_eq!(strict.told_through("token", Some("nova")).await, "401");
}

#[tokio::test]
async fn its_own_token_is_asked_for_anew_when_it_is_refused_or_about_to_end() {
    let site = changed(|settings| settings.cache = Duration::ZERO).await;
    assert_eq!(site.told("token").await, "user of token");
    site.keystone.revoke_own();
    assert_eq!(site.told("token").await, "user of token");
    assert_eq!(site.keystone.asked(), [AUTHENTICATION, VALIDATION, VALIDATION, AUTHENTICATION, VALIDATION]);
    site.clock.advance(Duration::from_secs(3600 - 61));
    assert_eq!(site.told("token").await, "user of token");
    assert_eq!(site.keystone.asked(), [VALIDATION]);
    site.clock.advance(Duration::from_secs(2));
    assert_eq!(site.told("token").await, "user of token");
    assert_eq!(site.keystone.asked(), [AUTHENTICATION, VALIDATION]);
    site.keystone.revoke_own();
    join_all((0..50).map(|_| site.told("token"))).await;
    let asked = site.keystone.asked();
    assert_eq!(asked.iter().filter(|asked| *asked == AUTHENTICATION).count(), 1, "{asked:?}");
}

#[tokio::test]
async fn an_application_credential_will_do_and_wrong_credentials_open_nothing() {
    let application =
        |secret: &str| Credentials::Application { id: "c".to_owned(), secret: secret.to_owned() };
    let site = changed(|settings| settings.credentials = application("hush")).await;
    assert_eq!(site.told("token").await, "user of token");
    let site = changed(|settings| settings.credentials = application("wrong")).await;
    let refused = "503: Keystone does not accept the credentials of this service: 401 Unauthorized";
    assert_eq!(site.told("token").await, refused);
    assert!(!format!("{:?}", application("hush")).contains("hush"));
    assert!(!format!("{site:?}", site = site.identity).contains("wrong"));
}

#[tokio::test]
async fn a_keystone_that_is_ill_opens_no_door_and_shuts_none_for_longer() {
    let site = changed(|settings| settings.cache = Duration::ZERO).await;
    for behaviour in [Behaviour::Failing, Behaviour::Garbage, Behaviour::Breaking(2)] {
        for known in [false, true] {
            if known {
                assert_eq!(site.told("token").await, "user of token");
            }
            site.keystone.behave(behaviour);
            let told = site.told("token").await;
            assert!(told.starts_with("503: ") && !told.contains("secret"), "{behaviour:?}: {told}");
            site.keystone.behave(Behaviour::Well);
            assert_eq!(site.told("token").await, "user of token", "{behaviour:?}");
        }
    }
    site.keystone.refuse_own(true);
    assert!(site.told("token").await.starts_with("503: "), "its own token is refused, and the next one too");
    site.keystone.refuse_own(false);
    site.keystone.revoke_own();
    site.keystone.refuse_password(true);
    assert!(site.told("token").await.starts_with("503: "));
    site.keystone.refuse_password(false);
    assert_eq!(site.told("token").await, "user of token");
}

#[tokio::test]
async fn what_is_known_is_known_while_keystone_is_ill() {
    let site = site().await;
    assert_eq!(site.told("token").await, "user of token");
    site.keystone.behave(Behaviour::Failing);
    assert_eq!(site.told("token").await, "user of token");
    assert!(site.told("other").await.starts_with("503: "));
}

#[tokio::test]
async fn a_connection_that_breaks_once_is_not_noticed() {
    let site = site().await;
    site.keystone.behave(Behaviour::Breaking(1));
    assert_eq!(site.told("token").await, "user of token");
    assert_eq!(site.keystone.asked(), [AUTHENTICATION, AUTHENTICATION, VALIDATION]);
}

#[tokio::test]
async fn nobody_waits_for_a_keystone_that_is_silent_or_gone() {
    let site = changed(|settings| settings.timeout = Duration::from_millis(100)).await;
    site.keystone.behave(Behaviour::Silent);
    let told = join_all((0..20).map(|_| site.told("token"))).await;
    assert!(
        told.iter().all(|told| told.starts_with("503: Keystone did not answer within 0.1 s")),
        "{told:?}"
    );
    assert!(site.keystone.asked().len() <= 2);
    let settings = {
        let gone = Keystone::start().await;
        gone.settings()
    };
    let identity = KeystoneIdentity::new(settings, Arc::new(TestClock::default())).unwrap();
    assert!(matches!(identity.identify(Tokens::user("token")).await, Err(IdentityError::Unavailable(_))));
}

#[tokio::test]
async fn a_file_without_authorities_and_a_url_that_is_none_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let keystone = Keystone::start().await;
    let told =
        |settings| KeystoneIdentity::new(settings, Arc::new(TestClock::default())).unwrap_err().to_string();
    let missing = directory.path().join("missing.pem");
    assert!(told(KeystoneSettings { ca_file: Some(missing), ..keystone.settings() }).contains("missing.pem"));
    let empty = KeystoneSettings { ca_file: Some(file), ..keystone.settings() };
    assert!(told(empty).contains("holds no certificate"));
    let nowhere = KeystoneSettings { auth_url: "/v3".to_owned(), ..keystone.settings() };
    assert_eq!(told(nowhere), "'/v3' is no URL of Keystone");
}

#[tokio::test]
async fn a_projects_limits_are_its_own_or_else_the_registered_ones_and_asked_for_once() {
    let site = site().await;
    site.keystone.limit("p1", "image_count_total", 3);
    site.keystone.limit("p2", "image_count_total", 99);
    let clock = Arc::<TestClock>::clone(&site.clock) as Arc<dyn Clock>;
    let limits = KeystoneLimits::new(site.keystone.settings(), "e1".to_owned(), clock).unwrap();
    let (p1, p3) = ("p1".parse().unwrap(), "p3".parse().unwrap());
    for told in join_all((0..20).map(|_| limits.of(&p1))).await {
        let told = told.unwrap();
        assert_eq!(told.of("image_count_total"), Limit::AtMost(3));
        assert_eq!(told.of("image_size_total"), Limit::AtMost(1000));
        assert_eq!(told.of("image_stage_total"), Limit::Unregistered);
    }
    assert_eq!(limits.of(&p3).await.unwrap().of("image_count_total"), Limit::AtMost(10));
    let asked = site.keystone.asked();
    let of_project = "GET /v3/limits?service_id=glance&region_id=one&project_id=";
    let registered = "GET /v3/registered_limits?service_id=glance&region_id=one";
    let expected = [
        AUTHENTICATION,
        "GET /v3/endpoints/e1",
        registered,
        &format!("{of_project}p1"),
        &format!("{of_project}p3"),
    ];
    assert_eq!(asked, expected);
    site.keystone.behave(Behaviour::Failing);
    assert!(limits.of(&p1).await.is_ok(), "what is known is known");
    site.clock.advance(Duration::from_mins(1));
    assert!(limits.of(&p1).await.is_err());
}
