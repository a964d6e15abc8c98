//! What the AWS adapters share: how a client is set up, and how its failures are told apart. No table, bucket or queue.

mod client;
pub mod failure;
mod function;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::future::{BoxFuture, FutureExt as _, ready};

/// The most times one request is sent: the first try and its retries.
pub const MAX_ATTEMPTS: u32 = 5;

/// What a server elsewhere than in AWS calls itself when nobody says.
const FALLBACK_REGION: &str = "us-east-1";

/// How to reach AWS, or something that speaks its protocols. The default asks the SDK's own chain for everything.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// The server to call instead of the service's own, as a URL. A plain `http://` one costs no reading of TLS roots.
    pub endpoint: Option<String>,
    /// The region; else the environment's, the profile's, the machine's.
    pub region: Option<String>,
    /// What sends the requests; else the one client the process shares.
    pub http_client: Option<SharedHttpClient>,
    /// Who signs the requests; else the SDK's chain of environment, profile and machine.
    pub credentials: Option<SharedCredentialsProvider>,
    /// What kind of process asks, which decides where else to look.
    pub host: Host,
}

/// What kind of process uses the SDK. A program links the way of setting it up that it names, and no other.
#[derive(Clone, Copy, Debug)]
pub struct Host(for<'a> fn(&'a AwsSettings) -> BoxFuture<'a, SdkConfig>);

impl Host {
    /// A process on a machine of any kind: all that the SDK knows to ask.
    pub const MACHINE: Self = Self(|settings| machine(settings).boxed());
    /// A function in the cloud: its environment, and nothing else.
    pub const FUNCTION: Self = Self(|settings| ready(function::sdk_config(settings)).boxed());
}

impl Default for Host {
    fn default() -> Self {
        Self::MACHINE
    }
}

/// Who signs by a key that does not change.
pub fn credentials(id: &str, secret: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "configuration"))
}

/// Sets up the SDK: credentials, region, retries with backoff and jitter, timeouts. Every client made from it shares
/// the process's connections. Reads local files at most, unless the region has to be asked of the machine.
pub async fn sdk_config(settings: &AwsSettings) -> SdkConfig {
    (settings.host.0)(settings).await
}

async fn machine(settings: &AwsSettings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(settings.http_client.clone().unwrap_or_else(client::machine))
        .retry_config(retries())
        .timeout_config(timeouts())
        .stalled_stream_protection(stalled_streams());
    if let Some(region) = region(settings) {
        loader = loader.region(region);
    }
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = &settings.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    loader.load().await
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(5))
}

/// One attempt may last five minutes, which is for a part of an image on a slow line; an adapter whose calls are small
/// sets its own.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_mins(5))
        .build()
}

/// None: a slow upload that still moves must not be killed.
fn stalled_streams() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::disabled()
}

/// Who tells the region; nothing when the SDK is to ask as it does, by the client it is given. Where an endpoint is given,
/// the machine's metadata service is not asked: off AWS that is a wait for nothing.
fn region(settings: &AwsSettings) -> Option<RegionProviderChain> {
    let given = settings.region.clone().map(Region::new);
    if given.is_none() && settings.endpoint.is_none() && settings.http_client.is_none() {
        return None;
    }
    let chain = RegionProviderChain::first_try(given)
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::from_static(FALLBACK_REGION));
    Some(chain)
}
