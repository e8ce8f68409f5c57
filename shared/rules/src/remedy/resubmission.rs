//! Submits a training job again on managed Spot: the output of `DescribeTrainingJob` becomes the input of `CreateTrainingJob`.
//! This works on the JSON of the API, so that parts of a field that the SDK does not know are not lost.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    remedy::action::SpotTerms,
    vocabulary::{
        image::{built_in_algorithm, never_writes_checkpoints},
        resource::is_aws,
        text::short_hash,
    },
};

/// A tag of the new job. Its value is the old job's name.
pub const RESUBMITTED_TAG: &str = "cost-guard:resubmitted-from";

/// The fields of a job's definition: those that the input of `CreateTrainingJob` and the output of `DescribeTrainingJob` share (AWS's service model
/// of 2026). `SessionChainingConfig` is not in the output, so it is lost.
const DEFINITION: [&str; 25] = [
    "AlgorithmSpecification",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "Environment",
    "ExperimentConfig",
    "HyperParameters",
    "InfraCheckConfig",
    "InputDataConfig",
    "MlflowConfig",
    "ModelPackageConfig",
    "OutputDataConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "RemoteDebugConfig",
    "ResourceConfig",
    "RetryStrategy",
    "RoleArn",
    "ServerlessJobConfig",
    "StoppingCondition",
    "TensorBoardOutputConfig",
    "VpcConfig",
];

/// `StoppingCondition.MaxRuntimeInSeconds` of a job that does not set it: one day.
const DEFAULT_MAX_RUNTIME: i64 = 24 * 3600;

/// The longest `MaxWaitTimeInSeconds` for an algorithm that writes no checkpoints (aws-facts §2.3).
const MOST_WITHOUT_CHECKPOINTS: i64 = 3600;

/// The maximum length of a job's name.
const NAME: usize = 63;

/// The maximum number of tags of a resource.
const TAGS: usize = 50;

/// The end of the name of a job that is submitted again as Spot.
const SPOT: &str = "-spot";

/// The end of the name of a job that a person starts again on demand.
const AGAIN: &str = "-again";

/// The new job's name. It depends only on the old job, so that no job is submitted twice. A name that is too long is cut, and a hash of the whole
/// name and the old job's creation time makes it unique.
pub fn new_name(name: &str, created: Option<Timestamp>) -> String {
    followed(name, created, SPOT)
}

fn followed(name: &str, created: Option<Timestamp>, suffix: &str) -> String {
    if name.len() + suffix.len() <= NAME {
        return format!("{name}{suffix}");
    }
    let hash = short_hash(&format!("{name} {}", created.unwrap_or_default()));
    let mark = format!("-{hash}{suffix}");
    let front = name.get(..NAME - mark.len()).unwrap_or(name).trim_end_matches('-');
    format!("{front}{mark}")
}

/// Whether the guard may have submitted the job with this name as Spot.
pub fn may_be_resubmission(name: &str) -> bool {
    name.to_lowercase().ends_with(SPOT)
}

/// Whether a person may have started the job with this name again on demand, with the definition that the guard mailed. A job with 50 tags of its
/// own has no room for [`RESUBMITTED_TAG`], so that only its name tells it.
pub fn may_be_again(name: &str) -> bool {
    name.to_lowercase().ends_with(AGAIN)
}

