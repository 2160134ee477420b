//! The receiving entity: it gets stanzas, and sends none.

use std::fmt;
use std::mem;

use bytes::Bytes;

use super::condition::{Condition, StreamError};
use super::header::{Header, Opening};
use super::reading::Reading;
use super::stanza::{Stanza, Unreadable};
use super::tree::Element;
use super::wire::{Attention, Wire};
use super::{Event, Security, StreamId, features, ns, sasl};
use crate::dna::Association;
use crate::{Domain, Pair};

/// Where negotiation is.
///
/// ```text
/// STARTTLS ─► Plain ─► Asked ─┐
/// direct TLS ─────────────────┴─► Securing ─► Claim ─► Judging ─► Auth ─► Restarted ─► Established
///             header,  starttls     TLS       header,  the gate   auth,     header,
///             features                        a claim             success   features
/// ```
#[derive(Debug)]
enum State {
    /// The header in the clear is awaited.
    Plain,
    /// `<starttls/>` is awaited.
    Asked {
        to: Domain,
    },
    /// TLS is being negotiated; `to` is what was asked for before.
    Securing {
        to: Option<Domain>,
    },
    /// The header that counts is awaited.
    Claim {
        to: Option<Domain>,
    },
    /// Input stays unread until it is known who the peer is.
    Judging {
        pair: Pair,
    },
    /// The peer is proved, and has to say the same.
    Auth {
        pair: Pair,
        failures: u8,
    },
    /// The last header is awaited.
    Restarted {
        pair: Pair,
    },
    Established {
        pair: Pair,
        proof: Proof,
    },
}

/// Whether the proof of an established pair still stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Proof {
    Standing,
    Ended,
}

/// The receiving entity's part of a stream.
pub(super) struct Receiving {
    ids: [StreamId; 3],
    headers: usize,
    hosted: Box<dyn Fn(&Domain) -> bool + Send>,
    state: State,
}

impl Receiving {
    /// Attempts before the stream is ended (RFC 6120 §6.4.5).
    const ATTEMPTS: u8 = 5;

    pub(super) fn new(
        ids: [StreamId; 3],
        hosted: Box<dyn Fn(&Domain) -> bool + Send>,
        security: Security,
    ) -> Self {
        let state = match security {
            Security::StartTls => State::Plain,
            Security::Direct => State::Securing { to: None },
        };
        Self { ids, headers: 0, hosted, state }
    }

    pub(super) fn header(&mut self, wire: &mut Wire, header: Header) -> Result<(), StreamError> {
        let to = self.recipient(&header)?;
        let from = header.from.as_ref().and_then(|from| from.parse::<Domain>().ok());
        if let Some(earlier) = self.earlier()
            && *earlier != to
        {
            return Err(StreamError::new(Condition::HostUnknown, "another domain than before"));
        }
        self.open(wire, to.as_str(), from.as_ref());
        header.check_version()?;
        wire.begin(header);
        match &self.state {
            State::Plain => {
                wire.write(features::STARTTLS);
                self.state = State::Asked { to };
                Ok(())
            }
            State::Claim { .. } => self.claim(wire, to, from),
            State::Restarted { pair } if from.as_ref() == Some(&pair.remote) => {
                let pair = pair.clone();
                wire.write(features::NONE);
                wire.establish(pair.clone());
                self.state = State::Established { pair, proof: Proof::Standing };
                Ok(())
            }
            State::Restarted { .. } => {
                Err(StreamError::new(Condition::InvalidFrom, "another domain than before"))
            }
            State::Asked { .. }
            | State::Securing { .. }
            | State::Judging { .. }
            | State::Auth { .. }
            | State::Established { .. } => Err(Condition::BadFormat.into()),
        }
    }

    pub(super) fn element(&mut self, wire: &mut Wire, xml: Bytes) -> Result<(), StreamError> {
        if let State::Established { pair, proof } = &self.state {
            let read = Reading::stanza(xml.clone(), &wire.inherited(pair), &wire.limits());
            return match read {
                Ok(stanza) => self.deliver(wire, pair, *proof, stanza),
                Err(Unreadable::Xml(fault)) => Err(fault.into()),
                Err(Unreadable::Addressing(..) | Unreadable::Missing(_)) => {
                    Err(Condition::ImproperAddressing.into())
                }
                Err(Unreadable::Other(_)) => self.other(wire, &wire.element(&xml)?),
            };
        }
        let element = wire.element(&xml)?;
        match &mut self.state {
            State::Asked { to } if element.is(ns::TLS, "starttls") => {
                wire.check_nothing_left()?;
                wire.write(format_args!("<proceed xmlns='{}'/>", ns::TLS));
                let to = to.clone();
                self.state = State::Securing { to: Some(to.clone()) };
                wire.start_tls(to);
                Ok(())
            }
            State::Asked { .. } if element.namespace() == ns::SASL => {
                wire.write(sasl::Failure::EncryptionRequired.xml());
                Err(StreamError::new(Condition::PolicyViolation, "TLS comes first"))
            }
            State::Auth { .. } if element.namespace() == ns::SASL => self.auth(wire, &element),
            State::Plain
            | State::Asked { .. }
            | State::Securing { .. }
            | State::Claim { .. }
            | State::Judging { .. }
            | State::Auth { .. }
            | State::Restarted { .. }
            | State::Established { .. } => self.other(wire, &element),
        }
    }

    pub(super) fn secured(&mut self) {
        if let State::Securing { to } = &mut self.state {
            self.state = State::Claim { to: to.take() };
        }
    }

