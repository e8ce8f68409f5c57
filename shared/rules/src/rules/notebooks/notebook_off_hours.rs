//! # notebook-off-hours
//!
//! ## What it finds
//! A notebook instance that is on outside working hours. The working hours are those of its own tag `cost-guard:schedule`, else of its
//! team (`[working-hours.teams]`), else the policy's default. Holidays of their time zone, or of the team, count as days off.
//!
//! The rule checks the state now, not the moment when working hours ended: if a run of the guard is missed, the next run still finds
//! the notebook. A notebook that is started in off hours is probably needed, so it is left alone for `late-start-grace` from its start.
//!
//! ## Why it costs money
//! A notebook instance is billed for every second that it is on, whether it is used or not. With working hours of 11 hours on 5 days,
//! two thirds of the week are off hours.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed. Enforce: its owner is warned, and after `grace` the instance is stopped. With `repeated-warnings = "weekly"` in
//! `[mail]` a warning holds for a week: left on again, the notebook is stopped after `grace` without another mail, and the weekly summary lists
//! that. Of a notebook that was started or used in off hours, its owner is always warned. Everything in
//! its `SageMaker` folder stays on its volume. What is only in memory or elsewhere on the instance is lost, as with every stop.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Notebook,
    remedy::Remedy,
    rules::{
        context::{RuleContext, Running},
        rule::{Manner, Rule},
        verdict::Verdict,
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NotebookOffHours {
    /// How long a notebook that was started in off hours is left alone, from its start.
    late_start_grace: Duration,
}

impl Default for NotebookOffHours {
    fn default() -> Self {
        Self { late_start_grace: Duration::hours(4) }
    }
}

impl Rule for NotebookOffHours {
    const NAME: &'static str = "notebook-off-hours";
    const TO_DO: &'static str =
        "stop it in the evening, give it other hours with the tag cost-guard:schedule, or keep it with cost-guard:keep-until";
    const MANNER: Manner = Manner::ENFORCEABLE;
    type Subject = Notebook;

    fn check(&self, notebook: &Notebook, cx: &RuleContext<'_>) -> Verdict {
        match notebook.judged_run() {
            Ok(run) => {
                let running = Running {
                    resource: &notebook.resource,
                    run,
                    instance_type: notebook.instance_type.as_deref(),
                    last_used: notebook.usage.map(|usage| usage.last),
                };
                cx.off_hours(&running, self.late_start_grace, Remedy::StopNotebook)
            }
            Err(verdict) => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::{facts::RunState, policy::Policy};

    #[test]
    fn judges_by_level_with_a_grace_for_late_starts() {
        // Working hours are mon-fri/08:00-19:00 in Berlin (UTC+1 in November). 2026-11-23 is a Monday.
        let rule = NotebookOffHours::default();
        for (now, started, waste) in [
            ("2026-11-23T17:59:00Z", "2026-11-23T08:00:00Z", false), // within working hours
            ("2026-11-23T18:00:00Z", "2026-11-23T08:00:00Z", true),  // after working hours
            ("2026-11-29T12:00:00Z", "2026-11-23T08:00:00Z", true),  // no run for a whole weekend
            ("2026-11-23T23:59:00Z", "2026-11-23T20:00:00Z", false), // started late: left alone
            ("2026-11-24T00:00:00Z", "2026-11-23T20:00:00Z", true),  // but only for four hours
            ("2026-11-24T18:05:00Z", "2026-11-24T06:30:00Z", true),  // an early start does not extend the evening
        ] {
            let verdict = rule.check(&notebook(started), &context(now));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "started {started}, now {now}: {verdict:?}");
        }
    }

    #[test]
    fn own_schedule_goes_before_the_teams_and_that_before_the_default() {
        let rule = NotebookOffHours::default();
        let evening = context("2026-11-23T20:00:00Z");
        let started = "2026-11-23T08:00:00Z";
        for (tags, waste) in [
            (&[][..], true),
            (&[("Team", "vision")], false), // vision works in New York
            (&[("Team", "Vision ")], false),
            (&[("TEAM", "VISION")], false),
            (&[(" team", "Vi Sion")], false),
            (&[("Team", "vision2")], true),
            (&[("Team", "vision"), ("cost-guard:schedule", "mon-fri/08:00-19:00")], true),
            (&[("cost-guard:schedule", "always")], false),
        ] {
            let verdict = rule.check(&tagged(notebook(started), tags), &evening);
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{tags:?}: {verdict:?}");
        }
        let unreadable = tagged(notebook(started), &[("cost-guard:schedule", "9 to 5")]);
        assert!(matches!(rule.check(&unreadable, &evening), Verdict::Unknown(_)));
    }

    #[test]
    fn gives_the_reason_and_the_price_with_their_numbers() {
        let Verdict::Waste(waste) = NotebookOffHours::default().check(&notebook("2026-11-23T08:00:00Z"), &context("2026-11-23T19:30:00Z"))
        else {
            panic!("waste");
        };
        assert_eq!(
            waste.reason,
            "on since Mon 2026-11-23 08:00 UTC (11h 30m), outside the policy's working hours mon-fri/08:00-19:00, which ended Mon 2026-11-23 18:00 UTC"
        );
        // 0.23 USD/h x 730 h x 113/168
        assert_eq!(waste.usd_per_month.map(|usd| usd.round_dp(2)), Some(rust_decimal::dec!(112.93)));
        assert_eq!(waste.ends, Some("2026-11-24T07:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_holiday_stands_in_the_reason_where_it_is_why() {
        let policy = Policy::from_toml(
            "timezone = \"Europe/Berlin\"\n[working-hours]\ndefault = \"mon-fri/08:00-19:00\"\nholidays = [\"2026-11-26\"]",
        )
        .unwrap();
        for (now, ended) in [
            ("2026-11-26T06:00:00Z", "which ended Wed 2026-11-25 18:00 UTC"),
            ("2026-11-26T14:00:00Z", "which ended Wed 2026-11-25 18:00 UTC; 2026-11-26 is a holiday"),
            ("2026-11-28T20:54:00Z", "which ended Fri 2026-11-27 18:00 UTC"), // a Saturday
        ] {
            let cx = RuleContext { policy: &policy, ..context(now) };
            let verdict = NotebookOffHours::default().check(&notebook("2026-11-23T08:00:00Z"), &cx);
            let Verdict::Waste(waste) = verdict else { panic!("{now}: {verdict:?}") };
            assert!(waste.reason.to_string().ends_with(ended), "{now}: {}", waste.reason);
        }
    }

    #[test]
    fn nothing_is_said_of_what_is_not_running_or_not_known() {
        let rule = NotebookOffHours::default();
        let night = context("2026-11-24T02:00:00Z");
        let mut stopped = notebook("2026-11-23T08:00:00Z");
        stopped.state = RunState::Stopped;
        assert_eq!(rule.check(&stopped, &night), Verdict::Fine);
        let mut unknown = notebook("2026-11-23T08:00:00Z");
        unknown.since = None;
        assert!(matches!(rule.check(&unknown, &night), Verdict::Unknown(_)));
        let mut on_its_way = notebook("2026-11-23T08:00:00Z");
        on_its_way.state = RunState::Other;
        assert_eq!(rule.check(&on_its_way, &night), Verdict::Later);
    }
}
