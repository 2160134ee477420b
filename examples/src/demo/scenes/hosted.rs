//! A hosted domain that publishes a key set.

use posh::Profile;
use xmpp_s2s::{Code, Direction, Prooftype};
use xmpp_s2s_testkit::well_known;

use super::{Decision, Ending, Fact, Played, Scene, is_proved_by};
use crate::demo::DemoError;
use crate::demo::cast::{ALPHA, Cast, HOSTED};
use crate::demo::letter::Letter;

pub(super) const SCENE: Scene = Scene {
    title: "alpha.example → hosted.example, a hosted domain with a key set (draft-miller-posh-02)",
    expected: Ending::Accepted(Code::PoshMatch),
    play: |cast| Box::pin(play(cast)),
};

const TEXT: &str = "Art thou not Romeo?";

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    let (juliet, romeo) = ("juliet@alpha.example", "romeo@hosted.example");
    let letter = Letter::send((&cast.alpha, juliet), (&cast.hosting, romeo), TEXT).await;
    let trail = letter.decision(&cast.alpha);
    let peer = cast.alpha.peer(&letter.pair(), Direction::Outbound);
    let key_set = well_known(HOSTED, Profile::Draft02);
    let brought = letter.arrived().and_then(|arrived| arrived.peer.as_ref());
    let other = brought.and_then(|peer| peer.prooftype);
    let facts = vec![
        Fact::new(
            is_proved_by(peer.as_ref(), key_set.as_str()),
            format!("the proof is the key set at {HOSTED}, whatever names the certificate has"),
        ),
        Fact::new(
            other == Some(Prooftype::Pkix),
            format!("{HOSTED} looked at {ALPHA}, too: proved by PKIX"),
        ),
        Fact::arrival(&letter, TEXT),
    ];
    let decisions = vec![Decision { caption: None, trail }];
    Ok(Played { decisions, facts, letters: vec![letter] })
}
