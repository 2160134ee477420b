//! What the benches share.

#![allow(dead_code, reason = "not every bench needs all of it")]

pub(crate) mod effort;
pub(crate) mod peer;
pub(crate) mod site;
pub(crate) mod stanza;
pub(crate) mod table;
