//! A client of TLS 1.2 that begins the handshake anew, in the middle of a connection. No client of
//! rustls does; its records are sealed here with the keys of one that has done its handshake.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use end_to_end::{B, DEADLINE, ordinary};
use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 as SUITE;
use rustls::version::TLS12;
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
    SupportedCipherSuite,
};
use xmpp_s2s_testkit::{World, provider};

#[tokio::test(flavor = "multi_thread")]
async fn tl08_no_handshake_begins_anew() {
    let world = World::start().await.unwrap();
    let server = world.server("s2s.example").domain(B, &ordinary(&world, B));
    // After a fatal alert there is no goodbye to wait for.
    let closing = 10 * DEADLINE;
    let b = server.configure(|config| config.stream.closing = closing).start().await.unwrap();
    for (number, times) in [(1, 2), (2, 10_000)] {
        let (address, config) = (b.address(), config(&world));
        let answers = tokio::task::spawn_blocking(move || renegotiate(address, config, times));
        let answers = answers.await.unwrap().unwrap();
        assert!(answers.iter().all(|kind| *kind == ALERT), "{answers:?}");
        // With more under way, the end may overtake them.
        assert!(times > 2 || !answers.is_empty());
        b.refusals().wait_for_all(|all| all.len() == number, DEADLINE).await.unwrap();
    }
}

/// Asks so often, and says of which kinds the records are that come back before the end.
fn renegotiate(server: SocketAddr, config: ClientConfig, times: u64) -> io::Result<Vec<u8>> {
    let mut tcp = TcpStream::connect(server)?;
    tcp.set_read_timeout(Some(DEADLINE))?;
    tcp.set_write_timeout(Some(DEADLINE))?;
    let name = B.try_into().map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut tcp)?;
    }
    let (first, mut sealer) = sealer(tls);
    let ask = |number| (&tcp).write_all(&hello(&mut *sealer, first + number));
    // The server is free to end it at any time.
    let _ = (0..times).try_for_each(ask);
    let mut kinds = Vec::new();
    loop {
        match record(&tcp) {
            Ok(kind) => kinds.push(kind),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            Err(_) => return Ok(kinds),
        }
    }
}

/// The number of the next record, and what seals it.
fn sealer(tls: ClientConnection) -> (u64, Box<dyn MessageEncrypter>) {
    let (first, secrets) = tls.dangerous_extract_secrets().unwrap().tx;
    let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = secrets else {
        panic!("another suite")
    };
    let SupportedCipherSuite::Tls12(suite) = SUITE else { panic!("another version") };
    (first, suite.aead_alg.encrypter(key, iv.as_ref(), &[]))
}

/// A sealed ClientHello that offers what everybody has.
fn hello(sealer: &mut dyn MessageEncrypter, number: u64) -> Vec<u8> {
    let mut hello = vec![1, 0, 0, 41, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xcc, 0xa9, 1, 0]);
    let message = OutboundPlainMessage {
        typ: ContentType::Handshake,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(&hello),
    };
    sealer.encrypt(message, number).unwrap().encode()
}

/// Reads a record and says of which kind it is.
fn record(mut tcp: &TcpStream) -> io::Result<u8> {
    let mut header = [0; 5];
    tcp.read_exact(&mut header)?;
    let [kind, _, _, high, low] = header;
    io::copy(&mut tcp.take(u16::from_be_bytes([high, low]).into()), &mut io::sink())?;
    Ok(kind)
}

/// TLS 1.2 with one suite, and keys that may be taken out.
fn config(world: &World) -> ClientConfig {
    let mut provider = (*provider()).clone();
    provider.cipher_suites = vec![SUITE];
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(world.xmpp_authority.roots())
        .with_no_client_auth();
    config.enable_secret_extraction = true;
    config
}

const ALERT: u8 = 21;
