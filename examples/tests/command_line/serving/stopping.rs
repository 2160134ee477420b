//! The end of `serve`, with an answer that still waits for its stream.

use std::time::{Duration, Instant};

use xmpp_s2s::{Delivery, Security};
use xmpp_s2s_testkit::{Listener, ScriptedPeer, Server, ServerTls, message};

use super::{HERE, THERE};
use crate::program::{Scenery, Serving};

/// `serve` has an answer for [`HERE`], whose server has taken the connection and says nothing.
struct Waiting {
    scenery: Scenery,
    there: Serving,
    peer: ScriptedPeer,
    /// The stream on which the question came.
    _here: Server,
}

impl Waiting {
    async fn begin() -> Self {
        let scenery = Scenery::build().await;
        let there = scenery.serve(THERE).await;
        let identity = scenery.world.xmpp_authority.issue_for(HERE);
        let here = scenery.world.server("xmpp.here.example").domain(HERE, &identity);
        let here = here.start().await.unwrap();
        let slow = Listener::start().await.unwrap();
        scenery.world.dns.set_services(HERE, Security::StartTls, []);
        scenery.world.locate(HERE, Security::Direct, &[slow.address()]);
        let question: Delivery =
            here.endpoint().send(message("juliet@here.example", "echo@there.example", "hello"));
        question.await.unwrap();
        let peer = slow.accept().await.unwrap();
        Self { scenery, there, peer, _here: here }
    }

    /// Sends a signal, and waits until the program knows.
    async fn signal(&mut self, name: &str) {
        self.there.signal(name).await;
        let line = self.there.logged("stopping; a second signal stops at once").await;
        assert!(line.contains(&format!("signal=\"SIG{name}\"")), "{line}");
    }
}

#[tokio::test]
async fn what_waits_is_sent_after_the_signal_and_the_stream_is_closed() {
    for signal in ["TERM", "INT"] {
        let mut waiting = Waiting::begin().await;
        waiting.signal(signal).await;
        let Waiting { scenery, mut there, mut peer, .. } = waiting;
        let identity = scenery.world.xmpp_authority.issue_for(HERE);
        peer.secure_as_server(&ServerTls::new(&identity)).await.unwrap();
        peer.expect("<stream:stream").await.unwrap();
        let external = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                        <mechanism>EXTERNAL</mechanism></mechanisms>";
        peer.answer(HERE, THERE, "1", external).await.unwrap();
        peer.expect("</auth>").await.unwrap();
        peer.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await.unwrap();
        peer.expect("<stream:stream").await.unwrap();
        peer.answer(HERE, THERE, "2", "").await.unwrap();
        peer.expect("<body>hello</body>").await.unwrap();
        peer.expect("</stream:stream>").await.unwrap();
        peer.send("</stream:stream>").await.unwrap();
        peer.expect_end().await.unwrap();
        there.logged("stopped; everything was sent").await;
        assert_eq!(there.ended().await, Some(0));
    }
}

#[tokio::test]
async fn what_could_not_be_sent_is_counted() {
    let mut waiting = Waiting::begin().await;
    waiting.signal("TERM").await;
    let line = waiting.there.logged("not everything could be sent in time").await;
    assert!(line.contains("WARN") && line.ends_with("undelivered=1"), "{line}");
    assert_eq!(waiting.there.ended().await, Some(0));
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    for (second, code) in [("INT", 130), ("TERM", 143)] {
        let mut waiting = Waiting::begin().await;
        waiting.signal("TERM").await;
        let start = Instant::now();
        waiting.there.signal(second).await;
        waiting.there.logged("stopped at once; what waited was not sent").await;
        assert_eq!(waiting.there.ended().await, Some(code));
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}
