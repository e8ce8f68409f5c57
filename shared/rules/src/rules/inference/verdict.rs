//! What the rules about other ways of serving have in common: whether an endpoint is judged, and what its mail says.

use rust_decimal::{Decimal, dec, prelude::FromPrimitive as _};

use crate::{
    facts::Hosted,
    inference::{Advice, Estimate, Fit, Given, ServingOption},
    rules::{
        context::RuleContext,
        inference::moving::Moving,
        rule::Manner,
        verdict::{Detail, Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, Instances, dollars},
    },
};

/// How old an endpoint must be: its use is read for so long.
const WINDOW: Duration = Duration::days(14);

/// A move takes people weeks, so that a reminder each month is enough.
pub(super) const MONTHLY: Manner = Manner { remind_after: Some(Duration::days(30)), ..Manner::DEFAULT };

/// What an owner can do where no commands can be shown.
const CANNOT_BE_SHOWN: &str =
    "its configuration or its model could not be found, so that it could not be created again: create both again first, and then move it";

impl Hosted {
    /// What is advised. `Err`: the verdict on an endpoint for which nothing is.
    pub(super) fn judged(&self, cx: &RuleContext<'_>) -> Result<&Given, Verdict> {
        self.endpoint.judged_old(WINDOW, cx.now)?;
        if self.endpoint.known_use()?.is_none() {
            // endpoint-idle tells of it.
            return Err(Verdict::Fine);
        }
        match &self.advice {
            Advice::Given(given) => Ok(given),
            Advice::Pending => Err(Verdict::Later),
            Advice::Unknown(why) => Err(Verdict::Unknown(why.clone())),
            Advice::LeftAlone(why) => Err(Verdict::Exempt(why.clone())),
        }
    }

    /// The same for all of these rules but one: what is not known, or left alone, is reported once.
    pub(super) fn judged_quietly(&self, cx: &RuleContext<'_>) -> Result<&Given, Verdict> {
        self.judged(cx).map_err(|verdict| match verdict {
            Verdict::Unknown(_) => Verdict::Later,
            Verdict::Exempt(_) => Verdict::Fine,
            verdict => verdict,
        })
    }

    /// What it runs on, as it is counted: `2 x ml.m5.large`.
    fn runs_on(&self, given: &Given) -> String {
        let counted = given.estimates.iter().find(|one| one.option == ServingOption::RealTime).and_then(|one| one.instances);
        let now = self.endpoint.instances().unwrap_or_default();
        match (now.first(), counted) {
            (Some(one), Some(counted)) if counted < one.count => {
                let least = Instances { count: counted, ..one.clone() };
                format!("{} (the least that its auto scaling keeps)", Instances::words(&[least]))
            }
            _ => Instances::words(&now),
        }
    }
}

/// How a rule tells of its options.
pub(super) struct Telling {
    /// The options that it tells of.
    pub(super) options: &'static [ServingOption],
    /// The end of its mails' subject.
    pub(super) headline: &'static str,
    /// What changes for callers, a line each.
    pub(super) callers: fn(&Estimate) -> Vec<String>,
}

impl Telling {
    /// Waste, if one of the rule's options is recommended in what was judged.
    pub(super) fn verdict(&self, hosted: &Hosted, judged: Result<&Given, Verdict>, cx: &RuleContext<'_>) -> Verdict {
        let given = match judged {
            Ok(given) => given,
            Err(verdict) => return verdict,
        };
        match given.recommended().filter(|one| self.options.contains(&one.option)) {
            Some(one) => Verdict::Waste(Box::new(self.waste(hosted, given, one, cx))),
            None => Verdict::Fine,
        }
    }

    fn waste(&self, hosted: &Hosted, given: &Given, one: &Estimate, cx: &RuleContext<'_>) -> Waste {
        let reason = format!(
            "its requests of the last 14 days would cost {} a month {}; on {} they cost {}",
            between(one),
            option_words(one, cx),
            hosted.runs_on(given),
            usd(given.usd_today)
        );
        let mut details = vec![Detail { title: "For its callers:".into(), list: (self.callers)(one) }];
        details.push(format!("Assumed: {}. A request and its answer have {} KB.", one.assumes, cx.policy.inference.payload_kb).into());
        details.extend(told(given).into_iter().chain(plan(one, cx)).map(Detail::from));
        let by_hand = Moving::of(hosted).map(|moving| moving.steps(one)).unwrap_or_default();
        let others = Detail { title: "What its requests would cost a month otherwise:".into(), list: others(given, one) };
        let notice = Notice {
            headline: Some(self.headline),
            details,
            before: vec![others],
            advice: Some(
                if by_hand.is_empty() { CANNOT_BE_SHOWN } else { "see the steps at the end of this mail, and how to go back" }.into(),
            ),
            by_hand,
            is_saving: true,
            ..Notice::default()
        };
        saving(reason, given.usd_saved(), notice)
    }
}

