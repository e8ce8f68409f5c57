//! The advice for people: what was taken out, what AWS says, the ways to buy, and what happens if less is used.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::{aws_number, monthly, per_hour, percent, saves, ways};
use crate::{
    facts::Commitment,
    rules::verdict::Detail,
    savings_plan::{Advice, Certainty, Deducted, Earlier, Offered, Used, Vanishing},
    vocabulary::{
        component::instance_type_of,
        period::day_of,
        price::{HOURS_PER_MONTH, dollars},
        timed_text::TimedText,
    },
};

/// How many lines of deductions a mail has.
const LINES: usize = 12;

/// What everybody who commits should know.
const BINDING: &str = "A plan can be returned within its first 7 days, and not be changed or ended after them before its term is over. It covers the usage types that have a rate, in all Regions and of all instance types: not Spot, and no storage. Prices on demand may fall in the meantime, the plan's do not.";

/// All about an advice, for a mail.
pub(super) fn details(commitment: &Commitment, advice: &Advice, offered: &Offered) -> Vec<Detail> {
    let mut details = vec![usage(commitment, advice), by_usage_type(advice)];
    details.extend(aws_number::by_aws(advice, offered));
    details.push(ways::ways(advice, offered));
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
        list.push("no plan that this account owns or has queued covers any of it (plans of other accounts are not seen here)".to_owned());
    } else {
        list.push(format!("-{}: covered by the plans that you own or that are queued", monthly(advice.a_month(advice.owned_covers))));
    }
    list.push(format!("= {} that stays", monthly(advice.a_month(advice.stays()))));
    let whose = commitment
        .account
        .as_ref()
        .map_or_else(String::new, |account| format!(" of AWS account {account} and, if it pays for other accounts, of those"));
    let title = format!(
        "Use{whose}, {}, hour by hour: {} on demand (a month is {HOURS_PER_MONTH} hours)",
        days(advice),
        monthly(advice.a_month(advice.on_demand))
    );
    Detail { title: title.into(), list }
}

/// `from 2026-11-16 to 2026-11-28 (13 days, UTC)`.
fn days(advice: &Advice) -> String {
    let last: Timestamp = advice.from + SignedDuration::from_hours(i64::try_from(advice.hours).unwrap_or_default() - 1);
    format!("from {} to {} ({} days, UTC)", day_of(advice.from), day_of(last), advice.hours / 24)
}

/// What is taken out, and below it whose it is. What is only reported is for its owner to decide.
fn deducted(advice: &Advice, one: &Deducted) -> Vec<String> {
    let (when, how) = match (one.certainty, one.moves_to_spot) {
        (Certainty::Enforced, _) => ("", "the guard ends it"),
        (Certainty::Over, _) => ("", "it is over"),
        (Certainty::Reported, true) => (" once it has moved", "its owner decides"),
        (Certainty::Reported, false) => (" if it is ended", "looks forgotten; its owner decides"),
    };
    let mut lines = vec![format!("-{}{when}: {} ({}; {how})", monthly(advice.a_month(one.usd)), one.what, one.component.words())];
    lines.extend(one.resources.iter().map(|resource| whose(advice, one.certainty, resource)));
    let more = one.together.resources.saturating_sub(one.resources.len());
    lines.extend((0 < more).then(|| format!("   and {more} more")));
    lines
}

/// `   old (eu-central-1, 3 x ml.g5.xlarge, since 2026-10-15), not called in the last 14d; of ann@example.com, who was told on 2026-11-20 and has not decided yet: $2,000.00 a month`
fn whose(advice: &Advice, certainty: Certainty, resource: &Vanishing) -> String {
    let found = day_of(resource.found);
    let owner = match (&resource.owner, certainty, resource.told.map(day_of)) {
        (Some(owner), Certainty::Reported, Some(told)) => format!("of {owner}, who was told on {told} and has not decided yet"),
        (Some(owner), ..) => format!("of {owner}, found on {found}"),
        (None, ..) => format!("no owner known, found on {found}"),
    };
    let since = resource.since.map(|at| format!("since {}", day_of(at)));
    let about: Vec<String> = resource.region.clone().into_iter().chain(instances_of(advice, resource)).chain(since).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    let reason = resource.reason.as_ref().map_or_else(String::new, |reason| format!(" {reason};"));
    format!("   {}{about},{reason} {owner}: {}", resource.name, monthly(resource.usd_per_month))
}

