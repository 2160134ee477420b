//! Certification authorities.

use std::fmt;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::certificate::{Certificate, common_name};
use crate::identity::{Identity, pem};

/// A certification authority that signs whatever it is asked to. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<CertifiedIssuer<'static, KeyPair>>);

impl Authority {
    /// Makes one with a new key.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("the operating system has random numbers");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the key can sign");
        Self(Arc::new(issuer))
    }

    /// Issues `certificate`.
    ///
    /// # Panics
    ///
    /// If a name is neither a DNS name nor an address.
    #[must_use]
    pub fn issue(&self, certificate: &Certificate) -> Identity {
        let key = certificate.key_pair();
        let issued = certificate.params().signed_by(&key, &self.0).expect("the authority can sign");
        Identity::new(vec![issued.into()], &key)
    }

    /// Issues an ordinary certificate for `name` alone.
    ///
    /// # Panics
    ///
    /// If `name` is neither a DNS name nor an address.
    #[must_use]
    pub fn issue_for(&self, name: &str) -> Identity {
        self.issue(&Certificate::new([name]))
    }

    /// Its own certificate.
    #[must_use]
    pub fn root(&self) -> &CertificateDer<'static> {
        self.0.der()
    }

    /// Its own certificate in PEM.
    #[must_use]
    pub fn root_pem(&self) -> String {
        pem("CERTIFICATE", self.root())
    }

    /// A store that trusts this authority and no other.
    #[must_use]
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.root().clone()).expect("the root is a certificate");
        roots
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}
