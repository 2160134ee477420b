//! A document from where it is published.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_resolver::TokioResolver;
use posh::{Limits, Profile};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{CertificateError, ClientConfig};
use thiserror::Error;
use url::{Host, Url};
use xmpp_s2s::{Code, Families};

use super::Fault;
use crate::cli::{Elsewhere, Network};
use crate::network::{NetworkError, families, resolver, roots};
use crate::warning::{Remark, Warning};

/// Most redirects that are followed.
const REDIRECTS: usize = 4;

/// The port of a URL that names none.
const HTTPS: u16 = 443;

/// What came of asking for a document.
pub(super) struct Fetched {
    pub(super) body: Result<Vec<u8>, Fault>,
    pub(super) remarks: Vec<Remark>,
}

impl From<Fault> for Fetched {
    fn from(fault: Fault) -> Self {
        Self { body: Err(fault), remarks: Vec::new() }
    }
}

/// GETs a document. Which addresses may be asked is for whoever gave the URL to say.
pub(super) async fn fetch(
    url: &Url,
    profile: Profile,
    network: &Network,
) -> Result<Fetched, FetchFault> {
    let client = client(url, network)?;
    Ok(match client.get(url.clone()).send().await {
        Ok(response) => read(response, url, profile).await,
        Err(error) => fault(&error).into(),
    })
}

fn client(url: &Url, network: &Network) -> Result<reqwest::Client, FetchFault> {
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(network)?.web)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(WebResolver(resolver(network)?))
        .https_only(true)
        .no_proxy()
        .redirect(Policy::limited(REDIRECTS))
        .timeout(network.timeout);
    builder = match families(network) {
        Families::Both => builder,
        Families::Ipv4 => builder.local_address(IpAddr::from(Ipv4Addr::UNSPECIFIED)),
        Families::Ipv6 => builder.local_address(IpAddr::from(Ipv6Addr::UNSPECIFIED)),
    };
    for elsewhere in &network.connect_to {
        if leads_away(elsewhere, url)? {
            builder = builder.resolve(&elsewhere.host, elsewhere.to);
        }
    }
    Ok(builder.build()?)
}

/// Whether it is for the host and port of the URL or, of other hosts, to which the document may
/// redirect, for the port of HTTPS.
///
/// reqwest goes by the host alone, keeps a port that stands in a URL, and does not resolve
/// addresses.
fn leads_away(elsewhere: &Elsewhere, url: &Url) -> Result<bool, FetchFault> {
    if url.host_str() != Some(&elsewhere.host) {
        return Ok(elsewhere.port == HTTPS);
    }
    if url.port_or_known_default() != Some(elsewhere.port) {
        return Ok(false);
    }
    if !matches!(url.host(), Some(Host::Domain(_))) {
        return Err(FetchFault::FromAddress(elsewhere.clone()));
    }
    if url.port().is_some_and(|port| port != elsewhere.to.port()) {
        return Err(FetchFault::ToPort(elsewhere.clone()));
    }
    Ok(true)
}

/// Why there is no HTTPS.
#[derive(Debug, Error)]
pub(crate) enum FetchFault {
    /// An address is connected to as it is.
    #[error("cannot follow --connect-to {0}: the URL has to name a domain, not an address")]
    FromAddress(Elsewhere),
    /// A port that the URL names is connected to as it is.
    #[error("cannot follow --connect-to {0}: the URL names a port, and has to name that of ADDR")]
    ToPort(Elsewhere),
    /// The network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// rustls does not accept the configuration.
    #[error("cannot set TLS up")]
    Tls(#[from] rustls::Error),
    /// The HTTPS client cannot be built.
    #[error("cannot set HTTPS up")]
    Https(#[from] reqwest::Error),
}

async fn read(mut response: reqwest::Response, url: &Url, profile: Profile) -> Fetched {
    let status = response.status().as_u16();
    match status {
        200 => {}
        404 | 410 => return Fault::new(Code::PoshNotPublished, format!("status {status}")).into(),
        _ => return Fault::new(Code::PoshHttpStatus, format!("status {status}")).into(),
    }
    let content_type = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_vec());
    let content_type = String::from_utf8_lossy(&content_type.unwrap_or_default()).into_owned();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "text/html" {
        return Fault::new(Code::PoshBadContentType, &content_type).into();
    }
    let mut remarks = Vec::new();
    let is_key_set = profile == Profile::Draft02 && media_type == "application/jwk-set+json";
    if media_type != "application/json" && !is_key_set {
        let detail = format!("Content-Type \"{}\"", xmpp_s2s::printable(&content_type));
        remarks.push(Remark::new(Warning::HttpContentType, detail));
    }
    if response.url() != url {
        let detail = format!("it redirects to {}", xmpp_s2s::printable(response.url().as_str()));
        remarks.push(Remark::new(Warning::CompatProsody, detail));
    }
    Fetched { body: body(&mut response).await, remarks }
}

async fn body(response: &mut reqwest::Response) -> Result<Vec<u8>, Fault> {
    let (mut body, most) = (Vec::new(), Limits::default().document_size);
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        if body.len() + chunk.len() > most {
            return Err(Fault::new(Code::PoshTooLarge, format!("more than {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an error of the client says of the web host.
fn fault(error: &reqwest::Error) -> Fault {
    let code = match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Code::PoshHttpsNameMismatch,
        Some(rustls::Error::InvalidCertificate(_)) => Code::PoshHttpsUntrusted,
        _ if error.is_timeout() => Code::PoshTimeout,
        _ if error.is_redirect() => Code::PoshTooManyRequests,
        _ => Code::PoshUnreachable,
    };
    Fault::new(code, crate::with_causes(error))
}

/// rustls' error below others; an `io::Error` holds it without naming it as its source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// Our resolver, as reqwest wants it.
struct WebResolver(TokioResolver);

impl Resolve for WebResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.0.clone();
        Box::pin(async move {
            let found = resolver.lookup_ip(format!("{}.", name.as_str())).await?;
            let addresses: Vec<_> = found.iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
