//! The interop lab: our server in a container against real servers in containers.
//!
//! ```text
//!            dns (BIND)   web (nginx)
//!                 │           │            one internal network, fixed addresses, no way out
//!  ┌──────────┬───┴─────┬─────┴──────┬───────────┐
//!  prosody    other     server       caller      client
//!  └ foreign servers ┘  └ our server and our ┘   └ of a person, who has
//!                         `ping`                   an account on prosody
//! ```
//!
//! Every scenario is two [`Domain`]s: the zone, the web host, the documents of each and its place
//! on one of the XMPP servers are made from one row of a table. Every scenario that has a Prosody
//! in it is played with each [`Release`] of Prosody, in a lab of its own. The labs come up once,
//! side by side, serve all scenarios, and are gone afterwards, however the run ends.
//!
//! `cargo test -p interop` plays all of them; `cargo run -p interop -- --help` tells how to play
//! one, and how to keep a lab and look around in it.
#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "no crate but this one's tests uses them"
)]

mod case;
mod client;
mod container;
mod domain;
mod engine;
mod guide;
mod image;
mod images;
mod lab;
mod labs;
mod log;
mod machine;
mod material;
mod network;
mod owner;
mod ping;
mod program;
mod release;
mod run;
mod scenario;
mod site;
mod story;

use std::error::Error;

pub use case::{Case, Played};
pub use container::Output;
pub use domain::{Certificate, Company, Document, Domain, Person, Transport, WebHost};
pub use engine::EngineError;
pub use image::ImageError;
pub use images::ImagesError;
pub use lab::{Lab, LabError};
pub use labs::Labs;
pub use log::Silence;
pub use machine::Machine;
pub use material::MaterialError;
pub use network::NetworkError;
pub use ping::{Ping, Side};
pub use program::{ProgramError, without_package};
pub use release::Release;
pub use run::{Failure, Run};
pub use scenario::Scenario;
pub use site::{Site, SiteError};

/// An error and its causes in one line.
pub fn with_causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}
