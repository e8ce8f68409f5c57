//! The account's training and tuning jobs: their order, their changes over time, their events and their bill. One file: what a change of a job entails.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    estate::{
        jobs as spec,
        jobs::{TrainingJobSpec, TuningJobSpec},
        plan::{Deed, PlannedAction},
        times::Duration,
    },
    life::{
        kinds::{input_of, refusal_of},
        order::{Listed, Ordered},
        trail::Creator,
    },
    services::sagemaker::tuning::{self, Tuning},
    world::{BillLine, Due, TagLog, World},
};

pub(crate) mod life;

use life::{Job, Script, View};

/// All jobs. Ended jobs stay, as in AWS.
#[derive(Default)]
pub(crate) struct Jobs {
    pub(crate) training: Ordered<Job>,
    /// Jobs that may still have a warm pool.
    pools: BTreeSet<Arc<str>>,
    /// The specs with a `submit`.
    templates: Vec<Template>,
    /// How jobs run and end, by the start of their name. Jobs that an API call creates use them, too.
    scripts: Vec<(String, Arc<Script>)>,
    pub(crate) tunings: BTreeMap<Arc<str>, Tuning>,
    /// Whether the time before the start is being simulated: its events are not delivered.
    silent: bool,
    submissions: u64,
}

/// What people submit repeatedly.
#[derive(Clone)]
pub(crate) enum Template {
    Training(Arc<TrainingJobSpec>),
    Tuning(Arc<TuningJobSpec>),
}

/// A change of a job, by itself or by people.
pub(crate) enum Step {
    /// A training job comes to its next state, if that is still due.
    Training(Arc<str>),
    /// A tuning job reaches its time limit.
    TuningLimit(Arc<str>),
    /// A job of the estate that is not submitted is created.
    Existing(Template, usize),
    /// People submit the n-th template.
    Submit(usize),
}

impl Jobs {
    /// The script of a job that an API call creates: that of the estate's job with the longest name contained in the new name, or an hour of training.
    fn script_for(&self, name: &str) -> Arc<Script> {
        let fits = self.scripts.iter().filter(|(base, _)| !base.is_empty() && name.contains(base.as_str()));
        fits.max_by_key(|(base, _)| base.len()).map(|(_, script)| Arc::clone(script)).unwrap_or_default()
    }
}

impl Listed for Job {
    fn name(&self) -> &str {
        &self.name
    }

    fn created(&self) -> Timestamp {
        Job::created(self)
    }

    fn modified(&self) -> Timestamp {
        Job::modified(self)
    }

    fn status(&self) -> &'static str {
        self.last().status
    }
}

