//! Makes the report of its sources: first what the bill says, then what the ledger says ([`super::remembered`]).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use jiff::{ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use crate::{
    facts::{NO_USE, ServiceForecast},
    report::{
        Budget, Cause, Change, ChargeType, ComponentLine, CostReport, Forecast, Hours, InstanceType, Line, Method, Money, Month, Resources,
        SavingsPlans, Series, Spot, Trend,
        budget::BudgetOnRecord,
        cuts::{ALL_TEAMS, Cuts, Twice, UNTAGGED},
        period::ReportPeriod,
        remembered::{Remembered, cost_of},
        sources::Sources,
    },
    vocabulary::{
        component::{Component, instance_type_of},
        currency::Currency,
        period::{day_of, days_between, plus_days},
        text::is_alike,
    },
};

/// The most causes of a difference.
const CAUSES: usize = 5;

/// Differences below this are no cause.
const LEAST_CAUSE: Decimal = Decimal::ONE;

/// What one usage type cost one team, with the team's name.
struct Use<'a> {
    usage: &'a str,
    component: Component,
    team: &'a str,
    usd: Twice,
    quantity: Decimal,
}

/// The numbers of the account, or of one team.
struct View<'a> {
    from: &'a Sources<'a>,
    team: Option<&'a str>,
    uses: Vec<Use<'a>>,
    /// Which of the bill's team numbers are in it.
    teams: Vec<bool>,
}

/// The report of the account, or of one team.
pub fn make(from: &Sources<'_>, team: Option<&str>) -> CostReport {
    let names = from.cuts.team_names();
    let view = View::of(from, team, &names);
    let remembered = Remembered::of(from, team);
    let (decisions, more_decisions) = remembered.decisions();
    CostReport {
        account: from.account.to_owned(),
        region: from.region.to_owned(),
        made: from.now,
        currency: Currency::of_account(),
        period: from.cuts.period,
        team: team.map(str::to_owned),
        spent: view.change(view.spent()),
        month: view.month(),
        causes: view.causes(),
        guard: remembered.guards_work(),
        trend: view.trend(),
        components: view.components(),
        teams: view.by(|one| one.team.to_owned()),
        accounts: view.accounts(),
        instance_types: view.instance_types(),
        spot: Spot { saved: remembered.saved_by_spot(), ..view.spot() },
        savings_plans: view.savings_plans(),
        resources: if team.is_none() { from.resources.clone() } else { Resources::default() },
        sleeping: remembered.sleeping(),
        exemptions: remembered.exemptions(),
        inference: remembered.inference(),
        method: view.method(),
        decisions,
        more_decisions,
    }
}

/// The teams that have a cost in the period, each in the spelling of the report. [`UNTAGGED`] is none of them.
pub fn teams(cuts: &Cuts) -> Vec<String> {
    let names = cuts.team_names();
    let has_cost = cuts.used().filter(|(_, _, used)| !used.usd.now.is_zero());
    let teams: BTreeSet<&str> = has_cost.filter_map(|(_, team, _)| names.get(team)).map(String::as_str).collect();
    teams.into_iter().filter(|team| *team != UNTAGGED).map(str::to_owned).collect()
}

impl<'a> View<'a> {
    fn of(from: &'a Sources<'a>, team: Option<&'a str>, names: &'a [String]) -> Self {
        let is_in = |name: &str| team.is_none_or(|team| is_alike(team, name));
        let uses = from.cuts.used().filter_map(|(usage, number, used)| {
            let team = names.get(number).map_or(UNTAGGED, String::as_str);
            is_in(team).then(|| Use { usage, component: Component::of(usage), team, usd: used.usd, quantity: used.quantity })
        });
        Self { from, team, uses: uses.collect(), teams: names.iter().map(|name| is_in(name)).collect() }
    }

    fn period(&self) -> ReportPeriod {
        self.from.cuts.period
    }

    fn spent(&self) -> Twice {
        let mut sum = Twice::default();
        for one in &self.uses {
            sum += one.usd;
        }
        sum
    }

    /// Periods are compared only if all days of both are known.
    fn change(&self, usd: Twice) -> Change {
        let period = self.period();
        let is_known = self.missing_days(period) == 0 && self.missing_days(period.before()) == 0;
        Change { usd: Money(usd.now), before: is_known.then_some(Money(usd.before)) }
    }

