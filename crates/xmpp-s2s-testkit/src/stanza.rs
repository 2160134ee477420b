//! Stanzas to send.

use xmpp_s2s::Stanza;

/// A chat message. The parts are put into XML as they are.
///
/// # Panics
///
/// If `from` or `to` is no address, or a part is not fit for XML.
#[must_use]
pub fn message(from: &str, to: &str, body: &str) -> Stanza {
    parse(format!(
        "<message xmlns='jabber:server' from='{from}' to='{to}' type='chat' id='{body}'>\
         <body>{body}</body></message>"
    ))
}

/// A ping (XEP-0199). The parts are put into XML as they are.
///
/// # Panics
///
/// If `from` or `to` is no address, or a part is not fit for XML.
#[must_use]
pub fn ping(from: &str, to: &str, id: &str) -> Stanza {
    parse(format!(
        "<iq xmlns='jabber:server' from='{from}' to='{to}' type='get' id='{id}'>\
         <ping xmlns='urn:xmpp:ping'/></iq>"
    ))
}

fn parse(xml: String) -> Stanza {
    Stanza::parse(xml).expect("addresses and text fit for XML")
}
