//! Requests that need no answer, since their client has it (RFC 9110, 13).

use http::{HeaderMap, header};

/// Whether the client has what a tag stands for already (`If-None-Match`; weak comparison, RFC 9110, 13.1.2).
pub fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
