//! What the server answers: ping, service discovery, software version, and an echo.

use std::io;

use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::BytesText;
use xmpp_s2s::{Stanza, StanzaKind};

use self::content::{Child, children};

mod content;
#[cfg(test)]
mod tests;

const PING: &str = "urn:xmpp:ping";
const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
const VERSION: &str = "jabber:iq:version";
const SERVER: &str = "jabber:server";

/// The account that sends messages back.
const ECHO: &str = "echo";

/// The answer to `stanza`, if it must or may have one.
///
/// Errors, results and presence never have one, nor what another echo account says: two servers
/// cannot keep each other busy.
pub(crate) fn answer(stanza: &Stanza) -> Option<Stanza> {
    match (stanza.kind(), stanza.stanza_type()) {
        (StanzaKind::Iq, Some("get")) if is_here(stanza) => answer_get(stanza),
        (StanzaKind::Iq, Some("get")) => stanza.bounce("service-unavailable", "no such account"),
        (StanzaKind::Iq, Some("set")) => unavailable(stanza),
        (StanzaKind::Message, None | Some("chat" | "normal")) => echo(stanza),
        (StanzaKind::Iq | StanzaKind::Message | StanzaKind::Presence, _) => None,
    }
}

/// What a message says to people, if it says something.
pub(crate) fn body(message: &Stanza) -> Option<String> {
    children(message).into_iter().find(Child::is_body).map(|body| body.text)
}

fn answer_get(stanza: &Stanza) -> Option<Stanza> {
    let children = children(stanza);
    let [request] = children.as_slice() else {
        return stanza.bounce("bad-request", "a request has exactly one payload");
    };
    match (request.namespace.as_str(), request.name.as_str()) {
        (PING, "ping") => result(stanza, |_| Ok(())),
        (VERSION, "query") => result(stanza, write_version),
        (DISCO_INFO | DISCO_ITEMS, "query") if request.node.is_some() => {
            stanza.bounce("item-not-found", "there are no nodes here")
        }
        (DISCO_INFO, "query") => result(stanza, |xml| write_info(xml, is_echo(stanza.recipient()))),
        (DISCO_ITEMS, "query") => result(stanza, |xml| write_items(xml, stanza)),
        _ => unavailable(stanza),
    }
}

fn unavailable(stanza: &Stanza) -> Option<Stanza> {
    stanza.bounce("service-unavailable", "this server does not offer that")
}

fn write_version(xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    query(xml, VERSION, |xml| {
        text(xml, "name", env!("CARGO_PKG_NAME"))?;
        text(xml, "version", env!("CARGO_PKG_VERSION"))
    })
}

fn write_info(xml: &mut Writer<Vec<u8>>, echo: bool) -> io::Result<()> {
    let (category, kind) = if echo { ("client", "bot") } else { ("server", "im") };
    query(xml, DISCO_INFO, |xml| {
        let name = env!("CARGO_PKG_NAME");
        xml.create_element("identity")
            .with_attributes([("category", category), ("type", kind), ("name", name)])
            .write_empty()?;
        for feature in [DISCO_INFO, DISCO_ITEMS, VERSION, PING] {
            xml.create_element("feature").with_attribute(("var", feature)).write_empty()?;
        }
        Ok(())
    })
}

/// The domain has one item, the echo account; no other address has any.
fn write_items(xml: &mut Writer<Vec<u8>>, stanza: &Stanza) -> io::Result<()> {
    let domain = stanza.to().to_string();
    query(xml, DISCO_ITEMS, |xml| {
        if stanza.recipient() == domain {
            let echo = format!("{ECHO}@{domain}");
            xml.create_element("item").with_attribute(("jid", echo.as_str())).write_empty()?;
        }
        Ok(())
    })
}

fn query(
    xml: &mut Writer<Vec<u8>>,
    namespace: &str,
    content: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>,
) -> io::Result<()> {
    let query = xml.create_element("query").with_attribute(("xmlns", namespace));
    query.write_inner_content(content).map(|_| ())
}

fn text(xml: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name)
        .write_text_content(BytesText::from_escaped(partial_escape(text)))
        .map(|_| ())
}

fn result(
    request: &Stanza,
    payload: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>,
) -> Option<Stanza> {
    let id = request.id()?;
    let attributes = [
        ("xmlns", SERVER),
        ("type", "result"),
        ("id", id),
        ("from", request.recipient()),
        ("to", request.sender()),
    ];
    element("iq", attributes, payload)
}

/// A message to the echo account goes back as it came: type, id and body.
fn echo(message: &Stanza) -> Option<Stanza> {
    if !is_echo(message.recipient()) || is_echo(message.sender()) {
        return None;
    }
    let body = body(message)?;
    let from = format!("{ECHO}@{}", message.to());
    let attributes = [
        Some(("xmlns", SERVER)),
        message.stanza_type().map(|kind| ("type", kind)),
        message.id().map(|id| ("id", id)),
        Some(("from", from.as_str())),
        Some(("to", message.sender())),
    ];
    element("message", attributes.into_iter().flatten(), |xml| text(xml, "body", &body))
}

/// Whether it is addressed to the domain, or to the only account.
fn is_here(stanza: &Stanza) -> bool {
    stanza.recipient() == stanza.to().to_string() || is_echo(stanza.recipient())
}

fn is_echo(address: &str) -> bool {
    let bare = address.split('/').next().unwrap_or(address);
    bare.split_once('@').is_some_and(|(local, _)| local.eq_ignore_ascii_case(ECHO))
}

fn element<'a>(
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    content: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>,
) -> Option<Stanza> {
    let mut xml = Writer::new(Vec::new());
    xml.create_element(name).with_attributes(attributes).write_inner_content(content).ok()?;
    Stanza::parse(xml.into_inner()).ok()
}
