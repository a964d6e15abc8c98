//! The process's one HTTP client for AWS.

use std::sync::{Arc, LazyLock};

use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

static SHARED: LazyLock<SharedHttpClient> = LazyLock::new(|| {
    let plain = Builder::new().build_http();
    SharedHttpClient::new(ByScheme { plain, secure: Arc::new(LazyLock::new(secure)) })
});

type LazyClient = Arc<LazyLock<SharedHttpClient>>;

/// The client every SDK client of the process uses: one pool of connections, TLS roots read once.
pub(super) fn shared() -> SharedHttpClient {
    SHARED.clone()
}

fn secure() -> SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
}

/// Chooses by the request's scheme, so that TLS roots, some hundred files, are read when the first `https` request
/// is made and not before.
#[derive(Debug)]
struct ByScheme {
    plain: SharedHttpClient,
    secure: LazyClient,
}

impl HttpClient for ByScheme {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            plain: self.plain.http_connector(settings, components),
            secure: Arc::clone(&self.secure),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    plain: SharedHttpConnector,
    secure: LazyClient,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http://") {
            self.plain.call(request)
        } else {
            self.secure.http_connector(&self.settings, &self.components).call(request)
        }
    }
}
