//! Web hosts that misbehave: the endpoint gives each its code, and none proves anything.

use std::net::IpAddr;
use std::time::Duration;

use end_to_end::{
    A, B, caller, deliver, domain, hosted, ordinary, outbound_proof, peer, serve, undelivered,
};
use posh::Profile::{Draft02, Rfc7711};
use posh::Published;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use xmpp_s2s::{Code, Direction, Phase, Prooftype};
use xmpp_s2s_testkit::{Reply, Server, World, well_known};

#[tokio::test(flavor = "multi_thread")]
async fn ph01_without_a_document_posh_proves_nothing_and_spoils_nothing() {
    for status in [404, 410] {
        let world = World::start().await.unwrap();
        for profile in [Rfc7711, Draft02] {
            world.reply(B, profile, Reply::status(status));
        }
        let a = caller(&world).await;
        assert_eq!(lookup(&a).await, Code::PoshNotPublished, "{status}");
        let hosted = serve(&world, B, &hosted(&world, B)).await;
        assert_eq!(undelivered(&a).await.trail.conclusion(), Some(Code::PoshNotPublished));
        assert!(hosted.stanzas().is_empty());

        let b = serve(&world, B, &ordinary(&world, B)).await;
        deliver((&caller(&world).await, A), (&b, B), "proved by PKIX").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ph03_a_redirect_to_another_host_is_followed() {
    const ELSEWHERE: &str = "web.hosting.example";
    for status in [302, 307] {
        let world = World::start().await.unwrap();
        let identity = hosted(&world, B);
        world.open_web_host(ELSEWHERE);
        world.publish_at(ELSEWHERE, "/b.json", Rfc7711, &[&identity]);
        let location = format!("https://{ELSEWHERE}/b.json");
        world.reply(B, Rfc7711, Reply::redirect(status, &location));
        let (a, b) = (caller(&world).await, serve(&world, B, &identity).await);
        deliver((&a, A), (&b, B), "there").await;
        assert_eq!(outbound_proof(&a, B), Some(Prooftype::Posh), "{status}");
        let trail = peer(&a, B, Direction::Outbound).trail;
        let found = trail.steps().iter().find(|step| step.code == Code::PoshFound).unwrap();
        let way = format!("{} → {location}", well_known(B, Rfc7711));
        assert!(found.detail.contains(&way), "{status}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ph05_a_long_way_of_redirects_and_a_reference_ends_after_five_requests() {
    for reference in [None, Some(3)] {
        let world = World::start().await.unwrap();
        let path = well_known(B, Rfc7711).path().to_owned();
        let names: Vec<_> = (0..11).map(|step| format!("https://b.example/{step}.json")).collect();
        world.reply(B, Rfc7711, Reply::redirect(302, &names[0]));
        for (step, next) in names.iter().enumerate().skip(1) {
            let reply = match reference {
                Some(at) if at == step => {
                    Reply::json(format!(r#"{{"url":"{next}","expires":60}}"#))
                }
                _ => Reply::redirect(302, next),
            };
            world.web.serve(B, &format!("/{}.json", step - 1), reply);
        }
        assert_eq!(lookup(&caller(&world).await).await, Code::PoshTooManyRequests, "{reference:?}");
        let asked = world.web.requests().all();
        let asked: Vec<_> = asked.iter().map(|request| request.path()).collect();
        let on_the_way = asked.iter().filter(|at| **at == path || at.len() < 10).count();
        assert_eq!(on_the_way, 5, "{reference:?}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pd24_what_is_published_for_clients_proves_no_server() {
    let world = World::start().await.unwrap();
    let identity = hosted(&world, B);
    world.open_web_host(B);
    world.publish_at(B, "/.well-known/posh/xmpp-client.json", Rfc7711, &[&identity]);
    world.publish_at(B, "/.well-known/posh._xmpp-client._tcp.json", Draft02, &[&identity]);
    let (a, _b) = (caller(&world).await, serve(&world, B, &identity).await);
    assert_eq!(undelivered(&a).await.trail.conclusion(), Some(Code::PoshNotPublished));
    let asked = world.web.requests().all();
    assert!(asked.iter().all(|request| !request.line.contains("client")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ph04_a_redirect_to_http_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::start().await.unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let location = format!("http://b.example:{}/", plain.local_addr().unwrap().port());
        world.reply(B, Rfc7711, Reply::redirect(status, &location));
        assert_eq!(lookup(&caller(&world).await).await, Code::PoshRedirectDowngrade, "{status}");
        assert!(is_left_alone(&plain).await, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ph04_a_redirect_to_nowhere_is_not_followed() {
    for reply in [Reply::status(302), Reply::status(302).header("Location", "")] {
        let world = World::start().await.unwrap();
        world.reply(B, Rfc7711, reply.clone());
        let code = lookup(&caller(&world).await).await;
        assert_eq!(code, Code::PoshRedirectDowngrade, "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ph05_a_redirect_in_a_circle_ends_after_five_requests() {
    let world = World::start().await.unwrap();
    let circle = well_known(B, Rfc7711);
    world.reply(B, Rfc7711, Reply::redirect(302, circle.as_str()));
    assert_eq!(lookup(&caller(&world).await).await, Code::PoshTooManyRequests);
    let asked = world.web.requests().all().into_iter();
    assert_eq!(asked.filter(|request| request.path() == circle.path()).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn ph06_a_web_host_at_a_forbidden_address_is_not_connected_to() {
    let world = World::start().await.unwrap();
    world.publish(B, Rfc7711, &[&hosted(&world, B)]);
    let a = world.server("s2s.example").domain(A, &ordinary(&world, A));
    let a = a.configure(|config| config.allow_networks.clear()).start().await.unwrap();
    assert_eq!(lookup(&a).await, Code::PoshForbidden);
    assert!(world.web.connections().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ph06_a_redirect_or_reference_to_a_forbidden_address_is_not_followed() {
    let forbidden = IpAddr::from([127, 0, 0, 2]);
    let (name, literal) = ("https://inside.example/x.json", "https://127.0.0.2/x.json");
    let reference = |url| Reply::json(format!(r#"{{"url":"{url}","expires":3600}}"#));
    for (reply, wanted) in [
        (Reply::redirect(302, name), Code::PoshForbidden),
        (Reply::redirect(302, literal), Code::PoshRedirectDowngrade),
        (reference(name), Code::PoshForbidden),
        (reference(literal), Code::PoshReferenceNotHttps),
    ] {
        let world = World::start().await.unwrap();
        let inside = TcpListener::bind((forbidden, world.web.address().port())).await.unwrap();
        world.dns.set_addresses("inside.example", [forbidden]);
        world.reply(B, Rfc7711, reply);
        let a = world.server("s2s.example").domain(A, &ordinary(&world, A));
        let only_the_web = |config: &mut xmpp_s2s::Config| {
            config.allow_networks = vec!["127.0.0.1/32".parse().unwrap()];
        };
        let code = lookup(&a.configure(only_the_web).start().await.unwrap()).await;
        assert_eq!(code, wanted);
        assert!(is_left_alone(&inside).await, "{wanted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ph08_a_document_without_end_is_cut() {
    for reply in [Reply::endless(), Reply::oversized(10 * 1024 * 1024 * 1024)] {
        let world = World::start().await.unwrap();
        world.reply(B, Rfc7711, reply.clone());
        assert_eq!(lookup(&caller(&world).await).await, Code::PoshTooLarge, "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ph10_a_drip_is_cut_at_the_deadline() {
    let pause = Duration::from_millis(100);
    for reply in [Reply::drip_head(pause), Reply::drip_body(pause)] {
        let world = World::start().await.unwrap();
        world.reply(B, Rfc7711, reply.clone());
        let a = world.server("s2s.example").domain(A, &ordinary(&world, A));
        let limit = Duration::from_secs(1);
        let a = a.configure(|config| config.posh.timeout = limit).start().await.unwrap();
        let start = Instant::now();
        assert_eq!(lookup(&a).await, Code::PoshTimeout, "{reply:?}");
        assert!(start.elapsed() < 5 * limit, "{reply:?}: {:?}", start.elapsed());
    }
}

/// What a look at B's documents comes to, without a connection to B.
async fn lookup(from: &Server) -> Code {
    let discovery = from.endpoint().discover(&domain(B)).await;
    let step = discovery.steps.iter().find(|step| step.phase == Phase::Posh);
    let step = step.unwrap_or_else(|| panic!("the DNS comes first: {discovery:?}"));
    let found = matches!(discovery.evidence.posh, Some(Published::Found(_)));
    assert_eq!(found, step.code == Code::PoshFound);
    step.code
}

async fn is_left_alone(listener: &TcpListener) -> bool {
    timeout(Duration::from_millis(50), listener.accept()).await.is_err()
}
