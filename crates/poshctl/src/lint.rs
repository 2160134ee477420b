//! `lint`: checks one document, also for what other implementations make of it.

use std::path::Path;

use posh::publish::{self, PublishError};
use posh::{Document, DocumentError, Profile};
use poshctl::page::{OutputError, Page};
use serde::Serialize;
use thiserror::Error;
use url::Url;
use xmpp_s2s::{Code, Verdict};

use self::fetch::FetchFault;
use crate::certificates;
use crate::cli::{LintArguments, Options};
use crate::ending::Ending;
use crate::network::NetworkError;
use crate::output;
use crate::profile::{UnknownProfile, profile, word};
use crate::span::in_words;
use crate::warning::Remark;

mod compatibility;
mod fetch;

/// Checks the document, and prints what came out.
pub(crate) async fn run(arguments: &LintArguments, options: &Options) -> Result<Ending, LintError> {
    let name = &arguments.document;
    let profile = profile(arguments.profile, name)?;
    let mut warnings = Vec::new();
    let body = match Url::parse(name) {
        Ok(url) if url.scheme() == "https" => {
            let fetched = fetch::fetch(&url, profile, &options.network).await?;
            warnings.extend(fetched.remarks);
            fetched.body
        }
        _ => {
            let read = certificates::read(Path::new(name));
            Ok(read.map_err(|error| LintError::Read(name.clone(), error))?)
        }
    };
    let judged = body.and_then(|body| {
        let sound = Sound::judge(&body, profile)?;
        match compatibility::can_match(&body, &sound.document) {
            true => Ok((sound, body)),
            false => Err(Fault::new(Code::PoshEmpty, "no entry could match any certificate")),
        }
    });
    let findings = match judged {
        Ok((sound, body)) => {
            warnings.extend(compatibility::remarks(&body, &sound.document));
            Ok(sound)
        }
        Err(fault) => Err(fault),
    };
    warnings.retain(|remark| compatibility::concerns(remark.code, &arguments.peers));
    let verdict = findings.as_ref().map_or_else(|fault| fault.code.verdict(), |_| Verdict::Passed);
    let outcome = Ending::of(verdict, &warnings, arguments.strict);
    let report = Report { name, profile, findings, outcome, warnings };
    output::report(options, &report.json(), |page| report.text(page))?;
    Ok(outcome)
}

/// Why a document is of no use.
#[derive(Debug)]
struct Fault {
    code: Code,
    detail: String,
}

impl Fault {
    fn new(code: Code, detail: impl AsRef<str>) -> Self {
        Self { code, detail: xmpp_s2s::printable(detail.as_ref()) }
    }
}

impl From<DocumentError> for Fault {
    fn from(error: DocumentError) -> Self {
        Self::new(Code::from(&error), crate::with_causes(&error))
    }
}

impl From<PublishError> for Fault {
    fn from(error: PublishError) -> Self {
        Self::new(Code::PoshReferenceNotHttps, error.to_string())
    }
}

/// A document that can be used.
#[derive(Debug)]
struct Sound {
    document: Document,
    /// What it is, in a line.
    about: String,
}

impl Sound {
    fn judge(body: &[u8], profile: Profile) -> Result<Self, Fault> {
        let document = Document::parse(body, profile)?;
        let about = match &document {
            Document::Fingerprints(list) if !list.has_supported_hash() => {
                let detail = "no entry has a digest by sha-256, sha-384 or sha-512";
                return Err(Fault::new(Code::PoshNoSupportedHash, detail));
            }
            Document::Fingerprints(list) => {
                let (entries, expires) = (entries(list.entries()), list.expires().as_secs());
                format!("{entries}, may be kept for {}", in_words(expires))
            }
            Document::KeySet(keys) => entries(keys.entries()),
            Document::Reference(reference) => {
                // What would not be published would not be followed, either.
                publish::reference(&reference.url, Profile::Draft02, std::time::Duration::MAX)?;
                let url = xmpp_s2s::printable(reference.url.as_str());
                match reference.expires {
                    Some(expires) => {
                        let expires = in_words(expires.as_secs());
                        format!("a reference to {url}, may be kept for {expires}")
                    }
                    None => format!("a reference to {url}"),
                }
            }
            _ => "a document".to_owned(),
        };
        Ok(Self { document, about })
    }
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

struct Report<'a> {
    name: &'a str,
    profile: Profile,
    findings: Result<Sound, Fault>,
    outcome: Ending,
    warnings: Vec<Remark>,
}

#[derive(Serialize)]
struct Json<'a> {
    document: &'a str,
    profile: &'static str,
    outcome: Ending,
    about: Option<&'a str>,
    code: Option<Code>,
    detail: Option<&'a str>,
    warnings: &'a [Remark],
}

impl Report<'_> {
    fn json(&self) -> Json<'_> {
        let (sound, fault) = (self.findings.as_ref().ok(), self.findings.as_ref().err());
        Json {
            document: self.name,
            profile: word(self.profile),
            outcome: self.outcome,
            about: sound.map(|sound| sound.about.as_str()),
            code: fault.map(|fault| fault.code),
            detail: fault.map(|fault| fault.detail.as_str()),
            warnings: &self.warnings,
        }
    }

    fn text(&self, page: Page) -> String {
        let title = format!("{}  ({})", xmpp_s2s::printable(self.name), word(self.profile));
        let conclusion = match &self.findings {
            Ok(sound) => {
                page.row(&format!("{}  ", page.paint("GOOD", Verdict::Passed)), 6, &sound.about, "")
            }
            Err(Fault { code, detail }) => {
                let head = match code.verdict() {
                    Verdict::Unknown => "CANNOT TELL",
                    Verdict::Passed | Verdict::Refused => "BAD",
                };
                let start = format!("{}  ", page.paint(head, code.verdict()));
                let text = format!("{code}: {}: {detail}", code.sentence());
                page.row(&start, head.len() + 2, &text, "")
            }
        };
        page.row("", 0, &title, "") + &conclusion + &output::warnings(page, &self.warnings)
    }
}

/// Why nothing was checked.
#[derive(Debug, Error)]
pub(crate) enum LintError {
    /// Nobody can read what came out.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// It is not known how to read the document.
    #[error(transparent)]
    Profile(#[from] UnknownProfile),
    /// There is no such file.
    #[error("cannot read {0}, expected a file or an https URL")]
    Read(String, #[source] std::io::Error),
    /// The network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The HTTPS client cannot be built.
    #[error(transparent)]
    Fetch(#[from] FetchFault),
}
