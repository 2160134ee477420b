//! What an embedder decides about streams.

use std::time::Duration;

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
    /// Longest time from the first byte to the first [`super::Event::Established`].
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
pub struct StreamId(pub(super) [u8; 16]);

impl StreamId {
    /// Takes 128 bits that nobody can guess.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self(bits)
    }
}
