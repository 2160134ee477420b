//! An endpoint that takes connections by itself.

use std::collections::HashMap;
use std::net::SocketAddr;

use end_to_end::{B, DEADLINE, claim, domain, establish, ordinary};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use xmpp_s2s::{Condition, Endpoint, Incoming, Stanza};
use xmpp_s2s_testkit::{ClientTls, World};

const STANZA: &str = "<message from='x@c.example' to='y@b.example'/>";

#[tokio::test(flavor = "multi_thread")]
async fn stanzas_of_peers_that_come_later_arrive_too() {
    let mut b = Serving::start().await;
    for _ in 0..2 {
        let mut peer = establish(b.address, "c.example", &b.tls).await;
        peer.send(STANZA).await.unwrap();
        assert_eq!(b.next().await.sender(), "x@c.example");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_welcomed_may_be_refused() {
    let b = Serving::start().await;
    let mut peer = claim(b.address, "spam.example", &b.tls).await;
    let heard = peer.expect_end().await.unwrap();
    assert!(heard.contains("<policy-violation "), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_ends_when_the_endpoint_is_closed() {
    let b = Serving::start().await;
    let mut peer = establish(b.address, "c.example", &b.tls).await;
    let (undelivered, ()) = tokio::join!(b.endpoint.close(DEADLINE), async {
        peer.expect("</stream:stream>").await.unwrap();
        peer.finish().await.unwrap();
    });
    assert!(undelivered.is_empty());
    timeout(DEADLINE, b.serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(b.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_go_on_when_nobody_listens_any_more() {
    let mut b = Serving::start().await;
    let mut peer = establish(b.address, "c.example", &b.tls).await;
    b.serving.abort();
    assert!((&mut b.serving).await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(b.address).await.is_err());
    peer.send(STANZA).await.unwrap();
    assert_eq!(b.next().await.sender(), "x@c.example");
}

/// A server for B that refuses spam.example, and c.example's TLS to it.
struct Serving {
    endpoint: Endpoint,
    address: SocketAddr,
    tls: ClientTls,
    serving: JoinHandle<()>,
    stanzas: mpsc::UnboundedReceiver<Stanza>,
    /// Bound to the address and does not listen: nobody else gets it once serving is over.
    _port: TcpSocket,
    _world: World,
}

impl Serving {
    async fn start() -> Self {
        let world = World::start().await.unwrap();
        let identities = HashMap::from([(domain(B), ordinary(&world, B).certified_key())]);
        let endpoint = Endpoint::new(world.config(identities)).unwrap();
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseaddr(true).unwrap();
        port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = port.local_addr().unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let (arrived, stanzas) = mpsc::unbounded_channel();
        let serving = endpoint.clone();
        let serving = tokio::spawn(async move {
            let welcome = move |incoming| converse(incoming, arrived.clone());
            serving.serve(listener, welcome).await;
        });
        let tls = ClientTls::new(B).identity(&ordinary(&world, "c.example"));
        Self { endpoint, address, tls, serving, stanzas, _port: port, _world: world }
    }

    async fn next(&mut self) -> Stanza {
        timeout(DEADLINE, self.stanzas.recv()).await.unwrap().unwrap()
    }
}

async fn converse(incoming: Incoming, arrived: mpsc::UnboundedSender<Stanza>) {
    if incoming.claimed().remote == domain("spam.example") {
        return incoming.refuse(Condition::PolicyViolation);
    }
    let mut inbound = incoming.authenticate().await.unwrap();
    while let Some(stanza) = inbound.next().await.unwrap() {
        arrived.send(stanza).unwrap();
    }
}
