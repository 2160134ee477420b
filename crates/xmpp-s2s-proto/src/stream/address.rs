//! XMPP addresses (RFC 7622 §3), as far as routing needs them.

use crate::{Domain, InvalidDomain};

/// An address in its three parts.
#[derive(Clone, Debug)]
pub(super) struct Address<'a> {
    /// With its `@`, or empty.
    local: &'a str,
    /// As written.
    domainpart: &'a str,
    /// With its `/`, or empty.
    resource: &'a str,
    /// What the domainpart names.
    pub(super) domain: Domain,
}

impl<'a> Address<'a> {
    /// Longest localpart and resourcepart, in bytes.
    const PART: usize = 1023;

    /// Splits `text`; nothing is allocated where its domain is `expected`, in the one spelling.
    pub(super) fn parse(text: &'a str, expected: Option<&Domain>) -> Result<Self, InvalidDomain> {
        let (bare, resource) = text.split_at(text.find('/').unwrap_or(text.len()));
        let (local, domainpart) = bare.split_at(bare.find('@').map_or(0, |at| at + 1));
        let part = |text: &str| text.is_empty() || (2..=Self::PART + 1).contains(&text.len());
        let domain = match expected.filter(|expected| expected.as_str() == domainpart) {
            Some(expected) => expected.clone(),
            None => domainpart.parse()?,
        };
        match part(local) && part(resource) {
            true => Ok(Self { local, domainpart, resource, domain }),
            false => Err(InvalidDomain::new(text)),
        }
    }

    /// The address with its domain in the one spelling; `None` if that is how it is written.
    pub(super) fn respelt(&self) -> Option<String> {
        let domain = self.domain.as_str();
        (self.domainpart != domain).then(|| [self.local, domain, self.resource].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_stands_between_the_first_at_and_the_first_slash() {
        for text in ["a.example", "x@a.example", "x@a.example/y@z/é", "a.example/x@y"] {
            let address = Address::parse(text, None).unwrap();
            assert_eq!(address.domain.as_str(), "a.example", "{text}");
            assert_eq!(address.respelt(), None, "{text}");
        }
    }

    #[test]
    fn a1_another_spelling_is_mended() {
        let address = Address::parse("x@A.Example./y", None).unwrap();
        assert_eq!(address.respelt().as_deref(), Some("x@a.example/y"));
    }

    #[test]
    fn what_has_an_empty_part_is_no_address() {
        let long = format!("{}@a.example", "x".repeat(1024));
        for text in ["", "@a.example", "a.example/", "x@", "x@/y", "/x", &long] {
            assert!(Address::parse(text, None).is_err(), "{text}");
        }
    }
}
