//! Resources: their kinds, ids, ARNs, tags and owners.

use std::collections::BTreeMap;

use crate::vocabulary::text::argument;

/// The owner or team in mails and reports if none is known.
pub const UNOWNED: &str = "unowned";

/// An owner for people: `owner not known` where nobody is.
pub fn owner_words(owner: &str) -> &str {
    if owner == UNOWNED { "owner not known" } else { owner }
}

/// The same after what is owned: ` of ann@example.com`, `, owner not known`.
pub(crate) fn of_owner(owner: &str) -> String {
    if owner == UNOWNED { format!(", {}", owner_words(owner)) } else { format!(" of {owner}") }
}

/// Kinds with their spelling in ARNs and their words for people. One line each, so that no part can be forgotten.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident, $spelt:literal, $words:literal;)+) => {
        /// A kind of resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// As in an ARN: `notebook-instance`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $spelt,)+
                }
            }

            /// For people: `notebook instance`.
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
    /// Jobs of one kind whose names differ only by a time, a number or a hash; also models and endpoint configurations ([`Kind::is_in_series`]). AWS has no such
    /// kind; its ARN is that of its newest job.
    JobSeries, "job-series", "jobs like";
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
    /// A serverless MLflow app. Its ARN has an id instead of its name.
    MlflowApp, "mlflow-app", "MLflow app";
    /// A Partner AI App, on a cluster of its own. Its ARN has an id instead of its name.
    PartnerApp, "partner-app", "Partner AI App";
    /// Capacity for training that is paid in advance.
    TrainingPlan, "training-plan", "training plan";
    /// A training session: fine-tuning call by call, billed by token.
    TrainingSession, "training-session", "training session";
    /// A job that optimizes a model for inference.
    OptimizationJob, "optimization-job", "optimization job";
    /// A job of Inference Recommender. It hosts the model on several instance types.
    InferenceRecommendationsJob, "inference-recommendations-job", "inference recommendations job";
    /// A job that recommends how to host a generative model.
    AiRecommendationJob, "ai-recommendation-job", "AI recommendation job";
    /// A labeling job of Ground Truth.
    LabelingJob, "labeling-job", "labeling job";
    /// A HyperPod cluster. Its ARN has an id instead of its name.
    Cluster, "cluster", "HyperPod cluster";
    /// A cost allocation tag key of the account. It is not a resource and has no ARN.
    TagKey, "tag-key", "tag key";
    /// A budget of AWS Budgets. Its ARN has no Region.
    Budget, "budget", "budget";
    /// What the account spends on `SageMaker`. It is not a resource and has no ARN.
    Spend, "spend", "spend on";
    /// A Savings Plan of the account, or the one that it could buy.
    SavingsPlan, "savings-plan", "Savings Plan";
}

impl Kind {
    /// The kinds that can have tags.
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
        Self::MlflowApp,
        Self::PartnerApp,
        Self::TrainingPlan,
        Self::TrainingSession,
        Self::OptimizationJob,
        Self::InferenceRecommendationsJob,
        Self::AiRecommendationJob,
        Self::LabelingJob,
        Self::Cluster,
    ];

    /// The id of the resource of this kind and name, in lower case. Tag keys and budgets keep their case, because two of them may differ only in case.
    pub fn id(self, name: &str) -> String {
        let name = if matches!(self, Self::TagKey | Self::Budget) { name.to_owned() } else { name.to_lowercase() };
        format!("{}/{name}", self.as_str())
    }

    /// Whether the waste ends by itself, as a job does. Then its end does not mean that money was saved.
    pub const fn ends_by_itself(self) -> bool {
        self.is_job() || matches!(self, Self::JobSeries)
    }

    /// Whether it belongs to the account as a whole. If it has no owner, whoever runs the platform is notified.
    pub const fn is_of_the_account(self) -> bool {
        matches!(self, Self::TagKey | Self::Budget | Self::Spend | Self::SavingsPlan)
    }

    /// Whether it is a job: it ends by itself, and the next one is another resource.
    pub const fn is_job(self) -> bool {
        self.is_stopped_as_job()
            || matches!(
                self,
                Self::TrainingSession
                    | Self::OptimizationJob
                    | Self::InferenceRecommendationsJob
                    | Self::AiRecommendationJob
                    | Self::LabelingJob
            )
    }

    /// Whether workflows make a new one in each of their runs, so that it belongs to a series: jobs, and the models that these train, with the configurations of
    /// their endpoints.
    pub const fn is_in_series(self) -> bool {
        self.is_job() || matches!(self, Self::Model | Self::EndpointConfig)
    }

    /// Whether it is what a model is hosted with.
    pub const fn is_of_hosting(self) -> bool {
        matches!(self, Self::Endpoint | Self::EndpointConfig | Self::Model)
    }

    /// Whether it is billed by the hour while it runs. Only what AWS documents as such: a training session is billed by token, a labeling job by object, and a
    /// training plan was paid in advance.
    pub const fn is_metered(self) -> bool {
        self.can_be_stopped()
            || matches!(
                self,
                Self::Endpoint
                    | Self::TrackingServer
                    | Self::Cluster
                    | Self::PartnerApp
                    | Self::OptimizationJob
                    | Self::InferenceRecommendationsJob
            )
    }

    /// Whether the guard stops resources of this kind, where the policy lets it.
    pub const fn can_be_stopped(self) -> bool {
        self.is_stopped_as_job() || matches!(self, Self::NotebookInstance | Self::App)
    }

    const fn is_stopped_as_job(self) -> bool {
        matches!(self, Self::TrainingJob | Self::TuningJob | Self::ProcessingJob | Self::TransformJob | Self::AutoMlJob)
    }

    /// The kind in an id, or in the last part of an ARN. `None`: not a known kind.
    pub fn of(id: &str) -> Option<Self> {
        let (kind, _) = id.split_once('/')?;
        Self::ALL.iter().copied().find(|known| known.as_str() == kind)
    }

    /// The kind of the resources of a series, from the series' id: `job-series/model/churn`. `None`: it is not the id of a series.
    pub fn of_series(id: &str) -> Option<Self> {
        let (series, of) = id.split_once('/')?;
        Self::of(of).filter(|_| series == Self::JobSeries.as_str())
    }
}

