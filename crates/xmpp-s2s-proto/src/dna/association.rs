use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::posh::Published;
use rustls_pki_types::{SignatureVerificationAlgorithm, TrustAnchor, UnixTime};

use super::policy::{NoProof, Proof};
use super::{Evidence, Policy, Presented, Prooftype, Rejection, pkix, posh};
use crate::{Code, Domain, Pair, Phase, Step, Trail, printable};

/// The gate: decides whether a certificate chain proves a domain name.
#[derive(Clone)]
pub struct Authenticator {
    anchors: Arc<[TrustAnchor<'static>]>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl Authenticator {
    /// Trusts `anchors` for the PKIX prooftype.
    pub fn new(
        anchors: impl Into<Arc<[TrustAnchor<'static>]>>,
        algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    ) -> Self {
        Self { anchors: anchors.into(), algorithms }
    }

    /// Tries the prooftypes that `policy` allows, on the chain that the peer presented, if it did;
    /// one that succeeds is enough.
    ///
    /// An [`Association`] is made here and by [`Rejection::reconsider`] alone. What could not be found out proves
    /// nothing.
    pub fn authenticate(
        &self,
        presented: Option<&Presented>,
        pair: &Pair,
        evidence: &Evidence,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Association, Rejection> {
        let mut trail = Trail::new(pair.clone());
        let Some(presented) = presented else {
            trail.record(step(Phase::Tls, Code::TlsNoCertificate, ""));
            return Err(Rejection::new(trail, Code::TlsNoCertificate, None, None));
        };
        let pkix = attempt(Prooftype::Pkix, policy, &mut trail, || {
            pkix::prove(presented, &pair.remote, &self.anchors, self.algorithms, now)
        });
        judge(presented, pkix, trail, evidence, policy, now)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("anchors", &self.anchors.len())
            .finish_non_exhaustive()
    }
}

impl Rejection {
    /// Judges the same certificate by other evidence, and by [`Authenticator::authenticate`]'s
    /// finding of its path: a stranger chooses how much work that makes.
    ///
    /// A certificate that was not the one that was rejected stays so.
    pub fn reconsider(
        self,
        presented: &Presented,
        evidence: &Evidence,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Association, Self> {
        let found = self.trail.steps().iter().find(|step| step.phase == Phase::Pkix);
        let Some(pkix) = found.filter(|_| self.end_entity.as_ref() == Some(presented.digest()))
        else {
            return Err(self);
        };
        let mut trail = Trail::new(self.trail.pair().clone());
        trail.record(pkix.clone());
        judge(presented, Err(pkix.code), trail, evidence, policy, now)
    }
}

/// The proof that a peer speaks for the remote domain of a pair, with one certificate.
///
/// Only [`Authenticator::authenticate`] and [`Rejection::reconsider`] make one, and it opens one pair on one stream: it cannot
/// be copied, and the stream refuses it for another pair or another handshake.
#[derive(Debug)]
pub struct Association {
    pair: Pair,
    presented: Presented,
    prooftype: Prooftype,
    valid_until: UnixTime,
    document: Option<String>,
    trail: Trail,
}

impl Association {
    /// Whether it was made for `pair`, from just this handshake. Another handshake is refused also
    /// if its certificate is the same: whoever made it was not judged.
    pub fn is_for(&self, pair: &Pair, presented: &Presented) -> bool {
        self.pair == *pair && self.presented.is_same_handshake(presented)
    }

    /// The pair; its remote domain is proved.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// SHA-256 of the certificate that it was made for.
    pub fn end_entity(&self) -> &[u8; 32] {
        self.presented.digest()
    }

    /// How.
    pub fn prooftype(&self) -> Prooftype {
        self.prooftype
    }

    /// Until when it stands without another look: the end of the certificate, of its issuers, or
    /// of what is published.
    pub fn valid_until(&self) -> UnixTime {
        self.valid_until
    }

    /// The URL of the POSH document that lists the certificate, where that is the proof.
    pub fn document(&self) -> Option<&str> {
        self.document.as_deref()
    }

    /// How it came about.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }
}

/// Tries what the path of the certificate does not decide.
fn judge(
    presented: &Presented,
    pkix: Result<UnixTime, Code>,
    mut trail: Trail,
    evidence: &Evidence,
    policy: &Policy,
    now: UnixTime,
) -> Result<Association, Rejection> {
    let pair = trail.pair().clone();
    let posh = evidence.posh.as_ref().map(|published| {
        attempt(Prooftype::Posh, policy, &mut trail, || {
            posh::prove(presented, &pair.remote, published, now)
        })
    });

    let document = || compared(&pair.remote, evidence, policy);
    let (prooftype, valid_until, document) = match (pkix, posh) {
        (Ok(until), _) => (Prooftype::Pkix, until, None),
        (Err(_), Some(Ok(until))) => (Prooftype::Posh, until, document()),
        (Err(pkix), posh) => {
            let code = decisive(pkix, posh.and_then(Result::err));
            return Err(Rejection::new(trail, code, Some(presented), document()));
        }
    };
    trail.conclude(prooftype.success());
    let presented = presented.clone();
    Ok(Association { pair, presented, prooftype, valid_until, document, trail })
}

/// Tries one prooftype, notes what it came to, and gives its end or the reason against it.
fn attempt(
    prooftype: Prooftype,
    policy: &Policy,
    trail: &mut Trail,
    prove: impl FnOnce() -> Result<Proof, NoProof>,
) -> Result<UnixTime, Code> {
    if !policy.allows(prooftype) {
        let code = prooftype.not_allowed();
        trail.record(step(prooftype.phase(), code, ""));
        return Err(code);
    }
    match prove() {
        Ok(Proof { until, detail }) => {
            trail.record(step(prooftype.phase(), prooftype.success(), &detail));
            Ok(until)
        }
        Err(NoProof { code, detail }) => {
            trail.record(step(prooftype.phase(), code, &detail));
            Err(code)
        }
    }
}

/// The URL of the POSH document that the certificate was compared with.
fn compared(domain: &Domain, evidence: &Evidence, policy: &Policy) -> Option<String> {
    match &evidence.posh {
        Some(Published::Found(materials))
            if policy.allows(Prooftype::Posh) && materials.source() == domain.to_dns() =>
        {
            materials.walked().last().map(|url| printable(url.as_str()))
        }
        _ => None,
    }
}

/// A step of the gate takes no time that could be told without a clock.
fn step(phase: Phase, code: Code, detail: &str) -> Step {
    Step::new(phase, code, detail, Duration::ZERO)
}

/// Which of the reasons is the one to tell. A domain that publishes by POSH means POSH to be looked
/// at; of one that does not, its certificate is the matter if it names the domain at all.
fn decisive(pkix: Code, posh: Option<Code>) -> Code {
    match posh {
        None | Some(Code::PoshNotAllowed) => pkix,
        Some(Code::PoshNotPublished)
            if !matches!(pkix, Code::CertNameMismatch | Code::PkixNotAllowed) =>
        {
            pkix
        }
        Some(posh) => posh,
    }
}
