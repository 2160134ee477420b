//! What was found, for how long, and whether a certificate matches it.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, DnsName, UnixTime};
use thiserror::Error;
use url::Url;

use crate::burnt::Burnt;
use crate::document_error::DocumentError;
use crate::ending::{End, Ending};
use crate::fingerprint::{Fingerprints, HashFunction};
use crate::jwk::KeySet;
use crate::{Leaf, Profile};

/// What a source domain says its server's certificate is: the verification material.
///
/// Only a [`Lookup`](crate::Lookup) makes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Materials {
    source: DnsName<'static>,
    walked: Vec<Url>,
    list: List,
    end: End,
    /// What `end` cannot be put off beyond.
    latest: End,
    burnt: Burnt,
}

/// The document at the end of the way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum List {
    Fingerprints(Fingerprints),
    Keys(KeySet),
}

impl List {
    /// Until when it may be used.
    ///
    /// Fingerprints say so themselves (RFC 7711 §6); a key set as long as its last certificate
    /// lives, which is known where it gives every certificate (draft-02 §7).
    fn end(&self, now: UnixTime) -> End {
        match self {
            Self::Fingerprints(list) => End::after(now, list.expires(), Ending::Expires),
            Self::Keys(keys) => match keys.not_after().filter(|end| *end > now) {
                Some(at) => End { at, ending: Ending::Certificate },
                None => End::after(now, UNMATCHED, Ending::Unmatched),
            },
        }
    }
}

impl Materials {
    pub(crate) fn new(
        source: DnsName<'static>,
        walked: Vec<Url>,
        list: List,
        latest: End,
        now: UnixTime,
        burnt: Burnt,
    ) -> Self {
        let end = list.end(now).or_earlier(latest);
        Self { source, walked, list, end, latest, burnt }
    }

    /// Lets it end no later than it may be kept that there are no fingerprints.
    #[cfg(feature = "client")]
    pub(crate) fn end_by(&mut self, at: UnixTime) {
        let end = End { at, ending: Ending::NoFingerprints };
        self.latest = self.latest.or_earlier(end);
        self.end = self.end.or_earlier(end);
    }

    /// These, but good for as long as a certificate lives that has matched; `None` if that is no
    /// longer than before, and for fingerprints, which say themselves how long they are good for.
    pub(crate) fn prolonged(&self, not_after: UnixTime) -> Option<Self> {
        let end = End { at: not_after, ending: Ending::Certificate }.or_earlier(self.latest);
        match &self.list {
            List::Keys(keys) if keys.not_after().is_none() && end.at > self.end.at => {
                Some(Self { end, ..self.clone() })
            }
            List::Keys(_) | List::Fingerprints(_) => None,
        }
    }

    /// About how many bytes of the heap it takes.
    pub(crate) fn size(&self) -> usize {
        let list = match &self.list {
            List::Fingerprints(fingerprints) => fingerprints.size(),
            List::Keys(keys) => keys.size(),
        };
        let way =
            self.walked.iter().map(|url| size_of::<Url>() + url.as_str().len()).sum::<usize>();
        size_of::<Self>() + self.source.as_ref().len() + way + list + self.burnt.size()
    }

    /// Refuses these keys as well, since their private parts are known (A20).
    pub(crate) fn burn(&mut self, keys: Burnt) {
        self.burnt.extend(keys);
    }

    /// Keys whose private parts the documents give away.
    pub(crate) fn burnt(&self) -> &Burnt {
        &self.burnt
    }

    #[cfg(feature = "client")]
    pub(crate) fn into_burnt(self) -> Burnt {
        self.burnt
    }

