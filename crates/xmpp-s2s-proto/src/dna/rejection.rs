use posh::{Profile, Service};
use thiserror::Error;

use super::Presented;
use super::presented::fingerprint;
use crate::stream::Condition;
use crate::{Code, Domain, Trail};

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
}

impl Rejection {
    pub(super) fn new(mut trail: Trail, code: Code, presented: Option<&Presented>) -> Self {
        trail.conclude(code);
        Self {
            source_domain: trail.pair().remote.clone(),
            code,
            trail,
            end_entity: presented.map(|presented| *presented.digest()),
        }
    }

    /// What the peer is told: one code, where its domain would publish, its own digest.
    ///
    /// It is all that a stranger may learn: nothing of our addresses, caches and policy.
    pub fn text(&self) -> String {
        let mut text = told(self.code).to_string();
        if let Ok(url) = Service::XMPP_SERVER.url(self.source_domain.to_dns(), Profile::Rfc7711) {
            text = format!("{text}; {url}");
        }
        if let Some(digest) = &self.end_entity {
            text = format!("{text}; {}", fingerprint(digest));
        }
        text
    }
}

/// Which addresses our DNS gives for a name, and which of them we allow, is not a peer's business.
fn told(code: Code) -> Code {
    match code {
        Code::PoshForbidden => Code::PoshUnreachable,
        code => code,
    }
}

impl From<&Rejection> for Condition {
    /// `not-authorized`, unless trying again later may help: `resource-constraint` where the limit
    /// is ours, `remote-connection-failed` where the domain's web server is the matter (RFC 6120
    /// §4.9.3.15).
    fn from(rejection: &Rejection) -> Self {
        match told(rejection.code) {
            Code::PoshOverBudget | Code::PoshDocumentStale => Self::ResourceConstraint,
            Code::PoshHttpsUntrusted
            | Code::PoshHttpsNameMismatch
            | Code::PoshHttpStatus
            | Code::PoshUnreachable
            | Code::PoshTimeout => Self::RemoteConnectionFailed,
            Code::Stopping => Self::SystemShutdown,
            _ => Self::NotAuthorized,
        }
    }
}
