use std::sync::Arc;
use std::time::Instant;

use posh::Profile;
use xmpp_s2s_proto::dna::{Association, Policy, Presented};
use xmpp_s2s_proto::stream::{Event, Security, StreamConfig, StreamId};
use xmpp_s2s_proto::{Pair, Stream};

use crate::certificates::{Authority, leaf, self_signed};
use crate::documents::listing;
use crate::{HOSTED, HOSTER, NOW, at, domain, pair};

/// The proof that `presented` is of the hosted domain, for a stream to `local`.
fn associate(presented: &Presented, local: &str) -> Association {
    let pair = Pair { local: domain(local), ..pair() };
    let evidence = listing(Profile::Rfc7711, presented.end_entity());
    let (gate, policy) = (Authority::new("ca").authenticator(), Policy::default());
    gate.authenticate(Some(presented), &pair, &evidence, &policy, at(NOW)).unwrap()
}

fn handshake() -> Presented {
    Presented::after_handshake(&[self_signed(&leaf(&[HOSTER]))]).unwrap()
}

/// A stream whose peer showed `presented` and claims to be the hosted domain.
fn claimed(presented: &Presented) -> Stream {
    let (ids, config) = ([StreamId::from_random([7; 16]); 3], Arc::new(StreamConfig::default()));
    let (now, local) = (Instant::now(), pair().local);
    let mut stream =
        Stream::receive(ids, move |domain| *domain == local, Security::Direct, config, now);
    stream.handle_secured(Some(presented.clone()), now);
    let header = format!(
        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
         from='{HOSTED}' to='local.example' version='1.0'>"
    );
    stream.input().extend_from_slice(header.as_bytes());
    stream.handle_input(now).unwrap();
    assert!(matches!(stream.poll_event(), Some(Event::Authenticate(claim)) if claim == pair()));
    stream
}

#[test]
fn a3_an_association_is_for_one_pair_and_one_handshake() {
    let presented = handshake();
    let association = associate(&presented, "local.example");
    assert_eq!(association.end_entity(), presented.digest());
    assert!(association.is_for(&pair(), &presented.clone()));

    let swapped = Pair { local: pair().remote, remote: pair().local };
    let sibling = Pair { remote: domain("sub.hosted.example"), ..pair() };
    let tenant = Pair { local: domain("other.example"), ..pair() };
    for other in [swapped, sibling, tenant] {
        assert!(!association.is_for(&other, &presented));
    }
    let again = Presented::after_handshake(std::slice::from_ref(presented.end_entity())).unwrap();
    assert!(!association.is_for(&pair(), &again));
}

#[test]
fn a3_a_stream_takes_the_association_of_its_own_handshake() {
    let presented = handshake();
    let mut stream = claimed(&presented);
    let association = associate(&presented, "local.example");
    stream.handle_association(association, Instant::now()).unwrap();
    assert!(stream.association(&pair()).is_some());
}

#[test]
fn a3_a_stream_refuses_the_association_of_another_handshake_or_pair() {
    let presented = handshake();
    let again = Presented::after_handshake(std::slice::from_ref(presented.end_entity())).unwrap();
    for association in [
        associate(&handshake(), "local.example"),
        associate(&again, "local.example"),
        associate(&presented, "other.example"),
    ] {
        let mut stream = claimed(&presented);
        assert!(stream.handle_association(association, Instant::now()).is_err());
        assert!(stream.association(&pair()).is_none());
        assert!(matches!(stream.poll_event(), Some(Event::Closed(Some(_)))));
    }
}

#[test]
fn a3_a_stream_refuses_an_association_that_nobody_asked_for() {
    let presented = handshake();
    let mut stream = claimed(&presented);
    let now = Instant::now();
    stream.handle_association(associate(&presented, "local.example"), now).unwrap();
    assert!(stream.handle_association(associate(&presented, "local.example"), now).is_err());
}
