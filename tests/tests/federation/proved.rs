//! One stanza each way between domains that prove themselves to each other.

use std::time::Instant;

use end_to_end::{A, B, codes, deliver, hosted, inbound_proof, ordinary, outbound_proof, peer};
use posh::Profile::{Draft02, Rfc7711};
use xmpp_s2s::Security::{Direct, StartTls};
use xmpp_s2s::{Code, Direction, Prooftype, Security};
use xmpp_s2s_testkit::{Certificate, Identity, Server, World};

/// How a domain publishes that its server shows a certificate.
type Publish = fn(&World, &str, &Identity);

macro_rules! one_stanza_each_way {
    ($($name:ident: $publish:expr, $security:expr, $document:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            hosted_domains_prove_each_other($publish, $security, $document).await;
        }
    )*};
}

one_stanza_each_way! {
    a_key_set_proves_over_starttls: key_set, StartTls, "draft-02";
    a_key_set_proves_over_direct_tls: key_set, Direct, "draft-02";
    fingerprints_prove_over_starttls: fingerprints, StartTls, "rfc7711";
    fingerprints_prove_over_direct_tls: fingerprints, Direct, "rfc7711";
    a_reference_to_a_key_set_proves_over_starttls: key_set_reference, StartTls, "draft-02";
    a_reference_to_a_key_set_proves_over_direct_tls: key_set_reference, Direct, "draft-02";
    a_reference_to_fingerprints_proves_over_starttls: fingerprints_reference, StartTls, "rfc7711";
    a_reference_to_fingerprints_proves_over_direct_tls: fingerprints_reference, Direct, "rfc7711";
}

