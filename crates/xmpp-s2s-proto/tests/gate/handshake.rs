use posh::Profile;
use xmpp_s2s_proto::Pair;
use xmpp_s2s_proto::dna::{Policy, Presented};

use crate::certificates::{Authority, leaf, self_signed};
use crate::documents::listing;
use crate::{HOSTER, NOW, at, domain, pair};

#[test]
fn a3_an_association_is_for_one_pair_and_one_handshake() {
    let chain = [self_signed(&leaf(&[HOSTER]))];
    let presented = Presented::after_handshake(&chain).unwrap();
    let association = Authority::new("ca")
        .authenticator()
        .authenticate(
            Some(&presented),
            &pair(),
            &listing(Profile::Rfc7711, &chain[0]),
            &Policy::default(),
            at(NOW),
        )
        .unwrap();
    assert_eq!(association.end_entity(), presented.digest());
    assert!(association.is_for(&pair(), &presented.clone()));

    let swapped = Pair { local: pair().remote, remote: pair().local };
    let sibling = Pair { remote: domain("sub.hosted.example"), ..pair() };
    let tenant = Pair { local: domain("other.example"), ..pair() };
    for other in [swapped, sibling, tenant] {
        assert!(!association.is_for(&other, &presented));
    }
    let same_certificate = Presented::after_handshake(&chain).unwrap();
    assert!(!association.is_for(&pair(), &same_certificate));
}
