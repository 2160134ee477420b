//! PKIX over Secure HTTP (draft-miller-posh-02 and [RFC 7711]), for any protocol.
//!
//! A source domain whose server shows the certificate of a hosting company says so over HTTPS:
//!
//! ```text
//! source domain ─► Lookup ─► GET ─► Document ─► Materials ─► does this certificate match?
//! ```
//!
//! Everything but the feature `client` is free of I/O, clocks and runtimes. `Client` drives a
//! [`Lookup`] of each [`Profile`] with reqwest; any other driver does it like this:
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
//! Whoever makes the connections has to check the web server's certificate (RFC 7711 §3), and which
//! addresses it connects to.
//!
//! [RFC 7711]: https://www.rfc-editor.org/rfc/rfc7711

mod burnt;
#[cfg(feature = "client")]
mod client;
mod der;
mod document;
mod document_error;
mod encoding;
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
mod target;

#[cfg(feature = "client")]
pub use client::{AddressGuard, Client, InvalidNat64};
pub use document::{Document, Reference};
pub use document_error::DocumentError;
pub use fingerprint::{Fingerprints, HashFunction};
pub use jwk::KeySet;
pub use leaf::{InvalidLeaf, Leaf};
pub use limits::Limits;
pub use lookup::{Lookup, Progress, Response};
pub use lookup_error::LookupError;
pub use materials::{Match, Materials, Mismatch};
pub use published::{Budget, FetchError, Published};
pub use service::{InvalidService, InvalidSource, Profile, Service};
