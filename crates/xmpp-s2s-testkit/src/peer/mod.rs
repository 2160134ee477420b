//! Peers that speak XML by hand, in either role, and note every byte that they hear.

mod any;
mod tls;
mod transport;

use std::fmt;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustls::{HandshakeKind, ProtocolVersion};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

pub use tls::{ClientTls, ServerTls};
use transport::{Dribble, Transport};

/// A listener for scripted receiving entities, on a port of loopback that is free.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, if it comes within [`ScriptedPeer::DEADLINE`].
    pub async fn accept(&self) -> io::Result<ScriptedPeer> {
        let accepted = timeout(ScriptedPeer::DEADLINE, self.listener.accept()).await;
        Ok(ScriptedPeer::new(accepted.map_err(|_| timed_out("no connection came"))??.0))
    }

    /// Whether nobody connects for as long as `time`.
    pub async fn is_left_alone(&self, time: Duration) -> bool {
        timeout(time, self.listener.accept()).await.is_err()
    }
}

/// One end of a connection, in the hands of a test.
///
/// It says what it is told to say, right or wrong, and never looks at certificates; a possession
/// proof in TLS it does check. What it hears is kept as text, before and after TLS apart. After a
/// handshake that failed, it can neither speak nor hear: [`io::ErrorKind::NotConnected`].
pub struct ScriptedPeer {
    /// Lost with a handshake that fails.
    transport: Option<Box<dyn Transport>>,
    heard: String,
    heard_before_tls: String,
    /// The beginning of a character whose end has not come.
    partial: Vec<u8>,
    /// How much of `heard` was expected already.
    read: usize,
    secured: Option<Secured>,
}

/// What is known of a TLS connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Secured {
    /// Full, or resumed from an earlier session.
    pub handshake: HandshakeKind,
    /// The version.
    pub version: ProtocolVersion,
    /// The application protocol that was agreed on.
    pub alpn: Option<Vec<u8>>,
    /// The name that the client asked for, on the server's side.
    pub server_name: Option<String>,
    /// The chain that the other side showed.
    pub chain: Vec<CertificateDer<'static>>,
}

impl ScriptedPeer {
    /// Longest wait for anything that a script expects.
    pub const DEADLINE: Duration = Duration::from_secs(10);

