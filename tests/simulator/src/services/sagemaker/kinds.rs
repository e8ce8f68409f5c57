//! The calls of all kinds: create, describe, list, stop and delete have one implementation each, which reads the kind's row of the table.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::life::kinds::{
    Asset, New,
    table::{KINDS, Kind, kind_of},
};
use crate::{
    estate::jobs::is_legal_name,
    life::{
        order::{Asked, Listed as _, Part},
        trail::Creator,
    },
    services::sagemaker::{
        endpoints,
        training::{legal_tags, moment, one_of},
    },
    wire::{Page, Refusal, seconds, text, with_token},
    world::World,
};

/// What a call does to a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Describe,
    List,
    Stop,
    Delete,
}

/// The kind and the verb of an operation.
pub(crate) fn verb_of(operation: &str) -> Option<(&'static Kind, Verb)> {
    KINDS.iter().find_map(|kind| {
        let verb = match Some(operation) {
            Some("") => return None,
            is if is == Some(kind.create.operation) => Verb::Create,
            is if is == Some(kind.describe.operation) => Verb::Describe,
            is if is == Some(kind.list.operation) => Verb::List,
            is if is == kind.stop => Verb::Stop,
            is if is == kind.delete => Verb::Delete,
            _ => return None,
        };
        Some((kind, verb))
    })
}

pub(crate) fn serve(world: &mut World, kind: &'static Kind, verb: Verb, input: &Value) -> Result<Value, Refusal> {
    match verb {
        Verb::Create => create(world, kind, input),
        Verb::Describe => find(world, kind, input).map(|asset| described(world, asset)),
        Verb::List => list(world, kind, input),
        Verb::Stop => stop(world, kind, input),
        Verb::Delete => delete(world, kind, input),
    }
}

/// Each kind has its own error for a missing name. Some resources can also be found by ARN.
fn find<'a>(world: &'a World, kind: &'static Kind, input: &Value) -> Result<&'a Asset, Refusal> {
    let name = text(input, &kind.field("Name")).unwrap_or_default();
    let found = if name.starts_with("arn:") { world.assets.by_arn(kind, name) } else { world.assets.get(kind, name) };
    found.ok_or_else(|| (kind.missing)(world, kind, name))
}

fn stop(world: &mut World, kind: &'static Kind, input: &Value) -> Result<Value, Refusal> {
    let name = text(input, &kind.field("Name")).unwrap_or_default();
    let asset = find(world, kind, input).map_err(|missing| {
        // For a missing job, `Stop…` has another text than `Describe…` (real accounts' answers).
        let other = || Refusal::validation(format!("Could not find job to update with name {name}"));
        if missing.code == "ValidationException" { other() } else { missing }
    })?;
    match asset.status() {
        "InProgress" => {}
        "Stopping" => return Ok(json!({})),
        status => {
            let job = match kind.noun {
                "ProcessingJob" => "processing job",
                "TransformJob" => "transform job",
                _ => "AutoML job",
            };
            return Err(Refusal::validation(format!("The request was rejected because the {job} is in status {status}.")));
        }
    }
    let name = asset.name.clone();
    world.stop_asset(kind, &name);
    Ok(json!({}))
}

fn delete(world: &mut World, kind: &'static Kind, input: &Value) -> Result<Value, Refusal> {
    let asset = find(world, kind, input)?;
    let (name, arn) = (asset.name.clone(), asset.arn.clone());
    if kind.name == "endpoint" {
        endpoints::may_delete(world, asset)?;
        world.forget_scaling(&name);
    }
    world.delete_asset(kind, &name);
    // A kind without a status for its deletion is deleted at once.
    world.live_until(world.now);
    Ok(match kind.name {
        "pipeline" | "mlflow-tracking-server" | "cluster" => json!({kind.field("Arn"): arn}),
        _ => json!({}),
    })
}

fn create(world: &mut World, kind: &'static Kind, input: &Value) -> Result<Value, Refusal> {
    let field = kind.field("Name");
    let name = text(input, &field).ok_or_else(|| required(&field))?;
    let Some(definition) = definition_of(kind, input) else { return Err(required(&field)) };
    legal_name(kind, name)?;
    if let Some(missing) = kind.create.required.iter().find(|field| input.get(**field).is_none()) {
        return Err(required(missing));
    }
    let tags = legal_tags(input)?;
    if world.assets.shelf(kind).is_some_and(|shelf| shelf.get(name).is_some()) {
        return Err((kind.taken)(world, kind, name));
    }
    endpoints::may_create(kind, &definition)?;
    let grown = kind.grown(world, &definition)?;
    let (script, by) = (world.assets.script_for(kind, name), Some(Creator::default()));
    world.create_asset(kind, New { name: name.to_owned(), definition: Arc::new(definition), grown, script, by }, &tags);
    let answered = if kind.name == "inference-experiment" { "InferenceExperimentArn".into() } else { kind.field("Arn") };
    Ok(json!({answered: kind.arn_of(world, name)}))
}

