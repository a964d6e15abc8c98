//! Who keeps the certificates that images are signed by.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Cause;
use crate::id::CertificateId;
use crate::identity::Token;

/// A key manager, as far as signed images need one.
#[async_trait]
pub trait Certificates: Debug + Send + Sync {
    /// A certificate, in PEM or DER, of at most [`MAX_CERTIFICATE_BYTES`]. What it says is not looked at. Where callers are
    /// told apart, the token of the one on whose behalf it is asked for decides whether there is one.
    async fn get(&self, id: &CertificateId, token: Option<&Token>) -> Result<Vec<u8>, CertificatesError>;
}

/// More than any certificate in use, and three times what Barbican takes by default.
pub const MAX_CERTIFICATE_BYTES: u64 = 64 << 10;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// There is none of this id.
    #[error("no such certificate")]
    NotFound,
    /// There may be one, but not for this caller, or not as a certificate.
    #[error("the key manager does not give the certificate")]
    Refused(#[source] Cause),
    /// Nobody can be asked now.
    #[error("the key manager is unavailable")]
    Unavailable(#[source] Cause),
}
