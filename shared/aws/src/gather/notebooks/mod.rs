//! Reads notebook instances: the list, single ones with their tags, and the volumes of those that were stopped long ago.

use std::collections::BTreeSet;

use aws_sdk_sagemaker::{
    operation::describe_notebook_instance::DescribeNotebookInstanceOutput,
    types::{NotebookInstanceStatus, NotebookInstanceSummary},
};
use cost_rules::{
    facts::{Change, Facts, Notebook, RunState, Unread},
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, future::OptionFuture, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    read::{IN_FLIGHT, Listed, Read, says_gone, timestamp, unread_of},
    tags,
};
use crate::clients::{Clients, why::why};

pub(super) mod idle_agent;

/// The volume of a notebook that was stopped more recently than this is not read: no sensible policy calls it forgotten.
const VOLUME_ASKED_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All notebook instances of the Region, or those with this text in their names, without their tags.
pub(super) async fn list(clients: &Clients, name: Option<String>) -> Listed<Notebook> {
    let id = |notebook: &Notebook| notebook.resource.id.clone();
    Listed::read(clients, Kind::NotebookInstance, "ListNotebookInstances", id, async |token| {
        let page =
            clients.sagemaker.list_notebook_instances().set_name_contains(name.clone()).max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        Ok((page.notebook_instances.unwrap_or_default().into_iter().map(summary).collect(), page.next_token))
    })
    .await
}

/// `None`: AWS gave no name or no ARN.
fn summary(summary: NotebookInstanceSummary) -> Option<Notebook> {
    let (name, arn) = (summary.notebook_instance_name?, summary.notebook_instance_arn?);
    Some(Notebook {
        resource: Resource { id: id(&name), arn: Some(arn), name, tags: Tags::Unreadable, ownership: Ownership::default() },
        instance_type: summary.instance_type.map(|instance_type| instance_type.as_str().to_owned()),
        state: state(summary.notebook_instance_status.as_ref()),
        since: timestamp(summary.last_modified_time.as_ref()),
        volume_gb: None,
        usage: None,
    })
}

/// Reads one notebook instance by name, with its tags. If its ARN is known, both are read at the same time. `None`: it does not exist.
pub(super) async fn one(clients: &Clients, rulebook: &Rulebook, name: &str, arn: Option<&str>) -> Read<Option<Notebook>> {
    let early = OptionFuture::from(arn.map(|arn| tags::of(clients, rulebook, arn)));
    let (found, tags) = tokio::join!(describe(clients, name), early);
    let Some(found) = found? else { return Ok(None) };
    let arn = found.notebook_instance_arn.ok_or("sagemaker:DescribeNotebookInstance: no ARN in the answer")?;
    let tags = match tags {
        Some(tags) => tags?,
        None => tags::of(clients, rulebook, &arn).await?,
    };
    let name = found.notebook_instance_name.unwrap_or_else(|| name.to_owned());
    Ok(tags.map(|tags| Notebook {
        resource: Resource { id: id(&name), arn: Some(arn), name, tags: Tags::Known(tags), ownership: Ownership::default() },
        instance_type: found.instance_type.map(|instance_type| instance_type.as_str().to_owned()),
        state: state(found.notebook_instance_status.as_ref()),
        since: timestamp(found.last_modified_time.as_ref()),
        volume_gb: found.volume_size_in_gb,
        usage: None,
    }))
}

/// Reads the tags of these notebooks (by id) from the service itself.
pub(crate) async fn confirm(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
    let is_meant = |resource: &Resource| resource.kind() == Some(Kind::NotebookInstance) && ids.contains(&resource.id);
    tags::confirm(clients, rulebook, facts, is_meant).await;
}

/// Reads one notebook again, right before an action. `None`: it is none of these.
pub(crate) async fn again(clients: &Clients, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
    let known = facts.notebooks.iter().find(|notebook| notebook.resource.id == id)?;
    let read = one(clients, rulebook, &known.resource.name, known.resource.arn.as_deref()).await;
    let fresh = |notebook| Facts { notebooks: vec![Notebook { usage: known.usage, ..notebook }], ..facts.of_this_moment() };
    Some(read.map(|found| found.map(fresh)))
}

