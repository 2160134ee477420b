//! What is not asked, and that nothing is sent there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Arc;

use posh::{DocumentError, FetchError, LookupError, Profile};
use reqwest::dns::{Name, Resolve, Resolving};
use rustls_pki_types::DnsName;
use xmpp_s2s_testkit::{Reply, World};

use crate::setup::{
    Resolver, SOURCE, client, client_asking, client_guarded, fetch, find, find_again, found,
    limits, reply, unknown, world,
};

#[tokio::test]
async fn ph04_a_redirect_to_http_sends_nothing() {
    let (world, _) = world().await;
    let plain = Forbidden::at(LOOPBACK, 0);
    world.dns.set_addresses("plain.example", [LOOPBACK]);
    let location = format!("http://plain.example:{}/", plain.port());
    let error = unknown(reply(&world, Reply::redirect(302, &location)).await);
    assert!(matches!(*error, FetchError::Invalid(LookupError::Redirect { .. })), "{error:?}");
    plain.was_left_alone();
}

/// What is loopback in a URL, however it is spelt there.
const SPELLINGS: [&str; 20] = [
    "127.0.0.2",
    "127.0.0.2.",
    "127.0.2",
    "127.2",
    "2130706434",
    "0x7f000002",
    "0x7f.2",
    "0177.0.0.2",
    "017700000002",
    "%31%32%37.0.0.2",
    "１２７.0.0.2",
    "127。0。0。2",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.2]",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
    "[64:ff9b::7f00:2]",
    "im.example@127.0.0.2",
    "localhost",
];

#[tokio::test]
async fn ph06_a_redirect_to_an_address_sends_nothing() {
    let (world, _) = world().await;
    let inside = Forbidden::beside(&world);
    for host in SPELLINGS {
        let location = format!("https://{host}/");
        let error = unknown(reply(&world, Reply::redirect(302, &location)).await);
        let is_refused = matches!(*error, FetchError::Invalid(LookupError::Redirect { .. }));
        assert!(is_refused, "{host}: {error:?}");
    }
    inside.iter().for_each(Forbidden::was_left_alone);
}

#[tokio::test]
async fn ph06_a_reference_to_an_address_sends_nothing() {
    let (world, _) = world().await;
    let inside = Forbidden::beside(&world);
    for host in SPELLINGS {
        let document = format!(r#"{{"url":"https://{host}/x.json","expires":60}}"#);
        let error = unknown(reply(&world, Reply::json(document)).await);
        // What is not ASCII is no URI in the first place.
        let is_refused = matches!(
            *error,
            FetchError::Invalid(
                LookupError::Reference { .. }
                    | LookupError::Document { error: DocumentError::Member { .. }, .. }
            )
        );
        assert!(is_refused, "{host}: {error:?}");
    }
    inside.iter().for_each(Forbidden::was_left_alone);
}

#[test]
fn ph06_no_address_is_the_name_of_a_source() {
    for address in SPELLINGS.iter().filter(|host| **host != "localhost") {
        assert!(DnsName::try_from(*address).is_err(), "{address}");
    }
}

#[tokio::test]
async fn ph06_a_source_of_a_forbidden_address_is_not_connected_to() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let error = unknown(fetch(&client_guarded(&world, limits(&world), &[]), SOURCE).await);
    assert!(matches!(*error, FetchError::Refused { .. }), "{error:?}");
    assert!(world.web.connections().is_empty());
}

