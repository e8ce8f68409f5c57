//! State changes of a resource, which `SageMaker` tells EventBridge.

use anyhow::bail;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::resource::{Kind, id_of_arn};
use serde_json::Value;

use super::request::{Home, Request, Trigger, at_home};

/// A state change that `SageMaker` tells EventBridge (aws-facts §1.1).
pub struct StateChange {
    /// `SageMaker Notebook Instance State Change`
    pub detail_type: &'static str,
    /// Of what.
    pub kind: Kind,
    /// What the fields with its name and its ARN begin with: `NotebookInstance` for `NotebookInstanceName`, `NotebookInstanceArn`.
    pub fields: &'static str,
    /// Whether the resource is judged as in any run; else the change only closes what it ends.
    pub is_judged: bool,
}

impl StateChange {
    /// What the guard reads of a state change is which resource it is. All else in it (times in four forms, tags in three) is not looked at.
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
