//! What both roles share: bytes in and out, events, deadlines, and how a stream ends.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::chars::Escaped;
use super::condition::{Condition, StreamError};
use super::framer::{Frame, Framer};
use super::header::{self, Header, Opening};
use super::limits::Limits;
use super::reading::Inherited;
use super::scope::Scope;
use super::timer::{Missed, Timer};
use super::tree::Element;
use super::{Event, StreamConfig, ns};
use crate::dna::{Association, Presented};
use crate::printable::readable;
use crate::{Domain, Pair};

/// The transport's side of a [`super::Stream`].
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) config: Arc<StreamConfig>,
    pub(super) input: BytesMut,
    pub(super) presented: Option<Presented>,
    pub(super) association: Option<Association>,
    output: BytesMut,
    events: VecDeque<Event>,
    framer: Framer,
    /// What the peer's latest header says of what stands below it.
    peer: Option<Surroundings>,
    life: Life,
    timer: Timer,
    /// Whether our latest header is out.
    opened: Opened,
    /// The latest time we were told.
    now: Instant,
}

#[derive(Debug)]
struct Surroundings {
    scope: Scope,
    /// `xml:lang` with a space before it.
    language: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Opened {
    No,
    Yes,
}

/// How far a stream has come to its end (RFC 6120 §4.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Life {
    Open,
    /// Our closing tag is out, the peer's is awaited. Nothing more is sent.
    Closing,
    /// Nothing more is read.
    Over,
}

/// What a stream goes on with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Attention {
    /// The peer's next element.
    Input,
    /// The end of the handshake.
    Tls,
    /// Who the peer is.
    Gate,
}

/// What the peer sent next.
#[derive(Debug)]
pub(super) enum Input {
    Header(Header),
    Element(Bytes),
    Space,
    End,
}

impl Wire {
    pub(super) fn new(config: Arc<StreamConfig>, now: Instant) -> Self {
        Self {
            input: BytesMut::new(),
            presented: None,
            association: None,
            output: BytesMut::new(),
            events: VecDeque::new(),
            framer: Framer::new(Limits::negotiation(&config)),
            peer: None,
            life: Life::Open,
            timer: Timer::negotiation(&config, now),
            opened: Opened::No,
            now,
            config,
        }
    }

    /// The next piece of input, if it is there.
    pub(super) fn next(&mut self) -> Result<Option<Input>, StreamError> {
        loop {
            let Some(frame) = self.framer.next(&mut self.input)? else { return Ok(None) };
            return Ok(Some(match frame {
                Frame::Declaration(text) => {
                    header::check_declaration(&text)?;
                    continue;
                }
                Frame::Header(tag) => Input::Header(Header::parse(&tag, &self.limits())?),
                Frame::Element(element) => Input::Element(element),
                Frame::Space => Input::Space,
                Frame::End => Input::End,
            }));
        }
    }

    /// Whether the peer's header was read, as it must be before anything else.
    pub(super) fn is_begun(&self) -> bool {
        self.peer.is_some()
    }

    /// Goes on with a header that was read.
    pub(super) fn begin(&mut self, header: Header) {
        let language = header.language.map(|language| format!(" xml:lang='{language}'").into());
        self.peer = Some(Surroundings { scope: header.scope, language });
    }

    /// Reads an element that is no stanza of an established pair.
    pub(super) fn element(&self, xml: &[u8]) -> Result<Element, StreamError> {
        let nothing = Scope::NOTHING;
        let scope = self.peer.as_ref().map_or(&nothing, |peer| &peer.scope);
        Ok(Element::parse(xml, scope, &self.limits())?)
    }

