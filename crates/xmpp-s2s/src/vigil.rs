//! The proof of a pair while its stream is up: judged again once it has ended (A9, A16).
//!
//! ```text
//!     ┌───────────── proved ◄─────────────┐
//!     ▼                                   │
//! Standing ─► what proved it ends, or ─► Judged ─► cannot be known ─► again in a minute, for a day
//!     │       newer material is found     │
//!     │                                   └─► not proved ─► Lapse: the pair ends
//!     └─► the certificate ends ───────────────────────────► Lapse: the stream is reset
//! ```

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use posh::{Finding, Leaf};
use rustls::pki_types::UnixTime;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::debug;
use xmpp_s2s_proto::dna::{Presented, Prooftype, Rejection};
use xmpp_s2s_proto::stream::{Condition, Stream, StreamError};
use xmpp_s2s_proto::{Code, Pair, Phase, Step, Trail};

use crate::clock::after;
use crate::context::Context;
use crate::discovery::Asker;
use crate::peer::{Direction, Peer};
use crate::proof::{Newer, Proof, prove, prove_unknown};

/// Shortest time between two judgements, whatever is configured: what is known already takes none.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps watch over the proof of a pair in a task of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct Vigil(Option<JoinHandle<Lapse>>);

impl Vigil {
    /// Begins when `stream` is established for the pair of `peer`.
    ///
    /// Without a proof, or a runtime, there is nothing to watch over.
    pub(crate) fn begin(
        context: &Arc<Context>,
        stream: &Stream,
        peer: &Peer,
        newer: Option<Newer>,
    ) -> Self {
        let pair = &peer.pair;
        let (Some(presented), Some(proof)) = (stream.presented(), stream.association(pair)) else {
            return Self(None);
        };
        let until = proof.valid_until();
        let asker = match peer.direction {
            Direction::Outbound => Asker::Ourselves,
            Direction::Inbound => Asker::Stranger(peer.address.map(|address| address.ip())),
        };
        let leaf = Leaf::parse(presented.end_entity()).map_or(until, |leaf| leaf.not_after());
        let watch = Watch {
            context: context.clone(),
            presented: presented.clone(),
            pair: pair.clone(),
            asker,
            leaf,
            prooftype: proof.prooftype(),
            until,
            pause: pause(context),
            doubt: None,
        };
        Self(Some(tokio::spawn(watch.keep(newer))))
    }

    /// Whether the proof has lapsed; costs nothing to ask.
    pub(crate) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Returns when the proof has lapsed, once. Cancel safe.
    pub(crate) async fn lapse(&mut self) -> Lapse {
        let Some(watching) = &mut self.0 else { return std::future::pending().await };
        let outcome = watching.await;
        self.0 = None;
        match outcome.map_err(|error| error.try_into_panic()) {
            Ok(lapse) => lapse,
            Err(Ok(panic)) => resume_unwind(panic),
            // Its runtime is shutting down.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        if let Some(watching) = &self.0 {
            watching.abort();
        }
    }
}

/// How a proof ended whose stream is up.
#[derive(Debug)]
pub(crate) struct Lapse {
    pub(crate) end: End,
    /// What was looked up.
    trail: Trail,
}

/// What has ended with a proof.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The pair, and nothing else.
    Pair(Rejection),
    /// The certificate, or one that it rests on, and so the stream.
    Certificate,
}

impl Lapse {
    /// Tells the stream; the pair was its only one. A peer that sends learns from the error that
    /// what it sent last did not arrive.
    pub(crate) fn apply(&self, stream: &mut Stream, direction: Direction) {
        match &self.end {
            End::Pair(rejection) => {
                stream.remove_pair(self.trail.pair());
                stream.close(match direction {
                    Direction::Inbound => Some(refusal(rejection)),
                    Direction::Outbound => None,
                });
            }
            End::Certificate => stream.close(Some(expired())),
        }
    }