/// The inputs of a job's creation.
pub(crate) struct NewJob {
    pub(crate) name: String,
    pub(crate) definition: Arc<Value>,
    pub(crate) script: Option<Arc<Script>>,
    pub(crate) parents: Value,
    pub(crate) tuning: Option<Arc<str>>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl World {
    /// Adds the estate's jobs, and simulates their life until the start.
    pub(crate) fn plant_jobs(&mut self, training: Vec<TrainingJobSpec>, tuning: Vec<TuningJobSpec>, start: Timestamp) {
        let role = self.role();
        self.jobs.silent = true;
        for spec in training {
            let (definition, script) = (Arc::new(spec.definition(&role)), Arc::new(spec.script()));
            self.jobs.scripts.push((spec.base().to_owned(), Arc::clone(&script)));
            let spec = Arc::new(spec);
            if !spec.submit.is_empty() {
                self.jobs.templates.push(Template::Training(spec));
                continue;
            }
            if let Some(create) = &spec.create {
                for (number, at) in (0..spec.count).filter_map(|number| Some((number, create.next_after(start)?))) {
                    self.at(at, Due::Job(Step::Existing(Template::Training(Arc::clone(&spec)), number)));
                }
                continue;
            }
            let first = spec.first_created(start, &definition, &script);
            let apart = spec.apart.map_or(SignedDuration::ZERO, Duration::signed);
            for number in 0..spec.count {
                let created = first - apart * i32::try_from(number).unwrap_or(i32::MAX);
                if spec.keep_alive.is_some() || start < created {
                    // It may use a warm pool, or it is created later.
                    self.at(created, Due::Job(Step::Existing(Template::Training(Arc::clone(&spec)), number)));
                } else {
                    let name = spec.name(number);
                    let mut job = Job::new(name.clone(), spec::for_job(&definition, &name), Arc::clone(&script), created, false);
                    job.parents = spec.parents();
                    job.live_until(start);
                    let key = self.insert_job(job, &spec.tags);
                    self.plan_job(&self.job_arn(&key), &spec.plan);
                }
            }
        }
        for spec in tuning {
            self.jobs.scripts.extend(spec.definition.first().map(|first| (spec.name.clone(), Arc::new(first.script()))));
            let spec = Arc::new(spec);
            if spec.submit.is_empty() {
                let planned = spec.create.as_ref().map(|create| create.next_after(start));
                let an_hour_ago = start - SignedDuration::from_hours(1);
                let created = planned.unwrap_or_else(|| Some(spec.created.map_or(an_hour_ago, |created| created.at(start))));
                if let Some(created) = created {
                    self.at(created, Due::Job(Step::Existing(Template::Tuning(spec), 0)));
                }
            } else {
                self.jobs.templates.push(Template::Tuning(spec));
            }
        }
        // Simulates the time before the start.
        if let Some(first) = self.next_due() {
            self.now = first.min(start);
        }
        self.live_until(start);
        self.jobs.silent = false;
        for number in 0..self.jobs.templates.len() {
            self.schedule_submission(number);
        }
    }

    fn schedule_submission(&mut self, template: usize) {
        let occasions = match self.jobs.templates.get(template) {
            Some(Template::Training(spec)) => &spec.submit,
            Some(Template::Tuning(spec)) => &spec.submit,
            None => return,
        };
        if let Some(next) = occasions.iter().filter_map(|occasion| occasion.next_after(self.now)).min() {
            self.at(next, Due::Job(Step::Submit(template)));
        }
    }

    /// Carries out a change of a job that is due.
    pub(crate) fn job_step(&mut self, step: Step) {
        match step {
            Step::Training(key) => self.change_job(&key, Job::live_until),
            Step::TuningLimit(key) => tuning::stop(self, &key),
            Step::Existing(Template::Training(spec), number) => self.submit_training(&spec, spec.name(number)),
            Step::Existing(Template::Tuning(spec), _) => self.submit_tuning(&spec, spec.name.clone()),
            Step::Submit(template) => {
                match self.jobs.templates.get(template).cloned() {
                    Some(Template::Training(spec)) => {
                        for number in 0..spec.count {
                            self.jobs.submissions += 1;
                            // The milliseconds make the names unique; they have no other meaning.
                            let base = spec.name(number);
                            let name = if spec.named_by_sdk {
                                spec::submitted_name(&base, self.now, 123 + 37 * self.jobs.submissions)
                            } else {
                                spec::short_name(&base, self.now)
                            };
                            self.submit_training(&spec, name);
                        }
                    }
                    Some(Template::Tuning(spec)) => self.submit_tuning(&spec, spec::short_name(&spec.name, self.now)),
                    None => {}
                }
                self.schedule_submission(template);
            }
        }
    }

    fn plan_job(&mut self, arn: &str, plan: &[PlannedAction]) {
        for action in plan.iter().cloned() {
            self.schedule(arn, action);
        }
    }

    fn submit_training(&mut self, spec: &TrainingJobSpec, name: String) {
        let definition = spec::for_job(&Arc::new(spec.definition(&self.role())), &name);
        let input = input_of(&definition, "TrainingJobName", &name, &spec.tags);
        let answer = json!({"TrainingJobArn": self.job_arn(&name)});
        if !self.is_created("CreateTrainingJob", &input, &answer, spec.by.as_ref(), spec.fails.as_deref()) {
            return;
        }
        self.plan_job(&self.job_arn(&name), &spec.plan);
        let (script, parents, tags) = (Some(Arc::new(spec.script())), spec.parents(), spec.tags.clone());
        self.create_job(NewJob { name, definition, script, parents, tuning: None, tags });
    }

    /// Records a creation by people in CloudTrail's events; false: it is refused.
    fn is_created(&mut self, operation: &str, input: &Value, answer: &Value, by: Option<&Creator>, fails: Option<&str>) -> bool {
        let answer = fails.map_or(Ok(answer), |code| Err(refusal_of(code)));
        self.note_call(&by.cloned().unwrap_or_default(), operation, input, answer.as_ref().map(|answer| *answer));
        answer.is_ok()
    }

    fn submit_tuning(&mut self, spec: &TuningJobSpec, name: String) {
        let definition = spec.definition(&self.role());
        let input = input_of(&definition, "HyperParameterTuningJobName", &name, &spec.tags);
        let answer = json!({"HyperParameterTuningJobArn": self.tuning_arn(&name)});
        if !self.is_created("CreateHyperParameterTuningJob", &input, &answer, spec.by.as_ref(), spec.fails.as_deref()) {
            return;
        }
        self.plan_job(&self.tuning_arn(&name), &spec.plan);
        let scripts = spec.definition.iter().map(|definition| Arc::new(definition.script())).collect();
        let parents = spec.definition.iter().map(TrainingJobSpec::parents).collect();
        tuning::create(self, name, definition, &spec.tags, tuning::Conduct { scripts, without_spot: spec.children_without_spot, parents });
    }

    /// Creates a job now. The definition has been validated.
    pub(crate) fn create_job(&mut self, new: NewJob) {
        let now = self.now;
        let script = new.script.unwrap_or_else(|| self.jobs.script_for(&new.name));
        let pool = self.matching_pool(&new.definition);
        let mut job = Job::new(new.name, new.definition, script, now, pool.is_some());
        if let Some(pool) = pool {
            self.jobs.pools.remove(&pool);
            self.jobs.training.change(&pool, |before| before.hand_over(now, &job.name));
        }
        (job.parents, job.tuning) = (new.parents, new.tuning);
        let key = self.insert_job(job, &new.tags);
        self.tell_of_job(&key, 0);
    }

    fn insert_job(&mut self, job: Job, tags: &BTreeMap<String, String>) -> Arc<str> {
        self.first_tags(&self.job_arn(&job.name), job.created(), tags);
        let next = job.next_at();
        let key = self.jobs.training.insert(job);
        if let Some(next) = next {
            self.at(next, Due::Job(Step::Training(Arc::clone(&key))));
        }
        key
    }

    /// The job with an unused warm pool of the same shape. Spot jobs use none.
    fn matching_pool(&mut self, definition: &Value) -> Option<Arc<str>> {
        let (now, jobs) = (self.now, &mut self.jobs);
        let all = &jobs.training;
        jobs.pools.retain(|key| all.by_key(key).is_some_and(|job| job.available_pool(now).is_some()));
        if jobs.pools.is_empty() || definition.get("EnableManagedSpotTraining").and_then(Value::as_bool) == Some(true) {
            return None;
        }
        let shape = Job::shape(definition);
        jobs.pools.iter().find(|key| all.by_key(key).is_some_and(|job| Job::shape(&job.definition) == shape)).cloned()
    }

    /// Changes a job, with all consequences: events, order, next change, tuning job.
    pub(crate) fn change_job(&mut self, key: &Arc<str>, change: impl FnOnce(&mut Job, Timestamp)) {
        let now = self.now;
        let outcome = self.jobs.training.change(key, |job| {
            let (changes, due) = (job.history().len(), job.next_at());
            change(job, now);
            (changes, due, job.history().len(), job.next_at(), job.tuning.clone(), job.available_pool(now).is_some())
        });
        let Some((changes, due, after, next, tuning, keeps_a_pool)) = outcome else { return };
        if keeps_a_pool {
            self.jobs.pools.insert(Arc::clone(key));
        }
        for change in changes..after {
            self.tell_of_job(key, change);
        }
        if let Some(next) = next.filter(|_| next != due) {
            self.at(next, Due::Job(Step::Training(Arc::clone(key))));
        }
        if let Some(tuning) = tuning.filter(|_| next.is_none() && changes < after) {
            tuning::go_on(self, &tuning);
        }
    }

    /// Stops a job if it is in progress.
    pub(crate) fn stop_job(&mut self, name: &str) {
        self.change_job(&name.to_lowercase().into(), Job::stop);
    }

    pub(crate) fn job_arn(&self, name: &str) -> String {
        self.arn(&format!("training-job/{name}"))
    }

    pub(crate) fn tuning_arn(&self, name: &str) -> String {
        self.arn(&format!("hyper-parameter-tuning-job/{name}"))
    }

    /// Does what a person would do to a job, by name or ARN; false: there is no such job.
    pub(crate) fn job_deed(&mut self, what: &str, deed: &Deed) -> bool {
        let name = what.rsplit('/').next().unwrap_or_default().to_lowercase();
        let is = |arn: String| arn == what || !what.contains(['/', ':']) || arn.ends_with(&format!(":{}", what.to_lowercase()));
        let arn = if self.jobs.training.by_key(&name).is_some() && is(self.job_arn(&name)) {
            if *deed == Deed::Stop {
                self.stop_job(&name);
            }
            self.job_arn(&name)
        } else if self.jobs.tunings.contains_key(name.as_str()) && is(self.tuning_arn(&name)) {
            if *deed == Deed::Stop {
                tuning::stop(self, &name);
            }
            self.tuning_arn(&name)
        } else {
            return false;
        };
        match deed {
            Deed::Tag(key, value) => drop(self.change_tags(&arn, |tags| drop(tags.insert(key.clone(), value.clone())))),
            Deed::Untag(key) => drop(self.change_tags(&arn, |tags| drop(tags.remove(key)))),
            // Jobs cannot be started again or deleted here; stopping is handled above.
            Deed::Start | Deed::Stop | Deed::Delete | Deed::Open | Deed::Hosting(_) => {}
        }
        true
    }

    fn tell_of_job(&mut self, key: &str, change: usize) {
        if self.jobs.silent {
            return;
        }
        let Some(job) = self.jobs.training.by_key(key) else { return };
        let arn = self.job_arn(key);
        let tags = self.tags.get(&arn).map(TagLog::now).unwrap_or_default();
        let detail = event_detail(&job.after_change(change), &arn, &tags);
        self.tell("SageMaker Training Job State Change", &[&arn], &detail);
    }

    /// Whether the time before the start is being simulated.
    pub(crate) fn is_before_the_start(&self) -> bool {
        self.jobs.silent
    }

    /// The cost of all jobs since a moment, without those that had ended by then.
    pub(crate) fn job_lines(&self, from: Timestamp) -> Vec<BillLine> {
        let line = |job: &Job| {
            let (ran, billable) = job.metered(from, self.now);
            if ran.is_zero() && job.next_at().is_none() && job.modified() <= from {
                return None;
            }
            let arn = self.job_arn(&job.name);
            let instances = job.instances();
            let cost = |(instance_type, count): &(&str, u64)| {
                Some(self.hourly(instance_type)? * Decimal::from(*count) * Decimal::from(billable) / Decimal::from(3600))
            };
            Some(BillLine {
                name: job.name.clone(),
                kind: if job.spot { "spot-training-job" } else { "training-job" },
                owner: self.tags.get(&arn).and_then(|log| log.now().get("Owner").cloned()),
                arn,
                instance_type: instances.iter().map(|(instance_type, _)| *instance_type).collect::<Vec<_>>().join(" + "),
                ran,
                usd: instances.iter().map(cost).sum::<Option<Decimal>>().map(|usd| usd.round_dp(6)),
            })
        };
        self.jobs.training.iter().filter_map(line).collect()
    }
}

/// A training job, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingJob {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `InProgress`, …
    pub status: String,
    /// `Training`, …
    pub secondary_status: String,
    /// `EnableManagedSpotTraining`
    pub spot: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it first had its instances.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// `TrainingTimeInSeconds`; `None`: it has not ended.
    pub training_seconds: Option<i64>,
    /// `BillableTimeInSeconds`; `None`: it has not ended.
    pub billable_seconds: Option<i64>,
    /// `InUse`, `Available`, `Reused` or `Terminated`; `None`: it has no warm pool.
    pub warm_pool: Option<String>,
    /// The ARN of the tuning job that launched it.
    pub tuning_job_arn: Option<String>,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
    /// The input of `CreateTrainingJob`, without the name and the tags.
    pub definition: Value,
}

