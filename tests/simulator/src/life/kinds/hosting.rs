//! Models, endpoint configurations, endpoints and inference components, in the shapes of aws-facts §2.4.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Asset, Grown, Instances,
    table::{kind_of, put},
};
use crate::{
    life::order::Listed as _,
    services::sagemaker::training::one_of,
    wire::{Refusal, text},
    world::World,
};

/// The resource that a definition names, or AWS's refusal if it does not exist.
pub(crate) fn named<'a>(world: &'a World, of: &str, name: &str) -> Result<&'a Asset, Refusal> {
    let kind = kind_of(of).ok_or_else(|| Refusal::not_simulated("sagemaker", of))?;
    world.assets.get(kind, name).ok_or_else(|| (kind.missing)(world, kind, name))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn grow_model(_: &World, definition: &Value) -> Result<Grown, Refusal> {
    let several = list(definition, "Containers");
    for container in definition.get("PrimaryContainer").into_iter().chain(several) {
        if let Some(mode) = text(container, "Mode") {
            one_of(mode, "primaryContainer.mode", &["SingleModel", "MultiModel"])?;
        }
    }
    if 15 < several.len() {
        return Err(Refusal::invalid_value("[…]", "containers", "Member must have length less than or equal to 15"));
    }
    Ok(Grown::default())
}

/// Adds AWS's defaults.
pub(crate) fn model(_: &World, _: &Asset, described: &mut Value) {
    let isolated = described.get("EnableNetworkIsolation").cloned();
    described["EnableNetworkIsolation"] = isolated.unwrap_or_else(|| false.into());
    if let Some(container) = described.get_mut("PrimaryContainer").and_then(Value::as_object_mut) {
        container.entry("Mode").or_insert_with(|| "SingleModel".into());
        container.entry("Environment").or_insert_with(|| json!({}));
    }
}

pub(crate) fn grow_config(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    let variants = list(definition, "ProductionVariants");
    if variants.is_empty() || 10 < variants.len() {
        let bound = if variants.is_empty() { "greater than or equal to 1" } else { "less than or equal to 10" };
        return Err(Refusal::invalid_value("[…]", "productionVariants", &format!("Member must have length {bound}")));
    }
    for variant in variants.iter().chain(list(definition, "ShadowProductionVariants")) {
        if let Some(name) = text(variant, "ModelName") {
            named(world, "model", name)?;
        }
        if let Some(serverless) = variant.get("ServerlessConfig") {
            let within = |name: &str, field: &str, bounds| {
                crate::services::sagemaker::training::within(
                    serverless,
                    name,
                    &format!("productionVariants.1.member.serverlessConfig.{field}"),
                    bounds,
                )
            };
            within("MemorySizeInMB", "memorySizeInMB", (1024, 6144))?;
            within("MaxConcurrency", "maxConcurrency", (1, 200))?;
            within("ProvisionedConcurrency", "provisionedConcurrency", (1, 200))?;
            if definition.get("AsyncInferenceConfig").is_some() {
                // The text is not AWS's own.
                return Err(Refusal::validation("AsyncInferenceConfig is not supported with ServerlessConfig.".into()));
            }
        } else if variant.get("InstanceType").is_none() && variant.get("InstancePools").is_none() {
            // moto's wording.
            return Err(Refusal::validation("Either ServerlessConfig or InstanceType must be given for a production variant.".into()));
        }
    }
    Ok(Grown::default())
}

/// The instance type of a variant. Of several types it is the one with the highest priority, which is always available here.
fn instance_type(variant: &Value) -> Option<&str> {
    let pools = list(variant, "InstancePools");
    let first = pools.iter().min_by_key(|pool| pool.get("Priority").and_then(Value::as_u64));
    text(variant, "InstanceType").or_else(|| text(first?, "InstanceType"))
}

fn count(variant: &Value) -> u64 {
    if variant.get("ServerlessConfig").is_some() {
        return 0;
    }
    variant.get("InitialInstanceCount").and_then(Value::as_u64).unwrap_or(1)
}

