//! # savings-plan-shortfall
//!
//! ## What it finds
//! Usage that a SageMaker Savings Plan would make cheaper by at least `min-saving` a month. Before that is worked out, hour by hour, the guard takes out what will vanish: waste that it found, training
//! that moves to Spot, and what the plans that are owned go on covering. The commitment is the best one for what is left, for each of the six ways to buy; the policy's `[savings-plan]` says which one is
//! advised. Where AWS recommends a plan and this rule does not, it says so, too: what AWS counts is waste. docs/savings-plans.md has the arithmetic.
//!
//! It needs Cost Explorer's hourly data, which the payer's account must switch on. Without them there is only AWS's own recommendation, and the report of the run says so: from days, nobody can tell what
//! nights cost.
//!
//! ## Why it costs money
//! Usage that stays on for a year or three costs less with a plan, by AWS's words up to 64 %. The advice is worked out from the rates that AWS has for your usage types.
//!
//! ## What happens, and what is lost
//! The policy's `finance`, or whoever runs the platform, is mailed the advice: the commitment, what it saves and what it risks, AWS's number beside it and why they differ. The guard buys nothing, and has no permission to.
//!
//! ## Settings

use jiff::Timestamp;
use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{message, per_hour, reasons, steps};
use crate::{
    facts::Commitment,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Detail, Notice, Verdict, Waste},
    },
    savings_plan::{Advice, Offered},
    vocabulary::{duration::Duration, price::Usd},
};

/// The least that AWS recommends (money-facts §4.1), in USD per hour.
const LEAST_BY_AWS: Decimal = dec!(0.1);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SavingsPlanShortfall {
    /// USD a month that a plan must save.
    min_saving: Usd,
}

impl Default for SavingsPlanShortfall {
    fn default() -> Self {
        Self { min_saving: Usd(dec!(25)) }
    }
}

impl Rule for SavingsPlanShortfall {
    const NAME: &'static str = "savings-plan-shortfall";
    const TO_DO: &'static str = "decide about a SageMaker Savings Plan";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(30)), costs_are_waste: false, ..Manner::DEFAULT };
    type Subject = Commitment;

    fn check(&self, commitment: &Commitment, cx: &RuleContext<'_>) -> Verdict {
        let Some(advice) = &commitment.advice else { return Verdict::Later };
        let Some(offered) = advice.of(cx.policy.savings_plan.offer()) else {
            return Verdict::Unknown(format!("AWS has no rates of a plan of {}", cx.policy.savings_plan.offer()));
        };
        if self.min_saving.0 <= offered.usd_per_month && !offered.commitment.is_zero() {
            return Verdict::Waste(Box::new(buy((commitment, advice, offered), cx.now)));
        }
        if let Some(before) = commitment.advised_before.filter(|before| self.min_saving.0 <= before.usd_per_month) {
            let was = per_hour(before.commitment);
            let reason = format!("{was} was advised a week ago, and is not any more: {}", reasons::why_not(advice, offered));
            let subject = format!("do not buy the Savings Plan of {was} that was advised");
            return Verdict::Waste(Box::new(do_not_buy((commitment, advice, offered), reason, (subject, "buy nothing"))));
        }
        let by_aws = offered.by_aws.as_ref().filter(|aws| LEAST_BY_AWS <= aws.commitment && self.min_saving.0 <= aws.usd_per_month);
        by_aws.map_or(Verdict::Fine, |aws| {
            let recommended = per_hour(aws.commitment);
            let why_not = reasons::why_not(advice, offered);
            let reason = format!("AWS recommends {recommended} ({}), and the guard does not: {why_not}", offered.offer);
            let subject = format!("do not buy the Savings Plan that AWS recommends ({recommended})");
            let to_do = if reasons::is_waste(advice, offered) { "stop the waste first" } else { "buy nothing" };
            Verdict::Waste(Box::new(do_not_buy((commitment, advice, offered), reason, (subject, to_do))))
        })
    }
}

/// Says that nothing is worth buying, to somebody who may be about to buy: with a subject, and what to do instead.
fn do_not_buy((commitment, advice, offered): (&Commitment, &Advice, &Offered), reason: String, (subject, to_do): (String, &str)) -> Waste {
    let notice = Notice {
        key: Some("do not buy".to_owned()),
        subject: Some(subject),
        headline: Some("do not buy"),
        details: reasons::details(commitment, advice, offered),
        advice: Some(format!("{to_do}. The guard looks again every week.")),
        ..Notice::default()
    };
    Waste { reason: reason.into(), notice, ..Waste::default() }
}

fn buy((commitment, advice, offered): (&Commitment, &Advice, &Offered), now: Timestamp) -> Waste {
    let mut details: Vec<Detail> = message::worth_of_the_waste(advice, offered).into_iter().collect();
    details.extend(reasons::details(commitment, advice, offered));
    let notice = Notice {
        // It is mailed again if it changes.
        key: Some(format!("buy {}", commitment.known_as.normalize())),
        subject: Some(message::subject(advice, offered)),
        headline: Some("to commit to"),
        details,
        advice: Some(steps::steps(advice, offered, now)),
        is_saving: true,
        ..Notice::default()
    };
    Waste { reason: message::reason(advice, offered).into(), usd_per_month: Some(offered.promised()), notice, ..Waste::default() }
}
