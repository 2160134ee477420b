//! Stream features (RFC 6120 §4.3.2).

use super::ns;
use super::tree::Element;

/// What a peer offers, as far as it concerns us.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Features {
    /// SASL EXTERNAL.
    pub(super) external: bool,
    /// Something that it insists on.
    pub(super) required: bool,
}

impl Features {
    /// Reads `<stream:features/>`; `None` if it is another element.
    pub(super) fn read(element: &Element) -> Option<Self> {
        if !element.is(ns::STREAMS, "features") {
            return None;
        }
        let mechanisms = element.child(ns::SASL, "mechanisms").map_or(&[][..], Element::children);
        let external = |m: &Element| m.is(ns::SASL, "mechanism") && m.text().trim() == "EXTERNAL";
        let insists = |feature: &Element| feature.children().iter().any(|c| c.name() == "required");
        Some(Self {
            external: mechanisms.iter().any(external),
            required: element.children().iter().any(insists),
        })
    }
}

/// Before TLS: nothing else (RFC 6120 §5.3.1).
pub(super) const STARTTLS: &str = "<stream:features>\
    <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";

/// To a peer who is proved, and to no other.
pub(super) const EXTERNAL: &str = "<stream:features>\
    <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
    <mechanism>EXTERNAL</mechanism></mechanisms></stream:features>";

/// When nothing is left to negotiate.
pub(super) const NONE: &str = "<stream:features/>";
