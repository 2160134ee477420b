//! One connection to a web host.

use std::future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::reply::Next;
use super::{Request, Shared, TlsFault, key};

/// Serves requests until the client goes, or stays too long.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    const LONGEST: Duration = Duration::from_secs(120);
    if let Ok(address) = stream.peer_addr() {
        shared.connections.push(address);
    }
    // What fails here, fails at the client too.
    let _ = timeout(LONGEST, exchange(stream, &shared)).await;
}

async fn exchange(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some((mut tls, server_name)) = handshake(stream, shared).await? else {
        return Ok(());
    };
    let mut buffer = Vec::new();
    while let Some(mut request) = Request::read(&mut tls, &mut buffer, &server_name).await? {
        let reply = shared.reply(&request);
        request.status = reply.status_code();
        shared.requests.push(request);
        match reply.write(&mut tls).await? {
            Next::Request => {}
            Next::Close => return Ok(()),
            Next::Reset => return tls.get_ref().0.set_zero_linger(),
        }
    }
    tls.shutdown().await
}

/// The handshake as the named host does it; `None` if it was its fault to end here.
async fn handshake(
    stream: TcpStream,
    shared: &Shared,
) -> io::Result<Option<(TlsStream<TcpStream>, String)>> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let server_name = start.client_hello().server_name().unwrap_or_default().to_owned();
    let tls = shared.hosts().get(&key(&server_name)).map(|host| host.tls.clone());
    match tls {
        Some(Ok(config)) => Ok(Some((start.into_stream(config).await?, server_name))),
        Some(Err(fault)) => fail(&mut start.io, fault).await.map(|()| None),
        None => start.io.write_all(&UNRECOGNISED_NAME).await.map(|()| None),
    }
}

async fn fail(stream: &mut TcpStream, fault: TlsFault) -> io::Result<()> {
    match fault {
        TlsFault::OnlyTls11 => stream.write_all(&tls_11_hello()).await,
        TlsFault::Silence => future::pending().await,
        TlsFault::Reset => stream.set_zero_linger(),
    }
}

/// The fatal alert `unrecognized_name` (RFC 6066 §3).
const UNRECOGNISED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// A ServerHello of TLS 1.1 (RFC 4346 §7.4.1.3) that chooses TLS_RSA_WITH_AES_128_CBC_SHA.
fn tls_11_hello() -> Vec<u8> {
    let mut record = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    record.extend([7; 32]);
    record.extend([0, 0, 0x2f, 0]);
    record
}
