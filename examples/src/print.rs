//! Standard output, and who reads it.

use std::io;

#[cfg(test)]
pub(crate) use poshctl::page::{Charset, Ink};
pub(crate) use poshctl::page::{OutputError, Page, WIDTH, elapsed, milliseconds, out};

/// Says what to do on standard error, and waits until the reader has pressed Enter, or cannot any
/// more. Fails if standard input cannot be read.
pub(crate) async fn pause(prompt: &str) -> io::Result<()> {
    eprint!("\n{prompt} ");
    let read = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    read.await.map_err(io::Error::other)?.map(|_| ())
}
