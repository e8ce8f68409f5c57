//! What needs a decision.

use askama::Template;
use cost_rules::report::{CostReport, Decision, Money};

use super::{Content, filters};

/// The section.
#[derive(Template)]
#[template(path = "decisions.html")]
pub(super) struct Decisions<'a> {
    listed: &'a [Decision],
    more: usize,
    /// What the listed ones come to. `None`: nothing is known of any.
    usd: Option<Money>,
}

impl<'a> Decisions<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let known: Vec<Money> = report.decisions.iter().filter_map(|decision| decision.usd_per_month).collect();
        let usd = (!known.is_empty()).then(|| known.into_iter().sum());
        Self { listed: &report.decisions, more: report.more_decisions, usd }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.listed.is_empty())
    }
}
