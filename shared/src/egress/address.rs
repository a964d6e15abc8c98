//! Addresses that are not hosts of the internet, by what they are for (RFC 6890 and IANA's registries of special addresses).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

words! {
    /// What an address is for that belongs to no host of the internet.
    AddressClass:
        /// Nobody's, or this machine's, as `0.0.0.0`.
        Unspecified = "unspecified",
        /// This machine's.
        Loopback = "loopback",
        /// Of the same link; `169.254.169.254`, where clouds keep credentials, among them.
        LinkLocal = "link-local",
        /// Of a private network (RFC 1918, or site-local).
        Private = "private",
        /// Of a private network (RFC 4193).
        UniqueLocal = "unique local",
        /// Between a carrier and its customers (RFC 6598).
        Shared = "shared",
        /// A group's.
        Multicast = "multicast",
        /// Everybody's on the link.
        Broadcast = "broadcast",
        /// For examples in texts.
        Documentation = "documentation",
        /// For measurements.
        Benchmarking = "benchmarking",
        /// A cloud's own, though of a public network.
        Platform = "platform",
        /// Kept for protocols, or for later.
        Reserved = "reserved",
}

use AddressClass::{
    Benchmarking, Broadcast, Documentation, LinkLocal, Loopback, Multicast, Platform, Private, Reserved,
    Shared, UniqueLocal, Unspecified,
};

/// Networks, each an address, the length of its prefix and its class; the first that holds an address counts.
const V4: [([u8; 4], u32, AddressClass); 18] = [
    ([0, 0, 0, 0], 8, Unspecified),
    ([10, 0, 0, 0], 8, Private),
    ([100, 64, 0, 0], 10, Shared),
    ([127, 0, 0, 0], 8, Loopback),
    // Azure's platform answers every machine there.
    ([168, 63, 129, 16], 32, Platform),
    ([169, 254, 0, 0], 16, LinkLocal),
    ([172, 16, 0, 0], 12, Private),
    ([192, 0, 0, 0], 24, Reserved),
    ([192, 0, 2, 0], 24, Documentation),
    ([192, 88, 99, 0], 24, Reserved),
    ([192, 168, 0, 0], 16, Private),
    ([198, 18, 0, 0], 15, Benchmarking),
    ([198, 51, 100, 0], 24, Documentation),
    ([203, 0, 113, 0], 24, Documentation),
    ([233, 252, 0, 0], 24, Documentation),
    ([224, 0, 0, 0], 4, Multicast),
    ([255, 255, 255, 255], 32, Broadcast),
    ([240, 0, 0, 0], 4, Reserved),
];

const V6: [([u16; 8], u32, AddressClass); 11] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, Unspecified),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, Loopback),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, LinkLocal),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, Private),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, UniqueLocal),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Multicast),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, Documentation),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Documentation),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, Benchmarking),
    // Teredo, whose addresses hold others, and more of the kind.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Reserved),
    // An old network of trials.
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, Reserved),
];

impl AddressClass {
    /// What an address is for; nothing where it may be a host's. One that holds an IPv4 address is what that one is.
    pub fn of(address: IpAddr) -> Option<Self> {
        match (address, held(address)) {
            (IpAddr::V4(address), _) | (IpAddr::V6(_), Some(address)) => of_v4(address),
            (IpAddr::V6(address), None) => of_v6(address),
        }
    }
}

/// The IPv4 address that whoever connects to an IPv6 address may end at: mapped, translated (RFC 6052), of 6to4 or ISATAP.
pub(super) fn held(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => v4(high, low),
        _ => None,
    }
}

fn of_v4(address: Ipv4Addr) -> Option<AddressClass> {
    let address = u32::from(address);
    let holds =
        |network: [u8; 4], prefix: u32| (address ^ u32::from(Ipv4Addr::from(network))) >> (32 - prefix) == 0;
    V4.iter().find(|(network, prefix, _)| holds(*network, *prefix)).map(|(_, _, class)| *class)
}

