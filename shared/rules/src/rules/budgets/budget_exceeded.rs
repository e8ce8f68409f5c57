//! # budget-exceeded
//!
//! ## What it finds
//! A budget of dollars or usage that counts SageMaker and has passed one of its thresholds: those of `thresholds`, in percent of its limit, and those of its own
//! notifications in AWS Budgets. Budgets that count only other services are not checked.
//!
//! ## Why it costs money
//! AWS Budgets only says that a threshold is passed. This mail also says why: the usage types and teams that grew most compared with the same days of the last
//! period, what runs right now at how many dollars an hour, and the expected total at the end of the period.
//!
//! ## What happens, and what is lost
//! Its owner is mailed once for each threshold and period, and again only when a higher threshold is passed, or when the period or the limit changes. On the first
//! day of a period nothing is reported: AWS updates budgets only a few times a day, and until then shows what was spent in the last period.
//!
//! The policy's `[[budget]]` says who owns a budget and what the guard does when it is used up, until its period ends. `on-exceed = "enforce-off-hours"` enforces
//! both off-hours rules for its team. `on-exceed = "stop-stoppable"` stops the team's resources with the tag `cost-guard:stoppable = yes`
//! (`stoppable-over-budget`). Without `on-exceed` the guard takes no action. A budget's team is the `team` of `[[budget]]` (`"*"`: all teams), else the one team
//! whose tag its filter names. If it has no team, the guard takes no action either. What was paid in advance for a Savings Plan uses up a budget of unblended
//! cost, but nothing is stopped because of it.
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
    /// Percent of the limit, in addition to the budget's own notifications.
    thresholds: Thresholds,
}

impl Default for BudgetExceeded {
    fn default() -> Self {
        Self { thresholds: Thresholds(vec![80, 100]) }
    }
}

impl Rule for BudgetExceeded {
    const NAME: &'static str = "budget-exceeded";
    const TO_DO: &'static str = "stop what is not needed, or raise the limit";
    const MANNER: Manner = Manner { remind_after: Some(Duration::LONGEST), ..Manner::DEFAULT };
    type Subject = Budget;

