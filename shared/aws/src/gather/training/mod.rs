//! Reads single training and tuning jobs from the service itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aws_sdk_sagemaker::types::{HyperParameterTrainingJobSummary, TrainingJobStatus};
use cost_rules::{
    facts::{Facts, Fate, JobStatus, TrainingJob, TuningJob, Variables},
    resource::{Kind, Resource, Tags},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;

use self::{
    record::{TrainingRecord, TuningRecord},
    variables::VariablesRecord,
};
use super::{
    read::{IN_FLIGHT, Read, name_of, unread_of},
    tags,
    wire::{self, Body, time},
};
use crate::clients::{Clients, why::why};

mod record;
pub mod resubmissions;
pub mod sweep;
mod variables;

/// Reads single jobs ([`Scope::named`]) from the service itself. Running jobs are read with their tags, on which the policy's overrides depend.
///
/// [`look_at_children`], with two more calls, finds out how many training jobs of a tuning job run on Spot.
///
/// [`Scope::named`]: cost_rules::scope::Scope::named
pub async fn some(clients: &Clients, rulebook: &Rulebook, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) {
    let before = (facts.training_jobs.len(), facts.tuning_jobs.len());
    some_without_tags(clients, rulebook, named, facts).await;
    let training = facts.training_jobs[before.0..].iter_mut();
    // The tags of a job that belongs to another one are not needed: that one decides.
    let training = training.filter(|job| job.status == JobStatus::InProgress && job.parent.is_none()).map(|job| &mut job.resource);
    let tuning = facts.tuning_jobs[before.1..].iter_mut().filter(|job| job.status == JobStatus::InProgress).map(|job| &mut job.resource);
    let (gone, unread) = tags::read_own(clients, rulebook, training.chain(tuning)).await;
    facts.reading.unread.extend(unread);
    facts.forget(&gone);
    facts.reading.gone.extend(gone);
}

/// The same without tags, one call each.
async fn some_without_tags(clients: &Clients, rulebook: &Rulebook, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) {
    let mut failed: Vec<(String, String)> = vec![];
    let read = stream::iter(named).map(async |(id, name)| (id, one(clients, rulebook, id, name.as_deref()).await));
    for (id, read) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(Some(Job::Training(job))) => facts.training_jobs.push(*job),
            Ok(Some(Job::Tuning(job))) => facts.tuning_jobs.push(*job),
            Ok(None) => drop(facts.reading.gone.insert(id.clone())),
            Err(why) => failed.push((id.clone(), why)),
        }
    }
    facts.reading.unread.extend(unread_of("state", &failed));
}

/// Sets on each running tuning job that asks for Spot how many of its training jobs run, and how many of those on Spot.
pub async fn look_at_children(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts) {
    let mut failed: Vec<(String, String)> = vec![];
    for job in facts.tuning_jobs.iter_mut().filter(|job| job.is_spot() && job.status == JobStatus::InProgress && job.running.is_none()) {
        match children(clients, rulebook, &job.resource.name).await {
            Ok(running) => job.running = Some(running),
            Err(why) => failed.push((job.resource.id.clone(), why)),
        }
    }
    facts.reading.unread.extend(unread_of("training jobs", &failed));
}

/// How many training jobs of a tuning job run (at most 100), and how many of those on Spot. Of each definition only the first one is described, and stands
/// for all.
async fn children(clients: &Clients, rulebook: &Rulebook, name: &str) -> Read<(u32, u32)> {
    let mut running: BTreeMap<Option<String>, (u32, String)> = BTreeMap::new();
    for job in jobs_of_tuning(clients, name, Some(TrainingJobStatus::InProgress), 100).await? {
        let Some(name) = job.training_job_name else { continue };
        running.entry(job.training_job_definition_name).or_insert((0, name)).0 += 1;
    }
    let mut all = (0, 0);
    for (count, first) in running.into_values() {
        let is_on_spot = training(clients, rulebook, &first).await?.is_none_or(|job| job.spot);
        all = (all.0 + count, all.1 + if is_on_spot { count } else { 0 });
    }
    Ok(all)
}

/// The newest training jobs of a tuning job: at most `most` (up to 100), of one status or of any.
async fn jobs_of_tuning(
    clients: &Clients,
    name: &str,
    status: Option<TrainingJobStatus>,
    most: i32,
) -> Read<Vec<HyperParameterTrainingJobSummary>> {
    clients.in_time()?;
    let call = clients.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job().hyper_parameter_tuning_job_name(name);
    let listed = call.set_status_equals(status).max_results(most).send().await;
    let listed = listed.map_err(|error| format!("sagemaker:ListTrainingJobsForHyperParameterTuningJob: {}", why(&error)))?;
    Ok(listed.training_job_summaries.unwrap_or_default())
}

