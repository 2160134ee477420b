//! Stanzas to send.

use std::sync::atomic::{AtomicU64, Ordering};

use xmpp_s2s::Stanza;

/// A chat message that says `body`, with an id that no other message of this process has. The
/// addresses are put into XML as they are.
///
/// # Panics
///
/// If `from` or `to` is no address or not fit for XML, or `body` has characters that XML does not.
#[must_use]
pub fn message(from: &str, to: &str, body: &str) -> Stanza {
    static MESSAGES: AtomicU64 = AtomicU64::new(1);
    let id = MESSAGES.fetch_add(1, Ordering::Relaxed);
    let body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    parse(format!(
        "<message xmlns='jabber:server' from='{from}' to='{to}' type='chat' id='message-{id:06}'>\
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

#[cfg(test)]
mod tests {
    use xmpp_s2s::Namespace;

    use super::*;

    #[test]
    fn a_message_says_its_body_whatever_is_in_it() {
        let message = message("a@a.example", "b@b.example", "<b>'a' & \"b\"]]></b>");
        let xml = message.to_xml(Namespace::Server);
        assert!(xml.contains("<body>&lt;b&gt;'a' &amp; \"b\"]]&gt;&lt;/b&gt;</body>"), "{xml}");
    }

    #[test]
    fn messages_that_say_the_same_have_different_ids() {
        let [one, other] = [(); 2].map(|()| message("a@a.example", "b@b.example", "again"));
        assert_ne!(one.id(), other.id());
    }
}
