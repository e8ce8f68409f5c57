//! Makes the report of its sources: first what the bill says, then what the ledger says ([`super::remembered`]).

mod causes;
mod charges;
mod compared;
mod found;
mod month;
mod tagged;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use jiff::{ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use self::tagged::Tagged;
use crate::{
    facts::{NO_USE, ServiceForecast},
    report::{
        Change, ChargeType, ComponentLine, CostReport, Hours, InstanceType, Line, Method, Money, Resources, Series, Spot, Trend,
        cuts::{Cuts, Twice, UNTAGGED},
        period::ReportPeriod,
        remembered::{Remembered, cost_of},
        sources::Sources,
    },
    vocabulary::{
        component::{Component, instance_type_of},
        currency::Currency,
        period::days_between,
        text::is_alike,
    },
};

/// The most decisions that are listed.
const DECISIONS: usize = 20;

/// What one usage type cost one team, with the team's name.
struct Use<'a> {
    usage: &'a str,
    component: Component,
    team: &'a str,
    usd: Twice,
    by_day: &'a BTreeMap<Date, Decimal>,
    quantity: Decimal,
}

/// The numbers of the account, or of one team.
struct View<'a> {
    from: &'a Sources<'a>,
    team: Option<&'a str>,
    uses: Vec<Use<'a>>,
    /// Which of the bill's team numbers are in it.
    teams: Vec<bool>,
    /// Whether spend has teams in the period and in the one before.
    tagged: Tagged,
}

/// The report of the account, or of one team.
pub fn make(from: &Sources<'_>, team: Option<&str>) -> CostReport {
    let names = from.cuts.team_names();
    let view = View::of(from, team, &names);
    let remembered = Remembered::of(from, team);
    let mut decisions = remembered.decisions();
    let known: Vec<Money> = decisions.iter().filter_map(|one| one.usd_per_month).collect();
    let more_decisions = decisions.len().saturating_sub(DECISIONS);
    decisions.truncate(DECISIONS);
    CostReport {
        account: from.account.to_owned(),
        region: from.region.to_owned(),
        made: from.now,
        currency: Currency::of_account(),
        period: from.cuts.period,
        team: team.map(str::to_owned),
        spent: view.change(view.spent()),
        not_compared: view.not_compared(),
        month: view.month(),
        causes: view.causes(),
        guard: remembered.guards_work(),
        trend: view.trend(),
        components: view.components(),
        teams: view.teams(),
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
        decisions_usd_per_month: (!known.is_empty()).then(|| known.into_iter().sum()),
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
            is_in(team).then(|| Use {
                usage,
                component: Component::of(usage),
                team,
                usd: used.usd,
                by_day: &used.by_day,
                quantity: used.quantity,
            })
        });
        let teams = names.iter().map(|name| is_in(name)).collect();
        Self { from, team, uses: uses.collect(), teams, tagged: Tagged::of(from.cuts, names) }
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

    /// What each team spent, the highest first.
    fn teams(&self) -> Vec<Line> {
        let mut sums: BTreeMap<String, Twice> = BTreeMap::new();
        for one in &self.uses {
            *sums.entry(one.team.to_owned()).or_default() += one.usd;
        }
        self.lines(sums, !self.tagged.is_once())
    }

    fn lines(&self, sums: BTreeMap<String, Twice>, are_compared: bool) -> Vec<Line> {
        let mut lines: Vec<(Twice, String)> =
            sums.into_iter().filter(|(_, usd)| *usd != Twice::default()).map(|(name, usd)| (usd, name)).collect();
        lines.sort_by(|(a, of_a), (b, of_b)| b.now.cmp(&a.now).then_with(|| of_a.cmp(of_b)));
        let spent = |usd| {
            let Change { usd, before } = self.change(usd);
            Change { usd, before: before.filter(|_| are_compared) }
        };
        lines.into_iter().map(|(usd, name)| Line { name, spent: spent(usd) }).collect()
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

    fn sum_of(&self, rows: &HashMap<(Component, usize), Decimal>, counts: impl Fn(Component) -> bool) -> Decimal {
        rows.iter().filter(|((of, team), _)| counts(*of) && self.teams.get(*team) == Some(&true)).map(|(_, usd)| *usd).sum()
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
        let (ahead, budget) = (self.ahead(), self.lowest_budget());
        let per_day = |ahead: ServiceForecast| Money(ahead.usd / Decimal::from(days_between(ahead.from, ahead.until).max(1)));
        let is_missing = |day: &&Date| !self.from.cuts.days.contains_key(day);
        Trend {
            missing: days.iter().filter(is_missing).copied().collect(),
            estimated_from: Some(self.from.estimated_from).filter(|from| days.last().is_some_and(|last| from <= last)),
            days,
            components,
            forecast_per_day: ahead.map(per_day),
            forecast_until: ahead.map(|ahead| ahead.until.saturating_sub(1.day())),
            budget_per_day: budget.as_ref().map(|(_, usd)| *usd),
            budget: budget.map(|(name, _)| name),
        }
    }

    fn method(&self) -> Method {
        let period = self.period();
        let charge_type = |(name, (usd, billed)): (&String, &(Decimal, Decimal))| ChargeType {
            name: name.clone(),
            billed: Money(*billed),
            amortized: Money(*usd),
            is_counted: !NO_USE.contains(&name.as_str()),
        };
        let mut charge_types: Vec<ChargeType> = self.charges().map(charge_type).collect();
        charge_types.sort_by_key(|one| Reverse(one.amortized.0.abs()));
        Method {
            charge_types,
            lacks_charges: self.team.is_none() && !self.from.cuts.has_charges_of(period),
            estimated_days: self.from.cuts.days.range(self.from.estimated_from.clamp(period.from, period.until)..period.until).count(),
            missing_days: self.missing_days(period),
            requests: self.from.requests_in_period(),
            requests_for_this: self.from.requests_for_this,
            cost_of_this: cost_of(self.from.requests_for_this),
            unread: self.from.unread.to_vec(),
            unchecked: self.from.unchecked.to_vec(),
            notes: self.from.notes.iter().cloned().chain(self.whose_view().map(str::to_owned)).chain(self.teams_not_compared()).collect(),
        }
    }
}
