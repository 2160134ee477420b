//! `explain`: says what a reason code means, and what to do.

use poshctl::page::{OutputError, Page};
use serde::Serialize;
use thiserror::Error;
use xmpp_s2s::{Code, Verdict};

use self::texts::text;
use crate::cli::{ExplainArguments, Options};
use crate::ending::Ending;
use crate::output::report;
use crate::warning::Warning;

mod texts;

/// Explains one code, or lists all.
pub(crate) fn run(arguments: &ExplainArguments, options: &Options) -> Result<Ending, ExplainError> {
    let mut entries = entries();
    match &arguments.code {
        None => report(options, &entries.collect::<Vec<_>>(), |page| {
            self::entries().map(|entry| entry.line(page)).collect()
        })?,
        Some(word) => {
            let found = entries.find(|entry| entry.code == word);
            let entry = found.ok_or_else(|| ExplainError::Code(xmpp_s2s::printable(word)))?;
            report(options, &entry, |page| entry.article(page))?;
        }
    }
    Ok(Ending::Accepted)
}

/// Why nothing is explained.
#[derive(Debug, Error)]
pub(crate) enum ExplainError {
    /// Nobody can read what came out.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A word that means nothing.
    #[error("no such reason code: \"{0}\"; `poshctl explain` lists them")]
    Code(String),
}

/// What there is to say of a code.
#[derive(Debug, Serialize)]
struct Entry {
    code: &'static str,
    severity: Severity,
    sentence: &'static str,
    text: &'static str,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Severity {
    /// It speaks for the peer.
    Passed,
    /// The peer is refused.
    Refused,
    /// It cannot be told at present.
    Unknown,
    /// It does no harm yet, or not with every peer.
    Warning,
}

impl Severity {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Refused => Self::Refused,
            Verdict::Unknown => Self::Unknown,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Unknown => "cannot tell",
            Self::Warning => "warning",
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Passed => Verdict::Passed,
            Self::Refused => Verdict::Refused,
            Self::Unknown | Self::Warning => Verdict::Unknown,
        }
    }
}

impl Entry {
    fn line(&self, page: Page) -> String {
        let code = format!("{:27}", self.code);
        let code = page.paint(&code, self.severity.verdict());
        page.row(&format!("{code} {:11}  ", self.severity.word()), 41, self.sentence, "")
    }

    fn article(&self, page: Page) -> String {
        let code = page.paint(self.code, self.severity.verdict());
        let head = format!("{code}  ({})\n", self.severity.word());
        head + &page.row("", 0, self.sentence, "") + "\n" + &page.row("", 0, self.text, "")
    }
}

fn entries() -> impl Iterator<Item = Entry> {
    let codes = Code::ALL.iter().map(|code| Entry {
        code: code.as_str(),
        severity: Severity::of(code.verdict()),
        sentence: code.sentence(),
        text: text(*code).unwrap_or_default(),
    });
    let warnings = Warning::ALL.iter().map(|warning| Entry {
        code: warning.as_str(),
        severity: Severity::Warning,
        sentence: warning.sentence(),
        text: warning.text(),
    });
    codes.chain(warnings)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_text_of_its_own() {
        let mut texts = HashSet::new();
        for entry in entries() {
            assert!(entry.text.len() > entry.sentence.len(), "{}", entry.code);
            assert!(entry.text.ends_with('.'), "{}", entry.code);
            assert!(texts.insert(entry.text), "{}", entry.code);
        }
    }

    #[test]
    fn no_two_codes_are_the_same_word() {
        let mut words = HashSet::new();
        for entry in entries() {
            assert!(words.insert(entry.code), "{}", entry.code);
        }
    }
}
