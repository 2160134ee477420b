//! The other end of a stream, and how it came to stand as it does.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::info;
use xmpp_s2s_proto::dna::Prooftype;
use xmpp_s2s_proto::{Pair, Trail, Verdict};

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
    /// How it came to this. Without a conclusion the stream is still being tried.
    pub trail: Arc<Trail>,
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
    pub(crate) fn new(pair: Pair, direction: Direction) -> Self {
        let trail = Arc::new(Trail::new(pair.clone()));
        Self { pair, direction, prooftype: None, address: None, end_entity: None, trail }
    }

    pub(crate) fn trail_mut(&mut self) -> &mut Trail {
        Arc::make_mut(&mut self.trail)
    }

    /// Tells whoever listens what was decided: one event, whatever came out.
    ///
    /// `outcome` is `accepted`, `refused` or `unknown`; `trail` has the details in quotes, so that
    /// no peer's text can pass for a step.
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
            trail = %Line(&self.trail),
            "s2s decision"
        );
    }
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
