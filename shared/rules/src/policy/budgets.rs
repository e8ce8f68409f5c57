//! `[[budget]]`: who owns budgets, what they count, and what is enforced when they are used up.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::{Budget, BudgetMeasure, DailySpend, Filter, Share, counts_plan_fees, counts_usage, is_over},
    policy::{
        sections::{Billing, BudgetPolicy},
        settings::Policy,
        toml::{EVERY_TEAM, is_named, is_written},
    },
    vocabulary::{
        resource::Ownership,
        text::is_alike,
        usage_type::{is_of_sagemaker, is_savings_plan, without_region},
    },
};

/// A service of a budget's filter whose name is nearly that of `SageMaker` in the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NearlyService<'a> {
    /// As it is written.
    pub(crate) name: &'a str,
    /// Whether the budget counts everything but this service. It then counts `SageMaker`, which is not meant.
    pub(crate) is_left_out: bool,
}

impl Billing {
    /// Whether no spend has this service, but its name is nearly that of `SageMaker` in the bill: it has other words around it, or two slips.
    fn is_nearly(&self, service: &str) -> bool {
        /// What two slips cannot make of another service's name.
        const LONG: usize = 8;
        let plain = |name: &str| {
            let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            ["amazon", "aws"].iter().find_map(|brand| name.strip_prefix(brand)).unwrap_or(&name).to_owned()
        };
        let written = plain(service);
        let is_like = |right: String| LONG <= right.len() && strsim::damerau_levenshtein(&written, &right) <= 2;
        let is_right = self.services.iter().any(|right| right == service);
        !is_right && (written.contains("sagemaker") || self.services.iter().map(|right| plain(right)).any(is_like))
    }
}

impl Filter {
    // Budgets and Cost Explorer compare tags to the letter, and so does this.
    /// Whether it counts a row of the spend. `None`: the row does not show it.
    pub fn takes(&self, row: &DailySpend, policy: &Policy) -> Option<bool> {
        let team_key = policy.team_tags.first();
        let charges: &dyn Fn(&[String]) -> Option<bool> = if is_savings_plan(&row.usage) { &counts_plan_fees } else { &counts_usage };
        self.judge_charged(charges, &|part| match part {
            // A Savings Plan's fee is of another service, whose name is not known (aws-facts §7.2).
            Self::Service(_) | Self::ServiceLike(..) if is_savings_plan(&row.usage) => None,
            Self::Service(_) | Self::ServiceLike(..) => part.names_sagemaker(policy),
            Self::UsageType(values) => {
                let is_this = |value: &&String| without_region(value) == row.usage;
                // A row is the sum of all Regions, so a value of one Region counts only a part of it.
                let is_of_all = |value: &String| without_region(value) == value;
                match values.iter().find(is_this) {
                    None => Some(false),
                    Some(value) => is_of_all(value).then_some(true),
                }
            }
            Self::Tag(key, values) if Some(key) == team_key => Some(values.contains(&row.team)),
            _ => None,
        })
    }

    /// Whether it counts any spend on `SageMaker`, here or elsewhere. `None`: not known.
    pub fn takes_sagemaker(&self, policy: &Policy) -> Option<bool> {
        self.counts_any(&|part| part.share_of_sagemaker(policy))
    }

    /// Whether it counts any spend of a team (`None`: of any team) on `SageMaker` in the guard's own account and Region. `None`: not known.
    fn takes_sagemaker_here(&self, team: Option<&str>, policy: &Policy) -> Option<bool> {
        self.counts_any(&|part| match part {
            Self::Place(_, true) => Share::All,
            Self::Place(_, false) => Share::Nothing,
            // A prefix is that of a Region.
            Self::UsageType(values) if !values.iter().any(|value| without_region(value) == value) => Share::Unknown,
            Self::Tag(key, values) if policy.team_tags.first() == Some(key) => match team {
                None => Share::Part,
                Some(team) if values.iter().any(|value| is_alike(value, team)) => Share::All,
                Some(_) => Share::Nothing,
            },
            _ => part.share_of_sagemaker(policy),
        })
    }

    /// How much of the spend on `SageMaker` a part counts that has no other filter in it.
    fn share_of_sagemaker(&self, policy: &Policy) -> Share {
        match self {
            Self::Service(_) | Self::ServiceLike(..) if self.names_sagemaker(policy) == Some(true) => Share::All,
            Self::Service(_) | Self::ServiceLike(..) => Share::Nothing,
            Self::UsageType(values) | Self::InstanceType(values) => {
                let is_its: Vec<Option<bool>> = values.iter().map(|value| is_of_sagemaker(value)).collect();
                match () {
                    () if is_its.contains(&Some(true)) => Share::Part,
                    () if is_its.contains(&None) => Share::Unknown,
                    () => Share::Nothing,
                }
            }
            _ => Share::Unknown,
        }
    }

