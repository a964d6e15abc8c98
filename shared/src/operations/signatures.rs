//! Signed images: whose certificate is asked for, and what is said when there is none.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::identity::Token;
use crate::image::Image;
use crate::ports::Certificates;
#[cfg(feature = "signatures")]
use crate::ports::CertificatesError;
use crate::ports::Clock;
#[cfg(feature = "signatures")]
use crate::signature::{Authorities, CERTIFICATE, Declared, SignatureError, Verifier};
use crate::signature::{Said, Verify, said};

/// What is needed to verify signed images.
#[derive(Clone, Debug)]
pub struct Signatures {
    /// Who keeps the certificates; nobody when none is configured.
    pub certificates: Option<Arc<dyn Certificates>>,
    /// Whom a certificate must have been issued by; anybody when nobody is configured.
    #[cfg(feature = "signatures")]
    pub authorities: Option<Arc<Authorities>>,
}

/// The verifier of an image whose record may be read more than once before its data is taken: the certificate is asked for
/// again only when the image has come to say something else.
#[derive(Debug, Default)]
pub(super) struct Signed {
    said: Option<[String; 4]>,
    verifier: Option<Arc<dyn Verify>>,
}

impl Signed {
    /// What another process decides by, when the image is signed.
    pub(super) fn saved(&self) -> Option<String> {
        self.verifier.as_ref().map(|verifier| verifier.save())
    }

    /// What decides on the data, when the image is signed.
    pub(super) fn verifier(self) -> Option<Arc<dyn Verify>> {
        self.verifier
    }
}

impl Signatures {
    /// What verifies nothing: signed images are refused.
    pub fn none() -> Self {
        Self {
            certificates: None,
            #[cfg(feature = "signatures")]
            authorities: None,
        }
    }

    /// Prepares for an image's data, if it is signed. Cost: for a signed one a call to the key manager.
    ///
    /// # Errors
    /// `Invalid` when it cannot be verified, naming the property; `Unavailable` when the key manager does not answer.
    pub(super) async fn prepare(
        &self,
        image: &Image,
        token: Option<&Token>,
        clock: &dyn Clock,
        signed: &mut Signed,
    ) -> Result<()> {
        let Some(said) = said(&image.properties) else {
            *signed = Signed::default();
            return Ok(());
        };
        let words = [said.signature, said.hash_method, said.key_type, said.certificate].map(str::to_owned);
        if signed.said.as_ref() != Some(&words) {
            let verifier = self.verifier(&said, token, clock).await?;
            *signed = Signed { said: Some(words), verifier: Some(verifier) };
        }
        Ok(())
    }

    #[cfg(feature = "signatures")]
    async fn verifier(
        &self,
        said: &Said<'_>,
        token: Option<&Token>,
        clock: &dyn Clock,
    ) -> Result<Arc<dyn Verify>> {
        let declared = Declared::read(said)?;
        let id = declared.certificate.clone();
        let blamed = |why: String| Error::from(SignatureError::new(CERTIFICATE, why));
        let Some(certificates) = &self.certificates else {
            let why = format!("certificate {id} cannot be had: no key manager is configured");
            return Err(blamed(why));
        };
        let bytes = certificates.get(&id, token).await.map_err(|error| match error {
            CertificatesError::NotFound => blamed(format!("there is no certificate {id}")),
            CertificatesError::Refused(cause) => {
                tracing::warn!(certificate = %id, cause = &*cause, "the key manager does not give a certificate");
                blamed(format!("the key manager does not give certificate {id}"))
            }
            CertificatesError::Unavailable(cause) => Error::Unavailable(cause),
        })?;
        let (authorities, now) = (self.authorities.clone(), clock.now());
        // Big numbers, and not ours: they take milliseconds, and what they may break is this task alone.
        let made =
            tokio::task::spawn_blocking(move || Verifier::new(declared, &bytes, authorities.as_deref(), now));
        Ok(Arc::new(made.await.map_err(Error::internal)??))
    }

    #[cfg(not(feature = "signatures"))]
    #[expect(clippy::unused_async, reason = "as where there is somebody to ask")]
    async fn verifier(&self, said: &Said<'_>, _: Option<&Token>, _: &dyn Clock) -> Result<Arc<dyn Verify>> {
        let why = format!("this service was built without what verifies it: {}", said.certificate);
        Err(Error::from(crate::signature::SignatureError::new(crate::signature::CERTIFICATE, why)))
    }
}
