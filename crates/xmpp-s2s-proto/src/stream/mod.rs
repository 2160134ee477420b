//! XML streams between two servers (RFC 6120 §4), as a state machine.

mod address;
mod bounce;
mod chars;
mod condition;
mod element;
mod framer;
mod header;
mod limits;
mod ns;
mod reading;
mod scope;
mod stanza;
mod tree;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use thiserror::Error;

pub use self::condition::{Condition, Side, StreamError};
pub use self::stanza::{InvalidStanza, Namespace, Stanza, StanzaKind};
use crate::dna::{Association, Presented, Rejection};
use crate::{Code, Domain, Pair};

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
    /// The peer does not want this pair; the code says what it refused.
    Refused(Pair, Code, StreamError),
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

/// A stanza was to be sent for a pair that is not established.
#[derive(Clone, Copy, Debug, Error)]
#[error("pair is not established")]
#[non_exhaustive]
pub struct NotEstablished;
