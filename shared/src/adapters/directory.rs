//! A directory as key manager: `<uuid>.pem` or `<uuid>.der`, for everybody who may upload.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::io::AsyncReadExt as _;

use crate::id::CertificateId;
use crate::identity::Token;
use crate::ports::{Certificates, CertificatesError, MAX_CERTIFICATE_BYTES};

/// Certificates that an operator has put into a directory. Each is read when it is asked for.
#[derive(Clone, Debug)]
pub struct CertificateDirectory {
    root: PathBuf,
}

impl CertificateDirectory {
    /// A directory, which may come into being later.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

#[async_trait]
impl Certificates for CertificateDirectory {
    /// Tells nobody apart: who is let in by the service's own rules may use every certificate.
    async fn get(&self, id: &CertificateId, _: Option<&Token>) -> Result<Vec<u8>, CertificatesError> {
        // Its digits name the file, and no letter of it can be one of a path.
        let name = id.as_str().to_ascii_lowercase();
        for extension in ["pem", "der"] {
            let path = self.root.join(format!("{name}.{extension}"));
            match read(&path).await {
                Ok(bytes) if bytes.len() as u64 > MAX_CERTIFICATE_BYTES => {
                    let why = format!("{} holds more than {MAX_CERTIFICATE_BYTES} bytes", path.display());
                    return Err(CertificatesError::Refused(why.into()));
                }
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let why = format!("cannot read {}: {error}", path.display());
                    return Err(CertificatesError::Unavailable(why.into()));
                }
            }
        }
        Err(CertificatesError::NotFound)
    }
}

/// A file's bytes, one more than a certificate may have at most.
async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(MAX_CERTIFICATE_BYTES + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
