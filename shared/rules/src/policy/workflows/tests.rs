use super::*;
use crate::samples::audited;

#[test]
fn what_services_and_tools_wait_for_is_known_by_its_name_or_its_tags() {
    let policy = Policy::from_toml("").unwrap();
    let is_known = |id: &str, tags: &[(&str, &str)]| policy.workflow_of(&audited(id, tags).resource).is_some();
    for (id, is_sign) in [
        ("transform-job/quicksight-auto-generated-3f2b8c1e9a4d", true),
        ("processing-job/ann-canvas-data-prep-1712936374430", true),
        ("automl-job/Canvas1712936374430", true),
        ("processing-job/canvas-export", false),
        ("automl-job/canvas2forecast", false),
        ("transform-job/quicksight-scores", false),
        ("training-job/nightly-prefecture", false),
    ] {
        assert_eq!(is_known(id, &[]), is_sign, "{id}");
    }
    for (key, is_sign) in [
        ("airflow", true),
        ("airflow_dag_id", true),
        ("AirflowDagId", true),
        ("dag_id", true),
        ("DagId", true),
        ("dag-run-id", true),
        ("airflow/dag_run", true),
        ("mwaa:environment", true),
        ("dagster/run_id", true),
        ("prefect", true),
        ("prefect.io/flow-run-name", true),
        ("ml:prefect-flow", true),
        ("workflows.argoproj.io/workflow", true),
        ("pipelines.kubeflow.org/run_id", true),
        ("metaflow.run_id", true),
        ("flyte-execution", true),
        ("zenml:run", true),
        ("kedro-pipeline", true),
        ("aws:batch:compute-environment", true),
        ("workflow-id", true),
        ("WorkflowRunId", true),
        ("temporal:workflow_id", true),
        ("GITHUB_WORKFLOW_RUN", true),
        ("GITHUB_RUN_ID", true),
        ("GithubRunNumber", true),
        ("github:run-url", true),
        ("CI_JOB_ID", true),
        ("gitlab/ci-job-url", true),
        ("CIRCLE_BUILD_NUM", true),
        ("BUILDKITE_JOB_ID", true),
        ("github-repo-url", false),
        ("github:team", false),
        ("ci", false),
        ("precision-job-id", false),
        ("job-id", false),
        ("CI_PIPELINE_ID", true),
        ("pipeline-run-id", true),
        ("build_number", true),
        ("BUILD_URL", true),
        ("codebuild:build-arn", true),
        ("execution-id", true),
        ("flow_run_name", true),
        ("ExecutionName", true),
        ("sfn_execution_name", true),
        ("sfn:execution", true),
        ("StateMachine", true),
        ("StateMachineName", true),
        ("state-machine", true),
        ("StepFunction", true),
        ("StepFunctionsExecution", true),
        ("step-functions", true),
        ("dag", true),
        ("DAG", true),
        ("task_id", true),
        ("task-instance", true),
        ("tekton.dev/taskRun", true),
        ("databricks_run_id", true),
        ("JENKINS_URL", true),
        ("oozie", true),
        ("azkaban.flow.execid", true),
        ("autosys_job", true),
        ("BITBUCKET_PIPELINE_UUID", true),
        ("TF_BUILD", true),
        ("SYSTEM_JOBID", true),
        ("gitlab-ci", true),
        ("github-actions", true),
        ("github_action", true),
        ("circleci", true),
        ("github-city", false),
        ("task", false),
        ("TaskType", false),
        ("multitask-id", false),
        ("ExecutionMode", false),
        ("dagestan", false),
        ("orchestrator", false),
        ("Pipeline", false),
        ("pipeline-name", false),
        ("pipelines", false),
        ("build", false),
        ("Builder", false),
        ("mlflow.run_id", false),
        ("mlflow_run_id", false),
        ("workflow_owner", false),
        ("ExecutionRole", false),
        ("awscostcenter", false),
        ("Prefecture", false),
        ("cargo", false),
        ("dagger", false),
        ("DagenhamId", false),
        ("Team", false),
        ("Workflow", false),
        ("run-id", false),
    ] {
        assert_eq!(is_known("training-job/churn", &[(key, "1")]), is_sign, "{key}");
    }
    for (value, is_sign) in [
        ("arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", true),
        ("arn:aws:states:eu-central-1:123456789012:express:Train:run:3f2b8c1e", true),
        ("arn:aws-cn:codebuild:cn-north-1:123456789012:build/train:3f2b8c1e", true),
        ("arn:aws:codepipeline:eu-central-1:123456789012:churn", true),
        ("arn:aws:batch:eu-central-1:123456789012:job/3f2b8c1e", true),
        ("arn:aws:airflow:eu-central-1:123456789012:environment/ml", true),
        ("arn:aws:sagemaker:eu-central-1:123456789012:pipeline/churn/execution/kytlemm1lvpq", true),
        ("arn:aws:sagemaker:eu-central-1:123456789012:model-package/churn/3", false),
        (" arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e", true),
        (
            "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/arn:aws:states:eu-central-1:\
             123456789012:execution:Train:3f2b8c1e",
            true,
        ),
        (
            "https://console.aws.amazon.com/states/home#/executions/details/arn%3Aaws%3Astates%3Aus-east-1%3A123456789012%3Aexecution%3ATrain%3A3f",
            true,
        ),
        ("https://airflow.example.com/dags/churn/grid", true),
        ("https://ml.example.com/dags/churn/grid?dag_run_id=1", true),
        ("https://github.com/company/churn/actions/runs/17955702", true),
        ("https://gitlab.example.com/ml/churn/-/pipelines/1795", true),
        ("https://github.com/company/airflow-dags", false),
        ("https://gitlab.example.com/ml/churn", false),
        ("arn:aws:glue:eu-central-1:123456789012:workflow/churn", true),
        ("arn:aws:glue:eu-central-1:123456789012:job/churn", false),
        ("arn:aws:airflow-serverless:eu-central-1:123456789012:workflow/churn", true),
        ("arn:aws:datapipeline:eu-central-1:123456789012:pipeline/df-0123", true),
        ("arn:aws:iam::123456789012:role/states", false),
        ("arn:aws:s3:::ml-company", false),
        ("states", false),
    ] {
        assert_eq!(is_known("training-job/churn", &[("started-by", value)]), is_sign, "{value}");
    }
}

