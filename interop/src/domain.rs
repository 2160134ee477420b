use posh::Profile;

use crate::machine::Machine;

/// Every hosting company.
pub(crate) static COMPANIES: [Company; 3] = [
    Company { name: "hosting.example", machines: &[Machine::Prosody] },
    Company { name: "elsewhere.example", machines: &[Machine::Other] },
    Company { name: "ours.example", machines: &[Machine::Server, Machine::Caller, Machine::Host] },
];

/// A domain of the lab.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Domain {
    /// Its name, and that of its zone.
    pub name: &'static str,
    /// On which machine its XMPP server runs.
    pub machine: Machine,
    /// Which kind of SRV record it has.
    pub transport: Transport,
    /// The certificate that its XMPP server shows.
    pub certificate: Certificate,
    /// What it publishes.
    pub document: Document,
    /// What becomes of a request to its web host.
    pub web: WebHost,
    /// Who has an account there.
    pub person: Person,
}

/// How an XMPP server wants to be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// Only by `_xmpp-server._tcp` records.
    Starttls,
    /// Only by `_xmpps-server._tcp` records (XEP-0368).
    Direct,
}

/// Which certificate an XMPP server shows for a domain. But for one they are of the lab's
/// authority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// Its hosting company's, which names the company's server and nothing else.
    Hosting,
    /// An ordinary one of its own.
    Own,
    /// One of its own, which no authority has signed.
    SelfSigned,
    /// One of its own, which was good until yesterday.
    Expired,
}

/// What a domain publishes over HTTPS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Document {
    /// The certificate that its XMPP server shows.
    Direct(Profile),
    /// Where the hosting company lists it.
    Reference(Profile),
    /// A certificate that nobody shows.
    Another(Profile),
    /// The certificate that its XMPP server shows, good for no time at all (RFC 7711 §3.1).
    Withdrawn,
    /// Nothing.
    Absent,
}

/// What becomes of a request to a web host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebHost {
    /// It is answered.
    Up,
    /// The web host shows a certificate of an authority that nobody has heard of.
    Untrusted,
    /// It is answered in full, drop by drop: within seconds, and before anybody gives up.
    Slow,
    /// The web host takes it, and does not answer.
    Silent,
    /// Nothing listens there.
    Down,
}

/// Who has an account on a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Person {
    /// Nobody.
    Nobody,
    /// Somebody with a client.
    Juliet,
}

impl Person {
    /// Everybody's.
    pub(crate) const PASSWORD: &str = "secret";

    /// The local part of the account.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Juliet => Some("juliet"),
        }
    }
}

impl Domain {
    /// A domain that does not hold its hoster's certificate.
    pub const fn hosted(machine: Machine, name: &'static str, document: Document) -> Self {
        Self {
            name,
            machine,
            transport: Transport::Starttls,
            certificate: Certificate::Hosting,
            document,
            web: WebHost::Up,
            person: Person::Nobody,
        }
    }

    /// A domain whose XMPP server has an ordinary certificate for it.
    pub const fn ordinary(machine: Machine, name: &'static str) -> Self {
        let hosted = Self::hosted(machine, name, Document::Absent);
        Self { certificate: Certificate::Own, ..hosted }
    }

    /// The same, over direct TLS.
    pub const fn direct(self) -> Self {
        Self { transport: Transport::Direct, ..self }
    }

    /// The same, with another certificate.
    pub const fn showing(self, certificate: Certificate) -> Self {
        Self { certificate, ..self }
    }

    /// The same, with a web host in another condition.
    pub const fn behind(self, web: WebHost) -> Self {
        Self { web, ..self }
    }

    /// The same, with an account for somebody.
    pub const fn home_of(self, person: Person) -> Self {
        Self { person, ..self }
    }

    /// The account of who lives there.
    pub(crate) fn account(&self) -> String {
        format!("{}@{}", self.person.name().unwrap_or_default(), self.name)
    }

    /// The only name in the certificate that its XMPP server shows.
    pub(crate) fn name_shown(&self) -> Option<&'static str> {
        match self.certificate {
            Certificate::Hosting => self.machine.hosting_name(),
            Certificate::Own | Certificate::SelfSigned | Certificate::Expired => Some(self.name),
        }
    }
}

/// A company that hosts domains: its zone, and the servers in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Company {
    /// Its name, and that of its zone.
    pub name: &'static str,
    /// Its XMPP servers. Its documents are about the certificate of the first.
    pub machines: &'static [Machine],
}

impl Company {
    /// The company that runs a machine.
    pub fn of(machine: Machine) -> Option<&'static Self> {
        COMPANIES.iter().find(|company| company.machines.contains(&machine))
    }

    /// Where it lists its certificate for those who refer to it.
    pub fn url(&self, profile: Profile) -> String {
        let file = match profile {
            Profile::Draft02 => "keys",
            _ => "fingerprints",
        };
        format!("https://{}/posh/{file}.json", self.name)
    }
}
