//! What the guard did, and what that saved: estimated, and held against the bill.

use askama::Template;
use cost_rules::report::{CostReport, GuardsWork, Money, Savings};
use rust_decimal::Decimal;

use super::{
    Content,
    cut::Cut,
    filters,
    words::{length, within},
};

const ROWS: usize = 15;

/// The section.
#[derive(Template)]
#[template(path = "guard.html")]
pub(super) struct Guard<'a> {
    work: &'a GuardsWork,
    within: &'static str,
    /// What the bill neither confirms nor may yet confirm.
    unconfirmed: Option<Money>,
    parts: Vec<Part>,
    savings: Cut<&'a Savings>,
}

/// A part of the estimate, as a part of a bar.
struct Part {
    /// Its class in CSS.
    class: &'static str,
    words: &'static str,
    usd: Money,
    length: String,
}

impl<'a> Guard<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let work = &report.guard;
        let unconfirmed = Money(work.estimated.0 - work.realised.0 - work.open.0);
        let unconfirmed = (Decimal::ZERO < unconfirmed.0.round_dp(2)).then_some(unconfirmed);
        Self {
            work,
            within: within(report.period),
            unconfirmed,
            parts: parts(work, unconfirmed),
            savings: Cut::at(ROWS, &work.savings, |saving| saving, |saving| Some(saving.estimated)),
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.work.did.is_empty() && self.work.estimated.0.is_zero() && self.work.savings.is_empty())
    }
}

fn parts(work: &GuardsWork, unconfirmed: Option<Money>) -> Vec<Part> {
    let all = [
        ("solid", "confirmed by the bill", Some(work.realised)),
        ("hatched", "not known yet", Some(work.open)),
        ("pale", "not confirmed", unconfirmed),
    ];
    let part = |(class, words, usd): (&'static str, &'static str, Option<Money>)| {
        let usd = usd.filter(|usd| !usd.0.is_zero())?;
        Some(Part { class, words, usd, length: length(usd.0, work.estimated.0) })
    };
    all.into_iter().filter_map(part).collect()
}