/// The waste that a month's saving is.
pub(super) fn saving(reason: String, usd_saved: f64, notice: Notice) -> Waste {
    let usd_per_month = decimal(usd_saved);
    Waste { reason: reason.into(), usd_per_hour: usd_per_month.map(|usd| usd / HOURS_PER_MONTH), usd_per_month, notice, ..Waste::default() }
}

/// `as a serverless endpoint with 2 GB of memory`
fn option_words(one: &Estimate, cx: &RuleContext<'_>) -> String {
    let memory = one.memory_gb.unwrap_or_default();
    match one.option {
        ServingOption::Serverless => format!("as a serverless endpoint with {memory} GB of memory"),
        ServingOption::ServerlessProvisioned => {
            let ready = one.provisioned.unwrap_or_default();
            format!("as a serverless endpoint with {memory} GB of memory and a provisioned concurrency of {ready}")
        }
        ServingOption::Asynchronous => "as an asynchronous endpoint that has no instances while its queue is empty".to_owned(),
        ServingOption::BatchTransform if cx.policy.inference.batch_every == Duration::days(1) => {
            "as a batch transform job each day".to_owned()
        }
        ServingOption::BatchTransform => format!("as a batch transform job every {}", cx.policy.inference.batch_every),
        ServingOption::InferenceComponent => "as an inference component that goes to zero while nobody calls it".to_owned(),
        ServingOption::OtherInstances => {
            let instance_type = one.instance_type.clone().unwrap_or_default();
            format!("on {}", Instances::words(&[Instances { instance_type, count: one.instances.unwrap_or_default() }]))
        }
        ServingOption::RealTime | ServingOption::RealTimeScaled => one.option.words().to_owned(),
    }
}

/// `$12.30`, or `$12.30 to $24.00`.
fn between(one: &Estimate) -> String {
    let Some(range) = one.usd else { return "an unknown amount".to_owned() };
    let (low, high) = (usd(range.low), usd(range.high));
    if low == high { low } else { format!("{low} to {high}") }
}

pub(super) fn usd(amount: f64) -> String {
    decimal(amount).map_or_else(|| "an unknown amount".to_owned(), dollars)
}

fn decimal(amount: f64) -> Option<Decimal> {
    Decimal::from_f64(amount).map(|usd| usd.round_dp(6))
}

/// That the saving comes on top of what endpoint-autoscaler has told.
fn told(given: &Given) -> Option<String> {
    let is_told = decimal(given.usd_told).is_some_and(|usd| dec!(0.01) <= usd);
    is_told.then(|| {
        format!(
            "endpoint-autoscaler has told of {} a month for the same endpoint: the saving here is what comes on top of it.",
            usd(given.usd_told)
        )
    })
}

/// What leaving a Savings Plan means.
fn plan(one: &Estimate, cx: &RuleContext<'_>) -> Option<String> {
    let share = cx.policy.inference.savings_plan_discount;
    let leaves = !matches!(one.option, ServingOption::OtherInstances | ServingOption::BatchTransform | ServingOption::InferenceComponent);
    (0.0 < share && leaves).then(|| {
        format!(
            "Savings Plan: today's cost is with {:.0} % off. The plan's commitment is paid until it ends, whether this endpoint uses it or not: this saves only if something else uses it.",
            share * 100.0
        )
    })
}

/// The other options, a line each: what they cost, or why they cannot be used. Of serverless memory sizes, the smallest.
fn others(given: &Given, best: &Estimate) -> Vec<String> {
    let mut lines: Vec<(ServingOption, String)> = vec![];
    for one in given.estimates.iter().filter(|one| one.option != best.option) {
        if lines.iter().all(|(option, _)| *option != one.option) {
            lines.push((one.option, format!("{}: {}", one.option.words(), outcome(one))));
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn outcome(one: &Estimate) -> String {
    match &one.fit {
        Fit::Yes if 0.0 < one.cold_share => {
            let (share, wait) = (100.0 * one.cold_share, one.cold_seconds.unwrap_or_default());
            format!("{}, and {share:.1} % of the requests wait up to {}", between(one), seconds(wait))
        }
        Fit::Yes => between(one),
        Fit::No(why) => format!("not possible: {why}"),
        Fit::CannotTell(why) => format!("cannot tell: {why}"),
    }
}

/// `80 ms`, `2.5 s`, `12 min`, `24 h`
pub(super) fn seconds(length: f64) -> String {
    match length {
        ..1.0 => format!("{:.0} ms", length * 1e3),
        ..10.0 => format!("{length:.1} s"),
        ..120.0 => format!("{length:.0} s"),
        ..7200.0 => format!("{:.0} min", length / 60.0),
        _ => format!("{:.0} h", length / 3600.0),
    }
}
