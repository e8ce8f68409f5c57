//! What hangs on endpoints: monitoring schedules, shadow tests and inference routers. One row each, as in the table.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Asset, Kind, Life,
    newer::{plain, service},
    table::{CREATE, Create, DESCRIBE, Describe, LIST, List, kind_of, put},
};
use crate::{
    life::{hosting::fleet::list, order::Listed as _},
    wire::text,
    world::World,
};

pub(crate) const MONITORING_SCHEDULE: Kind = Kind {
    statuses: &["Pending", "Failed", "Scheduled", "Stopped"],
    describe: Describe { operation: "DescribeMonitoringSchedule", more: monitoring_schedule, ..DESCRIBE },
    delete: Some("DeleteMonitoringSchedule"),
    ..plain(
        "monitoring-schedule",
        "MonitoringSchedule",
        // It has no status for its deletion.
        Life::Service { creating: ("Pending", SignedDuration::from_mins(1)), ready: "Scheduled", deleting: SignedDuration::ZERO },
        Create { operation: "CreateMonitoringSchedule", required: &["MonitoringScheduleConfig"], ..CREATE },
        List {
            operation: "ListMonitoringSchedules",
            items: "MonitoringScheduleSummaries",
            wanted: is_of_endpoint,
            more: monitoring_summary,
            ..LIST
        },
    )
};

pub(crate) const INFERENCE_EXPERIMENT: Kind = Kind {
    statuses: &["Creating", "Created", "Updating", "Running", "Starting", "Stopping", "Completed", "Cancelled"],
    describe: Describe { operation: "DescribeInferenceExperiment", more: experiment, ..DESCRIBE },
    ..plain(
        "inference-experiment",
        "",
        service(("Creating", 5), "Running"),
        Create {
            operation: "CreateInferenceExperiment",
            most: 120,
            required: &["Type", "RoleArn", "EndpointName", "ModelVariants", "ShadowModeConfig"],
            ..CREATE
        },
        List { operation: "ListInferenceExperiments", items: "InferenceExperiments", more: experiment_summary, ..LIST },
    )
};

pub(crate) const INFERENCE_ROUTER: Kind = Kind {
    statuses: &["InService", "Creating", "Updating", "Failed", "Deleting"],
    describe: Describe { operation: "DescribeInferenceRouter", more: router, ..DESCRIBE },
    ..plain(
        "inference-router",
        "InferenceRouter",
        service(("Creating", 1), "InService"),
        Create { operation: "CreateInferenceRouter", required: &["RoutingTargets"], ..CREATE },
        List {
            operation: "ListInferenceRouters",
            items: "InferenceRouters",
            name: "",
            status: "",
            created: "",
            modified: "",
            more: without_status,
            ..LIST
        },
    )
};

/// The endpoint that a schedule watches, by its definition.
fn watched(definition: &Value) -> Option<&str> {
    let job = definition.pointer("/MonitoringScheduleConfig/MonitoringJobDefinition")?;
    list(job, "MonitoringInputs").iter().find_map(|input| text(input.get("EndpointInput")?, "EndpointName"))
}

fn monitoring_type(asset: &Asset) -> Option<&Value> {
    asset.definition.pointer("/MonitoringScheduleConfig/MonitoringType")
}

fn is_of_endpoint(_: &World, asset: &Asset, input: &Value) -> bool {
    let is_type = input.get("MonitoringTypeEquals").is_none_or(|wanted| monitoring_type(asset) == Some(wanted));
    is_type && text(input, "EndpointName").is_none_or(|wanted| watched(&asset.definition) == Some(wanted))
}

fn monitoring_summary(_: &World, asset: &Asset, summary: &mut Value) {
    put(summary, "EndpointName", watched(&asset.definition));
    put(summary, "MonitoringType", monitoring_type(asset).cloned());
    let named = asset.definition.pointer("/MonitoringScheduleConfig/MonitoringJobDefinitionName");
    put(summary, "MonitoringJobDefinitionName", named.cloned());
}

