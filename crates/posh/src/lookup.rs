//! One lookup of one profile, free of I/O: a walk over redirects and at most one reference.

use std::time::Duration;

use rustls_pki_types::{DnsName, UnixTime};
use url::Url;

use crate::burnt::Burnt;
use crate::document::{Document, Reference};
use crate::ending::{End, Ending};
use crate::lookup_error::LookupError;
use crate::materials::{List, Materials};
use crate::service::InvalidSource;
use crate::{Limits, Profile, Service, target};

/// One lookup, free of I/O: say what to GET, take the response, repeat.
///
/// ```text
/// source's well-known URL ─► redirects ─► document ─► Materials
///                                └─► reference ─► redirects ─► document ─► Materials
/// ```
#[derive(Debug)]
pub struct Lookup {
    source: DnsName<'static>,
    profile: Profile,
    limits: Limits,
    target: Url,
    /// What was asked for before the target.
    walked: Vec<Url>,
    stage: Stage,
    /// Keys that the documents on the way give away.
    burnt: Burnt,
}

/// On which side of the reference, of which there is at most one (RFC 7711 §3.2).
#[derive(Clone, Copy, Debug)]
enum Stage {
    Source,
    Referred { expires: Option<Duration> },
}

impl Lookup {
    /// Starts at the well-known URL of `source`.
    ///
    /// Fails if `source` is no domain of the public DNS.
    pub fn new(
        source: &DnsName<'_>,
        service: &Service,
        profile: Profile,
        limits: Limits,
    ) -> Result<Self, InvalidSource> {
        let target = service.url(source, profile)?;
        let source = normalised(source);
        let (walked, stage, burnt) = (Vec::new(), Stage::Source, Burnt::default());
        Ok(Self { source, profile, limits, target, walked, stage, burnt })
    }

    /// The URL to GET next, always https, of a domain, and on [`Limits::port`].
    pub fn target(&self) -> &Url {
        &self.target
    }

