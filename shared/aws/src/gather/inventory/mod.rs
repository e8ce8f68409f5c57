//! Reads all resources that can have tags, of any kind: with their own tags from the tag index, and their owners. Only lists are read; what they do not contain
//! is read later, for resources with findings ([`Inventory::enrich`]).

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    facts::{Asset, Facts, Parent, RunningAsset},
    resource::{Kind, Resource, Tags, id_of_arn, is_aws},
    rulebook::Rulebook,
    vocabulary::series::PIPELINE_TAGS,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use self::{
    describe::arn_of,
    list::{Asked, List},
};
use super::{
    read::{IN_FLIGHT, Listed, Looked, Read, name_of, unread_of},
    tags::{self, Index, all_tags},
};
use crate::clients::Clients;

mod describe;
mod list;
pub mod ownership;

pub(crate) use describe::variables;

/// All endpoints of the Region, without their tags.
pub(super) async fn endpoints(clients: &Clients, now: Timestamp) -> Listed<Asset> {
    list::endpoints(clients, None, now).await
}

/// All inference components of the Region, without their tags. The parent of each is its endpoint.
pub(super) async fn inference_components(clients: &Clients, now: Timestamp) -> Listed<Asset> {
    list::inference_components(clients, None, now).await
}

/// Reads resources of any kind, for their tags or because a budget pays for them.
#[derive(Clone, Copy)]
pub struct Inventory<'a> {
    clients: &'a Clients,
    rulebook: &'a Rulebook,
    /// How each kind is listed. A function with fewer kinds links fewer operations.
    lists: &'static [(Kind, List)],
}

impl<'a> Inventory<'a> {
    /// For all kinds that can have tags.
    pub const fn of_all(clients: &'a Clients, rulebook: &'a Rulebook) -> Self {
        Self { clients, rulebook, lists: list::ALL }
    }

    /// For the kinds that cost money while they run, and the kinds that these may belong to.
    pub const fn of_running(clients: &'a Clients, rulebook: &'a Rulebook) -> Self {
        Self { clients, rulebook, lists: list::RUNNING }
    }

    /// The resources of a kind, or the one that is asked for and others with such a name.
    async fn list(self, kind: Kind, asked: Option<Asked<'_>>, now: Timestamp) -> Listed<Asset> {
        match self.lists.iter().find(|(of, _)| *of == kind) {
            Some((_, list)) => list(self.clients, asked, now).await,
            None => Listed::default(),
        }
    }

    /// Reads all resources of these kinds, with their own tags. All kinds are read at the same time, each with its list and its part of the tag index.
    pub async fn everything(self, kinds: &[Kind], now: Timestamp) -> Facts {
        let mut facts = self.nothing(now);
        let read = stream::iter(kinds).map(async |kind| {
            let of_kind = [*kind];
            let (listed, index) =
                tokio::join!(Box::pin(self.list(*kind, None, now)), Box::pin(tags::index(self.clients, self.rulebook, &of_kind)));
            (*kind, listed, index)
        });
        for (kind, listed, mut index) in read.buffer_unordered(kinds.len().max(1)).collect::<Vec<_>>().await {
            let mut audited = listed.into_facts(&mut facts);
            // A refusal is the same for all kinds: it is reported once.
            if let Some(unread) = index.unread.clone().filter(|unread| !facts.reading.unread.contains(unread)) {
                facts.reading.unread.push(unread);
            }
            if index.unread.is_some() {
                facts.reading.complete.remove(&kind);
            }
            for one in &mut audited {
                indexed(one, &mut index);
            }
            facts.assets.extend(audited);
        }
        // A series is gone when none of its resources is found.
        let of_series = facts.reading.complete.iter().copied().filter(|kind| kind.is_in_series());
        facts.reading.complete_series = of_series.collect();
        facts.assets.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
        facts
    }

    /// Reads these resources from the service itself, with their tags. They are given by id, with the exact spelling of the name, where it is known.
    pub async fn named(self, named: &BTreeMap<String, Option<String>>, now: Timestamp) -> Facts {
        let mut facts = self.nothing(now);
        let read = stream::iter(named).map(async |(id, name)| (id.clone(), self.one(id, name.as_deref(), now).await));
        let looked: Looked<Asset> = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
        facts.assets.extend(looked.there.into_values());
        facts.reading.gone.extend(looked.gone);
        facts.reading.unread.extend(unread_of("state and tags", &looked.failed));
        facts.assets.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
        facts
    }

