//! How much to commit to: what is left of the usage without waste, Spot and the plans that are owned, for each way to buy a plan.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _, civil::Date};
use rust_decimal::{Decimal, RoundingStrategy, dec};
use serde::{Deserialize, Serialize};

use super::{
    covering::{Covering, PLACES},
    deduct::{Deducted, Deduction, deduct},
    longer::Longer,
    outcome::Outcome,
    rates::{Offer, Rate, Rates},
    usage::{ALL_OF_SAGEMAKER, Usage},
};
use crate::vocabulary::{period::day_of, price::HOURS_PER_MONTH};

/// The fewest hours that say anything: a week, because weekends differ.
pub const FEWEST_HOURS: usize = 7 * 24;
/// How much the last week may differ from all hours before the smaller of both commitments is advised (money-facts §5.3).
const CHANGES: Decimal = dec!(0.2);
/// How much less use is tried, in percent.
const LESS_USE: [u32; 3] = [10, 25, 50];
/// Less than this a month is no loss: hours are rounded.
const CENT: Decimal = dec!(0.01);
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

/// AWS's own recommendation for one way to buy a plan. It is worked out from what was spent, with the waste.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ByAws {
    /// The way.
    pub offer: Offer,
    /// USD per hour.
    pub commitment: Decimal,
    /// What AWS estimates that it saves, USD a month.
    pub usd_per_month: Decimal,
    /// The id of its hours. `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When AWS worked it out: it knows nothing of plans that began later. `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What to commit to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Advice {
    /// How many hours it is worked out from.
    pub hours: usize,
    /// When the first of them begins.
    pub from: Timestamp,
    /// Whether the hours are those of AWS's own recommendation, of all usage types together.
    #[serde(default)]
    pub is_from_aws_detail: bool,
    /// What the usage of these hours costs on demand, with the waste, USD.
    pub on_demand: Decimal,
    /// The usage types that cost most, dearest first.
    pub usage_types: Vec<Used>,
    /// What was taken out.
    pub deducted: Vec<Deducted>,
    /// What of the rest the plans cover that are owned and go on, USD on demand.
    pub owned_covers: Decimal,
    /// How much more the last week costs than all hours on average, as a part: 0.3 is 30 % more.
    pub trend: Decimal,
    /// Each way to buy a plan.
    pub offers: Vec<Offered>,
    /// What of the use that stays ran before. `None`: the bill does not tell.
    #[serde(default)]
    pub earlier: Option<Earlier>,
}

/// What ran in the last two months of the use that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Earlier {
    /// How many days the bill tells of, the days of the hours included.
    pub days: usize,
    /// How much of what stays a month ran on them on average, as a part: 1 is as much.
    pub part: Decimal,
    /// Since which day at least half of what stays ran without a break.
    pub since: Date,
}

/// What was used of a usage type. USD on demand in these hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Used {
    /// The usage type, with its Region.
    pub usage_type: String,
    /// With all waste.
    pub on_demand: Decimal,
    /// What a new plan can cover: without waste, and without what the plans cover that are owned.
    pub stays: Decimal,
    /// USD per hour on demand. `None`: only the sum of all usage types is known.
    pub price: Option<Decimal>,
}

/// What a commitment saves in these hours, USD a month. Negative: it costs more than no plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// USD per hour.
    pub commitment: Decimal,
    /// With all waste in the usage.
    pub if_waste_stays: Decimal,
    /// Without it.
    pub if_waste_ends: Decimal,
}

/// One way to buy a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Offered {
    /// The way.
    pub offer: Offer,
    /// The commitment that is advised, USD per hour. 0: do not buy.
    pub commitment: Decimal,
    /// What it saves, USD a month.
    pub usd_per_month: Decimal,
    /// The commitment that these hours alone would carry, if half of it is advised: the last two months would have saved less than half as much with it. `None`: all of it
    /// is advised.
    #[serde(default)]
    pub half_of: Option<Whole>,
    /// What it saves a month if the last two months repeat themselves ([`Advice::earlier`]), USD. `None`: the bill does not tell.
    #[serde(default)]
    pub if_longer: Option<Decimal>,
    /// What it saves as long as all waste stays, USD a month.
    pub if_waste_stays: Decimal,
    /// What would be advised with all waste in the usage.
    pub with_waste: Tried,
    /// The used part of the commitment, 0 to 1. `None`: there is no commitment.
    pub utilisation: Option<Decimal>,
    /// The utilisation below which it costs more than it saves.
    pub break_even: Option<Decimal>,
    /// The hours in which not all of it is used.
    pub under_used_hours: usize,
    /// What nobody uses of it in the worst 30 days, USD. `None`: fewer days are known.
    pub worst_unused: Option<Decimal>,
    /// What it saves if this much less is used: percent, and USD a month.
    pub with_less_use: Vec<(u32, Decimal)>,
    /// By how many percent the use may fall before it costs more than no plan. `None`: there is no commitment.
    #[serde(default)]
    pub may_fall: Option<u32>,
    /// What commitments cost: USD per hour, and USD a month.
    pub curve: Vec<(Decimal, Decimal)>,
    /// AWS's number.
    pub by_aws: Option<ByAws>,
    /// AWS's number, tried on these hours.
    pub by_aws_here: Option<Tried>,
    /// What AWS's own estimate implies. `None`: nothing, or AWS has none.
    #[serde(default)]
    pub implied: Option<Implied>,
}

