//! Addresses that may be connected to, and no others, for reqwest to connect to.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::address::AddressGuard;
use super::budget::{Network, Origin, Visit};

/// Lets another resolver answer, judges every address, and charges those that may be tried.
///
/// What it gives is what is connected to, so a name that changes meanwhile changes nothing. Address
/// literals never come this way: [`Lookup`](crate::Lookup) refuses them.
pub(super) struct VettedResolver {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) guard: AddressGuard,
    pub(super) port: u16,
    pub(super) visit: Option<Arc<Visit>>,
}

impl Resolve for VettedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.resolver.resolve(name);
        let (guard, port, visit) = (self.guard.clone(), self.port, self.visit.clone());
        Box::pin(async move {
            let found: Vec<_> = answer.await?.take(ADDRESSES).map(canonical).collect();
            let ips = found.iter().map(SocketAddr::ip);
            let vetted = vet(ips, &guard, visit.as_deref())?;
            let mut addresses = found;
            addresses.retain(|address| vetted.contains(&address.ip()));
            addresses.iter_mut().filter(|address| address.port() == 0).for_each(|address| {
                address.set_port(port);
            });
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Why a name has no address to connect to.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(super) enum Veto {
    #[error("the name has no address")]
    NoAddress,
    #[error("the name has no address that may be connected to")]
    Forbidden,
    #[error("all addresses of the name are over their budget")]
    OverBudget,
}

fn vet(
    found: impl Iterator<Item = IpAddr>,
    guard: &AddressGuard,
    visit: Option<&Visit>,
) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
    let mut found = found.peekable();
    found.peek().ok_or(Veto::NoAddress)?;
    let allowed: Vec<_> = found.filter(|address| guard.allows(*address)).collect();
    if allowed.is_empty() {
        return Err(Veto::Forbidden.into());
    }
    let Some(visit) = visit else { return Ok(allowed) };
    let affordable = affordable(&allowed, guard, visit, Instant::now());
    if affordable.is_empty() { Err(Veto::OverBudget.into()) } else { Ok(affordable) }
}

/// On behalf of a stranger only the first address of each family is tried, and only that is
/// charged: a name that lists the addresses of others must not use up their budgets.
fn affordable(
    allowed: &[IpAddr],
    guard: &AddressGuard,
    visit: &Visit,
    now: Instant,
) -> Vec<IpAddr> {
    let first = |is_of_family: fn(&IpAddr) -> bool| allowed.iter().position(is_of_family);
    let mut tried: Vec<_> = [first(IpAddr::is_ipv6), first(IpAddr::is_ipv4)].into();
    tried.sort_unstable();
    let tried = tried.into_iter().flatten().map(|position| allowed[position]);
    let is_within_budget = |address: &IpAddr| {
        let network = Network::from(guard.reached(*address));
        visit.fetch_from(Origin::Network(network), now).is_ok()
    };
    tried.filter(is_within_budget).collect()
}

/// Most addresses of a name that are looked at.
const ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::budget::{Budgets, Charge};
    use super::*;
    use crate::Limits;

    fn vetted(addresses: &[&str]) -> Result<Vec<IpAddr>, Veto> {
        let found = addresses.iter().map(|address| address.parse().unwrap());
        vet(found, &AddressGuard::default(), None)
            .map_err(|error| *error.downcast_ref::<Veto>().unwrap())
    }

    #[test]
    fn only_allowed_addresses_are_left() {
        let left = vetted(&["10.0.0.1", "1.1.1.1", "::1"]).unwrap();
        assert_eq!(left, ["1.1.1.1".parse::<IpAddr>().unwrap()]);
    }

    fn visit(budgets: &Arc<Mutex<Budgets>>) -> Visit {
        Visit::new(&Arc::new(Charge::begin(budgets, None, Instant::now()).unwrap()))
    }

    #[test]
    fn a12_only_what_a_stranger_makes_us_try_is_charged() {
        let limits = Limits { host_at_once: 1, ..Limits::default() };
        let budgets = Arc::new(Mutex::new(Budgets::new(limits)));
        let guard = AddressGuard::default();
        let parse = |address: &str| address.parse::<IpAddr>().unwrap();
        let listed = ["1.0.0.1", "1.0.0.2", "2a00:1::1", "2a00:2::1"].map(parse);
        let evil = visit(&budgets);
        assert_eq!(vet(listed.into_iter(), &guard, Some(&evil)).unwrap(), [listed[0], listed[2]]);
        for (address, is_charged) in listed.into_iter().zip([true, false, true, false]) {
            let other = visit(&budgets);
            let vetted = vet([address].into_iter(), &guard, Some(&other));
            assert_eq!(vetted.is_err(), is_charged, "{address}");
        }
    }

    #[test]
    fn a12_an_address_behind_nat64_shares_the_budget_of_what_is_reached() {
        let limits = Limits { host_at_once: 1, ..Limits::default() };
        let budgets = Arc::new(Mutex::new(Budgets::new(limits)));
        let guard = AddressGuard::default();
        let one = visit(&budgets);
        assert!(vet(["1.0.0.1".parse().unwrap()].into_iter(), &guard, Some(&one)).is_ok());
        let other = visit(&budgets);
        let translated = ["64:ff9b::1.0.0.1".parse().unwrap()];
        assert!(vet(translated.into_iter(), &guard, Some(&other)).is_err());
    }

    #[test]
    fn none_left_is_another_thing_than_none_found() {
        assert_eq!(vetted(&[]), Err(Veto::NoAddress));
        assert_eq!(vetted(&["127.0.0.1", "fe80::1"]), Err(Veto::Forbidden));
    }
}
