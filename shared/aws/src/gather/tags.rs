//! Reads tags: of all resources from the tag index (fast, but it lags behind and omits resources that were never tagged), of one resource from `SageMaker`
//! itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesError;
use cost_rules::{
    facts::{Facts, Unread},
    policy::names_workflow,
    resource::{Kind, Resource, Tags, id_of_arn, is_aws},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, stream};

use super::read::{IN_FLIGHT, Looked, Read, every_page, says_gone, unread_of};
use crate::clients::{Clients, why::why};

pub(super) type TagMap = BTreeMap<String, String>;

/// The content of the tag index, by resource id.
#[derive(Default)]
pub(super) struct Index {
    known: HashMap<String, Indexed>,
    /// Why it could not be read completely, if so. Then the tags of what it does not list are unknown.
    pub(super) unread: Option<Unread>,
}

struct Indexed {
    /// Only for kinds whose lists contain no ARN.
    arn: Option<String>,
    tags: TagMap,
    /// How many tags there are, including those that the policy does not read, but without AWS's own.
    count: usize,
}

impl Index {
    /// Takes the tags of a resource out of the index.
    pub(super) fn take(&mut self, id: &str) -> Tags {
        match self.known.remove(id) {
            Some(indexed) => Tags::Known(indexed.tags),
            None if self.unread.is_some() => Tags::Unreadable,
            None => Tags::NotIndexed,
        }
    }

    /// The tags of a resource; empty if the index is complete and does not list it. `None`: they are unknown.
    pub(super) fn get(&self, id: &str) -> Option<&TagMap> {
        static NONE: TagMap = TagMap::new();
        match self.known.get(id) {
            Some(indexed) => Some(&indexed.tags),
            None => self.unread.is_none().then_some(&NONE),
        }
    }

    /// The ARN of an app, a space or a user profile, if the index lists it.
    pub(super) fn arn_of(&self, id: &str) -> Option<&str> {
        self.known.get(id)?.arn.as_deref()
    }

    /// How many tags a resource has, without AWS's own. 0 if the index does not list it.
    pub(super) fn count(&self, id: &str) -> usize {
        self.known.get(id).map_or(0, |indexed| indexed.count)
    }
}

/// Reads all pages of `tag:GetResources`. Only tags that the policy reads, and those of pipelines, are kept. A kind that the index does not support is empty in
/// it.
pub(super) async fn index(clients: &Clients, rulebook: &Rulebook, kinds: &[Kind]) -> Index {
    let mut known = HashMap::new();
    // Whether a key is read is cached, because many resources have the same keys.
    let mut reads: HashMap<String, bool> = HashMap::new();
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("sagemaker:{}", kind.as_str())).collect();
    let read = every_page(clients, async |token| {
        let call = clients.tagging.get_resources().resources_per_page(100).set_resource_type_filters(Some(kinds.clone()));
        // With several kinds, it is not known which one is refused. With a token, AWS may be refusing the token.
        let is_whole = kinds.len() == 1 && token.is_none();
        let page = match call.set_pagination_token(token).send().await {
            Ok(page) => page,
            Err(error) if is_whole && error.as_service_error().is_some_and(GetResourcesError::is_invalid_parameter_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(why(&error)),
        };
        for mapping in page.resource_tag_mapping_list.unwrap_or_default() {
            let Some((arn, id)) = mapping.resource_arn.and_then(|arn| id_of_arn(&arn).map(|id| (arn, id))) else { continue };
            let all = mapping.tags.unwrap_or_default();
            let count = all.iter().filter(|tag| !is_aws(&tag.key)).count();
            let mut tags = TagMap::new();
            for tag in all {
                let is_read = match reads.get(&tag.key) {
                    Some(is_read) => *is_read,
                    None => *reads.entry(tag.key.clone()).or_insert(rulebook.reads_tag(&tag.key)),
                };
                if is_read || names_workflow(&tag.key, &tag.value) {
                    tags.insert(tag.key, tag.value);
                }
            }
            let names_no_arn = matches!(Kind::of(&id), Some(Kind::App | Kind::Space | Kind::UserProfile));
            known.insert(id, Indexed { arn: names_no_arn.then_some(arn), tags, count });
        }
        Ok(page.pagination_token)
    });
    let read = read.await;
    let unread = read.err().map(|why| Unread::new("tags (tag:GetResources): what they did not name is left alone", why));
    Index { known, unread }
}

