//! Makes facts of a case's `resource`. What it does not say is as an ordinary resource has it (docs/policy-tests.md has the list).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use toml::{Spanned, de::DeValue};

use crate::{
    cases::keys::Keys,
    facts::{
        Ancestor, App, Asset, AutoScaling, Backlog, CanSleep, Capacity, Change, Compute, Creator, Endpoint, Facts, Invocations, JobStatus,
        Notebook, RunState, Serving, TrainingJob, TuningDefinition, TuningJob, Usage, Variant,
    },
    policy::{Policy, Table, Wrong, contradiction, table, wrong},
    remedy::Remedy,
    vocabulary::{
        duration::Duration,
        price::Instances,
        resource::{AppHome, Kind, Ownership, Resource, Tags},
        schedule::Schedule,
        spelling::nearest,
    },
};

/// Which key says which state of a notebook, how long it has been in it.
const NOTEBOOK_STATES: &[(&str, RunState)] = &[
    ("running-for", RunState::InService),
    ("stopped-for", RunState::Stopped),
    ("pending-for", RunState::Changing(Change::Pending)),
    ("updating-for", RunState::Changing(Change::Updating)),
    ("stopping-for", RunState::Changing(Change::Stopping)),
    ("deleting-for", RunState::Changing(Change::Deleting)),
];

const APP_STATES: &[(&str, RunState)] = &[
    ("running-for", RunState::InService),
    ("pending-for", RunState::Changing(Change::Pending)),
    ("deleting-for", RunState::Changing(Change::Deleting)),
];

const ENDPOINT_STATES: &[(&str, RunState)] = &[
    ("running-for", RunState::InService),
    ("creating-for", RunState::Changing(Change::Creating)),
    ("updating-for", RunState::Changing(Change::Updating)),
    ("deleting-for", RunState::Changing(Change::Deleting)),
];

const JOB_STATES: &[(&str, JobStatus)] =
    &[("running-for", JobStatus::InProgress), ("stopping-for", JobStatus::Other), ("ended-for", JobStatus::Completed)];

/// Of what is judged by its tags only: whether it runs.
const OTHER_STATES: &[(&str, bool)] = &[("running-for", true), ("stopped-for", false)];

/// `AppType`, as AWS spells it.
const APP_TYPES: [&str; 9] = [
    "JupyterLab",
    "CodeEditor",
    "KernelGateway",
    "JupyterServer",
    "TensorBoard",
    "Canvas",
    "RStudioServerPro",
    "RSessionGateway",
    "DetailedProfiler",
];

/// The hours of which it is known how often an endpoint was called, as in an account.
const HOURS_OF_USE: usize = 14 * 24;

/// For how long what runs has run, if the case does not say.
const USUAL_RUN: Duration = Duration::hours(1);

/// What all kinds of cases have in common.
struct Common {
    at: Timestamp,
    kind: Kind,
    resource: Resource,
    creator: Option<Creator>,
}

/// The kind of a case's resource, and the facts: it alone, at this time.
///
/// # Errors
/// A key or a value is wrong.
pub(super) fn facts(resource: Table<'_>, at: Timestamp, policy: &Policy) -> Result<(Kind, Facts), Wrong> {
    let mut keys = Keys::of(resource, "a case's `resource`");
    let kind = kind(&keys.must("kind", "kind = \"notebook-instance\"")?)?;
    let mut keys = keys.named(format!("a `{}` of a case", kind.as_str()));
    let region = keys.or("region", "us-east-1".to_owned())?;
    let case = Common::read(&mut keys, at, kind, &region)?;
    let mut facts = Facts { now: at, prices: policy.prices_of(&region), ..Facts::default() };
    let mut asset = match kind {
        Kind::NotebookInstance => notebook(&mut keys, &case, &mut facts)?,
        Kind::App => app(&mut keys, case, &mut facts)?,
        Kind::TrainingJob => training_job(&mut keys, &case, &mut facts)?,
        Kind::TuningJob => tuning_job(&mut keys, &case, &mut facts)?,
        Kind::Endpoint => endpoint(&mut keys, &case, policy, &mut facts)?,
        _ => other(&mut keys, &case)?,
    };
    keys.done()?;
    policy.settle_ownership(&mut asset);
    facts.assets.push(asset);
    Ok((kind, facts))
}

fn kind(value: &Spanned<DeValue<'_>>) -> Result<Kind, Wrong> {
    let known: Vec<&str> = Kind::TAGGED.iter().map(|kind| kind.as_str()).collect();
    let DeValue::String(text) = value.get_ref() else { return wrong(value.span(), "`kind` is a text: \"notebook-instance\"") };
    let found = Kind::TAGGED.iter().copied().find(|kind| kind.as_str() == text.as_ref());
    found.map_or_else(|| wrong(value.span(), format!("`{text}` is no `kind` of a case{}", nearest(text, &known))), Ok)
}

