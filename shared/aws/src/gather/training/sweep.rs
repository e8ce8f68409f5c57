//! The daily sweep: reads all training jobs of the last four weeks and all running tuning jobs from the search index, page by page.

use std::collections::HashMap;

use aws_sdk_sagemaker::types::{Filter, Operator, ResourceType, SearchExpression, SearchSortOrder};
use cost_rules::{
    duration::Duration,
    facts::{Facts, JobSeries, JobStatus, Subject as _, TrainingJob, Unread},
    plan::SpotSaving,
    resource::{Kind, Resource},
    rulebook::Rulebook,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value;

use super::record::{TrainingRecord, TuningRecord, WarmPoolStatus};
use crate::{
    clients::{Clients, why::why},
    gather::{
        read::{Read, every_page},
        wire::Body,
    },
};

/// How far back the daily sweep looks: as long as a job may run.
const WINDOW: Duration = Duration::days(28);

/// How far the search index may lag behind. A job that ended this shortly before the last sweep is recorded once more, and replaces its own item.
const BEHIND: SignedDuration = SignedDuration::from_hours(1);

/// The most series that a sweep keeps in memory. Further ones are ignored.
const MOST_SERIES: usize = 5_000;

/// The result of a sweep.
pub struct Sweep {
    /// Running jobs, series, and what could not be read.
    pub facts: Facts,
    /// What Spot saved on the jobs that ended since the last sweep.
    pub savings: Vec<SpotSaving>,
}

/// Reads all training jobs of the last four weeks, and all running tuning jobs, from the search index, which lags behind.
///
/// Running jobs become facts. Ended ones are counted into their series page by page, so that memory use stays constant. `since`: when the last sweep was.
pub async fn sweep(clients: &Clients, rulebook: &Rulebook, since: Timestamp, now: Timestamp) -> Sweep {
    let prices = rulebook.policy.prices_of(&clients.region);
    let mut facts = Facts { now, prices: prices.clone(), ..Facts::default() };
    let mut savings = vec![];
    let mut series: HashMap<String, JobSeries> = HashMap::new();
    let mut looked_at = 0;
    let created = Filter::builder().name("CreationTime").operator(Operator::GreaterThan).value(search_time(now - WINDOW.signed())).build();
    let read = search(clients, ResourceType::TrainingJob, created, |hit| {
        let Some(record) = hit.training_job else { return };
        looked_at += 1;
        let warm_pool = record.warm_pool_status.as_ref().map(WarmPoolStatus::retained);
        let job = record.job(rulebook, true);
        if job.status == JobStatus::InProgress {
            facts.training_jobs.push(job);
            return;
        }
        if job.ended.is_some_and(|ended| since - BEHIND < ended) {
            savings.extend(SpotSaving::of(&job, &rulebook.policy, &prices));
        }
        // Jobs of a tuning job (or another parent) are not counted: the parent sets their limits.
        if job.parent.is_some() {
            return;
        }
        let whose = rulebook.policy.owner_of(&job.resource).unwrap_or_default();
        let id = format!("{}@{whose}", job.series().unwrap_or_default());
        if series.contains_key(&id) || series.len() < MOST_SERIES {
            count(series.entry(id.clone()).or_insert_with(|| new_series(id, &job)), &job, warm_pool.flatten());
        }
    });
    let training = read.await;
    let tuning = search(clients, ResourceType::HyperParameterTuningJob, running("HyperParameterTuningJobStatus"), |hit| {
        facts.tuning_jobs.extend(hit.hyper_parameter_tuning_job.map(|record| record.job(rulebook, true)));
    });
    let tuning = tuning.await;

    for (kind, read) in [(Kind::TrainingJob, training), (Kind::TuningJob, tuning)] {
        match read {
            // A running job may be too new for the index: so the jobs are not complete, but their series are.
            Ok(()) => {
                facts.reading.complete_series.insert(kind);
                facts.reading.looked_at.insert(kind, if kind == Kind::TrainingJob { looked_at } else { facts.tuning_jobs.len() });
            }
            Err(why) => facts.reading.unread.push(Unread::new(format!("{}s (sagemaker:Search)", kind.words()), why)),
        }
    }
    facts.job_series = series.into_values().collect();
    facts.job_series.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    count_children(&mut facts);
    Sweep { facts, savings }
}

/// Finds a running training or tuning job by its id, and returns its name as it is spelled. `None`: the index has no such job, or not yet.
pub(super) async fn running_name_of(clients: &Clients, rulebook: &Rulebook, id: &str) -> Read<Option<String>> {
    let (resource, status) = match Kind::of(id) {
        Some(Kind::TuningJob) => (ResourceType::HyperParameterTuningJob, "HyperParameterTuningJobStatus"),
        _ => (ResourceType::TrainingJob, "TrainingJobStatus"),
    };
    let mut found = None;
    let read = search(clients, resource, running(status), |hit| {
        let training = hit.training_job.map(|record| record.job(rulebook, true).resource);
        let tuning = hit.hyper_parameter_tuning_job.map(|record| record.job(rulebook, true).resource);
        found = found.take().or_else(|| training.or(tuning).filter(|job| job.id == id).map(|job| job.name));
    });
    read.await.map_err(|why| format!("sagemaker:Search: {why}"))?;
    Ok(found)
}

fn running(status: &str) -> Filter {
    Filter::builder().name(status).operator(Operator::Equals).value("InProgress").build()
}

/// Sets on each tuning job how many of its training jobs run, and how many of those on Spot.
fn count_children(facts: &mut Facts) {
    let mut running: HashMap<&str, (u32, u32)> = HashMap::new();
    for job in &facts.training_jobs {
        if let Some(parent) = &job.parent {
            let (all, on_spot) = running.entry(parent).or_default();
            *all += 1;
            *on_spot += u32::from(job.spot);
        }
    }
    for job in &mut facts.tuning_jobs {
        job.running = job.resource.arn.as_deref().map(|arn| running.get(arn).copied().unwrap_or_default());
    }
}

fn new_series(id: String, newest: &TrainingJob) -> JobSeries {
    JobSeries {
        resource: Resource { id, ..newest.resource.clone() },
        completed: 0,
        longest: Duration::seconds(0),
        max_runtime: newest.max_runtime,
        instances: newest.instances.clone(),
        warm_pools: 0,
        unused_warm_pools: 0,
        unused_for: Duration::seconds(0),
        window: WINDOW,
    }
}

/// Counts an ended job into its series. `warm_pool`: whether its warm pool was reused, and for how long it was kept.
fn count(series: &mut JobSeries, job: &TrainingJob, warm_pool: Option<(bool, Duration)>) {
    if job.status == JobStatus::Completed {
        series.completed += 1;
        series.longest = series.longest.max(Duration::seconds(job.training_seconds.unwrap_or_default()));
    }
    if let Some((reused, kept)) = warm_pool {
        series.warm_pools += 1;
        if !reused {
            series.unused_warm_pools += 1;
            series.unused_for = Duration::seconds(series.unused_for.signed().as_secs() + kept.signed().as_secs());
        }
    }
}

/// Calls `tell` with each hit of a search, newest first. Records that cannot be read are left out, and are an error at the end.
async fn search(clients: &Clients, resource: ResourceType, filter: Filter, mut tell: impl FnMut(Hit)) -> Read<()> {
    let expression = SearchExpression::builder().filters(filter).build();
    let mut unreadable: Vec<String> = vec![];
    every_page(clients, async |token| {
        let body = Body::default();
        let call = clients.sagemaker.search().resource(resource.clone()).search_expression(expression.clone()).max_results(100);
        let call = call.sort_by("CreationTime").sort_order(SearchSortOrder::Descending).set_next_token(token);
        let page = call.customize().interceptor(body.clone()).send().await.map_err(|error| why(&error))?;
        for hit in body.json::<Found>("Search")?.results {
            match Hit::deserialize(&hit) {
                Ok(hit) => tell(hit),
                Err(error) => unreadable.push(error.to_string()),
            }
        }
        Ok(page.next_token)
    })
    .await?;
    unreadable.first().map_or(Ok(()), |why| Err(format!("{} of its records could not be read: {why}", unreadable.len())))
}

fn search_time(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    #[serde(default)]
    results: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hit {
    training_job: Option<TrainingRecord>,
    hyper_parameter_tuning_job: Option<TuningRecord>,
}
