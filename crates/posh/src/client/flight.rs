//! One lookup at a time for each source domain and service, however many wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rustls_pki_types::DnsName;
use tokio::sync::watch;

use super::lock::lock;
use crate::{FetchError, Published, Service};

/// What is being looked up, and for whom.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub(super) source: DnsName<'static>,
    pub(super) service: Service,
    pub(super) purpose: Purpose,
}

/// For whom: what a stranger's budget ends must not end what we ask for ourselves.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Purpose {
    Ourselves,
    Stranger,
}

/// The lookups that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Key, watch::Receiver<Option<Published>>>>>);

impl Flights {
    /// Joins the lookup of this key, or starts one, as a task of its own: it lands also when the
    /// first who waits for it goes away.
    ///
    /// A stranger may join ours, and we never a stranger's.
    pub(super) fn board<F, E>(
        &self,
        key: Key,
        start: impl FnOnce() -> Result<F, E>,
    ) -> Result<Waiting, E>
    where
        F: Future<Output = Published> + Send + 'static,
    {
        let mut flights = lock(&self.0);
        let ours = Key { purpose: Purpose::Ourselves, ..key.clone() };
        if let Some(flight) = flights.get(&ours).or_else(|| flights.get(&key)) {
            return Ok(Waiting(flight.clone()));
        }
        let flight = start()?;
        let (sender, receiver) = watch::channel(None);
        flights.insert(key.clone(), receiver.clone());
        // A runtime that is shutting down drops the task at once, and so the landing.
        drop(flights);
        let landing = Landing { flights: self.clone(), key, sender, published: None };
        tokio::spawn(async move { landing.land(flight.await) });
        Ok(Waiting(receiver))
    }
}

/// A place on a flight.
#[derive(Debug)]
pub(super) struct Waiting(watch::Receiver<Option<Published>>);

impl Waiting {
    pub(super) async fn landing(mut self) -> Published {
        let landed = self.0.wait_for(Option::is_some).await;
        let published = landed.ok().and_then(|published| published.clone());
        published.unwrap_or_else(|| Published::Unknown(Arc::new(FetchError::Interrupted)))
    }
}

/// Takes its flight off the list, however that ended, and only then lets those who wait go: whoever
/// has an answer and asks again gets a newer one.
struct Landing {
    flights: Flights,
    key: Key,
    sender: watch::Sender<Option<Published>>,
    published: Option<Published>,
}

impl Landing {
    fn land(mut self, published: Published) {
        self.published = Some(published);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.flights.0).remove(&self.key);
        self.sender.send_replace(self.published.take());
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    fn key(purpose: Purpose) -> Key {
        let source = DnsName::try_from("im.example").unwrap();
        Key { source, service: Service::XMPP_SERVER, purpose }
    }

    fn join(flights: &Flights, purpose: Purpose) -> Waiting {
        let start = || Err::<std::future::Ready<Published>, _>("there is no flight to join");
        flights.board(key(purpose), start).unwrap()
    }

    /// Starts a flight that lands when told.
    fn start(flights: &Flights, purpose: Purpose) -> (Waiting, oneshot::Sender<Published>) {
        let (land, landed) = oneshot::channel();
        let flight = async { landed.await.unwrap() };
        (flights.board(key(purpose), || Ok::<_, Infallible>(flight)).unwrap(), land)
    }

    #[tokio::test]
    async fn many_wait_for_one_flight() {
        let flights = Flights::default();
        let (first, land) = start(&flights, Purpose::Stranger);
        let others: Vec<_> = (0..100).map(|_| join(&flights, Purpose::Stranger)).collect();
        land.send(Published::Absent).unwrap();
        for waiting in others.into_iter().chain([first]) {
            assert!(matches!(waiting.landing().await, Published::Absent));
        }
    }

    #[tokio::test]
    async fn ca13_the_first_who_goes_away_harms_nobody() {
        let flights = Flights::default();
        let (first, land) = start(&flights, Purpose::Stranger);
        let second = join(&flights, Purpose::Stranger);
        drop(first);
        land.send(Published::Absent).unwrap();
        assert!(matches!(second.landing().await, Published::Absent));
    }

    #[tokio::test]
    async fn after_landing_nothing_is_kept() {
        let flights = Flights::default();
        let (first, land) = start(&flights, Purpose::Stranger);
        land.send(Published::Absent).unwrap();
        first.landing().await;
        assert!(lock(&flights.0).is_empty());
    }

    #[tokio::test]
    async fn a_flight_that_ends_without_a_result_is_not_waited_for() {
        let flights = Flights::default();
        let (waiting, land) = start(&flights, Purpose::Stranger);
        drop(land);
        let Published::Unknown(error) = waiting.landing().await else { panic!("nothing landed") };
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
        let ours = flights.board(key(Purpose::Ourselves), || {
            started.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(std::future::ready(Published::Absent))
        });
        assert_eq!(started.load(Ordering::Relaxed), 1);
        let stranger = join(&flights, Purpose::Stranger);
        ours.unwrap().landing().await;
        assert!(matches!(stranger.landing().await, Published::Absent));
    }
}