pub(crate) fn grow_endpoint(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    let config = named(world, "endpoint-config", text(definition, "EndpointConfigName").unwrap_or_default())?;
    let parts = Arc::clone(&config.definition);
    let component = if parts.get("AsyncInferenceConfig").is_some() { "AsyncInf" } else { "Host" };
    let variants = list(&parts, "ProductionVariants").iter().chain(list(&parts, "ShadowProductionVariants"));
    let instances = variants.filter_map(|variant| Some(Instances::new(component, instance_type(variant)?, count(variant))));
    Ok(Grown { instances: instances.collect(), parts: Arc::clone(&parts), ..Grown::default() })
}

/// A deployed variant in an answer. It has no instance type.
fn deployed(world: &World, variant: &Value) -> Value {
    let weight = variant.get("InitialVariantWeight").cloned().unwrap_or_else(|| json!(1.0));
    let mut summary = json!({
        "VariantName": variant.get("VariantName"), "CurrentWeight": weight, "DesiredWeight": weight,
        "CurrentInstanceCount": count(variant), "DesiredInstanceCount": count(variant),
    });
    put(&mut summary, "CurrentServerlessConfig", variant.get("ServerlessConfig").cloned());
    for name in ["ManagedInstanceScaling", "RoutingConfig"] {
        put(&mut summary, name, variant.get(name).cloned());
    }
    let image = text(variant, "ModelName")
        .and_then(|name| named(world, "model", name).ok())
        .and_then(|model| model.definition.pointer("/PrimaryContainer/Image").or_else(|| model.definition.pointer("/Containers/0/Image")));
    put(&mut summary, "DeployedImages", image.map(|image| json!([{"SpecifiedImage": image, "ResolvedImage": image}])));
    summary
}

/// A variant that is being deployed, in an answer.
fn pending(variant: &Value) -> Value {
    let mut summary = json!({"VariantName": variant.get("VariantName"), "DesiredWeight": variant.get("InitialVariantWeight").cloned().unwrap_or_else(|| json!(1.0))});
    match variant.get("ServerlessConfig") {
        Some(serverless) => summary["DesiredServerlessConfig"] = serverless.clone(),
        None => summary["DesiredInstanceCount"] = count(variant).into(),
    }
    for name in ["InstanceType", "ManagedInstanceScaling", "RoutingConfig"] {
        put(&mut summary, name, variant.get(name).cloned());
    }
    summary
}

pub(crate) fn endpoint(world: &World, asset: &Asset, described: &mut Value) {
    let parts = &asset.grown.parts;
    let shadows = list(parts, "ShadowProductionVariants");
    if asset.status() == "Creating" {
        // "only returned when the endpoint is creating or updating" (model)
        let mut summary = json!({
            "EndpointConfigName": asset.definition.get("EndpointConfigName"), "StartTime": crate::wire::seconds(asset.created()),
            "ProductionVariants": list(parts, "ProductionVariants").iter().map(pending).collect::<Vec<_>>(),
        });
        put(&mut summary, "ShadowProductionVariants", (!shadows.is_empty()).then(|| shadows.iter().map(pending).collect::<Vec<_>>()));
        described["PendingDeploymentSummary"] = summary;
    } else if asset.status() != "Failed" {
        let all = |variants: &[Value]| variants.iter().map(|variant| deployed(world, variant)).collect::<Vec<_>>();
        described["ProductionVariants"] = all(list(parts, "ProductionVariants")).into();
        put(described, "ShadowProductionVariants", (!shadows.is_empty()).then(|| all(shadows)));
    }
    for name in ["AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig"] {
        put(described, name, parts.get(name).cloned());
    }
    put(described, "LastDeploymentConfig", asset.definition.get("DeploymentConfig").cloned());
    if let Some(capture) = parts.get("DataCaptureConfig") {
        let is_on = capture.get("EnableCapture").and_then(Value::as_bool).unwrap_or_default();
        described["DataCaptureConfig"] = json!({
            "EnableCapture": is_on, "CaptureStatus": if is_on { "Started" } else { "Stopped" },
            "CurrentSamplingPercentage": capture.get("InitialSamplingPercentage"), "DestinationS3Uri": capture.get("DestinationS3Uri"),
            "KmsKeyId": capture.get("KmsKeyId").cloned().unwrap_or_else(|| "".into()),
        });
    }
}

