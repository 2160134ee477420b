use std::fmt;

use clap::ValueEnum;

use crate::image::Debian;

/// A release of Prosody, of those that Debian has.
///
/// What 13 does otherwise towards other servers: it tries the next address of a target after
/// 250 ms, beside the one before, for whose failure 0.12 waits; and where DNSSEC vouches for an
/// SRV record it takes the certificate of the target for the domain's. The targets of the lab have
/// one address each, and its zones are not signed. DANE, bidi and stream management are off in
/// both unless they are asked for (`use_dane`, `mod_s2s_bidi`, `mod_smacks`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, ValueEnum)]
pub enum Release {
    /// 0.12, of Debian 12.
    #[value(name = "0.12")]
    Prosody0_12,
    /// 13, of Debian 13.
    #[value(name = "13")]
    Prosody13,
}

impl Release {
    /// All of them, the oldest first.
    pub const ALL: [Self; 2] = [Self::Prosody0_12, Self::Prosody13];

    /// The beginning of its version, as Prosody itself says it.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Prosody0_12 => "0.12",
            Self::Prosody13 => "13",
        }
    }

    /// Its name in names of scenarios and folders.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Prosody0_12 => "prosody_0_12",
            Self::Prosody13 => "prosody_13",
        }
    }

    /// Which release of Debian has it.
    pub(crate) fn debian(self) -> Debian {
        match self {
            Self::Prosody0_12 => Debian::Bookworm,
            Self::Prosody13 => Debian::Trixie,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prosody {}", self.version())
    }
}
