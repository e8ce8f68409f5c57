//! Kinds of resources, their ids and ARNs, their tags, and whose they are.

use std::collections::BTreeMap;

/// Who gets what nobody owns.
pub const UNOWNED: &str = "unowned";

/// Kinds with their spelling and their words. One line each, so that none can be forgotten.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident, $spelt:literal, $words:literal;)+) => {
        /// A kind of resource, spelt as in its ARN.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// As it stands in an ARN: `notebook-instance`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $spelt,)+
                }
            }

            /// For a person: `notebook instance`.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$kind => $words,)+
                }
            }
        }
    };
}

kinds! {
    /// A SageMaker notebook instance.
    NotebookInstance, "notebook-instance", "notebook instance";
    /// A Studio app: `JupyterLab`, `CodeEditor`, `KernelGateway`, …
    App, "app", "Studio app";
    /// A Studio domain.
    Domain, "domain", "Studio domain";
    /// A user profile of a domain.
    UserProfile, "user-profile", "Studio user profile";
    /// A space of a domain.
    Space, "space", "Studio space";
    /// A training job.
    TrainingJob, "training-job", "training job";
    /// A hyperparameter tuning job.
    TuningJob, "hyper-parameter-tuning-job", "tuning job";
    /// A processing job.
    ProcessingJob, "processing-job", "processing job";
    /// A batch transform job.
    TransformJob, "transform-job", "transform job";
    /// An AutoML job.
    AutoMlJob, "automl-job", "AutoML job";
    /// Jobs of one kind whose names differ by a time or a number only. AWS knows no such kind: it has an id, and the ARN of its newest job.
    JobSeries, "job-series", "jobs";
    /// An endpoint.
    Endpoint, "endpoint", "endpoint";
    /// An endpoint configuration.
    EndpointConfig, "endpoint-config", "endpoint configuration";
    /// A model.
    Model, "model", "model";
    /// An inference component of an endpoint.
    InferenceComponent, "inference-component", "inference component";
    /// A feature group.
    FeatureGroup, "feature-group", "feature group";
    /// A pipeline.
    Pipeline, "pipeline", "pipeline";
    /// An MLflow tracking server.
    TrackingServer, "mlflow-tracking-server", "MLflow tracking server";
    /// A HyperPod cluster. Its ARN has an id instead of its name.
    Cluster, "cluster", "HyperPod cluster";
    /// A tag key, as the account's bill knows it: no resource, and it has no ARN.
    TagKey, "tag-key", "tag key";
    /// A budget of AWS Budgets. Its ARN has no Region.
    Budget, "budget", "budget";
    /// What the account spends on `SageMaker`: no resource, and it has no ARN.
    Spend, "spend", "spend on";
}

impl Kind {
    /// Those that have tags.
    pub const TAGGED: &[Self] = &[
        Self::NotebookInstance,
        Self::Domain,
        Self::UserProfile,
        Self::Space,
        Self::App,
        Self::TrainingJob,
        Self::TuningJob,
        Self::ProcessingJob,
        Self::TransformJob,
        Self::AutoMlJob,
        Self::Endpoint,
        Self::EndpointConfig,
        Self::Model,
        Self::InferenceComponent,
        Self::FeatureGroup,
        Self::Pipeline,
        Self::TrackingServer,
        Self::Cluster,
    ];

    /// The id of the resource of this kind and name. Two tag keys, or budgets, may differ in nothing but their case.
    pub fn id(self, name: &str) -> String {
        let name = if matches!(self, Self::TagKey | Self::Budget) { name.to_owned() } else { name.to_lowercase() };
        format!("{}/{name}", self.as_str())
    }

    /// Whether what is wasted ends by itself, as a job does. Then an end says nothing of what was saved.
    pub const fn ends_by_itself(self) -> bool {
        self.is_job() || matches!(self, Self::JobSeries)
    }

    /// Whether it is the account's as a whole: who runs the platform is told of it, where nobody else is known.
    pub const fn is_of_the_account(self) -> bool {
        matches!(self, Self::TagKey | Self::Budget | Self::Spend)
    }

    /// Whether it is a job.
    pub const fn is_job(self) -> bool {
        matches!(self, Self::TrainingJob | Self::TuningJob | Self::ProcessingJob | Self::TransformJob | Self::AutoMlJob)
    }

    /// Whether it costs money by the hour while it runs.
    pub const fn is_metered(self) -> bool {
        self.is_job() || matches!(self, Self::NotebookInstance | Self::App | Self::Endpoint | Self::TrackingServer | Self::Cluster)
    }

    /// The kind of the resource that an id or the last part of an ARN names.
    pub fn of(id: &str) -> Option<Self> {
        let (kind, _) = id.split_once('/')?;
        Self::ALL.iter().copied().find(|known| known.as_str() == kind)
    }
}

/// What all kinds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Which one, within the Region: the last part of its ARN in lower case, `notebook-instance/x` or
    /// `app/d-1/space/jupyterlab/default`. Lists of Studio apps name no ARN, but all that this needs.
    pub id: String,
    /// Its ARN as the API gave it (AWS may write names in lower case there: it is never built).
    pub arn: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tags. Of a Studio app with those of its space or profile and its domain under them, where it is looked at for its use.
    pub tags: Tags,
    /// Whose it is where its tags do not say.
    pub ownership: Ownership,
}

/// An owner and a team that are known by something else than a resource's own tags: who created it, what it belongs to, what the ledger remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in a finding")]
pub struct Ownership {
    pub owner: Option<String>,
    pub team: Option<String>,
}

