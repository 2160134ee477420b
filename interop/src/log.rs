use std::fmt;
use std::time::Duration;

use bollard::container::LogOutput;
use futures_util::{Stream, StreamExt as _};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;

/// What a container has written so far, followed as it grows.
#[derive(Clone, Debug)]
pub(crate) struct Log(watch::Receiver<Written>);

#[derive(Debug, Default)]
struct Written {
    text: String,
    /// Why there is no more, if that is not the container's end.
    broken: Option<String>,
}

impl Log {
    /// Follows `output` in a task of its own, until it ends or nobody has the log any more.
    pub(crate) fn follow<E: fmt::Display>(
        output: impl Stream<Item = Result<LogOutput, E>> + Send + 'static,
    ) -> Self {
        let (grown, log) = watch::channel(Written::default());
        tokio::spawn(async move {
            let mut output = std::pin::pin!(output);
            loop {
                let piece = tokio::select! {
                    piece = output.next() => piece,
                    () = grown.closed() => None,
                };
                let Some(piece) = piece else { return };
                grown.send_modify(|written| match piece {
                    Ok(piece) => written.text.push_str(&String::from_utf8_lossy(piece.as_ref())),
                    Err(why) => written.broken = Some(why.to_string()),
                });
            }
        });
        Self(log)
    }

    /// How much there is by now: what follows belongs to what is done next.
    pub(crate) fn mark(&self) -> usize {
        self.0.borrow().text.len()
    }

    /// What has come since `mark`.
    pub(crate) fn since(&self, mark: usize) -> String {
        self.0.borrow().text[mark..].to_owned()
    }

    /// Waits until what came since `mark` is as it `should` be, and returns that.
    pub(crate) async fn wait_for(
        &self,
        mark: usize,
        deadline: Duration,
        should: impl Fn(&str) -> bool,
    ) -> Result<String, Silence> {
        let mut log = self.0.clone();
        let found = timeout(deadline, log.wait_for(|written| should(&written.text[mark..]))).await;
        match found {
            Ok(Ok(written)) => Ok(written.text[mark..].to_owned()),
            Ok(Err(_)) => Err(match &self.0.borrow().broken {
                Some(why) => Silence::Broken(why.clone()),
                None => Silence::Ended,
            }),
            Err(_) => Err(Silence::Deadline(deadline)),
        }
    }
}

/// Why a log never said what was waited for.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Silence {
    /// The container stopped first.
    #[error("its container stopped")]
    Ended,
    /// The engine stopped telling.
    #[error("its log broke off: {0}")]
    Broken(String),
    /// Too much time went by.
    #[error("it did not come within {0:?}")]
    Deadline(Duration),
}
