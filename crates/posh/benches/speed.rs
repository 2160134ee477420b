//! What a decision costs: `cargo bench -p posh`. It reports, and judges nothing.

#![allow(clippy::unwrap_used, reason = "what goes wrong ends the bench")]

#[path = "../tests/client/setup.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod setup;
#[path = "../tests/support/mod.rs"]
mod support;

use std::alloc::System;
use std::hint::black_box;
use std::time::Instant;

use posh::{Asked, Cache, Limits, Profile, Published, Purpose, Service};
use rustls_pki_types::DnsName;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Builder;

use crate::support::{document, found, key, leaf, materials, moment};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    println!("{:<58} {:>11} {:>11}   goal", "", "median", "worst tenth");
    for profile in [Profile::Draft02, Profile::Rfc7711] {
        parse_and_match(profile);
    }
    warm_cache();
    warm_client();
    bytes();
}

/// The certificate is the last of eight that the document lists, for which all have to be read.
fn parse_and_match(profile: Profile) {
    let (leaf, now) = (leaf(), moment().wall);
    let json = among_eight(&document(profile, 8));
    let parse = || materials("im.example", profile, &json);
    let kind = if profile == Profile::Draft02 { "keys (RSA-2048)" } else { "fingerprints" };
    let row = format!("parse a document of 8 {kind}, match the last");
    report(&row, "100 µs", 100, || assert_eq!(parse().find(&leaf, now).unwrap().entry, 7));
    let parsed = parse();
    report("  of that, match", "", 1000, || drop(black_box(parsed.find(&leaf, now))));
}

fn warm_cache() {
    let now = moment();
    let mut cache = Cache::new(Limits::default());
    for number in 0..10_000 {
        keep(&mut cache, &format!("im-{number}.example"));
    }
    let key = key("im-5000.example");
    let mut find = || cache.find(black_box(&key), Purpose::Stranger, now).unwrap();
    report("find in a cache of 10,000 domains", "1 µs", 10_000, || drop(black_box(find())));
}

/// All that a stream waits for: the name is prepared and the clocks are read, too.
fn warm_client() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (world, identity) = setup::world().await;
        world.publish(setup::SOURCE, Profile::Rfc7711, &[&identity]);
        let client = setup::client(&world);
        let source = DnsName::try_from(setup::SOURCE).unwrap();
        let fetch = || client.fetch(&source, &Service::XMPP_SERVER);
        assert!(matches!(fetch().await.published, Published::Found(_)));
        let mut samples = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..10_000 {
                black_box(fetch().await);
            }
            samples.push(start.elapsed().as_secs_f64() / 10_000.0);
        }
        print("fetch by a client that knows the domain", "1 µs", samples);
    });
}

fn bytes() {
    let region = Region::new(ALLOCATOR);
    let mut cache = Cache::new(Limits::default());
    for number in 0..10_000 {
        keep(&mut cache, &format!("im-{number}.customer-{number}.example"));
    }
    let change = region.change();
    let mib = (change.bytes_allocated - change.bytes_deallocated) as f64 / 1024.0 / 1024.0;
    println!("{:<58} {mib:>8.2} MiB {:>11}   16 MiB", "heap of a cache of 10,000 domains", "");
}

fn keep(cache: &mut Cache, source: &str) {
    let now = moment();
    let asked = Asked { purpose: Purpose::Ourselves, began: now, reason: None };
    cache.keep(&key(source), found(source, Profile::Rfc7711), asked, now, 0);
}

/// Makes all entries but the last those of other certificates, which are not shown.
fn among_eight(json: &str) -> String {
    let mut document: serde_json::Value = serde_json::from_str(json).unwrap();
    let list = if document["keys"].is_array() { "keys" } else { "fingerprints" };
    for entry in document[list].as_array_mut().unwrap().iter_mut().take(7) {
        let entry = entry.as_object_mut().unwrap();
        entry.remove("x5c");
        entry.remove("x5t#S256");
        for digest in ["x5t", "sha-256"] {
            if let Some(value) = entry.get_mut(digest) {
                let other = if value.as_str().unwrap().starts_with('A') { "B" } else { "A" };
                *value = format!("{other}{}", &value.as_str().unwrap()[1..]).into();
            }
        }
    }
    document.to_string()
}

/// Rounds of so many runs each.
fn report(what: &str, goal: &str, runs: u32, mut run: impl FnMut()) {
    let mut samples = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..runs {
            run();
        }
        samples.push(start.elapsed().as_secs_f64() / f64::from(runs));
    }
    print(what, goal, samples);
}

fn print(what: &str, goal: &str, mut samples: Vec<f64>) {
    samples.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| samples[samples.len() * share / 10] * 1e6;
    println!("{what:<58} {:>8.3} µs {:>8.3} µs   {goal}", at(5), at(9));
}

const ROUNDS: usize = 50;
