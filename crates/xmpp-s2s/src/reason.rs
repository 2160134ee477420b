//! What went wrong, in a word for trails and in a line for people.

use std::error::Error;
use std::io;

use xmpp_s2s_proto::stream::{Condition, Side, StreamError};
use xmpp_s2s_proto::{Code, Phase};

/// The word for a stream that ended with an error.
pub(crate) fn stream_code(error: &StreamError) -> Code {
    match (error.side, error.condition) {
        (Side::Remote, _) => Code::StreamError,
        (Side::Local, Condition::ConnectionTimeout) => Code::StreamTimeout,
        (Side::Local, _) => Code::StreamLocalError,
    }
}

/// The same, before the stream was up: then some errors of the peer's say what it thinks of us.
pub(crate) fn negotiation_code(error: &StreamError) -> Code {
    match (error.side, error.condition) {
        (
            Side::Remote,
            Condition::HostGone
            | Condition::HostUnknown
            | Condition::InvalidFrom
            | Condition::NotAuthorized
            | Condition::PolicyViolation,
        ) => Code::StreamRefused,
        (Side::Remote | Side::Local, _) => stream_code(error),
    }
}

/// The word for a connection that was lost, and the phase it belongs to: with TLS 1.3 a peer's
/// refusal of our certificate comes after the handshake.
pub(crate) fn lost_code(error: &io::Error) -> (Phase, Code) {
    match (is_tls(error), error.kind()) {
        (true, _) => (Phase::Tls, Code::TlsFailed),
        (false, io::ErrorKind::TimedOut) => (Phase::Stream, Code::StreamTimeout),
        (false, _) => (Phase::Stream, Code::StreamClosed),
    }
}

/// Whether it is TLS that failed, rather than what is under it.
pub(crate) fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

/// An error and its causes, in one line.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
