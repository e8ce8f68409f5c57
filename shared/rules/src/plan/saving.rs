//! What a stop or managed Spot saves.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, dec};

use crate::{
    facts::{AttachStage, Endpoint, JobStatus, SleepingEndpoint, TrainingJob},
    policy::Policy,
    remedy::WakesBy,
    vocabulary::{duration::Duration, price::Prices},
};

/// What a stop saves.
#[derive(Clone, Debug, PartialEq)]
pub struct Saving {
    /// Whether the guard stopped it. If not, its owner did.
    pub by_guard: bool,
    /// The start of the saving.
    pub from: Timestamp,
    /// When the waste would have ended. If no end is known, a month after the start.
    pub until: Timestamp,
    /// USD saved in that time. `None`: no price is known, or it is a job, of which no end is known.
    pub usd: Option<Decimal>,
}

/// What Spot saved on one ended job: `1 − BillableTimeInSeconds / TrainingTimeInSeconds` of its on-demand price (aws-facts §2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct SpotSaving {
    /// The job's id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it trained, in seconds.
    pub training_seconds: i64,
    /// How many of these seconds are billed.
    pub billable_seconds: i64,
    /// USD saved on all of its instances. `None`: no price is known.
    pub usd: Option<Decimal>,
}

/// What auto scaling that the guard attached saved on one day, as it was promised: an estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingSaving {
    /// The endpoint's id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// When the day ended.
    pub until: Timestamp,
    /// USD saved on it.
    pub usd: Decimal,
}

/// A saving as the ledger remembers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The resource's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// Who or what saved it.
    pub by: SavedBy,
    /// What the guard did ([`Entry::action`](crate::plan::Entry::action)). `None`: nothing, or not known.
    pub action: Option<String>,
    /// Whether the guard submitted the job again, on Spot.
    pub is_resubmitted: bool,
    /// The start of the saving. Of a job on Spot: when it ended.
    pub from: Timestamp,
    /// The end of the saving.
    pub until: Timestamp,
    /// USD. `None`: not known.
    pub usd: Option<Decimal>,
}

/// Who or what saved money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedBy {
    /// The guard stopped the resource.
    Guard,
    /// Its owner stopped it.
    Owner,
    /// The job ran on managed Spot.
    Spot,
    /// The guard attached auto scaling to the endpoint.
    Scaling,
}

impl Saving {
    /// The saving between two times. `usd_per_hour` is `None` if the price or the end is not known.
    pub(crate) fn new(by_guard: bool, from: Timestamp, until: Timestamp, usd_per_hour: Option<Decimal>) -> Self {
        let until = until.max(from);
        let hours = Duration::between(from, until).in_hours();
        Self { by_guard, from, until, usd: usd_per_hour.map(|usd| (usd * hours).round_dp(4)) }
    }

    pub(crate) fn until(self, until: Timestamp, usd_per_hour: Option<Decimal>) -> Self {
        Self::new(self.by_guard, self.from, until, usd_per_hour.filter(|_| self.usd.is_some()))
    }
}

impl Saved {
    /// The same with what an endpoint that a person wakes has saved by now. When it was hibernated, no end was known, so that the ledger has the saving of a
    /// month. `hibernated`: all endpoints that were ever hibernated.
    #[must_use]
    pub fn by_now(self, hibernated: &[SleepingEndpoint], now: Timestamp) -> Self {
        let is_it = |one: &&SleepingEndpoint| one.hibernation.wakes == WakesBy::Asking && one.resource.arn_or_id() == self.arn;
        let endpoint = hibernated.iter().find(is_it).filter(|_| self.by == SavedBy::Guard);
        let by_now = endpoint.and_then(|one| one.hibernation.saved_between(one.hibernation.since, now));
        Self { usd: self.usd.map(|usd| by_now.map_or(usd, |by_now| usd.min(by_now))), ..self }
    }
}

impl ScalingSaving {
    /// The saving of the last day. `None`: nothing was promised, or auto scaling does not stand as it was attached, is less than a day old, or has taken no instance away of late.
    pub fn of(endpoint: &Endpoint, policy: &Policy, now: Timestamp) -> Option<Self> {
        const DAYS_PER_MONTH: Decimal = dec!(30.416667);
        let attached = endpoint.attached.as_ref().filter(|attached| attached.stage == AttachStage::Attached)?;
        let usd = attached.usd_per_month.map(|usd| (usd / DAYS_PER_MONTH).round_dp(4))?;
        let is_a_day_old = SignedDuration::from_hours(24) <= now.duration_since(attached.at);
        (is_a_day_old && attached.has_saved(|one| endpoint.target_of(one), now)).then(|| Self {
            id: endpoint.resource.id.clone(),
            arn: endpoint.resource.arn_or_id().to_owned(),
            name: endpoint.resource.name.clone(),
            owner: policy.owner_of(&endpoint.resource),
            team: policy.team_of(&endpoint.resource),
            until: now,
            usd,
        })
    }
}

