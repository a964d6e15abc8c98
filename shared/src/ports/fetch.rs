//! Data at a URL, fetched on a user's behalf, through the one gate there is for it ([`crate::egress`]).

use std::fmt::{self, Debug};
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use super::Cause;
use crate::egress::{CheckedUrl, Refusal};
use crate::identity::Token;

/// Bytes of a source, in order, as they come. It ends with an error, never short.
pub type FetchStream = Pin<Box<dyn Stream<Item = Result<Bytes, FetchError>> + Send>>;

/// The longest validator that is kept, in bytes.
const MAX_VALIDATOR_BYTES: usize = 1024;

/// Who fetches.
#[async_trait]
pub trait Fetch: Debug + Send + Sync {
    /// Reads a URL and judges it by itself, before anything is asked for. Names are not looked up.
    ///
    /// # Errors
    /// The rule that refuses it.
    fn check(&self, url: &str) -> Result<CheckedUrl, Refusal>;

    /// Asks for data from a byte on. Redirects are followed, each judged anew, and so is each address.
    ///
    /// # Errors
    /// [`FetchError`], as it stands at each of them; the stream's own are `Unavailable`, `Short`, `TooLong` and `TimedOut`.
    async fn open(&self, request: FetchRequest) -> Result<Fetched, FetchError>;

    /// Asks how many bytes a source has; nothing where it does not say. Costs a request of one byte, and perhaps one of the head alone.
    ///
    /// # Errors
    /// As [`Self::open`].
    async fn size(&self, url: &CheckedUrl) -> Result<Option<u64>, FetchError> {
        Ok(self.open(FetchRequest { end: Some(1), ..FetchRequest::whole(url.clone()) }).await?.size)
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Where.
    pub url: CheckedUrl,
    /// The first byte.
    pub from: u64,
    /// The byte behind the last; the source's end when absent.
    pub end: Option<u64>,
    /// What the source was known by when bytes were read of it before.
    pub validator: Option<Validator>,
    /// The most bytes that the whole may have.
    pub max_bytes: u64,
    /// Sent along as `X-Auth-Token` to the URL's own server, and to no other.
    pub token: Option<Token>,
    /// Whether what lies there never changes, so that it is gone on with although it says nothing to be known again by.
    pub is_lasting: bool,
}

impl FetchRequest {
    /// All there is, however much.
    pub fn whole(url: CheckedUrl) -> Self {
        Self { url, from: 0, end: None, validator: None, max_bytes: u64::MAX, token: None, is_lasting: false }
    }
}

/// A source that answers.
pub struct Fetched {
    /// Bytes of the whole, if it says.
    pub size: Option<u64>,
    /// Whether it says that it can be asked from any byte on.
    pub takes_ranges: bool,
    /// What it is known by later, if anything.
    pub validator: Option<Validator>,
    /// The bytes that were asked for.
    pub body: FetchStream,
}

impl Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Fetched");
        told.field("size", &self.size).field("takes_ranges", &self.takes_ranges);
        told.field("validator", &self.validator).finish_non_exhaustive()
    }
}

/// What says that a source is the same as before: a strong entity tag, or the time of its last change. As `If-Range` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator(String);

impl Validator {
    /// Reads an entity tag or a date. A weak tag promises nothing of bytes, so it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_tag = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
        let is_date = text.len() == 29 && text.ends_with(" GMT");
        let is_text =
            text.len() <= MAX_VALIDATOR_BYTES && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        ((is_tag || is_date) && is_text).then(|| Self(text.to_owned()))
    }

    /// As it was told, and as [`Self::parse`] reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an entity tag.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with('"')
    }
}

/// Which time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Span {
    /// Until there is a connection.
    #[error("the source took no connection in time")]
    Connect,
    /// Until something comes.
    #[error("the source sent nothing for too long")]
    Idle,
    /// Until everything is there.
    #[error("the source took longer than a transfer may")]
    Whole,
}

/// Why there is no data, or no more. What it says is for who named the URL.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The gate refuses the URL, or what it leads to.
    #[error("the source {0}")]
    Refused(#[from] Refusal),
    /// It answered, by this status, but not with data.
    #[error("the source answered {0}")]
    NotThere(u16),
    /// It answered by this status, that it cannot now: later it may.
    #[error("the source answered {0}, which may pass")]
    Ill(u16),
    /// It cannot be reached, or broke off: later it may do.
    #[error("the source is unavailable")]
    Unavailable(#[source] Cause),
    /// It has more than may be fetched.
    #[error("the source has more than {max_bytes} bytes")]
    TooLong {
        /// The most there may be.
        max_bytes: u64,
    },
    /// It ended before what it had told was there.
    #[error("the source told of {told} bytes and ended after {came}")]
    Short {
        /// The byte that was to be the last, counted from 1.
        told: u64,
        /// The one that was.
        came: u64,
    },
    /// A time ran out.
    #[error("{0}")]
    TimedOut(Span),
    /// It is not what it was when its first bytes were read.
    #[error("the source has changed since its first bytes were read")]
    Changed,
    /// It cannot be asked from a byte on, or for a part.
    #[error("the source cannot be asked from a byte on")]
    NoRanges,
    /// It answers what nobody can take for data.
    #[error("the source answers what cannot be used: {0}")]
    Unusable(String),
}

impl FetchError {
    /// Whether the same may come to a good end when it is tried once more.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Ill(_) | Self::Unavailable(_) | Self::Short { .. } => true,
            Self::TimedOut(span) => *span != Span::Whole,
            Self::Refused(_)
            | Self::NotThere(_)
            | Self::TooLong { .. }
            | Self::Changed
            | Self::NoRanges
            | Self::Unusable(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_is_a_strong_tag_or_a_date() {
        for text in ["\"\"", "\"a b\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            let validator = Validator::parse(text).unwrap();
            assert_eq!(validator.as_str(), text);
            assert_eq!(validator.is_tag(), text.starts_with('"'));
        }
        let long = format!("\"{}\"", "a".repeat(MAX_VALIDATOR_BYTES));
        for text in ["", "\"", "W/\"a\"", "a", "\"a\r\nX: y\"", "\"\u{e9}\"", "yesterday", &long] {
            assert_eq!(Validator::parse(text), None, "{text}");
        }
    }
}
