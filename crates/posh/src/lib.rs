//! PKIX over Secure HTTP ([RFC 7711] and [draft-miller-posh-02]), for any protocol.
//!
//! A source domain whose server shows the certificate of a hosting company says so over HTTPS:
//!
//! ```text
//! source domain ─► Lookup ─► GET ─► Document ─► Materials ─► does this certificate match?
//!                    ▲        │
//!                    └────────┘ redirects, one reference
//! ```
//!
//! [`Lookup`] walks, without I/O, from the well-known URL to the [`Materials`], which
//! [match](Materials::find) a certificate or do not; `Client` drives one for each [`Profile`] with
//! reqwest. [`publish`] makes documents. A certificate that matches still has to be in date; that
//! the peer holds its key, TLS has to prove.
//!
//! A document speaks for the very domain that it was found at, and not for those below it.
//!
//! # Any other driver
//!
//! ```
//! use posh::{Limits, Lookup, Profile, Progress, Response, Service};
//! use rustls_pki_types::{DnsName, UnixTime};
//!
//! # fn get(_: &url::Url) -> Response<'static> {
//! #     let body = br#"{"fingerprints":[{"sha-256":"AA=="}],"expires":60}"#;
//! #     Response { status: 200, location: None, content_type: None, body }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = DnsName::try_from("im.example")?;
//! let service = Service::XMPP_SERVER;
//! let mut lookup = Lookup::new(&source, &service, Profile::Rfc7711, Limits::default())?;
//! let materials = loop {
//!     let response = get(lookup.target());
//!     match lookup.handle(&response, UnixTime::now())? {
//!         Progress::Continue(next) => lookup = next,
//!         Progress::Done(materials) => break materials,
//!     }
//! };
//! assert_eq!(materials.unwrap().source(), &source);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Cache`] keeps what was found for as long as it may be used; `Client` has one.
//!
//! Whoever makes the connections has to check the web server's certificate (RFC 7711 §3), and which
//! addresses it connects to.
//!
//! # Cancel safety
//!
//! The futures of `Client` may be dropped at any time: the lookup goes on in a task of its own, and
//! whoever asks for the same meanwhile shares it.
//!
//! # Features
//!
//! - `client` (default): `Client`, on tokio, reqwest and rustls. Without it this crate is free of
//!   I/O, clocks and runtimes.
//! - `rustls`: `Verifier`, which makes TLS connections of any protocol to a server that is proved so.
//!
//! [RFC 7711]: https://www.rfc-editor.org/rfc/rfc7711
//! [draft-miller-posh-02]: https://datatracker.ietf.org/doc/html/draft-miller-posh-02

mod burnt;
mod cache;
#[cfg(feature = "client")]
mod client;
mod der;
mod document;
mod document_error;
mod encoding;
mod ending;
mod finding;
mod fingerprint;
mod json;
mod jwk;
mod key;
mod leaf;
mod limits;
mod lookup;
mod lookup_error;
mod materials;
mod parameters;
pub mod publish;
mod published;
mod service;
#[cfg(feature = "rustls")]
mod signatures;
mod target;
#[cfg(feature = "rustls")]
mod verifier;

pub use cache::{Asked, Cache, CacheKey, Purpose, Reason};
#[cfg(feature = "client")]
pub use client::{AddressGuard, Client, InvalidNat64};
pub use document::{Document, Reference};
pub use document_error::DocumentError;
pub use ending::Ending;
pub use finding::{Finding, Moment, Origin};
pub use fingerprint::{Fingerprints, HashFunction};
pub use jwk::KeySet;
pub use leaf::{InvalidLeaf, Leaf};
pub use limits::Limits;
pub use lookup::{Lookup, Progress, Response};
pub use lookup_error::LookupError;
pub use materials::{Match, Materials, Mismatch};
pub use published::{Budget, FetchError, Published};
pub use service::{InvalidService, InvalidSource, Profile, Service};
#[cfg(feature = "rustls")]
pub use signatures::HandshakeSignatures;
#[cfg(feature = "rustls")]
pub use verifier::{Unproved, Verifier};
