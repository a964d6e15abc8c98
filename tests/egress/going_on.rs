//! A transfer that breaks goes on from its last byte, or says why it cannot.

use std::sync::Arc;
use std::time::Duration;

use shared::contract::fetch::drained;
use shared::ports::{Fetch, FetchError, FetchRequest, Span};
use shared::transfer::{Patience, fetch_patiently};

use super::*;

const PATIENCE: Patience =
    Patience { tries: 3, pause: Duration::from_millis(1), whole: Duration::from_mins(1) };

/// What comes of a path in the end, what was before, and the ranges that were asked for.
async fn fetched(path: &str, patience: Patience) -> (Vec<u8>, Result<(), FetchError>, Vec<String>) {
    let origin = Origin::start().await;
    let fetch: Arc<dyn Fetch> = Arc::new(egress(here(), &Names::default()));
    let url = fetch.check(&origin.url(path)).unwrap();
    let (came, ended) = match fetch_patiently(fetch, FetchRequest::whole(url), patience).await {
        Ok(fetched) => drained(fetched.body).await,
        Err(error) => (Vec::new(), Err(error)),
    };
    let header = |asked: &tests::engines::origin::Asked, name: &str| {
        asked.headers.get(name).cloned().unwrap_or_default()
    };
    let asked = origin.asked();
    (
        came,
        ended,
        asked.iter().map(|one| format!("{} {}", header(one, "range"), header(one, "if-range"))).collect(),
    )
}

#[tokio::test]
async fn what_ended_short_is_gone_on_with_from_its_last_byte() {
    let (came, ended, asked) = fetched("/then/short", PATIENCE).await;
    ended.unwrap();
    assert_eq!(came, bytes());
    assert_eq!(asked, [" ", "bytes=100000- \"one\"", "bytes=200000- \"one\""]);
}

#[tokio::test]
async fn what_was_reset_is_gone_on_with() {
    let (came, ended, asked) = fetched("/then/broken", PATIENCE).await;
    ended.unwrap();
    assert_eq!(came, bytes());
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_source_that_was_ill_at_first_is_asked_again() {
    let (came, ended, asked) = fetched("/then/ill", PATIENCE).await;
    ended.unwrap();
    assert_eq!((came, asked.len()), (bytes(), 3));
}

#[tokio::test]
async fn a_source_that_changed_meanwhile_is_not_mixed_with_what_it_was() {
    for path in ["/then/other", "/then/other-part"] {
        let (came, ended, asked) = fetched(path, PATIENCE).await;
        assert!(matches!(ended, Err(FetchError::Changed)), "{path}: {ended:?}");
        assert_eq!((came.len(), asked.len()), (150_000, 2), "{path}");
    }
}

#[tokio::test]
async fn a_source_without_ranges_says_that_it_cannot_be_gone_on_with() {
    let (came, ended, asked) = fetched("/then/rangeless", PATIENCE).await;
    assert!(matches!(ended, Err(FetchError::NoRanges)), "{ended:?}");
    assert_eq!((came.len(), asked.len()), (150_000, 2));
}

#[tokio::test]
async fn tries_are_counted_and_the_last_error_is_told() {
    let (_, ended, asked) = fetched("/status/503", PATIENCE).await;
    assert!(matches!(ended, Err(FetchError::Ill(503))), "{ended:?}");
    assert_eq!(asked.len(), 4);
    let (_, ended, asked) = fetched("/status/404", PATIENCE).await;
    assert!(matches!(ended, Err(FetchError::NotThere(404))), "{ended:?}");
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn time_is_up_for_a_source_that_drips_and_for_one_that_is_ill_for_long() {
    let brief = Patience { whole: Duration::from_millis(50), ..PATIENCE };
    let (came, ended, _) = fetched("/drip", brief).await;
    assert!(matches!(ended, Err(FetchError::TimedOut(Span::Whole))), "{ended:?}");
    assert!(came.len() < 300_000);
    let slow = Patience { pause: Duration::from_secs(9), ..brief };
    let (_, ended, asked) = fetched("/status/503", slow).await;
    assert!(matches!(ended, Err(FetchError::TimedOut(Span::Whole))), "{ended:?}");
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_token_goes_no_further_than_to_its_server_however_often_a_redirect_is_followed_again() {
    let (region, bucket) = (Origin::start().await, Origin::start().await);
    region.redirect("/v2/images/one/file", bucket.url("/then/short"));
    let fetch: Arc<dyn Fetch> = Arc::new(egress(here(), &Names::default()));
    let url = fetch.check(&region.url("/v2/images/one/file")).unwrap();
    let token = Some(shared::identity::Token::new("hush"));
    let request = FetchRequest { token, is_lasting: true, ..FetchRequest::whole(url) };
    let (came, ended) = drained(fetch_patiently(fetch, request, PATIENCE).await.unwrap().body).await;
    ended.unwrap();
    assert_eq!(came, bytes());
    let tokens = |origin: &Origin| -> Vec<_> {
        origin.asked().iter().map(|one| one.headers.get("x-auth-token").cloned()).collect()
    };
    assert_eq!(tokens(&region), vec![Some("hush".to_owned()); 3]);
    assert_eq!(tokens(&bucket), vec![None; 3]);
}
