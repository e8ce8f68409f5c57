//! Savings Plans on the bill, as AWS writes them: covered usage, its negation, and the plan's fee (aws-facts §7.2). A plan is applied to each clock hour (UTC)
//! when the hour is over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::{Decimal, dec};

use super::{Amount, Billing, HOUR, Kind};
use crate::estate::{Estate, Offer, PlanSpec, RatesSpec, SavingsPlanSpec};

/// The service of the fee. AWS does not document its name.
const FEE_SERVICE: &str = "Machine Learning Savings Plans";
const SERVICE: &str = "Amazon SageMaker";
/// The components that a plan covers, at the begin of a usage type without its Region (AWS's list of eligible usage).
const COVERED: [&str; 7] = ["Notebk:", "Studio:", "Processing:", "Processing_DW:", "Train:", "Host:", "Tsform:"];

/// The three rows that replace a row of usage that a plan of one year without an upfront payment covers.
pub(super) fn kinds(usage: &Kind) -> [Kind; 3] {
    let [covered, negation] = covered_kinds(usage);
    [covered, negation, fee_kind(&usage.account, "SageMakerSP:1yrNoUpfront", "SavingsPlanRecurringFee")]
}

fn covered_kinds(usage: &Kind) -> [Kind; 2] {
    ["SavingsPlanCoveredUsage", "SavingsPlanNegation"].map(|record_type| Kind { record_type: record_type.into(), ..usage.clone() })
}

fn fee_kind(account: &str, usage_type: &str, record_type: &str) -> Kind {
    Kind {
        service: FEE_SERVICE.into(),
        usage_type: usage_type.into(),
        operation: String::new(),
        region: String::new(),
        account: account.to_owned(),
        record_type: record_type.into(),
        unit: "Hrs".into(),
        tags: BTreeMap::new(),
    }
}

/// The amounts of the three rows. `used`: the usage at on-demand prices.
pub(super) fn amounts(used: Amount, plan: &PlanSpec) -> [Amount; 3] {
    let at_the_plans_rate = used.usd * (Decimal::ONE - plan.discount / dec!(100));
    let [covered, negation] = covered_amounts(used, at_the_plans_rate);
    [covered, negation, fee(at_the_plans_rate + plan.unused, plan.unused, Decimal::ZERO)]
}

fn covered_amounts(used: Amount, at_the_plans_rate: Decimal) -> [Amount; 2] {
    let none = Decimal::ZERO;
    [Amount { amortized: at_the_plans_rate, ..used }, Amount { usd: -used.usd, amortized: none, on_demand: none, quantity: none }]
}

fn fee(usd: Decimal, unused: Decimal, quantity: Decimal) -> Amount {
    Amount { usd, amortized: unused, on_demand: Decimal::ZERO, quantity }
}

/// The Savings Plans of the account, and what became of their commitments.
#[derive(Clone)]
pub(crate) struct Plans {
    /// Those that began first come first.
    pub(crate) owned: Vec<Owned>,
    pub(crate) rates: RatesSpec,
    account: String,
    /// Plans are applied to all hours before this moment.
    applied: Timestamp,
    /// By hour: what was used of each plan, in the order of `owned`.
    pub(crate) used: BTreeMap<Timestamp, Vec<Utilization>>,
}

/// A Savings Plan, with its times resolved for the simulation's start.
#[derive(Clone)]
pub(crate) struct Owned {
    pub(crate) spec: SavingsPlanSpec,
    pub(crate) id: String,
    pub(crate) offer: Offer,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) returnable_until: Timestamp,
}

/// What was used of a plan in an hour.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utilization {
    /// USD of the commitment; zero: the plan was not active.
    pub(crate) commitment: Decimal,
    /// USD of it that usage was found for.
    pub(crate) used: Decimal,
    /// What this usage costs without a plan.
    pub(crate) on_demand: Decimal,
    /// The part of the commitment that was paid at the start.
    pub(crate) upfront: Decimal,
}

impl std::ops::AddAssign for Utilization {
    fn add_assign(&mut self, other: Self) {
        self.commitment += other.commitment;
        self.used += other.used;
        self.on_demand += other.on_demand;
        self.upfront += other.upfront;
    }
}

/// The usage of an hour that plans may cover, by usage type and account.
#[derive(Clone, Default)]
pub(crate) struct Hour(pub(crate) Vec<Eligible>);

/// Some usage, at on-demand prices.
#[derive(Clone)]
pub(crate) struct Eligible {
    pub(crate) usage_type: String,
    pub(crate) account: String,
    pub(crate) amount: Amount,
    /// The number of the row on the bill.
    row: usize,
}

/// A part of some usage that a plan covers.
struct Covered {
    row: usize,
    amount: Amount,
    at_the_plans_rate: Decimal,
}

impl Owned {
    fn new(spec: &SavingsPlanSpec, number: usize, start: Timestamp) -> Self {
        let begin = spec.start.at(start);
        let offer = spec.offer();
        let id = if spec.id.is_empty() { format!("5a000000-0000-4000-8000-{number:012}") } else { spec.id.clone() };
        let returnable_until = spec.returnable_until.map_or(begin, |until| until.at(start));
        Self {
            spec: spec.clone(),
            id,
            offer,
            start: begin,
            end: begin + jiff::SignedDuration::from_secs(offer.seconds()),
            returnable_until,
        }
    }

