//! What the demo and the end-to-end tests share: functions that run on a simulated account, and Lambda's runtime API for the real binaries.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use cost_aws::{
    Clients, Context,
    report::Report,
    settings::{PolicySource, Settings},
};
use jiff::Timestamp;
use serde_json::Value;
use simulator::{Simulator, Stack, Template};
use tempfile::NamedTempFile;

pub mod commitment;
pub mod endpoint_month;
pub mod lambda;
pub mod month;
pub mod testing;
pub mod week;

/// The name of the ledger's table in the simulated accounts.
pub const TABLE: &str = "cost-guard";

/// The name of the SSM parameter with the policy, for the tests that use one.
pub const POLICY_PARAMETER: &str = "/cost-guard/policy";

/// The bus that the functions may put events on.
pub const EVENT_BUS: &str = "finops";

/// A function of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the function of its name")]
pub enum Function {
    BudgetAlerter,
    EndpointAutoscaler,
    // After endpoint-autoscaler, whose findings it reads.
    InferenceAdvisor,
    NotebookStopper,
    TagAuditor,
    TrainingJobSpotEnforcer,
    // After the others, whose findings it reads.
    SavingsPlanAdvisor,
    // The last one, so that it mails what the others found.
    CostReporter,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 8] = [
        Self::BudgetAlerter,
        Self::EndpointAutoscaler,
        Self::InferenceAdvisor,
        Self::NotebookStopper,
        Self::TagAuditor,
        Self::TrainingJobSpotEnforcer,
        Self::SavingsPlanAdvisor,
        Self::CostReporter,
    ];

    /// The name of its folder, package and binary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BudgetAlerter => budget_alerter::NAME,
            Self::CostReporter => cost_reporter::NAME,
            Self::EndpointAutoscaler => endpoint_autoscaler::NAME,
            Self::InferenceAdvisor => inference_advisor::NAME,
            Self::NotebookStopper => notebook_stopper::NAME,
            Self::SavingsPlanAdvisor => savings_plan_advisor::NAME,
            Self::TagAuditor => tag_auditor::NAME,
            Self::TrainingJobSpotEnforcer => training_job_spot_enforcer::NAME,
        }
    }

    async fn handle(self, event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
        match self {
            Self::BudgetAlerter => Box::pin(budget_alerter::handle(event, context, now)).await,
            Self::CostReporter => Box::pin(cost_reporter::handle(event, context, now)).await,
            Self::EndpointAutoscaler => Box::pin(endpoint_autoscaler::handle(event, context, now)).await,
            Self::InferenceAdvisor => Box::pin(inference_advisor::handle(event, context, now)).await,
            Self::NotebookStopper => notebook_stopper::handle(event, context, now).await,
            Self::SavingsPlanAdvisor => Box::pin(savings_plan_advisor::handle(event, context, now)).await,
            Self::TagAuditor => tag_auditor::handle(event, context, now).await,
            Self::TrainingJobSpotEnforcer => training_job_spot_enforcer::handle(event, context, now).await,
        }
    }
}

/// A function on a simulated account. It runs in this process and in the account's virtual time.
#[derive(Clone)]
pub struct Guard {
    /// The function.
    pub function: Function,
    /// The simulated account.
    pub account: Simulator,
    /// The function's context.
    pub context: Context,
    policy: Arc<NamedTempFile>,
}

impl Guard {
    /// Creates notebook-stopper with a policy in TOML.
    ///
    /// # Errors
    /// The policy cannot be stored, or the template cannot be deployed.
    pub fn new(account: &Simulator, policy: &str) -> anyhow::Result<Self> {
        Self::of(Function::NotebookStopper, account, policy)
    }

    /// Creates a function with a policy in TOML. The account judges its calls by its role in the template, which is deployed unless one already is.
    ///
    /// # Errors
    /// The policy cannot be stored, or the template cannot be deployed.
    pub fn of(function: Function, account: &Simulator, policy: &str) -> anyhow::Result<Self> {
        if account.stack().is_none() {
            deploy(account, &[])?;
        }
        let file = NamedTempFile::new()?;
        std::fs::write(file.path(), policy)?;
        let settings = Settings {
            policy: PolicySource::File(file.path().to_owned()),
            topic_arn: account.topic_arn(),
            table: TABLE.into(),
            bucket: account.bucket(),
            reads_bill: true,
            event_bus: None,
            chat_topic_arn: None,
            log: "warn".into(),
        };
        let context = Context::new(function.name(), clients_of(account, function.name()), settings);
        Ok(Self { function, account: account.clone(), context, policy: Arc::new(file) })
    }

