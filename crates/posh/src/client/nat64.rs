//! IPv6 addresses in which an IPv4 address is reached (RFC 6052).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;
use thiserror::Error;

/// A prefix of a translator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nat64(Ipv6Net);

impl Nat64 {
    /// `64:ff9b::/96` (RFC 6052 §2.1).
    pub(super) const WELL_KNOWN: Self =
        Self(Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96));

    /// Takes a prefix of one of the lengths that there are (RFC 6052 §2.2).
    pub(super) fn new(prefix: Ipv6Net) -> Result<Self, InvalidNat64> {
        let is_reserved_octet_zero = prefix.network().octets()[RESERVED] == 0;
        let fits = matches!(prefix.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96);
        (fits && is_reserved_octet_zero).then_some(Self(prefix)).ok_or(InvalidNat64(prefix))
    }

    /// The IPv4 address that `address` reaches, if it is in this prefix: the octets after the
    /// prefix, without the reserved one.
    pub(super) fn embedded(self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        if !self.0.contains(&address) {
            return None;
        }
        let start = usize::from(self.0.prefix_len() / 8);
        let octets = address.octets();
        let mut rest = (start..octets.len()).filter(|position| *position != RESERVED);
        let mut next = || rest.next().map(|position| octets[position]);
        Some(Ipv4Addr::new(next()?, next()?, next()?, next()?))
    }
}

/// A network that cannot be the prefix of a translator from IPv6 to IPv4.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{0} is no NAT64 prefix: of 32, 40, 48, 56, 64 or 96 bits, and bits 64 to 71 are zero")]
pub struct InvalidNat64(Ipv6Net);

/// The octet that is zero in every such address.
const RESERVED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6052 §2.4.
    #[test]
    fn a21_an_ipv4_address_is_found_behind_a_prefix_of_every_length() {
        for (prefix, address) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ] {
            let prefix = Nat64::new(prefix.parse().unwrap()).unwrap();
            let embedded = prefix.embedded(address.parse().unwrap());
            assert_eq!(embedded, Some(Ipv4Addr::new(192, 0, 2, 33)), "{address}");
            assert_eq!(prefix.embedded("2001:db9::1".parse().unwrap()), None);
        }
    }

    #[test]
    fn other_lengths_and_a_prefix_over_the_reserved_octet_are_refused() {
        for prefix in ["2001:db8::/33", "2001:db8::/72", "::/0", "2001:db8::ff00:0:0:0/96"] {
            assert!(Nat64::new(prefix.parse().unwrap()).is_err(), "{prefix}");
        }
    }
}
