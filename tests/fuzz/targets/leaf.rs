//! Certificates: what another reader can read as well, says the same to both; and what can be
//! published, is found again.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use posh::{
    Leaf, Limits, Lookup, Materials, Mismatch, Profile, Progress, Response, Service, publish,
};
use rustls_pki_types::{CertificateDer, DnsName, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

#[allow(dead_code, reason = "other targets use the rest")]
mod seeds;

fuzz_target!(init: seeds::certificates("leaf"), |data: &[u8]| {
    let certificate = CertificateDer::from(data);
    let Ok(leaf) = Leaf::parse(&certificate) else { return };
    assert!(leaf.dns_names().all(|name| name.is_ascii()));
    let _ = (leaf.other_names(&[0x2b, 6]).count(), leaf.constrains_names());
    if let Ok((_, other)) = X509Certificate::from_der(data) {
        agree(&leaf, &other);
    }
    publish(&certificate);
});

fn agree(leaf: &Leaf<'_>, other: &X509Certificate<'_>) {
    // It ends where the other reader has read enough, before what else is in the sequence.
    assert!(leaf.subject_public_key_info().starts_with(other.public_key().raw));
    assert_eq!(leaf.not_before(), time(other.validity().not_before));
    assert_eq!(leaf.not_after(), time(other.validity().not_after));
    let Ok(Some(extension)) = other.subject_alternative_name() else { return };
    // Where lengths do not fit, it goes on reading; we never see a name that it does not see.
    let names = &extension.value.general_names;
    assert!(leaf.dns_names().all(|name| names.contains(&GeneralName::DNSName(name))));
}

/// Before 1970 is 1970.
fn time(time: ASN1Time) -> UnixTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// What can be published of it, matches it.
fn publish(certificate: &CertificateDer<'_>) {
    let leaves = [certificate.clone()];
    for profile in [Profile::Draft02, Profile::Rfc7711] {
        let Ok(json) = publish::document(&leaves, profile, &[], Duration::from_secs(60)) else {
            continue;
        };
        let now = Leaf::parse(certificate).expect("it was published").not_before();
        let found = materials(&json, profile, now).find(certificate, now);
        assert!(matches!(found, Ok(_) | Err(Mismatch::Expired)), "{found:?}");
    }
}

fn materials(json: &str, profile: Profile, now: UnixTime) -> Materials {
    let source = DnsName::try_from("im.example").expect("a domain");
    let lookup = Lookup::new(&source, &Service::XMPP_SERVER, profile, Limits::default());
    let response =
        Response { status: 200, location: None, content_type: None, body: json.as_bytes() };
    match lookup.expect("a source").handle(&response, now) {
        Ok(Progress::Done(Some(materials))) => materials,
        other => panic!("what is published is a list: {other:?}"),
    }
}
