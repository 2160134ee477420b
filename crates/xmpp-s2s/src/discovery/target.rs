//! A place to connect to.

use std::fmt;
use std::net::IpAddr;

use xmpp_s2s_proto::stream::Security;

/// A place to connect to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS from the first byte, or after STARTTLS.
    pub security: Security,
    /// The addresses of the host that may be connected to, in the order to try them.
    pub addresses: Vec<IpAddr>,
}

impl Target {
    pub(super) fn new(host: impl Into<String>, port: u16, security: Security) -> Self {
        Self { host: host.into(), port, security, addresses: Vec::new() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Direct => "direct TLS",
            Security::StartTls => "STARTTLS",
        };
        write!(f, "{}:{} {security}", self.host, self.port)
    }
}
