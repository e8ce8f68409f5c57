//! Training and tuning jobs in the estate: `[[training-job]]` and `[[tuning-job]]`, and the definitions that their `Create…` calls would have. One file,
//! although it is long: it documents each key of the format.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::ensure;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::life::jobs::life::{Job, MAX_RUNTIME, Script};
use crate::{
    estate::{
        When, check_creation, expect_one_of,
        plan::{Occasion, PlannedAction},
        times::Duration,
    },
    life::trail::Creator,
};

/// The statuses in which a job can end.
const ENDS: [&str; 3] = ["Completed", "Failed", "Stopped"];
/// The default training image: the customer's own.
const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/training:latest";
/// The length of what the SageMaker SDK appends to a base name: `-2026-11-24-09-10-00-123`.
const SUFFIX: usize = 24;
/// The length of what it appends to a tuning job's base name: `-261124-0910`.
const SHORT_SUFFIX: usize = 12;

/// A training job, or `count` of them with `{}` in the name, or one for each submission. In all texts of its definition, `{job}` is the job's name.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainingJobSpec {
    /// Its name; `{}` is replaced by a number if there is a `count`. With `submit`, the part before the time.
    pub name: String,
    /// How many; with `submit`, how many at each submission.
    pub count: usize,
    /// The difference in age between one job and the next.
    pub apart: Option<Duration>,
    /// `ml.m5.xlarge`
    pub instance_type: String,
    /// How many instances.
    pub instance_count: u64,
    /// Instead of `instance-type`: several groups of instances.
    pub instance_groups: Vec<InstanceGroupSpec>,
    /// Instead of `instance-type`: types of which AWS takes one. The simulator takes the first.
    pub instance_preferences: Vec<String>,
    /// A serverless job without instances: `FineTuning` or `Evaluation`.
    pub serverless: Option<String>,
    /// The size of each instance's volume, in GB.
    pub volume_gb: u64,
    /// How long its instances are retained in a warm pool.
    pub keep_alive: Option<Duration>,
    /// The ARN of a training plan.
    pub training_plan: Option<String>,
    /// `EnableManagedSpotTraining`
    pub spot: bool,
    /// `MaxRuntimeInSeconds`
    pub max_runtime: Option<Duration>,
    /// `MaxWaitTimeInSeconds`; absent for a Spot job: as `max-runtime`.
    pub max_wait: Option<Duration>,
    /// The S3 URI of its checkpoints.
    pub checkpoint: Option<String>,
    /// The training image.
    pub image: Option<String>,
    /// Instead of an image: the name or ARN of an algorithm.
    pub algorithm: Option<String>,
    /// `HyperParameters`
    pub hyper_parameters: BTreeMap<String, String>,
    /// The S3 URI of its input; absent: none.
    pub input: Option<String>,
    /// The S3 URI of its output.
    pub output: String,
    /// Additional fields of `CreateTrainingJob`, with AWS's names: `{ VpcConfig = { … } }`.
    pub definition: Map<String, Value>,
    /// The ARN of the Autopilot job that started it.
    pub auto_ml_arn: Option<String>,
    /// The ARN of the labeling job that started it.
    pub labeling_arn: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How long it trains if nobody stops it.
    pub takes: Duration,
    /// `Completed`, `Failed`, or `Stopped`: somebody stops it at that time.
    pub ends: String,
    /// `FailureReason` if it fails.
    pub failure: Option<String>,
    /// How long it waits for capacity.
    pub pending: Option<Duration>,
    /// How long it waits for Spot capacity; absent: as `pending`.
    pub spot_pending: Option<Duration>,
    /// Spot interruptions: each after this much training time.
    pub interruptions: Vec<Duration>,
    /// The Spot discount: 0.7 is 70 %.
    pub spot_discount: Decimal,
    /// Its status at the start. With `InProgress` it was created at `since`; with any other status it ended at `since`.
    pub status: Option<String>,
    /// Since when it has this status.
    pub since: Option<When>,
    /// Instead of `since`: when it was created. Its status at the start follows from how long it takes.
    pub created: Option<When>,
    /// When people submit it.
    pub submit: Vec<Occasion>,
    /// Whether the SageMaker SDK names what is submitted. Otherwise a script does.
    pub named_by_sdk: bool,
    /// Who creates it.
    pub by: Option<Creator>,
    /// When it is created; absent: it exists at the start.
    pub create: Option<Occasion>,
    /// The error code with which its creation is refused.
    pub fails: Option<String>,
    /// What people do with it.
    pub plan: Vec<PlannedAction>,
}

