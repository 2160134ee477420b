//! The interop lab: our server in a container against real servers in containers.
//!
//! ```text
//!            dns (BIND)   web (nginx)
//!                 │           │            one internal network, fixed addresses, no way out
//!  ┌──────────┬───┴─────┬─────┴──────┐
//!  prosody    other     server       caller
//!  └ foreign servers ┘  └ our server and our `ping` ┘
//! ```
//!
//! Every scenario is a [`Domain`]: its zone, its web host, its documents and its place on one of
//! the XMPP servers are made from one row of a table. The lab comes up once, serves all
//! scenarios, and is gone afterwards, however the run ends.
#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "no crate but this one's tests uses them"
)]

mod container;
mod domain;
mod engine;
mod image;
mod lab;
mod log;
mod machine;
mod material;
mod network;
mod owner;
mod ping;
mod program;
mod run;
mod scenario;
mod site;

pub use container::Output;
pub use domain::{Certificate, Company, Document, Domain, Transport, WebAuthority};
pub use engine::EngineError;
pub use image::ImageError;
pub use lab::{Lab, LabError};
pub use log::Silence;
pub use machine::Machine;
pub use material::MaterialError;
pub use network::NetworkError;
pub use ping::{Ping, Side};
pub use program::ProgramError;
pub use run::{Failure, Run};
pub use scenario::{Scenario, play};
pub use site::{Site, SiteError};
