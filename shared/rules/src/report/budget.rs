//! What the ledger remembers of a budget, for the report: budget-alerter writes it, cost-reporter reads it.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Budget, Filter},
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
    /// Whether it counts all of SageMaker or of its team, and nothing else. If not, it counts more or only a part, or may.
    pub is_of_sagemaker: bool,
    /// What it counts, if that is all of SageMaker or one team's part and nothing else. `None`: it is not, or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Why it does not watch the spend. `None`: it does, as far as AWS and its filter say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<String>,
    /// What puts that right, for people. `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What of the bill a budget counts exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// All of SageMaker.
    All,
    /// SageMaker of this team.
    Team(String),
}

impl Counts {
    /// `None`: the filter has other parts, so that the bill does not show what it counts.
    fn of(filter: &Filter, policy: &Policy) -> Option<Self> {
        let is_key = |key: &str| policy.team_tags.first().is_some_and(|own| own == key);
        match filter {
            Filter::Service(_) if filter.is_of(&policy.billing.services) => Some(Self::All),
            Filter::All(parts) => match parts.as_slice() {
                [one] => Self::of(one, policy),
                [service, Filter::Tag(key, values)] | [Filter::Tag(key, values), service] if is_key(key) => {
                    let [team] = values.as_slice() else { return None };
                    (Self::of(service, policy)? == Self::All && !team.is_empty()).then(|| Self::Team(team.clone()))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl BudgetOnRecord {
    /// `None`: it is not a monthly budget of costs, it counts nothing of SageMaker, or its numbers are not known.
    pub fn of(budget: &Budget, policy: &Policy) -> Option<Self> {
        let period =
            budget.period.filter(|period| period.unit == TimeUnit::Monthly && budget.is_cost && Currency::of_account().is(&budget.unit))?;
        if budget.filter.takes_sagemaker(policy) == Some(false) {
            return None;
        }
        let unhealthy = budget.unhealthy.clone().or_else(|| budget.no_limit_by_aws());
        Some(Self {
            name: budget.resource.name.clone(),
            month: period.from,
            limit: budget.limit?,
            spent: budget.actual?,
            forecast: budget.forecast,
            team: budget.resource.ownership.team.clone().or_else(|| budget.filter.team(&policy.team_tags).map(str::to_owned)),
            is_of_sagemaker: budget.filter.is_of(&policy.billing.services) && leaves_out_no_use(&budget.filter, policy),
            counts: Counts::of(&budget.filter, policy),
            unhealthy: unhealthy.as_ref().map(|one| one.why.clone()),
            fix: unhealthy.and_then(|one| one.fix),
        })
    }

    /// Whether all of it is spent.
    pub(crate) fn is_used_up(&self) -> bool {
        report::Budget::is_all(self.spent, self.limit)
    }

    /// Its line, as it was on a day, or by the bill. What was forecast of a month that is over is old news.
    pub(crate) fn line(&self, as_of: Option<Date>, is_over: bool, by_bill: bool) -> report::Budget {
        report::Budget {
            name: one_line(&self.name),
            limit: Money(self.limit),
            spent: Money(self.spent),
            forecast: self.forecast.filter(|_| !is_over).map(Money),
            as_of: as_of.filter(|_| !by_bill),
            by_bill,
            unhealthy: self.unhealthy.as_deref().map(one_line),
        }
    }
}

/// Whether a filter leaves out nothing of a service's use but that of other teams. An account, a Region, a usage type and another tag leave out some.
fn leaves_out_no_use(filter: &Filter, policy: &Policy) -> bool {
    match filter {
        Filter::Service(_) => true,
        Filter::Tag(..) => filter.team(&policy.team_tags).is_some(),
        Filter::Charges(_) | Filter::Not(_) => filter.judge(&|_| None) == Some(true),
        Filter::All(parts) => parts.iter().all(|part| leaves_out_no_use(part, policy)),
        Filter::Any(_)
        | Filter::ServiceLike(..)
        | Filter::UsageType(_)
        | Filter::InstanceType(_)
        | Filter::Place(..)
        | Filter::Unknown(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::samples;

    #[test]
    fn what_the_bill_shows_exactly_is_remembered() {
        let policy = Policy::from_toml("team-tags = [\"Team\", \"Squad\"]").unwrap();
        let of = |service: &str| Filter::Service(vec![service.to_owned()]);
        let tag = |key: &str, values: &[&str]| Filter::Tag(key.to_owned(), values.iter().map(|one| (*one).to_owned()).collect());
        let (sagemaker, nlp) = (of("Amazon SageMaker"), Counts::Team("nlp".to_owned()));
        for (filter, counts) in [
            (sagemaker.clone(), Some(Counts::All)),
            (Filter::All(vec![sagemaker.clone()]), Some(Counts::All)),
            (Filter::All(vec![sagemaker.clone(), tag("Team", &["nlp"])]), Some(nlp.clone())),
            (Filter::All(vec![tag("Team", &["nlp"]), sagemaker.clone()]), Some(nlp)),
            (Filter::All(vec![sagemaker.clone(), tag("Team", &["nlp", "vision"])]), None),
            (Filter::All(vec![sagemaker.clone(), tag("Team", &[""])]), None),
            (Filter::All(vec![sagemaker.clone(), tag("Squad", &["nlp"])]), None),
            (Filter::All(vec![sagemaker.clone(), Filter::Unknown("Region".to_owned())]), None),
            (Filter::Any(vec![sagemaker]), None),
            (tag("Team", &["nlp"]), None),
            (of("Amazon Elastic Compute Cloud - Compute"), None),
            (Filter::everything(), None),
        ] {
            assert_eq!(Counts::of(&filter, &policy), counts, "{filter:?}");
        }
        let old = r#"{"name":"ml","month":"2026-11-01","limit":"3","spent":"1","forecast":null,"team":null,"is-of-sagemaker":true}"#;
        assert_eq!(serde_json::from_str::<BudgetOnRecord>(old).unwrap().counts, None, "an old record");
    }

    #[test]
    fn a_limit_that_aws_set_where_nothing_was_spent_before_watches_nothing() {
        for (limit, adjusts, unhealthy) in [
            (dec!(0), true, Some("AWS sets its limit from what was spent before, and set $0.00: write a limit")),
            (dec!(0.01), true, Some("AWS sets its limit from what was spent before, and set $0.01: write a limit")),
            (dec!(50), true, Some("AWS sets its limit from what was spent before, and set $50.00: write a limit")),
            (dec!(400), true, None),
            (dec!(0.01), false, None),
        ] {
            let budget = Budget { limit: Some(limit), adjusts, actual: Some(dec!(512.3)), ..samples::budget("x") };
            let on_record = BudgetOnRecord::of(&budget, &Policy::default()).unwrap();
            assert_eq!(on_record.unhealthy.as_deref(), unhealthy, "{limit} {adjusts}");
        }
    }

    #[test]
    fn a_budget_is_remembered_if_it_can_count_sagemaker() {
        let of = |service: &str| Filter::Service(vec![service.to_owned()]);
        let (sagemaker, other) = (of("Amazon SageMaker"), of("Amazon Elastic Compute Cloud - Compute"));
        let tag = Filter::Tag("Team".to_owned(), vec!["nlp".to_owned()]);
        let part = |part: Filter| Filter::All(vec![sagemaker.clone(), part]);
        let charges = |types: &[&str]| Filter::Charges(types.iter().map(|one| (*one).to_owned()).collect());
        for (filter, is_of_sagemaker) in [
            (sagemaker.clone(), Some(true)),
            (Filter::All(vec![sagemaker.clone(), tag.clone()]), Some(true)),
            (Filter::everything(), Some(false)),
            (tag.clone(), Some(false)),
            (Filter::Any(vec![sagemaker.clone(), other.clone()]), Some(false)),
            (Filter::Not(Box::new(other.clone())), Some(false)),
            (other.clone(), None),
            (Filter::All(vec![other, tag]), None),
            (Filter::Not(Box::new(sagemaker.clone())), None),
            // A part of SageMaker: the chart drew its limit over all of the spend.
            (part(Filter::Unknown("LINKED_ACCOUNT".to_owned())), Some(false)),
            (part(Filter::UsageType(vec!["TrSpt:ml.g5.xlarge".to_owned()])), Some(false)),
            (part(Filter::Tag("Project".to_owned(), vec!["x".to_owned()])), Some(false)),
            (part(Filter::Tag("Team".to_owned(), vec!["nlp".to_owned(), "vision".to_owned()])), Some(false)),
            (part(charges(&["SavingsPlanCoveredUsage"])), Some(false)),
            (part(charges(&["Usage", "Tax"])), Some(true)),
            (part(Filter::Not(Box::new(charges(&["Credit", "Refund"])))), Some(true)),
        ] {
            let budget = Budget { filter: filter.clone(), ..samples::budget("x") };
            let on_record = BudgetOnRecord::of(&budget, &Policy::default());
            assert_eq!(on_record.map(|one| one.is_of_sagemaker), is_of_sagemaker, "{filter:?}");
        }
    }
}
