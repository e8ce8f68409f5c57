//! Endpoints that change: updates, weights and capacities, deletion, and their resource policies; the copies of inference components.

use serde_json::{Value, json};

use crate::{
    life::{
        hosting::{
            Hosting,
            change::in_progress,
            fleet::{Fleet, Variant, instance_type, list},
        },
        kinds::{
            Asset,
            hosting::{fleet_of, has_components, named},
            table::{Kind, kind_of},
        },
        order::Listed as _,
    },
    services::{On, Operation, sagemaker::kinds::small},
    wire::{Refusal, text},
    world::World,
};

const ONE: On = On::One("endpoint", "EndpointName");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("UpdateEndpoint", ONE, update),
    Operation::new("UpdateEndpointWeightsAndCapacities", ONE, set_capacities),
    Operation::new("UpdateInferenceComponentRuntimeConfig", On::One("inference-component", "InferenceComponentName"), set_copies),
    Operation::new("GetEndpointPolicy", ONE, |world, input| policy(world, input)),
    Operation::new("PutEndpointPolicy", ONE, put_policy),
    Operation::new("DeleteEndpointPolicy", ONE, delete_policy),
];

fn endpoint_kind() -> Result<&'static Kind, Refusal> {
    kind_of("endpoint").ok_or_else(|| Refusal::not_simulated("sagemaker", "endpoints"))
}

fn endpoint<'a>(world: &'a World, input: &Value) -> Result<&'a Asset, Refusal> {
    named(world, "endpoint", text(input, "EndpointName").unwrap_or_default())
}

fn fleet(asset: &Asset) -> Result<&Fleet, Refusal> {
    asset.grown.fleet.as_deref().ok_or_else(|| Refusal::not_simulated("sagemaker", "an endpoint without variants"))
}

/// A failed endpoint can only be deleted (model).
fn may_change(asset: &Asset) -> Result<(), Refusal> {
    match asset.status() {
        "InService" | "OutOfService" | "UpdateRollbackFailed" => Ok(()),
        "Failed" => Err(Refusal::validation(format!("Cannot update endpoint \"{}\" in status Failed.", asset.arn))),
        _ => Err(in_progress(&asset.arn)),
    }
}

fn update(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let asset = endpoint(world, input)?;
    may_change(asset)?;
    let config = named(world, "endpoint-config", text(input, "EndpointConfigName").unwrap_or_default())?;
    let (now, mut next) = (fleet(asset)?, fleet_of(world, config));
    for variant in &next.variants {
        let Some(before) = now.variant(variant.name()) else { continue };
        if before.serverless.is_none() && variant.serverless.is_some() {
            // AWS refuses this (developer guide, serverless endpoints); the text is not AWS's own.
            return Err(Refusal::validation("A real-time endpoint cannot be updated to a serverless endpoint.".into()));
        }
    }
    refuse_if_scaled(world, asset, now, &next)?;
    let is = |name: &str| input.get(name).and_then(Value::as_bool).unwrap_or_default();
    if is("RetainAllVariantProperties") {
        let excluded: Vec<&str> =
            list(input, "ExcludeRetainedVariantProperties").iter().filter_map(|one| text(one, "VariantPropertyType")).collect();
        next.variants.iter_mut().for_each(|variant| retain(now, variant, &excluded));
    }
    next.deployment = if is("RetainDeploymentConfig") { now.deployment.clone() } else { input.get("DeploymentConfig").cloned() };
    let (name, arn) = (asset.name.clone(), asset.arn.clone());
    world.deploy_config(&name, next);
    Ok(json!({"EndpointArn": arn}))
}

/// Keeps the count and the weight that a variant has now.
fn retain(now: &Fleet, variant: &mut Variant, excluded: &[&str]) {
    let Some(before) = now.variant(variant.name()) else { return };
    if !excluded.contains(&"DesiredInstanceCount") {
        variant.count.desired = before.count.desired;
    }
    if !excluded.contains(&"DesiredWeight") {
        variant.weight.desired = before.weight.desired;
    }
}

/// An update that changes the instance type of a variant with a scalable target, or removes the variant, is refused (developer guide,
/// endpoint-scaling-update). The texts are not AWS's own.
fn refuse_if_scaled(world: &World, asset: &Asset, now: &Fleet, next: &Fleet) -> Result<(), Refusal> {
    for before in now.variants.iter().filter(|variant| world.is_scaled(&asset.name, variant.name())) {
        let Some(after) = next.variant(before.name()) else {
            return Err(Refusal::validation(format!(
                "An Application AutoScaling scalable target exists for variant {} that is removed. Deregister the scalable target first.",
                before.name()
            )));
        };
        if instance_type(&before.definition) != instance_type(&after.definition) {
            return Err(Refusal::validation(format!(
                "Cannot change the instance type of variant {} with a registered Application AutoScaling scalable target. Deregister the scalable target first.",
                before.name()
            )));
        }
    }
    Ok(())
}

