//! What follows from each reason code, and what to do.

use xmpp_s2s::Code;

/// The long text of a code; `None` if there is none yet.
pub(super) fn text(code: Code) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

const TEXTS: &[(Code, &str)] = &[
    (
        Code::DnsFound,
        "The SRV records _xmpps-server._tcp and _xmpp-server._tcp of the domain name its servers and \
         their ports. Unless they are signed, the names prove nothing: the server has to prove the \
         domain itself.",
    ),
    (
        Code::DnsNoSrvFallback,
        "Without SRV records, port 5269 at the address of the domain itself is tried (RFC 6120 \
         3.2.2). If the server is elsewhere, publish _xmpp-server._tcp.DOMAIN IN SRV 0 5 5269 HOST.",
    ),
    (
        Code::DnsNxdomain,
        "The DNS knows no such name. Look for a spelling mistake, and whether the domain is still \
         registered and delegated.",
    ),
    (
        Code::DnsNoAddress,
        "The SRV records name hosts without an A or AAAA record, or the domain has neither SRV \
         records nor an address. An alias (CNAME) that leads nowhere comes to the same.",
    ),
    (
        Code::DnsTimeout,
        "The resolver did not answer within the time for the DNS. It says nothing about the domain. \
         Try again, or ask another resolver with --resolver.",
    ),
    (
        Code::DnsFailed,
        "The resolver answered SERVFAIL or REFUSED, often because a DNSSEC signature is wrong, or all \
         name servers of the zone are down. It says nothing about the domain.",
    ),
    (
        Code::SrvServiceRefused,
        "The domain has one SRV record with the target \".\", which says that the service is not \
         offered (RFC 2782). Remove it if there is a server after all.",
    ),
    (
        Code::AddressForbidden,
        "Every address of the server is private, loopback, link-local or otherwise not public, and \
         nobody may be led there by the DNS. Within one network allow it: `allow-networks` in the \
         server's configuration, --allow-network here.",
    ),
    (
        Code::PoshFound,
        "A document was found, and is valid. Whether the certificate that the server shows is in it \
         is another step.",
    ),
    (
        Code::PoshNotPublished,
        "Neither well-known URL has a document: the web server answers 404 or 410, or with what is no \
         document at all. If the certificate of the server names the domain, none is needed; else \
         make one with poshctl gen, and serve it at \
         https://DOMAIN/.well-known/posh/xmpp-server.json.",
    ),
    (
        Code::PoshHttpsUntrusted,
        "The certificate of the web server has expired, is of no trusted authority, or its chain is \
         incomplete. A document that came over such a connection could be anybody's. Renew the \
         certificate of https://DOMAIN, and serve the whole chain.",
    ),
    (
        Code::PoshHttpsNameMismatch,
        "The web server shows a certificate without the domain in it, often the default one of a \
         server that does not know the domain. The document has to be served at \
         https://DOMAIN itself, with a certificate for DOMAIN (RFC 7711 3).",
    ),
    (
        Code::PoshHttpStatus,
        "The web server answered with a status other than 200, a redirect, 404 or 410, or with an \
         absence where a reference points to. Whether there is a document is not known then.",
    ),
    (
        Code::PoshUnreachable,
        "No connection to the web server of the domain: nothing listens on port 443, its name has no \
         address, or TLS failed. Every hosted domain needs HTTPS at its own name.",
    ),
    (
        Code::PoshTimeout,
        "The web server took longer than the time for POSH, ten seconds in all, redirects and \
         references included.",
    ),
    (
        Code::PoshTooLarge,
        "A document may have 64 KiB and 64 entries, its head 16 KiB. List the current certificates \
         alone.",
    ),
    (
        Code::PoshBadContentType,
        "The answer is text/html or compressed, as from a web server that has one page for every \
         path. Serve the document as application/json, without Content-Encoding.",
    ),
    (
        Code::PoshInvalidJson,
        "The document is not JSON in UTF-8; a byte order mark, a comment, a comma too many are \
         enough. Make it with poshctl gen, check it with poshctl lint.",
    ),
    (
        Code::PoshInvalidDocument,
        "It is JSON, but a member has the wrong type or value, stands there twice, or is missing. The \
         detail names the member and the rule. What cannot be read without doubt is not used.",
    ),
    (
        Code::PoshEmpty,
        "The list of fingerprints or keys is empty, or none of them could prove anything. Publish at \
         least the certificate that the server shows.",
    ),
    (
        Code::PoshUrlAndFingerprints,
        "A document either lists certificates or points elsewhere with `url`, never both (RFC 7711 \
         3.1). Remove one of the two.",
    ),
    (
        Code::PoshExpiresMissing,
        "RFC 7711 wants `expires`, the seconds for which the document may be kept, in both kinds of \
         document; Prosody's module hangs without it. 3600 is a good value.",
    ),
    (
        Code::PoshExpiresZero,
        "`expires` is 0, by which a domain withdraws what it published (RFC 7711 3.1). If that is not \
         meant, give it the seconds for which the document may be kept.",
    ),
    (
        Code::PoshReferenceLoop,
        "A reference led to a second one. Only one is followed (RFC 7711 3.2): let the domain's \
         document point to the fingerprints themselves.",
    ),
    (
        Code::PoshReferenceNotHttps,
        "`url` has to be an https URL with the name of a host, on port 443: over anything else the \
         document could be forged.",
    ),
    (
        Code::PoshRedirectDowngrade,
        "The web server redirects to a URL that is not https, names an address or another port. Let \
         it redirect to https, or serve the document at once.",
    ),
    (
        Code::PoshTooManyRequests,
        "More than five requests, or two further hosts, for one document. Look for a loop of \
         redirects, and let the well-known URL answer directly.",
    ),
    (
        Code::PoshForbidden,
        "Every address of the web host is private, loopback or otherwise not public. Within one \
         network allow it: `allow-networks` in the server's configuration, --allow-network here.",
    ),
    (
        Code::PoshOverBudget,
        "Too many documents are being looked up for one asker, at one host, or in all. It says \
         nothing about the domain, and passes by itself.",
    ),
    (
        Code::JwkPrivateMaterial,
        "A key in the document has private members (`d`, `p`, `q`, …), so that anybody can use it. \
         That key is refused wherever it stands. Replace key and certificate now, and publish the \
         public part alone: poshctl gen never reads a private key.",
    ),
    (
        Code::TcpConnected,
        "A TCP connection to a server of the domain is up. Which one is in the detail.",
    ),
    (
        Code::TcpUnreachable,
        "The address refused the connection, or there is no way to it. Look for a firewall, and \
         whether the XMPP server listens for other servers on the port that the DNS names.",
    ),
    (
        Code::TcpTimeout,
        "The address did not answer at all, as behind a firewall that drops packets. Open the port \
         that the SRV record names, 5269 as a rule.",
    ),
    (
        Code::TlsSecured,
        "The connection is encrypted, and the peer holds the key of the certificate that it showed. \
         Whose certificate that is, is another step.",
    ),
    (
        Code::TlsNoStarttls,
        "The server does not offer STARTTLS, or refused it. Nothing is said in the clear: turn TLS \
         for server-to-server connections on there.",
    ),
    (
        Code::TlsFailed,
        "No TLS handshake: no common version (TLS 1.2 or 1.3) or cipher, a broken certificate, or the \
         other side does not take ours. The detail has the alert.",
    ),
    (
        Code::TlsTimeout,
        "The connection was up, but the handshake did not end within ten seconds. Something may \
         listen there that does not speak TLS.",
    ),
    (
        Code::TlsNoCertificate,
        "The peer showed no certificate. Whoever connects to a server has to show one too; without it \
         there is nothing that could prove the domain.",
    ),
    (
        Code::PkixMatch,
        "The certificate names the domain, is within its dates, and chains to a trusted authority. \
         No POSH is needed.",
    ),
    (
        Code::PkixNotAllowed,
        "By this policy only other proofs count for the domain, so that its own certificate was not \
         looked at (`prooftypes` in the server's configuration).",
    ),
    (
        Code::CertNameMismatch,
        "No name in the certificate is the domain. With a hosting company that is expected: its \
         certificate names its own server, and POSH has to prove the domain. Else the certificate \
         needs the domain in subjectAltName.",
    ),
    (
        Code::CertUntrustedChain,
        "The certificate is self-signed, of an authority that is not trusted here, or its \
         intermediate certificates are missing. Let the server send its whole chain, or publish the \
         certificate by POSH.",
    ),
    (
        Code::CertExpired,
        "The certificate has ended, which no proof makes up for: POSH does not lift its dates (RFC \
         7711 6). Install the next one, after it was published.",
    ),
    (
        Code::CertNotYetValid,
        "The certificate begins in the future, or a clock is wrong: that of the one who issued it, or \
         that of this machine.",
    ),
    (
        Code::CertInvalid,
        "The certificate cannot be read, is for another purpose, or its key is too weak: RSA under \
         2048 bits, or of an unknown kind. Issue one with RSA-2048, P-256 or Ed25519.",
    ),
    (
        Code::PoshMatch,
        "The certificate is one of those that the domain publishes, within its dates, with a key that \
         is strong enough. The names in it do not matter.",
    ),
    (
        Code::PoshNotAllowed,
        "By this policy only other proofs count for the domain, whatever it publishes (`prooftypes` \
         in the server's configuration).",
    ),
    (
        Code::PoshFingerprintMismatch,
        "The domain publishes certificates, and the one that the server shows is none of them. Either \
         the certificate was renewed and the document was not: publish the new one (poshctl gen --pem \
         NEW --pem OLD) before it is installed. Or somebody else answers for the domain.",
    ),
    (
        Code::PoshMismatchUnconfirmed,
        "The certificate is none of those that were published when the document was last looked up. It \
         may be a new one, but the document was looked up again too short a time ago for another \
         look. Try again in a minute.",
    ),
    (
        Code::ProofEnded,
        "A stream was up, and what had proved the other domain does so no more: the certificate or the \
         document has ended, or lists the certificate no longer. Its stanzas are refused until it \
         proves itself anew. The steps before this one say which it was.",
    ),
    (
        Code::PoshNoSupportedHash,
        "The entries have digests by md5, sha-1 or unknown functions alone, which prove nothing. List \
         sha-256: poshctl gen does.",
    ),
    (
        Code::PoshDocumentStale,
        "What was known of the domain's document has passed its `expires`, and no newer one could be \
         had.",
    ),
    (
        Code::PoshOtherSource,
        "A document speaks for the very domain that it was found at. That of another domain, also one \
         above it, proves nothing.",
    ),
    (Code::SaslAccepted, "The peer has checked our certificate, and accepted us by SASL EXTERNAL."),
    (
        Code::SaslExternalNotOffered,
        "The peer proved itself, but does not offer SASL EXTERNAL to us: our certificate does not \
         prove our domain to it, or it wants server dialback (XEP-0220), which is not spoken. Look \
         whether our own domain publishes our certificate, and whether the peer knows POSH.",
    ),
    (
        Code::SaslRefused,
        "The peer offered SASL EXTERNAL, and then refused our certificate. Its log says why; \
         ejabberd offers it to everybody, and decides afterwards.",
    ),
    (
        Code::SaslTemporaryFailure,
        "The peer could not check our certificate, for example because our web host did not answer \
         it in time.",
    ),
    (Code::StreamEstablished, "Each side has proved itself to the other, and stanzas may be sent."),
    (
        Code::StreamRefused,
        "The peer closed the stream because of who we are: it does not serve the domain \
         (host-unknown), or does not trust our certificate (not-authorized), or blocks us \
         (policy-violation). The detail has its words.",
    ),
    (
        Code::StreamError,
        "The peer closed the stream with an error that says nothing of who we are, for example because \
         it is being shut down. The detail has its words.",
    ),
    (
        Code::StreamLocalError,
        "The peer sent what the protocol does not allow there, and the stream was closed for it. The \
         detail has the condition.",
    ),
    (
        Code::StreamClosed,
        "The peer closed the connection in the middle of the negotiation without a reason. Its log may \
         have one.",
    ),
    (
        Code::StreamTimeout,
        "The peer did not go on in time. Prosody with an older POSH module does that when it cannot \
         read our document.",
    ),
    (
        Code::Overloaded,
        "As many streams are being brought up as the limits of this server allow. It passes by itself.",
    ),
    (
        Code::QueueFull,
        "More stanzas wait for the domain than the limits of this server allow, since it takes them \
         slowly or not at all.",
    ),
    (
        Code::NotOurDomain,
        "A stanza or a stream was to be from a domain that this server has no certificate for.",
    ),
    (Code::Stopping, "This server is being shut down. Try again when it is up."),
];
