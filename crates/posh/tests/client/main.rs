//! The client against real DNS and real HTTPS hosts on loopback.
#![allow(clippy::unwrap_used)]

mod budgets;
mod caching;
mod fetching;
mod forbidden;
mod refusing;
mod setup;
