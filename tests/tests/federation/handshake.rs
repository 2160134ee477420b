//! Handshakes that are old, slow, in pieces or too much.

use end_to_end::{
    A, B, DEADLINE, PROCEED, STARTTLS, asked_for_starttls, claim, deliver, ordinary, scripted_b,
    secure, serve, undelivered,
};
use xmpp_s2s::{AcceptError, Code, Prooftype, Security};
use xmpp_s2s_testkit::{
    Authority, Certificate, ClientTls, Identity, Purpose, ScriptedPeer, Server, World,
};

const MALLORY: &str = "c.example";

const SSL_3: [u8; 2] = [3, 0];
const TLS_1_0: [u8; 2] = [3, 1];
const TLS_1_1: [u8; 2] = [3, 2];
const TLS_1_2: [u8; 2] = [3, 3];
/// Suites of TLS 1.2 that are good enough.
const GOOD: [[u8; 2]; 2] = [[0xc0, 0x2b], [0xc0, 0x2f]];
/// Null, export RC4, RC4, export DES, triple DES, Diffie-Hellman without authentication, RSA key
/// transport, and one in CBC mode.
const BAD: [[u8; 2]; 8] =
    [[0, 2], [0, 3], [0, 5], [0, 8], [0, 0x0a], [0, 0x18], [0, 0x9c], [0xc0, 0x09]];