fn monitoring_schedule(_: &World, asset: &Asset, described: &mut Value) {
    put(described, "EndpointName", watched(&asset.definition));
    put(described, "MonitoringType", monitoring_type(asset).cloned());
}

fn without(summary: &mut Value, names: &[&str]) {
    if let Some(fields) = summary.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

fn experiment_summary(_: &World, asset: &Asset, summary: &mut Value) {
    without(summary, &["Arn"]);
    for name in ["Type", "Schedule", "Description", "RoleArn"] {
        put(summary, name, asset.definition.get(name).cloned());
    }
}

fn experiment(world: &World, asset: &Asset, described: &mut Value) {
    let name = text(&asset.definition, "EndpointName").unwrap_or_default();
    let mut endpoint = json!({"EndpointName": name});
    if let Some(found) = world.endpoint(name) {
        endpoint["EndpointStatus"] = found.status().into();
        put(&mut endpoint, "EndpointConfigName", found.grown.fleet.as_ref().map(|fleet| fleet.config.as_str()));
    }
    without(described, &["EndpointName"]);
    described["EndpointMetadata"] = endpoint;
    for variant in described.get_mut("ModelVariants").and_then(Value::as_array_mut).into_iter().flatten() {
        variant["Status"] = "InService".into();
    }
}

/// AWS's list of routers has no status.
fn without_status(_: &World, _: &Asset, summary: &mut Value) {
    without(summary, &["InferenceRouterStatus"]);
}

fn router(_: &World, asset: &Asset, described: &mut Value) {
    without(described, &["InferenceRouterStatus", "RoleArn", "ExecutionRoleArn"]);
    described["Status"] = asset.status().into();
    let targets = described.get_mut("RoutingTargets").and_then(Value::as_array_mut).into_iter().flatten();
    let destinations = targets.filter_map(|target| target.get_mut("Destinations")?.as_array_mut()).flatten();
    destinations.for_each(|destination| destination["RoutingStatus"] = "Routable".into());
}

/// The definition of a resource in the estate.
pub(crate) fn definition(kind: &str, endpoint: &str, role: &str, arn: &str) -> Option<Value> {
    let variant = |name: &str| {
        json!({"ModelName": "example", "VariantName": name, "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference", "RealTimeInferenceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }})
    };
    Some(match kind {
        "monitoring-schedule" => {
            let input = json!({"EndpointInput": {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input"}});
            let output = json!({"S3Output": {"S3Uri": "s3://ml/monitoring", "LocalPath": "/opt/ml/processing/output"}});
            let cluster = json!({"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20});
            json!({"MonitoringScheduleConfig": {
                "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringType": "DataQuality",
                "MonitoringJobDefinition": {
                    "MonitoringInputs": [input], "MonitoringOutputConfig": {"MonitoringOutputs": [output]},
                    "MonitoringResources": {"ClusterConfig": cluster}, "MonitoringAppSpecification": {"ImageUri": "monitor"}, "RoleArn": role,
                },
            }})
        }
        "inference-experiment" => json!({
            "Type": "ShadowMode", "RoleArn": role, "EndpointName": endpoint, "ModelVariants": [variant("production"), variant("shadow")],
            "ShadowModeConfig": {
                "SourceModelVariantName": "production",
                "ShadowModelVariants": [{"ShadowModelVariantName": "shadow", "SamplingPercentage": 10}],
            },
        }),
        "inference-router" => json!({"RoutingTargets": [{"Name": "main", "Destinations": [{"ResourceArn": arn}]}]}),
        _ => return None,
    })
}

impl World {
    /// Whether a monitoring schedule watches an endpoint.
    pub(crate) fn is_monitored(&self, endpoint: &str) -> bool {
        let schedules = kind_of("monitoring-schedule").and_then(|kind| self.assets.shelf(kind));
        schedules.is_some_and(|all| all.iter().any(|one| watched(&one.definition) == Some(endpoint) && one.status() != "Deleting"))
    }
}
