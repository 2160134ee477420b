//! What was found lately, for as long as it may be used.
//!
//! ```text
//! find ──► Finding ──► does not match ──► newer ──► may_replace ──► look up ─┐
//!  └► nothing ──► look up ──► keep ──► what stands now ◄─────────────────────┘
//! ```

mod eviction;
mod key;
mod lifetime;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls_pki_types::UnixTime;

pub use self::key::CacheKey;
use self::lifetime::Kind;
use self::store::{Entry, Standing, Store};
use crate::finding::{Finding, Moment, Origin};
use crate::lookup::LONGEST_LIFETIME;
use crate::{Limits, Match, Materials, Published};

/// For whom something is looked up.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Purpose {
    /// For ourselves: what we want to connect to.
    Ourselves,
    /// For a stranger, who claims to be the domain.
    Stranger,
}

/// Why something is looked up that is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// It did not prove a peer.
    NoProof(Purpose),
    /// It is old.
    Age,
}

/// A lookup, as far as it matters what becomes of its answer.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "made by whoever looks up")]
pub struct Asked {
    /// For whom.
    pub purpose: Purpose,
    /// When it began.
    pub began: Moment,
    /// Why, if something was known.
    pub reason: Option<Reason>,
}

/// What was found lately: documents for as long as they say, and for a while that there is none.
///
/// It has no clock and no dice: both are handed in. Whoever looks up asks [`find`](Self::find)
/// first, and tells [`keep`](Self::keep) what came of it. It never says more than it was told:
///
/// - An entry ends at the earlier of its monotonic and its wall-clock end.
/// - Only a document replaces one that may still be used, or its withdrawal; no failure does.
/// - What could not be found out for reasons of our own is not kept; what we did not look at
///   confirms no mismatch either.
/// - Documents and failures are bounded separately, by [`Limits`]; what strangers claim never takes
///   the place of what they proved, nor that of what we asked for ourselves, and a site with many
///   names loses its own first.
#[derive(Debug)]
pub struct Cache {
    positive: Store,
    negative: Store,
    limits: Limits,
    swept: Option<Instant>,
}

