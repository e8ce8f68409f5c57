//! What owners are told of besides, if they get a weekly summary anyway: what they were warned of and what is not stopped.

use crate::{
    mail::{
        delivery::Due,
        item::{MailContext, addressee},
        notification::Notification,
    },
    plan::{Entry, Plan, Spared, WhySpared},
    remedy::Remedy,
    vocabulary::{resource::Kind, text::one_line, time_zone::clock, timed_text::TimedText},
};

/// What is not stopped although its owner was warned, as notifications that no mail is sent for.
pub fn asides(plan: &Plan, context: &MailContext<'_>) -> Vec<Notification> {
    plan.spared().map(|(entry, spared)| aside(entry, spared, context)).collect()
}

fn aside(entry: &Entry, spared: &Spared, context: &MailContext<'_>) -> Notification {
    let zone = context.policy.zone_of(entry.team.as_deref());
    let kind = Kind::of(&entry.id).map_or("resource", Kind::words);
    let name = one_line(&entry.name);
    let why = match &spared.why {
        WhySpared::Used(at) => format!("it was used on {}", clock(*at, zone)),
        WhySpared::Ended(at) => format!("what it was to be stopped for ended on {}", clock(*at, zone)),
        WhySpared::NotFound => "its use, its tags or the policy changed".to_owned(),
        WhySpared::Suspended(why) => one_line(why),
        WhySpared::OnlyReported => "it is only reported now".to_owned(),
    };
    let participle = entry.action.as_deref().map_or("stopped", Remedy::participle_of_action);
    let brief = format!("{kind} {name}, which was to be {participle} on {}: {why} ({})", clock(spared.announced, zone), entry.rule);
    Notification {
        due: Due::Aside,
        function: context.function.to_owned(),
        owner: addressee(entry.owner.as_deref()),
        team: entry.team.clone(),
        arn: entry.arn.clone(),
        what: format!("{kind} {name}"),
        name,
        heading: "was not stopped".to_owned(),
        counted_as: "not stopped".to_owned(),
        headline: "was not stopped".to_owned(),
        head: format!("\n* {brief}").into(),
        brief,
        findings: vec![entry.key()],
        is_open: false,
        is_mendable: false,
        is_report: false,
        for_platform: false,
        usd_per_month: None,
        usd_per_hour: None,
        reasons: vec![],
        costs: TimedText::default(),
        more: vec![],
        by_hand: String::new(),
        link: None,
    }
}
