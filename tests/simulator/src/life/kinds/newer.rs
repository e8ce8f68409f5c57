//! The kinds that came later to `SageMaker`, or that few accounts have: they are created, listed and tagged. One row each, as in the table.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{
    Asset, Life,
    table::{BY_ALL, CREATE, Create, DESCRIBE, Describe, Kind, LIST, List, NEWEST, in_use, job_exists, not_found, put},
};
use crate::{
    estate::When,
    life::order::{Listed as _, Order, Sorting},
    wire::seconds,
    world::World,
};

/// A kind without a description: nothing in this account asks for one.
pub(super) const fn plain(name: &'static str, noun: &'static str, life: Life, create: Create, list: List) -> Kind {
    Kind {
        name,
        path: name,
        noun,
        dies_with: None,
        life,
        statuses: &[],
        create,
        describe: Describe { operation: "", ..DESCRIBE },
        list,
        stop: None,
        delete: None,
        missing: not_found,
        taken: in_use,
        grow: None,
        event: None,
    }
}

const fn job(name: &'static str, noun: &'static str, ends: (&'static str, &'static str), create: Create, list: List) -> Kind {
    let (running, completed) = ends;
    let life = Life::Job { running, completed, starting: SignedDuration::ZERO };
    Kind { taken: job_exists, ..plain(name, noun, life, create, list) }
}

