//! # endpoint-fits-serverless
//!
//! ## What it finds
//! A real-time endpoint whose requests would cost less on a serverless endpoint: it has so few requests, or so short ones, that its instances do nothing most of the time. Its model must fit into 6 GB of
//! memory and must not need what serverless endpoints do not have (GPUs, VPCs, data capture, several variants and more: [inference-options.md](inference-options.md)). With provisioned concurrency where
//! cold starts would be too many otherwise.
//!
//! What is not known is never taken as possible: an image whose size cannot be read, for example, until the policy names it (`small-images`).
//! An endpoint that is less than 14 days old is not judged, and neither is one that nobody calls, that has several variants, whose configuration or number of instances changed in the last 7 days, or whose metrics could not be read.
//!
//! ## Why it costs money
//! Instances are billed around the clock, a serverless endpoint for the time that requests take.
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
        inference::{
            moving::most_at_once,
            verdict::{MONTHLY, Telling, seconds},
        },
        rule::{Manner, Rule},
        verdict::Verdict,
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointFitsServerless {}

const TELLING: Telling = Telling {
    options: &[ServingOption::Serverless, ServingOption::ServerlessProvisioned],
    headline: "would cost less as a serverless endpoint",
    callers,
};

impl Rule for EndpointFitsServerless {
    const NAME: &'static str = "endpoint-fits-serverless";
    const TO_DO: &'static str = "serve it without instances";
    const MANNER: Manner = MONTHLY;
    type Subject = Hosted;

    fn concerns(&self, hosted: &Hosted) -> bool {
        hosted.endpoint.is_real_time()
    }

    fn callers_wait(&self, option: ServingOption) -> Option<Duration> {
        TELLING.options.contains(&option).then_some(Duration::seconds(0))
    }

    fn check(&self, hosted: &Hosted, cx: &RuleContext<'_>) -> Verdict {
        TELLING.verdict(hosted, hosted.judged_quietly(cx), cx)
    }
}

fn callers(one: &Estimate) -> Vec<String> {
    let cold = match one.cold_seconds {
        Some(wait) => format!("{:.1} % of the requests meet a cold start and take about {}", 100.0 * one.cold_share, seconds(wait)),
        None => "no request meets a cold start".to_owned(),
    };
    vec![
        "the endpoint has a new name, and is called in the same way".to_owned(),
        cold,
        format!("all others take about {} as today, or longer: see what is assumed", seconds(one.seconds)),
        format!("at most {} requests at once; more are refused (MaxConcurrency)", most_at_once(one)),
        "a request has 4 MB at most".to_owned(),
        "its model and what it writes have 5 GB of disk at most: how much they need is not measured, so look at the unpacked archive"
            .to_owned(),
    ]
}
