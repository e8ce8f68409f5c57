//! Endpoints, their configurations and inference components in `SageMaker`'s JSON, and the facts that are made of them (aws-facts §2.4).

use cost_rules::{
    facts::{AutoScaling, CanSleep, Change, Component, Compute, Endpoint, Fixed, RunState, Serving, Variant},
    resource::{Kind, Ownership, Resource, Tags},
};
use serde::{Deserialize, de::IgnoredAny};

use crate::gather::wire::time;

/// The fields that are read of an endpoint.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EndpointRecord {
    endpoint_name: String,
    endpoint_arn: String,
    pub(super) endpoint_config_name: Option<String>,
    endpoint_status: Option<String>,
    creation_time: Option<f64>,
    last_modified_time: Option<f64>,
    #[serde(default)]
    production_variants: Vec<Deployed>,
    #[serde(default)]
    shadow_production_variants: Vec<Deployed>,
    pending_deployment_summary: Option<IgnoredAny>,
    async_inference_config: Option<IgnoredAny>,
}

/// A variant as it is deployed. It does not say on which instance type.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deployed {
    variant_name: String,
    current_weight: Option<f64>,
    current_instance_count: Option<u32>,
    desired_instance_count: Option<u32>,
    current_serverless_config: Option<ServerlessConfig>,
    variant_status: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServerlessConfig {
    #[serde(rename = "MemorySizeInMB")]
    memory_size_in_mb: Option<u32>,
    provisioned_concurrency: Option<u32>,
}

/// The fields that are read of an endpoint configuration.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfigRecord {
    #[serde(default)]
    production_variants: Vec<Configured>,
    #[serde(default)]
    shadow_production_variants: Vec<Configured>,
    async_inference_config: Option<IgnoredAny>,
}

/// A variant as it is configured.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configured {
    variant_name: String,
    /// A variant without a model serves inference components.
    model_name: Option<String>,
    instance_type: Option<String>,
    instance_pools: Option<Vec<IgnoredAny>>,
    serverless_config: Option<IgnoredAny>,
    managed_instance_scaling: Option<ManagedInstanceScaling>,
    capacity_reservation_config: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedInstanceScaling {
    status: Option<String>,
    min_instance_count: Option<u32>,
}

/// The fields that are read of an inference component.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ComponentRecord {
    inference_component_name: String,
    pub(super) endpoint_name: String,
    inference_component_status: Option<String>,
    runtime_config: Option<RuntimeConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuntimeConfig {
    desired_copy_count: Option<u32>,
}

impl EndpointRecord {
    /// The endpoint, without what only its configuration says, its scaling and its use.
    pub(super) fn endpoint(self) -> Endpoint {
        let all = self.production_variants.iter().chain(&self.shadow_production_variants);
        let is_changing = all.clone().any(|one| {
            one.variant_status.as_ref().is_some_and(|steps| !steps.is_empty()) || one.current_instance_count != one.desired_instance_count
        });
        let serving = self.serving();
        let production = self.production_variants.into_iter().map(|one| one.variant(false));
        let shadow = self.shadow_production_variants.into_iter().map(|one| one.variant(true));
        Endpoint {
            resource: Resource {
                id: Kind::Endpoint.id(&self.endpoint_name),
                arn: Some(self.endpoint_arn),
                name: self.endpoint_name,
                tags: Tags::NotIndexed,
                ownership: Ownership::default(),
            },
            state: state(self.endpoint_status.as_deref()),
            created: time(self.creation_time),
            modified: time(self.last_modified_time),
            config: self.endpoint_config_name,
            serving,
            is_deploying: self.pending_deployment_summary.is_some() || is_changing,
            variants: production.chain(shadow).collect(),
            components: None,
            backlog: None,
            attached: None,
            announced: vec![],
            hibernation: None,
            router: None,
            can_sleep: CanSleep::NotLooked,
            compute_optimizer: None,
        }
    }

    fn serving(&self) -> Serving {
        let is_serverless = |one: &Deployed| one.current_serverless_config.is_some();
        match self {
            _ if self.async_inference_config.is_some() => Serving::Asynchronous,
            _ if !self.production_variants.is_empty() && self.production_variants.iter().all(is_serverless) => Serving::Serverless,
            _ => Serving::Unknown,
        }
    }
}

