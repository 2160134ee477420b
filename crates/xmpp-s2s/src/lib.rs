//! XMPP server-to-server connections, authenticated by POSH or PKIX.
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
//! An [`Endpoint`] is handed stanzas for other domains, and gives stanzas of other domains, each
//! from a domain that has proved its name. Every decision leaves a [`Trail`].

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
mod reason;
mod standing;
mod stop;
mod tls;

pub use posh;
pub use xmpp_s2s_proto::dna::{Evidence, Policy, Prooftype, Rejection};
pub use xmpp_s2s_proto::stream::{
    Condition, InvalidStanza, Security, Side, StreamConfig, StreamError,
};
pub use xmpp_s2s_proto::{
    Code, Domain, InvalidDomain, Namespace, Pair, Phase, Stanza, StanzaKind, Step, Trail, Verdict,
    printable,
};

pub use arrival::AcceptError;
pub use config::{Config, Identities, Limits, Roots};
pub use delivery::{Delivery, Undelivered};
pub use discovery::{Discovery, DiscoveryError, Target};
pub use endpoint::{ConfigError, Endpoint};
pub use inbound::{Inbound, InboundError, Incoming};
pub use outbound::ConnectError;
pub use peer::{Direction, Peer};
pub use standing::Standing;
