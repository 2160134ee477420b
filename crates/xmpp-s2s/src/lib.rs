//! Server-to-server XMPP for Rust servers: streams to and from other domains, each of which has
//! *proved* its name.
//!
//! A server embeds an [`Endpoint`], hands it stanzas for other domains, and gets the stanzas of
//! other domains. The proof is a certificate of the domain's own (PKIX), or what the domain
//! publishes over HTTPS (POSH, [RFC 7711] and [draft-miller-posh-02]): which certificate its
//! hosting company's server shows. So nobody has to trust the DNS, and nobody holds the keys of ten
//! thousand customers. Server dialback is not spoken.
//!
//! ```text
//! outbound
//! Domain ─┬─ SRV ─► targets ─► addresses ─► TCP ─► STARTTLS or direct TLS ─┐ chain
//!         └─ POSH (both well-known paths) ─► Materials ───────────────────┐│
//!                                                                         ▼▼
//!                                                 Authenticator::authenticate ─► Association
//!                                          header, features, SASL EXTERNAL ◄──────┘ ─► stanzas
//!
//! inbound
//! TCP ─► STARTTLS or direct TLS: any certificate, its key proved ─► header: from = a claim
//!           Incoming: PKIX(from), else POSH(from) within budgets ─► authenticate ─► Association
//!           features (EXTERNAL only if it will succeed), SASL ◄───────────────────────┘ ─► Inbound
//! ```
//!
//! # The smallest program
//!
//! ```
//! use std::error::Error;
//! use tokio::net::TcpListener;
//! use xmpp_s2s::{Config, Endpoint, Incoming};
//!
//! async fn federate(config: Config, listener: TcpListener) -> Result<(), Box<dyn Error>> {
//!     let endpoint = Endpoint::new(config)?;
//!     let outward = endpoint.clone();
//!     endpoint.serve(listener, move |incoming| converse(incoming, outward.clone())).await;
//!     Ok(())
//! }
//!
//! async fn converse(incoming: Incoming, endpoint: Endpoint) -> Result<(), Box<dyn Error>> {
//!     let mut inbound = incoming.authenticate().await?; // by PKIX or POSH, or refused
//!     while let Some(stanza) = inbound.next().await? {
//!         if let Some(answer) = stanza.bounce("service-unavailable", "nobody lives here yet") {
//!             tokio::spawn(endpoint.send(answer)); // finds its way on a stream of its own
//!         }
//!     }
//!     Ok(())
//! }
//! # // A hosted domain runs it, and another server calls.
//! # use std::collections::HashMap;
//! # use xmpp_s2s::{Domain, Security};
//! # use xmpp_s2s_testkit::{World, message};
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn Error>> {
//! #     let deadline = std::time::Duration::from_secs(20);
//! #     let world = World::start().await?;
//! #     let hosting = world.xmpp_authority.issue_for("s2s.hosting.example");
//! #     world.publish("hosted.example", posh::Profile::Rfc7711, &[&hosting]);
//! #     let listener = TcpListener::bind("127.0.0.1:0").await?;
//! #     world.locate("hosted.example", Security::StartTls, &[listener.local_addr()?]);
//! #     let hosted: Domain = "hosted.example".parse()?;
//! #     let identities = HashMap::from([(hosted, hosting.certified_key())]);
//! #     let config = world.config(identities);
//! #     let own = world.xmpp_authority.issue_for("alpha.example");
//! #     let alpha = world.server("s2s.alpha.example").domain("alpha.example", &own);
//! #     let alpha = alpha.start().await?;
//! #     let hello = message("juliet@alpha.example", "romeo@hosted.example", "hello");
//! #     let call = async {
//! #         alpha.endpoint().send(hello).await?;
//! #         let answer = alpha.stanzas().wait(|_| true, deadline).await?;
//! #         assert_eq!(answer.stanza_type(), Some("error"));
//! #         Ok(())
//! #     };
//! #     tokio::select! {
//! #         ended = federate(config, listener) => ended,
//! #         called = call => called,
//! #     }
//! # }
//! ```
//!
//! [`Config::new`] takes what has no default: [`Identities`], which give the certificate of each of
//! our domains and may change their answer while the endpoint runs, [`Roots`], whom to trust, and
//! rustls' `CryptoProvider`; this crate installs none. The rest are public fields: [`Policy`] for
//! all and for single domains, [`Limits`], the resolver, networks to connect to although they are
//! not public.
//!
//! Whoever wants to take connections from elsewhere, or over something else than TCP, calls
//! [`Endpoint::accept`] instead of [`Endpoint::serve`]. An [`Incoming`] says who the peer
//! [claims](Incoming::claimed) to be; dropping it, or [refusing](Incoming::refuse) it, ends the
//! matter before anything is looked up.
//!
//! The repository's `examples` have a router between users and other servers, policies with a block
//! list, and certificates for a thousand domains that are loaded again when they change. Tests of
//! your own server may run in a whole federation on loopback: that is crate `xmpp-s2s-testkit`.
//!
//! # Why was this peer refused?
//!
//! Each decision leaves a [`Trail`]: [`Step`]s in order, and a [`Code`] that never changes. It is
//! on every [`Peer`], on [`Undelivered`], whose [`bounce`](Undelivered::bounce) has one sentence of
//! it for the author of the stanza, and on [`AcceptError::Rejected`]. [`Endpoint::explain`] goes
//! the whole way to a domain and tells what happens, [`Endpoint::visit`] also what it showed,
//! [`Endpoint::standing`] judges a domain of our own as others do. For each decision there is one
//! `tracing` event at INFO, with the target `xmpp_s2s` and the message `s2s decision`.
//!
//! Every domain has to be proved by itself: a document of `a.example` says nothing of
//! `conference.a.example`, which needs one of its own on its own HTTPS name.
//!
//! # Streams that are up
//!
//! What proved a pair may end, be withdrawn or be replaced while its stream is up. The pair is then
//! judged again in the background, at most once in [`Limits::judge_pause`], and if it is not proved
//! any more, nothing more passes for it: inbound, the stream ends with an error that says so, since
//! it has no other pair, and stanzas that still come are dropped; outbound, what waits goes to a new
//! stream, whose peer is judged afresh. That nothing can be found out, or that a web host answers
//! with something that is no document, ends a pair after [`Limits::doubt`] only.
//! When a certificate ends, its streams are reset.
//!
//! # Cancel safety
//!
//! Whatever waits for a peer, the DNS or a web server to answer has a deadline of its own, out of
//! [`Limits`]. [`Endpoint::serve`] and [`Inbound::next`] wait for what may never come, until the
//! endpoint is closed. If a future is dropped before it is done:
//!
//! | future | what happens |
//! |---|---|
//! | [`Delivery`] | only the answer is lost, the stanza is sent; `&mut` of it fits `select!` |
//! | [`Inbound::next`] | nothing: no stanza is lost, the next call goes on where this one was |
//! | [`Endpoint::serve`] | nobody listens any more; connections that were taken go on |
//! | [`Endpoint::accept`] | the connection is closed without a word |
//! | [`Incoming::authenticate`] | the connection is closed without a word |
//! | [`Endpoint::discover`] | nothing: a lookup under way ends by itself, others may share it |
//! | [`Endpoint::standing`] | the same |
//! | [`Endpoint::explain`], [`Endpoint::visit`] | its stream is closed without a word |
//! | [`Endpoint::close`] | once polled, closing goes on; another call waits for its end |
//!
//! [`Endpoint::send`] does not wait: stanzas of one pair of domains go out in the order of its
//! calls.
//!
//! # Features
//!
//! - `serde`: a [`Trail`] can be serialised, with the codes and words of the log.
//!
//! TLS, HTTPS and cryptography have no features: they come with the provider.
//!
//! [RFC 7711]: https://www.rfc-editor.org/rfc/rfc7711
//! [draft-miller-posh-02]: https://datatracker.ietf.org/doc/html/draft-miller-posh-02

mod admission;
mod arrival;
mod clock;
mod config;
mod connection;
mod context;
mod delivery;
mod dial;
mod discovery;
mod endpoint;
mod inbound;
mod lane;
mod listener;
mod negotiation;
mod outbound;
mod peer;
mod pool;
mod proof;
mod reason;
mod standing;
mod stop;
mod tls;
mod vigil;
mod wall;

pub use posh;
pub use xmpp_s2s_proto::dna::{Evidence, Policy, Prooftype, Rejection, presented_identifiers};
pub use xmpp_s2s_proto::stream::{
    Condition, InvalidStanza, Security, Side, StreamConfig, StreamError,
};
pub use xmpp_s2s_proto::{
    Code, Domain, InvalidDomain, Namespace, Pair, Phase, Stanza, StanzaKind, Step, Trail, Verdict,
    printable,
};

pub use arrival::AcceptError;
pub use config::{Config, Families, Identities, Limits, Roots, Route};
pub use delivery::{Delivery, Undelivered};
pub use discovery::{Discovery, DiscoveryError, Target};
pub use endpoint::{ConfigError, Endpoint};
pub use inbound::{Inbound, InboundError, Incoming};
pub use listener::next_connection;
pub use outbound::{ConnectError, Sights, Visit};
pub use peer::{Direction, Peer};
pub use standing::Standing;
