//! # notebook-stuck
//!
//! ## What it finds
//! A notebook instance that has been `Stopping`, `Pending`, `Updating` or `Deleting` for longer than `after`, or that has `Failed`. Each of these
//! changes normally takes minutes.
//!
//! ## Why it costs money
//! What hangs on its way is not stopped yet, and its volume is billed. The same holds for a notebook that failed: it does not run, nobody looks at it,
//! and its volume is billed until it is deleted.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. Nothing else happens: AWS refuses a second stop, and only a person can decide about its files.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Notebook, RunState},
    rules::{
        context::{RuleContext, needs_a_person},
        rule::Rule,
        verdict::Verdict,
    },
    vocabulary::{duration::Duration, timed_text::TimedText},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NotebookStuck {
    /// How long a notebook may be on its way to another state.
    after: Duration,
}

impl Default for NotebookStuck {
    fn default() -> Self {
        Self { after: Duration::hours(3) }
    }
}

impl Rule for NotebookStuck {
    const NAME: &'static str = "notebook-stuck";
    const TO_DO: &'static str = "read its FailureReason, then start it anew, delete it, or open a case with AWS Support";
    type Subject = Notebook;

    fn nonsense(&self) -> Option<&'static str> {
        (self.after < Duration::minutes(30)).then_some("`after` is less than 30 minutes: a start or a stop may take that long")
    }

    fn check(&self, notebook: &Notebook, cx: &RuleContext<'_>) -> Verdict {
        match notebook.state {
            RunState::Changing(change) => cx.stuck(
                change,
                notebook.since,
                self.after,
                format!("open a case with AWS Support if it stays so. Its state: {}", look_at(notebook, "NotebookInstanceStatus")),
            ),
            RunState::Failed => {
                let failed = notebook.since.map_or_else(|| TimedText::from("Failed"), |since| TimedText::from("Failed since ").time(since));
                let reason = failed.text(": it does not run, and its volume is still billed");
                let advice = format!("ask AWS why: {}\nDelete it if nobody needs its files.", look_at(notebook, "FailureReason"));
                Verdict::Waste(Box::new(needs_a_person(reason, "Failed", "failed", advice)))
            }
            RunState::InService | RunState::Stopped | RunState::Deleted | RunState::Other => Verdict::Fine,
        }
    }
}

/// The AWS CLI command that shows one field of a notebook.
fn look_at(notebook: &Notebook, field: &str) -> String {
    let (region, name) = (notebook.resource.region_option(), &notebook.resource.name);
    format!("aws sagemaker describe-notebook-instance {region}--notebook-instance-name {name} --query {field}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::Change, samples::*};

    #[test]
    fn hangs_on_its_way_for_hours_or_failed() {
        let rule = NotebookStuck::default();
        let stopping = |at| (RunState::Changing(Change::Stopping), at);
        for ((state, since), told) in [
            (stopping("2026-11-23T10:00:00Z"), Some("Stopping since Mon 2026-11-23 10:00 UTC, for 1d 2h: the limit is 3h")),
            (stopping("2026-11-24T09:00:00Z"), None),
            (stopping("2026-11-24T08:59:59Z"), Some("Stopping since Tue 2026-11-24 08:59 UTC, for 3h: the limit is 3h")),
            ((RunState::Changing(Change::Pending), "2026-11-24T06:00:00Z"), Some("Pending since")),
            ((RunState::Changing(Change::Updating), "2026-11-24T06:00:00Z"), Some("Updating since")),
            ((RunState::Changing(Change::Deleting), "2026-11-24T06:00:00Z"), Some("Deleting since")),
            ((RunState::Changing(Change::Deleting), "2026-11-24T11:00:00Z"), None),
            ((RunState::Failed, "2026-11-24T11:00:00Z"), Some("Failed since Tue 2026-11-24 11:00 UTC: it does not run")),
            ((RunState::InService, "2026-01-01T00:00:00Z"), None),
            ((RunState::Stopped, "2026-01-01T00:00:00Z"), None),
            ((RunState::Other, "2026-01-01T00:00:00Z"), None),
        ] {
            let notebook = Notebook { state, ..notebook(since) };
            let verdict = rule.check(&notebook, &context("2026-11-24T12:00:00Z"));
            match (&verdict, told) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(reason)) => assert!(waste.reason.to_string().starts_with(reason), "{}", waste.reason),
                _ => panic!("{state:?} {since}: {verdict:?}"),
            }
        }
        let unknown = Notebook { state: RunState::Changing(Change::Stopping), since: None, ..notebook("2026-11-24T12:00:00Z") };
        assert!(matches!(rule.check(&unknown, &context("2026-11-24T12:00:00Z")), Verdict::Unknown(_)));
    }
}
