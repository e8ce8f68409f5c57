//! # endpoint-off-hours
//!
//! ## What it finds
//! An endpoint that runs day and night, although outside its working hours nobody called it in the last 14 days, and within them somebody did. The working hours are the same as
//! of notebooks: the tag `cost-guard:schedule`, else those of its team, else those of the policy. An endpoint that is less than a week old is not judged, and neither is one whose use
//! could not be read.
//!
//! ## Why it costs money
//! Working hours of 11 hours on five days are a third of the week. The other two thirds are billed as well.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the commands.
//!
//! Enforce with `remedy = "schedule"`: the guard warns first and then attaches scheduled actions, once: when working hours end, the minimum becomes zero (asynchronous
//! endpoints, and inference components whose instances follow them) or `min-instances` (real-time variants, of which AWS keeps one); 20 minutes before they begin, it becomes what it was.
//! Asynchronous endpoints and inference components are woken by an alarm if somebody calls them outside working hours: that takes some minutes. Holidays are like other days to scheduled actions.
//! What a person changes later is never set back.
//!
//! The guard leaves it alone, with the reason in the mail, where that saves nothing (a real-time variant with one instance), where somebody has scheduled actions or has suspended its scaling, and
//! where scheduled actions cannot say the hours: `always`, `never`, or hours that begin at a time that clocks skip when summer time begins.
//!
//! Enforce with `remedy = "hibernate"`: scheduled actions for what can go to zero. Of a real-time endpoint, its owner is warned once, and each time when working hours end, but not before `grace`, it is hibernated: the guard stores what it takes to create it
//! again, and deletes it. It creates it again before working hours begin (`wake-before` in `[hibernation]`), with its tags, its auto scaling and its number of instances. A break of less than
//! three hours does not count. While it is deleted, its callers get errors. Hibernating needs a deployment with `AllowHibernation = yes`. docs/endpoints.md says which endpoints are only
//! reported, and what does not come back.
//!
//! ## Settings

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{AutoScaling, Endpoint, Invocations, Serving},
    policy::{HoursOf, Policy},
    remedy::{Remedy, Sleep, WakesBy},
    rules::{
        context::RuleContext,
        endpoints::{
            attaching::{CODE_OWNS_IT, SET_IT, add_setting},
            sleep,
        },
        rule::{Manner, RemedyName, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    scaling::{Attachment, OfficeHours, Way},
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, dollars},
        schedule::Schedule,
        timed_text::TimedText,
        working_time::Calendar,
    },
};

/// A break of working hours that is shorter than this is not worth a creation of some minutes.
const SHORTEST_SLEEP: SignedDuration = SignedDuration::from_hours(3);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointOffHours {
    /// The number of instances that a real-time variant keeps outside of its working hours.
    #[schemars(range(min = 1))]
    min_instances: u32,
    /// How old an endpoint must be to be judged: at most 14 days.
    min_age: Duration,
    /// The action if the rule is enforced: `"schedule"` attaches scheduled actions, `"hibernate"` deletes real-time endpoints every evening and creates them again every morning.
    remedy: OffHoursRemedy,
}

/// The setting `remedy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OffHoursRemedy {
    Schedule,
    Hibernate,
}

impl Default for EndpointOffHours {
    fn default() -> Self {
        Self { min_instances: 1, min_age: Duration::days(7), remedy: OffHoursRemedy::Schedule }
    }
}

impl Rule for EndpointOffHours {
    const NAME: &'static str = "endpoint-off-hours";
    const TO_DO: &'static str = "run it in working hours only";
    // A warning of the morning is of this evening: a hibernated endpoint runs anew each day. What production keeps is said once, for both rules.
    const MANNER: Manner = Manner {
        grace: Duration::hours(8),
        warns_weekly: true,
        shares: Some(("endpoint-without-autoscaling", "min-instances")),
        ..Manner::ENFORCEABLE
    };
    type Subject = Endpoint;

    fn remedy(&self) -> Option<RemedyName> {
        Some(match self.remedy {
            OffHoursRemedy::Schedule => RemedyName::Schedule,
            OffHoursRemedy::Hibernate => RemedyName::Hibernate,
        })
    }

    fn reads_tag(&self, key: &str, _: &Policy) -> bool {
        sleep::reads_tag(key)
    }

