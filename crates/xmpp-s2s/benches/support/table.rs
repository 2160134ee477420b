//! What was found, for people.

use std::fmt;

/// Prints a line for each thing that was measured, as soon as it is known.
pub(crate) struct Table(());

/// A line: both sides, what they come to, and what the design wants of that.
pub(crate) struct Row<'a> {
    pub(crate) what: &'a str,
    pub(crate) bare: &'a dyn fmt::Display,
    pub(crate) ours: &'a dyn fmt::Display,
    pub(crate) figure: &'a dyn fmt::Display,
    pub(crate) half: &'a dyn fmt::Display,
    pub(crate) first: &'a str,
    pub(crate) goal: &'a str,
}

impl Table {
    /// Prints the head.
    pub(crate) fn new() -> Self {
        let row = Row {
            what: "what",
            bare: &"bare",
            ours: &"ours",
            figure: &"median",
            half: &"half of all",
            first: "first",
            goal: "goal",
        };
        println!("{row}");
        Self(())
    }

    /// Prints a line.
    pub(crate) fn print(&self, row: &Row<'_>) {
        println!("{row}");
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, bare, ours, figure, half, first, goal } = self;
        let [bare, ours, figure] = [bare, ours, figure].map(|cell| cell.to_string());
        let half = half.to_string();
        write!(f, "{what:<34}{bare:>12}{ours:>12}{figure:>10}{half:>15}{first:>9}{goal:>9}")
    }
}

/// One figure a round.
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    /// Takes what came of all rounds.
    pub(crate) fn new(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// Half of the rounds came to less.
    pub(crate) fn median(&self) -> f64 {
        self.at(1, 2)
    }

    /// What the middle half of the rounds lies between, with so many digits behind the point.
    pub(crate) fn half(&self, digits: usize) -> String {
        format!("{:.digits$} - {:.digits$}", self.at(1, 4), self.at(3, 4))
    }

    fn at(&self, part: usize, of: usize) -> f64 {
        self.0[(self.0.len() - 1) * part / of]
    }
}
