//! Processing, transform and `AutoML` jobs.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Asset, Grown, hosting,
    table::{instances_in, put},
};
use crate::{
    life::{order::Listed as _, trail::iso},
    services::sagemaker::training::within,
    wire::{Refusal, seconds, text},
    world::World,
};

fn limit(definition: &Value, most: i64) -> Result<Option<SignedDuration>, Refusal> {
    let Some(stopping) = definition.get("StoppingCondition") else { return Ok(None) };
    let seconds = within(stopping, "MaxRuntimeInSeconds", "stoppingCondition.maxRuntimeInSeconds", (1, most))?;
    Ok(seconds.map(SignedDuration::from_secs))
}

pub(super) fn legal_type(resources: Option<&Value>, field: &str) -> Result<(), Refusal> {
    match resources.and_then(|resources| text(resources, "InstanceType")).filter(|of| !of.starts_with("ml.")) {
        Some(unknown) => Err(Refusal::invalid_value(unknown, &format!("{field}.instanceType"), "Member must satisfy enum value set")),
        None => Ok(()),
    }
}

pub(super) fn grow_processing(_: &World, definition: &Value) -> Result<Grown, Refusal> {
    let resources = definition.pointer("/ProcessingResources/ClusterConfig");
    legal_type(resources, "processingResources.clusterConfig")?;
    // Nine days.
    let limit = limit(definition, 777_600)?;
    Ok(Grown { instances: instances_in(resources, "Processing"), limit, ..Grown::default() })
}

pub(super) fn grow_transform(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    hosting::named(world, "model", text(definition, "ModelName").unwrap_or_default())?;
    let resources = definition.get("TransformResources");
    legal_type(resources, "transformResources")?;
    let number = |name: &str, absent: u64| definition.get(name).and_then(Value::as_u64).unwrap_or(absent);
    let megabytes = number("MaxConcurrentTransforms", 1).saturating_mul(number("MaxPayloadInMB", 6));
    if 100 < megabytes {
        // AWS refuses this (API reference, CreateTransformJob); the text is not AWS's own.
        return Err(Refusal::validation(format!("MaxConcurrentTransforms * MaxPayloadInMB is {megabytes}: it must not exceed 100 MB.")));
    }
    Ok(Grown { instances: instances_in(resources, "Tsform"), ..Grown::default() })
}

/// Adds when it got its instances, and when it ended.
fn put_times(world: &World, asset: &Asset, object: &mut Value, (start, end): (&str, &str)) {
    put(object, start, asset.started(world.now).map(seconds));
    put(object, end, asset.ended().map(seconds));
}

pub(super) fn processing(world: &World, asset: &Asset, described: &mut Value) {
    put_times(world, asset, described, ("ProcessingStartTime", "ProcessingEndTime"));
    if let Some((of, count)) = described
        .pointer("/ProcessingResources/ClusterConfig/InstancePreferences/0")
        .filter(|_| asset.started(world.now).is_some())
        .and_then(|first| Some((first.get("InstanceType")?.clone(), first.get("InstanceCount").cloned())))
    {
        let cluster = &mut described["ProcessingResources"]["ClusterConfig"];
        cluster["SelectedInstanceType"] = of;
        put(cluster, "SelectedInstanceCount", count);
    }
}

pub(super) fn processing_summary(_: &World, asset: &Asset, summary: &mut Value) {
    put(summary, "ProcessingEndTime", asset.ended().map(seconds));
    put(summary, "FailureReason", asset.failure());
}

pub(super) fn transform(world: &World, asset: &Asset, described: &mut Value) {
    put_times(world, asset, described, ("TransformStartTime", "TransformEndTime"));
}

pub(super) fn transform_summary(_: &World, asset: &Asset, summary: &mut Value) {
    put(summary, "TransformEndTime", asset.ended().map(seconds));
    put(summary, "FailureReason", asset.failure());
}

fn secondary(asset: &Asset) -> &'static str {
    match asset.status() {
        "InProgress" => "AnalyzingData",
        other => other,
    }
}

pub(super) fn auto_ml(world: &World, asset: &Asset, described: &mut Value) {
    auto_ml_summary(world, asset, described);
    let problem = asset.definition.get("AutoMLProblemTypeConfig").and_then(Value::as_object).and_then(|config| config.keys().next());
    put(described, "AutoMLProblemTypeConfigName", problem.and_then(|name| name.strip_suffix("JobConfig")));
}

pub(super) fn auto_ml_summary(_: &World, asset: &Asset, summary: &mut Value) {
    summary["AutoMLJobSecondaryStatus"] = secondary(asset).into();
    put(summary, "EndTime", asset.ended().map(seconds));
    put(summary, "FailureReason", asset.failure());
}

/// The fields of a definition that are in the events.
fn detail_of(asset: &Asset, status: &str, fields: &[&str]) -> Value {
    let mut detail = json!({asset.kind.field("Status"): status});
    for name in fields {
        put(&mut detail, name, asset.definition.get(*name).cloned());
    }
    if status == "Failed" {
        put(&mut detail, "FailureReason", asset.failure());
    }
    detail
}

/// When it started, if it has instances, and when it ended, as of a moment.
fn times_of(asset: &Asset, at: Timestamp, status: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let ended = Some(at).filter(|_| matches!(status, "Completed" | "Failed" | "Stopped"));
    (asset.started(at), ended)
}

/// The event's times are in milliseconds.
pub(super) fn processing_event(_: &World, asset: &Asset, (at, status): (Timestamp, &'static str)) -> Value {
    let fields = [
        "ProcessingInputs",
        "ProcessingOutputConfig",
        "ProcessingResources",
        "StoppingCondition",
        "AppSpecification",
        "NetworkConfig",
        "RoleArn",
    ];
    let mut detail = detail_of(asset, status, &fields);
    let (started, ended) = times_of(asset, at, status);
    detail["CreationTime"] = asset.created().as_millisecond().into();
    detail["LastModifiedTime"] = at.as_millisecond().into();
    put(&mut detail, "ProcessingStartTime", started.map(Timestamp::as_millisecond));
    put(&mut detail, "ProcessingEndTime", ended.map(Timestamp::as_millisecond));
    detail
}

/// The event's times are texts.
pub(super) fn transform_event(_: &World, asset: &Asset, (at, status): (Timestamp, &'static str)) -> Value {
    let fields = [
        "ModelName",
        "MaxConcurrentTransforms",
        "MaxPayloadInMB",
        "BatchStrategy",
        "TransformInput",
        "TransformOutput",
        "TransformResources",
        "DataProcessing",
    ];
    let mut detail = detail_of(asset, status, &fields);
    let (started, ended) = times_of(asset, at, status);
    detail["CreationTime"] = iso(asset.created()).into();
    put(&mut detail, "TransformStartTime", started.map(iso));
    put(&mut detail, "TransformEndTime", ended.map(iso));
    detail
}
