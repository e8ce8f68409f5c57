//! What a mail says of a proposed auto scaling setting: what it saves, what it risks, what was assumed, a day of it, and how to set it.

use rust_decimal::Decimal;

use crate::{
    facts::{Endpoint, Variant},
    remedy::Remedy,
    rules::{
        endpoints::attaching::{CODE_OWNS_IT, block, how_to_set},
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
    let mut details: Vec<Detail> = proposed.iter().flat_map(|one| details(&endpoint.resource, one)).collect();
    let mut doubts: Vec<String> = proposed.iter().flat_map(|one| one.proposal.doubts.iter().map(|doubt| doubt.text.clone())).collect();
    doubts.dedup();
    if !doubts.is_empty() {
        let title = if is_promised { "Know this:" } else { "The saving is not promised, because:" };
        details.insert(0, Detail { title: title.into(), list: doubts });
    }
    let notice =
        Notice { headline: Some("could scale with the requests"), details, advice: Some(CODE_OWNS_IT.into()), ..Notice::default() };
    Waste {
        reason: told("runs").into(),
        was: Some(told("ran").into()),
        remedy: remedy(endpoint, proposed),
        usd_per_hour: Some(usd_per_month / HOURS_PER_MONTH),
        usd_per_month: is_promised.then_some(usd_per_month),
        notice,
        ..Waste::default()
    }
}

/// `AllTraffic runs 4 instances around the clock, 1 to 4 would have carried its requests for $120.00 a month less`. `runs`: or "ran".
fn told(one: &Proposed<'_>, runs: &str) -> String {
    let Proposal { setting, today, advice, .. } = one.proposal;
    let (clock, enough) = match advice {
        Advice::Fixed => ("", setting.max.to_string()),
        Advice::Scale | Advice::ToZero => (" around the clock", format!("{} to {}", setting.min, setting.max)),
        Advice::Schedule => (" around the clock", format!("{} to {} by its hours", setting.least(), setting.max)),
    };
    let (name, now, usd) = (&one.variant.name, today.peak_instances, dollars(one.usd_per_month));
    format!("{name} {runs} {now} instances{clock}, {enough} would have carried its requests for {usd} a month less")
}

/// Attaches auto scaling to all of these variants. A fixed number of instances is for people to set.
fn remedy(endpoint: &Endpoint, proposed: &[Proposed<'_>]) -> Remedy {
    let new: Option<Vec<Attachment>> = proposed.iter().map(|one| one.attachment(&endpoint.resource)).collect();
    endpoint.attaches(Way::Follow, new.unwrap_or_default())
}

/// What the setting risks, what was assumed, one day of it, and how to set it.
fn details(resource: &Resource, one: &Proposed<'_>) -> Vec<Detail> {
    let Proposal { setting, replay, .. } = one.proposal;
    let name = &one.variant.name;
    let days = replay.minutes / (24 * 60);
    let risk = format!(
        "Risk of {name}: in {} of {} minutes of the last {days} days there would have been more requests than the instances handle. Then they are slow or fail.",
        replay.short_minutes, replay.minutes
    );
    let assumed = format!(
        "Assumed: one instance handles {:.0} requests a minute ({}), and takes {} to start{}.",
        one.carries.per_minute,
        one.carries.bound.words(),
        one.start_up,
        if one.variant.start_up.is_some() { " (the longest start of the last six weeks)" } else { "" }
    );
    let mut details = vec![risk.into(), assumed.into()];
    details.extend(day(one));
    details.extend(match one.attachment(resource) {
        Some(attachment) => how_to_set(resource, &attachment),
        None => {
            vec![block(format!("Set it for {name}:"), &how_to_set_instances(&resource.name, &resource.region_option(), name, setting.max))]
        }
    });
    details
}

/// The busiest day: what the requests needed in each hour, and the instances now and with the setting.
fn day(one: &Proposed<'_>) -> Option<Detail> {
    let day = one.proposal.day.as_ref()?;
    let date = day.begins.strftime("%A %Y-%m-%d");
    let title = format!("Instances that {} needed on its busiest day, {date}, by the hour:", one.variant.name);
    Some(Detail { title: title.into(), list: day.text.lines().map(str::to_owned).collect() })
}
