//! An endpoint with listeners: every connection has a task.

use std::convert::Infallible;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use xmpp_s2s::{AcceptError, Endpoint, Peer, Stanza, Undelivered};

use super::listen;
use super::stream::converse;

/// Is told what comes in, besides the services that answer it.
pub(crate) trait Observer: Clone + Send + Sync + 'static {
    /// A stanza came over a stream to `peers`.
    fn stanza(&self, stanza: &Stanza, peers: &[Peer]);

    /// A connection that claimed to be of `peer` did not become a stream.
    fn refused(&self, peer: &Peer, error: &AcceptError);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn stanza(&self, _: &Stanza, _: &[Peer]) {}

    fn refused(&self, _: &Peer, _: &AcceptError) {}
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
}

/// Tells a connection when the server is about to end.
#[derive(Clone, Debug)]
pub(super) struct EndIsNear(watch::Receiver<()>);

impl EndIsNear {
    /// Returns when it is.
    pub(super) async fn wait(&mut self) {
        // Nothing is ever sent.
        let _ = self.0.changed().await;
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
        let door = Door { endpoint: endpoint.clone(), observer, connected, near: EndIsNear(near) };
        let listening =
            listeners.into_iter().map(|listener| door.clone().take_all(listener)).collect();
        Self { endpoint, listening, connections, going_on }
    }

    /// Stops to listen, drops who has proved nothing, closes every stream, and gives back what could
    /// not be sent by `deadline` from now.
    pub(crate) async fn close(mut self, deadline: Duration) -> Vec<Undelivered> {
        self.listening.shutdown().await;
        drop(self.going_on);
        let over = timeout(deadline, self.connections.recv());
        let (undelivered, _) = tokio::join!(self.endpoint.close(deadline), over);
        undelivered
    }

    /// Its way out.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// What every connection is given.
#[derive(Clone)]
struct Door<O> {
    endpoint: Endpoint,
    observer: O,
    connected: mpsc::Sender<Infallible>,
    near: EndIsNear,
}

impl<O: Observer> Door<O> {
    async fn take_all(self, listener: TcpListener) {
        loop {
            let (tcp, address) = listen::accept(&listener).await;
            let Self { endpoint, observer, connected, near } = self.clone();
            tokio::spawn(async move {
                converse(endpoint, tcp, address, observer, near).await;
                drop(connected);
            });
        }
    }
}
