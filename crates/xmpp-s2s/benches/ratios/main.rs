//! What streams cost beyond bare tokio-rustls, as ratios within one run.
//!
//! ```text
//! cargo bench -p xmpp-s2s --bench ratios                 # everything
//! cargo bench -p xmpp-s2s --bench ratios -- inbound posh # scenes by name
//! ```
//!
//! Both sides of a ratio do their work over loopback within one thread, and take turns round by
//! round, so that whatever else the machine does meets both. What is compared is the time that the
//! thread had of a processor. Criterion would measure one side after the other, and by the clock on
//! the wall. Nothing here can fail because of a time.
//!
//! `inbound` and `outbound` move the same bytes on both sides. `setup` compares new streams with
//! bare handshakes, which say nothing to each other. `framing` has no other side, and `posh` is a
//! difference by the clock on the wall, since it is about waiting.

#![allow(clippy::unwrap_used, reason = "what goes wrong ends the bench")]

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod framing;
mod inbound;
mod outbound;
mod posh;
mod setup;

use crate::support::effort::Effort;
use crate::support::site::Site;
use crate::support::table::Table;

type Scene = fn(&Site, &Effort, &Table);

const SCENES: [(&str, Scene); 5] = [
    ("inbound", inbound::run),
    ("outbound", outbound::run),
    ("framing", framing::run),
    ("setup", setup::run),
    ("posh", posh::run),
];

fn main() {
    let effort = Effort::from_command_line();
    let table = Table::new();
    for (name, scene) in SCENES {
        if effort.wants(name) {
            scene(&Site::start(), &effort, &table);
        }
    }
}