/// `InstanceGroups`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstanceGroupSpec {
    /// Its name.
    pub name: String,
    /// `ml.m5.xlarge`
    pub instance_type: String,
    /// How many instances.
    pub instance_count: u64,
}

impl Default for TrainingJobSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            count: 1,
            apart: None,
            instance_type: "ml.m5.xlarge".into(),
            instance_count: 1,
            instance_groups: vec![],
            instance_preferences: vec![],
            serverless: None,
            volume_gb: 30,
            keep_alive: None,
            training_plan: None,
            spot: false,
            max_runtime: None,
            max_wait: None,
            checkpoint: None,
            image: None,
            algorithm: None,
            hyper_parameters: BTreeMap::new(),
            input: None,
            output: "s3://ml-company/output".into(),
            definition: Map::new(),
            auto_ml_arn: None,
            labeling_arn: None,
            tags: BTreeMap::new(),
            takes: Duration::hours(1),
            ends: "Completed".into(),
            failure: None,
            pending: None,
            spot_pending: None,
            interruptions: vec![],
            spot_discount: Script::default().spot_discount,
            status: None,
            since: None,
            created: None,
            submit: vec![],
            named_by_sdk: true,
            by: None,
            create: None,
            fails: None,
            plan: vec![],
        }
    }
}

/// A hyperparameter tuning job, or one for each submission.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TuningJobSpec {
    /// Its name. With `submit`, the part before the time.
    pub name: String,
    /// `MaxNumberOfTrainingJobs`
    pub jobs: u64,
    /// `MaxParallelTrainingJobs`
    pub parallel: u64,
    /// The limit of the whole tuning job, `MaxRuntimeInSeconds`.
    pub max_runtime: Option<Duration>,
    /// `Bayesian`, `Random`, `Hyperband` or `Grid`.
    pub strategy: String,
    /// Its tags. Its training jobs get them, too.
    pub tags: BTreeMap<String, String>,
    /// Its training jobs run on demand, even if their definition asks for Spot.
    pub children_without_spot: bool,
    /// The definitions of its training jobs, with the keys of a `[[training-job]]`. If there are several, each has a name.
    pub definition: Vec<TrainingJobSpec>,
    /// When it was created; absent: an hour before the start.
    pub created: Option<When>,
    /// When people submit it.
    pub submit: Vec<Occasion>,
    /// Who creates it.
    pub by: Option<Creator>,
    /// When it is created; absent: it exists at the start.
    pub create: Option<Occasion>,
    /// The error code with which its creation is refused.
    pub fails: Option<String>,
    /// What people do with it.
    pub plan: Vec<PlannedAction>,
}

impl Default for TuningJobSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            jobs: 10,
            parallel: 2,
            max_runtime: None,
            strategy: "Bayesian".into(),
            tags: BTreeMap::new(),
            children_without_spot: false,
            definition: vec![],
            created: None,
            submit: vec![],
            by: None,
            create: None,
            fails: None,
            plan: vec![],
        }
    }
}

fn put(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

fn seconds(duration: Duration) -> i64 {
    duration.signed().as_secs()
}

/// Replaces a text in all texts of a value.
pub(crate) fn replaced(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) => text.replace(from, to).into(),
        Value::Array(items) => items.iter().map(|item| replaced(item, from, to)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), replaced(field, from, to))).collect(),
        other => other.clone(),
    }
}

