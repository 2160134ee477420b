//! A hosted domain that refers to what its hosting company publishes, and calls us.

use posh::Profile;
use xmpp_s2s::Code;
use xmpp_s2s_testkit::well_known;

use super::{Decision, Ending, Fact, Played, Scene, is_proved_by};
use crate::demo::DemoError;
use crate::demo::cast::{ALPHA, COMPANY, Cast, SECOND};
use crate::demo::letter::Letter;

pub(super) const SCENE: Scene = Scene {
    title: "second.example → alpha.example, on the way in: fingerprints behind a reference (RFC 7711)",
    expected: Ending::Accepted(Code::PoshMatch),
    play: |cast| Box::pin(play(cast)),
};

const TEXT: &str = "Madam, your mother craves a word with you.";

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    let (nurse, juliet) = ("nurse@second.example", "juliet@alpha.example");
    let letter = Letter::send((&cast.hosting, nurse), (&cast.alpha, juliet), TEXT).await;
    let trail = letter.decision_about_sender(&cast.alpha);
    let peer = letter.arrived().and_then(|arrived| arrived.peer.as_ref());
    let list = well_known(COMPANY, Profile::Rfc7711);
    let facts = vec![
        Fact::new(
            is_proved_by(peer, list.as_str()),
            format!(
                "{SECOND} only refers to {COMPANY}, which lists its one certificate once for all \
                 its customers"
            ),
        ),
        Fact::arrival(&letter, TEXT),
    ];
    let caption = format!("what {ALPHA} finds out about the one who calls as {SECOND}");
    let decisions = vec![Decision { caption: Some(caption), trail }];
    Ok(Played { decisions, facts, letters: vec![letter] })
}