/// A commitment of which half is advised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Whole {
    /// USD per hour.
    pub commitment: Decimal,
    /// By how many percent the use may fall before the whole costs more than no plan.
    pub may_fall: u32,
    /// When the rest is advised, if the use goes on.
    pub rest_from: Date,
}

/// What AWS's estimate implies where it is lower than what AWS's number saves in these hours: less ran on average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Implied {
    /// The part of this use that ran, 0 to 1.
    pub part: Decimal,
    /// What the advised plan saves at that part, USD a month.
    pub usd_per_month: Decimal,
}

impl ByAws {
    /// The part of this use that must have run on average for AWS's estimate: what AWS's number covers by it, of what it covers in these hours. `None`: no less ran.
    fn part_that_ran(&self, here: &Tried) -> Option<Decimal> {
        let committed = self.commitment * HOURS_PER_MONTH;
        let [by_estimate, covered] = [self.usd_per_month, here.if_waste_stays].map(|saving| saving + committed);
        let part = by_estimate.checked_div(covered)?;
        (Decimal::ZERO < part && part.round_dp(2) < Decimal::ONE).then_some(part)
    }
}

impl Offered {
    /// What must be paid over the term, used or not, USD.
    pub fn binds(&self) -> Decimal {
        self.commitment * Decimal::from(self.offer.term.hours())
    }

    /// For how many months of its term the use must last, so that it pays. `None`: there is no commitment.
    pub fn months_that_pay(&self) -> Option<Decimal> {
        Some(self.break_even? * self.offer.term.months()).filter(|_| !self.commitment.is_zero())
    }

    /// How much less than on demand it costs what it covers, as a part. `None`: there is no commitment.
    pub fn discount(&self) -> Option<Decimal> {
        Some(Decimal::ONE - self.break_even?)
    }

    /// What the hours alone would carry: the commitment, or the whole of which it is a half.
    pub fn whole(&self) -> Decimal {
        self.half_of.as_ref().map_or(self.commitment, |whole| whole.commitment)
    }

    /// What is paid when it is bought, USD.
    pub fn upfront(&self) -> Decimal {
        self.binds() * self.offer.payment.upfront()
    }

    /// After how many months it has brought back what was paid when it was bought. `None`: nothing was paid then, or it never does.
    pub fn payback_months(&self) -> Option<Decimal> {
        let upfront = self.upfront();
        // What was paid is a part of the cost of each month.
        let a_month = self.usd_per_month + self.commitment * self.offer.payment.upfront() * HOURS_PER_MONTH;
        (!upfront.is_zero() && Decimal::ZERO < a_month).then(|| upfront / a_month)
    }
}

impl Advice {
    /// One way to buy a plan.
    pub fn of(&self, offer: Offer) -> Option<&Offered> {
        self.offers.iter().find(|one| one.offer == offer)
    }

    /// What a new plan can cover: without what was taken out, and without what the plans cover that are owned. USD of these hours.
    pub fn stays(&self) -> Decimal {
        self.on_demand - self.deducted.iter().map(|one| one.usd).sum::<Decimal>() - self.owned_covers
    }

    /// USD of these hours, as USD a month.
    pub fn a_month(&self, usd: Decimal) -> Decimal {
        a_month(usd, self.hours)
    }

    /// Whether the usage of the last week differs so much that the smaller of two commitments is advised.
    pub fn is_changing(&self) -> bool {
        CHANGES < self.trend.abs()
    }
}

fn a_month(usd: Decimal, hours: usize) -> Decimal {
    usd * HOURS_PER_MONTH / Decimal::from(hours.max(1))
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
    let sizing = Sizing {
        left: rest(&lean),
        with_waste: rest(usage),
        longer: longer.as_ref(),
        is_from_aws_detail: usage.usage_types() == [ALL_OF_SAGEMAKER],
        by_aws,
    };
    Some(Advice {
        hours: usage.hours(),
        from: *from,
        is_from_aws_detail: sizing.is_from_aws_detail,
        on_demand: usage.on_demand(),
        usage_types: dearest(usage, &sizing.left, offers),
        deducted,
        owned_covers: lean.on_demand() - sizing.left.on_demand(),
        trend: sizing.trend().round_dp(4),
        offers: offers.iter().map(|(offer, rates)| sizing.offered(*offer, rates)).collect(),
        earlier: longer.as_ref().and_then(|longer| Earlier::of(longer, &sizing.left)),
    })
}

