//! # tuning-on-demand
//!
//! ## What it finds
//! A hyperparameter tuning job whose training jobs run at on-demand prices: one of its definitions did not ask for managed Spot, or all asked and its
//! training jobs did not get it. (The second case is not seen when a tuning job begins, because it has no training jobs yet.) A job below
//! `min-hourly-cost` is left alone. So are definitions with a warm pool, a training plan or instance preferences, which exclude Spot.
//!
//! ## Why it costs money
//! A tuning job starts many training jobs, and each of them starts from zero anyway. That makes it the best use of Spot.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the lines to change. Enforce (needs `remedy = "stop"`): its owner is warned, and after `grace` the tuning job and its
//! running training jobs are stopped. The results of the ended ones are kept. A tuning job is never resubmitted: it would lose what it has learned.
//! A tuning job whose price is not known is only reported, if `min-hourly-cost` is not 0: one of its instances has no known price.
//! A tuning job that asked for Spot and did not get it is only reported, to its owner and to the platform's address: its owner has done what was asked.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{JobStatus, TuningDefinition, TuningJob},
    policy::MailSettings,
    remedy::Remedy,
    rules::{
        context::{RuleContext, unpriced_job},
        rule::{Manner, RemedyName, Rule},
        training::{StopRemedy, hours_left, is_too_unknown, spot_lines::tuning_lines, why_no_spot},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::price::{HOURS_PER_MONTH, SPOT_SAVES_UP_TO, Usd, dollars},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TuningOnDemand {
    /// The action if the rule is enforced: `"stop"`. To enforce the rule, the policy must set it.
    remedy: StopRemedy,
    /// A tuning job is left alone if all training jobs that may run at the same time cost less than this, in USD per hour.
    min_hourly_cost: Usd,
}

impl Default for TuningOnDemand {
    fn default() -> Self {
        Self { remedy: StopRemedy::None, min_hourly_cost: Usd(dec!(0.1)) }
    }
}

impl Rule for TuningOnDemand {
    const NAME: &'static str = "tuning-on-demand";
    const TO_DO: &'static str = "ask for Spot in the next one, with checkpoints: use_spot_instances=True, checkpoint_s3_uri";
    const MANNER: Manner = Manner { notified_per_series: true, ..Manner::ENFORCEABLE };
    type Subject = TuningJob;

    fn remedy(&self) -> Option<RemedyName> {
        self.remedy.name()
    }

    fn lacks(&self) -> Option<&'static str> {
        (self.remedy == StopRemedy::None).then_some("has no `remedy`: write remedy = \"stop\"")
    }

    fn check(&self, job: &TuningJob, cx: &RuleContext<'_>) -> Verdict {
        match job.status {
            JobStatus::InProgress => {}
            // A stop that hangs has not saved anything yet.
            JobStatus::Other => return Verdict::Later,
            _ => return Verdict::Fine,
        }
        if job.definitions.is_empty() {
            return Verdict::Unknown("its definitions could not be read".into());
        }
        let is_asked_for = job.is_spot();
        let could_ask: Vec<&TuningDefinition> = job.definitions.iter().filter(|one| !one.spot && why_no_spot_for(one).is_none()).collect();
        if let Some(why) = job.definitions.iter().find_map(why_no_spot_for).filter(|_| could_ask.is_empty()) {
            return Verdict::Exempt(why);
        }
        let found = match (is_asked_for, job.running) {
            (false, _) => {
                format!("{} did not ask for managed Spot, which costs up to {SPOT_SAVES_UP_TO} % less", part_of(job, could_ask.len()))
            }
            (true, Some((running, on_spot))) if on_spot < running => {
                format!("it asked for managed Spot, but AWS runs {} of its {running} running training jobs on demand", running - on_spot)
            }
            (true, Some(_)) => return Verdict::Fine,
            (true, None) => return Verdict::Later,
        };
        let on_demand = if is_asked_for { job.definitions.iter().collect() } else { could_ask };
        let at_once = job.most_at_once(on_demand.iter().copied(), |instances| cx.hourly_of(instances));
        let usd_per_hour = cx.hourly_of(&at_once);
        if let Some(usd) = usd_per_hour.filter(|usd| *usd < self.min_hourly_cost.0) {
            return Verdict::Exempt(format!("it costs {} an hour: the policy begins at {}", dollars(usd), dollars(self.min_hourly_cost.0)));
        }
        let (remedy, only_reported) = self.action(is_asked_for, usd_per_hour);
        let parallel = job.parallel;
        let jobs = job
            .most_jobs
            .map_or_else(|| format!("{parallel} training jobs at a time"), |jobs| format!("{jobs} training jobs, {parallel} at a time"));
        Verdict::Waste(Box::new(Waste {
            reason: format!("{found}: {jobs}{only_reported}").into(),
            usd_per_hour,
            usd_per_month: usd_per_hour.and_then(|usd| most_left(job, &on_demand, usd, cx)),
            remedy,
            notice: Notice {
                advice: Some(if is_asked_for { not_given(&cx.policy.mail) } else { tuning_lines(&on_demand) }),
                unpriced: unpriced_job(&at_once, usd_per_hour),
                billed_since: job.created,
                for_platform: is_asked_for,
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

impl TuningOnDemand {
    /// What the guard would do about it. If nothing, the end of the reason, which says why.
    fn action(&self, is_asked_for: bool, usd_per_hour: Option<Decimal>) -> (Remedy, String) {
        let only_reported = |why: &str| (Remedy::None, format!("; only reported, because {why}"));
        match is_too_unknown(usd_per_hour, self.min_hourly_cost) {
            _ if is_asked_for => only_reported("its owner cannot mend that"),
            _ if self.remedy == StopRemedy::None => (Remedy::None, String::new()),
            Some(why) => only_reported(&why),
            None => (Remedy::StopTuningJob, String::new()),
        }
    }
}

/// The most that what is left of it can cost in a month, if it is of these definitions, and all that may run at once cost `usd_per_hour`. `None`: it has no limit.
///
/// Time uses up nothing of the limit of a training job that waits for its instances.
fn most_left(job: &TuningJob, definitions: &[&TuningDefinition], usd_per_hour: Decimal, cx: &RuleContext<'_>) -> Option<Decimal> {
    let costs_of = |definition: &&TuningDefinition| {
        let hours = definition.longest().in_hours();
        definition.choices.iter().filter_map(move |instances| Some(cx.hourly_of(instances)? * hours)).max()
    };
    let dearest = definitions.iter().filter_map(costs_of).max();
    let by_number = job.most_jobs.zip(dearest).map(|(jobs, usd)| Decimal::from(jobs.saturating_sub(job.ended)) * usd);
    let by_time = job.max_runtime.map(|limit| hours_left(limit, job.created, cx.now) * usd_per_hour);
    let most = by_number.into_iter().chain(by_time).min()?;
    Some(most.min(usd_per_hour * HOURS_PER_MONTH))
}

/// What its owner can do if it asked for Spot: to ask for it again changes nothing.
fn not_given(mail: &MailSettings) -> String {
    format!(
        "nothing now: Spot is asked for already, and nothing is stopped. Ask {} why it is not given, before you submit such a job again.",
        mail.whom_to_ask()
    )
}

/// Why a definition cannot ask for Spot. `None`: it can.
fn why_no_spot_for(definition: &TuningDefinition) -> Option<String> {
    why_no_spot(definition.capacity, definition.keep_alive)
}

/// The subject of a reason: `it`, or if only some of its definitions do not ask for Spot although they could, `1 of its 2 definitions`.
fn part_of(job: &TuningJob, not: usize) -> String {
    let all = job.definitions.len();
    if not < all { format!("{not} of its {all} definitions") } else { "it".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::Capacity,
        samples::*,
        vocabulary::{duration::Duration, price::Instances},
    };

    fn spot(mut job: TuningJob) -> TuningJob {
        job.definitions.iter_mut().for_each(|definition| definition.spot = true);
        job
    }

    #[test]
    fn a_tuning_job_costs_no_more_than_its_limits_and_definitions_let_it() {
        let definition = |instance_type: &str| tuning_definition(instance_type);
        let on_spot = |instance_type: &str| TuningDefinition { spot: true, ..definition(instance_type) };
        let choices = |types: &[&str]| TuningDefinition {
            choices: types.iter().flat_map(|one| definition(one).choices).collect(),
            ..definition("ml.m5.xlarge")
        };
        let with = |definitions: Vec<TuningDefinition>| TuningJob { definitions, ..tuning_job("2026-11-24T12:00:00Z") };
        let all = "it did not ask for managed Spot";
        // Twenty training jobs of at most one hour, four at a time. An ml.m5.xlarge costs $0.23 an hour, an ml.m5.2xlarge $0.461.
        for (job, usd, reason) in [
            (with(vec![definition("ml.m5.xlarge")]), Some(dec!(4.60)), all),
            // The whole of it ends after one hour, or after longer than its training jobs can take.
            (
                TuningJob { max_runtime: Some(Duration::hours(1)), most_jobs: Some(500), ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(0.92)),
                all,
            ),
            (TuningJob { max_runtime: Some(Duration::days(9)), ..with(vec![definition("ml.m5.xlarge")]) }, Some(dec!(4.60)), all),
            // Five of one hour, four at a time, are not eight.
            (TuningJob { most_jobs: Some(5), ..with(vec![definition("ml.m5.xlarge")]) }, Some(dec!(1.15)), all),
            (
                TuningJob { most_jobs: Some(5), max_runtime: Some(Duration::minutes(90)), ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(1.15)),
                all,
            ),
            // As many as there is time for.
            (
                TuningJob { most_jobs: None, max_runtime: Some(Duration::hours(6)), ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(5.52)),
                "it did not ask for managed Spot, which costs up to 90 % less: 4 training jobs at a time",
            ),
            (TuningJob { most_jobs: None, ..with(vec![definition("ml.m5.xlarge")]) }, None, all),
            // A month has 730 hours.
            (
                TuningJob { max_runtime: Some(Duration::days(90)), most_jobs: None, ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(671.60)),
                all,
            ),
            // The service chooses one of a list.
            (with(vec![choices(&["ml.m5.large", "ml.m5.xlarge", "ml.t3.medium"])]), Some(dec!(4.60)), all),
            // One that is not known may be the most expensive.
            (with(vec![choices(&["ml.new", "ml.m5.xlarge"])]), None, all),
            (with(vec![choices(&["ml.m5.xlarge", "ml.new"])]), None, all),
            (with(vec![definition("ml.t3.medium"), definition("ml.new")]), None, all),
            (with(vec![choices(&[]), definition("ml.m5.xlarge")]), None, all),
            (with(vec![on_spot("ml.new"), definition("ml.m5.xlarge")]), Some(dec!(4.60)), "1 of its 2 definitions"),
            (with(vec![choices(&[])]), None, all),
            // The price is of those that did not ask.
            (with(vec![definition("ml.m5.xlarge"), on_spot("ml.p3.2xlarge")]), Some(dec!(4.60)), "1 of its 2 definitions did not ask"),
            (
                with(vec![on_spot("ml.p3.2xlarge"), on_spot("ml.p3.2xlarge"), definition("ml.m5.xlarge")]),
                Some(dec!(4.60)),
                "1 of its 3 definitions",
            ),
            (with(vec![definition("ml.m5.xlarge"), definition("ml.t3.medium")]), Some(dec!(4.60)), all),
            (
                with(vec![
                    definition("ml.m5.xlarge"),
                    TuningDefinition { max_runtime: Some(Duration::days(2)), ..on_spot("ml.m5.xlarge") },
                ]),
                Some(dec!(4.60)),
                "1 of its 2 definitions",
            ),
        ] {
            let Verdict::Waste(waste) = TuningOnDemand::default().check(&job, &context("2026-11-24T12:00:00Z")) else { panic!("{job:?}") };
            assert_eq!(waste.usd_per_month, usd, "{job:?}");
            assert!(waste.reason.to_string().starts_with(reason), "{}", waste.reason);
        }
    }

    #[test]
    fn finds_parents_that_did_not_ask_and_children_that_did_not_get() {
        let job = || tuning_job("2026-11-24T11:00:00Z");
        for (job, expected) in [
            (job(), "it did not ask for managed Spot"),
            (spot(job()), "later"),
            (TuningJob { running: Some((4, 4)), ..spot(job()) }, ""),
            (TuningJob { running: Some((4, 1)), ..spot(job()) }, "it asked for managed Spot, but AWS runs 3 of its 4 running"),
            (TuningJob { status: JobStatus::Completed, ..job() }, ""),
            (TuningJob { status: JobStatus::Stopped, ..job() }, ""),
            (TuningJob { status: JobStatus::Other, ..job() }, "later"),
        ] {
            match TuningOnDemand::default().check(&job, &context("2026-11-24T12:00:00Z")) {
                Verdict::Fine => assert_eq!(expected, "", "{job:?}"),
                Verdict::Later => assert_eq!(expected, "later", "{job:?}"),
                Verdict::Waste(waste) => {
                    assert!(!expected.is_empty() && waste.reason.to_string().starts_with(expected), "{}", waste.reason);
                }
                verdict => panic!("{verdict:?}"),
            }
        }
    }

    #[test]
    fn definitions_that_cannot_use_spot_were_told_to_ask_for_it() {
        let common = || tuning_definition("ml.m5.xlarge");
        let of = |capacity| TuningDefinition { capacity, ..tuning_definition("ml.p3.2xlarge") };
        let warm = |seconds| TuningDefinition { keep_alive: Some(Duration::seconds(seconds)), ..common() };
        let spot = || TuningDefinition { spot: true, ..common() };
        for (definitions, expected) in [
            (vec![of(Capacity::TrainingPlan)], "left alone: it runs on the reserved capacity of a training plan"),
            (vec![of(Capacity::InstancePreferences)], "left alone: it has instance preferences"),
            (vec![of(Capacity::Serverless)], "left alone: it is serverless"),
            (vec![warm(1800)], "left alone: it keeps its instances warm for 30m"),
            (vec![warm(0)], "$0.92: it did not ask"),
            (vec![warm(1800), of(Capacity::TrainingPlan)], "left alone: it keeps its instances warm"),
            (vec![spot(), of(Capacity::TrainingPlan)], "left alone: it runs on the reserved capacity"),
            (vec![common(), of(Capacity::TrainingPlan)], "$0.92: 1 of its 2 definitions did not ask"),
            (vec![common(), spot(), warm(1800)], "$0.92: 1 of its 3 definitions did not ask"),
            (vec![], "unknown"),
        ] {
            let job = TuningJob { definitions, ..tuning_job("2026-11-24T11:00:00Z") };
            let rule = TuningOnDemand { remedy: StopRemedy::Stop, ..TuningOnDemand::default() };
            let told = match rule.check(&job, &context("2026-11-24T12:00:00Z")) {
                Verdict::Exempt(why) => format!("left alone: {why}"),
                Verdict::Waste(waste) => format!("{}: {}", waste.usd_per_hour.map(dollars).unwrap_or_default(), waste.reason),
                Verdict::Unknown(_) => "unknown".to_owned(),
                verdict => panic!("{verdict:?}"),
            };
            assert!(told.starts_with(expected), "{told} instead of {expected}: {job:?}");
        }
    }

    #[test]
    fn who_asked_for_spot_is_not_told_to_ask_for_it() {
        let job = || tuning_job("2026-11-24T11:00:00Z");
        for (job, advice, not) in [
            (job(), "ask for Spot in its training job definition", "already"),
            (TuningJob { running: Some((2, 0)), ..spot(job()) }, "Ask the team that runs your ML platform why", "use_spot_instances"),
        ] {
            let rule = TuningOnDemand { remedy: StopRemedy::Stop, ..TuningOnDemand::default() };
            let Verdict::Waste(waste) = rule.check(&job, &context("2026-11-24T12:00:00Z")) else { panic!("{job:?}") };
            // It has done what was asked: it is never stopped, and the platform hears of it.
            assert_eq!((waste.remedy == Remedy::None, waste.notice.for_platform), (job.is_spot(), job.is_spot()));
            let told = waste.notice.advice.unwrap();
            assert!(told.contains(advice) && !told.contains(not), "{told}");
        }
    }

    #[test]
    fn its_price_is_that_of_all_that_run_at_once() {
        let rule = TuningOnDemand { remedy: StopRemedy::Stop, ..TuningOnDemand::default() };
        let Verdict::Waste(waste) = rule.check(&tuning_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z")) else {
            panic!("waste")
        };
        // Twenty jobs of at most one hour, four at a time, each on one ml.m5.xlarge.
        assert_eq!((waste.usd_per_hour, waste.usd_per_month, waste.remedy), (Some(dec!(0.92)), Some(dec!(4.60)), Remedy::StopTuningJob));
        let cheap = TuningOnDemand { min_hourly_cost: Usd(dec!(1)), ..TuningOnDemand::default() };
        assert!(matches!(cheap.check(&tuning_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z")), Verdict::Exempt(_)));
    }

    #[test]
    fn what_is_left_is_counted_by_jobs_and_not_by_the_time_that_they_waited() {
        let long_ago = || TuningJob { parallel: 1, most_jobs: Some(3), ..tuning_job("2026-11-24T08:40:00Z") };
        let short_and_dear = TuningDefinition { max_runtime: Some(Duration::minutes(15)), ..tuning_definition("ml.m5.2xlarge") };
        for (job, usd) in [
            // Its training jobs may all wait for instances still, 200 minutes after it began.
            (long_ago(), dec!(0.69)),
            (TuningJob { ended: 2, ..long_ago() }, dec!(0.23)),
            (TuningJob { ended: 3, ..long_ago() }, dec!(0)),
            (TuningJob { ended: 9, ..long_ago() }, dec!(0)),
            (TuningJob { max_runtime: Some(Duration::hours(4)), ..long_ago() }, dec!(0.23) * dec!(40) / dec!(60)),
            (TuningJob { max_runtime: Some(Duration::hours(3)), ..long_ago() }, dec!(0)),
            (TuningJob { ended: 2, max_runtime: Some(Duration::days(4)), ..long_ago() }, dec!(0.23)),
            // The most expensive definition is not the one with the longest limit.
            (TuningJob { definitions: vec![tuning_definition("ml.m5.xlarge"), short_and_dear], ..long_ago() }, dec!(0.69)),
        ] {
            let Verdict::Waste(waste) = TuningOnDemand::default().check(&job, &context("2026-11-24T12:00:00Z")) else { panic!("{job:?}") };
            assert_eq!(waste.usd_per_month.map(|usd| usd.round_dp(4)), Some(usd.round_dp(4)), "{job:?}");
        }
    }

    #[test]
    fn an_unknown_price_is_told_and_stops_only_where_the_policy_asks_for_no_price() {
        let job = || TuningJob {
            definitions: vec![tuning_definition("ml.t2.medium"), tuning_definition("ml.p9.giant")],
            ..tuning_job("2026-11-24T11:00:00Z")
        };
        for (remedy, least, action, only_reported) in [
            (StopRemedy::Stop, dec!(0.5), Remedy::None, true),
            (StopRemedy::Stop, dec!(0), Remedy::StopTuningJob, false),
            (StopRemedy::None, dec!(0.5), Remedy::None, false),
        ] {
            let rule = TuningOnDemand { remedy, min_hourly_cost: Usd(least) };
            let Verdict::Waste(waste) = rule.check(&job(), &context("2026-11-24T12:00:00Z")) else { panic!("{least}") };
            assert_eq!((&waste.remedy, waste.usd_per_hour, waste.usd_per_month), (&action, None, None));
            assert_eq!(
                waste.reason.to_string().contains("only reported, because no price is known for it"),
                only_reported,
                "{}",
                waste.reason
            );
            let unpriced = waste.notice.unpriced.unwrap();
            assert_eq!(Instances::words(&unpriced), "4 x ml.p9.giant");
        }
    }
}
