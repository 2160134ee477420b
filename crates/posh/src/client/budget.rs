//! Budgets of lookups that strangers make us do, and what one lookup has been charged.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Budget, Limits};

/// Where a stranger asks from: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Asker(IpAddr);

impl From<IpAddr> for Asker {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from(network))
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// What is fetched from: both the host and each of its addresses have a budget.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Origin {
    Host(String),
    Address(IpAddr),
}

/// How much is being and has lately been looked up on behalf of strangers.
#[derive(Debug)]
pub(crate) struct Budgets {
    at_once: usize,
    most_at_once: usize,
    askers: Meter<Asker>,
    origins: Meter<Origin>,
}

impl Budgets {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            at_once: 0,
            most_at_once: limits.at_once,
            askers: Meter::new(limits.asker_at_once, limits.asker_per_minute),
            origins: Meter::new(limits.host_at_once, limits.host_per_minute),
        }
    }

    fn begin(&mut self, asker: Option<Asker>, now: Instant) -> Result<(), Budget> {
        if self.at_once >= self.most_at_once {
            return Err(Budget::Process);
        }
        if let Some(asker) = asker {
            self.askers.begin(asker, now).ok_or(Budget::Asker)?;
        }
        self.at_once += 1;
        Ok(())
    }

    fn end(&mut self, asker: Option<Asker>, origins: &HashSet<Origin>) {
        self.at_once -= 1;
        if let Some(asker) = asker {
            self.askers.end(&asker);
        }
        for origin in origins {
            self.origins.end(origin);
        }
    }
}

/// What one lookup has been charged; what counts only while it lasts is given back when it ends.
#[derive(Debug)]
pub(crate) struct Charge {
    budgets: Arc<Mutex<Budgets>>,
    asker: Option<Asker>,
    origins: Mutex<HashSet<Origin>>,
}

impl Charge {
    /// Charges a lookup to the asker, if one is known, and the process.
    pub(crate) fn begin(
        budgets: &Arc<Mutex<Budgets>>,
        asker: Option<Asker>,
        now: Instant,
    ) -> Result<Self, Budget> {
        lock(budgets).begin(asker, now)?;
        Ok(Self { budgets: Arc::clone(budgets), asker, origins: Mutex::default() })
    }

    /// Charges the lookup to an origin, once however often it is fetched from.
    pub(crate) fn fetch_from(&self, origin: Origin, now: Instant) -> Result<(), Budget> {
        let mut origins = lock(&self.origins);
        if origins.contains(&origin) {
            return Ok(());
        }
        lock(&self.budgets).origins.begin(origin.clone(), now).ok_or(Budget::Host)?;
        origins.insert(origin);
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let origins = self.origins.get_mut().unwrap_or_else(PoisonError::into_inner);
        lock(&self.budgets).end(self.asker, origins);
    }
}

/// Counts what is under way and what began within the last minute, for each key.
#[derive(Debug)]
struct Meter<K> {
    usage: HashMap<K, Usage>,
    at_once: usize,
    per_minute: usize,
}

#[derive(Debug, Default)]
struct Usage {
    under_way: usize,
    /// When they began, the oldest first.
    recent: VecDeque<Instant>,
}

impl<K: Clone + Eq + Hash> Meter<K> {
    fn new(at_once: usize, per_minute: usize) -> Self {
        Self { usage: HashMap::new(), at_once, per_minute }
    }

    /// Counts one more, unless that is too many.
    fn begin(&mut self, key: K, now: Instant) -> Option<()> {
        if self.usage.len() >= KEYS {
            self.forget(now);
        }
        let usage = self.usage.entry(key).or_default();
        usage.pass(now);
        if usage.under_way >= self.at_once || usage.recent.len() >= self.per_minute {
            return None;
        }
        usage.under_way += 1;
        usage.recent.push_back(now);
        Some(())
    }

    fn end(&mut self, key: &K) {
        if let Some(usage) = self.usage.get_mut(key) {
            usage.under_way = usage.under_way.saturating_sub(1);
        }
    }

    /// Forgets what no longer counts, and if that is not enough, the older half of what is idle:
    /// whoever has so many addresses or hosts has as many budgets anyway.
    fn forget(&mut self, now: Instant) {
        self.usage.retain(|_, usage| {
            usage.pass(now);
            usage.under_way > 0 || !usage.recent.is_empty()
        });
        if self.usage.len() < KEYS {
            return;
        }
        let idle = self.usage.values().filter(|usage| usage.under_way == 0);
        let mut last: Vec<Instant> =
            idle.filter_map(|usage| usage.recent.back().copied()).collect();
        last.sort_unstable();
        let Some(&middle) = last.get(last.len() / 2) else { return };
        self.usage.retain(|_, usage| {
            usage.under_way > 0 || usage.recent.back().is_some_and(|last| *last > middle)
        });
    }
}

impl Usage {
    /// Drops what began a minute ago or earlier.
    fn pass(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|began| now.duration_since(*began) >= MINUTE) {
            self.recent.pop_front();
        }
    }
}

