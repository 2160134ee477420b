//! A federation in one process, for tests.
//!
//! Everything is real and on loopback: certificates, DNS, HTTPS, TLS, sockets. Ports are free ones;
//! everything stops when it is dropped; every wait has a deadline.

mod authority;
mod certificate;
mod dns;
mod identity;
mod log;
mod peer;
mod server;
mod stanza;
mod task;
mod tls;
mod web;
mod world;

pub use authority::Authority;
pub use certificate::{Certificate, Key, Purpose};
pub use dns::{Dns, Failure, Query, Service};
pub use identity::Identity;
pub use log::Log;
pub use peer::{ClientTls, Listener, ScriptedPeer, Secured, ServerTls};
pub use server::{Server, ServerBuilder};
pub use stanza::{message, ping};
pub use tls::provider;
pub use web::{Hold, Reply, Request, TlsFault, Web};
pub use world::{World, well_known};
