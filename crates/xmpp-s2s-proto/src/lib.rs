//! The XMPP server-to-server protocol, without I/O.
//!
//! ```text
//! Domain ─► Stream ─► Presented, Pair ─► dna::Authenticator ─► Association ─► Stream ─► stanzas
//! ```
//!
//! A [`Domain`] is parsed once and then the same everywhere. A [`Stream`] is fed with bytes and
//! drained of events, and lets no stanza pass before the gate in [`dna`] has answered for the pair
//! that it belongs to. Each decision leaves a [`Trail`].
//!
//! This crate opens no sockets, spawns no tasks and asks no clock.

pub mod dna;
mod domain;
pub mod stream;
mod trail;

pub use domain::{Domain, InvalidDomain, Pair};
pub use stream::{Namespace, Stanza, StanzaKind, Stream};
pub use trail::{Code, Phase, Step, Trail, Verdict, printable};
