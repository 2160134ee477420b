//! What a document is published for, and where.

use std::borrow::Cow;

use rustls_pki_types::DnsName;
use thiserror::Error;
use url::Url;

use crate::target;

/// What a POSH document is published for, in the words of both specifications.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Service(Cow<'static, str>);

impl Service {
    /// XMPP between servers: `xmpp-server` (RFC 7712 §9), `_xmpp-server._tcp` (draft-02 §9).
    pub const XMPP_SERVER: Self = Self(Cow::Borrowed("xmpp-server"));

    /// Names the service of a protocol that uses SRV records over TCP, by its SRV service name.
    ///
    /// Fails if the name is not at most 63 letters, digits, hyphens, underscores and dots, or
    /// begins with a dot: it becomes a part of a path.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidService> {
        let name = name.into();
        let fits = (1..=NAME_LENGTH).contains(&name.len()) && !name.starts_with('.');
        if fits && name.bytes().all(is_name_byte) {
            return Ok(Self(name));
        }
        Err(InvalidService(target::excerpt(&name)))
    }

    /// Where `source` publishes its document (RFC 7711 §3, draft-02 §4).
    ///
    /// Fails if `source` is no domain of the public DNS.
    pub fn url(&self, source: &DnsName<'_>, profile: Profile) -> Result<Url, InvalidSource> {
        let invalid = || InvalidSource(target::excerpt(source.as_ref()));
        let url = format!("https://{}{}", source.as_ref(), self.path(profile));
        let url = Url::parse(&url).map_err(|_| invalid())?;
        target::checked(url, HTTPS).map_err(|_| invalid())
    }

    /// The path of the document on every source domain's web server: a JWK set belongs to that of
    /// draft-02, and to no other.
    pub fn path(&self, profile: Profile) -> String {
        let name = &self.0;
        match profile {
            Profile::Draft02 => format!("/.well-known/posh._{name}._tcp.json"),
            Profile::Rfc7711 => format!("/.well-known/posh/{name}.json"),
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Which specification a document follows: told by its path, never guessed from its content.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// A JWK set at `/.well-known/posh._xmpp-server._tcp.json` (draft-miller-posh-02).
    Draft02,
    /// Fingerprints at `/.well-known/posh/xmpp-server.json`.
    Rfc7711,
}

/// A name that cannot stand in a well-known URI.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("not a POSH service name: \"{0}\"")]
pub struct InvalidService(String);

/// A name that is no domain of the public DNS, so that no web server can publish for it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("no domain of the public DNS: \"{0}\"")]
pub struct InvalidSource(String);

/// Longest name of a service, in bytes.
const NAME_LENGTH: usize = 63;
const HTTPS: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> DnsName<'_> {
        DnsName::try_from(name).unwrap()
    }

    #[test]
    fn xmpp_between_servers_has_a_path_in_either_profile() {
        let url = |profile| Service::XMPP_SERVER.url(&source("IM.example"), profile).unwrap();
        assert_eq!(
            url(Profile::Draft02).as_str(),
            "https://im.example/.well-known/posh._xmpp-server._tcp.json"
        );
        assert_eq!(
            url(Profile::Rfc7711).as_str(),
            "https://im.example/.well-known/posh/xmpp-server.json"
        );
    }

    #[test]
    fn a_final_dot_is_not_a_part_of_the_host() {
        let url = Service::XMPP_SERVER.url(&source("im.example."), Profile::Rfc7711).unwrap();
        assert_eq!(url.host_str(), Some("im.example"));
    }

    #[test]
    fn a_service_that_would_leave_its_path_segment_is_refused() {
        for name in ["", "a/b", "../x", "a?b", "a#b", "a%2fb", "a b", "é", "a\n", ".x"] {
            assert!(Service::new(name).is_err(), "{name:?}");
        }
        assert!(Service::new("x".repeat(64)).is_err());
    }

    #[test]
    fn dn09_an_address_is_no_source() {
        for name in ["192.0.2.1", "[2001:db8::1]", "2001:db8::1"] {
            assert!(DnsName::try_from(name).is_err(), "{name}");
        }
        for name in ["0x7f.0x1", "a.example.0x7f"] {
            let Ok(name) = DnsName::try_from(name) else { continue };
            assert!(Service::XMPP_SERVER.url(&name, Profile::Rfc7711).is_err(), "{name:?}");
        }
    }

    #[test]
    fn t39_names_outside_the_public_dns_publish_nothing() {
        for name in ["localhost", "intranet", "printer.local", "abc.onion", "xn--a.example"] {
            let url = Service::XMPP_SERVER.url(&source(name), Profile::Rfc7711);
            assert!(url.is_err(), "{name}");
        }
    }
}
