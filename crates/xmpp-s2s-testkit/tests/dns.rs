//! The DNS server, asked by the resolver that `xmpp-s2s` uses.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{Dns, Failure, Service};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7));
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[tokio::test]
async fn addresses_of_both_families_are_found() {
    let dns = Dns::start().await.unwrap();
    dns.set_addresses("host.example", [V4, V6]);
    let found = dns.resolver().lookup_ip("host.example.").await.unwrap();
    let mut found: Vec<_> = found.iter().collect();
    found.sort_unstable();
    assert_eq!(found, [V4, V6]);
}

#[tokio::test]
async fn services_keep_their_numbers() {
    let dns = Dns::start().await.unwrap();
    let service = Service::at("host.example", 5270).priority(3).weight(7);
    dns.set_services("a.example", Security::Direct, [service]);
    assert_eq!(services(&dns, "_xmpps-server._tcp.a.example.").await, ["3 7 5270 host.example."]);
}

#[tokio::test]
async fn a_service_that_is_not_offered_has_the_root_as_target() {
    let dns = Dns::start().await.unwrap();
    dns.set_services("a.example", Security::StartTls, [Service::not_offered()]);
    assert_eq!(services(&dns, "_xmpp-server._tcp.a.example.").await, ["0 0 0 ."]);
}

#[tokio::test]
async fn aliases_are_followed() {
    let dns = Dns::start().await.unwrap();
    dns.set_alias("a.example", "b.example");
    dns.set_alias("b.example", "c.example");
    dns.set_addresses("c.example", [V4]);
    let found = dns.resolver().lookup_ip("a.example.").await.unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), [V4]);
}

#[tokio::test]
async fn records_change_while_it_runs() {
    let dns = Dns::start().await.unwrap();
    let resolver = dns.resolver();
    dns.set_addresses("host.example", [V6]);
    resolver.lookup_ip("host.example.").await.unwrap();
    dns.set_addresses("host.example", [V4]);
    let found = resolver.lookup_ip("host.example.").await.unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), [V4]);
}

#[tokio::test]
async fn what_was_removed_does_not_exist() {
    let dns = Dns::start().await.unwrap();
    dns.set_addresses("deep.host.example", [V4]);
    dns.remove("host.example");
    let error = dns.resolver().lookup_ip("deep.host.example.").await.unwrap_err();
    assert_eq!(code(error), ResponseCode::NXDomain);
}

#[tokio::test]
async fn a_name_without_the_type_is_no_error() {
    let dns = Dns::start().await.unwrap();
    dns.set_addresses("host.example", [V4]);
    let error = dns.resolver().lookup("host.example.", RecordType::SRV).await.unwrap_err();
    assert_eq!(code(error), ResponseCode::NoError);
}

#[tokio::test]
async fn a_server_failure_is_told() {
    let dns = Dns::start().await.unwrap();
    dns.set_failure("host.example", Failure::ServFail);
    let error = dns.resolver().lookup_ip("host.example.").await.unwrap_err();
    assert_eq!(code(error), ResponseCode::ServFail);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let dns = Dns::start().await.unwrap();
    dns.set_failure("host.example", Failure::Silence);
    let error = dns.resolver().lookup_ip("host.example.").await.unwrap_err();
    assert!(matches!(error, NetError::Timeout), "{error:?}");
}

#[tokio::test]
async fn long_answers_come_over_tcp() {
    let dns = Dns::start().await.unwrap();
    let services = (0..200).map(|n| Service::at(&format!("host-{n}.example"), 5269));
    dns.set_services("a.example", Security::StartTls, services);
    let found = self::services(&dns, "_xmpp-server._tcp.a.example.").await;
    assert_eq!(found.len(), 200);
}

#[tokio::test]
async fn questions_are_logged() {
    let dns = Dns::start().await.unwrap();
    dns.set_addresses("Host.Example", [V4]);
    dns.resolver().lookup("HOST.example.", RecordType::A).await.unwrap();
    let query = dns.queries().wait(|query| query.name == "host.example", Duration::from_secs(5));
    assert_eq!(query.await.unwrap().record_type, "A");
}

async fn services(dns: &Dns, name: &str) -> Vec<String> {
    let found = dns.resolver().lookup(name, RecordType::SRV).await.unwrap();
    let answers = found.answers().iter();
    answers
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(srv.to_string()),
            _ => None,
        })
        .collect()
}

fn code(error: NetError) -> ResponseCode {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.response_code,
        NetError::Dns(DnsError::ResponseCode(code)) => code,
        other => panic!("{other:?}"),
    }
}
