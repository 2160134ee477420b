use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use xmpp_s2s_testkit::{Certificate, Identity, World, provider};

use super::*;

const DOMAIN: &str = "im.example";
const DOCUMENT: &str = "/.well-known/posh/shout.json";

#[tokio::test]
async fn lines_come_back_from_the_server_that_the_domain_names() {
    let (world, shouting) = start().await;
    let hosting = hosting();
    publish(&world, &hosting);
    let server = Server::start(&hosting).await;
    assert_eq!(shout(&shouting, &server).await.unwrap(), "HELLO\nYOU THERE\n");
}

#[tokio::test]
async fn another_server_is_refused() {
    let (world, shouting) = start().await;
    publish(&world, &hosting());
    let server = Server::start(&world.xmpp_authority.issue_for("hosting.example")).await;
    let error = shout(&shouting, &server).await.unwrap_err();
    assert!(is_no_proof(error.downcast_ref().unwrap()), "{error}");
}

#[tokio::test]
async fn a_server_with_a_new_certificate_is_found_to_be_listed_too() {
    let (world, shouting) = start().await;
    let (old, new) = (hosting(), hosting());
    publish(&world, &old);
    shout(&shouting, &Server::start(&old).await).await.unwrap();
    publish(&world, &new);
    shout(&shouting, &Server::start(&new).await).await.unwrap();
}

#[tokio::test]
async fn a_domain_that_publishes_nothing_has_a_certificate_of_its_own() {
    let (world, shouting) = start().await;
    world.open_web_host(DOMAIN);
    let named = Server::start(&world.xmpp_authority.issue_for(DOMAIN)).await;
    shout(&shouting, &named).await.unwrap();
    let other = Server::start(&world.xmpp_authority.issue_for("hosting.example")).await;
    shout(&shouting, &other).await.unwrap_err();
}

async fn start() -> (World, Shouting) {
    let world = World::start().await.unwrap();
    let guard = AddressGuard::new(["127.0.0.0/8".parse().unwrap()]);
    let mut limits = Limits::default();
    limits.port = world.web.address().port();
    let (web, servers) = (world.web_authority.roots(), world.xmpp_authority.roots());
    let shouting = Shouting::new(web, servers, world.dns.resolver(), guard, limits).unwrap();
    (world, shouting)
}

fn hosting() -> Identity {
    Certificate::new(["hosting.example"]).self_signed()
}

fn publish(world: &World, identity: &Identity) {
    world.open_web_host(DOMAIN);
    world.publish_at(DOMAIN, DOCUMENT, Profile::Rfc7711, &[identity]);
}

/// What is printed when two lines are typed.
async fn shout(shouting: &Shouting, server: &Server) -> Result<String, Box<dyn Error>> {
    let domain = DnsName::try_from(DOMAIN)?;
    let stream = shouting.connect(&domain, server.address).await?;
    let mut printed = Vec::new();
    talk(stream, &b"hello\nyou there\n"[..], &mut printed).await?;
    Ok(String::from_utf8(printed)?)
}

/// The server's side of the protocol.
struct Server {
    address: SocketAddr,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start(identity: &Identity) -> Self {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain().to_vec(), identity.key())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self { address, serving: tokio::spawn(serve(listener, acceptor)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
    loop {
        let (tcp, _) = listener.accept().await?;
        // A client that refuses the certificate is none to answer.
        let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
        let (heard, mut said) = tokio::io::split(&mut stream);
        let mut lines = BufReader::new(heard).lines();
        while let Some(line) = lines.next_line().await? {
            said.write_all(format!("{}\n", line.to_uppercase()).as_bytes()).await?;
        }
    }
}
