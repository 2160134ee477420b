//! What the end-to-end tests have in common: two domains, their servers, and scripted peers that
//! go a part of the way.
//!
//! What does not come as far as a function says panics, which fails the test.

use std::net::SocketAddr;
use std::time::Duration;

use xmpp_s2s::{
    Code, Direction, Domain, Pair, Peer, Prooftype, Security, Stanza, Trail, Undelivered,
};
use xmpp_s2s_testkit::{
    ClientTls, Identity, Listener, ScriptedPeer, Server, ServerTls, World, message,
};

/// The domain that calls.
pub const A: &str = "a.example";
/// The domain that is called.
pub const B: &str = "b.example";
/// Longest wait for what has to come.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A certificate that names only the hosting company of `domain`.
pub fn hosted(world: &World, domain: &str) -> Identity {
    world.xmpp_authority.issue_for(&hoster(domain))
}

/// A certificate that names `domain` itself.
pub fn ordinary(world: &World, domain: &str) -> Identity {
    world.xmpp_authority.issue_for(domain)
}

/// The name of the hosting company's server.
pub fn hoster(domain: &str) -> String {
    format!("s2s.hosting-of-{domain}")
}

/// Starts a server for `domain` that is reached with STARTTLS.
pub async fn serve(world: &World, domain: &str, identity: &Identity) -> Server {
    let server = world.server(&hoster(domain)).domain(domain, identity);
    server.start().await.expect("a server starts")
}

/// A server for A with an ordinary certificate: it is proved wherever it calls.
pub async fn caller(world: &World) -> Server {
    serve(world, A, &ordinary(world, A)).await
}

/// Sends a message and waits until it is there, as it was sent.
pub async fn deliver(from: (&Server, &str), to: (&Server, &str), body: &str) {
    let sent = message(&format!("juliet@{}", from.1), &format!("romeo@{}", to.1), body);
    from.0.endpoint().send(sent.clone()).await.expect("it is delivered");
    let same = |stanza: &Stanza| stanza.id() == sent.id();
    let received = to.0.stanzas().wait(same, DEADLINE).await.expect("it arrives");
    assert_eq!(received.sender(), sent.sender());
    assert_eq!(received.recipient(), sent.recipient());
    assert!(received.to_xml(xmpp_s2s::Namespace::Server).contains(&format!("<body>{body}</body>")));
}

/// Sends a message from A to B that has to come back.
pub async fn undelivered(from: &Server) -> Undelivered {
    let sent = message("juliet@a.example", "romeo@b.example", "hello");
    from.endpoint().send(sent).await.expect_err("it comes back")
}

/// What `server` thinks of `remote` on streams of one direction.
pub fn peer(server: &Server, remote: &str, direction: Direction) -> Peer {
    let remote = domain(remote);
    let mut peers = server.endpoint().peers().into_iter();
    peers
        .find(|peer| peer.pair.remote == remote && peer.direction == direction)
        .expect("the peer is known")
}

/// How `server` came to trust `remote` on the stream that it opened.
pub fn outbound_proof(server: &Server, remote: &str) -> Option<Prooftype> {
    peer(server, remote, Direction::Outbound).prooftype
}

/// How `server` came to trust `remote` on the stream that `remote` opened.
pub async fn inbound_proof(server: &Server, remote: &str) -> Option<Prooftype> {
    let remote = domain(remote);
    let theirs = |peer: &Peer| peer.pair.remote == remote;
    server.peers().wait(theirs, DEADLINE).await.expect("the peer proves itself").prooftype
}

/// The codes of a trail, in order.
pub fn codes(trail: &Trail) -> Vec<Code> {
    trail.steps().iter().map(|step| step.code).collect()
}

/// A domain, parsed.
pub fn domain(text: &str) -> Domain {
    text.parse().expect("a domain")
}

/// A's pair with B.
pub fn pair() -> Pair {
    Pair { local: domain(A), remote: domain(B) }
}

/// The names of all tags in `xml`, closing ones with their slash, in order.
pub fn tags(xml: &str) -> Vec<&str> {
    let end = |c: char| c.is_whitespace() || c == '>';
    let names = xml.split('<').skip(1).map(|tag| tag.split(end).next().unwrap_or_default());
    names.map(|name| name.strip_suffix('/').unwrap_or(name)).collect()
}

