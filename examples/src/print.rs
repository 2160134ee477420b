//! Trails for people: aligned, 100 columns wide, in what the terminal can show.

use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use xmpp_s2s::{Step, Trail, Verdict};

/// How wide a page is.
pub(crate) const WIDTH: usize = 100;

/// What the reader's terminal can show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Page {
    /// Whether colours help or garble.
    pub(crate) ink: Ink,
    /// Which characters there are.
    pub(crate) charset: Charset,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ink {
    Black,
    Coloured,
}

/// The characters that a terminal has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Charset {
    Ascii,
    Unicode,
}

impl Page {
    /// The page that standard output is: colours only on a terminal and without NO_COLOR, ASCII
    /// where the locale is not UTF-8.
    pub(crate) fn of_stdout() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        Self {
            ink: match io::stdout().is_terminal() && set("NO_COLOR").is_none() {
                true => Ink::Coloured,
                false => Ink::Black,
            },
            charset: charset(locale.as_deref()),
        }
    }

    /// `text` in characters that the page has.
    pub(crate) fn fit<'a>(self, text: &'a str) -> Cow<'a, str> {
        match self.charset {
            Charset::Ascii if !text.is_ascii() => Cow::Owned(ascii(text)),
            Charset::Ascii | Charset::Unicode => Cow::Borrowed(text),
        }
    }

    /// `text` in the colour of `verdict`.
    pub(crate) fn paint(self, text: &str, verdict: Verdict) -> Cow<'_, str> {
        let colour = match verdict {
            Verdict::Passed => 32,
            Verdict::Refused => 31,
            Verdict::Unknown => 33,
        };
        match self.ink {
            Ink::Black => Cow::Borrowed(text),
            Ink::Coloured => Cow::Owned(format!("\x1b[{colour}m{text}\x1b[0m")),
        }
    }

    /// The steps of `trail`, one or more lines each: number, phase, code, detail, time.
    pub(crate) fn numbered(self, trail: &Trail) -> String {
        let line = |(number, step): (usize, &Step)| {
            let code = format!("{:25}", step.code.as_str());
            let code = self.paint(&code, step.code.verdict());
            let start = format!("{number:3}  {:10}  {code}  ", step.phase.as_str());
            self.row(&start, 44, &step.detail, Some(step.elapsed))
        };
        (1..).zip(trail.steps()).map(line).collect()
    }

    /// `text` after `start`, which takes up `indent` columns, and a time at the right; what does
    /// not fit goes on below.
    pub(crate) fn row(
        self,
        start: &str,
        indent: usize,
        text: &str,
        elapsed: Option<Duration>,
    ) -> String {
        let elapsed = elapsed.map(milliseconds).unwrap_or_default();
        let room = WIDTH - indent - TIME - 2;
        let text = self.fit(text);
        let lines = wrap(&text, room);
        let mut rows = format!("{start}{:room$}  {elapsed:>TIME$}", lines[0]).trim_end().to_owned();
        for line in &lines[1..] {
            rows.push_str(&format!("\n{:indent$}{line}", ""));
        }
        rows.push('\n');
        rows
    }
}

/// The columns of a time.
const TIME: usize = 9;

/// A time as people read it.
pub(crate) fn milliseconds(elapsed: Duration) -> String {
    let milliseconds = elapsed.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{milliseconds:.0} ms")
    }
}

/// Breaks `text` into lines of at most `room` characters, at spaces where it can; never none.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = lines[lines.len() - 1].chars().count();
        if used > 0 && used + 1 + word.len() > room {
            lines.push(String::new());
        }
        while word.len() > room {
            let rest = word.split_off(room);
            lines.last_mut().expect("never empty").extend(word);
            lines.push(String::new());
            word = rest;
        }
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
    lines
}

fn charset(locale: Option<&str>) -> Charset {
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    match locale.contains("utf-8") || locale.contains("utf8") {
        true => Charset::Unicode,
        false => Charset::Ascii,
    }
}

fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '→' => out.push_str("->"),
            '…' => out.push_str("..."),
            '─' | '·' | '–' => out.push('-'),
            '✔' => out.push_str("ok"),
            '✘' => out.push_str("no"),
            '“' | '”' => out.push('"'),
            '‘' | '’' => out.push('\''),
            character if character.is_ascii() => out.push(character),
            _ => out.push('?'),
        }
    }
    out
}
