//! The names of each kind in the API, in its events and in its errors, one row each. One file, although it is long: it is one table.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Asset, Grown, Life, around, hosting, jobs, newer, store};
use crate::{
    life::{
        hosting::answer,
        order::{Order, Sorting},
    },
    wire::Refusal,
    world::World,
};

/// A kind of resource.
pub(crate) struct Kind {
    /// The name in the estate. In ARNs, too, unless `path` differs: `endpoint`.
    pub(crate) name: &'static str,
    /// The part of the ARN before the name.
    pub(crate) path: &'static str,
    /// The start of its field names: `Endpoint` of `EndpointName`.
    pub(crate) noun: &'static str,
    /// The kind of the parent with which it is deleted.
    pub(crate) dies_with: Option<&'static str>,
    pub(crate) life: Life,
    /// The API's statuses; empty: the kind has no status.
    pub(crate) statuses: &'static [&'static str],
    pub(crate) create: Create,
    pub(crate) describe: Describe,
    pub(crate) list: List,
    pub(crate) stop: Option<&'static str>,
    pub(crate) delete: Option<&'static str>,
    /// The error if a name does not exist, and the error if it already exists.
    pub(crate) missing: fn(&World, &Kind, &str) -> Refusal,
    pub(crate) taken: fn(&World, &Kind, &str) -> Refusal,
    /// Validates a definition and finds what it names; `None`: it names nothing, and has no instances.
    pub(crate) grow: Option<Grow>,
    pub(crate) event: Option<Event>,
}

type Grow = fn(&World, &Value) -> Result<Grown, Refusal>;

pub(crate) struct Create {
    pub(crate) operation: &'static str,
    /// The maximum length of a name.
    pub(crate) most: usize,
    pub(crate) underscores: bool,
    /// Required fields.
    pub(crate) required: &'static [&'static str],
}

pub(crate) struct Describe {
    pub(crate) operation: &'static str,
    /// Whether the answer has a `LastModifiedTime`.
    pub(crate) modified: bool,
    /// Fields of the definition that are not in the answer.
    pub(crate) without: &'static [&'static str],
    /// Adds the answer's other fields.
    pub(crate) more: fn(&World, &Asset, &mut Value),
}

pub(crate) struct List {
    pub(crate) operation: &'static str,
    /// The field of the list in the answer.
    pub(crate) items: &'static str,
    pub(crate) sorting: Sorting,
    /// The input's name filter, `NameContains`. For pipelines it is a prefix.
    pub(crate) name: &'static str,
    /// The input's status filter, `StatusEquals`; empty: there is none.
    pub(crate) status: &'static str,
    /// The input's creation filters: `CreationTime` of `CreationTimeAfter`.
    pub(crate) created: &'static str,
    /// Whether the "after" filter includes its own time: "greater than or equal to the specified time" (model). For most kinds it does not.
    pub(crate) from_its_moment: bool,
    /// The input's modification filters: `LastModifiedTime` of `LastModifiedTimeAfter`; empty: there are none.
    pub(crate) modified: &'static str,
    /// Whether a summary has the modification time.
    pub(crate) shows_modified: bool,
    /// The input's field with the parent's name.
    pub(crate) parent: &'static str,
    /// Whether AWS cuts the page before it applies the filters, so that a page may have fewer items.
    pub(crate) cut_first: bool,
    /// Further filters of the input.
    pub(crate) wanted: fn(&World, &Asset, &Value) -> bool,
    /// Adds a summary's other fields.
    pub(crate) more: fn(&World, &Asset, &mut Value),
}

