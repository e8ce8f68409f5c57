//! How much to commit to: what is left of the usage without waste, Spot and the plans that are owned, for each way to buy a plan.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, dec, prelude::ToPrimitive as _};

use super::{
    advice::{Advice, ByAws, CHANGES, Earlier, Implied, Offered, Tried, Used, a_month},
    covering::Covering,
    deduct::{Deduction, deduct},
    longer::{HOURS, Longer},
    outcome::Outcome,
    rates::{Offer, Rate, Rates},
    usage::{ALL_OF_SAGEMAKER, Usage},
};
use crate::vocabulary::period::day_of;

/// The fewest hours that say anything: a week, because weekends differ.
pub const FEWEST_HOURS: usize = 7 * HOURS;
/// Use of less than this part of what was used a week before has ended.
const ENDED: Decimal = dec!(0.1);
/// How much less use is tried, in percent.
const LESS_USE: [u32; 3] = [10, 25, 50];
/// How many usage types an advice names: those that cost most.
const NAMED: usize = 6;

/// What is asked.
pub struct Question<'a> {
    /// The usage that a plan can cover, hour by hour, with all waste in it.
    pub usage: &'a Usage,
    /// When its first hour begins.
    pub from: Timestamp,
    /// What will vanish.
    pub deductions: &'a [Deduction],
    /// The plans that go on: the commitment in USD per hour, and their rates.
    pub owned: &'a [(Decimal, Rates)],
    /// The rates of each way to buy a plan.
    pub offers: &'a BTreeMap<Offer, Rates>,
    /// What AWS recommends.
    pub by_aws: &'a [ByAws],
    /// The use of the last two months, and what will vanish of it. `None`: the bill does not tell.
    pub longer: Option<(&'a Longer, &'a [Deduction])>,
}

/// Works it out. `None`: there are too few hours, or no rates.
pub fn advise(question: &Question<'_>) -> Option<Advice> {
    let Question { usage, from, deductions, owned, offers, by_aws, longer } = question;
    if usage.hours() < FEWEST_HOURS || offers.is_empty() {
        return None;
    }
    let (lean, deducted) = deduct(usage, deductions);
    let rest = |usage: &Usage| owned.iter().fold(usage.clone(), |left, (commitment, rates)| Covering::new(&left, rates).rest(*commitment));
    let longer = longer.and_then(|(longer, deductions)| longer.without(deductions, &lean, *from));
    let longer = longer.map(|longer| Longer { usage: rest(&longer.usage), ..longer });
    let known = rest(&lean);
    let left = known.in_whole_weeks();
    let has_ended = have_ended(&left);
    let sizing = Sizing {
        goes_on: left.only(&has_ended.iter().map(|has_ended| !has_ended).collect::<Vec<_>>()),
        left,
        with_waste: rest(usage).in_whole_weeks(),
        known: &known,
        longer: longer.as_ref(),
        is_from_aws_detail: usage.usage_types() == [ALL_OF_SAGEMAKER],
        by_aws,
    };
    Some(Advice {
        hours: usage.hours(),
        from: *from,
        is_from_aws_detail: sizing.is_from_aws_detail,
        on_demand: usage.on_demand(),
        usage_types: dearest(usage, &known, offers),
        deducted,
        owned_covers: lean.on_demand() - known.on_demand(),
        trend: sizing.trend().round_dp(4),
        moved: sizing.moved().round_dp(4),
        ended_types: known.usage_types().iter().zip(has_ended).filter(|(_, has_ended)| *has_ended).map(|(name, _)| name.clone()).collect(),
        ended_on: days_since_the_end(&sizing.left).map(|days| day_of(*from + hours_of(usage.hours() - days * HOURS))),
        offers: offers.iter().map(|(offer, rates)| sizing.offered(*offer, rates)).collect(),
        earlier: longer.as_ref().and_then(|longer| Earlier::of(longer, &known)),
    })
}

impl Earlier {
    /// `None`: nothing stays.
    fn of(longer: &Longer, left: &Usage) -> Option<Self> {
        let an_hour = |usage: &Usage| usage.on_demand() / Decimal::from(usage.hours().max(1));
        let part = an_hour(&longer.usage).checked_div(an_hour(left))?;
        Some(Self { days: longer.days(), part: part.round_dp(4) })
    }
}

