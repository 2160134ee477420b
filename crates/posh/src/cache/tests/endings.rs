//! When what is kept ends.

use super::*;

const SOURCE: &str = "im.example";

fn holding(published: Published, clock: Clock) -> Cache {
    let mut cache = Cache::new(Limits::default());
    cache.put(SOURCE, published, clock.at(0));
    cache
}

#[test]
fn ca01_ca02_a_document_is_found_until_just_before_it_expires() {
    let clock = Clock::start();
    let mut cache = holding(fingerprints(SOURCE, HOUR, clock.at(0)), clock);
    let finding = cache.find(&key(SOURCE), Purpose::Ourselves, clock.at(HOUR - 1)).unwrap();
    assert!(matches!(finding.published, Published::Found(_)));
    let Origin::Cached { age } = finding.origin else { panic!("{finding:?}") };
    assert_eq!(age, Duration::from_secs(HOUR - 1));
    assert!(!cache.holds(SOURCE, clock.at(HOUR)));
}

#[test]
fn pd07_a_document_of_many_years_is_kept_for_a_day() {
    let clock = Clock::start();
    let mut cache = holding(fingerprints(SOURCE, 4_294_967_295, clock.at(0)), clock);
    assert!(cache.holds(SOURCE, clock.at(24 * HOUR - 1)));
    assert!(!cache.holds(SOURCE, clock.at(24 * HOUR)));
}

#[test]
fn ca09_spellings_of_one_name_are_one_entry() {
    let clock = Clock::start();
    let mut cache = holding(fingerprints(SOURCE, HOUR, clock.at(0)), clock);
    for spelling in ["IM.Example", "im.example.", "IM.EXAMPLE."] {
        assert!(cache.holds(spelling, clock.at(1)), "{spelling}");
    }
}

#[test]
fn t13_nothing_is_found_for_another_domain_service_or_profile() {
    let clock = Clock::start();
    let mut cache = holding(fingerprints(SOURCE, HOUR, clock.at(0)), clock);
    let (server, both) = (Service::XMPP_SERVER, [Profile::Draft02, Profile::Rfc7711]);
    let client = Service::new("xmpp-client").unwrap();
    for (source, service, profiles) in [
        ("a.im.example", &server, &both[..]),
        ("example", &server, &both),
        (SOURCE, &client, &both),
        (SOURCE, &server, &both[..1]),
        (SOURCE, &server, &both[1..]),
    ] {
        let key = key_of(source, service, profiles);
        assert!(cache.find(&key, Purpose::Ourselves, clock.at(1)).is_none(), "{key:?}");
    }
    let key = key_of(SOURCE, &server, &both);
    assert!(cache.find(&key, Purpose::Ourselves, clock.at(1)).is_some());
}

#[test]
fn a24_ca10_an_entry_ends_when_either_clock_says_so() {
    let clock = Clock::start();
    let (start, late) = (clock.at(0), clock.at(HOUR));
    let back = wall(START - HOUR);
    let decades = wall(START + 10 * 365 * 24 * HOUR);
    for published in [fingerprints(SOURCE, HOUR, start), Published::Absent, failed()] {
        for (monotonic, wall, what) in [
            (start.monotonic, late.wall, "suspended"),
            (late.monotonic, back, "set back an hour"),
            (start.monotonic, decades, "set to ten years from now"),
        ] {
            let mut cache = holding(published.clone(), clock);
            assert!(cache.holds(SOURCE, start));
            assert!(!cache.holds(SOURCE, Moment { monotonic, wall }), "{what}: {published:?}");
        }
    }
}

#[test]
fn a24_ca10_a_clock_that_is_set_back_prolongs_nothing_when_a_certificate_matches() {
    let clock = Clock::start();
    let mut cache = holding(key_set(clock), clock);
    let seen = cache.look(SOURCE, clock.at(1)).unwrap();
    let back = Moment { monotonic: clock.at(60).monotonic, wall: wall(START - HOUR) };
    cache.match_leaf(SOURCE, materials(&seen), back);
    let at = |seconds| Moment { monotonic: clock.at(seconds).monotonic, wall: back.wall };
    assert!(cache.holds(SOURCE, at(24 * HOUR - 1)));
    assert!(!cache.holds(SOURCE, at(24 * HOUR)));
}

#[test]
fn a24_ca10_a_clock_that_is_set_while_a_document_comes_prolongs_nothing() {
    let clock = Clock::start();
    let set = |seconds| Moment { monotonic: clock.at(1).monotonic, wall: wall(seconds) };
    // Set back when the document had come; and set forward before, so that it was read late.
    for (read, kept) in [(clock.at(1), set(START - HOUR)), (set(START + HOUR), set(START + HOUR))] {
        let mut cache = Cache::new(Limits::default());
        let published = fingerprints(SOURCE, 60, read);
        cache.keep(&key(SOURCE), published, ours(clock.at(0)), kept, DICE);
        let at = |seconds| Moment { monotonic: clock.at(seconds).monotonic, wall: kept.wall };
        assert!(cache.holds(SOURCE, at(59)));
        assert!(!cache.holds(SOURCE, at(61)));
    }
}

#[test]
fn a24_a_clock_that_is_set_back_does_not_end_it_early() {
    let clock = Clock::start();
    let mut cache = holding(fingerprints(SOURCE, HOUR, clock.at(0)), clock);
    let now = Moment { monotonic: clock.at(HOUR - 1).monotonic, wall: wall(START - HOUR) };
    assert!(cache.holds(SOURCE, now));
}

#[test]
fn a_key_set_of_unknown_certificates_is_kept_for_five_minutes() {
    let clock = Clock::start();
    let mut cache = holding(key_set(clock), clock);
    assert!(cache.holds(SOURCE, clock.at(5 * MINUTE - 1)));
    assert!(!cache.holds(SOURCE, clock.at(5 * MINUTE)));
}

#[test]
fn p24_a_key_set_that_a_certificate_matched_is_kept_as_long_as_that_lives() {
    let clock = Clock::start();
    let mut cache = holding(key_set(clock), clock);
    let seen = cache.look(SOURCE, clock.at(1)).unwrap();
    cache.match_leaf(SOURCE, materials(&seen), clock.at(1));
    let later = clock.at(24 * HOUR - 1);
    assert!(matches_leaf(&cache.look(SOURCE, later).unwrap(), later));
    assert!(!cache.holds(SOURCE, clock.at(24 * HOUR)));
}

#[test]
fn a_match_does_not_prolong_fingerprints() {
    let clock = Clock::start();
    let mut cache = holding(fingerprints(SOURCE, HOUR, clock.at(0)), clock);
    let seen = cache.look(SOURCE, clock.at(1)).unwrap();
    cache.match_leaf(SOURCE, materials(&seen), clock.at(1));
    assert!(!cache.holds(SOURCE, clock.at(HOUR)));
}

/// Without `x5c`, so that nothing says how long its certificates live.
fn key_set(clock: Clock) -> Published {
    let json =
        publish::document(&[leaf()], Profile::Draft02, &[HashFunction::Sha256], Duration::ZERO)
            .unwrap();
    let mut keys: serde_json::Value = serde_json::from_str(&json).unwrap();
    keys["keys"][0].as_object_mut().unwrap().remove("x5c");
    answered(SOURCE, Profile::Draft02, &keys.to_string(), clock.at(0))
}
