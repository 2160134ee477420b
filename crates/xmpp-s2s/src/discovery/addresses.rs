//! Addresses of hosts, from our resolver, and none that may not be connected to.

use std::collections::HashMap;
use std::future::ready;
use std::iter::once;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use posh::AddressGuard;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use xmpp_s2s_proto::printable;

use super::srv::{is_absent, is_nxdomain};
use crate::config::Families;

/// What the DNS says of the addresses of a host.
#[derive(Debug)]
pub(super) enum Answer {
    /// These, and none else, may be connected to.
    Addresses(Vec<IpAddr>),
    /// There are addresses, and none of them may be connected to.
    Forbidden,
    /// There is none.
    None,
    /// There is no such domain.
    NoDomain,
}

/// The addresses of `host` that `guard` allows; families take turns, IPv6 first (RFC 8305 §4).
pub(super) async fn of(
    resolver: &TokioResolver,
    families: Families,
    guard: &AddressGuard,
    host: &str,
) -> Result<Answer, NetError> {
    let addresses = match all(resolver, families, host).await {
        Ok(addresses) if addresses.is_empty() => return Ok(Answer::None),
        Ok(addresses) => addresses,
        Err(error) if is_absent(&error) => return Ok(Answer::NoDomain),
        Err(error) => return Err(error),
    };
    let (v6, v4): (Vec<_>, Vec<_>) =
        addresses.into_iter().filter(|&ip| guard.allows(ip)).partition(IpAddr::is_ipv6);
    let allowed = interleave(v6, v4);
    Ok(if allowed.is_empty() { Answer::Forbidden } else { Answer::Addresses(allowed) })
}

/// Both families are asked for by record type: `lookup_ip` would take an address literal for an
/// answer and fall back to the hosts file. Once one has answered, the other is waited for no
/// longer than [`RESOLUTION_DELAY`].
async fn all(
    resolver: &TokioResolver,
    families: Families,
    host: &str,
) -> Result<Vec<IpAddr>, NetError> {
    let name = format!("{host}.");
    let mut answers = FuturesUnordered::new();
    if families != Families::Ipv4 {
        answers.push(resolver.ipv6_lookup(name.as_str()).boxed());
    }
    if families != Families::Ipv6 {
        answers.push(resolver.ipv4_lookup(name.as_str()).boxed());
    }
    let (mut found, mut failure, mut delay) = (Vec::new(), None, None);
    while let Some(answer) = next(&mut answers, delay).await {
        match answer {
            Ok(lookup) => found.extend(lookup.answers().iter().filter_map(|r| match &r.data {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                _ => None,
            })),
            Err(error) if is_absent(&error) && !is_nxdomain(&error) => {}
            Err(error) if is_nxdomain(&error) => {
                failure.get_or_insert(error);
            }
            Err(error) => failure = Some(error),
        }
        if !found.is_empty() {
            delay.get_or_insert_with(|| Instant::now() + RESOLUTION_DELAY);
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// How long one family waits for the other (RFC 8305 §3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

async fn next<S: Stream + Unpin>(answers: &mut S, until: Option<Instant>) -> Option<S::Item> {
    match until {
        Some(until) => timeout_at(until, answers.next()).await.ok().flatten(),
        None => answers.next().await,
    }
}

fn interleave(first: Vec<IpAddr>, second: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let turn = [first.next(), second.next()];
        if turn == [None, None] {
            return merged;
        }
        merged.extend(turn.into_iter().flatten());
    }
}

/// Our resolver, as the HTTPS client wants it. The client's guard judges what it finds.
#[derive(Clone, Debug)]
pub(super) struct WebResolver {
    pub(super) resolver: TokioResolver,
    pub(super) families: Families,
    /// What is connected to in place of the web server of a host.
    pub(super) connect_to: HashMap<String, SocketAddr>,
}

impl Resolve for WebResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        if let Some(&address) = self.connect_to.get(&host) {
            return Box::pin(ready(Ok(Box::new(once(address)) as Addrs)));
        }
        let (resolver, families) = (self.resolver.clone(), self.families);
        Box::pin(async move {
            let found = all(&resolver, families, &host).await;
            let found = found.map_err(|error| Unresolved::new(&host, error))?;
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Why the HTTPS client gets no addresses. Where it is an answer of the DNS, the resolver's words
/// for it are the query's parts.
#[derive(Debug, Error)]
enum Unresolved {
    #[error("{0} does not exist")]
    NoDomain(String),
    #[error("the DNS answers for {host} with a failure ({code})")]
    Failure { host: String, code: ResponseCode },
    #[error(transparent)]
    Net(NetError),
}

impl Unresolved {
    fn new(host: &str, error: NetError) -> Self {
        match error {
            error if is_nxdomain(&error) => Self::NoDomain(printable(host)),
            NetError::Dns(DnsError::NoRecordsFound(none)) => {
                Self::Failure { host: printable(host), code: none.response_code }
            }
            error => Self::Net(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let [a, b, c, d] = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"]
            .map(|ip| ip.parse::<IpAddr>().unwrap());
        assert_eq!(interleave(vec![a, b, c], vec![d]), [a, d, b, c]);
        assert_eq!(interleave(vec![], vec![d]), [d]);
    }
}
