//! One lookup at a time for each source domain and service, however many wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::watch;

use super::lock::lock;
use crate::{CacheKey, FetchError, Finding, Published, Purpose};

/// What is being looked up, and for whom: what a stranger's budget ends must not end what we ask
/// for ourselves.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Flight {
    pub(super) key: CacheKey,
    pub(super) purpose: Purpose,
}

/// What a flight has brought so far.
#[derive(Clone, Debug)]
enum Brought {
    /// Enough for ourselves.
    Early(Finding),
    /// All that it will.
    Everything(Finding),
}

type Receiver = watch::Receiver<Option<Brought>>;

/// The lookups that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Flight, Receiver>>>);

impl Flights {
    /// Joins this flight, or starts one, as a task of its own: it lands also when the first who
    /// waits for it goes away.
    ///
    /// A stranger may join ours, and we never a stranger's.
    pub(super) fn board<T, F, E>(
        &self,
        flight: Flight,
        prepare: impl FnOnce() -> Result<T, E>,
        fly: impl FnOnce(T, Early) -> F,
    ) -> Result<Waiting, E>
    where
        F: Future<Output = Finding> + Send + 'static,
    {
        let mut flights = lock(&self.0);
        let ours = Flight { purpose: Purpose::Ourselves, ..flight.clone() };
        let purpose = flight.purpose;
        if let Some(receiver) = flights.get(&ours).or_else(|| flights.get(&flight)) {
            return Ok(Waiting { receiver: receiver.clone(), purpose, ticket: Ticket::Joined });
        }
        let prepared = prepare()?;
        let (sender, receiver) = watch::channel(None);
        flights.insert(flight.clone(), receiver.clone());
        // A runtime that is shutting down drops the task at once, and so the landing.
        drop(flights);
        let lookup = fly(prepared, Early(sender.clone()));
        let landing = Landing { flights: self.clone(), flight, sender, brought: None };
        tokio::spawn(async move { landing.land(lookup.await) });
        Ok(Waiting { receiver, purpose, ticket: Ticket::Started })
    }
}

/// Whose flight it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ticket {
    Started,
    Joined,
}

/// A place on a flight.
#[derive(Debug)]
pub(super) struct Waiting {
    receiver: Receiver,
    purpose: Purpose,
    pub(super) ticket: Ticket,
}

impl Waiting {
    /// A stranger waits for everything: whoever makes us look must not win by a slow answer (A20).
    pub(super) async fn landing(mut self) -> Finding {
        let enough = |brought: &Option<Brought>| match brought {
            Some(Brought::Early(_)) => self.purpose == Purpose::Ourselves,
            Some(Brought::Everything(_)) => true,
            None => false,
        };
        let landed = self.receiver.wait_for(enough).await;
        match landed.ok().and_then(|brought| brought.clone()) {
            Some(Brought::Early(finding) | Brought::Everything(finding)) => finding,
            None => {
                let interrupted = Published::Unknown(Arc::new(FetchError::Interrupted));
                Finding::fetched(interrupted, Instant::now())
            }
        }
    }
}

/// Lets those go who need no more.
#[derive(Debug)]
pub(super) struct Early(watch::Sender<Option<Brought>>);

impl Early {
    pub(super) fn bring(self, finding: Finding) {
        self.0.send_replace(Some(Brought::Early(finding)));
    }
}

/// Takes its flight off the list, however that ended, and only then lets those who wait go: whoever
/// has an answer and asks again gets a newer one.
struct Landing {
    flights: Flights,
    flight: Flight,
    sender: watch::Sender<Option<Brought>>,
    brought: Option<Brought>,
}

impl Landing {
    fn land(mut self, finding: Finding) {
        self.brought = Some(Brought::Everything(finding));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.flights.0).remove(&self.flight);
        self.sender.send_replace(self.brought.take());
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustls_pki_types::DnsName;
    use tokio::sync::oneshot;

    use super::*;
    use crate::{Profile, Service};

    fn flight(purpose: Purpose) -> Flight {
        let source = DnsName::try_from("im.example").unwrap();
        let key = CacheKey::new(&source, &Service::XMPP_SERVER, &[Profile::Rfc7711]);
        Flight { key, purpose }
    }

