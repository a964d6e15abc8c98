//! Who vouches for a certificate: the authorities an operator trusts, by the rules of Glance's verifier (cursive).

use super::Certificate;
use crate::time::Timestamp;

/// The authorities that are trusted. Every link of a chain is one of them, up to one that vouches for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorities(Vec<Certificate>);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// The first that cannot be read, or that there is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let certificates = Certificate::read_all(text)?;
        if certificates.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(Self(certificates)) }
    }

    /// Whether they vouch for a certificate now.
    ///
    /// # Errors
    /// That they do not.
    pub(super) fn vouch(&self, certificate: &Certificate, now: Timestamp) -> Result<(), String> {
        let trusted: Vec<_> = self
            .0
            .iter()
            .filter(|authority| authority.is_valid_at(now).is_ok())
            .filter_map(|one| Some((one, one.authority()?)))
            .collect();
        let (mut link, mut between) = (certificate, 0_usize);
        // A chain longer than there are links goes round in a circle.
        for _ in 0..=trusted.len() {
            let Some((issuer, authority)) = trusted.iter().find(|(issuer, _)| link.is_issued_by(issuer))
            else {
                return Err("was issued by no trusted authority".to_owned());
            };
            if *issuer == link {
                return Ok(());
            }
            if authority.path_length.is_some_and(|most| usize::from(most) < between) {
                return Err("has a longer chain than one of its authorities vouches for".to_owned());
            }
            (link, between) = (issuer, between + 1);
        }
        Err("was issued by no trusted authority".to_owned())
    }
}
