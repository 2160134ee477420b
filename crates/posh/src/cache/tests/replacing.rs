//! What takes the place of a document, and how often that may be tried.

use super::*;

const SOURCE: &str = "im.example";
const WE: Reason = Reason::NoProof(Purpose::Ourselves);
const THEY: Reason = Reason::NoProof(Purpose::Stranger);

fn holding(clock: Clock) -> (Cache, Finding) {
    let mut cache = Cache::new(Limits::default());
    let found = cache.put(SOURCE, fingerprints(SOURCE, 24 * HOUR, clock.at(0)), clock.at(0));
    (cache, found)
}

/// What stands after a lookup, for this reason, that came to this at the tenth second.
fn after(cache: &mut Cache, published: Published, reason: Reason, clock: Clock) -> Finding {
    let asked = Asked { reason: Some(reason), ..strangers(clock.at(9)) };
    cache.keep(&key(SOURCE), published, asked, clock.at(10), DICE)
}

#[test]
fn a10_ca04_no_failure_takes_the_place_of_a_document_and_the_answer_says_so() {
    let clock = Clock::start();
    for failure in [
        Published::Absent,
        failed(),
        unknown(FetchError::Timeout { url: url() }),
        invalid(DocumentError::NotAnObject),
    ] {
        let (mut cache, _) = holding(clock);
        let stands = after(&mut cache, failure.clone(), THEY, clock);
        assert!(matches_leaf(&stands.published, clock.at(10)), "{failure:?}");
        assert!(!stands.is_cached());
        let Origin::Stale { age, instead } = stands.origin else { panic!("{:?}", stands.origin) };
        assert_eq!(age, Duration::from_secs(10));
        assert_eq!(format!("{instead:?}"), format!("{failure:?}"));
        assert!(cache.holds(SOURCE, clock.at(24 * HOUR - 1)));
        assert_eq!(cache.entries(), (1, 0));
    }
}

#[test]
fn a10_a12_our_own_refusal_leaves_a_document_in_place_and_confirms_no_mismatch() {
    let clock = Clock::start();
    for error in [FetchError::OverBudget(Budget::Host), FetchError::Interrupted] {
        let refusal = unknown(error);
        for reason in [WE, THEY] {
            let (mut cache, _) = holding(clock);
            let stands = after(&mut cache, refusal.clone(), reason, clock);
            assert_eq!(format!("{:?}", stands.published), format!("{refusal:?}"));
            assert!(cache.holds(SOURCE, clock.at(24 * HOUR - 1)));
        }
        let (mut cache, _) = holding(clock);
        for asked in
            [strangers(clock.at(9)), Asked { reason: Some(Reason::Age), ..strangers(clock.at(9)) }]
        {
            let stands = cache.keep(&key(SOURCE), refusal.clone(), asked, clock.at(10), DICE);
            assert!(stands.is_cached() && matches_leaf(&stands.published, clock.at(10)));
        }
    }
}

#[test]
fn a10_another_document_takes_its_place() {
    let clock = Clock::start();
    let (mut cache, _) = holding(clock);
    let other = other_fingerprints(SOURCE, clock.at(10));
    let stands = after(&mut cache, other, THEY, clock);
    assert!(matches!(stands.origin, Origin::Refetched));
    assert!(!matches_leaf(&cache.look(SOURCE, clock.at(11)).unwrap(), clock.at(11)));
}

#[test]
fn a10_withdrawal_takes_its_place_and_so_does_a_private_key() {
    let clock = Clock::start();
    for error in [DocumentError::Withdrawn, DocumentError::PrivateKey("keys[0].d".into())] {
        let (mut cache, _) = holding(clock);
        let stands = after(&mut cache, invalid(error), THEY, clock);
        assert!(matches!(stands.published, Published::Unknown(_)));
        assert!(matches!(cache.look(SOURCE, clock.at(11)), Some(Published::Unknown(_))));
        assert_eq!(cache.entries(), (0, 1));
    }
}

#[test]
fn a10_a06_a_key_set_takes_the_place_of_no_fingerprints_but_burns_their_keys() {
    let clock = Clock::start();
    let set = document(SOURCE, Profile::Draft02, 0, clock.at(10));
    let (mut cache, _) = holding(clock);
    let stands = after(&mut cache, set, THEY, clock);
    assert!(matches!(stands.origin, Origin::Stale { .. }), "{stands:?}");
    for published in [stands.published, cache.look(SOURCE, clock.at(11)).unwrap()] {
        assert_eq!(materials(&published).profile(), Profile::Rfc7711);
        assert!(matches_leaf(&published, clock.at(11)));
    }

    let stands = after(&mut cache, burning(clock.at(10)), THEY, clock);
    for published in [stands.published, cache.look(SOURCE, clock.at(11)).unwrap()] {
        let mismatch = materials(&published).find(&leaf(), clock.at(11).wall).unwrap_err();
        assert_eq!(mismatch, Mismatch::PrivateKeyPublished);
    }
    let anew = fingerprints(SOURCE, HOUR, clock.at(12));
    cache.put(SOURCE, anew, clock.at(12));
    assert!(matches_leaf(&cache.look(SOURCE, clock.at(13)).unwrap(), clock.at(13)));
}

