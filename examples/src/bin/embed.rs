//! A server that routes in and out, with a router where that of your server would be.
//!
//! ```sh
//! cargo run -p federating-server --bin embed -- \
//!     im.example im.example.crt im.example.key 0.0.0.0:5269
//! ```
//!
//! The last argument is where it listens: `[::]:5269` is for IPv6, and on most systems for IPv4 too.
//!
//! It has one user, you. What you type goes out, a stanza a line; what is sent to your domain is
//! printed, and so is what comes back, with the reason. Try
//! `<message from='me@im.example' to='you@jabber.example'><body>hello</body></message>`.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use xmpp_s2s::{Config, Domain, Endpoint, Inbound, Incoming, Namespace, Roots, Stanza};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [domain, certificate, key, listen] = arguments.as_slice() else {
        return Err("usage: embed DOMAIN CERTIFICATE KEY LISTEN".into());
    };
    let provider = ring::default_provider();
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let identity = CertifiedKey::from_der(chain, PrivateKeyDer::from_pem_file(key)?, &provider)?;
    let ours: Domain = domain.parse()?;
    let identities = HashMap::from([(ours.clone(), Arc::new(identity))]);
    let endpoint = Endpoint::new(Config::new(identities, Roots::system()?, provider))?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let typed = BufReader::new(tokio::io::stdin());
    federate(&endpoint, listener, ours, typed, tokio::io::stdout()).await?;
    endpoint.close(Duration::from_secs(10)).await;
    Ok(())
}

/// Routes until nothing more is typed.
async fn federate(
    endpoint: &Endpoint,
    listener: TcpListener,
    ours: Domain,
    typed: impl AsyncBufRead + Unpin,
    printed: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let (user, mailbox) = mpsc::channel(64);
    let router = Router { ours, endpoint: endpoint.clone(), user };
    let inward = router.clone();
    tokio::select! {
        () = endpoint.serve(listener, move |incoming| welcome(incoming, inward.clone())) => Ok(()),
        typed = read(typed, router) => typed,
        printed = print(mailbox, printed) => printed,
    }
}

/// Where every stanza passes, whoever it is from.
#[derive(Clone)]
struct Router {
    ours: Domain,
    endpoint: Endpoint,
    user: mpsc::Sender<Stanza>,
}

impl Router {
    async fn route(&self, stanza: Stanza) {
        if *stanza.to() == self.ours {
            self.give(stanza).await;
            return;
        }
        // In order from here on; what becomes of it is waited for elsewhere.
        let (delivery, router) = (self.endpoint.send(stanza), self.clone());
        tokio::spawn(async move {
            if let Err(undelivered) = delivery.await
                && let Some(error) = undelivered.bounce()
            {
                router.give(error).await;
            }
        });
    }

    /// A user who does not read holds up the streams that bring stanzas, and so their peers.
    async fn give(&self, stanza: Stanza) {
        // Without a mailbox the server is about to end.
        let _ = self.user.send(stanza).await;
    }
}

/// A peer that has said who it is. Every stanza that comes is of the domain that it then proves.
async fn welcome(incoming: Incoming, router: Router) -> Result<(), Box<dyn Error>> {
    let mut inbound: Inbound = incoming.authenticate().await?;
    while let Some(stanza) = inbound.next().await? {
        router.route(stanza).await;
    }
    Ok(())
}

async fn read(typed: impl AsyncBufRead + Unpin, router: Router) -> io::Result<()> {
    let mut lines = typed.lines();
    while let Some(line) = lines.next_line().await? {
        match Stanza::parse(line) {
            Ok(stanza) => router.route(stanza).await,
            Err(error) => eprintln!("not sent: {error}"),
        }
    }
    Ok(())
}

async fn print(
    mut mailbox: mpsc::Receiver<Stanza>,
    mut printed: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some(stanza) = mailbox.recv().await {
        let line = format!("{}\n", stanza.to_xml(Namespace::Client));
        printed.write_all(line.as_bytes()).await?;
        printed.flush().await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "embed/tests.rs"]
mod tests;
