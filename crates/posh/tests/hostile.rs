//! Inputs that nobody thought of.
#![allow(clippy::unwrap_used)]

use posh::{Document, Leaf, Limits, Lookup, Profile, Response, Service};
use proptest::prelude::*;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, UnixTime};

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("certificates/posh.badxmpp.eu.pem")).unwrap()
}

fn profile() -> impl Strategy<Value = Profile> {
    prop_oneof![Just(Profile::Draft02), Just(Profile::Rfc7711)]
}

/// Text that is nearly a document.
fn nearly_a_document() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u0000",
        "\\ud800",
        "-0",
        "1e400",
        "0",
        "null",
        "\"keys\"",
        "\"fingerprints\"",
        "\"url\"",
        "\"expires\"",
        "\"sha-256\"",
        "\"kty\"",
        "\"EC\"",
        "\"RSA\"",
        "\"crv\"",
        "\"x\"",
        "\"x5t\"",
        "\"x5c\"",
        "\"d\"",
        "\"AA==\"",
        "\"https://a.example/\"",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_upsets_the_parser(text in nearly_a_document(), profile in profile()) {
        let _ = Document::parse(text.as_bytes(), profile);
    }

    #[test]
    fn no_bytes_upset_the_parser(bytes: Vec<u8>, profile in profile()) {
        let _ = Document::parse(&bytes, profile);
    }

    #[test]
    fn tl12_no_change_to_a_certificate_upsets_the_reader(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut der = certificate().to_vec();
        for (position, byte) in changes {
            let position = position.index(der.len());
            der[position] = byte;
        }
        if let Ok(leaf) = Leaf::parse(&CertificateDer::from(der)) {
            prop_assert!(leaf.dns_names().all(|name| name.is_ascii()));
            let _ = (leaf.other_names(&[0x2b]).count(), leaf.constrains_names());
        }
    }

    #[test]
    fn tl12_a_certificate_that_is_cut_is_not_read(length in any::<prop::sample::Index>()) {
        let mut der = certificate().to_vec();
        der.truncate(length.index(der.len()));
        prop_assert!(Leaf::parse(&CertificateDer::from(der)).is_err());
    }

    #[test]
    fn no_response_leads_out_of_https(
        status in prop::sample::select(vec![200_u16, 301, 404]),
        location in "(https?:)?//[a-z0-9.:@\\[\\]-]{0,20}(/[ -~]{0,8})?|\\PC{0,20}",
        body in nearly_a_document(),
        profile in profile(),
    ) {
        let source = DnsName::try_from("im.example").unwrap();
        let lookup =
            Lookup::new(&source, &Service::XMPP_SERVER, profile, Limits::default()).unwrap();
        let response = Response {
            status,
            location: Some(&location),
            content_type: None,
            body: body.as_bytes(),
        };
        if let Ok(posh::Progress::Continue(lookup)) = lookup.handle(&response, UnixTime::now()) {
            let target = lookup.target();
            prop_assert_eq!(target.scheme(), "https");
            prop_assert!(target.domain().is_some() && target.port().is_none());
        }
    }
}
