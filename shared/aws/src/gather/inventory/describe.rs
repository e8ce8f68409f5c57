//! Describes single resources, for what a list does not contain: what a resource runs on, what it belongs to, its ARN.

use std::collections::HashMap;

use aws_sdk_sagemaker::{
    operation::describe_endpoint_config::DescribeEndpointConfigOutput,
    types::{AppSpecification, ClusterInstanceGroupDetails, ProductionVariant, ProductionVariantSummary},
};
use cost_rules::{
    duration::Duration,
    facts::{Asset, Parent, Variables, arguments},
    price::Instances,
    remedy::Remedy,
    resource::{Kind, id_of_arn},
    rulebook::Rulebook,
    rules::studio::is_billed_by_session,
    vocabulary::image::without_version,
};

use crate::{
    clients::{Clients, why::why},
    gather::{
        read::{Read, says_gone},
        studio::apps,
        training,
    },
};

/// The response of a describe operation. `None`: the resource is gone.
macro_rules! described {
    ($operation:literal, $call:expr) => {
        match $call.send().await {
            Ok(found) => Some(found),
            Err(error) if error.as_service_error().is_some_and(says_gone) => None,
            Err(error) => return Err(format!("sagemaker:{}: {}", $operation, why(&error))),
        }
    };
}

/// What a description contains that a list does not.
#[derive(Default)]
pub(super) struct Described {
    pub(super) instances: Vec<Instances>,
    pub(super) limit: Option<Duration>,
    pub(super) parent: Option<Parent>,
    /// [`Asset::work`]
    pub(super) work: Option<String>,
    /// [`cost_rules::facts::Subject::part_of`]
    pub(super) part_of: Option<String>,
    /// [`Asset::is_spot`]
    pub(super) is_spot: bool,
}

/// Describes a resource if its list contains too little; makes no call for other kinds.
pub(super) async fn describe(clients: &Clients, rulebook: &Rulebook, audited: &Asset) -> Read<Described> {
    clients.in_time()?;
    let (sagemaker, name) = (&clients.sagemaker, audited.resource.name.as_str());
    let described = match audited.resource.kind() {
        Some(Kind::TrainingJob) => training::training(clients, rulebook, name).await?.map(|job| Described {
            instances: job.instances,
            limit: job.max_runtime,
            parent: job.parent.as_deref().and_then(of_arn),
            work: job.work,
            part_of: job.parent,
            is_spot: job.spot,
        }),
        Some(Kind::TuningJob) => training::describe_tuning(clients, rulebook, name).await?.map(|job| {
            let prices = rulebook.policy.prices_of(&clients.region);
            let instances = job.most_at_once(&job.definitions, |instances| prices.hourly_of(instances));
            let limit = job.longest().filter(|_| !job.definitions.is_empty());
            let is_spot = job.is_spot();
            Described { instances, limit, work: job.work, is_spot, ..Described::default() }
        }),
        Some(Kind::ProcessingJob) => described!("DescribeProcessingJob", sagemaker.describe_processing_job().processing_job_name(name))
            .map(|found| {
                let cluster = found.processing_resources.and_then(|resources| resources.cluster_config);
                Described {
                    instances: cluster
                        .and_then(|cluster| instances(cluster.instance_type.as_ref(), cluster.instance_count))
                        .into_iter()
                        .collect(),
                    limit: found
                        .stopping_condition
                        .and_then(|condition| condition.max_runtime_in_seconds)
                        .map(|most| Duration::seconds(most.into())),
                    parent: found.auto_ml_job_arn.as_deref().and_then(of_arn),
                    work: found
                        .app_specification
                        .and_then(|app| app.image_uri)
                        .zip(found.role_arn)
                        .map(|(image, role)| format!("{} {role}", without_version(&image))),
                    // Debugger's jobs name a training job, Model Monitor's a schedule.
                    part_of: found.auto_ml_job_arn.or(found.monitoring_schedule_arn).or(found.training_job_arn),
                    is_spot: false,
                }
            }),
        Some(Kind::TransformJob) => {
            described!("DescribeTransformJob", sagemaker.describe_transform_job().transform_job_name(name)).map(|found| {
                let resources = found.transform_resources;
                Described {
                    instances: resources
                        .and_then(|resources| instances(resources.instance_type.as_ref(), resources.instance_count))
                        .into_iter()
                        .collect(),
                    limit: None,
                    parent: found
                        .auto_ml_job_arn
                        .as_deref()
                        .and_then(of_arn)
                        .or_else(|| found.model_name.clone().map(|model| named(Kind::Model, model))),
                    work: found.model_name,
                    part_of: found.auto_ml_job_arn.or(found.labeling_job_arn),
                    is_spot: false,
                }
            })
        }
        Some(Kind::App) if audited.run.is_some() && audited.instances.is_empty() => match &audited.stop {
            Remedy::DeleteApp { domain, home, app_type, app_name } if !is_billed_by_session(app_type) => {
                apps::describe(clients, domain, home, app_type, app_name).await?.map(|found| {
                    let instance_type = found.resource_spec.and_then(|spec| spec.instance_type);
                    Described { instances: instances(instance_type.as_ref(), Some(1)).into_iter().collect(), ..Described::default() }
                })
            }
            _ => None,
        },
        Some(Kind::Endpoint) => return describe_endpoint(clients, name).await,
        Some(Kind::EndpointConfig) => {
            describe_config(clients, name).await?.map(|config| Described { parent: model_of(&config), ..Described::default() })
        }
        Some(Kind::Cluster) => described!("DescribeCluster", sagemaker.describe_cluster().cluster_name(name)).map(|found| {
            let groups = found.instance_groups.unwrap_or_default();
            let of_group = |group: &ClusterInstanceGroupDetails| instances(group.instance_type.as_ref(), group.current_count);
            Described { instances: groups.iter().filter_map(of_group).collect(), ..Described::default() }
        }),
        _ => None,
    };
    Ok(described.unwrap_or_default())
}

