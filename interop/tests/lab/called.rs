//! Prosody calls domains that are hosted on our server; to answer, we call back and prove it.

use interop::{Document, Domain, Failure, Machine, Run};
use posh::Profile;

use crate::check::{expect, prosody_proved, we_decided, web_was_asked};
use crate::scenario::Outcome::{Proved, Refused, Unknown};
use crate::scenario::{FINGERPRINTS, Proof, Scenario};

/// A row for each domain that calls: its name, what it publishes, whom it calls, and what comes
/// of it.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "prosody_and_we_prove_each_other_by_posh",
        hosted("calling.example", FINGERPRINTS),
        SERVED,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "prosody_and_we_prove_each_other_over_direct_tls",
        hosted("calling-tls.example", FINGERPRINTS).direct(),
        Domain::hosted(Machine::Server, "served-tls.example", FINGERPRINTS).direct(),
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "a_caller_whose_document_lists_another_is_refused",
        hosted("impostor.example", Document::Another(Profile::Rfc7711)),
        SERVED,
        Refused("posh-fingerprint-mismatch"),
    ),
    Scenario::new(
        "prosody_and_we_have_ordinary_certificates",
        Domain::ordinary(Machine::Prosody, "pkix-calling.example"),
        Domain::ordinary(Machine::Server, "pkix-served.example"),
        Proved(Proof::Pkix),
    ),
];

const SERVED: Domain = Domain::hosted(Machine::Server, "served.example", FINGERPRINTS);

const fn hosted(name: &'static str, document: Document) -> Domain {
    Domain::hosted(Machine::Prosody, name, document)
}

pub(crate) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let pinged = run.prosody_pings(from.machine, from.name, to.name).await?;
    let pong = pinged.stdout.contains(&format!("pong from {}", to.name));
    match outcome {
        Proved(proof) => {
            expect(pong, || format!("no pong: {pinged:?}"))?;
            both_proved(run, from, to, *proof).await
        }
        Refused(code) | Unknown(code) => {
            expect(!pong, || format!("a pong: {pinged:?}"))?;
            told_why(run, from, to, code).await
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
    prosody_proved(run, from.machine, to, proof).await?;
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
    let url = format!("https://{}/.well-known/posh/xmpp-server.json", from.name);
    let error = format!("with error: not-authorized ({code}; {url}; {digest})\n");
    run.hear(from.machine, &[&error]).await?;
    let [outcome, code] = ["outcome=\"refused\"".to_owned(), format!("code=\"{code}\"")];
    we_decided(run, "inbound", to, from, &[&outcome, &code]).await?;
    web_was_asked(run, to.machine, from).await
}