impl Deployed {
    fn variant(self, is_shadow: bool) -> Variant {
        let compute = match self.current_serverless_config {
            Some(serverless) => Compute::Serverless {
                memory_mb: serverless.memory_size_in_mb.unwrap_or_default(),
                provisioned: serverless.provisioned_concurrency.filter(|environments| 0 < *environments),
            },
            None => Compute::Instances {
                instance_type: None,
                current: self.current_instance_count.unwrap_or_default(),
                desired: self.desired_instance_count.or(self.current_instance_count).unwrap_or_default(),
                fixed: is_shadow.then_some(Fixed::Shadow),
            },
        };
        Variant {
            name: self.variant_name,
            is_shadow,
            compute,
            weight: self.current_weight,
            scaling: AutoScaling::Unread,
            invocations: None,
            start_up: None,
            provisioned_use: None,
        }
    }
}

impl ConfigRecord {
    /// Sets what only the configuration says: the instance types, and whether the endpoint serves inference components.
    pub(super) fn take_into(&self, endpoint: &mut Endpoint) {
        endpoint.serving = match endpoint.serving {
            _ if self.async_inference_config.is_some() => Serving::Asynchronous,
            Serving::Unknown if self.production_variants.iter().any(|one| one.model_name.is_none()) => Serving::Components,
            Serving::Unknown => Serving::RealTime,
            known => known,
        };
        for variant in &mut endpoint.variants {
            if let (Compute::Instances { instance_type, fixed, .. }, Some(configured)) = (&mut variant.compute, self.of(&variant.name)) {
                instance_type.clone_from(&configured.instance_type);
                *fixed = fixed.take().or_else(|| configured.fixed());
            }
        }
    }

    /// The variant of this name. AWS compares names of variants by their case.
    fn of(&self, name: &str) -> Option<&Configured> {
        self.production_variants.iter().chain(&self.shadow_production_variants).find(|one| one.variant_name == name)
    }
}

impl Configured {
    fn fixed(&self) -> Option<Fixed> {
        let managed = self.managed_instance_scaling.as_ref().filter(|managed| managed.status.as_deref() != Some("DISABLED"));
        match self {
            _ if self.serverless_config.is_some() => None,
            _ if let Some(managed) = managed => Some(Fixed::Managed { least: managed.min_instance_count }),
            _ if self.capacity_reservation_config.is_some() => Some(Fixed::Reserved),
            _ if self.instance_pools.is_some() => Some(Fixed::SeveralTypes),
            _ if self.instance_type.as_deref().is_some_and(|name| name.starts_with("ml.t2.")) => Some(Fixed::Burstable),
            _ => None,
        }
    }
}

impl ComponentRecord {
    pub(super) fn component(self) -> Component {
        Component {
            name: self.inference_component_name,
            copies: self.runtime_config.and_then(|config| config.desired_copy_count),
            is_in_service: self.inference_component_status.as_deref() == Some("InService"),
            scaling: AutoScaling::Unread,
            invocations: None,
        }
    }
}