#[tokio::test]
async fn ph06_names_of_forbidden_addresses_are_not_connected_to() {
    let (world, _) = world().await;
    let host = "inside.example";
    let inside = Forbidden::beside(&world);
    world.dns.set_addresses(host, [INSIDE]);
    for reply in [
        Reply::redirect(302, "https://inside.example/"),
        Reply::json(r#"{"url":"https://inside.example/","expires":60}"#),
    ] {
        world.reply(SOURCE, Profile::Rfc7711, reply);
        let client = client_guarded(&world, limits(&world), OUTSIDE);
        let error = unknown(fetch(&client, SOURCE).await);
        let FetchError::Refused { url } = &*error else { panic!("{error:?}") };
        assert_eq!(url.host_str(), Some(host));
    }
    inside.iter().for_each(Forbidden::was_left_alone);
}

#[tokio::test]
async fn ph06_an_alias_of_a_name_of_a_forbidden_address_is_not_connected_to() {
    let (world, _) = world().await;
    let inside = Forbidden::beside(&world);
    world.dns.set_addresses("inside.example", [INSIDE]);
    world.dns.remove(SOURCE);
    world.dns.set_alias(SOURCE, "inside.example");
    let error = unknown(fetch(&client_guarded(&world, limits(&world), OUTSIDE), SOURCE).await);
    assert!(matches!(*error, FetchError::Refused { .. }), "{error:?}");
    inside.iter().for_each(Forbidden::was_left_alone);
}

#[tokio::test]
async fn ph06_a_name_of_a_special_purpose_address_is_not_connected_to() {
    let (world, _) = world().await;
    let inside = Forbidden::beside(&world);
    for address in SPECIAL {
        world.dns.set_addresses(SOURCE, [address.parse().unwrap()]);
        let error = unknown(fetch(&client_guarded(&world, limits(&world), &[]), SOURCE).await);
        assert!(matches!(*error, FetchError::Refused { .. }), "{address}: {error:?}");
    }
    assert!(world.web.connections().is_empty());
    inside.iter().for_each(Forbidden::was_left_alone);
}

#[tokio::test]
async fn ph06_a_forbidden_address_beside_an_allowed_one_is_not_tried() {
    let (world, identity) = world().await;
    let inside = Forbidden::beside(&world);
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.dns.set_addresses(SOURCE, [INSIDE, LOOPBACK, IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    found(fetch(&client_guarded(&world, limits(&world), OUTSIDE), SOURCE).await);

    let nobody = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
    world.dns.set_addresses(SOURCE, [INSIDE, nobody]);
    let error =
        unknown(fetch(&client_guarded(&world, limits(&world), &["127.0.0.3/32"]), SOURCE).await);
    assert!(matches!(*error, FetchError::Unreachable { .. }), "{error:?}");
    inside.iter().for_each(Forbidden::was_left_alone);
}

/// Rebinding: the name is another address's as soon as it has been judged.
#[tokio::test]
async fn ph06_what_was_judged_is_what_is_connected_to() {
    let (world, identity) = world().await;
    let inside = Forbidden::beside(&world);
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let world = Arc::new(world);
    let resolver = Arc::new(Rebinding(Arc::clone(&world)));
    let client = client_asking(&world, resolver, &[Profile::Rfc7711], OUTSIDE);
    let first = find(&client, SOURCE).await;
    found(first.published.clone());
    let again = find_again(&client, &first, SOURCE).await;
    found(again.published);
    assert_eq!(world.web.connections().len(), 1);
    inside.iter().for_each(Forbidden::was_left_alone);
}

/// Rebinding: the name is another address's when the host that was asked leads back to it.
#[tokio::test]
async fn ph06_every_request_is_judged_anew() {
    for leading in [
        Reply::redirect(302, "https://im.example/x.json"),
        Reply::json(r#"{"url":"https://im.example/x.json","expires":60}"#),
    ] {
        let (world, identity) = world().await;
        let inside = Forbidden::beside(&world);
        world.publish_at(SOURCE, "/x.json", Profile::Rfc7711, &[&identity]);
        world.reply(SOURCE, Profile::Rfc7711, leading);
        let world = Arc::new(world);
        let resolver = Arc::new(Rebinding(Arc::clone(&world)));
        let client = client_asking(&world, resolver, &[Profile::Rfc7711], OUTSIDE);
        let error = unknown(fetch(&client, SOURCE).await);
        let FetchError::Refused { url } = &*error else { panic!("{error:?}") };
        assert_eq!(url.path(), "/x.json");
        assert_eq!(world.web.connections().len(), 1);
        inside.iter().for_each(Forbidden::was_left_alone);
    }
}

#[tokio::test]
async fn t39_names_outside_the_public_dns_are_not_asked_for() {
    let (world, _) = world().await;
    for source in ["localhost", "printer.local", "abc.onion"] {
        let error = unknown(fetch(&client(&world), source).await);
        assert!(matches!(*error, FetchError::Source(_)), "{error:?}");
    }
    assert!(world.dns.queries().is_empty());
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where web hosts are.
const OUTSIDE: &[&str] = &["127.0.0.1/32"];
/// Where they are not.
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// One of each special purpose, and what else leads to one.
const SPECIAL: [&str; 36] = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.2",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.2",
    "::ffff:127.0.0.2",
    "64:ff9b::7f00:2",
    "64:ff9b:1::7f00:2",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:2::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
];

/// Asks the DNS of a world, whose names are [`INSIDE`] once they have been asked for.
struct Rebinding(Arc<World>);

impl Resolve for Rebinding {
    fn resolve(&self, name: Name) -> Resolving {
        let (world, host) = (Arc::clone(&self.0), name.as_str().to_owned());
        let answer = Resolver(world.dns.resolver()).resolve(name);
        Box::pin(async move {
            let addresses = answer.await?;
            world.dns.set_addresses(&host, [INSIDE]);
            Ok(addresses)
        })
    }
}

/// A listener that nobody may connect to.
struct Forbidden(TcpListener);

impl Forbidden {
    fn at(address: IpAddr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    /// At [`INSIDE`] and the other loopback, where the port is that of the web hosts.
    fn beside(world: &World) -> Vec<Self> {
        let port = world.web.address().port();
        [INSIDE, IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|address| Self::at(address, port)).into()
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    #[track_caller]
    fn was_left_alone(&self) {
        assert!(self.0.accept().is_err(), "it was connected to");
    }
}