#[test]
fn a_job_of_another_tool_or_with_the_id_of_its_run_was_stopped() {
    let policy = Policy::from_toml("").unwrap();
    let is_known = |id: &str, tags: &[(&str, &str)]| policy.workflow_of(&audited(id, tags).resource).is_some();
    for (name, is_sign) in [
        ("scheduled--2026-11-30T00-00-00-00-00-train", true),
        ("churn-manual--2026-11-30T09-10-00", true),
        ("airflow-churn-20261130", true),
        ("kfp-train-x7k2p", true),
        ("sfn-train-3f2b8c1e", true),
        ("manual-churn-20261130", false),
        ("argonaut-train", false),
        ("churn-airflow", false),
    ] {
        assert_eq!(is_known(&format!("training-job/{name}"), &[]), is_sign, "{name}");
    }
    for (key, is_sign) in [
        ("kestra.io/flow", true),
        ("argo-workflow-name", true),
        ("kfp_run_id", true),
        ("nextflow", true),
        ("control-m", true),
        ("ctm_orderid", true),
        ("RD_JOB_EXECID", true),
        ("rundeck", true),
        ("TEAMCITY_BUILD", true),
        ("bamboo.buildKey", true),
        ("GO_PIPELINE_COUNTER", true),
        ("temporal-run", true),
        ("mage_ai/pipeline", true),
        ("workflowUid", true),
        ("parent-execution", true),
        ("dag_owner", true),
        ("dagTask", true),
        ("glue_job_run_id", true),
        ("JobRunId", true),
        ("job-runtime", false),
        ("TaskToken", true),
        ("callback-token", true),
        ("GlueWorkflow", true),
        ("AWS_BATCH_JOB_ID", true),
        ("MLOpsPipelineRun", true),
        ("ci-pipeline", true),
        ("GITHUB_WORKFLOW", true),
        ("AzurePipelines", true),
        ("execution_date", true),
        ("logical_date", true),
        ("orchestration-id", true),
        ("temporal", false),
        ("control-model", false),
        ("luigi", true),
        ("harness", false),
        ("image", false),
        ("date", false),
        ("batch-job", false),
        ("batch-size", false),
        ("job-name", false),
        ("JobFamily", false),
        ("cargo-id", false),
        ("pipeline-owner", false),
    ] {
        assert_eq!(is_known("training-job/churn", &[(key, "1")]), is_sign, "{key}");
    }
    for (key, value, is_sign) in [
        ("created-by", "SageMaker Pipelines", true),
        ("orchestrator", "kestra", true),
        ("scheduler", "Control-M", true),
        ("Orchestration", "StepFunctions", true),
        ("executed-by", "jenkins", true),
        ("created-from", "airflow", true),
        ("Creator", "StepFunctions", true),
        ("invoker", "step functions", true),
        ("triggered-by", "azure pipelines", true),
        ("triggered-by", "travis-ci", true),
        ("runner", "github-runner", true),
        ("triggered-by", "CI/CD", true),
        ("triggered-by", "glue workflow", true),
        ("Creator", "travis", false),
        ("creator", "ann", false),
        ("created-by", "mary.jenkins@example.com", false),
        ("created-by", "luigi", false),
        ("origin", "s3", false),
        ("run_id", "scheduled__2026-11-30T00:00:00+00:00", true),
        ("run", "manual__2026-11-30T09:10:00+00:00", true),
        ("run", "scheduled_2026-11-30", false),
        ("url", "https://dagster.cloud/prod/runs/3f2b8c1e", true),
        ("url", "https://app.prefect.cloud/account/1/workspace/2/flow-runs/flow-run/3", true),
        ("url", "https://jenkins.example.com/job/churn/41/", true),
        ("url", "https://ci.example.com/job/churn/41/console", true),
        ("url", "https://dev.azure.com/company/ml/_build/results", true),
        ("url", "https://bitbucket.org/company/churn/pipelines/results/41", true),
        ("url", "https://argo.example.com/workflows/ml/churn-x7k2p", true),
        ("url", "https://3f2b8c1e.c2.eu-central-1.airflow.amazonaws.com/dags/churn/grid", true),
        ("url", "https://ml.example.com/dags/churn/grid", true),
        ("url", "https://wandb.ai/company/churn/runs/3f2b8c1e", false),
        ("url", "https://github.com/company/churn/blob/main/dags/churn.py", false),
        ("url", "https://github.com/company/churn/blob/main/.github/workflows/train.yml", false),
        ("url", "https://cargo.example.com/churn", false),
        ("data", "s3://airflow-data/churn", false),
    ] {
        assert_eq!(is_known("training-job/churn", &[(key, value)]), is_sign, "{key}={value}");
    }
}

