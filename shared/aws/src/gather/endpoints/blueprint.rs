//! Reads everything that it takes to create an endpoint again, as AWS's own JSON, and finds what would not come back (aws-facts §3.6).

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::ServiceNamespace;
use cost_rules::{
    facts::{CanSleep, Facts},
    remedy::{Blueprint, TargetBlueprint},
    scaling::FIRST_NAME,
};
use serde_json::{Value, json};

use super::{dependents::Dependents, describe_as, describe_config_as, scaling::variant_id};
use crate::{
    clients::{Clients, why::why},
    gather::{
        read::{Read, every_page, says_gone},
        tags::all_tags,
        wire::{Body, call_unknown},
    },
};

/// Tags by which something else owns an endpoint, and would not find it or would set it back. The tags of AWS's own cannot be written again.
const OWNED_BY: [(&str, &str); 3] = [
    ("aws:", "AWS has set its tag"),
    ("sagemaker:project-", "a SageMaker project owns it, by its tag"),
    ("sagemaker:pipeline", "a pipeline owns it, by its tag"),
];

/// An endpoint that was read to be created again.
pub(crate) enum Planned {
    /// Everything that it takes.
    Blueprint(Box<Blueprint>),
    /// It would not come back as it was, for this reason.
    Refused(String),
    /// There is no such endpoint.
    Gone,
}

/// Reads whether these endpoints (by id) can be created again as they are.
pub async fn look(clients: &Clients, facts: &mut Facts, ids: &[String]) {
    let dependents = Box::pin(Dependents::read(clients)).await;
    for endpoint in facts.endpoints.iter_mut().filter(|endpoint| ids.contains(&endpoint.resource.id)) {
        let planned = match &dependents {
            Ok(dependents) => Box::pin(plan(clients, &endpoint.resource.name, dependents)).await,
            Err(why) => Err(why.clone()),
        };
        endpoint.can_sleep = match planned {
            Ok(Planned::Blueprint(_)) => CanSleep::Yes,
            Ok(Planned::Refused(why)) => CanSleep::No(why),
            Ok(Planned::Gone) => CanSleep::No("it is gone".into()),
            Err(why) => CanSleep::Unknown(why),
        };
    }
}

/// Reads everything that it takes to create the endpoint of this name again.
pub(crate) async fn blueprint(clients: &Clients, name: &str) -> Read<Planned> {
    let dependents = Box::pin(Dependents::read(clients)).await?;
    Box::pin(plan(clients, name, &dependents)).await
}

async fn plan(clients: &Clients, name: &str, dependents: &Dependents) -> Read<Planned> {
    let Some(endpoint) = describe_as::<Value>(clients, name).await? else { return Ok(Planned::Gone) };
    let text = |field: &str| endpoint[field].as_str().unwrap_or_default().to_owned();
    let (arn, config_name) = (text("EndpointArn"), text("EndpointConfigName"));
    let Some(tags) = all_tags(clients, &arn).await? else { return Ok(Planned::Gone) };
    if let Some((key, whose)) = tags.keys().find_map(|key| Some((key, owned_by(key)?))) {
        return Ok(Planned::Refused(format!("{whose} {key}")));
    }
    let Some(config) = describe_config_as::<Value>(clients, &config_name).await? else {
        return Ok(Planned::Refused(format!("its configuration {config_name} is gone")));
    };
    // Whether who creates the endpoint needs rights on the key is not documented: the guard might not be able to create it again.
    if !config["KmsKeyId"].is_null() {
        return Ok(Planned::Refused(format!("its configuration {config_name} has a KMS key, for which the guard may have no rights")));
    }
    let config_arn = config["EndpointConfigArn"].as_str().unwrap_or_default();
    let config_tags = all_tags(clients, config_arn).await?.unwrap_or_default();
    let mut blueprint = Blueprint { endpoint, tags, config, config_tags, targets: vec![], policy: None };
    if let Some(gone) = missing_model(clients, &blueprint).await? {
        return Ok(Planned::Refused(format!("its model {gone} is gone")));
    }
    if let Some(why) = dependents.of(clients, name, &arn).await? {
        return Ok(Planned::Refused(why));
    }
    blueprint.targets = Box::pin(targets(clients, &blueprint)).await?;
    // A policy that is put again may have another ARN, and the guard changes no alarm of others.
    let alarms: Vec<&str> = blueprint.targets.iter().flat_map(TargetBlueprint::step_alarms).collect();
    if let Some(alarm) = alarms.into_iter().find(|name| !name.starts_with(FIRST_NAME)) {
        return Ok(Planned::Refused(format!("alarm {alarm} calls a step policy of its auto scaling, and would have to be written anew")));
    }
    blueprint.policy = resource_policy(clients, name).await?;
    Ok(Planned::Blueprint(Box::new(blueprint)))
}

fn owned_by(key: &str) -> Option<&'static str> {
    let key = key.to_ascii_lowercase();
    OWNED_BY.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, whose)| *whose)
}

