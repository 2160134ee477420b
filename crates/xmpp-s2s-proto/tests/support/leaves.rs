//! Certificates of others, through the gate.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::{Leaf, Limits, Lookup, Profile, Progress, Published, Response, Service};
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};
use xmpp_s2s_proto::dna::{Authenticator, Evidence, Policy, Presented};
use xmpp_s2s_proto::{Code, Pair};

use crate::support::domain;

/// 2026-06-01T00:00:00Z.
const NOW: u64 = 1_780_272_000;

/// Nobody is proved by a certificate that the domain does not list, or outside its dates; says
/// whether anybody is.
pub(crate) fn judge(der: &[u8]) -> Result<bool, String> {
    let own: [u8; 32] = Sha256::digest(der).into();
    let mut flipped = own;
    flipped[31] ^= 1;
    let dates = dates(der);
    let within = |now: u64| dates.is_some_and(|(start, end)| (start..=end).contains(&now));
    let (start, end) = dates.unwrap_or((NOW, NOW));
    let times = [0, start.saturating_sub(1), start, end, end.saturating_add(1), NOW];
    let mut accepted = false;
    for now in times {
        for published in [Published::Absent, listing(&flipped, now)] {
            if proved(der, published, now) {
                return Err(format!("accepted at {now} without being listed"));
            }
        }
        if proved(der, listing(&own, now), now) {
            if !within(now) {
                return Err(format!("accepted at {now}, outside of {dates:?}"));
            }
            accepted = true;
        }
    }
    Ok(accepted)
}

fn dates(der: &[u8]) -> Option<(u64, u64)> {
    let certificate = CertificateDer::from(der);
    let leaf = Leaf::parse(&certificate).ok()?;
    Some((leaf.not_before().as_secs(), leaf.not_after().as_secs()))
}

/// Whether the gate, which trusts no authority, takes whoever holds the key of this certificate.
fn proved(der: &[u8], published: Published, now: u64) -> bool {
    let presented = Presented::after_handshake(&[CertificateDer::from(der)]);
    let pair = Pair { local: domain("local.example"), remote: domain("remote.example") };
    let mut evidence = Evidence::default();
    evidence.posh = Some(published);
    let gate = Authenticator::new([], webpki::ALL_VERIFICATION_ALGS);
    let policy = Policy::default();
    match gate.authenticate(presented.as_ref(), &pair, &evidence, &policy, at(now)) {
        Ok(association) => association.trail().conclusion() == Some(Code::PoshMatch),
        Err(_) => false,
    }
}

/// That the domain lists this certificate, written by hand.
fn listing(sha256: &[u8; 32], now: u64) -> Published {
    let digest = STANDARD.encode(sha256);
    let json = format!(r#"{{"fingerprints":[{{"sha-256":"{digest}"}}],"expires":3600}}"#);
    let source = domain("remote.example").to_dns().clone();
    let lookup =
        Lookup::new(&source, &Service::XMPP_SERVER, Profile::Rfc7711, Limits::default()).unwrap();
    let content_type = Some("application/json");
    let response = Response { status: 200, location: None, content_type, body: json.as_bytes() };
    match lookup.handle(&response, at(now)) {
        Ok(Progress::Done(Some(materials))) => Published::Found(materials.into()),
        other => panic!("{other:?}"),
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
