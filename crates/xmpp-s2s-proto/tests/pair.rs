//! Both roles against each other, and each against what nobody thought of.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

#[path = "support/receiving.rs"]
mod receiving;
mod support;

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use xmpp_s2s_proto::dna::Presented;
use xmpp_s2s_proto::stream::{Condition, Event, Security, StreamConfig, StreamError, StreamId};
use xmpp_s2s_proto::{Domain, Namespace, Pair, Stanza, Stream};

use crate::receiving::{HEADER, Stage, receiving, settle};
use crate::support::{Authority, domain};

/// One end of a connection.
struct End {
    stream: Stream,
    /// What the other end presents in TLS.
    shown: Presented,
    /// How far TLS is.
    waits_for_tls: bool,
    events: Vec<String>,
}

impl End {
    /// Asks the gate and takes notes, until there is nothing more to do.
    fn settle(&mut self, authority: &Authority, now: Instant) {
        while let Some(event) = self.stream.poll_event() {
            match event {
                Event::StartTls(_) => self.waits_for_tls = true,
                Event::Authenticate(pair) => {
                    let proof = authority.judge(self.stream.presented(), &pair).unwrap();
                    self.stream.handle_association(proof, now).unwrap();
                }
                Event::Stanza(stanza) => {
                    self.events.push(stanza.to_xml(Namespace::Server).into_owned());
                }
                Event::Established(_) => self.events.push("established".to_owned()),
                Event::Closed(None) => self.events.push("closed".to_owned()),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A connection in memory.
struct Connection {
    authority: Authority,
    initiating: End,
    receiving: End,
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
    now: Instant,
}

impl Connection {
    fn new(security: Security, sizes: Vec<usize>) -> Self {
        let (now, authority) = (Instant::now(), Authority::new());
        let config = Arc::new(StreamConfig::default());
        let pair = Pair { local: domain("a.example"), remote: domain("b.example") };
        let ids = [1, 2, 3].map(|n| StreamId::from_random([n; 16]));
        let hosted = |domain: &Domain| domain.as_str() == "b.example";
        let end = |stream, name| End {
            stream,
            shown: authority.presented(name),
            waits_for_tls: false,
            events: Vec::new(),
        };
        Self {
            initiating: end(
                Stream::initiate(pair, security, Arc::clone(&config), now),
                "b.example",
            ),
            receiving: end(Stream::receive(ids, hosted, security, config, now), "a.example"),
            authority,
            sizes: sizes.into_iter().cycle(),
            now,
        }
    }

    /// Carries bytes until both are silent.
    fn run(&mut self) {
        loop {
            let Self { initiating, receiving, .. } = self;
            initiating.settle(&self.authority, self.now);
            receiving.settle(&self.authority, self.now);
            let there = carry(initiating, receiving, &mut self.sizes, self.now);
            let back = carry(receiving, initiating, &mut self.sizes, self.now);
            if !there && !back && !self.secure() {
                return;
            }
        }
    }

    /// The handshake, when the initiating end begins it.
    fn secure(&mut self) -> bool {
        let due = std::mem::take(&mut self.initiating.waits_for_tls);
        if due {
            for end in [&mut self.initiating, &mut self.receiving] {
                end.stream.handle_secured(Some(end.shown.clone()), self.now);
            }
        }
        due
    }
}

fn carry(
    from: &mut End,
    to: &mut End,
    sizes: &mut impl Iterator<Item = usize>,
    now: Instant,
) -> bool {
    let mut bytes = BytesMut::new();
    from.stream.poll_transmit(&mut bytes);
    let any = !bytes.is_empty();
    while !bytes.is_empty() {
        let piece = bytes.split_to(sizes.next().unwrap().min(bytes.len()));
        to.stream.input().extend_from_slice(&piece);
        to.stream.handle_input(now).unwrap();
    }
    any
}

fn stanza(body: &str) -> Stanza {
    let xml = format!("<message from='x@a.example' to='y@b.example'><body>{body}</body></message>");
    Stanza::parse(xml).unwrap()
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        HEADER,
        "<?xml version='1.0'?>",
        "<message from='a.example' to='b.example'>",
        "<iq xml:lang='de' from='A.example' to='b.example'><db:x/></iq>",
        "</message>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>!</auth>",
        "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        "<db:result type='valid'/>",
        "<stream:features/>",
        ANSWERS[1],
        ANSWERS[2],
        "</stream:stream>",
        " \n",
        "<![CDATA[",
        "]]>",
        "<a xmlns:p='u' p:b=\"'\">",
        "</a>",
        "<p:b/>",
        "&#65;&lt;",
        "&nbsp;",
        "<!--",
        "<?x",
        "='",
        "ä\u{ffff}",
    ]);
    prop_oneof![
        6 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ]
}

/// What a proved peer answers to an initiating stream, in order.
const ANSWERS: [&str; 4] = [
    HEADER,
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
     <mechanism>EXTERNAL</mechanism></mechanisms></stream:features>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    HEADER,
];

/// An initiating stream whose peer is proved, and has sent so many answers.
fn initiating(answers: usize, now: Instant) -> Stream {
    static AUTHORITY: LazyLock<(Authority, Presented)> = LazyLock::new(|| {
        let authority = Authority::new();
        let presented = authority.presented("a.example");
        (authority, presented)
    });
    let (authority, presented) = &*AUTHORITY;
    let pair = Pair { local: domain("b.example"), remote: domain("a.example") };
    let mut stream = Stream::initiate(pair.clone(), Security::Direct, Arc::default(), now);
    stream.handle_secured(Some(presented.clone()), now);
    let proof = authority.judge(Some(presented), &pair).unwrap();
    stream.handle_association(proof, now).unwrap();
    for answer in &ANSWERS[..answers] {
        stream.input().extend_from_slice(answer.as_bytes());
        stream.handle_input(now).unwrap();
    }
    stream
}

fn stage() -> impl Strategy<Value = Stage> {
    select(vec![Stage::Plain, Stage::Secured, Stage::Offered, Stage::Restarted, Stage::Established])
}

/// What comes of some input in pieces of `size`.
fn feed(mut stream: Stream, input: &[u8], size: usize, now: Instant) -> (String, BytesMut) {
    for piece in input.chunks(size) {
        stream.input().extend_from_slice(piece);
        let _ = stream.handle_input(now);
    }
    let events = settle(&mut stream, now);
    let mut output = BytesMut::new();
    stream.poll_transmit(&mut output);
    let described: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Stanza(stanza) => stanza.to_xml(Namespace::Client).into_owned(),
            event => format!("{event:?}"),
        })
        .collect();
    (described.join("\n"), output)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_roles_get_along_however_the_bytes_are_split(
        direct in any::<bool>(),
        sizes in vec(1_usize..400, 1..20),
        bodies in vec("[a-zA-Zäß]{0,40}", 0..8),
    ) {
        let security = if direct { Security::Direct } else { Security::StartTls };
        let mut connection = Connection::new(security, sizes);
        // An end that has nothing to say in the clear begins with the handshake.
        connection.run();
        for body in &bodies {
            connection.initiating.stream.send(&stanza(body)).unwrap();
        }
        connection.run();
        connection.initiating.stream.close(None);
        connection.run();
        let bodies = bodies.iter().map(|b| stanza(b).to_xml(Namespace::Server).into_owned());
        let expected: Vec<_> = std::iter::once("established".to_owned())
            .chain(bodies)
            .chain(std::iter::once("closed".to_owned()))
            .collect();
        prop_assert_eq!(&connection.receiving.events, &expected);
        prop_assert_eq!(&connection.initiating.events, &["established", "closed"]);
    }
}

