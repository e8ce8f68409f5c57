//! Usage types of the bill: their Region prefix, and the kind of resource that they bill.

use crate::vocabulary::resource::Kind;

/// A usage type without its Region prefix: `EUC1-Notebk:ml.m5.xlarge` → `Notebk:ml.m5.xlarge` (aws-facts §7.3).
pub fn without_region(usage_type: &str) -> &str {
    match usage_type.split_once('-') {
        Some((region, rest))
            if (2..=5).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) =>
        {
            rest
        }
        _ => usage_type,
    }
}

/// Whether a usage type or an instance type is `SageMaker`'s: its instances are called `ml.…`, and no other service's are. `None`: it names no instance.
pub(crate) fn is_of_sagemaker(usage: &str) -> Option<bool> {
    let instance = usage.rsplit([':', '-']).next().unwrap_or(usage);
    if is_savings_plan(usage) {
        return Some(true);
    }
    let (family, size) = instance.rsplit_once('.')?;
    let is_size = matches!(size, "nano" | "micro" | "small" | "medium" | "large" | "metal") || size.ends_with("xlarge");
    match family.split('.').next() {
        Some("ml") => Some(true),
        // Those of SageMaker Unified Studio, which the bill may have under either service.
        Some("sc") => None,
        _ => is_size.then_some(false),
    }
}

/// The usage types of a SageMaker Savings Plan's fee. They have no Region prefix (aws-facts §7.2).
pub const SAVINGS_PLAN_FEES: [&str; 6] = [
    "SageMakerSP:1yrNoUpfront",
    "SageMakerSP:1yrPartialUpfront",
    "SageMakerSP:1yrAllUpfront",
    "SageMakerSP:3yrNoUpfront",
    "SageMakerSP:3yrPartialUpfront",
    "SageMakerSP:3yrAllUpfront",
];

/// Whether a usage type is the fee of a Savings Plan. Its amortized cost is the part of the commitment that nobody used.
pub(crate) fn is_savings_plan(usage: &str) -> bool {
    usage.starts_with("SageMakerSP:")
}

/// A usage type for people.
pub(crate) fn words(usage: &str) -> String {
    if is_savings_plan(usage) { format!("unused Savings Plan commitment ({usage})") } else { usage.to_owned() }
}

/// The kind of resource that a usage type (without its Region) bills. `None`: no kind, such as data transfer.
pub(crate) fn kind_of_usage(usage: &str) -> Option<Kind> {
    let component = usage.split_once(':').map_or(usage, |(component, _)| component);
    Some(match component {
        "Notebk" => Kind::NotebookInstance,
        "Studio" | "RStudio" | "TensorBoard" | "Canvas" => Kind::App,
        "Train" | "TrSpt" => Kind::TrainingJob,
        "Host" | "AsyncInf" | "ServerlessInf" => Kind::Endpoint,
        "Tsform" => Kind::TransformJob,
        _ if component.starts_with("Processing") => Kind::ProcessingJob,
        _ if component.starts_with("Cluster") => Kind::Cluster,
        _ if component.starts_with("FeatureStore") => Kind::FeatureGroup,
        _ => return None,
    })
}
