//! What is kept of failures, and for how long.

use super::*;

const SOURCE: &str = "im.example";

/// The longest and the shortest time that chance can give.
const ALL_DICE: [u64; 3] = [0, DICE, u64::MAX];

/// For how many seconds this is kept, if it is the first of its kind.
fn lifetime(published: &Published, dice: u64) -> u64 {
    let (mut cache, clock) = (Cache::new(Limits::default()), Clock::start());
    cache.keep(&key(SOURCE), published.clone(), ours(clock.at(0)), clock.at(0), dice);
    kept_from(&mut cache, 0, clock)
}

/// For how many seconds from this one something is kept.
fn kept_from(cache: &mut Cache, start: u64, clock: Clock) -> u64 {
    (0..).find(|second| !cache.holds(SOURCE, clock.at(start + second))).unwrap()
}

#[test]
fn a11_each_failure_is_kept_for_its_time() {
    for dice in ALL_DICE {
        let absent = lifetime(&Published::Absent, dice);
        assert!((9 * MINUTE..=10 * MINUTE).contains(&absent), "{absent}");
        for error in [DocumentError::NotAnObject, DocumentError::Withdrawn] {
            let invalid = lifetime(&invalid(error), dice);
            assert!((270..=5 * MINUTE).contains(&invalid), "{invalid}");
        }
    }
}

#[test]
fn ph12_no_answer_is_kept_for_one_to_two_minutes() {
    let broken = || Box::from("broken");
    for error in [
        FetchError::Status { url: url(), status: 503 },
        FetchError::Timeout { url: url() },
        FetchError::Unreachable { url: url(), error: broken() },
        FetchError::Untrusted { url: url(), error: broken() },
        FetchError::WrongName { url: url() },
    ] {
        let published = unknown(error);
        let lifetimes = ALL_DICE.map(|dice| lifetime(&published, dice));
        assert_eq!((lifetimes[0], lifetimes[2]), (60, 120), "{published:?}");
    }
}

#[test]
fn a11_our_own_refusals_are_never_kept() {
    for error in [
        FetchError::OverBudget(Budget::Asker),
        FetchError::OverBudget(Budget::Host),
        FetchError::OverBudget(Budget::Process),
        FetchError::OverBudget(Budget::Domain),
        FetchError::Interrupted,
        FetchError::Refused { url: url() },
        FetchError::Local { url: url(), error: "no route".into() },
    ] {
        assert_eq!(lifetime(&unknown(error), DICE), 0);
    }
}

#[test]
fn a11_growth_ends_at_ten_minutes_and_with_an_answer() {
    let (mut cache, clock) = (Cache::new(Limits::default()), Clock::start());
    let mut now = 0;
    let mut fail = |cache: &mut Cache| {
        cache.keep(&key(SOURCE), failed(), ours(clock.at(now)), clock.at(now), u64::MAX);
        let kept = kept_from(cache, now, clock);
        now += kept;
        kept
    };
    let kept: Vec<_> = (0..5).map(|_| fail(&mut cache)).collect();
    assert_eq!(kept, [120, 240, 480, 600, 600]);
    let answer = clock.at(4 * HOUR);
    cache.put(SOURCE, fingerprints(SOURCE, 1, answer), answer);
    let later = clock.at(4 * HOUR + 1);
    cache.keep(&key(SOURCE), failed(), ours(later), later, u64::MAX);
    assert_eq!(kept_from(&mut cache, 4 * HOUR + 1, clock), 120);
}

#[test]
fn a11_a_host_behind_a_redirect_that_fails_keeps_its_domain_out_no_longer() {
    let (mut cache, clock) = (Cache::new(Limits::default()), Clock::start());
    let mut now = 0;
    for _ in 0..3 {
        let url = "https://elsewhere.example/".parse().unwrap();
        let failed = unknown(FetchError::Status { url, status: 503 });
        cache.keep(&key(SOURCE), failed, ours(clock.at(now)), clock.at(now), u64::MAX);
        assert_eq!(kept_from(&mut cache, now, clock), 120);
        now += 120;
    }
}

#[test]
fn a11_a_strangers_claims_neither_extend_a_failure_nor_count() {
    let (mut cache, clock) = (Cache::new(Limits::default()), Clock::start());
    cache.put(SOURCE, failed(), clock.at(0));
    let end = kept_from(&mut cache, 0, clock);
    cache.put_claimed(SOURCE, failed(), clock.at(end - 1));
    assert_eq!(kept_from(&mut cache, 0, clock), end);

    for start in [end, end + 200, end + 400] {
        let asked = strangers(clock.at(start));
        cache.keep(&key(SOURCE), failed(), asked, clock.at(start), u64::MAX);
        assert_eq!(kept_from(&mut cache, start, clock), 120);
    }
}

#[test]
fn a11_ca06_we_may_look_behind_a_failure_once_a_minute_and_strangers_may_not() {
    let (mut cache, clock) = (Cache::new(Limits::default()), Clock::start());
    cache.put_claimed(SOURCE, Published::Absent, clock.at(0));
    let (we, they) = (Reason::NoProof(Purpose::Ourselves), Reason::NoProof(Purpose::Stranger));
    let mut may = |reason, second| cache.may_replace(&key(SOURCE), reason, clock.at(second));
    assert!(!may(they, 1));
    assert!(may(we, 1));
    assert!(!may(we, 60));
    assert!(may(we, 61));
    assert!(!may(they, 300));
}

#[test]
fn ca06_a_document_that_is_published_later_takes_the_place_of_its_absence() {
    let (mut cache, clock) = (Cache::new(Limits::default()), Clock::start());
    cache.put(SOURCE, Published::Absent, clock.at(0));
    cache.put(SOURCE, fingerprints(SOURCE, HOUR, clock.at(60)), clock.at(60));
    assert!(matches_leaf(&cache.look(SOURCE, clock.at(61)).unwrap(), clock.at(61)));
    assert_eq!(cache.entries(), (1, 0));
}
