//! What a report is made of: the bill, the ledger, and how both are known.

use std::{collections::BTreeMap, ops::Range};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use crate::{
    facts::{ServiceForecast, SleepingEndpoint},
    plan::{Entry, Saved},
    policy::Policy,
    report::{
        PlanAdvice, Resources, Unchecked,
        budget::{BudgetOnRecord, Counts},
        cuts::Cuts,
    },
    vocabulary::{component::Component, text::is_alike},
};

/// What a report is made of.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The account.
    pub account: &'a str,
    /// The guard's Region.
    pub region: &'a str,
    /// The policy.
    pub policy: &'a Policy,
    /// The sums of the bill.
    pub cuts: &'a Cuts,
    /// The first day that AWS may still correct.
    pub estimated_from: Date,
    /// AWS's forecast for the rest of this month.
    pub ahead: Option<ServiceForecast>,
    /// The budgets.
    pub budgets: &'a [BudgetOnRecord],
    /// When budget-alerter read them.
    pub budgets_read: Option<Timestamp>,
    /// The findings in the ledger.
    pub entries: &'a [&'a Entry],
    /// What was saved in the period and before it, as far as the bill is known.
    pub saved: &'a [Saved],
    /// The endpoints that sleep.
    pub sleeping: &'a [SleepingEndpoint],
    /// The `[[exempt]]` sections of the policy, each with its end.
    pub exempts: &'a [(String, Timestamp)],
    /// What savings-plan-advisor advises.
    pub advice: Option<&'a PlanAdvice>,
    /// The most expensive resources, of the account's report.
    pub resources: &'a Resources,
    /// Requests to Cost Explorer, by day.
    pub requests: &'a BTreeMap<Date, u64>,
    /// Requests to Cost Explorer that the reading for this report took.
    pub requests_for_this: u64,
    /// What could not be read.
    pub unread: &'a [String],
    /// What the guard's functions could not read on the last day.
    pub unchecked: &'a [Unchecked],
    /// What a reader must know about this bill.
    pub notes: &'a [String],
    /// The present.
    pub now: Timestamp,
}

impl Sources<'_> {
    /// The budgets of the month in which the period ends: all, or those of a team.
    /// With the bill's amount (`true`) where the bill shows exactly what a budget counts and the month is final: the budget was read before its last hours.
    pub(crate) fn budgets_of(&self, team: Option<&str>) -> impl Iterator<Item = (BudgetOnRecord, bool)> {
        let month = self.cuts.period.last_month();
        let is_its = move |one: &BudgetOnRecord| team.is_none_or(|own| one.team.as_ref().is_some_and(|of| is_alike(own, of)));
        let its = self.budgets.iter().filter(move |one| one.month == month.from && is_its(one));
        its.map(|one| self.by_bill(one).map_or_else(|| (one.clone(), false), |spent| (BudgetOnRecord { spent, ..one.clone() }, true)))
    }

    /// What the final bill has of a budget in the month in which the period ends. `None`: it is not final, or does not show it. A Savings Plan's fee is of no team,
    /// and of another service. A budget counts what is on the invoice, unless it is made otherwise: the cost of use is not its amount where both differ.
    fn by_bill(&self, budget: &BudgetOnRecord) -> Option<Decimal> {
        let (month, days) = (self.cuts.period.last_month(), &self.cuts.days);
        let is_final = month.until <= self.estimated_from && month.is_over(self.now) && month.all_days().all(|day| days.contains_key(&day));
        let is_shown = is_final && self.cuts.is_as_invoiced(month);
        let counts = budget.counts.as_ref().filter(|_| is_shown && budget.unhealthy.is_none())?;
        // AWS counts one spelling of a team, and the report all of them.
        let is_spelt_twice = |own: &str| 1 < self.cuts.team_names().iter().filter(|name| is_alike(name, own)).count();
        if matches!(counts, Counts::Team(own) if is_spelt_twice(own)) {
            return None;
        }
        let has_fee =
            days.range(month.from..month.until).flat_map(|(_, rows)| rows).any(|((component, _), _)| *component == Component::Fee);
        (!has_fee).then(|| self.cost_of(counts, month.from..month.until))
    }

    /// What the bill has of what a budget counts on these days.
    pub(crate) fn cost_of(&self, counts: &Counts, days: Range<Date>) -> Decimal {
        let names = self.cuts.team_names();
        let takes = |team: usize| match counts {
            Counts::All => true,
            Counts::Team(own) => names.get(team).is_some_and(|name| is_alike(own, name)),
        };
        let rows = self.cuts.days.range(days).flat_map(|(_, rows)| rows);
        rows.filter(|((_, team), _)| takes(*team)).map(|(_, usd)| *usd).sum()
    }

    /// The number of requests to Cost Explorer in the period.
    pub(crate) fn requests_in_period(&self) -> u64 {
        self.requests.range(self.cuts.period.from..self.cuts.period.until).map(|(_, requests)| requests).sum()
    }
}
