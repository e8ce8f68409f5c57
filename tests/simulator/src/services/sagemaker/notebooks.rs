//! SageMaker's notebook instances, with AWS's own error texts (aws-facts §2).

use std::ops::Bound;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    estate::{NotebookSpec, When},
    services::{
        On, Operation,
        sagemaker::tags::{as_list, tag_list},
    },
    wire::{Page, Refusal, page_of, seconds, text, with_token},
    world::{NOTEBOOK_STATUSES, Notebook, World},
};

const ALL: On = On::All("notebook-instance");
const ONE: On = On::One("notebook-instance", "NotebookInstanceName");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("ListNotebookInstances", ALL, |world, input| list(world, input)),
    Operation::new("DescribeNotebookInstance", ONE, |world, input| Ok(describe(world, find(world, name(input))?))),
    Operation::new("CreateNotebookInstance", ONE, create),
    Operation::new("StartNotebookInstance", ONE, |world, input| {
        legal(world, name(input), &["Stopped", "Failed"], "Pending")?;
        world.start(name(input));
        Ok(json!({}))
    }),
    Operation::new("StopNotebookInstance", ONE, |world, input| {
        legal(world, name(input), &["InService"], "Stopping")?;
        world.stop(name(input));
        Ok(json!({}))
    }),
    Operation::new("DeleteNotebookInstance", ONE, |world, input| {
        legal(world, name(input), &["Stopped", "Failed"], "Deleting")?;
        world.begin_deletion(name(input));
        Ok(json!({}))
    }),
];

fn name(input: &Value) -> &str {
    text(input, "NotebookInstanceName").unwrap_or_default()
}

fn find<'a>(world: &'a World, name: &str) -> Result<&'a Notebook, Refusal> {
    world.notebooks.get(name).ok_or_else(|| Refusal::new(400, "ValidationException", "RecordNotFound"))
}

/// The error text is AWS's: `Status (Stopped) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance (arn:…)`
fn legal(world: &World, name: &str, from: &[&str], to: &str) -> Result<(), Refusal> {
    let notebook = find(world, name)?;
    if from.contains(&notebook.status) {
        return Ok(());
    }
    let (status, arn, from) = (notebook.status, &notebook.arn, from.join(", "));
    let message = format!("Status ({status}) not in ([{from}]). Unable to transition to ({to}) for Notebook Instance ({arn}).");
    Err(Refusal::new(400, "ValidationException", message))
}

fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let status = text(input, "StatusEquals");
    if let Some(status) = status.filter(|status| !NOTEBOOK_STATUSES.contains(status)) {
        let constraint = format!("Member must satisfy enum value set: [{}]", NOTEBOOK_STATUSES.join(", "));
        return Err(Refusal::invalid_value(status, "statusEquals", &constraint));
    }
    let contains = text(input, "NameContains");
    let time = |name: &str| input.get(name).and_then(Value::as_f64);
    let bounds = [
        (time("CreationTimeAfter"), time("CreationTimeBefore"), (|notebook| notebook.created) as fn(&Notebook) -> Timestamp),
        (time("LastModifiedTimeAfter"), time("LastModifiedTimeBefore"), |notebook| notebook.modified),
    ];
    let wanted = |notebook: &Notebook| {
        status.is_none_or(|status| notebook.status == status)
            && contains.is_none_or(|part| notebook.spec.name.contains(part))
            && bounds.iter().all(|(after, before, of)| {
                let at = seconds(of(notebook));
                after.is_none_or(|after| after < at) && before.is_none_or(|before| at < before)
            })
    };
    let Page { size, after } = page_of(input, 10)?;
    let token = |name: &str| format!("after:{name}");
    let (summaries, next) = match text(input, "SortBy") {
        // The map is in the order of the names, so that only the page is copied.
        None | Some("Name") if text(input, "SortOrder") != Some("Descending") => {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut found = world.notebooks.range::<str, _>((from, Bound::Unbounded)).filter(|(_, notebook)| wanted(notebook));
            let page: Vec<&Notebook> = found.by_ref().take(size).map(|(_, notebook)| notebook).collect();
            let next = found.next().and_then(|_| page.last()).map(|last| token(&last.spec.name));
            (page.into_iter().map(summary).collect::<Vec<_>>(), next)
        }
        sort_by => {
            let mut found: Vec<&Notebook> = world.notebooks.values().filter(|notebook| wanted(notebook)).collect();
            match sort_by {
                Some("CreationTime") => found.sort_by_key(|notebook| notebook.created),
                Some("Status") => found.sort_by_key(|notebook| notebook.status),
                _ => {}
            }
            if text(input, "SortOrder") == Some("Descending") {
                found.reverse();
            }
            let skip = after.and_then(|name| found.iter().position(|notebook| notebook.spec.name == name)).map_or(0, |place| place + 1);
            let page: Vec<&Notebook> = found.iter().skip(skip).take(size).copied().collect();
            let next = if skip + size < found.len() { page.last().map(|last| token(&last.spec.name)) } else { None };
            (page.into_iter().map(summary).collect(), next)
        }
    };
    Ok(with_token(json!({"NotebookInstances": summaries}), next))
}

