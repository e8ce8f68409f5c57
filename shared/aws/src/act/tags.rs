//! Adds tags to resources, and activates cost allocation tags.

use cost_rules::plan::Outcome;
use std::collections::BTreeMap;

use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
use aws_sdk_sagemaker::types::Tag;

use crate::{
    clients::{Clients, why::why},
    gather::says_gone,
};

/// `sagemaker:AddTags`. The tags are those that were missing a moment ago: no value is written over.
pub(super) async fn add_tags(clients: &Clients, arn: &str, tags: &BTreeMap<String, String>) -> Outcome {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    match clients.sagemaker.add_tags().resource_arn(arn).set_tags(Some(tags)).send().await {
        Ok(_) => Outcome::Done,
        Err(error) if error.as_service_error().is_some_and(says_gone) => Outcome::Gone,
        Err(error) => Outcome::Failed(why(&error)),
    }
}

/// `ce:UpdateCostAllocationTagsStatus`, for the payer's account only (aws-facts §7.6).
pub(super) async fn activate_tag(clients: &Clients, key: &str) -> Outcome {
    let status = CostAllocationTagStatusEntry::builder().tag_key(key).status(CostAllocationTagStatus::Active).build();
    let status = match status {
        Ok(status) => status,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    match clients.costexplorer.update_cost_allocation_tags_status().cost_allocation_tags_status(status).send().await {
        // What is refused for one key is in the answer.
        Ok(answer) => match answer.errors().first() {
            None => Outcome::Done,
            Some(refused) => Outcome::Failed(format!("{}: {}", refused.code().unwrap_or_default(), refused.message().unwrap_or_default())),
        },
        Err(error) => Outcome::Failed(why(&error)),
    }
}
