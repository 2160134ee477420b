//! PKIX over Secure HTTP (draft-miller-posh-02 and [RFC 7711]), for any protocol.
//!
//! ```text
//! source domain ─► Lookup ─► GET ─► Document ─► Materials ─► does this certificate match?
//! ```
//!
//! [RFC 7711]: https://www.rfc-editor.org/rfc/rfc7711
#![allow(unused_variables, clippy::todo, dead_code)]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, DnsName, UnixTime};
use thiserror::Error;
use url::Url;

/// What a POSH document is published for, in the words of both specifications.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Service(Cow<'static, str>);

impl Service {
    /// XMPP between servers: `xmpp-server` (RFC 7712 §9), `_xmpp-server._tcp` (draft-02 §9).
    pub const XMPP_SERVER: Self = Self(Cow::Borrowed("xmpp-server"));

    /// Names the service of a protocol that uses SRV records over TCP, by its SRV service name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidService> {
        todo!()
    }

    /// Where `source` publishes its document.
    pub fn url(&self, source: &DnsName<'_>, profile: Profile) -> Url {
        todo!()
    }
}

/// Which specification a document follows: told by its path, never guessed from its content.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// A JWK set at `/.well-known/posh._xmpp-server._tcp.json` (draft-miller-posh-02).
    Draft02,
    /// Fingerprints at `/.well-known/posh/xmpp-server.json`.
    Rfc7711,
}

/// A name that cannot stand in a well-known URI.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("not a POSH service name: {0:?}")]
pub struct InvalidService(String);

/// A POSH document: what the certificate must be, or where that is said.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Document {
    /// Fingerprints (RFC 7711 §3.1).
    Fingerprints(Fingerprints),
    /// A JWK set (draft-02 §4.1).
    KeySet(KeySet),
    /// A reference (RFC 7711 §3.2, draft-02 §4.2).
    Reference(Reference),
}

impl Document {
    /// Parses a document by the rules of `profile`; it must be one kind and not two.
    pub fn parse(json: &[u8], profile: Profile) -> Result<Self, DocumentError> {
        todo!()
    }
}

/// A fingerprints document: one descriptor for each certificate, most relevant first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fingerprints {
    descriptors: Vec<Descriptor>,
    expires: Duration,
}

/// The digests of one certificate; the strongest decides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Descriptor {
    digests: Vec<(HashFunction, Vec<u8>)>,
}

/// A hash function by its textual name in the IANA registry.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum HashFunction {
    /// `sha-256`
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
}

/// The usable keys of a JWK set, most relevant first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

/// A public key and the thumbprint (`x5t`) of its certificate; both must agree with a leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwk {
    subject_public_key_info: Vec<u8>,
    thumbprint: [u8; 20],
}

/// A reference document.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reference {
    /// Where the fingerprints or keys are; always `https`.
    pub url: Url,
    /// How long the reference may be used; draft-02 does not say.
    pub expires: Option<Duration>,
}

/// What a source domain says its server's certificate is: the verification material.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Materials {
    source: DnsName<'static>,
    walked: Vec<Url>,
    profile: Profile,
    valid_until: UnixTime,
}

impl Materials {
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
        self.profile
    }

    /// How many entries the document has.
    pub fn entries(&self) -> usize {
        todo!()
    }

    /// Until when it may be used.
    pub fn valid_until(&self) -> UnixTime {
        self.valid_until
    }

    /// Compares a leaf with every entry, at a time within the leaf's own dates.
    pub fn find(&self, leaf: &CertificateDer<'_>, now: UnixTime) -> Result<Match, Mismatch> {
        todo!()
    }
}

/// The entry that a certificate matched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// Its position in the document.
    pub entry: usize,
    /// By which hash; `None` for a JWK.
    pub hash: Option<HashFunction>,
    /// When the certificate ends.
    pub not_after: UnixTime,
}

/// Why a certificate is not the one.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// A listed certificate that has expired (RFC 7711 §6).
    #[error("certificate is listed, but has expired")]
    Expired,
    /// A listed certificate whose time has not come yet.
    #[error("certificate is listed, but is not valid yet")]
    NotYetValid,
    /// A listed certificate whose key is too small or of an unknown kind.
    #[error("certificate is listed, but its key is too weak")]
    WeakKey,
    /// None of the entries.
    #[error("certificate is none of the {0} that are listed")]
    NotListed(usize),
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

/// What is read of a certificate without judging it: any X.509 leaf, also those that PKIX path
/// building refuses to look at.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    subject_public_key_info: &'a [u8],
    not_before: UnixTime,
    not_after: UnixTime,
}

impl<'a> Leaf<'a> {
    /// Reads a certificate.
    pub fn parse(certificate: &'a CertificateDer<'_>) -> Result<Self, InvalidLeaf> {
        todo!()
    }

