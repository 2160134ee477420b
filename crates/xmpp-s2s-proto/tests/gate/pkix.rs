use rcgen::{DnType, ExtendedKeyUsagePurpose};
use rustls_pki_types::CertificateDer;
use xmpp_s2s_proto::dna::{Evidence, Policy, Presented, Prooftype};
use xmpp_s2s_proto::{Code, Pair};

use crate::certificates::{Authority, authority, leaf, self_signed, with_usage};
use crate::{DAY, HOSTED, NOW, at, code, domain, judge, pair};

fn code_of(authority: &Authority, chain: &[CertificateDer<'_>]) -> Code {
    code(&judge(authority, chain, &Evidence::default(), NOW))
}

#[test]
fn a_certificate_that_names_the_domain_proves_it() {
    let authority = Authority::new("ca");
    let chain = [authority.leaf(HOSTED)];
    let association = judge(&authority, &chain, &Evidence::default(), NOW).unwrap();
    assert_eq!(association.prooftype(), Prooftype::Pkix);
    assert_eq!(association.pair(), &pair());
}

#[test]
fn tl05_without_a_certificate_nothing_is_proved() {
    assert_eq!(code_of(&Authority::new("ca"), &[]), Code::TlsNoCertificate);
}

#[test]
fn tl06_a_server_auth_only_certificate_is_good_in_both_directions() {
    let authority = Authority::new("ca");
    let leaf = authority.sign(&with_usage(HOSTED, ExtendedKeyUsagePurpose::ServerAuth));
    assert_eq!(code_of(&authority, &[leaf]), Code::PkixMatch);
}

#[test]
fn a_client_auth_only_certificate_is_not_enough() {
    let authority = Authority::new("ca");
    let leaf = authority.sign(&with_usage(HOSTED, ExtendedKeyUsagePurpose::ClientAuth));
    assert_eq!(code_of(&authority, &[leaf]), Code::CertInvalid);
}

#[test]
fn a_self_signed_authority_is_of_no_authority_we_trust() {
    let mut params = authority(HOSTED);
    params.subject_alt_names = leaf(&[HOSTED]).subject_alt_names;
    assert_eq!(code_of(&Authority::new("ca"), &[self_signed(&params)]), Code::CertUntrustedChain);
}

#[test]
fn the_dates_of_the_certificate_count() {
    let authority = Authority::new("ca");
    let chain = [authority.leaf(HOSTED)];
    for (now, expected) in [
        (NOW - 152 * DAY, Code::CertNotYetValid),
        (NOW, Code::PkixMatch),
        (NOW + 215 * DAY, Code::CertExpired),
    ] {
        assert_eq!(code(&judge(&authority, &chain, &Evidence::default(), now)), expected);
    }
}

#[test]
fn tl13_dns_ids_count_with_nothing_but_a_whole_left_most_wildcard() {
    let authority = Authority::new("ca");
    for (name, expected) in [
        ("x.A.example", Code::PkixMatch),
        ("*.a.example", Code::PkixMatch),
        ("x*.a.example", Code::CertNameMismatch),
        ("x.*.example", Code::CertNameMismatch),
        ("*.*.example", Code::CertNameMismatch),
        ("*.example", Code::CertNameMismatch),
        ("*", Code::CertNameMismatch),
        ("*.x.a.example", Code::CertNameMismatch),
        ("y.x.a.example", Code::CertNameMismatch),
        ("a.example", Code::CertNameMismatch),
    ] {
        assert_eq!(code_for("x.a.example", &authority, name), expected, "{name}");
    }
}

#[test]
fn tl13_a_wildcard_stands_before_two_labels_at_least() {
    let authority = Authority::new("ca");
    assert_eq!(code_for("a.example", &authority, "*.example"), Code::CertNameMismatch);
}

#[test]
fn a_domain_in_u_labels_is_compared_in_a_labels() {
    let authority = Authority::new("ca");
    let code = code_for("münchen.example", &authority, "xn--mnchen-3ya.example");
    assert_eq!(code, Code::PkixMatch);
}

/// What the gate says of `remote`, by a certificate with `name`.
fn code_for(remote: &str, authority: &Authority, name: &str) -> Code {
    let presented = Presented::after_handshake(&[authority.leaf(name)]);
    let pair = Pair { remote: domain(remote), ..pair() };
    let (gate, evidence) = (authority.authenticator(), Evidence::default());
    let policy = Policy::default();
    code(&gate.authenticate(presented.as_ref(), &pair, &evidence, &policy, at(NOW)))
}

#[test]
fn tl13_a_common_name_is_never_a_name() {
    let authority = Authority::new("ca");
    let mut params = leaf(&[]);
    params.distinguished_name.push(DnType::CommonName, HOSTED);
    assert_eq!(code_of(&authority, &[authority.sign(&params)]), Code::CertNameMismatch);
}

#[test]
fn an_association_ends_with_the_first_certificate_of_its_path() {
    let root = Authority::new("root");
    let middle = root.subordinate("middle");
    let chain = [middle.leaf(HOSTED), middle.certificate.clone()];
    let association = judge(&root, &chain, &Evidence::default(), NOW).unwrap();
    assert_eq!(association.valid_until(), at(NOW + 30 * DAY));
}

#[test]
fn tl11_what_exceeds_eight_further_certificates_is_not_looked_at() {
    let root = Authority::new("root");
    let middle = root.subordinate("middle");
    let chain = |others| {
        let mut chain = vec![middle.leaf(HOSTED)];
        chain.extend(std::iter::repeat_n(root.certificate.clone(), others));
        chain.push(middle.certificate.clone());
        chain
    };
    assert_eq!(code_of(&root, &chain(7)), Code::PkixMatch);
    assert_eq!(code_of(&root, &chain(8)), Code::CertUntrustedChain);
}

#[test]
fn tl11_what_exceeds_32_kib_of_further_certificates_is_not_looked_at() {
    let root = Authority::new("root");
    let middle = root.subordinate("middle");
    let chain = |size| {
        let other = CertificateDer::from(vec![0; size]);
        [middle.leaf(HOSTED), other, middle.certificate.clone()]
    };
    let room = 32 * 1024 - middle.certificate.len();
    assert_eq!(code_of(&root, &chain(room)), Code::PkixMatch);
    assert_ne!(code_of(&root, &chain(room + 1)), Code::PkixMatch);
}

#[test]
fn bytes_that_are_no_certificate_prove_nothing() {
    let chain = [CertificateDer::from(b"not DER".to_vec())];
    assert_eq!(code_of(&Authority::new("ca"), &chain), Code::CertInvalid);
}
