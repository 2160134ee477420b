//! How often memory is asked for on the way of a stanza. Alone in its process, since others' would
//! be counted.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

#[path = "support/receiving.rs"]
mod receiving;
mod support;

use std::alloc::System;
use std::time::Instant;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use xmpp_s2s_proto::stream::Event;

use crate::receiving::{Stage, receiving};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MESSAGE: &[u8] = b"<message from='x@a.example/y' to='z@b.example' id='1' type='chat'>\
    <body>text &lt;</body><thread>1</thread></message>";

/// For the tokenizer's copies of the names of open elements.
const TOKENIZER: usize = 3;

fn main() {
    let now = Instant::now();
    let mut stream = receiving(Stage::Established, now);
    stream.input().reserve(101 * MESSAGE.len());
    let mut stanzas = Vec::with_capacity(100);
    let mut read = || {
        stream.input().extend_from_slice(MESSAGE);
        stream.handle_input(now).unwrap();
        match stream.poll_event() {
            Some(Event::Stanza(stanza)) => stanza,
            event => panic!("{event:?}"),
        }
    };
    read();
    let region = Region::new(ALLOCATOR);
    stanzas.extend(std::iter::repeat_with(&mut read).take(100));
    let change = region.change();
    let asked = change.allocations + change.reallocations;
    println!("{asked} allocations for {} stanzas", stanzas.len());
    assert!(asked <= TOKENIZER * stanzas.len(), "{asked}");
}
