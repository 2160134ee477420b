//! We call domains that are hosted on Prosody; to answer, Prosody calls back and proves us.

use std::time::Duration;

use posh::Profile::{Draft02, Rfc7711};

use super::Outcome::{self, NotProved, Proved, Refused, Unknown};
use super::check::{expect, prosody_is_content, prosody_proved, prosody_refused, published};
use super::check::{stream_in, web_was_asked, well_known};
use super::{ANOTHER, FINGERPRINTS, Proof, Scenario};
use crate::domain::Certificate::{Expired, SelfSigned};
use crate::domain::Document::{self, Absent, Another, Direct, Reference, Withdrawn};
use crate::domain::{Domain, Transport, WebHost};
use crate::machine::Machine;
use crate::ping::{Ping, Side};
use crate::run::{Failure, Run};

const CALLER: Domain = Domain::hosted(Machine::Caller, "caller.example", FINGERPRINTS);
const PKIX_CALLER: Domain = Domain::ordinary(Machine::Caller, "pkix-caller.example");
const PKIX: Domain = Domain::ordinary(Machine::Prosody, "pkix.example");
const CALLED: Domain = hosted("called.example", FINGERPRINTS);
const REFUSING: Domain = hosted("refusing.example", FINGERPRINTS);
/// What a lookup may take, and as much again for a machine that has other things to do.
const LOOKUP: Duration = Duration::from_secs(10 + 10);
/// What one takes at least where the web host is slow.
const SLOW: Duration = Duration::from_secs(1);
const MISMATCH: Outcome = Refused("posh-fingerprint-mismatch");

/// A row for each domain that is called: its name, what it publishes, and what comes of it.
pub(super) const SCENARIOS: &[Scenario] = &[
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
    call(
        "a_listed_other_certificate_is_refused_over_direct_tls",
        direct("other-print-tls.example", Another(Rfc7711)),
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
        hosted("untrusted.example", FINGERPRINTS).behind(WebHost::Untrusted),
        Unknown("posh-https-untrusted"),
    ),
    Scenario::new(
        "prosody_proves_us_by_a_reference",
        ours("caller-url.example", Reference(Rfc7711)),
        CALLED,
        Proved(Proof::Posh),
    ),
    Scenario::new(
        "prosody_refuses_us_and_we_say_so",
        ours("caller-unlisted.example", ANOTHER),
        REFUSING,
        NotProved,
    ),
    proved(
        "a_self_signed_certificate_that_is_listed_proves_it",
        hosted("self-signed.example", FINGERPRINTS).showing(SelfSigned),
    ),
    Scenario::new(
        "prosody_proves_us_by_a_self_signed_certificate_that_is_listed",
        ours("caller-self-signed.example", FINGERPRINTS).showing(SelfSigned),
        CALLED,
        Proved(Proof::Posh),
    ),
    call(
        "an_expired_certificate_that_is_listed_is_refused",
        hosted("expired.example", FINGERPRINTS).showing(Expired),
        Refused("cert-expired"),
    ),
    Scenario::new(
        "prosody_refuses_our_expired_certificate_although_it_is_listed",
        ours("caller-expired.example", FINGERPRINTS).showing(Expired),
        REFUSING,
        NotProved,
    ),
    call(
        "a_withdrawn_document_is_refused",
        hosted("withdrawn.example", Withdrawn),
        Refused("posh-expires-zero"),
    ),
    Scenario::new(
        "prosody_refuses_us_when_our_document_is_withdrawn",
        ours("caller-withdrawn.example", Withdrawn),
        REFUSING,
        NotProved,
    ),
    call(
        "a_web_host_that_is_down_proves_nothing",
        hosted("down.example", FINGERPRINTS).behind(WebHost::Down),
        Unknown("posh-unreachable"),
    ),
    Scenario::new(
        "prosody_refuses_us_when_our_web_host_is_down",
        ours("caller-down.example", FINGERPRINTS).behind(WebHost::Down),
        REFUSING,
        NotProved,
    ),
    proved(
        "a_slow_web_host_proves_it_all_the_same",
        hosted("slow.example", FINGERPRINTS).behind(WebHost::Slow),
    ),
    Scenario::new(
        "prosody_proves_us_although_our_web_host_is_slow",
        ours("caller-slow.example", FINGERPRINTS).behind(WebHost::Slow),
        CALLED,
        Proved(Proof::Posh),
    ),
    call(
        "a_silent_web_host_proves_nothing",
        hosted("silent.example", FINGERPRINTS).behind(WebHost::Silent),
        Unknown("posh-timeout"),
    ),
    Scenario::new(
        "prosody_refuses_us_when_our_web_host_is_silent",
        ours("caller-silent.example", FINGERPRINTS).behind(WebHost::Silent),
        REFUSING,
        NotProved,
    ),
    call(
        "a_sub_domain_needs_a_document_of_its_own",
        hosted("conference.prints.example", Absent),
        Refused("posh-not-published"),
    )
    .below(hosted("prints.example", FINGERPRINTS)),
    Scenario::new("an_ordinary_certificate_proves_it", PKIX_CALLER, PKIX, Proved(Proof::Pkix)),
];

const fn ours(name: &'static str, document: Document) -> Domain {
    Domain::hosted(Machine::Caller, name, document)
}

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

