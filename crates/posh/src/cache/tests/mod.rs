mod bounds;
mod endings;
mod failures;
mod replacing;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName};
use url::Url;

use super::*;
use crate::{
    Budget, DocumentError, FetchError, HashFunction, Lookup, LookupError, Mismatch, Profile,
    Progress, Response, Service, publish,
};

/// Any number will do where chance does not matter.
const DICE: u64 = 1 << 40;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// A time within the life of [`leaf`].
const START: u64 = 1_400_000_000;

/// Both clocks, which agree as long as nobody says otherwise.
#[derive(Clone, Copy)]
struct Clock(Moment);

impl Clock {
    fn start() -> Self {
        Self(Moment { monotonic: Instant::now() + Duration::from_secs(HOUR), wall: wall(START) })
    }

    /// So many seconds later.
    fn at(self, seconds: u64) -> Moment {
        Moment {
            monotonic: self.0.monotonic + Duration::from_secs(seconds),
            wall: wall(self.0.wall.as_secs() + seconds),
        }
    }
}

fn wall(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn key(source: &str) -> CacheKey {
    key_of(source, &Service::XMPP_SERVER, &[Profile::Rfc7711, Profile::Draft02])
}

fn key_of(source: &str, service: &Service, profiles: &[Profile]) -> CacheKey {
    CacheKey::new(&DnsName::try_from(source.to_owned()).unwrap(), service, profiles)
}

fn leaf() -> CertificateDer<'static> {
    let pem = include_bytes!("../../../tests/certificates/rfc7517-b.pem");
    CertificateDer::from_pem_slice(pem).unwrap()
}

/// A document that lists [`leaf`], and came at `now`.
fn document(source: &str, profile: Profile, expires: u64, now: Moment) -> Published {
    let hashes = [HashFunction::Sha256];
    let expires = Duration::from_secs(expires);
    let json = publish::document(&[leaf()], profile, &hashes, expires).unwrap();
    answered(source, profile, &json, now)
}

fn answered(source: &str, profile: Profile, json: &str, now: Moment) -> Published {
    let source = DnsName::try_from(source.to_owned()).unwrap();
    let lookup = Lookup::new(&source, &Service::XMPP_SERVER, profile, Limits::default()).unwrap();
    let body = json.as_bytes();
    let response = Response { status: 200, location: None, content_type: None, body };
    match lookup.handle(&response, now.wall).unwrap() {
        Progress::Done(Some(materials)) => Published::Found(Arc::new(materials)),
        other => panic!("not found: {other:?}"),
    }
}

fn fingerprints(source: &str, expires: u64, now: Moment) -> Published {
    document(source, Profile::Rfc7711, expires, now)
}

/// A document that lists another certificate.
fn other_fingerprints(source: &str, now: Moment) -> Published {
    let json = r#"{"fingerprints":[{"sha-256":"4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="}],"expires":3600}"#;
    answered(source, Profile::Rfc7711, json, now)
}

fn unknown(error: FetchError) -> Published {
    Published::Unknown(Arc::new(error))
}

fn url() -> Url {
    "https://im.example/".parse().unwrap()
}

fn failed() -> Published {
    unknown(FetchError::Status { url: url(), status: 503 })
}

fn invalid(error: DocumentError) -> Published {
    unknown(FetchError::Invalid(LookupError::Document { url: url(), error }))
}

fn ours(began: Moment) -> Asked {
    Asked { purpose: Purpose::Ourselves, began, reason: None }
}

fn strangers(began: Moment) -> Asked {
    Asked { purpose: Purpose::Stranger, began, reason: None }
}

impl Cache {
    /// Keeps what we looked up ourselves, at once.
    fn put(&mut self, source: &str, published: Published, now: Moment) -> Finding {
        self.keep(&key(source), published, ours(now), now, DICE)
    }

    /// The same for a stranger.
    fn put_claimed(&mut self, source: &str, published: Published, now: Moment) -> Finding {
        self.keep(&key(source), published, strangers(now), now, DICE)
    }

    /// Tells of the match of [`leaf`], if it is one.
    fn match_leaf(&mut self, source: &str, seen: &Arc<Materials>, now: Moment) -> bool {
        let found = seen.find(&leaf(), now.wall);
        found.is_ok_and(|found| self.matched(&key(source), seen, &found, now))
    }

    /// What is found, without it being asked for by us.
    fn look(&mut self, source: &str, now: Moment) -> Option<Published> {
        self.find(&key(source), Purpose::Stranger, now).map(|finding| finding.published)
    }

    fn holds(&mut self, source: &str, now: Moment) -> bool {
        self.look(source, now).is_some()
    }
}

fn materials(published: &Published) -> &Arc<Materials> {
    match published {
        Published::Found(materials) => materials,
        other => panic!("not found: {other:?}"),
    }
}

fn matches_leaf(published: &Published, now: Moment) -> bool {
    materials(published).find(&leaf(), now.wall).is_ok()
}
