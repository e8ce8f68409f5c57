//! # guard-tag-unreadable
//!
//! ## What it finds
//! A notebook instance, Studio app, training, tuning, processing, transform or AutoML job with a tag that is meant for the guard, but that the guard
//! cannot read:
//!
//! * a tag `cost-guard:schedule`, `cost-guard:keep-until`, `cost-guard:stoppable` or `cost-guard:spot` with a wrong value;
//! * a tag whose key is nearly one of these: `Cost-Guard:Schedule`, `cost-guard:keep_until`, `costguard/keep-until`,
//!   `ml:cost-gaurd:schedule`, `keep-until` alone or with other words, or one with a space at its end;
//! * a tag whose key begins with `cost-guard` and is none of the guard's, such as `cost-guard:exempt`.
//!
//! A key that seems to be another tool's, such as `coast-guard:schedule` or `cost-guardian:owner`, is not meant for the guard.
//! A key that the policy itself names (in `owner-tags`, `team-tags`, `required` or the `match` of an `[[override]]`) is right.
//!
//! ## Why it costs money
//! Somebody used the tag to tell the guard something, and it has no effect. Until the tag can be read, the guard takes no action on the resource,
//! whatever the policy says, and the resource continues to cost money.
//!
//! ## What happens, and what is lost
//! Its owner is mailed what is wrong and how to write the tag. Nothing else happens.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    policy::UnreadableTags,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::resource::{Kind, Resource},
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GuardTagUnreadable {}

impl Rule for GuardTagUnreadable {
    const NAME: &'static str = "guard-tag-unreadable";
    const TO_DO: &'static str = "correct the tag, or remove it";
    /// A nightly job has the same tags each night.
    const MANNER: Manner = Manner { notified_per_series: true, ..Manner::DEFAULT };
    type Subject = Resource;

