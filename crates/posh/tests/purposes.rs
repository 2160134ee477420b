//! What a certificate may be shown for.

use posh::Leaf;
use xmpp_s2s_testkit::{Certificate, Purpose};

#[test]
fn only_a_certificate_for_servers_alone_is_not_for_clients() {
    for (purpose, expected) in [
        (Purpose::Server, false),
        (Purpose::Client, true),
        (Purpose::ServerAndClient, true),
        (Purpose::Unrestricted, true),
    ] {
        let identity = Certificate::new(["im.example"]).purpose(purpose).self_signed();
        let leaf = Leaf::parse(identity.leaf()).expect("a certificate");
        assert_eq!(leaf.is_for_clients(), expected, "{purpose:?}");
    }
}
