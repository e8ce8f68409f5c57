//! What valid models, endpoint configurations, endpoints and inference components are, in the shapes of aws-facts §2.4.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Asset, Grown, table::kind_of};
use crate::{
    life::hosting::fleet::{Fleet, Variant, images_of, list},
    services::sagemaker::training::one_of,
    wire::{Refusal, text},
    world::World,
};

/// The resource that a definition names, or AWS's refusal if it does not exist.
pub(crate) fn named<'a>(world: &'a World, of: &str, name: &str) -> Result<&'a Asset, Refusal> {
    let kind = kind_of(of).ok_or_else(|| Refusal::not_simulated("sagemaker", of))?;
    world.assets.get(kind, name).ok_or_else(|| (kind.missing)(world, kind, name))
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

/// A configuration's capacity, before anything of it is started.
pub(crate) fn fleet_of(world: &World, config: &Asset) -> Fleet {
    let parts = &config.definition;
    let variant = |(definition, is_shadow): (&Value, bool)| {
        let model = text(definition, "ModelName").and_then(|name| named(world, "model", name).ok());
        let images = model.map(|model| images_of(&world.hosting, &model.definition)).unwrap_or_default();
        Variant::new(definition, is_shadow, images)
    };
    let production = list(parts, "ProductionVariants").iter().map(|variant| (variant, false));
    let shadows = list(parts, "ShadowProductionVariants").iter().map(|variant| (variant, true));
    Fleet::of_endpoint(&config.name, parts, production.chain(shadows).map(variant).collect())
}

pub(crate) fn grow_endpoint(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    let config = named(world, "endpoint-config", text(definition, "EndpointConfigName").unwrap_or_default())?;
    let mut fleet = fleet_of(world, config);
    fleet.deployment = definition.get("DeploymentConfig").cloned();
    Ok(Grown { fleet: Some(Box::new(fleet)), ..Grown::default() })
}

pub(crate) fn grow_component(world: &World, definition: &Value) -> Result<Grown, Refusal> {
    let endpoint = named(world, "endpoint", text(definition, "EndpointName").unwrap_or_default())?;
    let mut images = vec![];
    for specification in definition.get("Specification").into_iter().chain(list(definition, "Specifications")) {
        if let Some(name) = text(specification, "ModelName") {
            images.extend(images_of(&world.hosting, &named(world, "model", name)?.definition));
        }
        let own = specification.get("Container").and_then(|container| text(container, "Image"));
        images = own.map(|image| vec![(image.to_owned(), world.hosting.resolved(image))]).unwrap_or(images);
    }
    let copies = definition.pointer("/RuntimeConfig/CopyCount").and_then(Value::as_u64).unwrap_or(1);
    let first = endpoint.grown.fleet.as_ref().and_then(|fleet| fleet.variants.first()).map(Variant::name);
    let parts = Arc::new(json!({"EndpointArn": endpoint.arn, "VariantName": first}));
    let name = text(definition, "VariantName").or_else(|| text(&parts, "VariantName")).unwrap_or_default();
    let fleet = Some(Box::new(Fleet::of_component(Variant::copies(name, copies, images))));
    Ok(Grown { parent: Some(endpoint.name.to_lowercase().into()), parts, fleet, ..Grown::default() })
}

/// The variant that a component runs on. It may be left out if the endpoint has only one.
fn variant_of(asset: &Asset) -> Value {
    asset.definition.get("VariantName").or_else(|| asset.grown.parts.get("VariantName")).cloned().unwrap_or_default()
}

pub(crate) fn is_of_variant(_: &World, asset: &Asset, input: &Value) -> bool {
    text(input, "VariantNameEquals").is_none_or(|variant| variant_of(asset) == variant)
}

pub(crate) fn component_summary(_: &World, asset: &Asset, summary: &mut Value) {
    summary["EndpointName"] = asset.definition.get("EndpointName").cloned().unwrap_or_default();
    summary["EndpointArn"] = asset.grown.parts.get("EndpointArn").cloned().unwrap_or_default();
    summary["VariantName"] = variant_of(asset);
}

/// Whether an endpoint has inference components. It can then not be deleted.
pub(crate) fn has_components(world: &World, endpoint: &Asset) -> bool {
    let shelf = kind_of("inference-component").and_then(|kind| world.assets.shelf(kind));
    shelf.is_some_and(|shelf| shelf.of(&endpoint.name.to_lowercase()).next().is_some())
}
