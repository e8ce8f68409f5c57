//! Activates cost allocation tags.

use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
use cost_rules::{plan::Outcome, remedy::Remedy, rulebook::Finding};

use crate::clients::{Clients, why::why};

/// Activates a tag key as a cost allocation tag. `None`: the finding has another remedy.
pub(crate) async fn act(clients: &Clients, finding: &Finding) -> Option<Outcome> {
    match finding.waste.remedy {
        Remedy::ActivateTag => Some(activate_tag(clients, &finding.resource.name).await),
        _ => None,
    }
}

/// `ce:UpdateCostAllocationTagsStatus`, which only the payer's account may call (aws-facts §7.6).
async fn activate_tag(clients: &Clients, key: &str) -> Outcome {
    let status = CostAllocationTagStatusEntry::builder().tag_key(key).status(CostAllocationTagStatus::Active).build();
    let status = match status {
        Ok(status) => status,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    match clients.costexplorer.update_cost_allocation_tags_status().cost_allocation_tags_status(status).send().await {
        // A refusal of a single key is in the response.
        Ok(answer) => match answer.errors().first() {
            None => Outcome::Done,
            Some(refused) => Outcome::Failed(format!("{}: {}", refused.code().unwrap_or_default(), refused.message().unwrap_or_default())),
        },
        Err(error) => Outcome::Failed(why(&error)),
    }
}
