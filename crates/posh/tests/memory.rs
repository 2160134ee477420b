//! How much of the heap the cache takes. Alone in its process, since others' would be counted.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

#[allow(dead_code, reason = "the bench uses the rest")]
mod support;

use std::alloc::System;

use posh::{Asked, Cache, Limits, Profile, Purpose};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::support::{found, key, moment};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const DOMAINS: usize = 10_000;
const LIMIT: usize = 16 * 1024 * 1024;

fn main() {
    for profile in [Profile::Rfc7711, Profile::Draft02] {
        let (region, now) = (Region::new(ALLOCATOR), moment());
        let mut cache = Cache::new(Limits::default());
        for number in 0..DOMAINS {
            let source = format!("im-{number}.customer-{number}.example");
            let asked = Asked { purpose: Purpose::Stranger, began: now, reason: None };
            cache.keep(&key(&source), found(&source, profile), asked, now, 0);
        }
        assert_eq!(cache.entries(), (DOMAINS, 0));
        let change = region.change();
        let bytes = change.bytes_allocated - change.bytes_deallocated;
        println!("{bytes} bytes for {DOMAINS} domains that publish {profile:?}");
        assert!(bytes <= LIMIT, "{bytes}");
    }
}
