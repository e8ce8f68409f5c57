//! What `DescribeEndpoint` and the events of endpoints say of their capacity, in the shapes of aws-facts §1.2 and §2.4.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    life::{
        hosting::fleet::{Change, Fleet, Variant, list},
        kinds::{Asset, table::put},
        order::Listed as _,
    },
    wire::seconds,
    world::World,
};

/// A deployed variant. It has no instance type.
fn deployed(fleet: &Fleet, variant: &Variant, updating: Option<Timestamp>) -> Value {
    let mut summary = json!({
        "VariantName": variant.name(), "CurrentWeight": variant.weight.current, "DesiredWeight": variant.weight.desired,
        "CurrentInstanceCount": variant.count.current, "DesiredInstanceCount": variant.count.desired,
    });
    if let Some(serverless) = &variant.serverless {
        summary["CurrentServerlessConfig"] = serverless.current.clone();
        let differs = serverless.current != serverless.desired;
        put(&mut summary, "DesiredServerlessConfig", differs.then(|| serverless.desired.clone()));
    }
    for name in ["ManagedInstanceScaling", "RoutingConfig", "CapacityReservationConfig"] {
        put(&mut summary, name, variant.definition.get(name).cloned());
    }
    let changes = variant.count.current != variant.count.desired;
    let status = updating.filter(|_| changes).map(|at| json!([{"Status": "Updating", "StartTime": seconds(at)}]));
    put(&mut summary, "VariantStatus", status);
    put(&mut summary, "DeployedImages", variant.images(fleet.resolved()));
    summary
}

/// A variant that is being deployed.
fn pending(variant: &Variant, status: &str, since: Timestamp) -> Value {
    let mut summary = json!({
        "VariantName": variant.name(), "DesiredWeight": variant.weight.desired,
        "VariantStatus": [{"Status": status, "StartTime": seconds(since)}],
    });
    match &variant.serverless {
        Some(serverless) => summary["DesiredServerlessConfig"] = serverless.desired.clone(),
        None => summary["DesiredInstanceCount"] = variant.count.desired.into(),
    }
    for name in ["InstanceType", "ManagedInstanceScaling", "RoutingConfig"] {
        put(&mut summary, name, variant.definition.get(name).cloned());
    }
    summary
}

fn both(fleet: &Fleet, described: &mut Value, of: impl Fn(&Variant) -> Value) {
    let all = |shadows: bool| fleet.variants.iter().filter(|variant| variant.is_shadow == shadows).map(&of).collect::<Vec<_>>();
    described["ProductionVariants"] = all(false).into();
    let shadows = all(true);
    put(described, "ShadowProductionVariants", (!shadows.is_empty()).then_some(shadows));
}

/// "only returned when the endpoint is creating or updating" (model). A change of capacity deploys nothing.
fn pending_summary(fleet: &Fleet, status: &str, since: Timestamp) -> Value {
    let mut summary = json!({"EndpointConfigName": fleet.config, "StartTime": seconds(since)});
    both(fleet, &mut summary, |variant| pending(variant, status, since));
    summary
}

pub(crate) fn endpoint(_: &World, asset: &Asset, described: &mut Value) {
    let Some(fleet) = &asset.grown.fleet else { return };
    let parts = &fleet.parts;
    described["EndpointConfigName"] = fleet.config.as_str().into();
    let since = asset.modified();
    match asset.status() {
        "Creating" => described["PendingDeploymentSummary"] = pending_summary(fleet, "Creating", since),
        "Failed" => {}
        status => {
            let updating = Some(since).filter(|_| status == "Updating");
            both(fleet, described, |variant| deployed(fleet, variant, updating));
            if let (Some(Change::Deploy(next)), "Updating") = (&fleet.pending, status) {
                described["PendingDeploymentSummary"] = pending_summary(next, "Creating", since);
            }
        }
    }
    for name in ["AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig", "CrossRegionTrafficConfig"] {
        put(described, name, parts.get(name).cloned());
    }
    put(described, "LastDeploymentConfig", fleet.deployment.clone());
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
    let variant = |variant: &Variant| {
        let count = number(i64::try_from(variant.count.desired).unwrap_or(i64::MAX));
        json!({"DesiredWeight": variant.weight.desired, "DesiredInstanceCount": count})
    };
    let fleet = asset.grown.fleet.as_deref();
    let variants = fleet.into_iter().flat_map(|fleet| &fleet.variants).filter(|variant| !variant.is_shadow);
    let mut detail = json!({
        "EndpointConfigName": fleet.map(|fleet| fleet.config.as_str()), "EndpointStatus": in_capitals(status),
        "ProductionVariants": variants.map(variant).collect::<Vec<_>>(),
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

/// The answer differs from the input in the containers and in the number of copies.
pub(crate) fn component(world: &World, asset: &Asset, described: &mut Value) {
    crate::life::kinds::hosting::component_summary(world, asset, described);
    let Some(fleet) = &asset.grown.fleet else { return };
    let images = fleet.variants.first().and_then(|copies| copies.images(fleet.resolved()));
    let read_back = |specification: &Value| {
        let mut summary = specification.clone();
        if let Some(container) = summary.get_mut("Container").and_then(Value::as_object_mut)
            && container.remove("Image").is_some()
        {
            container.insert("DeployedImage".into(), images.as_ref().and_then(|images| images.get(0)).cloned().unwrap_or_default());
        }
        if let Some(cache) = summary.get("DataCacheConfig").cloned() {
            summary["DataCacheConfig"] = json!({"EnableCaching": cache.get("EnableCaching")});
        }
        summary
    };
    put(described, "Specification", asset.definition.get("Specification").map(read_back));
    let several = list(&asset.definition, "Specifications");
    put(described, "Specifications", (!several.is_empty()).then(|| several.iter().map(read_back).collect::<Vec<_>>()));
    let copies = fleet.variants.first().map(|copies| copies.count.clone());
    let copies = copies.map_or((0, 0), |copies| (copies.desired, if asset.status() == "Creating" { 0 } else { copies.current }));
    described["RuntimeConfig"] = json!({"DesiredCopyCount": copies.0, "CurrentCopyCount": copies.1});
}