#[test]
fn a_tool_that_waits_is_known_where_the_key_tells_what_made_the_job() {
    for (key, value, is_sign) in [
        ("orchestrator", "airflow", true),
        ("managed-by", "airflow", true),
        ("created-by", "Airflow", true),
        ("CreatedBy", "prefect", true),
        ("managed_by", "kubeflow", true),
        ("ManagedBy", "StepFunctions", true),
        ("started-by", "step functions", true),
        ("app.kubernetes.io/managed-by", "argo", true),
        ("app.kubernetes.io/managed-by", "argo-workflows", true),
        ("ml:source", "airflow-prod", true),
        ("triggered-by", "jenkins", true),
        ("launched_by", "gitlab-ci", true),
        ("RunBy", "GitHub Actions", true),
        ("scheduler", "oozie", true),
        ("CI", "true", true),
        ("ci", "1", false),
        ("Team", "airflow", false),
        ("Project", "kubeflow", false),
        ("Owner", "prefect", false),
        ("managed-by", "terraform", false),
        ("managed-by", "cloudformation", false),
        ("managed-by", "cdk", false),
        ("managed-by", "argo.rossi@example.com", false),
        ("created-by", "cargo", false),
        ("created-by", "ann@example.com", false),
        ("source", "https://github.com/company/churn", false),
        ("source", "https://github.com/company/airflow-dags", false),
        ("standby", "airflow", false),
    ] {
        let job = audited("training-job/churn", &[(key, value)]).resource;
        assert_eq!(Policy::from_toml("").unwrap().workflow_of(&job).is_some(), is_sign, "{key}={value}");
    }
}

