//! The other side, and the measure of ours: bare tokio-rustls, with the settings that XMPP wants.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use xmpp_s2s_testkit::{Identity, World, provider};

/// Bytes of a write, and room for a read.
pub(crate) const PIECE: usize = 16 * 1024;

/// TLS in both roles: both sides show a certificate and check the other's, nothing is resumed.
#[derive(Clone)]
pub(crate) struct Bare {
    client: TlsConnector,
    server: TlsAcceptor,
}

impl Bare {
    /// Shows `identity`, and trusts the authority of XMPP servers.
    pub(crate) fn new(world: &World, identity: &Identity) -> Self {
        let roots = Arc::new(world.xmpp_authority.roots());
        let chain = || identity.chain().to_vec();
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_client_auth_cert(chain(), identity.key())
            .unwrap();
        client.resumption = Resumption::disabled();
        client.alpn_protocols = vec![b"xmpp-server".to_vec()];
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots, provider()).build().unwrap();
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(), identity.key())
            .unwrap();
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.alpn_protocols = vec![b"xmpp-server".to_vec()];
        Self {
            client: TlsConnector::from(Arc::new(client)),
            server: TlsAcceptor::from(Arc::new(server)),
        }
    }

    /// TCP and a handshake with `name`.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> client::TlsStream<TcpStream> {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        self.client.connect(name, tcp).await.unwrap()
    }

    /// The next connection, and its handshake.
    pub(crate) async fn accept(&self, listener: &TcpListener) -> server::TlsStream<TcpStream> {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        self.server.accept(tcp).await.unwrap()
    }
}

/// A listener on a port that is free.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Negotiates a stream as initiating entity, on direct TLS.
pub(crate) async fn initiate(tls: &mut client::TlsStream<TcpStream>, from: &str, to: &str) {
    say(tls, &header(from, to, "")).await;
    hear(tls, "</stream:features>").await;
    say(tls, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>").await;
    hear(tls, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    say(tls, &header(from, to, "")).await;
    hear(tls, "<stream:features/>").await;
}

/// Negotiates a stream as receiving entity, on direct TLS.
pub(crate) async fn receive(tls: &mut server::TlsStream<TcpStream>, from: &str, to: &str) {
    let header = |id| header(from, to, id);
    hear(tls, ">").await;
    let mechanisms = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                      <mechanism>EXTERNAL</mechanism></mechanisms>";
    let features = format!("<stream:features>{mechanisms}</stream:features>");
    say(tls, &format!("{}{features}", header(" id='1'"))).await;
    hear(tls, "</auth>").await;
    say(tls, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    hear(tls, ">").await;
    say(tls, &format!("{}<stream:features/>", header(" id='2'"))).await;
}

fn header(from: &str, to: &str, id: &str) -> String {
    format!(
        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
         from='{from}' to='{to}'{id} version='1.0'>"
    )
}

async fn say(tls: &mut (impl AsyncWriteExt + Unpin), text: &str) {
    tls.write_all(text.as_bytes()).await.unwrap();
    tls.flush().await.unwrap();
}

/// Reads until what was read ends with `wanted`; the peer waits for an answer then.
async fn hear(tls: &mut (impl AsyncReadExt + Unpin), wanted: &str) {
    let mut heard = Vec::new();
    while !heard.ends_with(wanted.as_bytes()) || heard.ends_with(b"?>") {
        let count = tls.read_buf(&mut heard).await.unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&heard));
    }
}

/// Writes `bytes` in pieces, so many times.
pub(crate) async fn pour(tls: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8], times: usize) {
    for _ in 0..times {
        for piece in bytes.chunks(PIECE) {
            tls.write_all(piece).await.unwrap();
        }
    }
    tls.flush().await.unwrap();
}

/// Reads so many bytes, and looks at none.
pub(crate) async fn drain(tls: &mut (impl AsyncReadExt + Unpin), mut bytes: usize) {
    let mut buffer = vec![0; PIECE];
    while bytes > 0 {
        let count = tls.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "the end came early");
        bytes -= std::hint::black_box(&buffer[..count]).len();
    }
}
