//! What woke a function. An event only wakes it and narrows its scope: facts are always read from AWS.

use std::collections::HashSet;

use anyhow::{Context as _, bail, ensure};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::{
    facts::id_of_arn,
    plan::{Scope, scope_of_arns},
};
use serde::Deserialize;
use serde_json::Value;

/// What an invocation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// Do everything but act, mail and write the ledger.
    pub dry_run: bool,
    /// What to look at.
    pub scope: Scope,
    /// The name of the notebook whose state changed, as the event spells it.
    pub notebook: Option<String>,
}

/// The function's own form of event.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Own {
    #[serde(default)]
    dry_run: bool,
    resources: Option<Vec<String>>,
}

/// What the guard reads of a Notebook Instance State Change. Everything else in it (times in four forms, tags in three) is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NotebookChange {
    notebook_instance_arn: Option<String>,
    notebook_instance_name: Option<String>,
}

const EXPECTED: &str = "expected {}, null, an EventBridge \"Scheduled Event\", {\"dry-run\": true}, {\"resources\": [\"<arn>\"]}, \
                        or a \"SageMaker Notebook Instance State Change\"";

/// Reads an event of notebook-stopper.
///
/// # Errors
/// It is none of what the function accepts: says what was expected.
pub fn notebook_stopper(event: &Value, region: &str) -> anyhow::Result<Wake> {
    let Value::Object(fields) = event else {
        ensure!(event.is_null(), "an event of {}: {EXPECTED}", shape(event));
        return Ok(Wake::default());
    };
    if !fields.contains_key("detail-type") {
        let own: Own =
            serde_json::from_value(event.clone()).map_err(|error| anyhow::anyhow!("an event that is not known ({error}): {EXPECTED}"))?;
        let scope = match own.resources {
            None => Scope::Everything,
            Some(arns) => scope_of_arns(&arns).map_err(|arn| {
                anyhow::anyhow!("`{arn}` in \"resources\" is not the ARN of a notebook instance or Studio app: expected arn:aws:sagemaker:<region>:<account>:notebook-instance/<name> or …:app/…")
            })?,
        };
        return Ok(Wake { dry_run: own.dry_run, scope, notebook: None });
    }
    // AWS's own samples carry times that are not times; no decision looks at them.
    let mut envelope = fields.clone();
    envelope.remove("time");
    envelope.entry("detail").or_insert(Value::Null);
    envelope.entry("source").or_insert_with(|| "".into());
    let envelope: EventBridgeEvent =
        serde_json::from_value(Value::Object(envelope)).with_context(|| format!("an EventBridge event that cannot be read: {EXPECTED}"))?;
    match envelope.detail_type.as_str() {
        "Scheduled Event" => Ok(Wake::default()),
        "SageMaker Notebook Instance State Change" => notebook_change(envelope, region),
        other => bail!("an event of another kind, \"{other}\": {EXPECTED}"),
    }
}

fn notebook_change(event: EventBridgeEvent, region: &str) -> anyhow::Result<Wake> {
    if let Some(of) = event.region.as_deref().filter(|of| *of != region) {
        bail!("a state change in {of}, but this function looks after {region}: deploy one function per Region");
    }
    let half = || {
        anyhow::anyhow!(
            "half an event: a \"SageMaker Notebook Instance State Change\" without detail.NotebookInstanceArn, detail.NotebookInstanceName and resources[0]"
        )
    };
    let detail: Option<NotebookChange> = serde_json::from_value(event.detail).ok();
    let (arn, name) = detail.map_or((None, None), |detail| (detail.notebook_instance_arn, detail.notebook_instance_name));
    let from_arn = arn.or_else(|| event.resources.and_then(|arns| arns.into_iter().next())).and_then(|arn| id_of_arn(&arn));
    let id = match (&name, from_arn) {
        (Some(name), _) => format!("notebook-instance/{}", name.to_lowercase()),
        (None, Some(id)) if id.starts_with("notebook-instance/") => id,
        _ => return Err(half()),
    };
    Ok(Wake { dry_run: false, scope: Scope::Changed(id), notebook: name })
}

