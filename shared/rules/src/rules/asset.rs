//! What the tag rules and `stoppable-over-budget` share: the kinds of resources, what stops them, and what they cost.

use std::{borrow::Cow, collections::BTreeMap};

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::vocabulary::spelling::nearest;
use crate::{
    facts::{Asset, Parent},
    policy::{Required, Requirement},
    remedy::{Remedy, how_to_add},
    rules::{
        context::RuleContext,
        studio::{AppType, default_app_types},
        verdict::Verdict,
    },
    vocabulary::{
        price::{HOURS_PER_MONTH, Instances},
        resource::Kind,
        text::one_line,
    },
};

/// Kinds of resources that have tags, spelled as in their ARNs. By default all.
#[derive(Clone, Debug)]
pub(crate) struct AssetKinds(Vec<Kind>);

impl Default for AssetKinds {
    fn default() -> Self {
        Self(Kind::TAGGED.to_vec())
    }
}

impl AssetKinds {
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.0.contains(&kind)
    }
}

impl Serialize for AssetKinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|kind| kind.as_str()))
    }
}

impl<'de> Deserialize<'de> for AssetKinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = |name: &String| {
            let all = || Kind::TAGGED.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
            let found = Kind::TAGGED.iter().copied().find(|kind| kind.as_str() == name);
            found.ok_or_else(|| de::Error::custom(format!("`{name}` is no kind of resource{}", nearest(name, &all()))))
        };
        let kinds: Vec<Kind> = Vec::<String>::deserialize(deserializer)?.iter().map(known).collect::<Result<_, _>>()?;
        if kinds.is_empty() {
            return Err(de::Error::custom("no kinds: nothing would ever be looked at: write mode = \"off\""));
        }
        Ok(Self(kinds))
    }
}

impl JsonSchema for AssetKinds {
    fn schema_name() -> Cow<'static, str> {
        "AssetKinds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds: Vec<&str> = Kind::TAGGED.iter().map(|kind| kind.as_str()).collect();
        json_schema!({ "type": "array", "items": { "type": "string", "enum": kinds }, "minItems": 1 })
    }
}

/// The tags that a rule requires of a resource, and the resource's own tags. `None`: the rule does not check this kind, or the tags were not read.
pub(crate) fn wanted<'a>(
    required: &'a Required,
    kinds: &AssetKinds,
    audited: &'a Asset,
    cx: &'a RuleContext<'_>,
) -> Option<(Vec<Requirement<'a>>, &'a BTreeMap<String, String>)> {
    let is_meant = audited.resource.kind().is_some_and(|kind| kinds.has(kind));
    let tags = audited.resource.tags.read().filter(|_| is_meant)?;
    Some((required.each(cx.policy), tags))
}

/// Whether it is a job that has ended. New tags do not change what it cost.
pub(crate) fn has_ended(audited: &Asset) -> bool {
    audited.run.is_none() && is_job(audited)
}

/// Whether it is a job. The next run of a job is another resource.
pub(crate) fn is_job(audited: &Asset) -> bool {
    audited.resource.kind().is_some_and(Kind::is_job)
}

/// What stops a running resource. [`Remedy::None`]: it does not run, or it must not be stopped.
///
/// Apps are stopped only if the Studio rules stop them by default, and if no space, profile or domain that they belong to has `cost-guard:keep-until`, or a
/// tag whose key is nearly one of the guard's.
pub(crate) fn stop(audited: &Asset, cx: &RuleContext<'_>) -> Remedy {
    let may_stop = match &audited.stop {
        Remedy::DeleteApp { app_type, .. } => {
            let is_billed = audited.instances.iter().any(|one| one.instance_type != "system");
            let is_stopped = default_app_types().iter().any(|one| one.as_str() == app_type);
            is_billed && is_stopped && !audited.ancestors.iter().any(|ancestor| cx.policy.may_keep(&ancestor.tags))
        }
        _ => true,
    };
    if audited.run.is_some() && audited.ownership_unknown.is_none() && may_stop { audited.stop.clone() } else { Remedy::None }
}

/// Why there is no finding, whatever its tags are: it is being deleted, or will be by the job that made it; its parent job is judged itself, or its owner
/// could not be read.
pub(crate) fn spared(audited: &Asset, cx: &RuleContext<'_>) -> Option<Verdict> {
    if audited.is_leaving || audited.is_of_a_job_at_work(cx.now) {
        return Some(Verdict::Later);
    }
    let is_child = |parent: &&Parent| matches!(Kind::of(&parent.id), Some(Kind::TuningJob | Kind::AutoMlJob));
    if let Some(parent) = audited.parent.as_ref().filter(is_child) {
        return Some(Verdict::Exempt(format!("it belongs to {}, which is looked at itself", parent.id)));
    }
    let is_named = || cx.policy.owner_of(&audited.resource).or_else(|| cx.policy.owner_who_left(&audited.resource)).is_some();
    let why = audited.ownership_unknown.as_ref().filter(|_| !is_named())?;
    Some(Verdict::Unknown(format!("whose it is could not be read: {why}")))
}

/// How a person tags it with these keys and values; for an ended job, how to tag the next one. `from`: where the values come from.
pub(crate) fn how_to_tag(audited: &Asset, tags: &[(&str, String)], from: &str, has_ended: bool) -> String {
    let from = one_line(from);
    if has_ended {
        let text = |text: &str| serde_json::Value::from(one_line(text));
        let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{{\"Key\": {}, \"Value\": {}}}", text(key), text(value))).collect();
        return format!(
            "tag the next one: what this one has cost stays untagged{from}.\nTags of its Create call, or tags of the SDK's: [{}]",
            tags.join(", ")
        );
    }
    let tags = tags.iter().map(|(key, value)| (*key, value.as_str()));
    format!("tag it{from}.\n{}", how_to_add(audited.resource.arn_or_id(), tags))
}

/// What it runs on, if it runs at a price that is not known ([`crate::rules::verdict::Notice::unpriced`]).
pub(crate) fn unpriced(audited: &Asset, usd_per_hour: Option<Decimal>) -> Option<Vec<Instances>> {
    let is_canvas = is_canvas(audited);
    // Other apps on a `system` instance cost nothing.
    let is_free = !is_canvas && audited.instances.iter().any(|one| one.instance_type == "system");
    let is_metered = audited.resource.kind().is_some_and(Kind::is_metered) && audited.run.is_some();
    (is_metered && !is_free && usd_per_hour.is_none()).then(|| audited.instances.clone())
}

/// Whether it is a session of Canvas, which has a price of its own, whatever instance it is said to have.
fn is_canvas(audited: &Asset) -> bool {
    matches!(&audited.stop, Remedy::DeleteApp { app_type, .. } if app_type == AppType::Canvas.as_str())
}

/// What a running resource costs: USD per hour, and USD per month if nothing changes (for a job, at most until its time limit).
pub(crate) fn spending(audited: &Asset, cx: &RuleContext<'_>) -> (Option<Decimal>, Option<Decimal>) {
    let usd_per_hour = audited.usd_per_hour(cx.prices).filter(|_| audited.run.is_some() && !is_canvas(audited));
    let hours = match audited.limit {
        Some(limit) => Some(limit.in_hours().min(HOURS_PER_MONTH)),
        None => (!is_job(audited)).then_some(HOURS_PER_MONTH),
    };
    (usd_per_hour, usd_per_hour.zip(hours).map(|(usd, hours)| usd * hours))
}
