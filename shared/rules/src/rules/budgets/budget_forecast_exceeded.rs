//! # budget-forecast-exceeded
//!
//! ## What it finds
//! A budget that counts SageMaker and is heading for more than its limit by the end of its period. The rule uses AWS's forecast where there is one (a new account
//! has none for five weeks), else the guard's own run-rate: each remaining day costs what its weekday cost in the last four weeks. The mail says which of the two
//! it is, and the likely range. In the first tenth of a period (and with the run-rate in its first five days) nothing is reported, because these days say little
//! about the rest. The budget's own notifications of forecasts in AWS Budgets are thresholds too. `budget-exceeded` reports a budget that is already used up.
//!
//! ## Why it costs money
//! What the owner sees in the middle of a month can still be stopped in that month.
//!
//! ## What happens, and what is lost
//! Its owner is mailed, once for each threshold and period. Nothing else happens.
//!
//! ## Settings

use rust_decimal::dec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Budget, amount, is_over},
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
pub(crate) struct BudgetForecastExceeded {
    /// Percent of the limit, in addition to the budget's own notifications of forecasts.
    thresholds: Thresholds,
}

impl Default for BudgetForecastExceeded {
    fn default() -> Self {
        Self { thresholds: Thresholds(vec![100]) }
    }
}

impl Rule for BudgetForecastExceeded {
    const NAME: &'static str = "budget-forecast-exceeded";
    const TO_DO: &'static str = "stop what is not needed, or raise the limit";
    const MANNER: Manner = Manner { remind_after: Some(Duration::LONGEST), ..Manner::DEFAULT };
    type Subject = Budget;

    fn check(&self, budget: &Budget, cx: &RuleContext<'_>) -> Verdict {
        let numbers @ Numbers { period, limit, actual } = match numbers(budget, cx) {
            Ok(numbers) => numbers,
            Err(verdict) => return verdict,
        };
        if is_over(actual, limit, dec!(100)) {
            return Verdict::Fine;
        }
        // The first tenth of a period says little about the rest, and the numbers may still be those of the period before.
        if period.days_over(cx.now) * 10 < period.days() {
            return Verdict::Fine;
        }
        let Some(forecast) = &budget.insight.forecast else { return Verdict::Fine };
        // `budget-exceeded` reports thresholds that the spend has already passed.
        let ahead = self.thresholds.and(&budget.forecast_thresholds).filter(|percent| !is_over(actual, limit, *percent));
        let Some(level) = passed(ahead, forecast.amount, limit) else {
            return if budget.unread_thresholds { Verdict::Later } else { Verdict::Fine };
        };
        let [by_then, of, spent] = [forecast.amount, limit, actual].map(|one| amount(one, &budget.unit));
        let by = if forecast.by_aws { "by AWS's forecast" } else { "by the guard's own run-rate" };
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "heading for {by_then} of {of}{} by the end of {}, {by}; {spent} spent in {} of {} days",
                in_percent(forecast.amount, limit, self.thresholds.and(&budget.forecast_thresholds)),
                period.words(),
                period.days_over(cx.now),
                period.days()
            )
            .into(),
            notice: Notice {
                advice: Some(ADVICE.to_owned()),
                severity: Severity::Warning,
                subject: Some(format!(
                    "budget {} heads for {by_then} of {of}{}",
                    budget.resource.name,
                    in_percent(forecast.amount, limit, self.thresholds.and(&budget.forecast_thresholds))
                )),
                headline: Some("heading past a threshold"),
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
    use rust_decimal::Decimal;

    use super::*;
    use crate::facts::{Forecast, Insight};
    use crate::samples::*;

    fn judged(actual: Decimal, forecast: Option<Forecast>, own: &[Decimal]) -> Verdict {
        let insight = Insight { forecast, ..Insight::default() };
        let budget = Budget { actual: Some(actual), insight, forecast_thresholds: own.to_vec(), ..budget("ml-dev") };
        BudgetForecastExceeded::default().check(&budget, &context("2026-11-11T12:00:00Z"))
    }

    #[test]
    fn what_is_heading_past_the_limit_is_told_until_it_is_past_it() {
        let forecast = |amount| Some(Forecast { amount, range: None, by_aws: true });
        for (actual, forecast, own, level) in [
            (dec!(400), forecast(dec!(1000)), &[][..], None),
            (dec!(400), forecast(dec!(1200)), &[], Some("100")),
            (dec!(400), forecast(dec!(1200)), &[dec!(120), dec!(110)], Some("110")),
            (dec!(400), forecast(dec!(900)), &[dec!(80)], Some("80")),
            (dec!(850), forecast(dec!(900)), &[dec!(80)], None),
            (dec!(1100), forecast(dec!(1200)), &[], None),
            (dec!(400), None, &[], None),
            (dec!(-400), forecast(dec!(-100)), &[], None),
        ] {
            let verdict = judged(actual, forecast.clone(), own);
            let topic = if let Verdict::Waste(waste) = &verdict { waste.notice.key.clone() } else { None };
            assert_eq!(topic, level.map(|level| format!("2026-11-01 of 1000 at {level}")), "{actual}, {forecast:?}: {verdict:?}");
        }
    }

    #[test]
    fn a_mail_says_whose_forecast_it_is_and_its_range() {
        for (by_aws, says) in [(true, "by AWS's forecast"), (false, "by the guard's own run-rate")] {
            let forecast = Forecast { amount: dec!(1234.5), range: Some((dec!(1100), dec!(1400))), by_aws };
            let Verdict::Waste(waste) = judged(dec!(400), Some(forecast), &[]) else { panic!("waste") };
            assert_eq!(
                waste.reason,
                format!("heading for $1,234.50 of $1,000.00 (123 %) by the end of November 2026, {says}; $400.00 spent in 10 of 30 days")
            );
            assert!(
                waste.notice.details[0]
                    .title
                    .to_string()
                    .starts_with("Ahead: $1,234.50 by 2026-11-30, 123 % of the limit, likely between $1,100.00 and $1,400.00 ("),
                "{:?}",
                waste.notice.details
            );
        }
    }
}
