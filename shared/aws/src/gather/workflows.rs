//! Workflows that wait for jobs whose names and tags do not tell: running executions of pipelines, AutoML jobs of tuning jobs, and those that a job's variables
//! tell of.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sagemaker::types::{AutoMlJobStatus, PipelineExecutionStatus, PipelineExecutionStepMetadata};
use aws_smithy_types::DateTime;
use cost_rules::{
    facts::{Facts, Variables, Workflow, Workflows},
    policy::Policy,
    resource::{Kind, id_of_arn},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    read::{IN_FLIGHT, Read, every_page, unread_of},
    training,
};
use crate::{
    clients::{Clients, why::why},
    ledger::Ledger,
};

/// How far back an execution may have begun that still runs. A job runs for 28 days at most (aws-facts §2.3), and an execution has several in a row.
const LONGEST_EXECUTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Asks which workflows wait for these jobs (names by id). Where that cannot be read, it is unknown for each of them. `variables`: reads those of a job, by its
/// id and name.
pub(crate) async fn of_jobs(
    clients: &Clients,
    policy: &Policy,
    facts: &mut Facts,
    jobs: &BTreeMap<String, String>,
    variables: impl AsyncFn(&str, &str) -> Read<Variables>,
) {
    let told = by_variables(policy, jobs, variables);
    let (executions, tuning, told) =
        tokio::join!(Box::pin(jobs_of_executions(clients, facts.now)), Box::pin(auto_ml_jobs(clients, jobs)), Box::pin(told));
    let mut failed = vec![];
    for id in jobs.keys() {
        let in_execution = match &executions {
            Ok(executions) => executions.get(id).cloned().map_or(Workflow::None, Workflow::Waits),
            Err(why) => Workflow::Unknown(why.clone()),
        };
        let others = [tuning.get(id), told.get(id)].into_iter().flatten().cloned();
        let workflow = others.fold(in_execution, Workflow::or);
        if let Workflow::Unknown(why) = &workflow {
            failed.push((id.clone(), why.clone()));
        }
        facts.workflows.insert(id.clone(), workflow);
    }
    facts.reading.unread.extend(unread_of("which workflow waits", &failed));
}

/// Adds the creators that wait for these jobs, by what CloudTrail said when they were created. An operator of Airflow or a script of a build leaves no other sign on a
/// job.
pub(crate) async fn add_creators(ledger: &Ledger<'_>, policy: &Policy, facts: &mut Facts, jobs: &BTreeMap<String, String>) {
    let creators = ledger.creators(jobs.keys().cloned()).await.map_err(|error| format!("who created it: {error:#}"));
    let of_creator = |id: &str| match &creators {
        Ok(creators) => creators.get(id).and_then(|creator| policy.workflow_of_creator(creator)).map_or(Workflow::None, Workflow::Waits),
        Err(why) => Workflow::Unknown(why.clone()),
    };
    for (id, workflow) in facts.workflows.iter_mut().filter(|(id, _)| jobs.contains_key(*id)) {
        *workflow = std::mem::replace(workflow, Workflow::None).or(of_creator(id));
    }
}

/// The workflows that the variables of these jobs tell of.
async fn by_variables(
    policy: &Policy,
    jobs: &BTreeMap<String, String>,
    variables: impl AsyncFn(&str, &str) -> Read<Variables>,
) -> Workflows {
    let read = stream::iter(jobs).map(async |(id, name)| {
        let read = variables(id, name).await;
        let of = read.map(|variables| policy.workflow_of_variables(&variables));
        (id.clone(), of.map_or_else(Workflow::Unknown, |workflow| workflow.map_or(Workflow::None, Workflow::Waits)))
    });
    read.buffer_unordered(IN_FLIGHT).collect().await
}

/// The jobs, by id, of all executions of pipelines that have not ended, each with its execution.
async fn jobs_of_executions(clients: &Clients, now: Timestamp) -> Read<BTreeMap<String, String>> {
    let read = stream::iter(pipelines(clients).await?).map(async |name| running(clients, &name, now).await);
    let executions: Vec<Vec<String>> = read.buffer_unordered(IN_FLIGHT).try_collect().await?;
    let read = stream::iter(executions.into_iter().flatten()).map(async |arn| jobs_of(clients, &arn).await);
    let jobs: Vec<BTreeMap<String, String>> = read.buffer_unordered(IN_FLIGHT).try_collect().await?;
    Ok(jobs.into_iter().flatten().collect())
}

