//! A world with web hosts, and clients to look documents up in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use posh::{
    AddressGuard, Client, FetchError, Finding, Limits, Materials, Profile, Published, Service,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ConfigBuilder, WantsVersions};
use rustls_pki_types::{DnsName, UnixTime};
use xmpp_s2s_testkit::{Identity, Reply, World, provider};

pub(crate) const BOTH: [Profile; 2] = [Profile::Draft02, Profile::Rfc7711];
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
pub(crate) const SOURCE: &str = "im.example";

/// A world in which [`SOURCE`] may publish, and the certificate that its server shows.
pub(crate) async fn world() -> (World, Identity) {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for("s2s.hosting.example");
    world.open_web_host(SOURCE);
    (world, identity)
}

/// What the hosts of a world listen on.
pub(crate) fn limits(world: &World) -> Limits {
    let mut limits = Limits::default();
    limits.port = world.web.address().port();
    limits
}

/// A client that may connect to loopback.
pub(crate) fn client(world: &World) -> Client {
    client_within(world, limits(world))
}

pub(crate) fn client_within(world: &World, limits: Limits) -> Client {
    client_guarded(world, limits, &["127.0.0.0/8"])
}

pub(crate) fn client_guarded(world: &World, limits: Limits, networks: &[&str]) -> Client {
    let networks: Vec<_> = networks.iter().map(|network| network.parse().unwrap()).collect();
    build(world, AddressGuard::new(networks), &BOTH, limits)
}

pub(crate) fn client_of(world: &World, profiles: &[Profile]) -> Client {
    let guard = AddressGuard::new(["127.0.0.0/8".parse().unwrap()]);
    build(world, guard, profiles, limits(world))
}

/// A client that may connect to these networks, and asks this resolver for addresses.
pub(crate) fn client_asking(
    world: &World,
    resolver: Arc<dyn Resolve>,
    profiles: &[Profile],
    networks: &[&str],
) -> Client {
    let networks: Vec<_> = networks.iter().map(|network| network.parse().unwrap()).collect();
    let tls = tls(ClientConfig::builder_with_provider(provider()), world);
    Client::new(tls, resolver, AddressGuard::new(networks), profiles, limits(world)).unwrap()
}

/// A client for which it is as late as `clock` says, where web hosts' certificates are judged.
pub(crate) fn client_at(world: &World, clock: Clock) -> Client {
    let guard = AddressGuard::new(["127.0.0.0/8".parse().unwrap()]);
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(clock));
    build_on(builder, world, guard, &BOTH, limits(world))
}

fn build(world: &World, guard: AddressGuard, profiles: &[Profile], limits: Limits) -> Client {
    build_on(ClientConfig::builder_with_provider(provider()), world, guard, profiles, limits)
}

fn build_on(
    builder: ConfigBuilder<ClientConfig, WantsVersions>,
    world: &World,
    guard: AddressGuard,
    profiles: &[Profile],
    limits: Limits,
) -> Client {
    let resolver = Arc::new(Resolver(world.dns.resolver()));
    Client::new(tls(builder, world), resolver, guard, profiles, limits).unwrap()
}

fn tls(builder: ConfigBuilder<ClientConfig, WantsVersions>, world: &World) -> ClientConfig {
    builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(world.web_authority.roots())
        .with_no_client_auth()
}

pub(crate) async fn fetch(client: &Client, source: &str) -> Published {
    find(client, source).await.published
}

pub(crate) async fn find(client: &Client, source: &str) -> Finding {
    client.fetch(&name(source), &Service::XMPP_SERVER).await
}

pub(crate) async fn find_again(client: &Client, seen: &Finding, source: &str) -> Finding {
    client.refetch(seen, &name(source), &Service::XMPP_SERVER).await
}

pub(crate) async fn fetch_on_behalf(client: &Client, source: &str, asker: &str) -> Published {
    find_on_behalf(client, source, asker).await.published
}

pub(crate) async fn find_on_behalf(client: &Client, source: &str, asker: &str) -> Finding {
    let asker = Some(asker.parse().unwrap());
    client.fetch_on_behalf(&name(source), &Service::XMPP_SERVER, asker).await
}

pub(crate) async fn find_again_on_behalf(
    client: &Client,
    seen: &Finding,
    source: &str,
    asker: &str,
) -> Finding {
    let asker = Some(asker.parse().unwrap());
    client.refetch_on_behalf(seen, &name(source), &Service::XMPP_SERVER, asker).await
}

/// What comes of [`SOURCE`] when both its paths answer so.
pub(crate) async fn reply(world: &World, reply: Reply) -> Published {
    for profile in BOTH {
        world.reply(SOURCE, profile, reply.clone());
    }
    fetch(&client(world), SOURCE).await
}

fn name(source: &str) -> DnsName<'static> {
    DnsName::try_from(source.to_owned()).unwrap()
}

#[track_caller]
pub(crate) fn found(published: Published) -> Arc<Materials> {
    match published {
        Published::Found(materials) => materials,
        other => panic!("not found: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn unknown(published: Published) -> Arc<FetchError> {
    match published {
        Published::Unknown(error) => error,
        other => panic!("known: {other:?}"),
    }
}

/// A clock that is ahead.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn starting(ahead: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(ahead.as_secs())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = UnixTime::now().as_secs() + self.0.load(Ordering::Relaxed);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Asks the DNS of a world.
pub(crate) struct Resolver(pub(crate) TokioResolver);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.0.clone();
        Box::pin(async move {
            let found = resolver.lookup_ip(format!("{}.", name.as_str())).await?;
            let addresses = found.iter().map(|address| SocketAddr::new(address, 0));
            let addresses: Vec<_> = addresses.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
