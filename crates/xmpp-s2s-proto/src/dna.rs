//! Domain name associations (RFC 7712): does this certificate speak for that domain?

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use posh::Published;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use thiserror::Error;

use crate::stream::Condition;
use crate::{Code, Domain, Pair, Step, Trail};

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
        todo!()
    }

    /// Tries the prooftypes that `policy` allows, on the chain that the peer presented, if it did;
    /// one that succeeds is enough.
    ///
    /// This is the only place where an [`Association`] is made.
    pub fn authenticate(
        &self,
        presented: Option<&Presented>,
        pair: &Pair,
        evidence: &Evidence,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Association, Rejection> {
        todo!()
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

/// The certificates a peer presented in TLS, whose key it has proved to hold.
#[derive(Clone, Debug)]
pub struct Presented {
    chain: Arc<[CertificateDer<'static>]>,
}

impl Presented {
    /// Takes the chain of a finished handshake, end entity first; `None` if it is empty.
    pub fn after_handshake(chain: &[CertificateDer<'_>]) -> Option<Self> {
        todo!()
    }

    /// The certificate that has to be the right one.
    pub fn end_entity(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }
}

/// What was found out about a source domain, besides its peer's certificate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Evidence {
    /// What it publishes over HTTPS; `None` if that was not looked up.
    pub posh: Option<Published>,
}

/// What is enough, for one remote domain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// The prooftypes that count.
    pub prooftypes: Vec<Prooftype>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { prooftypes: vec![Prooftype::Pkix, Prooftype::Posh] }
    }
}

/// A kind of proof (RFC 7712 §7).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Prooftype {
    /// The certificate names the domain and chains to a trust anchor.
    Pkix,
    /// The source domain publishes the certificate over HTTPS.
    Posh,
}

/// The proof that a peer speaks for the remote domain of a pair, with one certificate.
///
/// Only [`Authenticator::authenticate`] makes one, and it opens one pair on one stream: it cannot
/// be copied, and the stream refuses it for another pair or another certificate.
#[derive(Debug)]
pub struct Association {
    pair: Pair,
    end_entity: [u8; 32],
    prooftype: Prooftype,
    valid_until: UnixTime,
    trail: Trail,
}

impl Association {
    /// The pair; its remote domain is proved.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// SHA-256 of the certificate that it was made for.
    pub fn end_entity(&self) -> &[u8; 32] {
        &self.end_entity
    }

    /// How.
    pub fn prooftype(&self) -> Prooftype {
        self.prooftype
    }

    /// Until when it stands without another look.
    pub fn valid_until(&self) -> UnixTime {
        self.valid_until
    }

    /// How it came about.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }
}

/// No prooftype succeeded.
#[derive(Clone, Debug, Error)]
#[error("no proof that the peer is {source_domain}: {trail}")]
#[non_exhaustive]
pub struct Rejection {
    /// The domain that was to be proved.
    pub source_domain: Domain,
    /// What decided.
    pub code: Code,
    /// What was tried, and why it did not succeed.
    pub trail: Trail,
    /// SHA-256 of the end-entity certificate, if there was one.
    pub end_entity: Option<[u8; 32]>,
}

impl Rejection {
    /// What the peer is told: one code, where its domain would publish, its own digest.
    pub fn text(&self) -> String {
        todo!()
    }
}

impl From<&Rejection> for Condition {
    fn from(rejection: &Rejection) -> Self {
        todo!()
    }
}

impl Step {
    /// What a lookup of POSH documents came to.
    pub fn posh(published: &Published, elapsed: Duration) -> Self {
        todo!()
    }
}
