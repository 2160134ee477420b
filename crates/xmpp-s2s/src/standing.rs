//! One of our own domains, as others find it.

use posh::{Finding, Origin, Published};
use rustls::pki_types::UnixTime;
use xmpp_s2s_proto::dna::{Evidence, Policy, Presented, Prooftype};
use xmpp_s2s_proto::{Domain, Pair, Trail};

use crate::context::Context;
use crate::discovery::{Asker, Discovery, DiscoveryError, Extent, Target};

/// How one of our domains stands with others: what they find when they look for it, and whether
/// the certificate that we show proves it.
///
/// It is what this endpoint sees. Others may trust other authorities, and see another DNS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Standing {
    /// Where others are led.
    pub targets: Result<Vec<Target>, DiscoveryError>,
    /// What the domain publishes.
    pub evidence: Evidence,
    /// What the domain publishes instead by now, where the evidence is a document that is not served
    /// any more and may still be used: whoever looks for the first time finds only this.
    pub instead: Option<Published>,
    /// What proves the domain to others; `None` if nothing does.
    pub prooftype: Option<Prooftype>,
    /// Every step, with what each prooftype says of our certificate; both of its domains are ours.
    pub trail: Trail,
}

/// Judges our certificate for `local` by every prooftype; `None` if the domain is not ours.
pub(crate) async fn standing(context: &Context, local: &Domain) -> Option<Standing> {
    let identity = context.identity(local)?;
    // What others accept is not for our policies to say.
    let policy = Policy::default();
    let discovery = context.finder.discover(local, &policy, Extent::Everything).await;
    let Discovery { targets, mut evidence, mut steps, finding } = discovery;
    // What was kept is what some others still have; what is published now, all will.
    let mut instead = None;
    if let Some(seen) = finding.filter(Finding::is_cached) {
        let (again, step) = context.finder.look_again(&seen, local, Asker::Ourselves).await;
        if let Origin::Stale { instead: now, .. } = &again.origin {
            instead = Some(now.clone()).filter(|now| !now.is_withheld());
        }
        // That we may not look again says nothing about the domain.
        if !again.is_withheld() {
            steps.push(step);
            evidence.posh = Some(again.published);
        }
    }

    let pair = Pair { local: local.clone(), remote: local.clone() };
    let mut trail = Trail::new(pair.clone());
    steps.into_iter().for_each(|step| trail.record(step));
    // There is no handshake, so no stream would take the association; it says what peers will find.
    let presented = Presented::after_handshake(&identity.cert);
    let now = UnixTime::now();
    let judged = context.judge(presented.as_ref(), &pair, &evidence, &policy, now);
    let prooftype = judged.as_ref().ok().map(|association| association.prooftype());
    trail.append(match judged {
        Ok(association) => association.trail().clone(),
        Err(rejection) => rejection.trail,
    });
    Some(Standing { targets, evidence, instead, prooftype, trail })
}
