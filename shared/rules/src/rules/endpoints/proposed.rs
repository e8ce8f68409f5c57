//! What a mail says of a proposed auto scaling setting: what it saves, what it risks, what was assumed, a day of it, and how to set it.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::{
    facts::{AttachStage, Endpoint, Variant},
    remedy::Remedy,
    rules::verdict::{Detail, Notice, Waste},
    scaling::{Advice, Attachment, Capacity, Load, Proposal, Setting, Terms, Traffic, billed_by_minute, busiest_day, chart_of_day},
    vocabulary::{
        price::{HOURS_PER_MONTH, dollars},
        resource::{Arn, Resource},
        text::{argument, quoted},
    },
};

/// A variant, its proposal, and what that saves.
pub(super) struct Proposed<'a> {
    pub(super) variant: &'a Variant,
    /// Its requests by the minute.
    pub(super) minutes: &'a Traffic,
    pub(super) proposal: &'a Proposal,
    /// What one instance carries.
    pub(super) carries: Capacity,
    pub(super) terms: Terms,
    /// The time zone of the chart and of scheduled actions.
    pub(super) zone: TimeZone,
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
    let told: Vec<String> = proposed.iter().map(told).collect();
    let mut details: Vec<Detail> = proposed.iter().flat_map(|one| details(&endpoint.resource, one)).collect();
    let mut doubts: Vec<String> = proposed.iter().flat_map(|one| one.proposal.doubts.iter().map(|doubt| doubt.text.clone())).collect();
    doubts.dedup();
    if !doubts.is_empty() {
        let title = if is_promised { "Know this:" } else { "The saving is not promised, because:" };
        details.insert(0, Detail { title: title.into(), list: doubts });
    }
    let notice = Notice {
        headline: Some("could scale with the requests"),
        details,
        advice: Some(
            "if code owns the endpoint (CloudFormation, Terraform), write the setting there: its next deployment removes everything else again."
                .into(),
        ),
        ..Notice::default()
    };
    Waste {
        reason: told.join("; ").into(),
        remedy: remedy(endpoint, proposed),
        usd_per_hour: Some(usd_per_month / HOURS_PER_MONTH),
        usd_per_month: is_promised.then_some(usd_per_month),
        notice,
        ..Waste::default()
    }
}

/// `AllTraffic runs 4 instances around the clock, 1 to 4 would have carried its requests for $120.00 a month less`
fn told(one: &Proposed<'_>) -> String {
    let Proposal { setting, today, advice, .. } = one.proposal;
    let (name, usd) = (&one.variant.name, dollars(one.usd_per_month));
    let now = today.peak_instances;
    match advice {
        Advice::Fixed => format!("{name} runs {now} instances, {} would have carried its requests for {usd} a month less", setting.max),
        Advice::Scale | Advice::ToZero => {
            format!(
                "{name} runs {now} instances around the clock, {} to {} would have carried its requests for {usd} a month less",
                setting.min, setting.max
            )
        }
        Advice::Schedule => format!(
            "{name} runs {now} instances around the clock, {} to {} by its hours would have carried its requests for {usd} a month less",
            setting.least(),
            setting.max
        ),
    }
}

/// Attaches auto scaling to all of these variants. It is attached once: what somebody took back stays so. A fixed number of instances is for people to set.
fn remedy(endpoint: &Endpoint, proposed: &[Proposed<'_>]) -> Remedy {
    let attachments: Option<Vec<Attachment>> = match &endpoint.attached {
        None => proposed.iter().map(|one| one.attachment(&endpoint.resource)).collect(),
        Some(attached) => (attached.stage == AttachStage::Attaching).then(|| attached.attachments.clone()),
    };
    attachments.map_or(Remedy::None, Remedy::AttachScaling)
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
        "Assumed: one instance handles {:.0} requests a minute ({}), and takes {} to start.",
        one.carries.per_minute,
        one.carries.bound.words(),
        one.terms.start_up
    );
    let mut details = vec![risk.into(), assumed.into()];
    details.extend(day(one, setting));
    let region = resource.arn.as_deref().and_then(Arn::parse).map_or("", |arn| arn.region);
    details.extend(match one.attachment(resource) {
        Some(attachment) => blocks(name, &attachment, region),
        None => vec![fixed(resource, name, setting.max)],
    });
    details
}

/// The busiest day: what the requests needed in each hour, and the instances now and with the setting.
fn day(one: &Proposed<'_>, setting: &Setting) -> Option<Detail> {
    let load = Load::new(one.minutes);
    let from = busiest_day(&load, &one.zone)?;
    let today = Setting::fixed(one.proposal.today.peak_instances, setting.target);
    let [now, proposed] = [&today, setting].map(|setting| billed_by_minute(&load, setting, &one.terms, None));
    let chart = chart_of_day(&load, one.terms.per_instance, from, &now, &proposed, &one.zone);
    let day = one.minutes.time_of(from).to_zoned_datetime(one.zone.clone());
    let title = format!("Instances that {} needed on its busiest day, {}, by the hour:", one.variant.name, day.strftime("%A %Y-%m-%d"));
    Some(Detail { title: title.into(), list: chart.lines().map(str::to_owned).collect() })
}

fn blocks(variant: &str, attachment: &Attachment, region: &str) -> Vec<Detail> {
    let block = |title: String, text: String| Detail { title: title.into(), list: text.lines().map(str::to_owned).collect() };
    vec![
        block(format!("Set it for {variant}:"), attachment.commands(region)),
        block("As CloudFormation:".into(), attachment.cloud_formation()),
        block("As Terraform:".into(), attachment.terraform()),
    ]
}

/// The command that sets a fixed number of instances.
fn fixed(endpoint: &Resource, variant: &str, instances: u32) -> Detail {
    let counts = quoted(&format!("VariantName={variant},DesiredInstanceCount={instances}"));
    let command = format!(
        "aws sagemaker update-endpoint-weights-and-capacities {}--endpoint-name {} --desired-weights-and-capacities {counts}",
        endpoint.region_option(),
        argument(&endpoint.name)
    );
    Detail { title: format!("Set it for {variant}:").into(), list: vec![command] }
}