impl Common {
    fn read(keys: &mut Keys<'_>, at: Timestamp, kind: Kind, region: &str) -> Result<Self, Wrong> {
        let usual = if kind == Kind::App { "default" } else { "example" };
        let name = keys.or("name", usual.to_owned())?;
        let tags = Tags::Known(tags(keys, "tags")?);
        let creator = keys.take("created-by")?.map(|user| Creator { user, maker: String::new() });
        let id = kind.id(&name);
        let arn = Some(format!("arn:aws:sagemaker:{region}:123456789012:{id}"));
        Ok(Self { at, kind, resource: Resource { id, arn, name, tags, ownership: Ownership::default() }, creator })
    }

    /// When a state began that has lasted so long.
    fn ago(&self, length: Duration) -> Timestamp {
        self.at - length.signed()
    }

    /// The resource as the tag rules see it: with its own tags, and not running.
    fn asset(&self) -> Asset {
        Asset {
            resource: self.resource.clone(),
            tag_count: self.resource.tags.read().map_or(0, BTreeMap::len),
            created: None,
            run: None,
            is_leaving: false,
            changing: None,
            instances: vec![],
            limit: None,
            stop: stop_of(self.kind),
            parent: None,
            part_of: None,
            work: None,
            is_spot: false,
            ancestors: vec![],
            creator: self.creator.clone(),
            ownership_unknown: None,
        }
    }
}

/// What stops a resource of this kind. Of an app it takes more than its kind.
const fn stop_of(kind: Kind) -> Remedy {
    match kind {
        Kind::NotebookInstance => Remedy::StopNotebook,
        Kind::TrainingJob => Remedy::StopTrainingJob,
        Kind::TuningJob => Remedy::StopTuningJob,
        Kind::ProcessingJob => Remedy::StopProcessingJob,
        Kind::TransformJob => Remedy::StopTransformJob,
        Kind::AutoMlJob => Remedy::StopAutoMlJob,
        _ => Remedy::None,
    }
}

fn tags(keys: &mut Keys<'_>, key: &'static str) -> Result<BTreeMap<String, String>, Wrong> {
    let Some(value) = keys.raw(key) else { return Ok(BTreeMap::new()) };
    let text_of = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| -> Result<(String, String), Wrong> {
        let key: &toml::de::DeString<'_> = key.get_ref();
        match value.get_ref() {
            DeValue::String(text) => Ok((key.to_string(), text.to_string())),
            _ => wrong(value.span(), format!("the tag `{key}` is no text: write it in quotes")),
        }
    };
    table(&value, key)?.get_ref().iter().map(text_of).collect()
}

/// What it runs on: `instance-type` and `instance-count`.
fn instances(keys: &mut Keys<'_>, usual: &str, count: u32) -> Result<Instances, Wrong> {
    let instance_type = instance_type(keys, usual)?;
    Ok(Instances { instance_type, count: count_of(keys, "instance-count", count)? })
}

fn instance_type(keys: &mut Keys<'_>, usual: &str) -> Result<String, Wrong> {
    let Some(value) = keys.raw("instance-type") else { return Ok(usual.to_owned()) };
    match value.get_ref() {
        DeValue::String(text) if text.starts_with("ml.") || text == "system" => Ok(text.to_string()),
        _ => wrong(value.span(), format!("`instance-type` is none: write for example \"{usual}\"")),
    }
}

/// A number from 1.
fn count_of(keys: &mut Keys<'_>, key: &'static str, usual: u32) -> Result<u32, Wrong> {
    let count: Option<std::num::NonZeroU32> = keys.take(key)?;
    Ok(count.map_or(usual, std::num::NonZeroU32::get))
}

fn notebook(keys: &mut Keys<'_>, case: &Common, facts: &mut Facts) -> Result<Asset, Wrong> {
    let (state, length) = keys.state(NOTEBOOK_STATES)?.unwrap_or((RunState::InService, USUAL_RUN));
    let instance_type = instance_type(keys, "ml.t3.medium")?;
    let used: Option<Duration> = keys.take("last-used")?;
    let since = case.ago(length);
    facts.notebooks.push(Notebook {
        resource: case.resource.clone(),
        instance_type: Some(instance_type.clone()),
        state,
        since: Some(since),
        volume_gb: Some(5),
        usage: used.map(|used| Usage { last: case.ago(used), known_until: case.at }),
    });
    let run = Some(since).filter(|_| state == RunState::InService);
    let instances = vec![Instances { instance_type, count: 1 }];
    Ok(Asset { run, is_leaving: state.is_leaving(), instances, ..case.asset() })
}

