//! What happens, and how it has to end.

use std::net::SocketAddr;
use std::time::Duration;

use xmpp_s2s::{Code, Namespace, Pair, Phase, Stanza, Trail};

use super::DemoError;
use super::cast::{ALPHA, Cast, HOSTED, HOSTING, MALLORY, domain};
use crate::ping::{self, Answer, End, Report, Watch, proof};

/// Longest time for a scene.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One ping from alpha to the hosted domain, under circumstances.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scene {
    /// The DNS leads to the hosting company.
    Hosted,
    /// Mallory has hijacked the DNS.
    Forged,
}

/// A scene that is over.
pub(super) struct Played {
    pub(super) scene: Scene,
    pub(super) report: Report,
    /// How many stanzas mallory got.
    pub(super) stolen: usize,
    /// Whether it was mallory's server that alpha reached.
    pub(super) led_astray: bool,
}

impl Scene {
    pub(super) fn title(self) -> String {
        match self {
            Self::Hosted => format!("{ALPHA} pings {HOSTED}"),
            Self::Forged => format!("{MALLORY} answers for {HOSTED}"),
        }
    }

    /// Plays it from the start: alpha knows of no stream and no failure.
    pub(super) async fn play(self, cast: &Cast) -> Result<Played, DemoError> {
        match self {
            Self::Hosted => cast.lead(HOSTED, HOSTING, &cast.hosting),
            Self::Forged => cast.lead(HOSTED, MALLORY, &cast.mallory),
        }
        let pair = Pair { local: domain(ALPHA), remote: domain(HOSTED) };
        let (watch, awaited) = Watch::new(pair)?;
        let alpha = cast.alpha(watch).await?;
        let report = ping::ping(&alpha.server, awaited, TIMEOUT).await;
        alpha.close().await;
        Ok(Played {
            scene: self,
            stolen: cast.stolen.count(),
            led_astray: reached(report.outbound.as_ref(), cast.mallory.address),
            report,
        })
    }
}

impl Played {
    /// Whether it ended as it has to.
    pub(super) fn is_as_expected(&self) -> bool {
        match self.scene {
            Scene::Hosted => self.is_answered_by_posh(),
            Scene::Forged => self.is_refused_and_returned(),
        }
    }

    /// Both streams carry stanzas, and the hosted domain is proved by POSH on each.
    fn is_answered_by_posh(&self) -> bool {
        let by_posh = |trail: &Option<Trail>| trail.as_ref().and_then(proof) == Some("POSH");
        matches!(self.report.end, End::Answered(Answer::Result))
            && by_posh(&self.report.outbound)
            && by_posh(&self.report.inbound)
            && !self.led_astray
    }

    /// Mallory was reached, got nothing, and the ping came back with the reason.
    fn is_refused_and_returned(&self) -> bool {
        let End::Undelivered(returned) = &self.report.end else { return false };
        let Some(bounce) = &returned.bounce else { return false };
        let reason = Code::PoshFingerprintMismatch;
        returned.trail.conclusion() == Some(reason)
            && bounce.stanza_type() == Some("error")
            && says(bounce, reason.sentence())
            && self.led_astray
            && self.stolen == 0
    }
}

fn says(stanza: &Stanza, sentence: &str) -> bool {
    let xml = stanza.to_xml(Namespace::Client);
    quick_xml::escape::unescape(&xml).is_ok_and(|text| text.contains(sentence))
}

fn reached(trail: Option<&Trail>, address: SocketAddr) -> bool {
    let address = address.to_string();
    trail.is_some_and(|trail| {
        trail.steps().iter().any(|step| {
            step.phase == Phase::Tcp
                && step.code == Code::TcpConnected
                && step.detail.contains(&address)
        })
    })
}
