//! SageMaker's `Search` for training and tuning jobs: full records with their tags. A fault can make it stale.

use std::cmp::Ordering;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    estate::fault::What,
    life::{
        jobs::life::{Job, View},
        order::{Order, Part},
    },
    services::sagemaker::{
        training::{self, one_of},
        tuning::{self, Tuning},
    },
    wire::{Page, Refusal, page_of, text, with_token},
    world::World,
};

/// The fields of `TrainingJob` in AWS's model. Search does not return what `DescribeTrainingJob` has in addition.
const TRAINING_JOB: [&str; 41] = [
    "TrainingJobName",
    "TrainingJobArn",
    "TuningJobArn",
    "LabelingJobArn",
    "AutoMLJobArn",
    "ModelArtifacts",
    "TrainingJobStatus",
    "SecondaryStatus",
    "FailureReason",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "WarmPoolStatus",
    "VpcConfig",
    "StoppingCondition",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "SecondaryStatusTransitions",
    "FinalMetricDataList",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "TrainingTimeInSeconds",
    "BillableTimeInSeconds",
    "DebugHookConfig",
    "ExperimentConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "DebugRuleEvaluationStatuses",
    "OutputModelPackageArn",
    "ModelPackageConfig",
    "ProfilerConfig",
    "Environment",
    "RetryStrategy",
    "Tags",
];

/// The fields of `HyperParameterTuningJobSearchEntity` in AWS's model.
const TUNING_JOB: [&str; 18] = [
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobArn",
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "HyperParameterTuningEndTime",
    "LastModifiedTime",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
    "BestTrainingJob",
    "OverallBestTrainingJob",
    "WarmStartConfig",
    "FailureReason",
    "TuningJobCompletionDetails",
    "ConsumedResources",
    "Tags",
];

const OPERATORS: [&str; 10] = [
    "Equals",
    "NotEquals",
    "GreaterThan",
    "GreaterThanOrEqualTo",
    "LessThan",
    "LessThanOrEqualTo",
    "Contains",
    "Exists",
    "NotExists",
    "In",
];

/// A valid `SearchExpression`.
struct Expression {
    filters: Vec<Filter>,
    expressions: Vec<Expression>,
    /// Whether one match is enough.
    any: bool,
}

struct Filter {
    name: String,
    operator: String,
    value: String,
}

/// A job as it was at a moment.
enum Record<'a> {
    Training(View<'a>),
    Tuning(&'a Tuning, Timestamp),
}

pub(crate) fn call(world: &World, input: &Value) -> Result<Value, Refusal> {
    let resource = text(input, "Resource").unwrap_or_default();
    let fields: &[&str] = match resource {
        "TrainingJob" => &TRAINING_JOB,
        "HyperParameterTuningJob" => &TUNING_JOB,
        other => return Err(Refusal::not_simulated("sagemaker", &format!("Search of {other}"))),
    };
    for apart in ["CrossAccountFilterOption", "VisibilityConditions"] {
        if input.get(apart).is_some() {
            return Err(Refusal::not_simulated("sagemaker", &format!("Search with {apart}")));
        }
    }
    if let Some(order) = text(input, "SortOrder") {
        one_of(order, "sortOrder", &["Ascending", "Descending"])?;
    }
    let expression = input.get("SearchExpression").map(|expression| read(expression, fields)).transpose()?;
    let sort_by = text(input, "SortBy").unwrap_or("LastModifiedTime");
    legal_name(sort_by, fields)?;
    let descending = text(input, "SortOrder") != Some("Ascending");
    let Page { size, after } = page_of(input, 10)?;
    let behind = world.faults.iter().find_map(|fault| if let What::SearchBehind(by) = fault.what { Some(by.signed()) } else { None });
    let as_of = world.now - behind.unwrap_or_default();
    let wanted = |record: &Record<'_>| expression.as_ref().is_none_or(|expression| expression.holds(world, record));
    let order = match sort_by {
        "CreationTime" => Some(Order::Created),
        "TrainingJobName" => Some(Order::Name),
        // A stale search has another order of modification, so it sorts the records itself.
        "LastModifiedTime" if behind.is_none() => Some(Order::Modified),
        _ => None,
    };
    let (page, next) = if let Some(order) = order.filter(|_| resource == "TrainingJob") {
        let (from, to) = expression.as_ref().map(Expression::created).unwrap_or_default();
        let part = Part { order, descending, after: after.as_deref(), created_from: from, created_to: to, parent: None };
        let mut found = world.jobs.training.in_order(part).filter_map(|job| job_seen(job, as_of)).filter(wanted);
        let page: Vec<Record<'_>> = found.by_ref().take(size).collect();
        let next = found.next().and(page.last()).and_then(Record::job).map(|job| format!("after:{}", order.place(job)));
        (page, next)
    } else {
        let mut found: Vec<Record<'_>> = if resource == "TrainingJob" {
            world.jobs.training.iter().filter_map(|job| job_seen(job, as_of)).filter(wanted).collect()
        } else {
            let tunings = world.jobs.tunings.values().filter(|tuning| tuning.as_of(as_of).is_some());
            tunings.map(|tuning| Record::Tuning(tuning, as_of)).filter(wanted).collect()
        };
        found.sort_by(|one, other| compared(one.value(world, sort_by).as_ref(), other.value(world, sort_by).as_ref()));
        if descending {
            found.reverse();
        }
        let skip = after.and_then(|key| found.iter().position(|record| record.key() == key)).map_or(0, |place| place + 1);
        let more = skip + size < found.len();
        let page: Vec<Record<'_>> = found.into_iter().skip(skip).take(size).collect();
        let next = page.last().filter(|_| more).map(|last| format!("after:{}", last.key()));
        (page, next)
    };
    let results: Vec<Value> = page.iter().map(|record| json!({ resource: record.whole(world, fields) })).collect();
    Ok(with_token(json!({"Results": results}), next))
}

