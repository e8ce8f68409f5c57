//! # budget-unhealthy
//!
//! ## What it finds
//! A budget that counts or should count SageMaker, but does not work:
//!
//! * AWS says that it is unhealthy, and does not update it.
//! * It filters by what no spend has, which AWS accepts without an error: a tag in another form (`Team$nlp` or `user:Team:nlp` instead of `user:Team$nlp`), a
//!   template's variable (`user:Team${var.team}`), a tag that is not an active cost allocation tag, a Region or an account in another form, or a service under another name (`AmazonSageMaker` instead of `Amazon SageMaker`). A budget that leaves out a service
//!   under another name counts it.
//! * Nothing was counted, and it filters by a tag that differs from your team tag only by upper and lower case (`user:team$nlp`).
//! * Nothing was counted, although the bill has spend that its filter takes. Of a budget that was changed within a day this is not said: AWS may not have
//!   updated it yet.
//! * It counts unblended cost, as new budgets do, or filters by types of charges (`RECORD_TYPE`) without `SavingsPlanCoveredUsage`, and Savings Plans cover a
//!   tenth or more of what it is to watch: what they cover counts as nothing in it.
//! * AWS sets its limit from the past (`AutoAdjustData`), and the limit is a dollar or less because there was no past.
//!
//! ## Why it costs money
//! It looks as if the spend is watched, but it is not.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. Nothing else happens.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Budget, COVERED_USAGE, Unhealthy},
    policy::NearlyService,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BudgetUnhealthy {}

impl Rule for BudgetUnhealthy {
    const NAME: &'static str = "budget-unhealthy";
    const TO_DO: &'static str = "correct the budget in the AWS Budgets console";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(30)), ..Manner::DEFAULT };
    type Subject = Budget;

