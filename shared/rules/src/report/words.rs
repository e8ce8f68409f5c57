//! What the report says to people, on the page and in the mail.

use jiff::civil::Date;
use rust_decimal::{Decimal, dec};

use crate::{
    report::{
        Became, Budget, Cause, CostReport, Decision, Found, Money, Month, PlanAdvice, ReportPeriod, ReportUnit, SavingsPlans, UNTAGGED,
        Unchecked,
    },
    vocabulary::{
        component::Component,
        resource::{UNOWNED, owner_words},
        text::one_line,
    },
};

/// How many reasons are told why a list could not be checked.
const UNCHECKED: usize = 3;

/// What stands for several instance types or usage types in a cause.
pub(crate) const SEVERAL_TYPES: &str = "several types";

/// What stands for several teams in a cause, and for all of them.
pub(crate) const SEVERAL_TEAMS: &str = "several teams";
pub(crate) const ALL_TEAMS: &str = "all teams";

/// What [`SavingsPlans::never_covered`] is, for people.
pub const NEVER_COVERED: &str = "training on Spot, serverless endpoints, storage, data, labelling";
/// What [`SavingsPlans::not_sure`] is, for people.
pub const NOT_SURE: &str = "Canvas, asynchronous endpoints, HyperPod, other";

/// Why there is no cost of single resources: the payer has not switched it on, or AWS has switched it off again. For people.
pub const NO_RESOURCE_DATA: &str = "Cost Explorer's resource-level data of SageMaker is off. The payer account switches it on in Billing and Cost Management, Cost \
    Management preferences, Cost Explorer: \u{201c}Resource-level data at daily granularity\u{201d}, with SageMaker among its services. AWS switches it off again if \
    nobody uses it for three months";

/// What [`crate::report::Method::lacks_charges`] means, for people.
pub const LACKS_CHARGES: &str = "accounts, charge types, the invoice and what plans cover are not known: the charges of some days could not be read, or do not \
    add up to their cost";

impl CostReport {
    /// How many of the period's days are on the bill, for people: `2 of its 31 days`. `None`: all of them.
    pub(crate) fn days_on_the_bill(&self) -> Option<String> {
        let days = usize::try_from(self.period.days()).unwrap_or_default();
        let known = days.saturating_sub(self.method.missing_days);
        (known < days).then(|| format!("{known} of its {days} days"))
    }

    /// How many days are estimated, for people: `3 of 7 days are estimated: AWS may still correct them`. `None`: none is.
    pub fn estimated_days(&self) -> Option<String> {
        let days = self.method.estimated_days;
        let (are, them) = if days == 1 { ("is", "it") } else { ("are", "them") };
        (0 < days).then(|| format!("{days} of {} days {are} estimated: AWS may still correct {them}", self.period.days()))
    }

    /// What a day cost on average, beside one of the period before. `None`: both have as many days, so that their sums are compared, or they are not compared.
    pub fn average_day(&self) -> Option<AverageDay> {
        let before = self.spent.before.filter(|_| self.period.is_of_other_length())?;
        let by_day = |usd: Money, period: ReportPeriod| Money(usd.0 / Decimal::from(period.days().max(1)));
        Some(AverageDay {
            usd: by_day(self.spent.usd, self.period),
            before: by_day(before, self.period.before()),
            percent: self.spent.percent(self.period),
            of: self.period.before_words(),
        })
    }

    /// With what all amounts are compared, for people, where the periods have different numbers of days: `October scaled to 30 days: $1,088.37
    /// (its 31 days cost $1,124.65)`.
    pub fn compared_with(&self) -> Option<String> {
        let (before, period) = (self.spent.before.filter(|_| self.period.is_of_other_length())?, self.period);
        let (usd, days) = (Money(period.in_its_days(before.0)), period.before().days());
        Some(format!("{}: {usd} (its {days} days cost {before})", period.scaled_words()))
    }

