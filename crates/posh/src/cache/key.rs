use rustls_pki_types::DnsName;

use crate::lookup::normalised;
use crate::{Profile, Published, Service};

/// What is asked: of which source domain, for what, in which profiles.
///
/// Nothing that a domain says is a part of it: what one publishes is never found for another.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CacheKey {
    source: DnsName<'static>,
    service: Service,
    profiles: &'static [Profile],
}

impl CacheKey {
    /// The answer in both profiles is one, since the two documents only count together, and from
    /// the same time: so it is another than that in one of them.
    pub fn new(source: &DnsName<'_>, service: &Service, profiles: &[Profile]) -> Self {
        let profiles = in_order(profiles);
        Self { source: normalised(source), service: service.clone(), profiles }
    }

    /// The last so many labels of the name, if it has as many.
    pub(super) fn ending(&self, labels: usize) -> Option<&str> {
        let name = self.source.as_ref();
        let mut dots = name.rmatch_indices('.').map(|(dot, _)| dot + 1).chain([0]);
        dots.nth(labels.checked_sub(1)?).map(|start| &name[start..])
    }

    /// Whether it is another host that did not answer.
    pub(super) fn is_foreign(&self, published: &Published) -> bool {
        let Published::Unknown(error) = published else { return false };
        let host = error.unanswered().and_then(|url| url.host_str());
        host.is_some_and(|host| host != self.source.as_ref())
    }

    /// About how many bytes of the heap it holds.
    pub(super) fn size(&self) -> usize {
        self.source.as_ref().len()
    }
}

/// Each once, and in an order of its own.
fn in_order(profiles: &[Profile]) -> &'static [Profile] {
    let asked = |profile| profiles.contains(&profile);
    match (asked(Profile::Rfc7711), asked(Profile::Draft02)) {
        (true, true) => &[Profile::Rfc7711, Profile::Draft02],
        (true, false) => &[Profile::Rfc7711],
        (false, true) => &[Profile::Draft02],
        (false, false) => &[],
    }
}