/// Only an eighth of all addresses has been given to hosts (`2000::/3`).
fn of_v6(address: Ipv6Addr) -> Option<AddressClass> {
    let is_given = address.segments()[0] >> 13 == 1;
    let address = u128::from(address);
    let holds = |network: [u16; 8], prefix: u32| {
        (address ^ u128::from(Ipv6Addr::from(network))) >> (128 - prefix) == 0
    };
    let special = V6.iter().find(|(network, prefix, _)| holds(*network, *prefix)).map(|(_, _, class)| *class);
    special.or((!is_given).then_some(Reserved))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(address: &str) -> Option<AddressClass> {
        AddressClass::of(address.parse().unwrap())
    }

    #[test]
    fn the_ends_of_every_network_are_in_it_and_their_neighbours_are_not() {
        for (first, last, expected) in [
            ("0.0.0.0", "0.255.255.255", Unspecified),
            ("10.0.0.0", "10.255.255.255", Private),
            ("100.64.0.0", "100.127.255.255", Shared),
            ("127.0.0.0", "127.255.255.255", Loopback),
            ("168.63.129.16", "168.63.129.16", Platform),
            ("169.254.0.0", "169.254.255.255", LinkLocal),
            ("172.16.0.0", "172.31.255.255", Private),
            ("192.0.2.0", "192.0.2.255", Documentation),
            ("192.88.99.0", "192.88.99.255", Reserved),
            ("192.168.0.0", "192.168.255.255", Private),
            ("198.18.0.0", "198.19.255.255", Benchmarking),
            ("198.51.100.0", "198.51.100.255", Documentation),
            ("203.0.113.0", "203.0.113.255", Documentation),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
        ] {
            for address in [first, last] {
                assert_eq!(class(address), Some(expected), "{address}");
            }
            for neighbour in [step(first, false), step(last, true)].into_iter().flatten() {
                assert_ne!(AddressClass::of(neighbour), Some(expected), "{neighbour}");
            }
        }
        for (address, expected) in [
            ("192.0.0.192", Reserved),
            ("169.254.169.254", LinkLocal),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.0", Reserved),
            ("255.255.255.254", Reserved),
            ("255.255.255.255", Broadcast),
            ("::", Unspecified),
            ("::1", Loopback),
            ("::2", Reserved),
            ("::7f00:1", Reserved),
            ("::ffff:0:7f00:1", Reserved),
            ("64:ff9b:1::7f00:1", Reserved),
            ("100::1", Reserved),
            ("fe80::1", LinkLocal),
            ("febf:ffff::", LinkLocal),
            ("fec0::1", Private),
            ("fc00::1", UniqueLocal),
            ("fd00:ec2::254", UniqueLocal),
            ("ff02::1", Multicast),
            ("2001::1", Reserved),
            ("2001:1ff::1", Reserved),
            ("2001:2::1", Benchmarking),
            ("4000::1", Reserved),
        ] {
            assert_eq!(class(address), Some(expected), "{address}");
        }
        for host in
            ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "2600::", "2a00:1450::1", "2001:200::1"]
        {
            assert_eq!(class(host), None, "{host}");
        }
    }

    fn step(address: &str, up: bool) -> Option<IpAddr> {
        match (address.parse().unwrap(), up) {
            (IpAddr::V4(address), true) => {
                u32::from(address).checked_add(1).map(|bits| Ipv4Addr::from(bits).into())
            }
            (IpAddr::V4(address), false) => {
                u32::from(address).checked_sub(1).map(|bits| Ipv4Addr::from(bits).into())
            }
            (IpAddr::V6(address), true) => {
                u128::from(address).checked_add(1).map(|bits| Ipv6Addr::from(bits).into())
            }
            (IpAddr::V6(address), false) => {
                u128::from(address).checked_sub(1).map(|bits| Ipv6Addr::from(bits).into())
            }
        }
    }

    proptest! {
        /// The standard library's own opinion of an address is another's work.
        #[test]
        fn what_the_standard_library_calls_special_is_no_host(bits: u32, bits6: u128) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast() || address.is_unspecified();
            prop_assert!(!special || AddressClass::of(address.into()).is_some(), "{address}");
            let address = Ipv6Addr::from(bits6);
            let special = address.is_loopback() || address.is_multicast() || address.is_unique_local()
                || address.is_unicast_link_local() || address.is_unspecified();
            prop_assert!(!special || AddressClass::of(address.into()).is_some(), "{address}");
        }

        /// Whatever form an IPv4 address takes in IPv6, it is judged as itself.
        #[test]
        fn an_address_inside_another_is_judged_as_itself(bits: u32, near in 0_usize..V4.len(), low: u16) {
            let network = u32::from(Ipv4Addr::from(V4[near].0));
            for bits in [bits, network | u32::from(low) & 0xff] {
                let (v4, wide) = (Ipv4Addr::from(bits), u128::from(bits));
                let isatap = (0x2a00_1450_u128 << 96) | (0x5efe_u128 << 32) | wide;
                for form in [
                    v4.to_ipv6_mapped(),
                    Ipv6Addr::from((0x64_ff9b_u128 << 96) | wide),
                    Ipv6Addr::from((0x2002_u128 << 112) | (wide << 80) | u128::from(low)),
                    Ipv6Addr::from(isatap),
                    Ipv6Addr::from(isatap | (0x200_u128 << 48)),
                ] {
                    prop_assert_eq!(held(form.into()), Some(v4), "{}", form);
                    prop_assert_eq!(AddressClass::of(form.into()), AddressClass::of(v4.into()), "{}", form);
                }
            }
        }
    }
}
