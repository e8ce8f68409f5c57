//! The sections of the policy with their keys and defaults.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::OnExceed,
    vocabulary::{
        duration::Duration,
        globs::{Globs, filled_glob_schema},
        price::Usd,
    },
};

/// `[exemption]`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    /// The longest exemption by the tag `cost-guard:keep-until`, from when the guard first saw the tag's value.
    pub max: Duration,
    /// Whether the tag's value may be `always`, for an exemption without end.
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
    /// USD per hour, by instance type. Write the type in quotes: `{ "ml.m5.xlarge" = 0.23 }`.
    #[serde(deserialize_with = "super::toml::hourly")]
    #[schemars(with = "BTreeMap<String, Usd>", extend("propertyNames" = { "pattern": "^ml\\." }))]
    pub hourly: BTreeMap<String, Decimal>,
    /// USD per GB-month of a notebook's volume.
    pub notebook_volume_gb_month: Option<Usd>,
}

/// `[creators]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Creators {
    /// The domain that is added to a person's name that is no e-mail address, of a creator, in an owner's tag or of a budget: with
    /// `example.com`, `ann` becomes `ann@example.com`.
    #[schemars(regex(pattern = r"^[^@]*\.[^@]*$"), extend("examples" = ["example.com"]))]
    pub email_domain: Option<String>,
    /// More names of users and role sessions that do not belong to a person. They are not taken as owners. Names of AWS services and of known tools, ids and
    /// random names never are.
    pub not_people: Globs,
}

/// `[workflows]`: further signs of jobs that somebody's workflow waits for, beside those of AWS. No rule stops or resubmits these jobs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkflowSigns {
    /// Names of jobs that your workflows submit. Names that SageMaker Pipelines and AWS Batch choose are known.
    pub names: Globs,
    /// Keys of tags on jobs that your workflows submit. Those of SageMaker Pipelines, Step Functions and the AWS controllers for Kubernetes are known.
    pub tags: Globs,
}

/// `[billing]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Billing {
    // aws-facts §7.2
    /// The names of SageMaker in Cost Explorer's dimension SERVICE.
    pub services: Vec<String>,
}

impl Default for Billing {
    fn default() -> Self {
        Self { services: vec!["Amazon SageMaker".into()] }
    }
}

/// `[coverage]`: the share of the resources and of the dollars that is tagged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coverage {
    /// The S3 bucket for the table (CSV). Absent: no table is written.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"), extend("examples" = ["finops-reports"]))]
    pub bucket: Option<String>,
    /// The prefix of the table's key in the bucket.
    pub prefix: String,
    /// Which metrics are written in addition to the total. CloudWatch bills each team and each kind as a custom metric.
    pub metrics: Vec<CoverageMetric>,
}

/// How the metrics of the coverage are divided.
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

/// The value of `team` for a budget that is for all teams.
pub(super) const EVERY_TEAM: &str = "*";

/// `[[budget]]`: who owns some budgets, and what the guard does when they are used up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BudgetPolicy {
    /// The names of the budgets that this applies to.
    #[serde(deserialize_with = "super::toml::pattern")]
    #[schemars(schema_with = "filled_glob_schema")]
    pub(crate) name: globset::GlobMatcher,
    /// Who is mailed. Absent: whoever runs the platform.
    #[serde(default, deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"))]
    pub owner: Option<String>,
    /// The team that they are for. `*`: all teams. Absent: the one team in the budget's filter.
    #[serde(default, deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"))]
    pub team: Option<String>,
    /// What is done when a budget is used up, until its period ends. Absent: nothing.
    pub on_exceed: Option<OnExceed>,
}

impl BudgetPolicy {
    /// Whether it certainly matches all names that a later one matches.
    pub(crate) fn covers(&self, later: &Self) -> bool {
        ["*", "**", later.name.glob().glob()].contains(&self.name.glob().glob())
    }
}

impl std::fmt::Display for BudgetPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, team, on_exceed, .. } = self;
        write!(f, "{}: ", name.glob().glob())?;
        match on_exceed {
            None => write!(f, "told")?,
            Some(what) => write!(f, "told, and used up they enforce {}", what.rules().join(" and "))?,
        }
        match team.as_deref() {
            Some(EVERY_TEAM) => write!(f, ", for all teams"),
            Some(team) => write!(f, ", for team {team}"),
            None => write!(f, ", for the one team that their filter names (of another they tighten nothing)"),
        }
    }
}