/// Adds the defaults that AWS adds to a definition (answers of real accounts).
pub(crate) fn filled(mut definition: Value) -> Value {
    let Some(fields) = definition.as_object_mut() else { return definition };
    for name in ["EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"] {
        fields.entry(name).or_insert(false.into());
    }
    fields.entry("StoppingCondition").or_insert(json!({"MaxRuntimeInSeconds": MAX_RUNTIME.as_secs()}));
    let fill = |fields: Option<&mut Map<String, Value>>, defaults: &[(&str, &str)]| {
        if let Some(fields) = fields {
            for (name, default) in defaults {
                fields.entry(*name).or_insert((*default).into());
            }
        }
    };
    fill(fields.get_mut("OutputDataConfig").and_then(Value::as_object_mut), &[("KmsKeyId", ""), ("CompressionType", "GZIP")]);
    for channel in fields.get_mut("InputDataConfig").and_then(Value::as_array_mut).into_iter().flatten() {
        fill(channel.as_object_mut(), &[("CompressionType", "None"), ("RecordWrapperType", "None")]);
    }
    definition
}

/// The definition of one job, with `{job}` replaced by its name.
pub(crate) fn for_job(definition: &Arc<Value>, name: &str) -> Arc<Value> {
    if definition.to_string().contains("{job}") { Arc::new(replaced(definition, "{job}", name)) } else { Arc::clone(definition) }
}

/// A job name as the SageMaker SDK makes it: the base and the time, to the millisecond (`sagemaker.utils.name_from_base`).
pub(crate) fn submitted_name(base: &str, at: Timestamp, milliseconds: u64) -> String {
    format!("{base}-{}-{:03}", at.strftime("%Y-%m-%d-%H-%M-%S"), milliseconds % 1000)
}

/// A name as scripts and tuning jobs have it, shorter: the base and the time, to the minute.
pub(crate) fn short_name(base: &str, at: Timestamp) -> String {
    format!("{base}-{}", at.strftime("%y%m%d-%H%M"))
}

impl TrainingJobSpec {
    /// The name of the n-th job.
    pub(crate) fn name(&self, number: usize) -> String {
        self.name.replace("{}", &format!("{number:05}"))
    }

    /// The part of the name that all its jobs begin with.
    pub(crate) fn base(&self) -> &str {
        self.name.split("{}").next().unwrap_or_default().trim_end_matches('-')
    }

    /// The input of `CreateTrainingJob`, without the name and the tags.
    pub(crate) fn definition(&self, role: &str) -> Value {
        let mut algorithm = json!({"TrainingInputMode": "File"});
        match &self.algorithm {
            Some(name) => algorithm["AlgorithmName"] = name.as_str().into(),
            None => algorithm["TrainingImage"] = self.image.as_deref().unwrap_or(IMAGE).into(),
        }
        let mut stopping = json!({"MaxRuntimeInSeconds": seconds(self.max_runtime())});
        put(&mut stopping, "MaxWaitTimeInSeconds", self.spot.then(|| seconds(self.max_wait.unwrap_or(self.max_runtime()))));
        let mut definition = json!({
            "RoleArn": role,
            "OutputDataConfig": {"S3OutputPath": self.output},
            "StoppingCondition": stopping,
            "EnableManagedSpotTraining": self.spot,
        });
        match &self.serverless {
            None => {
                put(&mut definition, "AlgorithmSpecification", Some(algorithm));
                put(&mut definition, "ResourceConfig", Some(self.resources()));
            }
            Some(job_type) => {
                let model = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/example/1.0.0";
                definition["ServerlessJobConfig"] = json!({"BaseModelArn": model, "JobType": job_type});
            }
        }
        put(&mut definition, "CheckpointConfig", self.checkpoint.as_ref().map(|uri| json!({"S3Uri": uri})));
        put(&mut definition, "HyperParameters", (!self.hyper_parameters.is_empty()).then(|| json!(self.hyper_parameters)));
        let channel = |uri: &String| {
            let source = json!({"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"});
            json!([{"ChannelName": "training", "DataSource": {"S3DataSource": source}}])
        };
        put(&mut definition, "InputDataConfig", self.input.as_ref().map(channel));
        for (name, value) in &self.definition {
            definition[name] = value.clone();
        }
        filled(definition)
    }