/// The space or the user profile of an app. An ordinary app is in a space.
fn home(keys: &mut Keys<'_>) -> Result<AppHome, Wrong> {
    let space: Option<String> = keys.take("space")?;
    let Some(value) = keys.raw("user-profile") else { return Ok(AppHome::Space(space.unwrap_or_else(|| "example".to_owned()))) };
    match value.get_ref() {
        _ if space.is_some() => contradiction(value.span(), "`space` and `user-profile` exclude each other: an app is in one of them"),
        DeValue::String(profile) => Ok(AppHome::UserProfile(profile.to_string())),
        _ => wrong(value.span(), "`user-profile` is no text: write its name"),
    }
}

fn app_type(keys: &mut Keys<'_>) -> Result<String, Wrong> {
    let Some(value) = keys.raw("app-type") else { return Ok("JupyterLab".to_owned()) };
    match value.get_ref() {
        DeValue::String(text) if APP_TYPES.contains(&text.as_ref()) => Ok(text.to_string()),
        DeValue::String(text) => wrong(value.span(), format!("`{text}` is no `app-type`{}", nearest(text, &APP_TYPES))),
        _ => wrong(value.span(), "`app-type` is a text: \"JupyterLab\""),
    }
}

fn app(keys: &mut Keys<'_>, mut case: Common, facts: &mut Facts) -> Result<Asset, Wrong> {
    let (state, length) = keys.state(APP_STATES)?.unwrap_or((RunState::InService, USUAL_RUN));
    let (home, app_type) = (home(keys)?, app_type(keys)?);
    let domain = keys.or("domain", "d-example".to_owned())?;
    let home_tags = tags(keys, "home-tags")?;
    let instance_type = instance_type(keys, "ml.t3.medium")?;
    let app_name = case.resource.name.clone();
    case.resource.id = format!("app/{domain}/{}/{app_type}/{app_name}", home.name()).to_lowercase();
    case.resource.name = format!("{} {app_type} {app_name}", home.name());
    case.resource.arn = None;
    let own = case.resource.tags.read().cloned().unwrap_or_default();
    let all = home_tags.clone().into_iter().chain(own).collect();
    let created = case.ago(length);
    facts.apps.push(App {
        resource: Resource { tags: Tags::Known(all), ..case.resource.clone() },
        domain: domain.clone(),
        home: home.clone(),
        space_owner: None,
        app_type: app_type.clone(),
        app_name: app_name.clone(),
        instance_type: Some(instance_type.clone()),
        state,
        created: Some(created),
        deleted_by_guard: None,
    });
    Ok(Asset {
        run: Some(created).filter(|_| state == RunState::InService),
        is_leaving: state.is_leaving(),
        instances: vec![Instances { instance_type, count: 1 }],
        ancestors: vec![Ancestor { id: home.id(&domain), name: home.name().to_owned(), tags: home_tags }],
        stop: Remedy::DeleteApp { domain, home, app_type, app_name },
        ..case.asset()
    })
}

/// Since when a job is stopping.
fn stopping(status: JobStatus, since: Timestamp) -> Option<(Change, Option<Timestamp>)> {
    (status == JobStatus::Other).then_some((Change::Stopping, Some(since)))
}

fn training_job(keys: &mut Keys<'_>, case: &Common, facts: &mut Facts) -> Result<Asset, Wrong> {
    let (status, length) = keys.state(JOB_STATES)?.unwrap_or((JobStatus::InProgress, USUAL_RUN));
    let instances = vec![instances(keys, "ml.m5.xlarge", 1)?];
    let checkpoints = keys.or("checkpoints", false)?;
    let limit = keys.or("max-runtime", Duration::days(1))?;
    let began = case.ago(length);
    let part_of: Option<String> = keys.take("part-of")?;
    facts.training_jobs.push(TrainingJob {
        resource: case.resource.clone(),
        indexed: false,
        status,
        created: Some(began),
        started: Some(began),
        ended: Some(began).filter(|_| status == JobStatus::Completed),
        spot: keys.or("spot", false)?,
        checkpoint: checkpoints.then(|| "s3://example/checkpoints".to_owned()),
        instances: instances.clone(),
        max_runtime: Some(limit),
        keep_alive: keys.take("keep-alive")?,
        capacity: Capacity::Common,
        parent: part_of.clone(),
        work: None,
        algorithm: None,
        waited_for: keys.or("python-sdk", false)?,
        secondary_status: None,
        failure: None,
        replaces: None,
        training_seconds: None,
        billable_seconds: None,
    });
    let run = Some(began).filter(|_| status == JobStatus::InProgress);
    Ok(Asset { run, changing: stopping(status, began), instances, limit: Some(limit), part_of, ..case.asset() })
}

