//! A bounded map, and what has to go when it is full.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CacheKey;
use super::eviction::{Branch, Held};
use crate::finding::{Finding, Moment, Origin};
use crate::{Materials, Profile, Published};

/// What is kept of one answer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) published: Published,
    /// When the lookup began that brought it.
    pub(super) began: Moment,
    /// It ends when either clock says so (A24).
    pub(super) end: Moment,
    pub(super) standing: Standing,
    /// When it was last asked for.
    pub(super) used: Instant,
    /// When a lookup to replace it was last allowed, for each reason.
    pub(super) replacing: [Option<Instant>; 3],
    /// How often in a row we ourselves could not find out.
    pub(super) failures: u32,
}

/// For whose sake it is kept; what is worth less never takes the place of what is worth more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Standing {
    /// A stranger claimed to be the domain.
    Claimed,
    /// A stranger proved to be it, which anybody can with domains of his own.
    Proved,
    /// We asked for it.
    ReliedOn,
}

impl Entry {
    pub(super) fn is_live(&self, now: Moment) -> bool {
        now.monotonic < self.end.monotonic && now.wall < self.end.wall
    }

    pub(super) fn cached(&self, now: Moment) -> Finding {
        self.finding(Origin::Cached { age: now.since(&self.began) })
    }

    /// The same, after a lookup that was to replace it came to this.
    pub(super) fn stale(&self, instead: Published, now: Moment) -> Finding {
        self.finding(Origin::Stale { age: now.since(&self.began), instead })
    }

    /// Whether it is of the RFC path, and the other only of the draft's.
    pub(super) fn stands_before(&self, other: &Published) -> bool {
        match (&self.published, other) {
            (Published::Found(own), Published::Found(other)) => {
                own.profile() == Profile::Rfc7711 && other.profile() == Profile::Draft02
            }
            _ => false,
        }
    }

    /// Refuses the keys that the other documents give away, too.
    pub(super) fn burn(&mut self, other: &Published) {
        if let (Published::Found(own), Published::Found(other)) = (&mut self.published, other)
            && !other.burnt().is_empty()
        {
            Arc::make_mut(own).burn(other.burnt().clone());
        }
    }

    pub(super) fn materials(&self) -> Option<&Materials> {
        match &self.published {
            Published::Found(materials) => Some(materials),
            Published::Absent | Published::Unknown(_) => None,
        }
    }

    fn finding(&self, origin: Origin) -> Finding {
        Finding { published: self.published.clone(), origin, began: self.began.monotonic }
    }

    fn size(&self, key: &CacheKey) -> usize {
        size_of::<(CacheKey, Self)>() * 2 + key.size() + self.published.size()
    }
}

/// So many entries, of so many bytes.
#[derive(Debug)]
pub(super) struct Store {
    /// Each with its size; in boxes, since the map has room for more than it holds.
    entries: HashMap<CacheKey, Box<(Entry, usize)>>,
    size: usize,
    /// How many there are of each standing.
    counts: [usize; 3],
    most: usize,
    most_size: usize,
    /// When what has ended was last searched for to make room.
    swept: Option<Instant>,
}

impl Store {
    pub(super) fn new(most: usize, most_size: usize) -> Self {
        Self { entries: HashMap::new(), size: 0, counts: [0; 3], most, most_size, swept: None }
    }

    /// Takes an entry in, unless all that it could take the place of is worth more.
    pub(super) fn insert(&mut self, key: CacheKey, entry: Entry, now: Moment) {
        self.remove(&key);
        let size = entry.size(&key);
        if !self.has_room(size) {
            self.sweep(now);
        }
        for standing in [Standing::Claimed, Standing::Proved, Standing::ReliedOn] {
            if !self.has_room(size) && standing <= entry.standing {
                self.evict(standing);
            }
        }
        if self.has_room(size) {
            self.size += size;
            self.counts[entry.standing as usize] += 1;
            self.entries.insert(key, Box::new((entry, size)));
        }
    }

    pub(super) fn remove(&mut self, key: &CacheKey) -> Option<Entry> {
        let (entry, size) = *self.entries.remove(key)?;
        self.size -= size;
        self.counts[entry.standing as usize] -= 1;
        Some(entry)
    }

    /// Keeps what `wanted` says.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Entry) -> bool) {
        let (size, counts) = (&mut self.size, &mut self.counts);
        self.entries.retain(|_, entry| {
            let (entry, own) = &**entry;
            let keep = wanted(entry);
            if !keep {
                *size -= own;
                counts[entry.standing as usize] -= 1;
            }
            keep
        });
    }

    /// Lets an entry be worth so much, if it was worth less.
    pub(super) fn raise(&mut self, key: &CacheKey, standing: Standing) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let entry = &mut entry.0;
        if entry.standing < standing {
            self.counts[entry.standing as usize] -= 1;
            self.counts[standing as usize] += 1;
            entry.standing = standing;
        }
    }

    pub(super) fn entry(&mut self, key: &CacheKey) -> Option<&mut Entry> {
        self.entries.get_mut(key).map(|entry| &mut entry.0)
    }

    pub(super) fn live(&mut self, key: &CacheKey, now: Moment) -> Option<&mut Entry> {
        self.entry(key).filter(|entry| entry.is_live(now))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn has_room(&self, size: usize) -> bool {
        self.entries.len() < self.most && self.size.saturating_add(size) <= self.most_size
    }

    /// Gives back what has ended, unless that was done a moment ago: a full store has no time to
    /// look at all that it holds for each entry that comes.
    fn sweep(&mut self, now: Moment) {
        let since = self.swept.map(|swept| now.monotonic.saturating_duration_since(swept));
        if since.is_none_or(|since| since >= SWEEP) {
            self.swept = Some(now.monotonic);
            self.retain(|entry| entry.is_live(now));
        }
    }

    /// Frees an eighth, so that it is seldom done.
    fn evict(&mut self, standing: Standing) {
        if self.counts[standing as usize] == 0 {
            return;
        }
        let held = self.entries.iter().map(|(key, entry)| (key, &entry.0, entry.1));
        let held = held.filter(|(_, entry, _)| entry.standing == standing);
        let held = held.map(|(key, entry, size)| Held { key, used: entry.used, size });
        let mut names = Branch::of_all(held.collect());
        let (mut count, mut size) = (self.entries.len(), self.size);
        let (most, most_size) = (self.most - self.most.div_ceil(8), self.most_size / 8 * 7);
        let mut victims = Vec::new();
        while count > most || size > most_size {
            let Some(victim) = names.shed() else { break };
            (count, size) = (count - 1, size - victim.size);
            victims.push(victim.key.clone());
        }
        for key in victims {
            self.remove(&key);
        }
    }
}

/// How often what has ended is searched for where there is no room.
const SWEEP: Duration = Duration::from_secs(5);
