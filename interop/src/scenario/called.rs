//! Prosody calls domains that are hosted on our server; to answer, we call back and prove it.

use posh::Profile;

use super::Outcome::{self, NotProved, Proved, Refused, Unknown};
use super::check::{
    expect, expect_pong, prosody_is_content, prosody_proved, prosody_refused, server_is_content,
    server_proved, we_decided, web_was_asked, well_known,
};
use super::{ANOTHER, FINGERPRINTS, Proof, Scenario};
use crate::domain::Certificate::{Expired, SelfSigned};
use crate::domain::{Document, Domain, Transport, WebHost};
use crate::machine::Machine;
use crate::run::{Failure, Run};

const SERVED: Domain = Domain::hosted(Machine::Server, "served.example", FINGERPRINTS);
const SERVED_TLS: Domain =
    Domain::hosted(Machine::Server, "served-tls.example", FINGERPRINTS).direct();
const MISMATCH: Outcome = Refused("posh-fingerprint-mismatch");

/// A row for each domain that calls: its name, what it publishes, whom it calls, and what comes
/// of it.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "prosody_and_we_prove_each_other_by_posh",
        hosted("calling.example", FINGERPRINTS),
        SERVED,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "prosody_and_we_prove_each_other_over_direct_tls",
        hosted("calling-tls.example", FINGERPRINTS).direct(),
        SERVED_TLS,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "a_caller_whose_document_lists_another_is_refused",
        hosted("impostor.example", ANOTHER),
        SERVED,
        MISMATCH,
    ),
    Scenario::new(
        "a_caller_whose_document_lists_another_is_refused_over_direct_tls",
        hosted("impostor-tls.example", ANOTHER),
        SERVED_TLS,
        MISMATCH,
    ),
    Scenario::new(
        "prosody_refuses_a_domain_of_ours_that_it_calls",
        hosted("calling-unlisted.example", FINGERPRINTS),
        Domain::hosted(Machine::Server, "unlisted.example", ANOTHER),
        NotProved,
    ),
    Scenario::new(
        "prosody_and_we_prove_self_signed_certificates_that_are_listed",
        hosted("calling-self-signed.example", FINGERPRINTS).showing(SelfSigned),
        Domain::hosted(Machine::Server, "served-self-signed.example", FINGERPRINTS)
            .showing(SelfSigned),
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "a_caller_whose_listed_certificate_has_expired_is_refused",
        hosted("calling-expired.example", FINGERPRINTS).showing(Expired),
        SERVED,
        Refused("cert-expired"),
    ),
    Scenario::new(
        "prosody_refuses_a_domain_of_ours_whose_listed_certificate_has_expired",
        hosted("calling-expired-one.example", FINGERPRINTS),
        Domain::hosted(Machine::Server, "served-expired.example", FINGERPRINTS).showing(Expired),
        NotProved,
    ),
    Scenario::new(
        "a_caller_who_has_withdrawn_its_document_is_refused",
        hosted("calling-withdrawn.example", Document::Withdrawn),
        SERVED,
        Refused("posh-expires-zero"),
    ),
    Scenario::new(
        "a_caller_whose_web_host_is_down_cannot_be_told",
        hosted("calling-down.example", FINGERPRINTS).behind(WebHost::Down),
        SERVED,
        Unknown("posh-unreachable"),
    ),
    Scenario::new(
        "prosody_and_we_prove_each_other_although_its_web_host_is_slow",
        hosted("calling-slow.example", FINGERPRINTS).behind(WebHost::Slow),
        SERVED,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "a_caller_whose_web_host_is_silent_cannot_be_told",
        hosted("calling-silent.example", FINGERPRINTS).behind(WebHost::Silent),
        SERVED,
        Unknown("posh-timeout"),
    ),
    Scenario::new(
        "prosody_and_we_have_ordinary_certificates",
        Domain::ordinary(Machine::Prosody, "pkix-calling.example"),
        Domain::ordinary(Machine::Server, "pkix-served.example"),
        Proved(Proof::Pkix),
    ),
];

const fn hosted(name: &'static str, document: Document) -> Domain {
    Domain::hosted(Machine::Prosody, name, document)
}

pub(super) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let pinged = run.prosody_pings(from.machine, from.name, to.name).await?;
    match outcome {
        Proved(proof) => {
            expect_pong(&pinged, to, true)?;
            both_proved(run, from, to, *proof).await
        }
        Refused(_) | Unknown(_) => {
            expect_pong(&pinged, to, false)?;
            told_why(run, scenario).await?;
            prosody_is_content(run, from, to).await
        }
        NotProved => {
            expect_pong(&pinged, to, false)?;
            prosody_refused(run, scenario, from, to).await?;
            server_is_content(run, to, from).await
        }
    }
}

/// Prosody has proved us and we have proved it, each on both streams.
pub(super) async fn both_proved(
    run: &Run<'_>,
    from: &Domain,
    to: &Domain,
    proof: Proof,
) -> Result<(), Failure> {
    prosody_proved(run, from, to, proof).await?;
    server_proved(run, to, from, proof).await
}

/// Prosody was told one code, where its domain publishes, its own digest, and nothing more (A14).
pub(super) async fn told_why(
    run: &Run<'_>,
    Scenario { from, to, outcome, .. }: &Scenario,
) -> Result<(), Failure> {
    let (verdict, condition, code) = match outcome {
        Refused(code) => ("refused", "not-authorized", code),
        Unknown(code) => ("unknown", "remote-connection-failed", code),
        Proved(_) | NotProved => return Ok(()),
    };
    let digest = run.digest(from)?;
    let url = well_known(from, Profile::Rfc7711);
    let error = format!("with error: {condition} ({code}; {url}; {digest})\n");
    let log = run.hear(from.machine, &[&error]).await?;
    no_features_after_tls(&log, to, &error)?;
    let words = [format!("outcome=\"{verdict}\""), format!("code=\"{code}\"")];
    we_decided(run, "inbound", to, from, &words.each_ref().map(String::as_str)).await?;
    web_was_asked(run, to.machine, from).await
}

/// The stream that ended with `error` was offered TLS, if it had to be, and nothing else.
fn no_features_after_tls(log: &str, to: &Domain, error: &str) -> Result<(), Failure> {
    let ended = log.lines().find(|line| line.ends_with(error.trim_end())).unwrap_or_default();
    let session = ended.split_whitespace().next().unwrap_or_default();
    let offered = log.lines().filter(|line| line.starts_with(session));
    let offered = offered.filter(|line| line.contains("Received[") && line.contains("<features"));
    let due = match to.transport {
        Transport::Starttls => 1,
        Transport::Direct => 0,
    };
    let offered = offered.count();
    expect(offered == due, || format!("features came {offered} times, not {due}: {log}"))
}
