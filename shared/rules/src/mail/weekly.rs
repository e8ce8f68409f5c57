//! The weekly summary of an owner: what was stopped for them, what that saved, what is open, and what they keep.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

use crate::{
    facts::SleepingEndpoint,
    mail::{
        body::{BODY, at_the_end, by_which_clock, opening},
        closing::closing,
        daily::{has_time, sections},
        digest::{Audience, Digest, Told, teams},
        item::MailContext,
        notification::Notification,
        subject::counting,
    },
    plan::{Entry, Saved, SavedBy, State},
    policy::Policy,
    remedy::{Remedy, WakesBy, how_to_wake},
    rules::{self, costs_are_waste, verdict::Severity},
    vocabulary::{
        price::dollars,
        resource::{Arn, Kind, UNOWNED},
        text::one_line,
        time_zone::{day, moment, until_end},
    },
};

/// The period of a summary.
pub const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the savings of the stops count.
const ESTIMATED: &str = "The savings are estimates: the on-demand price from each stop to the next working hours or the next start, for a month at most. What you \
                         stop yourself is not counted.\n";

/// What the savings of attached auto scaling are.
const BY_SCALING: &str = "An estimate: what the mail about it said that it saves, for each day on which it has stood as it was attached.\n";

/// The most lines under one heading.
const LINES: usize = 25;

/// What the ledger knows of an owner's last week.
#[derive(Debug, Default)]
pub(crate) struct OwnersWeek<'a> {
    /// What was saved in it.
    pub saved: Vec<&'a Saved>,
    /// The endpoints that sleep.
    pub sleeping: Vec<&'a SleepingEndpoint>,
    /// The findings that are open.
    pub open: Vec<&'a Entry>,
    /// The resources that the owner keeps, one entry per rule.
    pub kept: Vec<&'a Entry>,
    /// What was done again and has waited for the summary.
    pub done: Vec<&'a Notification>,
    /// What was to be stopped and was not.
    pub spared: Vec<&'a Notification>,
    /// What has waited for the next daily mail.
    pub new: Vec<&'a Notification>,
}

impl OwnersWeek<'_> {
    /// The ARN and the team of everything that the summary tells.
    fn about<'s>(&'s self, stops: &'s [&Saved]) -> Vec<(&'s str, Option<&'s str>)> {
        let entries = self.open.iter().chain(&self.kept).map(|one| (one.arn.as_str(), one.team.as_deref()));
        let stops = stops.iter().map(|one| (one.arn.as_str(), one.team.as_deref()));
        let told = self.new.iter().chain(&self.done).chain(&self.spared).map(|one| (one.arn.as_str(), one.team.as_deref()));
        let sleeping = self.sleeping.iter().map(|one| (one.resource.arn_or_id(), one.resource.ownership.team.as_deref()));
        entries.chain(stops).chain(told).chain(sleeping).collect()
    }
}