    /// The whole SubjectPublicKeyInfo, DER.
    pub fn subject_public_key_info(&self) -> &'a [u8] {
        self.subject_public_key_info
    }

    /// The start of its life.
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The end of its life.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The dNSNames of its subjectAltName, as they stand.
    pub fn dns_names(&self) -> impl Iterator<Item = &'a str> {
        std::iter::empty()
    }
}

/// Bytes that are not an X.509 certificate.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an X.509 certificate")]
#[non_exhaustive]
pub struct InvalidLeaf;

/// One lookup, free of I/O: say what to GET, take the response, repeat.
#[derive(Debug)]
pub struct Lookup {
    target: Url,
    limits: Limits,
}

impl Lookup {
    /// Starts at the well-known URL of `source`.
    pub fn new(
        source: DnsName<'static>,
        service: &Service,
        profile: Profile,
        limits: Limits,
    ) -> Self {
        todo!()
    }

    /// The URL to GET next.
    pub fn target(&self) -> &Url {
        &self.target
    }

    /// Takes the response to [`Self::target`], which came at `now`.
    pub fn handle(self, response: &Response<'_>, now: UnixTime) -> Result<Progress, LookupError> {
        todo!()
    }
}

/// What [`Lookup::handle`] came to.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Progress {
    /// Another request is needed, after a redirect or a reference.
    Continue(Lookup),
    /// The lookup is over; `None` says that the source domain publishes no document.
    Done(Option<Materials>),
}

/// The parts of an HTTP response that matter here.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<&'a str>,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body, cut at [`Limits::document_size`].
    pub body: &'a [u8],
}

/// Bounds on what a source domain can make us do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest body, in bytes.
    pub document_size: usize,
    /// Most entries in a document.
    pub entries: usize,
    /// Most digests in an entry.
    pub digests: usize,
    /// The only port that HTTPS is spoken to; 443.
    pub port: u16,
    /// Most requests in one lookup of one profile.
    pub requests: u8,
    /// Most hosts besides the source domain in one lookup.
    pub foreign_hosts: u8,
    /// Longest lifetime that is honoured.
    pub lifetime: Duration,
    /// Longest time for the whole lookup.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_size: 64 * 1024,
            entries: 64,
            digests: 16,
            port: 443,
            requests: 5,
            foreign_hosts: 2,
            lifetime: Duration::from_secs(24 * 60 * 60),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Why a document was not accepted.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DocumentError {
    /// Not JSON, or not a JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// Entries and a `url` (RFC 7711 §3.1, draft-02 §4.2).
    #[error("both `{0}` and `url`: a document is either a list or a reference")]
    Both(&'static str),
    /// Neither entries nor a `url`.
    #[error("neither `{0}` nor `url`")]
    Neither(&'static str),
    /// The list has no entry (RFC 7711 §3.1, draft-02 §4.1).
    #[error("`{0}` is empty, it must have at least one entry")]
    Empty(&'static str),
    /// `expires` is missing (RFC 7711 §3.1, §3.2).
    #[error("`expires` is missing")]
    ExpiresMissing,
    /// `expires` is zero: the domain has withdrawn its document (RFC 7711 §3.1).
    #[error("`expires` is 0: the document is withdrawn")]
    Withdrawn,
    /// A member is not what the rule says; the member is named by its path.
    #[error("`{member}`: {rule}")]
    Member {
        /// Which, for example `fingerprints[0].sha-256`.
        member: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// A key with private members, and no other key is left (draft-02 §4.1).
    #[error("`{0}` holds a private key, which is burnt with it")]
    PrivateKey(String),
    /// No entry is complete and strong enough.
    #[error("no usable entry among {0}")]
    NoUsableEntry(usize),
}

/// Why a lookup failed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LookupError {
    /// A document was not accepted.
    #[error("bad document at {url}")]
    Document {
        /// Where it was.
        url: Url,
        /// What was wrong.
        #[source]
        error: DocumentError,
    },
    /// A redirect that does not lead to an https URL of a domain (RFC 7711 §10).
    #[error("{url} redirects to what is not an https URL of a domain: {location:?}")]
    Redirect {
        /// Where.
        url: Url,
        /// The `Location`, escaped and cut.
        location: String,
    },
    /// A reference that is not an https URL of a domain (RFC 7711 §3.2).
    #[error("{url} refers to what is not an https URL of a domain: {reference:?}")]
    Reference {
        /// Where.
        url: Url,
        /// The `url` member, escaped and cut.
        reference: String,
    },
    /// A reference led to another reference.
    #[error("{0} is a reference behind a reference")]
    SecondReference(Url),
    /// A status that is neither success, redirect nor absence.
    #[error("status {status} at {url}")]
    Status {
        /// Where.
        url: Url,
        /// The status code.
        status: u16,
    },
    /// A page for people, not a document.
    #[error("{0} is a page of text/html")]
    ContentType(Url),
    /// A body longer than [`Limits::document_size`].
    #[error("{0} is too large")]
    TooLarge(Url),
    /// More requests than [`Limits::requests`].
    #[error("too many redirects, the last to {0}")]
    TooManyRequests(Url),
    /// More foreign hosts than [`Limits::foreign_hosts`].
    #[error("too many other hosts, the last at {0}")]
    TooManyHosts(Url),
}

/// What is known of what a source domain publishes. Only `Found` can prove anything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Published {
    /// This.
    Found(Arc<Materials>),
    /// Nothing; the domain's web server said so.
    Absent,
    /// It could not be found out, or must not be used.
    Unknown(Arc<FetchError>),
}

/// Looks documents up over HTTPS, and keeps them as long as they may be kept.
///
/// Cheap to clone; clones share the cache.
#[cfg(feature = "client")]
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
}

#[cfg(feature = "client")]
impl Client {
    /// Builds a client that trusts the roots in `tls` and asks `resolver` for addresses.
    ///
    /// Which addresses may be connected to, redirects, proxies and sizes are this crate's to
    /// decide; `profiles` are asked for at once, and the first that is published decides.
    ///
    /// Every address that `resolver` finds is judged by `guard` before it is connected to.
    pub fn new(
        tls: rustls::ClientConfig,
        resolver: Arc<dyn reqwest::dns::Resolve>,
        guard: AddressGuard,
        profiles: impl Into<Vec<Profile>>,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        todo!()
    }

    /// What `source` publishes for `service`; asked for by ourselves.
    pub async fn fetch(&self, source: &DnsName<'_>, service: &Service) -> Published {
        todo!()
    }

    /// The same, because a stranger at `asker` claimed to be `source`: within the budgets of
    /// [`Limits`] for each asker, each host fetched from, and the process.
    pub async fn fetch_on_behalf(
        &self,
        source: &DnsName<'_>,
        service: &Service,
        asker: Option<std::net::IpAddr>,
    ) -> Published {
        todo!()
    }
}

/// Which addresses may be connected to: public ones, and those of networks that are allowed.
///
/// Loopback, private, link-local, CGNAT, multicast, documentation, metadata and reserved addresses
/// are refused, and the v4-mapped and NAT64 forms of them.
#[cfg(feature = "client")]
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    allowed: Arc<[ipnet::IpNet]>,
}

