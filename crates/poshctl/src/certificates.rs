//! Certificates from files, and what there is to say of one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::publish::{self, PublishError};
use posh::{HashFunction, InvalidLeaf, Leaf};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde::Serialize;
use thiserror::Error;

use crate::span::{day, in_words};
use crate::warning::{Remark, Warning};

/// More than any certificate file has.
const MOST: u64 = 1024 * 1024;

/// How long before a certificate's end it is time for the next.
const SOON: u64 = 14 * 24 * 60 * 60;

/// The certificates of a PEM file, end entity first; at least one.
pub(crate) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let fault = |fault| CertificateError { path: path.to_owned(), fault };
    let text = read(path).map_err(|error| fault(Fault::Read(error)))?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| fault(Fault::Pem(error)))?;
    let first = chain.first().ok_or_else(|| fault(Fault::None))?;
    Leaf::parse(first).map_err(|error| fault(Fault::Leaf(error)))?;
    Ok(chain)
}

/// The certificates of a PEM or DER file that are to be listed: its leaves.
pub(crate) fn leaves(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let fault = |fault| CertificateError { path: path.to_owned(), fault };
    let content = read(path).map_err(|error| fault(Fault::Read(error)))?;
    publish::leaves(&content).map_err(|error| fault(Fault::Leaves(error)))
}

/// The content of a file that may be no larger than a megabyte.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MOST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than a megabyte"));
    }
    Ok(content)
}

/// A certificate file that cannot be used.
#[derive(Debug, Error)]
#[error("cannot use {}, expected a file with a certificate", path.display())]
pub(crate) struct CertificateError {
    path: PathBuf,
    #[source]
    fault: Fault,
}

#[derive(Debug, Error)]
enum Fault {
    #[error(transparent)]
    Read(io::Error),
    #[error("not PEM")]
    Pem(#[source] pem::Error),
    #[error("no certificate in it")]
    None,
    #[error(transparent)]
    Leaf(InvalidLeaf),
    #[error(transparent)]
    Leaves(PublishError),
}

/// What a report says of a certificate.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    names: Vec<String>,
    not_after: String,
    sha256: String,
    #[serde(skip)]
    ends: String,
}

impl Summary {
    /// Of a certificate that can be read.
    pub(crate) fn of(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<Self> {
        let leaf = Leaf::parse(certificate).ok()?;
        let left = leaf.not_after().as_secs().checked_sub(now.as_secs());
        Some(Self {
            names: leaf.dns_names().map(xmpp_s2s::printable).collect(),
            not_after: day(leaf.not_after()),
            sha256: STANDARD.encode(HashFunction::Sha256.digest(certificate)),
            ends: match left {
                Some(left) => format!("ends {} (in {})", day(leaf.not_after()), in_words(left)),
                None => format!("ended {}", day(leaf.not_after())),
            },
        })
    }

    /// In one line.
    pub(crate) fn text(&self) -> String {
        let names = match self.names.as_slice() {
            [] => "no DNS name".to_owned(),
            names => names.join(", "),
        };
        format!("{names}; {}; sha-256 {}", self.ends, self.sha256)
    }
}

/// What is to be said of a certificate's dates and purposes.
pub(crate) fn remarks(certificate: &CertificateDer<'_>, now: UnixTime) -> Vec<Remark> {
    let Ok(leaf) = Leaf::parse(certificate) else { return Vec::new() };
    let mut remarks = Vec::new();
    let (begin, end) = (leaf.not_before(), leaf.not_after());
    if now > end {
        let detail = format!("it ended {}", day(end));
        remarks.push(Remark::new(Warning::CertOutOfDate, detail));
    } else if now < begin {
        let detail = format!("it begins {}", day(begin));
        remarks.push(Remark::new(Warning::CertOutOfDate, detail));
    } else if end.as_secs() - now.as_secs() < SOON {
        let left = in_words(end.as_secs() - now.as_secs());
        remarks.push(Remark::new(Warning::CertExpiresSoon, format!("in {left}, {}", day(end))));
    }
    if !leaf.is_for_clients() {
        let detail = "it has an extKeyUsage without clientAuth";
        remarks.push(Remark::new(Warning::CertNoClientAuthEku, detail));
    }
    remarks
}
