//! AWS CLI commands that change how an endpoint scales.

use crate::{
    scaling::attachment::NAMESPACE,
    vocabulary::text::{argument, quoted},
};

/// A command of Application Auto Scaling, to which its own options are added. `region`: the CLI's option, with a blank behind it
/// ([`crate::vocabulary::resource::region_option`]).
pub fn autoscaling_command(name: &str, region: &str, dimension: &str, resource_id: &str) -> String {
    let id = argument(resource_id);
    format!(
        "aws application-autoscaling {name} {region}--service-namespace {NAMESPACE} --scalable-dimension {dimension} --resource-id {id}"
    )
}

/// The command that sets the number of a variant's instances. `region`: as above.
pub fn how_to_set_instances(endpoint: &str, region: &str, variant: &str, instances: u32) -> String {
    let counts = quoted(&format!("VariantName={variant},DesiredInstanceCount={instances}"));
    let name = argument(endpoint);
    format!("aws sagemaker update-endpoint-weights-and-capacities {region}--endpoint-name {name} --desired-weights-and-capacities {counts}")
}

/// The command that sets the number of an inference component's copies. `region`: as above.
pub fn how_to_set_copies(region: &str, component: &str, copies: u32) -> String {
    let name = argument(component);
    format!(
        "aws sagemaker update-inference-component-runtime-config {region}--inference-component-name {name} --desired-runtime-config CopyCount={copies}"
    )
}
