//! One thing that an operator is told about a domain.

use xmpp_s2s::{Phase, Step, Trail};

/// One thing that an operator is told about a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// The word for it in trails.
    pub(super) code: &'static str,
    /// What it comes to, for people.
    pub(super) what: &'static str,
    /// What was found.
    pub(super) why: String,
    /// What to do; empty where nothing has to be done.
    pub(super) fix: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Severity {
    /// As it should be.
    Good,
    /// It cannot be told from here.
    Unclear,
    /// Wrong for others.
    Bad,
}

/// The first step of `phase`.
pub(super) fn step(trail: &Trail, phase: Phase) -> Option<&Step> {
    trail.steps().iter().find(|step| step.phase == phase)
}

/// What the steps of these phases found, in one line.
pub(super) fn details(trail: &Trail, phases: &[Phase]) -> String {
    let found = phases.iter().filter_map(|&phase| step(trail, phase));
    let found = found.map(|step| step.detail.as_str()).filter(|detail| !detail.is_empty());
    found.collect::<Vec<_>>().join("; ")
}
