//! The lines that make a training job a Spot job, for mails.

use std::collections::BTreeSet;

use crate::{
    facts::{TrainingJob, TuningDefinition},
    vocabulary::{
        duration::Duration,
        image::{can_write_checkpoints, never_writes_checkpoints},
        text::literal,
    },
};

/// The lines that make a job with this time limit a Spot job, in the SageMaker Python SDK and in the API. `wait`: how much longer it may take. `checkpoints`: the
/// prefix for a job that has none.
pub(super) fn spot_lines(job: &TrainingJob, limit: Duration, wait: Duration, checkpoints: &str) -> String {
    if let Some(algorithm) = without_checkpoints(job) {
        return lines_of_an_hour(algorithm, limit);
    }
    let limit = limit.signed().as_secs();
    let wait = limit + wait.signed().as_secs();
    let own = Some(checkpoints).filter(|prefix| !prefix.is_empty());
    // People paste these lines, and anybody who may submit a job chose the prefix.
    let checkpoint = literal(job.checkpoint.as_deref().or(own).unwrap_or("s3://<bucket>/<prefix>"));
    // An algorithm that gets here does both by itself.
    let code = if job.algorithm.is_some() { String::new() } else { format!("\n{OWN_CODE_HAS_TO}") };
    format!(
        "run it on Spot next time.\n\
         SageMaker Python SDK: Estimator(..., use_spot_instances=True, max_run={limit}, max_wait={wait}, checkpoint_s3_uri={checkpoint})\n\
         CreateTrainingJob:    \"EnableManagedSpotTraining\": true, \"StoppingCondition\": {{\"MaxRuntimeInSeconds\": {limit}, \
         \"MaxWaitTimeInSeconds\": {wait}}}, \"CheckpointConfig\": {{\"S3Uri\": {checkpoint}}}{code}"
    )
}

/// The lines with which a Spot job writes checkpoints.
pub(super) fn checkpoint_lines(job: &TrainingJob) -> String {
    let code = match job.algorithm.as_deref() {
        Some(algorithm) if never_writes_checkpoints(algorithm) => {
            return format!("set a shorter time limit (max_run): the algorithm {algorithm} writes no checkpoints.");
        }
        Some(algorithm) if can_write_checkpoints(algorithm) => String::new(),
        Some(algorithm) => format!("\nIf the algorithm {algorithm} writes none, set a shorter time limit (max_run)."),
        None => format!("\n{OWN_CODE_HAS_TO}"),
    };
    format!(
        "let it write checkpoints.\n\
         SageMaker Python SDK: Estimator(..., checkpoint_s3_uri=\"s3://<bucket>/<prefix>\")\n\
         CreateTrainingJob:    \"CheckpointConfig\": {{\"S3Uri\": \"s3://<bucket>/<prefix>\"}}{code}"
    )
}

/// What the code of a job has to do, so that an interruption by Spot loses little: `SageMaker` only copies the files (aws-facts §2.3).
pub(super) const OWN_CODE_HAS_TO: &str = "Its code must write checkpoints to /opt/ml/checkpoints, and load them from there at its start. Otherwise an \
                                          interruption starts training from zero.";

/// The algorithm of a job that writes no checkpoints, or may write none. AWS limits the Spot jobs of such an algorithm to an hour.
pub(super) fn without_checkpoints(job: &TrainingJob) -> Option<&str> {
    job.algorithm.as_deref().filter(|algorithm| job.checkpoint.is_none() || never_writes_checkpoints(algorithm))
}

/// Whether SageMaker writes its checkpoints to S3. What its own code writes there besides is not known.
pub(super) fn writes_checkpoints(job: &TrainingJob) -> bool {
    job.checkpoint.is_some() && !job.algorithm.as_deref().is_some_and(never_writes_checkpoints)
}

