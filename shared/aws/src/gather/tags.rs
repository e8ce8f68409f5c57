//! Tags: of everything at once from the tag index (fast, behind, and silent about what was never tagged), of one resource from SageMaker itself.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sagemaker::error::ProvideErrorMetadata as _;
use cost_rules::{
    facts::{Tags, Unread, id_of_arn},
    policy::Policy,
};

use super::every_page;
use crate::{Clients, why::why};

/// The kinds whose tags are read: an app inherits its space's, profile's and domain's.
const KINDS: [&str; 5] = ["sagemaker:notebook-instance", "sagemaker:app", "sagemaker:space", "sagemaker:user-profile", "sagemaker:domain"];

type TagMap = BTreeMap<String, String>;

/// What the tag index knows, by resource id.
pub(super) struct Index {
    known: HashMap<String, (String, TagMap)>,
    partial: bool,
    /// Why it is partial.
    pub(super) unread: Option<Unread>,
}

impl Index {
    /// Whether it could not be read to its end: what it does not name is unknown then.
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    pub(super) fn get(&self, id: &str) -> Option<&TagMap> {
        self.known.get(id).map(|(_, tags)| tags)
    }

    pub(super) fn arn(&self, id: &str) -> Option<&str> {
        self.known.get(id).map(|(arn, _)| arn.as_str())
    }

    /// The tags of a resource, which leave the index.
    pub(super) fn take(&mut self, id: &str) -> Tags {
        match self.known.remove(id) {
            Some((_, tags)) => Tags::Known(tags),
            None if self.partial => Tags::Unreadable,
            None => Tags::NotIndexed,
        }
    }
}

/// `tag:GetResources`, all pages. Only the tags that the policy reads are kept.
pub(super) async fn index(clients: &Clients, policy: &Policy) -> Index {
    let mut known = HashMap::new();
    let kinds: Vec<String> = KINDS.map(str::to_owned).into();
    let read = every_page(async |token| {
        let call = clients.tagging.get_resources().resources_per_page(100).set_resource_type_filters(Some(kinds.clone()));
        let page = call.set_pagination_token(token).send().await.map_err(|error| why(&error))?;
        for mapping in page.resource_tag_mapping_list.unwrap_or_default() {
            let Some(arn) = mapping.resource_arn else { continue };
            let tags = mapping.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
            let tags = tags.filter(|(key, _)| policy.reads_tag(key)).collect();
            if let Some(id) = id_of_arn(&arn) {
                known.insert(id, (arn, tags));
            }
        }
        Ok(page.pagination_token)
    });
    let read = read.await;
    let unread = read.err().map(|why| Unread { what: "tags (tag:GetResources): what it did not name is left alone".to_owned(), why });
    Index { known, partial: unread.is_some(), unread }
}

/// `sagemaker:ListTags`, all pages. `None`: there is no such resource.
pub(super) async fn of(clients: &Clients, policy: &Policy, arn: &str) -> anyhow::Result<Option<TagMap>> {
    let mut tags = TagMap::new();
    let mut gone = false;
    let read = every_page(async |token| match clients.sagemaker.list_tags().resource_arn(arn).set_next_token(token).send().await {
        Ok(page) => {
            let read = page.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?)));
            tags.extend(read.filter(|(key, _)| policy.reads_tag(key)));
            Ok(page.next_token)
        }
        Err(error) => {
            let message = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
            gone = message.contains("not found") || message.contains("does not exist") || message.contains("RecordNotFound");
            Err(why(&error))
        }
    });
    match read.await {
        Ok(()) => Ok(Some(tags)),
        Err(_) if gone => Ok(None),
        Err(why) => anyhow::bail!("tags of {arn} (sagemaker:ListTags): {why}"),
    }
}