#[test]
fn a_job_that_a_tool_of_the_company_waits_for_was_stopped() {
    let policy = Policy::from_toml("").unwrap();
    let is_known = |id: &str, tags: &[(&str, &str)]| policy.workflow_of(&audited(id, tags).resource).is_some();
    for (name, is_sign) in [
        ("step-functions-churn-3f2b8c1e", true),
        ("StepFunctions-churn", true),
        ("churn-stepfunctions-3f2b8c1e", true),
        ("github-actions-churn-17955702", true),
        ("gitlab-ci-churn-41", true),
        ("gha-churn-17955702", true),
        ("prefect-churn-x7k2p", true),
        ("controlm-churn", true),
        ("control-m-churn", true),
        ("Automic-churn", true),
        ("uc4-churn", true),
        ("stonebranch-churn", true),
        ("tidal-job-41", true),
        ("windmill-flow-41", true),
        ("n8n-churn", true),
        ("clearml-churn", true),
        ("valohai-churn", true),
        ("ci-build-41", true),
        ("temporal-fusion-transformer", false),
        ("tidal-forecast", false),
        ("windmill-faults", false),
        ("prefecture-sales", false),
        ("github-stars", false),
        ("ghana-sales", false),
        ("civil-claims", false),
    ] {
        assert_eq!(is_known(&format!("training-job/{name}"), &[]), is_sign, "{name}");
    }
    for tool in ["Automic", "UC4", "Stonebranch", "Tidal", "n8n", "Windmill", "ClearML", "Valohai", "gha"] {
        for key in ["orchestrator", "created-by", "managed_by", "Scheduler", "triggeredBy"] {
            assert!(is_known("training-job/churn", &[(key, tool)]), "{key}={tool}");
        }
    }
    for (key, value, is_sign) in [
        ("orchestrator", "our-own-thing", true),
        ("Orchestrator", "Moonraker", true),
        ("ml:orchestrated-by", "nightly", true),
        ("orchestration-tool", "hamster", true),
        ("WorkflowEngine", "hamster", true),
        ("orchestrator", "none", false),
        ("orchestrator", "manual", false),
        ("orchestrator", "ann.example", false),
        ("orchestrator", "Ann Example", false),
        ("orchestrator", "ann@example.com", false),
        ("orchestrator", "vision-team", false),
        ("orchestrator", " ", false),
        ("orchestrator-owner", "vision", false),
        ("created-by", "training-pipeline", true),
        ("created-by", "TrainingPipeline", true),
        ("created-by", "churn_workflow", true),
        ("CreatedBy", "pipeline:churn", true),
        ("submitted-by", "retrain dag", true),
        ("created-by", "pipeline-team", false),
        ("created-by", "dagmar", false),
        ("created-by", "ann", false),
        ("Team", "training-pipeline", false),
        ("pipeline-step", "train", true),
        ("PipelineStepName", "Train", true),
        ("workflow_task", "train", true),
        ("ml/pipeline_stage", "train", true),
        ("pipeline-steward", "ann", false),
    ] {
        assert_eq!(is_known("training-job/churn", &[(key, value)]), is_sign, "{key}={value}");
    }
}

#[test]
fn a_pattern_of_another_language_protected_no_job() {
    const ANY: &str = "a pattern is for example \"churn*\"";
    for (key, pattern, says) in [
        ("names", "train.*", ANY),
        ("names", "^score", ANY),
        ("names", "score$", ANY),
        ("names", "batch-%", ANY),
        ("names", "(train|score)-*", ANY),
        ("names", "train-*, score-*", ANY),
        ("names", "train-* or score-*", ANY),
        ("names", "training-job/churn-*", ANY),
        ("names", "Pipeline=churn", ANY),
        ("tags", "pipeline.+", ANY),
        ("tags", "^pipeline", ANY),
        ("tags", "pipeline-%", ANY),
        ("tags", "(flow|run)-id", ANY),
        ("tags", "flow-id, run-id", ANY),
        ("tags", "Pipeline=churn", "the value of a tag does not count: write the key alone, \"Pipeline\""),
    ] {
        for key in [key.to_owned(), format!("not-{key}")] {
            let text = format!("[workflows]\n{key} = [\"our-*\", \"{pattern}\"]");
            let error = Policy::from_toml(&text).err().unwrap().to_string();
            assert!(error.contains(&format!("`{key}` has `{pattern}`, which is no pattern of ")) && error.contains(says), "{error}");
        }
    }
    for (key, pattern) in [
        ("names", "train-*"),
        ("names", "{train,score}-[0-9]*"),
        ("names", "nightly_?"),
        ("tags", "our.company/run:id"),
        ("tags", "*flow*"),
        ("tags", "{flow,run}[!a-z]id"),
        ("tags", "Ünser Lauf@x+y"),
    ] {
        assert!(Policy::from_toml(&format!("[workflows]\n{key} = [\"{pattern}\"]")).is_ok(), "{pattern}");
    }
}

