use posh::{Profile, Published};
use rustls_pki_types::CertificateDer;
use xmpp_s2s_proto::Code;
use xmpp_s2s_proto::dna::{Evidence, Policy, Presented, Prooftype};

use crate::certificates::{Authority, leaf, self_signed};
use crate::documents::{knowing, listing};
use crate::{HOSTED, HOSTER, NOW, at, code, pair};

fn judge_by(
    prooftypes: &[Prooftype],
    authority: &Authority,
    leaf: &CertificateDer<'_>,
    evidence: &Evidence,
) -> Code {
    let policy = Policy::new(prooftypes);
    let presented = Presented::after_handshake(std::slice::from_ref(leaf));
    let gate = authority.authenticator();
    code(&gate.authenticate(presented.as_ref(), &pair(), evidence, &policy, at(NOW)))
}

#[test]
fn strict_policy_takes_a_posh_match_and_nothing_else() {
    let authority = Authority::new("ca");
    let leaf = authority.leaf(HOSTED);
    for (evidence, expected) in [
        (listing(Profile::Rfc7711, &leaf), Code::PoshMatch),
        (listing(Profile::Rfc7711, &authority.leaf(HOSTED)), Code::PoshFingerprintMismatch),
        (knowing(Published::Absent), Code::PoshNotPublished),
        (Evidence::default(), Code::PkixNotAllowed),
    ] {
        assert_eq!(judge_by(&[Prooftype::Posh], &authority, &leaf, &evidence), expected);
    }
}

#[test]
fn policy_without_posh_takes_no_posh_match() {
    let leaf = self_signed(&leaf(&[HOSTER]));
    let evidence = listing(Profile::Rfc7711, &leaf);
    let code = judge_by(&[Prooftype::Pkix], &Authority::new("ca"), &leaf, &evidence);
    assert_eq!(code, Code::CertNameMismatch);
}

#[test]
fn policy_without_prooftypes_takes_nothing() {
    let authority = Authority::new("ca");
    let leaf = authority.leaf(HOSTED);
    let evidence = listing(Profile::Rfc7711, &leaf);
    assert_eq!(judge_by(&[], &authority, &leaf, &evidence), Code::PkixNotAllowed);
}