    fn check(&self, budget: &Budget, cx: &RuleContext<'_>) -> Verdict {
        let numbers @ Numbers { period, limit, actual } = match numbers(budget, cx) {
            Ok(numbers) => numbers,
            Err(verdict) => return verdict,
        };
        let Some(level) = passed(self.thresholds.and(&budget.thresholds), actual, limit) else {
            // One of the budget's own thresholds, which could not be read, may be passed.
            return if budget.unread_thresholds { Verdict::Later } else { Verdict::Fine };
        };
        let [spent, of] = [actual, limit].map(|one| amount(one, &budget.unit));
        let to_go = match period.days_left(cx.now) {
            0 => String::new(),
            1 => ", on its last day".to_owned(),
            days => format!(", with {days} days to go, today included"),
        };
        let is_used_up = crate::facts::is_over(actual, limit, Decimal::ONE_HUNDRED);
        let name = &budget.resource.name;
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "{}{spent} of {of}{} spent for {}{to_go}; the threshold is {} %",
                if is_used_up { "it is used up: " } else { "" },
                in_percent(actual, limit, self.thresholds.and(&budget.thresholds)),
                period.words(),
                level.normalize()
            )
            .into(),
            notice: Notice {
                advice: Some(match () {
                    () if !is_used_up => ADVICE.to_owned(),
                    () if crate::facts::is_over(actual - budget.prepaid(), limit, Decimal::ONE_HUNDRED) => {
                        "stop what is not needed, or raise the limit. Everything still running is spent above the budget.".to_owned()
                    }
                    () => format!(
                        "{} of it were paid in advance for a Savings Plan, and are no use of this period. Let the budget count amortized cost \
                         (`UseAmortized` in its `CostTypes`), or raise its limit. Nothing has to be stopped.",
                        amount(budget.prepaid(), &budget.unit)
                    ),
                }),
                severity: match () {
                    () if is_used_up => Severity::Critical,
                    () if dec!(80) <= level => Severity::Warning,
                    () => Severity::Info,
                },
                subject: Some(format!(
                    "budget {name}{}: {spent} of {of}{}",
                    if is_used_up { " is used up" } else { "" },
                    in_percent(actual, limit, self.thresholds.and(&budget.thresholds))
                )),
                headline: Some(if is_used_up { "used up" } else { "past a threshold" }),
                details: details(budget, numbers, cx),
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
    use crate::{
        facts::{Billed, CostDriver, Filter, Forecast, Insight, RunningCost},
        rules::verdict::is_news,
        vocabulary::resource::Kind,
    };

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
        assert_eq!(
            waste.reason,
            "$4,150.00 of $5,000.00 (83 %) spent for November 2026, with 10 days to go, today included; the threshold is 80 %"
        );
        assert_eq!(waste.notice.subject.as_deref(), Some("budget ml-dev: $4,150.00 of $5,000.00 (83 %)"));
        assert_eq!(waste.notice.severity, Severity::Warning);
        let last_day =
            BudgetExceeded::default().check(&Budget { actual: Some(dec!(830)), ..budget("x") }, &context("2026-11-30T12:00:00Z"));
        let Verdict::Waste(waste) = last_day else { panic!("waste") };
        assert!(waste.reason.to_string().contains("spent for November 2026, on its last day;"), "{}", waste.reason);
        let hours = Budget { is_cost: false, unit: "Hrs".into(), actual: Some(dec!(120.5)), limit: Some(dec!(100)), ..budget("gpu-hours") };
        let Verdict::Waste(waste) = judged(&hours) else { panic!("waste") };
        assert!(waste.reason.to_string().starts_with("it is used up: 120.5 Hrs of 100 Hrs (121 %) spent"), "{}", waste.reason);
        assert_eq!(waste.notice.subject.as_deref(), Some("budget gpu-hours is used up: 120.5 Hrs of 100 Hrs (121 %)"));
        assert_eq!(waste.notice.severity, Severity::Critical);
    }

    #[test]
    fn what_runs_now_is_reckoned_to_the_end_of_the_period() {
        // From 2026-11-21 12:00 to the end of November: 228 hours.
        for (usd, is_all, is_least, by_then, percent) in [
            (None, true, false, "at least $1,470.00", 184), // no bill: the budget's number lags
            (Some(dec!(850)), true, false, "about $1,470.00", 184),
            (Some(dec!(890)), true, false, "about $1,490.00", 186), // and $30.00 since that day
            (Some(dec!(890)), true, true, "at least $1,490.00", 186),
            (Some(dec!(890)), false, false, "at least $1,490.00", 186), // it counts other services, too
            (Some(dec!(990)), true, false, "about $1,590.00", 199),
            (Some(dec!(991)), true, false, "at least $1,470.00", 184), // it includes credits
        ] {
            let mut budget = Budget { actual: Some(dec!(900)), ..budget("ml-dev") };
            let until = "2026-11-21".parse().unwrap();
            let billed = usd.map(|usd| Billed { until, usd: Some(usd), invoiced: Some(usd), prepaid: dec!(0), is_all });
            let forecast = Some(Forecast { amount: dec!(850), range: Some((dec!(840), dec!(860))), by_aws: true });
            budget.insight = Insight { forecast, running_usd: dec!(2.5), ran_usd: dec!(30), is_least, billed, ..Insight::default() };
            let Verdict::Waste(waste) = judged(&Budget { limit: Some(dec!(800)), ..budget }) else { panic!("waste") };
            let says =
                format!("Ahead: {by_then} by 2026-11-30 if what runs now stays on, {percent} % of the limit (the guard's own figure).");
            assert_eq!(waste.notice.details[0].title, says.as_str());
            let beside = "       AWS's forecast, by the weeks before: $850.00, 106 % of the limit, likely between $840.00 and $860.00.";
            assert_eq!(waste.notice.details[1].title, beside, "AWS's stands beside it");
        }
    }

