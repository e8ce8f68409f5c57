//! # endpoint-fits-batch
//!
//! ## What it finds
//! A real-time endpoint whose requests could be answered by a job now and then (`batch-every`): its callers may wait so long (`callers-wait`).
//!
//! With `callers-wait = "0s"`, the default, this is never recommended: say in the policy which callers may wait.
//! An endpoint that is less than 14 days old is not judged, and neither is one that nobody calls, that has several variants, whose configuration or number of instances changed in the last 7 days, or whose metrics could not be read.
//!
//! ## Why it costs money
//! Instances are billed around the clock; a batch transform job is billed while it runs.
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
pub(crate) struct EndpointFitsBatch {
    /// How long callers may wait for an answer. `"0s"`: they wait as they do today, and this is never recommended. Callers of some endpoints may wait longer: `[[override]]`.
    callers_wait: Duration,
}

impl Default for EndpointFitsBatch {
    fn default() -> Self {
        Self { callers_wait: Duration::seconds(0) }
    }
}

const TELLING: Telling =
    Telling { options: &[ServingOption::BatchTransform], headline: "would cost less as a batch transform job", callers };

impl Rule for EndpointFitsBatch {
    const NAME: &'static str = "endpoint-fits-batch";
    const TO_DO: &'static str = "run a batch transform job instead";
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
    vec![
        "this is a change of their code: they write files of requests into S3, and read files of answers".to_owned(),
        format!("an answer comes after up to {}, and the time that its job takes", seconds(one.cold_seconds.unwrap_or_default())),
        "nothing is billed between the jobs".to_owned(),
    ]
}
