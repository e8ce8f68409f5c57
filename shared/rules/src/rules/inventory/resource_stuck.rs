//! # resource-stuck
//!
//! ## What it finds
//! A training, tuning, processing, transform or AutoML job that has been `Stopping` for longer than `after`, or an endpoint, an inference component, a HyperPod
//! cluster or a tracking server that has been on its way to another state for so long, such as `Creating` or `RollingBack`. Each of these changes normally takes
//! minutes. Also an endpoint that is `UpdateRollbackFailed` or `OutOfService`, a tracking server or an MLflow app whose creation, update, start,
//! stop or deletion failed, and a feature group that could not be created or deleted: it may still be billed, and only a person can help it. Of Partner AI Apps, AWS's list says only since when they have been
//! `Creating`. tag-auditor looks at the kinds that `missing-tag` audits, and of the jobs at those of the last week. Jobs of a tuning
//! or AutoML job are not looked at: that one is. Of clusters, AWS's list says only since when they have been `Creating`.
//!
//! ## Why it costs money
//! What hangs on its way is not over: what it holds may still be billed, and somebody waits for it.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. Nothing else happens: AWS refuses a second stop, and only a person can decide about what hangs.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Asset, Change},
    rules::{
        context::{RuleContext, needs_a_person},
        rule::Rule,
        verdict::Verdict,
    },
    vocabulary::{
        duration::Duration,
        resource::{Kind, Resource},
        text::argument,
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ResourceStuck {
    /// How long a resource may be on its way to another state.
    after: Duration,
}

impl Default for ResourceStuck {
    fn default() -> Self {
        Self { after: Duration::hours(3) }
    }
}

impl Rule for ResourceStuck {
    const NAME: &'static str = "resource-stuck";
    const TO_DO: &'static str = "open a case with AWS Support if it stays so";
    type Subject = Asset;

    fn nonsense(&self) -> Option<&'static str> {
        (self.after < Duration::minutes(30)).then_some("`after` is less than 30 minutes: a start or a stop may take that long")
    }

    fn concerns(&self, asset: &Asset) -> bool {
        // Of these, notebook-stuck and studio-app-stuck tell.
        let has_its_own = matches!(asset.resource.kind(), Some(Kind::NotebookInstance | Kind::App));
        asset.changing.is_some() && !asset.is_child_job() && !has_its_own
    }

    fn check(&self, asset: &Asset, cx: &RuleContext<'_>) -> Verdict {
        let Some((change, since)) = asset.changing.filter(|_| self.concerns(asset)) else { return Verdict::Fine };
        let advice = format!("{}. Its state: {}", what_helps(change), look_at(&asset.resource));
        if (change, since) == (Change::DeleteFailed, None) {
            return Verdict::Waste(Box::new(needs_a_person("its deletion failed".into(), change.as_str(), "stuck", advice)));
        }
        cx.stuck(change, since, self.after, advice)
    }
}

fn what_helps(change: Change) -> &'static str {
    match change {
        Change::CreateFailed => "delete it, and create it again if somebody needs it",
        Change::StartFailed => "start it once more, or delete it if nobody needs it",
        Change::UpdateRollbackFailed | Change::UpdateFailed | Change::OutOfService => {
            "update it once more, or delete it if nobody needs it"
        }
        Change::StopFailed => "stop it once more, or delete it if nobody needs it",
        Change::DeleteFailed => "delete it once more",
        _ => "open a case with AWS Support if it stays so",
    }
}

/// The AWS CLI command that shows a resource.
fn look_at(resource: &Resource) -> String {
    let (what, option) = match resource.kind() {
        Some(Kind::TuningJob) => ("hyper-parameter-tuning-job", "hyper-parameter-tuning-job-name"),
        Some(Kind::ProcessingJob) => ("processing-job", "processing-job-name"),
        Some(Kind::TransformJob) => ("transform-job", "transform-job-name"),
        Some(Kind::AutoMlJob) => ("auto-ml-job-v2", "auto-ml-job-name"),
        Some(Kind::Endpoint) => ("endpoint", "endpoint-name"),
        Some(Kind::InferenceComponent) => ("inference-component", "inference-component-name"),
        Some(Kind::Cluster) => ("cluster", "cluster-name"),
        Some(Kind::TrackingServer) => ("mlflow-tracking-server", "tracking-server-name"),
        Some(Kind::FeatureGroup) => ("feature-group", "feature-group-name"),
        Some(Kind::MlflowApp) => return look_at_arn("mlflow-app", resource),
        Some(Kind::PartnerApp) => return look_at_arn("partner-app", resource),
        _ => ("training-job", "training-job-name"),
    };
    format!("aws sagemaker describe-{what} {}--{option} {}", resource.region_option(), argument(&resource.name))
}

