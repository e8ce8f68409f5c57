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

use crate::{rules::rule::RemedyName, vocabulary::duration::Duration};

/// The hours that a job may still run until its time limit. `since`: since when it runs. `None`: it has not begun.
pub(crate) fn hours_left(limit: Duration, since: Option<Timestamp>, now: Timestamp) -> Decimal {
    (limit.in_hours() - hours_since(since, now)).max(Decimal::ZERO)
}

/// The hours since then. `None`: it has not begun.
pub(crate) fn hours_since(since: Option<Timestamp>, now: Timestamp) -> Decimal {
    since.map_or(Decimal::ZERO, |since| Duration::between(since, now).in_hours())
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
