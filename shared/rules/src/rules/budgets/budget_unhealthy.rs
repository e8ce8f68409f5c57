//! # budget-unhealthy
//!
//! ## What it finds
//! A budget that counts or should count SageMaker, but does not work:
//!
//! * AWS says that it is unhealthy, and does not update it.
//! * It filters by what no spend has, which AWS accepts without an error: a tag in another form (`Team$nlp` instead of `user:Team$nlp`), a tag that is not an
//!   active cost allocation tag, or a service under another name (`AmazonSageMaker` instead of `Amazon SageMaker`).
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
    facts::{Budget, amount},
    policy::Policy,
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
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(30)), ..Manner::DEFAULT };
    type Subject = Budget;

    fn check(&self, budget: &Budget, cx: &RuleContext<'_>) -> Verdict {
        let Some(why) = why(budget, cx.policy) else { return Verdict::Fine };
        Verdict::Waste(Box::new(Waste {
            reason: format!("it does not watch the spend: {why}"),
            notice: Notice {
                advice: Some("mend it in the AWS Budgets console: until then it counts nothing, or not what is spent now.".to_owned()),
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
fn why(budget: &Budget, policy: &Policy) -> Option<String> {
    if let Some(service) = budget.filter.nearly_service(policy) {
        let right = policy.billing.services.join("` or `");
        return Some(format!(
            "it filters by the service `{service}`, which no spend has: the bill says `{right}`. \
             If your bill says `{service}`, add it to `services` in [billing] of the policy"
        ));
    }
    if budget.filter.takes_sagemaker(policy) == Some(false) {
        return None;
    }
    let limit = budget.limit.filter(|_| budget.adjusts && budget.has_no_real_limit() && budget.period.is_some());
    let no_limit = |limit| format!("AWS sets its limit from what was spent before, and set {}: write a limit", amount(limit, &budget.unit));
    budget.unhealthy.clone().or_else(|| limit.map(no_limit))
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::facts::Filter;
    use crate::samples::*;

    #[test]
    fn an_unhealthy_budget_is_told_with_awss_reason() {
        let sick = Budget { unhealthy: Some("AWS says FILTER_INVALID".into()), ..budget("ml-dev") };
        let now = context("2026-11-11T12:00:00Z");
        let Verdict::Waste(waste) = BudgetUnhealthy {}.check(&sick, &now) else { panic!("waste") };
        assert_eq!(waste.reason, "it does not watch the spend: AWS says FILTER_INVALID");
        assert_eq!(BudgetUnhealthy {}.check(&budget("ml-dev"), &now), Verdict::Fine);
        let anothers = Budget { filter: Filter::Service(vec!["Amazon Simple Storage Service".into()]), ..sick };
        assert_eq!(BudgetUnhealthy {}.check(&anothers, &now), Verdict::Fine);
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
            assert!(waste.reason.contains(&format!("`{service}`")) && waste.reason.contains("`Amazon SageMaker`"), "{}", waste.reason);
        }
        for service in ["Amazon SageMaker", "AWS Lambda", ""] {
            assert_eq!(of(service), Verdict::Fine, "{service}");
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
