//! What hosts and what stands before them do to answers, taken back, so that the same service reads the same everywhere.

use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, header};
use bytes::Bytes;

/// Headers of one connection, or of who sent the answer last (RFC 9110, 6.6.1, 7.6.1, 7.6.3, 10.2.4).
const HOP: [&str; 9] =
    ["connection", "date", "keep-alive", "server", "te", "trailer", "transfer-encoding", "upgrade", "via"];

/// Headers that are an API gateway's own ("Reserved headers" in AWS's "Transform API requests and responses for HTTP
/// APIs"), `apigw-requestid` and `x-amzn-requestid` among them.
const GATEWAY: [&str; 3] = ["apigw-", "x-amz-", "x-amzn-"];

/// An API gateway that keeps a header's name for itself hands an answer's own on under this prefix ("Important notes" in
/// AWS's guide: `WWW-Authenticate` becomes `x-amzn-remapped-www-authenticate`).
const REMAPPED: &str = "x-amzn-remapped-";

/// An answer as the service gave it: under their own names, the headers that say something of it.
pub(crate) fn read(method: &Method, mut answer: Response<Bytes>) -> Response<Bytes> {
    let (status, length) = (answer.status(), answer.body().len());
    let mut headers = own(answer.headers());
    if [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status) {
        // They have no body, so what is said of one is nobody's: a gateway invents a type, a server leaves the length out.
        assert_eq!(length, 0, "{status} came with a body");
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_TYPE);
    } else if let Some(announced) = headers.get(header::CONTENT_LENGTH).filter(|_| method != Method::HEAD) {
        assert_eq!(announced, &length.to_string(), "the body has another length than was announced");
    }
    *answer.headers_mut() = headers;
    answer
}

fn own(all: &HeaderMap) -> HeaderMap {
    let mut headers: HeaderMap = all
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            !HOP.contains(&name) && !GATEWAY.iter().any(|prefix| name.starts_with(prefix))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in all {
        let remapped = name.as_str().strip_prefix(REMAPPED).filter(|name| !HOP.contains(name));
        if let Some(name) = remapped.and_then(|name| name.parse::<HeaderName>().ok()) {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: u16, headers: &[(&str, &str)], body: &'static str) -> Vec<String> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let answer = read(&Method::GET, answer.body(Bytes::from_static(body.as_bytes())).unwrap());
        let headers = answer.headers().iter();
        headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn a_gateways_headers_are_not_the_services() {
        let headers = [
            ("connection", "keep-alive"),
            ("date", "Thu, 01 Oct 2026 08:00:00 GMT"),
            ("apigw-requestid", "QmT7x5gzliAEJ8w="),
            ("x-amzn-requestid", "3b3fc2b8fce2"),
            ("retry-after", "2"),
        ];
        assert_eq!(seen(503, &headers, ""), ["retry-after: 2"]);
    }

    #[test]
    fn a_header_that_was_renamed_on_its_way_has_its_name_back() {
        let headers = [
            ("x-amzn-remapped-www-authenticate", "Keystone"),
            ("x-amzn-remapped-date", "Thu, 01 Oct 2026 08:00:00 GMT"),
            ("x-amzn-remapped-content-length", "7"),
            ("content-length", "3"),
        ];
        assert_eq!(seen(401, &headers, "abc"), ["content-length: 3", "www-authenticate: Keystone"]);
    }

    #[test]
    fn an_answer_that_has_no_body_says_nothing_of_one() {
        let headers = [("content-length", "0"), ("content-type", "application/json"), ("etag", "\"e\"")];
        assert_eq!(seen(204, &headers, ""), ["etag: \"e\""]);
        assert_eq!(seen(304, &headers, ""), ["etag: \"e\""]);
    }

    #[test]
    #[should_panic(expected = "another length than was announced")]
    fn an_answer_that_is_cut_short_is_noticed() {
        seen(200, &[("content-length", "4")], "abc");
    }
}
