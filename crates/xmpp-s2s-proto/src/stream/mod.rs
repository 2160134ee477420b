//! XML streams between two servers (RFC 6120 §4), as a state machine.

mod address;
mod attribute;
mod bounce;
mod chars;
mod condition;
mod config;
mod element;
mod features;
mod framer;
mod header;
mod initiating;
mod limits;
mod ns;
mod reading;
mod receiving;
mod sasl;
mod scanner;
mod scope;
mod stanza;
mod timer;
mod tree;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use thiserror::Error;

pub use self::condition::{Condition, Side, StreamError};
pub use self::config::{StreamConfig, StreamId};
use self::initiating::Initiating;
use self::receiving::Receiving;
pub use self::stanza::{InvalidStanza, Namespace, Stanza, StanzaKind};
use self::wire::{Attention, Input, Life, Wire};
use crate::dna::{Association, Presented, Rejection};
use crate::{Code, Domain, Pair};

/// One stream, in either role, from the first byte to the last.
///
/// Read into [`Self::input`], call a `handle_*` method, then drain [`Self::poll_transmit`],
/// [`Self::poll_timeout`] and [`Self::poll_event`], in this order. [`Event::Closed`] is the last
/// event: what there is to transmit then is all there will be.
#[derive(Debug)]
pub struct Stream {
    wire: Wire,
    role: Role,
}

#[derive(Debug)]
enum Role {
    Initiating(Initiating),
    Receiving(Receiving),
}

impl Stream {
    /// The stream of an initiating entity.
    pub fn initiate(
        pair: Pair,
        security: Security,
        config: Arc<StreamConfig>,
        now: Instant,
    ) -> Self {
        let mut wire = Wire::new(config, now);
        let role = Role::Initiating(Initiating::new(pair, security, &mut wire));
        Self { wire, role }
    }

    /// The stream of a receiving entity. Each of its up to three headers takes one of `ids`.
    ///
    /// `hosted` says whether a domain is one of ours. With [`Security::Direct`] it begins with
    /// [`Self::handle_secured`], since the handshake says for whom it is.
    pub fn receive(
        ids: [StreamId; 3],
        hosted: impl Fn(&Domain) -> bool + Send + 'static,
        security: Security,
        config: Arc<StreamConfig>,
        now: Instant,
    ) -> Self {
        let role = Role::Receiving(Receiving::new(ids, Box::new(hosted), security));
        Self { wire: Wire::new(config, now), role }
    }

    /// Takes what is new in [`Self::input`].
    ///
    /// An error is one of ours, also told by [`Event::Closed`]; the stream is over then, and has
    /// told the peer where it could.
    pub fn handle_input(&mut self, now: Instant) -> Result<(), StreamError> {
        self.wire.tell_time(now);
        self.wire.received();
        let result = self.read();
        self.settle(result)
    }

    /// Goes on after [`Event::StartTls`], when the handshake is over; `None` if the peer showed no
    /// certificate.
    ///
    /// What was learnt and buffered before is forgotten, but for the domain of ours that the peer
    /// asked for, since the handshake was ours as that domain. At any other time this does nothing.
    pub fn handle_secured(&mut self, presented: Option<Presented>, now: Instant) {
        self.wire.tell_time(now);
        if self.attention() != Some(Attention::Tls) {
            return;
        }
        self.wire.secure(presented);
        match &mut self.role {
            Role::Initiating(role) => role.secured(&mut self.wire),
            Role::Receiving(role) => role.secured(),
        }
    }

    /// Answers [`Event::Authenticate`]: the only way in which stanzas of its pair come to pass.
    ///
    /// Input stays unread until this or [`Self::handle_rejection`]. A proof of another pair or
    /// another certificate than this stream's ends it; one that nobody asked for is an error and
    /// changes nothing. What the peer had sent meanwhile is read now, with errors as
    /// [`Self::handle_input`] has them.
    pub fn handle_association(
        &mut self,
        association: Association,
        now: Instant,
    ) -> Result<(), StreamError> {
        self.wire.tell_time(now);
        if self.attention() != Some(Attention::Gate) {
            let text = "nobody asked for this proof";
            return Err(StreamError::new(Condition::InternalServerError, text));
        }
        let result = match &mut self.role {
            Role::Initiating(role) => role.associate(&mut self.wire, association),
            Role::Receiving(role) => role.associate(&mut self.wire, association),
        };
        let result = result.and_then(|()| self.read());
        self.settle(result)
    }

    /// Answers [`Event::Authenticate`] with no, and tells the peer why if it is the one who called.
    ///
    /// At any other time, or for another pair, this does nothing.
    pub fn handle_rejection(&mut self, pair: &Pair, rejection: &Rejection, now: Instant) {
        self.wire.tell_time(now);
        if self.attention() != Some(Attention::Gate) {
            return;
        }
        match &self.role {
            Role::Initiating(role) if role.pair() == pair => role.reject(&mut self.wire),
            Role::Receiving(role) if role.judged() == Some(pair) => {
                self.fail(StreamError::new(Condition::from(rejection), rejection.text()));
            }
            Role::Initiating(_) | Role::Receiving(_) => {}
        }
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.wire.tell_time(now);
        if let Err(error) = self.wire.expire() {
            self.fail(error);
        }
    }

    /// Sends a stanza of an established pair, as the initiating entity.
    pub fn send(&mut self, stanza: &Stanza) -> Result<(), NotEstablished> {
        let Role::Initiating(role) = &self.role else { return Err(NotEstablished) };
        let Pair { local, remote } = role.pair();
        if !role.is_established() || stanza.from() != local || stanza.to() != remote {
            return Err(NotEstablished);
        }
        stanza.write(self.wire.outgoing().ok_or(NotEstablished)?);
        self.wire.sent();
        Ok(())
    }

