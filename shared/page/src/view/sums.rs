//! What was spent by team, account, component and instance type.

use askama::Template;
use cost_rules::{
    report::{Change, ComponentLine, CostReport, Hours, InstanceType, LACKS_CHARGES, Line, Money, UNTAGGED},
    vocabulary::{component::Component, currency::Currency},
};
use rust_decimal::Decimal;

use super::{
    Content,
    cut::Cut,
    filters,
    words::{change_percent, length, share, signed, within},
};

const TEAMS: usize = 25;
const ACCOUNTS: usize = 25;
const INSTANCE_TYPES: usize = 25;
const USAGE_TYPES: usize = 12;

/// A sum beside the one of the period before, in as many days.
struct Sum {
    usd: Money,
    share: Option<String>,
    length: String,
    before: Option<Money>,
    difference: Option<String>,
    percent: Option<String>,
}

impl Sum {
    /// A sum, as a part of all that was spent and as a bar beside the longest one.
    fn of(spent: Change, report: &CostReport, longest: Decimal) -> Self {
        let compared = spent.by_days_of(report.period);
        Self {
            usd: spent.usd,
            share: share(spent.usd, report.spent.usd),
            length: length(spent.usd.0, longest),
            before: compared.before,
            difference: compared.difference().map(signed),
            percent: change_percent(spent, report.period).or_else(|| is_new(spent).then(|| "new".to_owned())),
        }
    }
}

/// Whether nothing was spent on it before.
fn is_new(spent: Change) -> bool {
    spent.before.is_some_and(|before| before.0.is_zero()) && Decimal::ZERO < spent.usd.0
}

/// Teams or accounts.
#[derive(Template)]
#[template(path = "lines.html")]
pub(super) struct Lines<'a> {
    /// What a line is: `Team`.
    one: &'static str,
    all: &'static str,
    /// The sentence above the table.
    lead: Lead<'a>,
    rows: Cut<Row<'a>>,
    total: Sum,
    /// With what the table compares.
    before: String,
    /// Whether these are accounts, and the charges that tell them are not known.
    lacks_charges: bool,
}

struct Row<'a> {
    name: &'a str,
    sum: Sum,
}

/// What stands out.
struct Lead<'a> {
    /// The one that spent most, and its share.
    most: Option<(&'a str, Option<String>)>,
    /// By how much it grew, if none grew more.
    most_grew: Option<Money>,
    /// Another one that grew most, and by how much.
    grew: Option<(&'a str, Money)>,
    /// What has no team, and its share.
    untagged: Option<(Money, String)>,
}

impl<'a> Lines<'a> {
    pub(super) fn teams(report: &'a CostReport) -> Self {
        Self::of(report, ("Team", "Teams"), &report.teams, TEAMS)
    }

    pub(super) fn accounts(report: &'a CostReport) -> Self {
        Self { lacks_charges: report.method.lacks_charges, ..Self::of(report, ("Account", "Accounts"), &report.accounts, ACCOUNTS) }
    }

    fn of(report: &'a CostReport, (one, all): (&'static str, &'static str), lines: &'a [Line], most: usize) -> Self {
        let longest = lines.iter().map(|line| line.spent.usd.0).max().unwrap_or_default();
        let row = |line: &'a Line| Row { name: &line.name, sum: Sum::of(line.spent, report, longest) };
        Self {
            one,
            all,
            lead: Lead::of(lines, report),
            rows: Cut::at(most, lines, row, |line| Some(line.spent.usd)),
            total: Sum::of(report.spent, report, report.spent.usd.0),
            before: report.period.compared_words(),
            lacks_charges: false,
        }
    }

    /// A single line has the numbers of the headline.
    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.shown.len() < 2)
    }
}