/// No invariant spans a panic here: counters at worst stay too high.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MINUTE: Duration = Duration::from_secs(60);
/// Most askers, and most origins, that are remembered.
const KEYS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(limits: Limits) -> Arc<Mutex<Budgets>> {
        Arc::new(Mutex::new(Budgets::new(limits)))
    }

    fn begin(budgets: &Arc<Mutex<Budgets>>, asker: &str, now: Instant) -> Result<Charge, Budget> {
        Charge::begin(budgets, Some(Asker::from(asker.parse::<IpAddr>().unwrap())), now)
    }

    fn host(name: &str) -> Origin {
        Origin::Host(name.to_owned())
    }

    #[test]
    fn an_asker_has_four_lookups_at_once() {
        let (budgets, now) = (budgets(Limits::default()), Instant::now());
        let mut charges: Vec<_> = (0..4).map(|_| begin(&budgets, "192.0.2.1", now)).collect();
        assert_eq!(begin(&budgets, "192.0.2.1", now).unwrap_err(), Budget::Asker);
        assert!(begin(&budgets, "192.0.2.2", now).is_ok());
        charges.pop();
        assert!(begin(&budgets, "192.0.2.1", now).is_ok());
    }

    #[test]
    fn an_asker_has_sixty_lookups_in_any_minute() {
        let (budgets, start) = (budgets(Limits::default()), Instant::now());
        for second in 0..60 {
            let now = start + Duration::from_millis(500 * second);
            assert!(begin(&budgets, "192.0.2.1", now).is_ok());
        }
        let now = start + Duration::from_millis(59_999);
        assert_eq!(begin(&budgets, "192.0.2.1", now).unwrap_err(), Budget::Asker);
        let now = start + MINUTE;
        assert!(begin(&budgets, "192.0.2.1", now).is_ok());
        assert_eq!(begin(&budgets, "192.0.2.1", now).unwrap_err(), Budget::Asker);
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_asker() {
        let (budgets, now) = (budgets(Limits::default()), Instant::now());
        let _charges: Vec<_> =
            (1..5).map(|n| begin(&budgets, &format!("2001:db8::{n}"), now).unwrap()).collect();
        assert_eq!(begin(&budgets, "2001:db8::ffff", now).unwrap_err(), Budget::Asker);
        assert!(begin(&budgets, "2001:db8:0:1::1", now).is_ok());
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let asker = |address: &str| Asker::from(address.parse::<IpAddr>().unwrap());
        assert_eq!(asker("::ffff:192.0.2.1"), asker("192.0.2.1"));
    }

    #[test]
    fn the_process_has_sixty_four_lookups_at_once() {
        let (budgets, now) = (budgets(Limits::default()), Instant::now());
        let _charges: Vec<_> =
            (0..64).map(|n| begin(&budgets, &format!("192.0.2.{n}"), now).unwrap()).collect();
        assert_eq!(begin(&budgets, "192.0.2.99", now).unwrap_err(), Budget::Process);
        assert_eq!(Charge::begin(&budgets, None, now).unwrap_err(), Budget::Process);
    }

    #[test]
    fn four_lookups_at_once_may_fetch_from_one_host() {
        let (budgets, now) = (budgets(Limits::default()), Instant::now());
        let charge = || Charge::begin(&budgets, None, now).unwrap();
        let mut charges: Vec<_> = (0..5).map(|_| charge()).collect();
        for charge in &charges[..4] {
            assert_eq!(charge.fetch_from(host("a.example"), now), Ok(()));
        }
        assert_eq!(charges[4].fetch_from(host("a.example"), now), Err(Budget::Host));
        assert_eq!(charges[4].fetch_from(host("b.example"), now), Ok(()));
        charges.remove(0);
        assert_eq!(charges[3].fetch_from(host("a.example"), now), Ok(()));
    }

    #[test]
    fn hosts_of_one_address_share_its_budget() {
        let (budgets, now) = (budgets(Limits::default()), Instant::now());
        let address = Origin::Address("203.0.113.1".parse().unwrap());
        for _ in 0..60 {
            let charge = Charge::begin(&budgets, None, now).unwrap();
            assert_eq!(charge.fetch_from(address.clone(), now), Ok(()));
        }
        let charge = Charge::begin(&budgets, None, now).unwrap();
        assert_eq!(charge.fetch_from(address, now), Err(Budget::Host));
    }

    #[test]
    fn a_lookup_is_charged_once_for_a_host_that_it_fetches_from_twice() {
        let limits = Limits { host_per_minute: 1, ..Limits::default() };
        let (budgets, now) = (budgets(limits), Instant::now());
        let charge = Charge::begin(&budgets, None, now).unwrap();
        assert_eq!(charge.fetch_from(host("a.example"), now), Ok(()));
        assert_eq!(charge.fetch_from(host("a.example"), now), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_keeps_what_is_under_way() {
        let mut meter = Meter::new(1, 1);
        let now = Instant::now();
        assert!(meter.begin(0, now).is_some());
        for key in 1..10 * KEYS {
            assert!(meter.begin(key, now + Duration::from_micros(key as u64)).is_some());
            meter.end(&key);
            assert!(meter.usage.len() <= KEYS);
        }
        assert!(meter.begin(0, now + MINUTE).is_none());
    }
}