    /// Reads these resources (by id) again, with their own tags from the service itself. Adds what could not be read to `facts.reading.unread`.
    pub async fn confirm(self, facts: &mut Facts, ids: &BTreeSet<String>) {
        let running = facts.running.iter().map(|RunningAsset(audited)| audited);
        let meant = facts.assets.iter().chain(running).filter(|audited| ids.contains(&audited.resource.id));
        let read = stream::iter(meant).map(async |audited| (audited.resource.id.clone(), self.confirmed(audited).await));
        let mut looked: Looked<Asset> = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
        facts.forget(&looked.gone);
        facts.reading.unread.extend(unread_of("tags", &looked.failed));
        let failed: BTreeSet<String> = looked.failed.into_iter().map(|(id, _)| id).collect();
        let running = facts.running.iter_mut().map(|RunningAsset(audited)| audited);
        for audited in facts.assets.iter_mut().chain(running) {
            if failed.contains(&audited.resource.id) {
                audited.resource.tags = Tags::Unreadable;
            } else if let Some(read) = looked.there.remove(&audited.resource.id) {
                *audited = read;
            }
        }
    }

    /// Reads one resource again, right before an action. The owner stays as it is known. `None`: it is none of these.
    pub async fn again(self, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        let running = facts.running.iter().map(|RunningAsset(audited)| audited);
        let known = facts.assets.iter().chain(running).find(|audited| audited.resource.id == id)?;
        let is_audited = facts.assets.iter().any(|audited| audited.resource.id == id);
        let read = self.one(id, Some(&known.resource.name), facts.now).await;
        Some(read.map(|found| {
            let found = found?;
            let resource = Resource { ownership: known.resource.ownership.clone(), ..found.resource };
            let Asset { run, is_leaving, changing, tag_count, .. } = found;
            let audited = Asset { resource, run, is_leaving, changing, tag_count, ..known.clone() };
            let fresh = facts.of_this_moment();
            Some(if is_audited {
                Facts { assets: vec![audited], ..fresh }
            } else {
                Facts { running: vec![RunningAsset(audited)], ..fresh }
            })
        }))
    }

    /// Reads one resource from its list, and its tags with `ListTags`. `None`: it does not exist.
    async fn one(self, id: &str, name: Option<&str>, now: Timestamp) -> Read<Option<Asset>> {
        self.clients.in_time()?;
        let kind = Kind::of(id).ok_or_else(|| format!("{id} is of no kind that is known"))?;
        // Most names are in lower case, as ids are. Only if no such resource is found, all of its kind are listed.
        let mut listed = Box::pin(self.list(kind, Some(Asked { id, name: name.or(Some(name_of(id))) }), now)).await;
        if name.is_none() && listed.items.iter().all(|audited| audited.resource.id != id) {
            listed = Box::pin(self.list(kind, Some(Asked { id, name }), now)).await;
        }
        match listed.items.into_iter().find(|audited| audited.resource.id == id) {
            Some(audited) => self.confirmed(&audited).await,
            None if listed.complete.is_empty() => Err(listed
                .unread
                .into_iter()
                .next()
                .map_or_else(|| "it could not be listed".to_owned(), |unread| format!("{}: {}", unread.what, unread.why))),
            None => Ok(None),
        }
    }

    /// Reads the own tags of a resource with `ListTags`. `None`: it is gone.
    async fn confirmed(self, audited: &Asset) -> Read<Option<Asset>> {
        let arn = match &audited.resource.arn {
            Some(arn) => arn.clone(),
            None => match arn_of(self.clients, audited).await? {
                Some(arn) => arn,
                None => return Ok(None),
            },
        };
        let Some(tags) = all_tags(self.clients, &arn).await? else { return Ok(None) };
        let mut audited = audited.clone();
        audited.tag_count = tags.keys().filter(|key| !is_aws(key)).count();
        audited.parent = audited.parent.or_else(|| pipeline_of(&tags));
        audited.resource.arn = Some(arn);
        audited.resource.tags = Tags::Known(tags.into_iter().filter(|(key, value)| self.rulebook.keeps_tag(key, value)).collect());
        Ok(Some(audited))
    }

    fn nothing(self, now: Timestamp) -> Facts {
        Facts { now, prices: self.rulebook.policy.prices_of(&self.clients.region), ..Facts::default() }
    }
}

/// Sets the tags of a resource from the index. A resource that the index does not list has none, until that is confirmed.
fn indexed(audited: &mut Asset, index: &mut Index) {
    let id = &audited.resource.id;
    audited.resource.arn = audited.resource.arn.take().or_else(|| index.arn_of(id).map(str::to_owned));
    audited.tag_count = index.count(id);
    audited.resource.tags = index.take(id);
    if let Tags::Known(tags) = &audited.resource.tags {
        audited.parent = audited.parent.take().or_else(|| pipeline_of(tags));
    }
}

/// The pipeline that started a job, from the tag that it added.
fn pipeline_of(tags: &BTreeMap<String, String>) -> Option<Parent> {
    let execution = PIPELINE_TAGS.iter().find_map(|key| tags.get(*key)).and_then(|arn| id_of_arn(arn))?;
    let mut parts = execution.split('/');
    let pipeline = parts.next().filter(|kind| *kind == Kind::Pipeline.as_str()).and_then(|_| parts.next())?;
    Some(Parent { id: Kind::Pipeline.id(pipeline), name: None })
}
