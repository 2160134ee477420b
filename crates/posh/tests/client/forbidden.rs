//! What is not asked, and that nothing is sent there.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use posh::{FetchError, LookupError, Profile};
use xmpp_s2s_testkit::Reply;

use crate::setup::{SOURCE, client, client_guarded, fetch, limits, reply, unknown, world};

#[tokio::test]
async fn ph04_a_redirect_to_http_sends_nothing() {
    let (world, _) = world().await;
    let plain = Forbidden::at(Ipv4Addr::LOCALHOST, 0);
    world.dns.set_addresses("plain.example", [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let location = format!("http://plain.example:{}/", plain.port());
    let error = unknown(reply(&world, Reply::redirect(302, &location)).await);
    assert!(matches!(*error, FetchError::Invalid(LookupError::Redirect { .. })), "{error:?}");
    plain.was_left_alone();
}

#[tokio::test]
async fn ph06_a_redirect_to_an_address_sends_nothing() {
    let (world, _) = world().await;
    let inside = Forbidden::at(Ipv4Addr::new(127, 0, 0, 2), world.web.address().port());
    for host in ["127.0.0.2", "2130706434", "0x7f.2", "[::ffff:127.0.0.2]"] {
        let location = format!("https://{host}/");
        let error = unknown(reply(&world, Reply::redirect(302, &location)).await);
        assert!(matches!(*error, FetchError::Invalid(LookupError::Redirect { .. })), "{error:?}");
    }
    inside.was_left_alone();
}

#[tokio::test]
async fn ph06_a_reference_to_an_address_sends_nothing() {
    let (world, _) = world().await;
    let inside = Forbidden::at(Ipv4Addr::new(127, 0, 0, 2), world.web.address().port());
    let document = r#"{"url":"https://127.0.0.2/x.json","expires":60}"#;
    let error = unknown(reply(&world, Reply::json(document)).await);
    assert!(matches!(*error, FetchError::Invalid(LookupError::Reference { .. })), "{error:?}");
    inside.was_left_alone();
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
    let inside = Forbidden::at(Ipv4Addr::new(127, 0, 0, 2), world.web.address().port());
    world.dns.set_addresses(host, [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))]);
    for reply in [
        Reply::redirect(302, "https://inside.example/"),
        Reply::json(r#"{"url":"https://inside.example/","expires":60}"#),
    ] {
        world.reply(SOURCE, Profile::Rfc7711, reply);
        let client = client_guarded(&world, limits(&world), &["127.0.0.1/32"]);
        let error = unknown(fetch(&client, SOURCE).await);
        let FetchError::Refused { url } = &*error else { panic!("{error:?}") };
        assert_eq!(url.host_str(), Some(host));
    }
    inside.was_left_alone();
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

/// A listener that nobody may connect to.
struct Forbidden(TcpListener);

impl Forbidden {
    fn at(address: Ipv4Addr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    #[track_caller]
    fn was_left_alone(&self) {
        assert!(self.0.accept().is_err(), "it was connected to");
    }
}