/// The ids of a scope that names them.
pub(crate) fn ids(scope: &Scope) -> Option<HashSet<String>> {
    match scope {
        Scope::Everything => None,
        Scope::Only(ids) => Some(ids.clone()),
        Scope::Changed(id) => Some(HashSet::from([id.clone()])),
    }
}

fn shape(event: &Value) -> &'static str {
    match event {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/basic-xyz";

    fn read(event: &Value) -> anyhow::Result<Wake> {
        notebook_stopper(event, "us-east-1")
    }

    #[test]
    fn what_starts_a_whole_run() {
        let scheduled = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "time": "2026-11-23T08:00:00Z", "resources": [], "detail": {}});
        for event in [json!({}), Value::Null, scheduled, json!({"detail-type": "Scheduled Event"})] {
            assert_eq!(read(&event).unwrap(), Wake::default(), "{event}");
        }
        assert_eq!(read(&json!({"dry-run": true})).unwrap(), Wake { dry_run: true, ..Wake::default() });
    }

    #[test]
    fn resources_narrow_the_scope() {
        let wake = read(&json!({"resources": [ARN], "dry-run": true})).unwrap();
        assert_eq!((wake.scope, wake.dry_run), (Scope::Only(["notebook-instance/basic-xyz".to_owned()].into()), true));
        let error = read(&json!({"resources": ["arn:aws:s3:::bucket"]})).unwrap_err().to_string();
        assert!(error.contains("`arn:aws:s3:::bucket`"), "{error}");
    }

    #[test]
    fn a_state_change_is_read_from_whatever_part_of_it_is_there() {
        let envelope = |detail: Value, resources: Value| {
            json!({"detail-type": "SageMaker Notebook Instance State Change", "source": "aws.sagemaker", "region": "us-east-1",
                   "time": "1583831889050", "resources": resources, "detail": detail})
        };
        let changed = Scope::Changed("notebook-instance/basic-xyz".into());
        for (detail, resources, name) in [
            (
                json!({"NotebookInstanceName": "Basic-xyz", "NotebookInstanceArn": ARN, "LastModifiedTime": 1_653_592_871_348_i64, "Tags": {}}),
                json!([ARN]),
                Some("Basic-xyz"),
            ),
            (
                json!({"NotebookInstanceName": "Basic-xyz", "Tags": [{"Key": "a", "Value": "b"}], "CreationTime": 1.5}),
                json!([]),
                Some("Basic-xyz"),
            ),
            (json!({"NotebookInstanceArn": ARN, "Tags": null}), json!([]), None),
            (json!({}), json!([ARN]), None),
        ] {
            let wake = read(&envelope(detail.clone(), resources)).unwrap();
            assert_eq!((&wake.scope, wake.notebook.as_deref()), (&changed, name), "{detail}");
        }
        for (detail, resources) in [
            (json!({}), json!([])),
            (json!(null), json!(null)),
            (json!({"NotebookInstanceStatus": "InService"}), json!(["arn:aws:sagemaker:us-east-1:1:endpoint/x"])),
        ] {
            let error = read(&envelope(detail, resources)).unwrap_err().to_string();
            assert!(error.starts_with("half an event"), "{error}");
        }
    }

    #[test]
    fn what_is_not_for_it_is_refused_with_what_was_expected() {
        for (event, says) in [
            (
                json!({"detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "detail": {}}),
                "another kind, \"SageMaker Endpoint State Change\"",
            ),
            (json!({"dryrun": true}), "unknown field `dryrun`"),
            (json!({"dry-run": "yes"}), "invalid type"),
            (json!("run"), "an event of a text"),
            (json!([]), "an event of a list"),
            (json!({"detail-type": 3}), "cannot be read"),
        ] {
            let error = format!("{:#}", read(&event).unwrap_err());
            assert!(error.contains(says) && error.contains("expected"), "{event}: {error}");
        }
        let elsewhere = json!({"detail-type": "SageMaker Notebook Instance State Change", "region": "eu-west-1", "source": "aws.sagemaker", "resources": [ARN], "detail": {}});
        assert!(read(&elsewhere).unwrap_err().to_string().contains("this function looks after us-east-1"));
    }
}
