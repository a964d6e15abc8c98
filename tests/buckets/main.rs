//! The suites of the object store on a server that speaks S3 and runs elsewhere, as the environment tells of it. Built when
//! the feature `buckets` is on, for without a server nothing of it can pass: `tests/engines/contract.py` starts some.
//!
//! - `GLINT_TEST_S3_ENDPOINT`: where it is reached.
//! - `GLINT_TEST_BUCKET`: a bucket of it. Each case has a folder of its own there, and leaves it as it is.
//! - `GLINT_TEST_BUCKET_HAS_NO_CHECKSUMS`: set where parts are held to none (Ceph's Pacific, Google).
//!
//! The SDK is told as whom it asks as always: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`.

// Its helpers are tests too, and may panic as tests do.
#![cfg(test)]

use std::future::{Ready, ready};

use async_trait::async_trait;
use aws_smithy_http_client::Builder;
use axum::http::Request;
use shared::adapters::aws::AwsSettings;
use shared::adapters::s3::{S3Settings, S3Store};
use shared::adapters::system::RandomIds;
use shared::contract::direct::Bring;
use shared::ports::{Ids as _, PartTarget, ReadTarget, SignedPart, Store};
use shared::store::{ObjectKey, PartGrant};
use tests::stranger;

#[expect(clippy::disallowed_methods, reason = "what is tested is told to the tests, not to the service")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn variable(name: &str) -> String {
    told(name).unwrap_or_else(|| panic!("{name} must say where the bucket is"))
}

fn fresh() -> Ready<(S3Store, Stranger)> {
    let endpoint = Some(variable("GLINT_TEST_S3_ENDPOINT"));
    // Not the process's: its connections end with the test that opened them.
    let http_client = Some(Builder::new().build_http());
    let store = S3Store::new(S3Settings {
        aws: AwsSettings { endpoint, http_client, ..AwsSettings::default() },
        bucket: variable("GLINT_TEST_BUCKET"),
        prefix: format!("{}/", RandomIds.image_id()),
        path_style: true,
        has_checksums: told("GLINT_TEST_BUCKET_HAS_NO_CHECKSUMS").is_none(),
        public_endpoint: None,
    });
    ready((store, Stranger))
}

/// Somebody without credentials, who has a URL, on a connection of their own.
struct Stranger;

#[async_trait]
impl Bring for Stranger {
    async fn bring(
        &self,
        _store: &dyn Store,
        _grant: &PartGrant,
        signed: &SignedPart,
        bytes: &[u8],
    ) -> Result<String, String> {
        let PartTarget::Store(url) = &signed.target else { panic!("{signed:?}") };
        let request =
            signed.headers.iter().fold(Request::put(url), |all, (name, value)| all.header(name, value));
        let answer = stranger::send(request, bytes).await?;
        match answer.headers().get("etag") {
            Some(etag) if answer.status().is_success() => Ok(etag.to_str().unwrap().to_owned()),
            _ => Err(answer.status().to_string()),
        }
    }

    async fn fetch(
        &self,
        _store: &dyn Store,
        _key: &ObjectKey,
        target: &ReadTarget,
    ) -> Result<(Vec<u8>, String), String> {
        let ReadTarget::Store(url) = target else { panic!("{target:?}") };
        stranger::get(url).await
    }
}

mod store {
    use super::fresh;

    shared::store_contract!(fresh);
}

mod direct {
    use super::fresh;

    shared::direct_contract!(fresh);
}
