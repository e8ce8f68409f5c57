//! Endpoints with their models and how much of their instances they use: what another way of serving their requests is worked out from.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    facts::{
        endpoints::{AutoScaling, Endpoint},
        subject::Subject,
    },
    inference::{Advice, Features},
    vocabulary::{price::Instances, resource::Resource},
};

/// An endpoint with its model and how much of its instances it uses.
#[derive(Clone, Debug)]
pub struct Hosted {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its configuration as AWS's own JSON. `None`: it is gone, or could not be read.
    pub config: Option<Value>,
    /// The model of its first variant. `None`: it has none, or it could not be read.
    pub model: Option<Model>,
    /// What it has that not every way of serving can do.
    pub features: Features,
    /// Of what the features are not known only because a call failed: `its model`. `None`: nothing.
    pub unread: Option<&'static str>,
    /// How its first variant was used. `None`: not read.
    pub measured: Option<Measured>,
    /// What endpoint-autoscaler has told of it.
    pub autoscaler: Autoscaler,
    /// What is advised ([`crate::rulebook::Rulebook::advise`]).
    pub advice: Advice,
}

/// A model as it was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The URI of its image. `None`: it has several containers, or a model package.
    pub image: Option<String>,
    /// Its archive in S3. `None`: it has none.
    pub data_url: Option<String>,
    /// `ExecutionRoleArn`.
    pub role: Option<String>,
    /// `VpcConfig`, with its subnets and security groups in order. `None`: none.
    pub network: Option<String>,
    /// `EnableNetworkIsolation`.
    pub is_isolated: bool,
    /// The environment variables of its container, in order.
    pub environment: String,
}

/// How a variant was used in the hours of its [`crate::facts::Invocations`], but for failed requests without the hours before its instances changed ([`Hosted::changed_after`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// How long a request took, in seconds: the mean over all requests. `None`: there is no datapoint.
    pub seconds: Option<f64>,
    /// How long the slowest took, in seconds, with what SageMaker adds. `None`: there is no datapoint.
    pub slowest: Option<f64>,
    /// How many requests failed with a server error.
    pub failed: f64,
    /// The highest use of an instance's vCPUs in each hour, as a share from 0 to 1, the oldest first. NaN: no datapoint. Hours before its instances changed are left out.
    pub cpu: Vec<f32>,
    /// The same of its GPUs. Empty: it has none.
    pub gpu: Vec<f32>,
    /// The highest use of an instance's memory, as a share from 0 to 1. `None`: there is no datapoint.
    pub memory: Option<f64>,
    /// The same of the memory of its GPUs.
    pub gpu_memory: Option<f64>,
}

/// What endpoint-autoscaler has told of an endpoint, by its open findings in the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autoscaler {
    /// It could not be read.
    #[default]
    Unread,
    /// Nothing is open.
    Nothing,
    /// What the finding that saves most would save, in USD per month. `None`: it promised nothing.
    Saves(Option<Decimal>),
}

/// No endpoint takes longer until it serves.
const CREATING: SignedDuration = SignedDuration::from_hours(2);

impl Hosted {
    /// When its configuration or its number of instances last changed after this moment, as far as can be seen. Until then its instances may have been others, so that what was used
    /// of them says nothing of those that it has now.
    ///
    /// AWS does not tell when a configuration was deployed. One that is newer than the endpoint was deployed since; and an endpoint that does not scale by itself is modified by people, or
    /// maintained by AWS.
    pub fn changed_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let endpoint = &self.endpoint;
        let created = endpoint.created?;
        let configured = self.config.as_ref().and_then(|config| moment_of(&config["CreationTime"]));
        let scales = endpoint.variants.iter().any(|variant| variant.scaling != AutoScaling::None);
        let modified = endpoint.modified.filter(|at| !scales && created + CREATING < *at);
        let changes = configured.filter(|at| created < *at).into_iter().chain(modified);
        changes.filter(|at| moment < *at).max()
    }
}

/// A time in AWS's JSON: seconds since 1970.
fn moment_of(seconds: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are enough")]
    Timestamp::from_second(seconds.as_f64()? as i64).ok()
}

impl Measured {
    /// The 99th percentile of an hourly use: of two weeks, the three highest hours are left out, in which an instance may have started. `None`: there is no
    /// datapoint.
    pub fn busiest(hours: &[f32]) -> Option<f64> {
        let mut known: Vec<f32> = hours.iter().copied().filter(|share| share.is_finite()).collect();
        known.sort_by(f32::total_cmp);
        let left_out = known.len() / 100;
        known.get(known.len().checked_sub(1 + left_out)?).copied().map(f64::from)
    }
}

impl Subject for Hosted {
    fn resource(&self) -> &Resource {
        &self.endpoint.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.endpoint.resource
    }
    fn instances(&self) -> Vec<Instances> {
        self.endpoint.instances().unwrap_or_default()
    }
    fn run(&self) -> Option<Timestamp> {
        self.endpoint.run()
    }
    fn has_guard_tags(&self) -> bool {
        self.endpoint.has_guard_tags()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_hours_is_left_out() {
        let with = |high: usize, low: usize| [vec![1.0; high], vec![0.25; low], vec![f32::NAN; 7]].concat();
        assert_eq!(Measured::busiest(&with(3, 333)), Some(0.25), "three of two weeks");
        assert_eq!(Measured::busiest(&with(4, 332)), Some(1.0));
        assert_eq!(Measured::busiest(&with(1, 98)), Some(1.0), "of few hours, none is left out");
        assert_eq!(Measured::busiest(&with(0, 0)), None);
    }
}