fn tuning_job(keys: &mut Keys<'_>, case: &Common, facts: &mut Facts) -> Result<Asset, Wrong> {
    let (status, length) = keys.state(JOB_STATES)?.unwrap_or((JobStatus::InProgress, USUAL_RUN));
    let instances = vec![instances(keys, "ml.m5.xlarge", 1)?];
    let spot = keys.or("spot", false)?;
    let max_runtime = Some(keys.or("max-runtime", Duration::days(1))?);
    let parallel = count_of(keys, "parallel", 1)?;
    let created = case.ago(length);
    let choices = vec![instances.clone()];
    let definition = TuningDefinition { algorithm: None, spot, choices, max_runtime, capacity: Capacity::Common, keep_alive: None };
    facts.tuning_jobs.push(TuningJob {
        resource: case.resource.clone(),
        indexed: false,
        status,
        created: Some(created),
        work: None,
        definitions: vec![definition],
        parallel,
        most_jobs: Some(count_of(keys, "jobs", 10)?),
        ended: 0,
        max_runtime: None,
        running: Some((parallel, if spot { parallel } else { 0 })),
    });
    let run = Some(created).filter(|_| status == JobStatus::InProgress);
    Ok(Asset { run, changing: stopping(status, created), instances, ..case.asset() })
}

/// When an endpoint was called.
struct Called {
    /// In the hours that begin within these.
    within: Schedule,
    /// The last time.
    last: Timestamp,
}

impl Called {
    /// Requests by the hour until the case's time: 100 in each hour in which it was called.
    fn requests(&self, created: Timestamp, at: Timestamp, policy: &Policy) -> Invocations {
        let hour = SignedDuration::from_hours(1);
        let ends = (0..HOURS_OF_USE).scan(at, |end, _| Some(std::mem::replace(end, *end - hour)));
        let is_called = |end: Timestamp| end <= self.last && self.within.is_working(end - hour, &policy.calendar);
        let requests = |end: Timestamp| (created < end).then(|| if is_called(end) { 100.0 } else { 0.0 });
        let mut hours: Vec<Option<f32>> = ends.map(requests).collect();
        hours.reverse();
        Invocations::by_hour(at - Duration::days(14).signed(), hours)
    }
}

fn endpoint(keys: &mut Keys<'_>, case: &Common, policy: &Policy, facts: &mut Facts) -> Result<Asset, Wrong> {
    let (state, length) = keys.state(ENDPOINT_STATES)?.unwrap_or((RunState::InService, Duration::days(30)));
    let instances = instances(keys, "ml.m5.large", 1)?;
    let serving = if keys.or("asynchronous", false)? { Serving::Asynchronous } else { Serving::RealTime };
    let last = case.ago(keys.or("last-used", Duration::minutes(0))?);
    let called = Called { within: keys.take("called")?.unwrap_or_else(Schedule::always), last };
    let created = case.ago(length);
    let variant = Variant {
        name: "AllTraffic".into(),
        is_shadow: false,
        compute: Compute::Instances {
            instance_type: Some(instances.instance_type.clone()),
            current: instances.count,
            desired: instances.count,
            fixed: None,
        },
        weight: Some(1.0),
        scaling: AutoScaling::None,
        start_up: None,
        invocations: Some(called.requests(created, case.at, policy)),
        provisioned_use: None,
    };
    facts.endpoints.push(Endpoint {
        resource: case.resource.clone(),
        state,
        created: Some(created),
        modified: None,
        config: Some(format!("{}-config", case.resource.name)),
        serving,
        is_deploying: false,
        variants: vec![variant],
        components: Some(vec![]),
        backlog: (serving == Serving::Asynchronous).then(Backlog::default),
        attached: None,
        announced: vec![],
        hibernation: None,
        router: None,
        can_sleep: CanSleep::Yes,
        compute_optimizer: None,
    });
    let run = Some(created).filter(|_| state == RunState::InService);
    let changing = if let RunState::Changing(change) = state { Some((change, Some(created))) } else { None };
    Ok(Asset { created: Some(created), run, changing, is_leaving: state.is_leaving(), instances: vec![instances], ..case.asset() })
}

/// A resource that is judged by its tags only. What is billed by the hour, and jobs, run.
fn other(keys: &mut Keys<'_>, case: &Common) -> Result<Asset, Wrong> {
    if !case.kind.is_metered() && !case.kind.is_job() {
        return Ok(case.asset());
    }
    let (runs, length) = keys.state(OTHER_STATES)?.unwrap_or((true, USUAL_RUN));
    let instances = vec![instances(keys, "ml.m5.xlarge", 1)?];
    Ok(Asset { run: runs.then(|| case.ago(length)), instances, ..case.asset() })
}
