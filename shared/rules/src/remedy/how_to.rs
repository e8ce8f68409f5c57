//! Texts for mails about resubmitted jobs: how to stop one of two, and how to submit a definition.

use serde_json::Value;

use crate::{
    remedy::action::how_to_stop,
    vocabulary::{
        resource::Resource,
        text::{argument, one_line},
    },
};

/// The maximum length of a definition in a mail, in bytes.
const LONGEST_SHOWN: usize = 32 * 1024;

/// Text for a mail: how to stop one of two jobs that do the same work. `old` is on demand, `new` on Spot; `definition` is that of `new`, as JSON.
pub fn how_to_stop_one(old: &str, new: &str, definition: &str, region: &str) -> String {
    let definition: Value = serde_json::from_str(definition).unwrap_or_default();
    // A prefix that the guard chose ends with the new job's name. Any other prefix was the old job's, so both jobs use it.
    let shared =
        definition.pointer("/CheckpointConfig/S3Uri").and_then(Value::as_str).filter(|prefix| !prefix.ends_with(&format!("/{new}")));
    let spoils = shared
        .map(|prefix| format!("\nSoon: both write their checkpoints to {}, and may spoil each other's.", one_line(prefix)))
        .unwrap_or_default();
    format!(
        "stop one of the two.\nThe one on demand: {}\nThe one on Spot:   {}{spoils}",
        how_to_stop(old, region),
        how_to_stop(new, region)
    )
}

/// Text for a mail: how to submit a definition. Values that may be secret are hidden: those of the environment, and of hyperparameters with names
/// like `api_token`. A definition that is too long for a mail is left out. `of`: the job that the definition was made from.
pub fn how_to_submit(mut definition: Value, of: &Resource) -> String {
    const HIDDEN: &str = "(hidden)";
    let is_secret = |key: &str| {
        let key = key.to_ascii_lowercase();
        ["secret", "token", "password", "passwd", "credential", "key"].iter().any(|word| key.contains(word))
    };
    let mut hidden = false;
    for (field, all) in [("Environment", true), ("HyperParameters", false)] {
        if let Some(Value::Object(values)) = definition.get_mut(field) {
            for (_, value) in values.iter_mut().filter(|(key, _)| all || is_secret(key)) {
                *value = HIDDEN.into();
                hidden = true;
            }
        }
    }
    let region = of.region_option();
    let describe = format!("aws sagemaker describe-training-job {region}--training-job-name {}", argument(&of.name));
    let text = definition.to_string();
    if LONGEST_SHOWN < text.len() {
        return format!("make its definition, which is too long for a mail, of what this says: {describe}");
    }
    let first = if hidden { format!("put back the values that this mail leaves {HIDDEN} ({describe}), ") } else { String::new() };
    format!("save this as job.json, {first}then aws sagemaker create-training-job {region}--cli-input-json file://job.json\n{text}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn churn() -> Resource {
        Resource {
            id: "training-job/churn".into(),
            name: "churn".into(),
            arn: Some("arn:aws:sagemaker:eu-central-1:123456789012:training-job/churn".into()),
            tags: crate::vocabulary::resource::Tags::NotIndexed,
            ownership: crate::vocabulary::resource::Ownership::default(),
        }
    }

    #[test]
    fn two_jobs_that_share_their_checkpoints_are_told_so() {
        for (checkpoints, shared) in [(None, false), (Some("s3://bucket/mine"), true)] {
            let own = "s3://bucket/out/cost-guard-checkpoints/churn-spot";
            let new = json!({"CheckpointConfig": {"S3Uri": checkpoints.unwrap_or(own)}}).to_string();
            let text = how_to_stop_one("churn", "churn-spot", &new, "--region eu-central-1 ");
            assert_eq!(text.contains("s3://bucket/mine"), shared, "{text}");
            for name in ["churn\n", "churn-spot"] {
                assert!(text.contains(&format!("stop-training-job --region eu-central-1 --training-job-name {name}")), "{text}");
            }
        }
    }

    #[test]
    fn secrets_are_not_mailed_nor_what_fills_a_mail() {
        let definition = json!({"Environment": {"HF_HOME": "/x"}, "HyperParameters": {"epochs": "3", "api_key": "s"}});
        let text = how_to_submit(definition, &churn());
        for shown in [r#""HF_HOME":"(hidden)""#, r#""epochs":"3""#, r#""api_key":"(hidden)""#] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert!(
            text.starts_with("save this as job.json, put back the values that this mail leaves (hidden) (aws sagemaker describe"),
            "{text}"
        );
        let plain = how_to_submit(json!({"HyperParameters": {"epochs": "3"}}), &churn());
        assert!(plain.starts_with("save this as job.json, then aws sagemaker create-training-job"), "{plain}");
        let long = how_to_submit(json!({"HyperParameters": {"epochs": "3".repeat(40_000)}}), &churn());
        assert!(long.len() < 200 && long.contains("--training-job-name churn"), "{long}");
    }
}