/// The lines with which a tuning job asks for Spot in these definitions.
pub(super) fn tuning_lines(definitions: &[&TuningDefinition]) -> String {
    let limited_of = |one: &&TuningDefinition| one.algorithm.clone().filter(|algorithm| !can_write_checkpoints(algorithm));
    let limited: BTreeSet<String> = definitions.iter().filter_map(limited_of).collect();
    let named: Vec<String> =
        limited.iter().map(|name| if never_writes_checkpoints(name) { name.clone() } else { format!("perhaps {name}") }).collect();
    let an_hour = format!("AWS limits MaxWaitTimeInSeconds to 3600 for an algorithm that writes no checkpoints: {}.", named.join(", "));
    if !definitions.is_empty() && definitions.iter().all(|one| limited_of(one).is_some()) {
        return format!(
            "ask for Spot in its training job definition, if each training job ends within an hour. {an_hour}\n\
             SageMaker Python SDK: the tuner's Estimator(..., use_spot_instances=True, max_run=3600, max_wait=3600)\n\
             CreateHyperParameterTuningJob: \"TrainingJobDefinition\": {{\"EnableManagedSpotTraining\": true, \"StoppingCondition\": \
             {{\"MaxRuntimeInSeconds\": 3600, \"MaxWaitTimeInSeconds\": 3600}}}}"
        );
    }
    let an_hour = if limited.is_empty() { String::new() } else { format!("\n{an_hour} Leave out the checkpoints there.") };
    let code = if definitions.iter().any(|one| one.algorithm.is_none()) { format!("\n{OWN_CODE_HAS_TO}") } else { String::new() };
    format!(
        "ask for Spot in its training job definition.\n\
         SageMaker Python SDK: the tuner's Estimator(..., use_spot_instances=True, max_wait=<max_run or more>, checkpoint_s3_uri=\"s3://<bucket>/<prefix>\")\n\
         CreateHyperParameterTuningJob: \"TrainingJobDefinition\": {{\"EnableManagedSpotTraining\": true, \"StoppingCondition\": \
         {{\"MaxWaitTimeInSeconds\": <MaxRuntimeInSeconds or more>}}, \"CheckpointConfig\": {{\"S3Uri\": \"s3://<bucket>/<prefix>\"}}}}{an_hour}{code}"
    )
}