/// `3 x ml.g5.xlarge`: its dollars by the price of its type. `None`: one of them is not known, or it does not run all the time.
fn instances_of(advice: &Advice, resource: &Vanishing) -> Option<String> {
    let instance_type = resource.instance_type.as_deref()?;
    let is_its = |one: &&Used| instance_type_of(&one.usage_type) == Some(instance_type);
    let price = advice.usage_types.iter().find(is_its)?.price?;
    let count = resource.usd_per_month.checked_div(price * HOURS_PER_MONTH)?.round_dp(2).normalize();
    (count.is_integer() && !count.is_zero()).then(|| format!("{count} x {instance_type}"))
}

/// What the usage is, and what of it stays.
fn by_usage_type(advice: &Advice) -> Detail {
    let line = |one: &Used| {
        let price = one.price.map_or_else(String::new, |usd| format!(" at {} on demand", per_hour(usd)));
        format!(
            "{}: {}{price}, of which {} stays{}",
            one.usage_type,
            monthly(advice.a_month(one.on_demand)),
            dollars(advice.a_month(one.stays)),
            instances(advice, one).map_or_else(String::new, |text| format!(": {text}"))
        )
    };
    let title = "The usage types that cost most (the bill does not name resources)";
    Detail { title: TimedText::from(title), list: advice.usage_types.iter().map(line).collect() }
}

/// `10 x ml.g5.xlarge on average, 6 are waste, 4 stay`: the dollars by the price and the hours. `None`: it is not billed by instance-hours, or its price is not known.
pub(super) fn instances(advice: &Advice, one: &Used) -> Option<String> {
    let instance_type = instance_type_of(&one.usage_type)?;
    let price = one.price? * Decimal::from(advice.hours);
    let [all, stay] = [one.on_demand, one.stays].map(|usd| usd.checked_div(price).map(|count| count.round_dp(1).normalize()));
    let (all, stay) = (all.filter(|count| !count.is_zero())?, stay?);
    let gone = all - stay;
    if gone.is_zero() {
        return Some(format!("{all} x {instance_type} on average"));
    }
    let what = what_becomes_of(advice, gone == Decimal::ONE);
    let stays = if stay == Decimal::ONE { "stays" } else { "stay" };
    Some(format!("{all} x {instance_type} on average, {gone} {what}, {stay} {stays}"))
}

/// Why some of the use does not stay, as far as any of these reasons is there: `are waste or have a plan`.
fn what_becomes_of(advice: &Advice, is_one: bool) -> String {
    let is_any = |moves: bool| advice.deducted.iter().any(|one| one.moves_to_spot == moves);
    let (is, moves, has) = if is_one { ("is waste", "moves to Spot", "has a plan") } else { ("are waste", "move to Spot", "have a plan") };
    let all = [(is_any(false), is), (is_any(true), moves), (!advice.owned_covers.is_zero(), has)];
    all.into_iter().filter(|(is_there, _)| *is_there).map(|(_, what)| what).collect::<Vec<_>>().join(" or ")
}

/// What the owners of waste could end without a commitment, USD a month.
pub(super) fn reported_waste(advice: &Advice) -> Decimal {
    advice
        .deducted
        .iter()
        .filter(|one| one.certainty == Certainty::Reported && !one.moves_to_spot)
        .map(|one| one.together.usd_per_month)
        .sum()
}

/// Whether waste is why less is advised than all that was used would be worth.
pub(super) fn is_waste(advice: &Advice, offered: &Offered) -> bool {
    !advice.deducted.is_empty() && offered.by_hours() < offered.with_waste.commitment
}

