//! How many inbound connections may be open (RFC 6120 §13.12).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A budget of connections: those that are not authenticated have one, those that are another.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    open: Arc<Mutex<Open>>,
    per_source: usize,
    in_all: usize,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Admission {
    pub(crate) fn new(per_source: usize, in_all: usize) -> Self {
        Self { open: Arc::default(), per_source, in_all }
    }

    /// A place, held until it is dropped; `None` if the source or the process has no more.
    pub(crate) fn admit(&self, address: Option<SocketAddr>) -> Option<Permit> {
        let source = address.map(|address| source(address.ip()));
        let mut open = self.open();
        let count = source.map_or(0, |source| open.by_source.get(&source).copied().unwrap_or(0));
        if open.in_all >= self.in_all || count >= self.per_source {
            return None;
        }
        if let Some(source) = source {
            open.by_source.insert(source, count + 1);
        }
        open.in_all += 1;
        drop(open);
        Some(Permit { admission: self.clone(), source })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in an [`Admission`].
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Admission,
    source: Option<IpAddr>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.in_all -= 1;
        if let Some(source) = self.source
            && let Some(count) = open.by_source.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                open.by_source.remove(&source);
            }
        }
    }
}

/// What counts as one source: an IPv4 address, an IPv6 /64.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(address.parse().unwrap(), 1))
    }

    #[test]
    fn a_source_has_its_share_and_the_process_its_sum() {
        let admission = Admission::new(2, 3);
        let first = admission.admit(from("2001:db8::1"));
        let _second = admission.admit(from("2001:db8::2")).unwrap();
        assert!(admission.admit(from("2001:db8::3")).is_none());
        let _third = admission.admit(from("::ffff:192.0.2.1")).unwrap();
        assert!(admission.admit(from("192.0.2.2")).is_none());
        drop(first);
        let _fourth = admission.admit(from("192.0.2.1")).unwrap();
        assert!(admission.admit(None).is_none());
    }

    #[test]
    fn nothing_is_kept_of_sources_that_are_gone() {
        let admission = Admission::new(1, 1);
        drop(admission.admit(from("192.0.2.1")));
        assert!(admission.open().by_source.is_empty());
    }
}