/// The same of what has no name of its own in AWS's API.
fn look_at_arn(what: &str, resource: &Resource) -> String {
    format!("aws sagemaker describe-{what} {}--arn {}", resource.region_option(), argument(resource.arn.as_deref().unwrap_or("<its ARN>")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::Parent, samples::*};

    #[test]
    fn hangs_on_its_way_for_hours() {
        let changing = |change, since: &str| Some((change, Some(since.parse().unwrap())));
        let child = Some(Parent { id: "hyper-parameter-tuning-job/hpo".into(), name: None });
        let of = |id: &str, changing| Asset { changing, ..audited(id, &[]) };
        let table = vec![
            (
                of("training-job/churn", changing(Change::Stopping, "2026-11-23T10:00:00Z")),
                Some("describe-training-job --region us-east-1 --training-job-name churn"),
            ),
            (of("hyper-parameter-tuning-job/hpo", changing(Change::Stopping, "2026-11-24T06:00:00Z")), Some("describe-hyper-parameter")),
            (of("processing-job/prep", changing(Change::Stopping, "2026-11-24T06:00:00Z")), Some("describe-processing-job")),
            (of("transform-job/score", changing(Change::Stopping, "2026-11-24T06:00:00Z")), Some("describe-transform-job")),
            (of("automl-job/auto", changing(Change::Stopping, "2026-11-24T06:00:00Z")), Some("describe-auto-ml-job-v2")),
            (of("endpoint/churn", changing(Change::Creating, "2026-11-24T06:00:00Z")), Some("describe-endpoint")),
            (of("endpoint/churn", changing(Change::Deleting, "2026-11-24T08:59:59Z")), Some("describe-endpoint")),
            (of("endpoint/churn", changing(Change::RollingBack, "2026-11-24T06:00:00Z")), Some("open a case with AWS Support")),
            (
                of("endpoint/churn", changing(Change::UpdateRollbackFailed, "2026-11-24T06:00:00Z")),
                Some("update it once more, or delete it"),
            ),
            (of("endpoint/churn", changing(Change::OutOfService, "2026-11-24T11:00:00Z")), None),
            (of("mlflow-tracking-server/runs", changing(Change::StartFailed, "2026-11-24T06:00:00Z")), Some("start it once more")),
            (of("mlflow-app/app-1", changing(Change::UpdateFailed, "2026-11-24T06:00:00Z")), Some("describe-mlflow-app")),
            (of("partner-app/app-1", changing(Change::Creating, "2026-11-24T06:00:00Z")), Some("describe-partner-app")),
            (of("feature-group/fg", changing(Change::CreateFailed, "2026-11-24T06:00:00Z")), Some("describe-feature-group")),
            (of("notebook-instance/nb", changing(Change::Stopping, "2026-11-23T10:00:00Z")), None),
            (of("app/d-1/ann/JupyterLab/default", changing(Change::Deleting, "2026-11-23T10:00:00Z")), None),
            (of("inference-component/churn", changing(Change::Creating, "2026-11-24T06:00:00Z")), Some("describe-inference-component")),
            (of("cluster/hyperpod", changing(Change::Creating, "2026-11-24T06:00:00Z")), Some("describe-cluster --region")),
            (
                of("mlflow-tracking-server/runs", changing(Change::Stopping, "2026-11-24T06:00:00Z")),
                Some("describe-mlflow-tracking-server"),
            ),
            (of("mlflow-tracking-server/runs", changing(Change::StopFailed, "2026-11-24T06:00:00Z")), Some("stop it once more")),
            (of("mlflow-tracking-server/runs", changing(Change::DeleteFailed, "2026-11-24T06:00:00Z")), Some("delete it once more.")),
            (of("mlflow-tracking-server/runs", changing(Change::StopFailed, "2026-11-24T11:00:00Z")), None),
            (of("endpoint/churn", changing(Change::Updating, "2026-11-24T09:00:00Z")), None),
            (of("training-job/churn", changing(Change::Stopping, "2026-11-24T11:58:00Z")), None),
            (of("training-job/churn", None), None),
            (Asset { parent: child, ..of("training-job/hpo-001", changing(Change::Stopping, "2026-11-23T10:00:00Z")) }, None),
            (
                Asset {
                    part_of: Some("arn:aws:sagemaker:us-east-1:123456789012:automl-job/auto".into()),
                    ..of("hyper-parameter-tuning-job/auto", changing(Change::Stopping, "2026-11-23T10:00:00Z"))
                },
                None,
            ),
            (
                Asset {
                    part_of: Some("hyper-parameter-tuning-job/hpo".into()),
                    ..of("training-job/hpo-001", changing(Change::Stopping, "2026-11-23T10:00:00Z"))
                },
                None,
            ),
        ];
        for (asset, told) in table {
            let verdict = ResourceStuck::default().check(&asset, &context("2026-11-24T12:00:00Z"));
            match (&verdict, told) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(command)) => {
                    assert!(
                        waste.reason.to_string().contains("since") && waste.reason.to_string().ends_with("the limit is 3h"),
                        "{}",
                        waste.reason
                    );
                    let advice = waste.notice.advice.as_deref().unwrap_or_default();
                    assert!(advice.contains(command), "{advice}");
                }
                _ => panic!("{asset:?}: {verdict:?}"),
            }
        }
        // AWS's list does not say since when: no rule told of it.
        let undeleted = of("feature-group/fg", Some((Change::DeleteFailed, None)));
        let Verdict::Waste(waste) = ResourceStuck::default().check(&undeleted, &context("2026-11-24T12:00:00Z")) else { panic!("waste") };
        assert_eq!(waste.reason, "its deletion failed");
        let unknown = of("training-job/churn", Some((Change::Stopping, None)));
        let verdict = ResourceStuck::default().check(&unknown, &context("2026-11-24T12:00:00Z"));
        assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
    }
}