    /// Lets the function also put events on the bus, and tell the chat what it mails.
    #[must_use]
    pub fn heard(mut self) -> Self {
        self.context.settings.event_bus = Some(EVENT_BUS.into());
        self.context.settings.chat_topic_arn = Some(self.account.chat_topic_arn());
        self
    }

    /// Replaces the policy. The function caches the old one for up to five minutes.
    ///
    /// # Errors
    /// The policy cannot be stored.
    pub fn set_policy(&self, policy: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.policy.path(), policy)?)
    }

    /// Runs the function with an event.
    ///
    /// # Errors
    /// The function's own error.
    pub async fn wake(&self, event: Value) -> anyhow::Result<Report> {
        let now = self.account.now();
        let report = self.function.handle(event, &self.context, now).await?;
        cost_aws::leave_trouble(&self.context, &report, now).await;
        Ok(report)
    }

    /// Runs the function as its schedule does.
    ///
    /// # Errors
    /// The function's own error.
    pub async fn run(&self) -> anyhow::Result<Report> {
        self.wake(Value::Null).await
    }
}

/// Deploys infra/template.yaml with all permissions. These parameters override that.
///
/// # Errors
/// The template cannot be deployed.
pub fn deploy(account: &Simulator, parameters: &[(&str, &str)]) -> anyhow::Result<Arc<Stack>> {
    static TEMPLATE: LazyLock<Result<Template, String>> =
        LazyLock::new(|| Template::read(&project_file("infra/template.yaml")).map_err(|error| format!("{error:#}")));
    let template = TEMPLATE.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let bucket = account.bucket().unwrap_or_default();
    let everything = [
        ("AllowEnforcement", "yes"),
        ("AllowResubmission", "yes"),
        ("AllowHibernation", "yes"),
        ("PolicyParameter", POLICY_PARAMETER),
        ("ReportBucket", bucket.as_str()),
        ("SlackWorkspaceId", "T0123ABCD"),
        ("SlackChannelId", "C0123ABCD"),
        ("PublishEvents", "yes"),
        ("EventBusName", EVENT_BUS),
    ];
    account.deploy(template, &[&everything, parameters].concat())
}

/// The SDK's clients, pointed at a simulated account. The account does not judge their calls.
pub fn clients(account: &Simulator) -> Clients {
    clients_of(account, "somebody")
}

/// The same with an access key. A function's name as the access key makes the account judge the calls by the function's role.
fn clients_of(account: &Simulator, access_key: &str) -> Clients {
    let config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(account.region()))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(Credentials::new(
            access_key,
            "simulated",
            None,
            None,
            "tests",
        )))
        .endpoint_url(account.endpoint())
        .build();
    Clients::new(&config)
}

/// The path of a project file, from its path relative to the project's folder.
pub fn project_file(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// TOML with one running resource of each kind that the guard can stop, with these tags (`tags = {{ … }}`), and with the resources that they need.
pub fn one_of_each_kind(tags: &str) -> String {
    format!(
        r#"
[[notebook]]
name = "nb"
{tags}
[[domain]]
id = "d-1"
name = "company"
[[user-profile]]
domain = "d-1"
name = "ann"
[[app]]
domain = "d-1"
user-profile = "ann"
type = "KernelGateway"
instance-type = "ml.m5.xlarge"
{tags}
[[training-job]]
name = "train"
takes = "20d"
max-runtime = "20d"
created = "-1h"
{tags}
[[tuning-job]]
name = "hpo"
created = "-1h"
definition = [{{ instance-type = "ml.m5.xlarge", takes = "20d", max-runtime = "20d" }}]
{tags}
[[resource]]
kind = "pipeline"
name = "nightly"
tags = {{ Owner = "ann@example.com", Team = "nlp" }}
[[processing-job]]
name = "proc"
created = "-1h"
takes = "20d"
max-runtime = "20d"
{tags}
[[model]]
name = "m"
[[transform-job]]
name = "score"
model = "m"
input = "s3://a/b"
output = "s3://a/c"
created = "-1h"
takes = "20d"
{tags}
[[automl-job]]
name = "pilot"
input = "s3://ml/input"
output = "s3://ml/output"
target = "label"
created = "-1h"
takes = "20d"
{tags}
[[resource]]
kind = "cluster"
name = "cl"
instance-type = "ml.m5.xlarge"
instance-count = 2
"#
    )
}

/// The API calls that stop these resources.
pub const STOPS: [&str; 7] = [
    "sagemaker:StopNotebookInstance",
    "sagemaker:DeleteApp",
    "sagemaker:StopTrainingJob",
    "sagemaker:StopHyperParameterTuningJob",
    "sagemaker:StopProcessingJob",
    "sagemaker:StopTransformJob",
    "sagemaker:StopAutoMLJob",
];
