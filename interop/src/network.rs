use std::net::Ipv4Addr;

use bollard::errors::Error::DockerResponseServerError;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use ipnet::Ipv4Net;
use thiserror::Error;

use crate::engine::{Engine, EngineError};
use crate::machine::Machine;

/// Where subnets are taken from, by the first two numbers.
const RANGES: [[u8; 2]; 3] = [[172, 28], [10, 213], [192, 168]];

/// A bridge between the lab's containers from which nothing gets out.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) id: String,
    pub(crate) subnet: Ipv4Net,
}

impl Network {
    /// Makes it on the first subnet that neither a route of this machine nor another network of
    /// Docker's has.
    pub(crate) async fn create(engine: &Engine) -> Result<Self, NetworkError> {
        let _making = engine.making.lock().await;
        let routed = routes(&std::fs::read_to_string("/proc/net/route")?);
        for subnet in candidates().filter(|subnet| !routed.iter().any(|r| overlap(r, subnet))) {
            match engine.docker.create_network(request(engine, subnet)).await {
                Ok(created) => return Self { id: created.id, subnet }.closed(engine).await,
                Err(DockerResponseServerError { status_code: 409, .. }) => {}
                Err(DockerResponseServerError { message, .. }) if message.contains("overlap") => {}
                Err(source) => return Err(EngineError::of("make a network")(source).into()),
            }
        }
        Err(NetworkError::NoFreeSubnet)
    }

    async fn closed(self, engine: &Engine) -> Result<Self, NetworkError> {
        let inspected = engine.docker.inspect_network(&self.id, None).await;
        match inspected.map_err(EngineError::of("inspect a network"))?.internal {
            Some(true) => Ok(self),
            Some(false) | None => Err(NetworkError::Open),
        }
    }
}

fn request(engine: &Engine, subnet: Ipv4Net) -> NetworkCreateRequest {
    let config = IpamConfig {
        subnet: Some(subnet.to_string()),
        gateway: Some(Machine::Host.address(subnet).to_string()),
        ..Default::default()
    };
    NetworkCreateRequest {
        name: format!("{}-{}", engine.unique_name(), subnet.network()),
        internal: Some(true),
        ipam: Some(Ipam { config: Some(vec![config]), ..Default::default() }),
        labels: Some(engine.labels()),
        ..Default::default()
    }
}

fn candidates() -> impl Iterator<Item = Ipv4Net> {
    RANGES.into_iter().flat_map(|[first, second]| {
        let subnet = move |third| Ipv4Addr::new(first, second, third, 0);
        (0..=255).map(move |third| Ipv4Net::new_assert(subnet(third), 24))
    })
}

fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(other) || other.contains(one)
}

/// The networks that Linux has routes to, but for the default route.
fn routes(table: &str) -> Vec<Ipv4Net> {
    let address =
        |hex: &str| u32::from_str_radix(hex, 16).ok().map(|n| Ipv4Addr::from(n.to_le_bytes()));
    let route = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [destination, mask] = [address(columns.get(1)?)?, address(columns.get(7)?)?];
        Ipv4Net::with_netmask(destination, mask).ok()
    };
    table.lines().filter_map(route).filter(|net| net.prefix_len() > 0).collect()
}

/// Why the lab has no network.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// All of the ranges are in use.
    #[error("no subnet of 172.28.0.0/16, 10.213.0.0/16 or 192.168.0.0/16 is free")]
    NoFreeSubnet,
    /// What it should keep apart is not.
    #[error("the engine made a network that is not internal")]
    Open,
    /// The routes could not be read.
    #[error("cannot read the routes of this machine")]
    Routes(#[from] std::io::Error),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_without_the_default_one() {
        let table = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                     eth0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0\n\
                     docker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0\n";
        assert_eq!(routes(table), ["172.17.0.0/16".parse::<Ipv4Net>().unwrap()]);
    }

    #[test]
    fn a_subnet_inside_a_routed_network_is_not_free() {
        let routed: Ipv4Net = "172.16.0.0/12".parse().unwrap();
        let free = candidates().find(|subnet| !overlap(&routed, subnet));
        assert_eq!(free, Some("10.213.0.0/24".parse().unwrap()));
    }
}