    fn nonsense(&self) -> Option<&'static str> {
        if self.min_instances < 1 {
            return Some("`min-instances` is 0: a real-time variant has at least one instance");
        }
        if self.min_age < Duration::days(3) {
            return Some("`min-age` is less than three days: a weekend would look like a habit");
        }
        (Duration::days(14) < self.min_age).then_some("`min-age` is more than 14 days: CloudWatch is asked for the last 14 days")
    }

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_billed_when_idle()
    }

    fn check(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> Verdict {
        if let Err(verdict) = endpoint.judged_old(self.min_age, cx.now) {
            return verdict;
        }
        if endpoint.is_begun_below(Way::ByHours, self.min_instances) {
            return Verdict::Fine;
        }
        if endpoint.is_begun(Way::ByHours) {
            return Verdict::Waste(Box::new(finish(endpoint)));
        }
        // What could not be read is no reason to do anything else than before.
        if endpoint.serving == Serving::Unknown {
            return Verdict::Unknown("its configuration could not be read".into());
        }
        if endpoint.scalings().any(|scaling| *scaling == AutoScaling::Unread) {
            return Verdict::Unknown("its auto scaling could not be read".into());
        }
        if endpoint.keeps_hours(cx.now) || endpoint.goes_to_zero() {
            return Verdict::Fine;
        }
        let HoursOf { schedule, whose, calendar, slip } = match cx.policy.hours_of(&endpoint.resource) {
            Ok(hours) => hours,
            Err(why) => return Verdict::Unknown(why),
        };
        let used = match endpoint.judged_use() {
            Ok(used) => used,
            Err(verdict) => return verdict,
        };
        // One that nobody calls at all is the matter of `endpoint-idle`.
        if used.is_none() || endpoint.uses().any(|invocations| is_used_off_hours(invocations, &schedule, calendar)) {
            return Verdict::Fine;
        }
        let Some(off_share) = Decimal::from_f64(schedule.off_share()).filter(|share| Decimal::ZERO < *share) else { return Verdict::Fine };
        let reason = |runs: &str| {
            format!("{runs} day and night, but nobody called it outside {whose} working hours {schedule} in the last 14 days").into()
        };
        let mut waste = Waste { was: Some(reason("ran")), ..cx.endpoint_waste(endpoint, reason("runs"), off_share) };
        waste.notice.headline = Some(HEADLINE);
        waste.notice.is_saving = true;
        waste.notice.details.extend(slip.map(Into::into));
        match self.choose(endpoint, &schedule, calendar, cx) {
            OffHours::Hibernate(sleep, from) => {
                let took = endpoint.hibernation.as_ref().and_then(|hibernation| hibernation.took);
                waste.ends = schedule.next_start(from, calendar).map(|start| cx.policy.wakes_at(start, took)).filter(|end| from < *end);
                waste.not_before = Some(from).filter(|from| cx.now < *from);
                // Who created it again outside working hours needs it: that is warned of.
                waste.undone = endpoint.created.filter(|_| was_woken_off_hours(endpoint, &schedule, calendar, cx.now));
                waste.recurs = waste.undone.is_none();
                waste.remedy = Remedy::Hibernate(sleep);
                if let Some(end) = waste.ends {
                    let until = TimedText::from("Sleeps: until ").time(end);
                    waste.notice.before.push(until.text(", when the guard begins to create it again: that takes some minutes.").into());
                }
                waste.notice.hours = schedule.longer(from, calendar);
                waste.notice.advice = Some(endpoint.how_to_delete(DELETE));
            }
            OffHours::Schedule(attachments) => {
                let saved = saved_per_hour(endpoint, &attachments, cx).map(|usd| usd * HOURS_PER_MONTH * off_share);
                scheduled(&mut waste, endpoint, attachments, saved);
            }
            OffHours::Nothing(why) => {
                let advice = endpoint.how_to_delete(DELETE);
                waste.notice.advice = Some(format!("{advice}\nThe guard leaves it alone: {why}."));
            }
        }
        Verdict::Waste(Box::new(waste))
    }
}

const HEADLINE: &str = "got requests in working hours only";
const DELETE: &str = "delete it when working hours end, and create it again before they begin";

/// What is done about an endpoint that nobody calls outside its working hours.
#[derive(Debug, PartialEq)]
enum OffHours {
    /// Scheduled actions.
    Schedule(Vec<Attachment>),
    /// It is hibernated, from this time on.
    Hibernate(Sleep, Timestamp),
    /// Nothing, for this reason.
    Nothing(String),
}

impl EndpointOffHours {
    /// The one place where that is chosen.
    fn choose(&self, endpoint: &Endpoint, schedule: &Schedule, calendar: &Calendar, cx: &RuleContext<'_>) -> OffHours {
        // What can go to zero need not be deleted.
        if self.remedy == OffHoursRemedy::Schedule || endpoint.serving != Serving::RealTime {
            return scheduled_actions(endpoint, OfficeHours::new(schedule, schedule.zone(calendar), cx.now), self.min_instances);
        }
        let Some(from) = schedule.off_from(cx.now, calendar, SHORTEST_SLEEP) else {
            return OffHours::Nothing("its working hours have no break of three hours".to_owned());
        };
        let sleep = endpoint.sleep(WakesBy::WorkingHours, cx.policy);
        sleep.map_or_else(OffHours::Nothing, |sleep| OffHours::Hibernate(sleep, from))
    }
}