fn job_seen(job: &Job, as_of: Timestamp) -> Option<Record<'_>> {
    job.as_of(as_of).map(Record::Training)
}

/// A property is a field of the record, or a part of one: `ResourceConfig.InstanceType`, `Tags.team`.
fn legal_name(name: &str, fields: &[&str]) -> Result<(), Refusal> {
    if fields.contains(&name.split('.').next().unwrap_or_default()) {
        return Ok(());
    }
    // "You must specify a valid property for the resource" (model); the text is not AWS's own.
    Err(Refusal::validation(format!("{name} is not a valid property of the resource.")))
}

fn read(expression: &Value, fields: &[&str]) -> Result<Expression, Refusal> {
    let list = |name: &str| expression.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if expression.get("NestedFilters").is_some() {
        return Err(Refusal::not_simulated("sagemaker", "Search with NestedFilters"));
    }
    let (filters, expressions) = (list("Filters"), list("SubExpressions"));
    for (name, given) in [("filters", filters), ("subExpressions", expressions)] {
        if 20 < given.len() {
            let field = format!("searchExpression.{name}");
            return Err(Refusal::invalid_value("[…]", &field, "Member must have length less than or equal to 20"));
        }
    }
    if filters.is_empty() && expressions.is_empty() {
        return Err(Refusal::validation("You must provide at least one subexpression, filter, or nested filter.".into()));
    }
    let operator = text(expression, "Operator").unwrap_or("And");
    one_of(operator, "searchExpression.operator", &["And", "Or"])?;
    Ok(Expression {
        filters: filters.iter().map(|filter| read_filter(filter, fields)).collect::<Result<_, _>>()?,
        expressions: expressions.iter().map(|expression| read(expression, fields)).collect::<Result<_, _>>()?,
        any: operator == "Or",
    })
}

fn read_filter(filter: &Value, fields: &[&str]) -> Result<Filter, Refusal> {
    let name = text(filter, "Name").unwrap_or_default();
    legal_name(name, fields)?;
    // "If you specify a Value, but not an Operator, SageMaker uses the equals operator" (model).
    let operator = text(filter, "Operator").unwrap_or("Equals");
    one_of(operator, "searchExpression.filters.1.member.operator", &OPERATORS)?;
    let value = text(filter, "Value");
    let without = matches!(operator, "Exists" | "NotExists");
    if without == value.is_some() {
        // The text is not AWS's own.
        let takes = if without { "takes no Value" } else { "needs a Value" };
        return Err(Refusal::validation(format!("The operator {operator} {takes}: {name}")));
    }
    let filter = Filter { name: name.to_owned(), operator: operator.to_owned(), value: value.unwrap_or_default().to_owned() };
    if is_time(name) && !without && filter.time().is_none() {
        let message = format!("{name}: '{}' is not an ISO 8601 date-time of the format YYYY-mm-dd'T'HH:MM:SS", filter.value);
        return Err(Refusal::validation(message));
    }
    Ok(filter)
}

fn is_time(name: &str) -> bool {
    matches!(name, "CreationTime" | "LastModifiedTime" | "TrainingStartTime" | "TrainingEndTime" | "HyperParameterTuningEndTime")
}

impl Filter {
    /// The filter's value as a time; without an offset it is UTC.
    fn time(&self) -> Option<Timestamp> {
        let wall = |text: &str| TimeZone::UTC.to_ambiguous_timestamp(text.parse::<DateTime>().ok()?).compatible().ok();
        self.value.parse().ok().or_else(|| wall(&self.value))
    }

    fn holds(&self, value: Option<&Value>) -> bool {
        match self.operator.as_str() {
            "Exists" => value.is_some(),
            "NotExists" => value.is_none(),
            // A record without the property matches `NotEquals`.
            "NotEquals" => value.is_none_or(|value| self.compared(value) != Some(Ordering::Equal)),
            "Contains" => value.and_then(Value::as_str).is_some_and(|text| text.contains(&self.value)),
            "In" => value.and_then(Value::as_str).is_some_and(|text| self.value.split(',').any(|one| one.trim() == text)),
            operator => value.and_then(|value| self.compared(value)).is_some_and(|order| match operator {
                "Equals" => order.is_eq(),
                "GreaterThan" => order.is_gt(),
                "GreaterThanOrEqualTo" => order.is_ge(),
                "LessThan" => order.is_lt(),
                _ => order.is_le(),
            }),
        }
    }

