//! The other end of a stream, and how it came to stand as it does.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::info;
use xmpp_s2s_proto::dna::{Prooftype, Rejection};
use xmpp_s2s_proto::{Pair, Trail, Verdict};

use crate::clock::now;

/// The other end of a stream, and how it stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// Who, with which of our domains.
    pub pair: Pair,
    /// Who opened the stream.
    pub direction: Direction,
    /// How it proved itself, once it did.
    pub prooftype: Option<Prooftype>,
    /// Where it is, if that is known.
    pub address: Option<SocketAddr>,
    /// SHA-256 of the certificate that it showed, once it did.
    pub end_entity: Option<[u8; 32]>,
    /// The URL of the POSH document that proves it, or that its certificate is not in.
    pub document: Option<String>,
    /// Since when stanzas flow; `None` before and after.
    pub established: Option<Instant>,
    /// Until when its stanzas fail at once, after an attempt that failed; the first one after that
    /// is another attempt.
    pub failing_until: Option<Instant>,
    /// How it came to this. Without a conclusion the stream is still being tried.
    pub trail: Arc<Trail>,
    /// When we began with it.
    since: Instant,
}

/// Who opened a stream.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Direction {
    /// The peer: stanzas come in.
    Inbound,
    /// We: stanzas go out.
    Outbound,
}

impl Direction {
    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl Peer {
    pub(crate) fn new(pair: Pair, direction: Direction, since: Instant) -> Self {
        Self {
            trail: Arc::new(Trail::new(pair.clone())),
            pair,
            direction,
            prooftype: None,
            address: None,
            end_entity: None,
            document: None,
            established: None,
            failing_until: None,
            since,
        }
    }

    /// Notes what it showed, which was not enough.
    pub(crate) fn reject(&mut self, rejection: &Rejection) {
        self.end_entity = rejection.end_entity.or(self.end_entity);
        self.document.clone_from(&rejection.document);
    }

    pub(crate) fn trail_mut(&mut self) -> &mut Trail {
        Arc::make_mut(&mut self.trail)
    }

    /// Tells whoever listens what was decided: one event, whatever came out.
    ///
    /// `outcome` is `accepted`, `refused` or `unknown`; `proof_url` is that of [`Self::document`];
    /// `elapsed_ms` counts from the first byte, or from the first stanza that waits; `trail` has
    /// the details in quotes, so that no peer's text can pass for a step.
    pub(crate) fn log(&self) {
        let code = self.trail.conclusion();
        info!(
            target: "xmpp_s2s",
            outcome = code.map_or("open", |code| match code.verdict() {
                Verdict::Passed => "accepted",
                Verdict::Refused => "refused",
                Verdict::Unknown => "unknown",
            }),
            code = code.map(|code| code.as_str()),
            direction = self.direction.as_str(),
            prooftype = self.prooftype.map(Prooftype::as_str),
            local = %self.pair.local,
            remote = %self.pair.remote,
            peer = self.address.map(tracing::field::display),
            cert_sha256 = self.end_entity.map(|digest| tracing::field::display(Hex(digest))),
            proof_url = self.document.as_deref().map(tracing::field::display),
            elapsed_ms = millis(now().saturating_duration_since(self.since)),
            trail = %Line(&self.trail),
            "s2s decision"
        );
    }
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A digest in hexadecimal digits.
struct Hex([u8; 32]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A trail in one line.
struct Line<'a>(&'a Trail);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.steps().iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{} {}", step.phase.as_str(), step.code)?;
            if !step.detail.is_empty() {
                write!(f, " {:?}", step.detail)?;
            }
            write!(f, " {} ms", step.elapsed.as_millis())?;
        }
        Ok(())
    }
}

/// The peers of streams that are up, each for as long as its [`Registered`] lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry(Arc<Mutex<Listed>>);

#[derive(Debug, Default)]
struct Listed {
    next: u64,
    peers: HashMap<u64, Peer>,
}

impl Registry {
    pub(crate) fn register(&self, peer: Peer) -> Registered {
        let mut listed = self.listed();
        let id = listed.next;
        listed.next += 1;
        listed.peers.insert(id, peer);
        Registered { registry: self.clone(), id }
    }

    pub(crate) fn peers(&self) -> Vec<Peer> {
        self.listed().peers.values().cloned().collect()
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a [`Registry`].
#[derive(Debug)]
pub(crate) struct Registered {
    registry: Registry,
    id: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.listed().peers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber, subscriber};
    use xmpp_s2s_proto::Code;

    use super::*;

    /// Remembers the fields of every event.
    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<BTreeSet<&'static str>>>);

    impl Subscriber for Fields {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "xmpp_s2s" && *metadata.level() == Level::INFO
        }

        fn event(&self, event: &Event<'_>) {
            event.record(&mut &*self);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    impl Visit for &Fields {
        fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
            self.0.lock().unwrap().insert(field.name());
        }
    }

    fn logged(peer: &Peer) -> BTreeSet<&'static str> {
        let fields = Fields::default();
        subscriber::with_default(fields.clone(), || peer.log());
        std::mem::take(&mut *fields.0.lock().unwrap())
    }

    /// Others write alerts and dashboards on them.
    #[test]
    fn the_fields_of_a_decision_are_these() {
        let pair =
            Pair { local: "a.example".parse().unwrap(), remote: "b.example".parse().unwrap() };
        let mut peer = Peer::new(pair, Direction::Inbound, now());
        peer.trail_mut().conclude(Code::StreamEstablished);
        let always = "code direction elapsed_ms local message outcome remote trail";
        assert_eq!(logged(&peer), always.split(' ').collect());

        peer.prooftype = Some(Prooftype::Posh);
        peer.address = Some(([192, 0, 2, 1], 5269).into());
        peer.end_entity = Some([1; 32]);
        peer.document = Some("https://b.example/.well-known/posh/xmpp-server.json".to_owned());
        let known = "prooftype peer cert_sha256 proof_url";
        assert_eq!(logged(&peer), always.split(' ').chain(known.split(' ')).collect());
    }
}