/// The definition of the new job. `described`: the old job, as `DescribeTrainingJob` returns it; `tags`: all of its tags.
///
/// # Errors
/// A required field is missing in the description, or AWS takes no such job on Spot.
pub fn as_spot(described: &Value, tags: &BTreeMap<String, String>, terms: &SpotTerms) -> Result<Value, String> {
    let text = |pointer: &str| {
        described.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("{pointer} is missing in the job's description"))
    };
    let old_name = text("/TrainingJobName")?;
    // `CreateTrainingJob` refuses lists without items.
    let known = |field: &&&str| {
        described.get(**field).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
    };
    let mut new: Map<String, Value> =
        DEFINITION.iter().filter(known).map(|field| ((*field).to_owned(), described[*field].clone())).collect();
    new.insert("TrainingJobName".into(), terms.name.clone().into());
    new.insert("EnableManagedSpotTraining".into(), true.into());

    if let Some(Value::Object(resources)) = new.get_mut("ResourceConfig") {
        // Users cannot set what AWS selected, and a warm pool excludes Spot.
        for field in ["SelectedInstanceType", "SelectedInstanceCount", "KeepAlivePeriodInSeconds"] {
            resources.remove(field);
        }
        leave_one_size(resources);
    }
    // AWS fills in the metrics of its own algorithms and of those with a name, such as the Marketplace's, and refuses a job that brings them.
    if let Some(Value::Object(algorithm)) = new.get_mut("AlgorithmSpecification") {
        let image = algorithm.get("TrainingImage").and_then(Value::as_str).unwrap_or_default();
        let is_built_in = built_in_algorithm(image).is_some() || algorithm.get("AlgorithmName").is_some_and(|name| !name.is_null());
        algorithm.retain(|field, value| !(field == "MetricDefinitions" && (is_built_in || value.as_array().is_some_and(Vec::is_empty))));
    }
    let image = described.pointer("/AlgorithmSpecification/TrainingImage").and_then(Value::as_str);
    let without_checkpoints = image.and_then(built_in_algorithm).filter(|algorithm| never_writes_checkpoints(algorithm));
    set_wait(new.entry("StoppingCondition").or_insert_with(|| json!({})), terms, without_checkpoints)?;

    if without_checkpoints.is_some() {
        new.remove("CheckpointConfig");
    } else if !new.contains_key("CheckpointConfig") {
        let beside_its_output = || {
            let output = text("/OutputDataConfig/S3OutputPath")?.trim_end_matches('/');
            Ok::<_, String>(format!("{output}/cost-guard-checkpoints"))
        };
        let prefix = terms.checkpoints.clone().map_or_else(beside_its_output, Ok)?;
        let own = format!("{}/{}", prefix.trim_end_matches('/'), terms.name);
        new.insert("CheckpointConfig".into(), json!({"S3Uri": own}));
    }

    let mut new_tags: BTreeMap<&str, &str> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    new_tags.retain(|key, _| !is_aws(key));
    if new_tags.len() < TAGS || new_tags.contains_key(RESUBMITTED_TAG) {
        new_tags.insert(RESUBMITTED_TAG, old_name);
    }
    new.insert("Tags".into(), new_tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect());
    Ok(Value::Object(new))
}

/// Sets how long a job may take on Spot. `without_checkpoints`: its algorithm, if that never writes any.
fn set_wait(stopping: &mut Value, terms: &SpotTerms, without_checkpoints: Option<&str>) -> Result<(), String> {
    let max_runtime = stopping.get("MaxRuntimeInSeconds").and_then(Value::as_i64).unwrap_or(DEFAULT_MAX_RUNTIME);
    let wait = max_runtime + terms.wait.signed().as_secs();
    stopping["MaxWaitTimeInSeconds"] = match without_checkpoints {
        None => wait.into(),
        Some(_) if max_runtime <= MOST_WITHOUT_CHECKPOINTS => wait.min(MOST_WITHOUT_CHECKPOINTS).into(),
        Some(algorithm) => {
            return Err(format!(
                "the algorithm {algorithm} writes no checkpoints, so AWS limits MaxWaitTimeInSeconds to {MOST_WITHOUT_CHECKPOINTS}, and \
                 MaxRuntimeInSeconds is {max_runtime}: it can run on Spot only if it ends within an hour"
            ));
        }
    };
    Ok(())
}

/// A cluster has either groups of instances, or one type and number. The description has zeros and empty lists for the other.
fn leave_one_size(resources: &mut Map<String, Value>) {
    let has_groups = resources.get("InstanceGroups").and_then(Value::as_array).is_some_and(|groups| !groups.is_empty());
    let other: &[&str] = if has_groups { &["InstanceType", "InstanceCount"] } else { &["InstanceGroups"] };
    resources.retain(|field, value| !value.is_null() && !other.contains(&field.as_str()));
}

