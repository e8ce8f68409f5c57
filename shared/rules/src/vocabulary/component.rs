//! Components of the bill: what people call the parts of SageMaker, by usage type (money-facts §1.2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{resource::Kind, usage_type::is_savings_plan};

/// A part of SageMaker on the bill. Each usage type has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "`words` says what each is")]
pub enum Component {
    Notebook,
    Studio,
    Canvas,
    Training,
    TrainingSpot,
    Realtime,
    Async,
    Serverless,
    Batch,
    Processing,
    Hyperpod,
    Storage,
    Data,
    Labelling,
    Fee,
    Other,
}

/// Whether a SageMaker Savings Plan covers a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InPlans {
    /// It is on AWS's list.
    Covered,
    /// It is on Spot already, or no use of instances.
    Never,
    /// AWS's list says nothing about it.
    NotSure,
}

/// What stands for the usage types of a component that are too many to be kept one by one: the prefix of the component's name.
const REST: &str = "others:";

impl Component {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Notebook,
        Self::Studio,
        Self::Canvas,
        Self::Training,
        Self::TrainingSpot,
        Self::Realtime,
        Self::Async,
        Self::Serverless,
        Self::Batch,
        Self::Processing,
        Self::Hyperpod,
        Self::Storage,
        Self::Data,
        Self::Labelling,
        Self::Fee,
        Self::Other,
    ];

    /// The component of a usage type without its Region. What is not known is [`Component::Other`].
    pub fn of(usage: &str) -> Self {
        if let Some(rest) = usage.strip_prefix(REST) {
            return Self::ALL.into_iter().find(|one| one.name() == rest).unwrap_or(Self::Other);
        }
        let (head, detail) = usage.split_once(':').unwrap_or((usage, ""));
        let is_of_instance = ["ml.", "db.", "sc."].iter().any(|family| detail.starts_with(family));
        match head {
            _ if is_savings_plan(usage) => Self::Fee,
            // Before all others: the disks of everything else.
            _ if detail.starts_with("VolumeUsage") => Self::Storage,
            "Notebk" if is_of_instance => Self::Notebook,
            "Canvas" => Self::Canvas,
            "Studio" | "UnifiedStudio" => Self::Studio,
            _ if head.starts_with("RStudio") || head.starts_with("TensorBoard") => Self::Studio,
            "TrSpt" => Self::TrainingSpot,
            "Train" if is_of_instance => Self::Training,
            _ if head.starts_with("ServerlessTraining") => Self::Training,
            "Host" if is_of_instance => Self::Realtime,
            "AsyncInf" if is_of_instance => Self::Async,
            _ if head.starts_with("ServerlessInf") || usage.contains("ProvisionedConcurrency") => Self::Serverless,
            "Data-Bytes-In" | "Data-Bytes-Out" if detail.is_empty() => Self::Data,
            "Tsform" if is_of_instance => Self::Batch,
            "Processing" | "Processing_DW" | "Processing_Geo" => Self::Processing,
            "Cluster" | "ReservedCluster" | "Cluster-Reserved" | "ReservedCluster-Reserved" => Self::Hyperpod,
            _ if usage.contains("LabeledObject") => Self::Labelling,
            _ => Self::Other,
        }
    }

    /// The component on which a resource's instances are, by its id. `None`: it has none, or it is not known.
    pub fn of_id(id: &str) -> Option<Self> {
        let kind = match Kind::of(id)? {
            Kind::JobSeries => Kind::of_series(id)?,
            kind => kind,
        };
        match kind {
            Kind::NotebookInstance => Some(Self::Notebook),
            Kind::App => Some(Self::Studio),
            Kind::Endpoint | Kind::InferenceComponent => Some(Self::Realtime),
            Kind::TrainingJob | Kind::TuningJob => Some(Self::Training),
            Kind::ProcessingJob => Some(Self::Processing),
            Kind::TransformJob => Some(Self::Batch),
            Kind::Cluster => Some(Self::Hyperpod),
            _ => None,
        }
    }

    /// The usage type that stands for those of this component that are not kept one by one.
    pub fn rest(self) -> String {
        format!("{REST}{}", self.name())
    }

    /// Its name in JSON, tables and file names: `training-spot`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notebook => "notebook",
            Self::Studio => "studio",
            Self::Canvas => "canvas",
            Self::Training => "training",
            Self::TrainingSpot => "training-spot",
            Self::Realtime => "realtime",
            Self::Async => "async",
            Self::Serverless => "serverless",
            Self::Batch => "batch",
            Self::Processing => "processing",
            Self::Hyperpod => "hyperpod",
            Self::Storage => "storage",
            Self::Data => "data",
            Self::Labelling => "labelling",
            Self::Fee => "fee",
            Self::Other => "other",
        }
    }

    /// For people: `Training on Spot`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Notebook => "Notebook instances",
            Self::Studio => "Studio apps",
            Self::Canvas => "Canvas sessions",
            Self::Training => "Training on demand",
            Self::TrainingSpot => "Training on Spot",
            Self::Realtime => "Real-time endpoints",
            Self::Async => "Asynchronous endpoints",
            Self::Serverless => "Serverless endpoints",
            Self::Batch => "Batch transform",
            Self::Processing => "Processing jobs",
            Self::Hyperpod => "HyperPod clusters",
            Self::Storage => "Storage",
            Self::Data => "Data through endpoints",
            Self::Labelling => "Labelling",
            Self::Fee => "Savings Plan, unused",
            Self::Other => "Other",
        }
    }

    /// The unit of its quantity on the bill. Cost Explorer adds quantities without a word about their units.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Storage => "GB-Mo",
            Self::Data => "GB",
            Self::Serverless => "Seconds",
            Self::Labelling => "Objects",
            Self::Other => "",
            _ => "Hrs",
        }
    }

    /// Whether a SageMaker Savings Plan covers it (money-facts §1.4).
    pub const fn in_plans(self) -> InPlans {
        match self {
            Self::Notebook | Self::Studio | Self::Training | Self::Realtime | Self::Batch | Self::Processing => InPlans::Covered,
            Self::TrainingSpot | Self::Serverless | Self::Storage | Self::Data | Self::Labelling | Self::Fee => InPlans::Never,
            Self::Canvas | Self::Async | Self::Hyperpod | Self::Other => InPlans::NotSure,
        }
    }

    /// Whether its quantity is hours of instances.
    pub const fn is_by_instance(self) -> bool {
        matches!(
            self,
            Self::Notebook
                | Self::Studio
                | Self::Training
                | Self::TrainingSpot
                | Self::Realtime
                | Self::Async
                | Self::Batch
                | Self::Processing
                | Self::Hyperpod
        )
    }
}

