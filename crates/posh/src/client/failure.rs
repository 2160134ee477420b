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
        Some(_) | None if is_ours(&error) => {
            FetchError::Local { url, error: Box::new(error.without_url()) }
        }
        Some(_) | None if error.is_timeout() => FetchError::Timeout { url },
        Some(_) | None => FetchError::Unreachable { url, error: Box::new(error.without_url()) },
    }
}

/// The first of the causes that is an `E`.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether the system refused it, and not the other side.
fn is_ours(error: &(dyn Error + 'static)) -> bool {
    let mut systems = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    systems.any(|error| {
        let is_local = matches!(
            error.kind(),
            io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::NetworkDown
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::OutOfMemory
                | io::ErrorKind::PermissionDenied
        );
        is_local || error.raw_os_error().is_some_and(|code| NO_DESCRIPTOR.contains(&code))
    })
}

/// `ENFILE` and `EMFILE`, which have no kind; any Unix has these numbers.
const NO_DESCRIPTOR: [i32; 2] = if cfg!(unix) { [23, 24] } else { [0, 0] };

/// An error and what is below it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| below(*error))
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
    fn a11_what_the_system_refuses_is_ours_and_what_the_other_side_does_is_not() {
        let wrapped = |error| io::Error::other(io::Error::other::<io::Error>(error));
        for code in NO_DESCRIPTOR {
            assert!(is_ours(&wrapped(io::Error::from_raw_os_error(code))), "{code}");
        }
        assert!(is_ours(&wrapped(io::ErrorKind::NetworkUnreachable.into())));
        for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::HostUnreachable] {
            assert!(!is_ours(&wrapped(kind.into())), "{kind}");
        }
    }

    #[test]
    fn a_cause_inside_two_io_errors_is_found() {
        let error = io::Error::other(io::Error::other(Veto::Forbidden));
        assert_eq!(cause::<Veto>(&error), Some(&Veto::Forbidden));
        assert!(cause::<rustls::Error>(&error).is_none());
    }
}
