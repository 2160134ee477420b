//! Who plays: three servers, a DNS server and a web server.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use posh::{HashFunction, Profile, publish};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use xmpp_s2s::{AcceptError, Config, Domain, Endpoint, Pair, Peer, Roots, Security, Stanza};
use xmpp_s2s_testkit::{Authority, Dns, Identity, Reply, Service, Web, provider};

use super::DemoError;
use crate::serve::{self, Observer};

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
    pub(super) hosting: Server,
    pub(super) mallory: Server,
    /// How many stanzas mallory was sent.
    pub(super) stolen: Stolen,
    alpha: Identity,
    dns: Dns,
    /// Its pages are there as long as it is.
    _web: Web,
    roots: Roots,
    web_port: u16,
}

/// A server that is up.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) endpoint: Endpoint,
    /// Takes connections until it is dropped.
    _accepting: JoinSet<()>,
}

impl Server {
    /// Closes its streams and its listener.
    pub(super) async fn close(self) {
        let _ = self.endpoint.close(CLOSING).await;
    }
}

impl Cast {
    /// Starts everybody who is there in every scene.
    pub(super) async fn assemble() -> Result<Self, DemoError> {
        let authority = Authority::new("demo authority for XMPP servers");
        let web_authority = Authority::new("demo authority for web servers");
        let hosting = authority.issue_for(HOSTING);
        let (dns, web) = (Dns::start().await?, Web::start().await?);
        publish(&web, &web_authority, &hosting);
        dns.set_addresses(HOSTED, [LOOPBACK]);

        let stolen = Stolen::default();
        let stage = Stage {
            dns: &dns,
            roots: Roots::new(authority.roots(), web_authority.roots()),
            web_port: web.address().port(),
        };
        Ok(Self {
            hosting: stage.server(HOSTED, &hosting, Nobody).await?,
            mallory: stage.server(HOSTED, &authority.issue_for(MALLORY), stolen.clone()).await?,
            stolen,
            alpha: authority.issue_for(ALPHA),
            roots: stage.roots,
            web_port: stage.web_port,
            dns,
            _web: web,
        })
    }

    /// Starts alpha, who remembers nothing of earlier scenes.
    pub(super) async fn alpha(&self, observer: impl Observer) -> Result<Server, DemoError> {
        let stage = Stage { dns: &self.dns, roots: self.roots.clone(), web_port: self.web_port };
        let server = stage.server(ALPHA, &self.alpha, observer).await?;
        self.lead(ALPHA, ALPHA, &server);
        Ok(server)
    }

    /// Makes the DNS say that `domain` is served by `server`, whose name is `host`.
    pub(super) fn lead(&self, domain: &str, host: &str, server: &Server) {
        self.dns.set_addresses(host, [LOOPBACK]);
        let service = Service::at(host, server.address.port());
        self.dns.set_services(domain, Security::StartTls, [service]);
    }

    /// Stops everybody.
    pub(super) async fn dismiss(self) {
        self.hosting.close().await;
        self.mallory.close().await;
    }
}

/// The hosted domain says by POSH that its server shows the certificate of the company.
fn publish(web: &Web, authority: &Authority, hosting: &Identity) {
    const EXPIRES: Duration = Duration::from_secs(60 * 60);
    let document = publish::document(
        &[hosting.leaf().clone()],
        Profile::Rfc7711,
        &[HashFunction::Sha256],
        EXPIRES,
    );
    web.host(HOSTED, &authority.issue_for(HOSTED));
    web.serve(HOSTED, "/.well-known/posh/xmpp-server.json", Reply::json(document));
}

/// What a server needs from its surroundings.
struct Stage<'a> {
    dns: &'a Dns,
    roots: Roots,
    web_port: u16,
}

impl Stage<'_> {
    async fn server(
        &self,
        domain: &str,
        identity: &Identity,
        observer: impl Observer,
    ) -> Result<Server, DemoError> {
        let identities = HashMap::from([(self::domain(domain), identity.certified_key())]);
        let mut config = Config::new(identities, self.roots.clone(), provider());
        config.resolver = Some(self.dns.resolver());
        config.allow_networks = vec![LOOPBACK.into()];
        config.posh.port = self.web_port;
        let endpoint = Endpoint::new(config)?;
        let listener = TcpListener::bind((LOOPBACK, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = serve::accept(&endpoint, vec![listener], observer);
        Ok(Server { address, endpoint, _accepting: accepting })
    }
}

/// One of the names above.
pub(super) fn domain(name: &str) -> Domain {
    name.parse().expect("the names of the cast are domain names")
}

/// Watches nothing.
#[derive(Clone, Copy)]
struct Nobody;

impl Observer for Nobody {
    fn stanza(&self, _: &Stanza, _: &[Peer]) {}

    fn refused(&self, _: &Pair, _: &AcceptError) {}
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

    fn refused(&self, _: &Pair, _: &AcceptError) {}
}
