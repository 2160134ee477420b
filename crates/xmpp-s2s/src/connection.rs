//! The driver: moves bytes between a transport and a [`Stream`], and tells what came of it.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_rustls::TlsStream;
use xmpp_s2s_proto::Domain;
use xmpp_s2s_proto::stream::{Event, Security, Stream};

use crate::clock::{after, now};
use crate::dial::{Haste, Transport};
use crate::reason::is_tls;
use crate::tls::{self, Certificate, Tls, TlsError};

/// How much room there is for each read.
const READ: usize = 16 * 1024;

/// What the peer has, beyond the time for its closing tag, to take ours and close the transport.
const LINGER: Duration = Duration::from_secs(1);

/// One stream and the transport under it.
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    /// Absent while a handshake has it, and after TLS failed.
    io: Option<Box<dyn Transport>>,
    out: BytesMut,
    unflushed: bool,
    timer: Pin<Box<Sleep>>,
    /// Until when the peer has to take something of what is written.
    stalled: Option<Instant>,
    patience: Duration,
    haste: Haste,
    ended: Ended,
}

/// Whether the stream has said that it is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ended {
    No,
    Yes,
}

/// What [`Connection::progress`] came to.
#[derive(Debug)]
// A box would be an allocation for each stanza.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Progress {
    /// The protocol has something to say.
    Event(Event),
    /// All that was sent is with the operating system.
    Flushed,
    /// The transport broke.
    Lost(io::Error),
}

impl Connection {
    /// A stream over `io`; `haste` ends when stanzas flow. A peer that takes nothing of what is
    /// written to it for as long as `patience` is given up.
    pub(crate) fn new(
        stream: Stream,
        io: Box<dyn Transport>,
        haste: Haste,
        patience: Duration,
    ) -> Self {
        Self {
            stream,
            io: Some(io),
            out: BytesMut::new(),
            unflushed: false,
            timer: Box::pin(sleep_until(Instant::now())),
            stalled: None,
            patience,
            haste,
            ended: Ended::No,
        }
    }

    /// Reads and writes until there is something to tell. Cancel safe.
    pub(crate) async fn progress(&mut self) -> Progress {
        match poll_fn(|cx| self.poll_progress(cx)).await {
            Ok(progress) => progress,
            Err(error) => {
                // After a fatal alert nothing more is said (RFC 8446 §6.2).
                if is_tls(&error) {
                    self.io = None;
                }
                Progress::Lost(error)
            }
        }
    }

    /// The handshake of an initiating entity; says what was agreed on.
    pub(crate) async fn connect(
        &mut self,
        tls: &Tls,
        remote: &Domain,
        identity: Arc<CertifiedKey>,
        security: Security,
    ) -> Result<String, TlsError> {
        let io = self.take_io().await.map_err(TlsError::Handshake)?;
        let secured = tls.connect(io, remote, identity, security).await?;
        Ok(self.secured(secured))
    }

    /// The handshake of a receiving entity; says what was agreed on, and which name the peer
    /// asked for.
    pub(crate) async fn accept(
        &mut self,
        tls: &Tls,
        certificate: Certificate,
        security: Security,
    ) -> Result<(String, Option<Domain>), TlsError> {
        let io = self.take_io().await.map_err(TlsError::Handshake)?;
        let secured = tls.accept(io, certificate, security).await?;
        let asked = tls::asked(&secured);
        Ok((self.secured(secured), asked))
    }

    /// The transport, with nothing left that has to go out in the clear.
    async fn take_io(&mut self) -> io::Result<Box<dyn Transport>> {
        let io = self.io.as_mut().ok_or_else(gone)?;
        let last = async {
            io.write_all_buf(&mut self.out).await?;
            io.flush().await
        };
        timeout(self.patience, last).await??;
        self.io.take().ok_or_else(gone)
    }

    fn secured(&mut self, secured: TlsStream<Box<dyn Transport>>) -> String {
        self.stream.handle_secured(tls::presented(&secured), now());
        let agreed = tls::describe(&secured);
        self.io = Some(Box::new(secured));
        agreed
    }

