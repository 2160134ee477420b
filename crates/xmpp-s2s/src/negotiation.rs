//! One outbound connection, from TCP to stanzas: TLS, the gate, SASL.

use std::io;

use posh::Finding;
use tokio::time::Instant;
use xmpp_s2s_proto::dna::{Prooftype, Rejection};
use xmpp_s2s_proto::stream::{Event, StreamError};
use xmpp_s2s_proto::{Code, Domain, Pair, Phase, Step, Trail};

use crate::clock::now;
use crate::connection::{Connection, Progress};
use crate::context::Context;
use crate::discovery::{Asker, Target};
use crate::proof::{Newer, Proof, prove};
use crate::reason::{explain, lost_code, negotiation_code};

/// Why one target did not come to a stream.
pub(crate) enum Failure {
    Transport(io::Error, Code),
    Rejected(Rejection),
    Stream(StreamError, Code),
}

/// One connection on its way from TCP to stanzas.
pub(crate) struct Negotiation<'a> {
    context: &'a Context,
    target: &'a Target,
    finding: &'a mut Option<Finding>,
    trail: &'a mut Trail,
    /// When the phase began that the next step ends.
    since: Instant,
    secured: Secured,
}

/// How a peer was proved.
#[derive(Debug)]
pub(crate) struct Proved {
    pub(crate) prooftype: Prooftype,
    /// SHA-256 of its certificate.
    pub(crate) end_entity: [u8; 32],
    /// Where that is listed, if that is the proof.
    pub(crate) document: Option<String>,
    /// What may soon be found that speaks against it.
    pub(crate) newer: Option<Newer>,
}

/// Whether TLS is up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Secured {
    No,
    Yes,
}

impl<'a> Negotiation<'a> {
    pub(crate) fn new(
        context: &'a Context,
        target: &'a Target,
        finding: &'a mut Option<Finding>,
        trail: &'a mut Trail,
    ) -> Self {
        let (since, secured) = (Instant::now(), Secured::No);
        Self { context, target, finding, trail, since, secured }
    }

    /// Negotiates until stanzas flow; says how the peer was proved.
    pub(crate) async fn run(&mut self, connection: &mut Connection) -> Result<Proved, Failure> {
        let mut proof = None;
        loop {
            let event = match connection.progress().await {
                Progress::Event(event) => event,
                Progress::Flushed => continue,
                Progress::Lost(error) => return Err(self.lost(error)),
            };
            match event {
                Event::StartTls(local) => self.secure(connection, &local).await?,
                Event::Authenticate(pair) => {
                    proof = Some(self.authenticate(connection, &pair).await?);
                }
                Event::Established(_) => {
                    let Some(proved) = proof.take() else { continue };
                    self.record(Phase::Sasl, Code::SaslAccepted, "EXTERNAL");
                    return Ok(proved);
                }
                Event::Refused(_, code, error) => return Err(self.refused(code, error)),
                Event::Closed(error) => return Err(self.closed(error)),
                _ => {}
            }
        }
    }

    async fn secure(&mut self, connection: &mut Connection, local: &Domain) -> Result<(), Failure> {
        let remote = &self.trail.pair().remote.clone();
        let Some(identity) = self.context.identity(local) else {
            let error = io::Error::new(io::ErrorKind::NotFound, "certificate is gone");
            return Err(Failure::Transport(error, Code::NotOurDomain));
        };
        let tls = &self.context.tls;
        match connection.connect(tls, remote, identity, self.target.security).await {
            Ok(agreed) => {
                self.record(Phase::Tls, Code::TlsSecured, agreed);
                self.secured = Secured::Yes;
                Ok(())
            }
            Err(error) => {
                let code = error.code();
                self.record(Phase::Tls, code, explain(&error));
                Err(Failure::Transport(error.into(), code))
            }
        }
    }

    async fn authenticate(
        &mut self,
        connection: &mut Connection,
        pair: &Pair,
    ) -> Result<Proved, Failure> {
        let presented = connection.stream.presented();
        let (asker, finding) = (Asker::Ourselves, &mut *self.finding);
        match prove(self.context, presented, pair, asker, finding, self.trail).await {
            Ok(Proof { association, newer }) => {
                self.trail.append(association.trail().clone());
                let proved = Proved {
                    prooftype: association.prooftype(),
                    end_entity: *association.end_entity(),
                    document: association.document().map(str::to_owned),
                    newer,
                };
                connection
                    .stream
                    .handle_association(association, now())
                    .map_err(|error| Failure::Stream(error, Code::StreamLocalError))?;
                self.since = Instant::now();
                Ok(proved)
            }
            Err(rejection) => {
                self.trail.append(rejection.trail.clone());
                connection.stream.handle_rejection(pair, &rejection, now());
                Err(Failure::Rejected(rejection))
            }
        }
    }

    fn closed(&mut self, error: Option<StreamError>) -> Failure {
        let (phase, code) = match &error {
            Some(error) => (Phase::Stream, negotiation_code(error)),
            None if self.secured == Secured::Yes => (Phase::Stream, Code::StreamClosed),
            None => (Phase::Tls, Code::TlsNoStarttls),
        };
        let detail = error.as_ref().map_or_else(|| "closed".to_owned(), ToString::to_string);
        self.record(phase, code, detail);
        match error {
            Some(error) => Failure::Stream(error, code),
            None => Failure::Transport(io::ErrorKind::ConnectionAborted.into(), code),
        }
    }

    fn refused(&mut self, code: Code, error: StreamError) -> Failure {
        let (phase, code) = match code {
            Code::TlsNoStarttls => (Phase::Tls, code),
            Code::StreamError => (Phase::Stream, negotiation_code(&error)),
            _ => (Phase::Sasl, code),
        };
        self.record(phase, code, error.to_string());
        Failure::Stream(error, code)
    }

    fn lost(&mut self, error: io::Error) -> Failure {
        let (phase, code) = lost_code(&error);
        self.record(phase, code, explain(&error));
        Failure::Transport(error, code)
    }

    fn record(&mut self, phase: Phase, code: Code, detail: impl AsRef<str>) {
        self.trail.record(Step::new(phase, code, detail, self.since.elapsed()));
        self.since = Instant::now();
    }
}