#[tokio::test(flavor = "multi_thread")]
async fn tl08_old_versions_of_tls_are_refused() {
    let (_world, b) = start().await;
    for version in [SSL_3, TLS_1_0, TLS_1_1] {
        for security in [Security::StartTls, Security::Direct] {
            let heard = answer_to(&b, security, &client_hello(version, &GOOD)).await;
            assert_eq!(heard, alert(PROTOCOL_VERSION), "{version:?} {security:?}");
        }
    }
    assert_tls_errors(&b, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tl08_old_cipher_suites_are_refused() {
    let (_world, b) = start().await;
    for security in [Security::StartTls, Security::Direct] {
        for suite in BAD {
            let heard = answer_to(&b, security, &client_hello(TLS_1_2, &[suite])).await;
            assert_eq!(heard, alert(HANDSHAKE_FAILURE), "{suite:x?} {security:?}");
        }
        let mixed = [&BAD[..], &GOOD[..1]].concat();
        let heard = hello_to(&b, security, &client_hello(TLS_1_2, &mixed)).await;
        assert_eq!(heard, "\u{16}\u{3}\u{3}", "a suite that is good enough is taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tl08_as_initiating_entity_old_versions_and_suites_are_refused() {
    for (version, suite, description) in [
        (SSL_3, GOOD[0], PROTOCOL_VERSION),
        (TLS_1_0, GOOD[0], PROTOCOL_VERSION),
        (TLS_1_1, GOOD[0], PROTOCOL_VERSION),
        (TLS_1_2, BAD[2], HANDSHAKE_FAILURE),
        (TLS_1_2, BAD[4], HANDSHAKE_FAILURE),
    ] {
        let (_world, a, listener) = scripted_b(Security::StartTls).await;
        let (undelivered, heard) = tokio::join!(undelivered(&a), async {
            let mut peer = asked_for_starttls(&listener).await;
            peer.send(PROCEED).await.unwrap();
            // The first bytes of its hello: sent together with the line above, ours would be
            // something else.
            peer.expect("\u{16}\u{3}\u{1}").await.unwrap();
            peer.send(server_hello(version, suite)).await.unwrap();
            peer.expect_end().await.unwrap()
        });
        assert_eq!(undelivered.trail.conclusion(), Some(Code::TlsFailed), "{version:?} {suite:?}");
        assert!(heard.ends_with(&alert(description)), "{version:?} {suite:x?}: {heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tl10_a_handshake_in_single_bytes_is_read() {
    let (world, b) = start().await;
    for tls in [ClientTls::new(B), ClientTls::tls_1_2(B)] {
        let tls = tls.identity(&ordinary(&world, MALLORY));
        let mut direct = ScriptedPeer::connect(b.address()).await.unwrap().dribbling();
        direct.secure_as_client(&tls).await.unwrap();
        is_offered_external(direct).await;
        let mut starttls = before_tls(&b).await.dribbling();
        starttls.secure_as_client(&tls).await.unwrap();
        is_offered_external(starttls).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tl10_a_hello_in_many_records_is_read() {
    let (world, b) = start().await;
    for tls in [ClientTls::new(B), ClientTls::tls_1_2(B)] {
        let tls = tls.identity(&ordinary(&world, MALLORY)).records_of(32);
        let mut direct = ScriptedPeer::connect(b.address()).await.unwrap();
        direct.secure_as_client(&tls).await.unwrap();
        is_offered_external(direct).await;
        is_offered_external(secure(b.address(), MALLORY, &tls).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tl06_a_certificate_for_servers_is_good_for_a_caller_too() {
    let (world, b) = start().await;
    for purpose in [Purpose::Server, Purpose::ServerAndClient, Purpose::Unrestricted] {
        let certificate = Certificate::new([MALLORY]).purpose(purpose);
        let tls = ClientTls::new(B).identity(&world.xmpp_authority.issue(&certificate));
        let mut peer = claim(b.address(), MALLORY, &tls).await;
        peer.expect("EXTERNAL").await.unwrap_or_else(|error| panic!("{purpose:?}: {error}"));
    }
    let a = serve(&world, A, &ordinary(&world, A)).await;
    deliver((&a, A), (&b, B), "there").await;
    assert_eq!(end_to_end::inbound_proof(&b, A).await, Some(Prooftype::Pkix));
}

#[tokio::test(flavor = "multi_thread")]
async fn tl11_a_hundred_certificates_lead_nowhere() {
    let (world, b) = start().await;
    world.open_web_host(MALLORY);
    let stranger = Authority::new("stranger");
    let crowd = std::iter::repeat_n(stranger.root().clone(), 99);
    let identity = stranger.issue_for(MALLORY).followed_by(crowd);
    let heard = refused(&b, &identity).await;
    assert!(heard.contains("cert-untrusted-chain"), "{heard}");
    let refusal = b.refusals().wait(|_| true, DEADLINE).await.unwrap();
    assert!(matches!(refusal, AcceptError::Rejected(_)), "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tl11_a_chain_of_128_kib_ends_the_handshake() {
    let (world, b) = start().await;
    let root = world.xmpp_authority.root();
    let crowd = std::iter::repeat_n(root.clone(), 128 * 1024 / root.len());
    let tls = ClientTls::new(B).identity(&ordinary(&world, MALLORY).followed_by(crowd));
    let mut peer = before_tls(&b).await;
    // In TLS 1.3 the client is done before the server has seen its certificate.
    if peer.secure_as_client(&tls).await.is_ok() {
        assert_eq!(peer.expect_end().await.unwrap(), "");
    }
    assert_tls_errors(&b, 1).await;
}

async fn start() -> (World, Server) {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    (world, b)
}

/// A peer to which TLS is the next thing.
async fn before_tls(server: &Server) -> ScriptedPeer {
    let mut peer = ScriptedPeer::connect(server.address()).await.unwrap();
    peer.open(MALLORY, B).await.unwrap();
    peer.expect("</stream:features>").await.unwrap();
    peer.send(STARTTLS).await.unwrap();
    peer.expect("<proceed").await.unwrap();
    peer.expect("/>").await.unwrap();
    peer
}

async fn is_offered_external(mut peer: ScriptedPeer) {
    peer.open(MALLORY, B).await.unwrap();
    peer.expect("EXTERNAL").await.unwrap();
}

async fn refused(server: &Server, identity: &Identity) -> String {
    let mut peer = claim(server.address(), MALLORY, &ClientTls::new(B).identity(identity)).await;
    peer.expect("</stream:stream>").await.unwrap()
}

/// A connection on which these bytes are the hello.
async fn greeted(server: &Server, security: Security, hello: &[u8]) -> ScriptedPeer {
    let mut peer = match security {
        Security::StartTls => before_tls(server).await,
        Security::Direct => ScriptedPeer::connect(server.address()).await.unwrap(),
    };
    peer.send(hello).await.unwrap();
    peer
}

/// All that is said to it.
async fn answer_to(server: &Server, security: Security, hello: &[u8]) -> String {
    greeted(server, security, hello).await.expect_end().await.unwrap()
}

/// The first that is said to it, if that is a record of a handshake.
async fn hello_to(server: &Server, security: Security, hello: &[u8]) -> String {
    greeted(server, security, hello).await.expect("\u{16}\u{3}\u{3}").await.unwrap()
}

async fn assert_tls_errors(server: &Server, count: usize) {
    let all = server.refusals().wait_for_all(|all| all.len() == count, DEADLINE).await.unwrap();
    assert!(all.iter().all(|refusal| matches!(refusal, AcceptError::Tls(_))), "{all:?}");
}

/// A ClientHello (RFC 5246 §7.4.1.2) that offers these suites, and asks for B.
fn client_hello(version: [u8; 2], suites: &[[u8; 2]]) -> Vec<u8> {
    let mut extensions = vec![0, 0, 0, 14, 0, 12, 0, 0, 9];
    extensions.extend(B.as_bytes());
    // Groups X25519 and P-256; uncompressed points; ECDSA and RSA-PSS with SHA-256.
    extensions.extend([0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17]);
    extensions.extend([0, 11, 0, 2, 1, 0]);
    extensions.extend([0, 13, 0, 6, 0, 4, 4, 3, 8, 4]);
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(with_length(&suites.concat()));
    body.extend([1, 0]);
    body.extend(with_length(&extensions));
    handshake(1, version, &body)
}

/// A ServerHello (RFC 5246 §7.4.1.3) without extensions.
fn server_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(suite);
    body.push(0);
    handshake(2, version, &body)
}

/// A message of a handshake in a record of its own.
fn handshake(kind: u8, version: [u8; 2], body: &[u8]) -> Vec<u8> {
    let message = [&[kind, 0], &with_length(body)[..]].concat();
    [&[22], &version[..], &with_length(&message)].concat()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length, bytes].concat()
}

/// A fatal alert, in a record of its own. Its bytes are characters, too.
fn alert(description: u8) -> String {
    String::from_utf8(vec![21, 3, 3, 0, 2, 2, description]).unwrap()
}

const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