/// A hyperparameter tuning job, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct TuningJob {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `InProgress`, …
    pub status: String,
    /// Whether all its definitions have `EnableManagedSpotTraining`.
    pub spot: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The names of the training jobs that it has launched, oldest first.
    pub training_jobs: Vec<String>,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
    /// The input of `CreateHyperParameterTuningJob`, without the name and the tags.
    pub definition: Value,
}

impl World {
    fn shown(&self, job: &Job) -> TrainingJob {
        let view = crate::services::sagemaker::training::present(self, job);
        let arn = self.job_arn(&job.name);
        let (training_seconds, billable_seconds) = view.times().unzip();
        TrainingJob {
            name: job.name.clone(),
            status: view.last().status.to_owned(),
            secondary_status: view.last().secondary.to_owned(),
            spot: job.spot,
            created: job.created(),
            started: view.started(),
            ended: view.ended(),
            training_seconds,
            billable_seconds,
            warm_pool: view.pool_status().map(str::to_owned),
            tuning_job_arn: job.parents.get("TuningJobArn").and_then(Value::as_str).map(str::to_owned),
            tags: self.tags.get(&arn).map(TagLog::now).unwrap_or_default(),
            definition: Value::clone(&job.definition),
            arn,
        }
    }

    pub(crate) fn training_jobs(&self) -> Vec<TrainingJob> {
        self.jobs.training.iter().map(|job| self.shown(job)).collect()
    }

