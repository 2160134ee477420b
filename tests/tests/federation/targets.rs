//! Where a domain is: the order of its targets, and what happens when one will not do.

use std::collections::HashMap;
use std::net::SocketAddr;

use end_to_end::{
    A, B, caller, codes, deliver, hosted, outbound_proof, pair, peer, serve, undelivered,
};
use posh::Profile::Rfc7711;
use xmpp_s2s::{Code, ConnectError, Direction, Endpoint, Policy, Prooftype, Route, Security};
use xmpp_s2s_testkit::{Failure, Listener, Service, World};

#[tokio::test(flavor = "multi_thread")]
async fn a26_after_a_failed_proof_the_next_target_is_tried() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let (stale, good) =
        (serve(&world, B, &hosted(&world, B)).await, serve(&world, B, &identity).await);
    world.locate(B, Security::StartTls, &[stale.address(), good.address()]);
    let a = caller(&world).await;
    deliver((&a, A), (&good, B), "there").await;
    assert_eq!(outbound_proof(&a, B), Some(Prooftype::Posh));
    let codes = codes(&peer(&a, B, Direction::Outbound).trail);
    let failed = codes.iter().position(|code| *code == Code::PoshFingerprintMismatch).unwrap();
    let matched = codes.iter().position(|code| *code == Code::PoshMatch).unwrap();
    assert!(failed < matched, "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_a_stale_target_uses_up_nothing_that_the_next_one_needs() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let (stale, good) =
        (serve(&world, B, &hosted(&world, B)).await, serve(&world, B, &identity).await);
    world.locate(B, Security::StartTls, &[stale.address(), good.address()]);
    let a = caller(&world).await;
    for expected in [
        Code::PoshFingerprintMismatch,
        // What is known is looked up again once, and not once more within the minute.
        Code::PoshFingerprintMismatch,
        Code::PoshMismatchUnconfirmed,
        Code::PoshMismatchUnconfirmed,
    ] {
        let trail = a.endpoint().explain(&pair()).await;
        assert_eq!(trail.conclusion(), Some(Code::StreamEstablished), "{trail:?}");
        assert!(codes(&trail).contains(&expected), "{trail:?}");
    }
    assert_eq!(world.web.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_a_domain_whose_every_target_fails_the_proof_is_refused() {
    let world = World::start().await.unwrap();
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    let (one, other) =
        (serve(&world, B, &hosted(&world, B)).await, serve(&world, B, &hosted(&world, B)).await);
    world.locate(B, Security::StartTls, &[one.address(), other.address()]);
    let undelivered = undelivered(&caller(&world).await).await;
    assert!(matches!(&*undelivered.error, ConnectError::Rejected(_)), "{:?}", undelivered.error);
    let failed = codes(&undelivered.trail).into_iter();
    assert_eq!(failed.filter(|code| *code == Code::PoshFingerprintMismatch).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_target_that_cannot_be_reached_the_next_is_tried() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let good = serve(&world, B, &identity).await;
    world.locate(B, Security::StartTls, &[closed_port().await, good.address()]);
    let a = caller(&world).await;
    deliver((&a, A), (&good, B), "there").await;
    let codes = codes(&peer(&a, B, Direction::Outbound).trail);
    assert!(codes.contains(&Code::TcpUnreachable), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_of_both_kinds_are_one_order() {
    let world = World::start().await.unwrap();
    world.dns.set_addresses("host.example", ["127.0.0.1".parse().unwrap()]);
    let at = |port, priority| Service::at("host.example", port).priority(priority);
    world.dns.set_services(B, Security::StartTls, [at(1, 10), at(3, 30)]);
    world.dns.set_services(B, Security::Direct, [at(2, 20), at(4, 40)]);
    let a = caller(&world).await;
    let targets = a.endpoint().discover(&end_to_end::domain(B)).await.targets.unwrap();
    let order: Vec<_> = targets.iter().map(|target| (target.port, target.security)).collect();
    let wanted = [
        (1, Security::StartTls),
        (2, Security::Direct),
        (3, Security::StartTls),
        (4, Security::Direct),
    ];
    assert_eq!(order, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn dn01_a_domain_that_offers_no_service_is_not_looked_for_elsewhere() {
    let world = World::start().await.unwrap();
    world.dns.set_addresses(B, ["127.0.0.1".parse().unwrap()]);
    world.dns.set_services(B, Security::StartTls, [Service::not_offered()]);
    let a = world.server("s2s.example").domain(A, &end_to_end::ordinary(&world, A));
    let a = a.configure(only_pkix).start().await.unwrap();
    let undelivered = undelivered(&a).await;
    assert_eq!(undelivered.trail.conclusion(), Some(Code::SrvServiceRefused));
    let bounce = undelivered.bounce().unwrap();
    assert!(bounce.to_xml(xmpp_s2s::Namespace::Server).contains("<remote-server-not-found "));
    let queries = world.dns.queries().all();
    assert!(queries.iter().all(|query| query.record_type == "SRV"), "{queries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_that_fails_is_no_reason_to_look_elsewhere() {
    for (failure, code) in
        [(Failure::ServFail, Code::DnsFailed), (Failure::Silence, Code::DnsTimeout)]
    {
        let world = World::start().await.unwrap();
        world.dns.set_addresses(B, ["127.0.0.1".parse().unwrap()]);
        for security in [Security::StartTls, Security::Direct] {
            world.dns.set_services_failure(B, security, failure);
        }
        let a = caller(&world).await;
        assert_eq!(a.endpoint().explain(&pair()).await.conclusion(), Some(code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_at_a_forbidden_address_is_not_connected_to() {
    let world = World::start().await.unwrap();
    world.open_web_host(B);
    let listener = Listener::start().await.unwrap();
    world.locate(B, Security::StartTls, &[listener.address()]);
    let a = world.server("s2s.example").domain(A, &end_to_end::ordinary(&world, A));
    let a = a.configure(|config| config.allow_networks.clear()).start().await.unwrap();
    let trail = a.endpoint().explain(&pair()).await;
    assert_eq!(trail.conclusion(), Some(Code::AddressForbidden));
    assert!(listener.is_left_alone(std::time::Duration::from_millis(50)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lookup_serves_all_who_ask_at_once() {
    let world = World::start().await.unwrap();
    let hold = xmpp_s2s_testkit::Hold::new();
    world.reply(B, Rfc7711, xmpp_s2s_testkit::Reply::status(404).held_by(&hold));
    let a = caller(&world).await;
    let b = end_to_end::domain(B);
    let endpoint = a.endpoint();
    let release = async {
        let asked =
            world.web.requests().wait(|request| request.server_name == B, end_to_end::DEADLINE);
        asked.await.unwrap();
        hold.release();
    };
    tokio::join!(endpoint.discover(&b), endpoint.discover(&b), endpoint.discover(&b), release);
    // One for each profile.
    assert_eq!(world.web.requests().len(), 2);
}

fn only_pkix(config: &mut xmpp_s2s::Config) {
    config.policy = Policy::new([Prooftype::Pkix]);
}

/// An address where nobody listens.
async fn closed_port() -> SocketAddr {
    Listener::start().await.unwrap().address()
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_after_a_failure_at_one_address_the_next_address_is_tried() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let good = serve(&world, B, &identity).await;
    let port = good.address().port();
    let stale = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    world
        .dns
        .set_addresses("two.example", ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap()));
    world.dns.set_services(B, Security::StartTls, [Service::at("two.example", port)]);
    let hangs_up = tokio::spawn(async move {
        loop {
            drop(stale.accept().await);
        }
    });
    let a = caller(&world).await;
    for stream in 0..4 {
        let trail = a.endpoint().explain(&pair()).await;
        assert_eq!(trail.conclusion(), Some(Code::StreamEstablished), "{stream}: {trail:?}");
    }
    hangs_up.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_does_not_come_is_not_waited_for_for_ever() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    let good = serve(&world, B, &identity).await;
    world.locate(B, Security::StartTls, &[good.address()]);
    world.dns.set_services_failure(B, Security::Direct, Failure::Silence);
    let a = world.server("s2s.example").domain(A, &end_to_end::ordinary(&world, A));
    let second = std::time::Duration::from_secs(1);
    let a = a.configure(|config| config.limits.dns = second).start().await.unwrap();
    deliver((&a, A), (&good, B), "there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_was_chosen_is_the_only_one() {
    use Security::{Direct, StartTls};
    let world = World::start().await.unwrap();
    world.dns.set_addresses(B, ["127.0.0.1".parse().unwrap()]);
    world.dns.set_services(B, Direct, [Service::at(B, 1)]);
    world.dns.set_services(B, StartTls, [Service::at(B, 2)]);
    for (route, expected) in [
        (None, vec![(1, Direct), (2, StartTls)]),
        (Some(Route::Services(Direct)), vec![(1, Direct)]),
        (Some(Route::Services(StartTls)), vec![(2, StartTls)]),
        (Some(Route::Port(3, Direct)), vec![(3, Direct)]),
    ] {
        let mut config = world.config(HashMap::new());
        config.routes.extend(route.map(|route| (B.parse().unwrap(), route)));
        let found = Endpoint::new(config).unwrap().discover(&B.parse().unwrap()).await;
        let mut targets: Vec<_> =
            found.targets.unwrap().iter().map(|target| (target.port, target.security)).collect();
        targets.sort_by_key(|(port, _)| *port);
        assert_eq!(targets, expected, "{route:?}");
    }
}