    fn check(&self, resource: &Resource, cx: &RuleContext<'_>) -> Verdict {
        let can_be_stopped = resource.kind().is_some_and(Kind::can_be_stopped);
        match cx.policy.unreadable_tags(resource) {
            Some(UnreadableTags { why, commands }) if can_be_stopped => Verdict::Waste(Box::new(Waste {
                reason: why.into(),
                notice: Notice {
                    advice: Some(format!("correct the tag, or remove it. Until then the guard leaves this resource alone.\n{commands}")),
                    ..Notice::default()
                },
                ..Waste::default()
            })),
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{App, Change, Facts, Listed as _, Notebook, RunState, TrainingJob},
        samples::*,
    };

    #[test]
    fn says_how_to_correct_a_value_and_a_key() {
        for (tags, commands) in [
            (&[("cost-guard:schedule", "9 to 5")][..], &["--tags 'Key=cost-guard:schedule,Value=mon-fri/08:00-19:00'"][..]),
            (&[("cost-guard:schedule", "mon-fri/00:00-00:30@EST")], &["Value=mon-fri/00:00-00:30@America/New_York'"]),
            (&[("cost-guard:schedule", "always@mst")], &["Value=always@America/Denver'"]),
            (&[("cost-guard:schedule", "sat/10:00-12:00+sun/09:00-10:00@GMT")], &["Value=sat/10:00-12:00+sun/09:00-10:00@Europe/London'"]),
            (&[("cost-guard:schedule", "Mon - Fri/07:00-15:00 @ Asia/Tokyo")], &["Value=mon-fri/07:00-15:00@Asia/Tokyo'"]),
            (&[("cost-guard:schedule", "9 to 5@Asia/Calcutta")], &["Value=mon-fri/08:00-19:00@Asia/Calcutta'"]),
            (&[("cost-guard:schedule", "mon-fri/07:00-15:00@Berlin")], &["Value=mon-fri/07:00-15:00@<time zone>'"]),
            (&[("cost-guard:schedule", "mon-fri/07:00-15:00@Etc/GMT-1")], &["Value=mon-fri/07:00-15:00@<time zone>'"]),
            (
                &[("cost-guard:keep_until", "2026-12-31")],
                &["--tags 'Key=cost-guard:keep-until,Value=2026-12-31'", "--tag-keys 'cost-guard:keep_until'"],
            ),
            // The command wrote the left-over value over the right one.
            (&[("cost-guard:schedule", "mon-fri/08:00-10:00"), ("Cost-Guard:Schedule", "always")], &["--tag-keys 'Cost-Guard:Schedule'"]),
            (
                &[("Cost-Guard:Keep-Until", "31.12.2026")],
                &["Key=cost-guard:keep-until,Value=<year-month-day>'", "--tag-keys 'Cost-Guard:Keep-Until'"],
            ),
            (
                &[("Cost-Guard:Schedule", "Mon-Fri/08:00-10:00")],
                &["Key=cost-guard:schedule,Value=mon-fri/08:00-10:00'", "--tag-keys 'Cost-Guard:Schedule'"],
            ),
            (
                &[("Cost-Guard:Schedule", "always"), ("costguard:schedule", "never")],
                &["Value=<value>'", "--tag-keys 'Cost-Guard:Schedule'", "Value=<value>'", "--tag-keys 'costguard:schedule'"],
            ),
            (
                &[("cost-guard:keep-until", "soon"), ("cost-guard:keep_until", "2026-12-31")],
                &["Key=cost-guard:keep-until,Value=<year-month-day>'", "--tag-keys 'cost-guard:keep_until'"],
            ),
        ] {
            let notebook = with_tags(resource("notebook-instance/churn"), tags);
            let verdict = GuardTagUnreadable::default().check(&notebook, &context("2026-11-24T12:00:00Z"));
            let Verdict::Waste(waste) = verdict else { panic!("{tags:?}: {verdict:?}") };
            let advice = waste.notice.advice.unwrap();
            assert!(commands.iter().all(|command| advice.contains(command)), "{advice}");
            assert_eq!(advice.matches("aws sagemaker").count(), commands.len(), "{advice}");
        }
    }

    #[test]
    fn tells_what_is_wrong_and_how_to_write_it() {
        for (tag, value, told) in [
            ("cost-guard:schedule", "mon-fri/08:00-19:00", None),
            ("cost-guard:schedule", "office hours", Some("write for example \"mon-fri/08:00-19:00\"")),
            ("cost-guard:schedule", "mon-fri/08:00-19:00@MST", Some("`MST` has no summer time: write \"America/Denver\"")),
            ("cost-guard:keep-until", "2026-12-31", None),
            ("cost-guard:keep-until", "31.12.2026", Some("write a day, for example 2026-12-31")),
            ("cost-guard:keep-until", "always", Some("the policy does not allow `always`")),
            ("cost-guard:keep-reason", "anything", None),
            ("cost-guard:spot", "resubmit", None),
            ("cost-guard:spot", "yes please", Some("write `resubmit`")),
            (
                "Cost-Guard:Keep-Until",
                "2026-12-31",
                Some("its tag \"Cost-Guard:Keep-Until\" cannot be read: its key is not exactly cost-guard:keep-until"),
            ),
            ("cost-guard:keep-until ", "2026-12-31", Some("its tag \"cost-guard:keep-until \" cannot be read")),
            ("keep-until", "2026-12-31", Some("its tag \"keep-until\" cannot be read: its key is not exactly cost-guard:keep-until")),
            ("cost-guard:snooze", "yes", Some("its key is none of the guard's")),
            ("cost-center", "AB1234", None),
        ] {
            let notebook = tagged(notebook("2026-11-23T08:00:00Z"), &[(tag, value)]);
            match (GuardTagUnreadable {}.check(&notebook.resource, &context("2026-11-24T12:00:00Z")), told) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(told)) => assert!(waste.reason.to_string().contains(told), "{}", waste.reason),
                (verdict, _) => panic!("{tag}={value}: {verdict:?}"),
            }
        }
    }

    #[test]
    fn what_is_being_deleted_and_what_another_one_started_is_not_told() {
        let tags = &[("cost-guard:keep-untill", "2026-12-31")];
        let told = |facts: &Facts| Resource::all(facts).count();
        let notebook = |state| {
            let notebook = tagged(notebook("2026-11-23T08:00:00Z"), tags);
            Facts { notebooks: vec![Notebook { state, ..notebook }], ..Facts::default() }
        };
        let app = |state| {
            let app = app("JupyterLab", "ml.t3.medium", "2026-11-23T08:00:00Z");
            Facts { apps: vec![App { state, resource: with_tags(app.resource.clone(), tags), ..app }], ..Facts::default() }
        };
        for (state, count) in
            [(RunState::InService, 1), (RunState::Stopped, 1), (RunState::Changing(Change::Deleting), 0), (RunState::Deleted, 0)]
        {
            assert_eq!((told(&notebook(state)), told(&app(state))), (count, count), "{state:?}");
        }
        let arn = |kind: &str| Some(format!("arn:aws:sagemaker:eu-central-1:123456789012:{kind}/churn-tune"));
        for (parent, count) in [(None, 1), (arn("hyper-parameter-tuning-job"), 0), (arn("automl-job"), 0), (arn("labeling-job"), 1)] {
            let job = training_job("2026-11-24T11:00:00Z");
            let job = TrainingJob { resource: with_tags(job.resource.clone(), tags), parent: parent.clone(), ..job };
            assert_eq!(told(&Facts { training_jobs: vec![job], ..Facts::default() }), count, "{parent:?}");
        }
    }

    #[test]
    fn every_kind_that_can_be_stopped_is_told() {
        for (kind, told) in [
            ("app/d-1/lab/jupyterlab/default", true),
            ("training-job/x", true),
            ("hyper-parameter-tuning-job/x", true),
            ("processing-job/x", true),
            ("transform-job/x", true),
            ("automl-job/x", true),
            ("endpoint/x", false),
            ("job-series/x", false),
        ] {
            let verdict =
                GuardTagUnreadable {}.check(&with_tags(resource(kind), &[("cost-guard:keep", "x")]), &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), told, "{kind}: {verdict:?}");
        }
    }
}
