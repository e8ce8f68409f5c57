//! Reads what depends on endpoints, so that they must not be deleted: inference routers, shadow tests, monitoring schedules (aws-facts §3.6).

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::InferenceExperimentStatus;

use super::routers::{self, Routers};
use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, every_page},
};

/// What depends on any endpoint of the Region, as far as one list tells.
pub(super) struct Dependents {
    routers: Routers,
    /// The names of shadow tests that are not over, by the name of their endpoint in lower case.
    shadow_tests: BTreeMap<String, String>,
}

impl Dependents {
    /// Reads all inference routers and shadow tests of the Region.
    pub(super) async fn read(clients: &Clients) -> Read<Self> {
        Ok(Self { routers: Box::pin(routers::read(clients)).await?, shadow_tests: Box::pin(shadow_tests(clients)).await? })
    }

    /// What depends on this endpoint, as a sentence. `None`: nothing.
    pub(super) async fn of(&self, clients: &Clients, name: &str, arn: &str) -> Read<Option<String>> {
        if let Some(test) = self.shadow_tests.get(&name.to_lowercase()) {
            return Ok(Some(format!("shadow test {test} runs on it")));
        }
        if let Some(router) = self.routers.of(arn) {
            return Ok(Some(format!("inference router {router} sends requests to it")));
        }
        let schedules = clients.sagemaker.list_monitoring_schedules().endpoint_name(name).send().await;
        let schedules = schedules.map_err(|error| format!("sagemaker:ListMonitoringSchedules: {}", why(&error)))?;
        let schedule = schedules.monitoring_schedule_summaries().first();
        Ok(schedule.map(|one| format!("monitoring schedule {} watches it", one.monitoring_schedule_name().unwrap_or_default())))
    }
}

async fn shadow_tests(clients: &Clients) -> Read<BTreeMap<String, String>> {
    let mut names = vec![];
    every_page(clients, async |token| {
        let page = clients.sagemaker.list_inference_experiments().set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListInferenceExperiments: {}", why(&error)))?;
        let is_over = |status: Option<&str>| matches!(status, Some("Completed" | "Cancelled"));
        let open = page.inference_experiments().iter().filter(|one| !is_over(one.status().map(InferenceExperimentStatus::as_str)));
        names.extend(open.filter_map(|one| one.name().map(str::to_owned)));
        Ok(page.next_token)
    })
    .await?;
    let mut by_endpoint = BTreeMap::new();
    for name in names {
        let sent = clients.sagemaker.describe_inference_experiment().name(&name).send().await;
        let one = sent.map_err(|error| format!("sagemaker:DescribeInferenceExperiment: {}", why(&error)))?;
        let endpoint = one.endpoint_metadata().and_then(|metadata| metadata.endpoint_name());
        by_endpoint.extend(endpoint.map(|endpoint| (endpoint.to_lowercase(), name)));
    }
    Ok(by_endpoint)
}
