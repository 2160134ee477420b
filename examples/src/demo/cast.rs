//! Who plays: three servers in a world with DNS and web.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use posh::Profile;
use tokio::net::TcpListener;
use xmpp_s2s::{AcceptError, Domain, Endpoint, Peer, Security, Stanza};
use xmpp_s2s_testkit::{Identity, Service, World};

use super::DemoError;
use crate::serve::{Observer, Server, Unobserved};

/// The one who pings.
pub(super) const ALPHA: &str = "alpha.example";
/// The domain to be proved.
pub(super) const HOSTED: &str = "hosted.example";
/// The name of the hosting company's server, and the only one in its certificate.
pub(super) const HOSTING: &str = "s2s.hosting.example";
/// The one who would like to be the hosted domain.
pub(super) const MALLORY: &str = "mallory.example";

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How long streams may take to close.
const CLOSING: Duration = Duration::from_millis(500);

/// Everybody, on loopback.
pub(super) struct Cast {
    pub(super) hosting: Member,
    pub(super) mallory: Member,
    /// The stanzas that mallory was sent.
    pub(super) stolen: Stolen,
    alpha: Identity,
    world: World,
}

impl Cast {
    /// Starts everybody who is there in every scene.
    pub(super) async fn assemble() -> Result<Self, DemoError> {
        let world = World::start().await?;
        let [alpha, hosting, mallory] =
            [ALPHA, HOSTING, MALLORY].map(|name| world.xmpp_authority.issue_for(name));
        world.publish(HOSTED, Profile::Rfc7711, &[&hosting]);
        let stolen = Stolen::default();
        Ok(Self {
            hosting: Member::start(&world, HOSTED, &hosting, Unobserved).await?,
            mallory: Member::start(&world, HOSTED, &mallory, stolen.clone()).await?,
            stolen,
            alpha,
            world,
        })
    }

    /// Starts alpha, who remembers nothing of earlier scenes.
    pub(super) async fn alpha(&self, observer: impl Observer) -> Result<Member, DemoError> {
        let server = Member::start(&self.world, ALPHA, &self.alpha, observer).await?;
        self.lead(ALPHA, ALPHA, &server);
        Ok(server)
    }

    /// Makes the DNS say that `domain` is served by `server`, whose name is `host`.
    pub(super) fn lead(&self, domain: &str, host: &str, server: &Member) {
        let dns = &self.world.dns;
        dns.set_addresses(host, [LOOPBACK]);
        dns.set_services(domain, Security::StartTls, [Service::at(host, server.address.port())]);
    }

    /// Stops everybody.
    pub(super) async fn dismiss(self) {
        self.hosting.close().await;
        self.mallory.close().await;
    }
}

/// A server as `serve` has it, in the world of the demo.
pub(super) struct Member {
    pub(super) address: SocketAddr,
    pub(super) server: Server,
}

impl Member {
    async fn start(
        world: &World,
        domain: &str,
        identity: &Identity,
        observer: impl Observer,
    ) -> Result<Self, DemoError> {
        let identities = HashMap::from([(self::domain(domain), identity.certified_key())]);
        let endpoint = Endpoint::new(world.config(identities))?;
        let listener = TcpListener::bind((LOOPBACK, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, server: Server::start(endpoint, vec![listener], observer) })
    }

    /// Closes its streams and its listener.
    pub(super) async fn close(self) {
        let _ = self.server.close(CLOSING).await;
    }
}

/// One of the names above.
pub(super) fn domain(name: &str) -> Domain {
    name.parse().expect("the names of the cast are domain names")
}

/// Counts the stanzas that came in.
#[derive(Clone, Debug, Default)]
pub(super) struct Stolen(Arc<AtomicUsize>);

impl Stolen {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Observer for Stolen {
    fn stanza(&self, _: &Stanza, _: &[Peer]) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, _: &Peer, _: &AcceptError) {}
}
