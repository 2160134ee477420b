//! What domains publish in a world, and where it says that they are.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use hickory_resolver::proto::rr::{RData, RecordType};
use posh::{Document, Profile};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{World, provider, well_known};

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
    let host = url.domain().unwrap().to_owned();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(world.web_authority.roots())
        .with_no_client_auth();
    let address = world.dns.resolver().lookup_ip(format!("{host}.")).await.unwrap();
    let address = (address.iter().next().unwrap(), world.web.address().port());
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(host.clone()).unwrap();
    let mut tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", url.path());
    tls.write_all(request.as_bytes()).await.unwrap();
    tls.get_mut().1.send_close_notify();
    tls.flush().await.unwrap();
    let mut response = String::new();
    tls.read_to_string(&mut response).await.unwrap();
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}
