//! TCP to a target: its addresses raced (RFC 8305), and the socket set up for short exchanges.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use socket2::{SockRef, TcpKeepalive};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use xmpp_s2s_proto::Code;

use crate::discovery::Target;

/// How long one address has before the next is tried as well (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What a stream may run over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Transport for IO {}

/// Why no connection came about.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    #[error("no connection in time")]
    Timeout,
    #[error("no connection")]
    Tcp(#[source] io::Error),
}

impl From<DialError> for io::Error {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Timeout => Self::new(io::ErrorKind::TimedOut, error),
            DialError::Tcp(error) => error,
        }
    }
}

impl DialError {
    /// The word for it in a trail.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Timeout => Code::TcpTimeout,
            Self::Tcp(_) => Code::TcpUnreachable,
        }
    }
}

/// Connects to `target`; the first of its addresses that answers wins.
pub(crate) async fn dial(
    target: &Target,
    time: Duration,
    patience: Duration,
) -> Result<(TcpStream, SocketAddr), DialError> {
    let racing = race(&target.addresses, target.port);
    let (tcp, address) = match timeout(time, racing).await {
        Ok(winner) => winner.map_err(DialError::Tcp)?,
        Err(_) => return Err(DialError::Timeout),
    };
    prepare(&tcp, patience);
    Ok((tcp, address))
}

async fn race(addresses: &[IpAddr], port: u16) -> io::Result<(TcpStream, SocketAddr)> {
    let mut waiting = addresses.iter().map(|&ip| SocketAddr::new(ip, port));
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address");
    loop {
        let next = waiting.next();
        match next {
            Some(address) => attempts.push(connect(address)),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        let delay = async {
            match next {
                Some(_) if waiting.len() > 0 => sleep(ATTEMPT_DELAY).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(winner) => return Ok(winner),
                Err(error) => last = error,
            },
            () = delay => {}
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
    Ok((TcpStream::connect(address).await?, address))
}

/// Small writes go out at once, and a peer that is gone is noticed after `patience`.
///
/// A socket that takes no options still carries bytes, and every wait has a deadline without them.
pub(crate) fn prepare(tcp: &TcpStream, patience: Duration) {
    let _ = tcp.set_nodelay(true);
    let socket = SockRef::from(tcp);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(patience.min(LONGEST_PROBING)));
    let seconds = patience.clamp(Duration::from_secs(4), LONGEST_PROBING);
    let keepalive = TcpKeepalive::new().with_time(seconds).with_interval(seconds / 4);
    let _ = socket.set_tcp_keepalive(&keepalive);
}

/// Linux takes no more.
const LONGEST_PROBING: Duration = Duration::from_secs(32_767);

/// A TCP connection that acknowledges at once while its [`Haste`] lasts.
///
/// Peers that leave Nagle's algorithm on hold their answers back until the acknowledgment that
/// Linux delays by 40 ms; the option wears off, so that each read and write sets it again.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    haste: Haste,
}

/// Whether a stream is being negotiated, so that its round trips matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Haste(Arc<AtomicBool>);

impl Haste {
    /// From now on stanzas flow.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream, haste: Haste) -> Self {
        Self { tcp, haste }
    }

    fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        if !self.haste.is_over() {
            // A matter of speed alone: without it the stream is slower, not wrong.
            let _ = SockRef::from(&self.tcp).set_tcp_quickack(true);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.acknowledge_at_once();
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.acknowledge_at_once();
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs);
        self.acknowledge_at_once();
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use xmpp_s2s_proto::stream::Security;

    use super::*;

    fn target(addresses: &[&str], port: u16) -> Target {
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        Target { host: "host".into(), port, security: Security::StartTls, addresses }
    }

    #[tokio::test]
    async fn the_next_address_is_tried_when_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = target(&["127.0.0.2", "127.0.0.3", "127.0.0.1"], port);
        let time = Duration::from_secs(5);
        let (_, address) = dial(&target, time, time).await.unwrap();
        assert_eq!(address, listener.local_addr().unwrap());
    }

    #[tokio::test]
    async fn what_is_dialled_sends_small_writes_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = target(&["127.0.0.1"], listener.local_addr().unwrap().port());
        let time = Duration::from_secs(5);
        let (tcp, _) = dial(&target, time, time).await.unwrap();
        assert!(tcp.nodelay().unwrap());
    }

    #[tokio::test]
    async fn no_address_at_all_is_an_error() {
        let time = Duration::from_secs(5);
        let error = dial(&target(&[], 1), time, time).await.unwrap_err();
        assert_eq!(error.code(), Code::TcpUnreachable);
    }
}
