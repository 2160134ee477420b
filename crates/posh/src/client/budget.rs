//! Budgets of lookups that strangers make us do, and what one lookup has been charged.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::lock::lock;
use crate::{Budget, Limits};

/// What is fetched from: both the host and the address have a budget.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Origin {
    Host(String),
    Network(Network),
}

/// An IPv4 address or an IPv6 /64, of which one party has all addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Network(IpAddr);

impl From<IpAddr> for Network {
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

/// How much is being and has lately been looked up on behalf of strangers.
#[derive(Debug)]
pub(crate) struct Budgets {
    at_once: usize,
    most_at_once: usize,
    askers: Meter<Network>,
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

    fn begin(&mut self, asker: Option<Network>, now: Instant) -> Result<(), Budget> {
        if self.at_once >= self.most_at_once {
            return Err(Budget::Process);
        }
        if let Some(asker) = asker {
            self.askers.begin(asker, now).ok_or(Budget::Asker)?;
        }
        self.at_once += 1;
        Ok(())
    }

    fn end(&mut self, asker: Option<Network>) {
        self.at_once -= 1;
        if let Some(asker) = asker {
            self.askers.end(&asker);
        }
    }
}

/// What one lookup has been charged; what counts only while it lasts is given back when it ends.
#[derive(Debug)]
pub(crate) struct Charge {
    budgets: Arc<Mutex<Budgets>>,
    asker: Option<Network>,
    /// What it has fetched from, and how many of its GETs are under way there.
    origins: Mutex<HashMap<Origin, usize>>,
}

impl Charge {
    /// Charges a lookup to the asker, if one is known, and the process.
    pub(crate) fn begin(
        budgets: &Arc<Mutex<Budgets>>,
        asker: Option<Network>,
        now: Instant,
    ) -> Result<Self, Budget> {
        lock(budgets).begin(asker, now)?;
        Ok(Self { budgets: Arc::clone(budgets), asker, origins: Mutex::default() })
    }

    fn enter(&self, origin: Origin, now: Instant) -> Result<(), Budget> {
        let mut visited = lock(&self.origins);
        let meter = &mut lock(&self.budgets).origins;
        match visited.get(&origin) {
            None => meter.begin(origin.clone(), now).ok_or(Budget::Host)?,
            Some(0) => meter.resume(origin.clone(), now).ok_or(Budget::Host)?,
            Some(_) => {}
        }
        *visited.entry(origin).or_default() += 1;
        Ok(())
    }

    fn leave(&self, origin: &Origin) {
        let mut visited = lock(&self.origins);
        let Some(under_way) = visited.get_mut(origin) else { return };
        *under_way = under_way.saturating_sub(1);
        if *under_way == 0 {
            lock(&self.budgets).origins.end(origin);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        lock(&self.budgets).end(self.asker);
    }
}

/// One GET of a lookup. What counts only while it lasts is given back when it ends, so that a host
/// that drips takes nothing from others that the lookup was at before.
#[derive(Debug)]
pub(crate) struct Visit {
    charge: Arc<Charge>,
    origins: Mutex<HashSet<Origin>>,
}

impl Visit {
    pub(crate) fn new(charge: &Arc<Charge>) -> Self {
        Self { charge: Arc::clone(charge), origins: Mutex::default() }
    }

    /// Charges the lookup to an origin: as one at once, and as one in this minute however often the
    /// lookup fetches from there.
    pub(crate) fn fetch_from(&self, origin: Origin, now: Instant) -> Result<(), Budget> {
        let mut origins = lock(&self.origins);
        if !origins.contains(&origin) {
            self.charge.enter(origin.clone(), now)?;
            origins.insert(origin);
        }
        Ok(())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let origins = self.origins.get_mut().unwrap_or_else(PoisonError::into_inner);
        origins.iter().for_each(|origin| self.charge.leave(origin));
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
        let per_minute = self.per_minute;
        let usage = self.usage_below_at_once(key, now)?;
        if usage.recent.len() >= per_minute {
            return None;
        }
        usage.under_way += 1;
        usage.recent.push_back(now);
        Some(())
    }

    /// Counts one that has begun before, and ended, as under way again, unless that is too many.
    fn resume(&mut self, key: K, now: Instant) -> Option<()> {
        self.usage_below_at_once(key, now)?.under_way += 1;
        Some(())
    }

    fn usage_below_at_once(&mut self, key: K, now: Instant) -> Option<&mut Usage> {
        if self.usage.len() >= KEYS {
            self.forget(now);
        }
        let usage = self.usage.entry(key).or_default();
        usage.pass(now);
        (usage.under_way < self.at_once).then_some(usage)
    }

    fn end(&mut self, key: &K) {
        if let Some(usage) = self.usage.get_mut(key) {
            usage.under_way = usage.under_way.saturating_sub(1);
        }
    }