/// The variables that a job of any kind was given. A job that is gone has none.
pub(crate) async fn variables(clients: &Clients, id: &str, name: &str) -> Read<Variables> {
    clients.in_time()?;
    let sagemaker = &clients.sagemaker;
    let variables = match Kind::of(id) {
        Some(Kind::ProcessingJob) => described!("DescribeProcessingJob", sagemaker.describe_processing_job().processing_job_name(name))
            .map(|found| variables_of(found.environment, found.app_specification)),
        Some(Kind::TransformJob) => described!("DescribeTransformJob", sagemaker.describe_transform_job().transform_job_name(name))
            .map(|found| variables_of(found.environment, None)),
        _ => return training::variables(clients, id, name).await,
    };
    Ok(variables.unwrap_or_default())
}

fn variables_of(environment: Option<HashMap<String, String>>, app: Option<AppSpecification>) -> Variables {
    let words = app.into_iter().flat_map(|app| [app.container_entrypoint, app.container_arguments]).flatten().flatten();
    environment.unwrap_or_default().into_iter().chain(arguments(words)).collect()
}

/// The instance types are in the endpoint's configuration, their current numbers in the endpoint itself.
async fn describe_endpoint(clients: &Clients, name: &str) -> Read<Described> {
    let Some(endpoint) = described!("DescribeEndpoint", clients.sagemaker.describe_endpoint().endpoint_name(name)) else {
        return Ok(Described::default());
    };
    let Some(config_name) = endpoint.endpoint_config_name else { return Ok(Described::default()) };
    // A shadow variant gets copies of the requests. Its instances are billed as those of the others are.
    let variants = [endpoint.production_variants, endpoint.shadow_production_variants].into_iter().flatten().flatten();
    let now: HashMap<String, ProductionVariantSummary> = variants.filter_map(|one| Some((one.variant_name.clone()?, one))).collect();
    let parent = Some(named(Kind::EndpointConfig, config_name.clone()));
    let Some(config) = describe_config(clients, &config_name).await? else {
        // The endpoint goes on running without its configuration (aws-facts §2.4). How many instances it has is still known.
        let count = now.values().filter_map(|one| u32::try_from(one.current_instance_count?).ok()).sum();
        let instances = Some(of_unknown_type(count)).filter(|one| 0 < one.count).into_iter().collect();
        return Ok(Described { instances, parent, ..Described::default() });
    };
    let variants = config.production_variants().iter().chain(config.shadow_production_variants());
    let instances = variants.flat_map(|one| of_variant(one, one.variant_name.as_ref().and_then(|name| now.get(name)))).collect();
    Ok(Described { instances, parent, ..Described::default() })
}

/// What a variant runs on. `now`: what its endpoint says of it. Only that tells which types of its instance pools are used.
fn of_variant(variant: &ProductionVariant, now: Option<&ProductionVariantSummary>) -> Vec<Instances> {
    let pools = now.map(ProductionVariantSummary::instance_pools).unwrap_or_default();
    if !pools.is_empty() {
        return pools.iter().filter_map(|pool| instances(pool.instance_type.as_ref(), pool.current_instance_count)).collect();
    }
    let count = now.and_then(|now| now.current_instance_count).or(variant.initial_instance_count);
    if variant.instance_pools().is_empty() {
        return instances(variant.instance_type.as_ref(), count).into_iter().collect();
    }
    count.and_then(|count| u32::try_from(count).ok()).map(of_unknown_type).into_iter().collect()
}

fn of_unknown_type(count: u32) -> Instances {
    Instances { instance_type: Instances::UNKNOWN_TYPE.to_owned(), count }
}

async fn describe_config(clients: &Clients, name: &str) -> Read<Option<DescribeEndpointConfigOutput>> {
    Ok(described!("DescribeEndpointConfig", clients.sagemaker.describe_endpoint_config().endpoint_config_name(name)))
}

