//! The ping on the wire, and what comes in that concerns it.

use std::sync::Arc;

use tokio::sync::mpsc;
use xmpp_s2s::{AcceptError, Pair, Peer, Stanza, StanzaKind, Trail};

use super::Answer;
use crate::serve::Observer;

/// Most news that wait to be read; there is one answer to wait for.
const NEWS: usize = 16;

/// What came in that concerns the ping.
#[derive(Debug)]
pub(crate) enum News {
    /// The answer, over a stream of this trail.
    Answer(Answer, Option<Trail>),
    /// Somebody called as the peer, and proved nothing or broke off.
    Refused(Trail),
}

/// Watches for what concerns the ping between `pair`.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pair: Pair,
    news: mpsc::Sender<News>,
}

impl Watch {
    /// Observes for [`ping`](super::ping), which reads the news.
    pub(crate) fn new(pair: Pair) -> (Self, mpsc::Receiver<News>) {
        let (sender, news) = mpsc::channel(NEWS);
        (Self { pair, news: sender }, news)
    }
}

impl Observer for Watch {
    fn stanza(&self, stanza: &Stanza, peers: &[Peer]) {
        let Some(answer) = answer(stanza, &self.pair) else { return };
        let peer = peers.iter().find(|peer| peer.pair == self.pair);
        let trail = peer.map(|peer| Arc::unwrap_or_clone(peer.trail.clone()));
        let _ = self.news.try_send(News::Answer(answer, trail));
    }

    fn refused(&self, peer: &Peer, error: &AcceptError) {
        if peer.pair == self.pair {
            let trail = match error {
                AcceptError::Rejected(rejection) => &rejection.trail,
                _ => &peer.trail,
            };
            let _ = self.news.try_send(News::Refused(trail.clone()));
        }
    }
}

fn answer(stanza: &Stanza, pair: &Pair) -> Option<Answer> {
    let concerns = stanza.kind() == StanzaKind::Iq
        && *stanza.from() == pair.remote
        && *stanza.to() == pair.local
        && stanza.id() == Some(&id());
    match stanza.stanza_type() {
        Some("result") if concerns => Some(Answer::Result),
        Some("error") if concerns => Some(Answer::Error),
        _ => None,
    }
}

/// One ping a process; a late answer to another one is not taken for this one's.
fn id() -> String {
    format!("ping-{}", std::process::id())
}

/// The ping of a pair.
pub(super) fn request(pair: &Pair) -> Stanza {
    let Pair { local, remote } = pair;
    let id = id();
    let xml = format!(
        "<iq xmlns='jabber:server' type='get' id='{id}' from='{local}' to='{remote}'>\
         <ping xmlns='urn:xmpp:ping'/></iq>"
    );
    Stanza::parse(xml).expect("a ping between two domains is a stanza")
}
