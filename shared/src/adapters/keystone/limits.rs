//! How much a project may have: the unified limits that Keystone keeps for the image service.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::KeystoneSettings;
use super::client::{Client, KeystoneError};
use super::credentials::Reach;
use super::kept::{Kept, UnderWay};
use super::session::{Session, SharedError};
use crate::id::ProjectId;
use crate::ports::{Clock, Limits, LimitsError, ProjectLimits};

/// Tells the limits of projects, as Keystone knows them for one endpoint of the image service.
///
/// A project's limits are asked for once, however many requests need them at once, and believed for as long as is
/// configured. Keystone tells them of any project only to who reads the whole system.
#[derive(Clone, Debug)]
pub struct KeystoneLimits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    clock: Arc<dyn Clock>,
    endpoint_id: String,
    cache: Duration,
    endpoint: Kept<(), Endpoint>,
    registered: Kept<(), Vec<(String, i64)>>,
    answers: Kept<ProjectId, Arc<ProjectLimits>>,
    under_way: UnderWay<ProjectId, Result<Arc<ProjectLimits>, SharedError>>,
}

/// Which service in which region an endpoint is of. It does not change while it is there.
#[derive(Clone, Debug, Deserialize)]
struct Endpoint {
    service_id: String,
    region_id: Option<String>,
}

impl Endpoint {
    fn query(&self) -> String {
        let region = self.region_id.as_deref().map(|region| format!("&region_id={}", escaped(region)));
        format!("service_id={}{}", escaped(&self.service_id), region.unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct EndpointBody {
    endpoint: Endpoint,
}

#[derive(Deserialize)]
struct RegisteredBody {
    registered_limits: Vec<Registered>,
}

#[derive(Deserialize)]
struct Registered {
    resource_name: String,
    default_limit: i64,
}

#[derive(Deserialize)]
struct LimitsBody {
    limits: Vec<Own>,
}

#[derive(Deserialize)]
struct Own {
    resource_name: String,
    resource_limit: i64,
    project_id: Option<String>,
}

/// Projects whose limits are believed at a time.
const PROJECTS_AT_MOST: usize = 10_000;

/// How long an endpoint is taken to be what it was.
const ENDPOINT: Duration = Duration::from_hours(1);

impl KeystoneLimits {
    /// The limits of an endpoint. Asks nobody yet.
    ///
    /// # Errors
    /// As [`super::KeystoneIdentity::new`].
    pub fn new(
        settings: KeystoneSettings,
        endpoint_id: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeystoneError> {
        let client = Client::new(&settings.auth_url, settings.ca_file.as_deref(), settings.timeout)?;
        Ok(Self(Arc::new(Inner {
            session: Session::new(client, settings.credentials, Reach::System, Arc::clone(&clock)),
            clock,
            endpoint_id,
            cache: settings.cache,
            endpoint: Kept::new(1),
            registered: Kept::new(1),
            answers: Kept::new(PROJECTS_AT_MOST),
            under_way: UnderWay::new(),
        })))
    }
}

#[async_trait]
impl Limits for KeystoneLimits {
    async fn of(&self, project: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError> {
        if let Some(limits) = self.0.answers.get(project, self.0.clock.now()) {
            return Ok(limits);
        }
        let (inner, asked) = (Arc::clone(&self.0), project.clone());
        let asking = self.0.under_way.join(project.clone(), || async move { inner.ask(asked).await }.boxed());
        asking.await.map_err(|error| LimitsError(Box::new(error)))
    }
}

impl Inner {
    async fn ask(&self, project: ProjectId) -> Result<Arc<ProjectLimits>, SharedError> {
        if let Some(limits) = self.answers.get(&project, self.clock.now()) {
            return Ok(limits);
        }
        let asked_at = self.clock.now();
        let endpoint = self.endpoint().await?;
        let query = endpoint.query();
        let registered = self.registered(&query).await?;
        let path = format!("/limits?{query}&project_id={}", escaped(project.as_str()));
        let LimitsBody { limits } = self.read(&path, "the limits of a project").await?;
        // One that Keystone had to hide is not there, and one of another project must not count.
        let own = limits.into_iter().filter(|limit| limit.project_id.as_deref() == Some(project.as_str()));
        let own = own.map(|limit| (limit.resource_name, limit.resource_limit));
        let limits = Arc::new(ProjectLimits::new(registered.into_iter().chain(own)));
        self.answers.keep(project, Arc::clone(&limits), asked_at.plus(self.cache), self.clock.now());
        Ok(limits)
    }

    async fn endpoint(&self) -> Result<Endpoint, SharedError> {
        let now = self.clock.now();
        if let Some(endpoint) = self.endpoint.get(&(), now) {
            return Ok(endpoint);
        }
        let path = format!("/endpoints/{}", escaped(&self.endpoint_id));
        let EndpointBody { endpoint } = self.read(&path, "the image endpoint").await?;
        self.endpoint.keep((), endpoint.clone(), now.plus(ENDPOINT), now);
        Ok(endpoint)
    }

    async fn registered(&self, query: &str) -> Result<Vec<(String, i64)>, SharedError> {
        let now = self.clock.now();
        if let Some(registered) = self.registered.get(&(), now) {
            return Ok(registered);
        }
        let path = format!("/registered_limits?{query}");
        let RegisteredBody { registered_limits } = self.read(&path, "the registered limits").await?;
        let registered: Vec<_> =
            registered_limits.into_iter().map(|limit| (limit.resource_name, limit.default_limit)).collect();
        self.registered.keep((), registered.clone(), now.plus(self.cache), now);
        Ok(registered)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str, asked: &'static str) -> Result<T, SharedError> {
        let answer = self.session.get(path, &HeaderMap::new()).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN => return Err(Arc::new(KeystoneError::Credentials(answer.status))),
            status => return Err(Arc::new(KeystoneError::Status { asked, status })),
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| Arc::new(KeystoneError::Nonsense { asked, why: error.to_string() }))
    }
}

/// A text as a part of a path or a query: ids of Keystone's stay as they are.
fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_be_more_than_an_id() {
        assert_eq!(escaped("a-1_b"), "a-1_b");
        assert_eq!(escaped("a&project_id=b/../\u{e4}"), "a%26project_id%3Db%2F..%2F%C3%A4");
    }
}
