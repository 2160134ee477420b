//! How the network is used.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;

use crate::span::patience;

/// How the network is used; by commands that need none, not at all.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct Network {
    /// Longest time for all of it: seconds, or a number with s, m or h
    #[arg(long, global = true, value_name = "SPAN", default_value = "60", value_parser = patience)]
    pub(crate) timeout: Duration,
    /// Use IPv4 only
    #[arg(short = '4', global = true, conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', global = true)]
    pub(crate) ipv6: bool,
    /// Ask this DNS server; port 53 unless one is given
    #[arg(long, global = true, value_name = "ADDR[:PORT]", value_parser = resolver)]
    pub(crate) resolver: Option<SocketAddr>,
    /// Connect to ADDR:PORT in place of HOST:PORT; may be given several times
    #[arg(long, global = true, value_name = "HOST:PORT:ADDR:PORT", value_parser = elsewhere)]
    pub(crate) connect_to: Vec<Elsewhere>,
    /// Trust the authorities of this PEM file, for web hosts and XMPP servers, in place of the
    /// system's; may be given several times
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cacert: Vec<PathBuf>,
    /// Connect to addresses of this network although it is not public; may be given several times
    #[arg(long, global = true, value_name = "NETWORK")]
    pub(crate) allow_network: Vec<IpNet>,
}

/// What is connected to in place of a host and port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Elsewhere {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) to: SocketAddr,
}

impl Display for Elsewhere {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.host, self.port, self.to)
    }
}

fn resolver(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    address.or_else(|_| text.parse()).map_err(|_| "expected an IP address, or one with a port")
}

fn elsewhere(text: &str) -> Result<Elsewhere, &'static str> {
    const RULE: &str = "expected HOST:PORT:ADDR:PORT, an IPv6 address in brackets";
    let mut parts = text.splitn(3, ':');
    let (Some(host), Some(port), Some(to)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(RULE);
    };
    if host.is_empty() {
        return Err(RULE);
    }
    let (port, to) = (port.parse().map_err(|_| RULE)?, to.parse().map_err(|_| RULE)?);
    Ok(Elsewhere { host: host.trim_end_matches('.').to_ascii_lowercase(), port, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_has_port_53_unless_it_says_so() {
        for (text, address) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(resolver(text), Ok(address.parse().unwrap()));
        }
        assert!(resolver("dns.example").is_err());
    }

    #[test]
    fn a_host_and_port_lead_to_an_address_and_port() {
        for to in ["127.0.0.1:4443", "[::1]:4443"] {
            let expected =
                Elsewhere { host: "im.example".into(), port: 443, to: to.parse().unwrap() };
            assert_eq!(elsewhere(&format!("IM.example.:443:{to}")), Ok(expected));
        }
        for text in
            ["", "im.example:443", "im.example:x:127.0.0.1:1", ":443:127.0.0.1:1", "a:1:b:2"]
        {
            assert!(elsewhere(text).is_err(), "{text}");
        }
    }
}