pub(super) const fn service(creating: (&'static str, i64), ready: &'static str) -> Life {
    Life::Service { creating: (creating.0, SignedDuration::from_mins(creating.1)), ready, deleting: SignedDuration::from_mins(2) }
}

pub(crate) const MLFLOW_APP: Kind = Kind {
    statuses: &["Creating", "Created", "CreateFailed", "Updating", "Updated", "UpdateFailed", "Deleting", "DeleteFailed", "Deleted"],
    ..plain(
        "mlflow-app",
        "",
        service(("Creating", 2), "Created"),
        Create { operation: "CreateMlflowApp", most: 256, required: &["ArtifactStoreUri", "RoleArn"], ..CREATE },
        List { operation: "ListMlflowApps", items: "Summaries", name: "", status: "Status", created: "Created", modified: "", ..LIST },
    )
};

pub(crate) const PARTNER_APP: Kind = Kind {
    statuses: &["Creating", "Updating", "Deleting", "Available", "Failed", "UpdateFailed", "Deleted"],
    ..plain(
        "partner-app",
        "",
        service(("Creating", 10), "Available"),
        Create { operation: "CreatePartnerApp", most: 256, required: &["Type", "ExecutionRoleArn", "Tier", "AuthType"], ..CREATE },
        List {
            operation: "ListPartnerApps",
            items: "Summaries",
            name: "",
            status: "",
            created: "",
            modified: "",
            shows_modified: false,
            more: partner_app,
            ..LIST
        },
    )
};

pub(crate) const TRAINING_PLAN: Kind = Kind {
    describe: Describe { operation: "DescribeTrainingPlan", more: training_plan, ..DESCRIBE },
    statuses: &["Pending", "Active", "Scheduled", "Expired", "Failed"],
    ..plain(
        "training-plan",
        "TrainingPlan",
        service(("Scheduled", 0), "Active"),
        Create { operation: "CreateTrainingPlan", most: 64, required: &["TrainingPlanOfferingId"], ..CREATE },
        List {
            operation: "ListTrainingPlans",
            items: "TrainingPlanSummaries",
            sorting: Sorting {
                by: &[("TrainingPlanName", Order::Name), ("StartTime", Order::Created), ("Status", Order::Status)],
                ..NEWEST
            },
            name: "",
            status: "",
            created: "StartTime",
            modified: "",
            wanted: has_plan_status,
            more: training_plan,
            ..LIST
        },
    )
};

pub(crate) const TRAINING_SESSION: Kind = Kind {
    statuses: &["Created", "Blocked", "Running", "Failed", "Scheduled", "Stopping", "Stopped", "Expired", "Deleting", "DeletionFailed"],
    ..plain(
        "training-session",
        "TrainingSession",
        service(("Created", 3), "Running"),
        Create { operation: "CreateTrainingSession", required: &["LoraConfig", "RoleArn", "ModelConfig", "OutputConfig"], ..CREATE },
        List { operation: "ListTrainingSessions", items: "TrainingSessionSummaries", modified: "", more: training_session, ..LIST },
    )
};

pub(crate) const OPTIMIZATION_JOB: Kind = Kind {
    statuses: &["INPROGRESS", "COMPLETED", "FAILED", "STARTING", "STOPPING", "STOPPED"],
    ..job(
        "optimization-job",
        "OptimizationJob",
        ("INPROGRESS", "COMPLETED"),
        Create {
            operation: "CreateOptimizationJob",
            required: &["RoleArn", "ModelSource", "DeploymentInstanceType", "OptimizationConfigs", "OutputConfig", "StoppingCondition"],
            ..CREATE
        },
        List { operation: "ListOptimizationJobs", items: "OptimizationJobSummaries", more: optimization_job, ..LIST },
    )
};

pub(crate) const INFERENCE_RECOMMENDATIONS_JOB: Kind = Kind {
    statuses: &["PENDING", "IN_PROGRESS", "COMPLETED", "FAILED", "STOPPING", "STOPPED", "DELETING", "DELETED"],
    ..job(
        "inference-recommendations-job",
        "Job",
        ("IN_PROGRESS", "COMPLETED"),
        Create { operation: "CreateInferenceRecommendationsJob", most: 64, required: &["JobType", "RoleArn", "InputConfig"], ..CREATE },
        List {
            operation: "ListInferenceRecommendationsJobs",
            items: "InferenceRecommendationsJobs",
            more: inference_recommendations_job,
            ..LIST
        },
    )
};

pub(crate) const AI_RECOMMENDATION_JOB: Kind = Kind {
    statuses: &["InProgress", "Completed", "Failed", "Stopping", "Stopped"],
    ..job(
        "ai-recommendation-job",
        "AIRecommendationJob",
        ("InProgress", "Completed"),
        Create {
            operation: "CreateAIRecommendationJob",
            required: &["ModelSource", "OutputConfig", "AIWorkloadConfigIdentifier", "PerformanceTarget", "RoleArn"],
            ..CREATE
        },
        List { operation: "ListAIRecommendationJobs", items: "AIRecommendationJobs", modified: "", shows_modified: false, ..LIST },
    )
};

pub(crate) const LABELING_JOB: Kind = Kind {
    statuses: &["Initializing", "InProgress", "Completed", "Failed", "Stopping", "Stopped"],
    ..job(
        "labeling-job",
        "LabelingJob",
        ("InProgress", "Completed"),
        Create {
            operation: "CreateLabelingJob",
            required: &["LabelAttributeName", "InputConfig", "OutputConfig", "RoleArn", "HumanTaskConfig"],
            ..CREATE
        },
        List {
            operation: "ListLabelingJobs",
            items: "LabelingJobSummaryList",
            sorting: Sorting { by: BY_ALL, ..NEWEST },
            more: labeling_job,
            ..LIST
        },
    )
};

fn partner_app(_: &World, asset: &Asset, summary: &mut Value) {
    put(summary, "Type", asset.definition.get("Type").cloned());
}

/// What an estate says of a training plan in its `definition`, with the names of AWS's answer. `StartTime` may be before the start of the simulation: `-3d`.
fn training_plan(world: &World, asset: &Asset, shown: &mut Value) {
    let (start, end) = plan_times(world, asset);
    let number = |name: &str| asset.definition.get(name).and_then(Value::as_u64);
    let mut plan = json!({
        "TrainingPlanArn": asset.arn, "TrainingPlanName": asset.name, "Status": plan_status(world, asset), "StartTime": seconds(start),
    });
    for name in ["StatusMessage", "DurationHours", "DurationMinutes", "UpfrontFee", "CurrencyCode", "TotalInstanceCount", "TargetResources"]
    {
        put(&mut plan, name, asset.definition.get(name).cloned());
    }
    put(&mut plan, "EndTime", end.map(seconds));
    if let Some(total) = number("TotalInstanceCount") {
        let in_use = number("InUseInstanceCount").unwrap_or_default();
        plan["InUseInstanceCount"] = in_use.into();
        plan["AvailableInstanceCount"] = number("AvailableInstanceCount").unwrap_or(total.saturating_sub(in_use)).into();
        put(&mut plan, "ReservedCapacitySummaries", reserved(world, asset, total, end));
    }
    *shown = plan;
}

/// The capacity that a training plan reserves, if the estate names its instance type.
fn reserved(world: &World, asset: &Asset, total: u64, end: Option<Timestamp>) -> Option<Value> {
    let instance_type = asset.definition.get("InstanceType")?;
    let mut reserved = json!({
        "ReservedCapacityArn": world.arn(&format!("reserved-capacity/{}", super::store::id_of(&asset.name))), "InstanceType": instance_type,
        "TotalInstanceCount": total, "Status": plan_status(world, asset), "StartTime": seconds(plan_times(world, asset).0),
    });
    put(&mut reserved, "DurationHours", asset.definition.get("DurationHours").cloned());
    put(&mut reserved, "EndTime", end.map(seconds));
    Some(json!([reserved]))
}

/// When a training plan begins and ends. Without a duration it does not end.
fn plan_times(world: &World, asset: &Asset) -> (Timestamp, Option<Timestamp>) {
    let written = asset.definition.get("StartTime").and_then(|start| When::deserialize(start).ok());
    let start = written.map_or_else(|| asset.created(), |start| start.at(world.started));
    let number = |name: &str| asset.definition.get(name).and_then(Value::as_i64);
    let minutes = number("DurationMinutes").unwrap_or_default();
    let end = number("DurationHours").map(|hours| start + SignedDuration::from_mins(hours.saturating_mul(60).saturating_add(minutes)));
    (start, end)
}

/// Active plans are so by the clock.
fn plan_status(world: &World, asset: &Asset) -> &'static str {
    match (asset.status(), plan_times(world, asset)) {
        ("Active" | "Scheduled", (start, _)) if world.now < start => "Scheduled",
        ("Active" | "Scheduled", (_, Some(end))) if end <= world.now => "Expired",
        (status, _) => status,
    }
}

