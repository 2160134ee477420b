//! A hosting company changes its certificate, in the right order.

use std::time::Instant;

use xmpp_s2s::{Code, Direction};
use xmpp_s2s_testkit::Identity;

use super::{Decision, Ending, Fact, Played, Scene};
use crate::demo::DemoError;
use crate::demo::cast::{ALPHA, Cast, LANDLORD, Member, TENANT, pair};
use crate::demo::company::Company;
use crate::demo::letter::Letter;
use crate::demo::traffic::{Tally, Traffic};

pub(super) const SCENE: Scene = Scene {
    title: "a hosting company changes its certificate, with 200 messages under way",
    expected: Ending::Accepted(Code::PoshMatch),
    play: |cast| Box::pin(play(cast)),
};

/// How many messages are posted in each step: before the server restarts, meanwhile, and then.
const MESSAGES: [usize; 3] = [15, 20, 15];

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    let company = Company::start(cast).await?;
    let (old, new) = (company.old.clone(), company.new.clone());
    let alpha = cast.another_alpha(|_| ()).await?;
    let (juliet, friar) = ("juliet@alpha.example", "friar@tenant.example");
    let traffic = Traffic::new((&alpha, juliet), (company.mailbox(), friar));
    let mut change = Change::begin(company, &alpha, traffic).await;
    change.list(&[&old, &new]).restart(&old).await?;
    change.restart(&new).await?;
    let first = change.first_of_stream();
    let trail = change.letters[first].decision(&alpha);
    change.list(&[&new]).restart(&new).await?;

    let Change { company, mut letters, shown, readings, .. } = change;
    let mailbox = company.mailbox();
    alpha.close().await;
    company.close().await;
    let tally = Tally::of(&letters, &mailbox);
    let (all, times) = (letters.len(), readings.last().copied().unwrap_or_default());
    let Tally { arrived, returned, astray, streams } = tally;
    let facts = vec![
        Fact::new(
            shown == [&old, &old, &new, &new].map(|identity| Some(identity.sha256())),
            format!(
                "{LANDLORD} lists the new one beside the old one, then shows it, then takes the \
                 old one off the list"
            ),
        ),
        Fact::new(
            streams == shown.len(),
            format!("it restarts its server at each of these steps: {streams} streams in a row"),
        ),
        Fact::new(
            (arrived, returned, astray) == (all, 0, 0),
            format!(
                "{arrived} of {all} messages arrived, each once; {returned} came back, so no \
                 stream was refused"
            ),
        ),
        Fact::new(
            readings == [1, 1, 2, 2],
            format!(
                "{ALPHA} read the list {times} times: at first, and when a certificate came that \
                 had not been there"
            ),
        ),
    ];
    let caption =
        format!("{LANDLORD} hosts {TENANT}; when the new certificate is shown, {ALPHA} finds out");
    let decisions = vec![Decision { caption: Some(caption), trail }];
    Ok(Played { decisions, facts, letters: vec![letters.swap_remove(first)] })
}

/// The change, and what is seen of it.
struct Change<'a, 'w> {
    company: Company<'w>,
    alpha: &'a Member,
    traffic: Traffic<'a>,
    letters: Vec<Letter>,
    /// Which certificate was shown at each step, by its digest.
    shown: Vec<Option<[u8; 32]>>,
    /// How often the list had been read after each step.
    readings: Vec<usize>,
}

impl<'a, 'w> Change<'a, 'w> {
    /// A stream is up, and used.
    async fn begin(company: Company<'w>, alpha: &'a Member, mut traffic: Traffic<'a>) -> Self {
        let letters = traffic.send(MESSAGES.iter().sum()).await;
        let (shown, readings) = (Vec::new(), Vec::new());
        let mut change = Self { company, alpha, traffic, letters, shown, readings };
        change.look();
        change
    }

    fn list(&mut self, identities: &[&Identity]) -> &mut Self {
        self.company.list(identities);
        self
    }

    /// Restarts the company's server among messages.
    async fn restart(&mut self, identity: &Identity) -> Result<(), DemoError> {
        let [before, meanwhile, then] = MESSAGES;
        self.traffic.post(before);
        let restart = self.company.restart(identity);
        let (restarted, letters) = tokio::join!(restart, self.traffic.converse(meanwhile));
        restarted?;
        self.letters.extend(letters);
        self.letters.extend(self.traffic.send(then).await);
        self.look();
        Ok(())
    }

    fn look(&mut self) {
        let peer = self.alpha.peer(&pair(ALPHA, TENANT), Direction::Outbound);
        self.shown.push(peer.and_then(|peer| peer.end_entity));
        self.readings.push(self.company.readings());
    }

    /// The first message over the stream of the last.
    fn first_of_stream(&self) -> usize {
        let last = self.letters.last().and_then(stream);
        self.letters.iter().position(|letter| stream(letter) == last).unwrap_or_default()
    }
}

/// The stream that brought a message, by when it was established.
fn stream(letter: &Letter) -> Option<Instant> {
    letter.arrived()?.peer.as_ref()?.established
}