/// They were exempt for ever: these tags tell of a ticket, of data, of a server, of a person or of nothing.
#[test]
fn tags_of_ordinary_jobs_passed_for_those_of_a_workflow() {
    let policy = Policy::from_toml("").unwrap();
    let nothing = ["false", "no", "none", "n/a", "0", "-", "", "None", " "].map(|value| ("airflow", value));
    for (key, value) in [
        ("dag_id", "n/a"),
        ("created-by", "none"),
        ("managed-by", "-"),
        ("data-source", "databricks"),
        ("data_source", "airflow"),
        ("ml:data-origin", "databricks"),
        ("source", "pipeline"),
        ("origin", "pipeline"),
        ("ml:source", "churn-pipeline"),
        ("TaskId", "ML-123"),
        ("task-id", "ML-123"),
        ("task_id", "CHURN-7"),
        ("jira-task-id", "ML-123"),
        ("jira-task-id", "123"),
        ("orchestrator", "jupyter"),
        ("orchestrator", "Notebook"),
        ("orchestrator", "laptop"),
        ("orchestrator", "sagemaker-studio"),
        ("orchestrator", "terraform"),
        ("orchestrator", "slurm"),
        ("orchestrator", "manual"),
        ("image-build-id", "41"),
        ("docker-build-number", "41"),
        ("git-build-url", "https://example.com/41"),
        ("model-build-number", "41"),
        ("ImageBuildId", "41"),
        ("clearml-project", "churn"),
        ("mlrun-project", "churn"),
        ("kubeflow-user", "ann"),
        ("databricks-workspace", "ml"),
        ("DatabricksWorkspaceUrl", "https://dbc-1.cloud.databricks.com"),
        ("airflow-version", "2.10"),
        ("argo_team", "vision"),
        ("dagster-home", "/opt/dagster"),
        ("airflow-webserver-host", "airflow.example.com"),
        ("prefect-api-url", "https://prefect.example.com/api"),
        ("clearml_queue", "gpu"),
        ("docs", "https://airflow.apache.org/docs"),
        ("docs", "https://airflow.example.com/dags/churn/grid"),
        ("wiki", "https://wiki.example.com/airflow/runs"),
        ("url", "https://docs.dagster.io/guides/build/jobs"),
        ("url", "https://confluence.ci.example.com/jobs"),
        ("url", "https://airflow.example.com/docs/tasks"),
        ("airflow-docs", "https://example.com"),
        ("url", "https://dbc-1.cloud.databricks.com"),
        ("package-index", "https://nexus.ci.example.com"),
        ("repository", "https://git.ci.example.com/ml/pipelines.git"),
        ("created-by", "terraform-pipeline"),
        ("managed-by", "cicd-terraform"),
        ("created-by", "ann.airflow@example.com"),
        ("batch-job", "1"),
        ("ml-flow-run-id", "3f2b8c1e"),
        ("MLFlowRunId", "3f2b8c1e"),
        ("TensorFlowRunId", "17"),
        ("optical-flow-number", "3"),
        ("mlflow-run-url", "https://dbc-1.cloud.databricks.com/ml/experiments/17/runs/3f2b8c1e"),
        ("repository", "https://github.com/company/churn/blob/main/dags/churn/graph.py"),
        ("pipeline-runtime", "python3.12"),
        ("WorkflowRuntime", "python3.12"),
        ("task_instance_type", "ml.m5.xlarge"),
        ("AmazonDataZoneProject", "3f2b8c1e"),
        ("sagemaker-sdk:jumpstart-model-id", "huggingface-llm-falcon"),
    ]
    .into_iter()
    .chain(nothing)
    {
        let job = audited("training-job/churn", &[(key, value)]).resource;
        assert_eq!(policy.workflow_of(&job), None, "{key}={value}");
    }
}

