//! Which bytes a download asks for (RFC 9110, 14; `Content-Range` in a request is what old Glance clients send).

use std::ops::Range;

use axum::http::{HeaderMap, header};
use shared::Error;

/// The bytes asked for, or `None` for all of them.
///
/// # Errors
/// `RangeNotSatisfiable` when the range is malformed or begins past the end, `Invalid` when there are several.
pub(crate) fn asked(headers: &HeaderMap, size: u64) -> Result<Option<Range<u64>>, Error> {
    let text =
        |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or_default());
    let unsatisfiable = Error::RangeNotSatisfiable { size };
    match (text(header::RANGE), text(header::CONTENT_RANGE)) {
        (None, None) => Ok(None),
        (Some(range), _) if range.contains(',') => {
            Err(Error::Invalid("Requests with multiple ranges are not supported.".to_owned()))
        }
        (Some(range), _) => parse(range, size).map(Some).ok_or(unsatisfiable),
        (None, Some(range)) => parse_content_range(range, size).map(Some).ok_or(unsatisfiable),
    }
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`; an end past the last byte is the last byte.
fn parse(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
    let range = match (first, last) {
        ("", suffix) => size.saturating_sub(number(suffix)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    (range.start < range.end).then_some(range)
}

/// `bytes a-b/*` or `bytes a-b/size`: nothing is cut to fit.
fn parse_content_range(text: &str, size: u64) -> Option<Range<u64>> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, end) = (number(first)?, number(last)?.checked_add(1)?);
    let total_fits = total == "*" || number(total) == Some(size);
    (total_fits && first < end && end <= size).then_some(first..end)
}

/// A number of any length: what is larger than any image reaches past the end of each.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(name: &'static str, value: &str, size: u64) -> Result<Option<Range<u64>>, Error> {
        let headers = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
        asked(&headers, size)
    }

    #[test]
    fn a_range_is_what_the_reference_says() {
        for (text, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=0-99", Some(0..10)),
            ("bytes=3-5", Some(3..6)),
            ("bytes=9-", Some(9..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-30", Some(0..10)),
            ("bytes=0-18446744073709551615", Some(0..10)),
            ("bytes=0-99999999999999999999", Some(0..10)),
            ("bytes=-99999999999999999999", Some(0..10)),
            ("bytes=99999999999999999999-", None),
            ("bytes=99999999999999999999-1", None),
            ("bytes=10-", None),
            ("bytes=5-3", None),
            ("bytes=-0", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("octets=0-1", None),
            ("", None),
        ] {
            match (range("range", text, 10), expected) {
                (Ok(Some(range)), Some(expected)) => assert_eq!(range, expected, "{text}"),
                (Err(Error::RangeNotSatisfiable { size: 10 }), None) => {}
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(range("range", "bytes=0-1,3-4", 10), Err(Error::Invalid(_))));
        assert!(matches!(range("accept", "bytes=0-1", 10), Ok(None)));
    }

    #[test]
    fn the_old_form_is_taken_to_the_letter() {
        assert_eq!(range("content-range", "bytes 2-4/*", 10).unwrap(), Some(2..5));
        assert_eq!(range("content-range", "bytes 2-9/10", 10).unwrap(), Some(2..10));
        for wrong in ["bytes 2-10/*", "bytes 2-4/9", "bytes 4-2/*", "2-4/*", "bytes 0-99999999999999999999/*"]
        {
            assert!(
                matches!(range("content-range", wrong, 10), Err(Error::RangeNotSatisfiable { .. })),
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_range_lies_within_the_data(text in "bytes=[0-9]{0,30}-[0-9]{0,30}", size in 0..u64::MAX) {
            if let Ok(Some(range)) = range("range", &text, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
