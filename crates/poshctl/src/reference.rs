//! `ref`: makes documents that point to those of another host.

use posh::Profile;
use posh::publish::{self, PublishError};
use thiserror::Error;

use crate::cli::{Options, RefArguments};
use crate::ending::Ending;
use crate::generate::{DeliverError, Document, deliver};
use crate::output::warn;
use crate::warning::{Remark, Warning};

/// Makes the documents and delivers them.
pub(crate) fn run(arguments: &RefArguments, options: &Options) -> Result<Ending, RefError> {
    let RefArguments { url, expires, format, place } = arguments;
    let mut documents = Vec::new();
    for &profile in format.profiles(place) {
        let text = publish::reference(url, profile, *expires).map_err(RefError::Publish)?;
        documents.push(Document { profile, text });
    }
    let rfc7711 = documents.iter().any(|document| document.profile == Profile::Rfc7711);
    let remark = || Remark::new(Warning::CompatProsody, format!("it points to {url}"));
    warn(options, &rfc7711.then(remark).into_iter().collect::<Vec<_>>());
    deliver(documents, place, options)?;
    Ok(Ending::Accepted)
}

/// Why there is no reference.
#[derive(Debug, Error)]
pub(crate) enum RefError {
    /// Nobody would follow it.
    #[error("cannot make a document")]
    Publish(#[source] PublishError),
    /// It could not be put where it was to go.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
}
