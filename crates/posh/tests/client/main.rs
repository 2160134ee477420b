//! The client against real DNS and real HTTPS hosts on loopback.
#![allow(clippy::unwrap_used)]

mod budgets;
mod caching;
mod fetching;
mod refusing;
mod setup;