/// As in the documentation's sample: numbers are floats, statuses are in capitals, and a variant has only its numbers.
pub(crate) fn endpoint_event(_: &World, asset: &Asset, (at, status): (Timestamp, &'static str)) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a present time, and numbers of instances, fit")]
    let number = |number: i64| number as f64;
    let variant = |variant: &Value| {
        let weight = variant.get("InitialVariantWeight").and_then(Value::as_f64).unwrap_or(1.0);
        json!({"DesiredWeight": weight, "DesiredInstanceCount": number(i64::try_from(count(variant)).unwrap_or(i64::MAX))})
    };
    let mut detail = json!({
        "EndpointConfigName": asset.definition.get("EndpointConfigName"), "EndpointStatus": in_capitals(status),
        "ProductionVariants": list(&asset.grown.parts, "ProductionVariants").iter().map(variant).collect::<Vec<_>>(),
        "CreationTime": number(asset.created().as_millisecond()), "LastModifiedTime": number(at.as_millisecond()),
    });
    put(&mut detail, "FailureReason", asset.failure());
    detail
}

/// `IN_SERVICE` for `InService`.
fn in_capitals(status: &str) -> String {
    let mut capitals = String::new();
    for letter in status.chars() {
        if letter.is_uppercase() && !capitals.is_empty() {
            capitals.push('_');
        }
        capitals.push(letter.to_ascii_uppercase());
    }
    capitals
}

pub(crate) fn grow_component(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    let endpoint = named(world, "endpoint", text(definition, "EndpointName").unwrap_or_default())?;
    for specification in definition.get("Specification").into_iter().chain(list(definition, "Specifications")) {
        if let Some(name) = text(specification, "ModelName") {
            named(world, "model", name)?;
        }
    }
    let first = endpoint.grown.parts.pointer("/ProductionVariants/0/VariantName").cloned().unwrap_or_default();
    let parts = Arc::new(json!({"EndpointArn": endpoint.arn, "VariantName": first}));
    Ok(Grown { parent: Some(endpoint.name.to_lowercase().into()), parts, ..Grown::default() })
}

/// The variant that a component runs on. It may be left out if the endpoint has only one.
fn variant_of(asset: &Asset) -> Value {
    asset.definition.get("VariantName").or_else(|| asset.grown.parts.get("VariantName")).cloned().unwrap_or_default()
}

pub(crate) fn is_of_variant(asset: &Asset, input: &Value) -> bool {
    text(input, "VariantNameEquals").is_none_or(|variant| variant_of(asset) == variant)
}

pub(crate) fn component_summary(_: &World, asset: &Asset, summary: &mut Value) {
    summary["EndpointName"] = asset.definition.get("EndpointName").cloned().unwrap_or_default();
    summary["EndpointArn"] = asset.grown.parts.get("EndpointArn").cloned().unwrap_or_default();
    summary["VariantName"] = variant_of(asset);
}

/// The answer differs from the input in the containers and in the number of copies.
pub(crate) fn component(world: &World, asset: &Asset, described: &mut Value) {
    component_summary(world, asset, described);
    let read_back = |specification: &Value| {
        let mut summary = specification.clone();
        if let Some(container) = summary.get_mut("Container").and_then(Value::as_object_mut)
            && let Some(image) = container.remove("Image")
        {
            container.insert("DeployedImage".into(), json!({"SpecifiedImage": image, "ResolvedImage": image}));
        }
        if let Some(cache) = summary.get("DataCacheConfig").cloned() {
            summary["DataCacheConfig"] = json!({"EnableCaching": cache.get("EnableCaching")});
        }
        summary
    };
    put(described, "Specification", asset.definition.get("Specification").map(read_back));
    let several = list(&asset.definition, "Specifications");
    put(described, "Specifications", (!several.is_empty()).then(|| several.iter().map(read_back).collect::<Vec<_>>()));
    let copies = asset.definition.pointer("/RuntimeConfig/CopyCount").cloned().unwrap_or_else(|| 1.into());
    let now = if asset.status() == "InService" { copies.clone() } else { 0.into() };
    described["RuntimeConfig"] = json!({"DesiredCopyCount": copies, "CurrentCopyCount": now});
}

/// Whether an endpoint has inference components. It can then not be deleted.
pub(crate) fn has_components(world: &World, endpoint: &Asset) -> bool {
    let shelf = kind_of("inference-component").and_then(|kind| world.assets.shelf(kind));
    shelf.is_some_and(|shelf| shelf.of(&endpoint.name.to_lowercase()).next().is_some())
}
