//! Who has to give when there is no room: whoever has most names, and of his what was not asked for
//! the longest.
//!
//! Who owns a name cannot be told from it: `a.example` has one owner, as a rule, and so has
//! `a.co.uk`. So names that end alike in two labels give for each other, and among those the ones
//! that end alike in three: whoever makes names by the thousand below one of his own loses those
//! (A11), also where others have names beside it.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use super::CacheKey;

/// One entry.
pub(super) struct Held<'a> {
    pub(super) key: &'a CacheKey,
    /// When it was last asked for.
    pub(super) used: Instant,
    pub(super) size: usize,
}

/// Entries whose names end alike.
pub(super) struct Branch<'a> {
    size: usize,
    /// Those that have just this name, or are not told apart further. The one that was not asked
    /// for the longest comes last.
    own: Vec<Held<'a>>,
    own_size: usize,
    /// Those that have a longer ending in common.
    longer: BinaryHeap<Self>,
}

impl<'a> Branch<'a> {
    /// Those of any name.
    pub(super) fn of_all(held: Vec<Held<'a>>) -> Self {
        Self::grow(held, SITE)
    }

    /// Takes away what has to go first: from the heaviest branch, down to the heaviest of its own.
    pub(super) fn shed(&mut self) -> Option<Held<'a>> {
        let shed = match self.longer.peek_mut() {
            Some(mut heaviest) if heaviest.size >= self.own_size => heaviest.shed(),
            Some(_) | None => {
                let shed = self.own.pop();
                self.own_size -= shed.as_ref().map_or(0, |shed| shed.size);
                shed
            }
        }?;
        self.size -= shed.size;
        Some(shed)
    }

    /// Sorts entries by endings of so many labels, and more where several have the same.
    fn grow(held: Vec<Held<'a>>, labels: usize) -> Self {
        let size = held.iter().map(|held| held.size).sum();
        let (mut own, mut longer) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        let is_alone = held.len() == 1;
        for held in held {
            match held.key.ending(labels) {
                Some(ending) if !is_alone && labels <= LABELS => {
                    longer.entry(ending).or_default().push(held);
                }
                Some(_) | None => own.push(held),
            }
        }
        own.sort_unstable_by_key(|held| Reverse(held.used));
        let own_size = own.iter().map(|held| held.size).sum();
        let longer = longer.into_values().map(|held| Self::grow(held, labels + 1)).collect();
        Self { size, own, own_size, longer }
    }

    /// When that was last asked for which has to go first.
    fn used(&self) -> Option<Instant> {
        match self.longer.peek() {
            Some(heaviest) if heaviest.size >= self.own_size => heaviest.used(),
            Some(_) | None => self.own.last().map(|held| held.used),
        }
    }

    /// What says which branch has to give first.
    fn rank(&self) -> (usize, Option<Reverse<Instant>>) {
        (self.size, self.used().map(Reverse))
    }
}

impl Ord for Branch<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Branch<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Branch<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Branch<'_> {}

/// How many labels names have in common, at least, that give for each other.
const SITE: usize = 2;
/// Up to how many labels names are told apart.
const LABELS: usize = 5;
