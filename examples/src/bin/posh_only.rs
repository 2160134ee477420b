//! POSH for a protocol that has nothing to do with XMPP.
//!
//! ```sh
//! cargo run -p federating-server --bin posh_only -- im.example shout.hosting.example:7007
//! ```
//!
//! The protocol is called `shout`: you type lines, and the server gives each back in capitals. It
//! may be a hosting company's server that shows that company's certificate, if the domain says so
//! at `https://im.example/.well-known/posh/shout.json`, for example
//! `{"fingerprints":[{"sha-256":"…"}],"expires":86400}`; otherwise its certificate has to name the
//! domain.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use hickory_resolver::TokioResolver;
use posh::{
    AddressGuard, Client, Finding, Limits, Profile, Published, Service, Unproved, Verifier,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{DnsName, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [domain, server] = arguments.as_slice() else {
        return Err("usage: posh_only DOMAIN HOST:PORT".into());
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let resolver = TokioResolver::builder_tokio()?.build()?;
    let (guard, limits) = (AddressGuard::default(), Limits::default());
    let shouting = Shouting::new(roots.clone(), roots, resolver, guard, limits)?;

    let domain = DnsName::try_from(domain.clone())?;
    let server = lookup_host(server).await?.next().ok_or("the server has no address")?;
    let stream = shouting.connect(&domain, server).await?;
    talk(stream, BufReader::new(tokio::io::stdin()), tokio::io::stdout()).await?;
    Ok(())
}

/// Makes connections to servers that prove their domain.
struct Shouting {
    service: Service,
    posh: Client,
    pkix: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl Shouting {
    /// Trusts some authorities about web hosts, and some about servers; who is added to these must
    /// not become able to say by POSH what any domain's server is.
    fn new(
        web: RootCertStore,
        servers: RootCertStore,
        resolver: TokioResolver,
        guard: AddressGuard,
        limits: Limits,
    ) -> Result<Self, Box<dyn Error>> {
        let provider = Arc::new(ring::default_provider());
        let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(web)
            .with_no_client_auth();
        let resolver = Arc::new(Addresses(resolver));
        let posh = Client::new(tls, resolver, guard, [Profile::Rfc7711], limits)?;
        let pkix = WebPkiServerVerifier::builder_with_provider(servers.into(), provider.clone());
        Ok(Self { service: Service::new("shout")?, posh, pkix: pkix.build()?, provider })
    }

    /// Connects to the server of `domain`, after the domain has been asked about it.
    async fn connect(
        &self,
        domain: &DnsName<'_>,
        server: SocketAddr,
    ) -> Result<TlsStream<TcpStream>, Box<dyn Error>> {
        let kept = self.posh.fetch(domain, &self.service).await;
        match self.secure(domain, &kept, server).await {
            // The certificate may be newer than what was kept.
            Err(error) if kept.is_cached() && is_no_proof(&error) => {
                let found = self.posh.refetch(&kept, domain, &self.service).await;
                Ok(self.secure(domain, &found, server).await?)
            }
            secured => Ok(secured?),
        }
    }

    async fn secure(
        &self,
        domain: &DnsName<'_>,
        found: &Finding,
        server: SocketAddr,
    ) -> io::Result<TlsStream<TcpStream>> {
        let tls = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_webpki_verifier(Arc::clone(&self.pkix))
            .with_no_client_auth();
        let tls = match &found.published {
            Published::Found(materials) => {
                Verifier::new(Arc::clone(materials), self.pkix.clone()).install(tls)
            }
            // Nothing is known of POSH, so PKIX alone has to prove it.
            _ => tls,
        };
        let name = ServerName::DnsName(domain.to_owned());
        let handshake = async {
            let tcp = TcpStream::connect(server).await?;
            TlsConnector::from(Arc::new(tls)).connect(name, tcp).await
        };
        let stream = timeout(PATIENCE, handshake).await??;
        let certificates = stream.get_ref().1.peer_certificates();
        if let (Published::Found(materials), Some([leaf, ..])) = (&found.published, certificates) {
            self.posh.matched(materials, &self.service, leaf);
        }
        Ok(stream)
    }
}

fn is_no_proof(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(tls.and_then(Unproved::in_error), Some(Unproved::NoProof { .. }))
}

/// Asks the DNS where web hosts are.
struct Addresses(TokioResolver);

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.0.clone();
        Box::pin(async move {
            let found = resolver.lookup_ip(format!("{}.", name.as_str())).await?;
            let found: Vec<_> = found.iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Sends what is typed, and prints what comes back.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    typed: impl AsyncBufRead + Unpin,
    mut printed: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = typed.lines();
    while let Some(line) = lines.next_line().await? {
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        stream.flush().await?;
        let mut answer = String::new();
        timeout(PATIENCE, (&mut stream).take(LONGEST_LINE).read_line(&mut answer)).await??;
        if !answer.ends_with('\n') {
            return Err(io::Error::other("the server ended, or its line does not"));
        }
        printed.write_all(answer.as_bytes()).await?;
        printed.flush().await?;
    }
    stream.shutdown().await
}

/// How long a server may take to connect, or to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of a line that comes.
const LONGEST_LINE: u64 = 1024;

#[cfg(test)]
#[path = "posh_only/tests.rs"]
mod tests;
