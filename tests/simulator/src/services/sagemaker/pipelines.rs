//! The steps of a pipeline's execution.

use serde_json::{Value, json};

use crate::{
    life::kinds::table::kind_of,
    life::order::Listed as _,
    services::{On, Operation},
    wire::{Refusal, seconds, text},
    world::World,
};

pub(super) const OPERATIONS: &[Operation] =
    &[Operation::new("ListPipelineExecutionSteps", On::Arn("PipelineExecutionArn"), |world, input| list_steps(world, input))];

/// `Metadata` has the ARN of the job under another name for each kind (service model).
const METADATA: [(&str, &str); 5] = [
    ("training-job", "TrainingJob"),
    ("processing-job", "ProcessingJob"),
    ("transform-job", "TransformJob"),
    ("hyper-parameter-tuning-job", "TuningJob"),
    ("automl-job", "AutoMLJob"),
];

/// All steps on one page: an execution here has few.
fn list_steps(world: &World, input: &Value) -> Result<Value, Refusal> {
    let arn = text(input, "PipelineExecutionArn").unwrap_or_default();
    let name = arn.split_once(":pipeline/").map(|(_, name)| name.to_lowercase()).unwrap_or_default();
    let executions = kind_of("pipeline-execution").and_then(|kind| world.assets.shelf(kind));
    let Some(execution) = executions.and_then(|executions| executions.by_key(&name)) else {
        return Err(Refusal::new(400, "ResourceNotFound", format!("Pipeline execution with ARN {arn} does not exist.")));
    };
    let jobs = execution.definition.get("Jobs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let step = |(number, job): (usize, &str)| {
        let kind = job.split('/').next().unwrap_or_default();
        let field = METADATA.iter().find(|(known, _)| *known == kind).map_or("TrainingJob", |(_, field)| field);
        json!({
            "StepName": format!("step-{number}"), "StepStatus": execution.status(), "StartTime": seconds(execution.created()),
            "AttemptCount": 1, "Metadata": {field: {"Arn": world.arn(job)}},
        })
    };
    let steps: Vec<Value> = jobs.enumerate().map(step).collect();
    Ok(json!({"PipelineExecutionSteps": steps}))
}
