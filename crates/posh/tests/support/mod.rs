//! What a hosted domain publishes: a reference to its hosting company, which lists its certificate
//! and the next one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use posh::{
    CacheKey, HashFunction, Limits, Lookup, Materials, Moment, Profile, Progress, Published,
    Response, Service, publish,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, UnixTime};

/// A leaf with an RSA key of 2048 bits, within whose life [`moment`] is.
pub(crate) fn leaf() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("../certificates/rfc7517-b.pem")).unwrap()
}

/// Always the same time of day.
pub(crate) fn moment() -> Moment {
    let wall = UnixTime::since_unix_epoch(Duration::from_secs(1_400_000_000));
    Moment { monotonic: Instant::now(), wall }
}

pub(crate) fn key(source: &str) -> CacheKey {
    let profiles = [Profile::Rfc7711, Profile::Draft02];
    CacheKey::new(&name(source), &Service::XMPP_SERVER, &profiles)
}

/// A document that lists the leaf so many times.
pub(crate) fn document(profile: Profile, entries: usize) -> String {
    let hour = Duration::from_secs(3600);
    publish::document(&vec![leaf(); entries], profile, &[HashFunction::Sha256], hour).unwrap()
}

/// What `source` publishes, behind a reference.
pub(crate) fn found(source: &str, profile: Profile) -> Published {
    let url = "https://posh.hosting.example/customers/xmpp-server.json";
    let hour = Duration::from_secs(3600);
    let reference = publish::reference(&url.parse().unwrap(), profile, hour).unwrap();
    let Progress::Continue(lookup) = handle(lookup(source, profile), &reference) else {
        panic!("not a reference: {reference}")
    };
    Published::Found(Arc::new(done(handle(lookup, &document(profile, 2)))))
}

/// What comes of a document that `source` publishes itself.
pub(crate) fn materials(source: &str, profile: Profile, document: &str) -> Materials {
    done(handle(lookup(source, profile), document))
}

fn lookup(source: &str, profile: Profile) -> Lookup {
    Lookup::new(&name(source), &Service::XMPP_SERVER, profile, Limits::default()).unwrap()
}

fn done(progress: Progress) -> Materials {
    match progress {
        Progress::Done(Some(materials)) => materials,
        other => panic!("not found: {other:?}"),
    }
}

fn handle(lookup: Lookup, body: &str) -> Progress {
    let body = body.as_bytes();
    let response = Response { status: 200, location: None, content_type: None, body };
    lookup.handle(&response, moment().wall).unwrap()
}

fn name(source: &str) -> DnsName<'static> {
    DnsName::try_from(source.to_owned()).unwrap()
}
