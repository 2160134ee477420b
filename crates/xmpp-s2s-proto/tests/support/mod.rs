//! Certificates made at run time, and the gate that judges them.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls_pki_types::UnixTime;
use xmpp_s2s_proto::dna::{Association, Authenticator, Evidence, Policy, Presented, Rejection};
use xmpp_s2s_proto::{Domain, Pair};

/// A certificate authority, and the gate that trusts it.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    gate: Authenticator,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = params(Vec::new());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let anchor = webpki::anchor_from_trusted_cert(certificate.der()).unwrap().to_owned();
        let gate = Authenticator::new([anchor], webpki::ALL_VERIFICATION_ALGS);
        Self { issuer: Issuer::new(params, key), gate }
    }

    /// What a peer with a certificate of this authority presents.
    pub(crate) fn presented(&self, name: &str) -> Presented {
        let key = KeyPair::generate().unwrap();
        let certificate = params(vec![name.to_owned()]).signed_by(&key, &self.issuer).unwrap();
        Presented::after_handshake(&[certificate.der().clone()]).unwrap()
    }

    /// Asks the gate, on 2026-06-01.
    pub(crate) fn judge(
        &self,
        presented: Option<&Presented>,
        pair: &Pair,
    ) -> Result<Association, Rejection> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_780_272_000));
        self.gate.authenticate(presented, pair, &Evidence::default(), &Policy::default(), now)
    }
}

pub(crate) fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn params(names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}
