//! A person on Prosody talks to domains that are hosted on our server.

use super::Outcome::{NotProved, Proved, Refused, Unknown};
use super::called::{both_proved, told_why};
use super::check::{prosody_refused, server_is_content};
use super::{FINGERPRINTS, Proof, Scenario};
use crate::domain::{Document, Domain, Person};
use crate::machine::Machine;
use crate::run::{Failure, Run};

const PEOPLE: Domain =
    Domain::hosted(Machine::Prosody, "people.example", FINGERPRINTS).home_of(Person::Juliet);
const HOUSE: Domain = Domain::hosted(Machine::Server, "house.example", FINGERPRINTS);
const LINE: &str = "Art thou not Romeo, and a Montague?";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "a_person_gets_an_answer_from_a_hosted_domain",
        PEOPLE,
        HOUSE,
        Proved(Proof::Posh),
    )
    .by_message(),
    Scenario::new(
        "a_person_gets_an_answer_through_a_sub_domain_with_a_document_of_its_own",
        // Our server keeps what it has found about the first.
        Domain::hosted(Machine::Prosody, "more-people.example", FINGERPRINTS)
            .home_of(Person::Juliet),
        Domain::hosted(Machine::Server, "conference.house.example", FINGERPRINTS),
        Proved(Proof::Posh),
    )
    .by_message()
    .below(HOUSE),
    Scenario::new(
        "a_person_is_told_why_a_sub_domain_without_a_document_is_out_of_reach",
        PEOPLE,
        Domain::hosted(Machine::Server, "conference.hall.example", Document::Absent),
        NotProved,
    )
    .by_message()
    .below(Domain::hosted(Machine::Server, "hall.example", FINGERPRINTS)),
    Scenario::new(
        "a_person_is_told_why_we_refuse_their_domain",
        Domain::hosted(Machine::Prosody, "recluses.example", Document::Absent)
            .home_of(Person::Juliet),
        HOUSE,
        Refused("posh-not-published"),
    )
    .by_message(),
];

pub(super) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, parent, .. } = scenario;
    match (outcome, parent) {
        (Proved(proof), _) => {
            answered(run, from, to).await?;
            both_proved(run, from, to, *proof).await
        }
        (NotProved, parent) => {
            if let Some(parent) = parent {
                answered(run, from, parent).await?;
            }
            returned(run, from, to, "certificate is not valid for this name").await?;
            prosody_refused(run, scenario, from, to).await?;
            server_is_content(run, to, from).await
        }
        (Refused(code) | Unknown(code), _) => {
            returned(run, from, to, code).await?;
            told_why(run, scenario).await
        }
    }
}

/// The person writes with one client, which is gone when our server is woken; so the answer comes
/// to the other one.
async fn answered(run: &Run<'_>, from: &Domain, to: &Domain) -> Result<(), Failure> {
    let echo = format!("echo@{}", to.name);
    let listening = run.listen(from).await?;
    run.while_held(to.machine, run.say(from, &echo, LINE)).await?;
    run.see(&listening, &[&format!("{echo}: {LINE}")]).await.map(drop)
}

/// What the person has written comes back as an error, with a text that has `why` in it.
async fn returned(run: &Run<'_>, from: &Domain, to: &Domain, why: &str) -> Result<(), Failure> {
    let echo = format!("echo@{}", to.name);
    let asking = run.ask(from, &echo, LINE).await?;
    let sender = format!("from='{echo}'");
    run.see(&asking, &["<message", &sender, "type='error'", "<text", why]).await.map(drop)
}