#[cfg(feature = "client")]
impl AddressGuard {
    /// Allows `networks` besides what is public.
    pub fn new(networks: impl Into<Arc<[ipnet::IpNet]>>) -> Self {
        Self { allowed: networks.into() }
    }

    /// Whether `address` may be connected to.
    pub fn allows(&self, address: std::net::IpAddr) -> bool {
        todo!()
    }
}

/// Why it is not known what a domain publishes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The web server said something that must not be used.
    #[error(transparent)]
    Invalid(#[from] LookupError),
    /// Our own rules forbid the way: the host of `url` has no address that may be connected to.
    #[error("{url} has no address that may be connected to")]
    Refused {
        /// Which URL.
        url: Url,
    },
    /// A budget is used up. Says nothing about the domain.
    #[error("over the budget of {0}")]
    OverBudget(Budget),
    /// The web server's certificate is not valid (RFC 7711 §3).
    #[error("the certificate of {url} is not valid")]
    Untrusted {
        /// Which URL.
        url: Url,
        /// What is wrong with it.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The web server's certificate is valid for other names only (RFC 7711 §3).
    #[error("the certificate of {url} names other hosts")]
    WrongName {
        /// Which URL.
        url: Url,
    },
    /// There was no answer in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// Which URL.
        url: Url,
    },
    /// There was no answer.
    #[error("cannot reach {url}")]
    Unreachable {
        /// Which URL.
        url: Url,
        /// Why.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Whose budget of lookups on behalf of strangers is used up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Budget {
    /// Of the address that asks.
    Asker,
    /// Of the host or address fetched from.
    Host,
    /// Of the process.
    Process,
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Asker => "the asking address",
            Self::Host => "the host or address fetched from",
            Self::Process => "the process",
        })
    }
}

/// Making documents.
pub mod publish {
    use std::time::Duration;

    use rustls_pki_types::CertificateDer;
    use url::Url;

    use super::{HashFunction, Profile};

    /// The document that lists `certificates`, most relevant first.
    pub fn document(
        certificates: &[CertificateDer<'_>],
        profile: Profile,
        hashes: &[HashFunction],
        expires: Duration,
    ) -> String {
        todo!()
    }

    /// The document that points to `url`.
    pub fn reference(url: &Url, profile: Profile, expires: Duration) -> String {
        todo!()
    }
}
