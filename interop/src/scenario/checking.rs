//! `poshctl` makes what the web hosts serve, and says of every domain what the lab knows of it.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use posh::Profile;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::check::{expect, well_known};
use super::{FINGERPRINTS, Outcome, Proof, Scenario};
use crate::domain::{Certificate, Document, Domain, WebHost};
use crate::machine::Machine;
use crate::program;
use crate::run::{Failure, Run};

/// With each of them alone there is a domain of either kind to look at.
const HOSTED: Domain = Domain::hosted(Machine::Prosody, "looked-at.example", FINGERPRINTS);
const ORDINARY: Domain = Domain::ordinary(Machine::Prosody, "pkix.example");

pub(super) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "poshctl_makes_the_documents_and_says_what_is_true_of_every_domain",
    ORDINARY,
    HOSTED,
    Outcome::Proved(Proof::Posh),
)
.by_looking()];

pub(super) async fn play(run: &Run<'_>) -> Result<(), Failure> {
    let poshctl = program::build("poshctl").await?;
    for domain in run.domains() {
        if let Document::Direct(profile) = domain.document {
            publish(run, &poshctl, domain, profile).await?;
        }
    }
    let mut wrong = Vec::new();
    for domain in run.domains() {
        wrong.extend(check(run, &poshctl, domain).await?);
    }
    expect(wrong.is_empty(), || wrong.join("; "))
}

/// Makes what the web host of `domain` serves, where it serves it from, in place of what the lab
/// made.
async fn publish(
    run: &Run<'_>,
    poshctl: &Path,
    domain: &Domain,
    profile: Profile,
) -> Result<(), Failure> {
    let made = well_known(domain, profile).replacen("https://", "documents/", 1);
    let removed = fs::remove_file(run.file(Machine::Web, &made));
    expect(removed.is_ok(), || format!("cannot remove {made}: {removed:?}"))?;
    let certificate = run.file(domain.machine, &format!("certs/{}.crt", domain.name));
    let root = run.file(Machine::Web, &format!("documents/{}", domain.name));
    let format = match profile {
        Profile::Draft02 => "draft02",
        _ => "rfc7711",
    };
    let mut generating = Command::new(poshctl);
    generating.args(["gen", "--format", format, "--expires", "1d", "--pem"]).arg(certificate);
    let output = end(poshctl, generating.arg("--out").arg(root)).await?;
    expect(output.status.success(), || format!("no document for {}: {output:?}", domain.name))
}

/// Looks at a domain; gives what is said of it that is not so.
async fn check(run: &Run<'_>, poshctl: &Path, domain: &Domain) -> Result<Option<String>, Failure> {
    let mut command = Command::new(poshctl);
    command.args(["check", domain.name, "--json", "--resolver"]);
    command.arg(run.address(Machine::Dns).to_string());
    command.args(["--allow-network", &run.network().to_string()]);
    for authority in ["xmpp-ca.pem", "web-ca.pem"] {
        command.arg("--cacert").arg(run.file(Machine::Prosody, authority));
    }
    let output = end(poshctl, &mut command).await?;
    let report: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let said = report.as_ref().and_then(|report| report["conclusion"].as_str());
    let (status, code) = known(domain);
    if (output.status.code(), said) == (Some(status), Some(code)) {
        return Ok(None);
    }
    run.keep(&format!("{}.json", domain.name), &String::from_utf8_lossy(&output.stdout));
    Ok(Some(format!("{}: {said:?} ({}), expected {code}", domain.name, output.status)))
}

async fn end(poshctl: &Path, command: &mut Command) -> Result<Output, Failure> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let ended = timeout(Run::COMMAND, output).await;
    let endless = || Failure::Unexpected(format!("{command:?} did not end"));
    ended.map_err(|_| endless())?.map_err(|why| Failure::Start(poshctl.to_owned(), why))
}

/// What the lab knows of a domain: the exit code, and the word for why.
fn known(domain: &Domain) -> (i32, &'static str) {
    use WebHost::{Down, Silent, Slow, Untrusted, Up};
    match (domain.machine, domain.certificate, domain.web, domain.document) {
        // It listens only while it pings.
        (Machine::Caller, ..) => (4, "tcp-unreachable"),
        (_, Certificate::Own, ..) => (0, "pkix-match"),
        (_, _, Down, _) => (4, "posh-unreachable"),
        (_, _, Silent, _) => (4, "posh-timeout"),
        (_, _, Untrusted, _) => (4, "posh-https-untrusted"),
        (_, _, Up | Slow, Document::Absent) => (1, "posh-not-published"),
        (_, _, Up | Slow, Document::Withdrawn) => (1, "posh-expires-zero"),
        (_, _, Up | Slow, Document::Another(_)) => (1, "posh-fingerprint-mismatch"),
        (_, Certificate::Expired, Up | Slow, _) => (1, "cert-expired"),
        (_, _, Up | Slow, Document::Direct(_) | Document::Reference(_)) => (0, "posh-match"),
    }
}