    /// What stanzas of an established pair take over.
    pub(super) fn inherited<'a>(&'a self, pair: &'a Pair) -> Inherited<'a> {
        let peer = self.peer.as_ref();
        Inherited {
            scope: peer.map_or(const { &Scope::NOTHING }, |peer| &peer.scope),
            language: peer.and_then(|peer| peer.language.as_ref()),
            pair: Some(pair),
            contents: &[ns::SERVER],
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.framer.limits()
    }

    /// Sends our header; false if it is out already, or too late.
    pub(super) fn open(&mut self, opening: &Opening<'_>) -> bool {
        let due = self.opened == Opened::No && self.life == Life::Open;
        if due {
            self.opened = Opened::Yes;
            opening.write(&mut self.output);
        }
        due
    }

    /// Sends something below our header.
    pub(super) fn write(&mut self, xml: impl fmt::Display) {
        if let Some(out) = self.outgoing() {
            let _ = fmt::write(out, format_args!("{xml}"));
        }
    }

    /// Where something below our header may be sent; `None` before it, and after our closing tag.
    pub(super) fn outgoing(&mut self) -> Option<&mut BytesMut> {
        let may = self.opened == Opened::Yes && self.life == Life::Open;
        may.then_some(&mut self.output)
    }

    /// Both sides begin anew, after success (RFC 6120 §6.4.6).
    pub(super) fn restart(&mut self) {
        self.framer.restart();
        self.peer = None;
        self.opened = Opened::No;
    }

    /// TLS is up: nothing from before it counts (RFC 6120 §5.4.3.3).
    pub(super) fn secure(&mut self, presented: Option<Presented>) {
        self.restart();
        self.input.clear();
        self.output.clear();
        self.presented = presented;
    }

    /// Hands the transport over to TLS: nothing more is sent in the clear.
    pub(super) fn start_tls(&mut self, local: Domain) {
        self.opened = Opened::No;
        self.event(Event::StartTls(local));
    }

    /// What follows in the clear was put there by whoever sits between (RFC 6120 §5.4.3.1).
    pub(super) fn check_nothing_left(&self) -> Result<(), StreamError> {
        match self.input.is_empty() {
            true => Ok(()),
            false => Err(StreamError::new(Condition::PolicyViolation, "data in front of TLS")),
        }
    }

    /// Input waits for an answer of ours, but not without limit.
    pub(super) fn check_backlog(&self) -> Result<(), StreamError> {
        Ok(self.framer.check_backlog(self.input.len())?)
    }

    /// Takes the proof, if it is one of `pair` and of the handshake of this stream (A3).
    pub(super) fn prove(&mut self, proof: Association, pair: &Pair) -> Result<(), StreamError> {
        if !self.presented.as_ref().is_some_and(|presented| proof.is_for(pair, presented)) {
            return Err(StreamError::new(
                Condition::InternalServerError,
                "a proof of another peer",
            ));
        }
        self.association = Some(proof);
        Ok(())
    }

    /// Negotiation is over.
    pub(super) fn establish(&mut self, pair: Pair) {
        self.framer.set_limits(Limits::established(&self.config));
        self.timer = Timer::idle(&self.config, self.now);
        self.event(Event::Established(pair));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Ends the stream because of an error of ours, which the peer is told if it can be.
    pub(super) fn fail(&mut self, error: StreamError) {
        if self.life == Life::Over {
            return;
        }
        self.write_error(&error);
        self.end(Some(error));
    }

    /// The peer sent a stream error.
    pub(super) fn fail_remotely(&mut self, error: StreamError) {
        self.write(CLOSING);
        self.end(Some(error));
    }

    /// Sends our closing tag, and waits for the peer's.
    pub(super) fn close(&mut self) {
        match (self.life, self.opened) {
            (Life::Open, Opened::Yes) => {
                self.write(CLOSING);
                self.life = Life::Closing;
                self.withdraw_questions();
                self.timer = Timer::closing(&self.config, self.now);
            }
            (Life::Open, Opened::No) => self.end(None),
            (Life::Closing | Life::Over, _) => {}
        }
    }

    /// The same, where nobody tells the time.
    pub(super) fn close_some_time(&mut self) {
        if self.life == Life::Open {
            self.close();
            self.timer = Timer::Closing(None);
        }
    }

    /// The peer's closing tag is answered with ours.
    pub(super) fn close_remotely(&mut self) {
        self.write(CLOSING);
        self.end(None);
    }

    /// Notes that something was sent.
    pub(super) fn sent(&mut self) {
        self.timer.sent();
    }

    /// Notes that something came.
    pub(super) fn received(&mut self) {
        self.timer.received(&self.config, self.now);
    }

    pub(super) fn tell_time(&mut self, now: Instant) {
        self.now = now;
    }

    /// What the passing of time comes to.
    pub(super) fn expire(&mut self) -> Result<(), StreamError> {
        if self.life == Life::Over {
            return Ok(());
        }
        match self.timer.expire(&self.config, self.now) {
            None => {}
            Some(Missed::Negotiation) => {
                let text = "negotiation took too long";
                return Err(StreamError::new(Condition::ConnectionTimeout, text));
            }
            Some(Missed::SignOfLife) => self.close(),
            Some(Missed::ClosingTag) => self.end(None),
        }
        Ok(())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        (self.life != Life::Over).then(|| self.timer.deadline(self.now))
    }

    pub(super) fn transmit(&mut self, buf: &mut BytesMut) -> bool {
        if self.output.is_empty() {
            return false;
        }
        if buf.is_empty() {
            mem::swap(buf, &mut self.output);
        } else {
            buf.extend_from_slice(&self.output);
            self.output.clear();
        }
        true
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn life(&self) -> Life {
        self.life
    }

    fn write_error(&mut self, error: &StreamError) {
        self.write(format_args!(
            "<stream:error><{} xmlns='{}'/>",
            error.condition,
            ns::STREAM_ERRORS
        ));
        if let Some(text) = &error.text {
            self.write(format_args!(
                "<text xmlns='{}' xml:lang='en'>{}</text>",
                ns::STREAM_ERRORS,
                Escaped(&readable(text))
            ));
        }
        self.write(format_args!("</stream:error>{CLOSING}"));
    }

    fn end(&mut self, error: Option<StreamError>) {
        self.life = Life::Over;
        self.input.clear();
        self.withdraw_questions();
        self.event(Event::Closed(error));
    }

    /// What was asked and is not told yet, need not be answered any more.
    fn withdraw_questions(&mut self) {
        self.events.retain(|e| !matches!(e, Event::StartTls(_) | Event::Authenticate(_)));
    }
}

const CLOSING: &str = "</stream:stream>";
