//! What the server knows.

use std::collections::HashMap;
use std::net::IpAddr;

use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, SRV};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Service {
    /// Lower is tried first.
    pub priority: u16,
    /// The share among equal priorities.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host, without the final dot; empty for "not offered".
    pub target: String,
}

impl Service {
    /// At `port` of `target`, of priority and weight 0.
    #[must_use]
    pub fn at(target: &str, port: u16) -> Self {
        Self { priority: 0, weight: 0, port, target: target.to_owned() }
    }

    /// The record that says that the service is not offered: its target is the root.
    #[must_use]
    pub fn not_offered() -> Self {
        Self::at("", 0)
    }

    /// With another priority.
    #[must_use]
    pub fn priority(self, priority: u16) -> Self {
        Self { priority, ..self }
    }

    /// With another weight.
    #[must_use]
    pub fn weight(self, weight: u16) -> Self {
        Self { weight, ..self }
    }
}

/// How a question fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The name does not exist, whatever was said about it.
    NxDomain,
    /// The server cannot say (SERVFAIL).
    ServFail,
    /// No answer at all.
    Silence,
}

/// What to answer.
#[derive(Debug)]
pub(super) enum Answer {
    Failure(Failure),
    /// Possibly none.
    Records(Vec<Record>),
}

#[derive(Default)]
pub(super) struct Zone {
    records: HashMap<LowerName, Vec<Record>>,
    failures: HashMap<LowerName, Failure>,
}

impl Zone {
    /// Most aliases that are followed for one question.
    const ALIASES: usize = 32;

    pub(super) fn set_addresses(&mut self, host: &str, to: impl IntoIterator<Item = IpAddr>) {
        let data = to.into_iter().map(|address| match address {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        });
        self.replace(host, &[RecordType::A, RecordType::AAAA, RecordType::CNAME], data);
    }

    pub(super) fn set_services(&mut self, at: &str, to: impl IntoIterator<Item = Service>) {
        let data = to.into_iter().map(|service| {
            let target = name(&service.target);
            RData::SRV(SRV::new(service.priority, service.weight, service.port, target))
        });
        self.replace(at, &[RecordType::SRV], data);
    }

    pub(super) fn set_alias(&mut self, alias: &str, target: &str) {
        let target = name(target);
        let every = [RecordType::CNAME, RecordType::A, RecordType::AAAA, RecordType::SRV];
        self.replace(alias, &every, [RData::CNAME(CNAME(target))]);
    }

    pub(super) fn set_failure(&mut self, at: &str, failure: Failure) {
        self.failures.insert(name(at).into(), failure);
    }

    pub(super) fn remove(&mut self, at: &str) {
        let parent = LowerName::from(name(at));
        self.records.retain(|name, _| !parent.zone_of(name));
        self.failures.retain(|name, _| !parent.zone_of(name));
    }

    pub(super) fn knows(&self, at: &str) -> bool {
        let at = LowerName::from(name(at));
        self.records.contains_key(&at) || self.failures.contains_key(&at)
    }

    /// Answers as a recursive server: with the aliases on the way.
    pub(super) fn answer(&self, asked: &LowerName, record_type: RecordType) -> Answer {
        let mut answer = Vec::new();
        let mut at = asked.clone();
        for _ in 0..Self::ALIASES {
            if let Some(failure) = self.failures.get(&at) {
                return Answer::Failure(*failure);
            }
            let here = self.records.get(&at).map_or(&[][..], Vec::as_slice);
            answer.extend(here.iter().filter(|r| r.record_type() == record_type).cloned());
            let alias = here.iter().find_map(|record| match &record.data {
                RData::CNAME(CNAME(target)) if record_type != RecordType::CNAME => {
                    Some((record, target))
                }
                _ => None,
            });
            let Some((record, target)) = alias else { break };
            answer.push(record.clone());
            at = target.into();
        }
        if answer.is_empty() && !self.exists(asked) {
            return Answer::Failure(Failure::NxDomain);
        }
        Answer::Records(answer)
    }

    /// Whether anything was said about `name` or a name below it.
    fn exists(&self, name: &LowerName) -> bool {
        self.records.keys().any(|other| name.zone_of(other))
    }

    /// Puts `data` in place of the records of these types, and ends a failure of this name.
    fn replace(&mut self, at: &str, types: &[RecordType], data: impl IntoIterator<Item = RData>) {
        const TTL: u32 = 60;
        let owner = name(at);
        self.failures.remove(&LowerName::from(&owner));
        let records = self.records.entry((&owner).into()).or_default();
        records.retain(|record| !types.contains(&record.record_type()));
        records.extend(data.into_iter().map(|rdata| Record::from_rdata(owner.clone(), TTL, rdata)));
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).expect("a domain name");
    name.set_fqdn(true);
    name
}
