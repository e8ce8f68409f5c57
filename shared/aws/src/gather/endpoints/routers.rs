//! Reads which inference routers send requests to which endpoints. The SDK does not know the operations (aws-facts §3.6).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clients::Clients,
    gather::{
        read::{Read, every_page},
        wire::call_unknown,
    },
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    inference_routers: Vec<Router>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Router {
    inference_router_name: String,
}

/// The names of inference routers, by the ARN (in lower case) of the endpoint that they send requests to.
#[derive(Default)]
pub(crate) struct Routers(BTreeMap<String, String>);

impl Routers {
    /// The router that sends requests to this endpoint.
    pub(crate) fn of(&self, arn: &str) -> Option<&String> {
        self.0.get(&arn.to_lowercase())
    }
}

/// Reads all inference routers of the Region.
pub(crate) async fn read(clients: &Clients) -> Read<Routers> {
    let mut routers = Routers::default();
    for name in names(clients).await? {
        let Some(router) = call_unknown::<Value>(clients, "DescribeInferenceRouter", json!({"InferenceRouterName": name})).await? else {
            continue;
        };
        let targets = router["RoutingTargets"].as_array().into_iter().flatten();
        let destinations = targets.flat_map(|target| target["Destinations"].as_array().into_iter().flatten());
        let arns = destinations.filter_map(|one| one["ResourceArn"].as_str());
        routers.0.extend(arns.map(|arn| (arn.to_lowercase(), name.clone())));
    }
    Ok(routers)
}

async fn names(clients: &Clients) -> Read<Vec<String>> {
    let mut names = vec![];
    let read = every_page(clients, async |token| {
        let input = token.map_or_else(|| json!({}), |token| json!({"NextToken": token}));
        let Some(page) = call_unknown::<Page>(clients, "ListInferenceRouters", input).await? else { return Ok(None) };
        names.extend(page.inference_routers.into_iter().map(|one| one.inference_router_name));
        Ok(page.next_token)
    });
    match read.await {
        // A Region without the operation has no routers.
        Err(why) if why.contains("UnknownOperationException") => Ok(vec![]),
        read => read.map(|()| names),
    }
}