/// The tags of a resource that the policy reads, from `SageMaker` itself. `None`: the resource does not exist.
pub(super) async fn of(clients: &Clients, rulebook: &Rulebook, arn: &str) -> Read<Option<TagMap>> {
    listed(clients, arn, |key, value| rulebook.keeps_tag(key, value)).await
}

/// Reads all pages of `sagemaker:ListTags`, and keeps those that `keep` accepts by their keys and values. `None`: the resource does not exist.
pub(super) async fn listed(clients: &Clients, arn: &str, keep: impl Fn(&str, &str) -> bool) -> Read<Option<TagMap>> {
    let mut tags = TagMap::new();
    let mut gone = false;
    let read =
        every_page(clients, async |token| match clients.sagemaker.list_tags().resource_arn(arn).set_next_token(token).send().await {
            Ok(page) => {
                let read = page.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?)));
                tags.extend(read.filter(|(key, value)| keep(key, value)));
                Ok(page.next_token)
            }
            Err(error) => {
                gone = error.as_service_error().is_some_and(says_gone);
                Err(format!("sagemaker:ListTags: {}", why(&error)))
            }
        });
    match read.await {
        Ok(()) => Ok(Some(tags)),
        Err(_) if gone => Ok(None),
        Err(why) => Err(why),
    }
}

/// Reads the own tags of the selected resources from `SageMaker` itself.
pub(super) async fn confirm(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, is_meant: impl Fn(&Resource) -> bool) {
    let read = stream::iter(facts.resources().filter(|resource| is_meant(resource)).cloned().collect::<Vec<_>>()).map(async |resource| {
        let read = match &resource.arn {
            Some(arn) => of(clients, rulebook, arn).await,
            None => Err("its ARN is not known".to_owned()),
        };
        (resource.id.clone(), read.map(|tags| Some(Resource { tags: Tags::Known(tags?), ..resource })))
    });
    let looked = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
    take_in(facts, looked);
}

/// Sets the own tags of these resources, read from `SageMaker` itself, many at the same time. Returns the ids of those that are gone, and what could not be read:
/// their tags become `Unreadable`.
pub(super) async fn read_own<'r>(
    clients: &Clients,
    rulebook: &Rulebook,
    resources: impl Iterator<Item = &'r mut Resource>,
) -> (BTreeSet<String>, Option<Unread>) {
    let (mut gone, mut failed) = (BTreeSet::new(), vec![]);
    let read = stream::iter(resources).map(async |resource| (of(clients, rulebook, resource.arn_or_id()).await, resource));
    for (read, resource) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(Some(tags)) => resource.tags = Tags::Known(tags),
            Ok(None) => drop(gone.insert(resource.id.clone())),
            Err(why) => {
                resource.tags = Tags::Unreadable;
                failed.push((resource.id.clone(), why));
            }
        }
    }
    (gone, unread_of("tags", &failed))
}

/// Updates the facts with resources that were read again. If one could not be read, its tags become `Unreadable`; if one is gone, it is removed.
pub(super) fn take_in(facts: &mut Facts, mut looked: Looked<Resource>) {
    facts.forget(&looked.gone);
    facts.reading.unread.extend(unread_of("tags", &looked.failed));
    let failed: HashSet<String> = looked.failed.into_iter().map(|(id, _)| id).collect();
    for resource in facts.resources_mut() {
        if failed.contains(&resource.id) {
            resource.tags = Tags::Unreadable;
        } else if let Some(read) = looked.there.remove(&resource.id) {
            *resource = read;
        }
    }
}

/// All tags of a resource, from `SageMaker` itself. `None`: the resource does not exist.
pub(crate) async fn all_tags(clients: &Clients, arn: &str) -> Read<Option<BTreeMap<String, String>>> {
    listed(clients, arn, |_, _| true).await
}