/// The weekly summary of an owner. `None`: there is nothing to tell.
pub(crate) fn weekly(owner: &str, week: &OwnersWeek<'_>, context: &MailContext<'_>) -> Option<Digest> {
    let sleeping: Vec<&SleepingEndpoint> = week.sleeping.iter().copied().filter(|one| one.hibernation.wakes == WakesBy::Asking).collect();
    // What sleeps until somebody wakes it is told as that, with what it has saved so far.
    let sleeps = |one: &Saved| sleeping.iter().any(|endpoint| endpoint.resource.arn_or_id() == one.arn);
    let is_stop = |one: &&Saved| one.by == SavedBy::Guard && !one.is_resubmitted && !sleeps(one);
    let stops: Vec<&Saved> = week.saved.iter().copied().filter(is_stop).collect();
    let scaled = week.saved.iter().any(|one| one.by == SavedBy::Scaling);
    if stops.is_empty()
        && sleeping.is_empty()
        && !scaled
        && week.open.is_empty()
        && week.kept.is_empty()
        && week.done.is_empty()
        && week.new.is_empty()
    {
        return None;
    }
    // What is told below with all there is to know is not listed as open besides.
    let is_new = |entry: &&Entry| week.new.iter().any(|one| one.is_open && one.arn == one_line(&entry.arn));
    let open: Vec<&Entry> = week.open.iter().copied().filter(|entry| !is_new(entry)).collect();
    let usd_of = |by: SavedBy| week.saved.iter().filter(|one| one.by == by && !sleeps(one)).filter_map(|one| one.usd).sum::<Decimal>();
    let by_scaling = usd_of(SavedBy::Scaling);
    let of_week = |one: &SleepingEndpoint| one.hibernation.saved_between(context.now - WEEK, context.now);
    let by_sleep: Decimal = sleeping.iter().filter_map(|one| of_week(one)).sum();
    let (saved, by_spot) = (usd_of(SavedBy::Guard) + by_sleep + by_scaling, usd_of(SavedBy::Spot));
    let told: Vec<&Saved> = week.saved.iter().copied().filter(|one| is_stop(one) || one.by == SavedBy::Scaling).collect();
    let about = week.about(&told);
    let zone = context.policy.zone_of(about.iter().find_map(|(_, team)| *team));
    let arns: Vec<&str> = about.iter().map(|(arn, _)| *arn).collect();
    let mut text = opening(owner, &arns, context);
    if !open.is_empty() || !week.kept.is_empty() || week.new.iter().any(|one| has_time(one)) {
        text += &by_which_clock(zone, context.now);
    }
    let _ = writeln!(text, "Your week from {} to {}.", day(context.now - WEEK, zone), day(context.now, zone));
    section(&mut text, if owner == UNOWNED { "stopped" } else { "stopped for you" }, stopped(&stops));
    if stops.iter().any(|one| one.usd.is_some()) {
        text += ESTIMATED;
    }
    section(&mut text, "also done", also_done(week));
    section(&mut text, "asleep", asleep(&sleeping, context));
    section(&mut text, "not stopped after a warning", week.spared.iter().map(|one| one.brief.clone()).collect());
    let spot: Vec<&Saved> = week.saved.iter().copied().filter(|one| one.by == SavedBy::Spot).collect();
    if !spot.is_empty() {
        section(&mut text, "managed spot", vec![format!("{} cost {} less than on demand", count(spot.len(), "job"), dollars(by_spot))]);
    }
    section(&mut text, "auto scaling", saved_by_scaling(week));
    if scaled {
        text += BY_SCALING;
    }
    let found: BTreeSet<&str> = week.new.iter().filter(|one| one.is_open).map(|one| one.arn.as_str()).collect();
    let open_usd = wasted(week);
    let open = resources(&open);
    section(&mut text, "still open", still_open(&open, |at| moment(at, zone)));
    section(&mut text, "what you can do about what is open", to_do(&open));
    section(&mut text, "kept by you", kept(&resources(&week.kept), context.policy, zone));
    text += &sections(&week.new, zone, false, BODY.saturating_sub(text.len()));
    text += &at_the_end(week.new.iter().map(|one| one.by_hand.as_str()), BODY.saturating_sub(text.len()));
    text += &closing(owner, context);
    let parts = [
        (!stops.is_empty()).then(|| stopped_times(by_resource(&stops).len(), stops.len())),
        (!sleeping.is_empty()).then(|| format!("{} asleep", count(sleeping.len(), "endpoint"))),
        (!saved.is_zero()).then(|| format!("{} saved", dollars(saved))),
        (!by_spot.is_zero()).then(|| format!("{} saved by Spot", dollars(by_spot))),
        (!open.is_empty()).then(|| format!("{} open", open.len())),
        (!found.is_empty()).then(|| format!("{} found", found.len())),
        (!open_usd.is_zero()).then(|| format!("{} a month", dollars(open_usd))),
    ];
    Some(Digest {
        owner: owner.to_owned(),
        functions: vec![context.function.to_owned()],
        teams: teams(about.iter().filter_map(|(_, team)| team.map(str::to_owned))),
        severity: Severity::Info,
        subject: counting("your week", &parts, 3, "what you keep"),
        body: text,
        notified: vec![],
        audience: Audience::of(owner, week.new.iter().any(|one| one.concerns_the_platform())),
        told: Some(Told::default()),
    })
}

/// `endpoint churn: about $52.87 less than without it`, of auto scaling that the guard attached.
fn saved_by_scaling(week: &OwnersWeek<'_>) -> Vec<String> {
    let mut by_endpoint: BTreeMap<&str, Decimal> = BTreeMap::new();
    for one in week.saved.iter().filter(|one| one.by == SavedBy::Scaling) {
        *by_endpoint.entry(&one.name).or_default() += one.usd.unwrap_or_default();
    }
    by_endpoint.iter().map(|(name, usd)| format!("endpoint {}: about {} less than without it", one_line(name), dollars(*usd))).collect()
}

