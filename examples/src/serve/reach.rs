//! Where connections come in, and whether what the DNS says leads there.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// The port that a server without SRV record has (RFC 6120 §3.2.2).
const PORT: u16 = 5269;

/// What is known of where connections come in.
#[derive(Debug)]
pub(super) struct Reach {
    listening: Vec<SocketAddr>,
    is_own: fn(IpAddr) -> bool,
}

/// Where addresses lead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Leads {
    /// To where we listen, as far as they lead to this machine.
    Here,
    /// To an address of this machine where nobody listens.
    Past(SocketAddr),
    /// To an address of this machine where another program listens.
    Other(SocketAddr),
    /// To other machines, which may pass on to this one.
    Elsewhere,
}

impl Reach {
    /// Connections come in at `listening`; `is_own` knows the addresses of this machine.
    pub(super) fn new(listening: Vec<SocketAddr>, is_own: fn(IpAddr) -> bool) -> Self {
        Self { listening, is_own }
    }

    /// Where these addresses lead; one of this machine's own is tried.
    pub(super) async fn look(&self, addresses: impl IntoIterator<Item = SocketAddr>) -> Leads {
        match self.of(addresses) {
            Leads::Past(address) if answers(address).await => Leads::Other(address),
            leads => leads,
        }
    }

    fn of(&self, addresses: impl IntoIterator<Item = SocketAddr>) -> Leads {
        let mut leads = Leads::Elsewhere;
        let own = addresses.into_iter().filter(|address| (self.is_own)(address.ip()));
        for address in own {
            if !self.covers(address) {
                return Leads::Past(address);
            }
            leads = Leads::Here;
        }
        leads
    }

    /// A port to lead others to.
    pub(super) fn port(&self) -> u16 {
        self.listening.first().map_or(PORT, SocketAddr::port)
    }

    fn covers(&self, address: SocketAddr) -> bool {
        self.listening.iter().any(|listening| {
            let any = listening.ip().is_unspecified() && listening.is_ipv4() == address.is_ipv4();
            listening.port() == address.port() && (any || listening.ip() == address.ip())
        })
    }
}

/// Whether somebody takes connections at an address of this machine.
async fn answers(address: SocketAddr) -> bool {
    matches!(timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_)))
}

/// How long a connection within this machine may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether `ip` is an address of this machine: no socket can have any other.
pub(super) fn is_of_this_machine(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(all: &[&str]) -> Vec<SocketAddr> {
        all.iter().map(|address| address.parse().unwrap()).collect()
    }

    /// Where `led` lead on a machine that has 192.0.2.1 and 2001:db8::1.
    fn leads(listening: &[&str], led: &[&str]) -> Leads {
        let own = |ip: IpAddr| ["192.0.2.1", "2001:db8::1"].contains(&ip.to_string().as_str());
        Reach::new(addresses(listening), own).of(addresses(led))
    }

    #[test]
    fn own_addresses_lead_here_where_the_server_listens() {
        for listening in [["0.0.0.0:5269", "[::]:5269"], ["192.0.2.1:5269", "[2001:db8::1]:5269"]] {
            assert_eq!(leads(&listening, &["192.0.2.1:5269"]), Leads::Here);
            let both = ["192.0.2.9:1", "[2001:db8::1]:5269"];
            assert_eq!(leads(&listening, &both), Leads::Here);
        }
    }

    #[test]
    fn own_addresses_where_nobody_listens_are_told() {
        for (listening, led) in [
            ("0.0.0.0:5269", "192.0.2.1:5270"),
            ("0.0.0.0:5269", "[2001:db8::1]:5269"),
            ("[::]:5269", "192.0.2.1:5269"),
            ("127.0.0.1:5269", "192.0.2.1:5269"),
        ] {
            assert_eq!(leads(&[listening], &[led]), Leads::Past(led.parse().unwrap()));
        }
    }

    #[test]
    fn of_other_machines_nothing_is_known() {
        assert_eq!(leads(&["0.0.0.0:5269"], &["192.0.2.9:5269"]), Leads::Elsewhere);
        assert_eq!(leads(&["0.0.0.0:5269"], &[]), Leads::Elsewhere);
    }

    #[test]
    fn loopback_is_of_this_machine_and_documentation_is_not() {
        assert!(is_of_this_machine([127, 0, 0, 1].into()));
        assert!(!is_of_this_machine([192, 0, 2, 1].into()));
    }
}
