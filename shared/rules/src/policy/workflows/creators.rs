//! Creators that wait for the jobs that they make: the services of AWS and the tools whose sessions CloudTrail records.

use crate::{
    facts::Creator,
    policy::{settings::Policy, workflows::tags::is_tool},
    vocabulary::{
        owners::{Named, user_in},
        resource::Arn,
    },
};

/// Services that call SageMaker by themselves, as CloudTrail names them (`invokedBy`), and what people call them.
const SERVICES: [(&str, &str); 6] = [
    ("airflow", "Amazon MWAA"),
    ("batch", "AWS Batch"),
    ("codebuild", "AWS CodeBuild"),
    ("codepipeline", "AWS CodePipeline"),
    ("glue", "AWS Glue"),
    ("states", "Step Functions"),
];

/// How the names of sessions begin that services choose for what people run in them.
const SESSIONS: [(&str, &str); 7] = [
    ("AmazonMWAA-", "Amazon MWAA"),
    ("AWSCodeBuild-", "AWS CodeBuild"),
    ("GlueJobRunnerSession", "AWS Glue"),
    ("GitHubActions", "GitHub Actions"),
    ("GitHub_to_AWS_", "GitHub Actions"),
    ("gitlab-", "GitLab"),
    ("GitLabRunner", "GitLab"),
];

impl Policy {
    /// The service or the tool that created a job and waits for it: `Amazon MWAA (its creator AmazonMWAA-airflow)`. Such a job may have no other sign: Airflow's
    /// operators and a build's scripts put neither tags nor variables on it. `None`: a person created it, or what goes on at once.
    #[must_use]
    pub fn workflow_of_creator(&self, creator: &Creator) -> Option<String> {
        let maker = if creator.maker.is_empty() { &creator.user } else { &creator.maker };
        if self.owner_by(creator).is_some() {
            return None;
        }
        let name = user_in(maker);
        service_of(maker, name).map(|service| format!("{service} (its creator {name})")).or_else(|| tool_of(maker, name))
    }
}

/// The service that calls or has the session.
fn service_of(maker: &str, session: &str) -> Option<&'static str> {
    let called = maker.split_once(".amazonaws.com").map(|(service, _)| service);
    let begins = |start: &str| session.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start));
    let by_call = SERVICES.iter().find(|(service, _)| called == Some(service));
    by_call.or_else(|| SESSIONS.iter().find(|(start, _)| begins(start))).map(|(_, service)| *service)
}

/// The session or the user with the name of a tool, or the session of a role with such a name. A person may work in such a role, too.
fn tool_of(maker: &str, name: &str) -> Option<String> {
    let role = Arn::parse(maker).and_then(|arn| arn.resource.strip_prefix("assumed-role/")?.rsplit_once('/')).map(|(role, _)| role);
    let may_be_a_person = || matches!(Named::of(name), Named::Person(_) | Named::Addresses(_));
    match role {
        _ if may_be_a_person() => None,
        _ if is_tool(name) => Some(format!("its creator {name}")),
        Some(role) if is_tool(role) => Some(format!("its creator {name} of the role {role}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(user: &str, maker: &str) -> Option<String> {
        Policy::from_toml("").unwrap().workflow_of_creator(&Creator { user: user.into(), maker: maker.into() })
    }

    /// They were stopped: the session is the only sign on a job that Airflow or a build has made.
    #[test]
    fn a_job_whose_creator_waits_for_it_was_stopped() {
        let session = |name: &str| format!("arn:aws:sts::123456789012:assumed-role/{name}");
        for (maker, workflow) in [
            (session("AmazonMWAA-ml-ExecutionRole/AmazonMWAA-airflow"), "Amazon MWAA (its creator AmazonMWAA-airflow)"),
            (session("train-service-role/AWSCodeBuild-3f2b8c1e"), "AWS CodeBuild (its creator AWSCodeBuild-3f2b8c1e)"),
            (session("etl/GlueJobRunnerSession"), "AWS Glue (its creator GlueJobRunnerSession)"),
            (session("deploy/GitHubActions"), "GitHub Actions (its creator GitHubActions)"),
            (session("deploy/gitlab-churn-17955702"), "GitLab (its creator gitlab-churn-17955702)"),
            (session("my-ci-role/github-actions-17955702123"), "its creator github-actions-17955702123"),
            (session("GithubActionsRole/botocore-session-17955702"), "its creator botocore-session-17955702 of the role GithubActionsRole"),
            (session("GitLabCIRole/1795570200"), "its creator 1795570200 of the role GitLabCIRole"),
            (session("my-github-actions-role/1795570200"), "its creator 1795570200 of the role my-github-actions-role"),
            ("arn:aws:iam::123456789012:user/github-actions-sagemaker".into(), "its creator github-actions-sagemaker"),
            ("states.amazonaws.com".into(), "Step Functions (its creator states.amazonaws.com)"),
            (
                session("StepFunctions-Train/qEXEbkBYBbJUqCBvEVWdpxHoEGdvKjYw"),
                "its creator qEXEbkBYBbJUqCBvEVWdpxHoEGdvKjYw of the role StepFunctions-Train",
            ),
            (session("AWSCodePipelineServiceRole-ml/1795570200"), "its creator 1795570200 of the role AWSCodePipelineServiceRole-ml"),
            ("arn:aws:iam::123456789012:user/jenkins".into(), "its creator jenkins"),
        ] {
            assert_eq!(waits("", &maker).as_deref(), Some(workflow), "{maker}");
            assert_eq!(waits(&maker, "").as_deref(), Some(workflow), "{maker}, from before the maker was kept");
        }
    }

    #[test]
    fn people_and_what_creates_resources_wait_for_nothing() {
        let session = |name: &str| format!("arn:aws:sts::123456789012:assumed-role/{name}");
        for maker in [
            session("airflow-developers/ann@example.com"),
            session("airflow-developers/ann"),
            session("AWSReservedSSO_Airflow_0123456789abcdef/ann"),
            session("Deploy/terraform-20261124"),
            session("Train/1795570200"),
            session("lambda-train/train-nightly"),
            "ann".into(),
            "mary.jenkins".into(),
            "cloudformation.amazonaws.com".into(),
            "events.amazonaws.com".into(),
            String::new(),
        ] {
            assert_eq!(waits(&maker, &maker), None, "{maker}");
            assert_eq!(waits("", &maker), None, "{maker}, without a user");
        }
    }
}
