//! What a web host answers, and how it misbehaves.

use std::future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time;

/// What a host does when it is asked for a path.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    kind: Kind,
    hold: Option<Hold>,
}

#[derive(Clone, Debug)]
enum Kind {
    Response {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// A document of so many spaces.
    Spaces(u64),
    /// These bytes, then this part again and again, each after a pause.
    Endless {
        head: Vec<u8>,
        part: Vec<u8>,
        pause: Duration,
    },
    Hang,
    Reset,
}

impl Reply {
    /// An empty response with this status.
    pub fn status(status: u16) -> Self {
        Kind::Response { status, headers: Vec::new(), body: Vec::new() }.into()
    }

    /// A document: status 200 and `application/json`.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::document("application/json", body)
    }

    /// A document of this content type, with status 200.
    pub fn document(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![field("Content-Type", content_type)];
        Kind::Response { status: 200, headers, body: body.into() }.into()
    }

    /// A redirect to `location`, as it stands.
    pub fn redirect(status: u16, location: &str) -> Self {
        let headers = vec![field("Location", location)];
        Kind::Response { status, headers, body: Vec::new() }.into()
    }

    /// These bytes, which need not be HTTP, then the end of the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Kind::Raw(bytes.into()).into()
    }

    /// No answer, on a connection that stays open.
    pub fn hang() -> Self {
        Kind::Hang.into()
    }

    /// A TCP reset in place of an answer.
    pub fn reset() -> Self {
        Kind::Reset.into()
    }

    /// A header field that never ends, one byte each `pause`.
    pub fn drip_head(pause: Duration) -> Self {
        let head = b"HTTP/1.1 200 OK\r\nX-Drip: ".to_vec();
        Kind::Endless { head, part: b"x".to_vec(), pause }.into()
    }

    /// A document that never ends, one byte each `pause`.
    pub fn drip_body(pause: Duration) -> Self {
        let head = head(200, &json(), Some(32 * 1024));
        Kind::Endless { head, part: b" ".to_vec(), pause }.into()
    }

    /// A document of `length` bytes that says so at once (`Content-Length`).
    pub fn oversized(length: u64) -> Self {
        Kind::Spaces(length).into()
    }

    /// A document in chunks without an end, as fast as the client takes them.
    pub fn endless() -> Self {
        let mut chunk = b"4000\r\n".to_vec();
        chunk.resize(chunk.len() + 0x4000, b' ');
        chunk.extend(b"\r\n");
        Kind::Endless { head: head(200, &json(), None), part: chunk, pause: Duration::ZERO }.into()
    }

    /// Keeps the reply back until `hold` is released; the request is logged at once.
    pub fn held_by(self, hold: &Hold) -> Self {
        Self { hold: Some(hold.clone()), ..self }
    }

    /// Adds a header field to a response; other replies stay as they are.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Kind::Response { headers, .. } = &mut self.kind {
            headers.push(field(name, value));
        }
        self
    }

    /// The status, if it has one from the start.
    pub(super) fn status_code(&self) -> Option<u16> {
        match &self.kind {
            Kind::Response { status, .. } => Some(*status),
            Kind::Spaces(_) => Some(200),
            Kind::Raw(_) | Kind::Endless { .. } | Kind::Hang | Kind::Reset => None,
        }
    }

    /// Gives the reply. Says whether another request may follow.
    pub(super) async fn write(&self, io: &mut (impl AsyncWrite + Unpin)) -> io::Result<Next> {
        if let Some(hold) = &self.hold {
            hold.released().await;
        }
        match &self.kind {
            Kind::Response { status, headers, body } => {
                io.write_all(&head(*status, headers, Some(body.len() as u64))).await?;
                io.write_all(body).await?;
                io.flush().await?;
                Ok(Next::Request)
            }
            Kind::Spaces(length) => {
                io.write_all(&head(200, &json(), Some(*length))).await?;
                tokio::io::copy(&mut tokio::io::repeat(b' ').take(*length), io).await?;
                io.flush().await?;
                Ok(Next::Request)
            }
            Kind::Raw(bytes) => {
                io.write_all(bytes).await?;
                io.shutdown().await?;
                Ok(Next::Close)
            }
            Kind::Endless { head, part, pause } => {
                io.write_all(head).await?;
                loop {
                    io.write_all(part).await?;
                    io.flush().await?;
                    time::sleep(*pause).await;
                }
            }
            Kind::Hang => future::pending().await,
            Kind::Reset => Ok(Next::Reset),
        }
    }
}

impl From<Kind> for Reply {
    fn from(kind: Kind) -> Self {
        Self { kind, hold: None }
    }
}

/// What becomes of the connection after a reply.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Request,
    Close,
    Reset,
}

/// Keeps replies back until it is released. Clones are the same hold.
#[derive(Clone, Debug)]
pub struct Hold(watch::Sender<bool>);

impl Hold {
    /// A hold that is not released.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets every reply go, those to come too.
    pub fn release(&self) {
        self.0.send_replace(true);
    }

    async fn released(&self) {
        // Cannot fail: this is the sender.
        let _ = self.0.subscribe().wait_for(|released| *released).await;
    }
}

impl Default for Hold {
    fn default() -> Self {
        Self::new()
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn json() -> [(String, String); 1] {
    [field("Content-Type", "application/json")]
}

/// A response head; chunked if the length is not known.
fn head(status: u16, headers: &[(String, String)], length: Option<u64>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &match length {
        Some(length) => format!("Content-Length: {length}\r\n\r\n"),
        None => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
    };
    head.into_bytes()
}

/// The reason phrase; clients do not look at it.
fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        300..=399 => "Redirect",
        404 => "Not Found",
        400..=499 => "Client Error",
        _ => "Server Error",
    }
}
