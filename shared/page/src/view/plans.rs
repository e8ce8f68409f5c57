//! Managed Spot's part of training, and what Savings Plans cover.

use askama::Template;
use cost_rules::report::{self, CostReport, Hours, Money, NEVER_COVERED, NOT_SURE};
use rust_decimal::Decimal;

use crate::charts::{Caption, Curve, Room};

use super::{
    Content, filters,
    words::{length, whole_percent},
};

/// The section about Spot.
#[derive(Template)]
#[template(path = "spot.html")]
pub(super) struct Spot {
    training: report::Spot,
    /// Those on Spot and on demand. `None`: they are not known.
    hours: Option<Hours>,
    on_demand_hours: Option<Hours>,
    /// Spot's part of the hours and of the cost. `None`: nothing was trained, or the hours are not known.
    of_hours: Option<String>,
    of_usd: Option<String>,
    hours_length: String,
    usd_length: String,
    /// Whether nothing ran on Spot.
    is_unused: bool,
    /// Whether some of the cost has no hours on the bill.
    lacks_hours: bool,
}

impl Spot {
    pub(super) fn of(report: &CostReport) -> Self {
        let training = report.spot;
        let (whole, usd) = (training.hours.0 + training.on_demand_hours.0, training.usd.0 + training.on_demand_usd.0);
        let (hours, on_demand_hours) = (training.hours.known_of(training.usd), training.on_demand_hours.known_of(training.on_demand_usd));
        Self {
            training,
            of_hours: hours.and(on_demand_hours).and(whole_percent(training.hours.0, whole)),
            of_usd: whole_percent(training.usd.0, usd),
            hours_length: length(training.hours.0, whole),
            usd_length: length(training.usd.0, usd),
            is_unused: training.usd.0.round_dp(2).is_zero() && training.hours.0.is_zero(),
            lacks_hours: hours.is_none() || on_demand_hours.is_none(),
            hours,
            on_demand_hours,
        }
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.of_hours.is_none() && self.of_usd.is_none())
    }
}

/// The section about Savings Plans.
#[derive(Template)]
#[template(path = "savings_plans.html")]
pub(super) struct SavingsPlans {
    plans: report::SavingsPlans,
    /// Whether the charges are not known, which tell what plans cover.
    lacks_charges: bool,
    /// Part of what plans can cover, at on-demand prices, that they cover.
    coverage: Option<String>,
    coverage_length: String,
    /// Part of the commitment that was used. `None`: no fee is on the bill.
    utilisation: Option<String>,
    utilisation_length: String,
    /// `None`: no fee is on the bill.
    commitment: Option<Money>,
    eligible: Money,
    /// What the plans saved after what nobody used of them, as far as that is known; negative: they cost more than they saved.
    saved: Money,
    cost: Money,
    is_loss: bool,
    /// What a plan can still cover, and whether buying one pays.
    buying: Option<String>,
    /// The curve of the advice, wide and narrow.
    curve: Option<[String; 2]>,
}

impl SavingsPlans {
    pub(super) fn of(report: &CostReport) -> anyhow::Result<Self> {
        let plans = report.savings_plans.clone();
        let commitment = plans.unused.map(|unused| plans.covered.0 + unused.0);
        let eligible = plans.covered_on_demand.0 + plans.not_covered.0;
        let saved = plans.covered_on_demand.0 - commitment.unwrap_or(plans.covered.0);
        let curve = plans.advice.as_ref().filter(|advice| 2 < advice.curve.len()).map(curve).transpose()?;
        Ok(Self {
            curve,
            buying: plans.buying(),
            coverage: whole_percent(plans.covered_on_demand.0, eligible),
            coverage_length: length(plans.covered_on_demand.0, eligible),
            utilisation: commitment.and_then(|commitment| whole_percent(plans.covered.0, commitment)),
            utilisation_length: length(plans.covered.0, commitment.unwrap_or_default()),
            commitment: commitment.map(Money),
            lacks_charges: report.method.lacks_charges,
            eligible: Money(eligible),
            saved: Money(saved),
            cost: Money(-saved),
            is_loss: saved < Decimal::ZERO,
            plans,
        })
    }

    pub(super) fn content(&self) -> Content {
        let has_use = [self.eligible, self.plans.never_covered, self.plans.not_sure].iter().any(|usd| !usd.0.is_zero());
        Content::of(!self.plans.is_owned && !has_use && self.plans.advice.is_none())
    }
}

fn curve(advice: &report::PlanAdvice) -> anyhow::Result<[String; 2]> {
    let caption = Caption {
        title: "Cost by commitment",
        description: format!("Cost a month by commitment per hour. {} The table below has all amounts.", advice.words()),
    };
    let chart = Curve { points: advice.curve.clone(), caption };
    Ok([chart.svg(Room::Wide)?, chart.svg(Room::Narrow)?])
}