fn state(status: Option<&str>) -> RunState {
    match status {
        Some("InService") => RunState::InService,
        Some("Failed") => RunState::Failed,
        Some("Creating") => RunState::Changing(Change::Creating),
        Some("Updating" | "SystemUpdating" | "RollingBack") => RunState::Changing(Change::Updating),
        Some("Deleting") => RunState::Changing(Change::Deleting),
        // `OutOfService` and `UpdateRollbackFailed`: whether its instances serve is not known.
        _ => RunState::Other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(more: &Value) -> ConfigRecord {
        let mut variant = json!({"VariantName": "Blue", "ModelName": "churn", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1});
        variant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ConfigRecord::deserialize(json!({"ProductionVariants": [variant]})).unwrap()
    }

    fn endpoint(more: &Value, config: Option<&ConfigRecord>) -> Endpoint {
        let mut record = json!({
            "EndpointName": "Churn", "EndpointArn": "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/churn", "EndpointStatus": "InService",
            "EndpointConfigName": "churn-1", "CreationTime": 1_795_000_000.5,
            "ProductionVariants": [{"VariantName": "Blue", "CurrentWeight": 1.0, "CurrentInstanceCount": 2, "DesiredInstanceCount": 2}],
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut endpoint = EndpointRecord::deserialize(record).unwrap().endpoint();
        if let Some(config) = config {
            config.take_into(&mut endpoint);
        }
        endpoint
    }

    #[test]
    fn a_variant_has_its_numbers_from_the_endpoint_and_its_type_from_the_configuration() {
        let fixed = |fixed| Compute::Instances { instance_type: Some("ml.m5.large".into()), current: 2, desired: 2, fixed };
        for (more, capacity) in [
            (json!({}), fixed(None)),
            (
                json!({"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0}}),
                fixed(Some(Fixed::Managed { least: Some(0) })),
            ),
            (json!({"ManagedInstanceScaling": {"Status": "ENABLED"}}), fixed(Some(Fixed::Managed { least: None }))),
            (json!({"ManagedInstanceScaling": {"Status": "DISABLED"}}), fixed(None)),
            (json!({"CapacityReservationConfig": {"MlReservationArn": "arn"}}), fixed(Some(Fixed::Reserved))),
            (json!({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 1}]}), fixed(Some(Fixed::SeveralTypes))),
        ] {
            assert_eq!(endpoint(&json!({}), Some(&config(&more))).variants[0].compute, capacity, "{more}");
        }
        let burstable = endpoint(&json!({}), Some(&config(&json!({"InstanceType": "ml.t2.medium"}))));
        assert!(matches!(burstable.variants[0].compute, Compute::Instances { fixed: Some(Fixed::Burstable), .. }));
        let gone = endpoint(&json!({}), None);
        assert_eq!(gone.variants[0].compute, Compute::Instances { instance_type: None, current: 2, desired: 2, fixed: None });
        assert_eq!((gone.serving, gone.instances()), (Serving::Unknown, None), "a configuration that is gone");
    }

    #[test]
    fn how_it_answers() {
        let serverless = json!({"ProductionVariants": [{"VariantName": "Blue", "CurrentServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}}]});
        for (more, config, serving) in [
            (json!({}), config(&json!({})), Serving::RealTime),
            (json!({"AsyncInferenceConfig": {}}), config(&json!({})), Serving::Asynchronous),
            (serverless.clone(), config(&json!({"ServerlessConfig": {}})), Serving::Serverless),
            (json!({}), config(&json!({"ModelName": null})), Serving::Components),
        ] {
            assert_eq!(endpoint(&more, Some(&config)).serving, serving, "{more}");
        }
        let read = endpoint(&serverless, None);
        assert_eq!(read.variants[0].compute, Compute::Serverless { memory_mb: 2048, provisioned: Some(2) });
        assert_eq!(read.instances(), Some(vec![]));
    }

    #[test]
    fn whatever_is_under_way_counts_as_a_deployment() {
        let variant = |more: Value| {
            let mut variant = json!({"VariantName": "Blue", "CurrentInstanceCount": 2, "DesiredInstanceCount": 2});
            variant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"ProductionVariants": [variant]})
        };
        for (more, is_deploying) in [
            (json!({}), false),
            (json!({"PendingDeploymentSummary": {"EndpointConfigName": "churn-2"}}), true),
            (variant(json!({"DesiredInstanceCount": 4})), true),
            (variant(json!({"VariantStatus": [{"Status": "Baking"}]})), true),
            (variant(json!({"VariantStatus": []})), false),
        ] {
            assert_eq!(endpoint(&more, Some(&config(&json!({})))).is_deploying, is_deploying, "{more}");
        }
    }

    #[test]
    fn a_shadow_variant_is_billed_and_cannot_be_scaled() {
        let more = json!({"ShadowProductionVariants": [{"VariantName": "Green", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}]});
        let config = json!({
            "ProductionVariants": [{"VariantName": "Blue", "ModelName": "churn", "InstanceType": "ml.m5.large"}],
            "ShadowProductionVariants": [{"VariantName": "Green", "ModelName": "churn-2", "InstanceType": "ml.m5.xlarge"}],
        });
        let read = endpoint(&more, Some(&ConfigRecord::deserialize(config).unwrap()));
        assert_eq!(read.instances().unwrap().iter().map(|one| one.count).collect::<Vec<_>>(), [2, 1]);
        assert!(matches!(read.variants[1].compute, Compute::Instances { fixed: Some(Fixed::Shadow), .. }));
    }
}