    /// How a property compares with the filter's value; `None`: they are not comparable, for example a number and a text.
    fn compared(&self, value: &Value) -> Option<Ordering> {
        match value {
            Value::String(text) => Some(text.as_str().cmp(&self.value)),
            // AWS does not document how it compares booleans. The simulator compares them as JSON texts.
            Value::Bool(is) => Some(is.to_string().cmp(&self.value.to_lowercase())),
            Value::Number(number) if is_time(&self.name) => number.as_f64()?.partial_cmp(&crate::wire::seconds(self.time()?)),
            Value::Number(number) => number.as_f64()?.partial_cmp(&self.value.parse().ok()?),
            _ => None,
        }
    }
}

impl Expression {
    fn holds(&self, world: &World, record: &Record<'_>) -> bool {
        let mut parts = self
            .filters
            .iter()
            .map(|filter| filter.holds(record.value(world, &filter.name).as_ref()))
            .chain(self.expressions.iter().map(|expression| expression.holds(world, record)));
        if self.any { parts.any(|part| part) } else { parts.all(|part| part) }
    }

    /// The earliest and latest creation time that a match can have.
    fn created(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (mut from, mut to) = (None, None);
        for filter in self.filters.iter().filter(|filter| !self.any && filter.name == "CreationTime") {
            match (filter.operator.as_str(), filter.time()) {
                ("GreaterThan" | "GreaterThanOrEqualTo", Some(at)) => from = from.max(Some(at)),
                ("LessThan" | "LessThanOrEqualTo", Some(at)) => to = Some(to.map_or(at, |to: Timestamp| to.min(at))),
                ("Equals", Some(at)) => (from, to) = (Some(at), Some(at)),
                _ => {}
            }
        }
        (from, to)
    }
}

impl Record<'_> {
    fn key(&self) -> String {
        match self {
            Self::Training(view) => view.job.name.to_lowercase(),
            Self::Tuning(tuning, _) => tuning.name.to_lowercase(),
        }
    }

    fn job(&self) -> Option<&Job> {
        if let Self::Training(view) = self { Some(view.job) } else { None }
    }

    /// The record with all fields that Search has.
    fn whole(&self, world: &World, fields: &[&str]) -> Value {
        let (mut whole, arn, at) = match self {
            Self::Training(view) => (training::described(world, view), world.job_arn(&view.job.name), view.at),
            Self::Tuning(tuning, at) => (tuning::described(world, tuning, *at), world.tuning_arn(&tuning.name), *at),
        };
        whole["Tags"] = training::tags_as_of(world, &arn, at).into();
        if let Some(known) = whole.as_object_mut() {
            known.retain(|name, _| fields.contains(&name.as_str()));
        }
        whole
    }

    /// One property. Frequent ones are read without building the record, because there are many jobs.
    fn value(&self, world: &World, name: &str) -> Option<Value> {
        if let Some(key) = name.strip_prefix("Tags.") {
            let (arn, at) = match self {
                Self::Training(view) => (world.job_arn(&view.job.name), view.at),
                Self::Tuning(tuning, at) => (world.tuning_arn(&tuning.name), *at),
            };
            return Some(world.tags.get(&arn)?.at(at)?.get(key)?.as_str().into());
        }
        let time = |at: Timestamp| Value::from(crate::wire::seconds(at));
        if let Self::Training(view) = self {
            match name {
                "CreationTime" => return Some(time(view.job.created())),
                "LastModifiedTime" => return Some(time(view.last().at)),
                "TrainingStartTime" => return view.started().map(time),
                "TrainingEndTime" => return view.ended().map(time),
                "TrainingJobStatus" => return Some(view.last().status.into()),
                "SecondaryStatus" => return Some(view.last().secondary.into()),
                "TrainingJobName" => return Some(view.job.name.as_str().into()),
                "WarmPoolStatus.Status" => return view.pool_status().map(Value::from),
                "TuningJobArn" | "AutoMLJobArn" | "LabelingJobArn" => return view.job.parents.get(name).cloned(),
                "EnableManagedSpotTraining" => return Some(view.job.spot.into()),
                _ => {}
            }
        }
        let whole = match self {
            Self::Training(view) => training::described(world, view),
            Self::Tuning(tuning, at) => tuning::described(world, tuning, *at),
        };
        whole.pointer(&format!("/{}", name.replace('.', "/"))).cloned()
    }
}

/// Records without the property come first.
fn compared(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal),
        (Some(one), Some(other)) => one.to_string().cmp(&other.to_string()),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}
