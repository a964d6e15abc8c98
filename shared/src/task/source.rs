//! Where data may be fetched from: what a URL alone tells. Whoever fetches has to look again, at the addresses a name
//! resolves to and at each redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, Result};

/// Refuses a URL that data is never fetched from: of another scheme than http and https, at another port than 80 and 443,
/// at this machine or its link, or at a number that is an address only to some (Glance, `import_filtering_opts`).
///
/// # Errors
/// `Invalid`, naming `import_from` and what is wrong with it.
pub fn check_source(url: &str) -> Result<()> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("must be a URL"))?;
    if url.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\') {
        return Err(refused("must be a URL without blanks, control characters and '\\'"));
    }
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return Err(refused("its scheme must be http or https")),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = host_and_port(address, default_port)?;
    if ![80, 443].contains(&port) {
        return Err(refused("its port must be 80 or 443"));
    }
    match host_address(host)? {
        Some(IpAddr::V4(address)) if is_local(address) => Err(refused(LOCAL)),
        Some(IpAddr::V6(address)) if is_local_v6(address) => Err(refused(LOCAL)),
        None if host.eq_ignore_ascii_case("localhost") || ends_with_localhost(host) => Err(refused(LOCAL)),
        _ => Ok(()),
    }
}

const LOCAL: &str = "its host must not be this machine or its link";

fn refused(why: &str) -> Error {
    Error::Invalid(format!("import_from: {why}"))
}

fn host_and_port(address: &str, default: u16) -> Result<(&str, u16)> {
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest),
        None => match address.find(':') {
            Some(at) => address.split_at(at),
            None => (address, ""),
        },
    };
    if host.is_empty() {
        return Err(refused("must name a host"));
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, default)),
        Some("") => Ok((host, default)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().map(|port| (host, port)).map_err(|_| refused("its port must be 80 or 443"))
        }
        _ => Err(refused("its port must be 80 or 443")),
    }
}

/// The address a host is, if it is no name. What resolvers take for an address although it is written in another way
/// (`2130706433`, `0x7f.1`, `127.1`) is refused.
fn host_address(host: &str) -> Result<Option<IpAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Some(address));
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if numeric || !plain {
        return Err(refused("its host must be a name or a plainly written address"));
    }
    Ok(None)
}

fn ends_with_localhost(host: &str) -> bool {
    host.trim_end_matches('.').to_ascii_lowercase().rsplit('.').next() == Some("localhost")
}

fn is_local(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_link_local() || address.is_unspecified() || address.is_broadcast()
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    let mapped = address.to_ipv4_mapped().or_else(|| address.to_ipv4());
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unicast_link_local()
        || mapped.is_some_and(is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_comes_from_http_hosts_elsewhere() {
        for url in [
            "http://images.example/a.raw",
            "HTTPS://user:pass@images.example:443/a?b#c",
            "https://192.0.2.1/a",
            "http://10.0.0.5:80/a",
            "http://[2001:db8::1]/a",
            "http://images.example",
            "http://1a.example:/x",
        ] {
            check_source(url).unwrap();
        }
    }

    #[test]
    fn other_schemes_ports_and_this_machine_are_refused() {
        for (url, why) in [
            ("", "must be a URL"),
            ("images.example/a", "must be a URL"),
            ("file:///etc/passwd", "its scheme must be http or https"),
            ("filesystem:///etc/passwd", "its scheme must be http or https"),
            ("ftp://images.example/a", "its scheme must be http or https"),
            ("http:///a", "must name a host"),
            ("http://:80/a", "must name a host"),
            ("http://images.example:22/a", "its port must be 80 or 443"),
            ("http://images.example:99999/a", "its port must be 80 or 443"),
            ("http://images.example:8o/a", "its port must be 80 or 443"),
            ("http://[2001:db8::1]x/a", "its port must be 80 or 443"),
            ("http://127.0.0.1/a", LOCAL),
            ("http://169.254.169.254/latest", LOCAL),
            ("http://0.0.0.0/a", LOCAL),
            ("http://user@127.0.0.1/a", LOCAL),
            ("http://localhost/a", LOCAL),
            ("http://x.LOCALHOST./a", LOCAL),
            ("http://[::1]/a", LOCAL),
            ("http://[::ffff:127.0.0.1]/a", LOCAL),
            ("http://[fe80::1]/a", LOCAL),
            ("http://[::]/a", LOCAL),
            ("http://2130706433/a", "its host must be a name or a plainly written address"),
            ("http://0x7f000001/a", "its host must be a name or a plainly written address"),
            ("http://127.1/a", "its host must be a name or a plainly written address"),
            ("http://0177.0.0.1/a", "its host must be a name or a plainly written address"),
            ("http://a%2eb/a", "its host must be a name or a plainly written address"),
            ("http://a b/", "must be a URL without blanks, control characters and '\\'"),
            (
                "http://images.example\\@127.0.0.1/",
                "must be a URL without blanks, control characters and '\\'",
            ),
        ] {
            assert_eq!(check_source(url).unwrap_err().to_string(), format!("import_from: {why}"), "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(url in ".{0,40}", host in "[0-9a-fx.:\\[\\]@]{0,20}") {
            let _ = check_source(&url);
            let _ = check_source(&format!("http://{host}/a"));
        }
    }
}