/// The first of several models: its owner is good enough.
fn model_of(config: &DescribeEndpointConfigOutput) -> Option<Parent> {
    config.production_variants.iter().flatten().find_map(|variant| variant.model_name.clone()).map(|model| named(Kind::Model, model))
}

/// The ARN of a resource whose list contains none. `None`: the resource is gone.
pub(super) async fn arn_of(clients: &Clients, audited: &Asset) -> Read<Option<String>> {
    let (sagemaker, name) = (&clients.sagemaker, audited.resource.name.as_str());
    let domain = || audited.resource.id.split('/').nth(1).unwrap_or_default();
    match (audited.resource.kind(), &audited.stop) {
        (Some(Kind::App), Remedy::DeleteApp { domain, home, app_type, app_name }) => {
            Ok(apps::describe(clients, domain, home, app_type, app_name).await?.and_then(|found| found.app_arn))
        }
        (Some(Kind::Space), _) => {
            let found = described!("DescribeSpace", sagemaker.describe_space().domain_id(domain()).space_name(name));
            Ok(found.and_then(|found| found.space_arn))
        }
        (Some(Kind::UserProfile), _) => {
            let found = described!("DescribeUserProfile", sagemaker.describe_user_profile().domain_id(domain()).user_profile_name(name));
            Ok(found.and_then(|found| found.user_profile_arn))
        }
        _ => Err("its ARN is not known".to_owned()),
    }
}

fn instances(instance_type: Option<&impl AsRef<str>>, count: Option<i32>) -> Option<Instances> {
    Some(Instances { instance_type: instance_type?.as_ref().to_owned(), count: u32::try_from(count?).ok()? })
}

pub(super) fn named(kind: Kind, name: String) -> Parent {
    Parent { id: kind.id(&name), name: Some(name) }
}

/// A parent by its ARN. The exact spelling of its name is not known. `None`: tags of its kind are not read.
fn of_arn(arn: &str) -> Option<Parent> {
    id_of_arn(arn).filter(|id| Kind::of(id).is_some()).map(|id| Parent { id, name: None })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::{
        operation::describe_endpoint::DescribeEndpointOutput,
        types::{InstancePool, InstancePoolSummary, ProductionVariantInstanceType},
    };
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::testing;

    const M5: ProductionVariantInstanceType = ProductionVariantInstanceType::MlM5Xlarge;
    const G5: ProductionVariantInstanceType = ProductionVariantInstanceType::MlG52Xlarge;

    fn configured(name: &str, instance_type: Option<ProductionVariantInstanceType>, count: i32) -> ProductionVariant {
        ProductionVariant::builder().variant_name(name).set_instance_type(instance_type).initial_instance_count(count).build()
    }

    fn now(name: &str, count: i32) -> ProductionVariantSummary {
        ProductionVariantSummary::builder().variant_name(name).current_instance_count(count).build()
    }

    #[tokio::test]
    async fn an_endpoint_runs_its_shadow_variants_and_its_pools_too() {
        let pool = InstancePoolSummary::builder().instance_type(G5).current_instance_count(3).build();
        let pooled = ProductionVariantSummary::builder().variant_name("pooled").current_instance_count(3).instance_pools(pool).build();
        let pools = ProductionVariant::builder().variant_name("pooled").instance_pools(InstancePool::builder().instance_type(M5).build());
        let pools = pools.initial_instance_count(1).build();
        let endpoint = mock!(aws_sdk_sagemaker::Client::describe_endpoint).then_output(move || {
            let endpoint = DescribeEndpointOutput::builder().endpoint_name("e").endpoint_config_name("c");
            endpoint
                .production_variants(now("main", 2))
                .production_variants(pooled.clone())
                .shadow_production_variants(now("shadow", 4))
                .build()
        });
        let config = mock!(aws_sdk_sagemaker::Client::describe_endpoint_config).then_output(move || {
            let config = DescribeEndpointConfigOutput::builder().production_variants(configured("main", Some(M5), 1));
            config.production_variants(pools.clone()).shadow_production_variants(configured("shadow", Some(G5), 1)).build()
        });
        let clients = Clients { sagemaker: testing::sagemaker(&[&endpoint, &config]).into(), ..testing::clients() };
        let found = describe_endpoint(&clients, "e").await.unwrap().instances;
        let found: Vec<_> = found.iter().map(|one| (one.instance_type.as_str(), one.count)).collect();
        assert_eq!(found, [("ml.m5.xlarge", 2), ("ml.g5.2xlarge", 3), ("ml.g5.2xlarge", 4)]);
    }

    #[test]
    fn the_type_of_a_pool_is_known_only_from_its_endpoint() {
        let pools = ProductionVariant::builder()
            .instance_pools(InstancePool::builder().instance_type(M5).build())
            .initial_instance_count(2)
            .build();
        assert_eq!(of_variant(&pools, None), [of_unknown_type(2)]);
        assert_eq!(of_variant(&configured("serverless", None, 1), Some(&now("serverless", 0))), []);
    }
}