    /// Whether it counts the service `SageMaker`. `None`: it does not filter by service.
    fn names_sagemaker(&self, policy: &Policy) -> Option<bool> {
        let services = &policy.billing.services;
        match self {
            Self::Service(values) => Some(values.iter().any(|value| services.contains(value))),
            Self::ServiceLike(values, like) => Some(values.iter().any(|value| services.iter().any(|service| like.is_met(service, value)))),
            _ => None,
        }
    }

    /// A service that it filters by, that no spend has, and that is nearly the name of `SageMaker` in the bill: `AmazonSageMaker`. `None` also if another part
    /// of the filter counts `SageMaker`, or may do so.
    pub(crate) fn nearly_service(&self, policy: &Policy) -> Option<NearlyService<'_>> {
        match self {
            Self::Service(values) => {
                let is_right = |value: &String| policy.billing.services.contains(value);
                let name = values.iter().find(|value| policy.billing.is_nearly(value)).filter(|_| !values.iter().any(is_right))?;
                Some(NearlyService { name, is_left_out: false })
            }
            Self::Any(parts) if parts.iter().any(|part| part.takes_sagemaker(policy) != Some(false)) => None,
            Self::All(parts) | Self::Any(parts) => parts.iter().find_map(|part| part.nearly_service(policy)),
            Self::Not(inner) => inner.nearly_service(policy).map(|found| NearlyService { is_left_out: !found.is_left_out, ..found }),
            _ => None,
        }
    }

    /// A tag that it filters by and that differs from the bill's team tag only by case and blanks; with that team tag. AWS compares to the letter.
    pub(crate) fn nearly_team_tag<'a>(&'a self, policy: &'a Policy) -> Option<(&'a str, &'a str)> {
        let team_tag = policy.team_tags.first()?;
        match self {
            Self::Tag(key, values) if key != team_tag && is_alike(key, team_tag) && values.iter().all(|value| !value.is_empty()) => {
                Some((key, team_tag))
            }
            Self::All(parts) => parts.iter().find_map(|part| part.nearly_team_tag(policy)),
            _ => None,
        }
    }

    /// Its parts that the daily spend does not show, for people.
    pub fn untold(&self, policy: &Policy) -> BTreeSet<String> {
        let team_key = policy.team_tags.first();
        match self {
            Self::Unknown(what) | Self::Place(what, _) => BTreeSet::from([what.clone()]),
            Self::Tag(key, _) if Some(key) != team_key => BTreeSet::from([format!("tag {key}")]),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(|part| part.untold(policy)).collect(),
            Self::Not(inner) => inner.untold(policy),
            Self::InstanceType(_) => BTreeSet::from(["InstanceType".to_owned()]),
            Self::Service(_) | Self::ServiceLike(..) | Self::UsageType(_) | Self::Tag(..) | Self::Charges(_) => BTreeSet::new(),
        }
    }
}

impl Policy {
    /// All `[[budget]]` sections.
    pub fn budgets(&self) -> &[BudgetPolicy] {
        &self.budgets
    }

    /// The `[[budget]]` section that applies to a budget: the first one whose `name` matches.
    pub fn budget(&self, name: &str) -> Option<&BudgetPolicy> {
        self.budgets.iter().find(|one| is_named(&one.name, name))
    }

    /// Whether a used-up budget may enforce any of these rules.
    pub fn may_enforce_more(&self, rules: &[&str]) -> bool {
        self.budgets.iter().filter_map(|one| one.on_exceed).any(|what| what.rules().iter().any(|rule| rules.contains(rule)))
    }

    /// What is enforced because these budgets are used up, each for the team of [`Policy::team_of_measure`]. A budget without such a team enforces nothing, nor
    /// does one that may have nothing of `SageMaker` in it.
    pub fn budget_measures(&self, budgets: &[Budget], now: Timestamp) -> Vec<BudgetMeasure> {
        let of = |budget: &Budget| {
            let what = self.budget(&budget.resource.name)?.on_exceed?;
            let until = budget.period.filter(|_| self.measures_sagemaker(budget) && self.is_used_up(budget, now))?.end();
            let team = self.team_of_measure(budget)?;
            (now < until).then(|| BudgetMeasure { budget: budget.resource.name.clone(), team, what, until })
        };
        budgets.iter().filter_map(of).collect()
    }

    /// Whether a budget says how much `SageMaker` costs in this account and Region: its filter certainly counts it, or its `[[budget]]` section has its own name
    /// and no pattern. Nothing is stopped because of another one, and what runs is not called its.
    pub fn measures_sagemaker(&self, budget: &Budget) -> bool {
        let filter = &budget.filter;
        if budget.is_elsewhere || filter.takes_sagemaker(self) == Some(false) {
            return false;
        }
        let name = &budget.resource.name;
        let is_named = self.budget(name).is_some_and(|one| is_written(&one.name, name));
        let team = budget.resource.ownership.team.as_deref();
        is_named || filter.is_of(&self.billing.services) || filter.takes_sagemaker_here(team, self) == Some(true)
    }

