//! Which rules can be rehearsed, and why the others cannot.

use std::collections::BTreeMap;

use crate::{rulebook::Rulebook, rules};

/// The rules of notebook-stopper that are rehearsed.
pub const OF_NOTEBOOKS_AND_APPS: &[&str] =
    &["notebook-off-hours", "notebook-idle", "notebook-always-on", "studio-app-off-hours", "studio-app-always-on"];

/// The rules of endpoint-autoscaler that are rehearsed.
pub const OF_ENDPOINTS: &[&str] = &["endpoint-idle", "endpoint-off-hours"];

/// All rules that are rehearsed.
const REHEARSED: [&[&str]; 2] = [OF_NOTEBOOKS_AND_APPS, OF_ENDPOINTS];

/// Whether this rule is rehearsed.
pub(super) fn is_rehearsed(rule: &str) -> bool {
    REHEARSED.iter().any(|rules| rules.contains(&rule))
}

/// Rules that are not rehearsed, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRehearsed {
    /// Their names.
    pub rules: Vec<&'static str>,
    /// Why, as a sentence.
    pub why: &'static str,
}

const ONLY_REPORTS: &str = "They only report, and stop nothing.";
const JOBS: &str = "They act when a job starts. Jobs are not rehearsed.";
const SCALING: &str = "They attach auto scaling, and stop nothing. `cost-guard replay-scaling` replays an endpoint's traffic.";
const TAGS: &str = "Which tags a resource had in the past is in no history: only those of today are known.";
const BUDGET: &str = "When a budget was used up is in no history.";
/// Of rehearsed rules that would attach auto scaling instead of stopping something.
pub(super) const ATTACHES: &str =
    "It would attach scheduled actions to endpoints, and stop nothing. `cost-guard replay-scaling` replays an endpoint's traffic.";

/// Why a rule is not rehearsed. `None`: it is.
fn why_not(rule: &str) -> Option<&'static str> {
    match rule {
        _ if is_rehearsed(rule) => None,
        "training-on-demand" | "tuning-on-demand" => Some(JOBS),
        "endpoint-without-autoscaling" | "endpoint-never-at-zero" => Some(SCALING),
        "missing-tag" | "invalid-tag-value" | "inactive-cost-allocation-tag" => Some(TAGS),
        "stoppable-over-budget" => Some(BUDGET),
        _ => Some(ONLY_REPORTS),
    }
}

/// The rules of the policy that are not rehearsed, by reason.
pub(super) fn not_rehearsed(rulebook: &Rulebook) -> Vec<NotRehearsed> {
    let mut by_reason: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    for rule in rules::ALL.iter().filter(|rule| rulebook.uses_rule(rule.name)) {
        if let Some(why) = why_not(rule.name) {
            by_reason.entry(why).or_default().push(rule.name);
        }
    }
    let mut all: Vec<NotRehearsed> = by_reason.into_iter().map(|(why, rules)| NotRehearsed { rules, why }).collect();
    // What stops something matters most.
    all.sort_by_key(|one| one.why == ONLY_REPORTS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_rehearsed_or_has_a_true_reason() {
        for rule in rules::ALL {
            let only_reports = why_not(rule.name) == Some(ONLY_REPORTS);
            assert_eq!(only_reports, !rule.manner.enforceable, "{}: say why it is not rehearsed", rule.name);
        }
        assert!(REHEARSED.concat().iter().all(|name| rules::ALL.iter().any(|rule| rule.name == *name)));
    }

    #[test]
    fn what_the_policy_switches_off_is_not_listed() {
        let named = |text: &str| -> Vec<&'static str> {
            not_rehearsed(&Rulebook::from_toml(text).unwrap()).into_iter().flat_map(|one| one.rules).collect()
        };
        assert!(named("").contains(&"training-on-demand"));
        assert!(!named("[rules.training-on-demand]\nmode = \"off\"").contains(&"training-on-demand"));
    }
}
