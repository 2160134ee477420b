use std::collections::HashMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::Ipv4Net;
use thiserror::Error;
use tokio::time::timeout;

use crate::container::{Container, Output};
use crate::domain::Domain;
use crate::engine::EngineError;
use crate::lab::Lab;
use crate::log::Silence;
use crate::machine::Machine;
use crate::ping::Ping;
use crate::program::ProgramError;
use crate::release::Release;
use crate::site::Site;

/// A scenario while it runs in a lab: what it does there, and what the machines say to it.
///
/// Unless it [`passed`](Self::passed) it leaves its trail and the log of every machine in a folder
/// of its name.
#[derive(Debug)]
pub struct Run<'a> {
    lab: &'a Lab,
    folder: PathBuf,
    marks: HashMap<Machine, usize>,
    pinged: OnceLock<Ping>,
}

impl<'a> Run<'a> {
    /// How long a machine may take to say what is waited for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

    /// How long a command may take: longer than any time-out of our server's.
    pub(crate) const COMMAND: Duration = Duration::from_secs(90);

    /// Begins a scenario: what the machines say from now on is about it.
    pub fn begin(site: &Site, lab: &'a Lab, name: &str) -> Self {
        let folder = site.folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        let _ = fs::remove_dir_all(&folder);
        let marks = lab.machines().map(|(machine, container)| (machine, container.log.mark()));
        Self { lab, folder, marks: marks.collect(), pinged: OnceLock::new() }
    }

    /// Where it leaves what it has to leave.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What our first ping came to, if there was one.
    pub(crate) fn pinged(&self) -> Option<&Ping> {
        self.pinged.get()
    }

