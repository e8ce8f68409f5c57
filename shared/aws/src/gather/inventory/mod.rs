//! Everything that may have tags, whatever its kind: its own tags from the tag index, and who it belongs to. Lists only; what a list does not tell is asked for
//! where something was found ([`whose::enrich`]).

use std::collections::BTreeMap;

use cost_rules::{
    facts::{Audited, Facts, Parent},
    resource::{Kind, Resource, Tags, id_of_arn, is_aws},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use self::{
    describe::arn_of,
    list::{Asked, list},
};
use super::{
    read::{IN_FLIGHT, Looked, Read, name_of, unread_of},
    tags::{self, Index, PIPELINE_TAGS, all_tags},
};
use crate::clients::Clients;

mod describe;
mod list;
pub mod whose;

/// Every resource of these kinds, with its own tags. The kinds are read all at the same time, and of each its list and its part of the tag index.
pub async fn everything(clients: &Clients, rulebook: &Rulebook, kinds: &[Kind], now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&clients.region), ..Facts::default() };
    let read = stream::iter(kinds).map(async |kind| {
        let of_kind = [*kind];
        let (listed, index) = tokio::join!(Box::pin(list(clients, *kind, None, now)), Box::pin(tags::index(clients, rulebook, &of_kind)));
        (*kind, listed, index)
    });
    for (kind, listed, mut index) in read.buffer_unordered(kinds.len().max(1)).collect::<Vec<_>>().await {
        let mut audited = listed.told_to(&mut facts);
        // One refusal is one of all kinds.
        if let Some(unread) = index.unread.clone().filter(|unread| !facts.reading.unread.contains(unread)) {
            facts.reading.unread.push(unread);
        }
        if index.unread.is_some() {
            facts.reading.complete.remove(&kind);
        }
        for one in &mut audited {
            indexed(one, &mut index);
        }
        facts.audited.extend(audited);
    }
    // A series is gone when none of its jobs is found any more.
    if kinds.iter().filter(|kind| kind.is_job()).all(|kind| facts.reading.complete.contains(kind)) {
        facts.reading.complete.insert(Kind::JobSeries);
    }
    facts.audited.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    facts
}

/// The index's tags of a resource. Of what it does not name there are none, until that is confirmed.
fn indexed(audited: &mut Audited, index: &mut Index) {
    let id = &audited.resource.id;
    audited.resource.arn = audited.resource.arn.take().or_else(|| index.arn_of(id).map(str::to_owned));
    audited.tag_count = index.count(id);
    audited.resource.tags = index.take(id);
    if let Tags::Known(tags) = &audited.resource.tags {
        audited.parent = audited.parent.take().or_else(|| pipeline_of(tags));
    }
}

/// The pipeline that started a job, by the tag that it has of it.
fn pipeline_of(tags: &BTreeMap<String, String>) -> Option<Parent> {
    let execution = PIPELINE_TAGS.iter().find_map(|key| tags.get(*key)).and_then(|arn| id_of_arn(arn))?;
    let mut parts = execution.split('/');
    let pipeline = parts.next().filter(|kind| *kind == Kind::Pipeline.as_str()).and_then(|_| parts.next())?;
    Some(Parent { id: Kind::Pipeline.id(pipeline), name: None })
}

/// These resources (by id, with their names as they are spelt, where that is known), by the service's own word, with their tags.
pub async fn some(clients: &Clients, rulebook: &Rulebook, named: &BTreeMap<String, Option<String>>, now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&clients.region), ..Facts::default() };
    let read = stream::iter(named).map(async |(id, name)| (id.clone(), one(clients, rulebook, id, name.as_deref(), now).await));
    let looked: Looked<Audited> = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
    facts.audited.extend(looked.there.into_values());
    facts.reading.gone.extend(looked.gone);
    facts.reading.unread.extend(unread_of("state and tags", &looked.failed));
    facts.audited.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    facts
}

/// One resource by its list, and its tags by `ListTags`. `None`: there is none.
pub(super) async fn one(clients: &Clients, rulebook: &Rulebook, id: &str, name: Option<&str>, now: Timestamp) -> Read<Option<Audited>> {
    clients.in_time()?;
    let kind = Kind::of(id).ok_or_else(|| format!("{id} is of no kind that is known"))?;
    // As an id spells it, most are: only if there is none, all of its kind are listed.
    let mut listed = Box::pin(list(clients, kind, Some(Asked { id, name: name.or(Some(name_of(id))) }), now)).await;
    if name.is_none() && listed.items.iter().all(|audited| audited.resource.id != id) {
        listed = Box::pin(list(clients, kind, Some(Asked { id, name }), now)).await;
    }
    match listed.items.into_iter().find(|audited| audited.resource.id == id) {
        Some(audited) => confirmed(clients, rulebook, &audited).await,
        None if listed.complete.is_empty() => Err(listed
            .unread
            .into_iter()
            .next()
            .map_or_else(|| "it could not be listed".to_owned(), |unread| format!("{}: {}", unread.what, unread.why))),
        None => Ok(None),
    }
}

/// One resource as it is now, with what is known of whose it is.
pub(super) async fn again(clients: &Clients, rulebook: &Rulebook, known: &Audited, now: Timestamp) -> Read<Option<Audited>> {
    let Resource { id, name, .. } = &known.resource;
    let Some(found) = one(clients, rulebook, id, Some(name), now).await? else { return Ok(None) };
    let resource = Resource { whose: known.resource.whose.clone(), ..found.resource };
    Ok(Some(Audited { resource, run: found.run, tag_count: found.tag_count, ..known.clone() }))
}

/// A resource with its own tags by `ListTags`. `None`: it is gone.
pub(super) async fn confirmed(clients: &Clients, rulebook: &Rulebook, audited: &Audited) -> Read<Option<Audited>> {
    let arn = match &audited.resource.arn {
        Some(arn) => arn.clone(),
        None => match arn_of(clients, audited).await? {
            Some(arn) => arn,
            None => return Ok(None),
        },
    };
    let Some(tags) = all_tags(clients, &arn).await? else { return Ok(None) };
    let mut audited = audited.clone();
    audited.tag_count = tags.keys().filter(|key| !is_aws(key)).count();
    audited.parent = audited.parent.or_else(|| pipeline_of(&tags));
    audited.resource.arn = Some(arn);
    audited.resource.tags = Tags::Known(tags.into_iter().filter(|(key, _)| rulebook.reads_tag(key)).collect());
    Ok(Some(audited))
}