impl<'a> Lead<'a> {
    fn of(lines: &'a [Line], report: &CostReport) -> Self {
        let whole = report.spent.usd;
        let has_team = |line: &&Line| line.name != UNTAGGED;
        let most = lines.iter().filter(has_team).max_by_key(|line| line.spent.usd).filter(|line| Decimal::ZERO < line.spent.usd.0);
        let more = |line: &'a Line| Some((line.name.as_str(), line.spent.by_days_of(report.period).difference()?));
        let grew = lines.iter().filter_map(more).max_by_key(|(_, more)| *more);
        let grew = grew.filter(|(_, more)| Decimal::ZERO < more.0);
        let is_most = |name: &str| most.is_some_and(|most| most.name == name);
        let untagged = lines.iter().find(|line| !has_team(line)).filter(|line| !line.spent.usd.0.is_zero());
        Self {
            most: most.map(|line| (line.name.as_str(), share(line.spent.usd, whole))),
            most_grew: grew.filter(|(name, _)| is_most(name)).map(|(_, more)| more),
            grew: grew.filter(|(name, _)| !is_most(name)),
            untagged: untagged.and_then(|line| Some((line.spent.usd, share(line.spent.usd, whole)?))),
        }
    }
}

/// Components of the bill, those that hide something with their usage types.
#[derive(Template)]
#[template(path = "components.html")]
pub(super) struct Components<'a> {
    rows: Vec<ComponentRow<'a>>,
    total: Sum,
    /// With what the table compares.
    before: String,
}

struct ComponentRow<'a> {
    component: Component,
    sum: Sum,
    usage_types: Cut<(&'a str, Money)>,
}

impl<'a> Components<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let longest = report.components.iter().map(|line| line.spent.usd.0).max().unwrap_or_default();
        Self {
            rows: report.components.iter().map(|line| ComponentRow::of(line, report, longest)).collect(),
            total: Sum::of(report.spent, report, report.spent.usd.0),
            before: report.period.compared_words(),
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.is_empty())
    }
}

impl<'a> ComponentRow<'a> {
    fn of(line: &'a ComponentLine, report: &CostReport, longest: Decimal) -> Self {
        let mut usage_types: Vec<(&str, Money)> = line.usage_types.iter().map(|(name, usd)| (name.as_str(), *usd)).collect();
        usage_types.sort_by_key(|(name, usd)| (std::cmp::Reverse(*usd), *name));
        Self {
            component: line.component,
            sum: Sum::of(line.spent, report, longest),
            usage_types: Cut::at(USAGE_TYPES, &usage_types, |one| *one, |(_, usd)| Some(*usd)),
        }
    }
}

/// Instance types with what an hour costs.
#[derive(Template)]
#[template(path = "instance_types.html")]
pub(super) struct InstanceTypes<'a> {
    /// Those that cost something.
    rows: Cut<TypeRow<'a>>,
    /// Whether some have no hours on the bill.
    lacks_hours: bool,
    within: &'static str,
}

struct TypeRow<'a> {
    line: &'a InstanceType,
    length: String,
    hours: Option<Hours>,
    per_hour: Option<String>,
}

impl<'a> InstanceTypes<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        let longest = report.instance_types.iter().map(|line| line.usd.0).max().unwrap_or_default();
        let lines: Vec<&InstanceType> = report.instance_types.iter().filter(|line| !line.usd.0.round_dp(2).is_zero()).collect();
        let row = |line: &&'a InstanceType| TypeRow {
            line,
            length: length(line.usd.0, longest),
            hours: line.hours.known_of(line.usd),
            per_hour: line.usd_per_hour.map(|usd| unit_cost(usd.0)),
        };
        Self {
            lacks_hours: lines.iter().any(|line| line.hours.known_of(line.usd).is_none()),
            rows: Cut::at(INSTANCE_TYPES, &lines, row, |line| Some(line.usd)),
            within: within(report.period),
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.rows.shown.is_empty())
    }
}

/// USD of an hour with the four digits that AWS's prices have: types of instances differ by less than a cent.
fn unit_cost(usd: Decimal) -> String {
    Currency::of_account().amount(usd, 4)
}