/// Reads a job. `None`: it does not exist. If only the id is known, the name may be spelled differently: then the search index is asked for the spelling.
async fn one(clients: &Clients, rulebook: &Rulebook, id: &str, spelt: Option<&str>) -> Read<Option<Job>> {
    let name = spelt.unwrap_or_else(|| name_of(id));
    let found = described(clients, rulebook, id, name).await?;
    if found.is_some() || spelt.is_some() {
        return Ok(found);
    }
    match sweep::running_name_of(clients, rulebook, id).await? {
        Some(spelt) => described(clients, rulebook, id, &spelt).await,
        None => Err(format!(
            "there is no job of the name {name}, and none that runs has it in another spelling: names are case-sensitive, ARNs may be in lower case"
        )),
    }
}

/// A job of the kind that the id has, by its name. `None`: there is no job with this name.
async fn described(clients: &Clients, rulebook: &Rulebook, id: &str, name: &str) -> Read<Option<Job>> {
    Ok(match Kind::of(id) {
        Some(Kind::TuningJob) => describe_tuning(clients, rulebook, name).await?.map(|job| Job::Tuning(Box::new(job))),
        _ => training(clients, rulebook, name).await?.map(|job| Job::Training(Box::new(job))),
    })
}

enum Job {
    Training(Box<TrainingJob>),
    Tuning(Box<TuningJob>),
}

/// The current state of a training job, without its tags. `None`: there is no job with this name.
pub(super) async fn training(clients: &Clients, rulebook: &Rulebook, name: &str) -> Read<Option<TrainingJob>> {
    Ok(record(clients, name).await?.map(|record| record.job(rulebook, false)))
}

async fn record(clients: &Clients, name: &str) -> Read<Option<TrainingRecord>> {
    let described = describe_training(clients, name).await?;
    let record = described.map(|described| TrainingRecord::deserialize(&described)).transpose();
    record.map_err(|error| format!("sagemaker:DescribeTrainingJob: {error}"))
}

/// The ARN of the AutoML job that a tuning job is a part of, if it is. Only its training jobs name it.
pub(super) async fn auto_ml_job_of(clients: &Clients, tuning_job: &str) -> Read<Option<String>> {
    let any = jobs_of_tuning(clients, tuning_job, None, 1).await?.into_iter().find_map(|job| job.training_job_name);
    let name = any.ok_or("it has no training jobs yet, which would name the AutoML job")?;
    Ok(record(clients, &name).await?.and_then(|record| record.auto_ml_job_arn))
}

/// The response of `DescribeTrainingJob` as raw JSON. `None`: there is no job with this name.
pub(crate) async fn describe_training(clients: &Clients, name: &str) -> Read<Option<Value>> {
    clients.in_time()?;
    let body = Body::default();
    let sent = clients.sagemaker.describe_training_job().training_job_name(name).customize().interceptor(body.clone()).send().await;
    wire::described(sent, &body, "DescribeTrainingJob")
}

/// The variables that a training or tuning job was given. A job that is gone has none, and so has any other resource.
pub(crate) async fn variables(clients: &Clients, id: &str, name: &str) -> Read<Variables> {
    let described = match Kind::of(id) {
        Some(Kind::TrainingJob) => describe_training(clients, name).await?,
        Some(Kind::TuningJob) => describe_tuning_raw(clients, name).await?,
        _ => None,
    };
    let record = described.map(VariablesRecord::deserialize).transpose();
    Ok(record.map_err(|error| format!("the variables of {id}: {error}"))?.unwrap_or_default().all())
}

/// The current state of a training job.
pub(crate) struct Now {
    /// The status as the API spells it: `InProgress`, …
    pub(crate) status: String,
    pub(crate) created: Option<Timestamp>,
    pub(crate) arn: String,
}

/// The current state of a training job. `None`: there is no job with this name.
pub(crate) async fn now(clients: &Clients, name: &str) -> Read<Option<Now>> {
    Ok(record(clients, name).await?.map(|record| Now {
        status: record.training_job_status.unwrap_or_default(),
        created: time(record.creation_time),
        arn: record.training_job_arn,
    }))
}

/// What became of a training job that was resubmitted. `run`: when it was created; a job with the same name and another time is a different one.
///
/// # Errors
/// It cannot be read, or its status is not known.
pub async fn fate(clients: &Clients, name: &str, run: Option<Timestamp>) -> Result<Fate, String> {
    let Some(now) = now(clients, name).await?.filter(|now| run.is_none() || now.created == run) else { return Ok(Fate::Ended) };
    match now.status.as_str() {
        "InProgress" => Ok(Fate::Runs),
        "Completed" => Ok(Fate::Completed),
        "Stopping" => Ok(Fate::Stopping),
        "Stopped" | "Failed" | "Deleting" => Ok(Fate::Ended),
        other => Err(format!("training job {name} is {other}")),
    }
}

/// The current state of a tuning job, without its tags. `None`: there is no job with this name.
pub(super) async fn describe_tuning(clients: &Clients, rulebook: &Rulebook, name: &str) -> Read<Option<TuningJob>> {
    Ok(describe_tuning_raw::<TuningRecord>(clients, name).await?.map(|record| record.job(rulebook, false)))
}