impl Cache {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            positive: Store::new(limits.positive, limits.positive_size),
            negative: Store::new(limits.negative, limits.negative_size),
            limits,
            swept: None,
        }
    }

    /// What is known and may still be used.
    pub fn find(&mut self, key: &CacheKey, purpose: Purpose, now: Moment) -> Option<Finding> {
        let found = self.positive.live(key, now).is_some();
        let store = if found { &mut self.positive } else { &mut self.negative };
        let entry = store.live(key, now)?;
        entry.used = now.monotonic;
        let finding = entry.cached(now);
        if purpose == Purpose::Ourselves {
            store.raise(key, Standing::ReliedOn);
        }
        Some(finding)
    }

    /// What is known, if that began to be looked up later than `seen`.
    pub fn newer(&mut self, key: &CacheKey, seen: &Finding, now: Moment) -> Option<Finding> {
        let entry = self.live(key, now)?;
        (entry.began.monotonic > seen.began).then(|| entry.cached(now))
    }

    /// Whether what is known may be looked up again, which [`Limits::replace_pause`] bounds for
    /// each reason; if so, that is counted (A10).
    ///
    /// That nothing is to be had is not looked up again because a stranger claims so (A11).
    pub fn may_replace(&mut self, key: &CacheKey, reason: Reason, now: Moment) -> bool {
        let pause = self.limits.replace_pause;
        let Some(entry) = self.live(key, now) else { return true };
        if entry.materials().is_none() && reason == Reason::NoProof(Purpose::Stranger) {
            return false;
        }
        let last = &mut entry.replacing[match reason {
            Reason::NoProof(Purpose::Ourselves) => 0,
            Reason::NoProof(Purpose::Stranger) => 1,
            Reason::Age => 2,
        }];
        let since = last.map(|last| now.monotonic.saturating_duration_since(last));
        let may = since.is_none_or(|since| since >= pause);
        if may {
            *last = Some(now.monotonic);
        }
        may
    }

    /// Takes the answer of a lookup, and says what stands now.
    ///
    /// `dice` are random bits: they keep apart what failed together.
    pub fn keep(
        &mut self,
        key: &CacheKey,
        published: Published,
        asked: Asked,
        now: Moment,
        dice: u64,
    ) -> Finding {
        self.sweep(now);
        let kind = Kind::of(&published);
        let withdrawn = self.negative.live(key, now);
        let withdrawn = withdrawn.filter(|entry| Kind::of(&entry.published) == Kind::Withdrawn);
        if let Some(newer) = withdrawn
            && newer.began.monotonic > asked.began.monotonic
        {
            return newer.cached(now);
        }
        if let Some(live) = self.positive.live(key, now) {
            if live.began.monotonic > asked.began.monotonic {
                return live.cached(now);
            }
            match (kind, asked.reason) {
                // An RFC path that says nothing is no document, and the draft's does not count
                // beside one (A6).
                (Kind::Found(_), _) if live.stands_before(&published) => {
                    return self.burn(key, published, now);
                }
                (Kind::Found(_) | Kind::Withdrawn, _) => {}
                // What we did not look at does not confirm that a certificate is not listed.
                (Kind::Ours, Some(Reason::NoProof(_))) => {
                    return Finding::fetched(published, asked.began.monotonic);
                }
                (Kind::Ours, Some(Reason::Age) | None) => return live.cached(now),
                (Kind::Absent | Kind::Invalid | Kind::Unreachable | Kind::Barred, _) => {
                    return live.stale(published, now);
                }
            }
        }
        let finding = Finding {
            published: published.clone(),
            origin: match asked.reason {
                Some(Reason::NoProof(_)) => Origin::Refetched,
                Some(Reason::Age) | None => Origin::Fetched,
            },
            began: asked.began.monotonic,
        };
        match kind {
            Kind::Ours | Kind::Barred => {}
            Kind::Found(until) => self.keep_found(key, published, until, asked, now),
            Kind::Withdrawn | Kind::Absent | Kind::Invalid | Kind::Unreachable => {
                self.keep_failure(key, published, kind, asked, now, dice);
            }
        }
        finding
    }

    /// Takes note that a certificate matched `seen`, which [`find`](Materials::find) `found`: that
    /// is kept before what strangers only claim, and a key set as long as the certificate lives
    /// (draft-02 §7).
    ///
    /// Says whether it is so old that it should be looked up again (A16).
    pub fn matched(
        &mut self,
        key: &CacheKey,
        seen: &Arc<Materials>,
        found: &Match,
        now: Moment,
    ) -> bool {
        let Some(entry) = self.positive.live(key, now) else { return false };
        if !entry.published.is(seen) {
            return false;
        }
        if let Some(prolonged) = seen.prolonged(found.not_after) {
            entry.end = end(entry.began, now, prolonged.valid_until(), &self.limits);
            entry.published = Published::Found(Arc::new(prolonged));
        }
        let is_old = now.since(&entry.began) > self.limits.old;
        self.positive.raise(key, Standing::Proved);
        is_old
    }

    /// How many documents, and how many failures, are kept.
    pub fn entries(&self) -> (usize, usize) {
        (self.positive.len(), self.negative.len())
    }

    fn live(&mut self, key: &CacheKey, now: Moment) -> Option<&mut Entry> {
        self.positive.live(key, now).or_else(|| self.negative.live(key, now))
    }

    /// What stands beside a document that is not to replace it; that one's private keys are burnt
    /// all the same (A20).
    fn burn(&mut self, key: &CacheKey, beside: Published, now: Moment) -> Finding {
        let Some(mut live) = self.positive.remove(key) else {
            return Finding::fetched(beside, now.monotonic);
        };
        live.burn(&beside);
        let stands = live.stale(beside, now);
        self.positive.insert(key.clone(), live, now);
        stands
    }

    fn keep_found(
        &mut self,
        key: &CacheKey,
        published: Published,
        until: UnixTime,
        asked: Asked,
        now: Moment,
    ) {
        let before = self.positive.remove(key);
        let failure = self.negative.remove(key);
        let before = before.or(failure);
        let end = end(asked.began, now, until, &self.limits);
        let entry = Entry { end, ..entry(published, before, asked, now) };
        self.positive.insert(key.clone(), entry, now);
    }

    fn keep_failure(
        &mut self,
        key: &CacheKey,
        published: Published,
        kind: Kind,
        asked: Asked,
        now: Moment,
        dice: u64,
    ) {
        let withdrawn = self.positive.remove(key);
        let failure = self.negative.remove(key);
        let earlier = failure.as_ref().map(|entry| (entry.failures, entry.is_live(now), entry.end));
        let before = withdrawn.or(failure);
        let (failures, was_live, limit) = earlier.unwrap_or((0, false, now));
        let is_foreign = key.is_foreign(&published);
        let mut entry = entry(published, before, asked, now);
        // A stranger's claims neither make it longer nor count, nor do hosts that are led to.
        let (strikes, counted) = match (kind, asked.purpose) {
            (Kind::Unreachable, Purpose::Ourselves) if is_foreign => (0, failures),
            (Kind::Unreachable, Purpose::Ourselves) => (failures, failures.saturating_add(1)),
            (_, Purpose::Ourselves) => (0, 0),
            (_, Purpose::Stranger) => (0, failures),
        };
        let Some(lifetime) = kind.negative(strikes, &self.limits, dice) else { return };
        entry.failures = counted;
        entry.end = later(now, lifetime);
        if was_live && asked.purpose == Purpose::Stranger {
            entry.end.monotonic = entry.end.monotonic.min(limit.monotonic);
            entry.end.wall = entry.end.wall.min(limit.wall);
        }
        self.negative.insert(key.clone(), entry, now);
    }

    /// Gives back now and then what has ended; failures are remembered a while longer, since they
    /// count.
    fn sweep(&mut self, now: Moment) {
        let since = self.swept.map(|swept| now.monotonic.saturating_duration_since(swept));
        if since.is_some_and(|since| since < SWEEP) {
            return;
        }
        self.swept = Some(now.monotonic);
        let memory = self.limits.unreachable_longest.min(LONGEST_LIFETIME);
        self.positive.retain(|entry| entry.is_live(now));
        self.negative.retain(|entry| now.monotonic < entry.end.monotonic + memory);
    }
}

