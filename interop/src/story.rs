use std::fmt::Write as _;

use crate::machine::Machine;
use crate::ping::{Ping, Side};
use crate::run::Run;

/// What happened so far in a run, for people: who is at which address, our trails, then what the
/// servers and the web hosts had to say.
pub(crate) fn story(run: &Run<'_>) -> String {
    let mut story = String::new();
    for machine in run.machines() {
        let _ = writeln!(story, "  {:15} {machine}", run.address(machine));
    }
    if let Some(ping) = run.pinged() {
        trail(&mut story, "our stream to it", ping, Side::Outbound);
        trail(&mut story, "its stream to us", ping, Side::Inbound);
    }
    for machine in Machine::ALL {
        let said = run.heard(machine).unwrap_or_default();
        let mut lines = said.lines().filter(|line| matters(machine, line)).peekable();
        if lines.peek().is_some() {
            let _ = writeln!(story, "\n{machine}");
        }
        for line in lines {
            let _ = writeln!(story, "  {line}");
        }
    }
    story
}

fn trail(story: &mut String, title: &str, ping: &Ping, side: Side) {
    let mut steps = ping.steps(side).peekable();
    if steps.peek().is_some() {
        let _ = writeln!(story, "\n{title}");
    }
    for step in steps {
        let [phase, code, detail] =
            ["phase", "code", "detail"].map(|name| step[name].as_str().unwrap_or_default());
        let line = format!("  {phase:10}  {code:25}  {detail}");
        let _ = writeln!(story, "{}", line.trim_end());
    }
}

/// Whether a line of a machine's log is about who is proved, by what and to whom.
fn matters(machine: Machine, line: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| line.contains(word));
    match machine {
        Machine::Dns | Machine::Caller | Machine::Client | Machine::Host => false,
        Machine::Web => any(&[" GET "]),
        Machine::Prosody | Machine::Other => {
            let stream = any(&["Incoming s2s ", "Outgoing s2s "]) && line.contains("->");
            stream || any(&["POSH ", "Accepting SASL EXTERNAL", "Forbidding "])
        }
        Machine::Server => any(&["s2s decision"]),
    }
}
