//! SRV records of both kinds, in the order in which to try them (RFC 2782, XEP-0368).

use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use xmpp_s2s_proto::stream::Security;

use super::target::Target;

/// One SRV record, with what its kind says of TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) target: Target,
}

/// What the DNS says of one kind of SRV record.
#[derive(Debug)]
pub(super) enum Answer {
    /// These.
    Records(Vec<Record>),
    /// The service is not offered: the only target is the root.
    NotOffered,
    /// There is no record.
    None,
}

/// The SRV records of `domain` for one way to start TLS.
pub(super) async fn records(
    resolver: &TokioResolver,
    domain: &str,
    security: Security,
) -> Result<Answer, NetError> {
    let service = match security {
        Security::Direct => "_xmpps-server",
        Security::StartTls => "_xmpp-server",
    };
    // The final dot keeps the name out of the search list.
    let lookup = match resolver.srv_lookup(format!("{service}._tcp.{domain}.")).await {
        Ok(lookup) => lookup,
        Err(error) if is_absent(&error) => return Ok(Answer::None),
        Err(error) => return Err(error),
    };
    let records = lookup.answers().iter().filter_map(|record| match &record.data {
        RData::SRV(srv) => Some(srv),
        _ => None,
    });
    let mut found = Vec::new();
    let mut root = false;
    for srv in records {
        if srv.target.is_root() {
            root = true;
            continue;
        }
        let host = srv.target.to_ascii().trim_end_matches('.').to_ascii_lowercase();
        let target = Target::new(host, srv.port, security);
        found.push(Record { priority: srv.priority, weight: srv.weight, target });
    }
    Ok(match (found.is_empty(), root) {
        (false, _) => Answer::Records(found),
        (true, true) => Answer::NotOffered,
        (true, false) => Answer::None,
    })
}

/// Whether the DNS says that there is no such record, rather than nothing.
pub(super) fn is_absent(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
    )
}

/// Whether the DNS says that there is no such name at all.
pub(super) fn is_nxdomain(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns(DnsError::NoRecordsFound(none))
            if none.response_code == ResponseCode::NXDomain
    )
}

/// Puts records into the order of RFC 2782: priorities rising, within one by weighted chance.
///
/// `pick(n)` is a random number in `0..=n`.
pub(super) fn order(mut records: Vec<Record>, mut pick: impl FnMut(u32) -> u32) -> Vec<Target> {
    // Weight 0 comes first, so that it has a small chance of being picked.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut targets = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let same = records.iter().take_while(|record| record.priority == priority);
        let total = same.clone().map(|record| u32::from(record.weight)).sum();
        let chosen = pick(total);
        let mut sum = 0;
        let at = same
            .map(|record| {
                sum += u32::from(record.weight);
                sum
            })
            .position(|sum| sum >= chosen)
            .unwrap_or(0);
        targets.push(records.remove(at).target);
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(host: &str, priority: u16, weight: u16) -> Record {
        let target = Target::new(host, 5269, Security::StartTls);
        Record { priority, weight, target }
    }

    fn hosts(targets: &[Target]) -> Vec<&str> {
        targets.iter().map(|target| target.host.as_str()).collect()
    }

    #[test]
    fn lower_priorities_come_first_whatever_their_weight() {
        let records = vec![record("b", 20, 65_535), record("a", 10, 0)];
        assert_eq!(hosts(&order(records, |n| n)), ["a", "b"]);
    }

    #[test]
    fn running_sums_choose_within_a_priority() {
        let records = || vec![record("ten", 1, 10), record("ninety", 1, 90), record("zero", 1, 0)];
        assert_eq!(hosts(&order(records(), |_| 0)), ["zero", "ten", "ninety"]);
        assert_eq!(hosts(&order(records(), |n| n.min(11))), ["ninety", "ten", "zero"]);
        assert_eq!(hosts(&order(records(), |n| n.min(10))), ["ten", "ninety", "zero"]);
    }

    #[test]
    fn weights_are_the_chances_of_the_first_place() {
        let mut firsts = [0_u32; 2];
        // Every number that the dice can show, once.
        for dice in 0..=100 {
            let records = vec![record("ten", 1, 10), record("ninety", 1, 90)];
            let mut dice = Some(dice);
            let order = order(records, |n| dice.take().unwrap_or(n));
            firsts[usize::from(order[0].host == "ninety")] += 1;
        }
        assert_eq!(firsts, [11, 90]);
    }
}