impl SpotSaving {
    /// The saving of a job. `None`: it has not ended, was not on Spot, or did not train.
    pub fn of(job: &TrainingJob, policy: &Policy, prices: &Prices) -> Option<Self> {
        let (training_seconds, billable_seconds) = job.training_seconds.zip(job.billable_seconds)?;
        let ended =
            job.ended.filter(|_| job.spot && job.status != JobStatus::InProgress && 0 < training_seconds && 0 <= billable_seconds)?;
        let hours = Duration::seconds(training_seconds.saturating_sub(billable_seconds)).in_hours();
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

    /// The saving in percent of the on-demand price.
    pub fn percent(&self) -> Decimal {
        let billed = Decimal::from(self.billable_seconds) / Decimal::from(self.training_seconds.max(1));
        ((Decimal::ONE - billed) * Decimal::ONE_HUNDRED).round_dp(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Activity, ActivityOutcome, Attached, AutoScaling, Hibernation, HibernationStage, Scaling, Suspended},
        rulebook::Rulebook,
        samples::{endpoint, hibernation},
        scaling::{Attachment, Way},
    };

    #[test]
    fn what_a_person_has_woken_saved_until_then() {
        let resource = endpoint("2026-10-01T00:00:00Z").resource;
        let month = Saved {
            arn: resource.arn_or_id().to_owned(),
            name: "churn".into(),
            owner: None,
            team: None,
            by: SavedBy::Guard,
            action: None,
            is_resubmitted: false,
            from: "2026-11-26T08:00:00Z".parse().unwrap(),
            until: "2026-12-26T08:00:00Z".parse().unwrap(),
            usd: Some(dec!(730)),
        };
        let now = "2026-11-30T08:00:00Z".parse().unwrap();
        let of = |wakes, stage, at: &str| {
            let mut hibernation =
                Hibernation { wakes, usd_per_hour: Some(dec!(1)), ..hibernation(HibernationStage::Asleep, "2026-11-26T08:00:00Z") };
            hibernation.reach(stage, at.parse().unwrap());
            SleepingEndpoint { resource: resource.clone(), config: "churn-1".into(), hibernation }
        };
        for (hibernated, by, usd) in [
            (of(WakesBy::Asking, HibernationStage::Awake, "2026-11-27T08:00:00Z"), SavedBy::Guard, dec!(24)),
            (of(WakesBy::Asking, HibernationStage::Waking, "2026-11-27T08:00:00Z"), SavedBy::Guard, dec!(24)),
            (of(WakesBy::Asking, HibernationStage::Asleep, "2026-11-26T08:00:00Z"), SavedBy::Guard, dec!(96)),
            (of(WakesBy::WorkingHours, HibernationStage::Awake, "2026-11-27T08:00:00Z"), SavedBy::Guard, dec!(730)),
            (of(WakesBy::Asking, HibernationStage::Awake, "2026-11-27T08:00:00Z"), SavedBy::Owner, dec!(730)),
        ] {
            let saved = Saved { by, ..month.clone() }.by_now(std::slice::from_ref(&hibernated), now);
            assert_eq!(saved.usd, Some(usd), "{by:?} {:?}", hibernated.hibernation);
        }
        let other = Saved { arn: "another".into(), ..month };
        assert_eq!(other.clone().by_now(&[of(WakesBy::Asking, HibernationStage::Awake, "2026-11-27T08:00:00Z")], now), other);
    }

    #[test]
    fn a_day_of_what_was_promised() {
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let policy = Rulebook::from_toml("owner-tags = [\"Owner\"]").unwrap().policy;
        let ago = |hours| now - SignedDuration::from_hours(hours);
        for (stage, hours, usd, saves) in [
            (AttachStage::Attached, 25, Some(dec!(73)), true),
            (AttachStage::Attached, 23, Some(dec!(73)), false),
            (AttachStage::Attached, 25, None, false),
            (AttachStage::Detached, 25, Some(dec!(73)), false),
            (AttachStage::Attaching, 25, Some(dec!(73)), false),
        ] {
            let mut of = endpoint("2026-10-01T00:00:00Z");
            let attachment = Attachment { min: 1, ..Attachment::of_variant("churn", "AllTraffic", 3) };
            let (policies, scheduled, suspended) = (vec![], vec![], Suspended::default());
            let activities = vec![Activity { at: ago(9), took: None, outcome: ActivityOutcome::SetTo(1) }];
            of.variants[0].scaling =
                AutoScaling::Target(Box::new(Scaling { min: 1, max: 3, suspended, created: None, policies, scheduled, activities }));
            of.attached = Some(Attached { way: Way::Follow, attachments: vec![attachment], usd_per_month: usd, stage, at: ago(hours) });
            let saving = ScalingSaving::of(&of, &policy, now);
            assert_eq!(saving.map(|saving| saving.usd), saves.then_some(dec!(2.4)), "{stage:?} {hours} {usd:?}");
        }
    }
}