/// What is open wastes in USD per month. Each resource counts once.
fn wasted(week: &OwnersWeek<'_>) -> Decimal {
    let known = resources(&week.open).into_iter().map(|(arn, one)| (one_line(arn), one.usd_per_month));
    let new = week.new.iter().filter(|one| one.is_open).map(|one| (one.arn.clone(), one.usd_per_month));
    let mut by_resource: BTreeMap<String, Option<Decimal>> = BTreeMap::new();
    for (arn, usd) in known.chain(new) {
        let most = by_resource.entry(arn).or_default();
        *most = (*most).max(usd);
    }
    by_resource.into_values().flatten().sum()
}

/// What a finding wastes in USD per month. `None`: not known, or it costs the same when it is mended, or it is a job, which ends by itself.
fn wasted_per_month(entry: &Entry) -> Option<Decimal> {
    let is_job = Kind::of(&entry.id).is_some_and(Kind::ends_by_itself);
    entry.usd_per_month.filter(|_| costs_are_waste(&entry.rule) && !is_job)
}

/// One resource with all of its findings.
pub(crate) struct Open<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) rules: Vec<&'a str>,
    /// When the guard does what, as its owner was warned. `None`: its owner was not warned.
    pub(crate) warned: Option<(Timestamp, &'static str)>,
    /// What it costs in USD per month, or saves if `is_saving`.
    pub(crate) usd_per_month: Option<Decimal>,
    /// Whether auto scaling was announced: what that saves is known, and what another rule would save is not what will be saved.
    is_saving: bool,
}

/// The findings by resource. Their costs are the same money, and so are their savings.
pub(crate) fn resources<'a>(entries: &[&'a Entry]) -> BTreeMap<&'a str, Open<'a>> {
    let mut resources: BTreeMap<&str, Open<'_>> = BTreeMap::new();
    for entry in entries {
        let none = Open { entry, rules: vec![], warned: None, usd_per_month: None, is_saving: false };
        let one = resources.entry(&entry.arn).or_insert(none);
        one.rules.push(&entry.rule);
        let usd = wasted_per_month(entry);
        let warned = entry.act_after.filter(|_| entry.state == State::Warned && entry.notified_at.is_some());
        let warned = warned.zip(entry.action.as_deref().map(Remedy::participle_of_action));
        let is_next = warned.is_some() && one.warned.is_none_or(|before| warned < Some(before));
        let scales = entry.action.as_deref().is_some_and(Remedy::leaves_running_action);
        if is_next && scales && usd.is_some() {
            (one.usd_per_month, one.is_saving) = (usd, true);
        } else if !one.is_saving || is_next {
            (one.usd_per_month, one.is_saving) = (one.usd_per_month.max(usd), false);
        }
        one.warned = [one.warned, warned].into_iter().flatten().min();
    }
    resources
}

pub(crate) fn section(text: &mut String, heading: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n{}\n", heading.to_uppercase());
    let more = lines.len().saturating_sub(LINES);
    for line in lines.into_iter().take(LINES) {
        let _ = writeln!(text, "* {line}");
    }
    if 0 < more {
        let _ = writeln!(text, "… and {more} more");
    }
}

/// What was done beside the stops: each line once. A job that was submitted again is saved money like a stop.
fn also_done(week: &OwnersWeek<'_>) -> Vec<String> {
    let is_saved = |one: &&&Notification| week.saved.iter().any(|saved| saved.arn == one.arn);
    let lines: BTreeSet<&str> = week.done.iter().filter(|one| !is_saved(one)).map(|one| one.brief.as_str()).collect();
    let resubmitted = week.saved.iter().filter(|one| one.is_resubmitted).count();
    let resubmitted = (0 < resubmitted).then(|| format!("{} resubmitted as Spot", count(resubmitted, "training job")));
    lines.into_iter().map(str::to_owned).chain(resubmitted).collect()
}

/// `endpoint churn: hibernated since Mon 2026-11-23 19:00, which has saved about $8.10 so far. Wake it: aws sagemaker …`
fn asleep(sleeping: &[&SleepingEndpoint], context: &MailContext<'_>) -> Vec<String> {
    let line = |one: &&SleepingEndpoint| {
        let SleepingEndpoint { resource, config, hibernation } = one;
        let since = moment(hibernation.since, &context.policy.zone_of_resource(resource));
        let saved = hibernation.saved_between(hibernation.since, context.now);
        let saved = saved.map_or_else(String::new, |usd| format!(", which has saved about {} so far", dollars(usd)));
        let wake = how_to_wake(&resource.name, config, &resource.region_option());
        format!("endpoint {}: hibernated since {since}{saved}. Wake it: {wake}", one_line(&resource.name))
    };
    sleeping.iter().map(line).collect()
}

