//! How much is kept, and what has to go.

use super::*;

/// Room for so many entries of each kind.
fn cache(most: usize) -> Cache {
    Cache::new(Limits { positive: most, negative: most, ..Limits::default() })
}

/// Puts a document of each of these domains there; one a second, from that second on.
fn fill(
    cache: &mut Cache,
    asked: fn(Moment) -> Asked,
    names: impl IntoIterator<Item = String>,
    clock: Clock,
    start: u64,
) {
    for (name, second) in names.into_iter().zip(start..) {
        let now = clock.at(second);
        let published = fingerprints(&name, 24 * HOUR, now);
        cache.keep(&key(&name), published, asked(now), now, DICE);
    }
}

/// Names of one owner each.
fn domains(prefix: &str, numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> + '_ {
    numbers.map(move |number| format!("{prefix}-{number}.example"))
}

/// Names that one owner makes up.
fn wildcard(site: &str, numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> + '_ {
    numbers.map(move |number| format!("{number}.{site}"))
}

fn all_held(cache: &mut Cache, names: impl IntoIterator<Item = String>, now: Moment) -> bool {
    names.into_iter().all(|name| cache.holds(&name, now))
}

#[test]
fn ca_documents_and_failures_are_bounded_apart() {
    let (mut cache, clock) = (cache(100), Clock::start());
    fill(&mut cache, ours, domains("good", 0..100), clock, 0);
    for number in 0..1000 {
        cache.put(&format!("{number}.evil.example"), failed(), clock.at(100));
    }
    let (positive, negative) = cache.entries();
    assert_eq!(positive, 100);
    assert!((80..=100).contains(&negative), "{negative}");
}

#[test]
fn a11_what_strangers_bring_never_takes_the_place_of_what_we_asked_for() {
    let (mut cache, clock) = (cache(100), Clock::start());
    fill(&mut cache, ours, domains("ours", 0..90), clock, 0);
    fill(&mut cache, strangers, domains("claimed", 0..1000), clock, 100);
    assert!(all_held(&mut cache, domains("ours", 0..90), clock.at(2000)));
    assert!(cache.entries().0 <= 100);
}

#[test]
fn a11_where_all_is_relied_on_what_strangers_bring_is_not_kept() {
    let (mut cache, clock) = (cache(100), Clock::start());
    fill(&mut cache, ours, domains("ours", 0..100), clock, 0);
    fill(&mut cache, strangers, domains("claimed", 0..10), clock, 100);
    assert!(all_held(&mut cache, domains("ours", 0..100), clock.at(200)));
    assert_eq!(cache.entries().0, 100);
}

#[test]
fn what_we_ask_for_takes_the_place_of_what_strangers_brought() {
    let (mut cache, clock) = (cache(100), Clock::start());
    fill(&mut cache, strangers, domains("claimed", 0..100), clock, 0);
    fill(&mut cache, ours, domains("ours", 0..100), clock, 100);
    assert!(all_held(&mut cache, domains("ours", 0..100), clock.at(300)));
}

#[test]
fn a11_what_a_certificate_matched_or_we_used_comes_before_claims() {
    let (mut cache, clock) = (cache(100), Clock::start());
    fill(&mut cache, strangers, domains("peer", 0..2), clock, 0);
    let seen = cache.look("peer-0.example", clock.at(2)).unwrap();
    cache.match_leaf("peer-0.example", materials(&seen), clock.at(2));
    cache.find(&key("peer-1.example"), Purpose::Ourselves, clock.at(2)).unwrap();
    fill(&mut cache, strangers, domains("claimed", 0..1000), clock, 10);
    assert!(all_held(&mut cache, domains("peer", 0..2), clock.at(2000)));
}

#[test]
fn a11_what_strangers_prove_of_their_own_takes_the_place_of_nothing_that_we_asked_for() {
    let (mut cache, clock) = (cache(100), Clock::start());
    fill(&mut cache, ours, domains("ours", 0..90), clock, 0);
    for (name, second) in domains("proved", 0..1000).zip(100..) {
        let now = clock.at(second);
        let found = cache.put_claimed(&name, fingerprints(&name, 24 * HOUR, now), now);
        cache.match_leaf(&name, materials(&found.published), now);
    }
    assert!(all_held(&mut cache, domains("ours", 0..90), clock.at(2000)));
}

#[test]
fn a11_whoever_makes_names_by_the_thousand_loses_his_own() {
    for asked in [ours, strangers] {
        let (mut cache, clock) = (cache(100), Clock::start());
        fill(&mut cache, asked, domains("good", 0..60), clock, 0);
        fill(&mut cache, asked, wildcard("evil.example", 0..1000), clock, 100);
        assert!(all_held(&mut cache, domains("good", 0..60), clock.at(2000)));
        assert!(cache.entries().0 <= 100);
        assert!(cache.holds("999.evil.example", clock.at(2000)));
    }
}

