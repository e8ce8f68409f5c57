//! Lists of single things: expensive resources, sleeping endpoints, exemptions, and endpoints that would cost less served another way.

use askama::Template;
use cost_rules::report::{self, Advice, CostReport, Exemption, Money, ResourceLine};

use super::{Content, cut::Cut, filters, words::length};

const ROWS: usize = 20;

/// The most expensive resources.
#[derive(Template)]
#[template(path = "resources.html")]
pub(super) struct Resources<'a> {
    how: &'a str,
    rows: Vec<ResourceRow<'a>>,
}

struct ResourceRow<'a> {
    line: &'a ResourceLine,
    length: String,
}

impl<'a> Resources<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let lines = &report.resources.lines;
        let longest = lines.iter().map(|line| line.usd.0).max().unwrap_or_default();
        let row = |line: &'a ResourceLine| ResourceRow { line, length: length(line.usd.0, longest) };
        Self { how: &report.resources.how, rows: lines.iter().map(row).collect() }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.is_empty())
    }
}

/// Endpoints that sleep.
#[derive(Template)]
#[template(path = "sleeping.html")]
pub(super) struct Sleeping<'a> {
    rows: Cut<&'a report::Sleeping>,
    /// What they saved so far. `None`: no price is known.
    saved: Option<Money>,
}

impl<'a> Sleeping<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let saved: Vec<Money> = report.sleeping.iter().filter_map(|endpoint| endpoint.saved).collect();
        let saved = (!saved.is_empty()).then(|| saved.into_iter().sum());
        Self { rows: Cut::at(ROWS, &report.sleeping, |endpoint| endpoint, |endpoint| endpoint.saved), saved }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.shown.is_empty())
    }
}

/// What is exempt.
#[derive(Template)]
#[template(path = "exemptions.html")]
pub(super) struct Exemptions<'a> {
    rows: Cut<&'a Exemption>,
    /// Why there may be some although none is known.
    unchecked: Option<String>,
}

impl<'a> Exemptions<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        Self {
            rows: Cut::at(ROWS, &report.exemptions, |exemption| exemption, |exemption| exemption.usd_per_month),
            unchecked: report.unchecked(&[]),
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.shown.is_empty())
    }
}

/// Endpoints that would cost less served another way.
#[derive(Template)]
#[template(path = "inference.html")]
pub(super) struct Inference<'a> {
    rows: Cut<&'a Advice>,
    /// Why there may be some although none is known.
    unchecked: Option<String>,
}

impl<'a> Inference<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        Self {
            rows: Cut::at(ROWS, &report.inference, |advice| advice, |advice| advice.saves),
            unchecked: report.unchecked(&["inference-advisor"]),
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.shown.is_empty())
    }
}
