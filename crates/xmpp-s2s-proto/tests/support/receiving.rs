//! Receiving streams, brought to where a test begins: from `a.example` to `b.example`.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use xmpp_s2s_proto::dna::Presented;
use xmpp_s2s_proto::stream::{Event, Security, StreamConfig, StreamId};
use xmpp_s2s_proto::{Domain, Pair, Stream};

use crate::support::{Authority, domain};

pub(crate) const HEADER: &str = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' \
    xmlns='jabber:server' xmlns:db='jabber:server:dialback' version='1.0' from='a.example' \
    to='b.example'>";
const AUTH: &str = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);
static PRESENTED: LazyLock<Presented> = LazyLock::new(|| AUTHORITY.presented("a.example"));

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(dead_code, reason = "not every test begins everywhere")]
pub(crate) enum Stage {
    /// Nothing was read, and TLS is not up.
    Plain,
    /// The handshake is over.
    Secured,
    /// EXTERNAL is offered.
    Offered,
    /// It succeeded; the last header is awaited.
    Restarted,
    /// Stanzas flow.
    Established,
}

/// A stream at `stage`, its events and output drained.
pub(crate) fn receiving(stage: Stage, now: Instant) -> Stream {
    let security = match stage {
        Stage::Plain => Security::StartTls,
        Stage::Secured | Stage::Offered | Stage::Restarted | Stage::Established => Security::Direct,
    };
    let ids = [1, 2, 3].map(|n| StreamId::from_random([n; 16]));
    let config = Arc::new(StreamConfig::default());
    let hosted = |domain: &Domain| domain.as_str() == "b.example";
    let mut stream = Stream::receive(ids, hosted, security, config, now);
    let inputs: &[_] = match stage {
        Stage::Plain | Stage::Secured => &[],
        Stage::Offered => &[HEADER],
        Stage::Restarted => &[HEADER, AUTH],
        Stage::Established => &[HEADER, AUTH, HEADER],
    };
    stream.handle_secured(Some(PRESENTED.clone()), now);
    for input in inputs {
        stream.input().extend_from_slice(input.as_bytes());
        stream.handle_input(now).unwrap();
        settle(&mut stream, now);
    }
    while stream.poll_transmit(&mut bytes::BytesMut::new()) {}
    stream
}

/// Drains events, and asks the gate where the stream wants it.
pub(crate) fn settle(stream: &mut Stream, now: Instant) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = stream.poll_event() {
        if let Event::Authenticate(pair) = &event {
            judge(stream, pair, now);
        }
        events.push(event);
    }
    events
}

fn judge(stream: &mut Stream, pair: &Pair, now: Instant) {
    assert_eq!(pair.local, domain("b.example"));
    match AUTHORITY.judge(stream.presented(), pair) {
        // What is wrong with the input that waited comes as an event.
        Ok(proof) => drop(stream.handle_association(proof, now)),
        Err(rejection) => stream.handle_rejection(pair, &rejection, now),
    }
}
