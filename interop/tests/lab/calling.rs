//! We call domains that are hosted on Prosody; to answer, Prosody calls back and proves us.

use interop::Document::{Absent, Another, Direct, Reference};
use interop::{Document, Domain, Failure, Machine, Ping, Run, Side, Transport, WebAuthority};
use posh::Profile::{Draft02, Rfc7711};

use crate::check::{expect, prosody_proved, published, stream_in, web_was_asked};
use crate::scenario::Outcome::{self, Proved, Refused, Unknown};
use crate::scenario::{FINGERPRINTS, Proof, Scenario};

const CALLER: Domain = Domain::hosted(Machine::Caller, "caller.example", FINGERPRINTS);
const PKIX_CALLER: Domain = Domain::ordinary(Machine::Caller, "pkix-caller.example");

/// A row for each domain that is called: its name, what it publishes, and what comes of it.
pub(crate) const SCENARIOS: &[Scenario] = &[
    proved("a_draft_key_set_proves_it", hosted("keys.example", Direct(Draft02))),
    proved(
        "a_draft_key_set_proves_it_over_direct_tls",
        direct("keys-tls.example", Direct(Draft02)),
    ),
    proved("a_draft_reference_proves_it", hosted("keys-url.example", Reference(Draft02))),
    proved(
        "a_draft_reference_proves_it_over_direct_tls",
        direct("keys-url-tls.example", Reference(Draft02)),
    ),
    proved("fingerprints_prove_it", hosted("prints.example", Direct(Rfc7711))),
    proved("fingerprints_prove_it_over_direct_tls", direct("prints-tls.example", Direct(Rfc7711))),
    proved("a_reference_proves_it", hosted("prints-url.example", Reference(Rfc7711))),
    proved(
        "a_reference_proves_it_over_direct_tls",
        direct("prints-url-tls.example", Reference(Rfc7711)),
    ),
    call(
        "a_listed_other_certificate_is_refused",
        hosted("other-print.example", Another(Rfc7711)),
        MISMATCH,
    ),
    call("a_listed_other_key_is_refused", hosted("other-key.example", Another(Draft02)), MISMATCH),
    call(
        "a_domain_without_document_is_refused",
        hosted("absent.example", Absent),
        Refused("posh-not-published"),
    ),
    call(
        "an_untrusted_web_host_proves_nothing",
        hosted("untrusted.example", FINGERPRINTS).untrusted(),
        Unknown("posh-https-untrusted"),
    ),
    Scenario::new("an_ordinary_certificate_proves_it", PKIX_CALLER, PKIX, Proved(Proof::Pkix)),
];

const PKIX: Domain = Domain::ordinary(Machine::Prosody, "pkix.example");
const MISMATCH: Outcome = Refused("posh-fingerprint-mismatch");

const fn hosted(name: &'static str, document: Document) -> Domain {
    Domain::hosted(Machine::Prosody, name, document)
}

const fn direct(name: &'static str, document: Document) -> Domain {
    hosted(name, document).direct()
}

const fn proved(name: &'static str, domain: Domain) -> Scenario {
    call(name, domain, Proved(Proof::Posh))
}

const fn call(name: &'static str, domain: Domain, outcome: Outcome) -> Scenario {
    Scenario::new(name, CALLER, domain, outcome)
}

pub(crate) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let ping = run.ping(from.name, to.name).await?;
    match outcome {
        Proved(proof) => {
            we_proved(&ping, to, *proof, &run.digest(to)?)?;
            proved_us(run, scenario, *proof).await?;
        }
        Refused(code) | Unknown(code) => {
            we_refused(&ping, *outcome, code)?;
            heard_nothing(run, scenario).await?;
        }
    }
    match (outcome, to.web) {
        (Proved(Proof::Pkix), _) => Ok(()),
        (_, WebAuthority::Trusted) => web_was_asked(run, from.machine, to).await,
        (_, WebAuthority::Unknown) => web_was_not_trusted(run, from, to).await,
    }
}

/// Our trails say that the peer proved itself on both streams, and by what.
fn we_proved(ping: &Ping, to: &Domain, proof: Proof, digest: &str) -> Result<(), Failure> {
    expect(ping.status == 0, || format!("not accepted: {ping:?}"))?;
    let because = match proof {
        Proof::Posh => "posh-match",
        Proof::Pkix => "pkix-match",
    };
    for side in [Side::Outbound, Side::Inbound] {
        let proved = ping.details(side, because).iter().any(|detail| detail.contains(digest));
        expect(proved, || format!("no {because} of {digest}, {side:?}: {ping:?}"))?;
    }
    if proof == Proof::Posh {
        let found = ping.details(Side::Outbound, "posh-found").concat();
        let way = published(to).into_iter().filter(|(_, status)| *status == 200);
        for (url, _) in way {
            expect(found.contains(&url), || format!("{url} is not on the way: {found}"))?;
        }
    }
    Ok(())
}

fn we_refused(ping: &Ping, outcome: Outcome, code: &str) -> Result<(), Failure> {
    let status = if matches!(outcome, Unknown(_)) { 4 } else { 1 };
    let conclusion = ping.conclusion(Side::Outbound);
    expect(ping.status == status && conclusion == Some(code), || format!("not {code}: {ping:?}"))
}

/// Prosody took our stream, and proved us on its own.
async fn proved_us(run: &Run<'_>, scenario: &Scenario, proof: Proof) -> Result<(), Failure> {
    let Scenario { from, to, .. } = scenario;
    prosody_proved(run, to.machine, from, proof).await?;
    let complete = format!("Outgoing s2s connection {}->{} complete", to.name, from.name);
    run.hear(to.machine, &[&complete]).await?;
    let complete = format!("Incoming s2s connection {}->{} complete", from.name, to.name);
    let stream = stream_in(run, from, to, &complete).await?;
    let asked = stream.iter().any(|line| line.contains("<starttls"));
    expect(asked == (to.transport == Transport::Starttls), || {
        format!("not over {:?}", to.transport)
    })
}

/// Prosody got headers, a request for TLS and the closing tag, and nothing else.
async fn heard_nothing(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, .. } = scenario;
    let header = "Incoming s2s received <stream:stream";
    let once = ["Received[s2sin_unauthed]: <starttls ", "Received </stream:stream>"];
    let stream = stream_in(run, from, to, once[1]).await?;
    let received = stream.iter().filter(|line| line.to_lowercase().contains("received"));
    let (once, more): (Vec<&String>, Vec<&String>) = received
        .filter(|line| !line.contains(header))
        .partition(|line| once.iter().any(|may| line.contains(may)));
    expect(once.len() == 2 && more.is_empty(), || format!("not just these: {once:?} {more:?}"))
}

/// We broke the handshake off, and asked for nothing.
async fn web_was_not_trusted(run: &Run<'_>, from: &Domain, to: &Domain) -> Result<(), Failure> {
    let client = format!("client: {}", run.address(from.machine));
    let broken = ["SSL_do_handshake() failed", "unknown ca", &client];
    let log = run.hear_line(Machine::Web, &broken).await?;
    let asked = log.contains(&format!("https://{}/", to.name));
    expect(!asked, || format!("{} was asked all the same", to.name))
}
