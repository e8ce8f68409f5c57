//! The cost report and what a scan found, each as one self-contained HTML page, and all charts of the project. Pure: a report in, text out.
//!
//! [`page`] is made of sections, each a view (`view/`) with a template of its own (`templates/`). A view works out words and shares; a template only places
//! them. What comes from people (names, tags, reasons) is escaped by askama, and is one line that can be seen.

pub mod charts;
pub mod scan;
mod view;

use cost_rules::report::CostReport;

/// The report as an HTML page. It loads nothing and runs nothing.
pub fn page(report: &CostReport) -> anyhow::Result<String> {
    view::page(report)
}
