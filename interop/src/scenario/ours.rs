//! Two servers of ours, both hosted.

use super::Outcome::{NotProved, Proved, Refused, Unknown};
use super::calling::{we_proved, we_refused, we_were_refused};
use super::check::{expect, server_is_content, server_proved, we_decided, web_was_asked};
use super::{ANOTHER, FINGERPRINTS, Proof, Scenario};
use crate::domain::Domain;
use crate::machine::Machine;
use crate::ping::Side;
use crate::run::{Failure, Run};

const CALLER: Domain = Domain::hosted(Machine::Caller, "caller.example", FINGERPRINTS);
const SERVED: Domain = Domain::hosted(Machine::Server, "served.example", FINGERPRINTS);
const MISMATCH: &str = "posh-fingerprint-mismatch";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "two_servers_of_ours_prove_each_other_by_posh",
        CALLER,
        SERVED,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "two_servers_of_ours_prove_each_other_over_direct_tls",
        Domain::hosted(Machine::Caller, "caller-tls.example", FINGERPRINTS).direct(),
        Domain::hosted(Machine::Server, "served-tls.example", FINGERPRINTS).direct(),
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "one_of_our_servers_refuses_another_that_is_not_listed",
        CALLER,
        Domain::hosted(Machine::Server, "unlisted.example", ANOTHER),
        Refused(MISMATCH),
    ),
    Scenario::new(
        "one_of_our_servers_is_told_that_it_is_not_listed",
        Domain::hosted(Machine::Caller, "caller-unlisted.example", ANOTHER),
        SERVED,
        NotProved,
    ),
];

pub(super) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let ping = run.ping(from.name, to.name).await?;
    match outcome {
        Proved(proof) => {
            we_proved(&ping, to, *proof, &run.digest(to)?)?;
            server_proved(run, to, from, *proof).await?;
        }
        Refused(code) | Unknown(code) => {
            we_refused(&ping, *outcome, code)?;
            server_is_content(run, to, from).await?;
        }
        NotProved => {
            we_were_refused(&ping, &run.digest(to)?)?;
            let said = ping.details(Side::Outbound, "stream-refused").concat();
            expect(said.contains(MISMATCH), || format!("not why: {said}"))?;
            let words = ["outcome=\"refused\"", MISMATCH, &run.digest(from)?];
            we_decided(run, "inbound", to, from, &words).await?;
            web_was_asked(run, to.machine, from).await?;
        }
    }
    web_was_asked(run, from.machine, to).await
}
