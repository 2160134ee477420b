//! `ref`: makes a document that points to that of another host.

use posh::Profile;
use posh::publish::{self, PublishError};
use thiserror::Error;

use crate::cli::{Options, RefArguments};
use crate::ending::Ending;
use crate::generate::{DeliverError, Document, deliver};
use crate::output::warn;
use crate::warning::{Remark, Warning};

/// Makes the document and delivers it.
pub(crate) fn run(arguments: &RefArguments, options: &Options) -> Result<Ending, RefError> {
    let RefArguments { url, expires, format, place } = arguments;
    let profile = Profile::from(*format);
    let text = publish::reference(url, profile, *expires).map_err(RefError::Publish)?;
    let remark = || Remark::new(Warning::CompatProsody, format!("it points to {url}"));
    let remarks: Vec<_> = (profile == Profile::Rfc7711).then(remark).into_iter().collect();
    warn(options, &remarks);
    deliver(vec![Document { profile, text }], place, options)?;
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
