//! What happened, in order, and waiting for what should happen.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Events in the order in which they came, to look at and to wait for.
#[derive(Debug)]
pub struct Log<T>(watch::Sender<Vec<T>>);

impl<T: Clone + Debug> Log<T> {
    /// What has come so far.
    #[must_use]
    pub fn all(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// How much has come so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether nothing has come so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what has come so far.
    pub fn clear(&self) {
        self.0.send_modify(Vec::clear);
    }

    /// Waits until `wanted` is true of an event that has come or comes, and returns the first.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`] if that takes longer than `deadline`; what has come
    /// instead is in the error.
    pub async fn wait(&self, wanted: impl Fn(&T) -> bool, deadline: Duration) -> io::Result<T> {
        self.wait_for_all(|events| events.iter().any(&wanted), deadline)
            .await
            .map(|events| events.into_iter().find(wanted).expect("it was seen just now"))
    }

    /// Waits until `enough` is true of the events that have come, and returns them.
    ///
    /// Fails with [`io::ErrorKind::TimedOut`] if that takes longer than `deadline`; what has come
    /// instead is in the error.
    pub async fn wait_for_all(
        &self,
        enough: impl Fn(&[T]) -> bool,
        deadline: Duration,
    ) -> io::Result<Vec<T>> {
        let mut events = self.0.subscribe();
        match timeout(deadline, events.wait_for(|events| enough(events))).await {
            Ok(Ok(seen)) => Ok(seen.clone()),
            Ok(Err(_)) => Err(io::Error::other("the log is gone")),
            Err(_) => {
                let text = format!("what was awaited did not come, but {:#?}", self.all());
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        }
    }

    pub(crate) fn push(&self, event: T) {
        self.0.send_modify(|events| events.push(event));
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_instead_is_told() {
        let log = Log::default();
        log.push("something else");
        let error = log.wait(|event| *event == "this", Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("something else"), "{error}");
    }
}
