//! Prosody calls domains that are hosted on our server; to answer, we call back and prove it.

use posh::Profile;

use super::Outcome::{self, NotListed, Proved, Refused, Unknown};
use super::check::{
    expect, expect_pong, prosody_proved, prosody_refused, we_decided, web_was_asked, well_known,
};
use super::{ANOTHER, FINGERPRINTS, Proof, Scenario};
use crate::domain::{Document, Domain, Transport};
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
        NotListed,
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
        Refused(code) | Unknown(code) => {
            expect_pong(&pinged, to, false)?;
            told_why(run, from, to, code).await
        }
        NotListed => {
            expect_pong(&pinged, to, false)?;
            prosody_refused(run, scenario, from, to).await
        }
    }
}

/// Prosody has proved us and we have proved it, each on both streams.
async fn both_proved(
    run: &Run<'_>,
    from: &Domain,
    to: &Domain,
    proof: Proof,
) -> Result<(), Failure> {
    prosody_proved(run, from, to, proof).await?;
    let digest = run.digest(from)?;
    let (prooftype, step) = match proof {
        Proof::Posh => ("prooftype=\"posh\"", "posh-match posh-match"),
        Proof::Pkix => ("prooftype=\"pkix\"", "pkix pkix-match"),
    };
    let words = ["outcome=\"accepted\"", prooftype, step, &digest];
    for direction in ["inbound", "outbound"] {
        we_decided(run, direction, to, from, &words).await?;
    }
    match proof {
        Proof::Posh => web_was_asked(run, to.machine, from).await,
        Proof::Pkix => Ok(()),
    }
}

/// Prosody was told one code, where its domain publishes, its own digest, and nothing more (A14).
async fn told_why(run: &Run<'_>, from: &Domain, to: &Domain, code: &str) -> Result<(), Failure> {
    let digest = run.digest(from)?;
    let url = well_known(from, Profile::Rfc7711);
    let error = format!("with error: not-authorized ({code}; {url}; {digest})\n");
    let log = run.hear(from.machine, &[&error]).await?;
    no_features_after_tls(&log, to, &error)?;
    let [outcome, code] = ["outcome=\"refused\"".to_owned(), format!("code=\"{code}\"")];
    we_decided(run, "inbound", to, from, &[&outcome, &code]).await?;
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
