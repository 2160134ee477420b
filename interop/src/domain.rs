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
    /// Who signed the certificate of its web host.
    pub web: WebAuthority,
}

/// How an XMPP server wants to be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// Only by `_xmpp-server._tcp` records.
    Starttls,
    /// Only by `_xmpps-server._tcp` records (XEP-0368).
    Direct,
}

/// Which certificate an XMPP server shows for a domain. Both are of the lab's authority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// Its hosting company's, which names the company's server and nothing else.
    Hosting,
    /// An ordinary one of its own.
    Own,
}

/// What a domain publishes over HTTPS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Document {
    /// The certificate of its hosting company.
    Direct(Profile),
    /// Where the hosting company lists it.
    Reference(Profile),
    /// A certificate that nobody shows.
    Another(Profile),
    /// Nothing.
    Absent,
}

/// Who signed a web host's certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebAuthority {
    /// The authority that everybody in the lab trusts for web hosts.
    Trusted,
    /// One that nobody has heard of.
    Unknown,
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
            web: WebAuthority::Trusted,
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

    /// The same, with a web host that nobody trusts.
    pub const fn untrusted(self) -> Self {
        Self { web: WebAuthority::Unknown, ..self }
    }

    /// The only name in the certificate that its XMPP server shows.
    pub(crate) fn name_shown(&self) -> Option<&'static str> {
        match self.certificate {
            Certificate::Hosting => self.machine.hosting_name(),
            Certificate::Own => Some(self.name),
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
