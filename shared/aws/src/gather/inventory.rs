//! Everything that may have tags, whatever its kind: its own tags from the tag index, and who it belongs to. Lists only; what a list does not tell is asked for
//! where something was found ([`enrich`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_sagemaker::{
    operation::describe_endpoint_config::DescribeEndpointConfigOutput,
    types::{
        AutoMlJobStatus, ClusterInstanceGroupDetails, ClusterStatus, EndpointStatus, HyperParameterTuningJobStatus, IsTrackingServerActive,
        ProcessingJobStatus, ProductionVariant, TrainingJobStatus, TransformJobStatus,
    },
};
use aws_smithy_types::DateTime;
use cost_rules::{
    duration::Duration,
    facts::{Ancestor, App, Audited, Facts, Instances, Kind, Notebook, Parent, Resource, RunState, Tags, Whose, id_of_arn},
    finding::Remedy,
    policy::Policy,
    tagging::is_aws,
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    apps, notebooks,
    read::{IN_FLIGHT, Listed, Looked, Read, name_of, says_gone, timestamp, unread_of},
    tags::{self, Index, PIPELINE_TAGS},
    training,
};
use crate::clients::{Clients, why::why};

/// Ended jobs are looked at for so long after their submission.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Parents of parents that are asked for.
const LINE: usize = 4;

/// The answer of a description; `None`: it is gone meanwhile.
macro_rules! described {
    ($operation:literal, $call:expr) => {
        match $call.send().await {
            Ok(found) => Some(found),
            Err(error) if error.as_service_error().is_some_and(says_gone) => None,
            Err(error) => return Err(format!("sagemaker:{}: {}", $operation, why(&error))),
        }
    };
}

/// Every resource of these kinds, with its own tags. The kinds are read all at the same time, and of each its list and its part of the tag index.
pub async fn everything(clients: &Clients, policy: &Policy, kinds: &[Kind], now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: policy.prices_of(&clients.region), ..Facts::default() };
    let read = stream::iter(kinds).map(async |kind| {
        let of_kind = [*kind];
        let (listed, index) = tokio::join!(Box::pin(list(clients, *kind, None, now)), Box::pin(tags::index(clients, policy, &of_kind)));
        (*kind, listed, index)
    });
    for (kind, listed, mut index) in read.buffer_unordered(kinds.len().max(1)).collect::<Vec<_>>().await {
        let mut audited = listed.told_to(&mut facts);
        // One refusal is one of all kinds.
        if let Some(unread) = index.unread.clone().filter(|unread| !facts.unread.contains(unread)) {
            facts.unread.push(unread);
        }
        if index.unread.is_some() {
            facts.complete.remove(&kind);
        }
        for one in &mut audited {
            indexed(one, &mut index);
        }
        facts.audited.extend(audited);
    }
    // A series is gone when none of its jobs is found any more.
    if kinds.iter().filter(|kind| kind.is_job()).all(|kind| facts.complete.contains(kind)) {
        facts.complete.insert(Kind::JobSeries);
    }
    facts.audited.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    facts
}

/// The index's tags of a resource. Of what it does not name there are none, until that is confirmed.
fn indexed(audited: &mut Audited, index: &mut Index) {
    let id = &audited.resource.id;
    audited.resource.arn = audited.resource.arn.take().or_else(|| index.arn_of(id).map(str::to_owned));
    audited.tag_count = index.count(id);
    audited.resource.tags = index.take(id);
    if let Tags::Known(tags) = &audited.resource.tags {
        audited.parent = audited.parent.take().or_else(|| pipeline_of(tags));
    }
}

/// The pipeline that started a job, by the tag that it has of it.
fn pipeline_of(tags: &BTreeMap<String, String>) -> Option<Parent> {
    let execution = PIPELINE_TAGS.iter().find_map(|key| tags.get(*key)).and_then(|arn| id_of_arn(arn))?;
    let mut parts = execution.split('/');
    let pipeline = parts.next().filter(|kind| *kind == Kind::Pipeline.as_str()).and_then(|_| parts.next())?;
    Some(Parent { id: Kind::Pipeline.id(pipeline), name: None })
}

