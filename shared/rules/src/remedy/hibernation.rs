//! Hibernation: an endpoint is deleted while nobody needs it, and created again as it was.

use serde::{Deserialize, Serialize};

use crate::vocabulary::text::argument;

/// How an endpoint is hibernated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sleep {
    /// The name of its configuration, with which everybody can create it again.
    pub config: String,
    /// What wakes it.
    pub wakes: WakesBy,
}

/// What wakes an endpoint that is hibernated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakesBy {
    /// Its working hours: it is created again before they begin.
    WorkingHours,
    /// Nothing but a person.
    Asking,
}

/// The AWS CLI command that creates an endpoint again. The guard then restores the rest. `region`: [`crate::vocabulary::resource::region_option`].
pub fn how_to_wake(endpoint: &str, config: &str, region: &str) -> String {
    format!("aws sagemaker create-endpoint {region}--endpoint-name {} --endpoint-config-name {}", argument(endpoint), argument(config))
}

impl Sleep {
    /// Until when it sleeps if nothing but a person wakes it, and how that is done.
    pub fn until_somebody_wakes_it(&self, endpoint: &str, region: &str) -> String {
        let wake = how_to_wake(endpoint, &self.config, region);
        format!("Sleeps: until you wake it, which takes some minutes: {wake}")
    }
}