async fn pipelines(clients: &Clients) -> Read<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    every_page(clients, async |token| {
        let page = clients.sagemaker.list_pipelines().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListPipelines: {}", why(&error)))?;
        names.extend(page.pipeline_summaries.unwrap_or_default().into_iter().filter_map(|one| one.pipeline_name));
        Ok(page.next_token)
    })
    .await?;
    Ok(names)
}

/// The ARNs of a pipeline's executions that have not ended.
async fn running(clients: &Clients, pipeline: &str, now: Timestamp) -> Read<Vec<String>> {
    let since = DateTime::from_secs((now - LONGEST_EXECUTION).as_second());
    let call = || clients.sagemaker.list_pipeline_executions().pipeline_name(pipeline).created_after(since).max_results(100);
    let mut arns = vec![];
    every_page(clients, async |token| {
        let page = call().set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListPipelineExecutions: {}", why(&error)))?;
        let is_running = |status: Option<&PipelineExecutionStatus>| {
            use PipelineExecutionStatus as Status;
            !matches!(status, Some(Status::Succeeded | Status::Failed | Status::Stopped | Status::CompletedWithFailures))
        };
        let executions = page.pipeline_execution_summaries.unwrap_or_default();
        let running = executions.into_iter().filter(|one| is_running(one.pipeline_execution_status.as_ref()));
        arns.extend(running.filter_map(|one| one.pipeline_execution_arn));
        Ok(page.next_token)
    })
    .await?;
    Ok(arns)
}

/// The jobs, by id, that the steps of an execution started, each with the execution.
async fn jobs_of(clients: &Clients, execution: &str) -> Read<BTreeMap<String, String>> {
    let call = || clients.sagemaker.list_pipeline_execution_steps().pipeline_execution_arn(execution).max_results(100);
    let mut jobs = BTreeMap::new();
    every_page(clients, async |token| {
        let page = call().set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListPipelineExecutionSteps: {}", why(&error)))?;
        let steps = page.pipeline_execution_steps.unwrap_or_default().into_iter().filter_map(|step| step.metadata);
        let ids = steps.flat_map(jobs_of_step).filter_map(|arn| id_of_arn(&arn));
        jobs.extend(ids.map(|id| (id, execution.to_owned())));
        Ok(page.next_token)
    })
    .await?;
    Ok(jobs)
}

/// The ARNs of the jobs that a step started.
fn jobs_of_step(step: PipelineExecutionStepMetadata) -> impl Iterator<Item = String> {
    [
        step.training_job.and_then(|job| job.arn),
        step.processing_job.and_then(|job| job.arn),
        step.transform_job.and_then(|job| job.arn),
        step.tuning_job.and_then(|job| job.arn),
        step.auto_ml_job.and_then(|job| job.arn),
        step.quality_check.and_then(|check| check.check_job_arn),
        step.clarify_check.and_then(|check| check.check_job_arn),
    ]
    .into_iter()
    .flatten()
}

/// The AutoML job of each of these tuning jobs.
async fn auto_ml_jobs(clients: &Clients, jobs: &BTreeMap<String, String>) -> Workflows {
    let tuning: Vec<(&String, &String)> = jobs.iter().filter(|(id, _)| Kind::of(id) == Some(Kind::TuningJob)).collect();
    if tuning.is_empty() {
        return Workflows::new();
    }
    match any_auto_ml_job(clients).await {
        Ok(false) => Workflows::new(),
        Ok(true) => {
            let read = stream::iter(tuning).map(async |(id, name)| {
                let of = training::auto_ml_job_of(clients, name).await;
                (id.clone(), of.map_or_else(Workflow::Unknown, |job| job.map_or(Workflow::None, Workflow::Waits)))
            });
            read.buffer_unordered(IN_FLIGHT).collect().await
        }
        Err(why) => tuning.into_iter().map(|(id, _)| (id.clone(), Workflow::Unknown(why.clone()))).collect(),
    }
}

