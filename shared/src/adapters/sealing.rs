//! Tokens sealed by ChaCha20-Poly1305, each under a nonce of its own and for one image.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use crate::id::ImageId;
use crate::identity::Token;
use crate::ports::{Cause, TokenSeals};

/// Seals by a key that is made of a secret.
pub struct SealedTokens {
    key: LessSafeKey,
}

/// What the key is for, so that no other use of the same secret has it.
const PURPOSE: &[u8] = b"glint import token 1";

impl fmt::Debug for SealedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTokens").finish_non_exhaustive()
    }
}

impl SealedTokens {
    /// One that seals by a secret nobody else knows.
    ///
    /// # Errors
    /// When no key can be made of it.
    pub fn new(secret: &str) -> Result<Self, Cause> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        mac.update(PURPOSE);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &mac.finalize().into_bytes());
        Ok(Self { key: LessSafeKey::new(key.map_err(|_| "no key can be made of the secret")?) })
    }
}

impl TokenSeals for SealedTokens {
    fn seal(&self, token: &Token, image: &ImageId) -> Result<String, Cause> {
        let mut nonce = [0; NONCE_LEN];
        // Many times as many tokens could be sealed as there ever are, before two nonces were likely to meet.
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let mut sealed = token.reveal().as_bytes().to_vec();
        let at = Nonce::assume_unique_for_key(nonce);
        let done = self.key.seal_in_place_append_tag(at, Aad::from(image.as_str()), &mut sealed);
        done.map_err(|_| "the token is too long to be sealed")?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    fn open(&self, sealed: &str, image: &ImageId) -> Option<Token> {
        let sealed = STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let (nonce, mut sealed) = (Nonce::assume_unique_for_key(*nonce), sealed.to_vec());
        let opened = self.key.open_in_place(nonce, Aad::from(image.as_str()), &mut sealed).ok()?;
        std::str::from_utf8(opened).ok().map(Token::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "a secret of thirty-two characters";

    proptest! {
        #[test]
        fn a_token_is_read_by_the_key_and_for_the_image_it_was_sealed_for_alone(
            text in "[ -~]{1,400}", image: u128, other: u128, at: prop::sample::Index, bit in 0..8_u32,
        ) {
            let (image, other) = (ImageId::from_random(image), ImageId::from_random(other));
            let (seals, token) = (SealedTokens::new(SECRET).unwrap(), Token::new(text.clone()));
            let sealed = seals.seal(&token, &image).unwrap();
            prop_assert_eq!(seals.open(&sealed, &image), Some(token.clone()));
            prop_assert_eq!(SealedTokens::new(SECRET).unwrap().open(&sealed, &image), Some(token.clone()));
            prop_assert_eq!(seals.open(&sealed, &other).is_some(), image == other);
            prop_assert_eq!(SealedTokens::new("another secret of its own, as long").unwrap().open(&sealed, &image), None);
            let mut changed = STANDARD_NO_PAD.decode(&sealed).unwrap();
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
            prop_assert_eq!(seals.open(&STANDARD_NO_PAD.encode(&changed), &image), None);
            prop_assert_eq!(seals.open(&STANDARD_NO_PAD.encode(&changed[..at]), &image), None);
            // One sealed twice tells nobody that it is the same.
            prop_assert_ne!(seals.seal(&token, &image).unwrap(), sealed);
        }
    }

    #[test]
    fn nothing_of_key_or_token_is_shown() {
        let seals = SealedTokens::new(SECRET).unwrap();
        assert_eq!(format!("{seals:?}"), "SealedTokens { .. }");
        let sealed = seals.seal(&Token::new("hush"), &ImageId::from_random(1)).unwrap();
        assert!(!sealed.contains("hush"));
        for text in ["", "hush", "AAAA", "\u{e9}"] {
            assert_eq!(seals.open(text, &ImageId::from_random(1)), None);
        }
    }
}
