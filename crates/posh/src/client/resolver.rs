//! Addresses that may be connected to, and no others, for reqwest to connect to.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::address::AddressGuard;
use super::budget::{Charge, Origin};

/// Lets another resolver answer, judges every address, and charges those that are left.
///
/// What it gives is what is connected to, so a name that changes meanwhile changes nothing. Address
/// literals never come this way: [`Lookup`](crate::Lookup) refuses them.
pub(super) struct VettedResolver {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) guard: AddressGuard,
    pub(super) port: u16,
    pub(super) charge: Option<Arc<Charge>>,
}

impl Resolve for VettedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.resolver.resolve(name);
        let (guard, port, charge) = (self.guard.clone(), self.port, self.charge.clone());
        Box::pin(async move {
            let found = answer.await?.map(|address| address.ip().to_canonical());
            let addresses = vet(found, &guard, charge.as_deref())?;
            let addresses =
                addresses.into_iter().map(move |address| SocketAddr::new(address, port));
            Ok(Box::new(addresses) as Addrs)
        })
    }
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
    charge: Option<&Charge>,
) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
    let mut found = found.take(ADDRESSES).peekable();
    found.peek().ok_or(Veto::NoAddress)?;
    let mut allowed = found.filter(|address| guard.allows(*address)).peekable();
    allowed.peek().ok_or(Veto::Forbidden)?;
    let now = Instant::now();
    let is_within_budget = |address: &IpAddr| {
        charge.is_none_or(|charge| charge.fetch_from(Origin::Address(*address), now).is_ok())
    };
    let affordable: Vec<_> = allowed.filter(is_within_budget).collect();
    if affordable.is_empty() { Err(Veto::OverBudget.into()) } else { Ok(affordable) }
}

/// Most addresses of a name that are looked at.
const ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn none_left_is_another_thing_than_none_found() {
        assert_eq!(vetted(&[]), Err(Veto::NoAddress));
        assert_eq!(vetted(&["127.0.0.1", "fe80::1"]), Err(Veto::Forbidden));
    }
}