/// Whether any AutoML job runs.
async fn any_auto_ml_job(clients: &Clients) -> Read<bool> {
    let mut found = false;
    every_page(clients, async |token| {
        let call = clients.sagemaker.list_auto_ml_jobs().status_equals(AutoMlJobStatus::InProgress);
        let page = call.max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListAutoMLJobs: {}", why(&error)))?;
        found |= page.auto_ml_job_summaries.is_some_and(|jobs| !jobs.is_empty());
        Ok(page.next_token.filter(|_| !found))
    })
    .await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::{
        operation::{
            list_auto_ml_jobs::ListAutoMlJobsOutput,
            list_pipeline_execution_steps::ListPipelineExecutionStepsOutput,
            list_pipeline_executions::ListPipelineExecutionsOutput,
            list_pipelines::{ListPipelinesError, ListPipelinesOutput},
        },
        types::{
            AutoMlJobStepMetadata, AutoMlJobSummary, ClarifyCheckStepMetadata, PipelineExecutionStep, PipelineExecutionSummary,
            PipelineSummary, ProcessingJobStepMetadata, QualityCheckStepMetadata, TrainingJobStepMetadata, TransformJobStepMetadata,
            TuningJobStepMetaData,
        },
    };
    use aws_smithy_mocks::{Rule, mock};
    use cost_rules::rulebook::Rulebook;

    use super::*;
    use crate::testing::{self, arn, at, denied};

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn jobs(ids: &[&str]) -> BTreeMap<String, String> {
        ids.iter().map(|id| ((*id).to_owned(), id.rsplit('/').next().unwrap().to_owned())).collect()
    }

    fn one_pipeline() -> Rule {
        mock!(aws_sdk_sagemaker::Client::list_pipelines).then_output(|| {
            ListPipelinesOutput::builder().pipeline_summaries(PipelineSummary::builder().pipeline_name("churn").build()).build()
        })
    }

    /// An execution of each status, named after it.
    fn executions(statuses: &'static [&'static str]) -> Rule {
        mock!(aws_sdk_sagemaker::Client::list_pipeline_executions).then_compute_output(|asked| {
            assert_eq!((asked.pipeline_name(), asked.created_after()), (Some("churn"), Some(&at("2026-08-26T12:00:00Z"))));
            let summary = |status: &&str| {
                let arn = arn(&format!("pipeline/churn/execution/{status}"));
                PipelineExecutionSummary::builder().pipeline_execution_arn(arn).pipeline_execution_status((*status).into()).build()
            };
            ListPipelineExecutionsOutput::builder().set_pipeline_execution_summaries(Some(statuses.iter().map(summary).collect())).build()
        })
    }

    fn steps(of: &'static str, metadata: Vec<PipelineExecutionStepMetadata>) -> Rule {
        mock!(aws_sdk_sagemaker::Client::list_pipeline_execution_steps)
            .match_requests(move |asked| asked.pipeline_execution_arn().is_some_and(|arn| arn.ends_with(of)))
            .then_output(move || {
                let steps = metadata.iter().map(|metadata| PipelineExecutionStep::builder().metadata(metadata.clone()).build());
                ListPipelineExecutionStepsOutput::builder().set_pipeline_execution_steps(Some(steps.collect())).build()
            })
    }

    async fn read(rules: &[&Rule], ids: &[&str]) -> Workflows {
        read_with(rules, ids, Ok(vec![])).await
    }

    /// `variables`: those of each job.
    async fn read_with(rules: &[&Rule], ids: &[&str], variables: Read<Variables>) -> Workflows {
        let clients = Clients { sagemaker: testing::sagemaker(rules).into(), ..testing::clients() };
        let mut facts = Facts { now: now(), ..Facts::default() };
        of_jobs(&clients, &Rulebook::from_toml("").unwrap().policy, &mut facts, &jobs(ids), async |_: &str, _: &str| variables.clone())
            .await;
        let is_unknown = facts.workflows.values().any(|workflow| matches!(workflow, Workflow::Unknown(_)));
        assert_eq!(is_unknown, !facts.reading.unread.is_empty(), "what is unknown is said: {:?}", facts.reading.unread);
        facts.workflows
    }

    #[tokio::test]
    async fn every_kind_of_job_that_a_running_execution_started_is_waited_for() {
        let metadata = PipelineExecutionStepMetadata::builder;
        let all = vec![
            metadata().training_job(TrainingJobStepMetadata::builder().arn(arn("training-job/a")).build()).build(),
            metadata().processing_job(ProcessingJobStepMetadata::builder().arn(arn("processing-job/b")).build()).build(),
            metadata().transform_job(TransformJobStepMetadata::builder().arn(arn("transform-job/c")).build()).build(),
            metadata().tuning_job(TuningJobStepMetaData::builder().arn(arn("hyper-parameter-tuning-job/d")).build()).build(),
            metadata().auto_ml_job(AutoMlJobStepMetadata::builder().arn(arn("automl-job/e")).build()).build(),
            metadata().quality_check(QualityCheckStepMetadata::builder().check_job_arn(arn("processing-job/f")).build()).build(),
            metadata().clarify_check(ClarifyCheckStepMetadata::builder().check_job_arn(arn("processing-job/g")).build()).build(),
        ];
        let ids = [
            "training-job/a",
            "processing-job/b",
            "transform-job/c",
            "hyper-parameter-tuning-job/d",
            "automl-job/e",
            "processing-job/f",
            "processing-job/g",
        ];
        let no_auto_ml = mock!(aws_sdk_sagemaker::Client::list_auto_ml_jobs).then_output(|| ListAutoMlJobsOutput::builder().build());
        let rules = [one_pipeline(), executions(&["Executing", "Succeeded"]), steps("Executing", all), no_auto_ml];
        let found = read(&rules.each_ref(), &[&ids[..], &["training-job/other"]].concat()).await;
        for id in ids {
            assert_eq!(found[id], Workflow::Waits(arn("pipeline/churn/execution/Executing")), "{id}");
        }
        assert_eq!(found["training-job/other"], Workflow::None);
    }

    #[tokio::test]
    async fn an_execution_whose_status_is_new_may_still_run() {
        let job = TrainingJobStepMetadata::builder().arn(arn("training-job/a")).build();
        let metadata = vec![PipelineExecutionStepMetadata::builder().training_job(job).build()];
        let rules = [one_pipeline(), executions(&["Stopping", "Paused"]), steps("Stopping", vec![]), steps("Paused", metadata)];
        assert!(matches!(read(&rules.each_ref(), &["training-job/a"]).await["training-job/a"], Workflow::Waits(_)));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_unknown_for_each_job() {
        let refused = mock!(aws_sdk_sagemaker::Client::list_pipelines).then_error(|| ListPipelinesError::generic(denied()));
        let found = read(&[&refused], &["training-job/a", "processing-job/b"]).await;
        for workflow in found.values() {
            assert!(matches!(workflow, Workflow::Unknown(why) if why.starts_with("sagemaker:ListPipelines: AccessDenied")), "{workflow:?}");
        }
        assert_eq!(found.len(), 2);
    }

    #[tokio::test]
    async fn a_job_that_hands_over_a_token_is_waited_for_and_one_whose_variables_cannot_be_read_is_unknown() {
        let none = || mock!(aws_sdk_sagemaker::Client::list_pipelines).then_output(|| ListPipelinesOutput::builder().build());
        let token = vec![("TASK_TOKEN".to_owned(), "AAAAKgAAAAIAAA".to_owned())];
        let found = read_with(&[&none()], &["training-job/a"], Ok(token.clone())).await;
        assert_eq!(found["training-job/a"], Workflow::Waits("the workflow that its variable TASK_TOKEN tells of".to_owned()));
        let found = read_with(&[&none()], &["training-job/a"], Err("sagemaker:DescribeTrainingJob: AccessDenied".to_owned())).await;
        assert!(matches!(&found["training-job/a"], Workflow::Unknown(why) if why.contains("AccessDenied")), "{found:?}");
        let refused = mock!(aws_sdk_sagemaker::Client::list_pipelines).then_error(|| ListPipelinesError::generic(denied()));
        let found = read_with(&[&refused], &["training-job/a"], Ok(token)).await;
        assert!(matches!(&found["training-job/a"], Workflow::Waits(_)), "what is known counts for more: {found:?}");
    }

    #[tokio::test]
    async fn a_tuning_job_without_training_jobs_may_be_an_auto_ml_jobs() {
        let running = mock!(aws_sdk_sagemaker::Client::list_auto_ml_jobs).then_output(|| {
            ListAutoMlJobsOutput::builder().auto_ml_job_summaries(AutoMlJobSummary::builder().auto_ml_job_name("x").build()).build()
        });
        let none = mock!(aws_sdk_sagemaker::Client::list_pipelines).then_output(|| ListPipelinesOutput::builder().build());
        let childless = mock!(aws_sdk_sagemaker::Client::list_training_jobs_for_hyper_parameter_tuning_job).then_output(|| {
            aws_sdk_sagemaker::operation::list_training_jobs_for_hyper_parameter_tuning_job::ListTrainingJobsForHyperParameterTuningJobOutput::builder().build()
        });
        let found = read(&[&running, &none, &childless], &["hyper-parameter-tuning-job/d", "training-job/a"]).await;
        assert!(
            matches!(&found["hyper-parameter-tuning-job/d"], Workflow::Unknown(why) if why.contains("no training jobs yet")),
            "{found:?}"
        );
        assert_eq!(found["training-job/a"], Workflow::None);
    }
}
