//! Rules about training and tuning jobs.

pub mod resubmitted_job_doubled;
pub mod resubmitted_job_failed;
pub mod runtime_limit_loose;
pub(crate) mod spot_lines;
pub mod spot_without_checkpoint;
pub mod training_on_demand;
pub mod tuning_on_demand;
pub mod warm_pool_idle;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::Capacity,
    rules::rule::RemedyName,
    vocabulary::{
        duration::Duration,
        price::{Usd, dollars},
    },
};

/// The hours that a job may still run until its time limit. `since`: since when it runs. `None`: it has not begun.
pub(crate) fn hours_left(limit: Duration, since: Option<Timestamp>, now: Timestamp) -> Decimal {
    (limit.in_hours() - hours_since(since, now)).max(Decimal::ZERO)
}

/// The hours since then. `None`: it has not begun.
fn hours_since(since: Option<Timestamp>, now: Timestamp) -> Decimal {
    since.map_or(Decimal::ZERO, |since| Duration::between(since, now).in_hours())
}

/// Why a job whose price is not known is only reported. `None`: the price is known, or the rule does not ask for it.
pub(crate) fn is_too_unknown(usd_per_hour: Option<Decimal>, least: Usd) -> Option<String> {
    let is_unknown = usd_per_hour.is_none() && !least.0.is_zero();
    is_unknown.then(|| format!("no price is known for it, and the policy begins at {} an hour", dollars(least.0)))
}

/// Why what runs on this cannot run on Spot, whatever it asks for. `None`: it could.
pub(crate) fn why_no_spot(capacity: Capacity, keep_alive: Option<Duration>) -> Option<String> {
    let warm = keep_alive.filter(|keep_alive| Duration::seconds(0) < *keep_alive);
    match capacity {
        Capacity::Common => warm.map(|keep_alive| format!("it keeps its instances warm for {keep_alive}, which excludes Spot")),
        Capacity::Serverless => Some("it is serverless: there is no Spot for it".into()),
        Capacity::TrainingPlan => Some("it runs on the reserved capacity of a training plan".into()),
        Capacity::InstancePreferences => Some("it has instance preferences, which exclude Spot".into()),
    }
}

/// The setting `remedy` of a rule about a training job that could run on Spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SpotRemedy {
    None,
    Stop,
    Resubmit,
}

impl SpotRemedy {
    pub(crate) const fn name(self) -> Option<RemedyName> {
        match self {
            Self::None => None,
            Self::Stop => Some(RemedyName::Stop),
            Self::Resubmit => Some(RemedyName::Resubmit),
        }
    }

    pub(crate) fn lacks(self) -> Option<&'static str> {
        (self == Self::None).then_some("has no `remedy`: write remedy = \"stop\" or remedy = \"resubmit\"")
    }
}

/// The setting `remedy` of a rule about something that can be stopped but not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StopRemedy {
    None,
    Stop,
}

impl StopRemedy {
    pub(crate) fn name(self) -> Option<RemedyName> {
        (self == Self::Stop).then_some(RemedyName::Stop)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        runtime_limit_loose::RuntimeLimitLoose, spot_without_checkpoint::SpotWithoutCheckpoint, training_on_demand::TrainingOnDemand,
        tuning_on_demand::TuningOnDemand, warm_pool_idle::WarmPoolIdle,
    };
    use crate::{
        facts::{JobSeries, TrainingJob, TuningJob},
        rules::{rule::Rule, verdict::Verdict},
        samples::*,
        vocabulary::{duration::Duration, price::Instances},
    };

    #[test]
    fn a_price_that_is_not_known_is_told_by_every_rule() {
        let giant = || vec![Instances { instance_type: "ml.p9.giant".into(), count: 2 }];
        let job = || TrainingJob { instances: giant(), ..training_job("2026-11-24T11:00:00Z") };
        let tuning = TuningJob { definitions: vec![tuning_definition("ml.p9.giant")], parallel: 2, ..tuning_job("2026-11-24T11:00:00Z") };
        let series = || JobSeries { instances: giant(), ..job_series() };
        let loose = JobSeries { completed: 9, longest: Duration::hours(1), max_runtime: Some(Duration::days(5)), ..series() };
        let pools = JobSeries { warm_pools: 9, unused_warm_pools: 9, unused_for: Duration::hours(9), ..series() };
        let cx = context("2026-11-24T12:00:00Z");
        // These two tell a known price in the reason alone.
        for verdict in [
            RuntimeLimitLoose::default().check(&loose, &cx),
            SpotWithoutCheckpoint::default().check(&TrainingJob { spot: true, ..job() }, &cx),
        ] {
            let Verdict::Waste(waste) = verdict else { panic!("{verdict:?}") };
            assert!(waste.reason.to_string().contains("price not known"), "{}", waste.reason);
        }
        for verdict in [
            TrainingOnDemand::default().check(&job(), &cx),
            TuningOnDemand::default().check(&tuning, &cx),
            WarmPoolIdle::default().check(&pools, &cx),
        ] {
            let Verdict::Waste(waste) = verdict else { panic!("{verdict:?}") };
            assert_eq!((waste.notice.unpriced, waste.usd_per_month), (Some(giant()), None), "{}", waste.reason);
        }
    }
}