impl Resource {
    /// What it is, by its id.
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.id)
    }

    /// The ARN, or the id where no ARN is known.
    pub fn arn_or_id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.id)
    }

    /// The AWS CLI's option `--region …` with a space behind it; empty where no ARN is known.
    pub fn region_option(&self) -> String {
        self.arn.as_deref().map(region_option).unwrap_or_default()
    }
}

/// An Amazon Resource Name: `arn:<partition>:<service>:<region>:<account>:<resource>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'a str,
    /// `sagemaker`, `budgets`, `sns`.
    pub service: &'a str,
    /// Empty for what is in no Region, as a budget.
    pub region: &'a str,
    /// Empty for what is in no account, as an S3 bucket.
    pub account: &'a str,
    /// All that comes after it: `notebook-instance/churn`, `function:guard`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart. `None`: the text is no ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let mut part = || parts.next();
        Some(Self { partition: part()?, service: part()?, region: part()?, account: part()?, resource: part()? })
    }

    /// The id of the resource: its kind and name in lower case, but for a budget's name.
    pub fn id(self) -> Option<String> {
        let (kind, name) = self.resource.split_once('/')?;
        Some(if kind == Kind::Budget.as_str() { Kind::Budget.id(name) } else { self.resource.to_lowercase() })
    }
}

/// The id of the resource that an ARN names ([`Arn::id`]).
pub fn id_of_arn(arn: &str) -> Option<String> {
    Arn::parse(arn)?.id()
}

/// The AWS CLI's option `--region …` for what an ARN names, with a space behind it; empty for what is in no Region.
pub fn region_option(arn: &str) -> String {
    Arn::parse(arn).filter(|arn| !arn.region.is_empty()).map(|arn| format!("--region {} ", arn.region)).unwrap_or_default()
}

/// What is known of a resource's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// They were read.
    Known(BTreeMap<String, String>),
    /// The tag index does not name the resource: it never had a tag, or the index has not caught up. Good enough to
    /// pass a resource over, not good enough to report it: that is confirmed first.
    NotIndexed,
    /// They could not be read: nothing may be said of the resource.
    Unreadable,
}

impl Tags {
    /// The tags by key, empty for a resource that the index does not name; `None` if they could not be read.
    pub fn read(&self) -> Option<&BTreeMap<String, String>> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Self::Known(tags) => Some(tags),
            Self::NotIndexed => Some(&NONE),
            Self::Unreadable => None,
        }
    }
}

/// Where an app runs. Exactly one of the two is set in the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AppHome {
    /// A space, by name: `JupyterLab` and `CodeEditor`.
    Space(String),
    /// A user profile, by name: Studio Classic, Canvas, `RStudio`.
    UserProfile(String),
}

impl AppHome {
    /// The name of the space or the user profile.
    pub fn name(&self) -> &str {
        match self {
            Self::Space(name) | Self::UserProfile(name) => name,
        }
    }

    /// The id of the space or user profile in this domain.
    pub fn id(&self, domain: &str) -> String {
        match self {
            Self::Space(name) => format!("space/{domain}/{name}").to_lowercase(),
            Self::UserProfile(name) => format!("user-profile/{domain}/{name}").to_lowercase(),
        }
    }
}

/// Whether a tag is AWS's own: nobody else writes it, and it does not count towards the most that a resource may have.
pub fn is_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts_and_the_last_one_may_have_colons() {
        let arn = |partition, service, region, account, resource| Some(Arn { partition, service, region, account, resource });
        for (text, parsed) in [
            (
                "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn",
                arn("aws", "sagemaker", "eu-central-1", "123456789012", "notebook-instance/churn"),
            ),
            (
                "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/churn",
                arn("aws-cn", "sagemaker", "cn-north-1", "123456789012", "endpoint/churn"),
            ),
            ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:guard", arn("aws-us-gov", "sns", "us-gov-west-1", "123456789012", "guard")),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:guard:live",
                arn("aws", "lambda", "us-east-1", "123456789012", "function:guard:live"),
            ),
            ("arn:aws:budgets::123456789012:budget/ML: all", arn("aws", "budgets", "", "123456789012", "budget/ML: all")),
            ("arn:aws:s3:::bucket", arn("aws", "s3", "", "", "bucket")),
            ("arn:aws:sagemaker:eu-central-1:123456789012", None),
            ("notebook-instance/churn", None),
            ("ARN:aws:sns:us-east-1:123456789012:guard", None),
            ("", None),
        ] {
            assert_eq!(Arn::parse(text), parsed, "{text}");
        }
    }

    #[test]
    fn an_id_is_in_lower_case_but_for_a_budget() {
        for (arn, id) in [
            ("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/Churn-EDA", Some("notebook-instance/churn-eda")),
            ("arn:aws-cn:sagemaker:cn-north-1:123456789012:app/d-1/ann/JupyterLab/Default", Some("app/d-1/ann/jupyterlab/default")),
            ("arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:endpoint/churn", Some("endpoint/churn")),
            ("arn:aws:budgets::123456789012:budget/ML-Dev: all", Some("budget/ML-Dev: all")),
            ("arn:aws:sns:eu-central-1:123456789012:guard", None),
            ("endpoint/churn", None),
        ] {
            assert_eq!(id_of_arn(arn).as_deref(), id, "{arn}");
        }
    }

    #[test]
    fn a_command_names_the_region_where_there_is_one() {
        for (arn, option) in [
            ("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/churn", "--region eu-central-1 "),
            ("arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:endpoint/churn", "--region us-gov-west-1 "),
            ("arn:aws:budgets::123456789012:budget/ml-dev", ""),
            ("app/d-1/ann/jupyterlab/default", ""),
        ] {
            assert_eq!(region_option(arn), option, "{arn}");
        }
    }
}
