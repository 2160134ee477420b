//! An endpoint with listeners, and its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use xmpp_s2s::{AcceptError, Endpoint, Peer, Stanza};

use super::stream::converse;

/// Is told what comes in, besides the services that answer it.
pub(crate) trait Observer: Clone + Send + Sync + 'static {
    /// Whether a connection that claims to be of `peer` is looked at.
    fn welcomes(&self, _peer: &Peer) -> bool {
        true
    }

    /// A stanza came over a stream to `peers`.
    fn stanza(&self, stanza: &Stanza, peers: &[Peer]);

    /// A connection that claimed to be of `peer` did not become a stream.
    fn refused(&self, peer: &Peer, error: &AcceptError);
}

/// A server that is up.
#[derive(Debug)]
pub(crate) struct Server {
    endpoint: Endpoint,
    listening: JoinSet<()>,
    /// Ends with the last connection: each holds a sender.
    connections: mpsc::Receiver<Infallible>,
    /// Dropped when the end is near.
    going_on: watch::Sender<()>,
    unsent: Unsent,
}

/// Tells a connection when the server is about to end.
#[derive(Clone, Debug)]
pub(super) struct EndIsNear(watch::Receiver<()>);

impl EndIsNear {
    /// Whether it is. Nothing is ever sent.
    pub(super) fn is_here(&self) -> bool {
        self.0.has_changed().is_err()
    }
}

/// Counts the answers that could not be sent before the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsent(Arc<AtomicUsize>);

impl Unsent {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Takes connections from all `listeners`.
    pub(crate) fn start(
        endpoint: Endpoint,
        listeners: Vec<TcpListener>,
        observer: impl Observer,
    ) -> Self {
        let (connected, connections) = mpsc::channel(1);
        let (going_on, near) = watch::channel(());
        let (near, unsent) = (EndIsNear(near), Unsent::default());
        let door = Door {
            endpoint: endpoint.clone(),
            observer,
            near,
            unsent: unsent.clone(),
            _connected: connected,
        };
        let listening =
            listeners.into_iter().map(|listener| door.clone().take_all(listener)).collect();
        Self { endpoint, listening, connections, going_on, unsent }
    }

    /// Stops to listen, drops who has proved nothing, sends what waits, closes every stream, and
    /// says how many stanzas could not be sent. All of it takes no longer than `deadline`, of which
    /// connections have the last fifth to learn what became of their answers.
    pub(crate) async fn close(mut self, deadline: Duration) -> usize {
        self.listening.shutdown().await;
        drop(self.going_on);
        let over = timeout(deadline, self.connections.recv());
        let (undelivered, _) = tokio::join!(self.endpoint.close(deadline * 4 / 5), over);
        undelivered.len() + self.unsent.0.load(Ordering::Relaxed)
    }

    /// Its way out.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// What every connection is given.
#[derive(Clone)]
pub(super) struct Door<O> {
    pub(super) endpoint: Endpoint,
    pub(super) observer: O,
    pub(super) near: EndIsNear,
    pub(super) unsent: Unsent,
    /// Held until the connection is over.
    _connected: mpsc::Sender<Infallible>,
}

impl<O: Observer> Door<O> {
    async fn take_all(self, listener: TcpListener) {
        let endpoint = self.endpoint.clone();
        endpoint.serve(listener, move |incoming| converse(self.clone(), incoming)).await;
    }
}
