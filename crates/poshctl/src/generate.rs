//! `gen`: makes documents from certificates.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use posh::publish::{self, PublishError};
use posh::{HashFunction, Profile};
use poshctl::page::{OutputError, out};
use rustls_pki_types::UnixTime;
use thiserror::Error;
use xmpp_s2s::{Code, Verdict};

use crate::certificates::{self, CertificateError};
use crate::cli::{GenArguments, Options, Place, Source};
use crate::ending::Ending;
use crate::live::{self, LiveError};
use crate::output::warn;

/// Makes the documents and delivers them.
pub(crate) async fn run(arguments: &GenArguments, options: &Options) -> Result<Ending, GenError> {
    match make(arguments, options).await {
        Err(GenError::Live(LiveError::NotShown(trail))) => {
            let verdict = trail.conclusion().map_or(Verdict::Unknown, Code::verdict);
            eprintln!("error: {}", LiveError::NotShown(trail));
            Ok(Ending::of(verdict, &[], false))
        }
        made => made.map(|()| Ending::Accepted),
    }
}

async fn make(arguments: &GenArguments, options: &Options) -> Result<(), GenError> {
    let GenArguments { sources, start, hashes, expires, format, place } = arguments;
    let mut leaves = Vec::new();
    for source in &sources.0 {
        match source {
            Source::File(path) => leaves.extend(certificates::leaves(path)?),
            Source::Live(server) => {
                leaves.extend(live::leaves(server, start.security(), &options.network).await?);
            }
        }
    }
    let now = options.clock.unwrap_or_else(UnixTime::now);
    let mut remarks: Vec<_> =
        leaves.iter().flat_map(|leaf| certificates::remarks(leaf, now)).collect();
    remarks.dedup();
    let mut documents = Vec::new();
    for &profile in format.profiles(place) {
        let text =
            publish::document(&leaves, profile, hashes, *expires).map_err(GenError::Publish)?;
        documents.push(Document { profile, text });
    }
    warn(options, &remarks);
    Ok(deliver(documents, place, options)?)
}

/// A document, and where it belongs.
pub(crate) struct Document {
    pub(crate) profile: Profile,
    pub(crate) text: String,
}

/// Puts documents below a folder or, one alone, on standard output.
pub(crate) fn deliver(
    documents: Vec<Document>,
    place: &Place,
    options: &Options,
) -> Result<(), DeliverError> {
    let Some(folder) = &place.out else {
        let [document] = documents.as_slice() else { return Err(DeliverError::Several) };
        return Ok(out(&format!("{}\n", document.text))?);
    };
    for service in &place.services {
        for Document { profile, text } in &documents {
            let path = folder.join(service.path(*profile).trim_start_matches('/'));
            let written = replace(&path, text);
            let written = written.map_err(|error| DeliverError::Write(path.clone(), error))?;
            if !options.quiet {
                let word = if written == Written::Anew { "wrote" } else { "unchanged" };
                out(&format!("{word} {}\n", path.display()))?;
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Written {
    Anew,
    AlreadyThere,
}

/// Lets a file have this content: whoever reads it meanwhile gets all of the old or of the new.
fn replace(path: &Path, text: &str) -> io::Result<Written> {
    if fs::read(path).is_ok_and(|content| content == text.as_bytes()) {
        return Ok(Written::AlreadyThere);
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    create(folder)?;
    let mut file = tempfile::Builder::new().prefix(".poshctl-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    match fs::metadata(path) {
        Ok(replaced) => fs::set_permissions(file.path(), replaced.permissions())?,
        Err(_) => let_read(file.path(), 0o644)?,
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(Written::Anew)
}

/// Creates a folder, and those above it that are missing.
fn create(folder: &Path) -> io::Result<()> {
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<_> = folder.ancestors().take_while(missing).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().try_for_each(|folder| let_read(folder, 0o755))
}

/// The web server, which is another user, has to read it whatever the umask of this one is.
#[cfg(unix)]
fn let_read(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn let_read(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Why there is no document.
#[derive(Debug, Error)]
pub(crate) enum GenError {
    /// A certificate could not be had.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No server showed one.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// Nobody would use it.
    #[error("cannot make a document")]
    Publish(#[source] PublishError),
    /// It could not be put where it was to go.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
}

/// Why a document is not where it was to go.
#[derive(Debug, Error)]
pub(crate) enum DeliverError {
    /// Nobody can read what came out.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Two documents would run into each other.
    #[error("there are two documents to write, name a folder with --out")]
    Several,
    /// The file system said no.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

pub(crate) fn hash(name: &str) -> Result<HashFunction, &'static str> {
    [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512]
        .into_iter()
        .find(|function| function.name() == name)
        .ok_or("expected sha-256, sha-384 or sha-512")
}
