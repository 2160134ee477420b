//! What is told of a certificate at the start: whom it names, until when, and its digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posh::{HashFunction, Leaf};
use rustls::pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use tracing::{info, warn};
use xmpp_s2s::{Domain, presented_identifiers, printable};

use super::life::Life;

/// Most names that are told of one certificate.
const NAMES: usize = 8;

/// Tells what others are shown for `domain`, and whether the time for that is right.
pub(super) fn announce(domain: &Domain, certificate: &CertificateDer<'_>, now: UnixTime) {
    let digest = HashFunction::Sha256.digest(certificate);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let sha256 = STANDARD.encode(&digest);
    let Ok(leaf) = Leaf::parse(certificate) else {
        warn!(
            %domain, sha256, hex, fix = "use a certificate of X.509",
            "others cannot read the certificate"
        );
        return;
    };
    info!(%domain, names = names(&leaf), until = date(leaf.not_after()), sha256, hex, "serving");
    let until = date(leaf.not_after());
    match Life::of(&leaf, now) {
        Life::Going => {}
        Life::NotBegun => warn!(
            %domain, from = date(leaf.not_before()),
            fix = "set the clock, or wait and use another certificate until then",
            "others refuse the certificate: it is not valid yet"
        ),
        Life::Ending { days } => {
            warn!(%domain, days, until, fix = RENEW, "the certificate ends soon")
        }
        Life::Over => {
            warn!(%domain, until, fix = RENEW, "others refuse the certificate: it has expired");
        }
    }
}

/// With POSH, the order matters: whoever has read the document keeps it for as long as it says.
const RENEW: &str = "renew it; where a POSH document lists it, let that list the new one too, wait \
                     as long as its `expires` says, and only then put the new one in place";

fn names(leaf: &Leaf<'_>) -> String {
    let mut names: Vec<_> = presented_identifiers(leaf).take(NAMES + 1).map(printable).collect();
    if names.len() > NAMES {
        names[NAMES] = "...".to_owned();
    }
    if names.is_empty() { "no domain".to_owned() } else { names.join(" ") }
}

/// The day, in UTC.
fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.map_or_else(|| "beyond the year 9999".to_owned(), |time| time.date().to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use xmpp_s2s_testkit::Certificate;

    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let day = |seconds| date(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!(day(951_782_399), "2000-02-28");
        assert_eq!(day(951_782_400), "2000-02-29");
        assert_eq!(day(u64::MAX), "beyond the year 9999");
    }

    #[test]
    fn a_certificate_may_name_a_domain_by_its_xmpp_address_alone() {
        let nothing = [""; 0];
        let named = Certificate::new(nothing).xmpp_address("im.example").self_signed();
        assert_eq!(names(&Leaf::parse(named.leaf()).unwrap()), "im.example");
        let nobody = Certificate::new(nothing).self_signed();
        assert_eq!(names(&Leaf::parse(nobody.leaf()).unwrap()), "no domain");
    }

    #[test]
    fn many_names_are_cut() {
        let all = (0..9).map(|n| format!("d{n}.example"));
        let identity = Certificate::new(all).self_signed();
        let names = names(&Leaf::parse(identity.leaf()).unwrap());
        assert!(names.starts_with("d0.example d1.example ") && names.ends_with("d7.example ..."));
    }
}
