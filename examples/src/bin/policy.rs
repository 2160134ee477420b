//! What is enough for whom: a policy for each domain, and a block list.
//!
//! ```sh
//! cargo run -p federating-server --bin policy -- \
//!     rules.txt im.example im.example.crt im.example.key 0.0.0.0:5269
//! ```
//!
//! The last argument is where it listens: `[::]:5269` is for IPv6, and on most systems for IPv4 too.
//!
//! `rules.txt` has one rule a line; what it does not mention may prove itself in any way:
//!
//! ```text
//! bank.example  posh      nothing but a POSH match proves it
//! gov.example   pkix      nothing but a certificate of its own proves it
//! spam.example  block     no stream, in or out, nor for any domain below it
//! ```

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::{env, fs, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use xmpp_s2s::{
    Condition, Config, Domain, Endpoint, Incoming, Policy, Prooftype, Roots, Stanza, Undelivered,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [rules, domain, certificate, key, listen] = arguments.as_slice() else {
        return Err("usage: policy RULES DOMAIN CERTIFICATE KEY LISTEN".into());
    };
    let provider = ring::default_provider();
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let identity = CertifiedKey::from_der(chain, PrivateKeyDer::from_pem_file(key)?, &provider)?;
    let identities = HashMap::from([(domain.parse::<Domain>()?, Arc::new(identity))]);
    let rules = Rules::parse(&fs::read_to_string(rules)?)?;
    let config = Config::new(identities, Roots::system()?, provider);
    let gateway = Gateway::new(config, rules)?;
    let listener = TcpListener::bind(listen).await;
    gateway.serve(listener.map_err(|error| format!("cannot listen on {listen}: {error}"))?).await;
    Ok(())
}

/// What the file says.
#[derive(Debug, Default)]
struct Rules {
    policies: HashMap<Domain, Policy>,
    blocked: HashSet<String>,
}

impl Rules {
    fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let mut rules = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let (domain, rule) = (words.next().unwrap_or_default(), words.next());
            let domain: Domain = domain.parse()?;
            let prooftype = match rule {
                Some("posh") => Prooftype::Posh,
                Some("pkix") => Prooftype::Pkix,
                Some("block") => {
                    rules.blocked.insert(domain.to_dns().as_ref().to_owned());
                    continue;
                }
                _ => return Err(format!("{line:?}: expected posh, pkix or block").into()),
            };
            rules.policies.insert(domain, Policy::new([prooftype]));
        }
        Ok(rules)
    }

    /// Whether `domain` or one above it is blocked.
    fn block(&self, domain: &Domain) -> bool {
        let mut name = domain.to_dns().as_ref();
        loop {
            if self.blocked.contains(name) {
                return true;
            }
            let Some((_, above)) = name.split_once('.') else { return false };
            name = above;
        }
    }
}

/// An endpoint behind the block list, in both directions.
#[derive(Clone)]
struct Gateway {
    endpoint: Endpoint,
    rules: Arc<Rules>,
}

impl Gateway {
    /// Policies are the endpoint's to keep.
    fn new(mut config: Config, mut rules: Rules) -> Result<Self, Box<dyn Error>> {
        config.policies = std::mem::take(&mut rules.policies);
        Ok(Self { endpoint: Endpoint::new(config)?, rules: Arc::new(rules) })
    }

    async fn serve(&self, listener: TcpListener) {
        let gateway = self.clone();
        let welcome = move |incoming| gateway.clone().welcome(incoming);
        self.endpoint.serve(listener, welcome).await;
    }

    /// What a peer claims is enough to refuse it, and nothing is looked up for it.
    async fn welcome(self, incoming: Incoming) -> Result<(), Box<dyn Error>> {
        let remote = incoming.claimed().remote.clone();
        if self.rules.block(&remote) {
            println!("{remote} is blocked");
            incoming.refuse(Condition::PolicyViolation);
            return Ok(());
        }
        let mut inbound = incoming.authenticate().await?;
        for proof in inbound.peers().iter().filter_map(|peer| peer.prooftype) {
            println!("{remote} proved itself by {}", proof.as_str());
        }
        while let Some(stanza) = inbound.next().await? {
            if let Some(answer) = stanza.bounce("service-unavailable", "nobody lives here") {
                tokio::spawn(self.clone().send(answer));
            }
        }
        Ok(())
    }

    /// Sends `stanza`; what cannot or may not be delivered comes back as the error for its author.
    async fn send(self, stanza: Stanza) -> Option<Stanza> {
        if self.rules.block(stanza.to()) {
            return stanza.bounce("policy-violation", "this server does not talk to that domain");
        }
        let delivered = self.endpoint.send(stanza).await;
        delivered.err().as_ref().and_then(Undelivered::bounce)
    }
}

#[cfg(test)]
#[path = "policy/tests.rs"]
mod tests;
