//! `check`: goes the whole way to a domain, and says what happened and what it comes to.

use posh::{Materials, Profile, Published};
use poshctl::page::OutputError;
use rustls_pki_types::UnixTime;
use thiserror::Error;
use xmpp_s2s::{Code, ConfigError, Domain, Endpoint, Pair, Phase, Sights, Trail, Verdict, Visit};

use crate::certificates::{self, Summary};
use crate::cli::{CheckArguments, Network, Options};
use crate::ending::Ending;
use crate::identity::{IdentityError, Shown};
use crate::network::{self, NetworkError};
use crate::output;
use crate::report::{External, Report};
use crate::warning::{Remark, Warning};

/// Goes there, and prints what came out.
pub(crate) async fn run(
    arguments: &CheckArguments,
    options: &Options,
) -> Result<Ending, CheckError> {
    if options.clock.is_some() {
        return Err(CheckError::Clock);
    }
    let shown = match &arguments.identity {
        Some(identity) => Shown::load(identity)?,
        None => Shown::made_up()?,
    };
    let external = match &arguments.identity {
        Some(_) => External::Tested,
        None => External::NotTested,
    };
    let visit = visit(&arguments.domain, shown, &options.network).await?;
    let report = judge(visit, external, arguments.strict);
    output::report(options, &report, |page| {
        report.text(page, &format!("{}  (service xmpp-server)", arguments.domain))
    })?;
    Ok(report.outcome)
}

async fn visit(remote: &Domain, shown: Shown, network: &Network) -> Result<Visit, CheckError> {
    let pair = Pair { local: shown.domain.clone(), remote: remote.clone() };
    let config = network::config(network, shown, network::roots(network)?)?;
    let endpoint = Endpoint::new(config).map_err(Box::new)?;
    Ok(endpoint.visit(&pair).await)
}

fn judge(visit: Visit, external: External, strict: bool) -> Report {
    let Visit { trail, sights, .. } = visit;
    let trail = match external {
        External::Tested => trail,
        External::NotTested => without_external(&trail),
    };
    let verdict = trail.conclusion().map_or(Verdict::Unknown, Code::verdict);
    let now = UnixTime::now();
    let warnings = if verdict == Verdict::Passed { remarks(&trail, &sights, now) } else { vec![] };
    let end_entities = sights.end_entities.iter();
    Report {
        outcome: Ending::of(verdict, &warnings, strict),
        trail,
        certificates: end_entities.filter_map(|leaf| Summary::of(leaf, now)).collect(),
        external: Some(external),
        warnings,
    }
}

/// What the peer thinks of whom nobody knows says nothing of the peer: a proof is the end then.
fn without_external(trail: &Trail) -> Trail {
    let mut judged = Trail::new(trail.pair().clone());
    let (mut proof, mut proved_here) = (None, false);
    for step in trail.steps() {
        match (step.phase, step.code.verdict()) {
            (Phase::Tcp, _) => proved_here = false,
            (Phase::Pkix | Phase::PoshMatch, Verdict::Passed) => {
                proved_here = true;
                proof.get_or_insert(step.code);
            }
            _ if proved_here => continue,
            _ => {}
        }
        judged.record(step.clone());
    }
    proof.or_else(|| trail.conclusion()).into_iter().for_each(|code| judged.conclude(code));
    judged
}

/// What there is to say of a domain that would be accepted.
fn remarks(trail: &Trail, sights: &Sights, now: UnixTime) -> Vec<Remark> {
    let mut remarks: Vec<_> =
        sights.end_entities.iter().flat_map(|leaf| certificates::remarks(leaf, now)).collect();
    let by_posh = trail.steps().iter().any(|step| step.code == Code::PoshMatch);
    if let (true, Some(Published::Found(materials))) = (by_posh, &sights.published) {
        remarks.extend(compatibility(materials));
    }
    if sights.end_entities.len() > 1 && sights.end_entities.len() > proofs(trail) {
        let detail = format!("it has {} certificates in use", sights.end_entities.len());
        remarks.push(Remark::new(Warning::TargetUnproved, detail));
    }
    remarks.dedup();
    remarks
}

fn proofs(trail: &Trail) -> usize {
    let is_proof = |code| matches!(code, Code::PkixMatch | Code::PoshMatch);
    trail.steps().iter().filter(|step| is_proof(step.code)).count()
}

/// What others may stumble over in what proved the domain to us.
fn compatibility(materials: &Materials) -> Option<Remark> {
    match (materials.profile(), materials.walked()) {
        (Profile::Draft02, _) => {
            let url = materials.walked().first()?;
            Some(Remark::new(Warning::CompatDraft02, format!("it is at {url}")))
        }
        (_, [first, .., last]) => {
            let detail = format!("{first} leads to {last}");
            Some(Remark::new(Warning::CompatProsody, xmpp_s2s::printable(&detail)))
        }
        _ => None,
    }
}

/// Why nobody was asked.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// The handshakes take place now.
    #[error("check takes the time of this machine, --clock is for gen, lint and verify")]
    Clock,
    /// Nobody can read what came out.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// There is nothing to show.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What is asked for cannot be had here.
    #[error(transparent)]
    Config(#[from] Box<ConfigError>),
}

#[cfg(test)]
mod tests;
