//! A federation in one process, for tests.
//!
//! Everything is real and on loopback: certificates, DNS, HTTPS, TLS, sockets. Ports are free ones;
//! everything stops when it is dropped; every wait has a deadline.

mod authority;
mod certificate;
mod dns;
mod identity;
mod log;
mod task;
mod tls;
mod web;

pub use authority::Authority;
pub use certificate::{Certificate, Key, Purpose};
pub use dns::{Dns, Failure, Query, Service};
pub use identity::Identity;
pub use log::Log;
pub use tls::provider;
pub use web::{Hold, Reply, Request, TlsFault, Web};
