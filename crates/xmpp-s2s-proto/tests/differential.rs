//! Whether a text is well-formed, asked of us and of another parser of XMPP's XML. Where they
//! differ, the reason is named.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use xmpp_s2s_proto::Stanza;
use xmpp_s2s_proto::stream::InvalidStanza;

const DOCUMENTS: [&str; 4] = [
    "<message from='a@a.example' to='b.example' xml:lang='en'><body>1 &lt; 2&#x41;</body>\
     <x xmlns='urn:x' xmlns:p=\"urn:p\" p:a='&quot;'><p:y/><![CDATA[<]]>]]</x ></message>",
    "<iq xmlns='jabber:server' from='a.example' to='b.example' id='1' type='get'>\
     <query xmlns='urn:q'><item jid='ä@x'/>\r\n\t<item a = '1' b='\n'></item></query></iq>",
    "<presence from='a.example' to='b.example'><p:c xmlns:p='urn:p'><p:d p:e='' e=''/></p:c>\
     </presence>",
    "<iq from='a.example' to='b.example'><a xmlns:p='u' xmlns:q='v' p:b='' q:b=''/></iq>",
];

const PIECES: [&str; 36] = [
    "<",
    ">",
    "/",
    "</",
    "/>",
    "=",
    "'",
    "\"",
    "&",
    ";",
    "&amp;",
    "&lt",
    "&#0;",
    "&#xD800;",
    "&#xFFFE;",
    "&nbsp;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?x?>",
    " ",
    "\n",
    ":",
    "p:",
    "xml:",
    "xmlns:",
    " xmlns=''",
    " xmlns:p=''",
    " xmlns:xml='u'",
    " a='1'",
    "<a>",
    "</a>",
    "\u{1}",
    "\u{fffe}",
    "é",
];

/// What the other parser accepts: `xmlns` twice in one tag (XML 1.0 §3.1).
const TWICE: &str = "an attribute comes twice";

/// A change to a text.
#[derive(Clone, Debug)]
enum Change {
    Insert(Index, &'static str),
    Remove(Index, usize),
    Double(Index, usize),
}

impl Change {
    fn apply(&self, text: &mut String) {
        let place = |index: &Index| {
            let starts: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
            (!starts.is_empty()).then(|| *index.get(&starts))
        };
        match self {
            Self::Insert(index, piece) => {
                let at = place(index).unwrap_or(0);
                text.insert_str(at, piece);
            }
            Self::Remove(index, length) => {
                let Some(at) = place(index) else { return };
                let end =
                    text[at..].char_indices().nth(*length).map_or(text.len(), |(n, _)| at + n);
                text.replace_range(at..end, "");
            }
            Self::Double(index, length) => {
                let Some(at) = place(index) else { return };
                let piece: String = text[at..].chars().take(*length).collect();
                text.insert_str(at, &piece);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (any::<Index>(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        1 => (any::<Index>(), 1_usize..8).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (any::<Index>(), 1_usize..12).prop_map(|(at, length)| Change::Double(at, length)),
    ]
}

/// What we find wrong with the XML of a text.
fn ours(text: &str) -> Result<(), &'static str> {
    match Stanza::parse(text.to_owned()) {
        Err(InvalidStanza::NotWellFormed { reason, .. }) => Err(reason),
        _ => Ok(()),
    }
}

fn theirs(text: &str) -> Result<(), String> {
    let mut reader = rxml::Reader::new(text.trim_matches([' ', '\t', '\r', '\n']).as_bytes());
    reader.read_all(drop).map_err(|error| error.to_string())
}

/// What the other parser refuses in attributes, though XML 1.0 §2.11 has it as a line end.
fn has_lone_return(text: &str) -> bool {
    text.replace("\r\n", "").contains('\r')
}

#[test]
fn the_documents_are_well_formed_for_both() {
    for document in DOCUMENTS {
        assert_eq!((ours(document), theirs(document)), (Ok(()), Ok(())), "{document}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn another_parser_says_the_same_of_changed_documents(
        document in select(&DOCUMENTS[..]),
        changes in vec(change(), 1..4),
    ) {
        let mut text = document.to_owned();
        changes.iter().for_each(|change| change.apply(&mut text));
        match (ours(&text), theirs(&text)) {
            (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
            (Err(TWICE), Ok(())) => {}
            (Ok(()), Err(_)) if has_lone_return(&text) => {}
            (ours, theirs) => prop_assert!(false, "{text}\nours: {ours:?}\ntheirs: {theirs:?}"),
        }
    }
}
