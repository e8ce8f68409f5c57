//! The sections of the policy with their keys and defaults.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::OnExceed,
    vocabulary::{
        duration::Duration,
        globs::{Globs, glob_schema},
        price::Usd,
    },
};

/// `[exemption]`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    /// How long the tag `cost-guard:keep-until` holds at most, from when the guard first saw its value.
    pub max: Duration,
    /// Whether the tag may say `always`, and then holds for ever.
    pub allow_always: bool,
}

impl Default for Exemption {
    fn default() -> Self {
        Self { max: Duration::days(90), allow_always: false }
    }
}

/// `[prices]`, in USD
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceOverrides {
    /// USD per hour, by instance type. The type stands in quotes: `{ "ml.m5.xlarge" = 0.23 }`.
    #[serde(deserialize_with = "super::toml::hourly")]
    #[schemars(with = "BTreeMap<String, Usd>", extend("propertyNames" = { "pattern": "^ml\\." }))]
    pub hourly: BTreeMap<String, Decimal>,
    /// USD per GB and month of a notebook's volume.
    pub notebook_volume_gb_month: Option<Usd>,
}

/// `[creators]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Creators {
    /// What a creator's name gets behind it, if it is no e-mail address: `example.com` makes `ann@example.com` of `ann`.
    #[schemars(regex(pattern = r"^[^@]*\.[^@]*$"), extend("examples" = ["example.com"]))]
    pub email_domain: Option<String>,
    /// Names of role sessions that stand for no person.
    pub not_people: Globs,
}

impl Default for Creators {
    fn default() -> Self {
        let machines = [
            "SageMaker",
            "SageMaker-*",
            "botocore-session-*",
            "aws-sdk-*",
            "aws-go-sdk-*",
            "AWSCodeBuild*",
            "codebuild*",
            "i-*",
            "GitHubActions",
            "terraform*",
        ];
        Self { email_domain: None, not_people: Globs::of(&machines) }
    }
}

/// `[workflows]`: signs of jobs that somebody's workflow waits for. No rule stops or resubmits these jobs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkflowSigns {
    /// Names of jobs that workflows submit. By default those that SageMaker Pipelines chooses.
    pub names: Globs,
    /// Keys of tags on jobs that workflows submit. By default those of SageMaker Pipelines, Step Functions and the AWS controllers for Kubernetes.
    pub tags: Globs,
}

impl Default for WorkflowSigns {
    fn default() -> Self {
        let tags = [
            "sagemaker:pipeline*",
            "aws:sagemaker:pipeline*",
            "MANAGED_BY_AWS",
            "AWS_STEP_FUNCTIONS*",
            "aws:states:*",
            "services.k8s.aws/*",
        ];
        Self { names: Globs::of(&["pipelines-*"]), tags: Globs::of(&tags) }
    }
}

/// `[billing]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Billing {
    // aws-facts §7.2
    /// What SageMaker is called in Cost Explorer's dimension SERVICE.
    pub services: Vec<String>,
}

impl Default for Billing {
    fn default() -> Self {
        Self { services: vec!["Amazon SageMaker".into()] }
    }
}

/// `[coverage]`: what share of the resources and the dollars is tagged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coverage {
    /// The S3 bucket of the table (CSV). Absent: no table is written.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"), extend("examples" = ["finops-reports"]))]
    pub bucket: Option<String>,
    /// What the key of the table begins with.
    pub prefix: String,
    /// Which metrics there are besides the total. CloudWatch bills each team and each kind as a custom metric.
    pub metrics: Vec<CoverageMetric>,
}

/// By what the coverage's metrics are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageMetric {
    /// One per team.
    Team,
    /// One per kind of resource.
    Kind,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { bucket: None, prefix: "tag-coverage/".into(), metrics: vec![CoverageMetric::Team, CoverageMetric::Kind] }
    }
}

/// How the policy says that a budget is for all teams.
pub(super) const EVERY_TEAM: &str = "*";

/// `[[budget]]`: who owns some budgets, and what the guard does when they are used up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BudgetPolicy {
    /// Which budgets, by their names.
    #[serde(deserialize_with = "super::toml::pattern")]
    #[schemars(schema_with = "glob_schema")]
    pub(crate) name: globset::GlobMatcher,
    /// Who is mailed. Absent: whoever runs the platform.
    #[serde(default, deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"))]
    pub owner: Option<String>,
    /// The team that they are for. `*`: all teams. Absent: the one team that the budget's filter names.
    #[serde(default, deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"))]
    pub team: Option<String>,
    /// What is done when one is used up, until its period ends. Absent: nothing.
    pub on_exceed: Option<OnExceed>,
}

impl BudgetPolicy {
    /// Whether it matches all names that a later one would.
    pub(crate) fn covers(&self, later: &Self) -> bool {
        ["*", "**", later.name.glob().glob()].contains(&self.name.glob().glob())
    }
}

impl std::fmt::Display for BudgetPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, owner, team, on_exceed } = self;
        write!(f, "{}: ", name.glob().glob())?;
        match on_exceed {
            None => write!(f, "told")?,
            Some(what) => write!(f, "told, and used up they enforce {}", what.rules().join(" and "))?,
        }
        match team.as_deref() {
            Some(EVERY_TEAM) => write!(f, ", for all teams")?,
            Some(team) => write!(f, ", for team {team}")?,
            None => write!(f, ", for the one team that their filter names (of another they tighten nothing)")?,
        }
        owner.iter().try_for_each(|owner| write!(f, "; their mails have owner={owner}"))
    }
}
