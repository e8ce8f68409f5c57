//! What to commit to, as it is cached and told: how much of the use stays, and what each way to buy a plan saves.

use jiff::{Timestamp, civil::Date};
use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use super::{deduct::Deducted, rates::Offer};
use crate::vocabulary::price::HOURS_PER_MONTH;

/// How much the last week may differ from all hours before the smaller of both commitments is advised (money-facts §5.3).
pub(super) const CHANGES: Decimal = dec!(0.2);

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
    /// The part of the use that the last week has of other usage types than all hours, 0 to 1.
    #[serde(default)]
    pub moved: Decimal,
    /// The usage types of which hardly anything was used in the last days, although it was a week before. No commitment is for them.
    #[serde(default)]
    pub ended_types: Vec<String>,
    /// The day since which hardly anything of what stays was used, although it was a week before. `None`: use goes on.
    #[serde(default)]
    pub ended_on: Option<Date>,
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
    /// The commitment that these hours alone would carry, USD per hour: the last two months carry less. `None`: they carry as much, or the bill does not tell.
    #[serde(default)]
    pub by_hours_alone: Option<Decimal>,
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
    /// By how many percent what it covers may fall before it costs more than no plan. `None`: there is no commitment.
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
    pub(super) fn part_that_ran(&self, here: &Tried) -> Option<Decimal> {
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

    /// For how many months of its term the use must last, so that it pays: until it has covered what all of it costs. `None`: there is no commitment.
    pub fn months_that_pay(&self) -> Option<Decimal> {
        Some(self.break_even?.checked_div(self.utilisation?)? * self.offer.term.months())
    }

    /// What it is promised to save, USD a month: the smaller of what both the hours and the last two months say.
    pub fn promised(&self) -> Decimal {
        self.if_longer.map_or(self.usd_per_month, |usd| usd.min(self.usd_per_month))
    }

    /// What it covers on demand, USD per hour on average. `None`: there is no commitment.
    pub fn covers(&self) -> Option<Decimal> {
        (self.commitment * self.utilisation?).checked_div(self.break_even?)
    }

    /// How much less than on demand it costs what it covers, as a part. `None`: there is no commitment.
    pub fn discount(&self) -> Option<Decimal> {
        Some(Decimal::ONE - self.break_even?)
    }

    /// What these hours alone would carry, USD per hour.
    pub fn by_hours(&self) -> Decimal {
        self.by_hours_alone.unwrap_or(self.commitment)
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

    /// Whether so much of the use has moved to other usage types that the smaller of two commitments is advised.
    pub fn has_moved(&self) -> bool {
        CHANGES < self.moved
    }
}

pub(super) fn a_month(usd: Decimal, hours: usize) -> Decimal {
    usd * HOURS_PER_MONTH / Decimal::from(hours.max(1))
}
