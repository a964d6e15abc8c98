//! How a function in the cloud sets up the SDK: by what the platform puts into its environment, and by nothing else.
//!
//! The SDK's own way asks profiles, web identities, containers and the machine, and builds a client for each before the
//! first of them answers. A function has none of these, so it does not link them.

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::{AwsSettings, FALLBACK_REGION, client, retries, stalled_streams, timeouts};

/// Sets up the SDK by the process's variables.
pub(super) fn sdk_config(settings: &AwsSettings) -> SdkConfig {
    told(settings, |name| std::env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty()))
}

/// Sets up the SDK by variables: region, credentials, endpoint (one of a whole cloud), FIPS and dual stack, as the SDK names
/// them. Without credentials every call fails, and says so.
pub(super) fn told(settings: &AwsSettings, variable: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let region =
        settings.region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    let endpoint = settings.endpoint.clone().or_else(|| variable("AWS_ENDPOINT_URL"));
    let region = region.or_else(|| endpoint.as_ref().map(|_| FALLBACK_REGION.to_owned()));
    let is_on = |name| variable(name).map(|value| value.eq_ignore_ascii_case("true"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(settings.http_client.clone().unwrap_or_else(client::function))
        .retry_config(retries())
        .timeout_config(timeouts())
        .stalled_stream_protection(stalled_streams())
        // What the environment gives does not change while the process lives.
        .identity_cache(IdentityCache::no_cache());
    config
        .set_region(region.map(Region::new))
        .set_endpoint_url(endpoint)
        .set_use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .set_use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"))
        .set_credentials_provider(settings.credentials.clone().or_else(|| credentials(&variable)));
    config.build()
}

fn credentials(variable: &impl Fn(&str) -> Option<String>) -> Option<SharedCredentialsProvider> {
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "function");
    Some(SharedCredentialsProvider::new(credentials))
}