    fn check(&self, budget: &Budget, cx: &RuleContext<'_>) -> Verdict {
        let Some(Unhealthy { why, fix }) = wrong(budget, cx) else { return Verdict::Fine };
        let fix = fix.as_deref().unwrap_or("correct it in the AWS Budgets console");
        Verdict::Waste(Box::new(Waste {
            reason: format!("it does not watch the spend: {why}").into(),
            notice: Notice {
                advice: Some(format!("{fix}. Until then it counts nothing, or not what is spent now.")),
                severity: Severity::Warning,
                subject: Some(format!("budget {} does not watch the spend", budget.resource.name)),
                headline: Some("not watching the spend"),
                key: Some(why),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// Why a budget does not watch the spend on `SageMaker`. `None`: it does, or it is not for `SageMaker`.
fn wrong(budget: &Budget, cx: &RuleContext<'_>) -> Option<Unhealthy> {
    let policy = cx.policy;
    if let Some(nearly) = budget.filter.nearly_service(policy) {
        return Some(wrong_service(&nearly, &policy.billing.services.join("` or `")));
    }
    if budget.filter.takes_sagemaker(policy) == Some(false) {
        return None;
    }
    let team_tag = budget.filter.nearly_team_tag(policy).filter(|_| budget.spent(cx.now).is_some_and(|spent| spent.is_zero()));
    let other_case = |(key, tag)| Unhealthy {
        why: format!(
            "nothing was counted, and it filters by the tag `{key}`: the team tag of your bill is `{tag}`, and AWS compares to the letter"
        ),
        fix: Some(format!("let it filter by the tag `{tag}` instead of `{key}`")),
    };
    budget
        .unhealthy
        .clone()
        .or_else(|| budget.no_limit_by_aws())
        .or_else(|| team_tag.map(other_case))
        .or_else(|| misses_what_plans_cover(budget))
}

/// What is wrong with a budget that counts what plans cover as nothing, if they cover much of it.
fn misses_what_plans_cover(budget: &Budget) -> Option<Unhealthy> {
    match () {
        () if !budget.is_covered_by_plans() => None,
        () if budget.filter.leaves_out(COVERED_USAGE) => Some(without_covered_usage()),
        () => budget.is_blind_to_plans().then(unblended),
    }
}

/// A filter by types of charges that leaves out the use that plans cover, in any kind of cost.
fn without_covered_usage() -> Unhealthy {
    Unhealthy {
        why: format!("it filters by types of charges (`RECORD_TYPE`) and leaves out `{COVERED_USAGE}`, the use that a Savings Plan covers"),
        fix: Some(format!("let its filter take `{COVERED_USAGE}`, and let it count amortized cost")),
    }
}

/// What is wrong with a budget of unblended cost (money-facts §0.1).
fn unblended() -> Unhealthy {
    Unhealthy {
        why: "it counts unblended cost, in which what a Savings Plan covers is nothing".to_owned(),
        fix: Some("let it count amortized cost: `UseAmortized` in its `CostTypes`, or `AmortizedCost` in its `Metrics`, in the console under \"aggregate costs by\"".to_owned()),
    }
}

/// A service under another name than the one of the bill, `right`.
fn wrong_service(NearlyService { name, is_left_out }: &NearlyService, right: &str) -> Unhealthy {
    let (what, so, fix) = if *is_left_out {
        ("it is to leave out", ", so that it counts SageMaker, too", "leave out")
    } else {
        ("it filters by", "", "filter by")
    };
    Unhealthy {
        why: format!(
            "{what} the service `{name}`, which no spend has{so}: the bill says `{right}`. \
             If your bill says `{name}`, add it to `services` in [billing] of the policy"
        ),
        fix: Some(format!("let it {fix} the service `{right}` instead of `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::facts::{Billed, Filter, Insight};
    use crate::samples::*;

    #[test]
    fn an_unhealthy_budget_is_told_with_awss_reason() {
        let unhealthy = |fix: Option<&str>| Some(Unhealthy { why: "AWS says FILTER_INVALID".into(), fix: fix.map(str::to_owned) });
        let sick = Budget { unhealthy: unhealthy(None), ..budget("ml-dev") };
        let now = context("2026-11-11T12:00:00Z");
        let Verdict::Waste(waste) = BudgetUnhealthy {}.check(&sick, &now) else { panic!("waste") };
        assert_eq!(waste.reason, "it does not watch the spend: AWS says FILTER_INVALID");
        let until_then = "Until then it counts nothing, or not what is spent now.";
        assert_eq!(waste.notice.advice, Some(format!("correct it in the AWS Budgets console. {until_then}")));
        let known = Budget { unhealthy: unhealthy(Some("let it filter by x")), ..sick.clone() };
        let Verdict::Waste(waste) = BudgetUnhealthy {}.check(&known, &now) else { panic!("waste") };
        assert_eq!(waste.notice.advice, Some(format!("let it filter by x. {until_then}")), "what puts it right is said");
        assert_eq!(BudgetUnhealthy {}.check(&budget("ml-dev"), &now), Verdict::Fine);
        let anothers = Budget { filter: Filter::Service(vec!["Amazon Simple Storage Service".into()]), ..sick };
        assert_eq!(BudgetUnhealthy {}.check(&anothers, &now), Verdict::Fine);
    }

    #[test]
    fn a_budget_that_counts_what_plans_cover_as_nothing_is_told() {
        let now = context("2026-11-11T12:00:00Z");
        for (is_amortized, invoiced, told) in [
            (false, Some(dec!(12)), true),
            (false, Some(dec!(449)), true),
            (false, Some(dec!(450)), false),
            (false, Some(dec!(600)), false),
            (false, None, false),
            (true, Some(dec!(12)), false),
        ] {
            let billed =
                Billed { until: "2026-11-10".parse().unwrap(), usd: invoiced.map(|_| dec!(500)), invoiced, prepaid: dec!(0), is_all: true };
            let insight = Insight { billed: Some(billed), ..Insight::default() };
            let verdict = BudgetUnhealthy {}.check(&Budget { is_amortized, insight, ..budget("ml-dev") }, &now);
            assert_eq!(matches!(verdict, Verdict::Waste(_)), told, "{is_amortized} {invoiced:?} {verdict:?}");
        }
    }

    /// Budgets that count covered use at its price on demand were told to count it as nothing.
    #[test]
    fn a_filter_by_types_of_charges_decides_whether_what_plans_cover_counts() {
        let charges = |types: &[&str]| Filter::Charges(types.iter().map(|one| (*one).to_owned()).collect());
        let not = |inner| Filter::Not(Box::new(inner));
        let with_covered = charges(&["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "Recurring"]);
        let (unblended, left_out) = (Some("it counts unblended cost"), Some("leaves out `SavingsPlanCoveredUsage`"));
        for (charges, is_amortized, says) in [
            (Filter::everything(), false, unblended),
            (Filter::everything(), true, None),
            (with_covered.clone(), false, None),
            (with_covered, true, None),
            (charges(&["Usage", "Savings Plan Covered Usage"]), false, None),
            (not(charges(&["SavingsPlanNegation", "Credit"])), false, None),
            (not(charges(&["Credit", "Refund"])), false, unblended),
            (not(charges(&["Credit", "Refund"])), true, None),
            (charges(&["Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation"]), false, unblended),
            (charges(&["Usage"]), false, left_out),
            (charges(&["Usage"]), true, left_out),
        ] {
            let filter = Filter::All(vec![Filter::Service(vec!["Amazon SageMaker".into()]), charges.clone()]);
            let (usd, invoiced) = (Some(dec!(500)), Some(dec!(12)));
            let billed = Billed { until: "2026-11-10".parse().unwrap(), usd, invoiced, prepaid: dec!(0), is_all: true };
            let insight = Insight { billed: Some(billed), ..Insight::default() };
            let budget = Budget { is_amortized, filter, insight, ..budget("ml-dev") };
            let verdict = BudgetUnhealthy {}.check(&budget, &context("2026-11-11T12:00:00Z"));
            match (&verdict, says) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(says)) if waste.reason.to_string().contains(says) => {}
                _ => panic!("{charges:?}, {is_amortized}: {verdict:?}"),
            }
        }
    }

    #[test]
    fn a_service_under_another_name_is_told_with_the_right_one() {
        let of = |service: &str| {
            let filter = Filter::All(vec![Filter::Service(vec![service.into()])]);
            BudgetUnhealthy {}.check(&Budget { filter, ..budget("ml-dev") }, &context("2026-11-11T12:00:00Z"))
        };
        for service in [
            "AmazonSageMaker",
            "SageMaker",
            "Amazon SageMaker AI",
            "amazon sagemaker",
            "Amazon SageMaker ",
            "AWS Sagemaker",
            "Amazon Sage-Maker",
        ] {
            let Verdict::Waste(waste) = of(service) else { panic!("{service}") };
            assert!(
                waste.reason.to_string().contains(&format!("`{service}`")) && waste.reason.to_string().contains("`Amazon SageMaker`"),
                "{}",
                waste.reason
            );
        }
        for service in [
            "Amazon SagemMaker",
            "Amazon Sagmaker",
            "Amazon SageMakr",
            "Amazon Saegmaker",
            "Amazn SageMaker",
            "AmazonSagMakr",
            "Amazon\u{a0}SageMaker",
            "AWS SageMaker Savings Plans",
        ] {
            assert!(matches!(of(service), Verdict::Waste(_)), "{service}");
        }
        for service in ["Amazon SageMaker", "AWS Lambda", "Amazon Simple Storage Service", "Amazon Forecast", "Machine Learning", ""] {
            assert_eq!(of(service), Verdict::Fine, "{service}");
        }
    }

    #[test]
    fn a_filter_of_several_parts_is_told_only_if_it_does_not_count_what_it_should() {
        let service = |names: &[&str]| Filter::Service(names.iter().map(|name| (*name).to_owned()).collect());
        let (right, wrong, other) = (service(&["Amazon SageMaker"]), service(&["AmazonSageMaker"]), service(&["Amazon EC2"]));
        let nlp = Filter::Tag("Team".into(), vec!["nlp".into()]);
        let not = |inner: &Filter| Filter::Not(Box::new(inner.clone()));
        for (filter, says) in [
            (service(&["AmazonSageMaker", "Amazon SageMaker"]), None),
            (Filter::Any(vec![wrong.clone(), right.clone()]), None),
            (Filter::Any(vec![Filter::All(vec![right.clone(), nlp.clone()]), wrong.clone()]), None),
            (Filter::Any(vec![wrong.clone(), nlp.clone()]), None), // the tag's spend counts
            (Filter::Any(vec![wrong.clone(), other.clone()]), Some("it filters by the service `AmazonSageMaker`")),
            (Filter::All(vec![wrong.clone(), nlp.clone()]), Some("it filters by the service")),
            (Filter::All(vec![Filter::Any(vec![wrong.clone()]), nlp]), Some("it filters by the service")),
            (not(&wrong), Some("it is to leave out the service `AmazonSageMaker`, which no spend has, so that it counts SageMaker, too")),
            (not(&Filter::Any(vec![wrong.clone(), other.clone()])), Some("it is to leave out the service")),
            (not(&Filter::Any(vec![wrong.clone(), right.clone()])), None),
            (not(&not(&wrong)), Some("it filters by the service")),
            (not(&right), None),
            (not(&other), None),
        ] {
            let verdict =
                BudgetUnhealthy {}.check(&Budget { filter: filter.clone(), ..budget("ml-dev") }, &context("2026-11-11T12:00:00Z"));
            match (&verdict, says) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(says)) => assert!(waste.reason.to_string().contains(says), "{filter:?}: {}", waste.reason),
                _ => panic!("{filter:?}: {verdict:?}"),
            }
        }
    }

    #[test]
    fn a_tag_in_another_case_is_told_when_it_counts_nothing() {
        for (key, value, actual, told) in [
            ("team", "nlp", Some(dec!(0)), true),
            ("TEAM", "nlp", Some(dec!(0)), true),
            ("team", "nlp", Some(dec!(3)), false), // resources have this tag, too
            ("team", "nlp", None, false),
            ("team", "", Some(dec!(0)), false),
            ("Team", "nlp", Some(dec!(0)), false),
            ("Project", "nlp", Some(dec!(0)), false),
        ] {
            let tag = Filter::Tag(key.into(), vec![value.into()]);
            let filter = Filter::All(vec![Filter::Service(vec!["Amazon SageMaker".into()]), tag]);
            let verdict = BudgetUnhealthy {}.check(&Budget { actual, filter, ..budget("ml-dev") }, &context("2026-11-11T12:00:00Z"));
            let says =
                |waste: &Waste| waste.reason.to_string().contains(&format!("by the tag `{key}`: the team tag of your bill is `Team`"));
            assert_eq!(matches!(&verdict, Verdict::Waste(waste) if says(waste)), told, "{key} {actual:?}: {verdict:?}");
        }
    }

    #[test]
    fn a_limit_that_aws_could_not_set_is_no_limit() {
        let of = |limit, adjusts| {
            let budget = Budget { limit: Some(limit), adjusts, actual: Some(dec!(512.3)), ..budget("ml-dev") };
            matches!(BudgetUnhealthy {}.check(&budget, &context("2026-11-11T12:00:00Z")), Verdict::Waste(_))
        };
        for (limit, adjusts, told) in
            [(dec!(0), true, true), (dec!(0.01), true, true), (dec!(1), true, true), (dec!(300), true, false), (dec!(0.01), false, false)]
        {
            assert_eq!(of(limit, adjusts), told, "{limit} {adjusts}");
        }
    }
}
