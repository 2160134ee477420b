//! The server's file: who we are, where we listen, whom we trust.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use xmpp_s2s::{Config, ConfigError, Domain, Endpoint, Policy, Prooftype, Roots};

use self::fault::Fault;
pub(crate) use self::fault::SettingsError;
use self::file::File;
pub(crate) use self::sample::sample;

mod fault;
mod file;
mod keys;
mod pem;
mod sample;
mod table;
#[cfg(test)]
mod tests;

/// What the file says, checked, with everything it points to loaded.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen.
    pub(crate) listen: Vec<SocketAddr>,
    /// Our domains with their certificates, in the file's order; never empty.
    pub(crate) domains: Vec<(Domain, Arc<CertifiedKey>)>,
    /// Networks that may be connected to although they are not public.
    pub(crate) allow_networks: Vec<IpNet>,
    /// Domains whose connections are refused.
    pub(crate) block: HashSet<Domain>,
    prooftypes: Option<Vec<Prooftype>>,
    peers: HashMap<Domain, Vec<Prooftype>>,
    resolver: Option<SocketAddr>,
    roots: Option<RootCertStore>,
    web_roots: Option<RootCertStore>,
}

impl Settings {
    /// Reads `path`; what is wrong with it is told with the line and what was expected there.
    pub(crate) fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path)
            .map_err(|error| SettingsError::Unreadable { file: path.into(), error })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, folder, &ring::default_provider())
            .map_err(|fault| SettingsError::faulty(path, &text, fault))
    }

    fn parse(text: &str, folder: &Path, provider: &CryptoProvider) -> Result<Self, Fault> {
        let file = File::parse(text)?;
        Ok(Self {
            listen: file.listen()?,
            resolver: file.resolver()?,
            allow_networks: file.allow_networks()?,
            block: file.block()?,
            prooftypes: file.prooftypes()?,
            peers: file.peers()?,
            roots: file.roots(folder)?,
            web_roots: file.web_roots(folder)?,
            domains: file.domains(folder, provider)?,
        })
    }

    /// Builds the endpoint of these settings.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        let identities: HashMap<_, _> = self.domains.iter().cloned().collect();
        let mut config = Config::new(identities, self.all_roots()?, ring::default_provider());
        config.allow_networks.clone_from(&self.allow_networks);
        if let Some(prooftypes) = &self.prooftypes {
            config.policy = policy(prooftypes);
        }
        let peers = self.peers.iter();
        config.policies = peers.map(|(peer, proofs)| (peer.clone(), policy(proofs))).collect();
        config.resolver = self.resolver.map(resolver).transpose()?;
        Endpoint::new(config).map_err(|error| match error {
            ConfigError::Resolver(error) => EndpointError::SystemResolver(error),
            error => error.into(),
        })
    }

    /// The system's roots are loaded only where the file names none.
    fn all_roots(&self) -> Result<Roots, EndpointError> {
        if let (Some(xmpp), Some(web)) = (&self.roots, &self.web_roots) {
            return Ok(Roots::new(xmpp.clone(), web.clone()));
        }
        let mut roots = Roots::system().map_err(EndpointError::SystemRoots)?;
        if let Some(xmpp) = &self.roots {
            roots.xmpp = Arc::new(xmpp.clone());
        }
        if let Some(web) = &self.web_roots {
            roots.web = Arc::new(web.clone());
        }
        Ok(roots)
    }
}

/// Settings that are sound, and an endpoint that cannot be built of them here.
#[derive(Debug, Error)]
pub(crate) enum EndpointError {
    /// The library refuses the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The client for the configured DNS server cannot be set up.
    #[error("cannot set up the client for the DNS server at {0}")]
    Resolver(SocketAddr, #[source] hickory_resolver::net::NetError),
    /// The system does not say which DNS servers to ask.
    #[error("cannot tell which DNS servers to ask from /etc/resolv.conf; name one with `resolver`")]
    SystemResolver(#[source] hickory_resolver::net::NetError),
    /// The system has no trust anchors that can be read.
    #[error(
        "cannot load the system's trust anchors; install them (Debian: ca-certificates), or name PEM \
             files with `roots` and `web-roots`"
    )]
    SystemRoots(#[source] io::Error),
}

fn policy(prooftypes: &[Prooftype]) -> Policy {
    let mut policy = Policy::default();
    policy.prooftypes = prooftypes.to_vec();
    policy
}

/// Asks the DNS server at `address`, over UDP and TCP, and nobody else.
fn resolver(address: SocketAddr) -> Result<TokioResolver, EndpointError> {
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    });
    let server = NameServerConfig::new(address.ip(), true, connections.into());
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .build()
        .map_err(|error| EndpointError::Resolver(address, error))
}