    /// Connects as initiating entity.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let connecting = timeout(Self::DEADLINE, TcpStream::connect(address));
        Ok(Self::new(connecting.await.map_err(|_| timed_out("nobody listens"))??))
    }

    fn new(stream: TcpStream) -> Self {
        // Small writes are the rule here; if it cannot be set they are late, not lost.
        let _ = stream.set_nodelay(true);
        Self {
            transport: Some(Box::new(stream)),
            heard: String::new(),
            heard_before_tls: String::new(),
            partial: Vec::new(),
            read: 0,
            secured: None,
        }
    }

    /// Sends these bytes at once.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let transport = self.transport()?;
        let sending = async {
            transport.write_all(bytes.as_ref()).await?;
            transport.flush().await
        };
        timeout(Self::DEADLINE, sending).await.map_err(|_| timed_out("peer does not read"))?
    }

    /// Opens a stream: XML declaration and header, without an `id`.
    pub async fn open(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.send(header(from, to, "")).await
    }

    /// Answers a header: XML declaration, header with this `id`, and `<stream:features/>` with
    /// `features` in it.
    pub async fn answer(
        &mut self,
        from: &str,
        to: &str,
        id: &str,
        features: &str,
    ) -> io::Result<()> {
        let header = header(from, to, &format!(" id='{id}'"));
        self.send(format!("{header}<stream:features>{features}</stream:features>")).await
    }

    /// Waits until `wanted` is heard, behind what was expected before, and returns everything up
    /// to its end.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`], or [`io::ErrorKind::UnexpectedEof`] if the other
    /// side ends before; what was heard instead is in the error.
    pub async fn expect(&mut self, wanted: &str) -> io::Result<String> {
        let deadline = Instant::now() + Self::DEADLINE;
        loop {
            if let Some(at) = self.heard[self.read..].find(wanted) {
                let end = self.read + at + wanted.len();
                let text = self.heard[self.read..end].to_owned();
                self.read = end;
                return Ok(text);
            }
            if self.hear(wanted, deadline).await? == 0 {
                let heard = &self.heard[self.read..];
                let text = format!("wanted {wanted:?}, heard {heard:?} and the end");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
    }

    /// Waits for the end of the connection, and returns everything from what was expected last. A
    /// reset is an end too.
    pub async fn expect_end(&mut self) -> io::Result<String> {
        let deadline = Instant::now() + Self::DEADLINE;
        loop {
            match self.hear("the end", deadline).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::TimedOut | io::ErrorKind::NotConnected => return Err(error),
                    _ => break,
                },
            }
        }
        let start = mem::replace(&mut self.read, self.heard.len());
        Ok(self.heard[start..].to_owned())
    }

    /// Ends our side of the connection, within TLS with its `close_notify`.
    pub async fn finish(&mut self) -> io::Result<()> {
        let ending = timeout(Self::DEADLINE, self.transport()?.shutdown());
        ending.await.map_err(|_| timed_out("peer does not read"))?
    }

    /// Ends the connection with a TCP reset: the other side gets no `close_notify`, and may lose
    /// what it has not read yet.
    pub fn reset(mut self) -> io::Result<()> {
        self.transport()?.tcp().set_zero_linger()
    }

    /// From now on, writes one byte after the other: each is a TCP segment of its own, as far as
    /// the operating system does not wait. Before a handshake, this is true of what is under TLS.
    #[must_use]
    pub fn dribbling(self) -> Self {
        let dribble = |transport| Box::new(Dribble(transport)) as Box<dyn Transport>;
        Self { transport: self.transport.map(dribble), ..self }
    }

    /// Does the TLS handshake as client.
    pub async fn secure_as_client(&mut self, tls: &ClientTls) -> io::Result<&Secured> {
        let transport = self.take_transport()?;
        let connecting = TlsConnector::from(tls.config()).connect(tls.server_name(), transport);
        let stream = timeout(Self::DEADLINE, connecting).await;
        let stream = stream.map_err(|_| timed_out("no TLS handshake"))??;
        Ok(self.set_secured(TlsStream::Client(stream)))
    }

    /// Does the TLS handshake as server.
    pub async fn secure_as_server(&mut self, tls: &ServerTls) -> io::Result<&Secured> {
        let transport = self.take_transport()?;
        let accepting = TlsAcceptor::from(tls.config()).accept(transport);
        let stream = timeout(Self::DEADLINE, accepting).await;
        let stream = stream.map_err(|_| timed_out("no TLS handshake"))??;
        Ok(self.set_secured(TlsStream::Server(stream)))
    }

    /// What is known of the TLS connection, if there is one.
    #[must_use]
    pub fn secured(&self) -> Option<&Secured> {
        self.secured.as_ref()
    }

    /// Everything heard since the beginning, or since the TLS handshake.
    #[must_use]
    pub fn heard(&self) -> &str {
        &self.heard
    }

    /// Everything heard before the TLS handshake.
    #[must_use]
    pub fn heard_before_tls(&self) -> &str {
        &self.heard_before_tls
    }

    async fn hear(&mut self, wanted: &str, deadline: Instant) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        let Ok(count) = timeout_at(deadline, self.transport()?.read(&mut buffer)).await else {
            let heard = &self.heard[self.read..];
            return Err(timed_out(&format!("wanted {wanted:?}, heard {heard:?}")));
        };
        let count = count?;
        self.partial.extend(&buffer[..count]);
        let whole = whole_characters(&self.partial);
        self.heard += &String::from_utf8_lossy(&self.partial[..whole]);
        self.partial.drain(..whole);
        Ok(count)
    }

    fn transport(&mut self) -> io::Result<&mut Box<dyn Transport>> {
        self.transport.as_mut().ok_or_else(not_connected)
    }

    fn take_transport(&mut self) -> io::Result<Box<dyn Transport>> {
        self.transport.take().ok_or_else(not_connected)
    }

    fn set_secured(&mut self, stream: TlsStream<Box<dyn Transport>>) -> &Secured {
        self.heard_before_tls = mem::take(&mut self.heard);
        self.read = 0;
        let secured = Secured::of(&stream);
        self.transport = Some(Box::new(stream));
        self.secured.insert(secured)
    }
}

impl Secured {
    fn of(stream: &TlsStream<Box<dyn Transport>>) -> Self {
        let (_, common) = stream.get_ref();
        let server_name = match stream {
            TlsStream::Client(_) => None,
            TlsStream::Server(stream) => stream.get_ref().1.server_name().map(str::to_owned),
        };
        Self {
            handshake: common.handshake_kind().expect("the handshake is over"),
            version: common.protocol_version().expect("the handshake is over"),
            alpn: common.alpn_protocol().map(<[u8]>::to_vec),
            server_name,
            chain: common.peer_certificates().unwrap_or_default().to_vec(),
        }
    }
}

impl fmt::Debug for ScriptedPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedPeer").field("heard", &self.heard).finish_non_exhaustive()
    }
}

fn header(from: &str, to: &str, id: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
         xmlns:stream='http://etherx.jabber.org/streams' from='{from}' to='{to}'{id} \
         version='1.0' xml:lang='en'>"
    )
}

/// How many bytes there are before a character that is not whole.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

fn not_connected() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the TLS handshake failed")
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}