#[test]
fn a_job_whose_tag_tells_of_a_run_in_other_words_was_stopped() {
    let policy = Policy::from_toml("").unwrap();
    for (key, value) in [
        ("orchestrator-run-id", "1"),
        ("orchestrator-run", "1"),
        ("OrchestratorRunId", "1"),
        ("orchestrator-id", "1"),
        ("scheduler-name", "airflow"),
        ("scheduler_type", "airflow"),
        ("orchestrator-type", "airflow"),
        ("execution-type", "airflow"),
        ("trigger-type", "airflow"),
        ("parent-workflow", "churn"),
        ("parent-pipeline", "churn"),
        ("ParentPipeline", "churn"),
        ("wf_run_id", "1"),
        ("tfx_run_id", "1"),
        ("StatesExecutionArn", "1"),
        ("aws-batch-job", "1"),
        ("created-by", "airflow@example.com"),
        ("orchestrator", "jenkins@example.com"),
        ("app.kubernetes.io/name", "argo-workflows"),
        ("source", "airflow"),
        ("source", "churn-pipeline"),
        ("ml:source", "databricks"),
        ("task_id", "17"),
        ("build-id", "41"),
        ("ModelBuildPipelineRun", "41"),
        ("airflow-project-run-id", "17"),
        // Words of a key in camel case, with other words in front.
        ("GlueJobRunId", "jr_3f2b8c1e"),
        ("ChurnDagRunId", "17"),
        ("MlExecutionName", "churn"),
        ("JobScheduler", "airflow"),
        ("CI_PIPELINE_IID", "17"),
        ("generated-by", "airflow"),
        ("executor", "airflow"),
        ("invoked-by", "states.amazonaws.com"),
        ("url", "https://ml.example.com/pipeline/#/runs/details/3f2b8c1e"),
        ("url", "https://eu-central-1.console.aws.amazon.com/batch/home?region=eu-central-1#jobs/detail/3f2b8c1e"),
        ("ml:flow-run-id", "17"),
        ("pipeline_run_timestamp", "2026-11-30"),
        // AWS itself sets these.
        ("MANAGED_BY_AWS", "none"),
        ("aws:batch:job-id", "-"),
    ] {
        let job = audited("training-job/churn", &[(key, value)]).resource;
        assert!(policy.workflow_of(&job).is_some(), "{key}={value}");
    }
}

/// Neither the lists in the code nor the policy's own patterns know each company's words.
#[test]
fn what_the_policy_says_is_no_sign_is_none() {
    const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e";
    let policy = "[workflows]\nnames = [\"flow-*\"]\nnot-names = [\"flow-test-*\", \"kfp-*\"]\ntags = [\"acme*\"]\nnot-tags = [\"acme-team\", \"*airflow*\", \"created-by\", \"aws:*\", \"*TOKEN\"]";
    let policy = Policy::from_toml(policy).unwrap();
    for (name, tags, is_sign) in [
        ("flow-churn", &[][..], true),
        ("flow-test-churn", &[], false),
        ("kfp-train-x7k2p", &[], false),
        ("sfn-train-3f2b8c1e", &[], true),
        ("kfp-train-x7k2p", &[("dag_id", "churn")], true),
        ("churn", &[("acme-run", "none")], true),
        ("churn", &[("acme-team", "vision")], false),
        ("churn", &[("team-airflow", "vision")], false),
        ("churn", &[("created-by", "prefect")], false),
        ("churn", &[("created-by", EXECUTION)], true),
        ("churn", &[("aws:batch:job-id", "1")], true),
    ] {
        let job = audited(&format!("training-job/{name}"), tags).resource;
        assert_eq!(policy.workflow_of(&job).is_some(), is_sign, "{name} {tags:?}");
    }
    for (name, value, is_sign) in [("TASK_TOKEN", "AAAAKgAAAAIAAA", false), ("TASK_TOKEN", EXECUTION, true), ("KFP_RUN_ID", "1", true)] {
        assert_eq!(policy.workflow_of_variables(&[(name.to_owned(), value.to_owned())]).is_some(), is_sign, "{name}={value}");
    }
}

