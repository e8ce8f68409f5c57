//! The estate's sections of the other kinds of resources, and how they are put into the account. One file, although it is long: it documents each key of
//! the format.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::life::kinds::{
    Asset, Life, New, Planned, Script, around, input_of, newer,
    records::Records,
    store,
    table::{KINDS, Kind, REST, kind_of, put},
};
use crate::services::sagemaker::kinds as api;
use crate::{
    estate::{
        Estate, When, check_creation, expect_one_of,
        jobs::replaced,
        plan::{Occasion, PlannedAction},
        times::Duration,
        traffic::TrafficSpec,
    },
    life::{
        hosting::{Hosting, Manner},
        order::Listed as _,
        trail::Creator,
    },
    world::{Due, World},
};

const ENDS: [&str; 3] = ["Completed", "Failed", "Stopped"];
const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ml:1";
/// The length of what is appended to the name of a submission: `-2026-11-24-08-10-00-123`.
const SUFFIX: usize = 24;

/// The keys that all sections have.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a> {
    name: &'a str,
    count: usize,
    apart: Option<Duration>,
    tags: &'a BTreeMap<String, String>,
    created: Option<When>,
    status: Option<&'a str>,
    since: Option<When>,
    definition: &'a Map<String, Value>,
    by: Option<&'a Creator>,
    create: Option<&'a Occasion>,
    submit: &'a [Occasion],
    fails: Option<&'a str>,
    plan: &'a [PlannedAction],
}

/// When a pipeline was executed, how each of these went, and which jobs the last of them started.
pub(crate) struct Executions<'a> {
    times: &'a [When],
    takes: Duration,
    ends: &'a str,
    jobs: &'a [String],
}

/// A section of the estate.
pub(crate) trait Section {
    /// The kind's name in the estate.
    fn kind(&self) -> &str;
    fn common(&self) -> Common<'_>;
    /// The input of its `Create…` call, with `{}` in place of the number.
    fn definition(&self, role: &str) -> Value;
    /// Of a job: how long it runs, its last status and its failure reason.
    fn script(&self) -> Option<(Duration, &str, Option<&str>)> {
        None
    }
    /// Of a pipeline: its executions.
    fn executions(&self) -> Executions<'_> {
        Executions { times: &[], takes: Duration::hours(1), ends: "Completed", jobs: &[] }
    }
    /// Of an endpoint or component: how it behaves.
    fn manner(&self) -> Option<Manner> {
        None
    }
    /// Of a transform job: the requests that are its records, and how long its container takes until the first.
    fn records(&self) -> Option<(&[TrafficSpec], Duration)> {
        None
    }
    /// Of an endpoint or component: its requests.
    fn traffic(&self) -> &[TrafficSpec] {
        &[]
    }
    /// Of an endpoint: the counts of its variants at the start.
    fn counts(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
    /// Checks what only this section has.
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Declares a section with the keys that all sections have, and its own.
macro_rules! section {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name {
            /// Its name. `{}` in the name and in all other texts is replaced by a number if there is a `count`.
            pub name: String,
            /// How many.
            pub count: usize,
            /// The difference in age between one resource and the next.
            pub apart: Option<Duration>,
            /// Its tags.
            pub tags: BTreeMap<String, String>,
            /// When it was created.
            pub created: Option<When>,
            /// Its status at the start; absent: it follows from `created`.
            pub status: Option<String>,
            /// Since when it has this status.
            pub since: Option<When>,
            /// Additional fields of its `Create…` call.
            pub definition: Map<String, Value>,
            /// Who creates it.
            pub by: Option<Creator>,
            /// When it is created; absent: it exists at the start.
            pub create: Option<Occasion>,
            /// A new one is created at each of these times, and none exists at the start.
            pub submit: Vec<Occasion>,
            /// The error code with which its creation is refused.
            pub fails: Option<String>,
            /// What people do with it.
            pub plan: Vec<PlannedAction>,
            $($(#[$of])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    name: String::new(),
                    count: 1,
                    apart: None,
                    tags: BTreeMap::new(),
                    created: None,
                    status: None,
                    since: None,
                    definition: Map::new(),
                    by: None,
                    create: None,
                    submit: vec![],
                    fails: None,
                    plan: vec![],
                    $($field: $default,)*
                }
            }
        }

        impl $name {
            fn shared(&self) -> Common<'_> {
                Common {
                    name: &self.name,
                    count: self.count,
                    apart: self.apart,
                    tags: &self.tags,
                    created: self.created,
                    status: self.status.as_deref(),
                    since: self.since,
                    definition: &self.definition,
                    by: self.by.as_ref(),
                    create: self.create.as_ref(),
                    submit: &self.submit,
                    fails: self.fails.as_deref(),
                    plan: &self.plan,
                }
            }
        }
    };
}

