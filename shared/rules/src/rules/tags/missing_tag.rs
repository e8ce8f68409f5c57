//! # missing-tag
//!
//! ## What it finds
//! SageMaker resources that lack a required tag: notebook instances; Studio domains, user profiles, spaces and apps; endpoints, their configurations, models
//! and inference components; feature groups, pipelines, MLflow tracking servers and apps, Partner AI Apps, training plans and HyperPod clusters; and training,
//! tuning, processing, transform, AutoML, optimization, recommendation and labeling jobs and training sessions that run or were submitted in the last week.
//! What a job of SageMaker Clarify or of Inference Recommender hosts for itself (`sm-clarify-…`, `sm-epc-…`) is not checked in its first 24 hours.
//! The rule checks a resource's own tags, because the bill contains no others. The mail names a key that is nearly
//! the required one (`costcenter`, `Cost-Center`, `CostCentre` or one with a space at its end, for `CostCenter`), because for the bill it is another key.
//!
//! ## Why it costs money
//! Cost allocation tags show who spends what. A resource without tags is on nobody's bill, and nobody looks after it.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed what is missing, what the resource costs, and the command that tags it. The owner is whoever the owner tag names; else whoever
//! created it according to CloudTrail (see `[creators]` in the policy); else the owner of what it belongs to: for an app its space or profile and its domain, for
//! a space its owner's profile, for an endpoint its configuration and the model in it, for a job its tuning or AutoML job or its pipeline. If no owner is known,
//! it is mailed as `unowned`. Of an owner who has left (`left` in `[ownership]`), the owner of the team's `[[budget]]` is mailed instead. Jobs whose names differ only by a time or a number are reported once, and so are models and
//! endpoint configurations whose names a tool makes anew (`churn-2026-11-24-01-30-00-123`). What is still open after `escalate-after` is mailed once more
//! with severity `warning`, for its team.
//!
//! Enforce with `remedy = "tag"`: the guard at once writes the missing tags whose values it knows. A value comes from a key that is nearly the required one; for
//! the owner tag, from the creator; else from the nearest parent that has the key. The guard writes only values that match `required`, and never overwrites an
//! existing tag. `remedy = "stop-after-grace"` does the same. If tags are still missing, it warns the owner, and after `grace` stops a running notebook instance,
//! Studio app or job (as by `notebook-off-hours`, `studio-app-off-hours`, `training-on-demand`; a processing or transform job loses what it has not written to S3).
//! Nothing else is ever stopped, and only apps are ever deleted.
//!
//! ## Settings

