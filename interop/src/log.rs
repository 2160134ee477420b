use std::time::Duration;

use bollard::container::LogOutput;
use futures_util::{Stream, StreamExt as _};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;

/// What a container has written so far, followed as it grows.
#[derive(Clone, Debug)]
pub(crate) struct Log(watch::Receiver<String>);

impl Log {
    /// Follows `output` in a task of its own, until it ends.
    pub(crate) fn follow<E>(
        output: impl Stream<Item = Result<LogOutput, E>> + Send + 'static,
    ) -> Self {
        let (grown, log) = watch::channel(String::new());
        tokio::spawn(async move {
            let mut output = std::pin::pin!(output);
            while let Some(Ok(piece)) = output.next().await {
                let piece = String::from_utf8_lossy(piece.as_ref()).into_owned();
                grown.send_modify(|text| text.push_str(&piece));
            }
        });
        Self(log)
    }

    /// How much there is by now: what follows belongs to what is done next.
    pub(crate) fn mark(&self) -> usize {
        self.0.borrow().len()
    }

    /// What has come since `mark`.
    pub(crate) fn since(&self, mark: usize) -> String {
        self.0.borrow()[mark..].to_owned()
    }

    /// Waits until what came since `mark` is as it `should` be, and returns that.
    pub(crate) async fn wait_for(
        &self,
        mark: usize,
        deadline: Duration,
        should: impl Fn(&str) -> bool,
    ) -> Result<String, Silence> {
        let mut log = self.0.clone();
        let found = timeout(deadline, log.wait_for(|text| should(&text[mark..]))).await;
        match found {
            Ok(Ok(text)) => Ok(text[mark..].to_owned()),
            Ok(Err(_)) => Err(Silence::Ended),
            Err(_) => Err(Silence::Deadline(deadline)),
        }
    }
}

/// Why a log never said what was waited for.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Silence {
    /// The container stopped first.
    #[error("its container stopped")]
    Ended,
    /// Too much time went by.
    #[error("it did not come within {0:?}")]
    Deadline(Duration),
}
