use std::collections::HashMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::container::{Container, Output};
use crate::engine::EngineError;
use crate::lab::Lab;
use crate::log::Silence;
use crate::machine::Machine;
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
}

impl<'a> Run<'a> {
    /// How long a machine may take to say what is waited for.
    const PATIENCE: Duration = Duration::from_secs(15);

    /// Begins a scenario: what the machines say from now on is about it.
    pub fn begin(site: &Site, lab: &'a Lab, name: &str) -> Self {
        let folder = site.folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        let marks = lab.machines().map(|(machine, container)| (machine, container.log.mark()));
        Self { lab, folder, marks: marks.collect() }
    }

    /// Ends it well: there is nothing to look into.
    pub fn passed(mut self) {
        self.marks.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Pings `to` with our server as `from`.
    pub async fn ping(&self, from: &str, to: &str) -> Result<Ping, Failure> {
        let command = ["federating-server", "ping", to, "--from", from, "--json"];
        let command = [&command[..], &["--config", "/lab/server.toml"]].concat();
        let output = self.machine(Machine::Caller)?.run(&command).await?;
        self.keep("trail.json", &output.stdout);
        self.keep("ping.log", &output.stderr);
        Ping::new(output)
    }

    /// Lets a Prosody ping `to` as `from`.
    pub async fn prosody_pings(
        &self,
        machine: Machine,
        from: &str,
        to: &str,
    ) -> Result<Output, Failure> {
        let command = ["prosodyctl", "--config", "/lab/prosody.cfg.lua", "shell", "xmpp", "ping"];
        let output = self.machine(machine)?.run(&[&command, &[from, to][..]].concat()).await?;
        self.keep("prosodyctl.log", &format!("{}{}", output.stdout, output.stderr));
        Ok(output)
    }

    /// Waits until a machine has said all of `words`, and gives all that it said meanwhile.
    pub async fn hear(&self, machine: Machine, words: &[&str]) -> Result<String, Failure> {
        let log = &self.machine(machine)?.log;
        let mark = self.mark(machine);
        let all = |text: &str| words.iter().all(|word| text.contains(word));
        log.wait_for(mark, Self::PATIENCE, all).await.map_err(|why| {
            let text = log.since(mark);
            let missing = words.iter().filter(|word| !text.contains(**word));
            Failure::Silent {
                machine,
                why,
                words: missing.map(|word| (*word).to_owned()).collect(),
            }
        })
    }

    /// The address of a machine.
    pub fn address(&self, machine: Machine) -> Ipv4Addr {
        machine.address(self.lab.subnet())
    }

    fn mark(&self, machine: Machine) -> usize {
        self.marks.get(&machine).copied().unwrap_or_default()
    }

    fn machine(&self, machine: Machine) -> Result<&Container, Failure> {
        self.lab.machine(machine).ok_or(Failure::NoMachine(machine))
    }

    /// Evidence is for people who look into a failure; it must not be another one.
    fn keep(&self, file: &str, text: &str) {
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

/// What our `ping` came to.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Its exit code.
    pub status: i64,
    report: Value,
}

/// One of the two streams of a ping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Ours, on which the ping goes out.
    Outbound,
    /// The peer's, on which the answer comes.
    Inbound,
}

impl Ping {
    fn new(output: Output) -> Result<Self, Failure> {
        let report = serde_json::from_str(&output.stdout);
        match (output.status, report) {
            (Some(status), Ok(report)) => Ok(Self { status, report }),
            _ => Err(Failure::NoReport(output)),
        }
    }

    /// What our decision about the peer came to.
    pub fn conclusion(&self, side: Side) -> Option<&str> {
        self.trail(side)["conclusion"].as_str()
    }

    /// The codes of the steps to it.
    pub fn codes(&self, side: Side) -> Vec<&str> {
        self.steps(side).filter_map(|step| step["code"].as_str()).collect()
    }

    /// The particulars of the steps with `code`.
    pub fn details(&self, side: Side, code: &str) -> Vec<&str> {
        let steps = self.steps(side).filter(|step| step["code"] == code);
        steps.filter_map(|step| step["detail"].as_str()).collect()
    }

    fn steps(&self, side: Side) -> impl Iterator<Item = &Value> {
        self.trail(side)["steps"].as_array().into_iter().flatten()
    }

    fn trail(&self, side: Side) -> &Value {
        match side {
            Side::Outbound => &self.report["outbound"],
            Side::Inbound => &self.report["inbound"],
        }
    }
}

/// Why a scenario failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// It needs a machine that no domain of the lab is on.
    #[error("the lab has no `{0}`")]
    NoMachine(Machine),
    /// A machine did not say what it should have said.
    #[error("`{machine}` did not say {words:?}: {why}")]
    Silent {
        /// Which.
        machine: Machine,
        /// Why there is no more to wait for.
        why: Silence,
        /// What it did not say.
        words: Vec<String>,
    },
    /// Our `ping` printed no trail.
    #[error("ping gave no report: {0:?}")]
    NoReport(Output),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is, is not what should be.
    #[error("{0}")]
    Unexpected(String),
}
