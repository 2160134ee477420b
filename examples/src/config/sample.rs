//! A file to begin with: every key that the reader knows, explained.

use std::fmt::Write as _;

use super::keys::{DOMAIN, OF_DOMAIN, OF_PEER, PEER, TOP};
use super::table::{Key, Need};

/// How wide the sample is.
const WIDTH: usize = 100;

const HEAD: &str = "\
# What federating-server serves, and how. Paths are relative to this file. Keys that begin with #
# are optional, and show an example.
#
#   federating-server serve --config server.toml
";

/// A file with every key: those that have to be there, and the others as comments.
pub(crate) fn sample() -> String {
    let mut text = HEAD.to_owned();
    for key in TOP {
        match key.name {
            name if name == DOMAIN.name => table(&mut text, key, &OF_DOMAIN),
            name if name == PEER.name => table(&mut text, key, &OF_PEER),
            _ => {
                text.push('\n');
                explain(&mut text, key);
                assign(&mut text, key, key.need);
            }
        }
    }
    text
}

/// A table; where it is optional, so is all that is in it.
fn table(text: &mut String, table: &Key, keys: &[&Key]) {
    text.push('\n');
    explain(text, table);
    let _ = writeln!(text, "{}[[{}]]", mark(table.need), table.name);
    for key in keys {
        // Said of the file as a whole, it was explained there.
        if !TOP.iter().any(|top| top.name == key.name) {
            explain(text, key);
        }
        assign(text, key, table.need);
    }
}

fn assign(text: &mut String, key: &Key, need: Need) {
    let _ = writeln!(text, "{}{} = {}", mark(need), key.name, key.example);
}

fn mark(need: Need) -> &'static str {
    match need {
        Need::Required => "",
        Need::Optional => "#",
    }
}

/// What the key is for, in comments.
fn explain(text: &mut String, key: &Key) {
    let mut line = "#".to_owned();
    for word in key.about.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(text, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}
