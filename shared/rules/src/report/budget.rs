//! What the ledger remembers of a budget, for the report: budget-alerter writes it, cost-reporter reads it.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Budget,
    policy::Policy,
    report::{self, Money},
    vocabulary::{currency::Currency, period::TimeUnit, text::one_line},
};

/// A monthly budget of costs, as it was when it was read last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BudgetOnRecord {
    /// Its name.
    pub name: String,
    /// The first day of its month.
    pub month: Date,
    /// Its limit in USD.
    pub limit: Decimal,
    /// USD spent of it.
    pub spent: Decimal,
    /// AWS's forecast in USD.
    pub forecast: Option<Decimal>,
    /// The one team that it counts. `None`: not of one team.
    pub team: Option<String>,
    /// Whether it counts SageMaker and nothing else. If not, it counts more, or may.
    pub is_of_sagemaker: bool,
    /// Why it does not watch the spend. `None`: it does, as far as AWS and its filter say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<String>,
}

impl BudgetOnRecord {
    /// `None`: it is not a monthly budget of costs, it counts nothing of SageMaker, or its numbers are not known.
    pub fn of(budget: &Budget, policy: &Policy) -> Option<Self> {
        let period =
            budget.period.filter(|period| period.unit == TimeUnit::Monthly && budget.is_cost && Currency::of_account().is(&budget.unit))?;
        if budget.filter.takes_sagemaker(policy) == Some(false) {
            return None;
        }
        Some(Self {
            name: budget.resource.name.clone(),
            month: period.from,
            limit: budget.limit?,
            spent: budget.actual?,
            forecast: budget.forecast,
            team: budget.resource.ownership.team.clone().or_else(|| budget.filter.team(&policy.team_tags).map(str::to_owned)),
            is_of_sagemaker: budget.filter.is_of(&policy.billing.services),
            unhealthy: budget.unhealthy.clone(),
        })
    }

    /// Whether all of it is spent.
    pub(crate) fn is_used_up(&self) -> bool {
        self.limit <= self.spent
    }

    /// Its line, as it was on a day. What was forecast of a month that is over is old news.
    pub(crate) fn line(&self, as_of: Option<Date>, is_over: bool) -> report::Budget {
        report::Budget {
            name: one_line(&self.name),
            limit: Money(self.limit),
            spent: Money(self.spent),
            forecast: self.forecast.filter(|_| !is_over).map(Money),
            as_of,
            unhealthy: self.unhealthy.as_deref().map(one_line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::Filter, samples};

    #[test]
    fn a_budget_is_remembered_if_it_can_count_sagemaker() {
        let of = |service: &str| Filter::Service(vec![service.to_owned()]);
        let (sagemaker, other) = (of("Amazon SageMaker"), of("Amazon Elastic Compute Cloud - Compute"));
        let tag = Filter::Tag("Team".to_owned(), vec!["nlp".to_owned()]);
        for (filter, is_of_sagemaker) in [
            (sagemaker.clone(), Some(true)),
            (Filter::All(vec![sagemaker.clone(), tag.clone()]), Some(true)),
            (Filter::everything(), Some(false)),
            (tag.clone(), Some(false)),
            (Filter::Any(vec![sagemaker.clone(), other.clone()]), Some(false)),
            (Filter::Not(Box::new(other.clone())), Some(false)),
            (other.clone(), None),
            (Filter::All(vec![other, tag]), None),
            (Filter::Not(Box::new(sagemaker)), None),
        ] {
            let budget = Budget { filter: filter.clone(), ..samples::budget("x") };
            let on_record = BudgetOnRecord::of(&budget, &Policy::default());
            assert_eq!(on_record.map(|one| one.is_of_sagemaker), is_of_sagemaker, "{filter:?}");
        }
    }
}