    pub(super) fn associate(
        &mut self,
        wire: &mut Wire,
        association: Association,
    ) -> Result<(), StreamError> {
        let State::Judging { pair } = &self.state else { return Ok(()) };
        wire.prove(association, pair)?;
        wire.write(features::EXTERNAL);
        self.state = State::Auth { pair: pair.clone(), failures: 0 };
        Ok(())
    }

    /// Whether the pair was established until now.
    pub(super) fn remove(&mut self, removed: &Pair) -> bool {
        let State::Established { pair, proof } = &mut self.state else { return false };
        pair == removed && mem::replace(proof, Proof::Ended) == Proof::Standing
    }

    /// Our header, for an error to stand below it (RFC 6120 §4.9.1.2). It names no domain of ours,
    /// since the peer did not.
    pub(super) fn open_for_error(&mut self, wire: &mut Wire) {
        match self.state {
            State::Securing { .. } => {}
            State::Plain
            | State::Asked { .. }
            | State::Claim { .. }
            | State::Judging { .. }
            | State::Auth { .. }
            | State::Restarted { .. }
            | State::Established { .. } => self.open(wire, "", None),
        }
    }

    pub(super) fn attention(&self) -> Attention {
        match self.state {
            State::Securing { .. } => Attention::Tls,
            State::Judging { .. } => Attention::Gate,
            State::Plain
            | State::Asked { .. }
            | State::Claim { .. }
            | State::Auth { .. }
            | State::Restarted { .. }
            | State::Established { .. } => Attention::Input,
        }
    }

    /// The pair that is being judged.
    pub(super) fn judged(&self) -> Option<&Pair> {
        let State::Judging { pair } = &self.state else { return None };
        Some(pair)
    }

    pub(super) fn is_established(&self) -> bool {
        matches!(self.state, State::Established { .. })
    }

    fn open(&mut self, wire: &mut Wire, from: &str, to: Option<&Domain>) {
        let id = self.ids[self.headers.min(self.ids.len() - 1)];
        if wire.open(&Opening { from, to: to.map(Domain::as_str), id: Some(id) }) {
            self.headers += 1;
        }
    }

    /// Which of our domains the peer wants.
    fn recipient(&self, header: &Header) -> Result<Domain, StreamError> {
        let to = header.to.as_ref().and_then(|to| to.parse().ok());
        to.filter(|to| (self.hosted)(to)).ok_or_else(|| Condition::HostUnknown.into())
    }

    /// Which of our domains an earlier header of this stream asked for.
    fn earlier(&self) -> Option<&Domain> {
        match &self.state {
            State::Claim { to } => to.as_ref(),
            State::Restarted { pair } => Some(&pair.local),
            State::Plain
            | State::Asked { .. }
            | State::Securing { .. }
            | State::Judging { .. }
            | State::Auth { .. }
            | State::Established { .. } => None,
        }
    }

    /// Somebody says who they are.
    fn claim(
        &mut self,
        wire: &mut Wire,
        local: Domain,
        from: Option<Domain>,
    ) -> Result<(), StreamError> {
        let invalid = |text: &str| StreamError::new(Condition::InvalidFrom, text);
        let remote = from.ok_or_else(|| invalid("the header names no domain of yours"))?;
        if (self.hosted)(&remote) {
            return Err(invalid("the header names a domain of ours as yours"));
        }
        let pair = Pair { local, remote };
        wire.event(Event::Authenticate(pair.clone()));
        self.state = State::Judging { pair };
        Ok(())
    }

    fn auth(&mut self, wire: &mut Wire, element: &Element) -> Result<(), StreamError> {
        let State::Auth { pair, failures } = &mut self.state else { return Ok(()) };
        match sasl::judge(element, &pair.remote) {
            Ok(()) => {
                wire.write(sasl::SUCCESS);
                wire.restart();
                self.state = State::Restarted { pair: pair.clone() };
            }
            Err(failure) => {
                wire.write(failure.xml());
                *failures += 1;
                if *failures == Self::ATTEMPTS {
                    return Err(StreamError::new(Condition::PolicyViolation, "too many attempts"));
                }
            }
        }
        Ok(())
    }

    /// Lets a stanza of the proved pair pass, and no other. One that comes after the end of its proof
    /// is dropped. Both domains have to be the pair's at
    /// once (XEP-0220 §1.2).
    fn deliver(
        &self,
        wire: &mut Wire,
        pair: &Pair,
        proof: Proof,
        stanza: Stanza,
    ) -> Result<(), StreamError> {
        if *stanza.from() != pair.remote {
            return Err(Condition::InvalidFrom.into());
        }
        if *stanza.to() != pair.local {
            return Err(match (self.hosted)(stanza.to()) {
                true => Condition::InvalidFrom.into(),
                false => Condition::HostUnknown.into(),
            });
        }
        if proof == Proof::Standing {
            wire.event(Event::Stanza(stanza));
        }
        Ok(())
    }

    /// An element that is no stanza of a proved pair, and no step that is due.
    fn other(&self, wire: &mut Wire, element: &Element) -> Result<(), StreamError> {
        if let Some(error) = element.stream_error() {
            wire.fail_remotely(error);
            return Ok(());
        }
        match (self.is_established(), element.is_stanza()) {
            (true, true) => Err(Condition::InvalidNamespace.into()),
            (true, false) => element.ignore(),
            (false, true) => {
                let text = "stanzas have to wait for the end of negotiation";
                Err(StreamError::new(Condition::NotAuthorized, text))
            }
            (false, false) if element.namespace() == ns::DIALBACK => {
                let text = "this server wants a certificate";
                Err(StreamError::new(Condition::PolicyViolation, text))
            }
            (false, false) => Err(element.unexpected()),
        }
    }
}

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").field("state", &self.state).finish_non_exhaustive()
    }
}
