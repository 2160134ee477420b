use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

/// The certificates a peer presented in TLS, whose key it has proved to hold.
///
/// Each stands for one handshake: clones are that same handshake, while a second
/// [`Self::after_handshake`] with the same certificates is another.
#[derive(Clone)]
pub struct Presented(Arc<Chain>);

struct Chain {
    end_entity: CertificateDer<'static>,
    digest: [u8; 32],
    intermediates: Vec<CertificateDer<'static>>,
}

impl Presented {
    /// Most certificates that are looked at besides the end entity's; no public authority needs
    /// more than four.
    const INTERMEDIATES: usize = 8;
    /// Most bytes of them.
    const INTERMEDIATES_SIZE: usize = 32 * 1024;

    /// Takes the chain of a finished handshake, end entity first; `None` if it is empty.
    ///
    /// The handshake must have verified the peer's signature with the end entity's key. What
    /// exceeds eight further certificates, or 32 KiB of them, is left out of path building.
    pub fn after_handshake(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let (end_entity, others) = chain.split_first()?;
        let mut room = Self::INTERMEDIATES_SIZE;
        let fits = |certificate: &&CertificateDer<'_>| {
            room.checked_sub(certificate.len()).map(|left| room = left).is_some()
        };
        Some(Self(Arc::new(Chain {
            end_entity: end_entity.clone().into_owned(),
            digest: Sha256::digest(end_entity).into(),
            intermediates: others
                .iter()
                .take(Self::INTERMEDIATES)
                .take_while(fits)
                .map(|certificate| certificate.clone().into_owned())
                .collect(),
        })))
    }

    /// The certificate that has to be the right one.
    pub fn end_entity(&self) -> &CertificateDer<'static> {
        &self.0.end_entity
    }

    /// SHA-256 of it.
    pub fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }

    /// The certificates that may lead from it to a trust anchor; they prove nothing by themselves.
    pub(super) fn intermediates(&self) -> &[CertificateDer<'static>] {
        &self.0.intermediates
    }

    pub(super) fn is_same_handshake(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("sha256", &fingerprint(self.digest()))
            .field("intermediates", &self.intermediates().len())
            .finish()
    }
}

/// A SHA-256 digest as POSH documents spell it, so that the two can be compared by eye.
pub(super) fn fingerprint(digest: &[u8; 32]) -> String {
    format!("sha-256 {}", STANDARD.encode(digest))
}