/// They were exempt for ever: their tags name what people have in a tool, or words of machine learning and of accounting.
#[test]
fn what_belongs_to_a_tool_passed_for_its_run() {
    let policy = Policy::from_toml("").unwrap();
    for (key, value) in [
        ("databricks-cost-center", "4"),
        ("databricks-cluster-id", "gpu"),
        ("databricks-dataset", "churn"),
        ("databricks-model", "churn"),
        ("airflow-owner", "ann"),
        ("airflow-dataset", "churn"),
        ("airflow-sensor-id", "7"),
        ("airflow-rate", "high"),
        ("jenkins-owner", "ann"),
        ("jenkins-folder", "ml"),
        ("github-actions-role", "deploy"),
        ("clearml-dataset", "churn"),
        ("zenml-stack", "prod"),
        ("flyte-domain", "development"),
        ("flyte-image", "churn"),
        ("kubeflow-namespace", "ann"),
        ("kubeflow-notebook", "churn"),
        ("dagster-group", "vision"),
        ("metaflow-namespace", "user:ann"),
        ("spinnaker-app", "churn"),
        ("pachyderm-repo", "churn"),
        ("kedro-env", "prod"),
        ("ctm-topics", "20"),
        ("gha-region", "volta"),
        ("bamboo-species", "moso"),
        ("nextflow-sample", "7"),
        ("data-interval", "5min"),
        ("DataInterval", "daily"),
        ("data_interval_hours", "4"),
        ("pipeline-task", "text-classification"),
        ("PipelineTask", "fill-mask"),
        ("harness-task", "hellaswag"),
        ("lm-eval-harness-task", "mmlu"),
        ("normalizing-flow-id", "7"),
        ("rectified-flow-run", "7"),
        ("customer-flow-id", "7"),
        ("river-flow-id", "7"),
        ("dag-type", "causal"),
        ("causal-dag", "notears"),
        ("remote-execution", "true"),
        ("task-id", "1204567890123456"),
        ("TaskId", "nlp-finetune"),
    ] {
        let job = audited("training-job/churn", &[(key, value)]).resource;
        assert_eq!(policy.workflow_of(&job), None, "{key}={value}");
    }
    for (key, value) in [
        ("airflow-dag", "churn"),
        ("airflow_task_id", "train"),
        ("dag_task_id", "train"),
        ("airflow:dag", "churn"),
        ("airflow-context", "churn-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f"),
        ("clearml-task-name", "churn"),
        ("databricks-job", "churn"),
        ("argo-pod-name", "churn-x7k2p"),
        ("flow-run-id", "7"),
        ("flow_execution", "7"),
        ("data_interval_start", "2026-11-30"),
        ("dataIntervalEnd", "2026-11-30"),
        ("pipeline-task", "3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f"),
        ("ml-execution", "3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f"),
        ("sfn:execution", "churn"),
        ("github-actions-run", "7"),
        ("GitHubActionsWorkflow", "train"),
    ] {
        let job = audited("training-job/churn", &[(key, value)]).resource;
        assert!(policy.workflow_of(&job).is_some(), "{key}={value}");
    }
}

/// They were exempt for ever: libraries within the job, and what starts jobs and goes on at once, wait for nothing.
#[test]
fn whatever_stood_under_orchestrator_passed_for_a_tool_that_waits() {
    let policy = Policy::from_toml("").unwrap();
    let is_known = |value: &str| policy.workflow_of(&audited("training-job/churn", &[("orchestrator", value)]).resource).is_some();
    for value in [
        "ray",
        "horovod",
        "accelerate",
        "lightning",
        "hydra",
        "optuna",
        "sagemaker",
        "sagemaker-sdk",
        "boto3",
        "bash",
        "script",
        "python",
        "make",
        "dvc",
        "eventbridge",
        "EventBridge Scheduler",
        "aws-lambda",
        "cron",
        "lambda",
        "aws",
        "Slurm",
    ] {
        assert!(!is_known(value), "{value}");
    }
    for value in ["SageMaker Pipelines", "lambda-step-functions", "aws-batch", "aws step functions", "hamster"] {
        assert!(is_known(value), "{value}");
    }
}

