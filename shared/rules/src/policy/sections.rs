//! The sections of the policy with their keys and defaults.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vocabulary::{duration::Duration, globs::Globs, price::Usd};

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