section! {
    /// A model.
    ModelSpec {
        /// The container's image.
        image: String = IMAGE.into(),
        /// Several containers in a row, instead of one.
        containers: Vec<String> = vec![],
        /// The S3 URI of the model's data.
        data: Option<String> = None,
        /// `SingleModel` or `MultiModel`.
        mode: String = "SingleModel".into(),
    }
}

section! {
    /// An endpoint configuration.
    EndpointConfigSpec {
        /// Its variants, if there is more than one.
        variants: Vec<VariantSpec> = vec![],
        /// For one variant: the model; absent: inference components have the models.
        model: Option<String> = None,
        /// For one variant: the instance type.
        instance_type: String = "ml.m5.xlarge".into(),
        /// For one variant: the number of instances.
        instance_count: u64 = 1,
        /// For one variant: serverless instead of instances.
        serverless: Option<ServerlessSpec> = None,
        /// Whether its endpoints are asynchronous.
        asynchronous: bool = false,
    }
}

section! {
    /// An endpoint.
    EndpointSpec {
        /// Its configuration; absent: the one with the endpoint's name.
        config: Option<String> = None,
        /// From Creating to `InService`; absent: 4 minutes, 8 with accelerators, 2 serverless.
        creating_takes: Option<Duration> = None,
        /// How long more instances take; absent: as long as the creation.
        scaling_takes: Option<Duration> = None,
        /// Until then there are no instances for it: creations and larger counts fail.
        no_capacity_until: Option<Timestamp> = None,
        /// Whether its container fails the health check when it is created.
        unhealthy: bool = false,
        /// Counts of instances other than those of the configuration, by variant: somebody has scaled it.
        counts: BTreeMap<String, u64> = BTreeMap::new(),
        /// Its requests.
        traffic: Vec<TrafficSpec> = vec![],
        /// With components and managed scaling: how many copies an instance holds; absent: one.
        copies_per_instance: Option<u64> = None,
    }
}

section! {
    /// An inference component.
    InferenceComponentSpec {
        /// The endpoint that it runs on.
        endpoint: String = String::new(),
        /// The variant that it runs on; absent: the first.
        variant: Option<String> = None,
        /// Its model.
        model: Option<String> = None,
        /// How many copies.
        copies: u64 = 1,
        /// The memory that each copy needs, in MB.
        memory_mb: u64 = 1024,
        /// The number of accelerators that each copy needs.
        accelerators: Option<u64> = None,
        /// From Creating to `InService`; absent: 2 minutes.
        creating_takes: Option<Duration> = None,
        /// How long more copies take; absent: 2 minutes.
        scaling_takes: Option<Duration> = None,
        /// Its requests.
        traffic: Vec<TrafficSpec> = vec![],
        /// Until then there is no room for it: creations and more copies fail.
        no_capacity_until: Option<Timestamp> = None,
    }
}

section! {
    /// A processing job.
    ProcessingJobSpec {
        /// `ml.m5.xlarge`
        instance_type: String = "ml.m5.xlarge".into(),
        /// How many.
        instance_count: u64 = 1,
        /// The size of each instance's volume, in GB.
        volume_gb: u64 = 30,
        /// The container's image.
        image: String = IMAGE.into(),
        /// `MaxRuntimeInSeconds`
        max_runtime: Option<Duration> = None,
        /// How long it has its instances.
        takes: Duration = Duration::hours(1),
        /// `Completed`, `Failed` or `Stopped`.
        ends: String = "Completed".into(),
        /// `FailureReason`
        failure: Option<String> = None,
    }
}

