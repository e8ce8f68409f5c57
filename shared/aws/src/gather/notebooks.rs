//! Notebook instances.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::{
    operation::describe_notebook_instance::DescribeNotebookInstanceOutput,
    types::{NotebookInstanceStatus, NotebookInstanceSummary},
};
use cost_rules::{
    facts::{Kind, Notebook, NotebookStatus, Resource, Tags, Unread},
    policy::Policy,
};
use futures_util::{StreamExt as _, future::OptionFuture, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    IN_FLIGHT,
    read::{Listed, Read, every_page, name_of, says_gone, timestamp, unread_of},
    tags,
};
use crate::{Clients, why::why};

/// A notebook stopped for less than this is not forgotten by any sensible policy: its volume is not asked for.
const VOLUME_ASKED_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All notebook instances of the Region, without their tags.
pub(super) async fn list(clients: &Clients) -> Listed<Notebook> {
    let mut notebooks = vec![];
    let mut nameless = 0;
    let read = every_page(async |token| {
        let page = clients.sagemaker.list_notebook_instances().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        for one in page.notebook_instances.unwrap_or_default() {
            match summary(one) {
                Some(notebook) => notebooks.push(notebook),
                None => nameless += 1,
            }
        }
        Ok(page.next_token)
    });
    let read = read.await;
    Listed::new(Kind::NotebookInstance, "ListNotebookInstances", notebooks, nameless, read)
}

/// `None`: AWS named it only by half.
fn summary(summary: NotebookInstanceSummary) -> Option<Notebook> {
    let (name, arn) = (summary.notebook_instance_name?, summary.notebook_instance_arn?);
    Some(Notebook {
        resource: Resource { id: id(&name), arn: Some(arn), name, tags: Tags::Unreadable },
        instance_type: summary.instance_type.map(|instance_type| instance_type.as_str().to_owned()),
        status: status(summary.notebook_instance_status.as_ref()),
        since: timestamp(summary.last_modified_time.as_ref()),
        volume_gb: None,
        last_used: None,
    })
}

/// One notebook instance with its tags, by name. With its ARN known, both are asked for at the same time. `None`: there is none.
pub(super) async fn one(clients: &Clients, policy: &Policy, name: &str, arn: Option<&str>) -> Read<Option<Notebook>> {
    let early = OptionFuture::from(arn.map(|arn| tags::of(clients, policy, arn)));
    let (found, tags) = tokio::join!(describe(clients, name), early);
    let Some(found) = found? else { return Ok(None) };
    let arn = found.notebook_instance_arn.ok_or("sagemaker:DescribeNotebookInstance: no ARN in the answer")?;
    let tags = match tags {
        Some(tags) => tags?,
        None => tags::of(clients, policy, &arn).await?,
    };
    let name = found.notebook_instance_name.unwrap_or_else(|| name.to_owned());
    Ok(tags.map(|tags| Notebook {
        resource: Resource { id: id(&name), arn: Some(arn), name, tags: Tags::Known(tags) },
        instance_type: found.instance_type.map(|instance_type| instance_type.as_str().to_owned()),
        status: status(found.notebook_instance_status.as_ref()),
        since: timestamp(found.last_modified_time.as_ref()),
        volume_gb: found.volume_size_in_gb,
        last_used: None,
    }))
}

async fn describe(clients: &Clients, name: &str) -> Read<Option<DescribeNotebookInstanceOutput>> {
    match clients.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(None),
        Err(error) => Err(format!("sagemaker:DescribeNotebookInstance: {}", why(&error))),
    }
}

/// Stands for a notebook that is known not to exist.
pub(super) fn gone(id: &str) -> Notebook {
    let resource = Resource { id: id.to_owned(), arn: None, name: name_of(id).to_owned(), tags: Tags::Known(BTreeMap::new()) };
    Notebook { resource, instance_type: None, status: NotebookStatus::Other, since: None, volume_gb: None, last_used: None }
}

/// The volumes of notebooks that are stopped for long. Lists do not tell them. What could not be read is returned.
pub(super) async fn read_volumes(clients: &Clients, notebooks: &mut [Notebook], now: Timestamp) -> Option<Unread> {
    let stopped_long = |notebook: &&mut Notebook| {
        notebook.status == NotebookStatus::Stopped && notebook.since.is_some_and(|since| VOLUME_ASKED_AFTER < now.duration_since(since))
    };
    let read = stream::iter(notebooks.iter_mut().filter(stopped_long)).map(async |notebook| {
        let found = describe(clients, &notebook.resource.name).await.map_err(|why| (notebook.resource.id.clone(), why))?;
        notebook.volume_gb = found.and_then(|found| found.volume_size_in_gb);
        Ok(())
    });
    let failed: Vec<(String, String)> = read.buffer_unordered(IN_FLIGHT).filter_map(async |read: Result<(), _>| read.err()).collect().await;
    unread_of("volume", &failed)
}

fn id(name: &str) -> String {
    format!("{}/{}", Kind::NotebookInstance.as_str(), name.to_lowercase())
}

fn status(status: Option<&NotebookInstanceStatus>) -> NotebookStatus {
    match status {
        Some(NotebookInstanceStatus::InService) => NotebookStatus::InService,
        Some(NotebookInstanceStatus::Stopped) => NotebookStatus::Stopped,
        _ => NotebookStatus::Other,
    }
}
