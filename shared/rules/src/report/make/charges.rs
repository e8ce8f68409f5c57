//! What the charges say: accounts, Savings Plans, and whose view of the bill this is. Charges that do not add up to the days say nothing.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::View;
use crate::{
    report::{Line, Money, SavingsPlans},
    vocabulary::component::{Component, InPlans},
};

impl View<'_> {
    /// The period's charges by type: amortized and billed. They do not say whose they are, so a team's report has none.
    pub(super) fn charges(&self) -> impl Iterator<Item = (&String, &(Decimal, Decimal))> {
        let are_known = self.team.is_none() && self.from.cuts.has_charges_of(self.period());
        self.from.cuts.charges.iter().filter(move |_| are_known)
    }

    pub(super) fn accounts(&self) -> Vec<Line> {
        let cuts = self.from.cuts;
        if self.team.is_some() || !cuts.has_charges_of(self.period()) {
            return vec![];
        }
        self.lines(cuts.accounts.clone(), cuts.has_charges_of(self.period().before()))
    }

    /// What plans cover, and what they could.
    pub(super) fn savings_plans(&self) -> SavingsPlans {
        let mut plans = SavingsPlans { advice: self.from.advice.filter(|_| self.team.is_none()).cloned(), ..SavingsPlans::default() };
        let mut at_on_demand_prices = Decimal::ZERO;
        for (name, (usd, billed)) in self.charges() {
            match plain(name).as_str() {
                "savingsplancoveredusage" => {
                    plans.covered += *usd;
                    plans.covered_on_demand += *billed;
                    plans.is_owned = true;
                }
                "savingsplanrecurringfee" | "savingsplanupfrontfee" => {
                    *plans.unused.get_or_insert_default() += *usd;
                    plans.is_owned = true;
                }
                "usage" => at_on_demand_prices += *usd,
                _ => {}
            }
        }
        let all_of = |of: InPlans| {
            let its = self.uses.iter().filter(|one| one.component != Component::Fee && one.component.in_plans() == of);
            its.map(|one| one.usd.now).sum::<Decimal>().max(Decimal::ZERO)
        };
        // The charges do not say of which components they are. What no plan covers is at on-demand prices, or on Spot.
        let mut part = |of: InPlans| {
            let usd = all_of(of).min(at_on_demand_prices).max(Decimal::ZERO);
            at_on_demand_prices -= usd;
            Money(usd)
        };
        (plans.never_covered, plans.not_sure) = (part(InPlans::Never), part(InPlans::NotSure));
        // Discounts lie in what they make cheaper, and not in these prices: what is left may be of them.
        plans.not_covered = part(InPlans::Covered);
        let is_told = !plans.is_owned && !plans.not_covered.0.is_zero();
        plans.not_covered_least = is_told.then(|| self.least_day(|of| of.in_plans() == InPlans::Covered));
        plans
    }

    /// What some components cost on the period's cheapest day.
    fn least_day(&self, counts: impl Fn(Component) -> bool) -> Money {
        let days = &self.from.cuts.days;
        let usd_on = |day| days.get(&day).map_or(Decimal::ZERO, |rows| self.sum_of(rows, &counts));
        Money(self.period().all_days().map(usd_on).min().unwrap_or_default())
    }

    /// What this view of the bill lacks, by its charge types (money-facts §2.5).
    pub(super) fn whose_view(&self) -> Option<&'static str> {
        let types: BTreeSet<String> = self.charges().map(|(name, _)| plain(name)).collect();
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
