//! What a certificate is to say, and the odd things it may say.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, OtherNameValue, SanType,
    date_time_ymd,
};

use crate::identity::Identity;

/// What a certificate is to say: issue it with [`Authority::issue`](crate::Authority::issue), or
/// let it sign itself.
///
/// As made by [`Self::new`] it is an ordinary one: a P-256 key, valid from yesterday on for ninety
/// days, for server authentication.
#[derive(Clone, Debug)]
#[must_use = "nothing is issued yet"]
pub struct Certificate {
    names: Vec<String>,
    days: Range<i64>,
    /// Since the start of 1970, in place of the last day.
    end: Option<Duration>,
    purpose: Purpose,
    key: Source,
    constraints: Constraints,
    extension: Option<CustomExtension>,
    xmpp_address: Option<String>,
}

impl Certificate {
    /// One for `names`: DNS names, wildcards included, or addresses.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            days: -1..90,
            end: None,
            purpose: Purpose::Server,
            key: Source::New(Key::P256),
            constraints: Constraints::EndEntity,
            extension: None,
            xmpp_address: None,
        }
    }

    /// Names this XMPP address too (XmppAddr, RFC 6120 §13.7.1.4).
    pub fn xmpp_address(self, address: &str) -> Self {
        Self { xmpp_address: Some(address.to_owned()), ..self }
    }

    /// Valid on these days, counted from now: `-10..-1` has expired, `1..10` is not valid yet.
    pub fn days(self, days: Range<i64>) -> Self {
        Self { days, ..self }
    }

    /// Valid for this much longer, in place of the last of its days; parts of a second do not count.
    pub fn ends_in(self, time: Duration) -> Self {
        Self { end: Some(since_epoch(0) + time), ..self }
    }

    /// For this purpose.
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// With a new key of this kind (an RSA key is always the same).
    pub fn key(self, key: Key) -> Self {
        Self { key: Source::New(key), ..self }
    }

    /// With the key of `other`: two certificates, one key, as after a renewal.
    pub fn key_of(self, other: &Identity) -> Self {
        Self { key: Source::Same(other.clone()), ..self }
    }

    /// Marked as an authority (CA:TRUE), like a leaf made by `openssl req -x509`; PKIX path
    /// building refuses it as an end entity.
    pub fn marked_as_authority(self) -> Self {
        Self { constraints: Constraints::Authority, ..self }
    }

    /// With an extension that nobody knows and that is critical.
    pub fn unknown_critical_extension(self) -> Self {
        let mut extension =
            CustomExtension::from_oid_content(&[2, 25, 4, 29, 5, 187], vec![0x05, 0x00]);
        extension.set_criticality(true);
        Self { extension: Some(extension), ..self }
    }

    /// Signed by its own key.
    ///
    /// # Panics
    ///
    /// If a name is neither a DNS name nor an address.
    #[must_use]
    pub fn self_signed(&self) -> Identity {
        let key = self.key_pair();
        let certificate = self.params().self_signed(&key).expect("the key can sign");
        Identity::new(vec![certificate.into()], &key)
    }

    pub(crate) fn params(&self) -> CertificateParams {
        let mut params =
            CertificateParams::new(self.names.clone()).expect("DNS names and addresses");
        params.subject_alt_names.extend(self.xmpp_address.iter().map(|address| {
            SanType::OtherName((XMPP_ADDR.into(), OtherNameValue::Utf8String(address.clone())))
        }));
        params.distinguished_name = common_name(self.names.first().map_or("nobody", |n| n));
        params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(self.days.start);
        let end = self.end.unwrap_or_else(|| since_epoch(self.days.end));
        params.not_after = date_time_ymd(1970, 1, 1) + end;
        params.is_ca = match self.constraints {
            Constraints::EndEntity => IsCa::ExplicitNoCa,
            Constraints::Authority => IsCa::Ca(BasicConstraints::Unconstrained),
        };
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.purpose.extended_key_usages();
        params.custom_extensions.extend(self.extension.clone());
        params
    }

    pub(crate) fn key_pair(&self) -> KeyPair {
        match &self.key {
            Source::New(Key::P256) => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Source::New(Key::P384) => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Source::New(Key::Ed25519) => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            Source::New(Key::Rsa2048) => KeyPair::from_pem(include_str!("../keys/rsa-2048.pem")),
            Source::Same(identity) => KeyPair::from_pem(&identity.key_pem()),
        }
        .expect("ring makes and reads these keys")
    }
}

/// What a certificate is for (extended key usage).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Purpose {
    /// `serverAuth` only, as public authorities issue since 2026.
    Server,
    /// `clientAuth` only.
    Client,
    /// Both.
    ServerAndClient,
    /// No extended key usage at all: good for everything.
    Unrestricted,
}

impl Purpose {
    fn extended_key_usages(self) -> Vec<ExtendedKeyUsagePurpose> {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        match self {
            Self::Server => vec![ServerAuth],
            Self::Client => vec![ClientAuth],
            Self::ServerAndClient => vec![ServerAuth, ClientAuth],
            Self::Unrestricted => vec![],
        }
    }
}

/// A kind of key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Key {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// EdDSA.
    Ed25519,
    /// RSA with 2048 bits: one fixed key, since ring makes none.
    Rsa2048,
}

/// Where the key comes from.
#[derive(Clone, Debug)]
enum Source {
    New(Key),
    Same(Identity),
}

/// What the basic constraints say.
#[derive(Clone, Copy, Debug)]
enum Constraints {
    EndEntity,
    Authority,
}

/// id-on-xmppAddr.
const XMPP_ADDR: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 5];

pub(crate) fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// From the start of 1970 until `days` from now.
fn since_epoch(days: i64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let distance = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
    if days < 0 { now.saturating_sub(distance) } else { now + distance }
}
