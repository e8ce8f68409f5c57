//! What is assumed where nothing was measured: each assumption can be set.

use crate::vocabulary::duration::Duration;

/// What is assumed. The section `[inference]` of the policy sets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumptions {
    /// The bytes in and out of a request.
    pub payload: f64,
    /// How long a cold start takes: AWS starts a serverless environment and loads the model.
    pub cold_start: Duration,
    /// How long AWS keeps a serverless environment after its last request. Not documented.
    pub stays_warm: Duration,
    /// How many times longer a request takes on a serverless endpoint, at most: its share of vCPUs is not documented.
    pub slower: f64,
    /// How many times the mean of a minute's requests under way come at once, at most.
    pub burst: f64,
    /// How long an instance takes to start.
    pub start_up: Duration,
    /// How long auto scaling waits without work until it takes the last instance away: 15 minutes of its alarm and a cooldown of five (aws-facts §3.2).
    pub scale_in: Duration,
    /// How often a batch transform job would run.
    pub batch_every: Duration,
    /// The share of requests that may meet a cold start.
    pub max_cold_share: f64,
    /// By which share a Savings Plan makes real-time endpoints and batch transform cheaper, from 0 to 1 (money-facts §1.4).
    pub plan_discount: f64,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            payload: 2048.0,
            cold_start: Duration::seconds(10),
            stays_warm: Duration::minutes(10),
            slower: 2.0,
            burst: 2.0,
            start_up: Duration::minutes(5),
            scale_in: Duration::minutes(20),
            batch_every: Duration::hours(24),
            max_cold_share: 0.05,
            plan_discount: 0.0,
        }
    }
}
