//! Until when materials may be used, and what decided that.

use std::fmt;
use std::time::Duration;

use rustls_pki_types::UnixTime;

/// What decided until when materials may be used: of all that bounds them, what ends first.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// `expires` of the fingerprints (RFC 7711 §6).
    Expires,
    /// `expires` of the reference, which is lower (RFC 7711 §6).
    ReferenceExpires,
    /// The last certificate of a key set ends, or the one that has matched (draft-02 §7).
    Certificate,
    /// A key set does not give its certificates, and none has matched yet.
    Unmatched,
    /// [`Limits::lifetime`](crate::Limits::lifetime), or seven days: nothing is kept for ever (RFC
    /// 7711 §6).
    Limit,
    /// A key set decides no longer than it may be kept that there are no fingerprints.
    NoFingerprints,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expires => "`expires` of the document",
            Self::ReferenceExpires => "`expires` of the reference",
            Self::Certificate => "the end of its certificate",
            Self::Unmatched => "no certificate that tells how long it lives",
            Self::Limit => "our limit",
            Self::NoFingerprints => "how long it may be kept that there are no fingerprints",
        })
    }
}

/// An end, and what decided it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct End {
    pub(crate) at: UnixTime,
    pub(crate) ending: Ending,
}

impl End {
    pub(crate) fn after(now: UnixTime, lifetime: Duration, ending: Ending) -> Self {
        let at = now.as_secs().saturating_add(lifetime.as_secs());
        Self { at: UnixTime::since_unix_epoch(Duration::from_secs(at)), ending }
    }

    /// This one, unless the other is earlier.
    pub(crate) fn or_earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }
}
