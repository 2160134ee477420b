//! What does no harm yet, or not with every peer.

use std::fmt;

use serde::{Serialize, Serializer};

/// A warning, with the particulars.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Remark {
    pub(crate) code: Warning,
    pub(crate) detail: String,
}

impl Remark {
    pub(crate) fn new(code: Warning, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

macro_rules! warnings {
    ($($warning:ident $word:literal $sentence:literal $text:literal;)*) => {
        /// What is warned of: a word that never changes, for people and programs.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Warning { $($warning,)* }

        impl Warning {
            pub(crate) const ALL: &[Self] = &[$(Self::$warning),*];

            /// The kebab-case word.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$warning => $word,)* }
            }

            /// What it means, to a person.
            pub(crate) fn sentence(self) -> &'static str {
                match self { $(Self::$warning => $sentence,)* }
            }

            /// What follows from it, and what to do.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$warning => $text,)* }
            }
        }
    };
}

warnings! {
    CertExpiresSoon "cert-expires-soon" "the certificate ends within 14 days"
        "POSH pins whole certificates, so the next one has to be published before it is installed: \
         make the document with both (poshctl gen --pem NEW --pem OLD), wait until no copy of the \
         old document can be left, which is the longest `expires` that was published, and install \
         the new certificate then.";
    CertOutOfDate "cert-out-of-date" "a certificate is outside of its dates"
        "A certificate that has ended, or has not begun, proves nothing, published or not. It may \
         stand in a document during a roll-over; one without any other certificate is of no use.";
    CertNoClientAuthEku "cert-no-client-auth-eku" "the certificate is for servers alone"
        "Between servers each side shows its certificate, also the one that connects. Public \
         authorities no longer issue certificates for clients (clientAuth), and most servers take \
         one for servers (serverAuth) in both directions; ejabberd before 26 refuses it from whoever \
         connects to it, with \"unsupported certificate purpose\".";
    CompatProsody "compat-prosody" "Prosody's module mod_s2s_auth_posh does not follow it"
        "The module reads fingerprints at the well-known URL itself. It follows neither a document \
         that points elsewhere with `url` nor a redirect, and refuses the peer then. Serve a copy of \
         the fingerprints at the well-known URL for these peers.";
    CompatPadding "compat-padding" "a digest has no base64 padding"
        "xmpp-proxy and Conversations compare the text of a digest and not what it stands for, so \
         that a digest without its final = never matches there. `poshctl gen` writes it.";
    CompatSha256 "compat-sha-256" "an entry has no sha-256 digest"
        "RFC 7711 makes sha-256 the one that everybody knows. Conversations discards the whole \
         document if one entry has none. List sha-256 in every entry, others beside it.";
    CompatDraft02 "compat-draft-02" "only the path of draft-miller-posh-02 has a document"
        "Prosody's module, xmpp-proxy and Conversations read RFC 7711's path alone \
         (/.well-known/posh/SERVICE.json). Publish both forms: poshctl gen --format both.";
    EntryUnusable "entry-unusable" "an entry proves nothing"
        "It has no digest by sha-256, sha-384 or sha-512, or one that is not canonical base64 of the \
         right length; a key without the thumbprint of its certificate (`x5t`) proves nothing, \
         either. The other entries count. Make the document again with poshctl gen.";
    ExpiresShort "expires-short" "the document may be kept for less than five minutes only"
        "Each stream to or from the domain may need another HTTPS request, and fails whenever the \
         web host does not answer. An hour is a good value, and a minute one for a roll-over.";
    ExpiresLong "expires-long" "the document may be kept for longer than a day"
        "A certificate cannot be replaced sooner than the document can be kept, unless verifiers look \
         again by themselves; this implementation keeps nothing for longer than a day unless it is \
         told so, and never longer than seven.";
    JwkNoCertificate "jwk-no-certificate" "a key does not come with its certificate"
        "Without `x5c` a verifier cannot know how long the certificate lives, and keeps the document \
         for five minutes only. Without `x5t#S256` the certificate is told by SHA-1 alone (the key \
         has to be the same, too).";
    UnknownMember "unknown-member" "a member has no meaning"
        "RFC 7711 lets verifiers ignore it. It may be a name that is misspelt.";
    HttpContentType "posh-content-type" "the web server does not say that it is JSON"
        "Let the web server send Content-Type: application/json. A page of text/html is refused.";
    TargetUnproved "target-unproved" "one of its servers did not prove itself"
        "Peers try the servers of a domain in the order of its SRV records. One that shows a \
         certificate that is not published is refused; another one was accepted. Publish the \
         certificates of all (poshctl gen takes several), or give them the same.";
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}
