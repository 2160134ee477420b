//! The XMPP server-to-server protocol, without I/O: who the peer is, and what may be said.
//!
//! ```text
//!               bytes ─► Stream ─► Event::Authenticate(pair)
//!                          ▲                  │
//!       certificate, POSH  │                  ▼
//!       documents, policy ─┼─► Authenticator::authenticate ─► Association │ Rejection
//!                          └── handle_association, handle_rejection ◄─────┘
//!               bytes ◄─ Stream ─► Event::Established(pair), Event::Stanza(stanza)
//! ```
//!
//! [`dna`] has the gate: only [`Authenticator::authenticate`](dna::Authenticator::authenticate)
//! makes an [`Association`](dna::Association), and only with one does [`Stream`] let stanzas of its
//! pair through. This crate opens no sockets, spawns no tasks, asks no clock and has no randomness:
//! all of these are arguments. Whoever wants them brought along embeds `xmpp-s2s` instead.
//!
//! # Feeding and draining
//!
//! A [`Stream`] is read into, told what happened, and drained:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use bytes::BytesMut;
//! use xmpp_s2s_proto::stream::{Event, Security, StreamConfig};
//! use xmpp_s2s_proto::{Pair, Stream};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pair = Pair { local: "a.example".parse()?, remote: "b.example".parse()? };
//! let (config, now) = (Arc::new(StreamConfig::default()), Instant::now());
//! let mut stream = Stream::initiate(pair, Security::StartTls, config, now);
//!
//! let mut out = BytesMut::new();
//! stream.poll_transmit(&mut out);
//! assert!(out.ends_with(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
//!
//! stream.input().extend_from_slice(
//!     b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
//!       id='1' from='b.example' to='a.example' version='1.0'>\
//!       <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>\
//!       <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
//! );
//! stream.handle_input(now)?;
//! // The handshake is the caller's; `handle_secured` goes on from there.
//! assert!(matches!(stream.poll_event(), Some(Event::StartTls(_))));
//! # Ok(())
//! # }
//! ```
//!
//! There are no futures here, so nothing can be cancelled half-way.
//!
//! # Features
//!
//! - `serde`: a [`Trail`] can be serialised, with the codes and words of the log.

pub mod dna;
mod domain;
mod printable;
pub mod stream;
mod trail;

pub use domain::{Domain, InvalidDomain, Pair};
pub use printable::printable;
pub use stream::{Namespace, Stanza, StanzaKind, Stream};
pub use trail::{Code, Phase, Step, Trail, Verdict};
