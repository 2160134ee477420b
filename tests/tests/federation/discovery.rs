//! Where the DNS may send us, and which names are looked up at all.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use end_to_end::{
    A, B, DEADLINE, caller, claim, hosted, ordinary, pair, secure, serve, undelivered,
};
use posh::Profile::Rfc7711;
use tokio::net::{TcpListener, TcpSocket};
use xmpp_s2s::{AcceptError, Code, Config, ConnectError, Policy, Prooftype, Security};
use xmpp_s2s_testkit::{ClientTls, Failure, Server, Service, World, message};

#[tokio::test(flavor = "multi_thread")]
async fn dn03_without_srv_records_a_domain_is_at_its_own_addresses_at_port_5269() {
    for absence in [Absence::NoName, Absence::NoRecord] {
        let (world, port_5269) = fallback().await;
        let identity = ordinary(&world, B);
        let b = world.server("s2s.example").domain(B, &identity).start().await.unwrap();
        world.dns.set_addresses(B, [port_5269.local_addr().unwrap().ip()]);
        for security in [Security::StartTls, Security::Direct] {
            match absence {
                Absence::NoName => {
                    world.dns.set_services_failure(B, security, Failure::NxDomain);
                }
                Absence::NoRecord => world.dns.set_services(B, security, []),
            }
        }
        let a = only_pkix(&world).await;
        let sent = message("juliet@a.example", "romeo@b.example", "hello");
        let (delivered, received) = tokio::join!(a.endpoint().send(sent.clone()), async {
            let (tcp, from) = port_5269.accept().await.unwrap();
            let incoming = b.endpoint().accept(tcp, Some(from)).await.unwrap();
            incoming.authenticate().await.unwrap().next().await.unwrap()
        });
        delivered.unwrap();
        assert_eq!(received.unwrap().id(), sent.id(), "{absence:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dn03_with_srv_records_nothing_else_is_tried() {
    let (world, port_5269) = fallback().await;
    world.dns.set_addresses(B, [port_5269.local_addr().unwrap().ip()]);
    // Bound, so that nobody else gets the port; nobody listens there.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    world.locate(B, Security::StartTls, &[closed.local_addr().unwrap()]);
    let undelivered = undelivered(&only_pkix(&world).await).await;
    assert_eq!(undelivered.trail.conclusion(), Some(Code::TcpUnreachable));
    assert!(is_left_alone(&port_5269).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn dn05_a_target_at_a_special_address_gets_no_packet() {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    for (address, port) in [
        ("127.0.0.1", port),
        ("::ffff:127.0.0.1", port),
        ("64:ff9b::7f00:1", port),
        ("169.254.169.254", 80),
        ("::ffff:10.0.0.1", 5269),
        ("192.168.0.1", 5269),
        ("fd00::1", 5269),
        ("::1", 5269),
    ] {
        let world = World::start().await.unwrap();
        world.dns.set_addresses("inside.example", [address.parse().unwrap()]);
        let services = [Service::at("inside.example", port)];
        world.dns.set_services(B, Security::StartTls, services.clone());
        world.dns.set_services(B, Security::Direct, services);
        let undelivered = undelivered(&guarded(&world, A).await).await;
        assert_eq!(undelivered.trail.conclusion(), Some(Code::AddressForbidden), "{address}");
        let bounce = undelivered.bounce().unwrap().to_xml(xmpp_s2s::Namespace::Server).into_owned();
        assert!(bounce.contains("<remote-server-not-found "), "{address}: {bounce}");
    }
    assert!(is_left_alone(&inside).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn dn05_a_target_that_is_an_address_is_no_way_around() {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let world = World::start().await.unwrap();
    world.dns.set_services(B, Security::StartTls, [Service::at("127.0.0.1", port)]);
    let trail = guarded(&world, A).await.endpoint().explain(&pair()).await;
    assert_eq!(trail.conclusion(), Some(Code::DnsNoAddress));
    assert!(is_left_alone(&inside).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn dn05_a_caller_whose_web_host_is_inside_makes_us_fetch_nothing() {
    let world = World::start().await.unwrap();
    let stranger = hosted(&world, "c.example");
    world.publish("c.example", Rfc7711, &[&stranger]);
    let b = guarded(&world, B).await;
    let tls = ClientTls::new(B).identity(&stranger);
    let mut peer = claim(b.address(), "c.example", &tls).await;
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains("posh-unreachable; "), "{heard}");
    let refusal = b.refusals().wait(|_| true, DEADLINE).await.unwrap();
    assert!(
        matches!(&refusal, AcceptError::Rejected(rejection)
            if rejection.code == Code::PoshForbidden),
        "{refusal:?}"
    );
    assert!(world.web.connections().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn dn09_a_caller_that_claims_to_be_an_address_is_refused_before_any_question() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    for address in ["192.0.2.1", "[2001:db8::1]", "2001:db8::1", "127.0.0.1", "0x7f000001", "1"] {
        let identity = hosted(&world, "c.example");
        let tls = ClientTls::new(B).identity(&identity);
        let mut peer = secure(b.address(), "c.example", &tls).await;
        peer.open(address, B).await.unwrap();
        let heard = peer.expect("</stream:stream>").await.unwrap();
        assert!(heard.contains("<invalid-from "), "{address}: {heard}");
    }
    assert_eq!(world.dns.queries().all(), []);
    assert!(world.web.connections().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_does_not_exist_is_not_found() {
    let world = World::start().await.unwrap();
    let undelivered = undelivered(&caller(&world).await).await;
    assert!(matches!(&*undelivered.error, ConnectError::Discovery(_)), "{:?}", undelivered.error);
    assert_eq!(undelivered.trail.conclusion(), Some(Code::DnsNxdomain));
}

/// How the DNS says that there are no SRV records.
#[derive(Clone, Copy, Debug)]
enum Absence {
    /// NXDOMAIN.
    NoName,
    /// NOERROR, and an empty answer.
    NoRecord,
}

/// A listener at port 5269 of an address of loopback that nobody else is likely to use.
async fn fallback() -> (World, TcpListener) {
    let world = World::start().await.unwrap();
    let [_, _, high, low] = std::process::id().to_be_bytes();
    for last in 1..=254 {
        let address = IpAddr::V4(Ipv4Addr::new(127, high, low, last));
        if let Ok(listener) = TcpListener::bind((address, 5269)).await {
            return (world, listener);
        }
    }
    panic!("port 5269 is taken everywhere");
}

/// A server for A that asks nobody for documents.
async fn only_pkix(world: &World) -> Server {
    let server = world.server("s2s.example").domain(A, &ordinary(world, A));
    let only_pkix = |config: &mut Config| {
        let mut policy = Policy::default();
        policy.prooftypes = vec![Prooftype::Pkix];
        config.policy = policy;
    };
    server.configure(only_pkix).start().await.unwrap()
}

/// A server that may connect to no address that is not public, as it is without a configuration.
async fn guarded(world: &World, domain: &str) -> Server {
    let server = world.server("s2s.example").domain(domain, &ordinary(world, domain));
    server.configure(|config| config.allow_networks.clear()).start().await.unwrap()
}

async fn is_left_alone(listener: &TcpListener) -> bool {
    tokio::time::timeout(Duration::from_millis(20), listener.accept()).await.is_err()
}
