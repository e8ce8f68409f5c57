//! Adds tags to resources.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::{operation::add_tags::builders::AddTagsFluentBuilder, types::Tag};
use cost_rules::{plan::Outcome, remedy::Remedy, rulebook::Finding};

use crate::{
    clients::{Clients, why::why},
    gather::says_gone,
};

/// Adds the tags that are missing. `None`: the finding has another remedy.
pub(crate) async fn act(clients: &Clients, finding: &Finding) -> Option<Outcome> {
    match &finding.waste.remedy {
        Remedy::AddTags { tags, .. } => Some(add_tags(clients, finding.resource.arn_or_id(), tags).await),
        _ => None,
    }
}

/// The call of `sagemaker:AddTags`.
pub(super) fn adding(clients: &Clients, arn: &str, tags: &BTreeMap<String, String>) -> AddTagsFluentBuilder {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    clients.sagemaker.add_tags().resource_arn(arn).set_tags(Some(tags))
}

/// These keys were missing a moment ago, so no value is overwritten.
async fn add_tags(clients: &Clients, arn: &str, tags: &BTreeMap<String, String>) -> Outcome {
    match adding(clients, arn, tags).send().await {
        Ok(_) => Outcome::Done,
        Err(error) if error.as_service_error().is_some_and(says_gone) => Outcome::Gone,
        Err(error) => Outcome::Failed(why(&error)),
    }
}
