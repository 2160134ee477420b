use posh::{Profile, Service};
use thiserror::Error;

use super::Presented;
use super::presented::fingerprint;
use crate::{Code, Domain, Step, Trail};

/// No prooftype succeeded.
#[derive(Clone, Debug, Error)]
#[error("no proof that the peer is {source_domain}: {}", code.sentence())]
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
    /// The URL of the POSH document that the certificate was compared with, if there was one.
    pub document: Option<String>,
}

impl Rejection {
    /// The same where what did not match may be out of date and could not be looked up again:
    /// `denial` says why, and decides, since nobody is refused by what was only kept.
    pub fn unconfirmed(mut self, denial: Step) -> Self {
        self.code = denial.code;
        self.trail.conclude(denial.code);
        self.trail.record(denial);
        self
    }

    pub(super) fn new(
        mut trail: Trail,
        code: Code,
        presented: Option<&Presented>,
        document: Option<String>,
    ) -> Self {
        trail.conclude(code);
        Self {
            source_domain: trail.pair().remote.clone(),
            code,
            trail,
            end_entity: presented.map(|presented| *presented.digest()),
            document,
        }
    }

    /// What the peer is told: one code, where its domain would publish, its own digest.
    ///
    /// It is all that a stranger may learn: nothing of our addresses, caches and policy.
    pub fn text(&self) -> String {
        let mut text = self.told().to_string();
        if let Ok(url) = Service::XMPP_SERVER.url(self.source_domain.to_dns(), Profile::Rfc7711) {
            text = format!("{text}; {url}");
        }
        if let Some(digest) = &self.end_entity {
            text = format!("{text}; {}", fingerprint(digest));
        }
        text
    }

    /// The code that the peer is told: which addresses our DNS gives for a name, which of them we
    /// allow, what we hold of earlier look-ups, and which proofs are enough, is not its business.
    pub(crate) fn told(&self) -> Code {
        match self.code {
            Code::PoshForbidden | Code::PoshDocumentStale => Code::PoshUnreachable,
            Code::PoshMismatchUnconfirmed => Code::PoshOverBudget,
            Code::PkixNotAllowed | Code::PoshNotAllowed => Code::CertUntrustedChain,
            code => code,
        }
    }
}
