//! Every key of the file: what it is for, an example, and what it has to have.

use super::table::{Key, Need};

pub(super) const LISTEN: Key = Key {
    name: "listen",
    about: "Where to listen, for IPv4 and IPv6 apart. Each address takes STARTTLS and direct TLS: \
            the first byte tells which.",
    example: "[\"0.0.0.0:5269\", \"[::]:5269\"]",
    need: Need::Required,
    whole: "a list of addresses, such as [\"0.0.0.0:5269\", \"[::]:5269\"]",
    item: "an IP address with a port, such as \"0.0.0.0:5269\" or \"[::]:5269\"",
};
pub(super) const RESOLVER: Key = Key {
    name: "resolver",
    about: "The DNS server to ask. Without this, those of /etc/resolv.conf are asked.",
    example: "\"192.0.2.53:53\"",
    need: Need::Optional,
    whole: "an IP address with a port in quotes, such as \"192.0.2.53:53\"",
    item: "an IP address with a port in quotes, such as \"192.0.2.53:53\"",
};
pub(super) const ROOTS: Key = Key {
    name: "roots",
    about: "PEM files with the authorities to trust for the certificates of XMPP servers. Without \
            this, those of the system are trusted.",
    example: "[\"xmpp-ca.pem\"]",
    need: Need::Optional,
    whole: "a list of PEM files with trust anchors, or no such key to trust the system's",
    item: "the path of a PEM file with trust anchors, in quotes",
};
pub(super) const WEB_ROOTS: Key = Key {
    name: "web-roots",
    about: "The same for the web hosts that publish by POSH. The two never stand in for each other.",
    example: "[\"web-ca.pem\"]",
    ..ROOTS
};
pub(super) const ALLOW_NETWORKS: Key = Key {
    name: "allow-networks",
    about: "Networks to connect to although they are not public, for XMPP and for POSH. Without \
            this, nobody can lead this server to private addresses.",
    example: "[\"172.28.0.0/24\", \"fd00::/8\"]",
    need: Need::Optional,
    whole: "a list of networks, such as [\"172.28.0.0/24\", \"fd00::/8\"]",
    item: "a network, such as \"172.28.0.0/24\" or \"fd00::/8\"",
};
pub(super) const PROOFTYPES: Key = Key {
    name: "prooftypes",
    about: "What proves other domains, one of these being enough: a certificate of their own \
            (pkix), or one that they publish over HTTPS (posh). Without this, either does.",
    example: "[\"pkix\", \"posh\"]",
    need: Need::Optional,
    whole: "a list of prooftypes, such as [\"pkix\", \"posh\"] or [\"posh\"]",
    item: "a prooftype: \"pkix\" or \"posh\"",
};
pub(super) const BLOCK: Key = Key {
    name: "block",
    about: "Domains whose connections are refused whatever they prove. The domains below them are \
            others, and have to be named too.",
    example: "[\"spam.example\"]",
    need: Need::Optional,
    whole: "a list of domain names, such as [\"spam.example\"]",
    item: "a domain name, such as \"spam.example\"",
};
pub(super) const DOMAIN: Key = Key {
    name: "domain",
    about: "Who we are: a table for each domain. Sub-domains are domains of their own. So \
            conference.hosted.example needs a table too, and where it is hosted, a POSH document \
            of its own on https://conference.hosted.example: that of hosted.example does not \
            speak for it.",
    example: "",
    need: Need::Required,
    whole: "a table [[domain]], in two brackets, for each domain",
    item: "a table [[domain]], in two brackets",
};
pub(super) const PEER: Key = Key {
    name: "peer",
    about: "What proves one other domain, in place of what is said for all. With posh alone \
            nothing but its POSH document does, which is the strict form.",
    example: "",
    need: Need::Optional,
    whole: "a table [[peer]], in two brackets, for each domain",
    item: "a table [[peer]], in two brackets",
};
pub(super) const NAME: Key = Key {
    name: "name",
    about: "The domain, as it stands in addresses.",
    example: "\"hosted.example\"",
    need: Need::Required,
    whole: "a domain name, such as \"im.example.org\"",
    item: "a domain name, such as \"im.example.org\"",
};
pub(super) const CERTIFICATE: Key = Key {
    name: "certificate",
    about: "PEM: the server's own certificate first, then those that lead to its authority. It \
            names the domain, or the domain publishes it by POSH.",
    example: "\"hosting.crt\"",
    need: Need::Required,
    whole: "the path of a PEM file with certificates, in quotes",
    item: "the path of a PEM file with certificates, in quotes",
};
pub(super) const KEY: Key = Key {
    name: "key",
    about: "PEM: the private key of the first certificate, without a passphrase.",
    example: "\"hosting.key\"",
    need: Need::Required,
    whole: "the path of a PEM file with a private key, in quotes",
    item: "the path of a PEM file with a private key, in quotes",
};

pub(super) const PEER_NAME: Key = Key { example: "\"partner.example\"", ..NAME };
pub(super) const PEER_PROOFTYPES: Key = Key { example: "[\"posh\"]", ..PROOFTYPES };

/// The keys of the file itself, in the order of the sample.
pub(super) const TOP: [&Key; 9] =
    [&LISTEN, &RESOLVER, &ROOTS, &WEB_ROOTS, &ALLOW_NETWORKS, &PROOFTYPES, &BLOCK, &DOMAIN, &PEER];
/// The keys of a `[[domain]]`.
pub(super) const OF_DOMAIN: [&Key; 3] = [&NAME, &CERTIFICATE, &KEY];
/// The keys of a `[[peer]]`.
pub(super) const OF_PEER: [&Key; 2] = [&PEER_NAME, &PEER_PROOFTYPES];
