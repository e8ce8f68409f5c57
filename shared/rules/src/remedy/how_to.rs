//! Texts for mails about resubmitted jobs: how to stop one of two, and how to submit a definition.

use serde_json::Value;

use crate::{
    remedy::action::how_to_stop,
    vocabulary::{
        resource::Resource,
        text::{argument, json, one_line},
    },
};

/// The maximum length of a definition in a mail, in bytes.
const LONGEST_SHOWN: usize = 32 * 1024;

/// What stands in a mail for a value that may be secret.
const HIDDEN: &str = "(hidden)";

/// The fields of `AlgorithmSpecification` with the command line of its container.
const COMMAND_LINE: [&str; 2] = ["ContainerEntrypoint", "ContainerArguments"];

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

/// Hides all values of the environment, hyperparameters that may be secret, and the command line of a container if a part of it may be. Returns whether there
/// were any.
fn hide_secrets(definition: &mut Value) -> bool {
    let mut secrets: Vec<&mut Value> = vec![];
    let Some(fields) = definition.as_object_mut() else { return false };
    for (field, value) in fields {
        match (field.as_str(), value) {
            ("Environment", Value::Object(values)) => secrets.extend(values.values_mut()),
            ("HyperParameters", Value::Object(values)) => {
                secrets.extend(values.iter_mut().filter(|(name, value)| is_secret(name) || has_login(value)).map(|(_, value)| value));
            }
            ("AlgorithmSpecification", Value::Object(values)) => {
                let lines = values.iter_mut().filter(|(field, _)| COMMAND_LINE.contains(&field.as_str()));
                let lines = lines.filter_map(|(_, words)| words.as_array_mut());
                let may_be_secret = |word: &Value| word.as_str().is_some_and(is_secret) || has_login(word);
                secrets.extend(lines.filter(|words| words.iter().any(may_be_secret)).flatten());
            }
            _ => {}
        }
    }
    let hidden = !secrets.is_empty();
    for secret in secrets {
        *secret = HIDDEN.into();
    }
    hidden
}

/// Whether a name, or a word of a command line, is like `api_token`. A tokenizer is none.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace("tokeniz", "");
    ["auth", "credential", "key", "passphrase", "passwd", "password", "pwd", "secret", "token"].iter().any(|word| name.contains(word))
}

/// Whether a text is, or has in it, a URL with a login: `https://ann:secret@example.com`.
fn has_login(text: &Value) -> bool {
    let urls = text.as_str().unwrap_or_default().split("://").skip(1);
    urls.filter_map(|url| url.split(['/', '?', '#', ' ', '"', '\'']).next()).any(|host| host.contains('@'))
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
        let train = json!(["python3", "train.py"]);
        for (definition, secret) in [
            (container(train.clone(), json!(["--epochs", "3", "--hf-token", "hf_SECRET"])), true),
            (container(train.clone(), json!(["--api-key=SECRET"])), true),
            (container(train.clone(), json!(["--db", "postgres://ann:SECRET@db.example.com/x"])), true),
            (container(json!(["bash", "-c", "export WANDB_API_KEY=SECRET; python3 train.py"]), Value::Null), true),
            (container(json!(["bash", "-c", "pip install -i https://ann:SECRET@pypi.example.com/simple x"]), json!([])), true),
            (json!({"HyperParameters": {"tracking": "https://ann:SECRET@mlflow.example.com/"}}), true),
            (json!({"HyperParameters": {"db_pwd": "SECRET"}}), true),
            (json!({"HyperParameters": {"auth": "SECRET"}}), true),
            (json!({"Environment": {"MLFLOW_TRACKING_USERNAME": "SECRET"}}), true),
            (
                container(
                    train.clone(),
                    json!(["--epochs", "3", "--mail", "ann@example.com", "--tokenizer", "bert", "--data", "s3://bucket/a@b"]),
                ),
                false,
            ),
            (json!({"HyperParameters": {"data": "https://example.com/a@b", "epochs": "3"}}), false),
            (json!({"HyperParameters": null, "AlgorithmSpecification": null}), false),
            (json!([]), false),
        ] {
            let text = how_to_submit(definition.clone(), &churn());
            assert_eq!((text.contains("SECRET"), text.contains("put back the values")), (false, secret), "{definition}: {text}");
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
        let long = how_to_submit(json!({"HyperParameters": {"epochs": "3".repeat(40_000)}}), &churn());
        assert!(long.len() < 200 && long.contains("--training-job-name churn"), "{long}");
    }
}
