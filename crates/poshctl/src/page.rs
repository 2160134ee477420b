//! Trails for people: aligned, 100 columns wide, in what the terminal can show.

use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use thiserror::Error;
use xmpp_s2s::{Step, Trail, Verdict};

/// How wide a page is.
pub const WIDTH: usize = 100;

/// Writes `text` to standard output. Whoever closes it early has read enough.
pub fn out(text: &str) -> Result<(), OutputError> {
    let mut stdout = io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What was to be read could not be written.
#[derive(Debug, Error)]
#[error("cannot write to standard output; see that there is room where it leads")]
pub struct OutputError(#[source] io::Error);

/// What the reader's terminal can show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "made by whoever knows the terminal")]
pub struct Page {
    /// Whether colours help or garble.
    pub ink: Ink,
    /// Which characters there are.
    pub charset: Charset,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Ink {
    /// There are none.
    Black,
    /// There are.
    Coloured,
}

/// The characters that a terminal has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Charset {
    /// Those of ASCII.
    Ascii,
    /// All.
    Unicode,
}

impl Page {
    /// The page that standard output is: colours only on a terminal and without NO_COLOR, ASCII
    /// where the locale is not UTF-8.
    pub fn of_stdout() -> Self {
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
    pub fn fit<'a>(self, text: &'a str) -> Cow<'a, str> {
        match self.charset {
            Charset::Ascii if !text.is_ascii() => Cow::Owned(ascii(text)),
            Charset::Ascii | Charset::Unicode => Cow::Borrowed(text),
        }
    }

    /// `text` in the colour of `verdict`.
    pub fn paint(self, text: &str, verdict: Verdict) -> Cow<'_, str> {
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

    /// The steps of `trail`: number, phase, code, detail, time; a detail that does not fit goes
    /// below.
    pub fn numbered(self, trail: &Trail) -> String {
        let line = |(number, step): (usize, &Step)| {
            let code = format!("{:25}", step.code.as_str());
            let code = self.paint(&code, step.code.verdict());
            let start = format!("{number:3}  {:10}  {code}  ", step.phase.as_str());
            let time = elapsed(step);
            if self.fit(&step.detail).chars().count() <= WIDTH - 44 - TIME - 2 {
                return self.row(&start, 44, &step.detail, &time);
            }
            let indent = " ".repeat(17);
            self.row(&start, 44, "", &time) + &self.row(&indent, 17, &step.detail, "")
        };
        (1..).zip(trail.steps()).map(line).collect()
    }

    /// `text` after `start`, which takes up `indent` columns, and `right` at the right; what does
    /// not fit goes on below.
    pub fn row(self, start: &str, indent: usize, text: &str, right: &str) -> String {
        let width = WIDTH - indent;
        let taken = if right.is_empty() { 0 } else { right.len().max(TIME) + 2 };
        let (room, text) = (width - taken, self.fit(text));
        let mut lines = wrap(&text, room, width).into_iter();
        let first = lines.next().unwrap_or_default();
        let mut rows = format!("{start}{first:room$}{right:>taken$}").trim_end().to_owned();
        for line in lines {
            rows += &format!("\n{:indent$}{line}", "");
        }
        rows + "\n"
    }
}

/// The columns of a time.
const TIME: usize = 9;

/// How long a step took; nothing if no clock was asked.
pub fn elapsed(step: &Step) -> String {
    if step.elapsed.is_zero() { String::new() } else { milliseconds(step.elapsed) }
}

/// A time as people read it.
pub fn milliseconds(elapsed: Duration) -> String {
    let milliseconds = elapsed.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{milliseconds:.0} ms")
    }
}

