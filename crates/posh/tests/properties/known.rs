//! Certificates, and what others say that stands in them.

use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};

/// A certificate, a time within its life, and its key as OpenSSL and RFC 7517 tell it.
pub(crate) struct Known {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) now: UnixTime,
    pub(crate) key: Key,
    pub(crate) strength: Strength,
}

/// The members of its JWK, by name.
pub(crate) type Key = Vec<(&'static str, &'static str)>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strength {
    Strong,
    Weak,
    Unknown,
}

/// One of every kind.
pub(crate) fn known() -> Vec<Known> {
    let known = |pem: &[u8], now, strength, key: &[_]| Known {
        der: CertificateDer::from_pem_slice(pem).unwrap(),
        now: UnixTime::since_unix_epoch(Duration::from_secs(now)),
        key: key.to_vec(),
        strength,
    };
    vec![
        known(
            include_bytes!("../certificates/rfc7517-b.pem"),
            1_400_000_000,
            Strength::Strong,
            &[("kty", "RSA"), ("n", RFC7517_B), ("e", "AQAB")],
        ),
        known(
            include_bytes!("../certificates/p256.pem"),
            1_700_000_000,
            Strength::Strong,
            &[
                ("kty", "EC"),
                ("crv", "P-256"),
                ("x", "xdAN_BVoBVYLSSNQH1eO88g8M8ojvIDMDgiiufNmpV0"),
                ("y", "isNXkK4j8_0KZ7F1tn_WApBjzF6B5yHQtoQNxhyBu4I"),
            ],
        ),
        known(
            include_bytes!("../certificates/posh.badxmpp.eu.pem"),
            1_650_000_000,
            Strength::Strong,
            &[
                ("kty", "EC"),
                ("crv", "P-384"),
                ("x", "UeyvxJeBihodBTIATT5szGfsgeNE1nNIEjOU-PSDBpfCFEAKw5oIxB35TGyPvOe1"),
                ("y", "MBSBXcaRFXBSKBZ4AkVRPsKsGjEmUa9GpIbEwcsUvw-NTx8OT81tuTEbpjs0QGy0"),
            ],
        ),
        known(
            include_bytes!("../certificates/p521.pem"),
            1_700_000_000,
            Strength::Strong,
            &[("kty", "EC"), ("crv", "P-521"), ("x", P521_X), ("y", P521_Y)],
        ),
        known(
            include_bytes!("../certificates/ed25519.pem"),
            1_700_000_000,
            Strength::Strong,
            &[
                ("kty", "OKP"),
                ("crv", "Ed25519"),
                ("x", "FPnL7dJYrfuKyKdROiNIrvY33q_7CTorBq7ZZDgvyGs"),
            ],
        ),
        known(
            include_bytes!("../certificates/rsa1024.pem"),
            2_000_000_000,
            Strength::Weak,
            &[("kty", "RSA"), ("n", RSA_1024), ("e", "AQAB")],
        ),
        known(
            include_bytes!("../certificates/ed448.pem"),
            2_000_000_000,
            Strength::Unknown,
            &[("kty", "OKP"), ("crv", "Ed448"), ("x", "AA")],
        ),
    ]
}

const RFC7517_B: &str = "vrjOfz9Ccdgx5nQudyhdoR17V-\
    IubWMeOZCwX_jj0hgAsz2J_pqYW08PLbK_PdiVGKPrqzmDIsLI7sA25VEnHU1uCLNwBuUiCO11_-\
    7dYbsr4iJmG0Qu2j8DsVyT1azpJC_NG84Ty5KKthuCaPod7iI7w0LK9orSMhBEwwZDCxTWq4aYWAchc8t-\
    emd9qOvWtVMDC2BXksRngh6X5bUYLy6AyHKvj-\
    nUy1wgzjYQDwHMTplCoLtU-o-8SNnZ1tmRoGE9uJkBLdh5gFENabWnU5m1ZqZPdwS-qo-\
    meMvVfJb6jJVWRpl2SUtCnYG2C32qvbWbjZ_jBPD5eunqsIo1vQ";
const RSA_1024: &str = "wrqX91ek2w5Utvc3aWCDb1EliljWJ0kJqpFUXZFZ0_hty4pZ3YQ2WC2MdwYF2T4lFDWl9r\
    V3YRwDed73gxLxMTCGeX9OMs0hdWAwmP7imQ2xAbnqyQ_00n3OskdaUolDgMcHeiNutGgcb6yCgr6Jpl\
    BIT0Nn0h-l1zY5gerdBqU";
const P521_X: &str =
    "ANITsXUifpS2XvlIKhYSkNJIXrF3-zCRlQgxy_cFnl__blOzx3w_Cy4L0UyrWv4vt4OZ7LdcIOYfxyzr-Mm27i2W";
const P521_Y: &str =
    "AKTjAe6XQSZWJJbi50UJFgnHX0a4d8DvEyPQZv0byM8F1MQKOT1WJE-GgfC5pOgwCYqRyfusUS5Mm7q5U2uQK4IN";
