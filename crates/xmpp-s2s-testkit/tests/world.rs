//! What domains publish in a world, and where it says that they are.

#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::Arc;

use hickory_resolver::proto::rr::{RData, RecordType};
use posh::{Document, Profile};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{Reply, TlsFault, World, provider, well_known};

#[tokio::test]
async fn a_domain_publishes_where_its_profile_says() {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for("s2s.hosting.example");
    for profile in [Profile::Draft02, Profile::Rfc7711] {
        world.publish("a.example", profile, &[&identity]);
        let body = get(&world, &well_known("a.example", profile)).await;
        match (Document::parse(body.as_bytes(), profile).unwrap(), profile) {
            (Document::KeySet(_), Profile::Draft02) => {}
            (Document::Fingerprints(_), Profile::Rfc7711) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_domain_refers_to_another_host() {
    let world = World::start().await.unwrap();
    let url: Url = "https://web.hosting.example/posh.json".parse().unwrap();
    world.refer("a.example", Profile::Rfc7711, &url);
    let body = get(&world, &well_known("a.example", Profile::Rfc7711)).await;
    match Document::parse(body.as_bytes(), Profile::Rfc7711).unwrap() {
        Document::Reference(reference) => assert_eq!(reference.url, url),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_domain_publishes_changes_neither_its_certificate_nor_its_fault() {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for("s2s.hosting.example");
    let foreign = world.xmpp_authority.issue_for("a.example");
    world.open_web_host_as("a.example", &foreign);
    world.web.host_fault("b.example", TlsFault::Reset);
    for domain in ["a.example", "b.example"] {
        world.publish(domain, Profile::Rfc7711, &[&identity]);
        world.reply(domain, Profile::Draft02, Reply::status(404));
        let url = well_known(domain, Profile::Rfc7711);
        assert!(connect(&world, &url).await.is_err(), "{domain}");
    }
}

#[tokio::test]
async fn a_web_host_is_the_same_in_upper_case() {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for("s2s.hosting.example");
    world.open_web_host("A.Example");
    let url = well_known("a.example", Profile::Rfc7711);
    world.publish_at("a.EXAMPLE", url.path(), Profile::Rfc7711, &[&identity]);
    assert!(get(&world, &url).await.contains("fingerprints"));
}

#[tokio::test]
async fn every_change_of_a_configuration_counts() {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for("a.example");
    let order = std::cell::RefCell::new(Vec::new());
    let server = world.server("s2s.example").domain("a.example", &identity);
    let server = server.configure(|_| order.borrow_mut().push(1));
    server.configure(|_| order.borrow_mut().push(2)).start().await.unwrap();
    assert_eq!(order.into_inner(), [1, 2]);
}

#[tokio::test]
async fn the_authorities_are_strangers_to_each_other() {
    let world = World::start().await.unwrap();
    assert_ne!(world.xmpp_authority.root(), world.web_authority.root());
}

#[tokio::test]
async fn targets_are_tried_in_the_order_in_which_they_are_given() {
    let world = World::start().await.unwrap();
    let targets = ["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()];
    world.locate("a.example", Security::Direct, &targets);
    let resolver = world.dns.resolver();
    let found = resolver.lookup("_xmpps-server._tcp.a.example.", RecordType::SRV).await.unwrap();
    let ports: Vec<_> = found
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some((srv.priority, srv.port)),
            _ => None,
        })
        .collect();
    assert_eq!(ports, [(0, 1), (1, 2)]);
    resolver.lookup_ip("target-1.a.example.").await.unwrap();
}

/// The body of a document, fetched as any web client would.
async fn get(world: &World, url: &Url) -> String {
    let mut tls = connect(world, url).await.unwrap();
    let host = url.domain().unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", url.path());
    tls.write_all(request.as_bytes()).await.unwrap();
    tls.get_mut().1.send_close_notify();
    tls.flush().await.unwrap();
    let mut response = String::new();
    tls.read_to_string(&mut response).await.unwrap();
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn connect(world: &World, url: &Url) -> io::Result<TlsStream<TcpStream>> {
    let host = url.domain().unwrap().to_owned();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(world.web_authority.roots())
        .with_no_client_auth();
    let address = world.dns.resolver().lookup_ip(format!("{host}.")).await.unwrap();
    let address = (address.iter().next().unwrap(), world.web.address().port());
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(host).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}
