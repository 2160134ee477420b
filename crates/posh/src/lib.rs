//! PKIX over Secure HTTP (draft-miller-posh-02 and [RFC 7711]), for any protocol.
//!
//! A source domain whose server shows the certificate of a hosting company says so over HTTPS:
//!
//! ```text
//! source domain ─► Lookup ─► GET ─► Document ─► Materials ─► does this certificate match?
//! ```
//!
//! Everything but the feature `client` is free of I/O, clocks and runtimes.
//!
//! [RFC 7711]: https://www.rfc-editor.org/rfc/rfc7711

#[cfg(feature = "client")]
mod client;
mod der;
mod document;
mod encoding;
mod fingerprint;
mod json;
mod jwk;
mod key;
mod leaf;
mod limits;
mod lookup;
mod materials;
pub mod publish;
mod published;
mod service;
mod target;

#[cfg(feature = "client")]
pub use client::{AddressGuard, Client};
pub use document::{Document, DocumentError, Reference};
pub use fingerprint::{Fingerprints, HashFunction};
pub use jwk::{Burnt, KeySet};
pub use leaf::{InvalidLeaf, Leaf};
pub use limits::Limits;
pub use lookup::{Lookup, LookupError, Progress, Response};
pub use materials::{Match, Materials, Mismatch};
pub use published::{Budget, FetchError, Published};
pub use service::{InvalidService, InvalidSource, Profile, Service};
