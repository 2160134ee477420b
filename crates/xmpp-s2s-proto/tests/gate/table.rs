use posh::{Profile, Published};
use rustls_pki_types::CertificateDer;
use xmpp_s2s_proto::Code::{self, *};

use crate::certificates::{Authority, expired, leaf, self_signed};
use crate::documents::{knowing, published};
use crate::{DAY, HOSTED, HOSTER, NOW, code, judge};

/// Each kind of certificate, as PKIX sees it, with each kind of document.
#[rustfmt::skip]
const TABLE: [(&str, [Code; 5]); 5] = [
    // the document is    good,        absent,             another domain's, expired,           of another key
    ("good",             [PkixMatch,   PkixMatch,          PkixMatch,        PkixMatch,         PkixMatch]),
    ("no authority",     [PoshMatch,   CertUntrustedChain, PoshOtherSource,  PoshDocumentStale, PoshFingerprintMismatch]),
    ("wrong name",       [PoshMatch,   PoshNotPublished,   PoshOtherSource,  PoshDocumentStale, PoshFingerprintMismatch]),
    ("expired",          [CertExpired, CertExpired,        PoshOtherSource,  PoshDocumentStale, PoshFingerprintMismatch]),
    ("wrong key",        [PoshMatch,   CertUntrustedChain, PoshOtherSource,  PoshDocumentStale, PoshFingerprintMismatch]),
];

#[test]
fn one_prooftype_is_enough_and_each_failure_has_its_code_with_rfc_7711() {
    assert_eq!(outcomes(Profile::Rfc7711), TABLE);
}

#[test]
fn one_prooftype_is_enough_and_each_failure_has_its_code_with_draft_02() {
    assert_eq!(outcomes(Profile::Draft02), TABLE);
}

fn outcomes(profile: Profile) -> [(&'static str, [Code; 5]); 5] {
    // The twin has the same name, and another key.
    let (authority, twin) = (Authority::new("ca"), Authority::new("ca"));
    let row = |leaf| row(&authority, profile, leaf);
    [
        ("good", row(authority.leaf(HOSTED))),
        ("no authority", row(self_signed(&leaf(&[HOSTED])))),
        ("wrong name", row(authority.leaf(HOSTER))),
        ("expired", row(authority.sign(&expired(HOSTED)))),
        ("wrong key", row(twin.leaf(HOSTED))),
    ]
}

fn row(authority: &Authority, profile: Profile, leaf: CertificateDer<'static>) -> [Code; 5] {
    let another = authority.leaf(HOSTED);
    let chain = [leaf];
    [
        (NOW, published(HOSTED, profile, &chain[0], NOW)),
        (NOW, Published::Absent),
        (NOW, published("other.example", profile, &chain[0], NOW)),
        (NOW + DAY, published(HOSTED, profile, &chain[0], NOW)),
        (NOW, published(HOSTED, profile, &another, NOW)),
    ]
    .map(|(now, posh)| code(&judge(authority, &chain, &knowing(posh), now)))
}
