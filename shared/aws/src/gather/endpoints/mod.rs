//! Reads endpoints: their variants and inference components, their auto scaling, their use, and what Compute Optimizer says of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::anyhow;
use cost_rules::{
    facts::{Attached, AutoScaling, Component, Compute, Endpoint, Facts, Invocations, Parent, Scaling, Unread},
    resource::{Kind, Resource, Tags},
    rulebook::Rulebook,
    scaling::{Attachment, Counts},
    scope::Scope,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use self::{
    record::{ComponentRecord, ConfigRecord, EndpointRecord},
    scaling::{Targets, variant_id},
};
use super::{
    inventory,
    read::{IN_FLIGHT, Looked, Read, name_of, unread_of},
    tags,
    wire::{self, Body},
};
use crate::clients::Clients;

pub use self::blueprint::look as look_at_sleep;

pub(crate) mod blueprint;
mod capacity;
mod compute_optimizer;
mod dependents;
mod record;
mod routers;
mod scaling;
pub(super) mod usage;

/// The configurations of endpoints by name. `None`: it is gone, which does not stop the endpoint.
type Configs = HashMap<String, Read<Option<ConfigRecord>>>;

/// Reads the endpoints of this scope with their use by the hour. Returns how many metrics CloudWatch was asked for.
///
/// Never fails: what could not be read is in `facts.reading.unread`.
pub async fn read(clients: &Clients, rulebook: &Rulebook, scope: &Scope, facts: &mut Facts) -> usize {
    match scope.named() {
        None => Box::pin(everything(clients, rulebook, usage::Wanted::OfToday, facts)).await,
        Some(named) => Box::pin(some(clients, rulebook, &named, facts)).await,
    }
}

/// Reads all endpoints of the Region, with their use by the hour since this time, also of those that are on their way to another state. Returns how many metrics
/// CloudWatch was asked for.
pub(super) async fn read_since(clients: &Clients, rulebook: &Rulebook, from: Timestamp, facts: &mut Facts) -> usize {
    Box::pin(everything(clients, rulebook, usage::Wanted::Since(from), facts)).await
}

/// Reads all endpoints of the Region.
async fn everything(clients: &Clients, rulebook: &Rulebook, wanted: usage::Wanted, facts: &mut Facts) -> usize {
    let now = facts.now;
    let ((listed, components), (targets, unread), mut index, idle) = tokio::join!(
        async { tokio::join!(inventory::endpoints(clients, now), inventory::inference_components(clients, now)) },
        scaling::read(clients, None),
        tags::index(clients, rulebook, &[Kind::Endpoint]),
        compute_optimizer::read(clients),
    );
    facts.reading.unread.extend(unread);
    facts.reading.unread.extend(index.unread.clone());
    let names = listed.into_facts(facts).into_iter().map(|one| (one.resource.id, one.resource.name)).collect();
    let mut endpoints = described(clients, names, facts).await;
    let of_components = components.complete.contains(&Kind::InferenceComponent);
    let names: Vec<String> = components.into_facts(facts).into_iter().map(|one| one.resource.name).collect();
    if of_components {
        facts.reading.looked_at.insert(Kind::InferenceComponent, names.len());
        take_components(described_components(clients, &names).await, &mut endpoints, facts);
    }
    take_scaling(targets, &mut endpoints, facts);
    match idle {
        Ok(idle) => idle.take_into(&mut endpoints),
        Err(unread) => facts.reading.unread.push(unread),
    }
    for endpoint in &mut endpoints {
        endpoint.resource.tags = index.take(&endpoint.resource.id);
    }
    let metrics = read_use(clients, &mut endpoints, wanted, facts).await;
    facts.endpoints = endpoints;
    metrics
}

/// Sets which inference router sends requests to which endpoint: one that is a router's standby may have had none for a long time.
pub async fn read_routers(clients: &Clients, facts: &mut Facts) {
    match Box::pin(routers::read(clients)).await {
        Ok(routers) => {
            for endpoint in &mut facts.endpoints {
                endpoint.router = endpoint.resource.arn.as_deref().and_then(|arn| routers.of(arn)).cloned();
            }
        }
        Err(why) => facts.reading.unread.push(Unread::new("inference routers", why)),
    }
}

/// Sets what the guard has attached, after what is known of hibernations. Where that could not be read, it is not known whether somebody took it back: nothing is
/// said of the auto scaling.
pub fn take_attached(facts: &mut Facts, read: anyhow::Result<BTreeMap<String, anyhow::Result<Attached>>>) {
    let mut of = read.unwrap_or_else(|error| {
        let why = format!("{error:#}");
        facts.endpoints.iter().map(|one| (one.resource.id.clone(), Err(anyhow!("{why}")))).collect()
    });
    let mut failed = vec![];
    for endpoint in &mut facts.endpoints {
        match of.remove(&endpoint.resource.id).transpose() {
            Ok(attached) => endpoint.take_attached(attached),
            Err(error) => {
                endpoint.forget_scaling();
                failed.push((endpoint.resource.id.clone(), format!("{error:#}")));
            }
        }
    }
    facts.reading.unread.extend(unread_of("what the guard attached", &failed));
}

/// Reads the use of these endpoints (by id) by the minute, and what one instance carries. Returns how many metrics CloudWatch was asked for.
pub async fn minutes(clients: &Clients, facts: &mut Facts, ids: &BTreeSet<String>) -> usize {
    let chosen = facts.endpoints.iter_mut().filter(|one| ids.contains(&one.resource.id));
    let requests = Box::pin(usage::read_minutes(clients, chosen.collect(), facts.now)).await;
    let carried = Box::pin(capacity::read(clients, &mut facts.endpoints, ids, facts.now)).await;
    facts.reading.unread.extend(requests.unread.into_iter().chain(carried.unread));
    requests.metrics + carried.metrics
}

/// The endpoints of these ids and names with what only their configurations say, without tags, scaling and use. One that is gone is in `facts.reading.gone`.
async fn described(clients: &Clients, names: Vec<(String, String)>, facts: &mut Facts) -> Vec<Endpoint> {
    let (to_describe, configs) = mpsc::unbounded_channel();
    let (looked, configs) = tokio::join!(described_alone(clients, names, to_describe), described_configs(clients, configs));
    let Looked { there, gone, failed } = looked;
    facts.reading.unread.extend(unread_of("state", &failed));
    facts.reading.gone.extend(gone);
    let mut endpoints: Vec<Endpoint> = there.into_values().map(EndpointRecord::endpoint).collect();
    endpoints.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    take_configs(configs, &mut endpoints, facts);
    endpoints
}

/// Describes endpoints. Sends the name of each configuration once, as soon as an endpoint names it: those are described meanwhile.
async fn described_alone(clients: &Clients, names: Vec<(String, String)>, to_describe: UnboundedSender<String>) -> Looked<EndpointRecord> {
    let mut sent = BTreeSet::new();
    let read = stream::iter(names).map(async |(id, name)| (id, describe(clients, &name).await)).buffer_unordered(IN_FLIGHT);
    let sending = read.inspect(|(_, read)| {
        let config = read.as_ref().ok().and_then(|record| record.as_ref()?.endpoint_config_name.as_deref());
        if let Some(config) = config.filter(|config| sent.insert((*config).to_owned())) {
            // It fails only if nobody describes configurations any more.
            let _ = to_describe.send(config.to_owned());
        }
    });
    sending.collect::<Vec<_>>().await.into_iter().collect()
}

async fn described_configs(clients: &Clients, mut names: UnboundedReceiver<String>) -> Configs {
    let names = stream::poll_fn(move |context| names.poll_recv(context));
    names.map(async |name| (name.clone(), describe_config_as(clients, &name).await)).buffer_unordered(IN_FLIGHT).collect().await
}

/// Sets what only the configurations say.
fn take_configs(configs: Configs, endpoints: &mut [Endpoint], facts: &mut Facts) {
    for endpoint in endpoints {
        if let Some(Ok(Some(config))) = endpoint.config.as_ref().and_then(|name| configs.get(name)) {
            config.take_into(endpoint);
        }
    }
    let mut failed: Vec<(String, String)> =
        configs.into_iter().filter_map(|(name, read)| Some((Kind::EndpointConfig.id(&name), read.err()?))).collect();
    failed.sort();
    facts.reading.unread.extend(unread_of("configuration", &failed));
}

/// Sets the use by the hour. Returns how many metrics CloudWatch was asked for.
async fn read_use(clients: &Clients, endpoints: &mut [Endpoint], wanted: usage::Wanted, facts: &mut Facts) -> usize {
    let hours = usage::read_hours(clients, endpoints, wanted, facts.now).await;
    facts.reading.unread.extend(hours.unread);
    hours.metrics
}

/// `None`: it does not exist.
async fn describe(clients: &Clients, name: &str) -> Read<Option<EndpointRecord>> {
    describe_as(clients, name).await
}

/// The answer of `DescribeEndpoint`, as AWS's own JSON or as a part of it. `None`: there is no such endpoint.
pub(crate) async fn describe_as<T: DeserializeOwned>(clients: &Clients, name: &str) -> Read<Option<T>> {
    clients.in_time()?;
    let body = Body::default();
    let sent = clients.sagemaker.describe_endpoint().endpoint_name(name).customize().interceptor(body.clone()).send().await;
    wire::described(sent, &body, "DescribeEndpoint")
}

/// The answer of `DescribeEndpointConfig`, as AWS's own JSON or as a part of it. `None`: there is no such configuration.
pub(crate) async fn describe_config_as<T: DeserializeOwned>(clients: &Clients, name: &str) -> Read<Option<T>> {
    clients.in_time()?;
    let body = Body::default();
    let sent = clients.sagemaker.describe_endpoint_config().endpoint_config_name(name).customize().interceptor(body.clone()).send().await;
    wire::described(sent, &body, "DescribeEndpointConfig")
}

/// The answer of `DescribeModel` as AWS's own JSON. `None`: there is no such model.
pub(crate) async fn describe_model(clients: &Clients, name: &str) -> Read<Option<Value>> {
    clients.in_time()?;
    let body = Body::default();
    let sent = clients.sagemaker.describe_model().model_name(name).customize().interceptor(body.clone()).send().await;
    wire::described(sent, &body, "DescribeModel")
}

/// The inference components of these names, by id.
async fn described_components(clients: &Clients, names: &[String]) -> Looked<ComponentRecord> {
    let read = stream::iter(names).map(async |name| (Kind::InferenceComponent.id(name), describe_component(clients, name).await));
    read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect()
}

/// `None`: it does not exist.
async fn describe_component(clients: &Clients, name: &str) -> Read<Option<ComponentRecord>> {
    clients.in_time()?;
    let body = Body::default();
    let sent =
        clients.sagemaker.describe_inference_component().inference_component_name(name).customize().interceptor(body.clone()).send().await;
    wire::described(sent, &body, "DescribeInferenceComponent")
}

/// Sets the components of all endpoints. If one could not be read, those of all endpoints stay unread: which endpoint it belongs to is not known.
fn take_components(looked: Looked<ComponentRecord>, endpoints: &mut [Endpoint], facts: &mut Facts) {
    if !looked.failed.is_empty() {
        facts.reading.unread.extend(unread_of("state", &looked.failed));
        return;
    }
    let mut by_endpoint: BTreeMap<String, Vec<Component>> = BTreeMap::new();
    for record in looked.there.into_values() {
        by_endpoint.entry(Kind::Endpoint.id(&record.endpoint_name)).or_default().push(record.component());
    }
    for endpoint in endpoints {
        let mut components = by_endpoint.remove(&endpoint.resource.id).unwrap_or_default();
        components.sort_by(|a, b| a.name.cmp(&b.name));
        endpoint.components = Some(components);
    }
}

/// Sets the scaling of all variants and components. If it could not be read, it stays unread.
fn take_scaling(targets: Read<Targets>, endpoints: &mut [Endpoint], facts: &mut Facts) {
    match targets {
        Ok(mut targets) => endpoints.iter_mut().for_each(|endpoint| targets.take_into(endpoint)),
        Err(why) => facts.reading.unread.push(Unread::new("auto scaling of endpoints", why)),
    }
}

/// Reads single endpoints ([`Scope::named`]).
async fn some(clients: &Clients, rulebook: &Rulebook, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) -> usize {
    let asked: Vec<(String, String)> =
        named.iter().map(|(id, name)| (id.clone(), name.clone().unwrap_or_else(|| name_of(id).to_owned()))).collect();
    let mut endpoints = described(clients, asked, facts).await;
    endpoints.extend(spelt_otherwise(clients, named, facts).await);
    complete(clients, rulebook, &mut endpoints, facts).await;
    let metrics = read_use(clients, &mut endpoints, usage::Wanted::OfToday, facts).await;
    facts.endpoints = endpoints;
    metrics
}

/// Reads those that were not found by a name in lower case, as ids have it: the list tells their spelling. Most names are in lower case.
async fn spelt_otherwise(clients: &Clients, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) -> Vec<Endpoint> {
    let is_unspelt = |id: &&String| named.get(*id).is_some_and(Option::is_none);
    let unspelt: BTreeSet<String> = facts.reading.gone.iter().filter(is_unspelt).cloned().collect();
    if unspelt.is_empty() {
        return vec![];
    }
    facts.reading.gone.retain(|id| !unspelt.contains(id));
    let known = inventory::endpoints(clients, facts.now).await.only(&unspelt, facts);
    let spelt = known.into_iter().map(|one| (one.resource.id, one.resource.name)).collect();
    described(clients, spelt, facts).await
}

/// Adds tags, components and scaling to single endpoints. One that is gone by then is removed.
async fn complete(clients: &Clients, rulebook: &Rulebook, endpoints: &mut Vec<Endpoint>, facts: &mut Facts) {
    if endpoints.is_empty() {
        return;
    }
    let listed = inventory::inference_components(clients, facts.now).await;
    let is_complete = listed.complete.contains(&Kind::InferenceComponent);
    let ids: BTreeSet<String> = endpoints.iter().map(|one| one.resource.id.clone()).collect();
    let of_these = |parent: &Option<Parent>| parent.as_ref().is_some_and(|parent| ids.contains(&parent.id));
    let names: Vec<String> =
        listed.into_facts(facts).into_iter().filter(|one| of_these(&one.parent)).map(|one| one.resource.name).collect();
    if is_complete {
        take_components(described_components(clients, &names).await, endpoints, facts);
    }
    let targets: Vec<String> = endpoints.iter().flat_map(target_ids).collect();
    // More ids than one call takes: then one list of everything.
    let of = (targets.len() <= 50).then_some(&targets[..]);
    let (targets, unread) = if targets.is_empty() { (Ok(Targets::default()), vec![]) } else { scaling::read(clients, of).await };
    facts.reading.unread.extend(unread);
    take_scaling(targets, endpoints, facts);
    let (gone, unread) = tags::read_own(clients, rulebook, endpoints.iter_mut().map(|endpoint| &mut endpoint.resource)).await;
    facts.reading.unread.extend(unread);
    endpoints.retain(|endpoint| !gone.contains(&endpoint.resource.id));
    facts.reading.gone.extend(gone);
}

/// The ids of an endpoint's variants and components in Application Auto Scaling.
fn target_ids(endpoint: &Endpoint) -> Vec<String> {
    let variants = endpoint.variants.iter().map(|variant| variant_id(&endpoint.resource.name, &variant.name));
    variants.chain(endpoint.components.iter().flatten().map(|component| scaling::component_id(&component.name))).collect()
}

/// The auto scaling of a variant or inference component, by its id in Application Auto Scaling. `None`: it has none.
pub(crate) async fn scaling_of(clients: &Clients, resource_id: &str) -> Read<Option<Box<Scaling>>> {
    let mut targets = scaling::settings(clients, Some(&[resource_id.to_owned()])).await?;
    Ok(match targets.take(resource_id) {
        AutoScaling::Target(found) => Some(found),
        AutoScaling::None | AutoScaling::Unread => None,
    })
}

/// How many instances or copies there should be of what auto scaling was attached to. `None`: there is no such endpoint, variant or component.
pub(crate) async fn capacity_of(clients: &Clients, one: &Attachment) -> Read<Option<u32>> {
    match (one.counts, one.endpoint()) {
        (Counts::Copies, _) => Ok(describe_component(clients, &one.variant).await?.and_then(|record| record.component().copies)),
        (Counts::Instances, Some(endpoint)) => instances_of(clients, endpoint, &one.variant).await,
        (Counts::Instances, None) => Ok(None),
    }
}

async fn instances_of(clients: &Clients, endpoint: &str, variant: &str) -> Read<Option<u32>> {
    let Some(record) = describe(clients, endpoint).await? else { return Ok(None) };
    let found = record.endpoint().variants.into_iter().find(|one| one.name == variant);
    Ok(found.and_then(|one| match one.compute {
        Compute::Instances { desired, .. } => Some(desired),
        Compute::Serverless { .. } => None,
    }))
}

/// Reads the tags of these endpoints (by id) again, from the service itself.
pub(crate) async fn confirm(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
    let is_meant =
        |resource: &Resource| resource.kind() == Some(Kind::Endpoint) && resource.tags == Tags::NotIndexed && ids.contains(&resource.id);
    tags::confirm(clients, rulebook, facts, is_meant).await;
}

/// Reads one endpoint again, right before an action: state, tags, scaling, and whether somebody has called it. `None`: it is no endpoint of these facts.
pub(crate) async fn again(clients: &Clients, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
    let known = facts.endpoints.iter().find(|one| one.resource.id == id)?;
    let mut fresh = facts.of_this_moment();
    let named = BTreeMap::from([(id.to_owned(), Some(known.resource.name.clone()))]);
    Box::pin(some(clients, rulebook, &named, &mut fresh)).await;
    if let Some(unread) = fresh.reading.unread.first() {
        return Some(Err(format!("{}: {}", unread.what, unread.why)));
    }
    if fresh.endpoints.is_empty() || fresh.reading.gone.contains(id) {
        return Some(Ok(None));
    }
    for endpoint in &mut fresh.endpoints {
        endpoint.hibernation.clone_from(&known.hibernation);
        endpoint.can_sleep.clone_from(&known.can_sleep);
        endpoint.router.clone_from(&known.router);
        endpoint.announced.clone_from(&known.announced);
        endpoint.take_attached(known.attached.clone());
    }
    for (variant, known) in fresh.endpoints.iter_mut().flat_map(|one| &mut one.variants).zip(&known.variants) {
        // The requests by the minute and the proposal were worked out for the same instances: they still hold.
        if variant.name == known.name
            && variant.compute == known.compute
            && let (Some(fresh), Some(known)) = (&mut variant.invocations, &known.invocations)
        {
            *fresh = Invocations { hours: std::mem::take(&mut fresh.hours), from: fresh.from, ..known.clone() };
        }
    }
    Some(Ok(Some(fresh)))
}