/// What a new plan is sized by.
struct Sizing<'a> {
    /// What it can cover: without waste, and without what the plans cover that are owned. In whole weeks.
    left: Usage,
    /// The same without the usage types that have ended.
    goes_on: Usage,
    /// The same as `left` with all waste.
    with_waste: Usage,
    /// What is left of the known hours only.
    known: &'a Usage,
    /// The same as `left` over the last two months.
    longer: Option<&'a Longer>,
    is_from_aws_detail: bool,
    by_aws: &'a [ByAws],
}

impl Sizing<'_> {
    fn week(&self) -> Usage {
        self.left.last(FEWEST_HOURS)
    }

    /// How much more the last week costs than all hours on average, as a part.
    fn trend(&self) -> Decimal {
        let mean = |usage: &Usage| usage.on_demand() / Decimal::from(usage.hours().max(1));
        if self.left.on_demand().is_zero() { Decimal::ZERO } else { mean(&self.week()) / mean(&self.left) - Decimal::ONE }
    }

    /// The part of the use that the last week has of other usage types than all hours: what some have more, as far as others have less.
    fn moved(&self) -> Decimal {
        let mean =
            |usage: &Usage| -> Vec<Decimal> { usage.by_usage_type().map(|(_, usd)| usd / Decimal::from(usage.hours().max(1))).collect() };
        let (week, all) = (mean(&self.week()), mean(&self.left));
        let more: Decimal = week.iter().zip(&all).map(|(week, all)| (week - all).max(Decimal::ZERO)).sum();
        let less: Decimal = week.iter().zip(&all).map(|(week, all)| (all - week).max(Decimal::ZERO)).sum();
        more.min(less).checked_div(all.iter().sum()).unwrap_or_default()
    }

    /// How many of the last hours must carry the advice, too, because use has changed. `None`: it has not.
    fn recent(&self) -> Option<usize> {
        let is_changing = CHANGES < self.trend().abs() || CHANGES < self.moved();
        days_since_the_end(&self.left).map(|days| days * HOURS).or_else(|| is_changing.then_some(FEWEST_HOURS))
    }

    /// The best commitment of at most so much for these hours, and what it comes to. 0: they do not pay for one.
    fn best(&self, covering: &Covering<'_>, rates: &Rates, most: Decimal) -> Outcome {
        let best_of = |usage: &Usage| Covering::new(usage, rates).best();
        let recent = self.recent().map_or(Decimal::MAX, |hours| best_of(&self.left.last(hours)));
        let outcome = covering.outcome(covering.best().min(most).min(recent).min(best_of(&self.goes_on)));
        if outcome.saving() <= Decimal::ZERO { covering.outcome(Decimal::ZERO) } else { outcome }
    }

    /// One way to buy a plan.
    fn offered(&self, offer: Offer, rates: &Rates) -> Offered {
        let (covering, wasteful) = (Covering::new(&self.left, rates), Covering::new(&self.with_waste, rates));
        let tried = |commitment: Decimal| Tried {
            commitment,
            if_waste_stays: a_month(wasteful.outcome(commitment).saving(), self.left.hours()),
            if_waste_ends: a_month(covering.outcome(commitment).saving(), self.left.hours()),
        };
        let by_aws = self.by_aws.iter().find(|one| one.offer == offer).cloned();
        // AWS's average rate is that of what its own commitment covers: what a larger one would cover is of a lower discount.
        let most = by_aws.as_ref().filter(|_| self.is_from_aws_detail).map_or(Decimal::MAX, |aws| aws.commitment);
        let by_hours = self.best(&covering, rates, most);
        // What the last two months do not carry is not advised either.
        let longer = self.longer.map(|longer| Covering::new(&longer.usage, rates));
        let outcome = covering.outcome(longer.as_ref().map_or(by_hours.commitment, |longer| longer.nearly_best(by_hours.commitment)));
        let known = Covering::new(self.known, rates).outcome(outcome.commitment);
        let saving_of = |part: Decimal| saving_of_part((&self.left, rates), outcome.commitment, part);
        let by_aws_here = by_aws.as_ref().map(|aws| tried(aws.commitment));
        let part_that_ran = by_aws.as_ref().zip(by_aws_here.as_ref()).and_then(|(aws, here)| aws.part_that_ran(here));
        let curve = covering.curve(outcome.commitment).into_iter().filter(|(at, _)| *at <= most);
        Offered {
            offer,
            commitment: outcome.commitment,
            usd_per_month: a_month(outcome.saving(), outcome.hours),
            by_hours_alone: (outcome.commitment < by_hours.commitment).then_some(by_hours.commitment),
            if_longer: longer.map(|longer| longer.outcome(outcome.commitment)).map(|longer| a_month(longer.saving(), longer.hours)),
            if_waste_stays: tried(outcome.commitment).if_waste_stays,
            with_waste: tried(wasteful.best().min(most)),
            utilisation: outcome.utilisation().map(|part| part.round_dp(6)),
            break_even: outcome.break_even().map(|part| part.round_dp(6)),
            under_used_hours: known.under_used_hours,
            worst_unused: known.worst_unused,
            with_less_use: LESS_USE.map(|percent| (percent, saving_of(without(percent)))).to_vec(),
            may_fall: may_fall(&outcome),
            curve: curve.map(|(at, cost)| (at, a_month(cost, self.left.hours()))).collect(),
            implied: part_that_ran.map(|part| Implied { part, usd_per_month: saving_of(part) }),
            by_aws_here,
            by_aws,
        }
    }
}