use std::{collections::BTreeMap, fmt::Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Asset,
    policy::{MOST_TAGS, Met, Policy, Required, Requirement},
    remedy::Remedy,
    rules::{
        asset::{AssetKinds, has_ended, how_to_tag, is_job, spared, spending, stop, unpriced, wanted},
        context::RuleContext,
        rule::{Manner, RemedyName, Rule},
        tags::fill::{Filled, fill},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{duration::Duration, resource::Kind},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MissingTag {
    /// The required keys, each with a pattern of its whole value or a list of values: `{ CostCenter = "[A-Z]{2}[0-9]{4}", Team = ["nlp", "vision"] }`.
    /// Empty: one of the policy's `owner-tags` and one of its `team-tags`, with any value. An `[[override]]` can set other keys for a team or a kind.
    required: Required,
    /// The kinds that are checked, spelled as in an ARN.
    kinds: AssetKinds,
    /// The action if the rule is enforced: `"tag"` or `"stop-after-grace"`. To enforce the rule, the policy must set it.
    remedy: TagRemedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TagRemedy {
    None,
    Tag,
    StopAfterGrace,
}

impl Default for MissingTag {
    fn default() -> Self {
        Self { required: Required::default(), kinds: AssetKinds::default(), remedy: TagRemedy::None }
    }
}

impl Rule for MissingTag {
    const NAME: &'static str = "missing-tag";
    const TO_DO: &'static str = "add the tags that it lacks";
    const MANNER: Manner = Manner {
        grace: Duration::days(3),
        escalate_after: Some(Duration::days(14)),
        notified_per_series: true,
        notified_together: true,
        notifies_exempt: true,
        costs_are_waste: false,
        ..Manner::ENFORCEABLE
    };
    type Subject = Asset;

    fn remedy(&self) -> Option<RemedyName> {
        match self.remedy {
            TagRemedy::None => None,
            TagRemedy::Tag => Some(RemedyName::Tag),
            TagRemedy::StopAfterGrace => Some(RemedyName::StopAfterGrace),
        }
    }

    fn lacks(&self) -> Option<&'static str> {
        (self.remedy == TagRemedy::None).then_some("has no `remedy`: write remedy = \"tag\" or remedy = \"stop-after-grace\"")
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
        let missing: Vec<Requirement<'_>> = wanted.into_iter().filter(|wanted| wanted.met_by(tags) == Met::Missing).collect();
        if missing.is_empty() {
            return Verdict::Fine;
        }
        if let Some(verdict) = spared(audited, cx) {
            return verdict;
        }
        let filled: Vec<(String, Filled)> =
            missing.iter().filter_map(|wanted| Some((wanted.key().to_owned(), fill(wanted, audited, cx)?))).collect();
        let rest: Vec<Requirement<'_>> =
            missing.iter().copied().filter(|wanted| filled.iter().all(|(key, _)| key != wanted.key())).collect();
        let has_room = |more: usize| audited.tag_count + more <= MOST_TAGS;
        let noun = if missing.len() == 1 { "tag" } else { "tags" };
        let lacked = format!("the {noun} {}", listed(&missing.iter().map(ToString::to_string).collect::<Vec<_>>()));
        let mut more = String::new();
        for (wanted, (key, value)) in missing.iter().filter_map(|wanted| Some((wanted, wanted.near_miss(tags)?))) {
            let _ = write!(more, "; its tag \"{key}\" ({value}) does not count: the key must be exactly {}", wanted.name());
        }
        if !has_room(missing.len()) {
            let _ = write!(more, "; it has {} tags, and SageMaker takes {MOST_TAGS}: remove one first", audited.tag_count);
        }
        let (usd_per_hour, usd_per_month) = spending(audited, cx);
        let has_ended = has_ended(audited);
        let tag = || Remedy::AddTags {
            tags: filled.iter().map(|(key, filled)| (key.clone(), filled.value.clone())).collect(),
            from: sources(&filled),
            rest: (!rest.is_empty()).then(|| advice(audited, &rest, &[], has_ended)),
        };
        let remedy = match self.remedy {
            _ if audited.ownership_unknown.is_some() => Remedy::None,
            TagRemedy::Tag | TagRemedy::StopAfterGrace if has_room(filled.len()) && !filled.is_empty() => tag(),
            TagRemedy::StopAfterGrace => stop(audited, cx),
            TagRemedy::None | TagRemedy::Tag => Remedy::None,
        };
        // If the guard writes tags, the key names only the tags that remain, so that the next run has no news.
        let remaining = if matches!(remedy, Remedy::AddTags { .. }) { &rest } else { &missing };
        let topic = remaining.iter().map(Requirement::name).collect::<Vec<_>>().join(", ");
        Verdict::Waste(Box::new(Waste {
            reason: format!("it lacks {lacked}{more}").into(),
            was: Some(format!("it lacked {lacked}{more}").into()),
            usd_per_hour,
            usd_per_month,
            remedy,
            notice: Notice {
                advice: Some(advice(audited, &missing, &filled, has_ended)),
                after_stop: is_job(audited).then(|| advice(audited, &missing, &filled, true)),
                key: Some(topic),
                unpriced: unpriced(audited, usd_per_hour),
                headline: Some("untagged"),
                instead: Some("tag it or keep it"),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// `Owner and Team from its model churn-model`
fn sources(filled: &[(String, Filled)]) -> String {
    let mut by_source: Vec<(&str, Vec<String>)> = vec![];
    for (key, Filled { from, .. }) in filled {
        match by_source.iter_mut().find(|(source, _)| source == from) {
            Some((_, keys)) => keys.push(key.clone()),
            None => by_source.push((from.as_str(), vec![key.clone()])),
        }
    }
    by_source.iter().map(|(source, keys)| format!("{} from {source}", listed(keys))).collect::<Vec<_>>().join(", ")
}

/// `a, b and c`
fn listed(names: &[String]) -> String {
    match names {
        [front @ .., last] if !front.is_empty() => format!("{} and {last}", front.join(", ")),
        _ => names.concat(),
    }
}

/// How a person tags it: with the known values, and where they come from.
fn advice(audited: &Asset, missing: &[Requirement<'_>], filled: &[(String, Filled)], has_ended: bool) -> String {
    let known: BTreeMap<&str, &Filled> = filled.iter().map(|(key, filled)| (key.as_str(), filled)).collect();
    let value = |key: &str| known.get(key).map_or_else(|| format!("<{key}>"), |filled| filled.value.clone());
    let from = if filled.is_empty() { String::new() } else { format!(" ({})", sources(filled)) };
    let tags: Vec<(&str, String)> = missing.iter().map(|wanted| (wanted.key(), value(wanted.key()))).collect();
    how_to_tag(audited, &tags, &from, has_ended)
}

#[cfg(test)]
mod tests;
