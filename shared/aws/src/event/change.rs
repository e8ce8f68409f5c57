//! Reads state changes of a resource, which `SageMaker` sends to EventBridge.

use anyhow::bail;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::resource::{Kind, id_of_arn};
use serde_json::Value;

use super::request::{Home, Request, Trigger, at_home};

/// A state change that `SageMaker` sends to EventBridge (aws-facts §1.1).
pub struct StateChange {
    /// The event's `detail-type`, such as `SageMaker Notebook Instance State Change`.
    pub detail_type: &'static str,
    /// The kind of the resource.
    pub kind: Kind,
    /// The prefix of the fields with the resource's name and ARN: `NotebookInstance` for `NotebookInstanceName` and `NotebookInstanceArn`.
    pub fields: &'static str,
    /// `true`: the resource is judged as in any run. `false`: the change only closes findings that it ends.
    pub is_judged: bool,
}

impl StateChange {
    /// Reads only which resource changed. All other fields are ignored: AWS sends times in four forms, and tags in three.
    pub(super) fn read(&self, event: &EventBridgeEvent, home: Home<'_>) -> anyhow::Result<Request> {
        at_home(event, home)?;
        let detail = |field: &str| event.detail.get(format!("{}{field}", self.fields)).and_then(Value::as_str).map(str::to_owned);
        let (arn, name) = (detail("Arn"), detail("Name"));
        let from_arn = arn.or_else(|| event.resources.as_ref()?.first().cloned()).and_then(|arn| id_of_arn(&arn));
        let id = match (&name, from_arn) {
            (Some(name), _) => self.kind.id(name),
            (None, Some(id)) if Kind::of(&id) == Some(self.kind) => id,
            _ => bail!(
                "half an event: a \"{}\" without detail.{fields}Arn, detail.{fields}Name and resources[0]",
                self.detail_type,
                fields = self.fields
            ),
        };
        let trigger = if self.is_judged { Trigger::Changed(id, name) } else { Trigger::Ended(id, name) };
        Ok(Request { trigger, dry_run: false })
    }
}