/// These resources (by id, with their names as they are spelt, where that is known), by the service's own word, with their tags.
pub async fn some(clients: &Clients, policy: &Policy, named: &BTreeMap<String, Option<String>>, now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: policy.prices_of(&clients.region), ..Facts::default() };
    let read = stream::iter(named).map(async |(id, name)| (id.clone(), one(clients, policy, id, name.as_deref(), now).await));
    let looked: Looked<Audited> = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
    facts.audited.extend(looked.there.into_values());
    facts.gone.extend(looked.gone);
    facts.unread.extend(unread_of("state and tags", &looked.failed));
    facts.audited.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    facts
}

/// One resource by its list, and its tags by `ListTags`. `None`: there is none.
pub(super) async fn one(clients: &Clients, policy: &Policy, id: &str, name: Option<&str>, now: Timestamp) -> Read<Option<Audited>> {
    clients.in_time()?;
    let kind = Kind::of(id).ok_or_else(|| format!("{id} is of no kind that is known"))?;
    // As an id spells it, most are: only if there is none, all of its kind are listed.
    let mut listed = Box::pin(list(clients, kind, Some(Asked { id, name: name.or(Some(name_of(id))) }), now)).await;
    if name.is_none() && listed.items.iter().all(|audited| audited.resource.id != id) {
        listed = Box::pin(list(clients, kind, Some(Asked { id, name }), now)).await;
    }
    match listed.items.into_iter().find(|audited| audited.resource.id == id) {
        Some(audited) => confirmed(clients, policy, &audited).await,
        None if listed.complete.is_empty() => Err(listed
            .unread
            .into_iter()
            .next()
            .map_or_else(|| "it could not be listed".to_owned(), |unread| format!("{}: {}", unread.what, unread.why))),
        None => Ok(None),
    }
}

/// One resource as it is now, with what is known of whose it is.
pub(super) async fn again(clients: &Clients, policy: &Policy, known: &Audited, now: Timestamp) -> Read<Option<Audited>> {
    let Resource { id, name, .. } = &known.resource;
    let Some(found) = one(clients, policy, id, Some(name), now).await? else { return Ok(None) };
    let resource = Resource { whose: known.resource.whose.clone(), ..found.resource };
    Ok(Some(Audited { resource, run: found.run, tag_count: found.tag_count, ..known.clone() }))
}

/// A resource with its own tags by `ListTags`. `None`: it is gone.
pub(super) async fn confirmed(clients: &Clients, policy: &Policy, audited: &Audited) -> Read<Option<Audited>> {
    let arn = match &audited.resource.arn {
        Some(arn) => arn.clone(),
        None => match arn_of(clients, audited).await? {
            Some(arn) => arn,
            None => return Ok(None),
        },
    };
    let Some(tags) = super::all_tags(clients, &arn).await? else { return Ok(None) };
    let mut audited = audited.clone();
    audited.tag_count = tags.keys().filter(|key| !is_aws(key)).count();
    audited.parent = audited.parent.or_else(|| pipeline_of(&tags));
    audited.resource.arn = Some(arn);
    audited.resource.tags = Tags::Known(tags.into_iter().filter(|(key, _)| policy.reads_tag(key)).collect());
    Ok(Some(audited))
}

/// The ARN of what its list gives none. `None`: it is gone.
async fn arn_of(clients: &Clients, audited: &Audited) -> Read<Option<String>> {
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

/// Asks for what lists do not tell of these resources: what they run on, what they belong to, and whose that is. What several of them belong to is
/// asked for once.
pub async fn enrich(clients: &Clients, policy: &Policy, facts: &mut Facts, ids: &BTreeSet<String>) {
    let found = facts.audited.iter().filter(|audited| ids.contains(&audited.resource.id));
    let read = stream::iter(found).map(async |audited| (audited.resource.id.clone(), describe(clients, policy, audited).await));
    let mut failed = vec![];
    let mut undescribed: HashMap<String, String> = HashMap::new();
    let mut told: HashMap<String, Described> = HashMap::new();
    for (id, described) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match described {
            Ok(described) => drop(told.insert(id, described)),
            Err(why) => drop(undescribed.insert(id, why)),
        }
    }
    for audited in &mut facts.audited {
        let Some(described) = told.remove(&audited.resource.id) else { continue };
        if !described.instances.is_empty() {
            audited.instances = described.instances;
        }
        audited.limit = described.limit.or(audited.limit);
        audited.parent = described.parent.or(audited.parent.take());
    }
    let parents = facts.audited.iter().filter(|audited| ids.contains(&audited.resource.id)).filter_map(|audited| audited.parent.clone());
    let links = links(clients, policy, &facts.audited, parents.collect(), facts.now).await;
    for audited in facts.audited.iter_mut().filter(|audited| ids.contains(&audited.resource.id)) {
        let (line, broken) = line_of(audited.parent.as_ref(), &links);
        audited.ancestors = line;
        audited.doubt = undescribed.remove(&audited.resource.id).or(broken);
        failed.extend(audited.doubt.clone().map(|why| (audited.resource.id.clone(), why)));
        policy.settle_whose(audited);
    }
    facts.unread.extend(unread_of("what it belongs to and costs", &failed));
}