/// The first model of an endpoint that is gone.
pub(crate) async fn missing_model(clients: &Clients, blueprint: &Blueprint) -> Read<Option<String>> {
    for name in blueprint.models() {
        let sent = clients.sagemaker.describe_model().model_name(name).send().await;
        match sent {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(says_gone) => return Ok(Some(name.to_owned())),
            Err(error) => return Err(format!("sagemaker:DescribeModel: {}", why(&error))),
        }
    }
    Ok(None)
}

/// The endpoint's resource policy. `None`: it has none. The SDK does not know the operation.
pub(crate) async fn resource_policy(clients: &Clients, endpoint: &str) -> Read<Option<String>> {
    match call_unknown::<Value>(clients, "GetEndpointPolicy", json!({"EndpointName": endpoint})).await {
        Ok(found) => Ok(found.and_then(|found| found["ResourcePolicy"].as_str().map(str::to_owned))),
        // That is AWS's answer where there is none (aws-facts §3.6). The name is right, because the endpoint was described.
        Err(why) if why.contains("GetEndpointPolicy: ValidationException") => Ok(None),
        Err(why) => Err(why),
    }
}

/// The scalable targets of an endpoint's variants, with their tags, policies and scheduled actions.
async fn targets(clients: &Clients, blueprint: &Blueprint) -> Read<Vec<TargetBlueprint>> {
    let endpoint = blueprint.text("EndpointName");
    let variants = blueprint.endpoint["ProductionVariants"].as_array().into_iter().flatten();
    let ids: Vec<String> =
        variants.filter_map(|variant| variant["VariantName"].as_str()).map(|variant| variant_id(endpoint, variant)).collect();
    let mut targets = vec![];
    for target in scalable_targets(clients, ids).await? {
        let id = target["ResourceId"].as_str().unwrap_or_default();
        let tags = match target["ScalableTargetARN"].as_str() {
            Some(arn) => scaling_tags(clients, arn).await?,
            None => BTreeMap::new(),
        };
        let (policies, actions) = (scaling_policies(clients, id).await?, scheduled_actions(clients, id).await?);
        targets.push(TargetBlueprint { target, tags, policies, actions });
    }
    Ok(targets)
}

/// The scalable targets of these resource ids, as AWS's JSON.
pub(crate) async fn scalable_targets(clients: &Clients, ids: Vec<String>) -> Read<Vec<Value>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let call = clients.autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker).set_resource_ids(Some(ids));
    let page = async |token, body| {
        call.clone().set_next_token(token).customize().interceptor(body).send().await.map(drop).map_err(|error| why(&error))
    };
    all_of(clients, "application-autoscaling:DescribeScalableTargets", "ScalableTargets", page).await
}

/// The policies of a scalable target, as AWS's JSON.
pub(crate) async fn scaling_policies(clients: &Clients, id: &str) -> Read<Vec<Value>> {
    let call = clients.autoscaling.describe_scaling_policies().service_namespace(ServiceNamespace::Sagemaker).resource_id(id);
    let page = async |token, body| {
        call.clone().set_next_token(token).customize().interceptor(body).send().await.map(drop).map_err(|error| why(&error))
    };
    all_of(clients, "application-autoscaling:DescribeScalingPolicies", "ScalingPolicies", page).await
}

/// The scheduled actions of a scalable target, as AWS's JSON.
pub(crate) async fn scheduled_actions(clients: &Clients, id: &str) -> Read<Vec<Value>> {
    let call = clients.autoscaling.describe_scheduled_actions().service_namespace(ServiceNamespace::Sagemaker).resource_id(id);
    let page = async |token, body| {
        call.clone().set_next_token(token).customize().interceptor(body).send().await.map(drop).map_err(|error| why(&error))
    };
    all_of(clients, "application-autoscaling:DescribeScheduledActions", "ScheduledActions", page).await
}

/// The items of all pages of a list of Application Auto Scaling, as its JSON.
async fn all_of(
    clients: &Clients,
    operation: &str,
    list: &str,
    mut page: impl AsyncFnMut(Option<String>, Body) -> Result<(), String>,
) -> Read<Vec<Value>> {
    let mut items = vec![];
    every_page(clients, async |token| {
        let body = Body::default();
        page(token, body.clone()).await.map_err(|why| format!("{operation}: {why}"))?;
        let mut answer: Value = body.json(operation)?;
        if let Value::Array(found) = answer[list].take() {
            items.extend(found);
        }
        Ok(answer["NextToken"].as_str().map(str::to_owned))
    })
    .await?;
    Ok(items)
}

async fn scaling_tags(clients: &Clients, arn: &str) -> Read<BTreeMap<String, String>> {
    let sent = clients.autoscaling.list_tags_for_resource().resource_arn(arn).send().await;
    let answer = sent.map_err(|error| format!("application-autoscaling:ListTagsForResource: {}", why(&error)))?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}