/// What is left of all without so many percent, as a part.
fn without(percent: u32) -> Decimal {
    Decimal::ONE - Decimal::from(percent) / Decimal::ONE_HUNDRED
}

/// What a commitment saves if only this part of the use goes on, USD a month.
fn saving_of_part((left, rates): (&Usage, &Rates), commitment: Decimal, part: Decimal) -> Decimal {
    let less = left.lessened(|_, _, usd| usd * part);
    a_month(Covering::new(&less, rates).outcome(commitment).saving(), left.hours())
}

/// By how many percent what a commitment covers may fall before it costs more than none: the part of it that is saved. `None`: there is no commitment.
fn may_fall(outcome: &Outcome) -> Option<u32> {
    (outcome.saving().checked_div(outcome.covered)? * Decimal::ONE_HUNDRED).round().to_u32()
}

/// Which usage types of some weight have ended.
fn have_ended(usage: &Usage) -> Vec<bool> {
    let (all, count) = (usage.on_demand(), usage.usage_types().len());
    let alone = |index: usize| usage.only(&(0..count).map(|one| one == index).collect::<Vec<_>>());
    let has_ended = |usage: &Usage| all * ENDED < usage.on_demand() && days_since_the_end(usage).is_some();
    (0..count).map(|index| has_ended(&alone(index))).collect()
}

/// For how many of the last days hardly anything was used, if a week before it was: a day may be a holiday, and the last one is not always complete. `None`: use goes on.
fn days_since_the_end(usage: &Usage) -> Option<usize> {
    let of_day = |back: usize| usage.last((back + 1) * HOURS).on_demand() - usage.last(back * HOURS).on_demand();
    let days = (0..7).take_while(|back| of_day(*back) < of_day(back + 7) * ENDED).count();
    (1 < days).then_some(days)
}

/// The usage types that cost most.
fn dearest(usage: &Usage, left: &Usage, offers: &BTreeMap<Offer, Rates>) -> Vec<Used> {
    let price = |name: &str| offers.values().find_map(|rates| rates.get(name)).map(|Rate { on_demand, .. }| *on_demand);
    let used = |((name, on_demand), (_, stays)): ((&str, Decimal), (&str, Decimal))| Used {
        usage_type: name.to_owned(),
        on_demand,
        stays,
        price: price(name).filter(|_| name != ALL_OF_SAGEMAKER),
    };
    let mut all: Vec<Used> = usage.by_usage_type().zip(left.by_usage_type()).map(used).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.on_demand));
    all.truncate(NAMED);
    all
}

fn hours_of(count: usize) -> SignedDuration {
    SignedDuration::from_hours(i64::try_from(count).unwrap_or(i64::MAX))
}