/// The response of `DescribeHyperParameterTuningJob` in one's own form. `None`: there is no job with this name.
async fn describe_tuning_raw<T: DeserializeOwned>(clients: &Clients, name: &str) -> Read<Option<T>> {
    clients.in_time()?;
    let body = Body::default();
    let call = clients.sagemaker.describe_hyper_parameter_tuning_job().hyper_parameter_tuning_job_name(name);
    wire::described(call.customize().interceptor(body.clone()).send().await, &body, "DescribeHyperParameterTuningJob")
}

/// Reads the state and the tags of these jobs (by id) from the service itself.
pub async fn confirm(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
    let mut known = refresh_indexed(clients, rulebook, facts, ids).await;
    // Jobs that were described a moment ago, with their tags, are not read again.
    let training = facts.training_jobs.iter().filter(|job| !job.indexed).map(|job| &job.resource);
    let tuning = facts.tuning_jobs.iter().filter(|job| !job.indexed).map(|job| &job.resource);
    known.extend(training.chain(tuning).filter(|resource| matches!(resource.tags, Tags::Known(_))).map(|resource| resource.id.clone()));
    tags::confirm(clients, rulebook, facts, |resource| ids.contains(&resource.id) && !known.contains(&resource.id)).await;
}

/// Reads one job again, right before an action. `None`: it is none of these.
pub(crate) async fn again(clients: &Clients, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
    if let Some(known) = facts.training_jobs.iter().find(|job| job.resource.id == id) {
        let read = training_with_tags(clients, rulebook, &known.resource).await;
        let fresh = |job| Facts { training_jobs: vec![TrainingJob { replaces: known.replaces.clone(), ..job }], ..facts.of_this_moment() };
        return Some(read.map(|found| found.map(fresh)));
    }
    let known = facts.tuning_jobs.iter().find(|job| job.resource.id == id)?;
    let read = tuning_with_tags(clients, rulebook, &known.resource).await;
    Some(read.map(|found| found.map(|job| Facts { tuning_jobs: vec![job], ..facts.of_this_moment() })))
}

/// Reads the state of the jobs that come from the search index again, from the service itself, one call each. Their tags in the index are good enough for a
/// mail. Returns their ids.
async fn refresh_indexed(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) -> HashSet<String> {
    let is_meant = |resource: &Resource, indexed: bool| indexed && ids.contains(&resource.id);
    let mut replaces = HashMap::new();
    let training = facts.training_jobs.extract_if(.., |job| is_meant(&job.resource, job.indexed)).map(|job| {
        replaces.insert(job.resource.id.clone(), job.replaces);
        job.resource
    });
    let tuning = facts.tuning_jobs.extract_if(.., |job| is_meant(&job.resource, job.indexed));
    // Only the sweep knows how many training jobs a tuning job runs.
    let mut children: HashMap<String, Option<(u32, u32)>> = HashMap::new();
    let tuning = tuning.map(|job| {
        children.insert(job.resource.id.clone(), job.running);
        job.resource
    });
    let known: HashMap<String, Resource> = training.chain(tuning).map(|resource| (resource.id.clone(), resource)).collect();
    let asked = known.values().map(|resource| (resource.id.clone(), Some(resource.name.clone()))).collect();
    some_without_tags(clients, rulebook, &asked, facts).await;
    for resource in facts.resources_mut() {
        if let Some(known) = known.get(&resource.id) {
            resource.tags = known.tags.clone();
        }
    }
    for job in &mut facts.training_jobs {
        if let Some(replaces) = replaces.remove(&job.resource.id) {
            job.replaces = replaces;
        }
    }
    for job in &mut facts.tuning_jobs {
        if let Some(running) = children.get(&job.resource.id) {
            job.running = *running;
        }
    }
    known.into_keys().collect()
}

/// A training job with its tags, both read at the same time. `None`: it does not exist.
async fn training_with_tags(clients: &Clients, rulebook: &Rulebook, known: &Resource) -> Read<Option<TrainingJob>> {
    let arn = known.arn.as_deref().ok_or("its ARN is not known")?;
    let (found, tags) = tokio::join!(training(clients, rulebook, &known.name), tags::of(clients, rulebook, arn));
    let (Some(mut job), Some(tags)) = (found?, tags?) else { return Ok(None) };
    job.resource.tags = Tags::Known(tags);
    Ok(Some(job))
}

/// A tuning job with its tags and, if it asks for Spot, how many of its training jobs run on Spot. `None`: it does not exist.
async fn tuning_with_tags(clients: &Clients, rulebook: &Rulebook, known: &Resource) -> Read<Option<TuningJob>> {
    let arn = known.arn.as_deref().ok_or("its ARN is not known")?;
    let (found, tags) = tokio::join!(describe_tuning(clients, rulebook, &known.name), tags::of(clients, rulebook, arn));
    let (Some(mut job), Some(tags)) = (found?, tags?) else { return Ok(None) };
    job.resource.tags = Tags::Known(tags);
    if job.is_spot() && job.status == JobStatus::InProgress {
        job.running = Some(children(clients, rulebook, &job.resource.name).await?);
    }
    Ok(Some(job))
}
