//! # endpoint-oversized
//!
//! ## What it finds
//! A real-time endpoint that fewer, smaller or newer instances would carry: at its busiest it would use at most 70 % of their vCPUs, 80 % of their memory and 80 % of their GPUs. How fast a CPU is was
//! measured for most instance types; of others, vCPUs are compared. No instance may be more than `slower` times slower than today's. An endpoint of several instances keeps two. Images are built for one
//! architecture and models for one GPU, so that only types with the same ones are looked at. Parts of a GPU (MIG) are not: AWS publishes no list of them.
//!
//! The busiest is the 99th percentile of the highest use of each hour of 14 days, or that of the hour with most requests if it is higher; for memory the highest of all. If more than a tenth of
//! the hours have no datapoint, it cannot be told.
//! An endpoint that is less than 14 days old is not judged, and neither is one that nobody calls, that has several variants, whose configuration or number of instances changed in the last 7 days, or whose metrics could not be read.
//!
//! Of these rules, this one also reports the endpoints of which something is not known, and those that are left alone.
//!
//! ## Why it costs money
//! Instances are billed by their size, whether it is used or not.
//!
//! ## What happens, and what is lost
//! Its owner is mailed what it would save, what changes for callers, what was assumed, what the other ways would cost, the commands of the move in order, and how to go back. Nothing is done.
//!
//! ## Settings
//! The section `[inference]` has those of all rules of inference-advisor. One way is recommended for an endpoint: the cheapest that may be used, saves at least `min-saving` and leaves callers
//! what they have. [inference-options.md](inference-options.md) explains the model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Hosted,
    inference::{Estimate, ServingOption},
    rules::{
        context::RuleContext,
        inference::verdict::{MONTHLY, Telling, seconds},
        rule::{Manner, Rule},
        verdict::Verdict,
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointOversized {}

const TELLING: Telling = Telling { options: &[ServingOption::OtherInstances], headline: "would cost less on other instances", callers };

impl Rule for EndpointOversized {
    const NAME: &'static str = "endpoint-oversized";
    const TO_DO: &'static str = "put it on smaller or fewer instances";
    const MANNER: Manner = MONTHLY;
    type Subject = Hosted;

    fn concerns(&self, hosted: &Hosted) -> bool {
        hosted.endpoint.is_real_time()
    }

    fn callers_wait(&self, option: ServingOption) -> Option<Duration> {
        TELLING.options.contains(&option).then_some(Duration::seconds(0))
    }

    fn check(&self, hosted: &Hosted, cx: &RuleContext<'_>) -> Verdict {
        TELLING.verdict(hosted, hosted.judged(cx), cx)
    }
}

fn callers(one: &Estimate) -> Vec<String> {
    vec!["they call it as today, also while it is moved".to_owned(), format!("a request takes up to {}", seconds(one.seconds))]
}
