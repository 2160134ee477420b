//! What POSH adds to the longest of the look-ups that run beside each other.

use std::sync::Arc;
use std::time::Instant;

use hickory_resolver::TokioResolver;
use posh::{Profile, Published};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use xmpp_s2s::{Domain, Endpoint, Prooftype, Security};
use xmpp_s2s_testkit::{World, provider, well_known};

use crate::support::effort::Effort;
use crate::support::site::Site;
use crate::support::stanza::A;
use crate::support::table::{Figures, Row, Table};

/// Who publishes.
const PUBLISHER: &str = "publisher.example";

/// Discovers a domain on cold connections, and does each look-up alone, in turns. By the clock on
/// the wall, since it is a matter of waiting.
pub(crate) fn run(site: &Site, effort: &Effort, table: &Table) {
    let identity = site.identity("s2s.hosting.example");
    for profile in PROFILES {
        site.world.publish(PUBLISHER, profile, &[&identity]);
    }
    site.world.locate(PUBLISHER, Security::StartTls, &["127.0.0.1:5269".parse().unwrap()]);
    let (mut longest, mut whole) = (Vec::new(), Vec::new());
    site.here.block_on(async {
        alone(site).await;
        together(site).await;
        for _ in 0..effort.times(60) {
            longest.push(alone(site).await);
            whole.push(together(site).await);
        }
    });
    let beyond = Figures::new(whole.iter().zip(&longest).map(|(whole, longest)| whole - longest));
    table.print(&Row {
        what: "POSH beyond longest look-up, ms",
        bare: &format_args!("{:.2} ms", Figures::new(longest).median()),
        ours: &format_args!("{:.2} ms", Figures::new(whole).median()),
        figure: &format_args!("{:.2}", beyond.median()),
        half: &beyond.half(2),
        first: "5",
        goal: "1",
    });
}

const PROFILES: [Profile; 2] = [Profile::Rfc7711, Profile::Draft02];

/// Milliseconds of discovery by an endpoint that has never asked anybody.
async fn together(site: &Site) -> f64 {
    let endpoint = endpoint(site, Prooftype::Posh);
    let domain = publisher();
    let start = Instant::now();
    let discovery = endpoint.discover(&domain).await;
    let time = milliseconds(start);
    assert_eq!(discovery.targets.unwrap().len(), 1);
    assert!(matches!(discovery.evidence.posh, Some(Published::Found(_))));
    time
}

/// Milliseconds of the longest look-up: SRV and addresses, or one document.
async fn alone(site: &Site) -> f64 {
    let (endpoint, domain) = (endpoint(site, Prooftype::Pkix), publisher());
    let start = Instant::now();
    assert_eq!(endpoint.discover(&domain).await.targets.unwrap().len(), 1);
    let mut longest = milliseconds(start);
    let connector = connector(&site.world);
    for profile in PROFILES {
        let (url, resolver) = (well_known(PUBLISHER, profile), site.world.dns.resolver());
        let start = Instant::now();
        get(url.path(), &resolver, &connector, site.world.web.address().port()).await;
        longest = longest.max(milliseconds(start));
    }
    longest
}

/// A bare GET, from the look-up of the host's address to the end of the document.
async fn get(path: &str, resolver: &TokioResolver, connector: &TlsConnector, port: u16) {
    let found = resolver.lookup_ip(format!("{PUBLISHER}.")).await.unwrap();
    let tcp = TcpStream::connect((found.iter().next().unwrap(), port)).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from(PUBLISHER).unwrap();
    let mut tls = connector.connect(name, tcp).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {PUBLISHER}\r\n\r\n");
    tls.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    while !is_whole(&response) {
        assert_ne!(tls.read_buf(&mut response).await.unwrap(), 0);
    }
    assert!(response.starts_with(b"HTTP/1.1 200 "));
}

/// Whether a response is there with all of its body.
fn is_whole(response: &[u8]) -> bool {
    let text = std::str::from_utf8(response).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    body.len() == length.parse::<usize>().unwrap()
}

fn connector(world: &World) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(world.web_authority.roots())
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn endpoint(site: &Site, prooftype: Prooftype) -> Endpoint {
    let mut config = site.config(A, &site.identity(A));
    config.policy.prooftypes = vec![prooftype];
    Endpoint::new(config).unwrap()
}

fn publisher() -> Domain {
    PUBLISHER.parse().unwrap()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