section! {
    /// A transform job.
    TransformJobSpec {
        /// Its model.
        model: String = String::new(),
        /// `ml.m5.xlarge`
        instance_type: String = "ml.m5.xlarge".into(),
        /// How many.
        instance_count: u64 = 1,
        /// The S3 URI of its input.
        input: String = "s3://ml/input".into(),
        /// The S3 URI of its output.
        output: String = "s3://ml/output".into(),
        /// The requests that are its records: those since the job before it, or of the day before the first one. Then it takes `start-up` and their time, and not `takes`.
        traffic: Vec<TrafficSpec> = vec![],
        /// With `traffic`: how long it has its instances until its first record.
        start_up: Duration = Duration::minutes(2),
        /// How long it has its instances.
        takes: Duration = Duration::hours(1),
        /// `Completed`, `Failed` or `Stopped`.
        ends: String = "Completed".into(),
        /// `FailureReason`
        failure: Option<String> = None,
    }
}

section! {
    /// An `AutoML` job. The training and processing jobs that it starts have their own sections.
    AutoMlJobSpec {
        /// The S3 URI of its input.
        input: String = "s3://ml/input".into(),
        /// The S3 URI of its output.
        output: String = "s3://ml/output".into(),
        /// The column that it predicts.
        target: String = "label".into(),
        /// How long it runs.
        takes: Duration = Duration::hours(1),
        /// `Completed`, `Failed` or `Stopped`.
        ends: String = "Completed".into(),
        /// `FailureReason`
        failure: Option<String> = None,
    }
}

section! {
    /// A feature group, a pipeline, an `MLflow` tracking server, a `HyperPod` cluster, or one of the newer kinds.
    ResourceSpec {
        /// `feature-group`, `pipeline`, `mlflow-tracking-server`, `cluster`, `mlflow-app`, `partner-app`, …
        kind: String = String::new(),
        /// Only for a cluster.
        instance_type: Option<String> = None,
        /// Only for a cluster.
        instance_count: u64 = 1,
        /// Only for a tracking server: `Small`, `Medium`, `Large`.
        size: Option<String> = None,
        /// Only for a monitoring schedule or an inference experiment: the endpoint.
        endpoint: Option<String> = None,
        /// Only for an inference router: the ARN of what it routes to.
        destination: Option<String> = None,
        /// Only for a pipeline: when it was executed.
        executions: Vec<When> = vec![],
        /// What the last of its executions started: `training-job/churn`, as an ARN ends.
        jobs: Vec<String> = vec![],
        /// How long a job or each execution takes.
        takes: Duration = Duration::hours(1),
        /// `Completed` (in the kind's own word), `Failed` or `Stopped`.
        ends: String = "Completed".into(),
    }
}

/// A variant of an endpoint configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct VariantSpec {
    /// Its name.
    pub name: String,
    /// Its model; absent: inference components have the models.
    pub model: Option<String>,
    /// `ml.m5.xlarge`
    pub instance_type: String,
    /// How many.
    pub instance_count: u64,
    /// Serverless instead of instances.
    pub serverless: Option<ServerlessSpec>,
    /// Its share of the requests, relative to the other variants.
    pub weight: f64,
    /// Additional fields of `ProductionVariant`: `ManagedInstanceScaling`, `RoutingConfig`, …
    pub definition: Map<String, Value>,
}

impl Default for VariantSpec {
    fn default() -> Self {
        Self {
            name: "AllTraffic".into(),
            model: None,
            instance_type: "ml.m5.xlarge".into(),
            instance_count: 1,
            serverless: None,
            weight: 1.0,
            definition: Map::new(),
        }
    }
}

/// `ServerlessConfig`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerlessSpec {
    /// `MemorySizeInMB`
    pub memory_mb: u64,
    /// `MaxConcurrency`
    pub max_concurrency: u64,
    /// `ProvisionedConcurrency`
    pub provisioned_concurrency: Option<u64>,
}

impl VariantSpec {
    fn definition(&self) -> Value {
        let mut variant = json!({"VariantName": self.name, "InitialVariantWeight": self.weight});
        put(&mut variant, "ModelName", self.model.as_deref());
        if let Some(serverless) = self.serverless {
            let mut config = json!({"MemorySizeInMB": serverless.memory_mb, "MaxConcurrency": serverless.max_concurrency});
            put(&mut config, "ProvisionedConcurrency", serverless.provisioned_concurrency);
            variant["ServerlessConfig"] = config;
        } else {
            variant["InstanceType"] = self.instance_type.as_str().into();
            variant["InitialInstanceCount"] = self.instance_count.into();
        }
        for (name, value) in &self.definition {
            variant[name] = value.clone();
        }
        variant
    }
}

