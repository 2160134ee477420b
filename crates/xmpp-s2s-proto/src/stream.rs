//! XML streams between two servers (RFC 6120 §4), as a state machine.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use crate::dna::{Association, Presented, Rejection};
use crate::{Domain, InvalidDomain, Pair};

/// One stream, in either role, from the first byte to the last.
///
/// Read into [`Self::input`], call a `handle_*` method, then drain `poll_transmit`,
/// `poll_timeout` and `poll_event`, in this order.
#[derive(Debug)]
pub struct Stream {
    config: Arc<StreamConfig>,
}

impl Stream {
    /// The stream of an initiating entity.
    pub fn initiate(
        pair: Pair,
        security: Security,
        config: Arc<StreamConfig>,
        now: Instant,
    ) -> Self {
        todo!()
    }

    /// The stream of a receiving entity. Each of its up to three headers takes one of `ids`.
    ///
    /// `hosted` says whether a domain is one of ours.
    pub fn receive(
        ids: [StreamId; 3],
        hosted: impl Fn(&Domain) -> bool + Send + 'static,
        security: Security,
        config: Arc<StreamConfig>,
        now: Instant,
    ) -> Self {
        todo!()
    }

    /// What the peer showed in TLS.
    pub fn presented(&self) -> Option<&Presented> {
        todo!()
    }

    /// What was proved of the peer for `pair`.
    pub fn association(&self, pair: &Pair) -> Option<&Association> {
        todo!()
    }

    /// Where the transport's bytes go.
    pub fn input(&mut self) -> &mut BytesMut {
        todo!()
    }

    /// Takes what is new in [`Self::input`].
    pub fn handle_input(&mut self, now: Instant) -> Result<(), StreamError> {
        todo!()
    }

    /// Goes on after [`Event::StartTls`], when the handshake is over; `None` if the peer showed no
    /// certificate.
    pub fn handle_secured(&mut self, presented: Option<Presented>, now: Instant) {
        todo!()
    }

    /// Answers [`Event::Authenticate`]: the only way in which stanzas of its pair come to pass.
    ///
    /// Input stays unread until this or [`Self::handle_rejection`].
    pub fn handle_association(
        &mut self,
        association: Association,
        now: Instant,
    ) -> Result<(), StreamError> {
        todo!()
    }

    /// Answers [`Event::Authenticate`] with no, and tells the peer why.
    pub fn handle_rejection(&mut self, pair: &Pair, rejection: &Rejection, now: Instant) {
        todo!()
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }

    /// Sends a stanza of an established pair.
    pub fn send(&mut self, stanza: &Stanza) -> Result<(), NotEstablished> {
        todo!()
    }

    /// Closes the stream, with a reason to tell the peer or without.
    pub fn close(&mut self, error: Option<StreamError>) {
        todo!()
    }

    /// Moves bytes for the transport to the end of `buf`; false if there were none.
    pub fn poll_transmit(&mut self, buf: &mut BytesMut) -> bool {
        todo!()
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// What the caller has to know or to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }
}

/// What a [`Stream`] tells its caller.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer claims to be `pair.remote`, on a secured stream: authenticate it.
    Authenticate(Pair),
    /// The stream is over.
    Closed(Option<StreamError>),
    /// Stanzas of this pair may flow.
    Established(Pair),
    /// The peer does not want this pair.
    Refused(Pair, StreamError),
    /// A stanza of an established pair.
    Stanza(Stanza),
    /// Do the TLS handshake now, as this domain of ours, then call [`Stream::handle_secured`].
    StartTls(Domain),
}

/// When TLS starts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Security {
    /// From the first byte (XEP-0368).
    Direct,
    /// After `<starttls/>`.
    StartTls,
}

/// How streams behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamConfig {
    /// Longest stanza accepted, in bytes.
    pub stanza_size: usize,
    /// Deepest nesting accepted.
    pub depth: usize,
    /// Longest element before authentication, in bytes.
    pub negotiation_element_size: usize,
    /// Most bytes in all before authentication.
    pub negotiation_size: usize,
    /// Deepest nesting accepted before authentication.
    pub negotiation_depth: usize,
    /// Most attributes of an element.
    pub attributes: usize,
    /// Most namespace declarations in scope.
    pub namespaces: usize,
    /// Longest time from the first byte to the first [`Event::Established`].
    pub negotiation: Duration,
    /// Longest wait for the peer's closing tag.
    pub closing: Duration,
    /// Longest silence.
    pub idle: Duration,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            stanza_size: 512 * 1024,
            depth: 64,
            negotiation_element_size: 10_000,
            negotiation_size: 64 * 1024,
            negotiation_depth: 16,
            attributes: 64,
            namespaces: 32,
            negotiation: Duration::from_secs(30),
            closing: Duration::from_secs(5),
            idle: Duration::from_secs(14 * 60),
        }
    }
}

