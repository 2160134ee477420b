use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PublicKeyData, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use xmpp_s2s_proto::dna::Authenticator;

/// A certificate authority and what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(authority(name))
    }

    pub(crate) fn with(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Another authority that this one vouches for, until the end of June 2026.
    pub(crate) fn subordinate(&self, name: &str) -> Self {
        let mut params = authority(name);
        params.not_after = date_time_ymd(2026, 7, 1);
        self.subordinate_with(params)
    }

    /// Another authority that this one vouches for.
    pub(crate) fn subordinate_with(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = self.vouch_for(&params, &key);
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub(crate) fn leaf(&self, name: &str) -> CertificateDer<'static> {
        self.sign(&leaf(&[name]))
    }

    pub(crate) fn sign(&self, params: &CertificateParams) -> CertificateDer<'static> {
        self.vouch_for(params, &KeyPair::generate().unwrap())
    }

    /// The same for a key that is there already.
    pub(crate) fn vouch_for(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> CertificateDer<'static> {
        params.signed_by(key, &self.issuer).unwrap().der().clone()
    }

    /// The gate that trusts it.
    pub(crate) fn authenticator(&self) -> Authenticator {
        let anchor = webpki::anchor_from_trusted_cert(&self.certificate).unwrap().to_owned();
        Authenticator::new([anchor], webpki::ALL_VERIFICATION_ALGS)
    }
}

/// A certificate of 2026.
pub(crate) fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

/// The certificate of an authority.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = leaf(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate that ended a day before the tests.
pub(crate) fn expired(name: &str) -> CertificateParams {
    let mut params = leaf(&[name]);
    params.not_after = date_time_ymd(2026, 5, 31);
    params
}

pub(crate) fn with_usage(name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = leaf(&[name]);
    params.extended_key_usages = vec![usage];
    params
}

pub(crate) fn self_signed(params: &CertificateParams) -> CertificateDer<'static> {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}
