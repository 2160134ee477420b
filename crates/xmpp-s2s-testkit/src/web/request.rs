//! What a client asked.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A request as it came, over TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The name that the client asked for in TLS (SNI).
    pub server_name: String,
    /// The first line, without its end.
    pub line: String,
    /// The header fields in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The status that it is answered with, unless the host misbehaves.
    pub status: Option<u16>,
}

impl Request {
    /// The target in the request line.
    #[must_use]
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header field of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// Reads the next one; `None` if the client has nothing more to ask.
    pub(super) async fn read(
        io: &mut (impl AsyncRead + Unpin),
        buffer: &mut Vec<u8>,
        server_name: &str,
    ) -> io::Result<Option<Self>> {
        const LONGEST: usize = 64 * 1024;
        loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                buffer.drain(..end + 4);
                return Ok(Some(Self::parse(&head, server_name)));
            }
            if buffer.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "request too long"));
            }
            if io.read_buf(buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn parse(head: &str, server_name: &str) -> Self {
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            server_name: server_name.to_owned(),
            line,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            status: None,
        }
    }
}