    pub(crate) fn training_job(&self, name: &str) -> Option<TrainingJob> {
        self.jobs.training.get(name).map(|job| self.shown(job))
    }

    pub(crate) fn tuning_jobs(&self) -> Vec<TuningJob> {
        let shown = |tuning: &Tuning| {
            let arn = self.tuning_arn(&tuning.name);
            let is_spot = |definition: &&Value| definition.get("EnableManagedSpotTraining").and_then(Value::as_bool) == Some(true);
            let children = tuning.children.iter().filter_map(|child| Some(self.jobs.training.by_key(&child.key)?.name.clone()));
            TuningJob {
                name: tuning.name.clone(),
                status: tuning.status().to_owned(),
                spot: tuning.definitions().iter().all(is_spot),
                created: tuning.created(),
                ended: tuning.ended(),
                training_jobs: children.collect(),
                tags: self.tags.get(&arn).map(TagLog::now).unwrap_or_default(),
                definition: tuning.definition.clone(),
                arn,
            }
        };
        self.jobs.tunings.values().map(shown).collect()
    }
}

/// A time as events have it, in milliseconds since 1970.
pub(crate) fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The `detail` of an event (aws-facts §1.2). It has nothing about Spot, checkpoints, billing or the warm pool.
fn event_detail(view: &View<'_>, arn: &str, tags: &BTreeMap<String, String>) -> Value {
    const SHOWN: [&str; 8] = [
        "HyperParameters",
        "AlgorithmSpecification",
        "RoleArn",
        "InputDataConfig",
        "OutputDataConfig",
        "ResourceConfig",
        "VpcConfig",
        "StoppingCondition",
    ];
    let job = view.job;
    let mut detail = json!({
        "TrainingJobName": job.name, "TrainingJobArn": arn, "TrainingJobStatus": view.last().status, "SecondaryStatus": view.last().secondary,
        "CreationTime": milliseconds(job.created()), "LastModifiedTime": milliseconds(view.last().at),
        "SecondaryStatusTransitions": view.transitions(milliseconds), "Tags": tags,
    });
    for name in SHOWN {
        if let Some(value) = job.definition.get(name) {
            detail[name] = value.clone();
        }
    }
    if let Some(stopping) = detail.get_mut("StoppingCondition").and_then(Value::as_object_mut) {
        stopping.remove("MaxWaitTimeInSeconds");
    }
    for (name, at) in [("TrainingStartTime", view.started()), ("TrainingEndTime", view.ended())] {
        if let Some(at) = at {
            detail[name] = milliseconds(at).into();
        }
    }
    if let Some(arn) = job.parents.get("TuningJobArn") {
        detail["TuningJobArn"] = arn.clone();
    }
    if let Some(failure) = view.failure() {
        detail["FailureReason"] = failure.into();
    }
    detail
}

#[cfg(test)]
mod tests;
