//! The first screen: how much, more or less than before, why, what to do, and the month against its budget.

use std::cmp::Ordering;

use askama::Template;
use cost_rules::report::{Budget, Cause, CostReport, Decision, Forecast, Money, ReportUnit, without};
use rust_decimal::Decimal;

use super::{
    filters,
    words::{about, change_percent, day, during, length, many, share, signed},
};

/// How many decisions and budgets the first screen has.
const DECISIONS: usize = 3;
const BUDGETS: usize = 3;

/// The first screen.
#[derive(Template)]
#[template(path = "first.html")]
pub(super) struct First<'a> {
    report: &'a CostReport,
    usd: String,
    when: String,
    compared: Compared,
    /// What must be known at once to read the number.
    warnings: Vec<String>,
    causes: Vec<Why<'a>>,
    /// What more or fewer days make of the difference.
    by_days: Option<(String, String)>,
    /// What the causes leave of the difference.
    other_causes: Option<String>,
    to_do: Vec<ToDo<'a>>,
    /// How many decisions there are in all.
    decisions: usize,
    month: Month<'a>,
}

/// The period against the one before.
enum Compared {
    Unknown,
    Same,
    More(Difference),
    Less(Difference),
}

struct Difference {
    usd: String,
    percent: Option<String>,
}

struct Why<'a> {
    cause: &'a Cause,
    difference: String,
}

struct ToDo<'a> {
    decision: &'a Decision,
    usd: Option<String>,
}

struct Month<'a> {
    name: &'a str,
    usd: String,
    /// Until when that is: ` so far`. Empty: the whole month.
    until: &'static str,
    /// The days that it lacks.
    without: String,
    forecast: Option<Outlook>,
    budgets: Vec<BudgetBar<'a>>,
    more_budgets: usize,
}

struct Outlook {
    usd: String,
    low: String,
    high: String,
    /// The days that it lacks.
    without: String,
}

/// A budget as a bar: what is spent, what is forecast, and the limit as a mark.
struct BudgetBar<'a> {
    name: &'a str,
    limit: String,
    spent: String,
    spent_share: String,
    /// Whether it is used up, or else what AWS's forecast means for it.
    verdict: Option<Verdict>,
    /// The day when it was read, if that was not today.
    as_of: Option<String>,
    /// Lengths of the bar in percent.
    spent_length: String,
    forecast_length: String,
    limit_at: String,
}

enum Verdict {
    UsedUp,
    Over { forecast: String, by: String },
    Within { forecast: String },
}

impl<'a> First<'a> {
    pub(super) fn of(report: &'a CostReport) -> Self {
        Self {
            report,
            usd: about(report.spent.usd),
            when: during(report.period),
            compared: Compared::of(report),
            warnings: warnings(report),
            causes: report.causes.iter().map(Why::of).collect(),
            by_days: report.by_number_of_days().map(|(words, usd)| (words, signed(usd))),
            other_causes: report.other_causes().map(signed),
            to_do: report.decisions.iter().take(DECISIONS).map(ToDo::of).collect(),
            decisions: report.decisions.len() + report.more_decisions,
            month: Month::of(report),
        }
    }
}

impl Compared {
    fn of(report: &CostReport) -> Self {
        let (spent, period) = (report.spent, report.period);
        let Some(difference) = spent.difference() else { return Self::Unknown };
        let by_the_day = if period.is_of_other_length() { " by the day" } else { "" };
        let percent = change_percent(spent, period).map(|percent| percent + by_the_day);
        let part = Difference { usd: about(Money(difference.0.abs())), percent };
        match difference.0.round_dp(2).cmp(&Decimal::ZERO) {
            Ordering::Equal => Self::Same,
            Ordering::Less => Self::Less(part),
            Ordering::Greater => Self::More(part),
        }
    }
}

/// What a reader must know of the days before they trust the sum.
fn warnings(report: &CostReport) -> Vec<String> {
    let method = &report.method;
    let missing = (0 < method.missing_days).then(|| {
        let is = if method.missing_days == 1 { "is" } else { "are" };
        format!("{} {is} not on the bill yet, so this is less than the whole, and is not compared.", many(method.missing_days, "day"))
    });
    let others = [&report.not_compared, &report.by_the_day(), &missing, &report.estimated_days()];
    others.into_iter().flatten().map(|text| filters::as_sentence(text)).collect()
}

impl<'a> Why<'a> {
    fn of(cause: &'a Cause) -> Self {
        Self { cause, difference: signed(cause.difference) }
    }
}

impl<'a> ToDo<'a> {
    fn of(decision: &'a Decision) -> Self {
        Self { decision, usd: decision.usd_per_month.map(about) }
    }
}

impl<'a> Month<'a> {
    fn of(report: &'a CostReport) -> Self {
        let month = &report.month;
        Self {
            name: &month.name,
            usd: about(month.usd),
            until: match (month.is_over, report.period.unit) {
                (false, _) => " so far",
                (true, ReportUnit::Month) => "",
                (true, ReportUnit::Week) => " to the end of the week",
            },
            without: without(month.missing_days),
            forecast: month.forecast.map(Outlook::of),
            budgets: month.budgets.iter().take(BUDGETS).map(|budget| BudgetBar::of(budget, report)).collect(),
            more_budgets: month.budgets.len().saturating_sub(BUDGETS),
        }
    }

    /// Whether the month says more than the period itself.
    fn is_shown(&self, report: &CostReport) -> bool {
        self.forecast.is_some() || !self.budgets.is_empty() || report.month.usd != report.spent.usd
    }
}

impl Outlook {
    fn of(forecast: Forecast) -> Self {
        Self { usd: about(forecast.usd), low: about(forecast.low), high: about(forecast.high), without: without(forecast.missing_days) }
    }
}

impl<'a> BudgetBar<'a> {
    fn of(budget: &'a Budget, report: &CostReport) -> Self {
        let (limit, spent) = (budget.limit.0, budget.spent.0);
        let forecast = budget.forecast.map_or(Decimal::ZERO, |forecast| forecast.0);
        // A little room behind the longest part, so that the mark of the limit does not stick to the end.
        let whole = limit.max(spent).max(forecast) * Decimal::new(105, 2);
        Self {
            name: &budget.name,
            limit: about(budget.limit),
            spent: about(budget.spent),
            spent_share: share(budget.spent, budget.limit).unwrap_or_default(),
            verdict: Verdict::of(budget),
            as_of: budget.remembered(report.made).map(day),
            spent_length: length(spent, whole),
            forecast_length: length(forecast.max(spent), whole),
            limit_at: length(limit, whole),
        }
    }
}

impl Verdict {
    fn of(budget: &Budget) -> Option<Self> {
        if budget.is_used_up() {
            return Some(Self::UsedUp);
        }
        let forecast = budget.forecast?;
        let over = Money(forecast.0 - budget.limit.0);
        let words = about(forecast);
        Some(if Decimal::ZERO < over.0 { Self::Over { forecast: words, by: about(over) } } else { Self::Within { forecast: words } })
    }
}
