//! What a run came to, for shells.

use std::process::ExitCode;

use serde::Serialize;
use xmpp_s2s::Verdict;

use crate::warning::Remark;

/// Wrong usage, or a file or setting on this machine that has to be mended first.
pub(crate) const LOCAL_ERROR: u8 = 2;

/// What a run came to, one word for each exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    /// The peer would be accepted; what was asked for is done.
    Accepted,
    /// The peer would be refused.
    Refused,
    /// It would be accepted, but there is a warning, and the run was to be strict.
    Warned,
    /// It could not be found out; later it may be.
    CannotTell,
}

impl Ending {
    /// What a verdict means for whoever lets warnings pass or, being strict, does not.
    pub(crate) fn of(verdict: Verdict, warnings: &[Remark], strict: bool) -> Self {
        match verdict {
            Verdict::Passed if strict && !warnings.is_empty() => Self::Warned,
            Verdict::Passed => Self::Accepted,
            Verdict::Refused => Self::Refused,
            Verdict::Unknown => Self::CannotTell,
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Accepted => 0,
            Ending::Refused => 1,
            Ending::Warned => 3,
            Ending::CannotTell => 4,
        })
    }
}
