//! Who plays: four servers in a world with DNS and web.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use posh::Profile;
use tokio::net::TcpListener;
use xmpp_s2s::{Config, Direction, Domain, Endpoint, Pair, Peer, Security};
use xmpp_s2s_testkit::{Identity, Service, World, well_known};

use super::DemoError;
use super::mailbox::Mailbox;
use crate::serve::Server;

/// The one through whose eyes the demo is seen.
pub(super) const ALPHA: &str = "alpha.example";
/// An ordinary domain, as alpha is.
pub(super) const BETA: &str = "beta.example";
/// Hosted, publishes a key set.
pub(super) const HOSTED: &str = "hosted.example";
/// Hosted, refers to what the hosting company publishes.
pub(super) const SECOND: &str = "second.example";
/// Hosted, publishes nothing.
pub(super) const THIRD: &str = "third.example";
/// Where the hosting company publishes.
pub(super) const COMPANY: &str = "hosting.example";
/// The name of the hosting company's server, and the only one in its certificate.
pub(super) const HOSTING: &str = "s2s.hosting.example";
/// Another hosting company, where its customers find what it publishes.
pub(super) const LANDLORD: &str = "landlord.example";
/// The name of its server.
pub(super) const XMPP_LANDLORD: &str = "xmpp.landlord.example";
/// Its customer.
pub(super) const TENANT: &str = "tenant.example";
/// Who would like to be one of the hosted domains.
pub(super) const MALLORY: &str = "mallory.example";

/// What SRV records call alpha's server.
const XMPP_ALPHA: &str = "xmpp.alpha.example";

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How long streams may take to close.
const CLOSING: Duration = Duration::from_millis(500);

/// Everybody, on loopback, and the DNS and the web as they are before a scene.
pub(super) struct Cast {
    pub(super) alpha: Member,
    pub(super) beta: Member,
    pub(super) hosting: Member,
    pub(super) mallory: Member,
    pub(super) world: World,
}

impl Cast {
    /// Starts everybody, with everything published that is to be.
    pub(super) async fn assemble() -> Result<Self, DemoError> {
        let world = World::start().await?;
        let customers = &[HOSTED, SECOND, THIRD];
        let cast = Self {
            alpha: Member::of(&world, XMPP_ALPHA, ALPHA, &[ALPHA]).await?,
            beta: Member::of(&world, "xmpp.beta.example", BETA, &[BETA]).await?,
            hosting: Member::of(&world, HOSTING, HOSTING, customers).await?,
            mallory: Member::of(&world, "xmpp.mallory.example", MALLORY, &[MALLORY, SECOND])
                .await?,
            world,
        };
        cast.lead(ALPHA, &cast.alpha);
        cast.lead(BETA, &cast.beta);
        cast.lead(MALLORY, &cast.mallory);
        for hosted in customers {
            cast.lead(hosted, &cast.hosting);
        }
        cast.publish();
        Ok(cast)
    }

    /// Makes the DNS say that `domain` is served by `member`.
    pub(super) fn lead(&self, domain: &str, member: &Member) {
        let dns = &self.world.dns;
        dns.set_addresses(member.host, [LOOPBACK]);
        let service = Service::at(member.host, member.address.port());
        dns.set_services(domain, Security::StartTls, [service]);
    }

    /// A server of alpha that has just started, and knows of nobody; it has a certificate of its
    /// own, and limits to be changed by `configure`.
    pub(super) async fn another_alpha(
        &self,
        configure: impl FnOnce(&mut Config),
    ) -> Result<Member, DemoError> {
        let identity = self.world.xmpp_authority.issue_for(ALPHA);
        let mut config = config(&self.world, &identity, &[ALPHA]);
        configure(&mut config);
        Member::start(XMPP_ALPHA, identity, config, listen().await?, Mailbox::default())
    }

    /// Stops everybody.
    pub(super) async fn dismiss(self) {
        let Self { alpha, beta, hosting, mallory, .. } = self;
        tokio::join!(alpha.close(), beta.close(), hosting.close(), mallory.close());
    }

    /// Every domain has a web server; not every one publishes.
    fn publish(&self) {
        let world = &self.world;
        [ALPHA, BETA, THIRD, MALLORY].into_iter().for_each(|domain| world.open_web_host(domain));
        let certificates = [&self.hosting.identity];
        world.publish(HOSTED, Profile::Draft02, &certificates);
        world.publish(COMPANY, Profile::Rfc7711, &certificates);
        world.refer(SECOND, Profile::Rfc7711, &well_known(COMPANY, Profile::Rfc7711));
    }
}

/// A server as `serve` has it, in the world of the demo.
pub(super) struct Member {
    pub(super) address: SocketAddr,
    pub(super) identity: Identity,
    /// What came in.
    pub(super) mailbox: Mailbox,
    /// What SRV records call it.
    host: &'static str,
    server: Server,
}

impl Member {
    /// A server at `host` that has one certificate, for `name`, and shows it for all `domains`.
    async fn of(
        world: &World,
        host: &'static str,
        name: &str,
        domains: &[&str],
    ) -> Result<Self, DemoError> {
        let identity = world.xmpp_authority.issue_for(name);
        let config = config(world, &identity, domains);
        Self::start(host, identity, config, listen().await?, Mailbox::default())
    }

    /// A server at `host` with this configuration, in which `identity` is its certificate.
    pub(super) fn start(
        host: &'static str,
        identity: Identity,
        config: Config,
        listener: TcpListener,
        mailbox: Mailbox,
    ) -> Result<Self, DemoError> {
        let (address, endpoint) = (listener.local_addr()?, Endpoint::new(config)?);
        let server = Server::start(endpoint, vec![listener], mailbox.clone());
        Ok(Self { address, identity, mailbox, host, server })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.server.endpoint()
    }

    /// How the stream of `direction` between `pair` stands, if there is one or was not long ago.
    pub(super) fn peer(&self, pair: &Pair, direction: Direction) -> Option<Peer> {
        let mut peers = self.endpoint().peers().into_iter();
        peers.find(|peer| peer.pair == *pair && peer.direction == direction)
    }

    /// Stops it.
    pub(super) async fn close(self) {
        self.close_within(CLOSING).await;
    }

    /// Stops it; its streams may take as long as this to close.
    pub(super) async fn close_within(self, time: Duration) {
        let _ = self.server.close(time).await;
    }
}

/// What a server needs to show `identity` for all `domains`.
pub(super) fn config(world: &World, identity: &Identity, domains: &[&str]) -> Config {
    let identities = domains.iter().map(|name| (domain(name), identity.certified_key()));
    world.config(identities.collect::<HashMap<_, _>>())
}

/// A socket on a port that is free.
pub(super) async fn listen() -> Result<TcpListener, DemoError> {
    Ok(TcpListener::bind((LOOPBACK, 0)).await?)
}

/// One of the names above.
pub(super) fn domain(name: &str) -> Domain {
    name.parse().expect("the names of the cast are domain names")
}

/// Two of them.
pub(super) fn pair(local: &str, remote: &str) -> Pair {
    Pair { local: domain(local), remote: domain(remote) }
}