    /// Until when the month's sum is: `so far`. `None`: the period is this month, and its sum says it.
    pub const fn month_until(&self) -> Option<&'static str> {
        match (self.period.unit, self.month.is_over) {
            (ReportUnit::Month, _) => None,
            (ReportUnit::Week, false) => Some("so far"),
            (ReportUnit::Week, true) => Some("to the end of the week"),
        }
    }

    /// The day on which the budgets were read, if that was before the day of the report. They lack most of that day.
    pub fn budgets_read(&self) -> Option<Date> {
        self.month.budgets.iter().filter(|budget| !budget.by_bill).find_map(|budget| budget.remembered(self.made))
    }

    /// What the causes leave of the difference, so that all of them add up to it. `None`: nothing, or no cause is known.
    pub fn other_causes(&self) -> Option<Money> {
        let named: Money = self.causes.iter().map(|cause| cause.difference).sum();
        let other = Money(self.spent.by_days_of(self.period).difference()?.0 - named.0);
        (!self.causes.is_empty() && !other.0.round_dp(2).is_zero()).then_some(other)
    }
}

impl CostReport {
    /// What all causes come to, where the headline says only what a day cost. `None`: the headline says it, or no cause is known.
    pub fn all_causes(&self) -> Option<Money> {
        let is_untold = self.period.is_of_other_length() && !self.causes.is_empty();
        self.spent.by_days_of(self.period).difference().filter(|_| is_untold)
    }
}

/// The part of all that is more that has ended, from which on the rise is over.
const MOST: Decimal = dec!(0.8);
/// The fewest days that tell what a day costs since.
const FEWEST_DAYS: usize = 4;

impl CostReport {
    /// What a day has cost since what made it more was over, for people: `Since 19 November it cost $37.86 a day; October cost $36.28 a day`. `None`: most of it goes on, or too few
    /// days have passed.
    pub fn since_then(&self) -> Option<String> {
        let more = self.spent.by_days_of(self.period).difference()?.0;
        let before = self.spent.before?.0 / Decimal::from(self.period.before().days().max(1));
        let ended: Vec<(Date, Decimal)> = self.causes.iter().filter_map(|cause| Some((cause.until?, cause.difference.0))).collect();
        let is_over = Decimal::ZERO < more && more * MOST <= ended.iter().map(|(_, usd)| *usd).sum();
        let last = ended.iter().map(|(day, _)| *day).max().filter(|_| is_over)?;
        let is_after = |day: &Date| last < *day && *day < self.period.until && !self.trend.missing.contains(day);
        let after: Vec<usize> = (0..).zip(&self.trend.days).filter(|(_, day)| is_after(day)).map(|(place, _)| place).collect();
        let usd: Money = self.trend.components.iter().flat_map(|one| after.iter().filter_map(|place| one.usd.get(*place))).copied().sum();
        let a_day = usd.0.checked_div(Decimal::from(after.len())).filter(|_| FEWEST_DAYS <= after.len())?;
        let since = last.tomorrow().ok()?.strftime("%-d %B");
        Some(format!("Since {since} it cost {} a day; {} cost {} a day", Money(a_day), self.period.before_words(), Money(before)))
    }
}

/// How many causes are asked about.
const ASKS: usize = 2;

/// The parts of all that is more, and of all that was spent, from which on a cause is worth a question.
const WORTH_OF_MORE: Decimal = dec!(0.1);
const WORTH_OF_ALL: Decimal = dec!(0.01);

/// What somebody has to be asked about a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The cause.
    pub cause: &'a Cause,
    /// For people: `none of it after Wed 18 November: ask team vision whether it comes again`.
    pub words: String,
}

impl CostReport {
    /// What is to be asked about the causes that are most of what is more. What is settled, or is one of the decisions, needs no question.
    pub fn asks(&self) -> Vec<Ask<'_>> {
        let more: Decimal = self.causes.iter().map(|cause| cause.difference.0.max(Decimal::ZERO)).sum();
        let least = (more * WORTH_OF_MORE).max(self.spent.usd.0 * WORTH_OF_ALL).max(Decimal::ONE);
        let is_worth = |cause: &&Cause| least <= cause.difference.0 && !cause.is_settled() && !cause.is_open();
        let ask = |cause| Some(Ask { cause, words: Cause::question(cause, self.team.is_some())? });
        self.causes.iter().filter(is_worth).filter_map(ask).take(ASKS).collect()
    }

    /// Whether a decision is about something that the guard found for one of the causes.
    pub fn is_of_a_cause(&self, decision: &Decision) -> bool {
        let is_it = |found: &Found| found.became == Became::Open && found.what == decision.what && found.owner == decision.owner;
        self.causes.iter().any(|cause| Decimal::ZERO < cause.difference.0 && cause.found.iter().any(is_it))
    }

    /// Why a list of these functions may be empty although there is something: what they could not read. No function: all of them. `None`: they read all.
    pub fn unchecked(&self, functions: &[&str]) -> Option<String> {
        let is_theirs = |one: &&Unchecked| functions.is_empty() || functions.contains(&one.function.as_str());
        let whys: Vec<String> = self
            .method
            .unchecked
            .iter()
            .filter(is_theirs)
            .take(UNCHECKED)
            .map(|one| format!("{}: {}", one.function, one_line(&one.why)))
            .collect();
        (!whys.is_empty()).then(|| format!("could not be checked: {}", whys.join("; ")))
    }
}

