//! What a mail says of a proposed auto scaling setting: what it saves, what it risks, what was assumed, a day of it, and how to set it.

use rust_decimal::Decimal;

use crate::{
    facts::{Endpoint, Variant},
    remedy::Remedy,
    rules::{
        endpoints::attaching::{CODE_OWNS_IT, LEAVE_IT, SET_IT, add_setting, block},
        verdict::{Detail, Notice, Waste},
    },
    scaling::{Advice, Attachment, Capacity, Proposal, Way, how_to_set_instances},
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, dollars},
        resource::Resource,
    },
};

/// A variant, its proposal, and what that saves.
pub(super) struct Proposed<'a> {
    pub(super) variant: &'a Variant,
    pub(super) proposal: &'a Proposal,
    /// What one instance carries.
    pub(super) carries: Capacity,
    /// How long an instance takes to start.
    pub(super) start_up: Duration,
    pub(super) usd_per_month: Decimal,
}

impl Proposed<'_> {
    /// The setting, as Application Auto Scaling takes it. `None`: it is a fixed number of instances.
    fn attachment(&self, endpoint: &Resource) -> Option<Attachment> {
        let Proposal { advice, setting, today, .. } = self.proposal;
        (*advice != Advice::Fixed).then(|| Attachment::new(&endpoint.name, &self.variant.name, today.peak_instances, setting))
    }
}

/// The waste of these variants, with all that a mail says of them.
pub(super) fn waste(endpoint: &Endpoint, proposed: &[Proposed<'_>], usd_per_month: Decimal) -> Waste {
    let is_promised = proposed.iter().all(|one| one.proposal.is_promised());
    let told = |runs: &str| proposed.iter().map(|one| told(one, runs)).collect::<Vec<_>>().join("; ");
    let remedy = remedy(endpoint, proposed);
    let notice = Notice {
        headline: Some("could scale with the requests"),
        is_saving: true,
        advice: Some(SET_IT.into()),
        after_stop: Some(CODE_OWNS_IT.into()),
        instead: Some(LEAVE_IT),
        ..notice(&endpoint.resource, proposed, is_promised)
    };
    Waste {
        reason: told("runs").into(),
        was: Some(told("ran").into()),
        remedy,
        usd_per_hour: Some(usd_per_month / HOURS_PER_MONTH),
        usd_per_month: is_promised.then_some(usd_per_month),
        notice,
        ..Waste::default()
    }
}

/// `AllTraffic runs 4 instances around the clock: 1 to 4 would have handled its requests of the last 14 days for $120.00 a month less`. `runs`: or "ran".
fn told(one: &Proposed<'_>, runs: &str) -> String {
    let Proposal { setting, today, advice, .. } = one.proposal;
    let (clock, enough) = match advice {
        Advice::Fixed => ("", setting.max.to_string()),
        Advice::Scale | Advice::ToZero => (" around the clock", format!("{} to {}", setting.min, setting.max)),
        Advice::Schedule => (" around the clock", format!("{} to {}, depending on the hour,", setting.least(), setting.max)),
    };
    let (name, now, usd) = (&one.variant.name, today.peak_instances, dollars(one.usd_per_month));
    let days = days(one.proposal);
    format!("{name} {runs} {now} instances{clock}: {enough} would have handled its requests of the last {days} days for {usd} a month less")
}

/// Attaches auto scaling to all of these variants. A fixed number of instances is for people to set.
fn remedy(endpoint: &Endpoint, proposed: &[Proposed<'_>]) -> Remedy {
    let new: Option<Vec<Attachment>> = proposed.iter().map(|one| one.attachment(&endpoint.resource)).collect();
    endpoint.attaches(Way::Follow, new.unwrap_or_default())
}

/// What a mail says of the settings: what is not sure, what each risks, what was assumed, a day of it, and how to set it.
fn notice(resource: &Resource, proposed: &[Proposed<'_>], is_promised: bool) -> Notice {
    let mut notice = Notice::default();
    let mut doubts: Vec<String> = proposed.iter().flat_map(|one| one.proposal.doubts.iter().map(|doubt| doubt.text.clone())).collect();
    doubts.dedup();
    if !doubts.is_empty() {
        let title = if is_promised { "Note:" } else { "The saving is not promised, because:" };
        notice.before.push(Detail { title: title.into(), list: doubts });
    }
    for one in proposed {
        notice.before.extend([overload(one).into(), assumed(one).into()]);
        notice.before.extend(day(one));
        if let Some(attachment) = one.attachment(resource) {
            add_setting(&mut notice, resource, &attachment);
        } else {
            let (name, instances) = (&one.variant.name, one.proposal.setting.max);
            let command = how_to_set_instances(&resource.name, &resource.region_option(), name, instances);
            notice.by_hand.push(block(format!("Set it for {name}:"), &command));
        }
    }
    notice
}

/// How many whole days were replayed.
const fn days(proposal: &Proposal) -> u64 {
    proposal.replay.minutes / (24 * 60)
}

/// `Overload: minutes of the last 14 days in which AllTraffic got more requests than its instances handle: 268 (4.5 h) with 4 instances, 16 with this setting. The guard accepts 20.`
fn overload(one: &Proposed<'_>) -> String {
    let Proposal { replay, today, allowed, .. } = one.proposal;
    let (name, days) = (&one.variant.name, days(one.proposal));
    format!(
        "Overload: minutes of the last {days} days in which {name} got more requests than its instances handle: {} with {} instances, {} with this setting. The guard \
         accepts {allowed}. Requests in such a minute are slow or fail.",
        minutes(today.short_minutes),
        today.peak_instances,
        minutes(replay.short_minutes),
    )
}

/// `268 (4.5 h)`
fn minutes(count: u64) -> String {
    if count < 120 {
        return count.to_string();
    }
    let tenths = (count + 3) / 6;
    format!("{count} ({}.{} h)", tenths / 10, tenths % 10)
}

/// What one instance handles, and what of that the target uses.
fn assumed(one: &Proposed<'_>) -> String {
    let Proposal { setting, advice, .. } = one.proposal;
    let carries = one.carries.per_minute;
    let target = match advice {
        Advice::Fixed => String::new(),
        _ => format!(
            " The target of {} is {:.0} % of that. It was tried on these requests, minute by minute, so that it needs no other margin.",
            setting.target,
            setting.target / carries * 100.0
        ),
    };
    format!(
        "Assumed: one instance handles {carries:.0} requests a minute ({}), and takes {} to start{}.{target}",
        one.carries.bound.words(),
        one.start_up,
        if one.variant.start_up.is_some() { " (the longest start of the last six weeks)" } else { "" }
    )
}

/// The busiest day: what the requests needed in each hour, and the instances now and with the setting.
fn day(one: &Proposed<'_>) -> Option<Detail> {
    let day = one.proposal.day.as_ref()?;
    let date = day.begins.strftime("%A %Y-%m-%d");
    let title = format!("Instances that {} needed on its busiest day, {date}, by the hour:", one.variant.name);
    Some(Detail { title: title.into(), list: day.text.lines().map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_also_hours_where_they_are_many() {
        for (count, text) in [(0, "0"), (16, "16"), (268, "268 (4.5 h)"), (1438, "1438 (24.0 h)")] {
            assert_eq!(minutes(count), text);
        }
    }
}
