//! Whom TLS trusts: what every client over HTTP shares.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why nobody can be trusted. For the log.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}", path = path.display())]
pub(super) struct AuthoritiesError {
    pub(super) path: PathBuf,
    pub(super) why: String,
}

/// TLS that trusts a file's authorities, or the system's, or, where it is not spoken, nobody.
pub(super) fn tls(ca_file: Option<&Path>, is_spoken: bool) -> Result<ClientConfig, AuthoritiesError> {
    let fault = |why: String| AuthoritiesError { path: ca_file.unwrap_or(Path::new("")).to_owned(), why };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| fault(error.to_string()))?;
    let config = match ca_file {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let found = CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| fault(error.to_string()))?;
                roots.add(certificate).map_err(|error| fault(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(fault("holds no certificate".to_owned()));
            }
            builder.with_root_certificates(roots)
        }
        None if is_spoken => builder.with_native_roots().map_err(|error| fault(error.to_string()))?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(config.with_no_client_auth())
}