/// The filter `Status`.
fn has_plan_status(world: &World, asset: &Asset, input: &Value) -> bool {
    let filters = input.get("Filters").and_then(Value::as_array).into_iter().flatten();
    filters.filter_map(|filter| filter.get("Value")).all(|status| status == plan_status(world, asset))
}

/// AWS's list of sessions has no names.
fn training_session(_: &World, _: &Asset, summary: &mut Value) {
    if let Some(fields) = summary.as_object_mut() {
        fields.remove("TrainingSessionName");
    }
}

fn optimization_job(_: &World, asset: &Asset, summary: &mut Value) {
    put(summary, "DeploymentInstanceType", asset.definition.get("DeploymentInstanceType").cloned());
    summary["OptimizationTypes"] = json!(["Quantization"]);
}

fn inference_recommendations_job(_: &World, asset: &Asset, summary: &mut Value) {
    for name in ["JobType", "RoleArn"] {
        put(summary, name, asset.definition.get(name).cloned());
    }
    summary["JobDescription"] = asset.definition.get("JobDescription").cloned().unwrap_or_default();
    if summary["JobDescription"].is_null() {
        summary["JobDescription"] = "".into();
    }
    if let Some(fields) = summary.as_object_mut()
        && let Some(status) = fields.remove("JobStatus")
    {
        fields.insert("Status".into(), status);
    }
}

fn labeling_job(_: &World, asset: &Asset, summary: &mut Value) {
    summary["LabelCounters"] = json!({"TotalLabeled": 0, "Unlabeled": 100});
    put(summary, "WorkteamArn", asset.definition.pointer("/HumanTaskConfig/WorkteamArn").cloned());
}

/// The part of an ARN behind the kind, where AWS chooses it: `app-0123456789AB`.
pub(crate) fn app_id(name: &str) -> String {
    format!("app-{}", super::store::id_of(name).to_uppercase())
}

/// The definition of a resource in the estate.
pub(crate) fn definition(kind: &str, role: &str) -> Option<Value> {
    let model = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/example/1.0.0";
    Some(match kind {
        "mlflow-app" => json!({"ArtifactStoreUri": "s3://ml/mlflow", "RoleArn": role}),
        "partner-app" => json!({"Type": "comet", "ExecutionRoleArn": role, "Tier": "small", "AuthType": "IAM"}),
        "training-plan" => json!({"TrainingPlanOfferingId": "tpo-0123456789abcdef"}),
        "training-session" => json!({
            "RoleArn": role, "LoraConfig": {"Rank": 8, "Alpha": 16}, "ModelConfig": {"BaseModelArn": model},
            "OutputConfig": {"S3Location": {"Path": "s3://ml/sessions"}},
        }),
        "optimization-job" => json!({
            "RoleArn": role, "ModelSource": {"S3": {"S3Uri": "s3://ml/model"}}, "DeploymentInstanceType": "ml.g5.xlarge",
            "OptimizationConfigs": [{"ModelQuantizationConfig": {}}], "OutputConfig": {"S3OutputLocation": "s3://ml/optimized"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 36000},
        }),
        "inference-recommendations-job" => json!({"JobType": "Default", "RoleArn": role, "InputConfig": {"ModelName": "example"}}),
        "ai-recommendation-job" => json!({
            "ModelSource": {"S3": {"S3Uri": "s3://ml/model"}}, "OutputConfig": {"S3OutputLocation": "s3://ml/recommended"},
            "AIWorkloadConfigIdentifier": "chat", "PerformanceTarget": {"Constraints": [{"Metric": "cost"}]}, "RoleArn": role,
        }),
        "labeling-job" => json!({
            "LabelAttributeName": "label", "RoleArn": role, "OutputConfig": {"S3OutputPath": "s3://ml/labels"},
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://ml/manifest"}}},
            "HumanTaskConfig": {
                "WorkteamArn": "arn:aws:sagemaker:eu-central-1:123456789012:workteam/private-crowd/us", "UiConfig": {}, "TaskTitle": "Label",
                "TaskDescription": "Label", "NumberOfHumanWorkersPerDataObject": 1, "TaskTimeLimitInSeconds": 600,
            },
        }),
        _ => return None,
    })
}
