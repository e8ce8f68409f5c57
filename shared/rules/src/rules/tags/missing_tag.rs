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
        let mut reason = format!("it lacks the {noun} {}", listed(&missing.iter().map(ToString::to_string).collect::<Vec<_>>()));
        for (wanted, (key, value)) in missing.iter().filter_map(|wanted| Some((wanted, wanted.near_miss(tags)?))) {
            let _ = write!(
                reason,
                "; its tag \"{key}\" ({value}) does not count: the bill compares keys to the letter, and wants {}",
                wanted.name()
            );
        }
        if !has_room(missing.len()) {
            let _ = write!(reason, "; it has {} tags, and SageMaker takes {MOST_TAGS}: remove one first", audited.tag_count);
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
            reason: reason.into(),
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
mod tests {
    use super::*;
    use crate::facts::{Ancestor, Creator};
    use crate::samples::*;
    use crate::vocabulary::price::Instances;

    const RULE: &str = r#"remedy = "tag"
        required = { CostCenter = "[A-Z]{2}[0-9]{4}", Owner = ".+@.+" }"#;

    fn rule(text: &str) -> MissingTag {
        toml::from_str(text).unwrap()
    }

    fn policy() -> Policy {
        Policy::from_toml("owner-tags = [\"Owner\", \"owner\"]\nteam-tags = [\"Team\"]\n[creators]\nemail-domain = \"example.com\"")
            .unwrap()
    }

    fn judge(rule: &str, audited: &Asset) -> Verdict {
        let policy = policy();
        self::rule(rule).check(audited, &RuleContext { policy: &policy, ..context("2026-11-24T12:00:00Z") })
    }

    fn waste(rule: &str, audited: &Asset) -> Waste {
        match judge(rule, audited) {
            Verdict::Waste(waste) => *waste,
            verdict => panic!("{verdict:?}"),
        }
    }

    fn created_by(user: &str, audited: Asset) -> Asset {
        Asset { creator: Some(Creator { user: user.into() }), ..audited }
    }

    fn ancestor(id: &str, tags: &[(&str, &str)]) -> Ancestor {
        Ancestor { id: id.into(), tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect() }
    }

    fn written(waste: &Waste) -> Vec<(&str, &str)> {
        match &waste.remedy {
            Remedy::AddTags { tags, .. } => tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            Remedy::None => vec![],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nobody_tags_what_is_being_deleted() {
        for id in [
            "endpoint/x",
            "notebook-instance/x",
            "feature-group/x",
            "cluster/x",
            "domain/d-1",
            "app/d-1/ann/jupyterlab/default",
            "space/d-1/lab",
        ] {
            let leaving = Asset { is_leaving: true, ..audited(id, &[]) };
            assert_eq!(judge(RULE, &leaving), Verdict::Later, "{id}");
            assert!(matches!(judge(RULE, &audited(id, &[])), Verdict::Waste(_)), "{id}");
        }
    }

    #[test]
    fn what_a_job_of_clarify_or_of_inference_recommender_hosts_for_minutes_is_nobodys_to_tag() {
        for (id, created, is_found) in [
            ("endpoint/sm-clarify-fraud-1795570200-5fe3", "2026-11-24T11:50:00Z", false),
            ("endpoint-config/sm-clarify-config-1795570200-5fe3", "2026-11-24T11:50:00Z", false),
            ("endpoint/sm-epc-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-23T12:00:01Z", false),
            ("model/sm-epc-3f2b8c1e", "2026-11-24T11:50:00Z", false),
            // What the job left behind is billed.
            ("endpoint/sm-epc-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-23T12:00:00Z", true),
            ("endpoint/fraud-sm-clarify-1795570200-5fe3", "2026-11-24T11:50:00Z", true),
            ("feature-group/sm-clarify-fraud", "2026-11-24T11:50:00Z", true),
        ] {
            let made = Asset { created: Some(created.parse().unwrap()), ..audited(id, &[]) };
            assert_eq!(matches!(judge(RULE, &made), Verdict::Waste(_)), is_found, "{id} {created}");
            assert_eq!(judge(RULE, &made) == Verdict::Later, !is_found, "{id} {created}");
        }
    }

    #[test]
    fn what_runs_at_an_unknown_price_says_so() {
        let system = |app_type: &str| {
            let app = app(app_type, "system", "2026-11-20T12:00:00Z");
            Asset {
                stop: app.delete(),
                instances: vec![Instances { instance_type: "system".into(), count: 1 }],
                ..audited("app/d-1/ann/x/default", &[])
            }
        };
        let unknown = Instances { instance_type: Instances::UNKNOWN_TYPE.into(), count: 3 };
        for (asset, unpriced) in [
            (audited("endpoint/without-config", &[]), Some(0)),
            (Asset { instances: vec![unknown], ..audited("endpoint/without-config", &[]) }, Some(3)),
            (audited("mlflow-tracking-server/runs", &[]), Some(0)),
            (audited("automl-job/pilot", &[]), Some(0)),
            (audited("partner-app/app-0123456789ab", &[]), Some(0)),
            (audited("optimization-job/quantized", &[]), Some(0)),
            (audited("training-session/tuned", &[]), None),
            (audited("labeling-job/cats", &[]), None),
            (audited("app/d-1/ann/jupyterlab/default", &[]), Some(0)),
            (system("Canvas"), Some(1)),
            (system("JupyterServer"), None),
            (audited("model/churn", &[]), None),
        ] {
            let running = Asset { run: Some("2026-11-20T12:00:00Z".parse().unwrap()), ..asset };
            let told = waste(RULE, &running).notice.unpriced.map(|instances| Instances::number(&instances));
            assert_eq!(told, unpriced, "{}", running.resource.id);
            assert_eq!(waste(RULE, &Asset { run: None, ..running }).notice.unpriced, None);
        }
    }

    #[test]
    fn what_is_there_is_fine_whatever_its_value() {
        assert_eq!(judge(RULE, &audited("endpoint/x", &[("CostCenter", "AB1234"), ("Owner", "ann@example.com")])), Verdict::Fine);
        assert_eq!(judge(RULE, &audited("endpoint/x", &[("CostCenter", "?"), ("Owner", "")])), Verdict::Fine, "invalid-tag-value's");
        let others = format!("{RULE}\nkinds = [\"model\"]");
        assert_eq!(judge(&others, &audited("endpoint/x", &[])), Verdict::Fine);
        assert!(matches!(judge(&others, &audited("model/x", &[])), Verdict::Waste(_)));
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_wanted() {
        let waste = waste(RULE, &audited("endpoint/x", &[("costcenter", "ab12")]));
        assert_eq!(
            waste.reason,
            "it lacks the tags CostCenter (a value of the pattern [A-Z]{2}[0-9]{4}) and Owner (an e-mail address); its tag \"costcenter\" (ab12) does not \
             count: the bill compares keys to the letter, and wants CostCenter"
        );
        assert_eq!((waste.notice.key.as_deref(), &waste.remedy), (Some("CostCenter, Owner"), &Remedy::None), "the value is not right");
        assert!(waste.notice.advice.unwrap().ends_with("endpoint/x --tags 'Key=CostCenter,Value=<CostCenter>' 'Key=Owner,Value=<Owner>'"));
    }

    #[test]
    fn values_come_from_near_misses_creators_and_parents_in_this_order() {
        let domain = || ancestor("domain/d-1", &[("CostCenter", "DD0001"), ("owner", "platform@example.com")]);
        let bare = || audited("app/d-1/lab/jupyterlab/default", &[]);
        for (audited, expected) in [
            (bare(), vec![]),
            (created_by("ann", bare()), vec![("Owner", "ann@example.com")]),
            (created_by("bob@elsewhere.org", bare()), vec![("Owner", "bob@elsewhere.org")]),
            (created_by("SageMaker", bare()), vec![]),
            (created_by("ann,bob", bare()), vec![]), // SageMaker allows no comma
            (
                created_by("ann", Asset { ancestors: vec![domain()], ..bare() }),
                vec![("CostCenter", "DD0001"), ("Owner", "ann@example.com")],
            ),
            (Asset { ancestors: vec![domain()], ..bare() }, vec![("CostCenter", "DD0001"), ("Owner", "platform@example.com")]),
            (
                // The nearest parent decides, and its value is not valid.
                Asset { ancestors: vec![ancestor("space/d-1/lab", &[("CostCenter", "wrong")]), domain()], ..bare() },
                vec![("Owner", "platform@example.com")],
            ),
            (
                Asset { ancestors: vec![domain()], ..audited("endpoint/x", &[("Cost-Center", "EE0005")]) },
                vec![("CostCenter", "EE0005"), ("Owner", "platform@example.com")],
            ),
            // An existing value is never overwritten.
            (Asset { ancestors: vec![domain()], ..audited("endpoint/x", &[("CostCenter", "?"), ("Owner", "x")]) }, vec![]),
        ] {
            match judge(RULE, &audited) {
                Verdict::Waste(waste) => assert_eq!(written(&waste), expected, "{audited:?}"),
                verdict => assert!(verdict == Verdict::Fine && expected.is_empty(), "{audited:?}: {verdict:?}"),
            }
        }
    }

    #[test]
    fn who_has_left_is_written_into_no_tag() {
        let left = "owner-tags = [\"Owner\"]\n[creators]\nemail-domain = \"example.com\"\n[ownership]\nleft = [\"zoe\"]";
        let policy = Policy::from_toml(left).unwrap();
        let cx = RuleContext { policy: &policy, ..context("2026-11-24T12:00:00Z") };
        let domain = |owner| ancestor("domain/d-1", &[("CostCenter", "DD0001"), ("Owner", owner)]);
        let bare = || audited("endpoint/x", &[("CostCenter", "EE0005")]);
        for (audited, expected) in [
            (created_by("zoe", bare()), vec![]),
            (created_by("zoe", Asset { ancestors: vec![domain("bob@example.com")], ..bare() }), vec![("Owner", "bob@example.com")]),
            (Asset { ancestors: vec![domain("zoe@example.com")], ..bare() }, vec![]),
            (Asset { ancestors: vec![domain("bob@example.com / zoe@example.com")], ..bare() }, vec![]),
            (audited("endpoint/x", &[("CostCenter", "EE0005"), ("owner", "Zoe@example.com")]), vec![]),
        ] {
            let Verdict::Waste(waste) = rule(RULE).check(&audited, &cx) else { panic!("{audited:?}") };
            assert_eq!(written(&waste), expected, "{audited:?}");
        }
    }

    #[test]
    fn without_room_nothing_is_written() {
        let full = |tag_count| created_by("ann", Asset { tag_count, ..audited("endpoint/x", &[]) });
        assert_eq!(written(&waste(RULE, &full(49))).len(), 1);
        let waste = waste(RULE, &full(50));
        assert!(
            waste.remedy == Remedy::None && waste.reason.to_string().ends_with("it has 50 tags, and SageMaker takes 50: remove one first"),
            "{waste:?}"
        );
    }

    #[test]
    fn what_runs_is_stopped_only_where_no_tag_can_be_written() {
        let stopping = RULE.replace("\"tag\"", "\"stop-after-grace\"");
        let run = Some("2026-11-24T08:00:00Z".parse().unwrap());
        let running = Asset { run, stop: Remedy::StopNotebook, ..audited("notebook-instance/x", &[]) };
        assert_eq!(waste(&stopping, &running).remedy, Remedy::StopNotebook);
        assert_eq!(waste(&stopping, &Asset { run: None, ..running.clone() }).remedy, Remedy::None, "it is stopped");
        assert_eq!(waste(RULE, &running).remedy, Remedy::None);
        assert_eq!(written(&waste(&stopping, &created_by("ann", running))), [("Owner", "ann@example.com")]);
        assert_eq!(waste(&stopping, &Asset { run, ..audited("endpoint/x", &[]) }).remedy, Remedy::None, "an endpoint cannot be stopped");
        let app = app("JupyterLab", "ml.t3.medium", "2026-11-24T08:00:00Z");
        let instances = vec![Instances { instance_type: "ml.t3.medium".into(), count: 1 }];
        let of_space = |key| Asset {
            run,
            stop: app.delete(),
            instances: instances.clone(),
            ancestors: vec![ancestor("space/d-1/lab", &[(key, "2026-12-31")])],
            ..audited(&app.resource.id, &[])
        };
        for (key, kept) in [("Name", false), ("cost-guard:keep-until", true), ("Cost-Guard:keep-until", true), ("cost-guard:snooze", true)]
        {
            assert_eq!(waste(&stopping, &of_space(key)).remedy == Remedy::None, kept, "{key} on its space");
        }
    }

    #[test]
    fn an_ended_job_is_told_for_the_next_one() {
        let waste = waste(RULE, &audited("processing-job/prep-1", &[]));
        assert!(waste.notice.advice.unwrap().starts_with("tag the next one"), "tags change nothing of the past");
    }

    #[test]
    fn without_required_keys_an_owner_and_a_team_will_do() {
        assert_eq!(judge("", &audited("model/x", &[("owner", "ann"), ("Team", "nlp")])), Verdict::Fine);
        assert_eq!(waste("", &audited("model/x", &[("Team", "nlp")])).notice.key.as_deref(), Some("Owner or owner"));
    }
}
