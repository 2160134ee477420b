//! A federation in one process, for tests.
//!
//! ```text
//!                    ┌───────────────── World ─────────────────┐
//! Authority (XMPP) ──┤  Dns: SRV, A, AAAA, CNAME, failures     ├── Server: an Endpoint that listens
//! Authority (web)  ──┤  Web: documents, redirects, misbehaviour├── ScriptedPeer: XML by hand
//!                    └─────────────────────────────────────────┘
//! ```
//!
//! Everything is real and on loopback: certificates, DNS over UDP and TCP, HTTPS, TLS, sockets.
//! Nothing is mocked, so a test sees what a foreign server would see. Ports are free ones, so that
//! tests run side by side; everything stops when it is dropped; every wait has a deadline.
//!
//! # Two domains that prove each other
//!
//! Neither certificate names the domain that shows it: only what the domains publish by POSH
//! proves them.
//!
//! ```
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use posh::Profile;
//! use xmpp_s2s_testkit::{World, message};
//!
//! let world = World::start().await?;
//! let mut servers = Vec::new();
//! for domain in ["juliet.example", "romeo.example"] {
//!     let identity = world.xmpp_authority.issue_for("s2s.hosting.example");
//!     world.publish(domain, Profile::Rfc7711, &[&identity]);
//!     let host = format!("s2s.{domain}");
//!     servers.push(world.server(&host).domain(domain, &identity).start().await?);
//! }
//!
//! let hello = message("juliet@juliet.example", "romeo@romeo.example", "hello");
//! servers[0].endpoint().send(hello).await?;
//! let arrived = servers[1].stanzas().wait(|_| true, Duration::from_secs(10)).await?;
//! assert_eq!(arrived.sender(), "juliet@juliet.example");
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
//! ```
//!
//! # Your own server
//!
//! [`World::config`] gives what an [`Endpoint`](xmpp_s2s::Endpoint) needs to live in a [`World`];
//! [`World::locate`] points a domain to wherever you listen.
//!
//! # Things that go wrong
//!
//! - certificates: [`Certificate`] says who, when, for what, with which key; [`Identity`] is what
//!   comes of it, and may be combined with another key;
//! - the DNS: [`Dns::set_failure`], [`Service::not_offered`], and records that change while it
//!   runs;
//! - the web: [`Reply`] for one path, [`TlsFault`] for a host, [`Hold`] to keep an answer back
//!   until something else has happened;
//! - XMPP: [`ScriptedPeer`] says what you tell it to, in either role, and keeps what it hears.
//!
//! What happened is in [`Log`]s, to look at or to wait for: [`Dns::queries`], [`Web::requests`],
//! [`Server::stanzas`] and others. Waiting for an event is what makes a test quick and sure where
//! sleeping makes it slow and sometimes wrong.
//!
//! # Cancel safety
//!
//! Waiting at a [`Log`] or a [`Listener`] may be given up at any time, and nothing is lost. A
//! [`ScriptedPeer`] keeps what it has heard when [`expect`](ScriptedPeer::expect) is dropped; half
//! of what it [sends](ScriptedPeer::send) may be sent, and the connection is lost with a handshake.
//! What [starts](World::start) is stopped.
//!
//! # Features
//!
//! None; rustls signs with ring.
//!
//! # Panics
//!
//! Methods that take names, addresses or text panic if these are not what they should be, since
//! tests write them down themselves. What the operating system may refuse is an
//! [`io::Error`](std::io::Error).

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
