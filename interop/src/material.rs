use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use thiserror::Error;
use xmpp_s2s_testkit::{Authority, Identity};

use crate::domain::{COMPANIES, Certificate, Domain, WebHost};
use crate::machine::Machine;

mod dns;
mod web;
mod xmpp;

/// Everything that the machines of a lab read: zones, certificates, documents, configurations.
#[derive(Debug)]
pub(crate) struct Material {
    domains: Vec<Domain>,
    network: Ipv4Net,
    xmpp: Authority,
    web: Authority,
    unknown: Authority,
    /// What XMPP servers show, by the name that is in it.
    shown: HashMap<&'static str, Identity>,
}

impl Material {
    /// Makes the authorities, and the certificates that XMPP servers show.
    pub(crate) fn new(domains: &[Domain], network: Ipv4Net) -> Self {
        let domains = domains.to_vec();
        let xmpp = Authority::new("lab authority for XMPP");
        let mut shown = HashMap::new();
        for domain in &domains {
            if let Some(name) = domain.name_shown() {
                shown.entry(name).or_insert_with(|| identity(domain.certificate, name, &xmpp));
            }
        }
        let web = Authority::new("lab authority for web hosts");
        Self { domains, network, xmpp, web, unknown: Authority::new("nobody"), shown }
    }

    /// The domains of the lab.
    pub(crate) fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// In which network the machines are.
    pub(crate) fn network(&self) -> Ipv4Net {
        self.network
    }

    /// What the XMPP server of `domain` shows for it.
    pub(crate) fn shown(&self, domain: &Domain) -> Option<&Identity> {
        self.shown.get(domain.name_shown()?)
    }

    /// Writes what each machine reads to a folder of its name, which it sees as `/lab`.
    pub(crate) fn write(&self, to: &Path) -> Result<(), MaterialError> {
        for (path, text) in self.files() {
            let path = to.join(path);
            write(to, &path, &text).map_err(|source| MaterialError { path, source })?;
        }
        Ok(())
    }

    fn files(&self) -> Vec<(String, String)> {
        let server = Machine::Dns.address(self.network);
        let mut files = vec![("resolv.conf".to_owned(), format!("nameserver {server}\n"))];
        for (machine, path, text) in
            [self.dns_files(), self.web_files(), self.xmpp_files()].into_iter().flatten()
        {
            files.push((format!("{machine}/{path}"), text));
        }
        files
    }

    /// The domains whose XMPP server is `machine`.
    fn on(&self, machine: Machine) -> impl Iterator<Item = &Domain> {
        self.domains.iter().filter(move |domain| domain.machine == machine)
    }

    /// The names of all web hosts, with the condition of each.
    fn web_hosts(&self) -> impl Iterator<Item = (&'static str, WebHost)> {
        let of_domains = self.domains.iter().map(|domain| (domain.name, domain.web));
        let of_companies = COMPANIES.iter().map(|company| (company.name, WebHost::Up));
        of_domains.filter(|(_, web)| *web != WebHost::Down).chain(of_companies)
    }

    /// What a machine's hosting company shows for the domains that it hosts, if there are any.
    fn hosting(&self, machine: Machine) -> Option<&Identity> {
        self.shown.get(machine.hosting_name()?)
    }
}

fn identity(certificate: Certificate, name: &str, authority: &Authority) -> Identity {
    let template = xmpp_s2s_testkit::Certificate::new([name]);
    match certificate {
        Certificate::Hosting | Certificate::Own => authority.issue(&template),
        Certificate::SelfSigned => template.self_signed(),
        Certificate::Expired => authority.issue(&template.days(-30..-1)),
    }
}

/// Writes a file below `root` that the users of all containers can read, whatever the umask.
fn write(root: &Path, path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(root))?;
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))?;
    let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    folders
        .into_iter()
        .try_for_each(|folder| fs::set_permissions(folder, Permissions::from_mode(0o755)))
}

/// A file of a machine: its path under `/lab`, and its text.
type File = (Machine, String, String);

/// A file of the lab could not be written.
#[derive(Debug, Error)]
#[error("cannot write {}", path.display())]
pub struct MaterialError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}