/// Why nothing is worth buying, in a clause.
pub(super) fn why_not(advice: &Advice, offered: &Offered) -> String {
    if let Some((earlier, _)) = advice.earlier.as_ref().zip(offered.by_hours_alone) {
        return format!("the use of the last {} days would pay for a plan, that of the last {} does not", advice.hours / 24, earlier.days);
    }
    if let Some(day) = advice.ended_on {
        return format!("since {day}, hardly anything is used of what was used before");
    }
    if is_waste(advice, offered) {
        "without the waste, a plan saves too little".to_owned()
    } else if advice.is_changing() {
        "what is used is falling or rising, and the last week alone is too little for a plan".to_owned()
    } else if !advice.owned_covers.is_zero() {
        "the plans that you own, or that are queued, cover what is used".to_owned()
    } else {
        format!("in the last {} days too little was used for a plan", advice.hours / 24)
    }
}

/// What it comes to if more or less is used than is expected.
fn what_if(advice: &Advice, offered: &Offered) -> Detail {
    let with_waste = &offered.with_waste;
    let mut list = vec![];
    if is_waste(advice, offered) {
        let larger = format!("; {} would save {}", per_hour(with_waste.commitment), monthly(with_waste.if_waste_stays));
        // That AWS's number is right then has been said.
        let larger = if aws_number::is_best_with_waste(offered) { String::new() } else { larger };
        list.push(format!("all waste stays: it {}{larger}", saves(offered.if_waste_stays)));
    }
    list.extend(offered.with_less_use.iter().map(|(percent, usd)| format!("{percent} % less use: it {}", saves(*usd))));
    list.push(format!("none of it is used any more: it costs {} until its term is over", monthly(offered.commitment * HOURS_PER_MONTH)));
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

/// What the bill says of the days before these hours.
fn before(advice: &Advice, earlier: &Earlier, offered: &Offered) -> String {
    let (now, days) = (advice.hours / 24, earlier.days);
    let alone = offered.by_hours_alone.map_or_else(String::new, |alone| {
        let carry = if offered.commitment.is_zero() { "none".to_owned() } else { per_hour(offered.commitment) };
        format!(" The last {now} days alone carry {}, the {days} days carry {carry}: the smaller of both is advised. If the use goes on, the guard advises more.", per_hour(alone))
    });
    format!(
        "Cost Explorer keeps hours for 14 days; the guard has the bill of {days} days. On these, {} of the use that stays ran on average.{alone} You know better whether it goes on for {}.",
        percent(earlier.part),
        offered.offer.term
    )
}

/// Why to be careful.
fn cautions(advice: &Advice, offered: &Offered) -> Vec<String> {
    let mut says = vec![];
    if advice.is_from_aws_detail {
        says.push("These are the hours of AWS's own recommendation, of all usage types together and at one average rate: Cost Explorer has no hourly data here. Switch those on for an advice by usage type.".to_owned());
    }
    if let Some(day) = advice.ended_on {
        says.push(format!("Since {day}, less than a tenth is used of what was used a week before: what is left is what the advice is for. Look again in a week."));
    } else if advice.is_changing() {
        let how = if advice.trend.is_sign_negative() { "less" } else { "more" };
        says.push(format!(
            "The last week costs {} {how} than these days on average: the smaller of both commitments is advised. Look again in two weeks.",
            percent(advice.trend.abs())
        ));
    }
    if advice.has_moved() {
        says.push(format!(
            "In the last week, {} of the use was of other usage types than on all these days: the smaller of both commitments is advised.",
            percent(advice.moved)
        ));
    }
    if !advice.ended_types.is_empty() && advice.ended_on.is_none() {
        says.push(format!("Hardly anything is used any more of {}: the commitment leaves it out.", advice.ended_types.join(", ")));
    }
    let days = advice.hours / 24;
    if let Some(earlier) = &advice.earlier {
        says.push(before(advice, earlier, offered));
    } else if days < 30 && !advice.is_from_aws_detail && !offered.commitment.is_zero() {
        says.push(format!(
            "These are only {days} days: Cost Explorer keeps hours for 14, and the guard has no bill of the days before that tells of this use. You know better whether it goes on for {}. Half of it, {}, saves about {}, even if half of this use ends.",
            offered.offer.term,
            per_hour(offered.commitment / Decimal::TWO),
            monthly(offered.usd_per_month / Decimal::TWO)
        ));
    }
    says.extend((!offered.commitment.is_zero()).then(|| BINDING.to_owned()));
    says
}
