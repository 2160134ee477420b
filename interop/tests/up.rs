//! A lab that is kept for people.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use interop::without_package;

#[test]
fn what_it_says_to_try_works_and_ctrl_c_clears_it_away() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("up");
    let mut up = Command::new(env!("CARGO_BIN_EXE_interop"));
    let mut up = Running::start(up.arg("up").arg("--folder").arg(folder));
    let guide = up.until("Ctrl-C");
    let pings = commands(&guide, " -- ping ").map(|command| exit_code(&command));
    assert_eq!(pings.collect::<Vec<_>>(), [Some(0), Some(1), Some(4)], "{guide}");
    the_certificate_listed_is_the_one_shown(&guide);
    a_server_of_others_gets_an_answer(&guide);
    let gateway = gateway(&guide);
    assert!(TcpListener::bind((gateway, 0)).is_ok(), "{gateway} is not of this machine");
    assert_eq!(up.interrupt(), Some(0));
    assert!(TcpListener::bind((gateway, 0)).is_err(), "the network of {gateway} is still there");
}

fn the_certificate_listed_is_the_one_shown(guide: &str) {
    let [listed, shown] = ["curl ", "openssl "].map(|program| output(&command(guide, program)));
    let listed_as = format!("\"sha-256\":\"{}\"", shown.trim());
    assert!(listed.contains(&listed_as), "not {listed_as}: {listed}");
}

fn a_server_of_others_gets_an_answer(guide: &str) {
    let mut serve = shell(&format!("exec {} 2>&1", command(guide, " -- serve ")));
    let mut serving = Running::start(&mut serve);
    let started = serving.until("listening");
    let pinged = output(&command(guide, " xmpp ping "));
    assert!(pinged.contains("pong from you.example"), "{pinged}; {started}");
    assert_eq!(serving.interrupt(), Some(0));
}

/// A program, and what it prints.
struct Running {
    program: Child,
    printed: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(program.stdout.take().unwrap());
        Self { program, printed }
    }

    /// All that is printed before the first line with `word` in it; what there is if none comes.
    fn until(&mut self, word: &str) -> String {
        let (mut text, mut line) = (String::new(), String::new());
        while self.printed.read_line(&mut line).unwrap() > 0 && !line.contains(word) {
            text.push_str(&line);
            line.clear();
        }
        text
    }

    /// Ends it as Ctrl-C does, and gives its exit code.
    fn interrupt(&mut self) -> Option<i32> {
        let sent = shell(&format!("kill -INT {}", self.program.id())).status();
        let ended = sent.and_then(|_| self.program.wait());
        ended.ok().and_then(|status| status.code())
    }
}

impl Drop for Running {
    /// Whatever has not been waited for is interrupted: a lab clears away then.
    fn drop(&mut self) {
        if matches!(self.program.try_wait(), Ok(None)) {
            self.interrupt();
        }
    }
}

/// The commands with `words` in them, each in a line.
fn commands(guide: &str, words: &str) -> impl Iterator<Item = String> {
    let joined = guide.replace("\\\n", "");
    let commands: Vec<String> = joined
        .lines()
        .filter(|line| line.starts_with("    ") && line.contains(words))
        .map(str::to_owned)
        .collect();
    commands.into_iter()
}

/// The first of them.
fn command(guide: &str, words: &str) -> String {
    commands(guide, words).next().unwrap_or_else(|| panic!("no command with {words:?}: {guide}"))
}

fn exit_code(command: &str) -> Option<i32> {
    shell(command).stdout(Stdio::null()).status().unwrap().code()
}

fn output(command: &str) -> String {
    let output = shell(command).stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    without_package(&mut shell);
    shell.args(["-c", command]);
    shell
}

/// The address of this machine in the lab.
fn gateway(guide: &str) -> Ipv4Addr {
    let you = guide.lines().find_map(|line| line.trim_start().strip_prefix("you "));
    you.and_then(|line| line.split_whitespace().next()).unwrap().parse().unwrap()
}