fn summary(notebook: &Notebook) -> Value {
    let mut summary = json!({
        "NotebookInstanceName": notebook.spec.name, "NotebookInstanceArn": notebook.arn, "NotebookInstanceStatus": notebook.status,
        "Url": format!("{}.notebook.sagemaker.aws", notebook.spec.name.to_lowercase()), "InstanceType": notebook.spec.instance_type,
        "CreationTime": seconds(notebook.created), "LastModifiedTime": seconds(notebook.modified),
    });
    if let (Some(config), Some(fields)) = (&notebook.spec.lifecycle_config, summary.as_object_mut()) {
        fields.insert("NotebookInstanceLifecycleConfigName".to_owned(), config.clone().into());
    }
    summary
}

fn describe(world: &World, notebook: &Notebook) -> Value {
    let mut described = summary(notebook);
    described["RoleArn"] = world.role().into();
    described["DirectInternetAccess"] = "Enabled".into();
    described["VolumeSizeInGB"] = notebook.spec.volume_gb.into();
    described["RootAccess"] = "Enabled".into();
    described["PlatformIdentifier"] = "notebook-al2-v3".into();
    described["InstanceMetadataServiceConfiguration"] = json!({"MinimumInstanceMetadataServiceVersion": "2"});
    described
}

fn volume(input: &Value) -> Option<i32> {
    input.get("VolumeSizeInGB").and_then(Value::as_i64).and_then(|gb| i32::try_from(gb).ok())
}

/// The input of `CreateNotebookInstance` for a notebook of the estate.
pub(crate) fn notebook_input(world: &World, spec: &NotebookSpec, name: &str) -> Value {
    let mut input = json!({
        "NotebookInstanceName": name, "InstanceType": spec.instance_type, "RoleArn": world.role(), "VolumeSizeInGB": spec.volume_gb,
    });
    if let Some(config) = &spec.lifecycle_config {
        input["LifecycleConfigName"] = config.as_str().into();
    }
    if !spec.tags.is_empty() {
        input["Tags"] = as_list(spec.tags.clone()).into();
    }
    input
}

fn create(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = text(input, "NotebookInstanceName").unwrap_or_default().to_owned();
    let legal = |name: &str| {
        name.len() <= 63 && !name.starts_with('-') && !name.ends_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if name.is_empty() || !legal(&name) {
        let constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9])*";
        return Err(Refusal::invalid_value(&name, "notebookInstanceName", constraint));
    }
    if let Some(known) = world.notebooks.get(&name) {
        return Err(Refusal::new(400, "ValidationException", format!("Cannot create a duplicate Notebook Instance ({})", known.arn)));
    }
    let spec = NotebookSpec {
        name: name.clone(),
        instance_type: text(input, "InstanceType").unwrap_or_default().to_owned(),
        status: "Stopped".into(),
        since: When::At(world.now),
        volume_gb: volume(input).unwrap_or(5),
        lifecycle_config: text(input, "LifecycleConfigName").map(str::to_owned),
        tags: tag_list(input)?,
        ..NotebookSpec::default()
    };
    let now = world.now;
    world.add_notebook(spec, now, now);
    world.start(&name);
    Ok(json!({"NotebookInstanceArn": find(world, &name)?.arn}))
}
