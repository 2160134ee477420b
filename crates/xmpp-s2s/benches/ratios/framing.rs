//! From bytes to routed stanzas, without sockets and TLS.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::UnixTime;
use xmpp_s2s_proto::dna::{Authenticator, Evidence, Policy, Presented};
use xmpp_s2s_proto::stream::{Event, Security, Stream, StreamConfig, StreamId};
use xmpp_s2s_testkit::provider;

use super::compare::timed;
use crate::support::effort::Effort;
use crate::support::peer::PIECE;
use crate::support::site::Site;
use crate::support::stanza::{A, B, COUNT, wire};
use crate::support::table::{Figures, Row, Table};

/// Feeds an established stream as a socket would, a read at a time.
pub(crate) fn run(site: &Site, effort: &Effort, table: &Table) {
    let (mut stream, bytes, times) = (established(site), wire(), effort.times(16));
    let mut speeds = Vec::new();
    for _ in 0..effort.times(15) {
        let time = site.here.block_on(timed(&mut async || {
            for _ in 0..times {
                feed(&mut stream, &bytes);
            }
        }));
        speeds.push((times * bytes.len()) as f64 / 1e6 / time);
    }
    let speeds = Figures::new(speeds);
    table.print(&Row {
        what: "framing and strict check, MB/s",
        bare: &"",
        ours: &"",
        figure: &format_args!("{:.0}", speeds.median()),
        half: &speeds.half(0),
        first: "400",
        goal: "800",
    });
}

fn feed(stream: &mut Stream, bytes: &[u8]) {
    let mut stanzas = 0;
    for piece in bytes.chunks(PIECE) {
        let input = stream.input();
        input.reserve(PIECE);
        input.extend_from_slice(piece);
        stream.handle_input(Instant::now()).unwrap();
        while let Some(event) = stream.poll_event() {
            assert!(matches!(black_box(event), Event::Stanza(_)));
            stanzas += 1;
        }
    }
    assert_eq!(stanzas, COUNT);
}

/// A receiving stream, A's certificate proved, from A to B.
fn established(site: &Site) -> Stream {
    let roots = site.world.xmpp_authority.roots().roots;
    let gate = Authenticator::new(roots, provider().signature_verification_algorithms.all);
    let presented = Presented::after_handshake(site.identity(A).chain());
    let ids = [1, 2, 3].map(|n| StreamId::from_random([n; 16]));
    let (config, now) = (Arc::new(StreamConfig::default()), Instant::now());
    let hosted = |domain: &xmpp_s2s::Domain| domain.as_str() == B;
    let mut stream = Stream::receive(ids, hosted, Security::Direct, config, now);
    stream.handle_secured(presented, now);
    let header = format!(
        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
         from='{A}' to='{B}' version='1.0'>"
    );
    let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";
    for text in [&header, auth, &header] {
        stream.input().extend_from_slice(text.as_bytes());
        stream.handle_input(now).unwrap();
        if let Some(Event::Authenticate(pair)) = stream.poll_event() {
            let (evidence, policy) = (Evidence::default(), Policy::default());
            let proof =
                gate.authenticate(stream.presented(), &pair, &evidence, &policy, UnixTime::now());
            stream.handle_association(proof.unwrap(), now).unwrap();
        }
    }
    while stream.poll_event().is_some() {}
    stream
}
