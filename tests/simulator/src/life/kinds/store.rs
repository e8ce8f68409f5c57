//! Feature groups, pipelines and their executions, `MLflow` tracking servers, `HyperPod` clusters.

use serde_json::{Value, json};

use super::{
    Asset, Grown, Instances, hosting,
    jobs::legal_type,
    table::{kind_of, put},
};
use crate::{
    life::{order::Listed as _, trail::digest},
    wire::{Refusal, seconds, text},
    world::World,
};

/// Twelve hexadecimal digits that are always the same for the same name.
pub(crate) fn id_of(name: &str) -> String {
    format!("{:012x}", digest(name) >> 16)
}

pub(crate) fn offline_store(_: &World, asset: &Asset, summary: &mut Value) {
    put(summary, "OfflineStoreStatus", asset.definition.get("OfflineStoreConfig").map(|_| json!({"Status": "Active"})));
}

pub(crate) fn has_store(_: &World, asset: &Asset, input: &Value) -> bool {
    let is = asset.definition.get("OfflineStoreConfig").map(|_| "Active");
    text(input, "OfflineStoreStatusEquals").is_none_or(|status| is == Some(status))
}

pub(crate) fn feature_group(world: &World, asset: &Asset, described: &mut Value) {
    offline_store(world, asset, described);
    // The model requires the field. There is only one page of features.
    described["NextToken"] = "".into();
}

fn put_creators(world: &World, asset: &Asset, described: &mut Value) {
    if let Some(by) = &asset.by {
        described["CreatedBy"] = by.context(world);
        described["LastModifiedBy"] = by.context(world);
    }
}

/// When a pipeline was last executed.
fn last_run(world: &World, asset: &Asset) -> Option<f64> {
    let executions = world.assets.shelf(kind_of("pipeline-execution")?)?;
    executions.of(&asset.name.to_lowercase()).next_back().map(|last| seconds(last.created()))
}

pub(crate) fn pipeline(world: &World, asset: &Asset, described: &mut Value) {
    put_creators(world, asset, described);
    put(described, "LastRunTime", last_run(world, asset));
    if described.get("PipelineDisplayName").is_none() {
        described["PipelineDisplayName"] = asset.name.as_str().into();
    }
}

pub(crate) fn pipeline_summary(world: &World, asset: &Asset, summary: &mut Value) {
    for name in ["PipelineDescription", "RoleArn"] {
        put(summary, name, asset.definition.get(name).cloned());
    }
    summary["PipelineDisplayName"] = asset.definition.get("PipelineDisplayName").cloned().unwrap_or_else(|| asset.name.as_str().into());
    put(summary, "LastExecutionTime", last_run(world, asset));
    if let Some(fields) = summary.as_object_mut() {
        fields.remove("PipelineStatus");
    }
}

/// Those in this account are all managed by the customer.
pub(crate) fn is_managed_by(_: &World, _: &Asset, input: &Value) -> bool {
    text(input, "ManagedBy") != Some("AWS")
}

pub(crate) fn grow_execution(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    let pipeline = hosting::named(world, "pipeline", text(definition, "PipelineName").unwrap_or_default())?;
    Ok(Grown { parent: Some(pipeline.name.to_lowercase().into()), ..Grown::default() })
}

pub(crate) fn execution_summary(_: &World, asset: &Asset, summary: &mut Value) {
    let id = asset.name.rsplit('/').next().unwrap_or_default();
    *summary = json!({
        "PipelineExecutionArn": asset.arn, "StartTime": seconds(asset.created()), "PipelineExecutionStatus": asset.status(),
        "PipelineExecutionDisplayName": format!("execution-{id}"),
    });
    put(summary, "PipelineExecutionFailureReason", asset.failure());
}

fn is_active(asset: &Asset) -> &'static str {
    if matches!(asset.status(), "Creating" | "CreateFailed" | "Stopped" | "Deleting") { "Inactive" } else { "Active" }
}

pub(crate) fn has_version(_: &World, asset: &Asset, input: &Value) -> bool {
    text(input, "MlflowVersion").is_none_or(|version| text(&asset.definition, "MlflowVersion") == Some(version))
}

pub(crate) fn tracking_server_summary(_: &World, asset: &Asset, summary: &mut Value) {
    summary["IsActive"] = is_active(asset).into();
    put(summary, "MlflowVersion", asset.definition.get("MlflowVersion").cloned());
}

pub(crate) fn tracking_server(world: &World, asset: &Asset, described: &mut Value) {
    described["IsActive"] = is_active(asset).into();
    put_creators(world, asset, described);
    if let Some(fields) = described.as_object_mut() {
        // The answer has no failure reason.
        fields.remove("FailureReason");
        fields.entry("TrackingServerSize").or_insert_with(|| "Small".into());
        fields.entry("AutomaticModelRegistration").or_insert_with(|| false.into());
        let url = format!("https://{}.{}.experiments.sagemaker.aws", id_of(&asset.name), world.region);
        fields.insert("TrackingServerUrl".into(), url.into());
    }
}

fn groups(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.get("InstanceGroups").and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn grow_cluster(_: &World, definition: &Value) -> Result<Grown, Refusal> {
    for group in groups(definition) {
        legal_type(Some(group), "instanceGroups.1.member")?;
    }
    let instances = groups(definition).filter_map(|group| {
        let count = group.get("InstanceCount").and_then(Value::as_u64).unwrap_or(1);
        Some(Instances::new("Cluster", text(group, "InstanceType")?, count))
    });
    Ok(Grown { instances: instances.collect(), ..Grown::default() })
}

/// The instance groups as the answer has them, with the current and the target count.
pub(crate) fn cluster(_: &World, asset: &Asset, described: &mut Value) {
    const KEPT: [&str; 8] = [
        "InstanceGroupName",
        "InstanceType",
        "LifeCycleConfig",
        "ExecutionRole",
        "ThreadsPerCore",
        "InstanceStorageConfigs",
        "TrainingPlanArn",
        "OnStartDeepHealthChecks",
    ];
    let is_up = asset.status() == "InService";
    let details = |group: &Value| {
        let target = group.get("InstanceCount").cloned().unwrap_or_else(|| 1.into());
        let status = match asset.status() {
            status @ ("Creating" | "Updating" | "Failed" | "SystemUpdating" | "Deleting") => status,
            _ => "InService",
        };
        let mut details = json!({"CurrentCount": if is_up { target.clone() } else { 0.into() }, "TargetCount": target, "Status": status});
        for name in KEPT {
            put(&mut details, name, group.get(name).cloned());
        }
        details
    };
    described["InstanceGroups"] = groups(&asset.definition).map(details).collect();
    if let Some(fields) = described.as_object_mut()
        && let Some(failure) = fields.remove("FailureReason")
    {
        fields.insert("FailureMessage".into(), failure);
    }
}

fn plans_of(asset: &Asset) -> Vec<Value> {
    groups(&asset.definition).filter_map(|group| group.get("TrainingPlanArn").cloned()).collect()
}

pub(crate) fn plans(_: &World, asset: &Asset, summary: &mut Value) {
    let plans = plans_of(asset);
    put(summary, "TrainingPlanArns", (!plans.is_empty()).then_some(plans));
}

pub(crate) fn has_plan(_: &World, asset: &Asset, input: &Value) -> bool {
    text(input, "TrainingPlanArn").is_none_or(|plan| plans_of(asset).iter().any(|one| one == plan))
}
