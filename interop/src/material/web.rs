//! nginx's configuration, and what every web host publishes.

use std::time::Duration;

use posh::{HashFunction, Profile, Service, publish};
use rustls_pki_types::DnsName;
use serde_json::Value;
use url::Url;
use xmpp_s2s_testkit::{Authority, Identity};

use super::{File, Material};
use crate::domain::{COMPANIES, Company, Document, Domain, WebHost};
use crate::machine::Machine;

/// How long a document is good for: longer than any run.
const EXPIRES: Duration = Duration::from_secs(86_400);

impl Material {
    pub(super) fn web_files(&self) -> Vec<File> {
        let mut files = vec![("nginx.conf".to_owned(), self.nginx_conf())];
        for (name, web) in self.web_hosts() {
            let identity = self.web_authority(web).issue_for(name);
            files.push((format!("certs/{name}.crt"), identity.chain_pem()));
            files.push((format!("certs/{name}.key"), identity.key_pem()));
        }
        files.extend(self.domains.iter().filter_map(|domain| self.publish(domain)));
        files.extend(COMPANIES.iter().flat_map(|company| self.lists(company)));
        files.into_iter().map(|(path, text)| (Machine::Web, path, text)).collect()
    }

    fn publish(&self, domain: &Domain) -> Option<(String, String)> {
        let (profile, document) = match domain.document {
            Document::Absent => return None,
            Document::Direct(profile) => (profile, list(self.shown(domain)?, profile)),
            Document::Withdrawn => {
                (Profile::Rfc7711, withdrawn(&list(self.shown(domain)?, Profile::Rfc7711)))
            }
            Document::Another(profile) => {
                (profile, list(&self.unknown.issue_for(domain.name), profile))
            }
            Document::Reference(profile) => {
                let url = Company::of(domain.machine)?.url(profile).parse().ok()?;
                let reference = publish::reference(&url, profile, EXPIRES)
                    .expect("the lab's companies have URLs that may be referred to");
                (profile, reference)
            }
        };
        let source = DnsName::try_from(domain.name).ok()?;
        Some((path(&Service::XMPP_SERVER.url(&source, profile).ok()?), document))
    }

    fn lists(&self, company: &Company) -> Vec<(String, String)> {
        let Some(identity) = company.machines.first().and_then(|first| self.hosting(*first)) else {
            return Vec::new();
        };
        let list = |profile: Profile| {
            let url = company.url(profile).parse().ok()?;
            Some((path(&url), list(identity, profile)))
        };
        [Profile::Draft02, Profile::Rfc7711].into_iter().filter_map(list).collect()
    }

    fn web_authority(&self, web: WebHost) -> &Authority {
        match web {
            WebHost::Untrusted => &self.unknown,
            WebHost::Up | WebHost::Slow | WebHost::Silent | WebHost::Down => &self.web,
        }
    }

    fn nginx_conf(&self) -> String {
        let hosts: String = self.web_hosts().map(|(name, web)| server(name, web)).collect();
        format!(
            "daemon off;\n\
             pid /tmp/nginx.pid;\n\
             error_log /dev/stderr info;\n\
             events {{ }}\n\
             http {{\n\
             \tlog_format lab '$remote_addr GET https://$host$request_uri $status';\n\
             \taccess_log /dev/stdout lab;\n\
             \tdefault_type application/json;\n\
             \tserver {{ listen 443 ssl default_server; ssl_reject_handshake on; }}\n\
             {hosts}}}\n"
        )
    }
}

fn list(identity: &Identity, profile: Profile) -> String {
    let certificates = [identity.leaf().clone()];
    publish::document(&certificates, profile, &[HashFunction::Sha256], EXPIRES)
        .expect("the lab's certificates have keys that both profiles know")
}

/// The same list, good for no time at all, which `publish` does not make.
fn withdrawn(document: &str) -> String {
    let mut document: Value = serde_json::from_str(document).expect("a document is JSON");
    document["expires"] = 0.into();
    document.to_string()
}

/// Where the document of a URL lies.
fn path(url: &Url) -> String {
    format!("documents/{}{}", url.host_str().unwrap_or_default(), url.path())
}

/// The slow host sends so many bytes a second, heads included: a list of fingerprints takes two or
/// three seconds, and Prosody waits for five.
///
/// nginx waits before it says that a password is missing, which is all it ever says where there is
/// none: the silent host takes the request and waits longer than anybody.
fn server(name: &str, web: WebHost) -> String {
    let condition = match web {
        WebHost::Slow => "\t\tlimit_rate 120;\n",
        WebHost::Silent => {
            "\t\tauth_basic silent;\n\t\tauth_basic_user_file /dev/null;\n\t\tauth_delay 1h;\n"
        }
        WebHost::Up | WebHost::Untrusted | WebHost::Down => "",
    };
    format!(
        "\tserver {{\n\
         \t\tlisten 443 ssl;\n\
         \t\tserver_name {name};\n\
         \t\tssl_certificate /lab/certs/{name}.crt;\n\
         \t\tssl_certificate_key /lab/certs/{name}.key;\n\
         \t\troot /lab/documents/{name};\n\
         {condition}\
         \t}}\n"
    )
}
