//! The XMPP server-to-server protocol, without I/O.
//!
//! This crate opens no sockets, spawns no tasks and asks no clock.

pub mod dna;
mod domain;
mod printable;
pub mod stream;
mod trail;

pub use domain::{Domain, InvalidDomain, Pair};
pub use printable::printable;
pub use stream::{Namespace, Stanza, StanzaKind, Stream};
pub use trail::{Code, Phase, Step, Trail, Verdict};
