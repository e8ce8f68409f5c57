//! What will vanish from the usage before a plan is sized: waste, and training that moves to Spot (money-facts §5.3).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::usage::{Usage, is_of};
use crate::vocabulary::component::{Component, instance_type_of};

/// Something that will vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deduction {
    /// What it is, for people: `endpoint-idle: 3 resources`.
    pub what: String,
    /// The dearest of its resources, dearest first.
    pub resources: Vec<Vanishing>,
    /// All of its resources.
    pub together: Together,
    /// Where it is on the bill.
    pub component: Component,
    /// The type of its instances. `None`: not known.
    pub instance_type: Option<String>,
    /// How much it is.
    pub amount: Amount,
    /// Whether it ends without anybody's doing.
    pub certainty: Certainty,
}

/// All resources of a deduction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Together {
    /// How many there are.
    pub resources: usize,
    /// What of them vanishes, USD a month. It is more than the hours have if they began within these.
    pub usd_per_month: Decimal,
}

/// A resource whose cost vanishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vanishing {
    /// Its name.
    pub name: String,
    /// Its owner. `None`: not known.
    pub owner: Option<String>,
    /// When it was found.
    pub found: Timestamp,
    /// When its owner was mailed. `None`: not yet.
    #[serde(default)]
    pub told: Option<Timestamp>,
    /// What of it vanishes, USD a month.
    pub usd_per_month: Decimal,
    /// Why it was found: `not called in the last 14d: the limit is 7d`. `None`: an earlier version of the guard found it.
    #[serde(default)]
    pub reason: Option<String>,
    /// Since when it runs. `None`: not known.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// The Region that its ARN names. `None`: not known.
    #[serde(default)]
    pub region: Option<String>,
    /// The type of its instances. `None`: not known, or several.
    #[serde(default)]
    pub instance_type: Option<String>,
}

/// How much vanishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// USD on demand in each hour.
    Hourly(Vec<Decimal>),
    /// This part of each hour, 0 to 1.
    Share(Decimal),
}

/// How sure it is that something vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The guard has ended it, or will: the policy says so.
    Enforced,
    /// It was found within these hours, and has been stopped since.
    Over,
    /// Its owner was told, and decides.
    Reported,
}

/// What a deduction took from the usage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Deducted {
    /// What it is, for people.
    pub what: String,
    /// The dearest of its resources, dearest first.
    pub resources: Vec<Vanishing>,
    /// All of its resources.
    pub together: Together,
    /// Where it is on the bill.
    pub component: Component,
    /// USD on demand in these hours.
    pub usd: Decimal,
    /// How sure it is.
    pub certainty: Certainty,
    /// Whether it goes on, on Spot, and is no waste.
    #[serde(default)]
    pub moves_to_spot: bool,
}

/// Takes the deductions from the usage, one after the other. Nothing becomes negative: what two of them are about is taken once.
pub(super) fn deduct(usage: &Usage, deductions: &[Deduction]) -> (Usage, Vec<Deducted>) {
    let mut left = usage.clone();
    let mut deducted = vec![];
    for deduction in deductions {
        let less = one(&left, deduction);
        let usd = left.on_demand() - less.on_demand();
        if !usd.is_zero() {
            let Deduction { what, resources, together, component, certainty, amount, .. } = deduction;
            deducted.push(Deducted {
                what: what.clone(),
                resources: resources.clone(),
                together: *together,
                component: *component,
                usd,
                certainty: *certainty,
                moves_to_spot: matches!(amount, Amount::Share(_)),
            });
        }
        left = less;
    }
    (left, deducted)
}

impl Deduction {
    /// Which of the usage types it is about: those of its component and instance type, or else all of its component, because it is not known which of them.
    fn is_about(&self, usage_types: &[String]) -> Vec<bool> {
        let of_component = |name: &String| is_of(name, self.component);
        let of_type = |name: &String| of_component(name) && instance_type_of(name) == self.instance_type.as_deref();
        let exactly: Vec<bool> = usage_types.iter().map(of_type).collect();
        if exactly.contains(&true) { exactly } else { usage_types.iter().map(of_component).collect() }
    }

    /// What all that it is about costs on demand, USD.
    pub(crate) fn on_demand(&self, usage: &Usage) -> Decimal {
        usage.only(&self.is_about(usage.usage_types())).on_demand()
    }
}

/// The usage types that a deduction is about lose the same part of an hour each.
fn one(usage: &Usage, deduction: &Deduction) -> Usage {
    let is_its = deduction.is_about(usage.usage_types());
    let of_hour = |row: &[i64]| -> Decimal {
        let its = row.iter().zip(&is_its).filter(|(_, is_its)| **is_its);
        Decimal::try_from_i128_with_scale(its.map(|(cell, _)| i128::from(*cell)).sum(), 12).unwrap_or(Decimal::MAX)
    };
    let share = |(hour, row): (usize, &[i64])| match &deduction.amount {
        Amount::Share(share) => *share,
        Amount::Hourly(usd) => {
            let (usd, all) = (usd.get(hour).copied().unwrap_or_default(), of_hour(row));
            if all <= usd { Decimal::ONE } else { usd / all }
        }
    };
    let shares: Vec<Decimal> = usage.rows().enumerate().map(share).collect();
    usage.lessened(|hour, index, usd| {
        let share = if is_its.get(index) == Some(&true) { shares.get(hour).copied().unwrap_or_default() } else { Decimal::ZERO };
        usd * (Decimal::ONE - share.clamp(Decimal::ZERO, Decimal::ONE))
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    /// One hour: $3 of g5 and $2 of m5 on endpoints, $4 of m5 in training.
    fn left(component: Component, instance_type: Option<&str>, usd: Decimal) -> Vec<Decimal> {
        let mut usage =
            Usage::new(["EUC1-Host:ml.g5.xlarge", "EUC1-Host:ml.m5.xlarge", "EUC1-Train:ml.m5.xlarge"].map(str::to_owned).to_vec());
        usage.push([dec!(3), dec!(2), dec!(4)]).unwrap();
        let deduction = Deduction {
            what: String::new(),
            resources: vec![],
            together: Together::default(),
            component,
            instance_type: instance_type.map(str::to_owned),
            amount: Amount::Hourly(vec![usd]),
            certainty: Certainty::Reported,
        };
        deduct(&usage, &[deduction]).0.by_usage_type().map(|(_, usd)| usd).collect()
    }

    #[test]
    fn what_is_known_of_the_instances_is_taken_from_them_alone() {
        for (component, instance_type, usd, rest) in [
            (Component::Realtime, Some("ml.g5.xlarge"), dec!(1.5), [dec!(1.5), dec!(2), dec!(4)]),
            (Component::Realtime, Some("ml.m5.xlarge"), dec!(5), [dec!(3), dec!(0), dec!(4)]),
            (Component::Realtime, None, dec!(2.5), [dec!(1.5), dec!(1), dec!(4)]),
            (Component::Realtime, Some("ml.p9.giant"), dec!(2.5), [dec!(1.5), dec!(1), dec!(4)]),
            (Component::Training, Some("ml.m5.xlarge"), dec!(1), [dec!(3), dec!(2), dec!(3)]),
            (Component::Notebook, Some("ml.m5.xlarge"), dec!(1), [dec!(3), dec!(2), dec!(4)]),
        ] {
            assert_eq!(left(component, instance_type, usd), rest, "{component:?} {instance_type:?}");
        }
    }
}