/// The lines for a job of such an algorithm.
fn lines_of_an_hour(algorithm: &str, limit: Duration) -> String {
    let limit = limit.min(Duration::hours(1)).signed().as_secs();
    let (when, writes, more) = if never_writes_checkpoints(algorithm) {
        ("if it ends within an hour", "writes no checkpoints, so", "")
    } else {
        let more = "\nIf it writes checkpoints, add checkpoint_s3_uri (\"CheckpointConfig\") and raise both times.";
        ("if it ends within an hour or writes checkpoints", "may write no checkpoints, and then", more)
    };
    format!(
        "run it on Spot next time, {when}. The algorithm {algorithm} {writes} AWS limits MaxWaitTimeInSeconds to 3600.\n\
         SageMaker Python SDK: Estimator(..., use_spot_instances=True, max_run={limit}, max_wait=3600)\n\
         CreateTrainingJob:    \"EnableManagedSpotTraining\": true, \"StoppingCondition\": {{\"MaxRuntimeInSeconds\": {limit}, \
         \"MaxWaitTimeInSeconds\": 3600}}{more}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{training_job, tuning_definition};

    #[test]
    fn an_algorithm_that_may_write_no_checkpoints_is_given_lines_that_aws_takes() {
        for (algorithm, checkpoint, limit, expected) in [
            ("linear-learner", None, Duration::days(1), "max_run=3600, max_wait=3600)"),
            ("linear-learner", None, Duration::minutes(30), "max_run=1800, max_wait=3600)"),
            ("linear-learner", Some("s3://a/b"), Duration::days(1), "linear-learner writes no checkpoints"),
            ("xgboost", Some("s3://a/b"), Duration::days(1), "xgboost writes no checkpoints"),
            ("sagemaker-xgboost", Some("s3://a/b"), Duration::hours(2), "max_run=7200, max_wait=50400, checkpoint_s3_uri=\"s3://a/b\")"),
            ("object-detection", None, Duration::days(1), "add checkpoint_s3_uri"),
            ("object-detection", Some("s3://a/b"), Duration::days(1), "max_run=86400, max_wait=129600, checkpoint_s3_uri=\"s3://a/b\")"),
        ] {
            let job = TrainingJob {
                algorithm: Some(algorithm.into()),
                checkpoint: checkpoint.map(str::to_owned),
                max_runtime: Some(limit),
                ..training_job("2026-11-24T11:00:00Z")
            };
            let lines = spot_lines(&job, limit, Duration::hours(12), "");
            assert!(lines.contains(expected), "{lines}");
        }
    }

    #[test]
    fn definitions_of_an_algorithm_without_checkpoints_are_given_lines_that_aws_takes() {
        const HOUR: &str = "max_run=3600, max_wait=3600)";
        const CODE: &str = "Its code must write checkpoints";
        const LIMIT: &str = "AWS limits MaxWaitTimeInSeconds to 3600";
        let of =
            |algorithm: Option<&str>| TuningDefinition { algorithm: algorithm.map(str::to_owned), ..tuning_definition("ml.m5.xlarge") };
        for (algorithms, has, has_not) in [
            (vec![None], vec!["checkpoint_s3_uri", CODE], vec![LIMIT]),
            (
                vec![Some("linear-learner")],
                vec![HOUR, "no checkpoints: linear-learner."],
                vec!["checkpoint_s3_uri", "CheckpointConfig", CODE],
            ),
            (vec![Some("xgboost"), Some("pca")], vec![HOUR, "no checkpoints: pca, xgboost."], vec!["checkpoint_s3_uri", CODE]),
            (vec![Some("arn:…:algorithm/x")], vec![HOUR, "no checkpoints: perhaps arn:…:algorithm/x."], vec![CODE]),
            (vec![Some("sagemaker-xgboost"), Some("image-classification")], vec!["checkpoint_s3_uri"], vec![LIMIT, CODE]),
            (vec![None, Some("knn")], vec!["checkpoint_s3_uri", "no checkpoints: knn. Leave out the checkpoints there.", CODE], vec![HOUR]),
            (vec![Some("object-detection"), Some("ntm")], vec!["checkpoint_s3_uri", "no checkpoints: ntm."], vec![HOUR, CODE]),
        ] {
            let definitions: Vec<TuningDefinition> = algorithms.iter().map(|one| of(*one)).collect();
            let lines = tuning_lines(&definitions.iter().collect::<Vec<_>>());
            assert!(
                has.iter().all(|text| lines.contains(text)) && !has_not.iter().any(|text| lines.contains(text)),
                "{algorithms:?}: {lines}"
            );
        }
    }

    #[test]
    fn lines_to_paste_hold_whatever_the_prefix_is() {
        let lines_of = |checkpoint: &str| {
            let job = TrainingJob { checkpoint: Some(checkpoint.into()), ..training_job("2026-11-24T11:00:00Z") };
            spot_lines(&job, Duration::hours(1), Duration::hours(12), "")
        };
        let plain = lines_of("s3://a/b").lines().count();
        for prefix in ["s3://a\"); import os; os.system(\"reboot", "s3://a\nreboot\n", "s3://a\\"] {
            let lines = lines_of(prefix);
            assert_eq!(lines.lines().count(), plain, "{lines}");
            let api = lines.lines().find_map(|line| line.strip_prefix("CreateTrainingJob:")).unwrap();
            let api: serde_json::Value = serde_json::from_str(&format!("{{{api}}}")).unwrap();
            assert_eq!(api["CheckpointConfig"]["S3Uri"], prefix);
        }
    }
}