    /// Its state at a moment.
    pub(crate) fn state(&self, now: Timestamp) -> &str {
        match &self.spec.state {
            Some(state) => state,
            None if now < self.start => "queued",
            None if now < self.end => "active",
            None => "retired",
        }
    }

    /// Whether usage of this hour is paid for by it. The hour in which it begins is, that in which it ends is not.
    fn is_on(&self, hour: Timestamp) -> bool {
        let is_paid = self.spec.state.as_deref().is_none_or(|state| matches!(state, "active" | "pending-return" | "retired"));
        is_paid && self.start < hour + HOUR && hour + HOUR <= self.end
    }

    pub(crate) fn is_of_sagemaker(&self) -> bool {
        self.spec.plan_type == "SageMaker"
    }

    /// What is paid for it every hour, and at its start.
    pub(crate) fn payments(&self) -> (Decimal, Decimal) {
        let hours = Decimal::from(self.offer.seconds() / HOUR.as_secs());
        let upfront = self.offer.payment.upfront();
        (self.spec.commitment * (Decimal::ONE - upfront), self.spec.commitment * upfront * hours)
    }
}

impl Plans {
    pub(super) fn new(estate: &Estate, start: Timestamp, applied: Timestamp) -> Self {
        let numbered = (1..).zip(&estate.savings_plan);
        let mut owned: Vec<Owned> = numbered.map(|(number, spec)| Owned::new(spec, number, start)).collect();
        owned.sort_by_key(|plan| plan.start);
        Self { owned, rates: estate.savings_plan_rates.clone(), account: estate.account.clone(), applied, used: BTreeMap::new() }
    }

    /// Whether a plan may cover usage of this type.
    pub(crate) fn may_cover(&self, usage_type: &str) -> bool {
        Offer::ALL.iter().any(|offer| self.rate(usage_type, Decimal::ONE, *offer).is_some())
    }

    /// The rate of a usage type whose on-demand price is `price`; `None`: a plan does not cover it.
    pub(crate) fn rate(&self, usage_type: &str, price: Decimal, offer: Offer) -> Option<Decimal> {
        if let Some(own) = self.rates.of(usage_type) {
            return own.rates.get(&offer).copied();
        }
        let discount = self.rates.discount(offer).filter(|_| is_eligible(usage_type))?;
        Some(price * (Decimal::ONE - discount / dec!(100)))
    }

    /// What some usage costs at a plan's rate.
    pub(crate) fn at_rate(&self, usage: &Eligible, offer: Offer) -> Option<Decimal> {
        let Amount { usd, quantity, .. } = usage.amount;
        let own = self.rates.of(&usage.usage_type);
        match own {
            Some(own) if quantity.is_zero() && !own.on_demand.is_zero() => Some(usd * own.rates.get(&offer)? / own.on_demand),
            Some(own) => Some(quantity * own.rates.get(&offer)?),
            None => self.rate(&usage.usage_type, usd, offer),
        }
    }

    /// Takes what a plan covers out of an hour's usage: that of its own account first, by the saving in percent, highest first, and of equal ones that with
    /// the lowest rate. Returns the USD of the commitment that were used.
    fn cover(&self, hour: &mut Hour, commitment: Decimal, offer: Offer, mut each: impl FnMut(Covered)) -> Decimal {
        let of = |(place, usage): (usize, &Eligible)| {
            let cost = self.at_rate(usage, offer)?;
            let share = (cost / usage.amount.usd).round_dp(12);
            let rate = if usage.amount.quantity.is_zero() { cost } else { (cost / usage.amount.quantity).round_dp(12) };
            Some((usage.account != self.account, share, rate, place, cost))
        };
        let mut offered: Vec<_> = hour.0.iter().enumerate().filter(|(_, usage)| Decimal::ZERO < usage.amount.usd).filter_map(of).collect();
        offered.sort();
        let mut left = commitment;
        for (.., place, cost) in offered {
            let Some(usage) = hour.0.get_mut(place).filter(|_| Decimal::ZERO < left) else { break };
            let (amount, at_the_plans_rate) = if cost <= left { (usage.amount, cost) } else { (usage.amount.share(left, cost), left) };
            usage.amount -= amount;
            left -= at_the_plans_rate;
            each(Covered { row: usage.row, amount, at_the_plans_rate });
        }
        commitment - left
    }

    /// The USD of a commitment that an hour uses, and what is left of the hour's usage.
    pub(crate) fn use_of(&self, mut hour: Hour, commitment: Decimal, offer: Offer) -> (Decimal, Hour) {
        let used = self.cover(&mut hour, commitment, offer, |_| ());
        (used, hour)
    }

    /// What the plans that are active at a moment leave of an hour's usage.
    pub(crate) fn left_of(&self, hour: Hour, now: Timestamp) -> Hour {
        let active = self.owned.iter().filter(|plan| plan.is_of_sagemaker() && plan.state(now) == "active");
        active.fold(hour, |hour, plan| self.use_of(hour, plan.spec.commitment, plan.offer).1)
    }
}