/// Their jobs were exempt for ever. Dag is a common given name in Norway and Sweden.
#[test]
fn people_named_as_tools_and_graphs_passed_for_them() {
    let policy = Policy::from_toml("owner-tags = [\"Owner\"]").unwrap();
    let is_known = |tags: &[(&str, &str)]| policy.workflow_of(&audited("training-job/churn", tags).resource).is_some();
    for (key, value) in [
        ("created-by", "dag.nilsen"),
        ("created-by", "dag.erik"),
        ("created-by", "dag_erik"),
        ("created-by", "dag-erik"),
        ("StartedBy", "dag_nilsen"),
        ("submitted-by", "dag-hansen"),
        ("creator", "dag"),
        ("created-by", "Dag Nilsen"),
        ("created-by", "erik.dag"),
        ("created-by", "mary.jenkins"),
        ("created-by", "Sarah Jenkins"),
        ("created-by", "Argo Rossi"),
        ("created-by", "redwood-ann"),
        ("created-by", "mage-ann"),
        ("created-by", "pipeline.dev"),
        ("created-by", "workflow.admin"),
    ] {
        assert!(!is_known(&[(key, value)]), "{key}={value}");
    }
    for (key, value) in [
        ("created-by", "dag:churn"),
        ("created-by", "dag-41"),
        ("created-by", "training-dag"),
        ("created-by", "churn-dag-prod"),
        ("created-by", "pipeline-churn"),
        ("created-by", "training-pipeline-prod"),
        ("created-by", "churn.pipeline"),
        ("created-by", "mage-prod"),
        ("created-by", "argo-eu"),
        ("created-by", "Stonebranch Cloud"),
        ("created-by", "mage"),
    ] {
        assert!(is_known(&[(key, value)]), "{key}={value}");
    }
    assert!(!is_known(&[("created-by", "mage"), ("Owner", "mage")]), "the owner");
    assert!(is_known(&[("created-by", "mage"), ("Owner", "ann")]), "another one");
    assert!(is_known(&[("created-by", "prefect"), ("Owner", "prefect")]), "nobody");
}

#[test]
fn a_job_whose_tag_names_a_tool_by_another_name_was_stopped() {
    let policy = Policy::from_toml("").unwrap();
    let is_known = |key: &str, value: &str| policy.workflow_of(&audited("training-job/churn", &[(key, value)]).resource).is_some();
    for tool in [
        "github",
        "gitlab",
        "bitbucket",
        "drone",
        "gh-actions",
        "ghactions",
        "drone-ci",
        "woodpecker",
        "cirrus-ci",
        "zuul",
        "forgejo",
        "gitea-actions",
        "octopus-deploy",
        "codecatalyst",
        "azdo",
        "tivoli",
        "tws",
        "ca7",
        "js7",
        "dkron",
        "opswise",
        "BMC Control-M",
        "talend",
        "informatica",
        "snaplogic",
        "boomi",
        "alteryx",
        "keboola",
        "adf",
        "azure-data-factory",
        "synapse",
        "dbt-cloud",
        "cloud-composer",
        "netflix-conductor",
        "temporal.io",
        "windmill.dev",
        "dagit",
        "step-fn",
        "aws-glue",
        "glue-job",
        "emr-step",
    ] {
        for key in ["triggered-by", "created-by", "scheduler"] {
            assert!(is_known(key, tool), "{key}={tool}");
        }
    }
    for (key, value) in [
        ("orchestrated", "true"),
        ("is_orchestrated", "yes"),
        ("requester", "airflow"),
        ("requestor", "airflow"),
        ("via", "StepFunctions"),
        ("invocation-type", "stepfunctions"),
        ("started", "airflow"),
        ("managed", "airflow"),
        ("app", "airflow"),
        ("app.kubernetes.io/instance", "argo"),
        ("adf-run-id", "1"),
        ("DataFactoryRunId", "1"),
        ("synapse_run_id", "1"),
        ("GitHubRun", "17"),
        ("System.JobId", "17"),
        ("Release.ReleaseId", "17"),
        // No list has these.
        ("triggered-by", "n8n-selfhosted"),
        ("launched-by", "spacectl-runner"),
        ("scheduler", "night-runner"),
    ] {
        assert!(is_known(key, value), "{key}={value}");
    }
    for (key, value) in [
        ("orchestrated", "no"),
        ("source", "github"),
        ("origin", "gitlab"),
        ("started-by", "states"),
        ("triggered-by", "ann"),
        ("triggered-by", "ann.example"),
        ("triggered-by", "mary.jenkins"),
        ("triggered-by", "lambda"),
        ("triggered-by", "cron"),
        ("triggered-by", "eventbridge-rule"),
        ("triggered-by", "console"),
        ("launched-by", "terraform"),
        ("scheduler", "slurm"),
        ("scheduler", "cosine"),
        ("lr_scheduler", "step"),
        ("app", "churn"),
        ("requester", "ann"),
    ] {
        assert!(!is_known(key, value), "{key}={value}");
    }
}
