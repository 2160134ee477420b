//! LC04: a hosting company's new certificate, in the right order and in the wrong one.

use std::time::Duration;

use end_to_end::{A, B, DEADLINE, claim, codes, establish, hosted, hoster, ordinary, pair, serve};
use posh::Profile::Rfc7711;
use xmpp_s2s::{Code, Trail};
use xmpp_s2s_testkit::{ClientTls, Identity, Server, World};

/// Calls from A to B, which rolls its certificate over.
struct Outbound {
    world: World,
    a: Server,
    b: Server,
    old: Identity,
    new: Identity,
}

impl Outbound {
    /// B shows and publishes its old certificate, which A knows. A second look is allowed to A
    /// after this time.
    async fn start(pause: Duration) -> Self {
        let world = World::start().await.unwrap();
        let (old, new) = (hosted(&world, B), hosted(&world, B));
        world.publish(B, Rfc7711, &[&old]);
        let a = world.server(&hoster(A)).domain(A, &ordinary(&world, A));
        let a = a.configure(|config| config.posh.replace_pause = pause).start().await.unwrap();
        let b = serve(&world, B, &old).await;
        let rollover = Self { world, a, b, old, new };
        rollover.succeeds().await;
        rollover
    }

    fn publish(&self, identities: &[&Identity]) {
        self.world.publish(B, Rfc7711, identities);
    }

    async fn install_new(&mut self) {
        self.b = serve(&self.world, B, &self.new).await;
    }

    async fn call(&self) -> Trail {
        self.a.endpoint().explain(&pair()).await
    }

    async fn succeeds(&self) {
        let trail = self.call().await;
        assert_eq!(trail.conclusion(), Some(Code::StreamEstablished), "{trail:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lc04_in_the_right_order_no_call_is_refused() {
    let mut rollover = Outbound::start(Duration::from_secs(60)).await;
    rollover.publish(&[&rollover.old, &rollover.new]);
    rollover.succeeds().await;
    rollover.install_new().await;
    rollover.succeeds().await;
    rollover.publish(&[&rollover.new]);
    rollover.succeeds().await;
    // Once for what was published first, and once when the new certificate came up.
    let requests = rollover.world.web.requests();
    requests.wait_for_all(|all| all.len() == 4, DEADLINE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lc04_a_document_that_changes_with_the_certificate_refuses_no_call() {
    let mut rollover = Outbound::start(Duration::from_secs(60)).await;
    rollover.publish(&[&rollover.new]);
    rollover.install_new().await;
    rollover.succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lc04_a_certificate_that_comes_before_its_document_is_refused_until_that_comes() {
    let mut rollover = Outbound::start(Duration::ZERO).await;
    rollover.install_new().await;
    let trail = rollover.call().await;
    assert_eq!(trail.conclusion(), Some(Code::PoshFingerprintMismatch));
    let looks = codes(&trail).into_iter().filter(|code| *code == Code::PoshFound).count();
    assert_eq!(looks, 2);
    rollover.publish(&[&rollover.new]);
    rollover.succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lc04_a_call_that_is_refused_too_early_is_put_off_until_we_may_look_again() {
    let mut rollover = Outbound::start(Duration::from_secs(60)).await;
    rollover.install_new().await;
    assert_eq!(rollover.call().await.conclusion(), Some(Code::PoshFingerprintMismatch));
    rollover.publish(&[&rollover.new]);
    assert_eq!(rollover.call().await.conclusion(), Some(Code::PoshMismatchUnconfirmed));
}

#[tokio::test(flavor = "multi_thread")]
async fn lc04_in_the_right_order_no_caller_is_refused() {
    let world = World::start().await.unwrap();
    let (old, new) = (hosted(&world, A), hosted(&world, A));
    world.publish(A, Rfc7711, &[&old]);
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let shows = |identity: &Identity| ClientTls::new(B).identity(identity);
    establish(b.address(), A, &shows(&old)).await;
    world.publish(A, Rfc7711, &[&old, &new]);
    establish(b.address(), A, &shows(&old)).await;
    establish(b.address(), A, &shows(&new)).await;
    establish(b.address(), A, &shows(&old)).await;
    world.publish(A, Rfc7711, &[&new]);
    establish(b.address(), A, &shows(&new)).await;
    assert!(b.refusals().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn lc04_in_the_wrong_order_a_caller_is_refused_until_its_document_comes() {
    let world = World::start().await.unwrap();
    let (old, new) = (hosted(&world, A), hosted(&world, A));
    world.publish(A, Rfc7711, &[&old]);
    let b = world.server(&hoster(B)).domain(B, &ordinary(&world, B));
    let b = b.configure(|config| config.posh.replace_pause = Duration::ZERO).start().await.unwrap();
    let tls = ClientTls::new(B).identity(&new);
    establish(b.address(), A, &ClientTls::new(B).identity(&old)).await;
    let mut early = claim(b.address(), A, &tls).await;
    let heard = early.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains("<not-authorized "), "{heard}");
    world.publish(A, Rfc7711, &[&new]);
    establish(b.address(), A, &tls).await;
}
