use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// What has an address in the lab.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Machine {
    /// BIND: the lab's only name server.
    Dns,
    /// nginx: the web host of every domain.
    Web,
    /// Prosody, the server of `hosting.example`.
    Prosody,
    /// Another Prosody, the server of `elsewhere.example`.
    Other,
    /// Our server, the one of `ours.example`.
    Server,
    /// Where our `ping` is run: it listens itself, on its own address.
    Caller,
    /// Where the people of the lab have their clients.
    Client,
    /// The machine that the lab is on, which is the network's gateway: for people.
    Host,
}

impl Machine {
    /// Every container, in the order in which they start.
    pub const ALL: [Self; 7] = [
        Self::Dns,
        Self::Web,
        Self::Prosody,
        Self::Other,
        Self::Server,
        Self::Caller,
        Self::Client,
    ];

    /// Its name, also of its container's log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Web => "web",
            Self::Prosody => "prosody",
            Self::Other => "other",
            Self::Server => "server",
            Self::Caller => "caller",
            Self::Client => "client",
            Self::Host => "host",
        }
    }

    /// Its address in the lab's network.
    pub fn address(self, network: Ipv4Net) -> Ipv4Addr {
        let [a, b, c, _] = network.network().octets();
        let host = match self {
            Self::Host => 1,
            Self::Dns => 2,
            Self::Web => 3,
            Self::Prosody => 4,
            Self::Other => 5,
            Self::Server => 6,
            Self::Caller => 7,
            Self::Client => 8,
        };
        Ipv4Addr::new(a, b, c, host)
    }

    /// Whether it is a server of others.
    pub(crate) fn runs_prosody(self) -> bool {
        matches!(self, Self::Prosody | Self::Other)
    }

    /// What SRV records call it, if it is an XMPP server.
    pub fn target(self) -> Option<&'static str> {
        match self {
            Self::Dns | Self::Web | Self::Client => None,
            Self::Prosody => Some("s2s.hosting.example"),
            Self::Other => Some("s2s.elsewhere.example"),
            Self::Server => Some("s2s.ours.example"),
            Self::Caller => Some("calls.ours.example"),
            Self::Host => Some("you.ours.example"),
        }
    }

    /// The only name in the certificate that its hosting company shows for hosted domains.
    pub fn hosting_name(self) -> Option<&'static str> {
        match self {
            Self::Caller | Self::Host => Self::Server.target(),
            Self::Dns | Self::Web | Self::Prosody | Self::Other | Self::Server | Self::Client => {
                self.target()
            }
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
