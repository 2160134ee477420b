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
use tracing::debug;
use xmpp_s2s_proto::dna::Rejection;
use xmpp_s2s_proto::stream::{Condition, Event, Security, Stream, StreamError, StreamId};
use xmpp_s2s_proto::{Code, Domain, Pair, Phase, Step};

use crate::admission::Permit;
use crate::clock::{after, now};
use crate::connection::{Connection, Progress};
use crate::context::Context;
use crate::dial::{Haste, Socket, Transport, prepare};
use crate::peer::{Direction, Peer};
use crate::reason::explain;
use crate::stop::Stop;
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
    /// A budget of connections is used up: of this source address, or of the whole endpoint.
    #[error("too many connections")]
    OverBudget,
    /// The endpoint was closed.
    #[error("this server is stopping")]
    Stopping,
    /// The peer did not prove its claim.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The stream broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The handshake failed.
    #[error("TLS handshake failed")]
    Tls(#[source] Arc<io::Error>),
    /// The peer took too long over TLS, or over all of it; over XML that is a stream error.
    #[error("no stream in time")]
    Timeout,
    /// The system has no random numbers, without which no stream has a name.
    #[error("no random numbers")]
    Random,
}

/// Takes a connection as far as the peer's claim.
pub(crate) async fn accept<IO>(
    context: &Arc<Context>,
    stop: &Stop,
    permit: Permit,
    mut io: IO,
    address: Option<SocketAddr>,
) -> Result<Arrived, AcceptError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = context.config.limits;
    let (start, deadline) = (now(), after(limits.inbound));
    let mut first = [0];
    let first = match timeout_at(deadline, io.read_exact(&mut first)).await {
        Ok(read) => {
            read.map_err(transport)?;
            Some(first[0])
        }
        // The stream knows what to say to a peer that says nothing.
        Err(_) => None,
    };
    let security = match first {
        Some(TLS_HANDSHAKE) => Security::Direct,
        Some(_) | None => Security::StartTls,
    };
    let stream = receive(context, security, start)?;
    let (io, haste): (Box<dyn Transport>, _) = match known(io, limits.write) {
        Ok((io, haste)) => (Box::new(Rewound { io, first }), haste),
        Err(io) => (Box::new(Rewound { io, first }), Haste::default()),
    };
    let connection = Connection::new(stream, io, haste, limits.write);
    let since = Instant::now();
    let arrival = Arrival { context, deadline, since, secured: None };
    let held = (stop.clone(), permit);
    let (connection, permit, pair, tls) = arrival.claim(connection, security, held).await?;
    let mut peer = Peer::new(pair, Direction::Inbound, start);
    peer.address = address;
    peer.end_entity = connection.stream.presented().map(|presented| *presented.digest());
    peer.trail_mut().record(tls);
    Ok(Arrived { connection, peer, permit, deadline })
}

/// A connection that has come as far as a claim.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) connection: Connection,
    pub(crate) peer: Peer,
    /// Held until the peer is authenticated, or has been told that it is not.
    pub(crate) permit: Permit,
    /// Until when stanzas have to flow.
    pub(crate) deadline: Instant,
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
    secured: Option<Secured>,
}

/// What came of the handshake.
struct Secured {
    step: Step,
    /// The domain that the peer asked for in it; with STARTTLS the header did that before.
    asked: Option<Domain>,
}

impl Arrival<'_> {
    async fn claim(
        mut self,
        mut connection: Connection,
        security: Security,
        held: (Stop, Permit),
    ) -> Result<(Connection, Permit, Pair, Step), AcceptError> {
        match self.reach(&mut connection, security).await {
            Ok((pair, tls)) => Ok((connection, held.1, pair, tls)),
            Err(error) => {
                debug!(target: "xmpp_s2s", error = explain(&error), "no claim on a connection");
                let closing = self.context.config.stream.closing;
                connection.see_off(closing, held);
                Err(error)
            }
        }
    }

    async fn reach(
        &mut self,
        connection: &mut Connection,
        security: Security,
    ) -> Result<(Pair, Step), AcceptError> {
        if security == Security::Direct {
            let certificate = Certificate::ByName(self.context.config.identities.clone());
            self.secure(connection, certificate, security).await?;
        }
        loop {
            match connection.progress().await {
                Progress::Event(Event::StartTls(local)) => {
                    let identity = self.context.identity(&local).ok_or_else(aborted)?;
                    self.secure(connection, Certificate::Of(identity), security).await?;
                }
                Progress::Event(Event::Authenticate(pair)) => {
                    let Some(Secured { step, asked }) = self.secured.take() else { continue };
                    if security == Security::Direct && asked.as_ref() != Some(&pair.local) {
                        let text = "another domain than in the handshake";
                        let error = StreamError::new(Condition::HostUnknown, text);
                        connection.stream.close(Some(error.clone()));
                        return Err(error.into());
                    }
                    return Ok((pair, step));
                }
                Progress::Event(Event::Closed(error)) => {
                    return Err(error.map_or_else(aborted, AcceptError::Stream));
                }
                Progress::Event(_) | Progress::Flushed => {}
                Progress::Lost(error) => return Err(transport(error)),
            }
        }
    }

    async fn secure(
        &mut self,
        connection: &mut Connection,
        certificate: Certificate,
        security: Security,
    ) -> Result<(), AcceptError> {
        let handshake = connection.accept(&self.context.tls, certificate, security);
        match timeout_at(self.deadline, handshake).await {
            Ok(Ok((agreed, asked))) => {
                let step = Step::new(Phase::Tls, Code::TlsSecured, agreed, self.since.elapsed());
                self.secured = Some(Secured { step, asked });
                Ok(())
            }
            Ok(Err(TlsError::Timeout)) | Err(_) => Err(AcceptError::Timeout),
            Ok(Err(error)) => Err(AcceptError::Tls(Arc::new(error.into()))),
        }
    }
}

pub(crate) fn transport(error: io::Error) -> AcceptError {
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
    prepare(&tcp, patience);
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