    /// Ends it well: there is nothing to keep.
    pub fn passed(mut self) {
        self.marks.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Pings `to` with our server as `from`.
    pub async fn ping(&self, from: &str, to: &str) -> Result<Ping, Failure> {
        let command = ["federating-server", "ping", to, "--from", from, "--json"];
        let command = [&command[..], &["--config", "/lab/server.toml"]].concat();
        let output = self.command(Machine::Caller, &command).await?;
        self.keep("trail.json", &output.stdout);
        self.keep("ping.log", &output.stderr);
        let ping = Ping::new(output).map_err(Failure::NoReport)?;
        let _ = self.pinged.set(ping.clone());
        Ok(ping)
    }

    /// Lets a Prosody ping `to` as `from`.
    pub async fn prosody_pings(
        &self,
        machine: Machine,
        from: &str,
        to: &str,
    ) -> Result<Output, Failure> {
        let command = ["prosodyctl", "--config", "/lab/prosody.cfg.lua", "shell", "xmpp", "ping"];
        let output = self.command(machine, &[&command, &[from, to][..]].concat()).await?;
        self.keep("prosodyctl.log", &format!("{}{}", output.stdout, output.stderr));
        Ok(output)
    }

    /// Waits until a machine has said all of `words`, and gives all that it said meanwhile.
    pub async fn hear(&self, machine: Machine, words: &[&str]) -> Result<String, Failure> {
        self.wait_for(machine, words, |text| has_all(text, words)).await
    }

    /// The same, if all of `words` have to be in one line.
    pub async fn hear_line(&self, machine: Machine, words: &[&str]) -> Result<String, Failure> {
        let said = |text: &str| text.lines().any(|line| has_all(line, words));
        self.wait_for(machine, words, said).await
    }

    /// All that a machine has said by now.
    pub fn heard(&self, machine: Machine) -> Result<String, Failure> {
        Ok(self.machine(machine)?.log.since(self.mark(machine)))
    }

    async fn wait_for(
        &self,
        machine: Machine,
        words: &[&str],
        said: impl Fn(&str) -> bool,
    ) -> Result<String, Failure> {
        let log = &self.machine(machine)?.log;
        let heard = log.wait_for(self.mark(machine), Self::PATIENCE, said).await;
        let words = || words.iter().map(|word| (*word).to_owned()).collect();
        heard.map_err(|why| Failure::Silent { machine, why, words: words() })
    }

    /// The machines that it has.
    pub(crate) fn machines(&self) -> impl Iterator<Item = Machine> {
        Machine::ALL.into_iter().filter(|machine| self.lab.machine(*machine).is_some())
    }

    /// The domains of the lab.
    pub(crate) fn domains(&self) -> &[Domain] {
        self.lab.material().domains()
    }

    /// The network of the lab.
    pub(crate) fn network(&self) -> Ipv4Net {
        self.lab.material().network()
    }

    /// The file that `machine` sees at this path below `/lab`, as it is here.
    pub(crate) fn file(&self, machine: Machine, path: &str) -> PathBuf {
        self.lab.folder.join(machine.name()).join(path)
    }

    /// The address of a machine.
    pub fn address(&self, machine: Machine) -> Ipv4Addr {
        machine.address(self.lab.material().network())
    }

    /// SHA-256 of the certificate that the XMPP server of `domain` shows, as documents spell it.
    pub fn digest(&self, domain: &Domain) -> Result<String, Failure> {
        let shown = self.lab.material().shown(domain);
        let digest = shown.ok_or(Failure::NoMachine(domain.machine))?.sha256();
        Ok(format!("sha-256 {}", STANDARD.encode(digest)))
    }

    /// What comes of `work` while a machine is held.
    pub(crate) async fn while_held<T>(
        &self,
        machine: Machine,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let container = self.machine(machine)?;
        container.pause().await?;
        let outcome = work.await;
        container.resume().await?;
        outcome
    }

    pub(crate) async fn command(
        &self,
        machine: Machine,
        command: &[&str],
    ) -> Result<Output, Failure> {
        let ended = timeout(Self::COMMAND, self.machine(machine)?.run(command)).await;
        Ok(ended.map_err(|_| Failure::Endless { machine, command: command.join(" ") })??)
    }

    fn mark(&self, machine: Machine) -> usize {
        self.marks.get(&machine).copied().unwrap_or_default()
    }

    pub(crate) fn machine(&self, machine: Machine) -> Result<&Container, Failure> {
        self.lab.machine(machine).ok_or(Failure::NoMachine(machine))
    }

    /// Evidence is for people who look into a failure; it must not be another one.
    pub(crate) fn keep(&self, file: &str, text: &str) {
        let written = fs::create_dir_all(&self.folder);
        if let Err(why) = written.and_then(|()| fs::write(self.folder.join(file), text)) {
            eprintln!("lab: cannot keep {file}: {why}");
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        for machine in self.marks.keys() {
            if let Some(container) = self.lab.machine(*machine) {
                self.keep(&format!("{machine}.log"), &container.log.since(0));
            }
        }
        if !self.marks.is_empty() {
            eprintln!("lab: what happened is in {}", self.folder.display());
        }
    }
}

pub(crate) fn has_all(text: &str, words: &[&str]) -> bool {
    words.iter().all(|word| text.contains(word))
}

/// Why a scenario failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// It needs a lab that nobody asked for.
    #[error("there is no lab with {0}")]
    NoLab(Release),
    /// It needs a machine that no domain of the lab is on.
    #[error("the lab has no `{0}`")]
    NoMachine(Machine),
    /// A machine did not say what it should have said.
    #[error("`{machine}` did not say all of {words:?}: {why}")]
    Silent {
        /// Which.
        machine: Machine,
        /// Why there is no more to wait for.
        why: Silence,
        /// Of what at least a part is missing.
        words: Vec<String>,
    },
    /// A command did not end.
    #[error("`{command}` on `{machine}` did not end")]
    Endless {
        /// Where.
        machine: Machine,
        /// Which.
        command: String,
    },
    /// A person's client did not send what it was given.
    #[error("the client did not send: {0:?}")]
    NotSent(Output),
    /// Our `ping` printed no trail.
    #[error("ping gave no report: {0:?}")]
    NoReport(Output),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no program to look at domains with.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It did not start.
    #[error("cannot run {}", .0.display())]
    Start(PathBuf, #[source] std::io::Error),
    /// What is, is not what should be: in words, since there are as many kinds as there are things
    /// to look at, and only people read which it was.
    #[error("{0}")]
    Unexpected(String),
}