    fn resources(&self) -> Value {
        let mut resources = json!({"VolumeSizeInGB": self.volume_gb});
        if !self.instance_groups.is_empty() {
            let group = |group: &InstanceGroupSpec| json!({"InstanceGroupName": group.name, "InstanceType": group.instance_type, "InstanceCount": group.instance_count});
            resources["InstanceGroups"] = self.instance_groups.iter().map(group).collect();
        } else if !self.instance_preferences.is_empty() {
            let one = |instance_type: &String| json!({"InstanceType": instance_type, "InstanceCount": self.instance_count});
            resources["InstancePreferences"] = self.instance_preferences.iter().map(one).collect();
        } else {
            resources["InstanceType"] = self.instance_type.as_str().into();
            resources["InstanceCount"] = self.instance_count.into();
        }
        put(&mut resources, "KeepAlivePeriodInSeconds", self.keep_alive.map(seconds));
        put(&mut resources, "TrainingPlanArn", self.training_plan.as_deref());
        resources
    }

    fn max_runtime(&self) -> Duration {
        self.max_runtime.unwrap_or(Duration::days(1))
    }

    /// How its jobs run and end.
    pub(crate) fn script(&self) -> Script {
        let default = Script::default();
        Script {
            pending: self.pending.map_or(default.pending, Duration::signed),
            spot_pending: self.spot_pending.map(Duration::signed),
            takes: self.takes.signed(),
            ends: self.status.clone().filter(|status| ENDS.contains(&status.as_str())).unwrap_or_else(|| self.ends.clone()),
            failure: self.failure.clone().unwrap_or(default.failure),
            interruptions: self.interruptions.iter().map(|after| after.signed()).collect(),
            spot_discount: self.spot_discount,
        }
    }

    /// The ARNs of the jobs that started it, as AWS's answers have them.
    pub(crate) fn parents(&self) -> Value {
        let mut parents = json!({});
        put(&mut parents, "AutoMLJobArn", self.auto_ml_arn.as_deref());
        put(&mut parents, "LabelingJobArn", self.labeling_arn.as_deref());
        parents
    }

    /// When the first of its jobs was created.
    pub(crate) fn first_created(&self, start: Timestamp, definition: &Arc<Value>, script: &Arc<Script>) -> Timestamp {
        let since = self.since.or(self.created).unwrap_or(When::Before(Duration::hours(1))).at(start);
        match self.status.as_deref() {
            Some("InProgress") | None => since,
            Some(_) => {
                let mut job = Job::new(String::new(), Arc::clone(definition), Arc::clone(script), since, false);
                job.live_until(Timestamp::MAX);
                since - job.modified().duration_since(since)
            }
        }
    }

