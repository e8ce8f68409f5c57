//! The advice for people: what was taken out, what AWS says, the ways to buy, and what happens if less is used.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, dec};

use super::{monthly, per_hour, percent};
use crate::{
    facts::Commitment,
    rules::verdict::Detail,
    savings_plan::{Advice, Certainty, Deducted, Offered, Used},
    vocabulary::{
        period::day_of,
        price::{HOURS_PER_MONTH, dollars},
        timed_text::TimedText,
    },
};

/// How many lines of deductions a mail has.
const LINES: usize = 12;
/// The largest commitment that can be returned, USD per hour (money-facts §4.6).
const RETURNABLE: Decimal = dec!(100);

/// What everybody who commits should know.
pub(super) fn binding(commitment: Decimal) -> String {
    let returned = if commitment <= RETURNABLE {
        "You can return it only within 7 days, and only in the calendar month (UTC) in which you bought it (Savings Plans, Inventory, Return; an organization can return 10 a year): buy early in a month."
    } else {
        "One of more than $100 per hour cannot be returned at all."
    };
    format!(
        "A plan cannot be changed or ended before its term is over. {returned} It covers the usage types that have a rate, in all Regions and of all instance types: not Spot, and no storage. Prices on demand may fall in the meantime, the plan's do not."
    )
}

/// All about an advice, for a mail.
pub(super) fn details(commitment: &Commitment, advice: &Advice, offered: &Offered) -> Vec<Detail> {
    let mut details = vec![usage(commitment, advice), by_usage_type(advice)];
    details.extend(by_aws(advice, offered));
    details.push(ways(advice, offered));
    details.extend((!offered.commitment.is_zero()).then(|| what_if(advice, offered)));
    details.extend(cautions(advice, offered).into_iter().map(|text| Detail::from(TimedText::from(text))));
    details
}

/// From the usage to what is left of it.
fn usage(commitment: &Commitment, advice: &Advice) -> Detail {
    let mut list: Vec<String> = advice.deducted.iter().take(LINES).flat_map(|one| deducted(advice, one)).collect();
    if LINES < advice.deducted.len() {
        let rest: Decimal = advice.deducted.iter().skip(LINES).map(|one| one.usd).sum();
        list.push(format!("-{}: {} more", monthly(advice.a_month(rest)), advice.deducted.len() - LINES));
    }
    if advice.owned_covers.is_zero() {
        list.push("no plan that you own or have queued covers any of it".to_owned());
    } else {
        list.push(format!("-{}: covered by the plans that you own and that go on", monthly(advice.a_month(advice.owned_covers))));
    }
    let gone: Decimal = advice.deducted.iter().map(|one| one.usd).sum();
    list.push(format!(
        "= {} that stays, and that a plan can cover",
        monthly(advice.a_month(advice.on_demand - gone - advice.owned_covers))
    ));
    let whose = commitment
        .account
        .as_ref()
        .map_or_else(String::new, |account| format!(" of AWS account {account} (if it is a payer's, of all its accounts)"));
    let title = format!("Usage{whose} {}, hour by hour: {} on demand", days(advice), monthly(advice.a_month(advice.on_demand)));
    Detail { title: title.into(), list }
}

/// `from 2026-11-16 to 2026-11-28 (13 days, UTC)`.
fn days(advice: &Advice) -> String {
    let last: Timestamp = advice.from + SignedDuration::from_hours(i64::try_from(advice.hours).unwrap_or_default() - 1);
    format!("from {} to {} ({} days, UTC)", day_of(advice.from), day_of(last), advice.hours / 24)
}

/// What was taken out, and below it whose it is.
fn deducted(advice: &Advice, one: &Deducted) -> Vec<String> {
    let sure = match one.certainty {
        Certainty::Enforced => "the guard ends it",
        Certainty::Reported => "its owner was told, and decides",
    };
    let mut lines = vec![format!("-{}: {} ({}; {sure})", monthly(advice.a_month(one.usd)), one.what, one.component.words())];
    lines.extend(one.resources.iter().map(|resource| {
        let owner = resource.owner.as_deref().map_or_else(|| "no owner known".to_owned(), |owner| format!("of {owner}"));
        format!("   {}, {owner}, found on {}: {}", resource.name, day_of(resource.found), monthly(resource.usd_per_month))
    }));
    lines
}

/// What the usage is, and what of it stays.
fn by_usage_type(advice: &Advice) -> Detail {
    let line = |one: &Used| {
        let price = one.price.map_or_else(String::new, |usd| format!(" at {} on demand", per_hour(usd)));
        format!(
            "{}: {}{price}, of which {} stays",
            one.usage_type,
            monthly(advice.a_month(one.on_demand)),
            dollars(advice.a_month(one.stays))
        )
    };
    Detail { title: TimedText::from("The usage types that cost most"), list: advice.usage_types.iter().map(line).collect() }
}

/// What the owners of waste could end without a commitment, USD a month.
pub(super) fn reported_waste(advice: &Advice) -> Decimal {
    advice.a_month(advice.deducted.iter().filter(|one| one.certainty == Certainty::Reported).map(|one| one.usd).sum())
}

/// Whether waste is why less is advised than all that was used would be worth.
pub(super) fn is_waste(advice: &Advice, offered: &Offered) -> bool {
    !advice.deducted.is_empty() && offered.commitment < offered.with_waste.commitment
}

