//! The advice for people: what was taken out, what AWS says, the ways to buy, and what happens if less is used.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::{monthly, per_hour, percent};
use crate::{
    rules::verdict::Detail,
    savings_plan::{Advice, Certainty, Offered},
    vocabulary::{
        price::{HOURS_PER_MONTH, dollars},
        timed_text::TimedText,
    },
};

/// How many lines of deductions a mail has.
const LINES: usize = 12;
/// What everybody who commits should know.
pub(super) const FOREVER: &str = "A plan cannot be changed or ended before its term is over. It covers all Regions and instance types of SageMaker; prices on demand may fall in the meantime, the plan's do not.";

/// All about an advice, for a mail.
pub(super) fn details(advice: &Advice, offered: &Offered) -> Vec<Detail> {
    let mut details = vec![usage(advice)];
    details.extend(by_aws(advice, offered));
    details.push(ways(advice));
    details.extend((!offered.commitment.is_zero()).then(|| risk(advice, offered)));
    details.extend(cautions(advice).into_iter().map(|text| Detail::from(TimedText::from(text))));
    details
}

/// From the usage to what is left of it.
fn usage(advice: &Advice) -> Detail {
    let days = advice.hours / 24;
    let mut list: Vec<String> = advice
        .deducted
        .iter()
        .take(LINES)
        .map(|one| {
            let sure = match one.certainty {
                Certainty::Enforced => "the guard ends it",
                Certainty::Reported => "its owner was told",
            };
            format!("-{}: {} ({}; {sure})", monthly(advice.a_month(one.usd)), one.what, one.component.words())
        })
        .collect();
    if LINES < advice.deducted.len() {
        let rest: Decimal = advice.deducted.iter().skip(LINES).map(|one| one.usd).sum();
        list.push(format!("-{}: {} more", monthly(advice.a_month(rest)), advice.deducted.len() - LINES));
    }
    if !advice.owned_covers.is_zero() {
        list.push(format!("-{}: covered by the plans that you own and that go on", monthly(advice.a_month(advice.owned_covers))));
    }
    let gone: Decimal = advice.deducted.iter().map(|one| one.usd).sum();
    list.push(format!(
        "= {} that stays, and that a plan can cover",
        monthly(advice.a_month(advice.on_demand - gone - advice.owned_covers))
    ));
    Detail {
        title: format!("Worked out from the {days} last days, hour by hour: {} on demand", monthly(advice.a_month(advice.on_demand)))
            .into(),
        list,
    }
}

/// Whether waste is why less is advised than all that was used would be worth.
pub(super) fn is_waste(offered: &Offered) -> bool {
    offered.commitment < offered.with_waste
}

/// Why nothing is worth buying, in a clause.
pub(super) fn why_not(advice: &Advice, offered: &Offered) -> &'static str {
    if is_waste(offered) && !advice.deducted.is_empty() {
        "without what will vanish, a plan saves too little"
    } else if advice.is_changing() {
        "what is used is falling or rising, and the last week alone is too little for a plan"
    } else if !advice.owned_covers.is_zero() {
        "the plans that you own, or that are queued, cover what is used"
    } else {
        "in the last two weeks too little was used for a plan"
    }
}

/// AWS's number, and why ours is another one.
fn by_aws(advice: &Advice, offered: &Offered) -> Option<Detail> {
    let aws = offered.by_aws.as_ref()?;
    let mut list = vec![format!(
        "AWS recommends {}: it expects to save {}, by its own up to 60 days",
        per_hour(aws.commitment),
        monthly(aws.usd_per_month)
    )];
    if offered.commitment == aws.commitment.round_dp(5) {
        return None;
    }
    let rest = if advice.owned_covers.is_zero() { "the same usage" } else { "what your plans leave of the usage" };
    list.push(format!("{rest}{}: {}", if advice.deducted.is_empty() { "" } else { " with all waste in it" }, per_hour(offered.with_waste)));
    if offered.with_waste != offered.commitment {
        list.push(format!(
            "{}: {}, {} less",
            if advice.deducted.is_empty() { "by the last week alone, because use is changing" } else { "without what will vanish" },
            per_hour(offered.commitment),
            per_hour((offered.with_waste - offered.commitment).max(Decimal::ZERO))
        ));
    }
    Some(Detail { title: TimedText::from("Why AWS says another number"), list })
}

/// All ways to buy.
fn ways(advice: &Advice) -> Detail {
    let line = |one: &Offered| {
        let aws = one.by_aws.as_ref().map_or_else(String::new, |aws| format!(" (AWS: {})", per_hour(aws.commitment)));
        if one.commitment.is_zero() {
            return format!("{}: do not buy{aws}", one.offer);
        }
        let used = one.utilisation.map_or_else(String::new, |part| format!(", {} of it used", percent(part)));
        format!(
            "{}: {}, saves {} ({} over its term){used}; {}{aws}",
            one.offer,
            per_hour(one.commitment),
            monthly(one.usd_per_month),
            dollars(one.usd_per_month * Decimal::from(one.offer.term.hours()) / HOURS_PER_MONTH),
            upfront(one)
        )
    };
    Detail {
        title: TimedText::from(if advice.offers.len() == 1 { "The way to buy it" } else { "The ways to buy it" }),
        list: advice.offers.iter().map(line).collect(),
    }
}

fn upfront(offered: &Offered) -> String {
    let back = offered.payback_months().map_or_else(String::new, |months| format!(", back after {:.1} months", months.round_dp(1)));
    let usd = offered.upfront();
    if usd.is_zero() { "nothing paid when it is bought".to_owned() } else { format!("{} paid when it is bought{back}", dollars(usd)) }
}

/// What can go wrong.
fn risk(advice: &Advice, offered: &Offered) -> Detail {
    let mut list: Vec<String> = offered
        .with_less_use
        .iter()
        .map(|(percent, usd)| match usd {
            usd if usd.is_sign_negative() => format!("{percent} % less use: it costs {} more than without", monthly(-*usd)),
            usd => format!("{percent} % less use: it saves {}", monthly(*usd)),
        })
        .collect();
    if let Some(part) = offered.break_even {
        list.push(format!("it pays as long as {} of it is used", percent(part)));
    }
    let unused = offered.worst_unused.map_or_else(String::new, |usd| format!("; {} of it in the worst 30 days", dollars(usd)));
    list.push(format!("in {} of the {} hours not all of it was used{unused}", offered.under_used_hours, advice.hours));
    Detail { title: TimedText::from("If less is used"), list }
}

/// Why to be careful.
pub(super) fn cautions(advice: &Advice) -> Vec<String> {
    let mut says = vec![];
    if advice.is_from_aws_detail {
        says.push("These are the hours of AWS's own recommendation, of all usage types together and at one average rate: Cost Explorer has no hourly data here. Switch those on for an advice by usage type.".to_owned());
    }
    if advice.is_changing() {
        let how = if advice.trend.is_sign_negative() { "less" } else { "more" };
        says.push(format!(
            "The last week costs {} {how} than these days on average: the smaller of both commitments is advised. Look again in two weeks.",
            percent(advice.trend.abs())
        ));
    }
    let days = SignedDuration::from_hours(i64::try_from(advice.hours).unwrap_or(i64::MAX)).as_hours() / 24;
    if days < 30 && !advice.is_from_aws_detail {
        says.push(format!("These are only {days} days: Cost Explorer keeps hours for 14. What you know of the coming months counts more. Several small purchases, a month apart, are safer than a large one."));
    }
    says
}
