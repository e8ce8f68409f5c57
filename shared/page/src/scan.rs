//! What `cost-guard scan` found as one self-contained HTML page, in the form of the cost report.

use askama::Template;
use jiff::Timestamp;

use crate::view::{filters, words};

/// How many findings the page lists: those that cost most.
const LISTED: usize = 500;

/// What a scan found. Amounts are texts: `$1,234.00`.
#[derive(Default)]
pub struct Scan {
    /// The AWS account.
    pub account: String,
    /// The Regions: `eu-central-1`, or `17 Regions`.
    pub place: String,
    /// The time as of which it was judged.
    pub as_of: Timestamp,
    /// What all waste costs a month, each resource once.
    pub usd_per_month: String,
    /// What each rule found.
    pub rules: Vec<OfRule>,
    /// The most expensive first.
    pub findings: Vec<Finding>,
    /// How many resources are left alone, because their owner or the policy says so.
    pub left_alone: usize,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What was read, and could not be judged.
    pub unjudged: Vec<Unread>,
    /// What an interrupted scan did not come to.
    pub not_looked_at: Vec<String>,
    /// What AWS charges for reading. `None`: nothing.
    pub reading_cost: Option<String>,
}

/// What a rule found.
pub struct OfRule {
    /// Its name.
    pub name: &'static str,
    /// How many.
    pub findings: usize,
    /// What they cost a month.
    pub usd_per_month: String,
    /// How many have no price.
    pub without_price: usize,
    /// Whether that is waste. If not, it is not in the sum.
    pub is_waste: bool,
}

/// A finding.
pub struct Finding {
    /// The resource's name and kind.
    pub what: String,
    /// Its Region.
    pub region: String,
    /// Whose it is.
    pub owner: String,
    /// The owner's team.
    pub team: Option<String>,
    /// Why it is waste.
    pub why: String,
    /// Which rule found it.
    pub rule: &'static str,
    /// What its owner can do.
    pub to_do: &'static str,
    /// What it costs a month. `None`: no price is known.
    pub usd_per_month: Option<String>,
}

/// What could not be read.
pub struct Unread {
    /// What.
    pub what: String,
    /// By which function, where.
    pub place: String,
    /// Why.
    pub why: String,
}

impl Scan {
    /// Whether everything was looked at.
    fn is_whole(&self) -> bool {
        self.unread.is_empty() && self.not_looked_at.is_empty()
    }
}

#[derive(Template)]
#[template(path = "scan.html")]
struct Page<'a> {
    scan: &'a Scan,
    as_of: String,
    listed: &'a [Finding],
    more: usize,
}

/// The page as text. It loads nothing and runs nothing.
///
/// # Errors
/// The template cannot be filled.
pub fn scan_page(scan: &Scan) -> anyhow::Result<String> {
    let (listed, others) = scan.findings.split_at(LISTED.min(scan.findings.len()));
    Ok(Page { scan, as_of: words::moment(scan.as_of), listed, more: others.len() }.render()?)
}
