//! # invalid-tag-value
//!
//! ## What it finds
//! A resource that `missing-tag` checks, with a required tag whose value is empty or does not match `required`. The setting `required` of
//! `[rules.missing-tag]` applies here too. Also a resource whose owner's tag names somebody who has left (`left` in `[ownership]` of the policy).
//!
//! ## Why it costs money
//! The bill sums up by value: spend with a misspelled value is on nobody's bill. And nobody looks after what belongs to somebody who has left.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed the value, what is allowed, and the command that sets it. The guard never overwrites an existing value. Enforce (needs
//! `remedy = "stop-after-grace"`): its owner is warned, and after `grace` a running notebook instance, Studio app or job is stopped, as by `missing-tag`.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Asset,
    policy::{Met, Policy, Required, Requirement},
    remedy::Remedy,
    rules::{
        asset::{AssetKinds, has_ended, how_to_tag, is_job, spared, spending, stop, unpriced, wanted},
        context::RuleContext,
        rule::{Manner, RemedyName, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{duration::Duration, resource::Kind},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InvalidTagValue {
    /// Required tags other than those of `missing-tag`. Absent: those of `missing-tag`.
    required: Required,
    /// The kinds that are checked, spelled as in an ARN.
    kinds: AssetKinds,
    /// The action if the rule is enforced: `"stop-after-grace"`. To enforce the rule, the policy must set it.
    remedy: ValueRemedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ValueRemedy {
    None,
    StopAfterGrace,
}

impl Default for InvalidTagValue {
    fn default() -> Self {
        Self { required: Required::default(), kinds: AssetKinds::default(), remedy: ValueRemedy::None }
    }
}

impl Rule for InvalidTagValue {
    const NAME: &'static str = "invalid-tag-value";
    const TO_DO: &'static str = "write values that the policy allows";
    const MANNER: Manner = Manner {
        grace: Duration::days(3),
        escalate_after: Some(Duration::days(14)),
        notified_per_series: true,
        notified_together: true,
        notifies_exempt: true,
        costs_are_waste: false,
        shares: Some(("missing-tag", "required")),
        ..Manner::ENFORCEABLE
    };
    type Subject = Asset;

    fn remedy(&self) -> Option<RemedyName> {
        (self.remedy == ValueRemedy::StopAfterGrace).then_some(RemedyName::StopAfterGrace)
    }

    fn lacks(&self) -> Option<&'static str> {
        (self.remedy == ValueRemedy::None).then_some("has no `remedy`: write remedy = \"stop-after-grace\"")
    }

    fn reads_tag(&self, key: &str, policy: &Policy) -> bool {
        self.required.reads(key, policy)
    }

    fn required(&self) -> Option<&Required> {
        Some(&self.required)
    }

    fn audits(&self, kind: Kind) -> bool {
        self.kinds.has(kind)
    }

    fn check(&self, audited: &Asset, cx: &RuleContext<'_>) -> Verdict {
        let Some((wanted, tags)) = wanted(&self.required, &self.kinds, audited, cx) else { return Verdict::Fine };
        let mut wrong: Vec<Wrong<'_>> = wanted
            .iter()
            .filter_map(|wanted| if let Met::Wrong(key, value) = wanted.met_by(tags) { Some(Wrong::of(wanted, key, value)) } else { None })
            .collect();
        let of_who_left = cx.policy.tag_of_who_left(tags).filter(|(key, _)| wrong.iter().all(|one| one.key != *key));
        wrong.extend(of_who_left.map(|(key, value)| Wrong {
            key,
            value,
            why: format!("its tag {key} names {value}, who has left"),
            right: None,
        }));
        if wrong.is_empty() {
            return Verdict::Fine;
        }
        if let Some(verdict) = spared(audited, cx) {
            return verdict;
        }
        let tags: Vec<(&str, String)> =
            wrong.iter().map(|one| (one.key, one.right.map_or_else(|| format!("<{}>", one.key), str::to_owned))).collect();
        let advice = |has_ended| how_to_tag(audited, &tags, "", has_ended);
        let (usd_per_hour, usd_per_month) = spending(audited, cx);
        Verdict::Waste(Box::new(Waste {
            reason: wrong.iter().map(|one| one.why.as_str()).collect::<Vec<_>>().join("; ").into(),
            usd_per_hour,
            usd_per_month,
            remedy: if self.remedy == ValueRemedy::StopAfterGrace { stop(audited, cx) } else { Remedy::None },
            notice: Notice {
                advice: Some(advice(has_ended(audited))),
                after_stop: is_job(audited).then(|| advice(true)),
                unpriced: unpriced(audited, usd_per_hour),
                headline: Some("wrongly tagged"),
                instead: Some("correct its tags or keep it"),
                key: Some(wrong.iter().map(|Wrong { key, value, .. }| format!("{key}={value}")).collect::<Vec<_>>().join(", ")),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// A tag whose value is not accepted.
struct Wrong<'a> {
    key: &'a str,
    value: &'a str,
    why: String,
    /// The value that is certainly meant.
    right: Option<&'a str>,
}

impl<'a> Wrong<'a> {
    fn of(wanted: &Requirement<'_>, key: &'a str, value: &'a str) -> Self {
        let right = Some(value.trim()).filter(|trimmed| wanted.takes(trimmed));
        let why = match value.trim() {
            "" => format!("its tag {key} is empty: it must be {}", wanted.wants()),
            trimmed if trimmed != value && right.is_some() => {
                format!("its tag {key} has the value \"{value}\", which is right except for the spaces around it")
            }
            _ => format!("its tag {key} has the value {value}: it must be {}", wanted.wants()),
        };
        Self { key, value, why, right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    fn rule() -> InvalidTagValue {
        toml::from_str(r#"required = { CostCenter = "[A-Z]{2}[0-9]{4}", Team = ["nlp", "vision"] }"#).unwrap()
    }

    #[test]
    fn tells_the_value_and_what_is_wanted() {
        for (tags, reason) in [
            (vec![("CostCenter", "AB1234"), ("Team", "nlp")], None),
            (vec![], None), // reported by missing-tag
            (
                vec![("CostCenter", "ab1234")],
                Some("its tag CostCenter has the value ab1234: it must be a value of the pattern [A-Z]{2}[0-9]{4}"),
            ),
            (
                vec![("CostCenter", "AB1234 ")],
                Some("its tag CostCenter has the value \"AB1234 \", which is right except for the spaces around it"),
            ),
            (vec![("Team", "")], Some("its tag Team is empty: it must be one of nlp, vision")),
            (
                vec![("CostCenter", "?"), ("Team", "NLP")],
                Some(
                    "its tag CostCenter has the value ?: it must be a value of the pattern [A-Z]{2}[0-9]{4}; its tag Team has the value NLP: it must be one of nlp, vision",
                ),
            ),
        ] {
            match (rule().check(&audited("endpoint/x", &tags), &context("2026-11-24T12:00:00Z")), reason) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(reason)) => {
                    assert_eq!((waste.reason.to_string().as_str(), &waste.remedy), (reason, &Remedy::None));
                }
                (verdict, _) => panic!("{tags:?}: {verdict:?}"),
            }
        }
    }

    #[test]
    fn what_runs_may_be_stopped_and_what_is_nearly_right_is_offered() {
        let stopping = InvalidTagValue { remedy: ValueRemedy::StopAfterGrace, ..rule() };
        let run = Some("2026-11-24T08:00:00Z".parse().unwrap());
        let running =
            Asset { run, stop: Remedy::StopTrainingJob, ..audited("training-job/x", &[("CostCenter", "AB1234 "), ("Team", "?")]) };
        let Verdict::Waste(waste) = stopping.check(&running, &context("2026-11-24T12:00:00Z")) else { panic!("waste") };
        assert_eq!((waste.remedy, waste.notice.key.as_deref()), (Remedy::StopTrainingJob, Some("CostCenter=AB1234 , Team=?")));
        assert!(waste.notice.advice.unwrap().ends_with("--tags 'Key=CostCenter,Value=AB1234' 'Key=Team,Value=<Team>'"));
        let Verdict::Waste(waste) = stopping.check(&Asset { run: None, ..running }, &context("2026-11-24T12:00:00Z")) else {
            panic!("waste")
        };
        assert_eq!(waste.remedy, Remedy::None, "it has ended");
    }

    #[test]
    fn an_owners_tag_that_names_somebody_who_has_left_is_told() {
        let policy = Policy::from_toml("owner-tags = [\"Owner\"]\n[ownership]\nleft = [\"zoe@example.com\"]").unwrap();
        let cx = RuleContext { policy: &policy, ..context("2026-11-24T12:00:00Z") };
        let judge = |tags: &[(&str, &str)]| rule().check(&audited("endpoint/x", tags), &cx);
        assert_eq!(judge(&[("Owner", "ann@example.com")]), Verdict::Fine);
        assert_eq!(judge(&[("Owner", "Zoe@example.com, ann@example.com")]), Verdict::Fine, "ann is here");
        let Verdict::Waste(waste) = judge(&[("Owner", "Zoe@example.com"), ("Team", "NLP")]) else { panic!("waste") };
        assert_eq!(
            waste.reason,
            "its tag Team has the value NLP: it must be one of nlp, vision; its tag Owner names Zoe@example.com, who has left"
        );
        assert!(waste.notice.advice.unwrap().ends_with("--tags 'Key=Team,Value=<Team>' 'Key=Owner,Value=<Owner>'"));
    }
}
