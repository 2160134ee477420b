//! What was found out about a domain, for people and programs.

use poshctl::page::Page;
use serde::Serialize;
use xmpp_s2s::{Code, Trail, Verdict};

use crate::certificates::Summary;
use crate::ending::Ending;
use crate::output;
use crate::warning::Remark;

/// What was found out about a domain. As JSON it is its trail, with more members.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) trail: Trail,
    pub(crate) outcome: Ending,
    pub(crate) certificates: Vec<Summary>,
    /// Whether the other side's judgement of us was asked for; absent where nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external: Option<External>,
    pub(crate) warnings: Vec<Remark>,
}

/// Whether SASL EXTERNAL was tested.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum External {
    /// It was; the trail says what came out.
    Tested,
    /// It was not, since it is offered only to whom the peer accepts.
    NotTested,
}

impl Report {
    /// The steps, what is to be known beside them, and what they came to.
    pub(crate) fn text(&self, page: Page, title: &str) -> String {
        let mut text = page.row("", 0, title, "") + "\n" + &page.numbered(&self.trail);
        for (at, summary) in self.certificates.iter().enumerate() {
            let start = if at == 0 { "\n certificate  " } else { " certificate  " };
            text += &page.row(start, 14, &summary.text(), "");
        }
        if self.external == Some(External::NotTested) {
            text += &page.row(" EXTERNAL     ", 14, NOT_TESTED, "");
        }
        text + "\n" + &self.conclusion(page) + &output::warnings(page, &self.warnings)
    }

    fn conclusion(&self, page: Page) -> String {
        let verdict = self.trail.conclusion().map_or(Verdict::Unknown, Code::verdict);
        let (word, verdict) = match self.outcome {
            Ending::Accepted | Ending::Warned => ("ACCEPT", Verdict::Passed),
            Ending::Refused => ("REFUSE", verdict),
            Ending::CannotTell => ("CANNOT TELL", verdict),
        };
        let code = self.trail.conclusion().map(|code| format!(" ({code})"));
        let sentence = format!("{}{}", self.trail, code.unwrap_or_default());
        let word_and_space = format!("{}  ", page.paint(word, verdict));
        page.row(&word_and_space, word.len() + 2, &sentence, "")
    }
}

const NOT_TESTED: &str = "not tested: a peer offers it only to whom it accepts (give --from, --cert \
                          and --key)";
