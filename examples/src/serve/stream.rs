//! One connection that somebody opened to us: who it is, what it says, what is answered.

use tokio::task::JoinSet;
use tracing::{debug, info};
use xmpp_s2s::{Condition, Delivery, Inbound, Incoming, Pair, Undelivered};

use super::server::{Door, EndIsNear, Observer, Unsent};
use crate::services;

/// Most answers of one stream that wait for their delivery; over it, the stream is not read.
const ANSWERS: usize = 256;

/// One connection, from its claim to its last byte.
pub(super) async fn converse(door: Door<impl Observer>, incoming: Incoming) {
    if let Some(inbound) = welcome(&door, incoming).await {
        answer_all(&door, inbound).await;
    }
}

/// As far as the proof.
async fn welcome(door: &Door<impl Observer>, incoming: Incoming) -> Option<Inbound> {
    let peer = incoming.peer().clone();
    let Pair { local, remote } = &peer.pair;
    let address = peer.address.map(tracing::field::display);
    if !door.observer.welcomes(&peer) {
        info!(%local, %remote, address, "blocked");
        incoming.refuse(Condition::PolicyViolation);
        return None;
    }
    match incoming.authenticate().await {
        Ok(inbound) => Some(inbound),
        Err(error) => {
            debug!(address, %local, %remote, %error, "refused");
            door.observer.refused(&peer, &error);
            None
        }
    }
}

async fn answer_all(door: &Door<impl Observer>, mut inbound: Inbound) {
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
                door.observer.stanza(&stanza, inbound.peers());
                if let Some(answer) = services::answer(&stanza) {
                    let delivery = door.endpoint.send(answer);
                    deliveries.spawn(deliver(delivery, door.near.clone(), door.unsent.clone()));
                }
            }
            Some(_) = deliveries.join_next() => {}
        }
    }
    // The peer is not to wait for its goodbye until it has taken the answers.
    drop(inbound);
    while deliveries.join_next().await.is_some() {}
}

/// An answer that cannot be delivered ends here: an error about it would be an answer to an answer.
/// The library has logged why; peers can make this happen as often as they like.
async fn deliver(delivery: Delivery, near: EndIsNear, unsent: Unsent) {
    if let Err(Undelivered { stanza, trail, .. }) = delivery.await {
        let code = trail.conclusion().map(|code| code.as_str());
        debug!(local = %stanza.from(), remote = %stanza.to(), code, "answer not delivered");
        if near.is_here() {
            unsent.add();
        }
    }
}