impl Section for ModelSpec {
    fn kind(&self) -> &'static str {
        "model"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, role: &str) -> Value {
        let mut definition = json!({"ExecutionRoleArn": role});
        if self.containers.is_empty() {
            let mut container = json!({"Image": self.image, "Mode": self.mode});
            put(&mut container, "ModelDataUrl", self.data.as_deref());
            definition["PrimaryContainer"] = container;
        } else {
            definition["Containers"] = self.containers.iter().map(|image| json!({"Image": image, "Mode": self.mode})).collect();
        }
        definition
    }

    fn check(&self) -> anyhow::Result<()> {
        expect_one_of(&format!("[[model]] {}: mode", self.name), &self.mode, &["SingleModel", "MultiModel"])
    }
}

impl Section for EndpointConfigSpec {
    fn kind(&self) -> &'static str {
        "endpoint-config"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, _: &str) -> Value {
        let only = VariantSpec {
            model: self.model.clone(),
            instance_type: self.instance_type.clone(),
            instance_count: self.instance_count,
            serverless: self.serverless,
            ..VariantSpec::default()
        };
        let variants = if self.variants.is_empty() { std::slice::from_ref(&only) } else { &self.variants };
        let mut definition = json!({"ProductionVariants": variants.iter().map(VariantSpec::definition).collect::<Vec<_>>()});
        if self.asynchronous {
            definition["AsyncInferenceConfig"] = json!({"OutputConfig": {"S3OutputPath": "s3://ml/async"}});
        }
        definition
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.variants.is_empty() || (self.model.is_none() && self.serverless.is_none()),
            "[[endpoint-config]] {}: expected either `variants`, or the keys of its only one",
            self.name
        );
        Ok(())
    }
}

impl Section for EndpointSpec {
    fn kind(&self) -> &'static str {
        "endpoint"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, _: &str) -> Value {
        json!({"EndpointConfigName": self.config.as_deref().unwrap_or(&self.name)})
    }

    fn manner(&self) -> Option<Manner> {
        Some(Manner {
            creating: self.creating_takes.map(Duration::signed),
            scaling: self.scaling_takes.map(Duration::signed),
            no_capacity_until: self.no_capacity_until,
            is_unhealthy: self.unhealthy,
            copies_per_instance: self.copies_per_instance,
        })
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }

    fn traffic(&self) -> &[TrafficSpec] {
        &self.traffic
    }

    fn check(&self) -> anyhow::Result<()> {
        self.traffic.iter().try_for_each(|traffic| traffic.check(&format!("[[endpoint]] {}: traffic", self.name)))
    }
}

impl Section for InferenceComponentSpec {
    fn kind(&self) -> &'static str {
        "inference-component"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, _: &str) -> Value {
        let mut requirements = json!({"MinMemoryRequiredInMb": self.memory_mb});
        put(&mut requirements, "NumberOfAcceleratorDevicesRequired", self.accelerators);
        let mut specification = json!({"ComputeResourceRequirements": requirements});
        put(&mut specification, "ModelName", self.model.as_deref());
        let copies = json!({"CopyCount": self.copies});
        let mut definition = json!({"EndpointName": self.endpoint, "Specification": specification, "RuntimeConfig": copies});
        put(&mut definition, "VariantName", self.variant.as_deref());
        definition
    }

    fn manner(&self) -> Option<Manner> {
        Some(Manner {
            creating: self.creating_takes.map(Duration::signed),
            scaling: self.scaling_takes.map(Duration::signed),
            no_capacity_until: self.no_capacity_until,
            ..Manner::default()
        })
    }

    fn traffic(&self) -> &[TrafficSpec] {
        &self.traffic
    }

    fn check(&self) -> anyhow::Result<()> {
        self.traffic.iter().try_for_each(|traffic| traffic.check(&format!("[[inference-component]] {}: traffic", self.name)))
    }
}