#[test]
fn a11_who_makes_names_below_a_suffix_of_many_loses_his_own() {
    for suffix in ["co.uk", "github.io", "a.b.example"] {
        let (mut cache, clock) = (cache(100), Clock::start());
        let good = || (0..40).map(|number| format!("good-{number}.{suffix}"));
        fill(&mut cache, strangers, good(), clock, 0);
        fill(&mut cache, strangers, wildcard(&format!("evil.{suffix}"), 0..1000), clock, 100);
        fill(&mut cache, strangers, wildcard("evil.example", 0..1000), clock, 2000);
        assert!(all_held(&mut cache, good(), clock.at(4000)), "{suffix}");
        assert!(cache.entries().0 <= 100);
    }
}

#[test]
fn a11_failures_of_made_up_names_do_not_flush_those_of_others() {
    let (mut cache, clock) = (cache(100), Clock::start());
    for name in domains("good", 0..60) {
        cache.put_claimed(&name, Published::Absent, clock.at(0));
    }
    for name in wildcard("evil.example", 0..1000) {
        cache.put_claimed(&name, Published::Absent, clock.at(1));
    }
    assert!(all_held(&mut cache, domains("good", 0..60), clock.at(2)));
}

#[test]
fn among_equals_what_was_not_asked_for_the_longest_goes_first() {
    let (mut cache, clock) = (cache(8), Clock::start());
    fill(&mut cache, ours, domains("some", 0..8), clock, 0);
    assert!(cache.holds("some-0.example", clock.at(10)));
    fill(&mut cache, ours, domains("new", 0..1), clock, 11);
    assert!(cache.holds("some-0.example", clock.at(12)));
    assert!(!cache.holds("some-1.example", clock.at(12)));
}

#[test]
fn what_has_ended_goes_before_what_has_not() {
    let (mut cache, clock) = (cache(2), Clock::start());
    cache.put("short.example", fingerprints("short.example", 5, clock.at(0)), clock.at(0));
    cache.put("long.example", fingerprints("long.example", HOUR, clock.at(0)), clock.at(0));
    assert!(cache.holds("short.example", clock.at(4)));
    cache.put("new.example", fingerprints("new.example", HOUR, clock.at(9)), clock.at(9));
    assert!(cache.holds("long.example", clock.at(10)) && cache.holds("new.example", clock.at(10)));
}

#[test]
fn a11_a_cache_that_is_full_looks_for_what_has_ended_only_now_and_then() {
    let (mut cache, clock) = (cache(2), Clock::start());
    let short = |name, now| fingerprints(name, 2, now);
    cache.put("long.example", fingerprints("long.example", HOUR, clock.at(0)), clock.at(0));
    cache.put("one.example", short("one.example", clock.at(0)), clock.at(0));
    // What has ended goes; that it is so with the next, too, is not seen at once.
    cache.put("two.example", short("two.example", clock.at(3)), clock.at(3));
    assert!(cache.holds("two.example", clock.at(3)));
    for (name, second, held) in [("three.example", 6, false), ("four.example", 8, true)] {
        let now = clock.at(second);
        cache.put_claimed(name, short(name, now), now);
        assert_eq!(cache.holds(name, now), held, "{name}");
    }
    assert!(cache.holds("long.example", clock.at(10)));
}

#[test]
fn what_has_ended_is_given_back_in_time() {
    let (mut cache, clock) = (cache(1000), Clock::start());
    for name in domains("short", 0..500) {
        let now = clock.at(0);
        cache.put(&name, fingerprints(&name, 60, now), now);
        cache.put(&format!("un{name}"), failed(), now);
    }
    assert_eq!(cache.entries(), (500, 500));
    let late = clock.at(HOUR);
    cache.put("new.example", fingerprints("new.example", 60, late), late);
    assert_eq!(cache.entries(), (1, 0));
}

#[test]
fn large_documents_are_bounded_by_their_bytes() {
    let limits = Limits { positive_size: 100_000, ..Limits::default() };
    let (mut cache, clock) = (Cache::new(limits), Clock::start());
    let entry = r#"{"sha-256":"4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="}"#;
    let json = format!(r#"{{"fingerprints":[{}],"expires":3600}}"#, [entry; 64].join(","));
    for (name, second) in domains("large", 0..100).zip(0..) {
        let now = clock.at(second);
        let published = answered(&name, Profile::Rfc7711, &json, now);
        assert!(published.size() > 64 * 32);
        cache.put(&name, published, now);
    }
    let (positive, _) = cache.entries();
    assert!((5..40).contains(&positive), "{positive}");
}

#[test]
fn a_cache_of_nothing_keeps_nothing() {
    let (mut cache, clock) = (cache(0), Clock::start());
    fill(&mut cache, ours, domains("some", 0..3), clock, 0);
    cache.put("x.example", failed(), clock.at(0));
    assert_eq!(cache.entries(), (0, 0));
}
