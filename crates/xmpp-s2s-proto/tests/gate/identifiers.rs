//! Which names of a certificate are the domain.

use rcgen::{CertificateParams, CustomExtension, GeneralSubtree, NameConstraints};
use rustls_pki_types::CertificateDer;
use xmpp_s2s_proto::dna::{Evidence, Policy, Presented};
use xmpp_s2s_proto::{Code, Pair};

use crate::certificates::{Authority, authority, leaf};
use crate::{HOSTED, NOW, at, code, domain, judge, pair};

#[test]
fn tl13_an_srv_id_for_servers_is_the_domain_that_it_serves() {
    for (name, expected) in [
        ("_xmpp-server.hosted.example", Code::PkixMatch),
        ("_XMPP-Server.Hosted.Example", Code::PkixMatch),
        ("_xmpp-client.hosted.example", Code::CertNameMismatch),
        ("_xmpps-server.hosted.example", Code::CertNameMismatch),
        ("_xmpp-server._tcp.hosted.example", Code::CertNameMismatch),
        ("xmpp-server.hosted.example", Code::CertNameMismatch),
        ("_xmpp-server.x.hosted.example", Code::CertNameMismatch),
        ("_xmpp-server.example", Code::CertNameMismatch),
        ("_xmpp-server.*.example", Code::CertNameMismatch),
        ("hosted.example", Code::CertNameMismatch),
        ("_xmpp-server", Code::CertNameMismatch),
        ("_xmpp-server.hosted.example\0.example", Code::CertNameMismatch),
    ] {
        assert_eq!(code_of(&dns_srv(name)), expected, "{name}");
    }
}

#[test]
fn tl13_an_xmpp_addr_is_the_bare_domain_and_no_user_of_it() {
    for (name, expected) in [
        ("hosted.example", Code::PkixMatch),
        ("Hosted.Example", Code::PkixMatch),
        ("juliet@hosted.example", Code::CertNameMismatch),
        ("hosted.example/balcony", Code::CertNameMismatch),
        ("@hosted.example", Code::CertNameMismatch),
        ("x.hosted.example", Code::CertNameMismatch),
        ("*.example", Code::CertNameMismatch),
        ("", Code::CertNameMismatch),
    ] {
        assert_eq!(code_of(&xmpp_addr(name)), expected, "{name}");
    }
}

#[test]
fn tl13_an_identifier_is_compared_in_a_labels_or_as_users_write_it() {
    for name in [dns_srv("_xmpp-server.xn--mnchen-3ya.example"), xmpp_addr("münchen.example")] {
        assert_eq!(code_for("münchen.example", &name), Code::PkixMatch);
    }
}

#[test]
fn tl13_another_other_name_is_nobody() {
    for text in [HOSTED, "_xmpp-server.hosted.example"] {
        assert_eq!(code_of(&other_name(&PERMANENT_IDENTIFIER, 0x0c, text)), Code::CertNameMismatch);
    }
}

#[test]
fn a7_where_an_authority_is_constrained_only_dns_ids_count() {
    let root = Authority::new("root");
    for (constrained, expected) in [(false, Code::PkixMatch), (true, Code::CertNameMismatch)] {
        let params = if constrained { constrained_authority() } else { authority("middle") };
        let middle = root.subordinate_with(params);
        for name in [dns_srv("_xmpp-server.hosted.example"), xmpp_addr(HOSTED)] {
            let chain = [middle.sign(&named(&name)), middle.certificate.clone()];
            assert_eq!(code_in(&root, &chain), expected);
        }
        let chain = [middle.leaf(HOSTED), middle.certificate.clone()];
        assert_eq!(code_in(&root, &chain), Code::PkixMatch);
    }
}

#[test]
fn a7_a_constrained_anchor_counts_like_any_other_authority() {
    let root = Authority::with(constrained_authority());
    let name = dns_srv("_xmpp-server.hosted.example");
    assert_eq!(code_in(&root, &[root.sign(&named(&name))]), Code::CertNameMismatch);
    assert_eq!(code_in(&root, &[root.leaf(HOSTED)]), Code::PkixMatch);
}

#[test]
fn identifiers_that_are_not_the_domain_stand_in_the_trail() {
    let authority = Authority::new("ca");
    let chain = [authority.sign(&named(&dns_srv("_xmpp-client.hosted.example")))];
    let rejection = judge(&authority, &chain, &Evidence::default(), NOW).unwrap_err();
    let step = rejection.trail.steps().iter().find(|s| s.code == Code::CertNameMismatch).unwrap();
    assert!(step.detail.contains("names _xmpp-client.hosted.example,"), "{step:?}");
}

fn code_of(name: &[u8]) -> Code {
    code_for(HOSTED, name)
}

/// What the gate says of `remote`, by a certificate with this name and no other.
fn code_for(remote: &str, name: &[u8]) -> Code {
    let authority = Authority::new("ca");
    let presented = Presented::after_handshake(&[authority.sign(&named(name))]);
    let pair = Pair { remote: domain(remote), ..pair() };
    let (gate, evidence, policy) =
        (authority.authenticator(), Evidence::default(), Policy::default());
    code(&gate.authenticate(presented.as_ref(), &pair, &evidence, &policy, at(NOW)))
}

fn code_in(authority: &Authority, chain: &[CertificateDer<'_>]) -> Code {
    code(&judge(authority, chain, &Evidence::default(), NOW))
}

/// An authority that may name what is below `example`.
fn constrained_authority() -> CertificateParams {
    let mut params = authority("constrained");
    let permitted_subtrees = vec![GeneralSubtree::DnsName("example".to_owned())];
    let constraints = NameConstraints { permitted_subtrees, excluded_subtrees: vec![] };
    params.name_constraints = Some(constraints);
    params
}

/// A certificate with this name alone, which is DER.
fn named(name: &[u8]) -> CertificateParams {
    let names = tlv(0x30, &[name]);
    let mut params = leaf(&[]);
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], names)];
    params
}

/// An SRV-ID (RFC 4985 §2).
fn dns_srv(name: &str) -> Vec<u8> {
    other_name(&DNS_SRV, 0x16, name)
}

/// An XmppAddr (RFC 6120 §13.7.1.4).
fn xmpp_addr(name: &str) -> Vec<u8> {
    other_name(&XMPP_ADDR, 0x0c, name)
}

fn other_name(type_id: &[u8], tag: u8, text: &str) -> Vec<u8> {
    let value = tlv(0xa0, &[&tlv(tag, &[text.as_bytes()])]);
    tlv(0xa0, &[&tlv(0x06, &[type_id]), &value])
}

fn tlv(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let content = contents.concat();
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80, "the short form");
    [&[tag, length], &content[..]].concat()
}

/// 1.3.6.1.5.5.7.8.7
const DNS_SRV: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 8, 7];
/// 1.3.6.1.5.5.7.8.5
const XMPP_ADDR: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 8, 5];
/// 1.3.6.1.5.5.7.8.3
const PERMANENT_IDENTIFIER: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 8, 3];