impl Section for ProcessingJobSpec {
    fn kind(&self) -> &'static str {
        "processing-job"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, role: &str) -> Value {
        let cluster = json!({"InstanceType": self.instance_type, "InstanceCount": self.instance_count, "VolumeSizeInGB": self.volume_gb});
        let mut definition =
            json!({"ProcessingResources": {"ClusterConfig": cluster}, "AppSpecification": {"ImageUri": self.image}, "RoleArn": role});
        let stopping = self.max_runtime.map(|most| json!({"MaxRuntimeInSeconds": most.signed().as_secs()}));
        put(&mut definition, "StoppingCondition", stopping);
        definition
    }

    fn script(&self) -> Option<(Duration, &str, Option<&str>)> {
        Some((self.takes, &self.ends, self.failure.as_deref()))
    }
}

impl Section for TransformJobSpec {
    fn kind(&self) -> &'static str {
        "transform-job"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, _: &str) -> Value {
        let source = json!({"S3DataType": "S3Prefix", "S3Uri": self.input});
        json!({
            "ModelName": self.model, "TransformInput": {"DataSource": {"S3DataSource": source}},
            "TransformOutput": {"S3OutputPath": self.output},
            "TransformResources": {"InstanceType": self.instance_type, "InstanceCount": self.instance_count},
        })
    }

    fn script(&self) -> Option<(Duration, &str, Option<&str>)> {
        Some((self.takes, &self.ends, self.failure.as_deref()))
    }

    fn records(&self) -> Option<(&[TrafficSpec], Duration)> {
        (!self.traffic.is_empty()).then_some((&self.traffic, self.start_up))
    }

    fn check(&self) -> anyhow::Result<()> {
        self.traffic.iter().try_for_each(|traffic| traffic.check(&format!("[[transform-job]] {}: traffic", self.name)))
    }
}

impl Section for AutoMlJobSpec {
    fn kind(&self) -> &'static str {
        "automl-job"
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, role: &str) -> Value {
        let source = json!({"S3DataType": "S3Prefix", "S3Uri": self.input});
        json!({
            "AutoMLJobInputDataConfig": [{"ChannelType": "training", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": self.output}, "RoleArn": role,
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": self.target}},
        })
    }

    fn script(&self) -> Option<(Duration, &str, Option<&str>)> {
        Some((self.takes, &self.ends, self.failure.as_deref()))
    }
}

impl Section for ResourceSpec {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn common(&self) -> Common<'_> {
        self.shared()
    }

    fn definition(&self, role: &str) -> Value {
        match self.kind.as_str() {
            "feature-group" => json!({
                "RecordIdentifierFeatureName": "id", "EventTimeFeatureName": "time", "RoleArn": role,
                "FeatureDefinitions": [
                    {"FeatureName": "id", "FeatureType": "String"}, {"FeatureName": "time", "FeatureType": "Fractional"},
                ],
                "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://ml/features"}},
            }),
            "pipeline" => json!({
                "PipelineDefinition": r#"{"Version": "2020-12-01", "Steps": []}"#, "RoleArn": role,
                "ClientRequestToken": "00000000000000000000000000000000",
            }),
            "mlflow-tracking-server" => json!({
                "ArtifactStoreUri": "s3://ml/mlflow", "RoleArn": role, "MlflowVersion": "3.0.0",
                "TrackingServerSize": self.size.as_deref().unwrap_or("Small"),
            }),
            kind => newer::definition(kind, role).or_else(|| self.around(role)).unwrap_or_else(|| {
                json!({"InstanceGroups": [{
                    "InstanceGroupName": "workers", "InstanceType": self.instance_type.as_deref().unwrap_or("ml.m5.xlarge"),
                    "InstanceCount": self.instance_count, "ExecutionRole": role,
                    "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-lifecycle/scripts", "OnCreate": "on_create.sh"},
                }]})
            }),
        }
    }

    fn script(&self) -> Option<(Duration, &str, Option<&str>)> {
        let is_job = kind_of(&self.kind).is_some_and(|kind| matches!(kind.life, Life::Job { .. }));
        is_job.then_some((self.takes, &self.ends, None))
    }

    fn executions(&self) -> Executions<'_> {
        Executions { times: &self.executions, takes: self.takes, ends: &self.ends, jobs: &self.jobs }
    }

    fn check(&self) -> anyhow::Result<()> {
        let what = format!("[[resource]] {}", self.name);
        expect_one_of(&format!("{what}: kind"), &self.kind, &REST)?;
        expect_one_of(&format!("{what}: ends"), &self.ends, &ENDS)?;
        let of = |key: &str, there: bool, kind: &str| {
            ensure!(!there || self.kind == kind, "{what}: `{key}` is of a {kind}");
            Ok(())
        };
        of("instance-type", self.instance_type.is_some(), "cluster")?;
        of("size", self.size.is_some(), "mlflow-tracking-server")?;
        of("destination", self.destination.is_some(), "inference-router")?;
        let around = matches!(self.kind.as_str(), "monitoring-schedule" | "inference-experiment");
        ensure!(self.endpoint.is_some() == around, "{what}: `endpoint` is of a monitoring-schedule or an inference-experiment");
        of("jobs", !self.jobs.is_empty(), "pipeline")?;
        of("executions", !self.executions.is_empty(), "pipeline")
    }
}

