//! BIND's configuration, and a zone for each domain and each hosting company.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::{File, Material};
use crate::domain::{COMPANIES, Company, Domain, Transport, WebHost};
use crate::machine::Machine;

const NAME_SERVER: &str = "ns.lab.example.";

impl Material {
    pub(super) fn dns_files(&self) -> Vec<File> {
        let name_server = format!("{NAME_SERVER} A {}\n", self.address(Machine::Dns));
        let mut zones = vec![(".", zone(&name_server))];
        zones.extend(self.domains.iter().map(|domain| (domain.name, self.domain_zone(domain))));
        zones.extend(COMPANIES.iter().map(|company| (company.name, self.company_zone(company))));
        let names: Vec<&str> = zones.iter().map(|(name, _)| *name).collect();
        let mut files = vec![(Machine::Dns, "named.conf".to_owned(), named_conf(&names))];
        for (name, text) in zones {
            files.push((Machine::Dns, zone_file(name), text));
        }
        files
    }

    fn domain_zone(&self, domain: &Domain) -> String {
        let (service, port) = match domain.transport {
            Transport::Starttls => ("_xmpp-server._tcp", 5269),
            Transport::Direct => ("_xmpps-server._tcp", 5270),
        };
        let mut zone = zone(&self.web_address(domain.web));
        if let Some(target) = domain.machine.target() {
            let _ = writeln!(zone, "{service} SRV 0 0 {port} {target}.");
        }
        zone
    }

    fn company_zone(&self, company: &Company) -> String {
        let mut zone = zone(&self.web_address(WebHost::Up));
        for machine in company.machines {
            if let Some(target) = machine.target() {
                let _ = writeln!(zone, "{target}. A {}", self.address(*machine));
            }
        }
        zone
    }

    /// A domain's own address is that of its web host: its XMPP server is found by SRV alone.
    fn web_address(&self, web: WebHost) -> String {
        let machine = match web {
            WebHost::Up | WebHost::Slow | WebHost::Untrusted | WebHost::Silent => Machine::Web,
            // No web server runs there.
            WebHost::Down => Machine::Dns,
        };
        format!("@ A {}\n", self.address(machine))
    }

    fn address(&self, machine: Machine) -> Ipv4Addr {
        machine.address(self.network)
    }
}

fn zone(records: &str) -> String {
    format!(
        "$TTL 60\n\
         @ SOA {NAME_SERVER} nobody.lab.example. 1 3600 600 86400 60\n\
         @ NS {NAME_SERVER}\n\
         {records}"
    )
}

fn zone_file(name: &str) -> String {
    match name {
        "." => "zones/root".to_owned(),
        name => format!("zones/{name}"),
    }
}

/// With a root zone of its own BIND knows at once that any other name does not exist.
fn named_conf(zones: &[&str]) -> String {
    let mut conf = String::from(
        "options {\n\
         \tdirectory \"/tmp\";\n\
         \tpid-file none;\n\
         \tsession-keyfile none;\n\
         \tlisten-on { any; };\n\
         \tlisten-on-v6 { none; };\n\
         \tallow-query { any; };\n\
         \trecursion yes;\n\
         \tallow-recursion { any; };\n\
         \tdnssec-validation no;\n\
         \tempty-zones-enable no;\n\
         \tmax-cache-size 16M;\n\
         };\n\
         controls { };\n",
    );
    for name in zones {
        let file = zone_file(name);
        let _ = writeln!(conf, "zone \"{name}\" {{ type primary; file \"/lab/{file}\"; }};");
    }
    conf
}
