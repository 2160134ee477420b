//! Peers that call us, claim to be somebody, and say too much, too early or something else.

use end_to_end::{B, DEADLINE, auth, claim, domain, establish, ordinary, serve, tags};
use xmpp_s2s::{AcceptError, Code, Condition, InboundError};
use xmpp_s2s_testkit::{Certificate, ClientTls, ScriptedPeer, Server, World};

const MALLORY: &str = "c.example";

#[tokio::test(flavor = "multi_thread")]
async fn tl05_a_peer_without_a_certificate_is_not_offered_external() {
    let (_world, b) = start().await;
    let mut peer = claim(b.address(), MALLORY, &ClientTls::new(B)).await;
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains("<not-authorized ") && !heard.contains("EXTERNAL"), "{heard}");
    assert_eq!(rejected(&b).await, Code::TlsNoCertificate);
}

#[tokio::test(flavor = "multi_thread")]
async fn sa10_a_self_signed_certificate_is_not_offered_external() {
    let (world, b) = start().await;
    world.open_web_host(MALLORY);
    let mallory = Certificate::new([MALLORY]).self_signed();
    let mut peer = claim(b.address(), MALLORY, &ClientTls::new(B).identity(&mallory)).await;
    peer.send(auth("=")).await.unwrap();
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(heard.contains("<not-authorized ") && !heard.contains("EXTERNAL"), "{heard}");
    assert_eq!(rejected(&b).await, Code::CertUntrustedChain);
    assert!(b.peers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sa02_another_authzid_is_refused_even_if_the_certificate_names_it() {
    let (world, b) = start().await;
    let both = world.xmpp_authority.issue(&Certificate::new([MALLORY, "d.example"]));
    for authzid in ["d.example", "e.example", "sub.c.example", "b.example", "x@c.example"] {
        let mut peer = claim(b.address(), MALLORY, &ClientTls::new(B).identity(&both)).await;
        peer.expect("EXTERNAL").await.unwrap();
        peer.send(auth(&base64(authzid))).await.unwrap();
        let heard = peer.expect("</failure>").await.unwrap();
        assert!(heard.contains("<invalid-authzid"), "{authzid}: {heard}");
    }
    assert!(b.peers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sa02_an_authzid_that_is_equal_after_preparation_is_accepted() {
    let (world, b) = start().await;
    for authzid in ["c.example", "C.Example", "c.example."] {
        let mut peer = claim(b.address(), MALLORY, &mallory(&world)).await;
        peer.expect("EXTERNAL").await.unwrap();
        peer.send(auth(&base64(authzid))).await.unwrap();
        peer.expect("<success").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rt01_a_stanza_of_a_domain_that_is_not_proved_on_its_stream() {
    let (world, b) = start().await;
    for other in ["d.example", "sub.c.example", "example", B] {
        let mut peer = establish(b.address(), MALLORY, &mallory(&world)).await;
        peer.send(stanza("message", other)).await.unwrap();
        let heard = peer.expect("</stream:stream>").await.unwrap();
        assert!(heard.contains("<invalid-from "), "{other}: {heard}");
    }
    let endings = b.endings().wait_for_all(|endings| endings.len() == 4, DEADLINE).await.unwrap();
    for ending in endings {
        assert!(
            matches!(&ending, Err(InboundError::Stream(error))
                if error.condition == Condition::InvalidFrom),
            "{ending:?}"
        );
    }
    assert!(b.stanzas().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rt01_a_stanza_of_the_proved_domain_is_delivered() {
    let (world, b) = start().await;
    let mut peer = establish(b.address(), MALLORY, &mallory(&world)).await;
    peer.send(stanza("message", MALLORY)).await.unwrap();
    let stanza = b.stanzas().wait(|_| true, DEADLINE).await.unwrap();
    assert_eq!(stanza.from(), &domain(MALLORY));
}

#[tokio::test(flavor = "multi_thread")]
async fn rt03_a_stanza_before_authentication() {
    let (world, b) = start().await;
    for kind in ["message", "presence", "iq"] {
        let mut peer = claim(b.address(), MALLORY, &mallory(&world)).await;
        peer.expect("EXTERNAL").await.unwrap();
        peer.send(stanza(kind, MALLORY)).await.unwrap();
        let heard = peer.expect("</stream:stream>").await.unwrap();
        assert!(heard.contains("<not-authorized "), "{kind}: {heard}");
    }
    assert!(b.stanzas().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rt03_a_stanza_between_auth_and_the_new_header() {
    let (world, b) = start().await;
    let mut peer = claim(b.address(), MALLORY, &mallory(&world)).await;
    peer.expect("EXTERNAL").await.unwrap();
    peer.send(auth("=") + &stanza("message", MALLORY)).await.unwrap();
    peer.expect_end().await.unwrap();
    assert!(b.stanzas().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a_proof_opens_the_stream_that_it_was_made_on_and_no_other() {
    let (world, b) = start().await;
    let _proved = establish(b.address(), MALLORY, &mallory(&world)).await;
    world.open_web_host(MALLORY);
    let impostor = Certificate::new([MALLORY]).self_signed();
    let mut peer = claim(b.address(), MALLORY, &ClientTls::new(B).identity(&impostor)).await;
    let heard = peer.expect("</stream:stream>").await.unwrap();
    assert!(!heard.contains("EXTERNAL"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_domain_claimed_before_tls_counts_for_nothing() {
    let (world, b) = start().await;
    let mut peer = end_to_end::secure(b.address(), "bank.example", &mallory(&world)).await;
    peer.open(MALLORY, B).await.unwrap();
    peer.expect("EXTERNAL").await.unwrap();
    peer.send(auth("=")).await.unwrap();
    peer.expect("<success").await.unwrap();
    peer.open(MALLORY, B).await.unwrap();
    let proved = b.peers().wait(|_| true, DEADLINE).await.unwrap();
    assert_eq!(proved.pair.remote, domain(MALLORY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_not_ours_is_unknown() {
    let (_world, b) = start().await;
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    peer.open(MALLORY, "elsewhere.example").await.unwrap();
    peer.expect("</stream:stream>").await.unwrap();
    assert!(tags(peer.heard()).contains(&"host-unknown"), "{}", peer.heard());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_certificate_ends_in_the_handshake() {
    let (world, b) = start().await;
    let stolen = ordinary(&world, MALLORY).with_key_of(&ordinary(&world, "d.example"));
    let tls = ClientTls::new(B).identity(&stolen);
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    peer.open(MALLORY, B).await.unwrap();
    peer.expect("</stream:features>").await.unwrap();
    peer.send(end_to_end::STARTTLS).await.unwrap();
    peer.expect("<proceed").await.unwrap();
    // In TLS 1.3 the client is done before the server has seen its certificate.
    if peer.secure_as_client(&tls).await.is_ok() {
        peer.expect_end().await.unwrap();
        assert_eq!(peer.heard(), "");
    }
    let refusal = b.refusals().wait(|_| true, DEADLINE).await.unwrap();
    assert!(matches!(refusal, AcceptError::Tls(_)), "{refusal:?}");
}

async fn start() -> (World, Server) {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    (world, b)
}

/// TLS with a certificate that is good for the domain.
fn mallory(world: &World) -> ClientTls {
    ClientTls::new(B).identity(&ordinary(world, MALLORY))
}

async fn rejected(server: &Server) -> Code {
    let refusal = server.refusals().wait(|_| true, DEADLINE).await.unwrap();
    match refusal {
        AcceptError::Rejected(rejection) => rejection.code,
        other => panic!("{other:?}"),
    }
}

fn stanza(kind: &str, from: &str) -> String {
    format!(
        "<{kind} from='x@{from}' to='romeo@b.example' type='get' id='1'><x xmlns='x'/></{kind}>"
    )
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
