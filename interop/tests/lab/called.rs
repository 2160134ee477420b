//! Prosody calls domains that are hosted on our server; to answer, we call back and prove it.

use interop::{Document, Domain, Failure, Machine, Run};
use posh::Profile;

use crate::check::{expect, prosody_proved};
use crate::scenario::Outcome::{self, Proved, Refused, Unknown};
use crate::scenario::{FINGERPRINTS, Proof, Scenario};

#[rustfmt::skip]
pub(crate) const SCENARIOS: &[Scenario] = &[
    call("prosody_and_we_prove_each_other_by_posh", hosted("calling.example", FINGERPRINTS), served("served.example"), POSH),
    call("prosody_and_we_prove_each_other_over_direct_tls", hosted("calling-tls.example", FINGERPRINTS).direct(), served("served-tls.example").direct(), POSH),
    call("a_caller_whose_document_lists_another_is_refused", hosted("impostor.example", Document::Another(Profile::Rfc7711)), served("served.example"), Refused("posh-fingerprint-mismatch")),
    call("prosody_and_we_have_ordinary_certificates", Domain::ordinary(Machine::Prosody, "pkix-calling.example"), Domain::ordinary(Machine::Server, "pkix-served.example"), Proved(Proof::Pkix)),
];

const POSH: Outcome = Proved(Proof::Posh);

const fn hosted(name: &'static str, document: Document) -> Domain {
    Domain::hosted(Machine::Prosody, name, document)
}

const fn served(name: &'static str) -> Domain {
    Domain::hosted(Machine::Server, name, FINGERPRINTS)
}

const fn call(name: &'static str, from: Domain, to: Domain, outcome: Outcome) -> Scenario {
    Scenario::new(name, from, to, outcome)
}

pub(crate) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let pinged = run.prosody_pings(from.machine, from.name, to.name).await?;
    let answered = pinged.stdout.contains(&format!("pong from {}", to.name));
    match outcome {
        Proved(proof) => {
            expect(answered, || format!("no pong: {pinged:?}"))?;
            prosody_proved(run, from.machine, to, *proof).await
        }
        Refused(_) | Unknown(_) => expect(!answered, || format!("a pong: {pinged:?}")),
    }
}
