//! The suites of the object store on a server that speaks the API of Azure Blob Storage and runs elsewhere, as the environment tells
//! of it. Built when the feature `blobs` is on, for without a server nothing of it can pass: `tests/engines/contract.py` starts one.
//!
//! - `GLINT_TEST_AZURE_ENDPOINT`: URL of the account.
//! - `GLINT_TEST_AZURE_ACCOUNT`, `GLINT_TEST_AZURE_KEY`: its name and key.
//! - `GLINT_TEST_AZURE_SAS`: a signature of it with every leave.
//!
//! Each case has a folder of its own in a container that it makes, and leaves it as it is.

// Its helpers are tests too, and may panic as tests do.
#![cfg(test)]

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::adapters::azblob::{Access, AccountKey, AzureSettings, AzureStore};
use shared::adapters::system::{RandomIds, SystemClock};
use shared::contract::direct::{AtGateway, Bring};
use shared::ports::{Ids as _, ReadTarget, SignedPart, Store};
use shared::store::{ObjectKey, PartGrant, SEAL_KEY_BYTES, Sealer};
use tests::stranger;

#[expect(clippy::disallowed_methods, reason = "what is tested is told to the tests, not to the service")]
fn variable(name: &str) -> String {
    let name = format!("GLINT_TEST_AZURE_{name}");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} must say how the account is asked"))
}

fn settings(access: Access) -> AzureSettings {
    AzureSettings {
        access,
        endpoint: variable("ENDPOINT"),
        public_endpoint: None,
        ca_file: None,
        container: "glint-contract".to_owned(),
        create_container: true,
        prefix: format!("ü {}/", RandomIds.image_id()),
        sealer: Sealer::new([7; SEAL_KEY_BYTES]),
        timeout: Duration::from_secs(30),
        clock: Arc::new(SystemClock),
    }
}

fn key() -> Access {
    Access::Key { account: variable("ACCOUNT"), key: AccountKey::parse(&variable("KEY")).unwrap() }
}

/// Objects are read by URLs of the server, parts are brought through the gateway.
fn fresh() -> Ready<(AzureStore, Stranger)> {
    ready((AzureStore::new(settings(key())).unwrap(), Stranger))
}

/// Somebody without credentials, who has a URL, on a connection of their own.
struct Stranger;

#[async_trait]
impl Bring for Stranger {
    async fn bring(
        &self,
        store: &dyn Store,
        grant: &PartGrant,
        signed: &SignedPart,
        bytes: &[u8],
    ) -> Result<String, String> {
        AtGateway.bring(store, grant, signed, bytes).await
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

/// Asked by a signature that somebody gave out: objects are read through the gateway too.
mod by_signature {
    use std::future::{Ready, ready};

    use shared::adapters::azblob::{Access, AzureStore, SasToken};
    use shared::contract::direct::AtGateway;

    use super::{settings, variable};

    fn fresh() -> Ready<(AzureStore, AtGateway)> {
        let access = Access::Signature(SasToken::new(&variable("SAS")));
        ready((AzureStore::new(settings(access)).unwrap(), AtGateway))
    }

    shared::store_contract!(fresh);
    shared::direct_contract!(fresh);
}
