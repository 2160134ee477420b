//! Looks at our own domains as others do, and tells what would be wrong for them, with the fix.
//!
//! It runs while the server serves already, and whatever it finds, the server goes on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};
use xmpp_s2s::{Domain, Endpoint, Prooftype, Standing};

use self::finding::{Finding, Severity};
use super::reach::{Reach, is_of_this_machine};

mod dns;
mod finding;
mod fix;
mod proof;
#[cfg(test)]
mod tests;

/// Most domains that are looked at at once.
const AT_ONCE: usize = 16;

/// Longest time for all of them.
const DEADLINE: Duration = Duration::from_secs(10 * 60);

/// What is checked, and against what.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) endpoint: Endpoint,
    pub(super) domains: Vec<(Domain, Arc<CertifiedKey>)>,
    pub(super) listening: Vec<SocketAddr>,
}

impl Check {
    /// Checks every domain, tells of each, and sums up.
    pub(super) async fn run(self) {
        let deadline = Instant::now() + DEADLINE;
        let reach = Arc::new(Reach::new(self.listening, is_of_this_machine));
        let mut outcomes = Outcomes::default();
        let mut under_way = JoinSet::new();
        for (domain, identity) in self.domains {
            if under_way.len() >= AT_ONCE {
                outcomes.add(under_way.join_next().await);
            }
            let (endpoint, reach) = (self.endpoint.clone(), reach.clone());
            under_way.spawn(async move {
                let standing = timeout_at(deadline, endpoint.standing(&domain)).await;
                let standing = standing.ok().flatten()?;
                let findings = findings(&standing, &identity, &reach).await;
                findings.iter().for_each(|finding| tell(&domain, finding));
                Some((domain, standing.prooftype, findings))
            });
        }
        while let Some(outcome) = under_way.join_next().await {
            outcomes.add(Some(outcome));
        }
        outcomes.tell();
    }
}

/// What is to be told of a domain that stands so, most important first.
async fn findings(standing: &Standing, identity: &CertifiedKey, reach: &Reach) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(leaf) = identity.cert.first() {
        findings.extend(proof::findings(standing, leaf));
    }
    findings.push(dns::finding(standing, reach).await);
    findings
}

/// The fix stands last and without quotes, so that what is to be published can be copied.
fn tell(domain: &Domain, finding: &Finding) {
    let Finding { severity, code, what, why, fix } = finding;
    match severity {
        Severity::Good => info!(%domain, code, why, "{what}"),
        Severity::Unclear => info!(%domain, code, why, %fix, "{what}"),
        Severity::Bad => warn!(%domain, code, why, %fix, "{what}"),
    }
}

/// What came of all domains.
#[derive(Debug, Default)]
struct Outcomes {
    domains: usize,
    bad: usize,
    unclear: usize,
    /// One that POSH proves: what it publishes is not for the domains below it.
    by_posh: Option<Domain>,
}

type Outcome = Option<(Domain, Option<Prooftype>, Vec<Finding>)>;

impl Outcomes {
    fn add(&mut self, outcome: Option<Result<Outcome, tokio::task::JoinError>>) {
        self.domains += 1;
        let Some(Ok(Some((domain, prooftype, findings)))) = outcome else {
            self.unclear += 1;
            return;
        };
        let has = |severity| findings.iter().any(|finding| finding.severity == severity);
        self.bad += usize::from(has(Severity::Bad));
        self.unclear += usize::from(!has(Severity::Bad) && has(Severity::Unclear));
        if prooftype == Some(Prooftype::Posh) {
            self.by_posh.get_or_insert(domain);
        }
    }

    /// What hosting companies forget first.
    fn hint(&self) -> Option<String> {
        let conference = format!("conference.{}", self.by_posh.as_ref()?);
        Some(format!(
            "sub-domains are domains of their own: {conference}, for example, needs a [[domain]], \
             and a POSH document of its own on https://{conference}"
        ))
    }

    fn tell(&self) {
        if let Some(hint) = self.hint() {
            info!("{hint}");
        }
        let Self { domains, bad, unclear, .. } = self;
        info!(domains, bad, unclear, "looked at our domains as others do");
    }
}
