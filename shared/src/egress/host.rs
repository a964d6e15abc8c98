//! Hosts as operators name them. Read by itself: every function knows its settings, and few of them any URL.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::CheckedUrl;

/// A host as rules name one: a name of lower case, in ASCII, without a dot at its end, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(Host);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(String),
    Address(IpAddr),
}

impl HostName {
    /// The host of a URL.
    pub(super) fn of(url: &CheckedUrl) -> Self {
        Self(url.address().map_or_else(|| Host::Name(url.host().to_owned()), Host::Address))
    }
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let within = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address = match within {
            Some(within) => within.parse::<Ipv6Addr>().ok().map(IpAddr::from),
            None => text.parse().ok(),
        };
        let name = || bare_name(text).filter(|name| !ends_in_number(name)).map(str::to_ascii_lowercase);
        let host = address.map(Host::Address).or_else(|| name().map(Host::Name));
        host.map(Self).ok_or_else(|| {
            format!("must be a name in ASCII ('xn--…') or an address, without a port, not '{text}'")
        })
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

/// A name of labels, without the dot at its end; nothing when it is none.
pub(super) fn bare_name(name: &str) -> Option<&str> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
    (bare.len() <= 253 && bare.split('.').all(is_label)).then_some(bare)
}

/// Whether a name is an address to whoever reads URLs (WHATWG, "ends in a number").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|digit| digit.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}
