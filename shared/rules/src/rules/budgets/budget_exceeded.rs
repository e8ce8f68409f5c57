//! # budget-exceeded
//!
//! ## What it finds
//! A budget of dollars or of usage that counts SageMaker, of which more is spent than one of its thresholds: those of `thresholds`, in percent of its limit, and those
//! of its own notifications in AWS Budgets. Budgets that count other services alone are not looked at.
//!
//! ## Why it costs money
//! AWS Budgets says that a threshold is passed. This mail says what drove it: the usage types and teams that grew most against the same days of the last period, what
//! runs right now and for how many dollars an hour, and what it will come to by the end of the period.
//!
//! ## What happens, and what is lost
//! Its owner is mailed once for each threshold and period: again only when a higher one is passed. A new period begins anew, and so does a new limit. In the first day of a
//! period nothing is said: AWS looks at the bill some times a day, and until then tells what was spent in the last one. Whose a budget is, and what the guard
//! does when it is used up, says the policy's `[[budget]]`: `on-exceed = "enforce-off-hours"` enforces both off-hours rules for its team, and
//! `on-exceed = "stop-stoppable"` stops what of its team is tagged `cost-guard:stoppable = yes` (`stoppable-over-budget`), until its period ends. Without it, nothing is done.
//! A budget is for the `team` that `[[budget]]` names (`"*"`: all), else for the one team whose tag its filter names; one that is for no team tightens nothing.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Budget, amount},
    rules::{
        budgets::thresholds::{ADVICE, Numbers, Thresholds, details, in_percent, numbers, passed, topic},
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BudgetExceeded {
    /// Percent of the limit, beside the budget's own notifications.
    thresholds: Thresholds,
}

impl Default for BudgetExceeded {
    fn default() -> Self {
        Self { thresholds: Thresholds(vec![80, 100]) }
    }
}

impl Rule for BudgetExceeded {
    const NAME: &'static str = "budget-exceeded";
    const MANNER: Manner = Manner { remind_after: Some(Duration::LONGEST), ..Manner::DEFAULT };
    type Subject = Budget;

    fn check(&self, budget: &Budget, cx: &RuleContext<'_>) -> Verdict {
        let numbers @ Numbers { period, limit, actual } = match numbers(budget, cx) {
            Ok(numbers) => numbers,
            Err(verdict) => return verdict,
        };
        let Some(level) = passed(self.thresholds.and(&budget.thresholds), actual, limit) else {
            // One that its owner asked for may be passed.
            return if budget.unread_thresholds { Verdict::Later } else { Verdict::Fine };
        };
        let [spent, of] = [actual, limit].map(|one| amount(one, &budget.unit));
        let to_go = match period.days_left(cx.now) {
            0 => String::new(),
            1 => ", with 1 day to go".to_owned(),
            days => format!(", with {days} days to go"),
        };
        let is_used_up = crate::facts::is_over(actual, limit, Decimal::ONE_HUNDRED);
        let name = &budget.resource.name;
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "{spent} of {of}{} spent for {}{to_go}: the threshold is {} %",
                in_percent(actual, limit),
                period.words(),
                level.normalize()
            ),
            notice: Notice {
                advice: Some(if is_used_up {
                    "stop what is not needed, or raise the limit: what goes on is spent on top of it.".to_owned()
                } else {
                    ADVICE.to_owned()
                }),
                severity: match () {
                    () if is_used_up => Severity::Critical,
                    () if dec!(80) <= level => Severity::Warning,
                    () => Severity::Info,
                },
                subject: Some(format!("budget {name}: {spent} of {of}{}", in_percent(actual, limit))),
                headline: Some("past a threshold"),
                details: details(budget, numbers, cx.now),
                key: Some(topic(numbers, level)),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::{facts::Filter, rules::verdict::is_news};

    fn judged(budget: &Budget) -> Verdict {
        BudgetExceeded::default().check(budget, &context("2026-11-21T12:00:00Z"))
    }

    #[test]
    fn the_highest_threshold_that_is_passed_is_told() {
        for (limit, actual, own, level) in [
            (dec!(1000), dec!(799.99), vec![], None),
            (dec!(1000), dec!(800), vec![], None),
            (dec!(1000), dec!(800.01), vec![], Some("80")),
            (dec!(1000), dec!(1000), vec![], Some("80")),
            (dec!(1000), dec!(1000.01), vec![], Some("100")),
            (dec!(1000), dec!(510), vec![dec!(50)], Some("50")),
            (dec!(1000), dec!(1300), vec![dec!(50), dec!(120)], Some("120")),
            (dec!(1), dec!(0.02), vec![dec!(1)], Some("1")), // AWS's zero-spend budget: more than a cent
            (dec!(0), dec!(0.01), vec![], Some("100")),
            (dec!(0), dec!(0), vec![], None),
            (dec!(1000), dec!(-200), vec![dec!(50)], None), // credits
        ] {
            let verdict = judged(&Budget { limit: Some(limit), actual: Some(actual), thresholds: own, ..budget("ml-dev") });
            let topic = if let Verdict::Waste(waste) = &verdict { waste.notice.key.clone() } else { None };
            assert_eq!(
                topic,
                level.map(|level| format!("2026-11-01 of {} at {level}", limit.normalize())),
                "{actual} of {limit}: {verdict:?}"
            );
        }
    }

    #[test]
    fn only_a_higher_threshold_or_a_new_period_is_news() {
        for (told, now, news) in [
            ("2026-11-01 at 80", "2026-11-01 at 100", true),
            ("2026-11-01 at 100", "2026-11-01 at 80", false),
            ("2026-11-01 at 80", "2026-11-01 at 80", false),
            ("2026-11-01 at 9.5", "2026-11-01 at 80", true),
            ("2026-11-01 at 100", "2026-12-01 at 80", true),
            ("another", "2026-12-01 at 80", true),
        ] {
            assert_eq!(is_news(Some(told), Some(now)), news, "{told} → {now}");
        }
        assert!(is_news(None, Some("2026-12-01 at 80")) && !is_news(None, None));
    }

    #[test]
    fn a_mail_says_how_much_of_what_and_when() {
        let Verdict::Waste(waste) = judged(&Budget { actual: Some(dec!(4150)), limit: Some(dec!(5000)), ..budget("ml-dev") }) else {
            panic!("waste")
        };
        assert_eq!(waste.reason, "$4,150.00 of $5,000.00 (83 %) spent for November 2026, with 10 days to go: the threshold is 80 %");
        assert_eq!(waste.notice.subject.as_deref(), Some("budget ml-dev: $4,150.00 of $5,000.00 (83 %)"));
        assert_eq!(waste.notice.severity, Severity::Warning);
        let hours = Budget { is_cost: false, unit: "Hrs".into(), actual: Some(dec!(120.5)), limit: Some(dec!(100)), ..budget("gpu-hours") };
        let Verdict::Waste(waste) = judged(&hours) else { panic!("waste") };
        assert!(waste.reason.starts_with("120.5 Hrs of 100 Hrs (120 %) spent"), "{}", waste.reason);
        assert_eq!(waste.notice.severity, Severity::Critical);
    }

    #[test]
    fn what_is_not_known_or_not_sagemakers_is_not_told() {
        let full = Budget { actual: Some(dec!(2000)), ..budget("ml-dev") };
        for (budget, expected) in [
            (Budget { limit: None, ..full.clone() }, "Unknown"),
            (Budget { actual: None, ..full.clone() }, "Later"),
            (Budget { period: None, ..full.clone() }, "Fine"),
            (Budget { filter: Filter::Service(vec!["Amazon Elastic Compute Cloud - Compute".into()]), ..full.clone() }, "Fine"),
            (Budget { filter: Filter::everything(), ..full.clone() }, "Waste"),
            (full, "Waste"),
        ] {
            let verdict = judged(&budget);
            assert!(format!("{verdict:?}").starts_with(expected), "{expected}: {verdict:?}");
        }
    }
}
