//! What the head of an answer says of the data behind it.

use std::ops::Range;

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, LAST_MODIFIED,
    LOCATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, StatusCode};

use crate::ports::{FetchError, FetchRequest, Validator};

/// How a source answers, when not by an error.
#[derive(Debug)]
pub(super) enum Answer {
    /// Elsewhere.
    Redirect(String),
    /// By all there is.
    Whole(Answered),
    /// By a part.
    Part(Answered, Range<u64>),
    /// By the news that nothing is there from this byte on.
    Ended(Answered),
}

/// What is known of the source, and of the bytes of this answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) size: Option<u64>,
    pub(super) takes_ranges: bool,
    pub(super) validator: Option<Validator>,
    /// The first byte that comes.
    pub(super) from: u64,
    /// The byte behind the last, if that is known.
    pub(super) stop: Option<u64>,
    /// Whether what comes behind that is left alone, for it was not asked for.
    pub(super) is_cut: bool,
}

impl Answer {
    /// Reads status and headers.
    pub(super) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        request: &FetchRequest,
    ) -> Result<Self, FetchError> {
        match status.as_u16() {
            301 | 302 | 303 | 307 | 308 => match text(headers, &LOCATION)? {
                Some(location) => Ok(Self::Redirect(location.to_owned())),
                None => Err(unusable("a redirect to nowhere")),
            },
            200 => Ok(Self::Whole(plain(headers)?)),
            206 => {
                let (range, size) = content_range(headers)?;
                let range = range.ok_or_else(|| unusable("a part without its range"))?;
                Ok(Self::Part(Answered { size, takes_ranges: true, ..plain(headers)? }, range))
            }
            416 => match content_range(headers) {
                Ok((None, Some(size))) if request.from == size => {
                    Ok(Self::Ended(Answered { size: Some(size), takes_ranges: true, ..plain(headers)? }))
                }
                Ok((None, Some(size))) if request.from > size => Err(FetchError::Changed),
                _ => Err(FetchError::NoRanges),
            },
            ill @ (408 | 425 | 429 | 500..=599) => Err(FetchError::Ill(ill)),
            other => Err(FetchError::NotThere(other)),
        }
    }

    /// Holds the answer against what was asked.
    pub(super) fn source(self, request: &FetchRequest) -> Result<Answered, FetchError> {
        let source = match self {
            Self::Whole(source) => whole(source, request)?,
            Self::Part(source, range) => part(source, &range, request)?,
            Self::Ended(source) => {
                is_same(&source, request)?;
                // What comes with it is a text about that.
                Answered { from: request.from, stop: Some(request.from), is_cut: true, ..source }
            }
            Self::Redirect(_) => return Err(unusable("a redirect")),
        };
        match source.size {
            Some(size) if size > request.max_bytes => {
                Err(FetchError::TooLong { max_bytes: request.max_bytes })
            }
            _ => Ok(source),
        }
    }
}

fn whole(source: Answered, request: &FetchRequest) -> Result<Answered, FetchError> {
    if request.from > 0 {
        is_same(&source, request)?;
        return Err(FetchError::NoRanges);
    }
    let end = request.end.map(|end| source.size.map_or(end, |size| end.min(size)));
    Ok(Answered { stop: end.or(source.size), is_cut: end.is_some(), ..source })
}

/// A part begins where it was asked for, and ends no later. Ends it sooner, the rest is missing.
fn part(source: Answered, range: &Range<u64>, request: &FetchRequest) -> Result<Answered, FetchError> {
    let fits = range.start == request.from && request.end.is_none_or(|end| range.end <= end);
    if !fits || (request.from == 0 && request.end.is_none()) {
        return Err(unusable("another part than it was asked for"));
    }
    is_same(&source, request)?;
    let stop = match (request.end, source.size) {
        (Some(end), Some(size)) => end.min(size),
        (Some(end), None) => end,
        (None, Some(size)) => size,
        (None, None) => range.end,
    };
    Ok(Answered { from: range.start, stop: Some(stop), ..source })
}

/// A part need not name the time of its last change where it was asked for by that (RFC 9110, 15.3.7); an entity tag it must.
fn is_same(source: &Answered, request: &FetchRequest) -> Result<(), FetchError> {
    let Some(before) = &request.validator else { return Ok(()) };
    let is_same = match &source.validator {
        Some(now) => now == before,
        None => !before.is_tag(),
    };
    if is_same { Ok(()) } else { Err(FetchError::Changed) }
}

fn plain(headers: &HeaderMap) -> Result<Answered, FetchError> {
    let is_as_it_is = |name: &HeaderName, word: &str| -> Result<bool, FetchError> {
        Ok(text(headers, name)?.is_none_or(|coding| coding.eq_ignore_ascii_case(word)))
    };
    if !is_as_it_is(&CONTENT_ENCODING, "identity")? || !is_as_it_is(&TRANSFER_ENCODING, "chunked")? {
        return Err(unusable("an encoding that was not asked for"));
    }
    let length = match text(headers, &CONTENT_LENGTH)? {
        Some(_) if headers.contains_key(TRANSFER_ENCODING) => None,
        Some(length) => Some(number(length).ok_or_else(|| unusable("a length that is no number"))?),
        None => None,
    };
    let takes_ranges = text(headers, &ACCEPT_RANGES)?.is_some_and(|unit| unit.eq_ignore_ascii_case("bytes"));
    let validator = match text(headers, &ETAG)?.and_then(Validator::parse) {
        Some(tag) => Some(tag),
        None => text(headers, &LAST_MODIFIED)?.and_then(Validator::parse),
    };
    Ok(Answered { size: length, takes_ranges, validator, from: 0, stop: None, is_cut: false })
}

/// `bytes 0-99/100`, `bytes 0-99/*`, `bytes */100`: the bytes, and how many there are in all.
fn content_range(headers: &HeaderMap) -> Result<(Option<Range<u64>>, Option<u64>), FetchError> {
    let told = text(headers, &CONTENT_RANGE)?.unwrap_or_default();
    read_content_range(told).ok_or_else(|| unusable("a range that is none"))
}

fn read_content_range(told: &str) -> Option<(Option<Range<u64>>, Option<u64>)> {
    let (range, size) = told.strip_prefix("bytes ")?.split_once('/')?;
    let size = if size == "*" { None } else { Some(number(size)?) };
    if range == "*" {
        return Some((None, size));
    }
    let (first, last) = range.split_once('-')?;
    let (first, end) = (number(first)?, number(last)?.checked_add(1)?);
    (first < end && size.is_none_or(|size| end <= size)).then_some((Some(first..end), size))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The one value of a header.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, FetchError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| std::str::from_utf8(value.as_bytes()));
    match (value.transpose(), values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(unusable(&format!("a header '{name}' that says two things, or none"))),
    }
}

fn unusable(what: &str) -> FetchError {
    FetchError::Unusable(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_to_the_letter() {
        for (told, expected) in [
            ("bytes 0-99/100", (Some(0..100), Some(100))),
            ("bytes 5-5/*", (Some(5..6), None)),
            ("bytes */100", (None, Some(100))),
            ("bytes */*", (None, None)),
        ] {
            assert_eq!(read_content_range(told), Some(expected), "{told}");
        }
        for told in [
            "",
            "bytes",
            "bytes 0-99",
            "octets 0-99/100",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes +0-9/10",
            "bytes 0-18446744073709551615/*",
            "bytes -5/10",
        ] {
            assert_eq!(read_content_range(told), None, "{told}");
        }
    }
}