    fn check(&self, what: &str, start: Timestamp) -> anyhow::Result<()> {
        if let Some(status) = &self.status {
            expect_one_of(&format!("{what}: status"), status, &["InProgress", "Completed", "Failed", "Stopped"])?;
        }
        expect_one_of(&format!("{what}: ends"), &self.ends, &ENDS)?;
        if let Some(job_type) = &self.serverless {
            expect_one_of(&format!("{what}: serverless"), job_type, &["FineTuning", "Evaluation"])?;
        }
        ensure!(self.image.is_none() || self.algorithm.is_none(), "{what}: expected either `image` or `algorithm`");
        ensure!(
            self.instance_groups.is_empty() || self.instance_preferences.is_empty(),
            "{what}: expected either `instance-groups` or `instance-preferences`"
        );
        let range = Decimal::ZERO..=Decimal::ONE;
        ensure!(range.contains(&self.spot_discount), "{what}: spot-discount is {}: write 0.7 for 70 %", self.spot_discount);
        ensure!(
            self.spot || self.max_wait.is_none(),
            "{what}: `max-wait` is there without `spot`, which AWS refuses: write spot = true, or leave it out"
        );
        ensure!(
            self.max_wait.is_none_or(|wait| self.max_runtime() <= wait),
            "{what}: max-wait is less than max-runtime ({}), which AWS refuses",
            self.max_runtime()
        );
        ensure!(!self.spot || self.keep_alive.is_none(), "{what}: `keep-alive` and `spot` do not go together on AWS");
        ensure!(!self.spot || self.instance_preferences.is_empty(), "{what}: `instance-preferences` and `spot` do not go together on AWS");
        ensure!(self.since.is_none() || self.created.is_none(), "{what}: expected either `since` or `created`");
        ensure!(
            self.created.is_none() || self.status.as_deref().is_none_or(|status| status == "InProgress"),
            "{what}: of a job that has ended, write `since` (when it ended) instead of `created`"
        );
        let since = self.since.or(self.created).unwrap_or(When::Before(Duration::hours(1))).at(start);
        ensure!(self.status.is_none() || since <= start, "{what}: the `status` is that at the start: `since` cannot be later");
        if self.status.as_deref() == Some("InProgress") {
            let (definition, script) = (Arc::new(self.definition("")), Arc::new(self.script()));
            let created = self.first_created(start, &definition, &script);
            let mut job = Job::new(String::new(), definition, script, created, false);
            job.live_until(start);
            let status = job.last().status;
            ensure!(
                status == "InProgress",
                "{what}: status is \"InProgress\", but it is {status} by the start, for it trains for {}: write a later `since`, or more in `takes`",
                self.takes
            );
        }
        Ok(())
    }
}

