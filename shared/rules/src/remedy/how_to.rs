//! Texts for mails about resubmitted jobs: how to stop one of two, and how to submit a definition.

use serde_json::Value;

use crate::{
    remedy::action::how_to_stop,
    vocabulary::{
        resource::Resource,
        secrets::{HIDDEN, is_harmless, is_secret_name},
        text::{argument, json, one_line},
    },
};

/// The maximum length of a definition in a mail, in bytes.
const LONGEST_SHOWN: usize = 32 * 1024;

/// Settings of a job's own code and of the debugger's rules, by name.
const SETTINGS: [&str; 4] = ["HyperParameters", "RuleParameters", "HookParameters", "CollectionParameters"];

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

/// Text for a mail: how to submit a definition. Values that may be secret are hidden. A definition that is too long for a mail is left out. `of`: the job that
/// the definition was made from.
pub fn how_to_submit(mut definition: Value, of: &Resource) -> String {
    let hidden = hide_secrets(&mut definition);
    let region = of.region_option();
    let describe = format!("aws sagemaker describe-training-job {region}--training-job-name {}", argument(&of.name));
    let text = json(&definition);
    if LONGEST_SHOWN < text.len() {
        return format!("make its definition, which is too long for a mail, of what this says: {describe}");
    }
    let first = if hidden { format!("put back the values that this mail leaves {HIDDEN} ({describe}), ") } else { String::new() };
    format!("save this as job.json, {first}then aws sagemaker create-training-job {region}--cli-input-json file://job.json\n{text}")
}

/// Hides what may be secret in a definition. Returns whether there was anything.
fn hide_secrets(definition: &mut Value) -> bool {
    let mut secrets = vec![];
    find_secrets("", definition, &mut secrets);
    let hidden = !secrets.is_empty();
    for secret in secrets {
        *secret = HIDDEN.into();
    }
    hidden
}

/// Adds all values of the environment, the settings whose name or form does not say that they are harmless, and the command line of a container but for its
/// program. `field`: the name of the value.
fn find_secrets<'a>(field: &str, value: &'a mut Value, secrets: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if field == "Environment" || (SETTINGS.contains(&field) && may_be_secret(name, value)) {
                    secrets.push(value);
                } else {
                    find_secrets(name, value, secrets);
                }
            }
        }
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                let is_program = at == 0 && value.as_str().is_some_and(|word| word.split('/').all(is_harmless));
                if field == "ContainerArguments" || (field == "ContainerEntrypoint" && !is_program) {
                    secrets.push(value);
                } else {
                    find_secrets("", value, secrets);
                }
            }
        }
        _ => {}
    }
}

fn may_be_secret(name: &str, value: &Value) -> bool {
    let is_shown = match value {
        Value::String(value) => is_harmless(value),
        Value::Object(_) | Value::Array(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    is_secret_name(name) || !is_shown
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
    fn secrets_of_a_job_stay_in_its_description() {
        let container = |entrypoint: Value, arguments: Value| json!({"AlgorithmSpecification": {"TrainingImage": "image", "ContainerEntrypoint": entrypoint, "ContainerArguments": arguments}});
        // No word of these is one that a list of secret names may have in it.
        for (definition, secret) in [
            (container(json!(["python3", "ZQ1.py"]), json!(["--epochs", "ZQ2"])), true),
            (
                container(
                    json!(["python3"]),
                    json!(["--w", "wandb ZQ1", "--url", "https://hooks.slack.com/services/T0/B0/ZQ2", "--pat", "ghp_ZQ3"]),
                ),
                true,
            ),
            (container(json!(["bash", "-c", "export W=ZQ1; python3 train.py"]), Value::Null), true),
            (json!({"HyperParameters": {"tracking": "https://ann:ZQ1@mlflow.example.com/"}}), true),
            (json!({"HyperParameters": {"db_pwd": "ZQ1"}}), true),
            (json!({"HyperParameters": {"bearer": "ZQ1"}}), true),
            (json!({"HyperParameters": {"hub": "hf_ZQ1ZQ1ZQ1"}}), true),
            (json!({"HyperParameters": {"headers": "{\"Authorization\": \"Bearer ZQ1\"}"}}), true),
            (json!({"HyperParameters": {"cmd": "python x.py --w ZQ1"}}), true),
            (json!({"HyperParameters": {"data": "https://x.example.com/?X-Amz-Signature=ZQ1"}}), true),
            (json!({"Environment": {"MLFLOW_TRACKING_USERNAME": "ZQ1"}}), true),
            (json!({"DebugRuleConfigurations": [{"RuleParameters": {"hook": "https://x.example.com/ZQ1"}}]}), true),
            (container(json!(["python3"]), json!([])), false),
            (json!({"HyperParameters": {"data": "s3://bucket/a/b", "epochs": "3", "layers": "[64, 32]", "optimizer": "\"adam\""}}), false),
            (json!({"HyperParameters": null, "AlgorithmSpecification": null}), false),
            (json!([]), false),
        ] {
            let text = how_to_submit(definition.clone(), &churn());
            assert_eq!((text.contains("ZQ"), text.contains("put back the values")), (false, secret), "{definition}: {text}");
            let is_whole = text.ends_with(&definition.to_string());
            assert_eq!(is_whole, !secret, "{definition}: {text}");
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
        let long = how_to_submit(json!({"InputDataConfig": [{"ChannelName": "3".repeat(40_000)}]}), &churn());
        assert!(long.len() < 200 && long.contains("--training-job-name churn"), "{long}");
    }
}