    #[test]
    fn the_causes_end_on_the_last_day_of_the_bill() {
        let cause = CostDriver { usage: "Host:x".into(), team: "nlp".into(), now: dec!(12), before: Some(dec!(10)) };
        let billed = Billed { until: "2026-11-20".parse().unwrap(), usd: None, invoiced: None, prepaid: dec!(0), is_all: true };
        let insight = Insight { causes: vec![cause], billed: Some(billed), ..Insight::default() };
        let Verdict::Waste(waste) = judged(&Budget { actual: Some(dec!(900)), insight, ..budget("ml-dev") }) else { panic!("waste") };
        let says = "Cause: what SageMaker cost until 2026-11-19, the last day on the bill, and against the same days of October 2026:";
        assert!(waste.notice.details.iter().any(|detail| detail.title == says), "{:?}", waste.notice.details);
    }

    /// A plan of $105,120 all upfront was "used up: stop what is not needed", and no cause named it.
    #[test]
    fn the_purchase_of_a_plan_was_told_as_use_that_has_to_be_stopped() {
        for (prepaid, says) in [
            (dec!(0), "stop what is not needed"),
            (dec!(499.99), "stop what is not needed"),
            (dec!(900), "$900.00 of it were paid in advance for a Savings Plan, and are no use of this period."),
        ] {
            let billed = Billed { until: "2026-11-20".parse().unwrap(), usd: None, invoiced: None, prepaid, is_all: false };
            let insight = Insight { billed: Some(billed), ..Insight::default() };
            let Verdict::Waste(waste) = judged(&Budget { actual: Some(dec!(1500)), insight, ..budget("ml-dev") }) else { panic!("waste") };
            assert!(waste.notice.advice.as_ref().unwrap().starts_with(says), "{prepaid}: {:?}", waste.notice.advice);
            let causes: Vec<_> = waste.notice.details.iter().flat_map(|detail| &detail.list).collect();
            let bought = (!prepaid.is_zero()).then(|| format!("payment in advance for a Savings Plan: {}", amount(prepaid, "USD")));
            assert_eq!(causes, Vec::from_iter(&bought), "{prepaid}");
        }
    }

    #[test]
    fn what_is_somebody_elses_is_not_stopped_unasked() {
        let running = |owner: Option<&str>, is_called| RunningCost {
            what: "x".into(),
            kind: Kind::Endpoint,
            types: vec![],
            stop: Some("aws stop".into()),
            owner: owner.map(str::to_owned),
            usd_per_hour: None,
            instances: 1,
            is_called,
        };
        for (burning, first) in [
            (running(Some("ann@example.com"), false), None),
            (
                running(Some("ann@example.com"), true),
                Some("  Its callers will get errors. Its configuration and its model stay: create-endpoint brings it back."),
            ),
            (running(Some("bob@example.com"), false), Some("  Ask bob@example.com first.")),
            (
                running(Some("bob@example.com"), true),
                Some(
                    "  Ask bob@example.com first. Its callers will get errors. Its configuration and its model stay: create-endpoint brings it back.",
                ),
            ),
            (running(None, false), Some("  Find out whose it is first.")),
            (RunningCost { stop: None, ..running(None, true) }, None),
        ] {
            let has_command = burning.stop.is_some();
            let mut of_ann = Budget { actual: Some(dec!(2000)), ..budget("ml-dev") };
            of_ann.resource.ownership.owner = Some("ann@example.com".into());
            of_ann.insight.burning = vec![burning];
            let Verdict::Waste(waste) = judged(&of_ann) else { panic!("waste") };
            assert!(waste.reason.to_string().starts_with("it is used up: $2,000.00 of $1,000.00 (200 %)"), "{}", waste.reason);
            let list = &waste.notice.details.iter().find(|detail| !detail.list.is_empty()).unwrap().list;
            let lines: Vec<&str> = list.iter().skip(1).map(String::as_str).collect();
            assert_eq!(lines, first.into_iter().chain(has_command.then_some("  aws stop")).collect::<Vec<_>>());
        }
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
