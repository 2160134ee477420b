use std::fmt;
use std::time::Duration;

use crate::Pair;
use crate::printable::escape;

/// The record of a decision: each step in order, what it found and how long it took.
///
/// It is what logs, bounces, stream errors, pages and tools say about a peer, from one source.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Trail {
    #[cfg_attr(feature = "serde", serde(flatten))]
    pair: Pair,
    steps: Vec<Step>,
    conclusion: Option<Code>,
}

impl Trail {
    /// Starts the record of a decision about `pair`.
    pub fn new(pair: Pair) -> Self {
        Self { pair, steps: Vec::new(), conclusion: None }
    }

    /// Adds a step.
    pub fn record(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Adds the steps of `later`, and takes over what it concluded.
    pub fn append(&mut self, later: Self) {
        self.steps.extend(later.steps);
        self.conclusion = later.conclusion.or(self.conclusion);
    }

    /// Says what the steps came to.
    pub fn conclude(&mut self, code: Code) {
        self.conclusion = Some(code);
    }

    /// One of our domains and the domain that had to prove itself.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// The steps, in the order in which they were settled.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step whose prooftype counted, the last where it was judged again; `None` if nothing has
    /// proved the domain. Whether it still does says [`conclusion`](Self::conclusion).
    pub fn proof(&self) -> Option<&Step> {
        self.steps.iter().rev().find(|step| match step.phase {
            Phase::Pkix | Phase::PoshMatch => step.code.verdict() == Verdict::Passed,
            Phase::Dns | Phase::Posh | Phase::Tcp | Phase::Tls | Phase::Sasl | Phase::Stream => {
                false
            }
        })
    }

    /// What the steps came to; `None` while that is open.
    pub fn conclusion(&self) -> Option<Code> {
        self.conclusion
    }
}

impl fmt::Display for Trail {
    /// One sentence for the person whose stanza it was. Nothing in it is a peer's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conclusion {
            Some(code) => write!(f, "{}: {}", self.pair.remote, code.sentence()),
            None => write!(f, "{}: not decided yet", self.pair.remote),
        }
    }
}

/// One thing that was found out on the way to a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Step {
    /// Where on the way.
    pub phase: Phase,
    /// What came out, in a word that never changes.
    pub code: Code,
    /// The particulars: names, addresses, digests; escaped and cut.
    pub detail: String,
    /// How long it took; zero for what needs no waiting.
    #[cfg_attr(feature = "serde", serde(rename = "elapsed_us", serialize_with = "as_micros"))]
    pub elapsed: Duration,
}

impl Step {
    /// Longest detail, in bytes.
    const DETAIL: usize = 1024;

    /// Escapes `detail`, cuts it, and notes the step.
    pub fn new(phase: Phase, code: Code, detail: impl AsRef<str>, elapsed: Duration) -> Self {
        Self { phase, code, detail: escape(detail.as_ref(), Self::DETAIL), elapsed }
    }
}

impl fmt::Display for Step {
    /// One line for logs and terminals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.phase, self.code)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if !self.elapsed.is_zero() {
            write!(f, " ({} ms)", self.elapsed.as_millis())?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
fn as_micros<S: serde::Serializer>(elapsed: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
}

/// The stations of the way.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Phase {
    /// SRV and addresses.
    Dns,
    /// What the source domain publishes over HTTPS.
    Posh,
    /// Reaching the peer.
    Tcp,
    /// Securing the stream.
    Tls,
    /// The PKIX prooftype.
    Pkix,
    /// The POSH prooftype: the certificate against what is published.
    PoshMatch,
    /// SASL EXTERNAL.
    Sasl,
    /// The XML stream: headers, stream errors, closing.
    Stream,
}

impl Phase {
    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Posh => "posh",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Pkix => "pkix",
            Self::PoshMatch => "posh-match",
            Self::Sasl => "sasl",
            Self::Stream => "stream",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Phase {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// What a [`Code`] means for the peer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)]
pub enum Verdict {
    /// It speaks for the peer, or takes the way one step on.
    Passed,
    /// It speaks against the peer, or proves nothing for it.
    Refused,
    /// It could not be found out; later it may be.
    Unknown,
}

macro_rules! codes {
    ($($code:ident $text:literal $verdict:ident $sentence:literal;)*) => {
        /// What a step came to: a word that never changes, for people and programs.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`: ", $sentence)] $code,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The kebab-case word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }

            /// What it means for the peer.
            pub fn verdict(self) -> Verdict {
                match self { $(Self::$code => Verdict::$verdict,)* }
            }

            /// What it means, to a person.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$code => $sentence,)* }
            }
        }
    };
}

