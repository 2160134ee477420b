//! What reqwest's errors mean: who is to blame.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use url::Url;

use super::resolver::Veto;
use crate::{Budget, FetchError};

/// Finds what went wrong below reqwest, which wraps it several times.
pub(super) fn classify(url: &Url, error: reqwest::Error) -> FetchError {
    let url = url.clone();
    if let Some(veto) = cause::<Veto>(&error) {
        match veto {
            Veto::Forbidden => return FetchError::Refused { url },
            Veto::OverBudget => return FetchError::OverBudget(Budget::Host),
            Veto::NoAddress => {}
        }
    }
    match cause::<rustls::Error>(&error) {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => FetchError::WrongName { url },
        Some(tls @ rustls::Error::InvalidCertificate(_)) => {
            FetchError::Untrusted { url, error: Box::new(tls.clone()) }
        }
        Some(_) | None if error.is_timeout() => FetchError::Timeout { url },
        Some(_) | None => FetchError::Unreachable { url, error: Box::new(error.without_url()) },
    }
}

/// The first of the causes that is an `E`.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = below(error);
    }
    None
}

/// An `io::Error` names as its source not what it holds, but the source of that.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_inside_two_io_errors_is_found() {
        let error = io::Error::other(io::Error::other(Veto::Forbidden));
        assert_eq!(cause::<Veto>(&error), Some(&Veto::Forbidden));
        assert!(cause::<rustls::Error>(&error).is_none());
    }
}
