//! How long an answer is kept.

use std::time::Duration;

use rustls_pki_types::UnixTime;

use crate::lookup::LONGEST_LIFETIME;
use crate::{DocumentError, FetchError, Limits, LookupError, Published};

/// What kind of answer it is, as far as keeping it goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Material, until then.
    Found(UnixTime),
    /// The domain says that nothing it published before counts, or has given its key away.
    Withdrawn,
    /// The domain says that there is nothing.
    Absent,
    /// What it says must not be used.
    Invalid,
    /// It says nothing that could be understood.
    Unreachable,
    /// Our own rules or system keep us from connecting: no answer of the domain's.
    Barred,
    /// We did not ask, or not to the end: no answer at all.
    Ours,
}

impl Kind {
    pub(super) fn of(published: &Published) -> Self {
        match published {
            Published::Found(materials) => Self::Found(materials.valid_until()),
            Published::Absent => Self::Absent,
            Published::Unknown(error) => match &**error {
                FetchError::Invalid(LookupError::Document {
                    error: DocumentError::Withdrawn | DocumentError::PrivateKey(_),
                    ..
                }) => Self::Withdrawn,
                FetchError::Invalid(_) => Self::Invalid,
                FetchError::Refused { .. } | FetchError::Local { .. } => Self::Barred,
                FetchError::Status { .. }
                | FetchError::Untrusted { .. }
                | FetchError::WrongName { .. }
                | FetchError::Timeout { .. }
                | FetchError::Unreachable { .. } => Self::Unreachable,
                FetchError::Source(_) | FetchError::OverBudget(_) | FetchError::Interrupted => {
                    Self::Ours
                }
            },
        }
    }

    /// How long it is kept that there is nothing to use, after so many failures in a row; `None` if
    /// it is not.
    ///
    /// No two domains that failed together are asked together again, and none is kept out longer
    /// than [`Limits`] say.
    pub(super) fn negative(self, failures: u32, limits: &Limits, dice: u64) -> Option<Duration> {
        let (least, most) = match self {
            Self::Found(_) | Self::Barred | Self::Ours => return None,
            Self::Absent => (limits.absent / 10 * 9, limits.absent),
            Self::Withdrawn | Self::Invalid => (limits.invalid / 10 * 9, limits.invalid),
            Self::Unreachable => {
                let longest = limits.unreachable_longest;
                let grown = limits.unreachable.saturating_mul(1 << failures.min(10)).min(longest);
                (grown / 2, grown)
            }
        };
        let (least, most) = (least.min(LONGEST_LIFETIME), most.min(LONGEST_LIFETIME));
        Some(least + share(most.saturating_sub(least), dice))
    }
}

/// A part of `whole`, which is no longer than [`LONGEST_LIFETIME`], by dice.
fn share(whole: Duration, dice: u64) -> Duration {
    let nanos = (whole.as_nanos() * u128::from(dice)) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
