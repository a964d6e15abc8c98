//! Parts of the internet, as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{AddrParseError, IpNet};

/// Networks, each an address and the length of its prefix; none is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The machine itself.
    pub fn loopback() -> Self {
        let nets = [(IpAddr::from(Ipv4Addr::new(127, 0, 0, 0)), 8), (Ipv6Addr::LOCALHOST.into(), 128)];
        Self(nets.into_iter().filter_map(|(address, prefix)| IpNet::new(address, prefix).ok()).collect())
    }

    /// Whether an address lies in one of them. An IPv4 address written as IPv6 counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Networks {
    type Err = AddrParseError;

    /// Parts are separated by commas; an address without a length is that address alone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let network =
            |part: &str| part.parse().or_else(|error| part.parse().map(IpAddr::into).map_err(|_| error));
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(networks: &str, address: &str) -> bool {
        networks.parse::<Networks>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_in_a_network_or_not() {
        assert!(holds("192.0.2.0/24, 2001:db8::/32", "192.0.2.255"));
        assert!(holds("192.0.2.0/24,2001:db8::/32", "2001:db8:1::1"));
        assert!(holds("192.0.2.7", "192.0.2.7"));
        assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(!holds("192.0.2.7", "192.0.2.8"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(!holds("", "127.0.0.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["192.0.2.0/33", "192.0.2", "everybody", "192.0.2.0/24;10.0.0.0/8", "*"] {
            assert!(wrong.parse::<Networks>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_default_is_read_as_it_is_written() {
        assert_eq!(Networks::loopback().to_string(), "127.0.0.0/8,::1/128");
        assert_eq!("127.0.0.0/8,::1/128".parse(), Ok(Networks::loopback()));
    }
}