    fn missing_days(&self, period: ReportPeriod) -> usize {
        let known = self.from.cuts.days.range(period.from..period.until).count();
        usize::try_from(period.days()).unwrap_or_default().saturating_sub(known)
    }

    /// What each group spent, the highest first.
    fn by(&self, name: impl Fn(&Use<'_>) -> String) -> Vec<Line> {
        let mut sums: BTreeMap<String, Twice> = BTreeMap::new();
        for one in &self.uses {
            *sums.entry(name(one)).or_default() += one.usd;
        }
        self.lines(sums)
    }

    fn lines(&self, sums: BTreeMap<String, Twice>) -> Vec<Line> {
        let mut lines: Vec<(Twice, String)> =
            sums.into_iter().filter(|(_, usd)| *usd != Twice::default()).map(|(name, usd)| (usd, name)).collect();
        lines.sort_by(|(a, of_a), (b, of_b)| b.now.cmp(&a.now).then_with(|| of_a.cmp(of_b)));
        lines.into_iter().map(|(usd, name)| Line { name, spent: self.change(usd) }).collect()
    }

    fn accounts(&self) -> Vec<Line> {
        if self.team.is_some() { vec![] } else { self.lines(self.from.cuts.accounts.clone()) }
    }

    fn components(&self) -> Vec<ComponentLine> {
        let mut sums: BTreeMap<Component, (Twice, BTreeMap<String, Money>)> = BTreeMap::new();
        for one in &self.uses {
            let (usd, usage_types) = sums.entry(one.component).or_default();
            *usd += one.usd;
            if matches!(one.component, Component::Other | Component::Hyperpod) && !one.usd.now.is_zero() {
                *usage_types.entry(one.usage.to_owned()).or_default() += one.usd.now;
            }
        }
        sums.retain(|_, (usd, _)| *usd != Twice::default());
        let line = |(component, (usd, usage_types)): (Component, (Twice, BTreeMap<String, Money>))| {
            (usd.now, ComponentLine { component, spent: self.change(usd), usage_types })
        };
        let mut lines: Vec<(Decimal, ComponentLine)> = sums.into_iter().map(line).collect();
        lines.sort_by_key(|(usd, _)| Reverse(*usd));
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Why it is more or less than before. Nothing, if the period before is not known, or not what a team spent in it.
    fn causes(&self) -> Vec<Cause> {
        let is_split = self.tells_teams();
        if self.change(Twice::default()).before.is_none() || (self.team.is_some() && !is_split) {
            return vec![];
        }
        let mut sums: BTreeMap<(Component, &str, &str), Decimal> = BTreeMap::new();
        for one in &self.uses {
            let what = instance_type_of(one.usage).unwrap_or(one.usage);
            *sums.entry((one.component, what, if is_split { one.team } else { ALL_TEAMS })).or_default() += one.usd.now - one.usd.before;
        }
        let mut causes: Vec<Cause> = sums
            .into_iter()
            .filter(|(_, usd)| LEAST_CAUSE <= usd.abs())
            .map(|((component, what, team), usd)| Cause { component, what: what.to_owned(), team: team.to_owned(), difference: Money(usd) })
            .collect();
        causes.sort_by_key(|cause| Reverse(cause.difference.0.abs()));
        causes.truncate(CAUSES);
        causes
    }

    /// Whether the bill tells teams on all days that are compared. Before their tag became active on the bill, all spend was untagged.
    fn tells_teams(&self) -> bool {
        let names = self.from.cuts.team_names();
        let days = &self.from.cuts.days;
        let has_team = |team: usize| names.get(team).is_some_and(|name| name != UNTAGGED);
        let is_told = |used: &HashMap<(Component, usize), Decimal>| used.iter().any(|((_, team), usd)| !usd.is_zero() && has_team(*team));
        let Some((first, _)) = days.range(..self.period().until).find(|(_, used)| is_told(used)) else { return true };
        let from = self.period().before().from;
        days.range(from..from.max(*first)).all(|(_, used)| used.values().all(Decimal::is_zero))
    }

    fn instance_types(&self) -> Vec<InstanceType> {
        let mut sums: BTreeMap<(Component, &str), (Decimal, Decimal)> = BTreeMap::new();
        for one in self.uses.iter().filter(|one| one.component.is_by_instance()) {
            let Some(instance_type) = instance_type_of(one.usage) else { continue };
            let (usd, hours) = sums.entry((one.component, instance_type)).or_default();
            *usd += one.usd.now;
            *hours += one.quantity;
        }
        let mut lines: Vec<InstanceType> = sums
            .into_iter()
            .filter(|(_, (usd, hours))| !usd.is_zero() || !hours.is_zero())
            .map(|((component, instance_type), (usd, hours))| InstanceType {
                component,
                instance_type: instance_type.to_owned(),
                usd: Money(usd),
                hours: Hours(hours),
                usd_per_hour: usd.checked_div(hours).filter(|unit| !unit.is_zero()).map(|unit| Money(unit.round_dp(4))),
            })
            .collect();
        lines.sort_by_key(|line| Reverse(line.usd));
        lines
    }

    fn spot(&self) -> Spot {
        let of = |component| {
            let of = self.uses.iter().filter(|one| one.component == component);
            of.fold((Money::default(), Hours::default()), |(usd, hours), one| (Money(usd.0 + one.usd.now), Hours(hours.0 + one.quantity)))
        };
        let ((usd, hours), (on_demand_usd, on_demand_hours)) = (of(Component::TrainingSpot), of(Component::Training));
        Spot { usd, hours, on_demand_usd, on_demand_hours, saved: None }
    }

    /// What plans cover. The charges do not say whose it is, so a team's report has nothing of it.
    fn savings_plans(&self) -> SavingsPlans {
        let mut plans = SavingsPlans { advice: self.from.advice.filter(|_| self.team.is_none()).cloned(), ..SavingsPlans::default() };
        for (name, (usd, billed)) in self.from.cuts.charges.iter().filter(|_| self.team.is_none()) {
            match plain(name).as_str() {
                "savingsplancoveredusage" => {
                    plans.covered += *usd;
                    plans.covered_on_demand += *billed;
                    plans.is_owned = true;
                }
                "savingsplanrecurringfee" | "savingsplanupfrontfee" => {
                    plans.unused += *usd;
                    plans.is_owned = true;
                }
                "usage" => plans.not_covered += *usd,
                _ => {}
            }
        }
        plans
    }

    /// USD of each known day between two.
    fn daily(&self, from: Date, until: Date) -> impl Iterator<Item = (Date, Decimal)> {
        self.from.cuts.days.range(from..until.max(from)).map(|(day, rows)| (*day, self.sum_of(rows, |_| true)))
    }

    fn sum_of(&self, rows: &HashMap<(Component, usize), Decimal>, counts: impl Fn(Component) -> bool) -> Decimal {
        rows.iter().filter(|((of, team), _)| counts(*of) && self.teams.get(*team) == Some(&true)).map(|(_, usd)| *usd).sum()
    }

    fn month(&self) -> Month {
        let month = self.last_month();
        let usd = self.daily(month.from, self.period().until.min(month.until)).map(|(_, usd)| usd).sum();
        let forecast = self.ahead().map(|ahead| {
            let so_far: Decimal = self.daily(month.from, ahead.from).map(|(_, usd)| usd).sum();
            Forecast { usd: Money(so_far + ahead.usd), low: Money(so_far + ahead.low), high: Money(so_far + ahead.high) }
        });
        let is_its = |one: &&BudgetOnRecord| match (self.team, &one.team) {
            (Some(own), Some(team)) => is_alike(own, team),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let (is_over, as_of) = (month.is_over(self.from.now), self.from.budgets_read.map(day_of));
        let budgets = self.from.budgets.iter().filter(|one| one.month == month.from).filter(is_its);
        let mut budgets: Vec<Budget> = budgets.map(|one| one.line(as_of, is_over)).collect();
        budgets.sort_by_key(|budget| Reverse(budget.used()));
        Month { name: month.words(), usd: Money(usd), is_over, forecast, budgets }
    }

    fn last_month(&self) -> ReportPeriod {
        ReportPeriod::month_of(plus_days(self.period().until, -1))
    }

    /// AWS's forecast, if it is of the report's month. It is of the whole account.
    fn ahead(&self) -> Option<ServiceForecast> {
        self.from.ahead.filter(|ahead| self.team.is_none() && ahead.until == self.last_month().until && ahead.from < ahead.until)
    }

    fn trend(&self) -> Trend {
        let days = self.from.cuts.trend_days();
        let series = |component: Component| {
            let usd =
                days.iter().map(|day| self.from.cuts.days.get(day).map_or(Decimal::ZERO, |rows| self.sum_of(rows, |of| of == component)));
            Series { component, usd: usd.map(Money).collect() }
        };
        let mut components: Vec<Series> = Component::ALL.into_iter().map(series).collect();
        components.retain(|series| series.usd.iter().any(|usd| !usd.0.is_zero()));
        components.sort_by_key(|series| Reverse(series.usd.iter().copied().sum::<Money>()));
        let ahead = self.ahead();
        let per_day = |ahead: ServiceForecast| Money(ahead.usd / Decimal::from(days_between(ahead.from, ahead.until).max(1)));
        Trend {
            estimated_from: Some(self.from.estimated_from).filter(|from| days.last().is_some_and(|last| from <= last)),
            days,
            components,
            forecast_per_day: ahead.map(per_day),
            forecast_until: ahead.map(|ahead| ahead.until.saturating_sub(1.day())),
            budget_per_day: self.budget_per_day(),
        }
    }

    /// What the month's budgets of SageMaker allow on each day.
    fn budget_per_day(&self) -> Option<Money> {
        let month = self.last_month();
        let is_its = |one: &&BudgetOnRecord| match (self.team, &one.team) {
            (Some(own), Some(team)) => is_alike(own, team),
            (own, team) => own.is_none() && team.is_none(),
        };
        let limits =
            self.from.budgets.iter().filter(|one| one.is_of_sagemaker && one.month == month.from).filter(is_its).map(|one| one.limit);
        let limit = limits.min()?;
        Some(Money(limit / Decimal::from(month.days().max(1))))
    }

    fn method(&self) -> Method {
        let period = self.period();
        let charge_type = |(name, (usd, billed)): (&String, &(Decimal, Decimal))| ChargeType {
            name: name.clone(),
            billed: Money(*billed),
            amortized: Money(*usd),
            is_counted: !NO_USE.contains(&name.as_str()),
        };
        let mut charge_types: Vec<ChargeType> =
            if self.team.is_none() { self.from.cuts.charges.iter().map(charge_type).collect() } else { vec![] };
        charge_types.sort_by_key(|one| Reverse(one.amortized.0.abs()));
        Method {
            charge_types,
            estimated_days: self.from.cuts.days.range(self.from.estimated_from.clamp(period.from, period.until)..period.until).count(),
            missing_days: self.missing_days(period),
            requests: self.from.requests_in_period(),
            requests_for_this: self.from.requests_for_this,
            cost_of_this: cost_of(self.from.requests_for_this),
            unread: self.from.unread.to_vec(),
            notes: self.from.notes.iter().cloned().chain(self.whose_view().map(str::to_owned)).collect(),
        }
    }

    /// What this view of the bill lacks, by its charge types (money-facts §2.5).
    fn whose_view(&self) -> Option<&'static str> {
        if self.team.is_some() {
            return None;
        }
        let types: BTreeSet<String> = self.from.cuts.charges.keys().map(|name| plain(name)).collect();
        let has = |name: &str| types.contains(name);
        if has("solutionproviderprogramdiscount") {
            return Some(
                "this is the view of a reseller's customer: list prices less the reseller's discount, without credits and without the reseller's \
                 Savings Plans. What is paid is on the reseller's invoice",
            );
        }
        (has("savingsplancoveredusage") && !has("savingsplanrecurringfee") && !has("savingsplanupfrontfee")).then_some(
            "a Savings Plan covers use here, and its fee is not on this bill: another account of the organization may own it, with what nobody used of it",
        )
    }
}

/// A charge type as AWS spells it without blanks and capitals: both spellings are in use (money-facts §2.4).
fn plain(charge_type: &str) -> String {
    charge_type.replace(' ', "").to_lowercase()
}