    /// The domain that published it.
    pub fn source(&self) -> &DnsName<'static> {
        &self.source
    }

    /// Every URL on the way; the last one's host names the derived domain.
    pub fn walked(&self) -> &[Url] {
        &self.walked
    }

    /// Which specification it follows.
    pub fn profile(&self) -> Profile {
        match self.list {
            List::Fingerprints(_) => Profile::Rfc7711,
            List::Keys(_) => Profile::Draft02,
        }
    }

    /// How many entries the document has.
    pub fn entries(&self) -> usize {
        match &self.list {
            List::Fingerprints(fingerprints) => fingerprints.entries(),
            List::Keys(keys) => keys.entries(),
        }
    }

    /// Until when it may be used.
    pub fn valid_until(&self) -> UnixTime {
        self.end.at
    }

    /// What decided until when it may be used.
    pub fn ending(&self) -> Ending {
        self.end.ending
    }

    /// Compares a leaf with every entry, at a time within the leaf's own dates.
    ///
    /// The names in the leaf do not matter: that is the purpose of POSH (RFC 7711 §3.3, draft-02
    /// §4.3). Its dates and the strength of its key do (RFC 7711 §6, RFC 9325 §4.5).
    pub fn find(&self, leaf: &CertificateDer<'_>, now: UnixTime) -> Result<Match, Mismatch> {
        let read = Leaf::parse(leaf).map_err(|_| Mismatch::Unreadable)?;
        let key = read.public_key();
        // Before anything that ends: a key that was published is never secret again.
        if key.as_ref().is_some_and(|key| self.burnt.holds(key)) {
            return Err(Mismatch::PrivateKeyPublished);
        }
        if now >= self.end.at {
            return Err(Mismatch::Ended);
        }
        let (entry, hash) = self.entry_of(leaf, &read)?;
        if !key.ok_or(Mismatch::UnknownKey)?.is_strong() {
            return Err(Mismatch::WeakKey);
        }
        if now < read.not_before() {
            return Err(Mismatch::NotYetValid);
        }
        if now > read.not_after() {
            return Err(Mismatch::Expired);
        }
        Ok(Match { profile: self.profile(), entry, hash, not_after: read.not_after() })
    }

    fn entry_of(
        &self,
        leaf: &CertificateDer<'_>,
        read: &Leaf<'_>,
    ) -> Result<(usize, Option<HashFunction>), Mismatch> {
        let found = match &self.list {
            List::Fingerprints(list) if !list.has_supported_hash() => {
                return Err(Mismatch::NoSupportedHash);
            }
            List::Fingerprints(list) => list.find(leaf).map(|(entry, hash)| (entry, Some(hash))),
            List::Keys(keys) => keys.find(leaf, read).map(|entry| (entry, None)),
        };
        found.ok_or_else(|| {
            let unusable = match &self.list {
                List::Fingerprints(fingerprints) => fingerprints.unusable(),
                List::Keys(keys) => keys.unusable(),
            };
            Mismatch::NotListed { entries: self.entries(), unusable: unusable.cloned() }
        })
    }
}

/// The entry that a certificate matched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// Which specification the document follows.
    pub profile: Profile,
    /// Its position in the document.
    pub entry: usize,
    /// By which hash; `None` for a JWK.
    pub hash: Option<HashFunction>,
    /// When the certificate ends.
    pub not_after: UnixTime,
}

/// Why a certificate is not the one: it is not listed, or it is
/// [not to be used](Self::is_unusable).
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// A listed certificate that has expired (RFC 7711 §6).
    #[error("certificate is listed, but has expired")]
    Expired,
    /// A listed certificate whose time has not come yet.
    #[error("certificate is listed, but is not valid yet")]
    NotYetValid,
    /// A listed certificate whose key is too weak (RFC 9325 §4.5).
    #[error("certificate is listed, but its key is too weak")]
    WeakKey,
    /// A listed certificate whose key is of another kind than RSA, P-256, P-384, P-521 and Ed25519.
    #[error("certificate is listed, but its key is of an unknown kind")]
    UnknownKey,
    /// A certificate whose private key stands in a document, listed or not (draft-02 §4.1).
    #[error("certificate has a private key that is published")]
    PrivateKeyPublished,
    /// None of the entries.
    #[error("certificate is not listed (entries: {entries})")]
    NotListed {
        /// How many there are.
        entries: usize,
        /// What is wrong with the first that cannot be used, if any: it may be the one.
        #[source]
        unusable: Option<DocumentError>,
    },
    /// No entry has a digest of a hash function that counts (sha-256, sha-384, sha-512).
    #[error("no entry has a digest of a supported hash function")]
    NoSupportedHash,
    /// The materials themselves have ended.
    #[error("the materials ended before this time")]
    Ended,
    /// Not an X.509 certificate.
    #[error("not a certificate that can be read")]
    Unreadable,
}

impl Mismatch {
    /// Whether the certificate or the materials cannot be used, so that no other entry in the
    /// document would have helped.
    pub fn is_unusable(&self) -> bool {
        match self {
            Self::NotListed { .. } | Self::NoSupportedHash => false,
            Self::Expired
            | Self::NotYetValid
            | Self::WeakKey
            | Self::UnknownKey
            | Self::PrivateKeyPublished
            | Self::Ended
            | Self::Unreadable => true,
        }
    }
}

/// How long a key set may be used whose certificates are not known to live.
const UNMATCHED: Duration = Duration::from_secs(5 * 60);
