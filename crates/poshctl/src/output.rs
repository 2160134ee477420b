//! What is printed: for people or programs, or nothing.

use clap::ValueEnum;
use poshctl::page::{Ink, OutputError, Page, out};
use serde::Serialize;
use xmpp_s2s::Verdict;

use crate::cli::Options;
use crate::warning::Remark;

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The page that standard output is.
pub(crate) fn page(options: &Options) -> Page {
    let page = Page::of_stdout();
    let ink = match options.color {
        Color::Auto => page.ink,
        Color::Always => Ink::Coloured,
        Color::Never => Ink::Black,
    };
    Page { ink, ..page }
}

/// Prints a report in the form that was asked for.
pub(crate) fn report(
    options: &Options,
    json: &impl Serialize,
    text: impl FnOnce(Page) -> String,
) -> Result<(), OutputError> {
    if options.quiet {
        return Ok(());
    }
    if options.json {
        let json = serde_json::to_string(json).expect("a report has only strings for keys");
        out(&(json + "\n"))
    } else {
        out(&text(page(options)))
    }
}

/// The lines of warnings.
pub(crate) fn warnings(page: Page, remarks: &[Remark]) -> String {
    remarks.iter().map(|remark| warning(page, remark)).collect()
}

fn warning(page: Page, remark: &Remark) -> String {
    let word = page.paint("WARN", Verdict::Unknown);
    let text = format!("{}: {}", remark.code.sentence(), remark.detail);
    page.row(&format!("{word}  {:25}  ", remark.code.as_str()), 33, &text, "")
}

/// Says warnings on standard error, where standard output is a document.
pub(crate) fn warn(options: &Options, remarks: &[Remark]) {
    if options.quiet {
        return;
    }
    for Remark { code, detail } in remarks {
        eprintln!("warning: {code}: {}: {detail}", code.sentence());
    }
}
