//! What tells the process to stop: Ctrl-C or SIGTERM, and which of them.

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// Listens for signals from now on; none of them ends the process any more.
#[derive(Debug)]
pub(crate) struct Stop {
    interrupts: Signals,
    terminations: Signals,
}

/// A signal that came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupts: signal(SignalKind::interrupt())?,
            terminations: signal(SignalKind::terminate())?,
        })
    }

    /// The next signal that comes.
    pub(crate) async fn requested(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupts.recv() => Signal::Interrupt,
            _ = self.terminations.recv() => Signal::Terminate,
        }
    }
}

impl Signal {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// What shells make of a process that the signal ended.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}
