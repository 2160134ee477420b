//! Certificates for a thousand domains, from a folder, loaded again when it changes.
//!
//! ```sh
//! cargo run -p federating-server --bin many_domains -- /etc/xmpp/certificates 0.0.0.0:5269
//! ```
//!
//! The last argument is where it listens: `[::]:5269` is for IPv6, and on most systems for IPv4 too.
//!
//! The folder has one file a domain, `im.example.pem`, with the certificate, its chain and the key:
//! in one file, so that they are always of one moment. Move a new one there, and the next handshake
//! shows it. A file that cannot be used leaves the domain what it had; one that goes away takes the
//! domain with it. Streams that are up go on.

use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};
use std::{env, fmt, fs, io, mem, thread};

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use xmpp_s2s::{Config, Domain, Endpoint, Identities, Incoming, Roots};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [folder, listen] = arguments.as_slice() else {
        return Err("usage: many_domains FOLDER LISTEN".into());
    };
    let provider = Arc::new(ring::default_provider());
    let certificates = Arc::new(Certificates::default());
    let tell = |change| println!("{change}");
    let _watcher = certificates.follow(folder.into(), provider.clone(), tell)?;
    let endpoint = Endpoint::new(Config::new(certificates, Roots::system()?, provider))?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    endpoint.serve(listener, listen_to).await;
    Ok(())
}

async fn listen_to(incoming: Incoming) -> Result<(), Box<dyn Error>> {
    let mut inbound = incoming.authenticate().await?;
    while let Some(stanza) = inbound.next().await? {
        println!("{} wrote to {}", stanza.sender(), stanza.recipient());
    }
    Ok(())
}

/// The certificates of now: one map that is exchanged as a whole, and read without a lock.
#[derive(Default)]
struct Certificates(ArcSwap<HashMap<Domain, Arc<CertifiedKey>>>);

impl Identities for Certificates {
    fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>> {
        self.0.load().get(local).cloned()
    }
}

impl Certificates {
    /// Loads the folder, and again whenever it changes, until the watcher is dropped.
    fn follow(
        self: &Arc<Self>,
        path: PathBuf,
        provider: Arc<CryptoProvider>,
        tell: impl Fn(Change) + Send + 'static,
    ) -> Result<RecommendedWatcher, Box<dyn Error>> {
        let (changed, changes) = sync_channel(1);
        // That something has changed is all there is to know: the folder is looked at as a whole,
        // so that it does not matter which events got lost. Our own reading is no change.
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if !event.is_ok_and(|event| event.kind.is_access()) {
                    let _ = changed.try_send(());
                }
            })?;
        watcher.watch(&path, RecursiveMode::NonRecursive)?;
        let mut folder = Folder { path, provider, files: HashMap::new() };
        let certificates = self.clone();
        let mut load = move || {
            let outcome = folder.load();
            certificates.0.store(Arc::new(folder.identities()));
            outcome.map(|changes| changes.into_iter().for_each(&tell))
        };
        load()?;
        thread::spawn(move || {
            while settled(&changes) {
                if let Err(error) = load() {
                    eprintln!("cannot read the folder, all certificates are kept: {error}");
                }
            }
        });
        Ok(watcher)
    }
}

/// Waits for a change, and until no more come for a moment: files are written in parts. `false`
/// when nobody watches any more.
fn settled(changes: &Receiver<()>) -> bool {
    const QUIET: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(2);
    if changes.recv().is_err() {
        return false;
    }
    let start = Instant::now();
    while start.elapsed() < LONGEST && changes.recv_timeout(QUIET).is_ok() {}
    true
}

/// What was in the folder when it was looked at last.
struct Folder {
    path: PathBuf,
    provider: Arc<CryptoProvider>,
    files: HashMap<PathBuf, File>,
}

struct File {
    seen: Vec<u8>,
    /// That of the last time when it could be used.
    identity: Option<(Domain, Arc<CertifiedKey>)>,
}

impl Folder {
    /// Reads what is new. Where that fails as a whole, everything stays as it was.
    fn load(&mut self) -> io::Result<Vec<Change>> {
        let entries: Vec<_> = fs::read_dir(&self.path)?.collect::<Result<_, _>>()?;
        let paths = entries.iter().map(fs::DirEntry::path);
        let mut before = mem::take(&mut self.files);
        let mut changes = Vec::new();
        for path in paths.filter(|path| path.extension() == Some(OsStr::new("pem"))) {
            let earlier = before.remove(&path);
            let (file, change) = self.read(&path, earlier);
            changes.extend(change);
            self.files.extend(file.map(|file| (path, file)));
        }
        changes.extend(before.into_keys().map(Change::Gone));
        Ok(changes)
    }

    fn read(&self, path: &Path, earlier: Option<File>) -> (Option<File>, Option<Change>) {
        let kept = |error| Some(Change::Kept(path.to_owned(), error));
        match (fs::read(path), earlier) {
            (Ok(seen), Some(file)) if seen == file.seen => (Some(file), None),
            (Ok(seen), earlier) => match identity(path, &seen, &self.provider) {
                Ok(identity) => {
                    let file = File { seen, identity: Some(identity) };
                    (Some(file), Some(Change::Loaded(path.to_owned())))
                }
                Err(error) => {
                    let identity = earlier.and_then(|file| file.identity);
                    (Some(File { seen, identity }), kept(error))
                }
            },
            (Err(error), earlier) => (earlier, kept(error.into())),
        }
    }

    fn identities(&self) -> HashMap<Domain, Arc<CertifiedKey>> {
        self.files.values().filter_map(|file| file.identity.clone()).collect()
    }
}

/// The domain that a file is for, and its certificate with the key that belongs to it.
fn identity(
    path: &Path,
    pem: &[u8],
    provider: &CryptoProvider,
) -> Result<(Domain, Arc<CertifiedKey>), Box<dyn Error + Send + Sync>> {
    let domain = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().parse()?;
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(pem)?;
    Ok((domain, Arc::new(CertifiedKey::from_der(chain, key, provider)?)))
}

/// What became of a file.
#[derive(Debug)]
enum Change {
    Loaded(PathBuf),
    Kept(PathBuf, Box<dyn Error + Send + Sync>),
    Gone(PathBuf),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded(path) => write!(f, "{}: loaded", path.display()),
            Self::Kept(path, error) => {
                write!(f, "{}: not usable, nothing changes: {error}", path.display())
            }
            Self::Gone(path) => write!(f, "{}: gone, and its domain with it", path.display()),
        }
    }
}

#[cfg(test)]
#[path = "many_domains/tests.rs"]
mod tests;