impl Earlier {
    /// `None`: nothing stays.
    fn of(longer: &Longer, left: &Usage) -> Option<Self> {
        let usual = left.on_demand() / Decimal::from(left.hours().max(1));
        let part = (longer.usage.on_demand() / Decimal::from(longer.usage.hours().max(1))).checked_div(usual)?;
        let days: Vec<Decimal> = longer.usage.days().map(|day| day.on_demand()).collect();
        let is_there = |usd: &&Decimal| usual * dec!(12) <= **usd;
        let unbroken = days.iter().rev().take_while(is_there).count();
        let since = day_of(longer.from).saturating_add(i64::try_from(days.len() - unbroken).ok()?.days());
        Some(Self { days: days.len(), part: part.round_dp(4), since })
    }
}

/// What a new plan is sized by.
struct Sizing<'a> {
    /// What it can cover: without waste, and without what the plans cover that are owned.
    left: Usage,
    /// The same with all waste.
    with_waste: Usage,
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

    /// The best commitment of at most so much, and what it comes to. 0: the hours as a whole do not pay for one.
    fn best(&self, covering: &Covering<'_>, rates: &Rates, most: Decimal) -> Outcome {
        let mut commitment = covering.best().min(most);
        if CHANGES < self.trend().abs() {
            commitment = commitment.min(Covering::new(&self.week(), rates).best());
        }
        let outcome = covering.outcome(commitment);
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
        let best = self.best(&covering, rates, most);
        let rest_from = self.longer.and_then(|longer| rest_from(&best, &longer.savings(rates, best.commitment), longer.until()));
        let of_whole = |part: Decimal| saving_of_part((&self.left, rates), best.commitment, part);
        let half_of = rest_from.map(|rest_from| Whole { commitment: best.commitment, may_fall: may_fall(of_whole), rest_from });
        let outcome = if half_of.is_some() { covering.outcome(half(best.commitment)) } else { best };
        let saving_of = |part: Decimal| saving_of_part((&self.left, rates), outcome.commitment, part);
        let by_aws_here = by_aws.as_ref().map(|aws| tried(aws.commitment));
        let part_that_ran = by_aws.as_ref().zip(by_aws_here.as_ref()).and_then(|(aws, here)| aws.part_that_ran(here));
        let curve = covering.curve(outcome.commitment).into_iter().filter(|(at, _)| *at <= most);
        Offered {
            offer,
            if_waste_stays: tried(outcome.commitment).if_waste_stays,
            if_longer: self.longer.map(|longer| a_month(longer.savings(rates, outcome.commitment).iter().sum(), longer.usage.hours())),
            half_of,
            with_waste: tried(wasteful.best().min(most)),
            with_less_use: LESS_USE.map(|percent| (percent, saving_of(without(percent)))).to_vec(),
            may_fall: (!outcome.commitment.is_zero()).then(|| may_fall(saving_of)),
            curve: curve.map(|(at, cost)| (at, a_month(cost, self.left.hours()))).collect(),
            implied: part_that_ran.map(|part| Implied { part, usd_per_month: saving_of(part) }),
            by_aws_here,
            by_aws,
            ..of_outcome(&outcome)
        }
    }
}

fn half(commitment: Decimal) -> Decimal {
    (commitment / Decimal::TWO).round_dp_with_strategy(PLACES, RoundingStrategy::ToZero)
}

/// From when on the rest is advised, if half is bought first: the last days would have saved less than half as much as these hours do. `savings`: of each of these days,
/// oldest first; `until`: the day after them. `None`: all of it is bought.
fn rest_from(best: &Outcome, savings: &[Decimal], until: Date) -> Option<Date> {
    let a_day = best.saving() * Decimal::from(24) / Decimal::from(best.hours.max(1));
    let enough = a_day / Decimal::TWO * Decimal::from(savings.len());
    let mut sum: Decimal = savings.iter().sum();
    if best.commitment.is_zero() || enough <= sum {
        return None;
    }
    // Each day that goes on takes the place of the oldest one.
    let days = savings.iter().take_while(|oldest| {
        let is_less = sum < enough;
        sum += a_day - **oldest;
        is_less
    });
    let days = i64::try_from(days.count()).ok()?;
    Some(until.saturating_add(days.days()))
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

/// By how many percent the use may fall before a plan costs more than none: the most at which it saves, or costs less than a cent. The saving falls with the use, so that halving finds it.
fn may_fall(saving_of: impl Fn(Decimal) -> Decimal) -> u32 {
    let (mut most, mut too_much) = (0, 100);
    while 1 < too_much - most {
        let middle = u32::midpoint(most, too_much);
        if -CENT < saving_of(without(middle)) { most = middle } else { too_much = middle }
    }
    most
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

fn of_outcome(outcome: &Outcome) -> Offered {
    Offered {
        offer: Offer::default(),
        commitment: outcome.commitment,
        usd_per_month: a_month(outcome.saving(), outcome.hours),
        if_waste_stays: Decimal::ZERO,
        if_longer: None,
        half_of: None,
        with_waste: Tried::default(),
        utilisation: outcome.utilisation().map(|part| part.round_dp(6)),
        break_even: outcome.break_even().map(|part| part.round_dp(6)),
        under_used_hours: outcome.under_used_hours,
        worst_unused: outcome.worst_unused,
        with_less_use: vec![],
        may_fall: None,
        curve: vec![],
        by_aws: None,
        by_aws_here: None,
        implied: None,
    }
}
