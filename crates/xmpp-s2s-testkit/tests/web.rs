//! The web hosts, seen by a client that is no browser.
#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, PeerIncompatible};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use xmpp_s2s_testkit::{Authority, Certificate, Hold, Reply, TlsFault, Web, provider};

const HOST: &str = "web.example";
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_document_is_served() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::json("{}").header("Age", "3"));
    let response = get(&web, &authority, HOST, "/x.json").await.unwrap();
    let wanted = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nAge: 3\r\n\
                  Content-Length: 2\r\n\r\n{}";
    assert_eq!(response, wanted);
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let (web, authority) = start().await;
    let response = get(&web, &authority, HOST, "/y.json").await.unwrap();
    assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
}

#[tokio::test]
async fn a_redirect_says_where() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::redirect(307, "http://elsewhere.example/"));
    let response = get(&web, &authority, HOST, "/x.json").await.unwrap();
    assert!(response.contains("307 Redirect\r\nLocation: http://elsewhere.example/\r\n"));
}

#[tokio::test]
async fn the_request_is_logged_as_it_came() {
    let (web, authority) = start().await;
    get(&web, &authority, HOST, "/x.json").await.unwrap();
    let request = &web.requests().all()[0];
    assert_eq!(request.server_name, HOST);
    assert_eq!(request.line, "GET /x.json HTTP/1.1");
    assert_eq!(request.path(), "/x.json");
    assert_eq!(request.header("Host"), Some(HOST));
    assert_eq!(request.status, Some(404));
}

#[tokio::test]
async fn hosts_have_certificates_of_their_own() {
    let (web, authority) = start().await;
    web.host("other.example", &authority.issue_for("third.example"));
    let error = get(&web, &authority, "other.example", "/").await.unwrap_err();
    assert!(matches!(
        tls_error(&error),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
    ));
}

#[tokio::test]
async fn an_unknown_host_is_refused_in_tls() {
    let (web, authority) = start().await;
    let error = get(&web, &authority, "other.example", "/").await.unwrap_err();
    let wanted = rustls::Error::AlertReceived(AlertDescription::UnrecognisedName);
    assert_eq!(tls_error(&error), &wanted);
}

#[tokio::test]
async fn a_host_of_tls_1_1_finds_no_client() {
    let (web, authority) = start().await;
    web.host_fault(HOST, TlsFault::OnlyTls11);
    let error = get(&web, &authority, HOST, "/").await.unwrap_err();
    let wanted = PeerIncompatible::ServerDoesNotSupportTls12Or13;
    assert!(
        matches!(tls_error(&error), rustls::Error::PeerIncompatible(why) if *why == wanted),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_hanging_host_says_nothing() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::hang());
    let mut tls = ask(&web, &authority, HOST, "/x.json").await.unwrap();
    web.requests().wait(|request| request.path() == "/x.json", DEADLINE).await.unwrap();
    assert!(timeout(Duration::from_millis(50), tls.read_u8()).await.is_err());
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::reset());
    let error = get(&web, &authority, HOST, "/x.json").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_drip_comes_byte_by_byte() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::drip_head(Duration::from_millis(1)));
    let mut tls = ask(&web, &authority, HOST, "/x.json").await.unwrap();
    let mut head = [0; 29];
    tls.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK\r\nX-Drip: xxxx"[..29].as_ref());
}

#[tokio::test]
async fn an_endless_document_is_chunked_without_end() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::endless());
    let mut tls = ask(&web, &authority, HOST, "/x.json").await.unwrap();
    let mut body = vec![0; 1024 * 1024];
    tls.read_exact(&mut body).await.unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n4000\r\n";
    assert!(body.starts_with(head.as_bytes()));
}

#[tokio::test]
async fn an_oversized_document_has_the_length_that_it_says() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::oversized(100_000));
    let response = get(&web, &authority, HOST, "/x.json").await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("Content-Length: 100000"), "{head}");
    assert_eq!(body.len(), 100_000);
}

#[tokio::test]
async fn a_held_reply_waits_for_its_release() {
    let (web, authority) = start().await;
    let hold = Hold::new();
    web.serve(HOST, "/x.json", Reply::json("{}").held_by(&hold));
    let mut tls = ask(&web, &authority, HOST, "/x.json").await.unwrap();
    assert!(timeout(Duration::from_millis(50), tls.read_u8()).await.is_err());
    hold.release();
    assert_eq!(timeout(DEADLINE, tls.read_u8()).await.unwrap().unwrap(), b'H');
}

#[tokio::test]
async fn everything_stops_when_it_is_dropped() {
    let (web, authority) = start().await;
    web.serve(HOST, "/x.json", Reply::hang());
    let mut tls = ask(&web, &authority, HOST, "/x.json").await.unwrap();
    let address = web.address();
    web.requests().wait(|_| true, DEADLINE).await.unwrap();
    drop(web);
    assert!(timeout(DEADLINE, tls.read_u8()).await.unwrap().is_err());
    assert!(TcpStream::connect(address).await.is_err());
}

async fn start() -> (Web, Authority) {
    let (web, authority) = (Web::start().await.unwrap(), Authority::new("Web"));
    web.host(HOST, &authority.issue(&Certificate::new([HOST])));
    (web, authority)
}

/// Everything until the connection ends.
async fn get(web: &Web, authority: &Authority, host: &str, path: &str) -> io::Result<String> {
    let mut tls = ask(web, authority, host, path).await?;
    let mut response = String::new();
    timeout(DEADLINE, tls.read_to_string(&mut response)).await??;
    Ok(response)
}

/// Sends one request and the end of the input.
async fn ask(
    web: &Web,
    authority: &Authority,
    host: &str,
    path: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let tcp = TcpStream::connect(web.address()).await?;
    let mut tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    tls.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    tls.get_mut().1.send_close_notify();
    tls.flush().await?;
    Ok(tls)
}

fn tls_error(error: &io::Error) -> &rustls::Error {
    error.get_ref().and_then(|error| error.downcast_ref()).expect("an error of TLS")
}
