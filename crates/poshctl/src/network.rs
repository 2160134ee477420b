//! What is used of the network: resolver, authorities, addresses.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::crypto::ring;
use thiserror::Error;
use xmpp_s2s::{Config, Families, Roots};

use crate::certificates::{self, CertificateError};
use crate::cli::Network;
use crate::identity::Shown;

/// What an endpoint is told that goes to others with this certificate and trusts these authorities.
pub(crate) fn config(
    network: &Network,
    shown: Shown,
    roots: Roots,
) -> Result<Config, NetworkError> {
    let identities = HashMap::from([(shown.domain, shown.key)]);
    let mut config = Config::new(identities, roots, ring::default_provider());
    config.resolver = Some(resolver(network)?);
    config.families = families(network);
    config.allow_networks.clone_from(&network.allow_network);
    // Who names an address means it, whatever kind it is of.
    config
        .allow_networks
        .extend(network.connect_to.iter().map(|elsewhere| IpNet::from(elsewhere.to.ip())));
    let places = network.connect_to.iter().cloned();
    config.connect_to = places.map(|place| ((place.host, place.port), place.to)).collect();
    config.limits.outbound = network.timeout;
    Ok(config)
}

/// The resolver that was named, else the system's.
pub(crate) fn resolver(network: &Network) -> Result<TokioResolver, NetworkError> {
    let builder = match network.resolver {
        Some(address) => {
            TokioResolver::builder_with_config(only(address), TokioRuntimeProvider::default())
        }
        None => TokioResolver::builder_tokio().map_err(NetworkError::Resolver)?,
    };
    builder.build().map_err(NetworkError::Resolver)
}

fn only(address: SocketAddr) -> ResolverConfig {
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    });
    let server = NameServerConfig::new(address.ip(), true, connections.into());
    ResolverConfig::from_parts(None, Vec::new(), vec![server])
}

/// The authorities of the files that were named, else the system's.
pub(crate) fn roots(network: &Network) -> Result<Roots, NetworkError> {
    if network.cacert.is_empty() {
        return Roots::system().map_err(NetworkError::NoRoots);
    }
    let mut store = RootCertStore::empty();
    for path in &network.cacert {
        add(&mut store, path)?;
    }
    let store = Arc::new(store);
    Ok(Roots::new(Arc::clone(&store), store))
}

fn add(store: &mut RootCertStore, path: &Path) -> Result<(), NetworkError> {
    for certificate in certificates::chain(path)? {
        store.add(certificate).map_err(|error| NetworkError::Root(path.to_owned(), error))?;
    }
    Ok(())
}

/// Which addresses are used.
pub(crate) fn families(network: &Network) -> Families {
    match (network.ipv4, network.ipv6) {
        (true, _) => Families::Ipv4,
        (false, true) => Families::Ipv6,
        (false, false) => Families::Both,
    }
}

/// Why the network cannot be used.
#[derive(Debug, Error)]
pub(crate) enum NetworkError {
    /// There is nobody to ask for addresses.
    #[error("cannot set the resolver up, name one with --resolver")]
    Resolver(#[source] NetError),
    /// There is nobody to trust.
    #[error("cannot read the system's authorities, name some with --cacert")]
    NoRoots(#[source] io::Error),
    /// A file of authorities cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A certificate that is no authority's.
    #[error("cannot trust a certificate in {}", .0.display())]
    Root(PathBuf, #[source] rustls::Error),
}