    fn absent() -> Finding {
        Finding::fetched(Published::Absent, Instant::now())
    }

    fn join(flights: &Flights, purpose: Purpose) -> Waiting {
        let prepare = || Err::<(), _>("there is no flight to join");
        let fly = |(), _| std::future::ready(absent());
        let waiting = flights.board(flight(purpose), prepare, fly).unwrap();
        assert_eq!(waiting.ticket, Ticket::Joined);
        waiting
    }

    /// Starts a flight that lands when told.
    fn start(flights: &Flights, purpose: Purpose) -> (Waiting, oneshot::Sender<Finding>) {
        let (land, landed) = oneshot::channel();
        let fly = |(), _| async { landed.await.unwrap() };
        (flights.board(flight(purpose), prepared, fly).unwrap(), land)
    }

    fn prepared() -> Result<(), Infallible> {
        Ok(())
    }

    async fn lands(waiting: Waiting) -> bool {
        matches!(waiting.landing().await.published, Published::Absent)
    }

    #[tokio::test]
    async fn ca03_ten_thousand_wait_for_one_flight() {
        let flights = Flights::default();
        let (first, land) = start(&flights, Purpose::Stranger);
        let others: Vec<_> = (1..10_000).map(|_| join(&flights, Purpose::Stranger)).collect();
        land.send(absent()).unwrap();
        for waiting in others.into_iter().chain([first]) {
            assert!(lands(waiting).await);
        }
    }

    #[tokio::test]
    async fn ca13_the_first_who_goes_away_harms_nobody() {
        let flights = Flights::default();
        let (first, land) = start(&flights, Purpose::Stranger);
        let second = join(&flights, Purpose::Stranger);
        drop(first);
        land.send(absent()).unwrap();
        assert!(lands(second).await);
    }

    #[tokio::test]
    async fn after_landing_nothing_is_kept() {
        let flights = Flights::default();
        let (first, land) = start(&flights, Purpose::Stranger);
        land.send(absent()).unwrap();
        first.landing().await;
        assert!(lock(&flights.0).is_empty());
    }

    #[tokio::test]
    async fn a_flight_that_ends_without_a_result_is_not_waited_for() {
        let flights = Flights::default();
        let (waiting, land) = start(&flights, Purpose::Stranger);
        drop(land);
        let Published::Unknown(error) = waiting.landing().await.published else {
            panic!("something landed")
        };
        assert!(matches!(*error, FetchError::Interrupted));
        assert!(lock(&flights.0).is_empty());
    }

    #[test]
    fn a_runtime_that_ends_takes_its_flights_off_the_list() {
        let flights = Flights::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let _waiting = start(&flights, Purpose::Ourselves);
        assert!(lock(&flights.0).is_empty());
    }

    #[tokio::test]
    async fn strangers_join_our_flight_and_we_do_not_join_theirs() {
        let flights = Flights::default();
        let (_theirs, _land) = start(&flights, Purpose::Stranger);
        let started = AtomicUsize::new(0);
        let fly = |(), _| {
            started.fetch_add(1, Ordering::Relaxed);
            std::future::ready(absent())
        };
        let ours = flights.board(flight(Purpose::Ourselves), prepared, fly);
        assert_eq!(started.load(Ordering::Relaxed), 1);
        let stranger = join(&flights, Purpose::Stranger);
        ours.unwrap().landing().await;
        assert!(lands(stranger).await);
    }

    #[tokio::test]
    async fn a20_what_comes_early_is_for_ourselves_and_not_for_a_stranger() {
        let flights = Flights::default();
        let (land, landed) = oneshot::channel();
        let fly = |(), early: Early| async {
            let refused = Published::Unknown(Arc::new(FetchError::Interrupted));
            early.bring(Finding::fetched(refused, Instant::now()));
            landed.await.unwrap()
        };
        let ours = flights.board(flight(Purpose::Ourselves), prepared, fly);
        let stranger = join(&flights, Purpose::Stranger);
        assert!(!lands(ours.unwrap()).await);
        land.send(absent()).unwrap();
        assert!(lands(stranger).await);
    }
}
