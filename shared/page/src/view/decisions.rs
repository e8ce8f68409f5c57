//! What needs a decision.

use askama::Template;
use cost_rules::report::{CostReport, Decision, Money};

use super::{Content, filters};

const ROWS: usize = 20;

/// The section.
#[derive(Template)]
#[template(path = "decisions.html")]
pub(super) struct Decisions<'a> {
    listed: &'a [Decision],
    /// Those that are not listed here or not in the report.
    more: usize,
    /// What the listed ones come to. `None`: nothing is known of any.
    usd: Option<Money>,
    /// Of how many that is known.
    known: usize,
    /// Why there may be some although none is known.
    unchecked: Option<String>,
}

impl<'a> Decisions<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let (listed, others) = report.decisions.split_at(ROWS.min(report.decisions.len()));
        let known: Vec<Money> = listed.iter().filter_map(|decision| decision.usd_per_month).collect();
        Self {
            listed,
            more: others.len() + report.more_decisions,
            known: known.len(),
            unchecked: report.unchecked(&[]),
            usd: (!known.is_empty()).then(|| known.into_iter().sum()),
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.listed.is_empty())
    }
}
