//! Where it takes place: on one thread, but for DNS and web, whose work is not to be counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ResolveHosts, ResolverOpts};
use rustls::sign::CertifiedKey;
use tokio::runtime::{Builder, Runtime};
use xmpp_s2s::{Config, Domain, Endpoint};
use xmpp_s2s_testkit::{Certificate, Identity, Purpose, World};

/// A federation in two halves.
pub(crate) struct Site {
    /// DNS and web, in a thread of their own.
    pub(crate) world: World,
    /// Where everything is done that is measured.
    pub(crate) here: Runtime,
    _elsewhere: Runtime,
}

impl Site {
    /// Starts the DNS and the web.
    pub(crate) fn start() -> Self {
        let elsewhere = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let here = Builder::new_current_thread().enable_all().build().unwrap();
        let world = elsewhere.block_on(World::start()).unwrap();
        Self { world, here, _elsewhere: elsewhere }
    }

    /// A certificate for `name`, good in both directions wherever purposes are looked at.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        let certificate = Certificate::new([name]).purpose(Purpose::ServerAndClient);
        self.world.xmpp_authority.issue(&certificate)
    }

    /// The configuration of an endpoint that hosts `domain`. Its resolver remembers, as those of
    /// systems do, and what does not exist for as long as the SOA records of a real zone would say.
    pub(crate) fn config(&self, domain: &str, identity: &Identity) -> Config {
        let domain: Domain = domain.parse().unwrap();
        let identities: HashMap<Domain, Arc<CertifiedKey>> =
            [(domain, identity.certified_key())].into();
        let mut config = self.world.config(identities);
        let mut options = ResolverOpts::default();
        options.use_hosts_file = ResolveHosts::Never;
        options.negative_min_ttl = Some(Duration::from_secs(60));
        config.resolver = Some(self.world.dns.resolver_with(options));
        config
    }

    /// An endpoint that hosts `domain`, within a runtime.
    pub(crate) fn endpoint(&self, domain: &str, identity: &Identity) -> Endpoint {
        Endpoint::new(self.config(domain, identity)).unwrap()
    }
}