    /// Tells whoever listens, as one decision.
    pub(crate) fn note(&self, peer: &mut Peer) {
        peer.established = None;
        let trail = peer.trail_mut();
        trail.append(self.trail.clone());
        let code = match &self.end {
            End::Pair(rejection) => {
                trail.append(rejection.trail.clone());
                trail.record(step(Code::ProofEnded));
                rejection.code
            }
            End::Certificate => {
                trail.record(step(Code::CertExpired));
                Code::CertExpired
            }
        };
        trail.conclude(code);
        if let End::Pair(rejection) = &self.end {
            peer.reject(rejection);
        }
        peer.log();
    }
}

/// What a stream is told whose certificate has ended (RFC 6120 §13.7.2.3).
pub(crate) fn expired() -> StreamError {
    StreamError::new(Condition::Reset, "the certificate has expired")
}

/// What a peer is told that is not proved any more: as much as one that never was (A14).
fn refusal(rejection: &Rejection) -> StreamError {
    StreamError::new(Condition::from(rejection), rejection.text())
}

fn step(code: Code) -> Step {
    Step::new(Phase::Stream, code, "while the stream was up", Duration::ZERO)
}

/// One pair of one stream.
struct Watch {
    context: Arc<Context>,
    presented: Presented,
    pair: Pair,
    /// On whose account something is looked up.
    asker: Asker,
    /// When the certificate ends.
    leaf: UnixTime,
    prooftype: Prooftype,
    /// When what proves the pair ends.
    until: UnixTime,
    /// When the pair may be judged again.
    pause: Instant,
    /// Since when it is not known whether the pair is proved.
    doubt: Option<(Instant, UnixTime)>,
}

impl Watch {
    /// Waits and judges until the proof has lapsed.
    async fn keep(mut self, mut newer: Option<Newer>) -> Lapse {
        loop {
            let until = self.doubt.map_or(self.until, |(_, since)| since);
            let ends = [(self.leaf, Instant::now()), (until, self.pause)];
            let due = self.context.wall.over(ends);
            let found = tokio::select! {
                () = due => None,
                found = wait(&mut newer) => Some(found),
            };
            // In a box, since streams wait much longer than they are judged.
            match Box::pin(self.judge(found)).await {
                Ok(next) => newer = next,
                Err(lapse) => return lapse,
            }
        }
    }

    /// Judges by what was `found` because it was old, or else by what can be looked up.
    async fn judge(&mut self, found: Option<Finding>) -> Result<Option<Newer>, Lapse> {
        self.pause = pause(&self.context);
        let mut trail = Trail::new(self.pair.clone());
        if self.context.wall.now() > self.leaf {
            return Err(Lapse { end: End::Certificate, trail });
        }
        let Self { context, presented, pair, asker, .. } = &*self;
        let (presented, asker) = (Some(presented), *asker);
        let is_new = found.is_some();
        let outcome = match found {
            Some(found) => {
                trail.record(Step::posh(&pair.remote, &found, Duration::ZERO));
                prove(context, presented, pair, asker, &mut Some(found), &mut trail).await
            }
            None => prove_unknown(context, presented, pair, asker, &mut trail).await,
        };
        match outcome {
            Ok(Proof { association, newer }) => {
                self.prooftype = association.prooftype();
                self.until = association.valid_until();
                self.doubt = None;
                let Pair { local, remote } = &self.pair;
                debug!(target: "xmpp_s2s", %local, %remote, "pair is proved again");
                // What is new will not be old within the same breath.
                Ok(newer.filter(|_| !is_new))
            }
            Err(rejection) => self.end(rejection).map_or(Ok(None), |end| Err(Lapse { end, trail })),
        }
    }