impl ResourceSpec {
    fn around(&self, role: &str) -> Option<Value> {
        let text = |of: &Option<String>| of.clone().unwrap_or_default();
        around::definition(&self.kind, &text(&self.endpoint), role, &text(&self.destination))
    }
}

/// All sections of an estate.
pub(crate) fn sections(estate: &Estate) -> Vec<Box<dyn Section>> {
    fn boxed<T: Section + Clone + 'static>(specs: &[T]) -> impl Iterator<Item = Box<dyn Section>> {
        specs.iter().cloned().map(|spec| -> Box<dyn Section> { Box::new(spec) })
    }
    let hosting = boxed(&estate.model).chain(boxed(&estate.endpoint_config)).chain(boxed(&estate.endpoint));
    let jobs = boxed(&estate.processing_job).chain(boxed(&estate.transform_job)).chain(boxed(&estate.automl_job));
    hosting.chain(boxed(&estate.inference_component)).chain(jobs).chain(boxed(&estate.resource)).collect()
}

/// The name and the definition of the n-th resource of a section.
fn numbered(section: &dyn Section, template: &Value, number: usize) -> (String, Value) {
    let text = format!("{number:05}");
    let common = section.common();
    let definition = if template.to_string().contains("{}") { replaced(template, "{}", &text) } else { template.clone() };
    (common.name.replace("{}", &text), definition)
}

/// The input of a section's `Create…` call, still with `{}` in it.
fn template(section: &dyn Section, role: &str) -> Value {
    let mut definition = section.definition(role);
    for (name, value) in section.common().definition {
        definition[name] = value.clone();
    }
    definition
}

/// The names of other resources in a definition, each with its kind.
fn named_in(definition: &Value) -> Vec<(&'static str, &str)> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
    let variants = definition.get("ProductionVariants").and_then(Value::as_array).into_iter().flatten();
    let models = variants.filter_map(|variant| variant.get("ModelName")?.as_str());
    let one = [
        ("endpoint-config", text("/EndpointConfigName")),
        ("endpoint", text("/EndpointName")),
        ("model", text("/ModelName")),
        ("model", text("/Specification/ModelName")),
    ];
    let one = one.into_iter().filter_map(|(kind, name)| Some((kind, name?)));
    one.chain(models.map(|name| ("model", name))).collect()
}

