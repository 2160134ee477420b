//! The built program, in a world of its own.

use std::fs;
use std::process::Output;
use std::time::Duration;

use posh::Profile;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;
use xmpp_s2s_testkit::{Certificate, Identity, Purpose, Reply, Server, World, well_known};

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(30);

/// The name in the certificates of the hosting company.
const HOSTING: &str = "s2s.hosting.example";

/// A world, and a folder to work in with the authorities of it.
pub(crate) struct Scenery {
    pub(crate) world: World,
    pub(crate) folder: TempDir,
    web_hosts: Vec<String>,
}

impl Scenery {
    pub(crate) async fn build() -> Self {
        let world = World::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let roots = world.xmpp_authority.root_pem() + &world.web_authority.root_pem();
        fs::write(folder.path().join("ca.pem"), roots).unwrap();
        Self { world, folder, web_hosts: Vec::new() }
    }

    /// A certificate of the hosting company, in a PEM file of this name.
    pub(crate) fn certificate(&self, file: &str) -> Identity {
        let certificate = Certificate::new([HOSTING]).purpose(Purpose::ServerAndClient);
        let identity = self.world.xmpp_authority.issue(&certificate);
        fs::write(self.folder.path().join(file), identity.chain_pem()).unwrap();
        identity
    }

    /// Starts a server for `domain` that shows this certificate.
    pub(crate) async fn serve(&self, domain: &str, identity: &Identity) -> Server {
        self.world.server(HOSTING).domain(domain, identity).start().await.unwrap()
    }

    /// Opens the web host of `domain`, where nothing is published yet.
    pub(crate) fn open_web_host(&mut self, domain: &str) {
        self.world.open_web_host(domain);
        self.web_hosts.push(domain.to_owned());
    }

    /// Makes `domain` publish these certificates.
    pub(crate) fn publish(&mut self, domain: &str, profile: Profile, identities: &[&Identity]) {
        self.open_web_host(domain);
        self.world.publish(domain, profile, identities);
    }

    /// Lets the web host of `domain` serve what is below `www` in the folder.
    pub(crate) fn deploy(&self, domain: &str) {
        for profile in [Profile::Rfc7711, Profile::Draft02] {
            let url = well_known(domain, profile);
            let file = self.folder.path().join("www").join(url.path().trim_start_matches('/'));
            if let Ok(document) = fs::read(file) {
                self.world.web.serve(domain, url.path(), Reply::json(document));
            }
        }
    }

    /// Runs the program in the folder, with these arguments and nothing of the network.
    pub(crate) async fn offline(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poshctl"));
        for name in ["NO_COLOR", "LC_CTYPE", "LANG"] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8").current_dir(self.folder.path()).kill_on_drop(true);
        let output = timeout(DEADLINE, command.args(arguments).output()).await;
        Ended::of(output.expect("it ends in time").unwrap())
    }

    /// Runs the program in this world.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let resolver = self.world.dns.address().to_string();
        let mut arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        arguments.extend(["--resolver".to_owned(), resolver]);
        arguments
            .extend(["--cacert", "ca.pem", "--allow-network", "127.0.0.0/8"].map(String::from));
        for host in &self.web_hosts {
            let web = self.world.web.address();
            arguments.extend(["--connect-to".to_owned(), format!("{host}:443:{web}")]);
        }
        self.offline(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

/// What the program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        Self { code: status.code(), stdout, stderr }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
