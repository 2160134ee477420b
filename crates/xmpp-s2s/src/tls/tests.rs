use std::collections::HashMap;

use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use xmpp_s2s_testkit::{Authority, Certificate as Spec, Identity, provider};

use super::*;

type Ends = (TlsStream<Io>, TlsStream<Io>);

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn tls(provider: Arc<CryptoProvider>) -> Tls {
    Tls::new(provider, Duration::from_secs(5))
}

fn one_version(tls13: bool) -> Arc<CryptoProvider> {
    let mut provider = (*provider()).clone();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some() == tls13);
    Arc::new(provider)
}

/// A handshake, and a byte each way, since some alerts come after it.
async fn meet(
    tls: &Tls,
    client: &Identity,
    server: Certificate,
    security: Security,
) -> Result<Ends, TlsError> {
    let (near, far) = duplex(64 * 1024);
    let remote = domain("b.example");
    let connect = tls.connect(Box::new(near), &remote, client.certified_key(), security);
    let accept = tls.accept(Box::new(far), server, security);
    let (mut near, mut far) = tokio::try_join!(connect, accept)?;
    let exchange = async {
        near.write_all(b"x").await?;
        near.flush().await?;
        far.read_u8().await?;
        far.write_all(b"y").await?;
        far.flush().await?;
        near.read_u8().await
    };
    exchange.await.map_err(TlsError::Handshake)?;
    Ok((near, far))
}

fn identities() -> (Identity, Identity) {
    let authority = Authority::new("authority");
    (authority.issue_for("a.example"), authority.issue_for("b.example"))
}

#[tokio::test]
async fn any_certificate_passes_whose_key_is_held() {
    let odd = [
        Spec::new(["elsewhere.example"]).self_signed(),
        Spec::new(["elsewhere.example"]).marked_as_authority().self_signed(),
        Spec::new(["elsewhere.example"]).unknown_critical_extension().self_signed(),
        Spec::new(["elsewhere.example"]).days(-9..-2).self_signed(),
        Identity::x509_version_1(),
    ];
    for (number, odd) in odd.iter().enumerate() {
        for tls13 in [false, true] {
            let server = Certificate::Of(odd.certified_key());
            let met = meet(&tls(one_version(tls13)), odd, server, Security::StartTls).await;
            let (near, far) = met
                .unwrap_or_else(|error| panic!("certificate {number}, TLS 1.3 {tls13}: {error:?}"));
            assert_eq!(presented(&near).unwrap().end_entity(), odd.leaf());
            assert_eq!(presented(&far).unwrap().end_entity(), odd.leaf());
        }
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_passes_in_neither_role() {
    let (a, b) = identities();
    let (stolen, other) = (a.with_key_of(&b), b.with_key_of(&a));
    for tls13 in [false, true] {
        let tls = tls(one_version(tls13));
        let honest = Certificate::Of(b.certified_key());
        assert!(meet(&tls, &stolen, honest, Security::StartTls).await.is_err());
        let thief = Certificate::Of(other.certified_key());
        assert!(meet(&tls, &a, thief, Security::StartTls).await.is_err());
    }
}

#[tokio::test]
async fn a18_no_session_is_ever_resumed() {
    let (a, b) = identities();
    for tls13 in [false, true] {
        let tls = tls(one_version(tls13));
        for _ in 0..3 {
            let server = Certificate::Of(b.certified_key());
            let (near, far) = meet(&tls, &a, server, Security::Direct).await.unwrap();
            for end in [near, far] {
                let (_, connection): (_, &CommonState) = end.get_ref();
                assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
            }
        }
    }
}

#[tokio::test]
async fn a25_direct_tls_wants_a_name_that_is_ours() {
    let (a, b) = identities();
    let hosting = |name| {
        let identities = HashMap::from([(domain(name), b.certified_key())]);
        Certificate::ByName(Arc::new(identities))
    };
    let tls = tls(provider());
    assert!(meet(&tls, &a, hosting("b.example"), Security::Direct).await.is_ok());
    assert!(meet(&tls, &a, hosting("c.example"), Security::Direct).await.is_err());
}

#[tokio::test]
async fn a25_direct_tls_refuses_other_protocols_and_takes_silence() {
    let (_, b) = identities();
    for (protocols, accepted) in [
        (vec![], true),
        (vec!["xmpp-server"], true),
        (vec!["http/1.1", "xmpp-server"], true),
        (vec!["http/1.1"], false),
        (vec!["xmpp-client"], false),
    ] {
        let (near, far) = duplex(64 * 1024);
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(tls(provider()).possession)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().into()).collect();
        let name = ServerName::try_from("b.example").unwrap();
        let connect = TlsConnector::from(Arc::new(config)).connect(name, near);
        let ours = tls(provider());
        let server = Certificate::Of(b.certified_key());
        let accept = ours.accept(Box::new(far), server, Security::Direct);
        let (_, result) = tokio::join!(connect, accept);
        assert_eq!(result.is_ok(), accepted, "{protocols:?}");
    }
}