/// A parent: its own tags, and its own parent.
struct Link {
    tags: BTreeMap<String, String>,
    parent: Option<Parent>,
}

/// Parents by id, as far as they could be read; `None`: it is gone.
type Links = HashMap<String, Read<Option<Link>>>;

/// These parents, their parents, …, each read once.
async fn links(clients: &Clients, policy: &Policy, known: &[Audited], mut next: Vec<Parent>, now: Timestamp) -> Links {
    let by_id: HashMap<&str, &Audited> = known.iter().map(|audited| (audited.resource.id.as_str(), audited)).collect();
    let mut links = Links::new();
    for _ in 0..LINE {
        let mut asked: BTreeMap<String, Parent> = next.drain(..).map(|parent| (parent.id.clone(), parent)).collect();
        asked.retain(|id, _| !links.contains_key(id));
        let read = stream::iter(asked.into_values()).map(async |parent| {
            let link = link(clients, policy, &parent, by_id.get(parent.id.as_str()).copied(), now).await;
            (parent.id, link)
        });
        for (id, link) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
            next.extend(link.iter().flatten().filter_map(|link| link.parent.clone()));
            links.insert(id, link);
        }
    }
    links
}

async fn link(clients: &Clients, policy: &Policy, parent: &Parent, known: Option<&Audited>, now: Timestamp) -> Read<Option<Link>> {
    let read = match known {
        // What is written by its tags is not taken from an index that is behind.
        Some(known) => confirmed(clients, policy, known).await?,
        None => one(clients, policy, &parent.id, parent.name.as_deref(), now).await?,
    };
    let Some(audited) = read else { return Ok(None) };
    let tags = audited.resource.tags.read().ok_or_else(|| format!("the tags of {} could not be read", parent.id))?.clone();
    let its_parent = match &audited.parent {
        Some(its_parent) => Some(its_parent.clone()),
        None => describe(clients, policy, &audited).await?.parent,
    };
    Ok(Some(Link { tags, parent: its_parent }))
}

/// The line of parents, nearest first, as far as it could be read and does not come round again; and why it could not be read to its end.
fn line_of(parent: Option<&Parent>, links: &Links) -> (Vec<Ancestor>, Option<String>) {
    let mut line: Vec<Ancestor> = vec![];
    let mut next = parent;
    while let Some(parent) = next.filter(|parent| line.iter().all(|seen| seen.id != parent.id)) {
        match links.get(&parent.id) {
            Some(Ok(Some(found))) => {
                line.push(Ancestor { id: parent.id.clone(), tags: found.tags.clone() });
                next = found.parent.as_ref();
            }
            Some(Err(why)) => return (line, Some(why.clone())),
            Some(Ok(None)) | None => break,
        }
    }
    (line, None)
}

/// What a description tells that a list does not.
#[derive(Default)]
struct Described {
    instances: Vec<Instances>,
    limit: Option<Duration>,
    parent: Option<Parent>,
}