/// Both sides at once: neither certificate names the domain that shows it.
async fn hosted_domains_prove_each_other(publish: Publish, security: Security, document: &str) {
    let world = World::start().await.unwrap();
    let a = hosted_server(&world, A, publish, security).await;
    let b = hosted_server(&world, B, publish, security).await;
    deliver((&a, A), (&b, B), "there").await;
    deliver((&b, B), (&a, A), "back").await;

    for (server, remote) in [(&a, B), (&b, A)] {
        assert_eq!(outbound_proof(server, remote), Some(Prooftype::Posh));
        assert_eq!(inbound_proof(server, remote).await, Some(Prooftype::Posh));
        let trail = peer(server, remote, Direction::Outbound).trail;
        assert_eq!(trail.conclusion(), Some(Code::StreamEstablished));
        assert!(codes(&trail).contains(&Code::CertNameMismatch), "{trail:?}");
        let matched = trail.steps().iter().find(|step| step.code == Code::PoshMatch).unwrap();
        assert!(matched.detail.contains(document), "{matched:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_say_since_when_stanzas_flow() {
    let world = World::start().await.unwrap();
    let a = hosted_server(&world, A, fingerprints, StartTls).await;
    let b = hosted_server(&world, B, fingerprints, StartTls).await;
    let before = Instant::now();
    deliver((&a, A), (&b, B), "there").await;
    for (server, remote, direction) in [(&a, B, Direction::Outbound), (&b, A, Direction::Inbound)] {
        let peer = peer(server, remote, direction);
        let established = peer.established.unwrap();
        assert!(before < established && established < Instant::now(), "{peer:?}");
        assert_eq!(peer.failing_until, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_certificates_prove_over_starttls() {
    ordinary_certificates_prove(StartTls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_certificates_prove_over_direct_tls() {
    ordinary_certificates_prove(Direct).await;
}

async fn ordinary_certificates_prove(security: Security) {
    let world = World::start().await.unwrap();
    let mut servers = Vec::new();
    for domain in [A, B] {
        let server = world.server(domain).domain(domain, &ordinary(&world, domain));
        servers.push(server.reached_by(&[security]).start().await.unwrap());
    }
    let (a, b) = (&servers[0], &servers[1]);
    deliver((a, A), (b, B), "there").await;
    deliver((b, B), (a, A), "back").await;
    for (server, remote) in [(a, B), (b, A)] {
        assert_eq!(outbound_proof(server, remote), Some(Prooftype::Pkix));
        assert_eq!(inbound_proof(server, remote).await, Some(Prooftype::Pkix));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inbound_no_document_is_fetched_for_whom_pkix_proves() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.publish(B, Rfc7711, &[&identity]);
    world.publish(A, Rfc7711, &[&ordinary(&world, A)]);
    let a = end_to_end::caller(&world).await;
    let b = end_to_end::serve(&world, B, &identity).await;
    deliver((&a, A), (&b, B), "there").await;
    let asked = world.web.requests().all();
    assert!(asked.iter().all(|request| request.server_name == B), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pd27_a_self_signed_certificate_of_the_hoster_is_proved() {
    let world = World::start().await.unwrap();
    let hoster = Certificate::new([end_to_end::hoster(B)]);
    let identity = hoster.marked_as_authority().self_signed();
    world.publish(B, Rfc7711, &[&identity]);
    let a = end_to_end::caller(&world).await;
    let b = end_to_end::serve(&world, B, &identity).await;
    deliver((&a, A), (&b, B), "there").await;
    assert_eq!(outbound_proof(&a, B), Some(Prooftype::Posh));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_x509_version_1_is_proved_in_both_roles() {
    let world = World::start().await.unwrap();
    let identity = Identity::x509_version_1();
    let a = hosted_as(&world, A, &identity).await;
    let b = hosted_as(&world, B, &identity).await;
    deliver((&a, A), (&b, B), "there").await;
    assert_eq!(outbound_proof(&a, B), Some(Prooftype::Posh));
    assert_eq!(inbound_proof(&b, A).await, Some(Prooftype::Posh));
}

#[tokio::test(flavor = "multi_thread")]
async fn tl13_a_certificate_with_an_xmpp_address_alone_is_proved_in_both_roles() {
    let world = World::start().await.unwrap();
    let mut servers = Vec::new();
    for domain in [A, B] {
        world.open_web_host(domain);
        let certificate = Certificate::new([end_to_end::hoster(domain)]).xmpp_address(domain);
        let identity = world.xmpp_authority.issue(&certificate);
        servers.push(end_to_end::serve(&world, domain, &identity).await);
    }
    let (a, b) = (&servers[0], &servers[1]);
    deliver((a, A), (b, B), "there").await;
    assert_eq!(outbound_proof(a, B), Some(Prooftype::Pkix));
    assert_eq!(inbound_proof(b, A).await, Some(Prooftype::Pkix));
}

async fn hosted_as(world: &World, domain: &str, identity: &Identity) -> Server {
    world.publish(domain, Rfc7711, &[identity]);
    end_to_end::serve(world, domain, identity).await
}

async fn hosted_server(
    world: &World,
    domain: &str,
    publish: Publish,
    security: Security,
) -> Server {
    let identity = hosted(world, domain);
    publish(world, domain, &identity);
    let server = world.server(&end_to_end::hoster(domain)).domain(domain, &identity);
    server.reached_by(&[security]).start().await.unwrap()
}

fn key_set(world: &World, domain: &str, identity: &Identity) {
    world.publish(domain, Draft02, &[identity]);
}

fn fingerprints(world: &World, domain: &str, identity: &Identity) {
    world.publish(domain, Rfc7711, &[identity]);
}

fn key_set_reference(world: &World, domain: &str, identity: &Identity) {
    reference(world, domain, Draft02, identity);
}

fn fingerprints_reference(world: &World, domain: &str, identity: &Identity) {
    reference(world, domain, Rfc7711, identity);
}

/// The document is at the hosting company; its web host is another than its XMPP server.
fn reference(world: &World, domain: &str, profile: posh::Profile, identity: &Identity) {
    let (host, path) = (format!("web.hosting-of-{domain}"), "/posh/customers.json");
    world.open_web_host(&host);
    world.publish_at(&host, path, profile, &[identity]);
    world.refer(domain, profile, &format!("https://{host}{path}").parse().unwrap());
}
