//! Both ends of TLS connections, with nothing but memory between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::{
    HashFunction, Limits, Lookup, Materials, Profile, Progress, Response, Service, Verifier,
    publish,
};
use rustls::client::WebPkiServerVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, Error, ServerConfig, ServerConnection,
    SideData, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, DnsName, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};
use xmpp_s2s_testkit::{Authority, Identity, provider};

pub(crate) const SOURCE: &str = "im.example";
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

/// Fingerprints of these, good for an hour from `clock` on.
pub(crate) fn fingerprints(leaves: &[&CertificateDer<'_>], clock: &Clock) -> Arc<Materials> {
    let entries = leaves.iter().map(|leaf| {
        let digest = STANDARD.encode(Sha256::digest(leaf));
        format!(r#"{{"sha-256":"{digest}"}}"#)
    });
    let entries: Vec<_> = entries.collect();
    let document = format!(r#"{{"fingerprints":[{}],"expires":3600}}"#, entries.join(","));
    found(Profile::Rfc7711, &document, clock)
}

/// The key set of these.
pub(crate) fn key_set(identities: &[&Identity], clock: &Clock) -> Arc<Materials> {
    let leaves: Vec<_> = identities.iter().map(|identity| identity.leaf().clone()).collect();
    let hashes = [HashFunction::Sha256];
    let document = publish::document(&leaves, Profile::Draft02, &hashes, HOUR).unwrap();
    found(Profile::Draft02, &document, clock)
}

/// What comes of a document that [`SOURCE`] publishes.
pub(crate) fn found(profile: Profile, document: &str, clock: &Clock) -> Arc<Materials> {
    let source = DnsName::try_from(SOURCE).unwrap();
    let service = Service::new("toy").unwrap();
    let lookup = Lookup::new(&source, &service, profile, Limits::default()).unwrap();
    let body = document.as_bytes();
    let response = Response { status: 200, location: None, content_type: None, body };
    match lookup.handle(&response, clock.time()).unwrap() {
        Progress::Done(Some(materials)) => Arc::new(materials),
        other => panic!("not found: {other:?}"),
    }
}

/// The time that clients believe it is.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn right() -> Self {
        Self(Arc::new(AtomicU64::new(UnixTime::now().as_secs())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    fn time(&self) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::Relaxed)))
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.time())
    }
}

/// A PKIX verifier that trusts this authority alone.
pub(crate) fn pkix(authority: &Authority) -> Arc<WebPkiServerVerifier> {
    let roots = Arc::new(authority.roots());
    WebPkiServerVerifier::builder_with_provider(roots, provider()).build().unwrap()
}

/// A client of one version that takes what [`pkix`] takes, and resumes sessions.
pub(crate) fn plain_client(
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    clock: &Clock,
) -> ClientConfig {
    ClientConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_webpki_verifier(pkix(authority))
        .with_no_client_auth()
}

/// The same with a verifier: of these materials, otherwise PKIX with this authority.
pub(crate) fn client(
    materials: &Arc<Materials>,
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    clock: &Clock,
) -> Arc<ClientConfig> {
    let verifier = Verifier::new(Arc::clone(materials), pkix(authority));
    Arc::new(verifier.install(plain_client(authority, version, clock)))
}

/// A server that shows this certificate, and offers to resume sessions.
pub(crate) fn server(identity: Arc<CertifiedKey>) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    Arc::new(config)
}

/// The ends of one connection, and what each thinks of the other.
pub(crate) struct Meeting {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
    pub(crate) taken: Result<(), Error>,
    pub(crate) served: Result<(), Error>,
}

impl Meeting {
    /// The ends before anything is said; the client asks for `name`.
    pub(crate) fn of(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Self {
            client: ClientConnection::new(Arc::clone(client), name).unwrap(),
            server: ServerConnection::new(Arc::clone(server)).unwrap(),
            taken: Ok(()),
            served: Ok(()),
        }
    }

    /// Lets both speak until neither has more to say.
    pub(crate) fn through(mut self) -> Self {
        while self.client_speaks() + self.server_speaks() > 0 {}
        self
    }

    /// How many bytes the client has said, and the server heard.
    pub(crate) fn client_speaks(&mut self) -> usize {
        carry(&mut self.client, &mut self.server, &mut self.served)
    }

    pub(crate) fn server_speaks(&mut self) -> usize {
        carry(&mut self.server, &mut self.client, &mut self.taken)
    }
}

/// Carries what one end says to the other, unless that has given up.
fn carry<A: SideData, B: SideData>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
    opinion: &mut Result<(), Error>,
) -> usize {
    let mut said = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut said).unwrap();
    }
    let mut unread = &said[..];
    while opinion.is_ok() && !unread.is_empty() {
        to.read_tls(&mut unread).unwrap();
        *opinion = to.process_new_packets().map(|_| ());
    }
    said.len()
}
