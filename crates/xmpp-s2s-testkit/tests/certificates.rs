//! What rustls' own verifier makes of the certificates.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::CertificateError::{
    ExpiredContext, InvalidPurposeContext, NotValidForNameContext, NotValidYetContext, Other,
    UnknownIssuer,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, Error};
use xmpp_s2s_testkit::{Authority, Certificate, Identity, Key, Purpose, provider};

const NAME: &str = "a.example";

#[test]
fn ordinary_certificates_are_valid_with_every_kind_of_key() {
    let authority = Authority::new("A");
    for key in [Key::P256, Key::P384, Key::Ed25519, Key::Rsa2048] {
        let identity = authority.issue(&Certificate::new([NAME]).key(key));
        assert_eq!(verify(&authority, &identity), Ok(()), "{key:?}");
        identity.certified_key().keys_match().unwrap();
    }
}

#[test]
fn another_authority_is_unknown() {
    let identity = Authority::new("B").issue_for(NAME);
    assert_eq!(verify(&Authority::new("A"), &identity), Err(UnknownIssuer));
}

#[test]
fn a_name_is_valid_for_itself_only() {
    let authority = Authority::new("A");
    let identity = authority.issue_for("b.example");
    assert!(matches!(verify(&authority, &identity), Err(NotValidForNameContext { .. })));
}

#[test]
fn days_before_today_have_expired() {
    let authority = Authority::new("A");
    let identity = authority.issue(&Certificate::new([NAME]).days(-10..-1));
    assert!(matches!(verify(&authority, &identity), Err(ExpiredContext { .. })));
}

#[test]
fn an_end_takes_the_place_of_the_last_day() {
    let authority = Authority::new("A");
    let ends = Certificate::new([NAME]).days(-10..-1).ends_in(Duration::from_secs(60));
    assert_eq!(verify(&authority, &authority.issue(&ends)), Ok(()));
}

#[test]
fn days_after_today_have_not_come() {
    let authority = Authority::new("A");
    let identity = authority.issue(&Certificate::new([NAME]).days(1..10));
    assert!(matches!(verify(&authority, &identity), Err(NotValidYetContext { .. })));
}

#[test]
fn purposes_are_kept() {
    let authority = Authority::new("A");
    for purpose in [Purpose::Server, Purpose::ServerAndClient, Purpose::Unrestricted] {
        let identity = authority.issue(&Certificate::new([NAME]).purpose(purpose));
        assert_eq!(verify(&authority, &identity), Ok(()), "{purpose:?}");
    }
    let identity = authority.issue(&Certificate::new([NAME]).purpose(Purpose::Client));
    assert!(matches!(verify(&authority, &identity), Err(InvalidPurposeContext { .. })));
}

#[test]
fn a_leaf_marked_as_authority_is_refused() {
    let identity = Certificate::new([NAME]).marked_as_authority().self_signed();
    assert!(matches!(verify(&Authority::new("A"), &identity), Err(Other(_))));
}

#[test]
fn an_unknown_critical_extension_is_refused() {
    let authority = Authority::new("A");
    let identity = authority.issue(&Certificate::new([NAME]).unknown_critical_extension());
    assert!(matches!(verify(&authority, &identity), Err(Other(_))));
}

#[test]
fn version_1_is_refused() {
    let identity = Identity::x509_version_1();
    assert!(matches!(verify(&Authority::new("A"), &identity), Err(Other(_))));
}

#[test]
fn a_renewed_certificate_may_keep_its_key() {
    let authority = Authority::new("A");
    let old = authority.issue_for(NAME);
    let new = authority.issue(&Certificate::new([NAME]).key_of(&old));
    assert_ne!(old.leaf(), new.leaf());
    assert_eq!(old.key().secret_der(), new.key().secret_der());
}

#[test]
fn a_stolen_certificate_does_not_match_its_key() {
    let authority = Authority::new("A");
    let stolen = authority.issue_for(NAME).with_key_of(&authority.issue_for("thief.example"));
    assert!(stolen.certified_key().keys_match().is_err());
}

#[test]
fn pem_reads_back() {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let identity = Authority::new("A").issue_for(NAME);
    let leaf = CertificateDer::from_pem_slice(identity.chain_pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    assert_eq!(&leaf, identity.leaf());
    assert_eq!(key.secret_der(), identity.key().secret_der());
}

#[test]
fn keys_are_not_shown() {
    let identity = Authority::new("A").issue_for(NAME);
    assert!(format!("{identity:?}").starts_with("Identity { sha256: \""));
}

fn verify(authority: &Authority, identity: &Identity) -> Result<(), CertificateError> {
    let roots = Arc::new(authority.roots());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build().unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now = UnixTime::since_unix_epoch(now);
    match verifier.verify_server_cert(identity.leaf(), &[], &name, &[], now) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}
