//! What a stop, or managed Spot, saves.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::{JobStatus, TrainingJob},
    policy::Policy,
    vocabulary::price::Prices,
};

/// What a stop saves.
#[derive(Clone, Debug, PartialEq)]
pub struct Saving {
    /// Whether the guard stopped it; else its owner did.
    pub by_guard: bool,
    /// From when.
    pub from: Timestamp,
    /// Until when it would have gone on: a month where no end is known.
    pub until: Timestamp,
    /// USD in that time; `None`: no price known.
    pub usd: Option<Decimal>,
}

/// What Spot saved on one job that came to its end: `1 − BillableTimeInSeconds / TrainingTimeInSeconds` of its on-demand price (aws-facts §2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct SpotSaving {
    /// The job's id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it trained, in seconds.
    pub training_seconds: i64,
    /// How much of that is billed.
    pub billable_seconds: i64,
    /// USD, of all of its instances; `None`: no price known.
    pub usd: Option<Decimal>,
}

impl Saving {
    /// From a moment to another one, at a price that counts while it is known for how long it would have gone on.
    pub(crate) fn new(by_guard: bool, from: Timestamp, until: Timestamp, usd_per_hour: Option<Decimal>) -> Self {
        let until = until.max(from);
        let hours = Decimal::from(until.duration_since(from).as_secs()) / Decimal::from(3600);
        Self { by_guard, from, until, usd: usd_per_hour.map(|usd| (usd * hours).round_dp(4)) }
    }

    pub(crate) fn until(self, until: Timestamp, usd_per_hour: Option<Decimal>) -> Self {
        Self::new(self.by_guard, self.from, until, usd_per_hour.filter(|_| self.usd.is_some()))
    }
}

impl SpotSaving {
    /// Of a job that ended, was on Spot and trained at all.
    pub fn of(job: &TrainingJob, policy: &Policy, prices: &Prices) -> Option<Self> {
        let (training_seconds, billable_seconds) = job.training_seconds.zip(job.billable_seconds)?;
        let ended =
            job.ended.filter(|_| job.spot && job.status != JobStatus::InProgress && 0 < training_seconds && 0 <= billable_seconds)?;
        let hours = Decimal::from(training_seconds.saturating_sub(billable_seconds).max(0)) / Decimal::from(3600);
        let usd = prices.hourly_of(&job.instances).map(|usd| (usd * hours).round_dp(4));
        Some(Self {
            id: job.resource.id.clone(),
            arn: job.resource.arn_or_id().to_owned(),
            name: job.resource.name.clone(),
            owner: policy.owner_of(&job.resource),
            team: policy.team_of(&job.resource),
            ended,
            training_seconds,
            billable_seconds,
            usd,
        })
    }

    /// In percent of the on-demand price.
    pub fn percent(&self) -> Decimal {
        let billed = Decimal::from(self.billable_seconds) / Decimal::from(self.training_seconds.max(1));
        ((Decimal::ONE - billed) * Decimal::ONE_HUNDRED).round_dp(1)
    }
}
