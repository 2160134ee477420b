//! The DNS leads to somebody else, who has a valid certificate of her own.

use std::net::SocketAddr;

use xmpp_s2s::{Code, ConnectError, Phase, Trail, Undelivered};

use super::{Decision, Ending, Fact, Played, Scene};
use crate::demo::DemoError;
use crate::demo::cast::{ALPHA, Cast, MALLORY, SECOND, domain, pair};
use crate::demo::letter::Letter;

pub(super) const SCENE: Scene = Scene {
    title: "the DNS is forged: mallory.example answers for second.example",
    expected: Ending::Refused(Code::PoshFingerprintMismatch),
    play: |cast| Box::pin(play(cast)),
};

async fn play(cast: &Cast) -> Result<Played, DemoError> {
    cast.lead(SECOND, &cast.mallory);
    let before = cast.mallory.mailbox.count();
    let (juliet, nurse) = ("juliet@alpha.example", "nurse@second.example");
    let mut letters = Vec::new();
    for text in ["Nurse? What says my love?", "What says he of our marriage?"] {
        // To mallory, if anything arrives.
        letters.push(Letter::send((&cast.alpha, juliet), (&cast.mallory, nurse), text).await);
    }
    let named = named(cast).await;
    let herself = cast.alpha.endpoint().explain(&pair(ALPHA, MALLORY)).await;
    let stolen = cast.mallory.mailbox.count() - before;
    cast.lead(SECOND, &cast.hosting);

    let trail = letters[0].decision(&cast.alpha);
    let mallory = cast.mallory.address;
    let shown = letters[0].returned().and_then(certificate);
    let mut facts = vec![
        Fact::new(
            herself.proof().is_some_and(|proof| proof.code == Code::PkixMatch)
                && shown == Some(cast.mallory.identity.sha256()),
            format!("the certificate is a valid one: it proves {MALLORY} by PKIX"),
        ),
        Fact::return_of(&letters, Code::PoshFingerprintMismatch),
        Fact::new(stolen == 0, format!("{MALLORY} got {stolen} of {} messages", letters.len())),
        Fact::new(
            named == [mallory] && reached(&trail, mallory),
            format!(
                "with dialback alone this connection would have been ACCEPTED: dialback asks the \
                 server that the DNS names, and for {SECOND} it named {mallory}, where {MALLORY} \
                 answers"
            ),
        ),
    ];
    if looks(&trail) > 1 {
        let again = format!(
            "{ALPHA} had read the list before, and read it again before it refused, since the \
             hosting company might have a new certificate"
        );
        facts.insert(1, Fact::new(looks(&trail) == 2, again));
    }
    let decisions = vec![Decision { caption: None, trail }];
    Ok(Played { decisions, facts, letters })
}

/// How often it was looked what the domain publishes.
fn looks(trail: &Trail) -> usize {
    trail.steps().iter().filter(|step| step.phase == Phase::Posh).count()
}

/// Where the DNS leads whoever looks for the domain.
async fn named(cast: &Cast) -> Vec<SocketAddr> {
    let discovery = cast.alpha.endpoint().discover(&domain(SECOND)).await;
    let targets = discovery.targets.unwrap_or_default().into_iter();
    targets
        .flat_map(|target| {
            let port = target.port;
            target.addresses.into_iter().map(move |ip| SocketAddr::new(ip, port))
        })
        .collect()
}

/// The digest of the certificate that was refused.
fn certificate(undelivered: &Undelivered) -> Option<[u8; 32]> {
    match &*undelivered.error {
        ConnectError::Rejected(rejection) => rejection.end_entity,
        _ => None,
    }
}

fn reached(trail: &Trail, address: SocketAddr) -> bool {
    let address = format!(" at {address}");
    trail.steps().iter().any(|step| {
        (step.phase, step.code) == (Phase::Tcp, Code::TcpConnected)
            && step.detail.ends_with(&address)
    })
}
