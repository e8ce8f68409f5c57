//! `[inference]`: what a recommendation for an endpoint must save, and what is assumed where nothing is measured.

use rust_decimal::dec;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::{
    inference::Assumptions,
    vocabulary::{duration::Duration, globs::Globs, price::Usd},
};

/// `[inference]`: what inference-advisor recommends, and what it assumes where nothing was measured.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InferenceSettings {
    /// What a recommendation must save, in USD per month and endpoint, beyond what auto scaling would save.
    pub min_saving: Usd,
    /// The share of requests that may meet a cold start.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_cold_share: f64,
    /// The size of a request and its answer together, in KB. It is not measured.
    #[serde(deserialize_with = "positive")]
    #[schemars(range(min = 0.0))]
    pub payload_kb: f64,
    /// How long a serverless environment takes to start and to load the model.
    pub cold_start: Duration,
    /// How long AWS keeps a serverless environment after its last request. AWS does not document it.
    pub stays_warm: Duration,
    /// How many times longer a request may take on a serverless endpoint or on smaller instances.
    #[serde(deserialize_with = "factor")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub slower: f64,
    /// How many times the mean of a minute's requests may come at once.
    #[serde(deserialize_with = "factor")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub burst: f64,
    /// How long an instance takes from its start until it serves.
    pub start_up: Duration,
    /// How long auto scaling waits without work until it takes the last instance away.
    pub scale_in: Duration,
    /// How often a batch transform job would run.
    pub batch_every: Duration,
    /// By which share a SageMaker Savings Plan makes real-time endpoints and batch transform cheaper for you: `0.2` is 20 %. Serverless and asynchronous endpoints are not on
    /// AWS's list of what such a plan covers.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub savings_plan_discount: f64,
    /// Images of at most 10 GB, which is the most that a serverless endpoint takes, by their URI: `"*/sagemaker-xgboost:*"`. The size of images in your own registry is read; AWS shows
    /// that of nobody else's.
    pub small_images: Globs,
}

impl Default for InferenceSettings {
    fn default() -> Self {
        let assumed = Assumptions::default();
        Self {
            min_saving: Usd(dec!(20)),
            max_cold_share: assumed.max_cold_share,
            payload_kb: assumed.payload / 1024.0,
            cold_start: assumed.cold_start,
            stays_warm: assumed.stays_warm,
            slower: assumed.slower,
            burst: assumed.burst,
            start_up: assumed.start_up,
            scale_in: assumed.scale_in,
            batch_every: assumed.batch_every,
            savings_plan_discount: assumed.plan_discount,
            small_images: Globs::default(),
        }
    }
}

impl InferenceSettings {
    /// What is assumed.
    pub fn assumptions(&self) -> Assumptions {
        Assumptions {
            payload: self.payload_kb * 1024.0,
            cold_start: self.cold_start,
            stays_warm: self.stays_warm,
            slower: self.slower,
            burst: self.burst,
            start_up: self.start_up,
            scale_in: self.scale_in,
            batch_every: self.batch_every,
            max_cold_share: self.max_cold_share,
            plan_discount: self.savings_plan_discount,
        }
    }

    /// Whether the policy says that this image has at most 10 GB.
    pub fn is_small_image(&self, uri: &str) -> bool {
        self.small_images.is_match(uri)
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0..=1.0, "a share: write 0 to 1, for example 0.05")
}

fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 1.0..=100.0, "a factor: write 1 to 100, for example 2")
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0..=1e9, "a size: write 0 or more, for example 2")
}

fn between<'de, D: Deserializer<'de>>(deserializer: D, range: std::ops::RangeInclusive<f64>, expected: &str) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if range.contains(&number) { Ok(number) } else { Err(de::Error::custom(format!("{number} is not {expected}"))) }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    #[test]
    fn what_is_no_share_is_refused_with_its_key() {
        for (line, expected) in [
            ("max-cold-share = 1.5", "line 2: `max-cold-share`: 1.5 is not a share: write 0 to 1, for example 0.05"),
            ("slower = 0.5", "line 2: `slower`: 0.5 is not a factor: write 1 to 100, for example 2"),
            ("payload-kb = -1.0", "line 2: `payload-kb`: -1 is not a size: write 0 or more, for example 2"),
        ] {
            let error = Policy::from_toml(&format!("[inference]\n{line}")).err().unwrap();
            assert_eq!(error.to_string(), expected);
        }
        let policy = Policy::from_toml("[inference]\nslower = 1.5\npayload-kb = 10\nsavings-plan-discount = 0.2").unwrap();
        let assumed = policy.inference.assumptions();
        assert_eq!((assumed.slower, assumed.payload, assumed.plan_discount), (1.5, 10_240.0, 0.2));
    }
}
