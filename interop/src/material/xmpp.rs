//! Configurations and certificates of the XMPP servers.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use xmpp_s2s_testkit::Identity;

use super::{File, Material};
use crate::domain::Domain;
use crate::machine::Machine;

impl Material {
    pub(super) fn xmpp_files(&self) -> Vec<File> {
        let mut files = Vec::new();
        let is_there = |machine: &Machine| self.on(*machine).next().is_some();
        let foreign = [Machine::Prosody, Machine::Other].into_iter().filter(is_there);
        let ours = [Machine::Server, Machine::Caller, Machine::Host].into_iter().filter(is_there);
        for machine in foreign.clone().chain(ours.clone()) {
            files.push((machine, "xmpp-ca.pem".to_owned(), self.xmpp.root_pem()));
            files.push((machine, "web-ca.pem".to_owned(), self.web.root_pem()));
            files.extend(self.certificates(machine));
        }
        for machine in foreign {
            files.push((machine, "prosody.cfg.lua".to_owned(), self.prosody_cfg(machine)));
        }
        for machine in ours {
            files.push((machine, "server.toml".to_owned(), self.server_toml(machine)));
        }
        files
    }

    /// A file of its own for every domain, whatever it holds: Prosody's port for direct TLS looks
    /// for nothing else.
    fn certificates(&self, machine: Machine) -> Vec<File> {
        let shown = self.on(machine).filter_map(|domain| Some((domain.name, self.shown(domain)?)));
        let files = |(name, identity): (&str, &Identity)| {
            let certificate = (machine, format!("certs/{name}.crt"), identity.chain_pem());
            [certificate, (machine, format!("certs/{name}.key"), identity.key_pem())]
        };
        shown.flat_map(files).collect()
    }

    /// The trust of XMPP and of the web are kept apart by setting each alone: a global `ssl` would
    /// overrule them. Accounts that are made from outside are not seen in the storage `memory`.
    fn prosody_cfg(&self, machine: Machine) -> String {
        let mut cfg = String::from(
            "run_as_root = true\n\
             log = { debug = \"*console\" }\n\
             data_path = \"/var/lib/prosody\"\n\
             storage = \"internal\"\n\
             plugin_paths = { \"/plugins\" }\n\
             certificates = \"/lab/certs\"\n\
             use_ipv6 = false\n\
             c2s_ports = { 5222 }\n\
             s2s_ports = { 5269 }\n\
             s2s_direct_tls_ports = { 5270 }\n\
             s2s_require_encryption = true\n\
             s2s_secure_auth = true\n\
             s2s_ssl = { cafile = \"/lab/xmpp-ca.pem\" }\n\
             s2s_direct_tls_ssl = { cafile = \"/lab/xmpp-ca.pem\" }\n\
             client_https_ssl = { cafile = \"/lab/web-ca.pem\" }\n\
             modules_enabled = { \"tls\", \"saslauth\", \"ping\", \"admin_shell\", \
             \"s2s_posh_verify\" }\n\
             modules_disabled = { \"offline\" }\n\
             s2s_posh_timeout = 5\n",
        );
        for domain in self.on(machine) {
            let _ = writeln!(cfg, "VirtualHost \"{}\"", domain.name);
        }
        cfg
    }

    /// Its paths are relative: the host has its files elsewhere.
    fn server_toml(&self, machine: Machine) -> String {
        let address = match machine {
            Machine::Host => machine.address(self.network),
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let mut toml = format!(
            "listen = [\"{address}:5269\", \"{address}:5270\"]\n\
             resolver = \"{}:53\"\n\
             roots = [\"xmpp-ca.pem\"]\n\
             web-roots = [\"web-ca.pem\"]\n\
             allow-networks = [\"{}\"]\n",
            Machine::Dns.address(self.network),
            self.network
        );
        for Domain { name, .. } in self.on(machine) {
            let _ = write!(
                toml,
                "[[domain]]\n\
                 name = \"{name}\"\n\
                 certificate = \"certs/{name}.crt\"\n\
                 key = \"certs/{name}.key\"\n"
            );
        }
        toml
    }
}
