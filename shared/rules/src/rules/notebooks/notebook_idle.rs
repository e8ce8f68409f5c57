//! # notebook-idle
//!
//! ## What it finds
//! A notebook instance that was not used for `idle-after`: no kernel ran, no terminal or browser tab was in use, and CPU and GPU were
//! idle. AWS publishes no such metric. The guard reads a metric that its idle agent (`infra/notebook-idle-agent`, a lifecycle configuration)
//! publishes from inside the instance every five minutes. Without a recent datapoint the idle time is unknown, and the guard takes no action.
//!
//! The rule is off unless the policy has a section `[rules.notebook-idle]`: install the agent first.
//!
//! ## Why it costs money
//! A notebook instance is billed for every second that it is on. A GPU notebook that somebody forgot costs as much as one in use.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed. Enforce: its owner is warned, and after `grace`, if it is still idle, the instance is stopped.
//! Everything in its `SageMaker` folder stays; variables in idle kernels are lost.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Notebook,
    remedy::Remedy,
    rules::{
        context::{RuleContext, on_since},
        rule::{Manner, Rule},
        verdict::Verdict,
    },
    vocabulary::duration::{Duration, roughly},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NotebookIdle {
    /// How long a notebook may be on without being used.
    idle_after: Duration,
}

impl Default for NotebookIdle {
    fn default() -> Self {
        Self { idle_after: Duration::hours(2) }
    }
}

impl Rule for NotebookIdle {
    const NAME: &'static str = "notebook-idle";
    const TO_DO: &'static str = "stop it, or keep it with the tag cost-guard:keep-until";
    /// Without the idle agent, every report would list each notebook as unread.
    const MANNER: Manner = Manner { only_if_named: true, ..Manner::ENFORCEABLE };
    type Subject = Notebook;

    fn nonsense(&self) -> Option<&'static str> {
        (self.idle_after < Duration::minutes(10)).then_some("`idle-after` is less than ten minutes: the idle agent tells it every five")
    }

    fn check(&self, notebook: &Notebook, cx: &RuleContext<'_>) -> Verdict {
        let run = match notebook.judged_run() {
            Ok(run) => run,
            Err(verdict) => return verdict,
        };
        let Some(usage) = notebook.usage else {
            return Verdict::Unknown("no recent IdleSeconds datapoint: is the idle agent installed?".into());
        };
        // Idle time counts from the start of this run, and only as far as it was measured.
        let idle = usage.known_until.duration_since(usage.last.max(run));
        if idle < self.idle_after.signed() {
            return Verdict::Fine;
        }
        let reason = on_since(run).text(&format!(", but not used for {}: the limit is {}", roughly(idle), self.idle_after));
        Verdict::Waste(Box::new(cx.running_waste(reason, notebook.instance_type.as_deref(), Remedy::StopNotebook)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Usage;
    use crate::samples::*;

    #[test]
    fn judges_the_time_since_it_was_used() {
        let rule = NotebookIdle::default();
        let noon = context("2026-11-24T12:00:00Z");
        for (started, used, expected) in [
            ("2026-11-24T06:00:00Z", Some("2026-11-24T11:55:00Z"), "fine"),
            ("2026-11-24T06:00:00Z", Some("2026-11-24T09:55:01Z"), "fine"), // two hours at noon, but last measured at 11:55
            ("2026-11-24T06:00:00Z", Some("2026-11-24T09:55:00Z"), "waste"),
            ("2026-11-24T11:00:00Z", Some("2026-11-24T02:00:00Z"), "fine"), // used in an earlier run
            ("2026-11-24T06:00:00Z", None, "unknown"),
        ] {
            let mut notebook = notebook(started);
            let measured = |last: &str| Usage { last: last.parse().unwrap(), known_until: "2026-11-24T11:55:00Z".parse().unwrap() };
            notebook.usage = used.map(measured);
            let verdict = rule.check(&notebook, &noon);
            let told = match &verdict {
                Verdict::Fine => "fine",
                Verdict::Waste(_) => "waste",
                Verdict::Unknown(_) => "unknown",
                verdict => panic!("{verdict:?}"),
            };
            assert_eq!(told, expected, "used {used:?}: {verdict:?}");
        }
    }
}