/// The definition with which a person starts a resubmitted job again: on demand as before, with a new name. It keeps the tag
/// [`RESUBMITTED_TAG`], because of which the guard does not resubmit it.
///
/// # Errors
/// The definition is not a JSON object.
pub fn on_demand_again(definition: &str, name: &str) -> Result<Value, String> {
    let mut again: Map<String, Value> =
        serde_json::from_str(definition).map_err(|error| format!("the stored definition cannot be read: {error}"))?;
    again.insert("TrainingJobName".into(), followed(name, None, AGAIN).into());
    again.insert("EnableManagedSpotTraining".into(), false.into());
    if let Some(Value::Object(stopping)) = again.get_mut("StoppingCondition") {
        stopping.remove("MaxWaitTimeInSeconds");
    }
    Ok(Value::Object(again))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::duration::Duration;
    use proptest::prelude::*;

    fn terms(name: &str, checkpoints: Option<&str>) -> SpotTerms {
        SpotTerms { name: name.into(), wait: Duration::hours(12), checkpoints: checkpoints.map(str::to_owned), resumes: false }
    }

    fn described() -> Value {
        json!({
            "TrainingJobName": "churn", "TrainingJobArn": "arn", "TrainingJobStatus": "InProgress", "CreationTime": 1.5,
            "RoleArn": "arn:aws:iam::123456789012:role/DataScience", "AlgorithmSpecification": {"TrainingImage": "image", "Unknown": [1]},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"}, "VpcConfig": null,
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30, "KeepAlivePeriodInSeconds": 0, "SelectedInstanceType": "ml.m5.xlarge"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600}, "EnableManagedSpotTraining": false, "BillableTimeInSeconds": 5,
        })
    }

    #[test]
    fn differs_only_where_it_must() {
        let tags = BTreeMap::from([("Owner".to_owned(), "ann".to_owned()), ("aws:cloudformation:stack-name".to_owned(), "x".to_owned())]);
        let new = as_spot(&described(), &tags, &terms("churn-spot", None)).unwrap();
        assert_eq!(
            new,
            json!({
                "TrainingJobName": "churn-spot", "RoleArn": "arn:aws:iam::123456789012:role/DataScience",
                "AlgorithmSpecification": {"TrainingImage": "image", "Unknown": [1]}, "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"},
                "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 46800}, "EnableManagedSpotTraining": true,
                "CheckpointConfig": {"S3Uri": "s3://bucket/out/cost-guard-checkpoints/churn-spot"},
                "Tags": [{"Key": "Owner", "Value": "ann"}, {"Key": "cost-guard:resubmitted-from", "Value": "churn"}],
            })
        );
    }

    #[test]
    fn what_aws_fills_in_by_itself_is_left_out() {
        let metrics = json!([{"Name": "train:loss", "Regex": "loss=(.*)"}]);
        for (image, is_kept) in [
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1", false),
            ("492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1", false),
            ("664544806723.dkr-ecr.eu-central-1.on.aws/linear-learner:1", false),
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1", true),
            ("999988887777.dkr.ecr.eu-central-1.amazonaws.com/xgboost:1", true), // another account of the company
            ("763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-training:2.3-gpu", true),
        ] {
            let mut old = described();
            old["AlgorithmSpecification"] = json!({"TrainingImage": image, "TrainingInputMode": "File", "MetricDefinitions": metrics});
            let new = as_spot(&old, &BTreeMap::new(), &terms("churn-spot", None)).unwrap();
            let algorithm = new["AlgorithmSpecification"].as_object().unwrap();
            assert_eq!(algorithm.contains_key("MetricDefinitions"), is_kept, "{image}");
            assert_eq!((&algorithm["TrainingImage"], &algorithm["TrainingInputMode"]), (&json!(image), &json!("File")));
        }
        let name = "arn:aws:sagemaker:eu-central-1:865070037744:algorithm/churn-3f2b8c1e";
        for (algorithm, sent) in [
            (json!({"AlgorithmName": name, "MetricDefinitions": metrics}), json!({"AlgorithmName": name})),
            (json!({"AlgorithmName": null, "MetricDefinitions": metrics}), json!({"AlgorithmName": null, "MetricDefinitions": metrics})),
        ] {
            let mut old = described();
            old["AlgorithmSpecification"] = algorithm;
            let new = as_spot(&old, &BTreeMap::new(), &terms("churn-spot", None)).unwrap();
            assert_eq!(new["AlgorithmSpecification"], sent);
        }
    }

    #[test]
    fn an_algorithm_without_checkpoints_is_asked_to_wait_for_an_hour_at_most() {
        for (repository, max_runtime, wait, checkpoints) in [
            ("linear-learner:1", 3600, Some(3600), None),
            ("kmeans", 600, Some(3600), None),
            ("xgboost:1", 1800, Some(3600), None),
            ("pca:1", 3601, None, None),
            ("ntm:1", 86_400, None, None),
            ("object-detection:1", 7200, Some(50_400), Some("s3://bucket/mine")),
        ] {
            let mut old = described();
            old["AlgorithmSpecification"]["TrainingImage"] = format!("664544806723.dkr.ecr.eu-central-1.amazonaws.com/{repository}").into();
            old["StoppingCondition"]["MaxRuntimeInSeconds"] = max_runtime.into();
            old["CheckpointConfig"] = json!({"S3Uri": "s3://bucket/mine"});
            let new = as_spot(&old, &BTreeMap::new(), &terms("churn-spot", None));
            let Some(wait) = wait else {
                assert!(new.as_ref().is_err_and(|why| why.contains("AWS limits MaxWaitTimeInSeconds to 3600")), "{repository}: {new:?}");
                continue;
            };
            let new = new.unwrap();
            assert_eq!(
                (&new["StoppingCondition"]["MaxWaitTimeInSeconds"], new["CheckpointConfig"]["S3Uri"].as_str()),
                (&json!(wait), checkpoints)
            );
        }
    }

    #[test]
    fn nothing_is_sent_that_the_api_refuses() {
        let group = json!([{"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "InstanceGroupName": "cpu"}]);
        for (resources, sent) in [
            (
                json!({"InstanceCount": 0, "VolumeSizeInGB": 30, "InstanceGroups": group}),
                json!({"VolumeSizeInGB": 30, "InstanceGroups": group}),
            ),
            (
                json!({"InstanceType": null, "InstanceCount": 0, "VolumeSizeInGB": 30, "InstanceGroups": group}),
                json!({"VolumeSizeInGB": 30, "InstanceGroups": group}),
            ),
            (
                json!({"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30, "InstanceGroups": [], "VolumeKmsKeyId": null}),
                json!({"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}),
            ),
        ] {
            let mut old = described();
            old["ResourceConfig"] = resources;
            old["InputDataConfig"] = json!([]);
            let new = as_spot(&old, &BTreeMap::new(), &terms("churn-spot", None)).unwrap();
            assert_eq!((&new["ResourceConfig"], new.get("InputDataConfig")), (&sent, None));
        }
    }

    #[test]
    fn goes_on_from_the_checkpoints_that_are_there() {
        let mut with_checkpoints = described();
        with_checkpoints["CheckpointConfig"] = json!({"S3Uri": "s3://bucket/mine", "LocalPath": "/here"});
        let new = as_spot(&with_checkpoints, &BTreeMap::new(), &terms("churn-spot", Some("s3://policy/prefix"))).unwrap();
        assert_eq!(new["CheckpointConfig"], json!({"S3Uri": "s3://bucket/mine", "LocalPath": "/here"}));
        let new = as_spot(&described(), &BTreeMap::new(), &terms("churn-spot", Some("s3://policy/prefix/"))).unwrap();
        assert_eq!(new["CheckpointConfig"], json!({"S3Uri": "s3://policy/prefix/churn-spot"}));
    }

    #[test]
    fn a_lost_job_is_started_again_as_it_was() {
        let new = as_spot(&described(), &BTreeMap::new(), &terms("churn-spot", None)).unwrap().to_string();
        let again = on_demand_again(&new, "churn").unwrap();
        assert_eq!((&again["TrainingJobName"], &again["EnableManagedSpotTraining"]), (&json!("churn-again"), &json!(false)));
        assert_eq!(again["Tags"], json!([{"Key": RESUBMITTED_TAG, "Value": "churn"}]), "by this the guard leaves it on demand");
        assert_eq!(again["StoppingCondition"], json!({"MaxRuntimeInSeconds": 3600}));
        assert!(on_demand_again("{", "churn").is_err());
    }

    #[test]
    fn names_are_legal_and_their_own() {
        let again = |name: &str| on_demand_again("{}", name).unwrap()["TrainingJobName"].clone();
        assert_eq!(again("hot-spot-detect"), "hot-spot-detect-again");
        assert!(again(&"a".repeat(58)).as_str().unwrap().len() <= NAME);
        let seed = |n: u8| format!("experiment-with-a-long-descriptive-name-of-team-and-model-seed{n}");
        assert_ne!(new_name(&seed(1), None), new_name(&seed(2), None), "two jobs of the same second");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (field, missing) in [("TrainingJobName", "/TrainingJobName"), ("OutputDataConfig", "/OutputDataConfig/S3OutputPath")] {
            let mut half = described();
            half.as_object_mut().unwrap().remove(field);
            assert!(as_spot(&half, &BTreeMap::new(), &terms("x", None)).unwrap_err().starts_with(missing));
        }
    }

    #[test]
    fn fifty_tags_are_all_that_there_can_be_and_the_name_tells_the_rest() {
        let tags: BTreeMap<String, String> = (0..50).map(|n| (format!("k{n}"), "v".to_owned())).collect();
        assert_eq!(as_spot(&described(), &tags, &terms("x", None)).unwrap()["Tags"].as_array().unwrap().len(), 50);
        for old in ["churn", &"a".repeat(63), "churn-AGAIN"] {
            let again = on_demand_again("{}", old).unwrap()["TrainingJobName"].as_str().unwrap().to_owned();
            assert!(may_be_again(&again) && !may_be_again(&new_name(old, None)), "{again}");
        }
        assert!(!may_be_again("churn"));
    }

    proptest! {
        #[test]
        fn the_new_name_is_legal_and_its_own(name in "[a-zA-Z0-9](-{0,2}[a-zA-Z0-9]){0,20}[a-zA-Z0-9]{0,22}", seconds in 0i64..2_000_000_000) {
            prop_assume!(name.len() <= 63);
            let new = new_name(&name, Timestamp::from_second(seconds).ok());
            prop_assert!(new.len() <= 63 && new.ends_with("-spot") && new != name, "{new}");
            prop_assert!(new.split('-').next().is_some_and(|first| !first.is_empty()), "{new}");
            prop_assert_eq!(&new, &new_name(&name, Timestamp::from_second(seconds).ok()));
        }
    }
}