fn by_resource<'a>(stops: &[&'a Saved]) -> BTreeMap<&'a str, Vec<&'a Saved>> {
    let mut by_resource: BTreeMap<&str, Vec<&Saved>> = BTreeMap::new();
    for stop in stops {
        by_resource.entry(&stop.arn).or_default().push(stop);
    }
    by_resource
}

/// `5 resources stopped 14 times`
pub(crate) fn stopped_times(resources: usize, stops: usize) -> String {
    let what = format!("{} stopped", count(resources, "resource"));
    if stops == resources { what } else { format!("{what} {}", times(stops)) }
}

/// `notebook instance churn: 4 times, which saved about $8.10`
fn stopped(stops: &[&Saved]) -> Vec<String> {
    let usd = |stops: &[&Saved]| stops.iter().filter_map(|one| one.usd).sum::<Decimal>();
    let mut resources: Vec<Vec<&Saved>> = by_resource(stops).into_values().collect();
    resources.sort_by_key(|stops| std::cmp::Reverse(usd(stops)));
    let line = |stops: &Vec<&Saved>| {
        let saved = usd(stops);
        let saved = if saved.is_zero() { String::new() } else { format!(", which saved about {}", dollars(saved)) };
        format!("{}: {}{saved}", named(&stops[0].arn, &stops[0].name), times(stops.len()))
    };
    resources.iter().map(line).collect()
}

/// `notebook instance churn: open since Mon 2026-11-23 09:00 (notebook-idle), $201.48 a month`, the most expensive first.
fn still_open(open: &BTreeMap<&str, Open<'_>>, clock: impl Fn(Timestamp) -> String) -> Vec<String> {
    let mut open: Vec<&Open<'_>> = open.values().collect();
    open.sort_by_key(|one| std::cmp::Reverse(one.usd_per_month));
    let line = |one: &&Open<'_>| {
        let saves = if one.is_saving { "saves about " } else { "" };
        let cost = one.usd_per_month.map_or_else(String::new, |usd| format!(", {saves}{} a month", dollars(usd)));
        let (what, since, rules) = (of_entry(one.entry), clock(one.entry.first_seen), one.rules.join(", "));
        let will = one.warned.map_or_else(String::new, |(at, participle)| format!("will be {participle} on {}, ", clock(at)));
        format!("{what}: {will}open since {since} ({rules}){cost}")
    };
    open.iter().map(line).collect()
}

/// What a person can do about what is open, once for each rule. What the guard will do is in the warning.
fn to_do(open: &BTreeMap<&str, Open<'_>>) -> Vec<String> {
    let rules: BTreeSet<&str> = open.values().filter(|one| one.warned.is_none()).flat_map(|one| &one.rules).copied().collect();
    rules.into_iter().filter_map(|rule| Some(format!("{rule}: {}", rules::to_do(rule)?))).collect()
}

/// `notebook instance churn until the end of Thu 2026-12-31`: until when the guard takes it, which may be sooner than the tag says.
fn kept(kept: &BTreeMap<&str, Open<'_>>, policy: &Policy, zone: &TimeZone) -> Vec<String> {
    let until = |entry: &Entry| {
        let kept = entry.kept.as_ref()?;
        let end = policy.kept_until(&kept.value, kept.since, policy.zone_of(entry.team.as_deref()));
        Some(end.map_or_else(|| format!(" until {}", one_line(&kept.value)), |end| format!(" {}", until_end(end, zone))))
    };
    kept.values().map(|one| format!("{}{}", of_entry(one.entry), until(one.entry).unwrap_or_default())).collect()
}

/// The kind and the name of an entry's resource. Tag keys and the spend have no ARN.
pub(crate) fn of_entry(entry: &Entry) -> String {
    format!("{} {}", Kind::of(&entry.id).map_or("resource", Kind::words), one_line(&entry.name))
}

/// The kind and the name of a resource.
fn named(arn: &str, name: &str) -> String {
    let kind = Arn::parse(arn).and_then(|arn| Kind::of(&arn.id()?)).map_or("resource", Kind::words);
    format!("{kind} {}", one_line(name))
}

fn times(n: usize) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