    /// Forgets what no longer counts, and if that is not enough, half of what is idle, first what is
    /// least used: whoever has so many addresses or hosts has as many budgets anyway, and must not
    /// flush that of another.
    fn forget(&mut self, now: Instant) {
        self.usage.retain(|_, usage| {
            usage.pass(now);
            usage.under_way > 0 || !usage.recent.is_empty()
        });
        if self.usage.len() < KEYS {
            return;
        }
        let mut idle: Vec<_> = self.usage.values().filter_map(Usage::idle_weight).collect();
        idle.sort_unstable();
        let Some(&middle) = idle.get(idle.len() / 2) else { return };
        self.usage.retain(|_, usage| usage.idle_weight().is_none_or(|weight| weight > middle));
    }
}

impl Usage {
    /// Drops what began a minute ago or earlier.
    fn pass(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|began| now.duration_since(*began) >= MINUTE) {
            self.recent.pop_front();
        }
    }

    /// How much it counts, if nothing is under way: how often it was used, and when last.
    fn idle_weight(&self) -> Option<(usize, Option<Instant>)> {
        (self.under_way == 0).then(|| (self.recent.len(), self.recent.back().copied()))
    }
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
        Charge::begin(budgets, Some(network(asker)), now)
    }

    fn network(address: &str) -> Network {
        Network::from(address.parse::<IpAddr>().unwrap())
    }

    /// A GET of a lookup of its own.
    fn visit(budgets: &Arc<Mutex<Budgets>>, now: Instant) -> Visit {
        Visit::new(&Arc::new(Charge::begin(budgets, None, now).unwrap()))
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
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
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
        let mut visits: Vec<_> = (0..5).map(|_| visit(&budgets, now)).collect();
        for visit in &visits[..4] {
            assert_eq!(visit.fetch_from(host("a.example"), now), Ok(()));
        }
        assert_eq!(visits[4].fetch_from(host("a.example"), now), Err(Budget::Host));
        assert_eq!(visits[4].fetch_from(host("b.example"), now), Ok(()));
        visits.remove(0);
        assert_eq!(visits[3].fetch_from(host("a.example"), now), Ok(()));
    }

    #[test]
    fn a_lookup_that_goes_on_elsewhere_leaves_its_place_to_others() {
        let limits = Limits { host_at_once: 1, ..Limits::default() };
        let (budgets, now) = (budgets(limits), Instant::now());
        let charge = Arc::new(Charge::begin(&budgets, None, now).unwrap());
        let first = Visit::new(&charge);
        assert_eq!(first.fetch_from(host("a.example"), now), Ok(()));
        let other = visit(&budgets, now);
        assert_eq!(other.fetch_from(host("a.example"), now), Err(Budget::Host));
        drop(first);
        assert_eq!(other.fetch_from(host("a.example"), now), Ok(()));
        let again = Visit::new(&charge);
        assert_eq!(again.fetch_from(host("a.example"), now), Err(Budget::Host));
    }

    #[test]
    fn two_gets_of_one_lookup_are_one_at_once() {
        let limits = Limits { host_at_once: 1, ..Limits::default() };
        let (budgets, now) = (budgets(limits), Instant::now());
        let charge = Arc::new(Charge::begin(&budgets, None, now).unwrap());
        let gets = [Visit::new(&charge), Visit::new(&charge)];
        for get in &gets {
            assert_eq!(get.fetch_from(host("a.example"), now), Ok(()));
        }
        let [first, _second] = gets;
        drop(first);
        let other = visit(&budgets, now);
        assert_eq!(other.fetch_from(host("a.example"), now), Err(Budget::Host));
    }

    #[test]
    fn hosts_of_one_network_share_its_budget() {
        for (address, twin) in [("203.0.113.1", "203.0.113.1"), ("2a00:1::1", "2a00:1::2")] {
            let (budgets, now) = (budgets(Limits::default()), Instant::now());
            let at = |address| Origin::Network(network(address));
            for _ in 0..60 {
                assert_eq!(visit(&budgets, now).fetch_from(at(address), now), Ok(()));
            }
            let twin = visit(&budgets, now).fetch_from(at(twin), now);
            assert_eq!(twin, Err(Budget::Host), "{address}");
        }
    }

    #[test]
    fn a_lookup_is_charged_once_for_a_host_that_it_fetches_from_twice() {
        let limits = Limits { host_per_minute: 1, ..Limits::default() };
        let (budgets, now) = (budgets(limits), Instant::now());
        let charge = Arc::new(Charge::begin(&budgets, None, now).unwrap());
        for _ in 0..2 {
            let visit = Visit::new(&charge);
            assert_eq!(visit.fetch_from(host("a.example"), now), Ok(()));
        }
    }

    #[test]
    fn many_other_keys_do_not_flush_the_budget_of_one_that_is_used() {
        let mut meter = Meter::new(1, 2);
        let now = Instant::now();
        for _ in 0..2 {
            assert!(meter.begin(0, now).is_some());
            meter.end(&0);
        }
        for key in 1..10 * KEYS {
            let now = now + Duration::from_micros(key as u64);
            assert!(meter.begin(key, now).is_some());
            meter.end(&key);
        }
        assert!(meter.begin(0, now + Duration::from_secs(1)).is_none());
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
