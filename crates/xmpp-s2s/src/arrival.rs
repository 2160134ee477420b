//! Connections that peers open, as far as the claim of who they are.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use xmpp_s2s_proto::dna::Rejection;
use xmpp_s2s_proto::stream::{Event, Security, Stream, StreamError, StreamId};
use xmpp_s2s_proto::{Code, Pair, Phase, Step};

use crate::connection::{Connection, Progress};
use crate::context::{Context, now};
use crate::dial::{Haste, Socket, Transport, prepare};
use crate::peer::{Direction, Peer};
use crate::tls::{Certificate, TlsError};

/// The first byte of every TLS handshake; no XML starts with it.
const TLS_HANDSHAKE: u8 = 22;

/// Why a connection did not become a stream.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The transport failed.
    #[error("transport failed")]
    Io(#[source] Arc<io::Error>),
    /// A budget of this source address or the whole endpoint is used up.
    #[error("too many connections that are not authenticated")]
    OverBudget,
    /// The peer did not prove its claim.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The stream broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The handshake failed.
    #[error("TLS handshake failed")]
    Tls(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The peer took too long.
    #[error("no stream in time")]
    Timeout,
    /// The system has no random numbers, without which no stream has a name.
    #[error("no random numbers")]
    Random,
}

/// Takes a connection as far as the peer's claim.
pub(crate) async fn accept<IO>(
    context: &Arc<Context>,
    mut io: IO,
    address: Option<SocketAddr>,
) -> Result<(Connection, Peer), AcceptError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = context.config.limits;
    let (start, deadline) = (now(), Instant::now() + limits.inbound);
    let mut first = [0];
    match timeout_at(deadline, io.read_exact(&mut first)).await {
        Ok(read) => read.map_err(transport)?,
        Err(_) => return Err(AcceptError::Timeout),
    };
    let security = match first {
        [TLS_HANDSHAKE] => Security::Direct,
        _ => Security::StartTls,
    };
    let stream = receive(context, security, start)?;
    let first = Some(first[0]);
    let (io, haste): (Box<dyn Transport>, _) = match known(io, limits.write) {
        Ok((io, haste)) => (Box::new(Rewound { io, first }), haste),
        Err(io) => (Box::new(Rewound { io, first }), Haste::default()),
    };
    let connection = Connection::new(stream, io, haste, limits.write);
    let arrival = Arrival { context, deadline, since: Instant::now() };
    let (connection, pair, tls) = arrival.claim(connection, security).await?;
    let mut peer = Peer::new(pair, Direction::Inbound);
    peer.address = address;
    peer.trail.record(tls);
    Ok((connection, peer))
}

fn receive(
    context: &Arc<Context>,
    security: Security,
    start: std::time::Instant,
) -> Result<Stream, AcceptError> {
    let mut ids = [[0; 16]; 3];
    for id in &mut ids {
        getrandom::fill(id).map_err(|_| AcceptError::Random)?;
    }
    let hosting = context.clone();
    let hosted = move |local: &_| hosting.identity(local).is_some();
    let ids = ids.map(StreamId::from_random);
    Ok(Stream::receive(ids, hosted, security, context.receiving.clone(), start))
}

/// A connection on its way to a claim.
struct Arrival<'a> {
    context: &'a Context,
    deadline: Instant,
    since: Instant,
}

impl Arrival<'_> {
    async fn claim(
        self,
        mut connection: Connection,
        security: Security,
    ) -> Result<(Connection, Pair, Step), AcceptError> {
        let mut secured = None;
        if security == Security::Direct {
            let identities = self.context.config.identities.clone();
            let certificate = Certificate::ByName(identities);
            secured = Some(self.secure(&mut connection, certificate, security).await?);
        }
        loop {
            match connection.progress().await {
                Progress::Event(Event::StartTls(local)) => {
                    let identity = self.context.identity(&local).ok_or_else(aborted)?;
                    let certificate = Certificate::Of(identity);
                    secured = Some(self.secure(&mut connection, certificate, security).await?);
                }
                Progress::Event(Event::Authenticate(pair)) => {
                    let Some(tls) = secured else { continue };
                    return Ok((connection, pair, tls));
                }
                Progress::Event(Event::Closed(error)) => {
                    tokio::spawn(connection.finish(self.context.config.stream.closing));
                    return Err(error.map_or_else(aborted, AcceptError::Stream));
                }
                Progress::Event(_) | Progress::Flushed => {}
                Progress::Lost(error) => return Err(transport(error)),
            }
        }
    }

    async fn secure(
        &self,
        connection: &mut Connection,
        certificate: Certificate,
        security: Security,
    ) -> Result<Step, AcceptError> {
        let handshake = connection.accept(&self.context.tls, certificate, security);
        match timeout_at(self.deadline, handshake).await {
            Ok(Ok(agreed)) => {
                Ok(Step::new(Phase::Tls, Code::TlsSecured, agreed, self.since.elapsed()))
            }
            Ok(Err(TlsError::Timeout)) | Err(_) => Err(AcceptError::Timeout),
            Ok(Err(error)) => Err(AcceptError::Tls(Arc::new(error))),
        }
    }
}

fn transport(error: io::Error) -> AcceptError {
    AcceptError::Io(Arc::new(error))
}

fn aborted() -> AcceptError {
    transport(io::ErrorKind::ConnectionAborted.into())
}

/// Sockets that we know are set up as our own.
fn known<IO: 'static>(io: IO, patience: Duration) -> Result<(Socket, Haste), IO> {
    let mut io = Some(io);
    let tcp = (&mut io as &mut dyn Any).downcast_mut::<Option<TcpStream>>();
    let Some(tcp) = tcp.and_then(Option::take) else {
        return Err(io.expect("only a TcpStream is taken out"));
    };
    // A socket that takes no options still carries bytes.
    let _ = prepare(&tcp, patience);
    let haste = Haste::default();
    Ok((Socket::new(tcp, haste.clone()), haste))
}

/// A transport whose first byte was read to see what it is.
struct Rewound<IO> {
    io: IO,
    first: Option<u8>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewound<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.first.take() {
            Some(first) => {
                buf.put_slice(&[first]);
                Poll::Ready(Ok(()))
            }
            None => Pin::new(&mut self.io).poll_read(cx, buf),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewound<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