/// Scheduled actions where they save something.
fn scheduled_actions(endpoint: &Endpoint, hours: Result<OfficeHours, String>, min_instances: u32) -> OffHours {
    let scheduled = hours
        .map_err(|why| format!("scheduled actions cannot keep its working hours: {why}"))
        .and_then(|hours| endpoint.by_hours(&hours, min_instances));
    scheduled.map_or_else(OffHours::Nothing, OffHours::Schedule)
}

/// Finishes what the guard began.
fn finish(endpoint: &Endpoint) -> Waste {
    Waste {
        reason: "the guard has begun to scale it by its working hours, and finishes that".to_owned().into(),
        remedy: endpoint.attaches(Way::ByHours, vec![]),
        usd_per_month: endpoint.attached.as_ref().and_then(|attached| attached.usd_per_month),
        notice: Notice { headline: Some(HEADLINE), is_saving: true, advice: Some(CODE_OWNS_IT.into()), ..Notice::default() },
        ..Waste::default()
    }
}

/// USD per hour of the instances that are not there outside working hours. `None`: a price is not known.
fn saved_per_hour(endpoint: &Endpoint, attachments: &[Attachment], cx: &RuleContext<'_>) -> Option<Decimal> {
    if attachments.iter().all(|one| one.least() == 0) {
        return cx.hourly_of_endpoint(endpoint);
    }
    let of = |one: &Attachment| {
        let variant = endpoint.variants.iter().find(|variant| variant.name == one.variant)?;
        let (_, each) = cx.hourly_of_variant(variant)?;
        Some(each * Decimal::from(one.bounds_before().min.saturating_sub(one.least())))
    };
    attachments.iter().map(of).sum()
}

/// Adds what scheduled actions do, and what they save in USD per month.
fn scheduled(waste: &mut Waste, endpoint: &Endpoint, attachments: Vec<Attachment>, saved: Option<Decimal>) {
    let notice = &mut waste.notice;
    notice.instead = Some("ask to leave it as it is, or give it other hours with the tag cost-guard:schedule");
    notice.after_stop = Some(CODE_OWNS_IT.into());
    notice.advice = Some(SET_IT.into());
    let fewer = |one: &Attachment| format!("{} of the {} instances of {}", one.least(), one.bounds_before().min, one.variant);
    let kept: Vec<String> = attachments.iter().filter(|one| 0 < one.least()).map(fewer).collect();
    if !kept.is_empty() {
        let all = waste.usd_per_month.map_or_else(String::new, |usd| format!(" Without any, {} a month would be saved.", dollars(usd)));
        notice.details.push(format!("Outside its working hours it keeps {}.{all}", kept.join(" and ")).into());
        let delete =
            endpoint.how_to_delete("or, to save all of it, delete it when working hours end, and create it again before they begin");
        notice.advice = notice.advice.take().map(|advice| format!("{advice}\n{delete}"));
    }
    waste.usd_per_month = saved;
    for one in &attachments {
        add_setting(notice, &endpoint.resource, one);
    }
    waste.remedy = endpoint.attaches(Way::ByHours, attachments);
}

/// Whether somebody has created it since working hours ended: not the guard, which does so shortly before they begin.
fn was_woken_off_hours(endpoint: &Endpoint, schedule: &Schedule, calendar: &Calendar, now: Timestamp) -> bool {
    let Some((ended, created)) = schedule.off_since(now, calendar).zip(endpoint.created) else { return false };
    let ahead = schedule.next_start(created, calendar).map(|start| start.duration_since(created));
    ended <= created && ahead.is_none_or(|ahead| SHORTEST_SLEEP < ahead)
}

/// Whether it was called in an hour that has no working time, neither at its start nor at its end.
fn is_used_off_hours(invocations: &Invocations, schedule: &Schedule, calendar: &Calendar) -> bool {
    let mut start = invocations.from;
    for requests in &invocations.hours {
        let end = start + SignedDuration::from_hours(1);
        let is_off = !schedule.is_working(start, calendar) && !schedule.is_working(end - SignedDuration::from_secs(1), calendar);
        if is_off && requests.is_some_and(|requests| 0.0 < requests) {
            return true;
        }
        start = end;
    }
    false
}

#[cfg(test)]
mod tests;
