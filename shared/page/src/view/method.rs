//! How the report's numbers are known, and what they leave out.

use askama::Template;
use cost_rules::report::{self, ChargeType, CostReport, LACKS_CHARGES, Money};

use super::{
    cut::Cut,
    filters,
    words::{many, within},
};

const CHARGE_TYPES: usize = 25;
const TEXTS: usize = 25;

/// The section.
#[derive(Template)]
#[template(path = "method.html")]
pub(super) struct Method<'a> {
    report: &'a CostReport,
    how: &'a report::Method,
    charge_types: Cut<&'a ChargeType>,
    /// The sums of what is counted: on the invoice, and by use.
    billed: Money,
    amortized: Money,
    requests: String,
    requests_for_this: String,
    within: &'static str,
    notes: Cut<&'a str>,
    unread: Cut<&'a str>,
}

impl<'a> Method<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let how = &report.method;
        let counted = || how.charge_types.iter().filter(|charge| charge.is_counted);
        let texts = |all: &'a [String]| Cut::at(TEXTS, all, String::as_str, |_| None);
        Self {
            report,
            how,
            charge_types: Cut::at(CHARGE_TYPES, &how.charge_types, |charge| charge, |charge| Some(charge.amortized)),
            billed: counted().map(|charge| charge.billed).sum(),
            amortized: counted().map(|charge| charge.amortized).sum(),
            requests: many(usize::try_from(how.requests).unwrap_or(usize::MAX), "request"),
            requests_for_this: many(usize::try_from(how.requests_for_this).unwrap_or(usize::MAX), "request"),
            within: within(report.period),
            notes: texts(&how.notes),
            unread: texts(&how.unread),
        }
    }
}