/// The text in the first `<text/>` of `xml`.
pub fn text(xml: &str) -> &str {
    let start = xml.find("<text").expect("a text");
    let start = start + xml[start..].find('>').expect("the tag ends") + 1;
    &xml[start..start + xml[start..].find('<').expect("the text ends")]
}

/// A scripted peer that has secured its connection to `server` with STARTTLS, and has opened a
/// stream from `from` to B in it.
pub async fn claim(server: SocketAddr, from: &str, tls: &ClientTls) -> ScriptedPeer {
    let mut peer = secure(server, from, tls).await;
    peer.open(from, B).await.expect("header is sent");
    peer
}

/// The same, without the header after TLS.
pub async fn secure(server: SocketAddr, from: &str, tls: &ClientTls) -> ScriptedPeer {
    let mut peer = ScriptedPeer::connect(server).await.expect("server listens");
    peer.open(from, B).await.expect("header is sent");
    peer.expect("</stream:features>").await.expect("features");
    peer.send(STARTTLS).await.expect("starttls is sent");
    peer.expect("<proceed").await.expect("proceed");
    peer.secure_as_client(tls).await.expect("handshake");
    peer
}

/// A scripted peer that has proved to `server` that it is `from`, and may send stanzas.
pub async fn establish(server: SocketAddr, from: &str, tls: &ClientTls) -> ScriptedPeer {
    let mut peer = claim(server, from, tls).await;
    peer.expect("EXTERNAL").await.expect("EXTERNAL is offered");
    peer.send(auth("=")).await.expect("auth is sent");
    peer.expect("<success").await.expect("success");
    peer.open(from, B).await.expect("header is sent");
    peer.expect("<stream:features").await.expect("features");
    peer
}

/// A, and a B that is in the hands of the test and publishes nothing.
pub async fn scripted_b(security: Security) -> (World, Server, Listener) {
    let world = World::start().await.expect("a world starts");
    world.open_web_host(B);
    let listener = Listener::start().await.expect("a listener starts");
    world.locate(B, security, &[listener.address()]);
    let a = caller(&world).await;
    (world, a, listener)
}

/// The next caller of a scripted B, that has asked for STARTTLS and waits for the answer.
pub async fn asked_for_starttls(listener: &Listener) -> ScriptedPeer {
    let mut peer = listener.accept().await.expect("somebody calls");
    peer.expect("<starttls").await.expect("STARTTLS is asked for");
    peer.expect("/>").await.expect("the tag ends");
    peer.answer(B, A, "1", STARTTLS).await.expect("header and features are sent");
    peer
}

/// The next caller of a scripted B, that was taken for whom it says it is, and may send stanzas.
pub async fn taken(listener: &Listener, tls: &ServerTls) -> ScriptedPeer {
    let mut peer = asked_for_auth(listener, tls).await;
    peer.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        .await
        .expect("success is sent");
    peer.expect("<stream:stream").await.expect("another header");
    peer.answer(B, A, "3", "").await.expect("header and features are sent");
    peer
}

/// The next caller of a scripted B, that has sent its `<auth/>` and waits for the answer.
pub async fn asked_for_auth(listener: &Listener, tls: &ServerTls) -> ScriptedPeer {
    let mut peer = asked_for_starttls(listener).await;
    peer.send(PROCEED).await.expect("proceed is sent");
    peer.secure_as_server(tls).await.expect("handshake");
    peer.expect("<stream:stream").await.expect("a header");
    let external = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                    <mechanism>EXTERNAL</mechanism></mechanisms>";
    peer.answer(B, A, "2", external).await.expect("header and features are sent");
    peer.expect(auth("").split('>').next().unwrap_or_default()).await.expect("auth");
    peer.expect("</auth>").await.expect("its end");
    peer
}

/// Answers the closing tag of the other side, and listens to the end.
pub async fn part(peer: &mut ScriptedPeer) -> String {
    peer.expect("</stream:stream>").await.expect("a closing tag");
    peer.send("</stream:stream>").await.expect("a closing tag is sent");
    peer.expect_end().await.expect("the end")
}

/// `<starttls/>`.
pub const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
/// `<proceed/>`.
pub const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

/// SASL EXTERNAL with this content.
pub fn auth(content: &str) -> String {
    format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>{content}</auth>")
}
