//! What every [`Certificates`] does. Each case takes one, and a certificate that it keeps: id, the token of who may read it,
//! and its bytes.

#![expect(clippy::unwrap_used, reason = "a suite fails by panicking, as tests do")]

use futures_util::future::join_all;

use crate::id::CertificateId;
use crate::identity::Token;
use crate::ports::{Certificates, CertificatesError};

/// A certificate that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id, in small letters.
    pub id: CertificateId,
    /// Of who may read it.
    pub token: Token,
    /// What it is.
    pub bytes: Vec<u8>,
}

/// Runs every case of the suite as a test of its own. Takes an async function that answers a key manager, whatever has to live
/// as long, and a certificate that it keeps.
#[macro_export]
macro_rules! certificates_contract {
    ($fresh:path) => {
        $crate::certificates_contract! { @each $fresh:
            a_certificate_is_told_as_it_is_kept
            capital_letters_of_an_id_are_small_ones
            an_id_that_nobody_knows_is_not_found
            certificates_are_told_side_by_side
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (certificates, _site, kept) = $fresh().await;
                $crate::contract::certificates::$case(&certificates, kept).await;
            }
        )*
    };
}

/// To the byte, and again.
pub async fn a_certificate_is_told_as_it_is_kept(certificates: &dyn Certificates, kept: Kept) {
    for _ in 0..2 {
        assert_eq!(certificates.get(&kept.id, Some(&kept.token)).await.unwrap(), kept.bytes);
    }
}

/// A UUID is one however it is written.
pub async fn capital_letters_of_an_id_are_small_ones(certificates: &dyn Certificates, kept: Kept) {
    let id = kept.id.as_str().to_ascii_uppercase().parse().unwrap();
    assert_eq!(certificates.get(&id, Some(&kept.token)).await.unwrap(), kept.bytes);
}

/// Absence is told apart from silence.
pub async fn an_id_that_nobody_knows_is_not_found(certificates: &dyn Certificates, kept: Kept) {
    let id = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    let told = certificates.get(&id, Some(&kept.token)).await;
    assert!(matches!(told, Err(CertificatesError::NotFound)), "{told:?}");
}

/// Requests do not wait for, or mix with, each other.
pub async fn certificates_are_told_side_by_side(certificates: &dyn Certificates, kept: Kept) {
    let token = Some(&kept.token);
    for told in join_all((0..20).map(|_| certificates.get(&kept.id, token))).await {
        assert_eq!(told.unwrap(), kept.bytes);
    }
}
