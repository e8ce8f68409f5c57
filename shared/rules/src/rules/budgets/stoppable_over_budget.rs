//! # stoppable-over-budget
//!
//! ## What it finds
//! Running resources of a team whose budget is used up, with the tag `cost-guard:stoppable = yes`: notebooks, Studio apps, training, tuning, processing, transform
//! and AutoML jobs. The policy must allow it as well: `[[budget]]` with `on-exceed = "stop-stoppable"`. The rule is then enforced, whatever its `mode`. The mode
//! `off` is not allowed with it.
//!
//! ## Why it costs money
//! AWS's own budget actions stop EC2 and RDS instances, but nothing in SageMaker.
//!
//! ## What happens, and what is lost
//! Its owner is warned, and after `grace` it is stopped. This ends with the budget's period. Notebooks keep their volume, apps keep their space and files. A job
//! loses what it has not written to S3, a training job what it trained after its last checkpoint. The tag `cost-guard:keep-until` prevents the stop. Endpoints,
//! clusters and tracking servers are not stopped, because they would lose data.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{OnExceed, RunningAsset},
    policy::STOPPABLE_TAG,
    remedy::Remedy,
    rules::{
        asset as audit,
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::duration::Duration,
};

/// The longest time for which a saving is counted, in hours.
const MONTH: i64 = 730;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StoppableOverBudget {}

impl Rule for StoppableOverBudget {
    const NAME: &'static str = "stoppable-over-budget";
    const TO_DO: &'static str = "stop it, or remove its tag cost-guard:stoppable";
    const MANNER: Manner = Manner { grace: Duration::hours(4), ..Manner::ENFORCEABLE };
    type Subject = RunningAsset;