    /// What a rejection ends; nothing, for a day, if it neither withdraws nor contradicts the proof.
    fn end(&mut self, rejection: Rejection) -> Option<End> {
        let mut steps = rejection.trail.steps().iter();
        let expired = |step: &Step| step.phase == Phase::Pkix && step.code == Code::CertExpired;
        if self.prooftype == Prooftype::Pkix && steps.any(expired) {
            return Some(End::Certificate);
        }
        let (longest, now) = (self.context.config.limits.doubt, self.context.wall.now());
        let (since, wall) = *self.doubt.get_or_insert_with(|| (Instant::now(), now));
        let passed = Duration::from_secs(now.as_secs().saturating_sub(wall.as_secs()));
        if is_final(rejection.code) || since.elapsed().max(passed) >= longest {
            return Some(End::Pair(rejection));
        }
        let (Pair { local, remote }, code) = (&self.pair, rejection.code.as_str());
        debug!(target: "xmpp_s2s", %local, %remote, code, "pair cannot be judged again yet");
        None
    }
}

/// When a pair may be judged again that is judged now.
fn pause(context: &Context) -> Instant {
    after(context.config.limits.judge_pause.max(PAUSE))
}

/// Whether the domain has withdrawn the proof, or the certificate is not what it says, or may not
/// be taken. What else is refused, such as a page for people, may be an accident of its web server.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::PoshNotPublished
            | Code::PoshExpiresZero
            | Code::PoshFingerprintMismatch
            | Code::PoshNoSupportedHash
            | Code::JwkPrivateMaterial
            | Code::PoshNotAllowed
            | Code::PkixNotAllowed
            | Code::CertNameMismatch
            | Code::CertUntrustedChain
            | Code::CertExpired
            | Code::CertNotYetValid
            | Code::CertInvalid
            | Code::TlsNoCertificate
    )
}

async fn wait(newer: &mut Option<Newer>) -> Finding {
    let Some(look) = newer else { return std::future::pending().await };
    let found = look.await;
    *newer = None;
    found
}

#[cfg(test)]
mod tests {
    use xmpp_s2s_proto::dna::{Authenticator, Evidence, Policy};

    use super::*;
    use crate::clock::now;

    /// A peer of a stream that is up, after what ended it.
    fn noted(end: impl FnOnce(&Pair) -> End) -> Peer {
        let pair =
            Pair { local: "a.example".parse().unwrap(), remote: "b.example".parse().unwrap() };
        let mut peer = Peer::new(pair.clone(), Direction::Inbound, now());
        peer.established = Some(now());
        peer.trail_mut().conclude(Code::StreamEstablished);
        let mut trail = Trail::new(pair.clone());
        trail.record(Step::new(Phase::Posh, Code::PoshFound, "", Duration::ZERO));
        Lapse { end: end(&pair), trail }.note(&mut peer);
        peer
    }

    fn codes(peer: &Peer) -> Vec<Code> {
        peer.trail.steps().iter().map(|step| step.code).collect()
    }

    #[test]
    fn a9_a_peer_whose_pair_ended_tells_what_was_found_and_what_came_of_it() {
        let peer = noted(|pair| {
            let gate = Authenticator::new([], &[]);
            let (evidence, policy) = (Evidence::default(), Policy::default());
            let now = UnixTime::since_unix_epoch(Duration::ZERO);
            End::Pair(gate.authenticate(None, pair, &evidence, &policy, now).unwrap_err())
        });
        assert_eq!(codes(&peer), [Code::PoshFound, Code::TlsNoCertificate, Code::ProofEnded]);
        assert_eq!(peer.trail.conclusion(), Some(Code::TlsNoCertificate));
        assert_eq!(peer.established, None);
    }

    #[test]
    fn lc05_a_peer_whose_certificate_ended_says_so() {
        let peer = noted(|_| End::Certificate);
        assert_eq!(codes(&peer), [Code::PoshFound, Code::CertExpired]);
        assert_eq!(peer.trail.conclusion(), Some(Code::CertExpired));
        assert_eq!(peer.established, None);
    }

    /// Every stream that is up has one.
    #[test]
    fn a_vigil_is_small() {
        fn size<F>(_: impl FnOnce(Watch, Option<Newer>) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(Watch::keep);
        assert!(size <= 1024, "{size}");
    }
}
