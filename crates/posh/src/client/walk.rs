//! Walks the lookup of one profile to its end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls_pki_types::UnixTime;
use tokio::time::timeout;

use super::budget::{Charge, Origin, Visit};
use super::decision::Outcome;
use super::transport::{Answer, Transport};
use crate::FetchError;
use crate::lookup::{LONGEST_LIFETIME, Lookup, Progress, Response};

/// Walks lookups on one charge, within one time.
pub(super) struct Walker<'a> {
    pub(super) transport: &'a Transport,
    pub(super) charge: Option<Arc<Charge>>,
    pub(super) start: Instant,
}

impl Walker<'_> {
    /// Sends requests until the lookup is over, or the time since the start of the walker is.
    pub(super) async fn walk(&self, mut lookup: Lookup) -> Outcome {
        loop {
            let answer = match self.get(&lookup).await {
                Ok(answer) => answer,
                Err(error) => return Outcome::failed(error),
            };
            match step(lookup, &answer.response(), UnixTime::now()) {
                ControlFlow::Continue(next) => lookup = next,
                ControlFlow::Break(outcome) => return outcome,
            }
        }
    }

    async fn get(&self, lookup: &Lookup) -> Result<Answer, FetchError> {
        let url = lookup.target();
        let visit = self.charge.as_ref().map(|charge| Arc::new(Visit::new(charge)));
        if let (Some(visit), Some(host)) = (&visit, url.host_str()) {
            let host = Origin::Host(host.to_owned());
            visit.fetch_from(host, Instant::now()).map_err(FetchError::OverBudget)?;
        }
        let cannot_open = |error| FetchError::Local {
            url: url.clone(),
            error: Box::<reqwest::Error>::new(error),
        };
        let http = self.transport.open(visit).map_err(cannot_open)?;
        let answer = Answer::get(&http, url, lookup.accept(), &self.transport.limits);
        let left = self.transport.limits.timeout.saturating_sub(self.start.elapsed());
        let late = |_| FetchError::Timeout { url: url.clone() };
        timeout(left, answer).await.map_err(late)?
    }
}

/// Takes one response, and tells the ends apart that decide different things.
pub(super) fn step(
    lookup: Lookup,
    response: &Response<'_>,
    now: UnixTime,
) -> ControlFlow<Outcome, Lookup> {
    let is_referred = lookup.is_referred();
    let limits = *lookup.limits();
    let until = |lifetime: Duration| {
        UnixTime::since_unix_epoch(Duration::from_secs(
            now.as_secs().saturating_add(lifetime.min(LONGEST_LIFETIME).as_secs()),
        ))
    };
    ControlFlow::Break(match lookup.take(response, now) {
        Ok(Progress::Continue(next)) => return ControlFlow::Continue(next),
        Ok(Progress::Done(Some(materials))) => Outcome::Found(materials),
        Ok(Progress::Done(None)) => Outcome::Absent(until(limits.absent)),
        Err((error, _)) if !is_referred && error.is_not_json(response.body) => {
            Outcome::NotJson(error, until(limits.invalid))
        }
        Err((error, burnt)) => Outcome::Failed { error: error.into(), burnt },
    })
}
