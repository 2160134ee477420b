//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::nat64::{InvalidNat64, Nat64};

/// Which addresses may be connected to: public ones, and those of networks that are allowed.
///
/// Whatever stands in the special-purpose address registries of IANA is refused (loopback, private,
/// link-local, CGNAT, multicast, documentation, metadata and reserved addresses, and others), and
/// so are its v4-mapped and NAT64 forms. 6to4, Teredo and `64:ff9b:1::/48` are refused altogether:
/// an IPv4 address is reached there that is not seen. A network's own NAT64 prefixes have to be told
/// with [`Self::with_nat64`], or they are judged as any other IPv6 addresses.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    allowed: Arc<[IpNet]>,
    /// Besides the well-known one.
    nat64: Arc<[Nat64]>,
}

impl AddressGuard {
    /// Allows `networks` besides what is public.
    pub fn new(networks: impl Into<Arc<[IpNet]>>) -> Self {
        Self { allowed: networks.into(), nat64: Arc::default() }
    }

    /// Judges addresses in `prefixes`, besides those in `64:ff9b::/96`, by the IPv4 address that is
    /// reached through them (RFC 6052 §2.2).
    ///
    /// Fails where a prefix is none that a translator can have.
    pub fn with_nat64(
        self,
        prefixes: impl IntoIterator<Item = Ipv6Net>,
    ) -> Result<Self, InvalidNat64> {
        let nat64 = prefixes.into_iter().map(Nat64::new).collect::<Result<_, _>>()?;
        Ok(Self { nat64, ..self })
    }

    /// Whether `address` may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.allowed.iter().any(|network| network.contains(&address)) {
            return true;
        }
        match (address, self.reached(address)) {
            (IpAddr::V6(_), reached @ IpAddr::V4(_)) => self.allows(reached),
            (_, IpAddr::V4(address)) => is_public_v4(address),
            (_, IpAddr::V6(address)) => is_public_v6(address),
        }
    }

    /// What a connection to `address` really reaches.
    pub(super) fn reached(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let mut prefixes = self.nat64.iter().chain([&Nat64::WELL_KNOWN]);
                let embedded = prefixes.find_map(|prefix| prefix.embedded(address));
                embedded.map_or(IpAddr::V6(address), IpAddr::V4)
            }
            address @ IpAddr::V4(_) => address,
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|network| network.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    GLOBAL_UNICAST.contains(&address)
        && !SPECIAL_V6.iter().any(|network| network.contains(&address))
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

const SPECIAL_V4: [Ipv4Net; 19] = [
    v4(0, 0, 0, 0, 8),        // this network
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // CGNAT
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // metadata
    v4(169, 254, 0, 0, 16),   // link-local, metadata
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 31, 196, 0, 24),  // AS112
    v4(192, 52, 193, 0, 24),  // AMT
    v4(192, 88, 99, 0, 24),   // 6to4 relays
    v4(192, 168, 0, 0, 16),   // private
    v4(192, 175, 48, 0, 24),  // AS112
    v4(198, 18, 0, 0, 15),    // benchmarking
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, broadcast
];

/// Outside of it nothing is public: loopback, ULA, link-local, multicast, v4-compatible and more.
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

const SPECIAL_V6: [Ipv6Net; 6] = [
    v6(0x2001, 0, 0, 23),      // protocol assignments, Teredo, ORCHID, benchmarking
    v6(0x2001, 0x0db8, 0, 32), // documentation
    v6(0x2001, 0x0004, 0x0112, 48), // AS112
    v6(0x2002, 0, 0, 16),      // 6to4
    v6(0x2620, 0x004f, 0x8000, 48), // AS112
    v6(0x3fff, 0, 0, 20),      // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(guard: &AddressGuard, address: &str) -> bool {
        guard.allows(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_allowed() {
        let guard = AddressGuard::default();
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(allows(&guard, address), "{address}");
        }
    }

    #[test]
    fn ph06_special_purpose_addresses_are_refused() {
        let guard = AddressGuard::default();
        for address in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.8",
            "192.0.0.9",
            "192.0.0.10",
            "192.0.0.170",
            "192.0.0.192",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.88.99.2",
            "192.168.0.1",
            "192.168.255.255",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:1::1",
            "2001:1::2",
            "2001:1::3",
            "2001:2::1",
            "2001:3::1",
            "2001:4:112::1",
            "2001:10::1",
            "2001:20::1",
            "2001:30::1",
            "2001:db8::1",
            "2002::1",
            "2002:7f00:1::1",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allows(&guard, address), "{address}");
        }
    }

    #[test]
    fn ph06_mapped_and_compatible_forms_are_refused_too() {
        let guard = AddressGuard::default();
        for address in
            ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::1.1.1.1"]
        {
            assert!(!allows(&guard, address), "{address}");
        }
        assert!(allows(&guard, "::ffff:1.1.1.1"));
    }

    #[test]
    fn a21_nat64_is_judged_by_the_address_behind_it() {
        let guard = AddressGuard::default();
        assert!(allows(&guard, "64:ff9b::1.1.1.1"));
        for address in ["64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::1.1.1.1"] {
            assert!(!allows(&guard, address), "{address}");
        }
    }

    #[test]
    fn a21_a_networks_own_nat64_is_judged_by_the_address_behind_it() {
        let prefixes = ["2a00:64::/96", "64:ff9b:1::/48"].map(|prefix| prefix.parse().unwrap());
        let guard = AddressGuard::default().with_nat64(prefixes).unwrap();
        for address in ["2a00:64::1.1.1.1", "64:ff9b:1:101:1:100::", "64:ff9b::1.1.1.1"] {
            assert!(allows(&guard, address), "{address}");
        }
        for address in ["2a00:64::10.0.0.1", "64:ff9b:1:a00:0:100::", "64:ff9b::10.0.0.1"] {
            assert!(!allows(&guard, address), "{address}");
        }
    }

    #[test]
    fn allowed_networks_are_allowed_and_nothing_beside_them() {
        let networks = ["10.1.0.0/16", "fd00:1::/32"].map(|network| network.parse().unwrap());
        let guard = AddressGuard::new(networks);
        for address in ["10.1.0.1", "::ffff:10.1.0.1", "64:ff9b::10.1.0.1", "fd00:1::1", "1.1.1.1"]
        {
            assert!(allows(&guard, address), "{address}");
        }
        for address in ["10.2.0.1", "fd00:2::1", "127.0.0.1"] {
            assert!(!allows(&guard, address), "{address}");
        }
    }
}
