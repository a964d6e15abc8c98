//! Hosts that clients may be sent to with their tokens.

use std::fmt;
use std::str::FromStr;

/// Hosts, each a name or an address, with a port when it is not the scheme's own; none is nobody.
///
/// Clients of the Image service follow a redirect and send their token along. Whoever holds the token may act for its user, so a
/// host is trusted to the letter: no part of a name stands for others, and no port for another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedHosts(Vec<String>);

impl TrustedHosts {
    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a URL leads to one of them.
    pub fn trust(&self, url: &str) -> bool {
        authority(url).is_some_and(|authority| self.0.contains(&authority))
    }
}

/// Host and port of a URL, without the scheme's own port; nothing when it says a user, or is none of the web's.
fn authority(url: &str) -> Option<String> {
    let (own_port, rest) = match url.split_once("://")? {
        ("http", rest) => (":80", rest),
        ("https", rest) => (":443", rest),
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().filter(|authority| is_host(authority))?;
    Some(authority.strip_suffix(own_port).unwrap_or(authority).to_ascii_lowercase())
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = address.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (is_address || is_name(host)) && is_port
}

impl FromStr for TrustedHosts {
    type Err = String;

    /// They are separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        let host = |host: &str| {
            let fault =
                || format!("must be hosts such as images.s3.example.com or 10.0.0.1:9000, not '{host}'");
            is_host(host).then(|| host.to_ascii_lowercase()).ok_or_else(fault)
        };
        hosts.map(host).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusts(hosts: &str, url: &str) -> bool {
        hosts.parse::<TrustedHosts>().unwrap().trust(url)
    }

    #[test]
    fn a_host_is_trusted_to_the_letter() {
        let bucket = "images.s3.eu-central-1.amazonaws.com, 127.0.0.1:4566, [::1]:9000, store";
        for url in [
            "https://images.s3.eu-central-1.amazonaws.com/a/b?X-Amz-Signature=0",
            "https://images.s3.eu-central-1.amazonaws.com:443/a",
            "https://IMAGES.s3.eu-central-1.amazonaws.com?x",
            "http://127.0.0.1:4566/bucket/a",
            "http://[::1]:9000/bucket/a",
            "http://store:80/a",
        ] {
            assert!(trusts(bucket, url), "{url}");
        }
        for url in [
            "https://s3.eu-central-1.amazonaws.com/images/a",
            "https://other.images.s3.eu-central-1.amazonaws.com/a",
            "https://images.s3.eu-central-1.amazonaws.com.evil.example/a",
            "https://images.s3.eu-central-1.amazonaws.com@evil.example/a",
            "https://evil.example/images.s3.eu-central-1.amazonaws.com",
            "https://evil.example\\@store/a",
            "https://images.s3.eu-central-1.amazonaws.com:8443/a",
            "http://127.0.0.1/bucket/a",
            "http://store:443/a",
            "ftp://store/a",
            "store",
            "",
        ] {
            assert!(!trusts(bucket, url), "{url}");
        }
        assert!(!trusts("", "https://store/a"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for wrong in [
            "https://store",
            "store/a",
            "*.example.com",
            "user@store",
            "store:",
            "store:0",
            "store:http",
            "::1",
            "a b",
        ] {
            assert!(wrong.parse::<TrustedHosts>().unwrap_err().contains(wrong), "{wrong}");
        }
        assert_eq!("Store , b:81".parse::<TrustedHosts>().unwrap().to_string(), "store,b:81");
    }
}
