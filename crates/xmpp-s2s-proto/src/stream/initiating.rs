//! The initiating entity: it sends stanzas, and gets none.

use super::condition::{Condition, StreamError};
use super::features::Features;
use super::header::{Header, Opening};
use super::tree::Element;
use super::wire::{Attention, Wire};
use super::{Event, Security, ns, sasl};
use crate::dna::Association;
use crate::{Code, Pair};

/// Where negotiation is.
///
/// ```text
/// STARTTLS ─► Proceed ─┐
/// direct TLS ──────────┴─► Securing ─► Judging ─► Offer ─► Answer ─► Restarted ─► Established
///                             TLS       the gate   header,   auth,     header,
///                                                  features  success   features
///
/// Established ─► Removed
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Header and `<starttls/>` are out, whatever the peer offers (RFC 7590 §3.1).
    Proceed(Offered),
    /// TLS is being negotiated.
    Securing,
    /// Nothing is sent until it is known who the peer is.
    Judging,
    /// Our header is out.
    Offer,
    /// `<auth/>` is out.
    Answer,
    /// Our second header is out.
    Restarted,
    Established,
    /// The proof of the only pair has ended.
    Removed,
}

/// Whether the peer has sent its features.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Offered {
    NotYet,
    Features,
}

/// The initiating entity's part of a stream.
#[derive(Debug)]
pub(super) struct Initiating {
    pair: Pair,
    state: State,
}

impl Initiating {
    pub(super) fn new(pair: Pair, security: Security, wire: &mut Wire) -> Self {
        let state = match security {
            Security::StartTls => {
                Self::open(&pair, wire);
                wire.write(format_args!("<starttls xmlns='{}'/>", ns::TLS));
                State::Proceed(Offered::NotYet)
            }
            Security::Direct => {
                wire.start_tls(pair.local.clone());
                State::Securing
            }
        };
        Self { pair, state }
    }

    pub(super) fn header(&self, wire: &mut Wire, header: Header) -> Result<(), StreamError> {
        header.check_version()?;
        wire.begin(header);
        Ok(())
    }

    pub(super) fn element(
        &mut self,
        wire: &mut Wire,
        element: &Element,
    ) -> Result<(), StreamError> {
        if let Some(error) = element.stream_error() {
            if !matches!(self.state, State::Established | State::Removed) {
                self.refuse(wire, Code::StreamError, error.clone());
            }
            wire.fail_remotely(error);
            return Ok(());
        }
        if element.is_stanza() {
            let text = "stanzas come on a stream of their sender";
            return Err(StreamError::new(Condition::NotAuthorized, text));
        }
        match self.state {
            State::Proceed(offered) => self.proceed(wire, element, offered),
            State::Offer => self.offer(wire, element),
            State::Answer => self.answer(wire, element),
            State::Restarted => self.finish(wire, element),
            State::Securing | State::Judging | State::Established | State::Removed => {
                element.ignore()
            }
        }
    }

    /// White space has no place in SASL (RFC 6120 §6.3.5). Nor has it before TLS (§5.3.3), but
    /// nothing from there counts.
    pub(super) fn space(&self, wire: &Wire) -> Result<(), StreamError> {
        match self.state {
            State::Answer if wire.is_begun() => {
                Err(StreamError::new(Condition::BadFormat, "white space during negotiation"))
            }
            State::Proceed(_)
            | State::Securing
            | State::Judging
            | State::Offer
            | State::Answer
            | State::Restarted
            | State::Established
            | State::Removed => Ok(()),
        }
    }

    pub(super) fn secured(&mut self, wire: &mut Wire) {
        self.state = State::Judging;
        wire.event(Event::Authenticate(self.pair.clone()));
    }

    pub(super) fn associate(
        &mut self,
        wire: &mut Wire,
        association: Association,
    ) -> Result<(), StreamError> {
        wire.prove(association, &self.pair)?;
        Self::open(&self.pair, wire);
        self.state = State::Offer;
        Ok(())
    }

    /// Says good-bye, and nothing else.
    pub(super) fn reject(&self, wire: &mut Wire) {
        Self::open(&self.pair, wire);
        wire.close();
    }

    /// Whether the pair was established until now.
    pub(super) fn remove(&mut self, pair: &Pair) -> bool {
        let removed = self.is_established() && self.pair == *pair;
        if removed {
            self.state = State::Removed;
        }
        removed
    }

    pub(super) fn attention(&self) -> Attention {
        match self.state {
            State::Securing => Attention::Tls,
            State::Judging => Attention::Gate,
            State::Proceed(_)
            | State::Offer
            | State::Answer
            | State::Restarted
            | State::Established
            | State::Removed => Attention::Input,
        }
    }

    pub(super) fn pair(&self) -> &Pair {
        &self.pair
    }

    pub(super) fn is_established(&self) -> bool {
        self.state == State::Established
    }

    fn open(pair: &Pair, wire: &mut Wire) {
        let to = Some(pair.remote.as_str());
        wire.open(&Opening { from: pair.local.as_str(), to, id: None });
    }

    fn refuse(&self, wire: &mut Wire, code: Code, error: StreamError) {
        wire.event(Event::Refused(self.pair.clone(), code, error));
    }

    fn proceed(
        &mut self,
        wire: &mut Wire,
        element: &Element,
        offered: Offered,
    ) -> Result<(), StreamError> {
        if element.is(ns::TLS, "proceed") {
            self.state = State::Securing;
            wire.start_tls(self.pair.local.clone());
            return Ok(());
        }
        if element.is(ns::TLS, "failure") {
            let error = StreamError::remote(Condition::UndefinedCondition, None);
            self.refuse(wire, Code::TlsNoStarttls, error);
            wire.close();
            return Ok(());
        }
        match (Features::read(element), offered) {
            (Some(_), Offered::NotYet) => {
                self.state = State::Proceed(Offered::Features);
                Ok(())
            }
            (Some(_), Offered::Features) | (None, _) => Err(element.unexpected()),
        }
    }

    fn offer(&mut self, wire: &mut Wire, element: &Element) -> Result<(), StreamError> {
        let features = Features::read(element).ok_or_else(|| element.unexpected())?;
        if features.external {
            wire.write(sasl::auth(&self.pair.local));
            self.state = State::Answer;
        } else {
            let error = StreamError::remote(Condition::NotAuthorized, None);
            self.refuse(wire, Code::SaslExternalNotOffered, error);
            wire.close();
        }
        Ok(())
    }

    fn answer(&mut self, wire: &mut Wire, element: &Element) -> Result<(), StreamError> {
        if element.is(ns::SASL, "success") {
            wire.restart();
            Self::open(&self.pair, wire);
            self.state = State::Restarted;
            return Ok(());
        }
        if !element.is(ns::SASL, "failure") {
            return Err(element.unexpected());
        }
        let (code, error) = sasl::refusal(element);
        self.refuse(wire, code, error);
        wire.close();
        Ok(())
    }

    fn finish(&mut self, wire: &mut Wire, element: &Element) -> Result<(), StreamError> {
        let features = Features::read(element).ok_or_else(|| element.unexpected())?;
        if features.required {
            let text = "a feature is required that this server does not have";
            return Err(StreamError::new(Condition::UnsupportedFeature, text));
        }
        self.state = State::Established;
        wire.establish(self.pair.clone());
        Ok(())
    }
}
