//! How signed images are verified: whom to ask for certificates, and whom to believe.

use std::path::PathBuf;

use super::content::{Content, FileOf, TextOf, said};

/// How signed images are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignaturesConfig {
    /// Who keeps the certificates.
    pub key_manager: KeyManager,
    /// The directory of certificates.
    pub directory: Option<PathBuf>,
    /// URL of Barbican.
    pub barbican_endpoint: Option<String>,
    /// PEM file of the authorities that Barbican's own certificate is signed by; the system's when absent.
    pub barbican_ca_file: Option<PathBuf>,
    /// How long Barbican may take.
    pub barbican_timeout_seconds: u64,
    /// Authorities that must have issued a signer's certificate, in a file.
    pub trusted_certificates_file: Option<FileOf<TrustedCertificates>>,
    /// The same as a text.
    pub trusted_certificates: Option<TextOf<TrustedCertificates>>,
}

/// Who keeps the certificates that images are signed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManager {
    /// Nobody: signed images are refused.
    None,
    /// A directory.
    Directory,
    /// Barbican.
    Barbican,
}

/// Certificates in PEM. What they say is looked at by who verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCertificates(String);

impl TrustedCertificates {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Content for TrustedCertificates {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains("-----BEGIN CERTIFICATE-----") {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be certificates in PEM".to_owned())
        }
    }
}

impl Default for SignaturesConfig {
    fn default() -> Self {
        Self {
            key_manager: KeyManager::None,
            directory: None,
            barbican_endpoint: None,
            barbican_ca_file: None,
            barbican_timeout_seconds: 5,
            trusted_certificates_file: None,
            trusted_certificates: None,
        }
    }
}

impl SignaturesConfig {
    /// The authorities that must have issued a signer's certificate, with the key that says so.
    pub fn trusted(&self) -> Option<(&'static str, &TrustedCertificates)> {
        let file = ("signatures.trusted_certificates_file", self.trusted_certificates_file.as_ref());
        let text = ("signatures.trusted_certificates", self.trusted_certificates.as_ref());
        said(file, text).map(|said| (said.key, said.content))
    }

    /// What does not fit the rest: the key to change, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        let told = |key, why: &str| Some((key, why.to_owned()));
        match self.key_manager {
            KeyManager::Directory if self.directory.is_none() => {
                told("signatures.directory", "must be a directory when signatures.key_manager is directory")
            }
            KeyManager::Barbican if self.barbican_endpoint.is_none() => told(
                "signatures.barbican_endpoint",
                "must be the URL of Barbican when signatures.key_manager is barbican",
            ),
            _ if self.trusted_certificates.is_some() && self.trusted_certificates_file.is_some() => told(
                "signatures.trusted_certificates",
                "must not be set beside signatures.trusted_certificates_file",
            ),
            KeyManager::None | KeyManager::Directory | KeyManager::Barbican => None,
        }
    }
}