/// Why nothing is worth buying, in a clause.
pub(super) fn why_not(advice: &Advice, offered: &Offered) -> &'static str {
    if is_waste(advice, offered) {
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
    let (aws, here) = (offered.by_aws.as_ref()?, offered.by_aws_here.as_ref()?);
    if offered.commitment == aws.commitment.round_dp(5) {
        return None;
    }
    let has_waste = !advice.deducted.is_empty();
    let mut list = vec![if has_waste {
        format!(
            "AWS recommends {}. In these hours it {} as long as the waste stays; once that has ended, it {}.",
            per_hour(aws.commitment),
            saves(here.if_waste_stays),
            saves(here.if_waste_ends)
        )
    } else {
        format!("AWS recommends {}. In these hours it {}.", per_hour(aws.commitment), saves(here.if_waste_ends))
    }];
    list.push(format!(
        "AWS's own estimate is {}. It is an average of up to 60 days, in some of which less ran. If such days come back, every plan saves less.",
        monthly(aws.usd_per_month)
    ));
    let rest = if advice.owned_covers.is_zero() { "the same usage" } else { "what your plans leave of the usage" };
    let with_waste = offered.with_waste.commitment;
    list.push(format!("Best for {rest}{}: {}.", if has_waste { " with all waste in it" } else { "" }, per_hour(with_waste)));
    if with_waste != offered.commitment {
        list.push(format!(
            "Best {}: {}, {} less.",
            if has_waste { "without what will vanish" } else { "for the last week alone, because use is changing" },
            per_hour(offered.commitment),
            per_hour((with_waste - offered.commitment).max(Decimal::ZERO))
        ));
    }
    Some(Detail { title: TimedText::from("Why AWS says another number"), list })
}

/// `saves $12.00 a month`.
fn saves(usd: Decimal) -> String {
    if usd.is_sign_negative() { format!("costs {} more than no plan", monthly(-usd)) } else { format!("saves {}", monthly(usd)) }
}

/// All ways to buy.
fn ways(advice: &Advice, offered: &Offered) -> Detail {
    let line = |one: &Offered| {
        let aws = one.by_aws.as_ref().map_or_else(String::new, |aws| format!(" (AWS: {})", per_hour(aws.commitment)));
        if one.commitment.is_zero() {
            return format!("{}: do not buy{aws}", one.offer);
        }
        let cheaper = one.discount().map_or_else(String::new, |part| format!(", {} less than on demand", percent(part)));
        let used = one.utilisation.map_or_else(String::new, |part| format!(" {} of it is used.", percent(part)));
        format!(
            "{}: {}{aws}{cheaper}. It saves {}, {} over its term. It binds you to {}, {}.{used}",
            one.offer,
            per_hour(one.commitment),
            monthly(one.usd_per_month),
            dollars(one.usd_per_month * Decimal::from(one.offer.term.hours()) / HOURS_PER_MONTH),
            dollars(one.binds()),
            upfront(one)
        )
    };
    Detail {
        title: format!("The ways to buy it. Your policy asks for {} (`[savings-plan]` term and payment)", offered.offer).into(),
        list: advice.offers.iter().map(line).collect(),
    }
}

fn upfront(offered: &Offered) -> String {
    let back = offered.payback_months().map_or_else(String::new, |months| format!(", back after {:.1} months", months.round_dp(1)));
    let usd = offered.upfront();
    if usd.is_zero() {
        "nothing of it paid when it is bought".to_owned()
    } else {
        format!("{} of it paid when it is bought{back}", dollars(usd))
    }
}

/// What it comes to if more or less is used than is expected.
fn what_if(advice: &Advice, offered: &Offered) -> Detail {
    let with_waste = &offered.with_waste;
    let mut list = vec![];
    if is_waste(advice, offered) {
        list.push(format!(
            "all waste stays: it {}; {} would save {}",
            saves(offered.if_waste_stays),
            per_hour(with_waste.commitment),
            monthly(with_waste.if_waste_stays)
        ));
    }
    list.extend(offered.with_less_use.iter().map(|(percent, usd)| format!("{percent} % less use: it {}", saves(*usd))));
    list.push(format!("none of it is used any more: it costs {} until its term is over", monthly(offered.commitment * HOURS_PER_MONTH)));
    if let Some(part) = offered.break_even {
        list.push(format!("it pays as long as {} of it is used", percent(part)));
    }
    list.push(used(advice, offered));
    Detail { title: TimedText::from("What if"), list }
}

/// In how many hours all of it would have been used.
fn used(advice: &Advice, offered: &Offered) -> String {
    let (hours, under_used) = (advice.hours, offered.under_used_hours);
    if under_used == 0 {
        return format!("all of it would have been used in all {hours} hours");
    }
    let unused = offered.worst_unused.map_or_else(String::new, |usd| format!("; {} of it in the worst 30 days", dollars(usd)));
    format!("in {under_used} of the {hours} hours some of it would have been unused{unused}")
}

/// Why to be careful.
fn cautions(advice: &Advice, offered: &Offered) -> Vec<String> {
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
    let days = advice.hours / 24;
    if days < 30 && !advice.is_from_aws_detail && !offered.commitment.is_zero() {
        says.push(format!(
            "These are only {days} days: Cost Explorer keeps hours for 14. You know better whether this usage goes on for {}. If you are not sure, buy half of it first: {} saves about {}, even if half of this usage ends. The guard advises the rest from then on.",
            offered.offer.term,
            per_hour(offered.commitment / Decimal::TWO),
            monthly(offered.usd_per_month / Decimal::TWO)
        ));
    }
    says
}