    fn check(&self, RunningAsset(audited): &RunningAsset, cx: &RuleContext<'_>) -> Verdict {
        let resource = &audited.resource;
        let is_stoppable = resource.tags.read().and_then(|tags| tags.get(STOPPABLE_TAG)).is_some_and(|value| value.trim() == "yes");
        if !is_stoppable {
            return Verdict::Fine;
        }
        if audited.run.is_none() {
            // A stop that hangs has not saved anything yet.
            return if audited.changing.is_some() { Verdict::Later } else { Verdict::Fine };
        }
        let Some(measure) = cx.measure(OnExceed::StopStoppable, resource) else {
            return if cx.measures.unread { Verdict::Later } else { Verdict::Fine };
        };
        if let Some(verdict) = audit::spared(audited, cx) {
            return verdict;
        }
        if let Some(why) = &audited.ownership_unknown {
            return Verdict::Unknown(format!("whose it is could not be read: {why}"));
        }
        let remedy = audit::stop(audited, cx);
        if remedy == Remedy::None {
            return Verdict::Exempt("the guard stops nothing of its kind, or what it belongs to is kept".to_owned());
        }
        let (usd_per_hour, usd_per_month) = audit::spending(audited, cx);
        Verdict::Waste(Box::new(Waste {
            reason: format!("the budget {} is used up, and its tag {STOPPABLE_TAG} says that it may be stopped then", measure.budget)
                .into(),
            usd_per_hour,
            usd_per_month,
            // Nobody knows whether it would go on until the end of a long period: then a month counts.
            ends: Some(measure.until).filter(|end| end.duration_since(cx.now).as_hours() <= MONTH),
            remedy,
            notice: Notice { unpriced: audit::unpriced(audited, usd_per_hour), ..Notice::default() },
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Measures;
    use crate::facts::{Asset, BudgetMeasure, Change};
    use crate::samples::*;

    #[test]
    fn both_the_policy_and_the_tag_have_to_say_so() {
        let measure = |team: Option<&str>, what| BudgetMeasure {
            budget: "ml-dev".into(),
            team: team.map(str::to_owned),
            what,
            until: "2026-12-01T00:00:00Z".parse().unwrap(),
        };
        let nlps = [measure(Some("nlp"), OnExceed::StopStoppable)];
        let off_hours = [measure(Some("nlp"), OnExceed::EnforceOffHours)];
        let everybodys = [measure(None, OnExceed::StopStoppable)];
        let yes = &[("Team", "nlp"), (STOPPABLE_TAG, "yes")][..];
        for (budget_measures, tags, now, waste) in [
            (&nlps[..], yes, "2026-11-27T12:00:00Z", true),
            (&nlps, yes, "2026-12-01T00:00:00Z", false), // a new period
            (&nlps, &[("TEAM", "NLP"), (STOPPABLE_TAG, "yes")], "2026-11-27T12:00:00Z", true),
            (&nlps, &[("Team", "nlp"), (STOPPABLE_TAG, "no")], "2026-11-27T12:00:00Z", false),
            (&nlps, &[("Team", "nlp")], "2026-11-27T12:00:00Z", false),
            (&nlps, &[("Team", "vision"), (STOPPABLE_TAG, "yes")], "2026-11-27T12:00:00Z", false),
            (&nlps, &[(STOPPABLE_TAG, "yes")], "2026-11-27T12:00:00Z", false),
            (&everybodys, &[(STOPPABLE_TAG, "yes")], "2026-11-27T12:00:00Z", true),
            (&off_hours, yes, "2026-11-27T12:00:00Z", false),
            (&[], yes, "2026-11-27T12:00:00Z", false),
        ] {
            let measures = Measures { in_force: budget_measures.to_vec(), unread: false };
            let cx = RuleContext { measures: &measures, ..context(now) };
            let running = |run: Option<&str>| {
                let run = run.map(|run| run.parse().unwrap());
                RunningAsset(Asset { run, stop: Remedy::StopNotebook, ..audited("notebook-instance/x", tags) })
            };
            let verdict = StoppableOverBudget {}.check(&running(Some("2026-11-20T12:00:00Z")), &cx);
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{budget_measures:?} {tags:?} {now}: {verdict:?}");
            assert_eq!(StoppableOverBudget {}.check(&running(None), &cx), Verdict::Fine, "it does not run");
        }
    }

    #[test]
    fn what_hangs_after_its_stop_was_counted_as_stopped() {
        for (changing, expected) in
            [(None, Verdict::Fine), (Some(Change::Stopping), Verdict::Later), (Some(Change::Deleting), Verdict::Later)]
        {
            for (tag, expected) in [("yes", &expected), ("no", &Verdict::Fine)] {
                let changing = changing.map(|change| (change, None));
                let asset = Asset { changing, stop: Remedy::StopNotebook, ..audited("notebook-instance/x", &[(STOPPABLE_TAG, tag)]) };
                let verdict = StoppableOverBudget {}.check(&RunningAsset(asset), &context("2026-11-27T12:00:00Z"));
                assert_eq!(&verdict, expected, "{changing:?} {tag}");
            }
        }
    }

    #[test]
    fn a_stop_was_said_to_save_sixty_years_because_the_budget_has_no_end() {
        for (until, ends) in [("2026-12-01T00:00:00Z", true), ("2027-01-01T00:00:00Z", false), ("2087-06-15T00:00:00Z", false)] {
            let until = until.parse().unwrap();
            let measure = BudgetMeasure { budget: "b".into(), team: None, what: OnExceed::StopStoppable, until };
            let measures = Measures { in_force: vec![measure], unread: false };
            let cx = RuleContext { measures: &measures, ..context("2026-11-27T12:00:00Z") };
            let run = Some("2026-11-20T12:00:00Z".parse().unwrap());
            let asset = Asset { run, stop: Remedy::StopNotebook, ..audited("notebook-instance/x", &[(STOPPABLE_TAG, "yes")]) };
            let Verdict::Waste(waste) = StoppableOverBudget {}.check(&RunningAsset(asset), &cx) else { panic!("{until}") };
            assert_eq!(waste.ends, ends.then_some(until));
        }
    }

    #[test]
    fn what_cannot_be_stopped_is_left_alone() {
        let measure =
            BudgetMeasure { budget: "b".into(), team: None, what: OnExceed::StopStoppable, until: "2026-12-01T00:00:00Z".parse().unwrap() };
        let measures = Measures { in_force: vec![measure], unread: false };
        let cx = RuleContext { measures: &measures, ..context("2026-11-27T12:00:00Z") };
        let run = Some("2026-11-20T12:00:00Z".parse().unwrap());
        let endpoint = RunningAsset(Asset { run, ..audited("endpoint/x", &[(STOPPABLE_TAG, "yes")]) });
        assert!(matches!(StoppableOverBudget {}.check(&endpoint, &cx), Verdict::Exempt(_)));
        let doubtful = RunningAsset(Asset {
            run,
            ownership_unknown: Some("denied".into()),
            stop: Remedy::StopNotebook,
            ..audited("notebook-instance/x", &[(STOPPABLE_TAG, "yes")])
        });
        assert!(matches!(StoppableOverBudget {}.check(&doubtful, &cx), Verdict::Unknown(_)));
    }
}
