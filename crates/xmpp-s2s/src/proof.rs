//! The proof of a peer, for which what was found before may have to be looked up anew.

use posh::{Finding, Published};
use xmpp_s2s_proto::dna::{Association, Evidence, Presented, Prooftype, Rejection};
use xmpp_s2s_proto::{Code, Pair, Phase, Trail};

use crate::context::Context;
use crate::discovery::Asker;

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
) -> Result<Association, Rejection> {
    loop {
        let mut evidence = Evidence::default();
        evidence.posh = finding.as_ref().map(|finding| finding.published.clone());
        let outcome = context.authenticate(presented, pair, &evidence);
        let (Some(presented), Some(seen)) = (presented, &*finding) else { return outcome };
        let rejection = match outcome {
            Err(rejection) if may_be_outdated(seen, asker, &rejection) => rejection,
            Err(rejection) => return Err(rejection),
            Ok(association) => {
                if association.prooftype() == Prooftype::Posh {
                    context.finder.matched(seen, presented.end_entity());
                }
                return Ok(association);
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
    }
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
