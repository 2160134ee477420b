//! Two federating servers on loopback, with real DNS, HTTPS and TLS.

#![allow(clippy::unwrap_used)]

mod budgets;
mod caching;
mod claims;
mod discovery;
mod endings;
mod handshake;
mod incoming;
mod live;
mod precedence;
mod proved;
mod queue;
mod refused;
mod renegotiation;
mod rollover;
mod roots;
mod routing;
mod sasl;
mod serve;
mod spelling;
mod standing;
mod starttls;
mod strangers;
mod targets;
mod tls;
mod turns;
mod web;
mod wire;