/// The input, without the name and the tags.
fn definition_of(kind: &Kind, input: &Value) -> Option<Value> {
    let mut definition = input.as_object()?.clone();
    definition.remove(&kind.field("Name"));
    definition.remove("Tags");
    Some(Value::Object(definition))
}

/// A field's name in AWS's errors: with a small first letter.
pub(crate) fn small(field: &str) -> String {
    let mut letters = field.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn required(field: &str) -> Refusal {
    let field = small(field);
    Refusal::validation(format!(
        "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
    ))
}

/// AWS's error for an invalid name.
fn legal_name(kind: &Kind, name: &str) -> Result<(), Refusal> {
    let (field, most) = (small(&kind.field("Name")), kind.create.most);
    if most < name.len() {
        return Err(Refusal::invalid_value(name, &field, &format!("Member must have length less than or equal to {most}")));
    }
    let dashes = if kind.create.underscores { name.replace('_', "-") } else { name.to_owned() };
    if !is_legal_name(&dashes) {
        let between = if kind.create.underscores { "[_-]*" } else { "-*" };
        let constraint = format!("Member must satisfy regular expression pattern: [a-zA-Z0-9]({between}[a-zA-Z0-9]){{0,{}}}", most - 1);
        return Err(Refusal::invalid_value(name, &field, &constraint));
    }
    Ok(())
}

/// Whether AWS accepts the name.
pub(crate) fn is_legal(kind: &Kind, name: &str) -> bool {
    legal_name(kind, name).is_ok()
}

/// The fields that all answers about a resource have.
fn outline(asset: &Asset, modified: bool) -> Value {
    let kind = asset.kind;
    let mut outline = json!({
        kind.field("Name"): asset.name, kind.field("Arn"): asset.arn, "CreationTime": seconds(asset.created()),
    });
    if modified {
        outline["LastModifiedTime"] = seconds(asset.modified()).into();
    }
    if !kind.statuses.is_empty() {
        outline[kind.field("Status")] = asset.status().into();
    }
    outline
}

/// The answer to `Describe…`: the definition and what AWS adds, without the tags.
fn described(world: &World, asset: &Asset) -> Value {
    let describe = &asset.kind.describe;
    let mut described = Value::clone(&asset.definition);
    if let (Some(fields), Value::Object(outline)) = (described.as_object_mut(), outline(asset, describe.modified)) {
        fields.retain(|name, _| !describe.without.contains(&name.as_str()));
        fields.extend(outline);
        if let Some(failure) = asset.failure() {
            fields.insert("FailureReason".into(), failure.into());
        }
    }
    (describe.more)(world, asset, &mut described);
    described
}

fn list(world: &World, kind: &'static Kind, input: &Value) -> Result<Value, Refusal> {
    let list = &kind.list;
    let status = text(input, list.status);
    if let Some(status) = status {
        one_of(status, &small(list.status), kind.statuses)?;
    }
    let Asked { order, descending, page: Page { size, after } } = list.sorting.asked(input)?;
    let parent = text(input, list.parent).map(|name| name.rsplit('/').next().unwrap_or_default().to_lowercase());
    if let (Some(name), "pipeline-execution", Some(pipeline)) = (&parent, kind.name, kind_of("pipeline")) {
        let shelf = world.assets.shelf(pipeline);
        if shelf.is_none_or(|shelf| shelf.by_key(name).is_none()) {
            return Err((kind.missing)(world, pipeline, name));
        }
    }
    let contains = text(input, list.name);
    let bound = |of: &str, which: &str| moment(input, &format!("{of}{which}"));
    let between = |of: &str, at: Timestamp| {
        let from = bound(of, "After").is_none_or(|after| if list.from_its_moment { after <= at } else { after < at });
        from && bound(of, "Before").is_none_or(|before| at < before)
    };
    let wanted = |asset: &&Asset| {
        status.is_none_or(|status| asset.status() == status)
            && contains
                .is_none_or(|part| if list.name.ends_with("Prefix") { asset.name.starts_with(part) } else { asset.name.contains(part) })
            && between(list.created, asset.created())
            && (list.modified.is_empty() || between(list.modified, asset.modified()))
            && (list.wanted)(world, asset, input)
    };
    let part = Part {
        order,
        descending,
        after: after.as_deref(),
        created_from: bound(list.created, "After"),
        created_to: bound(list.created, "Before"),
        parent: parent.as_deref(),
    };
    let shelf = world.assets.shelf(kind);
    let (mut page, next) = shelf.map(|shelf| shelf.page(part, size, |asset| list.cut_first || wanted(asset))).unwrap_or_default();
    page.retain(|asset| wanted(asset));
    let summary = |asset: &Asset| {
        let mut summary = outline(asset, list.shows_modified);
        (list.more)(world, asset, &mut summary);
        summary
    };
    let summaries: Vec<Value> = page.into_iter().map(summary).collect();
    Ok(with_token(json!({list.items: summaries}), next))
}
