//! # endpoint-fits-async
//!
//! ## What it finds
//! A real-time endpoint whose instances could be gone between its requests: its requests come in some hours only, and its callers may wait (`callers-wait`) until an instance
//! has started. An asynchronous endpoint keeps requests in a queue meanwhile. Where that cannot be used, an inference component that goes to zero is looked at: its callers get errors until an instance is
//! there, and have to send their requests again.
//!
//! With `callers-wait = "0s"`, the default, this is never recommended: say in the policy which callers may wait.
//! An endpoint that is less than 14 days old is not judged, and neither is one that nobody calls, that has several variants, whose configuration or number of instances changed in the last 7 days, or whose metrics could not be read.
//!
//! ## Why it costs money
//! Instances are billed around the clock, also while nobody calls.
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

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointFitsAsync {
    /// How long callers may wait for an answer while there is no instance. `"0s"`: they wait as they do today, and this is never recommended. Callers of some endpoints may wait longer: `[[override]]`.
    callers_wait: Duration,
}

impl Default for EndpointFitsAsync {
    fn default() -> Self {
        Self { callers_wait: Duration::seconds(0) }
    }
}

const TELLING: Telling = Telling {
    options: &[ServingOption::Asynchronous, ServingOption::InferenceComponent],
    headline: "would cost less without instances between its requests",
    callers,
};

impl Rule for EndpointFitsAsync {
    const NAME: &'static str = "endpoint-fits-async";
    const TO_DO: &'static str = "serve it from a queue";
    const MANNER: Manner = MONTHLY;
    type Subject = Hosted;

    fn concerns(&self, hosted: &Hosted) -> bool {
        hosted.endpoint.is_real_time()
    }

    fn callers_wait(&self, option: ServingOption) -> Option<Duration> {
        TELLING.options.contains(&option).then_some(self.callers_wait)
    }

    fn check(&self, hosted: &Hosted, cx: &RuleContext<'_>) -> Verdict {
        TELLING.verdict(hosted, hosted.judged_quietly(cx), cx)
    }
}

fn callers(one: &Estimate) -> Vec<String> {
    let waits = format!(
        "{:.1} % of the requests come while there is no instance, and wait about {}",
        100.0 * one.cold_share,
        seconds(one.cold_seconds.unwrap_or(one.seconds))
    );
    if one.option == ServingOption::InferenceComponent {
        return vec![
            "they name the component in each call".to_owned(),
            format!("{waits}: they fail until then, and have to be sent again"),
        ];
    }
    vec![
        "this is a change of their code: they put a request into S3, and read the answer from there".to_owned(),
        waits,
        "an asynchronous endpoint takes requests of 1 GB, and an hour for each".to_owned(),
    ]
}
