//! Domain name associations (RFC 7712): does this certificate speak for that domain?
//!
//! ```text
//! handshake ─► Presented ─┐
//! claimed or wanted ─► Pair ─┤
//! HTTPS ─► Evidence ─────────┼─► Authenticator::authenticate ─► Association ─► the stream
//! what is enough ─► Policy ──┘                               └► Rejection
//! ```

mod association;
mod identifier;
mod pkix;
mod policy;
mod posh;
mod presented;
mod rejection;

use ::posh::Published;

pub use self::association::{Association, Authenticator};
pub use self::identifier::presented_identifiers;
pub use self::policy::{Policy, Prooftype};
pub use self::presented::Presented;
pub use self::rejection::Rejection;

/// What was found out about a source domain, besides its peer's certificate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Evidence {
    /// What it publishes over HTTPS; `None` if that was not looked up.
    pub posh: Option<Published>,
}
