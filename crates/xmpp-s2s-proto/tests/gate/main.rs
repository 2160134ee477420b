//! The gate: every prooftype against every kind of certificate and document.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

mod certificates;
mod documents;
mod handshake;
mod hostile;
mod identifiers;
mod pkix;
mod policy;
mod posh;
mod rejection;
mod table;

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use xmpp_s2s_proto::dna::{Association, Evidence, Policy, Presented, Rejection};
use xmpp_s2s_proto::{Code, Domain, Pair};

use crate::certificates::Authority;

/// 2026-06-01T00:00:00Z, within the dates of every certificate that is not said to be expired.
const NOW: u64 = 1_780_272_000;
const DAY: u64 = 24 * 60 * 60;
/// The source domain that is to be proved.
const HOSTED: &str = "hosted.example";
/// What the certificate of its hosting company names.
const HOSTER: &str = "s2s.hosting.example";

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn pair() -> Pair {
    Pair { local: domain("local.example"), remote: domain(HOSTED) }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Asks the gate, by the default policy.
fn judge(
    authority: &Authority,
    chain: &[CertificateDer<'_>],
    evidence: &Evidence,
    now: u64,
) -> Result<Association, Rejection> {
    let presented = Presented::after_handshake(chain);
    let (gate, policy) = (authority.authenticator(), Policy::default());
    gate.authenticate(presented.as_ref(), &pair(), evidence, &policy, at(now))
}

/// What the gate concluded; the trail and the error must agree.
fn code(outcome: &Result<Association, Rejection>) -> Code {
    let (code, trail) = match outcome {
        Ok(association) => (association.trail().conclusion().unwrap(), association.trail()),
        Err(rejection) => (rejection.code, &rejection.trail),
    };
    assert_eq!(trail.conclusion(), Some(code));
    code
}
