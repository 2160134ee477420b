//! Web hosts that misbehave: the endpoint gives each its code, and none proves anything.

use std::net::IpAddr;
use std::time::Duration;

use end_to_end::{A, B, caller, domain, hosted, ordinary};
use posh::Profile::Rfc7711;
use posh::Published;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use xmpp_s2s::{Code, Phase};
use xmpp_s2s_testkit::{Reply, Server, World, well_known};

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