/// One call for a kind whose list tells too little, none for the others.
async fn describe(clients: &Clients, policy: &Policy, audited: &Audited) -> Read<Described> {
    clients.in_time()?;
    let (sagemaker, name) = (&clients.sagemaker, audited.resource.name.as_str());
    let described = match audited.resource.kind() {
        Some(Kind::TrainingJob) => training::training(clients, policy, name).await?.map(|job| Described {
            instances: job.instances,
            limit: job.max_runtime,
            parent: job.parent.as_deref().and_then(of_arn),
        }),
        Some(Kind::TuningJob) => training::describe_tuning(clients, policy, name).await?.map(|job| {
            // As many as may run at a time, of the dearest definition.
            let prices = policy.prices_of(&clients.region);
            let dearest = job.definitions.iter().max_by_key(|instances| prices.hourly_of(instances));
            let all = |one: &Instances| Instances { count: one.count.saturating_mul(job.parallel), ..one.clone() };
            Described { instances: dearest.into_iter().flatten().map(all).collect(), ..Described::default() }
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
                        .or_else(|| found.model_name.map(|model| named(Kind::Model, model))),
                }
            })
        }
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

/// An endpoint runs on what its configuration says, as many as it has now.
async fn describe_endpoint(clients: &Clients, name: &str) -> Read<Described> {
    let Some(endpoint) = described!("DescribeEndpoint", clients.sagemaker.describe_endpoint().endpoint_name(name)) else {
        return Ok(Described::default());
    };
    let Some(config_name) = endpoint.endpoint_config_name else { return Ok(Described::default()) };
    let now: HashMap<String, i32> = endpoint
        .production_variants
        .unwrap_or_default()
        .into_iter()
        .filter_map(|variant| Some((variant.variant_name?, variant.current_instance_count?)))
        .collect();
    let parent = Some(named(Kind::EndpointConfig, config_name.clone()));
    let Some(config) = describe_config(clients, &config_name).await? else { return Ok(Described { parent, ..Described::default() }) };
    let of_variant = |variant: &ProductionVariant| {
        let count = variant.variant_name.as_ref().and_then(|name| now.get(name).copied()).or(variant.initial_instance_count);
        instances(variant.instance_type.as_ref(), count)
    };
    Ok(Described { instances: config.production_variants.iter().flatten().filter_map(of_variant).collect(), limit: None, parent })
}

async fn describe_config(clients: &Clients, name: &str) -> Read<Option<DescribeEndpointConfigOutput>> {
    Ok(described!("DescribeEndpointConfig", clients.sagemaker.describe_endpoint_config().endpoint_config_name(name)))
}

/// Of several models the first one's owner will do.
fn model_of(config: &DescribeEndpointConfigOutput) -> Option<Parent> {
    config.production_variants.iter().flatten().find_map(|variant| variant.model_name.clone()).map(|model| named(Kind::Model, model))
}

fn instances(instance_type: Option<&impl AsRef<str>>, count: Option<i32>) -> Option<Instances> {
    Some(Instances { instance_type: instance_type?.as_ref().to_owned(), count: u32::try_from(count?).ok()? })
}

fn named(kind: Kind, name: String) -> Parent {
    Parent { id: kind.id(&name), name: Some(name) }
}

/// A parent by its ARN: how its name is spelt is not known.
fn of_arn(arn: &str) -> Option<Parent> {
    id_of_arn(arn).map(|id| Parent { id, name: None })
}

/// The one that is asked for: a list leaves out what does not have such a name, as far as its kind can.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a str,
    name: Option<&'a str>,
}

impl Asked<'_> {
    fn name(asked: Option<Asked<'_>>) -> Option<String> {
        asked?.name.map(str::to_owned)
    }

    /// Of what is in a domain.
    fn domain(asked: Option<Asked<'_>>) -> Option<String> {
        asked?.id.split('/').nth(1).map(str::to_owned)
    }
}

/// One operation's pages: the call, the field of the answer, and what an item of it is.
macro_rules! pages {
    ($clients:ident, $kind:expr, $operation:literal, $call:expr, $items:ident, |$item:ident| $audited:expr) => {
        Listed::read(
            $clients,
            $kind,
            $operation,
            |audited: &Audited| audited.resource.id.clone(),
            async |token| {
                let page = $call.max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
                Ok((page.$items.unwrap_or_default().into_iter().map(|$item| $audited).collect(), page.next_token))
            },
        )
        .await
    };
}