/// The instance type in a usage type: `ml.t3.medium` of `Studio:JupyterLab-ml.t3.medium`. `None`: it has none.
pub fn instance_type_of(usage: &str) -> Option<&str> {
    let (_, detail) = usage.split_once(':')?;
    let starts = ["ml.", "sc.", "db."].iter().filter_map(|family| detail.find(family));
    let is_start = |at: &usize| *at == 0 || detail.as_bytes().get(at - 1) == Some(&b'-');
    let from = starts.filter(is_start).min()?;
    let instance_type = detail.get(from..)?;
    (instance_type.split('.').count() == 3).then_some(instance_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::usage_type::without_region;

    /// Usage types that were seen in public, with their component, instance type and unit (shared/rules/data/README.md).
    const SEEN: &str = include_str!("../../data/usage_types.csv");

    #[test]
    fn each_usage_type_has_the_component_that_people_call_it() {
        let mut lines = 0;
        for line in SEEN.lines().skip(1) {
            let mut cells = line.split(',');
            let mut cell = || cells.next().unwrap();
            let (usage, component, instance_type) = (cell(), cell(), cell());
            assert_eq!(Component::of(without_region(usage)).name(), component, "{usage}");
            assert_eq!(instance_type_of(without_region(usage)).unwrap_or_default(), instance_type, "{usage}");
            lines += 1;
        }
        assert_eq!(lines, 27);
    }

    #[test]
    fn further_forms_of_the_facts() {
        for (usage, component) in [
            ("Cluster:VolumeUsage", Component::Storage),
            ("UnifiedStudio:VolumeUsage.gp3", Component::Storage),
            ("Canvas-T2I-Standard", Component::Other),
            ("TensorBoard:ml.t3.medium", Component::Studio),
            ("RStudioServerPro:ml.t3.medium", Component::Studio),
            ("ServerlessInf:ProvisionedConcurrency-Mem-2GB", Component::Serverless),
            ("Cluster-Reserved:ml.p5.48xlarge", Component::Hyperpod),
            ("Processing_DW:ml.m5.4xlarge", Component::Processing),
            ("3DLabeledObjectMultiFrame", Component::Labelling),
            ("Data-Bytes-In", Component::Data),
            ("Train:tokens", Component::Other),
            ("HostX:ml.m5.large", Component::Other),
            ("", Component::Other),
            ("others:realtime", Component::Realtime),
            ("others:x", Component::Other),
        ] {
            assert_eq!(Component::of(usage), component, "{usage}");
        }
        for one in Component::ALL {
            assert_eq!(Component::of(&one.rest()), one);
            assert_eq!(serde_json::to_value(one).unwrap(), one.name());
        }
    }
}
