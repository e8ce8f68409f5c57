//! Notebook instances.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::{
    error::{ProvideErrorMetadata as _, SdkError},
    operation::describe_notebook_instance::{DescribeNotebookInstanceError, DescribeNotebookInstanceOutput},
    types::{NotebookInstanceStatus, NotebookInstanceSummary},
};
use cost_rules::{
    facts::{Facts, Notebook, NotebookStatus, Resource, Tags, Unread},
    policy::Policy,
};
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;

use super::{IN_FLIGHT, Listed, every_page, tags, timestamp};
use crate::{Clients, why::why};

/// A notebook stopped for less than this is not forgotten by any sensible policy: its volume is not asked for.
const VOLUME_ASKED_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All notebook instances of the Region, without their tags.
pub(super) async fn list(clients: &Clients) -> Listed<Notebook> {
    let mut notebooks = vec![];
    let read = every_page(async |token| {
        let page = clients.sagemaker.list_notebook_instances().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        notebooks.extend(page.notebook_instances.unwrap_or_default().into_iter().filter_map(summary));
        Ok(page.next_token)
    });
    let read = read.await;
    Listed::new(notebooks, "notebook instances (sagemaker:ListNotebookInstances)", read)
}

fn summary(summary: NotebookInstanceSummary) -> Option<Notebook> {
    let name = summary.notebook_instance_name?;
    Some(Notebook {
        resource: Resource { id: id(&name), arn: summary.notebook_instance_arn, name, tags: Tags::Unreadable },
        instance_type: summary.instance_type.map(|instance_type| instance_type.as_str().to_owned()),
        status: status(summary.notebook_instance_status.as_ref()),
        since: timestamp(summary.last_modified_time.as_ref()),
        volume_gb: None,
        last_used: None,
    })
}

/// One notebook instance with its tags, by name; `None`: there is none of this name.
pub(super) async fn one(clients: &Clients, policy: &Policy, id: &str, name: &str) -> anyhow::Result<Option<Notebook>> {
    let Some(found) = describe(clients, name).await? else { return Ok(None) };
    let arn = found.notebook_instance_arn.clone();
    let Some(tags) = tags::of(clients, policy, arn.as_deref().unwrap_or_default()).await? else { return Ok(None) };
    Ok(Some(described(found, id, name, tags)))
}

/// A known notebook as it is now: its state and its tags are read at the same time.
pub(super) async fn again(clients: &Clients, policy: &Policy, known: &Notebook) -> anyhow::Result<Option<Notebook>> {
    let arn = known.resource.arn.as_deref().unwrap_or_default();
    let (found, tags) = tokio::join!(describe(clients, &known.resource.name), tags::of(clients, policy, arn));
    let (Some(found), Some(tags)) = (found?, tags?) else { return Ok(None) };
    Ok(Some(described(found, &known.resource.id, &known.resource.name, tags)))
}

async fn describe(clients: &Clients, name: &str) -> anyhow::Result<Option<DescribeNotebookInstanceOutput>> {
    match clients.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(anyhow::anyhow!("notebook instance {name}: {}", why(&error))),
    }
}

/// SageMaker has no error of its own for this: it says `ValidationException: RecordNotFound` (aws-facts §2.0).
fn is_gone<R>(error: &SdkError<DescribeNotebookInstanceError, R>) -> bool {
    let message = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
    message.contains("RecordNotFound") || message.contains("not found")
}

fn described(found: DescribeNotebookInstanceOutput, id: &str, name: &str, tags: BTreeMap<String, String>) -> Notebook {
    Notebook {
        resource: Resource { id: id.to_owned(), arn: found.notebook_instance_arn, name: name.to_owned(), tags: Tags::Known(tags) },
        instance_type: found.instance_type.map(|instance_type| instance_type.as_str().to_owned()),
        status: status(found.notebook_instance_status.as_ref()),
        since: timestamp(found.last_modified_time.as_ref()),
        volume_gb: found.volume_size_in_gb,
        last_used: None,
    }
}

/// Stands for a notebook that is known not to exist: no rule finds anything, and what was open is closed.
pub(super) fn gone(id: &str) -> Notebook {
    let name = id.rsplit('/').next().unwrap_or(id).to_owned();
    let resource = Resource { id: id.to_owned(), arn: None, name, tags: Tags::Known(BTreeMap::new()) };
    Notebook { resource, instance_type: None, status: NotebookStatus::Other, since: None, volume_gb: None, last_used: None }
}

/// The volumes of notebooks that are stopped for long. Lists do not tell them.
pub(super) async fn read_volumes(clients: &Clients, facts: &mut Facts) {
    let now = facts.now;
    let stopped_long = |notebook: &&mut Notebook| {
        notebook.status == NotebookStatus::Stopped && notebook.since.is_some_and(|since| VOLUME_ASKED_AFTER < now.duration_since(since))
    };
    let read = stream::iter(facts.notebooks.iter_mut().filter(stopped_long)).map(async |notebook| {
        let found = describe(clients, &notebook.resource.name).await;
        found.map(|found| notebook.volume_gb = found.and_then(|found| found.volume_size_in_gb))
    });
    let failures: Vec<anyhow::Error> = read.buffer_unordered(IN_FLIGHT).filter_map(async |read| read.err()).collect().await;
    if let Some(first) = failures.first() {
        let what = format!("volumes of {} stopped notebooks (sagemaker:DescribeNotebookInstance)", failures.len());
        facts.unread.push(Unread { what, why: format!("{first:#}") });
    }
}

fn id(name: &str) -> String {
    format!("notebook-instance/{}", name.to_lowercase())
}

fn status(status: Option<&NotebookInstanceStatus>) -> NotebookStatus {
    match status {
        Some(NotebookInstanceStatus::InService) => NotebookStatus::InService,
        Some(NotebookInstanceStatus::Stopped) => NotebookStatus::Stopped,
        _ => NotebookStatus::Other,
    }
}
