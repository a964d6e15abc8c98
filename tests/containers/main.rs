//! The suites of the object store on a server that speaks Swift's API and runs elsewhere, as the environment tells of it. Built
//! when the feature `containers` is on, for without a server nothing of it can pass: `tests/engines/contract.py` starts some.
//!
//! - `GLINT_TEST_SWIFT_AUTH_URL`, `GLINT_TEST_SWIFT_USER`, `GLINT_TEST_SWIFT_KEY`: who gives tokens (v1), to whom. Or of Keystone:
//!   `GLINT_TEST_SWIFT_PROJECT` too.
//! - `GLINT_TEST_SWIFT_PLAIN`: set where manifests cannot name manifests, and signed URLs give objects other names (Ceph).
//!
//! Each case has a folder of its own in a container that it makes, and leaves it as it is.

// Its helpers are tests too, and may panic as tests do.
#![cfg(test)]

use std::future::{Ready, ready};
use std::time::Duration;

use async_trait::async_trait;
use shared::adapters::swift::{
    Access, Credentials, MANIFEST_ENTRIES, SwiftSettings, SwiftStore, TempUrlKey, V1Key,
};
use shared::adapters::system::RandomIds;
use shared::contract::direct::{AtGateway, Bring};
use shared::ports::{Ids as _, ReadTarget, SignedPart, Store};
use shared::store::{FileName, ObjectKey, PartGrant, SEAL_KEY_BYTES, Sealer};
use tests::stranger;

#[expect(clippy::disallowed_methods, reason = "what is tested is told to the tests, not to the service")]
fn told(name: &str) -> Option<String> {
    std::env::var(format!("GLINT_TEST_SWIFT_{name}")).ok()
}

fn variable(name: &str) -> String {
    told(name).unwrap_or_else(|| panic!("GLINT_TEST_SWIFT_{name} must say who gives tokens"))
}

fn access() -> Access {
    let (auth_url, user, key) = (variable("AUTH_URL"), variable("USER"), variable("KEY"));
    let Some(project_name) = told("PROJECT") else {
        return Access::V1 { auth_url, user, key: V1Key::new(key) };
    };
    let domain = || "Default".to_owned();
    let credentials = Credentials::Password {
        username: user,
        password: key,
        user_domain_name: domain(),
        project_name,
        project_domain_name: domain(),
    };
    Access::Keystone { auth_url, credentials, region: None, interface: "public".to_owned() }
}

fn settings() -> SwiftSettings {
    let signs = told("PLAIN").is_none();
    SwiftSettings {
        access: access(),
        storage_url: None,
        public_endpoint: None,
        ca_file: None,
        container: "glint contract".to_owned(),
        create_container: true,
        prefix: format!("ü {}/", RandomIds.image_id()),
        temp_url_key: signs.then(|| TempUrlKey::new("a key of the container")),
        sealer: Sealer::new([7; SEAL_KEY_BYTES]),
        timeout: Duration::from_secs(30),
        manifest_entries: MANIFEST_ENTRIES,
        nested_manifests: signs,
    }
}

/// Objects are read by URLs of the server where it can, parts are brought through the gateway.
fn fresh() -> Ready<(SwiftStore, Stranger)> {
    ready((SwiftStore::new(settings()).unwrap(), Stranger))
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
        store: &dyn Store,
        key: &ObjectKey,
        target: &ReadTarget,
    ) -> Result<(Vec<u8>, String), String> {
        let url = match target {
            ReadTarget::Store(url) => url,
            ReadTarget::Gateway(_) => return AtGateway.fetch(store, key, target).await,
        };
        let (bytes, disposition) = stranger::get(url).await?;
        let name = file_name(&disposition);
        Ok((bytes, FileName::of(&name, "nothing").disposition()))
    }
}

/// The name that browsers save by. The server writes the header, and always in both forms.
fn file_name(disposition: &str) -> String {
    let rest = disposition.strip_prefix("attachment;").unwrap_or_else(|| panic!("{disposition}"));
    let (_, exact) = rest.split_once("filename*=UTF-8''").unwrap_or_else(|| panic!("{disposition}"));
    let mut bytes = Vec::new();
    let mut rest = exact.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            let (digits, behind) = rest.split_at(2);
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
            rest = behind;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

mod store {
    use super::fresh;

    shared::store_contract!(fresh);
}

mod direct {
    use super::fresh;

    shared::direct_contract!(fresh);
}

/// Manifests of manifests, from the third part on; objects are read through the gateway too.
mod nested {
    use std::future::{Ready, ready};

    use shared::adapters::swift::{SwiftSettings, SwiftStore};
    use shared::contract::direct::AtGateway;

    use super::{settings, told};

    fn fresh() -> Ready<(SwiftStore, AtGateway)> {
        let usual = settings();
        let manifest_entries = if told("PLAIN").is_some() { usual.manifest_entries } else { 2 };
        let settings = SwiftSettings { manifest_entries, temp_url_key: None, ..usual };
        ready((SwiftStore::new(settings).unwrap(), AtGateway))
    }

    shared::store_contract!(fresh);
    shared::direct_contract!(fresh);
}
