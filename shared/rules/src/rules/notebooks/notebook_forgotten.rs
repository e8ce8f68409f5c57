//! # notebook-forgotten
//!
//! ## What it finds
//! A notebook instance that has been stopped for longer than `after`. Its volume still exists and is still billed.
//!
//! ## Why it costs money
//! The volume of a stopped notebook is billed by the GB and month until the notebook is deleted. AWS's price for it is not in the included
//! price table. If the policy's `[prices]` sets `notebook-volume-gb-month`, the guard reads the volume's size and the mail says what it costs.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. Nothing else happens: deleting a notebook instance deletes its files, and only a person may decide that.
//!
//! ## Settings

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Notebook, RunState},
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::{Duration, roughly},
        text::argument,
        timed_text::TimedText,
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NotebookForgotten {
    /// How long a notebook may be stopped.
    after: Duration,
}

impl Default for NotebookForgotten {
    fn default() -> Self {
        Self { after: Duration::days(30) }
    }
}

impl Rule for NotebookForgotten {
    const NAME: &'static str = "notebook-forgotten";
    const TO_DO: &'static str = "start it to copy what you need, stop it, then delete it: its files are lost for good";
    type Subject = Notebook;

    fn check(&self, notebook: &Notebook, cx: &RuleContext<'_>) -> Verdict {
        match notebook.state {
            RunState::Stopped => {}
            RunState::Changing(_) | RunState::Other => return Verdict::Later,
            RunState::InService | RunState::Failed | RunState::Deleted => return Verdict::Fine,
        }
        let Some(stopped) = notebook.since else { return Verdict::Unknown("its stop time could not be read".into()) };
        let rest = cx.now.duration_since(stopped);
        if rest <= self.after.signed() {
            return Verdict::Fine;
        }
        let volume = notebook.volume_gb.map_or_else(|| "its volume".to_owned(), |gb| format!("its {gb} GB volume"));
        let usd_per_month = notebook.volume_gb.zip(cx.policy.prices.notebook_volume_gb_month).map(|(gb, usd)| Decimal::from(gb) * usd.0);
        Verdict::Waste(Box::new(Waste {
            reason: TimedText::from("stopped since ").time(stopped).text(&format!(
                " ({}), and {volume} is still billed: the limit is {}",
                roughly(rest),
                self.after
            )),
            usd_per_month,
            notice: Notice {
                advice: Some(how_to_delete(notebook)),
                // It is billed, though not for an instance.
                unpriced: usd_per_month.is_none().then(Vec::new),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// How a person can copy its files, for which it has to be on, and delete it.
fn how_to_delete(notebook: &Notebook) -> String {
    let (region, name) = (notebook.resource.region_option(), argument(&notebook.resource.name));
    format!(
        "delete it, if nobody needs its files. They are lost for good. To copy them, start it first, and stop it afterwards: only a stopped one can be deleted.\n\
         Start it:  aws sagemaker start-notebook-instance {region}--notebook-instance-name {name}\n\
         Stop it:   aws sagemaker stop-notebook-instance {region}--notebook-instance-name {name}\n\
         Delete it: aws sagemaker delete-notebook-instance {region}--notebook-instance-name {name}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn a_volume_is_not_free_because_its_price_is_not_known() {
        let mut forgotten = notebook("2026-01-01T00:00:00Z");
        (forgotten.state, forgotten.volume_gb) = (RunState::Stopped, Some(500));
        let Verdict::Waste(waste) = NotebookForgotten::default().check(&forgotten, &context("2026-11-24T12:00:00Z")) else {
            panic!("waste")
        };
        assert_eq!((waste.usd_per_month, waste.notice.unpriced), (None, Some(vec![])));
    }

    #[test]
    fn stopped_for_a_month_and_never_more_than_told() {
        let rule = NotebookForgotten::default();
        for (status, since, waste) in [
            (RunState::Stopped, "2026-10-25T12:00:00Z", false),
            (RunState::Stopped, "2026-10-25T11:59:59Z", true),
            (RunState::InService, "2026-01-01T00:00:00Z", false),
            (RunState::Other, "2026-01-01T00:00:00Z", false),
        ] {
            let mut notebook = notebook(since);
            notebook.state = status;
            let verdict = rule.check(&notebook, &context("2026-11-24T12:00:00Z"));
            assert_eq!(
                matches!(&verdict, Verdict::Waste(waste) if waste.notice.advice.as_ref().is_some_and(|says| says.contains("lost for good"))),
                waste,
                "{status:?} {since}: {verdict:?}"
            );
        }
    }
}
