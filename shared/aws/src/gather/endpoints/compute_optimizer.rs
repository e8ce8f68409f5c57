//! Reads which endpoints AWS itself calls idle: Compute Optimizer's criterion is no `Invocations` for 14 days (aws-facts §3.5).

use std::collections::HashMap;

use aws_sdk_computeoptimizer::{
    operation::get_idle_recommendations::GetIdleRecommendationsError,
    types::{IdleRecommendationFilter, IdleRecommendationFilterName},
};
use cost_rules::facts::{Endpoint, IdleByAws, Unread};

use crate::{
    clients::{Clients, why::why},
    gather::read::{every_page, timestamp},
};

/// The resource type of endpoints in Compute Optimizer.
const ENDPOINTS: &str = "SageMakerEndpoint";

/// The endpoints that AWS calls idle, by ARN in lower case.
#[derive(Default)]
pub(super) struct Idle(HashMap<String, IdleByAws>);

impl Idle {
    pub(super) fn take_into(&self, endpoints: &mut [Endpoint]) {
        for endpoint in endpoints {
            let arn = endpoint.resource.arn.as_ref().map(|arn| arn.to_lowercase());
            endpoint.compute_optimizer = arn.and_then(|arn| self.0.get(&arn)).copied();
        }
    }
}

/// Reads them. An account that is not enrolled has none.
///
/// # Errors
/// Why they could not be read.
pub(super) async fn read(clients: &Clients) -> Result<Idle, Unread> {
    let mut idle = Idle::default();
    let filter = IdleRecommendationFilter::builder().name(IdleRecommendationFilterName::ResourceType).values(ENDPOINTS).build();
    let read = every_page(clients, async |token| {
        let call = clients.computeoptimizer.get_idle_recommendations().filters(filter.clone()).set_next_token(token);
        let page = match call.send().await {
            Ok(page) => page,
            Err(error) if error.as_service_error().is_some_and(GetIdleRecommendationsError::is_opt_in_required_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(why(&error)),
        };
        for one in page.idle_recommendations.unwrap_or_default() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of days: the cast saturates")]
            let days = one.look_back_period_in_days as u32;
            let found = IdleByAws { days, at: timestamp(one.last_refresh_timestamp.as_ref()) };
            idle.0.extend(one.resource_arn.map(|arn| (arn.to_lowercase(), found)));
        }
        Ok(page.next_token)
    });
    match read.await {
        Ok(()) => Ok(idle),
        Err(why) => Err(Unread::new("what Compute Optimizer says of endpoints (compute-optimizer:GetIdleRecommendations)", why)),
    }
}
