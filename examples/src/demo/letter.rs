//! A message on its way, and what became of it.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use xmpp_s2s::{Delivery, Direction, Namespace, Pair, Stanza, Trail, Undelivered};
use xmpp_s2s_testkit::message;

use super::cast::Member;
use super::mailbox::{Arrived, Mailbox};
use crate::services;

/// Longest time for a message to a server, and for what came of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message that was sent.
pub(super) struct Letter {
    pub(super) sent: Stanza,
    pub(super) fate: Fate,
    /// How long that took.
    pub(super) elapsed: Duration,
}

/// A message that is on its way.
pub(super) struct Posted {
    sent: Stanza,
    delivery: Delivery,
    start: Instant,
}

/// What became of a message.
pub(super) enum Fate {
    /// It came out at the other end.
    Arrived(Box<Arrived>),
    /// It was given to a stream, and did not come out at the other end in time.
    Vanished,
    /// It came back.
    Returned(Box<Undelivered>),
    /// There was no stream in time.
    Waiting,
}

impl Letter {
    /// Sends a message from an account at one server to an account at another.
    pub(super) async fn send(from: (&Member, &str), to: (&Member, &str), text: &str) -> Self {
        Posted::new(from, to.1, text).end(&to.0.mailbox).await
    }

    /// What arrived, and how.
    pub(super) fn arrived(&self) -> Option<&Arrived> {
        match &self.fate {
            Fate::Arrived(arrived) => Some(arrived),
            Fate::Vanished | Fate::Returned(_) | Fate::Waiting => None,
        }
    }

    /// What came back, and why.
    pub(super) fn returned(&self) -> Option<&Undelivered> {
        match &self.fate {
            Fate::Returned(undelivered) => Some(undelivered),
            Fate::Arrived(_) | Fate::Vanished | Fate::Waiting => None,
        }
    }

    /// Whether it was given to a stream.
    pub(super) fn is_sent(&self) -> bool {
        matches!(self.fate, Fate::Arrived(_) | Fate::Vanished)
    }

    /// The text as it arrived.
    pub(super) fn text(&self) -> Option<String> {
        services::body(&self.arrived()?.stanza)
    }

    /// The sentence that its author reads in place of an answer.
    pub(super) fn complaint(&self) -> Option<String> {
        let bounce = self.returned()?.bounce()?;
        let xml = bounce.to_xml(Namespace::Client);
        let (_, text) = xml.split_once("<text ")?;
        let (text, _) = text.split_once('>')?.1.split_once("</text>")?;
        quick_xml::escape::unescape(text).ok().map(|text| text.into_owned())
    }

    /// Whose domain it came from, and whose it goes to.
    pub(super) fn pair(&self) -> Pair {
        Pair { local: self.sent.from().clone(), remote: self.sent.to().clone() }
    }

    /// How its sender's server decided about the recipient's.
    pub(super) fn decision(&self, sender: &Member) -> Trail {
        if let Some(undelivered) = self.returned() {
            return Trail::clone(&undelivered.trail);
        }
        let pair = self.pair();
        let peer = sender.peer(&pair, Direction::Outbound);
        peer.map_or_else(|| Trail::new(pair), |peer| Trail::clone(&peer.trail))
    }

    /// How its recipient's server decided about the sender's.
    pub(super) fn decision_about_sender(&self, recipient: &Member) -> Trail {
        let Pair { local, remote } = self.pair();
        let pair = Pair { local: remote, remote: local };
        let peer = self.arrived().and_then(|arrived| arrived.peer.as_ref());
        let trail = peer.map(|peer| Trail::clone(&peer.trail));
        trail.or_else(|| recipient.mailbox.refusal(&pair)).unwrap_or_else(|| Trail::new(pair))
    }
}

impl Posted {
    /// Gives a message to the server of its author, behind those that it was given before.
    pub(super) fn new(from: (&Member, &str), to: &str, text: &str) -> Self {
        let sent = message(from.1, to, text);
        let start = Instant::now();
        Self { delivery: from.0.endpoint().send(sent.clone()), sent, start }
    }

    /// Waits for what becomes of it, `there` being where it has to arrive.
    pub(super) async fn end(self, there: &Mailbox) -> Letter {
        let Self { sent, delivery, start } = self;
        let fate = match timeout(PATIENCE, delivery).await {
            Ok(Ok(())) => match there.wait(&sent, PATIENCE).await {
                Some(arrived) => Fate::Arrived(Box::new(arrived)),
                None => Fate::Vanished,
            },
            Ok(Err(undelivered)) => Fate::Returned(Box::new(undelivered)),
            Err(_) => Fate::Waiting,
        };
        Letter { sent, fate, elapsed: start.elapsed() }
    }
}
