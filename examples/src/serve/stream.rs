//! One connection that somebody opened to us: who it is, what it says, what is answered.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tracing::{debug, warn};
use xmpp_s2s::{Delivery, Endpoint, Inbound, Pair, Undelivered};

use super::server::Observer;
use crate::services;

/// Most answers of one stream that wait for their delivery; over it, the stream is not read.
const ANSWERS: usize = 256;

/// One connection, from the first byte to the last.
pub(super) async fn converse(
    endpoint: Endpoint,
    tcp: TcpStream,
    address: SocketAddr,
    observer: impl Observer,
) {
    let incoming = match endpoint.accept(tcp, Some(address)).await {
        Ok(incoming) => incoming,
        Err(error) => {
            debug!(%address, %error, "connection without a claim");
            return;
        }
    };
    let peer = incoming.peer().clone();
    match incoming.authenticate().await {
        Ok(inbound) => answer_all(&endpoint, inbound, observer).await,
        Err(error) => {
            let Pair { local, remote } = &peer.pair;
            debug!(%address, %local, %remote, %error, "refused");
            observer.refused(&peer, &error);
        }
    }
}

async fn answer_all(endpoint: &Endpoint, mut inbound: Inbound, observer: impl Observer) {
    let mut deliveries = JoinSet::new();
    loop {
        tokio::select! {
            stanza = inbound.next(), if deliveries.len() < ANSWERS => {
                let stanza = match stanza {
                    Ok(Some(stanza)) => stanza,
                    Ok(None) => break,
                    Err(error) => {
                        debug!(%error, "stream ended with an error");
                        break;
                    }
                };
                observer.stanza(&stanza, inbound.peers());
                if let Some(answer) = services::answer(&stanza) {
                    deliveries.spawn(deliver(endpoint.send(answer)));
                }
            }
            Some(_) = deliveries.join_next() => {}
        }
    }
    while deliveries.join_next().await.is_some() {}
}

/// An answer that cannot be delivered ends here: an error about it would be an answer to an answer.
async fn deliver(delivery: Delivery) {
    if let Err(undelivered) = delivery.await {
        log_undelivered(&undelivered);
    }
}

/// Tells what became of an answer, and why.
pub(super) fn log_undelivered(undelivered: &Undelivered) {
    let Undelivered { stanza, trail, .. } = undelivered;
    warn!(
        local = %stanza.from(),
        remote = %stanza.to(),
        code = trail.conclusion().map(|code| code.as_str()),
        trail = serde_json::to_string(&**trail).unwrap_or_default(),
        "answer not delivered: {trail}",
    );
}
