//! How often the first stanza waits for the other side: counted, since no clock is as sure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use end_to_end::{A, B, caller, deliver, ordinary, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xmpp_s2s::Security;
use xmpp_s2s_testkit::World;

/// The connection itself, header with `<starttls/>`, TLS, header, `<auth/>`, header.
#[tokio::test(flavor = "multi_thread")]
async fn with_starttls_the_first_stanza_follows_six_round_trips() {
    assert_eq!(round_trips(Security::StartTls).await, 6);
}

/// The connection itself, TLS, header, `<auth/>`, header.
#[tokio::test(flavor = "multi_thread")]
async fn with_direct_tls_the_first_stanza_follows_five_round_trips() {
    assert_eq!(round_trips(Security::Direct).await, 5);
}

/// Round trips until a first stanza is on its way, from the beginning of TCP.
async fn round_trips(security: Security) -> usize {
    let world = World::start().await.unwrap();
    let (a, b) = (caller(&world).await, serve(&world, B, &ordinary(&world, B)).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.dns.remove(B);
    world.locate(B, security, &[listener.local_addr().unwrap()]);
    let turns = Arc::new(AtomicUsize::new(0));
    let relay = tokio::spawn(relay(listener, b.address(), turns.clone()));
    deliver((&a, A), (&b, B), "hello").await;
    relay.abort();
    // TCP is one, and the last word is the stanza's.
    1 + turns.load(Ordering::SeqCst)
}

/// Passes on what both sides of one connection say, and counts how often the receiving one begins
/// to speak.
async fn relay(listener: TcpListener, to: SocketAddr, turns: Arc<AtomicUsize>) {
    let (mut initiating, _) = listener.accept().await.unwrap();
    let mut receiving = TcpStream::connect(to).await.unwrap();
    initiating.set_nodelay(true).unwrap();
    receiving.set_nodelay(true).unwrap();
    let (mut call, mut answer) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let mut answering = false;
    loop {
        tokio::select! {
            count = initiating.read(&mut call) => {
                receiving.write_all(&call[..count.unwrap()]).await.unwrap();
                answering = false;
            }
            count = receiving.read(&mut answer) => {
                if !std::mem::replace(&mut answering, true) {
                    turns.fetch_add(1, Ordering::SeqCst);
                }
                initiating.write_all(&answer[..count.unwrap()]).await.unwrap();
            }
        }
    }
}