/// Breaks `text` into a line of at most `first` characters and others of at most `width`, at
/// spaces where it can.
fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut used = 0;
    for word in text.split(' ') {
        let mut room = if lines.is_empty() { first } else { width };
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push(std::mem::take(&mut line));
            (used, room) = (0, width);
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            if used == room {
                lines.push(std::mem::take(&mut line));
                (used, room) = (0, width);
            }
            line.push(character);
            used += 1;
        }
    }
    lines.push(line);
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
            '↔' => out.push_str("<->"),
            '─' | '·' | '–' => out.push('-'),
            '┐' => out.push('\\'),
            '│' => out.push('|'),
            '┘' => out.push('/'),
            '✔' => out.push_str("ok"),
            '✘' => out.push('x'),
            '“' | '”' => out.push('"'),
            '‘' | '’' => out.push('\''),
            character if character.is_ascii() => out.push(character),
            _ => out.push('?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use xmpp_s2s::{Code, Pair, Phase};

    const PLAIN: Page = Page { ink: Ink::Black, charset: Charset::Unicode };

    fn trail(detail: &str) -> Trail {
        let pair =
            Pair { local: "a.example".parse().unwrap(), remote: "b.example".parse().unwrap() };
        let mut trail = Trail::new(pair);
        let elapsed = Duration::from_micros(1_250);
        trail.record(Step::new(Phase::Dns, Code::DnsFound, detail, elapsed));
        trail.record(Step::new(Phase::PoshMatch, Code::PoshFingerprintMismatch, "", elapsed));
        trail
    }

    #[test]
    fn a_step_is_one_line_with_its_number_phase_code_detail_and_time() {
        let text = PLAIN.numbered(&trail("somewhere"));
        let line = text.lines().next().unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["1", "dns", "dns-found", "somewhere", "1.2", "ms"]);
        assert_eq!(line.chars().count(), WIDTH);
    }

    #[test]
    fn long_details_go_below_within_the_page() {
        let detail = format!("{} {}", "word ".repeat(20), "x".repeat(120));
        let text = PLAIN.numbered(&trail(&detail));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().next().unwrap().ends_with("1.2 ms"), "{text}");
        assert_eq!(text.matches("word").count(), 20);
        assert_eq!(text.matches('x').count(), 120);
    }

    #[test]
    fn a_row_goes_on_below_its_text() {
        let row = PLAIN.row("start ", 6, &"word ".repeat(20), "right");
        let lines: Vec<_> = row.lines().collect();
        assert!(lines[0].starts_with("start word") && lines[0].ends_with("    right"), "{row}");
        assert!(lines[1].starts_with("      word") && lines.len() == 2, "{row}");
    }

    #[test]
    fn words_longer_than_a_line_are_broken() {
        assert_eq!(wrap("ab cdefghij", 3, 4), ["ab", "cdef", "ghij"]);
        assert_eq!(wrap("abcdefgh", 3, 4), ["abc", "defg", "h"]);
        assert_eq!(wrap("", 3, 4), [""]);
    }

    #[test]
    fn nothing_is_coloured_without_ink() {
        assert!(!PLAIN.numbered(&trail("x")).contains('\x1b'));
    }

    #[test]
    fn codes_are_coloured_by_their_verdict() {
        let text = Page { ink: Ink::Coloured, ..PLAIN }.numbered(&trail("x"));
        assert!(text.contains("\x1b[32mdns-found"), "{text:?}");
        assert!(text.contains("\x1b[31mposh-fingerprint-mismatch"), "{text:?}");
    }

    #[test]
    fn ascii_pages_have_ascii_only() {
        let page = Page { charset: Charset::Ascii, ..PLAIN };
        assert_eq!(page.fit("a → b…, ✔ ü"), "a -> b..., ok ?");
        assert!(page.numbered(&trail("→ straße.example")).is_ascii());
    }

    #[test]
    fn the_charset_is_that_of_the_locale() {
        for (locale, charset) in [
            (Some("en_GB.UTF-8"), Charset::Unicode),
            (Some("C.utf8"), Charset::Unicode),
            (Some("C"), Charset::Ascii),
            (Some("de_DE.ISO-8859-1"), Charset::Ascii),
            (None, Charset::Ascii),
        ] {
            assert_eq!(super::charset(locale), charset, "{locale:?}");
        }
    }
}
