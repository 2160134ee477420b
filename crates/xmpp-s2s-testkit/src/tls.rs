//! TLS configurations, always of ring.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::SingleCertAndKey;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use crate::identity::Identity;

/// The cryptography of the testkit.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// For a web host.
pub(crate) fn web_server(identity: &Identity) -> Arc<ServerConfig> {
    let resolver = Arc::new(SingleCertAndKey::from(identity.certified_key()));
    let mut config = server().with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn server() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3")
}