/// The unpredictable name of a stream (RFC 6120 §4.7.3): 128 random bits.
#[derive(Clone, Copy, Debug)]
pub struct StreamId([u8; 16]);

impl StreamId {
    /// Takes 128 bits that nobody can guess.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self(bits)
    }
}

/// A `<message/>`, `<presence/>` or `<iq/>`: one self-contained XML text, and where it goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stanza {
    kind: StanzaKind,
    from: Domain,
    to: Domain,
    xml: Bytes,
}

impl Stanza {
    /// Reads one stanza, in `jabber:server` or `jabber:client`.
    pub fn parse(xml: impl Into<Bytes>) -> Result<Self, InvalidStanza> {
        todo!()
    }

    /// Which of the three.
    pub fn kind(&self) -> StanzaKind {
        self.kind
    }

    /// The domain of the sender.
    pub fn from(&self) -> &Domain {
        &self.from
    }

    /// The domain of the recipient.
    pub fn to(&self) -> &Domain {
        &self.to
    }

    /// The whole address of the sender, its domain spelt as [`Self::from`].
    pub fn sender(&self) -> &str {
        todo!()
    }

    /// The whole address of the recipient, its domain spelt as [`Self::to`].
    pub fn recipient(&self) -> &str {
        todo!()
    }

    /// The `id` attribute, unescaped.
    pub fn id(&self) -> Option<&str> {
        todo!()
    }

    /// The `type` attribute, unescaped.
    pub fn stanza_type(&self) -> Option<&str> {
        todo!()
    }

    /// The stanza as standalone XML in `namespace`.
    pub fn to_xml(&self, namespace: Namespace) -> Cow<'_, str> {
        todo!()
    }

    /// The error to send back to the author (RFC 6120 §8.3); `None` for errors and IQ results, which
    /// must not be answered.
    pub fn bounce(&self, condition: &str, text: &str) -> Option<Self> {
        todo!()
    }
}

/// The content namespaces of XMPP.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Namespace {
    /// `jabber:client`
    Client,
    /// `jabber:server`
    Server,
}

/// The three stanzas of RFC 6120 §8.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum StanzaKind {
    /// `<iq/>`
    Iq,
    /// `<message/>`
    Message,
    /// `<presence/>`
    Presence,
}

/// XML that is not one addressed stanza.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidStanza {
    /// `from` or `to` is missing or no address.
    #[error("improper addressing")]
    Addressing(#[from] InvalidDomain),
    /// Not one of the three.
    #[error("not a stanza: {0}")]
    NotAStanza(String),
    /// Not XML as RFC 6120 §11 wants it.
    #[error("not well-formed at byte {0}")]
    NotWellFormed(usize),
}

/// A stanza was to be sent for a pair that is not established.
#[derive(Clone, Copy, Debug, Error)]
#[error("pair is not established")]
#[non_exhaustive]
pub struct NotEstablished;

/// A stream error (RFC 6120 §4.9), ours or theirs.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub struct StreamError {
    /// The defined condition.
    pub condition: Condition,
    /// What was added for humans.
    pub text: Option<String>,
    /// Who found fault.
    pub side: Side,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// The two ends of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Side {
    /// This end.
    Local,
    /// The peer.
    Remote,
}

/// The defined conditions of RFC 6120 §4.9.3.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// `<bad-format/>`
    BadFormat,
    /// `<bad-namespace-prefix/>`
    BadNamespacePrefix,
    /// `<conflict/>`
    Conflict,
    /// `<connection-timeout/>`
    ConnectionTimeout,
    /// `<host-gone/>`
    HostGone,
    /// `<host-unknown/>`
    HostUnknown,
    /// `<improper-addressing/>`
    ImproperAddressing,
    /// `<internal-server-error/>`
    InternalServerError,
    /// `<invalid-from/>`
    InvalidFrom,
    /// `<invalid-namespace/>`
    InvalidNamespace,
    /// `<invalid-xml/>`
    InvalidXml,
    /// `<not-authorized/>`
    NotAuthorized,
    /// `<not-well-formed/>`
    NotWellFormed,
    /// `<policy-violation/>`
    PolicyViolation,
    /// `<remote-connection-failed/>`
    RemoteConnectionFailed,
    /// `<reset/>`
    Reset,
    /// `<resource-constraint/>`
    ResourceConstraint,
    /// `<restricted-xml/>`
    RestrictedXml,
    /// `<see-other-host/>`
    SeeOtherHost,
    /// `<system-shutdown/>`
    SystemShutdown,
    /// `<undefined-condition/>`
    UndefinedCondition,
    /// `<unsupported-encoding/>`
    UnsupportedEncoding,
    /// `<unsupported-feature/>`
    UnsupportedFeature,
    /// `<unsupported-stanza-type/>`
    UnsupportedStanzaType,
    /// `<unsupported-version/>`
    UnsupportedVersion,
}
