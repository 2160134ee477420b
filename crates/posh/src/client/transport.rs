//! One GET over HTTPS, by reqwest with everything turned off that it does by itself.

use std::sync::Arc;

use reqwest::dns::Resolve;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
    HeaderValue, LOCATION, TRANSFER_ENCODING,
};
use reqwest::redirect::Policy;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::sign::CertifiedKey;
use rustls::{NoKeyLog, SignatureScheme};
use url::Url;

use super::address::AddressGuard;
use super::budget::Visit;
use super::failure::classify;
use super::resolver::VettedResolver;
use crate::lookup::Response;
use crate::lookup_error::LookupError;
use crate::target::excerpt;
use crate::{FetchError, Limits};

/// What makes connections for lookups.
pub(super) struct Transport {
    tls: rustls::ClientConfig,
    resolver: Arc<dyn Resolve>,
    guard: AddressGuard,
    pub(super) limits: Limits,
}

impl Transport {
    /// Takes what `tls` trusts. Nothing is resumed: a host proves itself on every connection. We
    /// do not: whoever a document leads to is none to show a certificate to.
    pub(super) fn new(
        mut tls: rustls::ClientConfig,
        resolver: Arc<dyn Resolve>,
        guard: AddressGuard,
        limits: Limits,
    ) -> Self {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        tls.client_auth_cert_resolver = Arc::new(NoCertificate);
        tls.enable_early_data = false;
        tls.key_log = Arc::new(NoKeyLog);
        tls.resumption = Resumption::disabled();
        Self { tls, resolver, guard, limits }
    }

    /// The connection of one GET, whose addresses are charged to it; it shares none with others.
    ///
    /// The time to connect is shared out among the addresses of a name. What an embedder's features
    /// may turn on in reqwest is turned off here.
    pub(super) fn open(&self, visit: Option<Arc<Visit>>) -> reqwest::Result<reqwest::Client> {
        let resolver = VettedResolver {
            resolver: Arc::clone(&self.resolver),
            guard: self.guard.clone(),
            port: self.limits.port,
            visit,
        };
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(resolver)
            .https_only(true)
            .http1_only()
            .http1_max_headers(FIELDS)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(self.limits.timeout)
            .timeout(self.limits.timeout)
            .build()
    }
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// What came back.
pub(super) struct Answer {
    status: u16,
    location: Option<String>,
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    /// Sends a GET, and reads the body if it may be a document, up to a byte too many.
    pub(super) async fn get(
        http: &reqwest::Client,
        url: &Url,
        accept: &str,
        limits: &Limits,
    ) -> Result<Self, FetchError> {
        let request = http.get(url.clone()).header(ACCEPT, accept);
        let request = request.header(ACCEPT_ENCODING, "identity");
        let response = request.send().await.map_err(|error| classify(url, error))?;
        if head_size(&response) > limits.head_size {
            return Err(LookupError::HeadTooLarge(url.clone()).into());
        }
        let has = |name| response.headers().contains_key(name);
        if has(CONTENT_LENGTH) && has(TRANSFER_ENCODING) {
            return Err(LookupError::TwoLengths(url.clone()).into());
        }
        let answer = Self {
            status: response.status().as_u16(),
            location: location(&response, url)?,
            content_type: content_type(&response),
            body: Vec::new(),
        };
        match answer.status {
            200 => Ok(Self { body: body(response, url, limits).await?, ..answer }),
            _ => Ok(answer),
        }
    }

    pub(super) fn response(&self) -> Response<'_> {
        Response {
            status: self.status,
            location: self.location.as_deref(),
            content_type: self.content_type.as_deref(),
            body: &self.body,
        }
    }
}

fn head_size(response: &reqwest::Response) -> usize {
    let fields = response.headers().iter();
    fields.map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// The `Location`, which must stand once in a redirect. Octets that are not UTF-8 are replaced by a
/// character that [`Lookup`](crate::Lookup) refuses, since it is not ASCII.
fn location(response: &reqwest::Response, url: &Url) -> Result<Option<String>, LookupError> {
    let locations = texts(response, LOCATION);
    if response.status().is_redirection() && locations.len() > 1 {
        let location = excerpt(&locations.join(", "));
        let rule = "must stand there once";
        return Err(LookupError::Redirect { url: url.clone(), location, rule });
    }
    Ok(locations.into_iter().next())
}

/// The list of all `Content-Type`s, since any of them may be believed by others.
fn content_type(response: &reqwest::Response) -> Option<String> {
    let types = texts(response, CONTENT_TYPE);
    (!types.is_empty()).then(|| types.join(", "))
}

fn texts(response: &reqwest::Response, name: HeaderName) -> Vec<String> {
    let values = response.headers().get_all(name).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

async fn body(
    mut response: reqwest::Response,
    url: &Url,
    limits: &Limits,
) -> Result<Vec<u8>, FetchError> {
    let encodings = response.headers().get_all(CONTENT_ENCODING);
    let is_identity =
        |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !encodings.iter().all(is_identity) {
        return Err(LookupError::ContentEncoding(url.clone()).into());
    }
    let too_large = || LookupError::TooLarge(url.clone());
    if response.content_length().is_some_and(|length| length > limits.document_size as u64) {
        return Err(too_large().into());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(url, error))? {
        if body.len() + chunk.len() > limits.document_size {
            return Err(too_large().into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Most fields in a head.
const FIELDS: usize = 100;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use reqwest::dns::{Name, Resolving};
    use rustls::{KeyLog, RootCertStore};
    use xmpp_s2s_testkit::{Authority, provider};

    use super::*;

    struct Nowhere;

    impl Resolve for Nowhere {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Ok(Box::new(std::iter::empty::<SocketAddr>()) as _) })
        }
    }

    #[test]
    fn ph17_no_certificate_of_ours_is_shown() {
        let tls = talkative();
        assert!(tls.client_auth_cert_resolver.has_certs());
        assert!(!transport(tls).tls.client_auth_cert_resolver.has_certs());
    }

    #[test]
    fn ph17_no_secrets_of_connections_are_logged() {
        let tls = talkative();
        assert!(tls.key_log.will_log("CLIENT_RANDOM"));
        assert!(!transport(tls).tls.key_log.will_log("CLIENT_RANDOM"));
    }

    fn transport(tls: rustls::ClientConfig) -> Transport {
        Transport::new(tls, Arc::new(Nowhere), AddressGuard::default(), Limits::default())
    }

    /// Shows a certificate, and logs secrets.
    fn talkative() -> rustls::ClientConfig {
        let identity = Authority::new("authority").issue_for("us.example");
        let mut tls = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_client_auth_cert(identity.chain().to_vec(), identity.key())
            .unwrap();
        tls.key_log = Arc::new(Logged);
        tls
    }

    #[derive(Debug)]
    struct Logged;

    impl KeyLog for Logged {
        fn log(&self, _: &str, _: &[u8], _: &[u8]) {}
    }
}
