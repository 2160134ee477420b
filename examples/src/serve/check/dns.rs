//! Whether the DNS leads others to where we listen.

use std::net::SocketAddr;

use xmpp_s2s::{Code, DiscoveryError, Phase, Standing, Target};

use super::finding::{Finding, Severity, details, step};
use crate::serve::reach::{Leads, Reach};

/// What is to be told of where the DNS leads.
pub(super) async fn finding(standing: &Standing, reach: &Reach) -> Finding {
    let name = format!("_xmpp-server._tcp.{}.", standing.trail.pair().remote.to_dns().as_ref());
    let code = step(&standing.trail, Phase::Dns).map_or(Code::DnsFailed, |step| step.code);
    let (severity, what, fix) = match &standing.targets {
        Ok(targets) => {
            let verb = if code == Code::DnsNoSrvFallback { "add" } else { "change" };
            let record = format!("{verb} the SRV record {name}");
            judge(reach.look(targets.iter().flat_map(addresses)).await, &record)
        }
        Err(error) => fault(error, &name, reach.port()),
    };
    let why = details(&standing.trail, &[Phase::Dns]);
    Finding { severity, code: code.as_str(), what, why, fix }
}

fn addresses(target: &Target) -> impl Iterator<Item = SocketAddr> {
    target.addresses.iter().map(|&ip| SocketAddr::new(ip, target.port))
}

fn judge(leads: Leads, record: &str) -> (Severity, &'static str, String) {
    match leads {
        Leads::Here => (Severity::Good, "the DNS leads others here", String::new()),
        Leads::Past(address) if address.ip().is_loopback() => (
            Severity::Bad,
            "the DNS leads others to a port of this machine where nobody listens",
            format!("add \"{address}\" to `listen`, or {record}"),
        ),
        // What a firewall redirects is not seen from within the machine.
        Leads::Past(address) => (
            Severity::Unclear,
            "cannot tell whether the DNS leads others here: nobody on this machine listens there",
            format!(
                "see that a firewall redirects {address} here, add it to `listen`, or {record}"
            ),
        ),
        Leads::Other(address) => (
            Severity::Unclear,
            "cannot tell whether the DNS leads others here: another program listens there",
            format!("see that what listens on {address} passes connections on, or {record}"),
        ),
        Leads::Elsewhere => (
            Severity::Unclear,
            "cannot tell whether the DNS leads others here: not to an address of this machine",
            format!("see that connections are forwarded here, or {record}"),
        ),
    }
}

fn fault(error: &DiscoveryError, name: &str, port: u16) -> (Severity, &'static str, String) {
    match error {
        DiscoveryError::NotOffered(_) => (
            Severity::Bad,
            "others are told that the domain has no XMPP server",
            format!("let the SRV record {name} lead to port {port} of this server's name"),
        ),
        DiscoveryError::Unresolved { .. } | DiscoveryError::Timeout(_) => (
            Severity::Unclear,
            "cannot tell where others are led: the DNS does not answer",
            "see that the DNS server answers, or name another one with `resolver`".to_owned(),
        ),
        DiscoveryError::Forbidden(_) => (
            // A name may lead to another address from elsewhere.
            Severity::Unclear,
            "cannot tell where others are led: from here it is not to a public address",
            "see that the DNS gives others a public address of the server, or name its network in \
             `allow-networks` if the federation is a private one"
                .to_owned(),
        ),
        _ => (
            Severity::Bad,
            "others cannot find the domain's server in the DNS",
            format!("add the record {name} SRV 0 0 {port} and this server's name with a final dot"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How bad it is that the DNS leads to `address`, where nobody of this machine listens.
    fn past(address: &str) -> Severity {
        judge(Leads::Past(address.parse().unwrap()), "change the SRV record").0
    }

    #[test]
    fn nobody_redirects_loopback_and_anybody_may_redirect_other_addresses() {
        assert_eq!(past("127.0.0.1:5269"), Severity::Bad);
        assert_eq!(past("[::1]:5269"), Severity::Bad);
        assert_eq!(past("192.0.2.1:5269"), Severity::Unclear);
        assert_eq!(past("[2001:db8::1]:5269"), Severity::Unclear);
    }
}
