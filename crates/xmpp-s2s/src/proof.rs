//! The proof of a peer, for which what was found before may have to be looked up anew.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use posh::{Finding, Published};
use xmpp_s2s_proto::dna::{Association, Evidence, Presented, Prooftype, Rejection};
use xmpp_s2s_proto::{Code, Pair, Phase, Trail};

use crate::context::Context;
use crate::discovery::Asker;

/// A proof, and what may soon be found that speaks against it.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) association: Association,
    /// The proof is by what was found a good while ago, so that is looked up again (A16).
    pub(crate) newer: Option<Newer>,
}

/// What comes of looking up again what was old.
pub(crate) struct Newer(BoxFuture<'static, Finding>);

impl Future for Newer {
    type Output = Finding;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(cx)
    }
}

impl fmt::Debug for Newer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Newer").finish_non_exhaustive()
    }
}

/// Asks the gate. Where the peer is not proved by what was found before, that is looked up anew,
/// and what is found then is believed; where it may not be, the peer is put off (A10).
///
/// What led to the outcome is in its own trail, what came before it is noted in `trail`.
pub(crate) async fn prove(
    context: &Context,
    presented: Option<&Presented>,
    pair: &Pair,
    asker: Asker,
    finding: &mut Option<Finding>,
    trail: &mut Trail,
) -> Result<Proof, Rejection> {
    prove_rejected(context, None, presented, pair, asker, finding, trail).await
}

/// The same for a peer that was `rejected` already, for want of other evidence.
async fn prove_rejected(
    context: &Context,
    mut rejected: Option<Rejection>,
    presented: Option<&Presented>,
    pair: &Pair,
    asker: Asker,
    finding: &mut Option<Finding>,
    trail: &mut Trail,
) -> Result<Proof, Rejection> {
    loop {
        let mut evidence = Evidence::default();
        evidence.posh = finding.as_ref().map(|finding| finding.published.clone());
        let outcome = match (rejected, presented) {
            (Some(rejected), Some(presented)) => context.reconsider(rejected, presented, &evidence),
            (Some(_) | None, _) => context.authenticate(presented, pair, &evidence),
        };
        let (Some(presented), Some(seen)) = (presented, &*finding) else {
            return outcome.map(|association| Proof { association, newer: None });
        };
        let rejection = match outcome {
            Err(rejection) if may_be_outdated(seen, asker, &rejection) => rejection,
            Err(rejection) => return Err(rejection),
            Ok(association) => {
                let by_posh = association.prooftype() == Prooftype::Posh;
                let matched = || context.finder.matched(seen, presented.end_entity());
                let newer = by_posh.then(matched).flatten().map(Newer);
                return Ok(Proof { association, newer });
            }
        };
        let (again, step) = context.finder.look_again(seen, &pair.remote, asker).await;
        // What is known may still prove the peer at another target (A26).
        if again.published.is_withheld() {
            return Err(rejection.unconfirmed(step));
        }
        let compared = rejection.trail.steps().iter().filter(|step| step.phase == Phase::PoshMatch);
        compared.for_each(|step| trail.record(step.clone()));
        trail.record(step);
        *finding = Some(again);
        rejected = Some(rejection);
    }
}

/// The same for a peer of which nothing is known yet. PKIX costs nothing after the handshake; POSH
/// is asked for only where that is no proof, and only for a peer that showed a certificate.
pub(crate) async fn prove_unknown(
    context: &Context,
    presented: Option<&Presented>,
    pair: &Pair,
    asker: Asker,
    trail: &mut Trail,
) -> Result<Proof, Rejection> {
    let first = context.authenticate(presented, pair, &Evidence::default());
    let policy = context.config.policy_for(&pair.remote);
    let rejected = match first {
        Err(rejected) if presented.is_some() && policy.prooftypes.contains(&Prooftype::Posh) => {
            Some(rejected)
        }
        first => return first.map(|association| Proof { association, newer: None }),
    };
    let (finding, step) = context.finder.look_up(&pair.remote, asker).await;
    trail.record(step);
    prove_rejected(context, rejected, presented, pair, asker, &mut Some(finding), trail).await
}

/// Whether it may be for its age alone that what was found is no proof. That a domain publishes
/// nothing is not looked up again because a stranger claims to be it (A11).
fn may_be_outdated(seen: &Finding, asker: Asker, rejection: &Rejection) -> bool {
    seen.is_cached()
        && match seen.published {
            Published::Found(_) => matches!(
                rejection.code,
                Code::PoshFingerprintMismatch | Code::PoshNoSupportedHash | Code::PoshDocumentStale
            ),
            _ => asker == Asker::Ourselves,
        }
}
