//! The sections of the policy with their keys and defaults.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::vocabulary::{duration::Duration, globs::Globs, price::Usd};

/// `[exemption]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    /// How long `cost-guard:keep-until` holds at most, from when the guard first saw it.
    pub max: Duration,
    /// Whether `cost-guard:keep-until = always` is allowed, and holds for ever.
    pub allow_always: bool,
}

impl Default for Exemption {
    fn default() -> Self {
        Self { max: Duration::days(90), allow_always: false }
    }
}

/// `[prices]`, in USD
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceOverrides {
    /// Per hour of an instance type.
    #[serde(deserialize_with = "super::toml::hourly")]
    pub hourly: BTreeMap<String, Decimal>,
    /// Per GB and month of a notebook's volume.
    pub notebook_volume_gb_month: Option<Usd>,
}

/// `[creators]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Creators {
    /// What makes an owner of a creator's name that is no e-mail address: `ann` → `ann@example.com`.
    pub email_domain: Option<String>,
    /// Sessions of roles that are nobody's: patterns of their names.
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
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Billing {
    /// What SageMaker is called in Cost Explorer's dimension SERVICE (aws-facts §7.2).
    pub services: Vec<String>,
}

impl Default for Billing {
    fn default() -> Self {
        Self { services: vec!["Amazon SageMaker".into()] }
    }
}

/// `[coverage]`: what share of the resources and the dollars is tagged.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coverage {
    /// The S3 bucket for the CSV; `None`: there is none.
    pub bucket: Option<String>,
    /// What its key begins with.
    pub prefix: String,
    /// Which metrics there are beside the whole's. Each costs what CloudWatch asks for a custom metric, per month.
    pub metrics: Vec<CoverageMetric>,
}

/// By what the coverage's metrics are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
