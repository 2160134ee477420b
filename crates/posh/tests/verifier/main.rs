//! TLS of another protocol, whose servers a source domain vouches for.
#![allow(clippy::unwrap_used)]

mod setup;

use std::sync::Arc;
use std::time::Duration;

use posh::{Materials, Mismatch, Profile, Unproved};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider as _;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, CertificateError, Error, HandshakeKind, ServerConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use xmpp_s2s_testkit::{Authority, Certificate, Identity, Key, Purpose, provider};

use crate::setup::{
    Clock, HOUR, Meeting, SOURCE, VERSIONS, client, fingerprints, found, key_set, plain_client,
    server,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client with these materials, and else no trust, makes of a server, in every version.
fn opinions(materials: &Arc<Materials>, shown: &Arc<CertifiedKey>) -> [Result<(), Error>; 2] {
    opinions_on(materials, shown, SOURCE, &Authority::new("a stranger"), &Clock::right())
}

/// The same when it asks for a name, trusts an authority, and believes it is some time.
fn opinions_on(
    materials: &Arc<Materials>,
    shown: &Arc<CertifiedKey>,
    name: &str,
    trusted: &Authority,
    clock: &Clock,
) -> [Result<(), Error>; 2] {
    let server = server(Arc::clone(shown));
    VERSIONS.map(|version| {
        let client = client(materials, trusted, version, clock);
        let met = Meeting::of(&client, &server, name).through();
        assert_eq!(met.taken.is_ok(), !met.client.is_handshaking());
        met.taken
    })
}

fn hosting() -> Identity {
    Certificate::new(["hosting.example"]).self_signed()
}

/// Why it is not proved, which has to be the same in every version.
#[track_caller]
fn mismatch(opinions: &[Result<(), Error>; 2]) -> (Mismatch, Error) {
    let [first, second] = opinions.each_ref().map(|opinion| match unproved(opinion) {
        Unproved::NoProof { mismatch, otherwise, .. } => (mismatch.clone(), otherwise.clone()),
        other => panic!("{other}"),
    });
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    first
}

#[track_caller]
fn unproved(opinion: &Result<(), Error>) -> &Unproved {
    let error = opinion.as_ref().expect_err("it was taken");
    Unproved::in_error(error).unwrap_or_else(|| panic!("another error: {error:?}"))
}

#[test]
fn a_listed_certificate_of_any_name_is_taken() {
    let hosting = hosting();
    let clock = Clock::right();
    for materials in [fingerprints(&[hosting.leaf()], &clock), key_set(&[&hosting], &clock)] {
        assert_eq!(opinions(&materials, &hosting.certified_key()), [Ok(()), Ok(())]);
    }
}

#[test]
fn keys_of_every_kind_are_taken() {
    for key in [Key::P256, Key::P384, Key::Ed25519, Key::Rsa2048] {
        let hosting = Certificate::new(["hosting.example"]).key(key).self_signed();
        let materials = fingerprints(&[hosting.leaf()], &Clock::right());
        assert_eq!(opinions(&materials, &hosting.certified_key()), [Ok(()), Ok(())], "{key:?}");
    }
}

#[test]
fn what_is_not_listed_is_left_to_the_other_verifier() {
    let materials = fingerprints(&[hosting().leaf()], &Clock::right());
    let authority = Authority::new("trusted");
    let clock = Clock::right();
    let of = |name| authority.issue_for(name).certified_key();
    let taken = opinions_on(&materials, &of(SOURCE), SOURCE, &authority, &clock);
    assert_eq!(taken, [Ok(()), Ok(())]);
    let refused = opinions_on(&materials, &of("hosting.example"), SOURCE, &authority, &clock);
    let (mismatch, otherwise) = mismatch(&refused);
    assert!(matches!(mismatch, Mismatch::NotListed { .. }));
    let is_other_name = matches!(
        otherwise,
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
    );
    assert!(is_other_name, "{otherwise:?}");
}

#[test]
fn what_both_say_stands_in_the_error() {
    let materials = fingerprints(&[hosting().leaf()], &Clock::right());
    let authority = Authority::new("unknown");
    let [_, refused] = opinions(&materials, &authority.issue_for(SOURCE).certified_key());
    let reason = unproved(&refused);
    let expected = "im.example does not vouch for the certificate, and otherwise: \
                    invalid peer certificate: UnknownIssuer";
    assert_eq!(reason.to_string(), expected);
    let cause = std::error::Error::source(reason).unwrap();
    assert_eq!(cause.to_string(), "certificate is not listed (entries: 1)");
}

#[test]
fn a4_another_name_is_refused_whatever_would_prove_it() {
    let authority = Authority::new("trusted");
    let hosting = authority.issue(&Certificate::new(["b.example", "1.2.3.4"]));
    let materials = fingerprints(&[hosting.leaf()], &Clock::right());
    for name in ["b.example", "www.im.example", "example", "1.2.3.4"] {
        let shown = hosting.certified_key();
        for opinion in opinions_on(&materials, &shown, name, &authority, &Clock::right()) {
            let reason = unproved(&opinion);
            assert!(matches!(reason, Unproved::AnotherName { asked, .. } if asked == name));
        }
    }
}

#[test]
fn a4_another_spelling_of_the_source_domain_is_the_same_name() {
    let hosting = hosting();
    let materials = fingerprints(&[hosting.leaf()], &Clock::right());
    let (authority, clock) = (Authority::new("a stranger"), Clock::right());
    for name in ["IM.Example", "im.example."] {
        let shown = hosting.certified_key();
        let opinions = opinions_on(&materials, &shown, name, &authority, &clock);
        assert_eq!(opinions, [Ok(()), Ok(())], "{name}");
    }
}

#[test]
fn a4_materials_that_have_ended_prove_nothing() {
    let hosting = hosting();
    let clock = Clock::right();
    let materials = fingerprints(&[hosting.leaf()], &clock);
    clock.advance(HOUR - Duration::from_secs(1));
    let authority = Authority::new("a stranger");
    let shown = hosting.certified_key();
    let before = opinions_on(&materials, &shown, SOURCE, &authority, &clock);
    assert_eq!(before, [Ok(()), Ok(())]);
    clock.advance(Duration::from_secs(1));
    let after = opinions_on(&materials, &shown, SOURCE, &authority, &clock);
    assert_eq!(mismatch(&after).0, Mismatch::Ended);
}

#[test]
fn a4_a_certificate_that_is_out_of_date_is_refused() {
    for (days, expected) in [(-9..-2, Mismatch::Expired), (2..9, Mismatch::NotYetValid)] {
        let hosting = Certificate::new(["hosting.example"]).days(days).self_signed();
        let materials = fingerprints(&[hosting.leaf()], &Clock::right());
        assert_eq!(mismatch(&opinions(&materials, &hosting.certified_key())).0, expected);
    }
}

#[test]
fn a4_it_is_as_late_as_the_clock_of_the_configuration_says() {
    let hosting = Certificate::new(["hosting.example"]).days(2..9).self_signed();
    let clock = Clock::right();
    clock.advance(3 * DAY);
    let materials = fingerprints(&[hosting.leaf()], &clock);
    let (shown, authority) = (hosting.certified_key(), Authority::new("a stranger"));
    let opinions = opinions_on(&materials, &shown, SOURCE, &authority, &clock);
    assert_eq!(opinions, [Ok(()), Ok(())]);
}

#[test]
fn a20_a_key_that_is_published_is_refused_whatever_would_prove_it() {
    let authority = Authority::new("trusted");
    let burnt = authority.issue_for(SOURCE);
    let leaves = [burnt.leaf().clone()];
    let keys = posh::publish::document(&leaves, Profile::Draft02, &[], HOUR).unwrap();
    let other = Certificate::new(["hosting.example"]).days(-1..1).self_signed();
    let other = key_set_entry(&other);
    let keys = keys.replace(r#""kty""#, r#""d":"AA","kty""#).replace("]}", &format!(",{other}]}}"));
    let clock = Clock::right();
    let materials = found(Profile::Draft02, &keys, &clock);
    let shown = burnt.certified_key();
    for has_ended in [false, true] {
        assert_eq!(clock.current_time() >= Some(materials.valid_until()), has_ended);
        for opinion in opinions_on(&materials, &shown, SOURCE, &authority, &clock) {
            assert!(matches!(unproved(&opinion), Unproved::Burnt(Mismatch::PrivateKeyPublished)));
        }
        clock.advance(DAY);
    }
}

/// The end of a key set with this one key.
fn key_set_entry(identity: &Identity) -> String {
    let leaves = [identity.leaf().clone()];
    let keys = posh::publish::document(&leaves, Profile::Draft02, &[], HOUR).unwrap();
    keys.split_once('[').unwrap().1.strip_suffix("]}").unwrap().to_owned()
}

/// rustls' own check of signatures does not read these at all.
#[test]
fn leaves_that_rustls_does_not_read_are_taken() {
    for odd in [
        Identity::x509_version_1(),
        Certificate::new(["hosting.example"]).unknown_critical_extension().self_signed(),
    ] {
        let materials = fingerprints(&[odd.leaf()], &Clock::right());
        assert_eq!(opinions(&materials, &odd.certified_key()), [Ok(()), Ok(())]);
    }
}

/// The certificate is found to be listed before the signature is looked at.
#[test]
fn a_certificate_without_its_key_is_refused_although_it_is_listed() {
    let hosting = hosting();
    let materials = fingerprints(&[hosting.leaf()], &Clock::right());
    let stolen = hosting.with_key_of(&self::hosting()).certified_key();
    for opinion in opinions(&materials, &stolen) {
        assert_eq!(opinion, Err(Error::InvalidCertificate(CertificateError::BadSignature)));
    }
}

/// In TLS 1.3 the client has done its part before the server has read the client's certificate.
#[test]
fn a_server_that_refuses_the_client_says_so_late_in_tls_1_3() {
    let (hosting, clock) = (hosting(), Clock::right());
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let accepted = WebPkiClientVerifier::builder_with_provider(theirs.roots().into(), provider());
    let server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(accepted.build().unwrap())
        .with_single_cert(hosting.chain().to_vec(), hosting.key())
        .unwrap();
    let us = Certificate::new(["us.example"]).purpose(Purpose::Client);
    let (server, us) = (Arc::new(server), ours.issue(&us));
    let materials = fingerprints(&[hosting.leaf()], &clock);
    for (version, is_early) in [(&TLS12, false), (&TLS13, true)] {
        let mut config = (*client(&materials, &ours, version, &clock)).clone();
        let shown = rustls::sign::SingleCertAndKey::from(us.certified_key());
        config.client_auth_cert_resolver = Arc::new(shown);
        let mut met = Meeting::of(&Arc::new(config), &server, SOURCE);
        met.client_speaks();
        met.server_speaks();
        assert_eq!(!met.client.is_handshaking(), is_early, "{version:?}");
        let met = met.through();
        assert!(met.served.is_err());
        assert_eq!(met.taken, Err(Error::AlertReceived(AlertDescription::UnknownCA)));
    }
}

#[test]
fn a4_no_session_is_resumed_so_that_every_server_is_looked_at() {
    let authority = Authority::new("trusted");
    let identity = authority.issue_for(SOURCE);
    let server = server(identity.certified_key());
    for version in VERSIONS {
        let clock = Clock::right();
        let plain = Arc::new(plain_client(&authority, version, &clock));
        let kinds = [(); 2].map(|()| Meeting::of(&plain, &server, SOURCE).through());
        let kinds = kinds.map(|met| met.client.handshake_kind());
        assert_eq!(kinds[1], Some(HandshakeKind::Resumed), "the server does not resume");

        let materials = fingerprints(&[identity.leaf()], &clock);
        let ours = client(&materials, &Authority::new("a stranger"), version, &clock);
        for _ in 0..3 {
            let met = Meeting::of(&ours, &server, SOURCE).through();
            assert_eq!(met.client.handshake_kind(), Some(HandshakeKind::Full));
        }
        clock.advance(HOUR);
        let met = Meeting::of(&ours, &server, SOURCE).through();
        let is_ended =
            |reason: &_| matches!(reason, Unproved::NoProof { mismatch: Mismatch::Ended, .. });
        assert!(is_ended(unproved(&met.taken)));
    }
}

#[test]
fn sessions_of_before_are_not_resumed_either() {
    let authority = Authority::new("trusted");
    let identity = authority.issue_for(SOURCE);
    let server = server(identity.certified_key());
    for version in VERSIONS {
        let clock = Clock::right();
        let plain = plain_client(&authority, version, &clock);
        let shared = Arc::new(plain.clone());
        Meeting::of(&shared, &server, SOURCE).through();
        let materials = fingerprints(&[hosting().leaf()], &clock);
        let stranger = setup::pkix(&Authority::new("a stranger"));
        let ours = Arc::new(posh::Verifier::new(materials, stranger).install(plain));
        assert!(Meeting::of(&ours, &server, SOURCE).through().taken.is_err());
    }
}

/// Such as `openssl req -x509` makes.
#[test]
fn a_leaf_that_is_marked_as_an_authority_is_taken_if_it_is_listed() {
    let marked = Certificate::new([SOURCE]).marked_as_authority().self_signed();
    let listed = fingerprints(&[marked.leaf()], &Clock::right());
    assert_eq!(opinions(&listed, &marked.certified_key()), [Ok(()), Ok(())]);
    let others = fingerprints(&[hosting().leaf()], &Clock::right());
    let (mismatch, otherwise) = mismatch(&opinions(&others, &marked.certified_key()));
    assert!(matches!(mismatch, Mismatch::NotListed { .. }));
    assert!(otherwise.to_string().contains("CaUsedAsEndEntity"), "{otherwise:?}");
}

/// rustls would say that the signature is bad.
#[test]
fn a_key_that_is_too_small_is_called_so() {
    let small = include_bytes!("../certificates/rsa1024.pem");
    let small = CertificateDer::from_pem_slice(small).unwrap();
    let materials = fingerprints(&[&small], &Clock::right());
    let shown = CertifiedKey::new(vec![small], Arc::clone(&hosting().certified_key().key));
    assert_eq!(mismatch(&opinions(&materials, &Arc::new(shown))).0, Mismatch::WeakKey);
}