    /// The media types that a document of this profile may have, for an `Accept` header.
    pub fn accept(&self) -> &'static str {
        match self.profile {
            Profile::Draft02 => "application/jwk-set+json, application/json",
            Profile::Rfc7711 => "application/json",
        }
    }

    /// Takes the response to [`Self::target`], which came at `now`.
    ///
    /// No document is [`Progress::Done`] with `None`: that is what 404 and 410 say before any
    /// reference (A5). Whatever else is no document is an error, and says nothing about the domain.
    pub fn handle(self, response: &Response<'_>, now: UnixTime) -> Result<Progress, LookupError> {
        self.take(response, now).map_err(|(error, _)| error)
    }

    /// The same; what is refused may have burnt keys all the same (A20).
    pub(crate) fn take(
        mut self,
        response: &Response<'_>,
        now: UnixTime,
    ) -> Result<Progress, (LookupError, Burnt)> {
        if response.status == 200 && response.body.len() <= self.limits.document_size {
            self.note_burnt(response.body);
        }
        let burnt = self.burnt.clone();
        self.judge(response, now).map_err(|error| (error, burnt))
    }

    /// Whether a reference has been followed, so that the source's own web server has spoken.
    pub(crate) fn is_referred(&self) -> bool {
        matches!(self.stage, Stage::Referred { .. })
    }

    #[cfg(feature = "client")]
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn judge(mut self, response: &Response<'_>, now: UnixTime) -> Result<Progress, LookupError> {
        match (response.status, self.stage) {
            (200, _) => match self.document(response)? {
                Document::Reference(reference) => self.refer(&reference),
                Document::Fingerprints(list) => Ok(self.done(List::Fingerprints(list), now)),
                Document::KeySet(keys) => Ok(self.done(List::Keys(keys), now)),
            },
            (301 | 302 | 303 | 307 | 308, _) => self.redirect(response.location),
            (404 | 410, Stage::Source) => Ok(Progress::Done(None)),
            (status, _) => Err(LookupError::Status { url: self.target, status }),
        }
    }

    fn note_burnt(&mut self, body: &[u8]) {
        let Some(burnt) = Burnt::search(body) else { return };
        let (source, url) = (self.source.as_ref(), self.target.as_str());
        tracing::warn!(source, url, "a POSH document gives private keys away");
        self.burnt.extend(burnt);
    }

    fn document(&mut self, response: &Response<'_>) -> Result<Document, LookupError> {
        let url = || self.target.clone();
        if response.content_type.is_some_and(is_page) {
            return Err(LookupError::ContentType(url()));
        }
        if response.body.len() > self.limits.document_size {
            return Err(LookupError::TooLarge(url()));
        }
        Document::parse_within(response.body, self.profile, &self.limits, &self.burnt)
            .map_err(|error| LookupError::Document { url: url(), error })
    }

    fn redirect(self, location: Option<&str>) -> Result<Progress, LookupError> {
        let refused = |rule| LookupError::Redirect {
            url: self.target.clone(),
            location: target::excerpt(location.unwrap_or_default()),
            rule,
        };
        let location = location.filter(|location| !location.is_empty());
        let location = location.ok_or_else(|| refused("must be there"))?;
        if !location.is_ascii() {
            return Err(refused("must be ASCII"));
        }
        let next = self.target.join(location).map_err(|_| refused("must be a URL"))?;
        let next = target::checked(next, self.limits.port).map_err(refused)?;
        self.proceed(next)
    }

    fn refer(mut self, reference: &Reference) -> Result<Progress, LookupError> {
        if self.is_referred() {
            return Err(LookupError::SecondReference(self.target));
        }
        let next = target::checked(reference.url.clone(), self.limits.port).map_err(|rule| {
            LookupError::Reference {
                url: self.target.clone(),
                reference: target::excerpt(reference.url.as_str()),
                rule,
            }
        })?;
        self.stage = Stage::Referred { expires: reference.expires };
        self.proceed(next)
    }

    fn proceed(mut self, next: Url) -> Result<Progress, LookupError> {
        self.walked.push(std::mem::replace(&mut self.target, next));
        if self.walked.len() >= usize::from(self.limits.requests) {
            return Err(LookupError::TooManyRequests(self.target));
        }
        if self.foreign_hosts() > usize::from(self.limits.foreign_hosts) {
            return Err(LookupError::TooManyHosts(self.target));
        }
        Ok(Progress::Continue(self))
    }

    fn foreign_hosts(&self) -> usize {
        let walked = self.walked.iter().chain([&self.target]);
        let mut hosts: Vec<_> = walked.filter_map(Url::host_str).collect();
        hosts.retain(|host| *host != self.source.as_ref());
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len()
    }

    fn done(mut self, list: List, now: UnixTime) -> Progress {
        let limit = End::after(now, self.limits.lifetime.min(LONGEST_LIFETIME), Ending::Limit);
        let latest = match self.stage {
            Stage::Referred { expires: Some(expires) } => {
                limit.or_earlier(End::after(now, expires, Ending::ReferenceExpires))
            }
            Stage::Referred { expires: None } | Stage::Source => limit,
        };
        self.walked.push(self.target);
        self.walked.shrink_to_fit();
        let materials = Materials::new(self.source, self.walked, list, latest, now, self.burnt);
        Progress::Done(Some(materials))
    }
}

/// What [`Lookup::handle`] came to.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a driver has to know every way on")]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and no list of them")]
pub enum Progress {
    /// Another request is needed, after a redirect or a reference.
    Continue(Lookup),
    /// The lookup is over; `None` says that the source domain publishes no document.
    Done(Option<Materials>),
}

/// The parts of an HTTP response that matter here.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "made by drivers")]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<&'a str>,
    /// The `Content-Type` header; where it stands more than once, all values with commas between.
    pub content_type: Option<&'a str>,
    /// The body, cut anywhere beyond [`Limits::document_size`].
    pub body: &'a [u8],
}

/// In lower case and without the final dot, as [`Lookup::target`] spells it.
pub(crate) fn normalised(source: &DnsName<'_>) -> DnsName<'static> {
    let name = source.to_lowercase_owned();
    let shortened = name.as_ref().strip_suffix('.').map(|name| DnsName::try_from(name.to_owned()));
    match shortened {
        Some(Ok(shortened)) => shortened,
        Some(Err(_)) | None => name,
    }
}

/// Whether any of the types is that of a page.
fn is_page(content_type: &str) -> bool {
    content_type.split(',').any(|content_type| {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        ["text/html", "application/xhtml+xml"].iter().any(|page| kind.eq_ignore_ascii_case(page))
    })
}

/// What no limit can exceed: nothing is kept for ever (RFC 7711 §6).
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