fn set_capacities(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let asset = endpoint(world, input)?;
    let wanted = list(input, "DesiredWeightsAndCapacities");
    if wanted.is_empty() {
        return Err(Refusal::invalid_value("[]", "desiredWeightsAndCapacities", "Member must have length greater than or equal to 1"));
    }
    let now = fleet(asset)?;
    let unknown: Vec<&str> = wanted.iter().filter_map(|one| text(one, "VariantName")).filter(|name| now.variant(name).is_none()).collect();
    if !unknown.is_empty() {
        // moto's wording.
        let config = world.arn(&format!("endpoint-config/{}", now.config));
        let names = unknown.join(", ");
        return Err(Refusal::validation(format!(
            "The variant name(s) \"{names}\" is/are not present within endpoint configuration \"{config}\"."
        )));
    }
    may_change(asset)?;
    let capacity = |one: &&Value| one.get("DesiredInstanceCount").is_some() || one.get("ServerlessUpdateConfig").is_some();
    if 1 < wanted.iter().filter(capacity).count() {
        // "or capacity of one variant" (model); the text is not AWS's own.
        return Err(Refusal::validation("The capacity of only one variant can be updated at a time.".into()));
    }
    let (name, arn, wanted) = (asset.name.clone(), asset.arn.clone(), wanted.to_vec());
    world.change_capacity(endpoint_kind()?, &name, |fleet| wanted.iter().for_each(|one| want(fleet, one)));
    Ok(json!({"EndpointArn": arn}))
}

fn want(fleet: &mut Fleet, wanted: &Value) {
    let Some(variant) = fleet.variant_mut(text(wanted, "VariantName").unwrap_or_default()) else { return };
    if let Some(weight) = wanted.get("DesiredWeight").and_then(Value::as_f64) {
        variant.weight.desired = weight;
    }
    if let Some(count) = wanted.get("DesiredInstanceCount").and_then(Value::as_u64).filter(|_| variant.serverless.is_none()) {
        variant.count.desired = count;
    }
    if let (Some(serverless), Some(Value::Object(update))) = (&mut variant.serverless, wanted.get("ServerlessUpdateConfig"))
        && let Some(desired) = serverless.desired.as_object_mut()
    {
        desired.extend(update.clone());
    }
}

fn set_copies(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let kind = kind_of("inference-component").ok_or_else(|| Refusal::not_simulated("sagemaker", "inference components"))?;
    let asset = named(world, "inference-component", text(input, "InferenceComponentName").unwrap_or_default())?;
    let copies = input.pointer("/DesiredRuntimeConfig/CopyCount").and_then(Value::as_u64).ok_or_else(|| {
        let field = small("DesiredRuntimeConfig.CopyCount");
        Refusal::validation(format!(
            "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
        ))
    })?;
    if asset.status() != "InService" {
        // The text is not AWS's own.
        return Err(Refusal::validation(format!("Cannot update in-progress inference component \"{}\".", asset.arn)));
    }
    let (name, arn) = (asset.name.clone(), asset.arn.clone());
    world.change_capacity(kind, &name, |fleet| fleet.variants.iter_mut().for_each(|variant| variant.count.desired = copies));
    Ok(json!({"InferenceComponentArn": arn}))
}

/// A component is created with at least one copy (recorded by a user). In an estate it may have been scaled to zero since.
pub(crate) fn may_create(kind: &Kind, definition: &Value) -> Result<(), Refusal> {
    let copies = definition.pointer("/RuntimeConfig/CopyCount").and_then(Value::as_u64);
    if kind.name == "inference-component" && copies == Some(0) {
        return Err(Refusal::validation("Provide a copy count an integer larger than 0.".into()));
    }
    Ok(())
}

/// Whether an endpoint can be deleted.
pub(crate) fn may_delete(world: &World, asset: &Asset) -> Result<(), Refusal> {
    let arn = &asset.arn;
    if matches!(asset.status(), "Creating" | "Updating" | "SystemUpdating" | "RollingBack" | "Deleting") {
        return Err(in_progress(arn));
    }
    // AWS refuses these (developer guide; reports of users); the texts are not AWS's own.
    if has_components(world, asset) {
        return Err(Refusal::validation(format!("Cannot delete endpoint \"{arn}\" while inference components are on it.")));
    }
    if world.is_monitored(&asset.name) {
        return Err(Refusal::validation(format!("Cannot delete endpoint \"{arn}\" because it has monitoring schedules.")));
    }
    Ok(())
}

/// The endpoint's key, if it is there.
fn key_of(world: &World, input: &Value) -> Result<(String, String, &'static str), Refusal> {
    let asset = endpoint(world, input).map_err(|missing| Refusal::new(400, "ResourceNotFound", missing.message))?;
    Ok((Hosting::key(asset.kind, &asset.name), asset.arn.clone(), asset.status()))
}

fn policy(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (key, arn, _) = key_of(world, input)?;
    // The code is the API reference's; the text is not AWS's own.
    let none = || Refusal::validation(format!("There is no resource policy for endpoint \"{arn}\"."));
    let policy = world.hosting.policies.get(&key).ok_or_else(none)?;
    Ok(json!({"EndpointName": text(input, "EndpointName"), "EndpointArn": arn, "ResourcePolicy": policy}))
}

fn put_policy(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    const MOST: usize = 20_480;
    let (key, arn, status) = key_of(world, input)?;
    let policy = text(input, "ResourcePolicy").unwrap_or_default();
    if MOST < policy.len() {
        return Err(Refusal::invalid_value("…", "resourcePolicy", &format!("Member must have length less than or equal to {MOST}")));
    }
    if matches!(status, "Deleting" | "Failed") {
        return Err(Refusal::validation(format!("Cannot put a policy on endpoint \"{arn}\" in status {status}.")));
    }
    if serde_json::from_str::<Value>(policy).is_err() {
        return Err(Refusal::validation("The resource policy is not valid JSON.".into()));
    }
    world.hosting.policies.insert(key, policy.to_owned());
    Ok(json!({"EndpointArn": arn}))
}

fn delete_policy(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let (key, ..) = key_of(world, input)?;
    world.hosting.policies.remove(&key);
    Ok(json!({}))
}
