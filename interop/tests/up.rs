//! A lab that is kept for people.
#![allow(clippy::unwrap_used)]

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

#[test]
fn what_it_says_to_try_works_and_ctrl_c_clears_it_away() {
    let folder = TempDir::new().unwrap();
    let mut up = Up::start(&folder);
    let guide = up.guide();
    let codes = pings(&guide).map(|command| exit_code(&command)).collect::<Vec<_>>();
    assert_eq!(codes, [Some(0), Some(1), Some(4)], "{guide}");
    let gateway = gateway(&guide);
    assert!(TcpListener::bind((gateway, 0)).is_ok(), "{gateway} is not of this machine");
    assert_eq!(up.interrupt(), Some(0));
    assert!(TcpListener::bind((gateway, 0)).is_err(), "the network of {gateway} is still there");
}

/// The program, and what it prints.
struct Up {
    program: Child,
    printed: BufReader<ChildStdout>,
}

impl Up {
    fn start(folder: &TempDir) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_interop"));
        program.args(["up", "--folder", folder.path().to_str().unwrap()]);
        let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(program.stdout.take().unwrap());
        Self { program, printed }
    }

    /// All that is printed once the lab is up; what there is if it does not come up.
    fn guide(&mut self) -> String {
        let (mut guide, mut line) = (String::new(), String::new());
        while self.printed.read_line(&mut line).unwrap() > 0 && !line.starts_with("Ctrl-C") {
            guide.push_str(&line);
            line.clear();
        }
        guide
    }

    /// Ends it as Ctrl-C does, and gives its exit code.
    fn interrupt(&mut self) -> Option<i32> {
        let kill = format!("kill -INT {}", self.program.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        let ended = sent.and_then(|_| self.program.wait());
        ended.ok().and_then(|status| status.code())
    }
}

impl Drop for Up {
    /// A lab that has not been waited for is interrupted, so that it clears away.
    fn drop(&mut self) {
        if matches!(self.program.try_wait(), Ok(None)) {
            self.interrupt();
        }
    }
}

/// The commands that ping.
fn pings(guide: &str) -> impl Iterator<Item = String> {
    let commands = guide.replace("\\\n", "");
    let commands: Vec<String> = commands.lines().map(str::to_owned).collect();
    commands.into_iter().filter(|line| line.contains(" -- ping "))
}

fn exit_code(command: &str) -> Option<i32> {
    let mut shell = Command::new("sh");
    // What cargo tells this test about its package would make build scripts run again.
    for (name, _) in env::vars_os() {
        let ours = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        if name.to_str().is_some_and(|name| ours.iter().any(|ours| name.starts_with(ours))) {
            shell.env_remove(name);
        }
    }
    shell.args(["-c", command]).stdout(Stdio::null()).status().unwrap().code()
}

/// The address of this machine in the lab.
fn gateway(guide: &str) -> Ipv4Addr {
    let you = guide.lines().find_map(|line| line.trim_start().strip_prefix("you "));
    you.and_then(|line| line.split_whitespace().next()).unwrap().parse().unwrap()
}
