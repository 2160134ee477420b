use rustls_pki_types::UnixTime;

use crate::{Code, Phase};

/// What is enough, for one remote domain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// The prooftypes that count; one that succeeds is enough. `[Posh]` is the strict form, in
    /// which nothing but a POSH match authenticates a peer.
    pub prooftypes: Vec<Prooftype>,
}

impl Policy {
    /// One proof of these types is enough.
    pub fn new(prooftypes: impl Into<Vec<Prooftype>>) -> Self {
        Self { prooftypes: prooftypes.into() }
    }

    pub(super) fn allows(&self, prooftype: Prooftype) -> bool {
        self.prooftypes.contains(&prooftype)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new([Prooftype::Pkix, Prooftype::Posh])
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

impl Prooftype {
    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pkix => "pkix",
            Self::Posh => "posh",
        }
    }

    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Pkix => Phase::Pkix,
            Self::Posh => Phase::PoshMatch,
        }
    }

    pub(super) fn success(self) -> Code {
        match self {
            Self::Pkix => Code::PkixMatch,
            Self::Posh => Code::PoshMatch,
        }
    }

    pub(super) fn not_allowed(self) -> Code {
        match self {
            Self::Pkix => Code::PkixNotAllowed,
            Self::Posh => Code::PoshNotAllowed,
        }
    }
}

/// What makes a prooftype succeed.
pub(super) struct Proof {
    /// Until when it stands.
    pub(super) until: UnixTime,
    /// For the trail.
    pub(super) detail: String,
}

/// Why a prooftype does not succeed.
pub(super) struct NoProof {
    /// In a word.
    pub(super) code: Code,
    /// For the trail.
    pub(super) detail: String,
}