/// Jobs: those that were submitted lately, and those before them that still run.
macro_rules! jobs {
    ($clients:ident, $kind:expr, $asked:expr, $now:expr, $operation:literal, $call:ident, $status:path, $items:ident, |$item:ident| $audited:expr) => {{
        let since = DateTime::from_secs(($now - RECENT).as_second());
        let call = || $clients.sagemaker.$call().set_name_contains(Asked::name($asked));
        if $asked.is_some() {
            pages!($clients, $kind, $operation, call(), $items, |$item| $audited)
        } else {
            let recent = async { pages!($clients, $kind, $operation, call().creation_time_after(since), $items, |$item| $audited) };
            let old = call().creation_time_before(since).status_equals($status);
            let old = async { pages!($clients, $kind, $operation, old.clone(), $items, |$item| $audited) };
            let (recent, old) = tokio::join!(Box::pin(recent), Box::pin(old));
            both($kind, recent, old)
        }
    }};
}

/// Two lists of one kind.
fn both(kind: Kind, mut one: Listed<Audited>, other: Listed<Audited>) -> Listed<Audited> {
    if one.complete.is_empty() || other.complete.is_empty() {
        one.complete.retain(|complete| *complete != kind);
    }
    let known: BTreeSet<String> = one.items.iter().map(|audited| audited.resource.id.clone()).collect();
    one.items.extend(other.items.into_iter().filter(|audited| !known.contains(&audited.resource.id)));
    one.unread.extend(other.unread);
    one.unread.dedup();
    one
}

