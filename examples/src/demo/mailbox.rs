//! What came in at a server, to look at and to wait for.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use xmpp_s2s::{AcceptError, Pair, Peer, Stanza, Trail};

use crate::serve::Observer;

/// Most stanzas, and most refusals, that are kept.
const KEPT: usize = 1_000;

/// What came in at a server. Clones are the same mailbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Mailbox(watch::Sender<Content>);

#[derive(Debug, Default)]
struct Content {
    arrived: Vec<Arrived>,
    refused: Vec<Trail>,
    /// All that arrived, kept or not.
    stanzas: usize,
}

/// A stanza that came in.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) stanza: Stanza,
    /// Who brought it, as it stood then.
    pub(super) peer: Option<Peer>,
}

impl Mailbox {
    /// Waits for the stanza that was `sent`; `None` if it does not come in this time.
    pub(super) async fn wait(&self, sent: &Stanza, time: Duration) -> Option<Arrived> {
        let find = |content: &Content| content.copies(sent).next().cloned();
        let mut content = self.0.subscribe();
        let there = timeout(time, content.wait_for(|content| find(content).is_some())).await;
        there.ok()?.ok().and_then(|content| find(&content))
    }

    /// How many times the stanza that was `sent` came in.
    pub(super) fn copies(&self, sent: &Stanza) -> usize {
        self.0.borrow().copies(sent).count()
    }

    /// How many stanzas came in.
    pub(super) fn count(&self) -> usize {
        self.0.borrow().stanzas
    }

    /// How many of them between this pair.
    pub(super) fn count_of(&self, pair: &Pair) -> usize {
        let between = |arrived: &&Arrived| {
            *arrived.stanza.to() == pair.local && *arrived.stanza.from() == pair.remote
        };
        self.0.borrow().arrived.iter().filter(between).count()
    }

    /// Why the last stream of this pair was refused, if one was.
    pub(super) fn refusal(&self, pair: &Pair) -> Option<Trail> {
        self.0.borrow().refused.iter().rfind(|trail| trail.pair() == pair).cloned()
    }
}

impl Content {
    fn copies(&self, sent: &Stanza) -> impl Iterator<Item = &Arrived> {
        self.arrived.iter().filter(|arrived| {
            arrived.stanza.id() == sent.id() && arrived.stanza.sender() == sent.sender()
        })
    }
}

impl Observer for Mailbox {
    fn stanza(&self, stanza: &Stanza, peers: &[Peer]) {
        let brought =
            |peer: &&Peer| peer.pair.local == *stanza.to() && peer.pair.remote == *stanza.from();
        let peer = peers.iter().find(brought).cloned();
        self.0.send_modify(|content| {
            content.stanzas += 1;
            if content.arrived.len() < KEPT {
                content.arrived.push(Arrived { stanza: stanza.clone().detach(), peer });
            }
        });
    }

    fn refused(&self, _: &Peer, error: &AcceptError) {
        let AcceptError::Rejected(rejection) = error else { return };
        self.0.send_modify(|content| {
            if content.refused.len() < KEPT {
                content.refused.push(rejection.trail.clone());
            }
        });
    }
}