/// One that has ended already, with what is remembered from `before`.
fn entry(published: Published, before: Option<Entry>, asked: Asked, now: Moment) -> Entry {
    let own = match asked.purpose {
        Purpose::Ourselves => Standing::ReliedOn,
        Purpose::Stranger => Standing::Claimed,
    };
    Entry {
        published,
        began: asked.began,
        end: now,
        standing: before.as_ref().map_or(own, |before| before.standing.max(own)),
        used: now.monotonic,
        replacing: before.map(|before| before.replacing).unwrap_or_default(),
        failures: 0,
    }
}

/// The end by both clocks of what ends at this time of day, and whose lookup began then.
///
/// The wall clock may have been set since it began, or before, so the end comes no later than by
/// either reading of it, and than anything is good for (A24).
fn end(began: Moment, now: Moment, wall: UnixTime, limits: &Limits) -> Moment {
    let by = |clock: Moment| {
        let left = wall.as_secs().saturating_sub(clock.wall.as_secs());
        clock.monotonic + Duration::from_secs(left)
    };
    let longest = began.monotonic + limits.lifetime.min(LONGEST_LIFETIME);
    Moment { monotonic: by(began).min(by(now)).min(longest), wall }
}

fn later(now: Moment, by: Duration) -> Moment {
    // The wall clock has no parts of a second here, and must not end it early for that.
    let seconds = now.wall.as_secs().saturating_add(by.as_secs() + 1);
    let wall = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    Moment { monotonic: now.monotonic + by, wall }
}

/// How often what has ended is searched for.
const SWEEP: Duration = Duration::from_secs(10 * 60);