impl Hour {
    /// What it costs without a plan.
    pub(crate) fn on_demand(&self) -> Decimal {
        self.0.iter().map(|usage| usage.amount.usd).sum()
    }

    /// Adds some usage.
    pub(crate) fn add(&mut self, kind: &Kind, amount: Amount) {
        let amount = Amount::on_demand(amount.on_demand, amount.quantity);
        match self.0.iter_mut().find(|usage| usage.usage_type == kind.usage_type && usage.account == kind.account) {
            Some(usage) => usage.amount += amount,
            None => self.0.push(Eligible { usage_type: kind.usage_type.clone(), account: kind.account.clone(), amount, row: 0 }),
        }
    }
}

/// Whether AWS's list of what a `SageMaker` Savings Plan covers has the component of a usage type.
fn is_eligible(usage_type: &str) -> bool {
    let prefix = usage_type.split_once('-').map(|(prefix, _)| prefix);
    let is_region =
        |prefix: &str| (2..=5).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let component = prefix.filter(|prefix| is_region(prefix)).map_or(usage_type, |prefix| &usage_type[prefix.len() + 1..]);
    COVERED.iter().any(|covered| component.starts_with(covered)) && usage_type.contains("ml.")
}

impl Billing {
    /// Whether a row is usage that a plan may cover, or has covered.
    pub(crate) fn is_coverable(&self, kind: &Kind) -> bool {
        let is_usage = matches!(kind.record_type.as_str(), "Usage" | "SavingsPlanCoveredUsage");
        is_usage && kind.service == SERVICE && self.plans.may_cover(&kind.usage_type)
    }

    /// Applies the plans to all hours that are over.
    pub(super) fn apply_plans(&mut self) {
        let last = self.slot_of(self.settled);
        while self.plans.applied < last && !self.plans.owned.is_empty() {
            self.apply_plans_to(self.plans.applied);
            self.plans.applied += HOUR;
        }
    }

    fn apply_plans_to(&mut self, hour: Timestamp) {
        let mut usage = self.usage_of(hour);
        let mut used = vec![];
        for place in 0..self.plans.owned.len() {
            let Some(plan) = self.plans.owned.get(place).filter(|plan| plan.is_on(hour)).cloned() else {
                used.push(Utilization::default());
                continue;
            };
            let commitment = plan.spec.commitment;
            let upfront = commitment * plan.offer.payment.upfront();
            if !plan.is_of_sagemaker() {
                // What it covers is not simulated: all of it is used.
                used.push(Utilization { commitment, used: commitment, on_demand: commitment, upfront });
                continue;
            }
            let mut covered = vec![];
            let of_commitment = self.plans.cover(&mut usage, commitment, plan.offer, |one| covered.push(one));
            let on_demand = covered.iter().map(|one| one.amount.on_demand).sum();
            used.push(Utilization { commitment, used: of_commitment, on_demand, upfront });
            for one in covered {
                self.put_covered(hour, &one);
            }
            self.put_fees(hour, &plan, commitment - of_commitment);
        }
        self.plans.used.insert(hour, used);
    }

    /// The rows of an hour that plans may cover.
    fn usage_of(&self, hour: Timestamp) -> Hour {
        let rows = self.slots.get(&hour).into_iter().flatten();
        let usage = rows.filter_map(|(row, amount)| {
            let kind = self.kinds.get(*row).filter(|kind| kind.record_type == "Usage" && kind.service == SERVICE)?;
            Some(Eligible { usage_type: kind.usage_type.clone(), account: kind.account.clone(), amount: *amount, row: *row })
        });
        Hour(usage.collect())
    }

    /// Moves covered usage into rows of its own.
    fn put_covered(&mut self, hour: Timestamp, covered: &Covered) {
        let Some(usage) = self.kinds.get(covered.row).cloned() else { return };
        if let Some(amount) = self.slots.get_mut(&hour).and_then(|rows| rows.get_mut(&covered.row)) {
            *amount -= covered.amount;
        }
        for (kind, amount) in covered_kinds(&usage).into_iter().zip(covered_amounts(covered.amount, covered.at_the_plans_rate)) {
            let kind = self.number(kind);
            self.put(hour, kind, amount);
        }
    }

    fn put_fees(&mut self, hour: Timestamp, plan: &Owned, unused: Decimal) {
        let usage_type = plan.offer.usage_type();
        let (recurring, upfront) = plan.payments();
        let account = self.plans.account.clone();
        let kind = self.number(fee_kind(&account, &usage_type, "SavingsPlanRecurringFee"));
        self.put(hour, kind, fee(recurring, unused, Decimal::ONE));
        if hour <= plan.start && !upfront.is_zero() {
            let kind = self.number(fee_kind(&account, &usage_type, "SavingsPlanUpfrontFee"));
            self.put(hour, kind, fee(upfront, Decimal::ZERO, Decimal::ONE));
        }
    }
}

#[cfg(test)]
mod tests;
