//! What every stream of an endpoint shares: the configuration, and the tools made from it.

use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::sign::CertifiedKey;
use tokio::sync::Semaphore;
use xmpp_s2s_proto::dna::{Association, Authenticator, Evidence, Policy, Presented, Rejection};
use xmpp_s2s_proto::stream::StreamConfig;
use xmpp_s2s_proto::{Domain, Pair};

use crate::config::Config;
use crate::discovery::Finder;
use crate::tls::Tls;
use crate::wall::WallClock;

/// What every stream of an endpoint shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) finder: Finder,
    pub(crate) tls: Tls,
    pub(crate) initiating: Arc<StreamConfig>,
    pub(crate) receiving: Arc<StreamConfig>,
    /// Places for outbound streams that are being brought up.
    pub(crate) attempts: Semaphore,
    pub(crate) wall: WallClock,
    gate: Authenticator,
}

impl Context {
    pub(crate) fn new(config: Config, finder: Finder) -> Self {
        let with_negotiation = |negotiation| {
            let mut stream = config.stream.clone();
            stream.negotiation = negotiation;
            Arc::new(stream)
        };
        let algorithms = config.provider.signature_verification_algorithms.all;
        Self {
            finder,
            tls: Tls::new(config.provider.clone(), config.limits.tls),
            initiating: with_negotiation(config.limits.negotiation),
            receiving: with_negotiation(config.limits.inbound),
            attempts: Semaphore::new(config.limits.attempts.min(Semaphore::MAX_PERMITS)),
            wall: WallClock::new(UnixTime::now),
            gate: Authenticator::new(config.roots.xmpp.roots.clone(), algorithms),
            config,
        }
    }

    /// The certificate of one of our domains.
    pub(crate) fn identity(&self, local: &Domain) -> Option<Arc<CertifiedKey>> {
        self.config.identities.identity(local)
    }

    /// Asks the gate, now.
    pub(crate) fn authenticate(
        &self,
        presented: Option<&Presented>,
        pair: &Pair,
        evidence: &Evidence,
    ) -> Result<Association, Rejection> {
        let policy = self.config.policy_for(&pair.remote);
        self.judge(presented, pair, evidence, policy, self.wall.now())
    }

    /// Asks the gate again, now and by other evidence.
    pub(crate) fn reconsider(
        &self,
        rejected: Rejection,
        presented: &Presented,
        evidence: &Evidence,
    ) -> Result<Association, Rejection> {
        let policy = self.config.policy_for(&rejected.source_domain);
        rejected.reconsider(presented, evidence, policy, self.wall.now())
    }

    /// Asks the gate, for another policy or another time.
    pub(crate) fn judge(
        &self,
        presented: Option<&Presented>,
        pair: &Pair,
        evidence: &Evidence,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Association, Rejection> {
        self.gate.authenticate(presented, pair, evidence, policy, now)
    }
}
