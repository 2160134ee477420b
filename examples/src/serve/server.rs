//! An endpoint with listeners: every connection has a task.

use std::convert::Infallible;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
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
}

impl Server {
    /// Takes connections from all `listeners`.
    pub(crate) fn start(
        endpoint: Endpoint,
        listeners: Vec<TcpListener>,
        observer: impl Observer,
    ) -> Self {
        let (connected, connections) = mpsc::channel(1);
        let listening = listeners
            .into_iter()
            .map(|listener| take(endpoint.clone(), listener, observer.clone(), connected.clone()))
            .collect();
        Self { endpoint, listening, connections }
    }

    /// Stops to listen, closes every stream, and gives back what could not be sent by `deadline`
    /// from now.
    pub(crate) async fn close(mut self, deadline: Duration) -> Vec<Undelivered> {
        self.listening.shutdown().await;
        let over = timeout(deadline, self.connections.recv());
        let (undelivered, _) = tokio::join!(self.endpoint.close(deadline), over);
        undelivered
    }

    /// Its way out.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

async fn take(
    endpoint: Endpoint,
    listener: TcpListener,
    observer: impl Observer,
    connected: mpsc::Sender<Infallible>,
) {
    loop {
        let (tcp, address) = listen::accept(&listener).await;
        let conversation = converse(endpoint.clone(), tcp, address, observer.clone());
        let connected = connected.clone();
        tokio::spawn(async move {
            conversation.await;
            drop(connected);
        });
    }
}