codes! {
    DnsFound "dns-found" Passed "the DNS says where its server is";
    DnsNoSrvFallback "dns-no-srv-fallback" Passed "it has no SRV record, so its own address is used";
    DnsNxdomain "dns-nxdomain" Refused "the domain does not exist";
    DnsNoAddress "dns-no-address" Refused "its server has no address";
    DnsTimeout "dns-timeout" Unknown "the DNS did not answer in time";
    DnsFailed "dns-failed" Unknown "the DNS answered with a failure";
    SrvServiceRefused "srv-service-refused" Refused "the domain says that it has no XMPP server";
    AddressForbidden "address-forbidden" Refused "its server's address is not a public one";

    PoshFound "posh-found" Passed "it publishes by POSH which certificate its server shows";
    PoshNotPublished "posh-not-published" Refused "it publishes nothing by POSH";
    PoshHttpsUntrusted "posh-https-untrusted" Unknown "its web server's certificate is not trusted";
    PoshHttpsNameMismatch "posh-https-name-mismatch" Unknown "its web server's certificate names other hosts";
    PoshHttpStatus "posh-http-status" Unknown "its web server answered with a failure";
    PoshUnreachable "posh-unreachable" Unknown "its web server could not be reached";
    PoshTimeout "posh-timeout" Unknown "its web server did not answer in time";
    PoshTooLarge "posh-too-large" Refused "its POSH document is too large";
    PoshBadContentType "posh-bad-content-type" Refused "where its POSH document should be is a page for people";
    PoshInvalidJson "posh-invalid-json" Refused "its POSH document is not JSON";
    PoshInvalidDocument "posh-invalid-document" Refused "its POSH document is not valid";
    PoshEmpty "posh-empty" Refused "its POSH document has no usable entry";
    PoshUrlAndFingerprints "posh-url-and-fingerprints" Refused "its POSH document is both a reference and a list";
    PoshExpiresMissing "posh-expires-missing" Refused "its POSH document does not say how long it is good for";
    PoshExpiresZero "posh-expires-zero" Refused "it has withdrawn its POSH document";
    PoshReferenceLoop "posh-reference-loop" Refused "its POSH document refers to another reference";
    PoshReferenceNotHttps "posh-reference-not-https" Refused "its POSH document refers to what is not an HTTPS URL";
    PoshRedirectDowngrade "posh-redirect-downgrade" Refused "its POSH document lies behind a redirect that leaves HTTPS";
    PoshTooManyRequests "posh-too-many-requests" Refused "its POSH document lies behind too many redirects";
    PoshForbidden "posh-forbidden" Refused "its web server's address may not be connected to";
    PoshOverBudget "posh-over-budget" Unknown "too many POSH documents are being fetched";
    JwkPrivateMaterial "jwk-private-material" Refused "its POSH document gives a private key away";

    TcpConnected "tcp-connected" Passed "its server was reached";
    TcpUnreachable "tcp-unreachable" Unknown "its server could not be reached";
    TcpTimeout "tcp-timeout" Unknown "its server could not be reached in time";

    TlsSecured "tls-secured" Passed "the connection is encrypted";
    TlsNoStarttls "tls-no-starttls" Unknown "its server refuses to encrypt";
    TlsFailed "tls-failed" Unknown "the TLS handshake with its server failed";
    TlsTimeout "tls-timeout" Unknown "its server did not finish the TLS handshake in time";
    TlsNoCertificate "tls-no-certificate" Refused "its server showed no certificate";

    PkixMatch "pkix-match" Passed "its server's certificate is valid for it";
    PkixNotAllowed "pkix-not-allowed" Refused "policy does not take a certificate of its own as proof";
    CertNameMismatch "cert-name-mismatch" Refused "its server's certificate names other domains";
    CertUntrustedChain "cert-untrusted-chain" Refused "its server's certificate is of no authority we trust";
    CertExpired "cert-expired" Refused "its server's certificate has expired";
    CertNotYetValid "cert-not-yet-valid" Refused "its server's certificate is not valid yet";
    CertInvalid "cert-invalid" Refused "its server's certificate cannot be used";

    PoshMatch "posh-match" Passed "its server's certificate is the one that it publishes by POSH";
    PoshNotAllowed "posh-not-allowed" Refused "policy does not take POSH as proof";
    PoshFingerprintMismatch "posh-fingerprint-mismatch" Refused "its server's certificate is none of those that it publishes by POSH";
    PoshMismatchUnconfirmed "posh-mismatch-unconfirmed" Unknown "its server's certificate is none of those it published, and that may not be looked up again yet";
    PoshNoSupportedHash "posh-no-supported-hash" Refused "its POSH document has no fingerprint of a hash function that is strong enough";
    PoshDocumentStale "posh-document-stale" Unknown "what it published by POSH has ended";
    PoshOtherSource "posh-other-source" Unknown "what is at hand was published by another domain";

    SaslAccepted "sasl-accepted" Passed "it accepted who we are";
    SaslExternalNotOffered "sasl-external-not-offered" Refused "it does not accept our certificate";
    SaslRefused "sasl-refused" Refused "it refused to accept who we are";
    SaslTemporaryFailure "sasl-temporary-failure" Unknown "it cannot tell at present whether to accept who we are";

    StreamEstablished "stream-established" Passed "stanzas flow";
    StreamRefused "stream-refused" Refused "its server does not accept us";
    StreamError "stream-error" Unknown "its server ended the stream with an error";
    StreamLocalError "stream-local-error" Unknown "we ended the stream because its server broke the protocol";
    StreamClosed "stream-closed" Unknown "its server closed the stream";
    StreamTimeout "stream-timeout" Unknown "its server did not answer in time";
    ProofEnded "proof-ended" Refused "what proved who its server is has ended";
    Overloaded "overloaded" Unknown "this server has too many streams at once";
    QueueFull "queue-full" Unknown "too many stanzas are waiting for it";
    NotOurDomain "not-our-domain" Refused "the sender's domain is not one that we serve";
    Stopping "stopping" Unknown "this server is stopping";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_kebab_case() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(words.iter().all(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }

    fn decided() -> Trail {
        let pair = Pair {
            local: "local.example".parse().unwrap(),
            remote: "xn--mnchen-3ya.example".parse().unwrap(),
        };
        let mut trail = Trail::new(pair.clone());
        let waited = Duration::from_micros(48_200);
        trail.record(Step::new(Phase::Posh, Code::PoshFound, "2 entries", waited));
        let mut later = Trail::new(pair);
        later.record(Step::new(Phase::PoshMatch, Code::PoshMatch, "entry 1", Duration::ZERO));
        later.conclude(Code::PoshMatch);
        trail.append(later);
        trail
    }

    #[test]
    fn a_trail_is_one_sentence_and_a_step_one_line() {
        let trail = decided();
        let sentence =
            "münchen.example: its server's certificate is the one that it publishes by POSH";
        assert_eq!(trail.to_string(), sentence);
        let lines: Vec<_> = trail.steps().iter().map(Step::to_string).collect();
        assert_eq!(lines, ["posh posh-found: 2 entries (48 ms)", "posh-match posh-match: entry 1"]);
        let open = Trail::new(trail.pair().clone());
        assert_eq!(open.to_string(), "münchen.example: not decided yet");
    }

    #[test]
    fn the_proof_is_the_last_match_however_it_went_on() {
        let mut trail = Trail::new(decided().pair().clone());
        assert_eq!(trail.proof(), None);
        for (phase, code) in [
            (Phase::Posh, Code::PoshFound),
            (Phase::PoshMatch, Code::PoshFingerprintMismatch),
            (Phase::Pkix, Code::PkixMatch),
            (Phase::Sasl, Code::SaslAccepted),
        ] {
            trail.record(Step::new(phase, code, "", Duration::ZERO));
        }
        assert_eq!(trail.proof().map(|step| step.code), Some(Code::PkixMatch));
        trail.append(decided());
        assert_eq!(trail.proof().map(|step| step.code), Some(Code::PoshMatch));
    }

    #[test]
    fn a_detail_is_one_line_of_at_most_a_kilobyte() {
        let step = Step::new(Phase::Dns, Code::DnsFailed, "a\n".repeat(1000), Duration::ZERO);
        assert!(step.detail.len() <= Step::DETAIL && !step.detail.contains('\n'));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn the_json_of_a_trail_keeps_its_shape() {
        let json = serde_json::json!({
            "local": "local.example",
            "remote": "münchen.example",
            "steps": [
                {
                    "phase": "posh",
                    "code": "posh-found",
                    "detail": "2 entries",
                    "elapsed_us": 48_200,
                },
                { "phase": "posh-match", "code": "posh-match", "detail": "entry 1", "elapsed_us": 0 },
            ],
            "conclusion": "posh-match",
        });
        assert_eq!(serde_json::to_value(decided()).unwrap(), json);
        let open = serde_json::to_value(Trail::new(decided().pair().clone())).unwrap();
        assert_eq!(open["conclusion"], serde_json::Value::Null);
    }
}