impl TuningJobSpec {
    /// The input of `CreateHyperParameterTuningJob`, without the name and the tags.
    pub(crate) fn definition(&self, role: &str) -> Value {
        let objective = json!({"Type": "Minimize", "MetricName": "validation:loss"});
        let ranges = json!({"ContinuousParameterRanges": [{"Name": "learning_rate", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Auto"}]});
        let mut limits = json!({"MaxNumberOfTrainingJobs": self.jobs, "MaxParallelTrainingJobs": self.parallel});
        put(&mut limits, "MaxRuntimeInSeconds", self.max_runtime.map(seconds));
        let mut config = json!({"Strategy": self.strategy, "ResourceLimits": limits, "TrainingJobEarlyStoppingType": "Off"});
        let of = |spec: &TrainingJobSpec| {
            let mut definition = spec.definition(role);
            if let Some(fields) = definition.as_object_mut() {
                let fixed = fields.remove("HyperParameters").unwrap_or_else(|| json!({}));
                fields.insert("StaticHyperParameters".into(), fixed);
                fields["AlgorithmSpecification"]["MetricDefinitions"] = json!([{"Name": "validation:loss", "Regex": "loss=([0-9.]+)"}]);
            }
            definition
        };
        match self.definition.as_slice() {
            [one] if one.name.is_empty() => {
                config["HyperParameterTuningJobObjective"] = objective;
                config["ParameterRanges"] = ranges;
                json!({"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": of(one)})
            }
            several => {
                let named = |spec: &TrainingJobSpec| {
                    let mut definition = of(spec);
                    definition["DefinitionName"] = spec.name.as_str().into();
                    definition["TuningObjective"] = objective.clone();
                    definition["HyperParameterRanges"] = ranges.clone();
                    definition
                };
                json!({"HyperParameterTuningJobConfig": config, "TrainingJobDefinitions": several.iter().map(named).collect::<Vec<_>>()})
            }
        }
    }
}

/// Checks for duplicate names, unknown values, and what AWS would refuse.
pub(crate) fn check(training: &[TrainingJobSpec], tuning: &[TuningJobSpec], start: Timestamp) -> anyhow::Result<()> {
    let mut names = BTreeSet::new();
    for job in training {
        ensure!(!job.name.is_empty(), "[[training-job]]: `name` is missing");
        let what = format!("[[training-job]] {}", job.name);
        ensure!(job.count < 2 || job.name.contains("{}"), "{what}: `count` is {}: write {{}} into the name, for the number", job.count);
        ensure!(names.insert(&job.name), "{what}: there are two of this name");
        let most = if job.submit.is_empty() { 63 } else { 63 - SUFFIX };
        legal_name(&what, &job.name(0), most)?;
        if !job.submit.is_empty() {
            let existing =
                job.status.is_some() || job.since.is_some() || job.created.is_some() || job.apart.is_some() || !job.plan.is_empty();
            ensure!(!existing, "{what}: what is submitted is not there before: leave out status, since, created, apart and plan");
        }
        check_creation(&what, job.create.as_ref(), &job.submit, job.fails.is_some(), start)?;
        let existing = job.status.is_some() || job.since.is_some() || job.created.is_some() || job.apart.is_some();
        ensure!(
            job.create.is_none() || !existing,
            "{what}: what is created later is not there before: leave out status, since, created and apart"
        );
        job.check(&what, start)?;
    }
    let mut names = BTreeSet::new();
    for job in tuning {
        ensure!(!job.name.is_empty(), "[[tuning-job]]: `name` is missing");
        let what = format!("[[tuning-job]] {}", job.name);
        ensure!(names.insert(&job.name), "{what}: there are two of this name");
        legal_name(&what, &job.name, if job.submit.is_empty() { 32 } else { 32 - SHORT_SUFFIX })?;
        ensure!(0 < job.jobs && 0 < job.parallel, "{what}: `jobs` and `parallel` are at least 1");
        expect_one_of(&format!("{what}: strategy"), &job.strategy, &crate::services::sagemaker::tuning::STRATEGIES)?;
        ensure!(!job.definition.is_empty(), "{what}: `definition` is missing: write definition = [{{ instance-type = \"ml.m5.xlarge\" }}]");
        if !job.submit.is_empty() {
            ensure!(
                job.created.is_none() && job.plan.is_empty(),
                "{what}: what is submitted is not there before: leave out created and plan"
            );
        }
        check_creation(&what, job.create.as_ref(), &job.submit, job.fails.is_some(), start)?;
        ensure!(job.create.is_none() || job.created.is_none(), "{what}: expected either `created` or `create`");
        let mut definitions = BTreeSet::new();
        for definition in &job.definition {
            let what = format!("{what}: definition {}", definition.name);
            ensure!(job.definition.len() == 1 || !definition.name.is_empty(), "{what}: of several definitions each has a `name`");
            ensure!(definitions.insert(&definition.name), "{what}: there are two of this name");
            let own = definition.count != 1
                || definition.status.is_some()
                || definition.since.is_some()
                || definition.created.is_some()
                || !definition.submit.is_empty()
                || !definition.plan.is_empty()
                || definition.create.is_some()
                || definition.by.is_some()
                || definition.fails.is_some()
                || !definition.tags.is_empty()
                || definition.serverless.is_some();
            ensure!(!own, "{what}: count, tags, times, plans, creators and serverless are not for a tuning job's definitions");
            definition.check(&what, start)?;
        }
    }
    Ok(())
}

fn legal_name(what: &str, name: &str, most: usize) -> anyhow::Result<()> {
    ensure!(name.len() <= most, "{what}: the name has {} characters: {most} at most", name.len());
    ensure!(is_legal_name(name), "{what}: a name has letters, digits and dashes, and no dash at its ends");
    Ok(())
}

/// `[a-zA-Z0-9](-*[a-zA-Z0-9])*`
pub(crate) fn is_legal_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.ends_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