/// Checks for duplicate names, unknown statuses and parents, and what AWS would refuse.
pub(crate) fn check(estate: &Estate, start: Timestamp) -> anyhow::Result<()> {
    let sections = sections(estate);
    let (mut there, mut all) = (BTreeSet::new(), BTreeSet::new());
    for section in &sections {
        section.check()?;
        let (kind, common) = (kind_of(section.kind()).context("a kind that is not known")?, section.common());
        let of = if is_of_the_rest(kind) { "resource" } else { kind.name };
        ensure!(!common.name.is_empty(), "[[{of}]]: `name` is missing");
        let what = format!("[[{of}]] {}", common.name);
        ensure!(
            common.count < 2 || common.name.contains("{}"),
            "{what}: `count` is {}: write {{}} into the name, for the number",
            common.count
        );
        let planned = common.create.is_some() || !common.submit.is_empty();
        check_creation(&what, common.create, common.submit, common.fails.is_some(), start)?;
        let existing = common.created.is_some() || common.status.is_some() || common.since.is_some() || common.apart.is_some();
        ensure!(!planned || !existing, "{what}: what is created later is not there before: leave out created, status, since and apart");
        let created = common.created.map_or(start, |created| created.at(start));
        ensure!(created <= start, "{what}: `created` is after the start: write `create`");
        if let Some(status) = common.status {
            ensure!(!kind.statuses.is_empty(), "{what}: this kind has no `status`");
            let of_jobs = [kind.statuses, &[]].concat().into_iter().filter(|status| *status != "Stopping").collect::<Vec<_>>();
            let known = if matches!(kind.life, Life::Job { .. }) { &of_jobs } else { kind.statuses };
            expect_one_of(&format!("{what}: status"), status, known)?;
        }
        if let Some((takes, ends, _)) = section.script() {
            expect_one_of(&format!("{what}: ends"), ends, &ENDS)?;
            if let Life::Job { running, starting, .. } = kind.life
                && common.status == Some(running)
            {
                let since = common.since.or(common.created).unwrap_or(When::Before(Duration::hours(1))).at(start);
                ensure!(
                    start < since + starting + takes.signed(),
                    "{what}: status is \"{running}\", but it has ended by the start, for it takes {takes}: write a later `since`, or more in `takes`"
                );
            }
        }
        let template = template(section.as_ref(), "");
        for number in 0..common.count {
            let (name, definition) = numbered(section.as_ref(), &template, number);
            let longest = if common.submit.is_empty() { name.clone() } else { format!("{name}{}", "x".repeat(SUFFIX)) };
            let is_new = all.insert((kind.name, name.to_lowercase()));
            ensure!(is_new, "{what}: there are two of the name {name}");
            ensure!(api::is_legal(kind, &longest), "{what}: AWS does not take the name {longest}");
            if !planned {
                there.insert((kind.name, name.to_lowercase()));
                for (of, parent) in named_in(&definition) {
                    ensure!(there.contains(&(of, parent.to_lowercase())), "{what}: there is no [[{of}]] with name \"{parent}\"");
                }
            }
        }
    }
    Ok(())
}

fn is_of_the_rest(kind: &Kind) -> bool {
    REST.contains(&kind.name)
}

impl World {
    /// Adds the estate's resources: those that exist at the start, and those that are created later.
    pub(crate) fn plant_assets(&mut self, sections: &[Box<dyn Section>], start: Timestamp) {
        let role = self.role();
        for kind in &KINDS {
            for section in sections.iter().filter(|section| section.kind() == kind.name) {
                self.plant_section(kind, section.as_ref(), &role, start);
            }
        }
    }

    fn plant_section(&mut self, kind: &'static Kind, section: &dyn Section, role: &str, start: Timestamp) {
        let (common, template) = (section.common(), template(section, role));
        let records = section.records().map(|(requests, start_up)| Records {
            curves: self.hosting.curves_of(&Hosting::key(kind, common.name), requests, start),
            start_up: start_up.signed(),
        });
        let script = Arc::new(section.script().map_or_else(Script::default, |(takes, ends, failure)| Script {
            takes: takes.signed(),
            records,
            ends: common.status.filter(|status| ENDS.contains(status)).unwrap_or(ends).to_owned(),
            failure: failure.map_or_else(|| Script::default().failure, str::to_owned),
        }));
        let base = common.name.split("{}").next().unwrap_or_default().trim_end_matches('-');
        self.assets.scripts.push((kind.name, base.to_owned(), Arc::clone(&script)));
        let whole = Arc::new(template.clone());
        for number in 0..common.count {
            let (name, definition) = numbered(section, &template, number);
            if let Some(manner) = section.manner() {
                self.hosting.manners.insert(Hosting::key(kind, &name), manner);
                self.hosting.add_traffic(kind, &name, section.traffic(), start);
            }
            if common.create.is_some() || !common.submit.is_empty() {
                let planned = Planned {
                    operation: kind.create.operation,
                    input: input_of(&definition, &kind.field("Name"), &name, common.tags),
                    by: common.by.cloned().unwrap_or_default(),
                    fails: common.fails.map(str::to_owned),
                    plan: common.plan.to_vec(),
                    submit: (!common.submit.is_empty()).then(|| (kind.field("Name"), name.clone(), common.submit.to_vec())),
                    used: None,
                };
                match common.create.and_then(|create| create.next_after(start)) {
                    Some(at) => self.at(at, Due::Create(Box::new(planned))),
                    None => self.plan_creation(planned),
                }
                continue;
            }
            // Equal definitions share one allocation.
            let definition = if definition == *whole { Arc::clone(&whole) } else { Arc::new(definition) };
            // The estate was checked when it was read. In an estate made by a test, a definition may name what does not exist; it then gets no instances.
            let mut grown = kind.grown(self, &definition).unwrap_or_default();
            if let Some(fleet) = &mut grown.fleet {
                fleet.set_counts(&section.counts());
            }
            let new = New { name: name.clone(), definition, grown, script: Arc::clone(&script), by: common.by.cloned() };
            let asset = planted(self, kind, new, common, number, start);
            let (arn, created) = (asset.arn.clone(), asset.created());
            // Tags from before the start are in the index, however far the index is behind.
            let tagged = if matches!(kind.life, Life::Job { .. }) { created } else { self.began };
            self.first_tags(&arn, tagged, common.tags);
            let up = asset.history.iter().rev().find(|(_, status)| *status == "InService").map(|(at, _)| *at);
            let key = self.shelve(asset);
            self.note_levels(kind, &key, up.unwrap_or(start));
            for action in common.plan {
                self.schedule(&arn, action.clone());
            }
            self.plant_executions(&name, section, start);
        }
    }

