//! Many messages from one account to another, and what became of each.

use std::collections::HashSet;

use super::cast::Member;
use super::letter::{Letter, Posted};
use super::mailbox::Mailbox;

/// Messages that one server sends to one mailbox.
pub(super) struct Traffic<'a> {
    from: (&'a Member, &'a str),
    to: (Mailbox, &'a str),
    posted: Vec<Posted>,
    /// How many there were so far.
    number: usize,
}

impl<'a> Traffic<'a> {
    /// From an account at one server to one whose server has this mailbox.
    pub(super) fn new(from: (&'a Member, &'a str), to: (Mailbox, &'a str)) -> Self {
        Self { from, to, posted: Vec::new(), number: 0 }
    }

    /// Posts so many messages at once.
    pub(super) fn post(&mut self, number: usize) {
        for _ in 0..number {
            self.number += 1;
            let text = format!("{} times good night!", self.number);
            self.posted.push(Posted::new(self.from, self.to.1, &text));
        }
    }

    /// Posts so many messages, each when the one before has come to its end.
    pub(super) async fn converse(&mut self, number: usize) -> Vec<Letter> {
        let mut letters = Vec::new();
        for _ in 0..number {
            letters.extend(self.send(1).await);
        }
        letters
    }

    /// Posts so many messages at once, and waits for their ends.
    pub(super) async fn send(&mut self, number: usize) -> Vec<Letter> {
        self.post(number);
        self.ends().await
    }

    /// Waits for the ends of all that were posted.
    pub(super) async fn ends(&mut self) -> Vec<Letter> {
        let mut letters = Vec::new();
        for posted in self.posted.drain(..) {
            letters.push(posted.end(&self.to.0).await);
        }
        letters
    }
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    /// Arrived, and once.
    pub(super) arrived: usize,
    /// Came back, and did not arrive.
    pub(super) returned: usize,
    /// Neither; or both, or more than once.
    pub(super) astray: usize,
    /// How many streams brought those that arrived.
    pub(super) streams: usize,
}

impl Tally {
    /// Looks for each of `letters` in the mailbox, whatever was thought of it before.
    pub(super) fn of<'a>(letters: impl IntoIterator<Item = &'a Letter>, mailbox: &Mailbox) -> Self {
        let (mut tally, mut streams) = (Self::default(), HashSet::new());
        for letter in letters {
            let returned = letter.returned().is_some();
            *match (mailbox.copies(&letter.sent), returned) {
                (1, false) => &mut tally.arrived,
                (0, true) => &mut tally.returned,
                _ => &mut tally.astray,
            } += 1;
            let peer = letter.arrived().and_then(|arrived| arrived.peer.as_ref());
            streams.extend(peer.and_then(|peer| peer.established));
        }
        Self { streams: streams.len(), ..tally }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cast::Cast;
    use super::*;
    use crate::serve::Observer as _;

    #[tokio::test]
    async fn a_message_that_arrives_twice_is_not_one_that_arrived() {
        let cast = Cast::assemble().await.unwrap();
        let to = (cast.beta.mailbox.clone(), "romeo@beta.example");
        let letters = Traffic::new((&cast.alpha, "juliet@alpha.example"), to).send(3).await;
        cast.beta.mailbox.stanza(&letters[1].sent, &[]);
        let tally = Tally::of(&letters, &cast.beta.mailbox);
        assert_eq!(tally, Tally { arrived: 2, returned: 0, astray: 1, streams: 1 });
        cast.dismiss().await;
    }

    #[tokio::test]
    async fn a_message_that_comes_back_and_arrives_is_not_one_that_came_back() {
        let cast = Cast::assemble().await.unwrap();
        let to = (cast.hosting.mailbox.clone(), "tybalt@third.example");
        let letters = Traffic::new((&cast.alpha, "juliet@alpha.example"), to).send(2).await;
        cast.hosting.mailbox.stanza(&letters[0].sent, &[]);
        let tally = Tally::of(&letters, &cast.hosting.mailbox);
        assert_eq!(tally, Tally { arrived: 0, returned: 1, astray: 1, streams: 0 });
        cast.dismiss().await;
    }
}
