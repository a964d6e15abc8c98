//! What holds for any text that is named as a URL: the bodies of property tests and of a fuzz target.

use std::net::Ipv4Addr;

use super::{AddressClass, CheckedUrl, MAX_URL_BYTES, Rules, Scheme};

/// Any text is refused, or is a URL that says the same to whoever reads it: what was judged is what is connected to. So is any
/// redirect.
pub fn any_url_is_judged(text: &str) {
    let rules = Rules::default();
    if let Ok(url) = rules.check(text) {
        is_clean(&url);
        assert_eq!(
            rules.check(url.as_str()).as_ref(),
            Ok(&url),
            "{text:?} is read otherwise when it is read again"
        );
    }
    let Ok(base) = rules.check("https://images.example/a/b?c") else { return };
    if let Ok(next) = rules.follow(&base, text) {
        is_clean(&next);
        assert_eq!(next.scheme(), Scheme::Https, "{text:?}");
    }
}

/// However an IPv4 address is written as a host, it is refused, or connected to as what it is judged as.
pub fn any_way_to_write_an_address_is_refused_or_plain(address: [u8; 4], way: u8) {
    let rules = Rules::default();
    let (plain, [a, b, c, d]) = (Ipv4Addr::from(address), address);
    let (number, high) = (u32::from(plain), u32::from(plain) >> 16);
    let host = match way % 16 {
        0 => plain.to_string(),
        1 => number.to_string(),
        2 => format!("0x{number:x}"),
        3 => format!("0{number:o}"),
        4 => format!("{a}.{}", number & 0xff_ffff),
        5 => format!("{a}.{b}.{}", number & 0xffff),
        6 => format!("0x{a:x}.{b}.{c}.{d}"),
        7 => format!("{a}.{b}.{c}.0{d:o}"),
        8 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        9 => format!("[::ffff:{high:x}:{:x}]", number & 0xffff),
        10 => format!("[::ffff:{plain}]"),
        11 => format!("[64:ff9b::{plain}]"),
        12 => format!("[2002:{high:x}:{:x}::1]", number & 0xffff),
        13 => plain.to_string().replace('.', "\u{3002}"),
        14 => format!("{plain}."),
        _ => format!("{a}.{b}.{c}.%3{}", d % 10),
    };
    let Ok(url) = rules.check(&format!("http://{host}/")) else { return };
    let read = url.address();
    assert!(read.is_some_and(|read| AddressClass::of(read).is_none()), "{host} passes as {read:?}");
    assert_eq!(AddressClass::of(plain.into()), None, "{host} passes and is {plain}");
    assert!(matches!(way % 16, 0 | 9..=12), "{host} passes");
}

/// A URL that passed by the default rules.
fn is_clean(url: &CheckedUrl) {
    let text = url.as_str();
    assert!(text.len() <= MAX_URL_BYTES && text.is_ascii() && !text.contains(['#', '\\', ' ']), "{text:?}");
    assert!([80, 443].contains(&url.port()), "{text:?}");
    assert!(!url.authority().contains(['@', '%']), "{text:?}");
    assert!(
        !url.host().is_empty() && !url.host().ends_with('.') && url.path_and_query().starts_with('/'),
        "{text:?}"
    );
    assert!(text.ends_with(url.path_and_query()), "{text:?}");
    if let Some(address) = url.address() {
        assert_eq!(AddressClass::of(address), None, "{text:?}");
    } else {
        // What ends in a number is an address to somebody.
        let last = url.host().rsplit('.').next().unwrap_or_default();
        assert!(!last.bytes().all(|byte| byte.is_ascii_digit()) && !last.starts_with("0x"), "{text:?}");
        assert_ne!(last, "localhost", "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = String> {
        let whole = prop::sample::select(vec![
            "https://images.example/a.qcow2?x=y#z",
            "http://images.example:80@10.0.0.1:443/..//a",
            "//[::ffff:127.0.0.1]:80/",
            "http://127.0.0.1#@images.example/",
        ]);
        let patched = (
            whole,
            any::<prop::sample::Index>(),
            "[0-9a-z./:@#?\\\\%\\[\\]\u{3002}\u{ff11}\u{2460}\u{ad}ßıK ]{0,6}",
        );
        prop_oneof![
            ".{0,60}",
            "(https?:)?/{0,3}[0-9a-fxX.:@%#\\[\\]\u{3002}\u{ff10}-\u{ff19}]{0,24}/?.{0,8}",
            patched.prop_map(|(whole, at, patch)| {
                let (head, tail) = whole.split_at(at.index(whole.len()));
                format!("{head}{patch}{tail}")
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn urls(text in texts()) {
            any_url_is_judged(&text);
        }

        #[test]
        fn addresses(address: [u8; 4], way: u8) {
            any_way_to_write_an_address_is_refused_or_plain(address, way);
        }
    }
}