async fn describe(clients: &Clients, name: &str) -> Read<Option<DescribeNotebookInstanceOutput>> {
    clients.in_time()?;
    match clients.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(None),
        Err(error) => Err(format!("sagemaker:DescribeNotebookInstance: {}", why(&error))),
    }
}

/// Reads the volume sizes of notebooks that were stopped long ago: lists do not contain them. Returns what could not be read.
pub(super) async fn read_volumes(clients: &Clients, notebooks: &mut [Notebook], now: Timestamp) -> Option<Unread> {
    let stopped_long = |notebook: &&mut Notebook| {
        notebook.state == RunState::Stopped && notebook.since.is_some_and(|since| VOLUME_ASKED_AFTER < now.duration_since(since))
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
    Kind::NotebookInstance.id(name)
}

fn state(status: Option<&NotebookInstanceStatus>) -> RunState {
    use NotebookInstanceStatus as Status;
    match status {
        Some(Status::InService) => RunState::InService,
        Some(Status::Stopped) => RunState::Stopped,
        Some(Status::Failed) => RunState::Failed,
        Some(Status::Pending) => RunState::Changing(Change::Pending),
        Some(Status::Updating) => RunState::Changing(Change::Updating),
        Some(Status::Stopping) => RunState::Changing(Change::Stopping),
        Some(Status::Deleting) => RunState::Changing(Change::Deleting),
        _ => RunState::Other,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::operation::{
        describe_notebook_instance::DescribeNotebookInstanceError, list_notebook_instances::ListNotebookInstancesOutput,
    };
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::testing::{self, arn, at, denied};

    fn named(name: &str) -> aws_sdk_sagemaker::types::builders::NotebookInstanceSummaryBuilder {
        NotebookInstanceSummary::builder().notebook_instance_name(name).notebook_instance_arn(arn("notebook-instance/x"))
    }

    #[tokio::test]
    async fn missing_fields_are_unknown_and_a_missing_name_is_told() {
        let page = mock!(aws_sdk_sagemaker::Client::list_notebook_instances).then_output(|| {
            ListNotebookInstancesOutput::builder()
                .notebook_instances(named("Bare").build())
                .notebook_instances(NotebookInstanceSummary::builder().notebook_instance_name("no-arn").build())
                .build()
        });
        let listed = list(&Clients { sagemaker: testing::sagemaker(&[&page]).into(), ..testing::clients() }, None).await;
        let [bare] = &listed.items[..] else { panic!("{:?}", listed.items) };
        assert_eq!((bare.state, bare.since, &bare.instance_type), (RunState::Other, None, &None));
        assert_eq!((listed.complete.len(), listed.unread[0].why.as_str()), (0, "1 came without a name or an ARN"));
    }

    #[tokio::test]
    async fn only_volumes_of_the_long_stopped_are_asked_for() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let mut notebooks: Vec<Notebook> = [
            ("old", "2026-11-01T00:00:00Z", NotebookInstanceStatus::Stopped),
            ("refused", "2026-11-01T00:00:00Z", NotebookInstanceStatus::Stopped),
            ("young", "2026-11-23T00:00:00Z", NotebookInstanceStatus::Stopped),
            ("running", "2026-11-01T00:00:00Z", NotebookInstanceStatus::InService),
        ]
        .map(|(name, since, status)| summary(named(name).last_modified_time(at(since)).notebook_instance_status(status).build()).unwrap())
        .into();
        let old = mock!(aws_sdk_sagemaker::Client::describe_notebook_instance)
            .match_requests(|asked| asked.notebook_instance_name() == Some("old"))
            .then_output(|| DescribeNotebookInstanceOutput::builder().volume_size_in_gb(50).build());
        let refused = mock!(aws_sdk_sagemaker::Client::describe_notebook_instance)
            .match_requests(|asked| asked.notebook_instance_name() == Some("refused"))
            .then_error(|| DescribeNotebookInstanceError::generic(denied()));
        let clients = Clients { sagemaker: testing::sagemaker(&[&old, &refused]).into(), ..testing::clients() };
        let unread = read_volumes(&clients, &mut notebooks, now).await.unwrap();
        assert_eq!(notebooks.iter().map(|notebook| notebook.volume_gb).collect::<Vec<_>>(), [Some(50), None, None, None]);
        assert_eq!(unread.what, "volume of notebook-instance/refused");
    }
}