/// All resources of a kind, or the one that is asked for and others of such a name; without their tags.
async fn list(clients: &Clients, kind: Kind, asked: Option<Asked<'_>>, now: Timestamp) -> Listed<Audited> {
    let (name, domain) = (Asked::name(asked), Asked::domain(asked));
    let sagemaker = &clients.sagemaker;
    match kind {
        Kind::NotebookInstance => {
            let Listed { items, complete, unread } = notebooks::list(clients, name).await;
            Listed { items: items.into_iter().map(of_notebook).collect(), complete, unread }
        }
        Kind::App => {
            let Listed { items, complete, unread } = apps::list(clients, domain).await;
            Listed { items: items.into_iter().map(of_app).collect(), complete, unread }
        }
        Kind::Domain => pages!(clients, kind, "ListDomains", sagemaker.list_domains(), domains, |one| {
            audited(one.domain_arn?, one.domain_name.or(one.domain_id)?)
        }),
        Kind::UserProfile => {
            let call = || sagemaker.list_user_profiles().set_domain_id_equals(domain.clone()).set_user_profile_name_contains(name.clone());
            // Their lists name no ARN.
            pages!(clients, kind, "ListUserProfiles", call(), user_profiles, |one| {
                let (domain, name) = (one.domain_id?, one.user_profile_name?);
                Some(in_domain(kind, &domain, name, Parent { id: Kind::Domain.id(&domain), name: None }))
            })
        }
        Kind::Space => {
            let call = || sagemaker.list_spaces().set_domain_id_equals(domain.clone()).set_space_name_contains(name.clone());
            pages!(clients, kind, "ListSpaces", call(), spaces, |one| {
                let (domain, name) = (one.domain_id?, one.space_name?);
                let owner = one.ownership_settings_summary.and_then(|settings| settings.owner_user_profile_name);
                let parent = match owner {
                    Some(profile) => Parent { id: id_in(Kind::UserProfile, &domain, &profile), name: Some(profile) },
                    None => Parent { id: Kind::Domain.id(&domain), name: None },
                };
                Some(in_domain(kind, &domain, name, parent))
            })
        }
        Kind::TrainingJob => {
            jobs!(
                clients,
                kind,
                asked,
                now,
                "ListTrainingJobs",
                list_training_jobs,
                TrainingJobStatus::InProgress,
                training_job_summaries,
                |one| {
                    let running = one.training_job_status == Some(TrainingJobStatus::InProgress);
                    job(one.training_job_name?, one.training_job_arn?, one.creation_time, running, Remedy::StopTrainingJob)
                }
            )
        }
        Kind::TuningJob => {
            type Status = HyperParameterTuningJobStatus;
            jobs!(
                clients,
                kind,
                asked,
                now,
                "ListHyperParameterTuningJobs",
                list_hyper_parameter_tuning_jobs,
                Status::InProgress,
                hyper_parameter_tuning_job_summaries,
                |one| {
                    let (name, arn) = (one.hyper_parameter_tuning_job_name?, one.hyper_parameter_tuning_job_arn?);
                    let running = one.hyper_parameter_tuning_job_status == Some(Status::InProgress);
                    job(name, arn, one.creation_time, running, Remedy::StopTuningJob)
                }
            )
        }
        Kind::ProcessingJob => {
            type Status = ProcessingJobStatus;
            jobs!(
                clients,
                kind,
                asked,
                now,
                "ListProcessingJobs",
                list_processing_jobs,
                Status::InProgress,
                processing_job_summaries,
                |one| {
                    let running = one.processing_job_status == Some(Status::InProgress);
                    job(one.processing_job_name?, one.processing_job_arn?, one.creation_time, running, Remedy::StopProcessingJob)
                }
            )
        }
        Kind::TransformJob => {
            type Status = TransformJobStatus;
            jobs!(clients, kind, asked, now, "ListTransformJobs", list_transform_jobs, Status::InProgress, transform_job_summaries, |one| {
                let running = one.transform_job_status == Some(Status::InProgress);
                job(one.transform_job_name?, one.transform_job_arn?, one.creation_time, running, Remedy::StopTransformJob)
            })
        }
        Kind::AutoMlJob => {
            type Status = AutoMlJobStatus;
            jobs!(clients, kind, asked, now, "ListAutoMLJobs", list_auto_ml_jobs, Status::InProgress, auto_ml_job_summaries, |one| {
                let running = one.auto_ml_job_status == Some(Status::InProgress);
                job(one.auto_ml_job_name?, one.auto_ml_job_arn?, one.creation_time, running, Remedy::StopAutoMlJob)
            })
        }
        Kind::Endpoint => {
            pages!(clients, kind, "ListEndpoints", sagemaker.list_endpoints().set_name_contains(name.clone()), endpoints, |one| {
                let run = one.creation_time.filter(|_| one.endpoint_status == Some(EndpointStatus::InService));
                let endpoint = audited(one.endpoint_arn?, one.endpoint_name?)?;
                Some(Audited { run: timestamp(run.as_ref()), ..endpoint })
            })
        }
        Kind::EndpointConfig => {
            let call = || sagemaker.list_endpoint_configs().set_name_contains(name.clone());
            pages!(clients, kind, "ListEndpointConfigs", call(), endpoint_configs, |one| audited(
                one.endpoint_config_arn?,
                one.endpoint_config_name?
            ))
        }
        Kind::Model => {
            let call = || sagemaker.list_models().set_name_contains(name.clone());
            pages!(clients, kind, "ListModels", call(), models, |one| audited(one.model_arn?, one.model_name?))
        }
        Kind::InferenceComponent => {
            let call = || sagemaker.list_inference_components().set_name_contains(name.clone());
            pages!(clients, kind, "ListInferenceComponents", call(), inference_components, |one| {
                let component = audited(one.inference_component_arn?, one.inference_component_name?)?;
                Some(Audited { parent: one.endpoint_name.map(|endpoint| named(Kind::Endpoint, endpoint)), ..component })
            })
        }
        Kind::FeatureGroup => {
            let call = || sagemaker.list_feature_groups().set_name_contains(name.clone());
            pages!(clients, kind, "ListFeatureGroups", call(), feature_group_summaries, |one| audited(
                one.feature_group_arn?,
                one.feature_group_name?
            ))
        }
        Kind::Pipeline => {
            let call = || sagemaker.list_pipelines().set_pipeline_name_prefix(name.clone());
            pages!(clients, kind, "ListPipelines", call(), pipeline_summaries, |one| audited(one.pipeline_arn?, one.pipeline_name?))
        }
        Kind::TrackingServer => {
            pages!(clients, kind, "ListMlflowTrackingServers", sagemaker.list_mlflow_tracking_servers(), tracking_server_summaries, |one| {
                let run = one.creation_time.filter(|_| one.is_active == Some(IsTrackingServerActive::Active));
                let server = audited(one.tracking_server_arn?, one.tracking_server_name?)?;
                Some(Audited { run: timestamp(run.as_ref()), ..server })
            })
        }
        Kind::Cluster => {
            pages!(clients, kind, "ListClusters", sagemaker.list_clusters().set_name_contains(name.clone()), cluster_summaries, |one| {
                let run = one.creation_time.filter(|_| one.cluster_status == Some(ClusterStatus::Inservice));
                let cluster = audited(one.cluster_arn?, one.cluster_name?)?;
                Some(Audited { run: timestamp(run.as_ref()), ..cluster })
            })
        }
        Kind::JobSeries | Kind::TagKey | Kind::Budget | Kind::Spend => Listed::default(),
    }
}

