//! The first screen: how much, more or less than before, why, what to do, and the month against its budget.

use std::cmp::Ordering;

use askama::Template;
use cost_rules::report::{Ask, Budget, Cause, CostReport, Decision, Forecast, Money, without};
use rust_decimal::Decimal;

use super::{
    filters,
    words::{about, change_percent, day, during, length, many, percent_of, signed, used},
};

/// How many decisions the first screen has, and how many with what is to be asked.
const DECISIONS: usize = 3;
const THINGS_TO_DO: usize = 4;

/// How many budgets it has, and how many of those that need attention.
const BUDGETS: usize = 3;
const NEEDY_BUDGETS: usize = 10;

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
    /// With what the causes are compared, where that is not simply the period before.
    compared_with: Option<String>,
    causes: Vec<Why<'a>>,
    /// What a day has cost since the rise was over.
    since_then: Option<String>,
    /// What the causes leave of the difference.
    other_causes: Option<String>,
    /// What all of them come to, where the headline does not say it: in USD and percent.
    all_causes: Option<String>,
    asks: Vec<ToAsk<'a>>,
    to_do: Vec<ToDo<'a>>,
    /// How many decisions there are in all.
    decisions: usize,
    /// Why there may be decisions although none is known.
    unchecked: Option<String>,
    month: Month<'a>,
}

/// The period against the one before.
enum Compared {
    Unknown,
    Same,
    More(Difference),
    Less(Difference),
    /// By the average day: the two have different numbers of days.
    ByDay(Day),
}

struct Difference {
    usd: String,
    percent: Option<String>,
}

/// What a day cost on average.
struct Day {
    usd: String,
    before: String,
    /// What the period before is called.
    of: String,
    /// `153 % more`. Empty: as much. `None`: nothing was spent before.
    change: Option<String>,
}

struct Why<'a> {
    cause: &'a Cause,
    difference: String,
    /// `team vision`
    whose: String,
    /// On which days it was, and for how many hours; and what is known of it.
    more: Vec<String>,
}

/// What is to be asked about a cause.
struct ToAsk<'a> {
    cause: &'a Cause,
    whose: String,
    difference: String,
    words: String,
}

struct ToDo<'a> {
    decision: &'a Decision,
    usd: Option<String>,
}

struct Month<'a> {
    name: &'a str,
    /// Its sum until the end of the period. `None`: the headline has it.
    so_far: Option<SoFar>,
    forecast: Option<Outlook>,
    /// The day on which the budgets were read, if that was not today.
    budgets_read: Option<String>,
    /// Why no budget is told.
    no_budgets: Option<String>,
    budgets: Vec<BudgetBar<'a>>,
    more_budgets: usize,
    /// How many of these are used up, or will be.
    more_needy: usize,
    wrong: Vec<WrongBudget<'a>>,
}

struct SoFar {
    usd: String,
    /// `so far`
    until: &'static str,
    /// The days that it lacks.
    without: String,
}

/// A budget that does not watch the spend.
struct WrongBudget<'a> {
    name: &'a str,
    limit: String,
    /// `counts nothing`
    what: &'static str,
    /// `it filters by …`
    why: &'a str,
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
    /// Whether the final bill says what is spent.
    by_bill: bool,
    /// Whether it is used up, or else what AWS's forecast means for it.
    verdict: Option<Verdict>,
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
        let asks: Vec<ToAsk<'_>> = report.asks().into_iter().map(ToAsk::of).collect();
        Self {
            report,
            usd: about(report.spent.usd),
            when: during(report.period),
            compared: Compared::of(report),
            warnings: warnings(report),
            compared_with: report.compared_with(),
            since_then: report.since_then(),
            causes: report.causes.iter().map(|cause| Why::of(cause, report)).collect(),
            other_causes: report.other_causes().map(signed),
            all_causes: report.all_causes().map(signed),
            to_do: to_do(report, DECISIONS.min(THINGS_TO_DO.saturating_sub(asks.len()))),
            asks,
            decisions: report.decisions.len() + report.more_decisions,
            unchecked: report.unchecked(&[]),
            month: Month::of(report),
        }
    }
}

impl Compared {
    fn of(report: &CostReport) -> Self {
        if let Some(day) = Day::of(report) {
            return Self::ByDay(day);
        }
        let Some(difference) = report.spent.difference() else { return Self::Unknown };
        let part = Difference { usd: about(Money(difference.0.abs())), percent: change_percent(report.spent, report.period) };
        match difference.0.round_dp(2).cmp(&Decimal::ZERO) {
            Ordering::Equal => Self::Same,
            Ordering::Less => Self::Less(part),
            Ordering::Greater => Self::More(part),
        }
    }
}

