//! Certificates that servers show.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::HashFunction;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use thiserror::Error;
use xmpp_s2s::{
    Code, ConfigError, Endpoint, Pair, Phase, Policy, Prooftype, Roots, Route, Security, Step,
    Trail, Verdict, Visit,
};

use crate::cli::{Live, Network};
use crate::identity::{IdentityError, Shown};
use crate::network::{self, NetworkError};

/// The certificates that the servers of a domain show; at least one.
///
/// Nobody is trusted on the way, so that every server is asked and none is taken for proved.
pub(crate) async fn leaves(
    live: &Live,
    security: Security,
    network: &Network,
) -> Result<Vec<CertificateDer<'static>>, LiveError> {
    let shown = Shown::made_up()?;
    let pair = Pair { local: shown.domain.clone(), remote: live.domain.clone() };
    let nobody = Arc::new(RootCertStore::empty());
    let mut config = network::config(network, shown, Roots::new(nobody.clone(), nobody))?;
    config.policy = Policy::new([Prooftype::Pkix]);
    let route = match live.port {
        Some(port) => Route::Port(port, security),
        None => Route::Services(security),
    };
    config.routes.insert(live.domain.clone(), route);
    let Visit { trail, sights, .. } = Endpoint::new(config).map_err(Box::new)?.visit(&pair).await;
    if sights.end_entities.is_empty() {
        return Err(LiveError::NotShown(Box::new(trail)));
    }
    tell(&sights.end_entities, &trail);
    Ok(sights.end_entities)
}

/// Says on standard error, even if it is to be quiet, what the certificates are taken for and
/// which servers have shown none.
fn tell(leaves: &[CertificateDer<'_>], trail: &Trail) {
    let domain = &trail.pair().remote;
    for leaf in leaves {
        let digest = STANDARD.encode(HashFunction::Sha256.digest(leaf));
        eprintln!("note: a certificate of {domain} is taken as shown, unproved: sha-256 {digest}");
    }
    let mut shown = false;
    for Step { phase, code, detail, .. } in trail.steps() {
        shown = *code == Code::TlsSecured || (shown && *phase != Phase::Tcp);
        if !shown && code.verdict() != Verdict::Passed {
            eprintln!("warning: a server of {domain} has shown no certificate: {code}: {detail}");
        }
    }
}

/// Why there is no certificate of a server.
#[derive(Debug, Error)]
pub(crate) enum LiveError {
    /// No server showed one.
    #[error("no certificate was shown: {0}{code}", code = code(.0))]
    NotShown(Box<Trail>),
    /// There is nothing to show in return.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What is asked for cannot be had here.
    #[error(transparent)]
    Config(#[from] Box<ConfigError>),
}

/// For `explain`.
fn code(trail: &Trail) -> String {
    trail.conclusion().map(|code| format!(" ({code})")).unwrap_or_default()
}