    fn plant_executions(&mut self, pipeline: &str, section: &dyn Section, start: Timestamp) {
        let Executions { times, takes, ends, jobs } = section.executions();
        let Some(kind) = kind_of("pipeline-execution").filter(|_| !times.is_empty()) else { return };
        let script = Arc::new(Script { takes: takes.signed(), ends: ends.to_owned(), ..Script::default() });
        let last = times.iter().max_by_key(|at| at.at(start)).map(|at| at.at(start));
        for (number, at) in times.iter().enumerate() {
            let jobs = if Some(at.at(start)) == last { jobs } else { &[] };
            let definition = Arc::new(json!({"PipelineName": pipeline, "Jobs": jobs}));
            let name = format!("{pipeline}/execution/{}", store::id_of(&format!("{pipeline} {number}")));
            let grown = kind.grown(self, &definition).unwrap_or_default();
            let new = New { name, definition: Arc::clone(&definition), grown, script: Arc::clone(&script), by: None };
            let mut asset = Asset::new(self, kind, new, at.at(start));
            asset.live_until(start);
            self.shelve(asset);
        }
    }
}

/// A resource as it is at the start, after its life until then.
fn planted(world: &World, kind: &'static Kind, new: New, common: Common<'_>, number: usize, start: Timestamp) -> Asset {
    let older = common.apart.map_or(SignedDuration::ZERO, Duration::signed) * i32::try_from(number).unwrap_or(i32::MAX);
    let moment = |when: Option<When>| when.map(|when| when.at(start) - older);
    let an_hour_ago = start - SignedDuration::from_hours(1) - older;
    match kind.life {
        Life::Job { starting, running, .. } => {
            let at = moment(common.since.or(common.created)).unwrap_or(an_hour_ago);
            let ended = common.status.is_some_and(|status| status != running);
            let created = if ended { at - starting - new.script.takes } else { at };
            let mut asset = Asset::new(world, kind, new, created);
            asset.live_until(start);
            asset
        }
        Life::Still => Asset::new(world, kind, new, moment(common.created).unwrap_or(start - SignedDuration::from_hours(24 * 30) - older)),
        Life::Service { creating: (creating, takes), ready, deleting } => {
            let is_new = common.status == Some(creating) && creating != ready;
            let default = if is_new { start } else { start - SignedDuration::from_hours(24 * 30) - older };
            let created = moment(if is_new { common.since.or(common.created) } else { common.created }).unwrap_or(default);
            let mut asset = Asset::new(world, kind, new, created);
            let Some(status) = common.status.filter(|status| *status != creating && *status != ready) else {
                if is_new && created + takes < start {
                    // It should be ready by now, so it hangs.
                    asset.next = None;
                }
                asset.live_until(start);
                return asset;
            };
            let at = moment(common.since).unwrap_or(created + takes).clamp(created, start);
            asset.live_until(at);
            let status = kind.statuses.iter().find(|known| **known == status).copied().unwrap_or(ready);
            asset.next = (status == "Deleting").then(|| ((at + deleting).max(start), "Deleted"));
            asset.enter(at, status);
            asset
        }
    }
}
