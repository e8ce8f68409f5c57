//! # endpoints-fit-multi-model
//!
//! ## What it finds
//! Real-time endpoints that could share one multi-model endpoint, and would cost less together than each alone in its best way. They have the same image, role, network, key, isolation, data capture and environment
//! variables, the same team (or owner) and the same stage (tags `Environment`, `Env` or `Stage`). Their loads are added hour by hour, with their memory: at their busiest, they use at most 70 % of the vCPUs
//! and 80 % of the memory and GPUs of the shared instances. Each model counts with all the memory that its endpoint uses, so that no model pushes another one out of memory. Only images are looked at that are known to serve several models.
//!
//! An endpoint that is less than 14 days old is not judged, and neither is one that nobody calls, that has several variants, whose configuration or number of instances changed in the last 7 days, or whose metrics could not be read.
//!
//! ## Why it costs money
//! Each endpoint has an instance at least, and most of it does nothing.
//!
//! ## What happens, and what is lost
//! The owner of the oldest endpoint is mailed which ones could share, what that would save, what speaks against it, the commands of the move in order, and how to go back. Nothing is done.
//!
//! ## Settings
//! The section `[inference]` has those of all rules of inference-advisor. [inference-options.md](inference-options.md) explains the model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Hosted,
    inference::{Highest, Member, Shared, Sharing},
    rules::{
        context::RuleContext,
        inference::{
            moving::Moving,
            verdict::{MONTHLY, saving, usd},
        },
        rule::{Manner, Rule},
        verdict::{Detail, Notice, Verdict, Waste},
    },
    vocabulary::price::Instances,
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointsFitMultiModel {}

impl Rule for EndpointsFitMultiModel {
    const NAME: &'static str = "endpoints-fit-multi-model";
    const TO_DO: &'static str = "let it share a multi-model endpoint with others like it";
    const MANNER: Manner = MONTHLY;
    type Subject = Hosted;

    fn concerns(&self, hosted: &Hosted) -> bool {
        hosted.endpoint.is_real_time()
    }

    fn check(&self, hosted: &Hosted, cx: &RuleContext<'_>) -> Verdict {
        match hosted.judged_quietly(cx) {
            Ok(given) => match &given.sharing {
                Sharing::First(shared) => Verdict::Waste(Box::new(waste(hosted, shared))),
                Sharing::Of(_) | Sharing::Alone => Verdict::Fine,
            },
            Err(verdict) => verdict,
        }
    }
}

fn waste(hosted: &Hosted, shared: &Shared) -> Waste {
    let Shared { members, group, .. } = shared;
    let on = Instances::words(&[Instances { instance_type: group.instance_type.clone(), count: group.instances }]);
    let reason = format!(
        "it and {} more endpoints would cost {} a month as one multi-model endpoint on {on}; alone they cost {}",
        members.len() - 1,
        usd(group.usd_per_month),
        usd(group.usd_per_month_today)
    );
    let details = vec![
        Detail { title: "The endpoints:".into(), list: members.iter().map(|Member { name, .. }| name.clone()).collect() },
        Detail { title: "What speaks against it:".into(), list: against(shared) },
        format!("Assumed: {}.", highest(&group.highest)).into(),
    ];
    let notice = Notice {
        headline: Some("could share one endpoint with others"),
        details,
        by_hand: Moving::of(hosted).map(|moving| moving.to_shared(shared)).unwrap_or_default(),
        advice: Some("see the steps at the end of this mail, and how to go back".into()),
        is_saving: true,
        ..Notice::default()
    };
    saving(reason, shared.usd_saved(), notice)
}

fn against(shared: &Shared) -> Vec<String> {
    let noisy = shared.noisiest.as_ref().map(|(name, share)| {
        format!("in the busiest hour, {:.0} % of the load is {name}'s: whatever it does more, the others feel", share * 100.0)
    });
    let always = [
        "a model that is not in memory is loaded by the next request for it, which takes tens of seconds: this is so for the first request to each",
        "auto scaling, metrics and alarms are those of the shared endpoint: what CloudWatch shows of a single model is gone",
        "callers have to name the model in each call (--target-model)",
    ];
    noisy.into_iter().chain(always.map(str::to_owned)).collect()
}

/// How full the shared instances are.
fn highest(highest: &Highest) -> String {
    let mut parts =
        vec![format!("{:.0} % of their vCPUs", highest.cpu * 100.0), format!("{:.0} % of their memory", highest.memory * 100.0)];
    if 0.0 < highest.gpu_memory {
        parts.push(format!("{:.0} % of their GPUs", highest.gpu * 100.0));
        parts.push(format!("{:.0} % of the memory of their GPUs", highest.gpu_memory * 100.0));
    }
    format!("at their busiest, the shared instances use {}", parts.join(", "))
}
