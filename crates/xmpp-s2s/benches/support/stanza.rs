//! The stanzas that are sent: 300 bytes each on the wire.

use xmpp_s2s::{Namespace, Stanza};

/// The domain that sends.
pub(crate) const A: &str = "a.example";
/// The domain that receives.
pub(crate) const B: &str = "b.example";

/// Bytes of a stanza on the wire.
pub(crate) const SIZE: usize = 300;

/// Stanzas that differ: so many are a whole number of writes of 16 KiB.
pub(crate) const COUNT: usize = 4096;

/// A message as chats are made of, of [`SIZE`] bytes.
pub(crate) fn xml(number: usize, from: &str, to: &str) -> String {
    let start = format!(
        "<message from='juliet@{from}/balcony' to='romeo@{to}/orchard' type='chat' \
         id='{number:08}'><body>"
    );
    let end = "</body><thread>e0ffe42b28561960c6b12b944a092794b9683a38</thread>\
               <active xmlns='http://jabber.org/protocol/chatstates'/></message>";
    let body = "x".repeat(SIZE - start.len() - end.len());
    format!("{start}{body}{end}")
}

/// [`COUNT`] of them, parsed.
pub(crate) fn parsed() -> Vec<Stanza> {
    let parse = |number| Stanza::parse(xml(number, A, B)).unwrap();
    (0..COUNT).map(parse).collect()
}

/// The same as they stand in a stream.
pub(crate) fn wire() -> Vec<u8> {
    let wire: Vec<u8> = (0..COUNT).flat_map(|number| xml(number, A, B).into_bytes()).collect();
    assert_eq!(wire.len(), COUNT * SIZE);
    let first = Stanza::parse(xml(0, A, B)).unwrap();
    assert!(first.to_xml(Namespace::Server).len() > SIZE, "it stands in a stream without xmlns");
    wire
}