impl Month {
    /// Why no budget is told, for people. `None`: they are, or there is none.
    pub fn no_budgets(&self) -> Option<String> {
        self.lacks_budgets.then(|| format!("Budgets could not be checked: budget-alerter has not read them in {}", self.name))
    }
}

/// What a day cost on average, beside one of the period before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AverageDay {
    /// USD a day.
    pub usd: Money,
    /// USD a day in the period before.
    pub before: Money,
    /// The difference in whole percent. `None`: nothing was spent before.
    pub percent: Option<i64>,
    /// What the period before is called: `October`.
    pub of: String,
}

impl Cause {
    /// On which days it was and for how many hours, as far as that is known: `on Wed 18 November only, 24.0 instance hours`. `None`: each day has a part of it.
    pub fn when(&self, period: ReportPeriod) -> Option<String> {
        let days = self.days?;
        if self.difference.0 < Decimal::ZERO {
            return (days == 0).then(|| format!("none {}", period.in_words()));
        }
        let of_days = match self.mostly_on {
            Some(day) if days == 1 => Some(format!("on {} only", short(day))),
            Some(day) => Some(format!("nearly all of it on {}", short(day))),
            None => (i64::try_from(days) != Ok(period.days())).then(|| format!("on {days} of {} days", period.days())),
        };
        let hours = self.hours.map(|hours| format!("{hours} instance hours in all"));
        let all: Vec<String> = of_days.into_iter().chain(hours).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Whose it is: `team vision`, `no team`, `several teams`.
    pub fn whose(&self) -> String {
        match self.team.as_str() {
            UNTAGGED => "no team".to_owned(),
            several @ (SEVERAL_TEAMS | ALL_TEAMS) => several.to_owned(),
            team => format!("team {}", one_line(team)),
        }
    }

    /// What the guard knows of it: `known of these: notebook instance lab (ann@example.com), which the guard stopped on Sun 22 November; since then it has cost no more than usual`.
    pub fn known(&self) -> Option<String> {
        let more = (0 < self.more_found).then(|| format!("{} more", self.more_found));
        let all: Vec<String> = self.found.iter().map(Found::words).chain(more).collect();
        let end = if self.is_settled() { "; since then it has cost no more than usual" } else { "" };
        (!all.is_empty()).then(|| format!("known of these: {}{end}", all.join("; ")))
    }

    /// Whether it ended when what is known of it was stopped, so that there is nothing to do.
    fn is_settled(&self) -> bool {
        let ended_by = |found: &Found| match found.became {
            Became::StoppedByGuard(day) | Became::StoppedByOwner(day) => self.until.is_some_and(|until| until <= day),
            Became::Open | Became::Kept | Became::Gone(_) => false,
        };
        !self.found.is_empty() && self.more_found == 0 && self.found.iter().all(ended_by)
    }

    /// Whether something that is known of it needs a decision.
    fn is_open(&self) -> bool {
        self.found.iter().any(|found| found.became == Became::Open)
    }

    /// Whom to ask what. `None`: it is of several teams.
    fn question(&self, is_of_team: bool) -> Option<String> {
        let owner = match &self.found[..] {
            [one] if self.more_found == 0 && one.owner != UNOWNED => Some(one.owner.clone()),
            _ => None,
        };
        let (ended, what) = match self.until {
            Some(day) if self.component == Component::Training => {
                (format!("none of it after {}: ", short(day)), "whether it comes again; if so, on managed Spot")
            }
            Some(day) => (format!("none of it after {}: ", short(day)), "whether it comes again"),
            None => (String::new(), "whether it is intended"),
        };
        Some(match (owner, self.team.as_str()) {
            (Some(owner), _) => format!("{ended}ask {owner} {what}"),
            (None, SEVERAL_TEAMS | ALL_TEAMS) => return None,
            (None, UNTAGGED) => format!("{ended}it has no team: find out whose it is, and {what}"),
            (None, _) if is_of_team => format!("{ended}find out whose it is, and {what}"),
            (None, _) => format!("{ended}ask {} {what}", self.whose()),
        })
    }
}

impl Found {
    /// `notebook instance lab (ann@example.com), which the guard stopped on Sun 22 November`
    fn words(&self) -> String {
        let became = match self.became {
            Became::Open => "which needs a decision".to_owned(),
            Became::Kept => "which its owner keeps".to_owned(),
            Became::StoppedByGuard(day) => format!("which the guard stopped on {}", short(day)),
            Became::StoppedByOwner(day) => format!("which its owner stopped on {}", short(day)),
            Became::Gone(day) => format!("not found since {}", short(day)),
        };
        format!("{} ({}), {became}", one_line(&self.what), owner_words(&self.owner))
    }
}

/// `Wed 18 November`
fn short(day: Date) -> String {
    day.strftime("%a %-d %B").to_string()
}

impl Budget {
    /// What is wrong with it, for people, and why: `counts nothing`, `it filters by …`. `None`: nothing is known to be.
    pub fn wrong(&self) -> Option<(&'static str, &str)> {
        let what = if self.spent.0.is_zero() { "counts nothing" } else { "does not watch the spend" };
        self.unhealthy.as_deref().map(|why| (what, why))
    }
}

impl SavingsPlans {
    /// What a plan could cover too, and whether buying one pays; for people. `None`: it is not known what plans cover, or they cover all, and there is no advice.
    pub fn buying(&self) -> Option<String> {
        if self.not_covered.0.is_zero() {
            return self.advice.as_ref().map(PlanAdvice::words);
        }
        let other = if self.is_owned { "Other use" } else { "Use" };
        let steady = self.not_covered_least.map_or_else(String::new, |usd| format!("; the cheapest day had {usd} of it"));
        let pays = self.advice.as_ref().map_or_else(
            || "Whether buying one pays is not known here: savings-plan-advisor works that out once a week and mails it.".to_owned(),
            PlanAdvice::pays,
        );
        Some(format!("{other} for {} is of kinds that plans cover, one-off use included{steady}. {pays}", self.not_covered))
    }
}

impl PlanAdvice {
    /// In a sentence.
    pub fn words(&self) -> String {
        let (how, aws) = (self.how(), self.of_aws());
        if self.commitment.0.is_zero() {
            return format!("Do not buy a plan ({how}): {}.{aws}", self.why_not());
        }
        format!("A plan of {} per hour ({how}) would save {} a month.{aws}", self.commitment, self.saves)
    }

