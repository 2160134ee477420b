//! The ping on the wire, and what comes in that concerns it.

use std::sync::Arc;

use tokio::sync::mpsc;
use xmpp_s2s::{AcceptError, Pair, Peer, Stanza, StanzaKind, Trail};

use super::Answer;
use crate::serve::Observer;

/// Most news that wait to be read.
const NEWS: usize = 16;

/// How much of that is kept for answers: anybody can have a call refused, and as often as wanted.
const FOR_ANSWERS: usize = NEWS / 2;

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
    id: Arc<str>,
    news: mpsc::Sender<News>,
}

/// A ping, to be sent, and the news of it.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(super) pair: Pair,
    pub(super) news: mpsc::Receiver<News>,
    id: Arc<str>,
}

impl Watch {
    /// Observes for [`ping`](super::ping), which reads the news. Fails without random numbers.
    pub(crate) fn new(pair: Pair) -> Result<(Self, Awaited), getrandom::Error> {
        let id: Arc<str> = format!("{:016x}", getrandom::u64()?).into();
        let (sender, news) = mpsc::channel(NEWS);
        Ok((Self { pair: pair.clone(), id: id.clone(), news: sender }, Awaited { pair, news, id }))
    }

    fn unproved(&self, trail: &Trail) {
        if self.news.capacity() > FOR_ANSWERS {
            let _ = self.news.try_send(News::Refused(trail.clone()));
        }
    }

    fn answer(&self, stanza: &Stanza) -> Option<Answer> {
        let concerns = stanza.kind() == StanzaKind::Iq
            && *stanza.from() == self.pair.remote
            && *stanza.to() == self.pair.local
            && stanza.id() == Some(&*self.id);
        match stanza.stanza_type() {
            Some("result") if concerns => Some(Answer::Result),
            Some("error") if concerns => Some(Answer::Error),
            _ => None,
        }
    }
}

impl Awaited {
    /// The ping (XEP-0199).
    pub(super) fn request(&self) -> Stanza {
        let (Pair { local, remote }, id) = (&self.pair, &self.id);
        let xml = format!(
            "<iq xmlns='jabber:server' type='get' id='{id}' from='{local}' to='{remote}'>\
             <ping xmlns='urn:xmpp:ping'/></iq>"
        );
        Stanza::parse(xml).expect("a ping between two domains is a stanza")
    }
}

impl Observer for Watch {
    fn stanza(&self, stanza: &Stanza, peers: &[Peer]) {
        let Some(answer) = self.answer(stanza) else { return };
        let peer = peers.iter().find(|peer| peer.pair == self.pair);
        let trail = peer.map(|peer| Arc::unwrap_or_clone(peer.trail.clone()));
        let _ = self.news.try_send(News::Answer(answer, trail));
    }

    fn refused(&self, peer: &Peer, error: &AcceptError) {
        if peer.pair == self.pair {
            self.unproved(match error {
                AcceptError::Rejected(rejection) => &rejection.trail,
                _ => &peer.trail,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Watch, Awaited) {
        let pair = Pair {
            local: "here.example".parse().unwrap(),
            remote: "there.example".parse().unwrap(),
        };
        Watch::new(pair).unwrap()
    }

    fn answer(id: &str, from: &str) -> Stanza {
        let xml = format!(
            "<iq xmlns='jabber:server' type='result' id='{id}' from='{from}' to='here.example'/>"
        );
        Stanza::parse(xml).unwrap()
    }

    #[test]
    fn no_two_pings_have_the_same_id() {
        assert_ne!(watch().0.id, watch().0.id);
    }

    #[test]
    fn an_answer_is_that_of_the_pinged_domain_with_the_id_of_the_ping() {
        let (watch, awaited) = watch();
        let request = awaited.request();
        let id = request.id().unwrap();
        assert_eq!(watch.answer(&answer(id, "there.example")), Some(Answer::Result));
        assert_eq!(watch.answer(&answer(id, "elsewhere.example")), None);
        assert_eq!(watch.answer(&answer("1", "there.example")), None);
    }

    #[test]
    fn however_many_calls_are_refused_the_answer_is_news() {
        let (watch, mut awaited) = watch();
        for _ in 0..100 {
            watch.unproved(&Trail::new(watch.pair.clone()));
        }
        watch.stanza(&answer(&watch.id, "there.example"), &[]);
        let mut last = None;
        while let Ok(news) = awaited.news.try_recv() {
            last = Some(news);
        }
        assert!(matches!(last, Some(News::Answer(Answer::Result, None))), "{last:?}");
    }
}
