//! Error bodies, in the three shapes clients of the Image service have learnt to read.
//!
//! glanceclient strips tags from HTML, openstacksdk reads `message` of JSON, people read the text. The shapes are those of
//! `WebOb`, which Glance answers with, down to the blanks.

use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The shape a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Html,
    Json,
    Text,
}

/// Writes an error's body, and its content type, as the request's `Accept` asks.
pub(super) fn render(accept: &[HeaderValue], status: StatusCode, text: &str) -> (HeaderValue, String) {
    let title = title(status);
    let line = format!("{} {title}", status.as_u16());
    match shape(accept) {
        Shape::Html => {
            let text = escape(text);
            let page = format!(
                "<html>\n <head>\n  <title>{line}</title>\n </head>\n <body>\n  <h1>{line}</h1>\n  \
                 {text}<br /><br />\n\n\n\n </body>\n</html>"
            );
            (HeaderValue::from_static("text/html; charset=UTF-8"), page)
        }
        Shape::Json => {
            let message = format!("{text}<br /><br />\n\n\n");
            let object = serde_json::json!({ "message": message, "code": line, "title": title });
            (HeaderValue::from_static("application/json"), object.to_string())
        }
        Shape::Text => {
            (HeaderValue::from_static("text/plain; charset=UTF-8"), format!("{line}\n\n{text}\n\n   "))
        }
    }
}

/// The reason phrases of `WebOb`: part of the body, so they are not the HTTP library's to change.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        StatusCode::RANGE_NOT_SATISFIABLE => "Requested Range Not Satisfiable",
        status => status.canonical_reason().unwrap_or("Error"),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// HTML when it is as welcome as JSON, JSON when it is more welcome, text when neither is.
fn shape(accept: &[HeaderValue]) -> Shape {
    let ranges = ranges(accept);
    let (html, json) = (quality(&ranges, "text", "html"), quality(&ranges, "application", "json"));
    match (html, json) {
        (0, 0) => Shape::Text,
        (html, json) if html >= json => Shape::Html,
        _ => Shape::Json,
    }
}

fn ranges(accept: &[HeaderValue]) -> Vec<&str> {
    accept.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect()
}

/// Whether a client would rather read JSON than plain text; text when it does not care.
pub fn prefers_json(headers: &HeaderMap) -> bool {
    let accept: Vec<_> = headers.get_all(header::ACCEPT).iter().cloned().collect();
    let ranges = ranges(&accept);
    quality(&ranges, "application", "json") > quality(&ranges, "text", "plain")
}

/// How welcome a type is, in thousandths: what the most specific range that matches says (RFC 9110, 12.5.1).
fn quality(ranges: &[&str], kind: &str, subtype: &str) -> u16 {
    let matching = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
        let specific = match (range_kind, range_subtype) {
            ("*", "*") => 0,
            (range, "*") if range.eq_ignore_ascii_case(kind) => 1,
            (range, sub) if range.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some((specific, weight.map_or(1000, thousandths)))
    });
    matching.max_by_key(|(specific, _)| *specific).map_or(0, |(_, weight)| weight)
}

fn thousandths(weight: &str) -> u16 {
    match weight.split_once('.') {
        None => weight.parse::<u16>().map_or(1000, |whole| whole.min(1) * 1000),
        Some(("1", _)) => 1000,
        Some((_, digits)) => {
            format!("{digits:0<3}").get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(accept: &str, text: &str) -> (HeaderValue, String) {
        render(&[HeaderValue::try_from(accept).unwrap()], StatusCode::NOT_FOUND, text)
    }

    #[test]
    fn a_client_gets_the_shape_it_accepts() {
        for (accept, expected) in [
            ("application/json", Shape::Json),
            ("*/*", Shape::Html),
            ("text/html", Shape::Html),
            ("application/json, */*", Shape::Html),
            ("text/html;q=0.5, application/json", Shape::Json),
            ("text/*;q=0.3, application/json;q=0.25", Shape::Html),
            ("application/*", Shape::Json),
            ("text/html;q=0, */*", Shape::Json),
            ("text/html;q=0.000, application/json; q=0", Shape::Text),
            ("", Shape::Text),
            ("text/plain", Shape::Text),
            ("application/octet-stream", Shape::Text),
            ("nonsense", Shape::Text),
        ] {
            assert_eq!(shape(&[HeaderValue::try_from(accept).unwrap()]), expected, "{accept}");
        }
        assert_eq!(shape(&[]), Shape::Text);
    }

    #[test]
    fn the_bodies_are_those_of_webob() {
        let (kind, body) = rendered("application/json", "No image found with ID x");
        assert_eq!(kind, "application/json");
        assert_eq!(
            body,
            r#"{"code":"404 Not Found","message":"No image found with ID x<br /><br />\n\n\n","title":"Not Found"}"#
        );
        let (kind, body) = rendered("", "No image found with ID x");
        assert_eq!(kind, "text/plain; charset=UTF-8");
        assert_eq!(body, "404 Not Found\n\nNo image found with ID x\n\n   ");
        let (kind, body) = rendered("*/*", "No <b> & 'it'");
        assert_eq!(kind, "text/html; charset=UTF-8");
        assert_eq!(
            body,
            "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No \
             &lt;b&gt; &amp; &#x27;it&#x27;<br /><br />\n\n\n\n </body>\n</html>"
        );
    }

    #[test]
    fn titles_are_those_of_webob() {
        assert_eq!(title(StatusCode::PAYLOAD_TOO_LARGE), "Request Entity Too Large");
        assert_eq!(title(StatusCode::RANGE_NOT_SATISFIABLE), "Requested Range Not Satisfiable");
        assert_eq!(title(StatusCode::CONFLICT), "Conflict");
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_accept_breaks_a_body(accept in "[ -~]{0,40}", text in ".{0,40}") {
            let (kind, body) = rendered(&accept, &text);
            match kind.to_str().unwrap() {
                "application/json" => {
                    let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
                    proptest::prop_assert_eq!(&parsed["message"], &format!("{text}<br /><br />\n\n\n"));
                }
                "text/html; charset=UTF-8" => proptest::prop_assert_eq!(body.matches('<').count(), 12),
                _ => proptest::prop_assert!(body.contains(&text)),
            }
        }
    }
}