    /// Whether a budget that may count `SageMaker` is used up: more than its limit is spent, beside what was paid in advance for Savings Plans. `false` if the
    /// amounts are not known, AWS does not update them, or the limit says nothing.
    pub fn is_used_up(&self, budget: &Budget, now: Timestamp) -> bool {
        let numbers = budget.spent_on_use(now).zip(budget.limit).filter(|_| budget.filter.takes_sagemaker(self) != Some(false));
        budget.unhealthy.is_none()
            && !budget.has_no_real_limit()
            && numbers.is_some_and(|(spent, limit)| is_over(spent, limit, Decimal::ONE_HUNDRED))
    }

    /// The team for which a used-up budget enforces rules: the one in the policy (`Some(None)`: all teams), else the one in its filter, if the daily spend
    /// shows all parts of the filter. `None`: there is none, so nothing is enforced.
    pub fn team_of_measure(&self, budget: &Budget) -> Option<Option<String>> {
        match self.budget(&budget.resource.name).and_then(|one| one.team.as_deref()) {
            Some(EVERY_TEAM) => Some(None),
            Some(team) => Some(Some(team.to_owned())),
            None if budget.filter.untold(self).is_empty() => budget.filter.team(&self.team_tags).map(|team| Some(team.to_owned())),
            None => None,
        }
    }

    /// Whether the policy still asks for a measure that was recorded earlier.
    pub fn asks_for(&self, measure: &BudgetMeasure) -> bool {
        self.budget(&measure.budget).is_some_and(|one| {
            let is_team = match (one.team.as_deref(), measure.team.as_deref()) {
                (None, _) | (Some(EVERY_TEAM), None) => true,
                (Some(team), of) => of.is_some_and(|of| is_alike(of, team)),
            };
            one.on_exceed == Some(measure.what) && is_team
        })
    }

    /// The owner that a `[[budget]]` section names, completed as in a tag. `None`: nobody.
    pub fn owner_by_section(&self, section: &BudgetPolicy) -> Option<String> {
        self.owner_named(section.owner.as_deref()?)
    }

    /// Sets a budget's owner and team from the policy. If the policy names no team, it is the one team that the budget counts.
    pub fn settle_budget_ownership(&self, budget: &mut Budget) {
        let own = self.budget(&budget.resource.name);
        let of_filter = || budget.filter.team(&self.team_tags).map(str::to_owned);
        let team = own.and_then(|one| one.team.clone()).map_or_else(of_filter, |team| (team != EVERY_TEAM).then_some(team));
        let owner = own.and_then(|one| self.owner_by_section(one));
        budget.resource.ownership = Ownership { owner, team };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_with_a_budgets_own_name_was_that_of_another() {
        for (written, name, applies) in [
            ("[ML] monthly", "[ML] monthly", true),
            ("[ml] monthly", "[ML] Monthly", true),
            ("[ML] monthly", "m monthly", true),
            ("[ML] monthly", "[NLP] monthly", false),
            ("ml-dev*", "ML-Dev-2026", true),
            ("ML what? {all}", "ML what? {all}", true),
            ("ml", "ml-dev", false),
        ] {
            let policy = Policy::from_toml(&format!("[[budget]]\nname = \"{written}\"\nowner = \"ann\"")).unwrap();
            assert_eq!(policy.budget(name).is_some(), applies, "{written} and {name}");
        }
        let twice = "[[budget]]\nname = \"ML*\"\n[[budget]]\nname = \"ml*\"";
        assert!(Policy::from_toml(twice).err().unwrap().to_string().contains("never applies"));
    }

    #[test]
    fn a_budgets_owner_is_completed_as_in_a_tag() {
        let session = "arn:aws:sts::123456789012:assumed-role/DataScience/Ann.Example";
        for (owner, bare, completed) in [
            ("Ann@Example.com", Some("ann@example.com"), Some("ann@example.com")),
            ("ann", Some("ann"), Some("ann@example.com")),
            (session, Some("Ann.Example"), Some("ann.example@example.com")),
            ("Data Science Team", Some("Data Science Team"), Some("Data Science Team")),
            ("ml-platform", Some("ml-platform"), Some("ml-platform")),
            ("TBD", None, None),
        ] {
            let budget = format!("[[budget]]\nname = \"*\"\nowner = \"{owner}\"\n");
            let owner_by = |more: &str| {
                let policy = Policy::from_toml(&format!("{budget}{more}")).unwrap();
                policy.owner_by_section(&policy.budgets()[0])
            };
            assert_eq!(owner_by("").as_deref(), bare, "{owner}");
            assert_eq!(owner_by("[creators]\nemail-domain = \"example.com\"").as_deref(), completed, "{owner}");
        }
    }
}
