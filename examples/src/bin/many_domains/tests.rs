use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use xmpp_s2s_testkit::{ClientTls, Identity, ScriptedPeer, World};

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_thousand_domains_each_show_their_certificate_and_a_new_one_at_once() {
    let town = Town::build(1000).await;
    for domain in ["d0.example", "d999.example"] {
        assert_eq!(town.shown(domain).await.unwrap(), *town.identities[domain].leaf());
    }
    let mut town = town;
    let renewed = town.world.xmpp_authority.issue_for("d7.example");
    town.put("d7.example", &pem(&renewed));
    assert!(matches!(town.change().await, Change::Loaded(_)));
    assert_eq!(town.shown("d7.example").await.unwrap(), *renewed.leaf());
    assert_eq!(town.shown("d8.example").await.unwrap(), *town.identities["d8.example"].leaf());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing_and_is_told() {
    let mut town = Town::build(2).await;
    let [one, other] = ["d0.example", "d1.example"].map(|domain| town.identities[domain].clone());
    for (text, reason) in [
        (String::new(), "no items found"),
        (one.chain_pem(), "no items found"),
        (one.chain_pem() + &other.key_pem(), "KeyMismatch"),
        (pem(&one).replace("-----END", "-----"), "pem"),
    ] {
        town.put("d0.example", &text);
        let change = town.change().await;
        assert!(matches!(&change, Change::Kept(..)), "{change}");
        assert!(change.to_string().contains(reason), "{change}");
        assert_eq!(town.shown("d0.example").await.unwrap(), *one.leaf());
    }
}

#[tokio::test]
async fn a_domain_comes_and_goes_with_its_file() {
    let mut town = Town::build(1).await;
    assert!(town.shown("new.example").await.is_err());
    let identity = town.world.xmpp_authority.issue_for("new.example");
    town.put("new.example", &pem(&identity));
    assert!(matches!(town.change().await, Change::Loaded(_)));
    assert_eq!(town.shown("new.example").await.unwrap(), *identity.leaf());
    fs::remove_file(town.file("new.example")).unwrap();
    assert!(matches!(town.change().await, Change::Gone(_)));
    assert!(town.shown("new.example").await.is_err());
}

/// A server that follows a folder.
struct Town {
    world: World,
    folder: TempDir,
    identities: HashMap<String, Identity>,
    address: SocketAddr,
    changes: UnboundedReceiver<Change>,
    _watcher: RecommendedWatcher,
}

impl Town {
    async fn build(domains: usize) -> Self {
        let world = World::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let names = (0..domains).map(|number| format!("d{number}.example"));
        let issue = |name: String| (name.clone(), world.xmpp_authority.issue_for(&name));
        let identities: HashMap<_, _> = names.map(issue).collect();
        for (name, identity) in &identities {
            fs::write(folder.path().join(format!("{name}.pem")), pem(identity)).unwrap();
        }
        let certificates = Arc::new(Certificates::default());
        let (told, mut changes) = unbounded_channel();
        let tell = move |change| told.send(change).unwrap();
        let provider = xmpp_s2s_testkit::provider();
        let watcher = certificates.follow(folder.path().to_owned(), provider, tell).unwrap();
        for _ in 0..domains {
            assert!(matches!(changes.try_recv(), Ok(Change::Loaded(_))));
        }
        let endpoint = Endpoint::new(world.config(certificates)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { endpoint.serve(listener, listen_to).await });
        Self { world, folder, identities, address, changes, _watcher: watcher }
    }

    fn file(&self, domain: &str) -> PathBuf {
        self.folder.path().join(format!("{domain}.pem"))
    }

    /// Puts a file there as a careful operator does.
    fn put(&self, domain: &str, text: &str) {
        let new = self.file(domain).with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.file(domain)).unwrap();
    }

    async fn change(&mut self) -> Change {
        timeout(DEADLINE, self.changes.recv()).await.unwrap().unwrap()
    }

    /// The certificate that a peer sees which asks for `domain`.
    async fn shown(&self, domain: &str) -> io::Result<CertificateDer<'static>> {
        let mut peer = ScriptedPeer::connect(self.address).await?;
        let secured = peer.secure_as_client(&ClientTls::new(domain)).await?;
        Ok(secured.chain[0].clone())
    }
}

/// What a file has.
fn pem(identity: &Identity) -> String {
    identity.chain_pem() + &identity.key_pem()
}