pub(super) async fn play(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, outcome, .. } = scenario;
    let ping = run.ping(from.name, to.name).await?;
    if let Some(parent) = scenario.parent {
        parent_does_not_count(&ping, to, &parent)?;
    }
    match outcome {
        Proved(proof) => {
            we_proved(&ping, to, *proof, &run.digest(to)?)?;
            proved_us(run, scenario, *proof).await?;
        }
        Refused(code) | Unknown(code) => {
            we_refused(&ping, *outcome, code)?;
            heard_nothing(run, scenario).await?;
            prosody_is_content(run, to, from).await?;
        }
        NotProved => {
            we_were_refused(&ping, &run.digest(to)?)?;
            prosody_refused(run, scenario, to, from).await?;
        }
    }
    match (outcome, to.web) {
        (Proved(Proof::Pkix), _) => Ok(()),
        (_, WebHost::Untrusted) => web_was_not_trusted(run, from, to).await,
        (_, WebHost::Slow) => {
            let lookup = ping.elapsed(Side::Outbound, "posh");
            expect(lookup >= SLOW, || format!("the lookup took no more than {lookup:?}"))?;
            web_was_asked(run, from.machine, to).await
        }
        (_, WebHost::Up | WebHost::Silent | WebHost::Down) => {
            web_was_asked(run, from.machine, to).await
        }
    }
}

/// Our trails say that the peer proved itself on both streams, and by what.
pub(super) fn we_proved(
    ping: &Ping,
    to: &Domain,
    proof: Proof,
    digest: &str,
) -> Result<(), Failure> {
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

pub(super) fn we_refused(ping: &Ping, outcome: Outcome, code: &str) -> Result<(), Failure> {
    let lookup = ping.elapsed(Side::Outbound, "posh");
    expect(lookup <= LOOKUP, || format!("the lookup took {lookup:?}"))?;
    let status = if matches!(outcome, Unknown(_)) { 4 } else { 1 };
    let conclusion = ping.conclusion(Side::Outbound);
    expect(ping.status == status && conclusion == Some(code), || format!("not {code}: {ping:?}"))
}

/// Our trail says that the peer proved itself and refused us, and in the peer's words why.
pub(super) fn we_were_refused(ping: &Ping, digest: &str) -> Result<(), Failure> {
    we_refused(ping, NotProved, "stream-refused")?;
    let proved = ping.details(Side::Outbound, "posh-match").concat();
    expect(proved.contains(digest), || format!("not of {digest}: {proved}"))?;
    let said = ping.details(Side::Outbound, "stream-refused").concat();
    expect(said.contains("not-authorized"), || format!("not what it said: {said}"))
}

/// Our trail says where a document should be, and where it is of no use.
fn parent_does_not_count(ping: &Ping, to: &Domain, parent: &Domain) -> Result<(), Failure> {
    let said = ping.details(Side::Outbound, "posh-not-published").concat();
    let words = [format!("https://{}/", to.name), format!("one of {} does not", parent.name)];
    let told = words.iter().all(|words| said.contains(words));
    expect(told, || format!("not all of {words:?}: {said}"))
}

/// Prosody took our stream, and proved us on its own.
async fn proved_us(run: &Run<'_>, scenario: &Scenario, proof: Proof) -> Result<(), Failure> {
    let Scenario { from, to, .. } = scenario;
    prosody_proved(run, to, from, proof).await?;
    let [by, at] = [format!("from='{}'", to.name), format!("to='{}'", from.name)];
    run.hear_line(to.machine, &["Sending[s2sout]: <iq", "type='result'", &by, &at]).await?;
    let complete = format!("Incoming s2s connection {}->{} complete", from.name, to.name);
    let stream = stream_in(run, from, to, &complete).await?;
    let asked = stream.iter().any(|line| line.contains("<starttls"));
    expect(asked == (to.transport == Transport::Starttls), || {
        format!("not over {:?}", to.transport)
    })
}

/// Prosody got one connection, on it headers, a request for TLS where it was due, and the closing
/// tag, and nothing else.
async fn heard_nothing(run: &Run<'_>, scenario: &Scenario) -> Result<(), Failure> {
    let Scenario { from, to, .. } = scenario;
    stream_in(run, from, to, "Received </stream:stream>").await?;
    let log = run.heard(to.machine)?;
    let connections = log.lines().filter(|line| line.ends_with("Incoming s2s connection")).count();
    expect(connections == 1, || format!("{connections} connections: {log}"))?;
    let received: Vec<&str> = log.lines().filter(|line| line.contains("Received[s2sin")).collect();
    let due = match to.transport {
        Transport::Starttls => 1,
        Transport::Direct => 0,
    };
    let only = received.iter().all(|line| line.contains("_unauthed]: <starttls "));
    expect(only && received.len() == due, || format!("not just TLS was asked for: {received:?}"))
}

/// We broke the handshake off and asked for nothing; Prosody's question about us came later.
async fn web_was_not_trusted(run: &Run<'_>, from: &Domain, to: &Domain) -> Result<(), Failure> {
    let client = format!("client: {}", run.address(from.machine));
    run.hear_line(Machine::Web, &["SSL_do_handshake() failed", "unknown ca", &client]).await?;
    let later = format!("{} GET {} 200", run.address(to.machine), well_known(from, Rfc7711));
    let log = run.hear(Machine::Web, &[&later]).await?;
    let asked = log.contains(&format!("https://{}/", to.name));
    expect(!asked, || format!("{} was asked all the same", to.name))
}