    /// Ends an established pair whose proof has ended, and nothing else: the stream stays as it is.
    ///
    /// [`Self::send`] takes nothing more for it. Stanzas of it that still come are dropped and do not
    /// close the stream, which departs from RFC 6120 §8.1.2.2: other pairs are not to suffer for
    /// this one. [`Event::Removed`] follows. For a pair that is not established this does nothing.
    pub fn remove_pair(&mut self, pair: &Pair) {
        let removed = self.wire.life() != Life::Over
            && match &mut self.role {
                Role::Initiating(role) => role.remove(pair),
                Role::Receiving(role) => role.remove(pair),
            };
        if removed {
            self.wire.association = None;
            self.wire.event(Event::Removed(pair.clone()));
        }
    }

    /// Closes the stream, with a reason to tell the peer or without.
    ///
    /// Without one, stanzas that are on their way still come; [`Event::Closed`] follows the peer's
    /// closing tag, or [`StreamConfig::closing`] after the next [`Self::handle_timeout`], which is
    /// due at once.
    pub fn close(&mut self, error: Option<StreamError>) {
        match error {
            Some(error) => self.fail(error),
            None => self.wire.close_some_time(),
        }
    }

    /// Moves bytes for the transport to the end of `buf`; false if there were none.
    pub fn poll_transmit(&mut self, buf: &mut BytesMut) -> bool {
        self.wire.transmit(buf)
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wire.deadline()
    }

    /// What the caller has to know or to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.wire.next_event()
    }

    /// Where the transport's bytes go.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.wire.input
    }

    /// What the peer showed in TLS.
    pub fn presented(&self) -> Option<&Presented> {
        self.wire.presented.as_ref()
    }

    /// What was proved of the peer for `pair`.
    pub fn association(&self, pair: &Pair) -> Option<&Association> {
        self.wire.association.as_ref().filter(|association| association.pair() == pair)
    }

    fn read(&mut self) -> Result<(), StreamError> {
        loop {
            match self.attention() {
                Some(Attention::Input) => {}
                Some(Attention::Gate) => return self.wire.check_backlog(),
                Some(Attention::Tls) => return self.wire.check_nothing_left(),
                None => {
                    self.wire.input.clear();
                    return Ok(());
                }
            }
            let Some(input) = self.wire.next()? else { return Ok(()) };
            self.take(input)?;
        }
    }

    fn take(&mut self, input: Input) -> Result<(), StreamError> {
        if self.wire.life() == Life::Closing && !self.is_established() {
            if matches!(input, Input::End) {
                self.wire.close_remotely();
            }
            return Ok(());
        }
        match (&mut self.role, input) {
            (_, Input::End) => self.wire.close_remotely(),
            (Role::Initiating(role), Input::Header(header)) => {
                role.header(&mut self.wire, header)?;
            }
            (Role::Initiating(role), Input::Element(xml)) => {
                let element = self.wire.element(&xml)?;
                role.element(&mut self.wire, &element)?;
            }
            (Role::Initiating(role), Input::Space) => role.space(&self.wire)?,
            (Role::Receiving(role), Input::Header(header)) => {
                role.header(&mut self.wire, header)?
            }
            (Role::Receiving(role), Input::Element(xml)) => role.element(&mut self.wire, xml)?,
            (Role::Receiving(_), Input::Space) => {}
        }
        Ok(())
    }

    fn settle(&mut self, result: Result<(), StreamError>) -> Result<(), StreamError> {
        if let Err(error) = &result {
            self.fail(error.clone());
        }
        result
    }

    fn fail(&mut self, error: StreamError) {
        if let Role::Receiving(role) = &mut self.role {
            role.open_for_error(&mut self.wire);
        }
        self.wire.fail(error);
    }

    /// What to go on with; `None` if the stream is over.
    fn attention(&self) -> Option<Attention> {
        match (self.wire.life(), &self.role) {
            (Life::Over, _) => None,
            (Life::Closing, _) => Some(Attention::Input),
            (Life::Open, Role::Initiating(role)) => Some(role.attention()),
            (Life::Open, Role::Receiving(role)) => Some(role.attention()),
        }
    }

    fn is_established(&self) -> bool {
        match &self.role {
            Role::Initiating(role) => role.is_established(),
            Role::Receiving(role) => role.is_established(),
        }
    }
}

/// What a [`Stream`] tells its caller.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer claims to be `pair.remote`, on a secured stream: authenticate it.
    Authenticate(Pair),
    /// The stream is over.
    Closed(Option<StreamError>),
    /// Stanzas of this pair may flow.
    Established(Pair),
    /// The peer does not want this pair; the code says what it refused.
    Refused(Pair, Code, StreamError),
    /// Stanzas of this pair do not flow any more: [`Stream::remove_pair`].
    Removed(Pair),
    /// A stanza of an established pair.
    Stanza(Stanza),
    /// Do the TLS handshake now, as this domain of ours, then call [`Stream::handle_secured`].
    StartTls(Domain),
}

/// When TLS starts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Security {
    /// From the first byte (XEP-0368).
    Direct,
    /// After `<starttls/>`.
    StartTls,
}

/// A stanza was to be sent for a pair that is not established.
#[derive(Clone, Copy, Debug, Error)]
#[error("pair is not established")]
#[non_exhaustive]
pub struct NotEstablished;