fn of_notebook(notebook: Notebook) -> Audited {
    let instances = notebook.instance_type.into_iter().map(|instance_type| Instances { instance_type, count: 1 }).collect();
    let run = notebook.since.filter(|_| notebook.state == RunState::InService);
    Audited { run, instances, stop: Remedy::StopNotebook, ..bare(notebook.resource) }
}

fn of_app(app: App) -> Audited {
    let stop = app.delete();
    let name = Some(app.home.name().to_owned());
    let parent = Some(Parent { id: app.home.id(&app.domain), name });
    let instances = app.instance_type.into_iter().map(|instance_type| Instances { instance_type, count: 1 }).collect();
    let run = app.created.filter(|_| app.state == RunState::InService);
    Audited { run, instances, stop, parent, ..bare(app.resource) }
}

fn bare(resource: Resource) -> Audited {
    Audited {
        resource,
        tag_count: 0,
        run: None,
        instances: vec![],
        limit: None,
        stop: Remedy::None,
        parent: None,
        ancestors: vec![],
        creator: None,
        doubt: None,
    }
}

/// One whose ARN says which it is. `None`: it does not.
fn audited(arn: String, name: String) -> Option<Audited> {
    let id = id_of_arn(&arn)?;
    Some(bare(Resource { id, arn: Some(arn), name, tags: Tags::Unreadable, whose: Whose::default() }))
}

/// One of a domain, whose list names no ARN.
fn in_domain(kind: Kind, domain: &str, name: String, parent: Parent) -> Audited {
    let id = id_in(kind, domain, &name);
    Audited { parent: Some(parent), ..bare(Resource { id, arn: None, name, tags: Tags::Unreadable, whose: Whose::default() }) }
}

fn id_in(kind: Kind, domain: &str, name: &str) -> String {
    kind.id(&format!("{domain}/{name}"))
}

fn job(name: String, arn: String, created: Option<DateTime>, running: bool, stop: Remedy) -> Option<Audited> {
    let run = timestamp(created.as_ref()).filter(|_| running);
    Some(Audited { run, stop, ..audited(arn, name)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(of: &str, links: &[(&str, Option<&str>)]) -> Vec<String> {
        let parent = |name: &str| named(Kind::Model, name.to_owned());
        let links =
            links.iter().map(|(name, above)| (Kind::Model.id(name), Ok(Some(Link { tags: BTreeMap::new(), parent: above.map(parent) }))));
        let (line, broken) = line_of(Some(&parent(of)), &links.collect());
        assert_eq!(broken, None);
        line.into_iter().map(|ancestor| ancestor.id).collect()
    }

    #[test]
    fn a_line_of_parents_names_nobody_twice() {
        assert_eq!(line("b", &[("b", Some("c")), ("c", None)]), ["model/b", "model/c"]);
        assert_eq!(line("a", &[("a", Some("a"))]), ["model/a"], "its own parent");
        assert_eq!(line("b", &[("a", Some("b")), ("b", Some("a"))]), ["model/b", "model/a"], "a loop");
        assert_eq!(line("gone", &[]), [""; 0]);
    }

    #[test]
    fn a_parent_that_could_not_be_read_is_said() {
        let links = Links::from([(Kind::Model.id("a"), Err("ListTags: denied".to_owned()))]);
        assert_eq!(line_of(Some(&named(Kind::Model, "a".into())), &links), (vec![], Some("ListTags: denied".to_owned())));
    }
}
