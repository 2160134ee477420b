//! A hosted domain that has forgotten to publish.

use std::time::Instant;

use xmpp_s2s::{Code, Direction};

use super::{Decision, Ending, Fact, Played, Scene};
use crate::demo::DemoError;
use crate::demo::cast::{Cast, THIRD};
use crate::demo::letter::Letter;
use crate::demo::streams::retry;

pub(super) const SCENE: Scene = Scene {
    title: "alpha.example → third.example, hosted as well, which publishes nothing",
    expected: Ending::Refused(Code::PoshNotPublished),
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    let before = cast.world.web.requests().len();
    let (juliet, tybalt) = ("juliet@alpha.example", "tybalt@third.example");
    let letter = Letter::send((&cast.alpha, juliet), (&cast.hosting, tybalt), "Peace?").await;
    let asked = cast.world.web.requests().all().split_off(before);
    let asked = asked.into_iter().filter(|request| request.server_name == THIRD);
    let answers: Vec<_> = asked.map(|request| request.status).collect();
    let peer = cast.alpha.peer(&letter.pair(), Direction::Outbound);
    let until = peer.and_then(|peer| peer.failing_until);
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));

    let facts = vec![
        Fact::new(
            answers == [Some(404); 2],
            format!("the web server of {THIRD} has neither kind of document: 404 and 404"),
        ),
        Fact::return_of(std::slice::from_ref(&letter), Code::PoshNotPublished),
        Fact::new(left.is_some_and(|left| !left.is_zero()), retry(left)),
    ];
    let decisions = vec![Decision { caption: None, trail: letter.decision(&cast.alpha) }];
    Ok(Played { decisions, facts, letters: vec![letter] })
}