/// A key set that gives the key of [`leaf`] away, beside another key.
fn burning(now: Moment) -> Published {
    let json = publish::document(&[leaf()], Profile::Draft02, &[], Duration::ZERO).unwrap();
    let mut set: serde_json::Value = serde_json::from_str(&json).unwrap();
    set["keys"][0]["d"] = "AA".into();
    let (number, digest) = ("A".repeat(43), "A".repeat(27));
    let other = serde_json::json!({
        "kty": "EC", "crv": "P-256", "x": number, "y": number, "x5t": digest,
    });
    set["keys"].as_array_mut().unwrap().push(other);
    answered(SOURCE, Profile::Draft02, &set.to_string(), now)
}

#[test]
fn a10_an_earlier_lookup_that_ends_later_replaces_nothing() {
    let clock = Clock::start();
    let mut cache = Cache::new(Limits::default());
    let (began, later) = (clock.at(0), clock.at(5));
    cache.put(SOURCE, fingerprints(SOURCE, HOUR, later), later);
    for old in [other_fingerprints(SOURCE, began), invalid(DocumentError::Withdrawn)] {
        let stands = cache.keep(&key(SOURCE), old, strangers(began), clock.at(6), DICE);
        assert!(matches_leaf(&stands.published, clock.at(6)));
        assert!(matches_leaf(&cache.look(SOURCE, clock.at(6)).unwrap(), clock.at(6)));
    }
}

#[test]
fn a10_an_earlier_lookup_that_ends_later_undoes_no_withdrawal() {
    let clock = Clock::start();
    let mut cache = Cache::new(Limits::default());
    let (began, later) = (clock.at(0), clock.at(5));
    cache.put(SOURCE, invalid(DocumentError::Withdrawn), later);
    for old in [fingerprints(SOURCE, HOUR, began), Published::Absent, failed()] {
        let stands = cache.keep(&key(SOURCE), old, strangers(began), clock.at(6), DICE);
        assert!(matches!(stands.published, Published::Unknown(_)) && stands.is_cached());
        let kept = cache.look(SOURCE, clock.at(6)).unwrap();
        assert_eq!(Kind::of(&kept), Kind::Withdrawn);
    }
    let anew = fingerprints(SOURCE, HOUR, clock.at(7));
    cache.put(SOURCE, anew, clock.at(7));
    assert!(matches_leaf(&cache.look(SOURCE, clock.at(8)).unwrap(), clock.at(8)));
}

#[test]
fn a10_each_of_us_and_strangers_may_look_again_once_a_minute() {
    let clock = Clock::start();
    let (mut cache, _) = holding(clock);
    let mut may = |reason, second| cache.may_replace(&key(SOURCE), reason, clock.at(second));
    assert!(may(THEY, 10));
    assert!(!may(THEY, 69));
    assert!(may(WE, 69));
    assert!(may(Reason::Age, 69));
    assert!(may(THEY, 70));
    assert!(!may(WE, 128));
    assert!(!may(Reason::Age, 128));
    assert!(may(WE, 129));
}

#[test]
fn a10_what_was_found_by_looking_again_does_not_start_the_minute_anew() {
    let clock = Clock::start();
    for found in [other_fingerprints(SOURCE, clock.at(10)), invalid(DocumentError::Withdrawn)] {
        let (mut cache, _) = holding(clock);
        assert!(cache.may_replace(&key(SOURCE), WE, clock.at(9)));
        after(&mut cache, found, WE, clock);
        assert!(!cache.may_replace(&key(SOURCE), WE, clock.at(11)));
        assert!(cache.may_replace(&key(SOURCE), WE, clock.at(69)));
    }
}

#[test]
fn only_what_began_later_than_what_was_seen_is_newer() {
    let clock = Clock::start();
    let (mut cache, seen) = holding(clock);
    assert!(cache.newer(&key(SOURCE), &seen, clock.at(9)).is_none());
    let other = other_fingerprints(SOURCE, clock.at(10));
    after(&mut cache, other, THEY, clock);
    let newer = cache.newer(&key(SOURCE), &seen, clock.at(11)).unwrap();
    assert!(newer.is_cached());
    assert!(cache.newer(&key(SOURCE), &newer, clock.at(11)).is_none());
}

#[test]
fn a16_a_match_on_what_is_older_than_an_hour_asks_for_another_look() {
    let clock = Clock::start();
    for (second, old) in [(HOUR, false), (HOUR + 1, true)] {
        let (mut cache, seen) = holding(clock);
        let seen = materials(&seen.published);
        assert_eq!(cache.match_leaf(SOURCE, seen, clock.at(second)), old);
    }
}

#[test]
fn a16_what_matched_something_else_asks_for_nothing() {
    let clock = Clock::start();
    let (mut cache, _) = holding(clock);
    let elsewhere = fingerprints(SOURCE, 24 * HOUR, clock.at(0));
    let now = clock.at(2 * HOUR);
    assert!(!cache.match_leaf(SOURCE, materials(&elsewhere), now));
}
