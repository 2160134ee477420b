//! Bounds on what strangers can make us do, and on what is kept of it.

use std::time::Duration;

/// Bounds on what a source domain, or whoever claims to be one, can make us do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest head of a response, in bytes of the names and values in it.
    ///
    /// Judged once the head has come. What comes is bounded by hyper, which gives up on more than
    /// 408 KiB or 100 fields.
    pub head_size: usize,
    /// Longest body, in bytes.
    pub document_size: usize,
    /// Most entries in a document.
    pub entries: usize,
    /// Most digests in an entry.
    pub digests: usize,
    /// The only port that HTTPS is spoken to; 443.
    pub port: u16,
    /// Most requests in one lookup of one profile.
    pub requests: u8,
    /// Most hosts besides the source domain in one lookup of one profile: where both are asked for,
    /// a stranger can make us fetch from twice as many.
    pub foreign_hosts: u8,
    /// Longest lifetime that is honoured; never more than seven days.
    pub lifetime: Duration,
    /// Longest time for the whole lookup.
    pub timeout: Duration,
    /// Most lookups at once on behalf of strangers.
    pub at_once: usize,
    /// Most lookups at once on behalf of one asker: an IPv4 address or an IPv6 /64.
    pub asker_at_once: usize,
    /// Most lookups a minute on behalf of one asker.
    pub asker_per_minute: usize,
    /// Most lookups at once, on behalf of strangers, that fetch from one host, IPv4 address or IPv6
    /// /64; a lookup counts while a GET to there is under way.
    pub host_at_once: usize,
    /// Most lookups a minute, on behalf of strangers, that fetch from one host, IPv4 address or IPv6
    /// /64.
    pub host_per_minute: usize,
    /// Most documents that are kept.
    pub positive: usize,
    /// Most bytes that kept documents take, about.
    pub positive_size: usize,
    /// Most failures that are kept.
    pub negative: usize,
    /// Most bytes that kept failures take, about.
    pub negative_size: usize,
    /// Longest time for which it is kept that a domain publishes nothing. A tenth or less of this,
    /// and of the next, is taken off by chance.
    pub absent: Duration,
    /// Longest time for which it is kept that what a domain publishes must not be used.
    pub invalid: Duration,
    /// Longest time for which it is kept that a web server did not answer, or not with a document
    /// or its absence. Half of this or less is taken off by chance; it doubles with each failure in
    /// a row of what we ask for ourselves.
    pub unreachable: Duration,
    /// To what that time grows.
    pub unreachable_longest: Duration,
    /// Shortest time between two lookups of one domain that are made though something is known,
    /// since it did not prove a peer: each for ourselves, for strangers, and in the background.
    pub replace_pause: Duration,
    /// Age beyond which a document that a certificate matched is looked up again in the background.
    pub old: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_size: 16 * 1024,
            document_size: 64 * 1024,
            entries: 64,
            digests: 16,
            port: 443,
            requests: 5,
            foreign_hosts: 2,
            lifetime: Duration::from_secs(24 * 60 * 60),
            timeout: Duration::from_secs(10),
            at_once: 64,
            asker_at_once: 4,
            asker_per_minute: 60,
            host_at_once: 4,
            host_per_minute: 60,
            positive: 100_000,
            positive_size: 160 * 1024 * 1024,
            negative: 10_000,
            negative_size: 16 * 1024 * 1024,
            absent: Duration::from_secs(10 * 60),
            invalid: Duration::from_secs(5 * 60),
            unreachable: Duration::from_secs(2 * 60),
            unreachable_longest: Duration::from_secs(10 * 60),
            replace_pause: Duration::from_secs(60),
            old: Duration::from_secs(60 * 60),
        }
    }
}
