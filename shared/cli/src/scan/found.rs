//! What a scan found, and what it could not look at.

use std::collections::{BTreeMap, HashMap};

use cost_aws::report::ReportedFinding;
use cost_rules::{resource::id_of_arn, rules, text::one_line};
use jiff::Timestamp;
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};
use serde::{Serialize, Serializer};

/// The codes with which services answer in a Region that is not enabled in the account.
const CLOSED: [&str; 4] = ["UnrecognizedClient", "InvalidClientTokenId", "AuthFailure", "OptInRequired"];

/// Why nothing could be read in such a Region.
pub(crate) const CLOSED_REGION: &str =
    "AWS does not know the credentials there: the Region is not enabled in the account, or they are wrong";

/// Whether a Region is not enabled in the account, by the reasons why things could not be read there.
pub(crate) fn is_closed_region<'a>(reasons: impl Iterator<Item = &'a str>) -> bool {
    let mut reasons = reasons.peekable();
    reasons.peek().is_some() && reasons.all(|why| CLOSED.iter().any(|code| why.contains(code)))
}

/// What a scan found.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Found {
    /// The AWS account.
    pub(crate) account: String,
    /// The Regions that were looked at.
    pub(crate) regions: Vec<String>,
    /// The time as of which it was judged.
    pub(crate) as_of: Timestamp,
    /// What all waste costs, USD a month. Each resource counts once; what lacks a tag, say, is no waste for that.
    #[serde(serialize_with = "number")]
    pub(crate) usd_per_month: Decimal,
    /// By rule.
    pub(crate) rules: Vec<OfRule>,
    /// The findings, the most expensive first.
    pub(crate) findings: Vec<Finding>,
    /// How many resources are left alone because their owner or the policy says so.
    pub(crate) exempt: usize,
    /// What could not be read, and why.
    pub(crate) unread: Vec<Unread>,
    /// What was read, and could not be judged: a tag that nobody understands, a price that is not known.
    pub(crate) unjudged: Vec<Unread>,
    /// What was not looked at, because the scan was interrupted.
    pub(crate) not_looked_at: Vec<String>,
    pub(crate) was_interrupted: bool,
    /// What AWS charges for reading, USD: Cost Explorer and CloudWatch.
    pub(crate) cost_usd: f64,
}

/// A finding.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Finding {
    pub(crate) region: String,
    pub(crate) function: &'static str,
    /// What kind of resource it is: `endpoint`.
    pub(crate) kind: String,
    /// What its owner can do.
    pub(crate) to_do: &'static str,
    #[serde(flatten)]
    pub(crate) of: ReportedFinding,
}

/// What a rule found.
#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct OfRule {
    pub(crate) rule: &'static str,
    pub(crate) findings: usize,
    /// USD a month.
    #[serde(serialize_with = "number")]
    pub(crate) usd_per_month: Decimal,
    /// Whether that is waste. If not, it is not in the sum.
    pub(crate) is_waste: bool,
    /// How many of them have no price.
    pub(crate) without_price: usize,
}

/// What could not be read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Unread {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) function: &'static str,
    pub(crate) region: String,
}

impl Unread {
    pub(crate) fn new(function: &'static str, region: &str, what: &str, why: &str) -> Self {
        Self { what: one_line(what), why: one_line(why), function, region: region.to_owned() }
    }
}

/// The kind of a resource, by its id or ARN: `endpoint`.
fn kind_of(resource: &str) -> String {
    let id = id_of_arn(resource).unwrap_or_else(|| resource.to_owned());
    id.split('/').next().unwrap_or_default().to_owned()
}

fn number<S: Serializer>(usd: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    usd.round_dp(2).to_f64().serialize(serializer)
}

impl Finding {
    /// USD a month. `None`: no price is known.
    pub(crate) fn usd_per_month(&self) -> Option<Decimal> {
        self.of.monthly_cost_usd.and_then(Decimal::from_f64)
    }
}

impl Found {
    pub(crate) fn new(account: String, regions: Vec<String>, as_of: Timestamp) -> Self {
        Self {
            account,
            regions,
            as_of,
            usd_per_month: Decimal::ZERO,
            rules: vec![],
            findings: vec![],
            exempt: 0,
            unread: vec![],
            unjudged: vec![],
            not_looked_at: vec![],
            was_interrupted: false,
            cost_usd: 0.0,
        }
    }

    /// Whether all was looked at that was asked for.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread.is_empty() && !self.was_interrupted
    }

    /// Adds what a function found in a Region.
    pub(crate) fn add(&mut self, region: &str, function: &'static str, findings: Vec<ReportedFinding>) {
        let to_do = |rule: &str| rules::ALL.iter().find(|one| one.name == rule).map_or("", |one| one.to_do);
        let (exempt, open): (Vec<_>, Vec<_>) = findings.into_iter().partition(|one| one.state == "exempt");
        self.exempt += exempt.len();
        let found =
            |of: ReportedFinding| Finding { region: region.to_owned(), function, kind: kind_of(&of.resource), to_do: to_do(of.rule), of };
        self.findings.extend(open.into_iter().map(found));
    }

    /// Says once of a Region that is not enabled in the account that nothing could be read there.
    fn closed_regions(&mut self) {
        let is_closed =
            |region: &String| is_closed_region(self.unread.iter().filter(|one| one.region == *region).map(|one| one.why.as_str()));
        let closed: Vec<String> = self.regions.iter().filter(|region| is_closed(region)).cloned().collect();
        self.unread.retain(|one| !closed.contains(&one.region));
        self.unread.extend(closed.iter().map(|region| Unread::new("all functions", region, "everything", CLOSED_REGION)));
    }

    /// Sorts and sums up.
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            b.usd_per_month()
                .cmp(&a.usd_per_month())
                .then_with(|| (&a.region, a.of.rule, &a.of.name).cmp(&(&b.region, b.of.rule, &b.of.name)))
        });
        self.closed_regions();
        self.unread.sort();
        self.unread.dedup();
        self.unjudged.sort();
        self.unjudged.dedup();
        let mut by_rule: BTreeMap<&'static str, OfRule> = BTreeMap::new();
        let mut by_resource: HashMap<(&str, &str), Decimal> = HashMap::new();
        for one in &self.findings {
            let usd = one.usd_per_month();
            let is_waste = rules::costs_are_waste(one.of.rule);
            let of_rule = by_rule.entry(one.of.rule).or_insert_with(|| OfRule { rule: one.of.rule, is_waste, ..OfRule::default() });
            of_rule.findings += 1;
            of_rule.without_price += usize::from(usd.is_none());
            let usd = usd.unwrap_or_default();
            of_rule.usd_per_month += usd;
            if is_waste {
                let most = by_resource.entry((&one.region, &one.of.resource)).or_default();
                *most = usd.max(*most);
            }
        }
        self.usd_per_month = by_resource.into_values().sum();
        self.rules = by_rule.into_values().collect();
        self.rules.sort_by_key(|one| std::cmp::Reverse((one.usd_per_month, one.findings)));
    }
}
