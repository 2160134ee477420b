//! How much of a peer's XML is taken.

use super::StreamConfig;

/// Enforced by the framer before anything is parsed; declarations by the strict layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Longest element or header, in bytes.
    pub(super) element: usize,
    /// Most bytes in all since the stream began; `None` is without limit.
    pub(super) total: Option<usize>,
    pub(super) depth: usize,
    /// Most attributes of one element.
    pub(super) attributes: usize,
    /// Most namespace declarations in scope.
    pub(super) namespaces: usize,
}

impl Limits {
    /// For an embedder, who may pass on what strangers wrote: as peers have it, but for the size.
    pub(super) const EMBEDDER: Self =
        Self { element: usize::MAX, total: None, depth: 64, attributes: 64, namespaces: 32 };

    /// For whom nobody has proved yet.
    pub(super) fn negotiation(config: &StreamConfig) -> Self {
        Self {
            element: config.negotiation_element_size,
            total: Some(config.negotiation_size),
            depth: config.negotiation_depth,
            attributes: config.attributes,
            namespaces: config.namespaces,
        }
    }

    /// For a peer of an established pair. RFC 6120 §13.12 takes stanzas of 10,000 bytes in any
    /// case.
    pub(super) fn established(config: &StreamConfig) -> Self {
        Self {
            element: config.stanza_size.max(10_000),
            total: None,
            depth: config.depth,
            attributes: config.attributes,
            namespaces: config.namespaces,
        }
    }
}