    /// From now on stanzas flow.
    pub(crate) fn negotiated(&self) {
        self.haste.end();
    }

    /// Says goodbye as the stream has it, and closes the transport, soon after `time` at the
    /// latest, in a task of its own. What is `held` for that is dropped then.
    pub(crate) fn see_off(mut self, time: Duration, held: impl Send + 'static) {
        let goodbye = async move {
            // The peer may be gone already, and there is nobody to tell.
            let _ = timeout(time.saturating_add(LINGER), self.say_goodbye()).await;
            drop(held);
        };
        // Without a runtime nothing more can be said.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(goodbye);
        }
    }

    async fn say_goodbye(&mut self) -> io::Result<()> {
        while self.ended == Ended::No {
            if let Progress::Lost(error) = self.progress().await {
                return Err(error);
            }
        }
        self.stream.poll_transmit(&mut self.out);
        let io = self.io.as_mut().ok_or_else(gone)?;
        io.write_all_buf(&mut self.out).await?;
        io.shutdown().await?;
        // Closed with something unread, the socket would take back what the peer has not read yet.
        tokio::io::copy(io, &mut tokio::io::sink()).await?;
        Ok(())
    }

    fn poll_progress(&mut self, cx: &mut Task<'_>) -> Poll<io::Result<Progress>> {
        loop {
            self.stream.poll_transmit(&mut self.out);
            let written = self.poll_write(cx);
            if let Some(event) = self.stream.poll_event() {
                if matches!(event, Event::Closed(_)) {
                    self.ended = Ended::Yes;
                }
                return Poll::Ready(Ok(Progress::Event(event)));
            }
            match written {
                Poll::Ready(Ok(())) if mem::take(&mut self.unflushed) => {
                    return Poll::Ready(Ok(Progress::Flushed));
                }
                // What the peer said before it went away may say why.
                Poll::Ready(Err(error)) => match self.poll_read(cx) {
                    Poll::Ready(Ok(())) => {
                        self.out.clear();
                        self.unflushed = false;
                        let _ = self.stream.handle_input(now());
                        continue;
                    }
                    Poll::Ready(Err(_)) | Poll::Pending => return Poll::Ready(Err(error)),
                },
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            if self.poll_deadline(cx)?.is_pending() {
                ready!(self.poll_read(cx))?;
                // What is wrong with the input comes as an event.
                let _ = self.stream.handle_input(now());
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        let io = self.io.as_mut().ok_or_else(gone)?;
        let mut io = Pin::new(io);
        while !self.out.is_empty() {
            let Poll::Ready(written) = io.as_mut().poll_write(cx, &self.out)? else {
                self.stalled.get_or_insert_with(|| after(self.patience));
                return Poll::Pending;
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(written);
            self.unflushed = true;
            self.stalled = None;
        }
        if self.unflushed && io.poll_flush(cx)?.is_pending() {
            self.stalled.get_or_insert_with(|| after(self.patience));
            return Poll::Pending;
        }
        self.stalled = None;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        let io = self.io.as_mut().ok_or_else(gone)?;
        let input = self.stream.input();
        if input.capacity() - input.len() < READ / 8 {
            input.reserve(READ);
        }
        let read = pin!(io.read_buf(input)).poll(cx);
        if read.is_pending() && input.is_empty() {
            // Nobody knows for how long.
            *input = BytesMut::new();
        }
        match ready!(read)? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Ready when a deadline has passed and the stream knows.
    ///
    /// The timer is set anew only to ring earlier, or when it rang too early: deadlines that move
    /// away with every read cost nothing.
    fn poll_deadline(&mut self, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        let protocol = self.stream.poll_timeout().map(Instant::from_std);
        let Some(due) = protocol.into_iter().chain(self.stalled).min() else {
            return Poll::Pending;
        };
        loop {
            if self.timer.is_elapsed() || self.timer.deadline() > due {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if self.stalled.is_some_and(|stalled| stalled <= now) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            if due <= now {
                self.stream.handle_timeout(now.into_std());
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("stream", &self.stream).finish_non_exhaustive()
    }
}

fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
