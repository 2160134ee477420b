//! `verify`: compares a certificate with documents, without any network.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use posh::{
    FetchError, Finding, Limits, Lookup, Materials, Profile, Progress, Published, Response, Service,
};
use poshctl::page::OutputError;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use url::Url;
use xmpp_s2s::{Code, Domain, Evidence, Pair, Policy, Prooftype, Step, Trail, Verdict};
use xmpp_s2s_proto::dna::{Authenticator, Presented};

use crate::certificates::{self, CertificateError, Summary};
use crate::cli::{Options, VerifyArguments};
use crate::ending::Ending;
use crate::output;
use crate::profile::{self, UnknownProfile, profile};
use crate::report::Report;

/// Compares, and prints what came out.
pub(crate) fn run(arguments: &VerifyArguments, options: &Options) -> Result<Ending, VerifyError> {
    let chain = certificates::chain(&arguments.cert)?;
    let profile = profile(arguments.profile, &arguments.documents[0].to_string_lossy())?;
    let now = options.clock.unwrap_or_else(UnixTime::now);
    let published = published(arguments, profile, now)?;

    let trail = judge(&chain, &arguments.domain, published, now);
    let warnings = certificates::remarks(&chain[0], now);
    let verdict = trail.conclusion().map_or(Verdict::Unknown, |code| code.verdict());
    let outcome = Ending::of(verdict, &warnings, arguments.strict);
    let certificates = Summary::of(&chain[0], now).into_iter().collect();
    let report = Report { trail, outcome, certificates, external: None, warnings };
    let word = profile::word(profile);
    output::report(options, &report, |page| {
        report.text(page, &format!("{}  ({word}, from files)", arguments.domain))
    })?;
    Ok(outcome)
}

/// What the domain would be found to publish.
fn published(
    arguments: &VerifyArguments,
    profile: Profile,
    now: UnixTime,
) -> Result<Published, VerifyError> {
    let source = arguments.domain.to_dns();
    let mut lookup = match Lookup::new(source, &Service::XMPP_SERVER, profile, Limits::default()) {
        Ok(lookup) => lookup,
        Err(error) => return Ok(Published::Unknown(Arc::new(error.into()))),
    };
    for path in &arguments.documents {
        let body =
            certificates::read(path).map_err(|error| VerifyError::Read(path.clone(), error))?;
        let response = Response { status: 200, location: None, content_type: None, body: &body };
        match lookup.handle(&response, now) {
            Ok(Progress::Continue(next)) => lookup = next,
            Ok(Progress::Done(materials)) => return Ok(found(materials)),
            Err(error) => return Ok(Published::Unknown(Arc::new(FetchError::from(error)))),
        }
    }
    Err(VerifyError::Reference(lookup.target().clone()))
}

fn found(materials: Option<Materials>) -> Published {
    materials.map_or(Published::Absent, |materials| Published::Found(Arc::new(materials)))
}

/// Asks the gate that every connection passes, by POSH alone.
fn judge(
    chain: &[CertificateDer<'_>],
    domain: &Domain,
    published: Published,
    now: UnixTime,
) -> Trail {
    let pair = Pair { local: domain.clone(), remote: domain.clone() };
    let mut trail = Trail::new(pair.clone());
    let mut evidence = Evidence::default();
    evidence.posh = Some(published.clone());
    trail.record(Step::posh(domain, &Finding::fetched(published, Instant::now()), Duration::ZERO));

    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let gate = Authenticator::new([], algorithms);
    let policy = Policy::new([Prooftype::Posh]);
    // There was no handshake: it says what there would be to say after one.
    let presented = Presented::after_handshake(chain);
    let judged = match gate.authenticate(presented.as_ref(), &pair, &evidence, &policy, now) {
        Ok(association) => association.trail().clone(),
        Err(rejection) => rejection.trail,
    };
    // That nothing else counts is what `verify` is about, and no finding.
    let steps = judged.steps().iter().filter(|step| step.code != Code::PkixNotAllowed);
    steps.for_each(|step| trail.record(step.clone()));
    judged.conclusion().into_iter().for_each(|code| trail.conclude(code));
    trail
}

/// Why there is nothing to compare.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    /// Nobody can read what came out.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The certificate could not be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A document could not be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It is not known how to read the document.
    #[error(transparent)]
    Profile(#[from] UnknownProfile),
    /// The list of certificates is elsewhere.
    #[error("the document points to {0}, give what is there with another --doc")]
    Reference(Url),
}