    /// Whether buying pays, in sentences.
    fn pays(&self) -> String {
        let (how, aws) = (self.how(), self.of_aws());
        if self.commitment.0.is_zero() {
            return format!("Buying one does not pay ({how}): {}. So savings-plan-advisor says: do not buy.{aws}", self.why_not());
        }
        format!("savings-plan-advisor says: buy {} per hour ({how}), which would save {} a month.{aws}", self.commitment, self.saves)
    }

    /// How it is bought, and when that was worked out.
    fn how(&self) -> String {
        format!("{}{}", self.offer, self.as_of.map_or_else(String::new, |day| format!(", as of {day}")))
    }

    /// What AWS recommends, as a sentence after others.
    fn of_aws(&self) -> String {
        let waste = if self.with_waste > self.without_waste { ", with the waste in it" } else { "" };
        self.by_aws.map_or_else(String::new, |usd| format!(" AWS recommends {usd} per hour{waste}."))
    }

    /// Why none is advised.
    const fn why_not(&self) -> &'static str {
        if self.with_waste.0.is_zero() {
            "what no plan covers yet is too little"
        } else if self.without_waste.0.is_zero() {
            "without what will vanish, none saves enough"
        } else {
            "the two months before would not have paid for one"
        }
    }
}

/// `1 day`, `3 days`
pub(crate) fn days_in_words(days: usize) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// What a sum lacks, as the end of its sentence: `, without 1 day that is not on the bill`. Empty: nothing.
pub fn without(missing_days: usize) -> String {
    let are = if missing_days == 1 { "is" } else { "are" };
    if missing_days == 0 { String::new() } else { format!(", without {} that {are} not on the bill", days_in_words(missing_days)) }
}