impl Day {
    fn of(report: &CostReport) -> Option<Self> {
        let day = report.average_day()?;
        let change = day.percent.map(|percent| match percent {
            0 => String::new(),
            1.. => format!("{} more", percent_of(percent)),
            _ => format!("{} less", percent_of(percent)),
        });
        Some(Self { usd: about(day.usd), before: about(day.before), of: day.of, change })
    }
}

/// What a reader must know of the days before they trust the sum.
fn warnings(report: &CostReport) -> Vec<String> {
    let method = &report.method;
    let missing = (0 < method.missing_days).then(|| {
        let is = if method.missing_days == 1 { "is" } else { "are" };
        format!("{} {is} not on the bill yet, so this is less than the whole, and is not compared.", many(method.missing_days, "day"))
    });
    let others = [&report.not_compared, &missing, &report.estimated_days()];
    others.into_iter().flatten().map(|text| filters::as_sentence(text)).collect()
}

impl<'a> Why<'a> {
    fn of(cause: &'a Cause, report: &CostReport) -> Self {
        let more = cause.when(report.period).into_iter().chain(cause.known()).collect();
        Self { cause, difference: signed(cause.difference), whose: cause.whose(), more }
    }
}

impl<'a> ToAsk<'a> {
    fn of(Ask { cause, words }: Ask<'a>) -> Self {
        Self { cause, whose: cause.whose(), difference: signed(cause.difference), words }
    }
}

/// The first decisions: those about what the causes name, then the others.
fn to_do(report: &CostReport, most: usize) -> Vec<ToDo<'_>> {
    let (first, others): (Vec<&Decision>, Vec<&Decision>) = report.decisions.iter().partition(|one| report.is_of_a_cause(one));
    first.into_iter().chain(others).take(most).map(ToDo::of).collect()
}

impl<'a> ToDo<'a> {
    fn of(decision: &'a Decision) -> Self {
        Self { decision, usd: decision.usd_per_month.map(about) }
    }
}

impl<'a> Month<'a> {
    fn of(report: &'a CostReport) -> Self {
        let month = &report.month;
        let until = report.month_until().filter(|_| month.usd != report.spent.usd);
        let (needy, calm): (Vec<&Budget>, Vec<&Budget>) =
            month.budgets.iter().filter(|one| one.unhealthy.is_none()).partition(|one| is_needy(one));
        let shown = needy.len().clamp(BUDGETS, NEEDY_BUDGETS);
        Self {
            name: &month.name,
            so_far: until.map(|until| SoFar { usd: about(month.usd), until, without: without(month.missing_days) }),
            forecast: month.forecast.map(Outlook::of),
            budgets_read: report.budgets_read().map(day),
            no_budgets: month.no_budgets(),
            more_budgets: (needy.len() + calm.len()).saturating_sub(shown),
            more_needy: needy.len().saturating_sub(shown),
            budgets: needy.into_iter().chain(calm).take(shown).map(BudgetBar::of).collect(),
            wrong: month.budgets.iter().filter_map(WrongBudget::of).collect(),
        }
    }

    /// Whether it is about the budgets only.
    const fn is_of_budgets(&self) -> bool {
        self.so_far.is_none() && self.forecast.is_none()
    }

    /// Whether the bill says what is spent of some of them.
    fn has_by_bill(&self) -> bool {
        self.budgets.iter().any(|budget| budget.by_bill)
    }

    /// Whether the month says more than the period itself.
    const fn is_shown(&self) -> bool {
        !self.is_of_budgets() || !self.budgets.is_empty() || !self.wrong.is_empty() || self.no_budgets.is_some()
    }
}

/// Whether a budget is used up, or will be by AWS's forecast.
fn is_needy(budget: &Budget) -> bool {
    matches!(Verdict::of(budget), Some(Verdict::UsedUp | Verdict::Over { .. }))
}

impl<'a> WrongBudget<'a> {
    fn of(budget: &'a Budget) -> Option<Self> {
        let (what, why) = budget.wrong()?;
        Some(Self { name: &budget.name, limit: about(budget.limit), what, why })
    }
}

impl Outlook {
    fn of(forecast: Forecast) -> Self {
        Self { usd: about(forecast.usd), low: about(forecast.low), high: about(forecast.high), without: without(forecast.missing_days) }
    }
}

impl<'a> BudgetBar<'a> {
    fn of(budget: &'a Budget) -> Self {
        let (limit, spent) = (budget.limit.0, budget.spent.0);
        let forecast = budget.forecast.map_or(Decimal::ZERO, |forecast| forecast.0);
        // A little room behind the longest part, so that the mark of the limit does not stick to the end.
        let whole = limit.max(spent).max(forecast) * Decimal::new(105, 2);
        Self {
            name: &budget.name,
            limit: about(budget.limit),
            spent: about(budget.spent),
            spent_share: used(budget.spent, budget.limit).unwrap_or_default(),
            by_bill: budget.by_bill,
            verdict: Verdict::of(budget),
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
