//! What the built program does, prints and exits with, in a federation on loopback.
#![allow(clippy::unwrap_used)]

mod check;
mod files;
mod lint;
mod live;
mod readme;
mod scenery;
