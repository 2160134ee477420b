//! A hosting company changes its certificate, in the wrong order.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use xmpp_s2s::{Code, Config, Direction};

use super::{Decision, Ending, Fact, Played, Scene};
use crate::demo::DemoError;
use crate::demo::cast::{ALPHA, Cast, LANDLORD, Member, TENANT, pair};
use crate::demo::company::Company;
use crate::demo::letter::Letter;
use crate::demo::mailbox::Mailbox;
use crate::demo::traffic::{Tally, Traffic};

pub(super) const SCENE: Scene = Scene {
    title: "the same in the wrong order: the new certificate is shown before it is listed",
    expected: Ending::Refused(Code::PoshFingerprintMismatch),
    play: |cast| Box::pin(play(cast)),
};

/// Stands for the minute after which a list that proves nobody may be read again.
const MINUTE: Duration = Duration::from_secs(2);

/// Stands for the 5 s for which messages fail at once after a failure.
const FAILURE: Duration = Duration::from_millis(100);

/// How many messages there are at a time.
const MESSAGES: usize = 50;

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    let mut company = Company::start(cast).await?;
    let new = company.new.clone();
    let configure = |config: &mut Config| {
        config.posh.replace_pause = MINUTE;
        config.limits.failure = FAILURE;
    };
    let alpha = cast.another_alpha(configure).await?;
    let (juliet, friar) = ("juliet@alpha.example", "friar@tenant.example");
    let mut traffic = Traffic::new((&alpha, juliet), (company.mailbox(), friar));
    let before = traffic.send(MESSAGES).await;
    company.restart(&new).await?;
    let refused = traffic.send(MESSAGES).await;
    let looked = Instant::now();
    company.list(&[&new]);
    failure_is_over(&alpha).await;
    let put_off = traffic.send(MESSAGES).await;
    failure_is_over(&alpha).await;
    sleep_until(looked + MINUTE).await;
    let healed = traffic.send(MESSAGES).await;

    let decisions = vec![
        Decision {
            caption: Some(format!("when the new certificate is shown, {ALPHA} finds out")),
            trail: refused[0].decision(&alpha),
        },
        Decision {
            caption: Some("and a minute later, when it may read the list again".to_owned()),
            trail: healed[0].decision(&alpha),
        },
    ];
    let (mailbox, readings) = (company.mailbox(), company.readings());
    alpha.close().await;
    company.close().await;
    let facts = facts([&before, &refused, &put_off, &healed], &mailbox, readings);
    let letters = [refused, put_off, healed].into_iter().flat_map(|sent| sent.into_iter().take(1));
    Ok(Played { decisions, facts, letters: letters.collect() })
}

fn facts(sent: [&[Letter]; 4], mailbox: &Mailbox, readings: usize) -> Vec<Fact> {
    let [before, refused, put_off, healed] = sent;
    let arrived = |letters| Tally::of(letters, mailbox).arrived;
    let all = Tally::of(sent.into_iter().flatten(), mailbox);
    let Fact { sentence, holds } = Fact::return_of(refused, Code::PoshFingerprintMismatch);
    let refusal = Fact::new(holds, format!("{LANDLORD} shows the new one: {sentence}"));
    let Fact { sentence, holds } = Fact::return_of(put_off, Code::PoshMismatchUnconfirmed);
    let delay = Fact::new(
        holds,
        format!(
            "it lists the new one, but {ALPHA} has just read the list, and for a server that is \
             not on it does so once a minute ({} s here): {sentence}",
            MINUTE.as_secs()
        ),
    );
    vec![
        Fact::new(
            arrived(before) == MESSAGES,
            format!("{} messages arrived while the old one was shown", arrived(before)),
        ),
        refusal,
        delay,
        Fact::new(
            arrived(healed) == MESSAGES,
            format!("after that {} messages arrived", arrived(healed)),
        ),
        Fact::new(
            (all.arrived, all.returned, all.astray) == (2 * MESSAGES, 2 * MESSAGES, 0),
            format!(
                "{} of {} messages arrived, each once; {} came back, {} were lost",
                all.arrived,
                4 * MESSAGES,
                all.returned,
                all.astray
            ),
        ),
        Fact::new(readings == 3, format!("{ALPHA} read the list {readings} times")),
    ]
}

/// Returns when the next message makes another attempt.
async fn failure_is_over(alpha: &Member) {
    let peer = alpha.peer(&pair(ALPHA, TENANT), Direction::Outbound);
    if let Some(until) = peer.and_then(|peer| peer.failing_until) {
        sleep_until(until.into()).await;
    }
}