/// What resources of all kinds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Unique within the Region: the last part of its ARN in lower case, `notebook-instance/x` or
    /// `app/d-1/space/jupyterlab/default`. A list of Studio apps has no ARNs, but all that the id needs.
    pub id: String,
    /// Its ARN as the API returned it; `None`: not known. `SageMaker` ARNs are never built, because AWS may write names in lower case there.
    pub arn: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tags. Those of a Studio app that is judged by its use include, after its own, the tags of its space, of its user profile or its space's owner, and of
    /// its domain.
    pub tags: Tags,
    /// Its owner and team if its tags do not name them.
    pub ownership: Ownership,
}

/// An owner and a team that do not come from a resource's own tags, but from its creator, what it belongs to, the policy or the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in a finding")]
pub struct Ownership {
    pub owner: Option<String>,
    pub team: Option<String>,
}

impl Resource {
    /// Its kind, from its id.
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.id)
    }

    /// What a Studio app may be in, with the app's tags: its space or user profile, and its domain. Its id does not tell a space from a profile.
    pub fn homes(&self) -> Vec<Self> {
        let mut parts = self.id.split('/');
        let (Some(kind), Some(domain), Some(home)) = (parts.next(), parts.next(), parts.next()) else { return vec![] };
        if kind != Kind::App.as_str() {
            return vec![];
        }
        let home_of = |kind: Kind| kind.id(&format!("{domain}/{home}"));
        [home_of(Kind::Space), home_of(Kind::UserProfile), Kind::Domain.id(domain)].map(|id| self.within(&id)).to_vec()
    }

    /// What it is in, by its id, with the tags that it hands on.
    pub(crate) fn within(&self, id: &str) -> Self {
        Self { id: id.to_owned(), name: id.rsplit('/').next().unwrap_or_default().to_owned(), arn: None, ..self.clone() }
    }

    /// The ARN, or the id if no ARN is known.
    pub fn arn_or_id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.id)
    }

    /// Its Region, from its ARN. `None`: no ARN is known, or it has none.
    pub fn region(&self) -> Option<&str> {
        Some(Arn::parse(self.arn.as_deref()?)?.region).filter(|region| !region.is_empty())
    }

    /// The AWS CLI option `--region …` and a space after it; empty if no ARN is known.
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
    /// Empty for a resource without a Region, such as a budget.
    pub region: &'a str,
    /// Empty for a resource whose ARN names no account, such as an S3 bucket.
    pub account: &'a str,
    /// Everything after the account: `notebook-instance/churn`, `function:guard`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN into its parts. `None`: the text is not an ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let mut part = || parts.next();
        Some(Self { partition: part()?, service: part()?, region: part()?, account: part()?, resource: part()? })
    }

    /// The id of the resource: its kind and name in lower case; a budget's name keeps its case. `None`: the ARN has no `/`.
    pub fn id(self) -> Option<String> {
        let (kind, name) = self.resource.split_once('/')?;
        Some(if kind == Kind::Budget.as_str() { Kind::Budget.id(name) } else { self.resource.to_lowercase() })
    }
}

/// The id of the resource that an ARN names ([`Arn::id`]).
pub fn id_of_arn(arn: &str) -> Option<String> {
    Arn::parse(arn)?.id()
}

/// The AWS CLI option `--region …` for the Region of an ARN, and a space after it; empty if the ARN has no Region.
pub fn region_option(arn: &str) -> String {
    Arn::parse(arn).filter(|arn| !arn.region.is_empty()).map(|arn| format!("--region {} ", argument(arn.region))).unwrap_or_default()
}

/// What is known about a resource's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// They were read.
    Known(BTreeMap<String, String>),
    /// The tag index does not have the resource: it never had a tag, or the index is behind. That is enough to ignore
    /// the resource. Before it is reported, its tags are confirmed.
    NotIndexed,
    /// They could not be read, so the resource is not judged.
    Unreadable,
}

impl Tags {
    /// The tags by key; empty for a resource that the index does not have. `None`: they could not be read.
    pub fn read(&self) -> Option<&BTreeMap<String, String>> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Self::Known(tags) => Some(tags),
            Self::NotIndexed => Some(&NONE),
            Self::Unreadable => None,
        }
    }
}

/// Where an app runs. The API sets exactly one of the two.
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

/// Whether a tag key begins with `aws:`. Only AWS writes such tags, and they do not count towards a resource's maximum.
pub fn is_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

#[cfg(test)]
mod tests;
