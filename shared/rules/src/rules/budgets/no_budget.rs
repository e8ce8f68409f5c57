//! # no-budget
//!
//! ## What it finds
//! SageMaker spend that no budget of dollars counts: at least `min-cost` in the last 30 days, and more than `max-percent` of all SageMaker spend. If the guard
//! cannot tell whether a budget counts it (because the budget filters by account or Region), it assumes that the budget does.
//!
//! ## Why it costs money
//! Nobody is notified when this spend doubles.
//!
//! ## What happens, and what is lost
//! Whoever runs the platform is mailed which teams' spend it is. Nothing else happens.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Spend,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        price::{Usd, dollars},
    },
};

/// How many teams a mail names.
const NAMED: usize = 5;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NoBudget {
    /// Spend below this, in USD of the last 30 days, is not reported.
    min_cost: Usd,
    /// Spend of up to this percentage of all SageMaker spend is not reported.
    #[schemars(range(max = 99))]
    max_percent: u32,
}

impl Default for NoBudget {
    fn default() -> Self {
        Self { min_cost: Usd(dec!(50)), max_percent: 5 }
    }
}

impl Rule for NoBudget {
    const NAME: &'static str = "no-budget";
    const TO_DO: &'static str = "create a budget for this spend";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(30)), ..Manner::DEFAULT };
    type Subject = Spend;

    fn nonsense(&self) -> Option<&'static str> {
        (100 <= self.max_percent).then_some("`max-percent` is 100 or more: nothing would ever be said: write mode = \"off\"")
    }

    fn check(&self, spend: &Spend, cx: &RuleContext<'_>) -> Verdict {
        let Some(uncovered) = &spend.uncovered else { return Verdict::Later };
        let today = crate::vocabulary::period::day_of(cx.now);
        let since = cx.now - jiff::SignedDuration::from_hours(30 * 24);
        let daily = spend.daily(&|_| true);
        let all: Decimal = daily.range(crate::vocabulary::period::day_of(since)..today).map(|(_, usd)| *usd).sum();
        let usd: Decimal = uncovered.iter().map(|(_, usd)| *usd).sum();
        if usd < self.min_cost.0 || usd * Decimal::ONE_HUNDRED <= all * Decimal::from(self.max_percent) {
            return Verdict::Fine;
        }
        let of = |(team, usd): &(String, Decimal)| {
            let team = if team.is_empty() { "no team".to_owned() } else { format!("team {team}") };
            format!("{team} {}", dollars(*usd))
        };
        let mut named: Vec<String> = uncovered.iter().filter(|(_, usd)| dec!(0.01) <= *usd).take(NAMED).map(of).collect();
        if NAMED < uncovered.len() {
            named.push(format!("{} more teams", uncovered.len() - NAMED));
        }
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "{} of the {} that SageMaker cost in the last 30 days are in no budget of this account: {}",
                dollars(usd),
                dollars(all),
                named.join(", ")
            )
            .into(),
            notice: Notice {
                advice: Some(
                    "make a budget for it: by the service \"Amazon SageMaker\", or by a team's tag, with notifications at 80 and 100 %."
                        .to_owned(),
                ),
                subject: Some(format!("{} of SageMaker in 30 days are in no budget", dollars(usd))),
                headline: Some("in no budget"),
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

    #[test]
    fn only_what_is_worth_a_mail_is_told() {
        for (uncovered, waste) in [
            (&[][..], false),
            (&[("nlp", dec!(49.99))], false),
            (&[("nlp", dec!(150))], false), // 5 % of 3,000
            (&[("nlp", dec!(150.01))], true),
            (&[("nlp", dec!(2000)), ("", dec!(500))], true),
        ] {
            let uncovered = uncovered.iter().map(|(team, usd)| ((*team).to_owned(), *usd)).collect();
            let spend = Spend { uncovered: Some(uncovered), ..spend("2026-11-11", dec!(100)) };
            let verdict = NoBudget::default().check(&spend, &context("2026-11-11T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{verdict:?}");
            if let Verdict::Waste(waste) = verdict {
                assert!(waste.reason.to_string().contains("of the $3,000.00 that SageMaker cost"), "{}", waste.reason);
            }
        }
        let unknown = NoBudget::default().check(&spend("2026-11-11", dec!(100)), &context("2026-11-11T12:00:00Z"));
        assert_eq!(unknown, Verdict::Later, "the budgets could not be read");
    }
}
