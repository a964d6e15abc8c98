//! The process's one HTTP client for AWS.

use std::sync::LazyLock;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, HttpClientError};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// The roots that certificates of AWS's own services end at: Amazon Root CA 1 to 4 and Starfield Services Root G2
/// (amazontrust.com/repository).
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// Where AWS's own services are. Elsewhere, as in `amazonaws.com.cn`, certificates may end at other roots.
const AMAZON_DOMAINS: [&str; 2] = [".amazonaws.com", ".api.aws"];

/// What an operator names other roots by, for example those of a proxy that looks into what passes.
const OTHER_ROOTS: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

type Lazy = LazyLock<SharedHttpClient>;

static PLAIN: Lazy = LazyLock::new(|| Builder::new().build_http());
static AMAZON: Lazy = LazyLock::new(|| https(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)));
static SYSTEM: Lazy = LazyLock::new(|| https(TrustStore::default()));

static MACHINE_CLIENT: Lazy = LazyLock::new(|| SharedHttpClient::new(ByAddress { amazon: None }));
static FUNCTION_CLIENT: Lazy = LazyLock::new(|| {
    let is_told = OTHER_ROOTS.iter().any(|name| std::env::var_os(name).is_some());
    SharedHttpClient::new(ByAddress { amazon: (!is_told).then_some(&AMAZON) })
});

/// The client every SDK client of the process uses: one pool of connections, the system's TLS roots, read once.
pub(super) fn machine() -> SharedHttpClient {
    MACHINE_CLIENT.clone()
}

/// The same of a function in the cloud, which trusts AWS's own services by five built-in roots instead of the system's
/// hundred and more: these are read for other servers only.
pub(super) fn function() -> SharedHttpClient {
    FUNCTION_CLIENT.clone()
}

fn https(roots: TrustStore) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(roots).build();
    let context =
        context.unwrap_or_else(|error: HttpClientError| unreachable!("roots are looked at later: {error}"));
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build_https()
}

/// Chooses by the request's address, so that TLS roots are read when the first request needs them and not before.
#[derive(Debug)]
struct ByAddress {
    /// What asks AWS's own services, when not what asks all others.
    amazon: Option<&'static Lazy>,
}

impl ByAddress {
    fn client(&self, address: &str) -> &'static SharedHttpClient {
        match (address.strip_prefix("https://"), self.amazon) {
            (None, _) => &PLAIN,
            (Some(rest), Some(amazon)) if is_amazon(rest) => amazon,
            (Some(_), _) => &SYSTEM,
        }
    }
}

impl HttpClient for ByAddress {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let (amazon, settings, components) = (self.amazon, settings.clone(), components.clone());
        SharedHttpConnector::new(Connector { clients: Self { amazon }, settings, components })
    }
}

#[derive(Debug)]
struct Connector {
    clients: ByAddress,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.clients.client(request.uri());
        client.http_connector(&self.settings, &self.components).call(request)
    }
}

/// Whether an address without its scheme is of AWS's own services.
fn is_amazon(address: &str) -> bool {
    let host = address.split(['/', '?', ':']).next().unwrap_or_default();
    AMAZON_DOMAINS.iter().any(|domain| host.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_services_of_aws_are_asked_by_its_own_roots() {
        let cases = [
            ("https://dynamodb.eu-central-1.amazonaws.com", &AMAZON),
            ("https://123456789012.ddb.eu-central-1.amazonaws.com/?x", &AMAZON),
            ("https://images.s3.eu-central-1.amazonaws.com:443/key", &AMAZON),
            ("https://dynamodb.eu-central-1.api.aws/", &AMAZON),
            ("https://s3.cn-north-1.amazonaws.com.cn/", &SYSTEM),
            ("https://store.example.com/.amazonaws.com", &SYSTEM),
            ("https://notamazonaws.com/", &SYSTEM),
            ("http://dynamodb.eu-central-1.amazonaws.com/", &PLAIN),
        ];
        let (function, machine) = (ByAddress { amazon: Some(&AMAZON) }, ByAddress { amazon: None });
        for (address, lazy) in cases {
            assert!(std::ptr::eq(function.client(address), LazyLock::force(lazy)), "{address}");
            let plain = address.starts_with("http://");
            let lazy = if plain { &PLAIN } else { &SYSTEM };
            assert!(std::ptr::eq(machine.client(address), LazyLock::force(lazy)), "{address}");
        }
    }
}
