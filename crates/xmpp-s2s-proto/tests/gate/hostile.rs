//! Chains that are made to cost something: what is refused, and how many signatures that takes.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{Issuer, KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
};
use webpki::ring::ECDSA_P256_SHA256;
use xmpp_s2s_proto::Code;
use xmpp_s2s_proto::dna::{Authenticator, Evidence, Policy, Presented};

use crate::certificates::{Authority, authority, leaf};
use crate::{HOSTED, NOW, at, code, judge, pair};

#[test]
fn tl11_authorities_that_vouch_for_each_other_cost_a_hundred_signatures_at_most() {
    // The one we trust has the same name as they, and has vouched for none of them.
    let trusted = Authority::new("ring");
    let chain = ring_of("ring", 8);
    let anchor = webpki::anchor_from_trusted_cert(&trusted.certificate).unwrap().to_owned();
    let gate = Authenticator::new([anchor], &COUNTING);
    let presented = Presented::after_handshake(&chain);
    let (evidence, policy) = (Evidence::default(), Policy::default());
    let outcome = gate.authenticate(presented.as_ref(), &pair(), &evidence, &policy, at(NOW));
    assert_eq!(code(&outcome), Code::CertUntrustedChain);
    let verified = VERIFIED.load(Ordering::SeqCst);
    // Few would mean that the ring does not lead around.
    assert!((50..=100).contains(&verified), "{verified}");
}

#[test]
fn tl11_an_authority_with_an_rsa_key_of_16_384_bits_vouches_for_nobody() {
    let root = Authority::new("root");
    let params = authority("huge");
    let certificate = root.vouch_for(&params, &Huge);
    let key = KeyPair::generate().unwrap();
    let leaf = leaf(&[HOSTED]).signed_by(&key, &Issuer::new(params, Huge)).unwrap();
    let outcome = judge(&root, &[leaf.der().clone(), certificate], &Evidence::default(), NOW);
    assert_eq!(code(&outcome), Code::CertUntrustedChain);
}

/// A certificate for the hosted domain, and the authorities of one name that stand behind it, each
/// of which the next vouches for.
fn ring_of(name: &str, size: usize) -> Vec<CertificateDer<'static>> {
    let keys: Vec<_> = (0..size).map(|_| KeyPair::generate().unwrap()).collect();
    let issuers = keys.iter().map(|key| Issuer::new(authority(name), key)).collect::<Vec<_>>();
    let leaf = leaf(&[HOSTED]).signed_by(&KeyPair::generate().unwrap(), &issuers[0]).unwrap();
    let mut chain = vec![leaf.der().clone()];
    for (key, issuer) in keys.iter().zip(issuers.iter().cycle().skip(1)) {
        chain.push(authority(name).signed_by(key, issuer).unwrap().der().clone());
    }
    chain
}

/// Checks signatures with P-256, and counts them.
#[derive(Debug)]
struct Counting;

static COUNTING: [&dyn SignatureVerificationAlgorithm; 1] = [&Counting];
static VERIFIED: AtomicUsize = AtomicUsize::new(0);

impl SignatureVerificationAlgorithm for Counting {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        VERIFIED.fetch_add(1, Ordering::SeqCst);
        ECDSA_P256_SHA256.verify_signature(key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_P256_SHA256.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_P256_SHA256.signature_alg_id()
    }
}

/// An RSA key of 16,384 bits, whose private part nobody has: its signatures are of the right length
/// and nothing else.
struct Huge;

impl PublicKeyData for Huge {
    fn der_bytes(&self) -> &[u8] {
        static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let mut modulus = vec![0x02, 0x82, 0x08, 0x01, 0x00];
            modulus.extend([0xff; 2048]);
            let exponent = [0x02, 0x03, 0x01, 0x00, 0x01];
            let length = u16::try_from(modulus.len() + exponent.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82], &length[..], &modulus, &exponent].concat()
        });
        &KEY
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for Huge {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![1; 2048])
    }
}