#[test]
fn a_stream_that_closes_asks_nothing_more() {
    let now = Instant::now();
    let mut stream = receiving(Stage::Secured, now);
    stream.input().extend_from_slice(HEADER.as_bytes());
    stream.handle_input(now).unwrap();
    stream.close(None);
    assert!(stream.poll_event().is_none());
}

#[test]
fn a14_the_text_of_an_error_has_no_controls() {
    let mut stream = receiving(Stage::Established, Instant::now());
    let text = "a\u{1b}\u{9b}\u{202e}\n<";
    stream.close(Some(StreamError::new(Condition::Reset, text)));
    let mut output = BytesMut::new();
    stream.poll_transmit(&mut output);
    let output = String::from_utf8(output.to_vec()).unwrap();
    assert!(output.contains(">a\\u{1b}\\u{9b}\\u{202e}\\u{a}&lt;</text>"), "{output}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_input_comes_to_the_same_whole_and_byte_by_byte(
        stage in stage(),
        input in vec(pieces(), 0..12),
    ) {
        let (now, input) = (Instant::now(), input.concat());
        let whole = feed(receiving(stage, now), &input, usize::MAX, now);
        let bytes = feed(receiving(stage, now), &input, 1, now);
        prop_assert_eq!(whole, bytes);
    }

    #[test]
    fn no_input_makes_an_initiating_stream_deliver_a_stanza(
        steps in 0..=ANSWERS.len(),
        input in vec(pieces(), 0..12),
    ) {
        let now = Instant::now();
        let mut stream = initiating(steps, now);
        for piece in input {
            stream.input().extend_from_slice(&piece);
            let _ = stream.handle_input(now);
        }
        while let Some(event) = stream.poll_event() {
            prop_assert!(!matches!(event, Event::Stanza(_)));
        }
    }

    #[test]
    fn without_a_proof_no_input_establishes_an_initiating_stream(
        security in select(vec![Security::Direct, Security::StartTls]),
        input in vec(pieces(), 0..12),
    ) {
        let now = Instant::now();
        let pair = Pair { local: domain("b.example"), remote: domain("a.example") };
        let mut stream = Stream::initiate(pair, security, Arc::default(), now);
        for piece in input {
            stream.input().extend_from_slice(&piece);
            let _ = stream.handle_input(now);
        }
        while let Some(event) = stream.poll_event() {
            prop_assert!(!matches!(event, Event::Stanza(_) | Event::Established(_)));
        }
    }

    #[test]
    fn no_text_makes_the_parser_of_stanzas_panic(input in vec(pieces(), 0..12)) {
        if let Ok(stanza) = Stanza::parse(input.concat()) {
            for namespace in [Namespace::Client, Namespace::Server] {
                let xml = stanza.to_xml(namespace).into_owned();
                let again = Stanza::parse(xml).unwrap();
                prop_assert_eq!(again.sender(), stanza.sender());
                prop_assert_eq!(again.recipient(), stanza.recipient());
            }
            let _ = stanza.bounce("gone", "text");
        }
    }
}