pub(crate) struct Event {
    /// `Processing Job` of `SageMaker Processing Job State Change`.
    pub(crate) title: &'static str,
    /// The event's fields as of a change of status. The name, the ARN and the tags are added.
    pub(crate) detail: fn(&World, &Asset, (Timestamp, &'static str)) -> Value,
    /// Whether the envelope's `time` is in milliseconds.
    pub(crate) time_in_milliseconds: bool,
}

impl Kind {
    /// What a valid definition of this kind adds to a resource.
    pub(crate) fn grown(&self, world: &World, definition: &Value) -> Result<Grown, Refusal> {
        self.grow.map_or_else(|| Ok(Grown::default()), |grow| grow(world, definition))
    }

    /// A job's last status as this kind has it: `FAILED` of an optimization job.
    pub(crate) fn spelt(&self, status: &str) -> &'static str {
        self.statuses.iter().copied().find(|known| known.eq_ignore_ascii_case(status)).unwrap_or_default()
    }

    /// A field's name: `EndpointName`.
    pub(crate) fn field(&self, what: &str) -> String {
        format!("{}{what}", self.noun)
    }

    pub(crate) fn arn_of(&self, world: &World, name: &str) -> String {
        if self.name == "cluster" {
            // A cluster's ARN has an id instead of the name.
            return world.arn(&format!("cluster/{}", store::id_of(name)));
        }
        if matches!(self.name, "mlflow-app" | "partner-app") {
            return world.arn(&format!("{}/{}", self.path, newer::app_id(name)));
        }
        world.arn(&format!("{}/{name}", self.path))
    }
}

/// The kind of this name in the estate.
pub(crate) fn kind_of(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

fn nothing_more(_: &World, _: &Asset, _: &mut Value) {}

fn all(_: &World, _: &Asset, _: &Value) -> bool {
    true
}

/// `Could not find endpoint "arn:…".` (real accounts' answers; aws-facts §2.0)
fn could_not_find(world: &World, kind: &Kind, name: &str) -> Refusal {
    Refusal::validation(format!("Could not find {} \"{}\".", in_words(kind), kind.arn_of(world, name)))
}

/// `Could not find requested job with name: …` (AWS's operator for Kubernetes recognizes a missing job by it).
fn no_such_job(_: &World, _: &Kind, name: &str) -> Refusal {
    Refusal::validation(format!("Could not find requested job with name: {name}"))
}

/// The code is the model's; the text is not AWS's own.
pub(super) fn not_found(world: &World, kind: &Kind, name: &str) -> Refusal {
    // The error names the cluster, because its ARN does not.
    let what = if kind.name == "cluster" { name.to_owned() } else { kind.arn_of(world, name) };
    Refusal::new(400, "ResourceNotFound", format!("{} '{what}' does not exist.", in_words(kind)))
}

/// `Cannot create already existing model "arn:…".` (real accounts' answers)
fn already_existing(world: &World, kind: &Kind, name: &str) -> Refusal {
    Refusal::validation(format!("Cannot create already existing {} \"{}\".", in_words(kind), kind.arn_of(world, name)))
}

/// As for training jobs.
pub(super) fn job_exists(world: &World, kind: &Kind, name: &str) -> Refusal {
    let arn = kind.arn_of(world, name);
    let text = format!("Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})");
    Refusal::new(400, "ResourceInUse", text)
}

pub(super) fn in_use(_: &World, kind: &Kind, name: &str) -> Refusal {
    let text = format!("Resource Already Exists: {} with name {name} already exists. Choose a different name.", kind.noun);
    Refusal::new(400, "ResourceInUse", text)
}

fn pipeline_exists(_: &World, _: &Kind, name: &str) -> Refusal {
    let text = format!("Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists.");
    Refusal::validation(text)
}

fn in_words(kind: &Kind) -> &'static str {
    match kind.name {
        "endpoint" => "endpoint",
        "endpoint-config" => "endpoint configuration",
        "model" => "model",
        "inference-component" => "inference component",
        "pipeline" => "Pipeline",
        "feature-group" => "FeatureGroup",
        "mlflow-tracking-server" => "TrackingServer",
        "cluster" => "Cluster",
        _ => "Job",
    }
}

const NAME: (&str, Order) = ("Name", Order::Name);
const CREATED: (&str, Order) = ("CreationTime", Order::Created);
const STATUS: (&str, Order) = ("Status", Order::Status);
pub(super) const BY_ALL: &[(&str, Order)] = &[NAME, CREATED, STATUS];
const BY_NAME_AND_TIME: &[(&str, Order)] = &[NAME, CREATED];
const JOB_STATUSES: &[&str] = &["InProgress", "Completed", "Failed", "Stopping", "Stopped"];

/// Newest first: the default of most lists.
pub(super) const NEWEST: Sorting = Sorting { by: BY_ALL, default: Order::Created, descending: true };

pub(super) const LIST: List = List {
    operation: "",
    items: "",
    sorting: NEWEST,
    name: "NameContains",
    status: "StatusEquals",
    created: "CreationTime",
    from_its_moment: false,
    modified: "LastModifiedTime",
    shows_modified: true,
    parent: "",
    cut_first: false,
    wanted: all,
    more: nothing_more,
};
pub(super) const DESCRIBE: Describe = Describe { operation: "", modified: true, without: &[], more: nothing_more };
pub(super) const CREATE: Create = Create { operation: "", most: 63, underscores: false, required: &[] };

/// How long processing and transform jobs wait for their instances.
const PREPARING: SignedDuration = SignedDuration::from_mins(4);
const JOB: Life = Life::Job { running: "InProgress", completed: "Completed", starting: PREPARING };

/// In the order in which an estate is added: a kind comes after those that it names.
pub(crate) static KINDS: [Kind; 23] = [
    Kind {
        name: "model",
        path: "model",
        noun: "Model",
        dies_with: None,
        life: Life::Still,
        statuses: &[],
        create: Create { operation: "CreateModel", ..CREATE },
        describe: Describe { operation: "DescribeModel", modified: false, more: hosting::model, ..DESCRIBE },
        list: List {
            operation: "ListModels",
            items: "Models",
            sorting: Sorting { by: BY_NAME_AND_TIME, ..NEWEST },
            status: "",
            from_its_moment: true,
            modified: "",
            shows_modified: false,
            ..LIST
        },
        stop: None,
        delete: Some("DeleteModel"),
        missing: could_not_find,
        taken: already_existing,
        grow: Some(hosting::grow_model),
        event: None,
    },
    Kind {
        name: "endpoint-config",
        path: "endpoint-config",
        noun: "EndpointConfig",
        dies_with: None,
        life: Life::Still,
        statuses: &[],
        create: Create { operation: "CreateEndpointConfig", required: &["ProductionVariants"], ..CREATE },
        describe: Describe { operation: "DescribeEndpointConfig", modified: false, ..DESCRIBE },
        list: List {
            operation: "ListEndpointConfigs",
            items: "EndpointConfigs",
            sorting: Sorting { by: BY_NAME_AND_TIME, ..NEWEST },
            status: "",
            from_its_moment: true,
            modified: "",
            shows_modified: false,
            ..LIST
        },
        stop: None,
        delete: Some("DeleteEndpointConfig"),
        missing: could_not_find,
        taken: already_existing,
        grow: Some(hosting::grow_config),
        event: None,
    },
    Kind {
        name: "endpoint",
        path: "endpoint",
        noun: "Endpoint",
        dies_with: None,
        life: Life::Service {
            creating: ("Creating", SignedDuration::from_mins(4)),
            ready: "InService",
            deleting: SignedDuration::from_mins(2),
        },
        statuses: &[
            "OutOfService",
            "Creating",
            "Updating",
            "SystemUpdating",
            "RollingBack",
            "InService",
            "Deleting",
            "Failed",
            "UpdateRollbackFailed",
        ],
        create: Create { operation: "CreateEndpoint", required: &["EndpointConfigName"], ..CREATE },
        describe: Describe { operation: "DescribeEndpoint", without: &["DeploymentConfig"], more: answer::endpoint, ..DESCRIBE },
        list: List { operation: "ListEndpoints", items: "Endpoints", from_its_moment: true, ..LIST },
        stop: None,
        delete: Some("DeleteEndpoint"),
        missing: could_not_find,
        taken: already_existing,
        grow: Some(hosting::grow_endpoint),
        event: Some(Event { title: "Endpoint", detail: answer::endpoint_event, time_in_milliseconds: true }),
    },
    Kind {
        name: "inference-component",
        path: "inference-component",
        noun: "InferenceComponent",
        dies_with: None,
        life: Life::Service {
            creating: ("Creating", SignedDuration::from_mins(2)),
            ready: "InService",
            deleting: SignedDuration::from_mins(1),
        },
        statuses: &["InService", "Creating", "Updating", "Failed", "Deleting"],
        create: Create { operation: "CreateInferenceComponent", required: &["EndpointName"], ..CREATE },
        describe: Describe { operation: "DescribeInferenceComponent", more: answer::component, ..DESCRIBE },
        list: List {
            operation: "ListInferenceComponents",
            items: "InferenceComponents",
            parent: "EndpointNameEquals",
            wanted: hosting::is_of_variant,
            more: hosting::component_summary,
            ..LIST
        },
        stop: None,
        delete: Some("DeleteInferenceComponent"),
        missing: could_not_find,
        taken: already_existing,
        grow: Some(hosting::grow_component),
        event: None,
    },
    Kind {
        name: "processing-job",
        path: "processing-job",
        noun: "ProcessingJob",
        dies_with: None,
        life: JOB,
        statuses: JOB_STATUSES,
        create: Create { operation: "CreateProcessingJob", required: &["ProcessingResources", "AppSpecification", "RoleArn"], ..CREATE },
        describe: Describe { operation: "DescribeProcessingJob", more: jobs::processing, ..DESCRIBE },
        list: List {
            operation: "ListProcessingJobs",
            items: "ProcessingJobSummaries",
            // "The default is CreationTime." "The default is Ascending." (model)
            sorting: Sorting { descending: false, ..NEWEST },
            more: jobs::processing_summary,
            ..LIST
        },
        stop: Some("StopProcessingJob"),
        delete: None,
        missing: no_such_job,
        taken: job_exists,
        grow: Some(jobs::grow_processing),
        event: Some(Event { title: "Processing Job", detail: jobs::processing_event, time_in_milliseconds: false }),
    },
    Kind {
        name: "transform-job",
        path: "transform-job",
        noun: "TransformJob",
        dies_with: None,
        life: JOB,
        statuses: JOB_STATUSES,
        create: Create {
            operation: "CreateTransformJob",
            required: &["ModelName", "TransformInput", "TransformOutput", "TransformResources"],
            ..CREATE
        },
        describe: Describe { operation: "DescribeTransformJob", modified: false, more: jobs::transform, ..DESCRIBE },
        list: List { operation: "ListTransformJobs", items: "TransformJobSummaries", more: jobs::transform_summary, ..LIST },
        stop: Some("StopTransformJob"),
        delete: None,
        missing: no_such_job,
        taken: job_exists,
        grow: Some(jobs::grow_transform),
        event: Some(Event { title: "Transform Job", detail: jobs::transform_event, time_in_milliseconds: false }),
    },
    Kind {
        name: "automl-job",
        path: "automl-job",
        noun: "AutoMLJob",
        dies_with: None,
        life: Life::Job { running: "InProgress", completed: "Completed", starting: SignedDuration::from_mins(1) },
        statuses: JOB_STATUSES,
        create: Create {
            operation: "CreateAutoMLJobV2",
            most: 32,
            required: &["AutoMLJobInputDataConfig", "OutputDataConfig", "AutoMLProblemTypeConfig", "RoleArn"],
            ..CREATE
        },
        describe: Describe { operation: "DescribeAutoMLJobV2", more: jobs::auto_ml, ..DESCRIBE },
        list: List {
            operation: "ListAutoMLJobs",
            items: "AutoMLJobSummaries",
            // "The default is Name." "The default is Descending." (model)
            sorting: Sorting { default: Order::Name, ..NEWEST },
            more: jobs::auto_ml_summary,
            ..LIST
        },
        stop: Some("StopAutoMLJob"),
        delete: None,
        missing: not_found,
        taken: job_exists,
        grow: None,
        event: None,
    },
    Kind {
        name: "feature-group",
        path: "feature-group",
        noun: "FeatureGroup",
        dies_with: None,
        life: Life::Service {
            creating: ("Creating", SignedDuration::from_mins(1)),
            ready: "Created",
            deleting: SignedDuration::from_mins(1),
        },
        statuses: &["Creating", "Created", "CreateFailed", "Deleting", "DeleteFailed"],
        create: Create {
            operation: "CreateFeatureGroup",
            most: 64,
            underscores: true,
            required: &["RecordIdentifierFeatureName", "EventTimeFeatureName", "FeatureDefinitions"],
        },
        describe: Describe { operation: "DescribeFeatureGroup", more: store::feature_group, ..DESCRIBE },
        list: List {
            operation: "ListFeatureGroups",
            items: "FeatureGroupSummaries",
            // All groups with an offline store have it active, so sorting by its status changes nothing.
            sorting: Sorting { by: &[NAME, CREATED, ("FeatureGroupStatus", Order::Status), ("OfflineStoreStatus", Order::Name)], ..NEWEST },
            status: "FeatureGroupStatusEquals",
            modified: "",
            shows_modified: false,
            wanted: store::has_store,
            more: store::offline_store,
            ..LIST
        },
        stop: None,
        delete: Some("DeleteFeatureGroup"),
        missing: not_found,
        taken: in_use,
        grow: None,
        event: None,
    },
    Kind {
        name: "pipeline",
        path: "pipeline",
        noun: "Pipeline",
        dies_with: None,
        life: Life::Service { creating: ("Active", SignedDuration::ZERO), ready: "Active", deleting: SignedDuration::from_mins(1) },
        statuses: &["Active", "Deleting"],
        create: Create { operation: "CreatePipeline", most: 256, required: &["RoleArn", "ClientRequestToken"], ..CREATE },
        describe: Describe {
            operation: "DescribePipeline",
            without: &["PipelineDefinitionS3Location", "ClientRequestToken"],
            more: store::pipeline,
            ..DESCRIBE
        },
        list: List {
            operation: "ListPipelines",
            items: "PipelineSummaries",
            sorting: Sorting { by: BY_NAME_AND_TIME, ..NEWEST },
            name: "PipelineNamePrefix",
            status: "",
            created: "Created",
            modified: "",
            wanted: store::is_managed_by,
            more: store::pipeline_summary,
            ..LIST
        },
        stop: None,
        delete: Some("DeletePipeline"),
        missing: not_found,
        taken: pipeline_exists,
        grow: None,
        event: None,
    },
    Kind {
        name: "pipeline-execution",
        path: "pipeline",
        noun: "PipelineExecution",
        dies_with: Some("pipeline"),
        life: Life::Job { running: "Executing", completed: "Succeeded", starting: SignedDuration::ZERO },
        statuses: &["Executing", "Stopping", "Stopped", "Failed", "Succeeded", "CompletedWithFailures"],
        create: Create { most: 512, ..CREATE },
        describe: DESCRIBE,
        list: List {
            operation: "ListPipelineExecutions",
            items: "PipelineExecutionSummaries",
            sorting: Sorting { by: &[CREATED, ("PipelineExecutionArn", Order::Name)], ..NEWEST },
            name: "",
            status: "",
            created: "Created",
            modified: "",
            shows_modified: false,
            parent: "PipelineName",
            more: store::execution_summary,
            ..LIST
        },
        stop: None,
        delete: None,
        missing: not_found,
        taken: in_use,
        grow: Some(store::grow_execution),
        event: None,
    },
    Kind {
        name: "mlflow-tracking-server",
        path: "mlflow-tracking-server",
        noun: "TrackingServer",
        dies_with: None,
        life: Life::Service {
            creating: ("Creating", SignedDuration::from_mins(25)),
            ready: "Created",
            deleting: SignedDuration::from_mins(5),
        },
        statuses: &[
            "Creating",
            "Created",
            "CreateFailed",
            "Updating",
            "Updated",
            "UpdateFailed",
            "Deleting",
            "DeleteFailed",
            "Stopping",
            "Stopped",
            "StopFailed",
            "Starting",
            "Started",
            "StartFailed",
            "MaintenanceInProgress",
            "MaintenanceComplete",
            "MaintenanceFailed",
        ],
        create: Create { operation: "CreateMlflowTrackingServer", most: 256, required: &["ArtifactStoreUri", "RoleArn"], ..CREATE },
        describe: Describe { operation: "DescribeMlflowTrackingServer", more: store::tracking_server, ..DESCRIBE },
        list: List {
            operation: "ListMlflowTrackingServers",
            items: "TrackingServerSummaries",
            name: "",
            status: "TrackingServerStatus",
            created: "Created",
            modified: "",
            wanted: store::has_version,
            more: store::tracking_server_summary,
            ..LIST
        },
        stop: None,
        delete: Some("DeleteMlflowTrackingServer"),
        missing: not_found,
        taken: in_use,
        grow: None,
        event: None,
    },
    Kind {
        name: "cluster",
        path: "cluster",
        noun: "Cluster",
        dies_with: None,
        life: Life::Service {
            creating: ("Creating", SignedDuration::from_mins(10)),
            ready: "InService",
            deleting: SignedDuration::from_mins(5),
        },
        statuses: &["Creating", "Deleting", "Failed", "InService", "RollingBack", "SystemUpdating", "Updating"],
        create: Create { operation: "CreateCluster", required: &["InstanceGroups"], ..CREATE },
        describe: Describe {
            operation: "DescribeCluster",
            modified: false,
            without: &["RestrictedInstanceGroups", "RestrictedInstanceGroupsConfig", "AutoScaling"],
            more: store::cluster,
        },
        list: List {
            operation: "ListClusters",
            items: "ClusterSummaries",
            // "The default value is CREATION_TIME." "The default value is Ascending." (model)
            sorting: Sorting { by: &[("NAME", Order::Name), ("CREATION_TIME", Order::Created)], descending: false, ..NEWEST },
            status: "",
            modified: "",
            shows_modified: false,
            // "the maximum number of clusters to evaluate for the operation (not necessarily the number of matching items)" (model)
            cut_first: true,
            wanted: store::has_plan,
            more: store::plans,
            ..LIST
        },
        stop: None,
        delete: Some("DeleteCluster"),
        missing: not_found,
        taken: in_use,
        grow: Some(store::grow_cluster),
        event: None,
    },
    newer::MLFLOW_APP,
    newer::PARTNER_APP,
    newer::TRAINING_PLAN,
    newer::TRAINING_SESSION,
    newer::OPTIMIZATION_JOB,
    newer::INFERENCE_RECOMMENDATIONS_JOB,
    newer::AI_RECOMMENDATION_JOB,
    newer::LABELING_JOB,
    around::MONITORING_SCHEDULE,
    around::INFERENCE_EXPERIMENT,
    around::INFERENCE_ROUTER,
];

/// The kinds that an estate has as `[[resource]]`.
pub(crate) const REST: [&str; 15] = [
    "feature-group",
    "pipeline",
    "mlflow-tracking-server",
    "cluster",
    "mlflow-app",
    "partner-app",
    "training-plan",
    "training-session",
    "optimization-job",
    "inference-recommendations-job",
    "ai-recommendation-job",
    "labeling-job",
    "monitoring-schedule",
    "inference-experiment",
    "inference-router",
];

/// Sets a field, if there is a value.
pub(crate) fn put(object: &mut Value, field: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[field] = value.into();
    }
}

/// The instances of `InstanceType` and `InstanceCount`, or of the first of `InstancePreferences`.
pub(crate) fn instances_in(resources: Option<&Value>, component: &'static str) -> Vec<super::Instances> {
    let first = |of: &Value| of.pointer("/InstancePreferences/0").cloned().unwrap_or_else(|| of.clone());
    let of = resources.map_or_else(|| json!({}), first);
    let count = of.get("InstanceCount").and_then(Value::as_u64).unwrap_or(1);
    of.get("InstanceType").and_then(Value::as_str).map(|of| super::Instances::new(component, of, count)).into_iter().collect()
}
