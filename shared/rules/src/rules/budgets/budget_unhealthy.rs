//! # budget-unhealthy
//!
//! ## What it finds
//! A budget that counts or should count SageMaker, but does not work: AWS says that it is unhealthy and does not update it, or it filters by a tag in a form that
//! no spend has (`Team$nlp` instead of `user:Team$nlp`), which AWS accepts without an error.
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
    facts::Budget,
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
        if budget.filter.takes_sagemaker(cx.policy) == Some(false) {
            return Verdict::Fine;
        }
        let name = &budget.resource.name;
        match &budget.unhealthy {
            None => Verdict::Fine,
            Some(why) => Verdict::Waste(Box::new(Waste {
                reason: format!("it does not watch the spend: {why}"),
                notice: Notice {
                    advice: Some("mend it in the AWS Budgets console: until then it counts nothing, or not what is spent now.".to_owned()),
                    severity: Severity::Warning,
                    subject: Some(format!("budget {name} does not watch the spend")),
                    headline: Some("not watching the spend"),
                    key: Some(why.clone()),
                    ..Notice::default()
                },
                ..Waste::default()
            })),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
