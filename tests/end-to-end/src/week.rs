//! One week of the demo's team, with and without the guard: what the guard did, whom it mailed, what the week cost, and whether the guard did anything wrong.

use std::collections::BTreeMap;

use cost_aws::report::Report;
use cost_rules::{
    policy::{KEEP_UNTIL_TAG, SCHEDULE_TAG},
    schedule::Schedule,
    time_zone::zone_named,
    working_time::Calendar,
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;
use simulator::{BillLine, Estate, Fault, Mail, Simulator, Stack, What, estate::AppSpec};

use crate::{Function, Guard, deploy, project_file};

/// The template's parameters for this week. budget-alerter is shown in the demo's month.
const PARAMETERS: [(&str, &str); 3] =
    [("ScheduleTimezone", "Europe/Berlin"), ("TagAuditSchedule", "cron(0 7 * * ? *)"), ("IsHomeRegion", "no")];

/// How far the account's clock is advanced at a time. A schedule that fires more often (training jobs' due-only run, every five minutes) runs once in this
/// time. Otherwise the demo would take over a minute. Due actions wait for a quarter of an hour at most.
const STEP: SignedDuration = SignedDuration::from_mins(15);

/// The length of the week.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When the team switches from report to enforce: Tuesday, 12:00 in Berlin.
const ENFORCED_FROM: SignedDuration = SignedDuration::from_hours(36);

/// The message of AWS's refusal.
const QUOTA: &str = "The account-level service limit '{/ResourceConfig/InstanceType} for spot training job usage' is 0 Instances, with current utilization of 0 Instances and a request delta of {/ResourceConfig/InstanceCount} Instances.";

/// What happened in the week.
pub struct Week {
    /// When it began.
    pub start: Timestamp,
    /// The team's time zone.
    pub zone: TimeZone,
    /// When the policy was switched to enforce.
    pub enforced_from: Timestamp,
    /// What happened, oldest first.
    pub moments: Vec<Moment>,
    /// Every mail.
    pub mails: Vec<Mail>,
    /// The mails of the Monday after it.
    pub next_monday: Vec<Mail>,
    /// The number of resources at the start.
    pub resources: usize,
    /// The bill with the guard, by ARN.
    pub guarded: BTreeMap<String, BillLine>,
    /// The bill without the guard, by ARN.
    pub unguarded: BTreeMap<String, BillLine>,
    /// The number of scheduled runs of the guard.
    pub runs: usize,
    /// The number of events delivered to the guard.
    pub events: usize,
    /// The number of AWS calls, by operation.
    pub calls: BTreeMap<String, u64>,
    /// The tags that an app inherits from its space or profile and from its domain, by the app's ARN.
    inherited: BTreeMap<String, Tags>,
    /// When a mail last warned of a stop, by the name of the resource.
    warned: BTreeMap<String, Timestamp>,
    /// Each audit's time, number of resources, and number of resources with all required tags.
    pub coverage: Vec<(Timestamp, u64, u64)>,
    /// The number of findings in the last audit for which the guard could have added the tags, but did not.
    pub mendable: usize,
    /// Everything that should not have happened, for example a stopped exempt notebook, or a second run that did something.
    pub wrongs: Vec<String>,
}

type Tags = BTreeMap<String, String>;

impl Week {
    /// The tags of all resources, by ARN. A resource's own tags override the inherited ones.
    fn tags_of(&self, account: &Simulator) -> BTreeMap<String, Tags> {
        let own = account.notebooks().into_iter().chain(account.apps()).map(|one| (one.arn, one.tags));
        let jobs = account.training_jobs().into_iter().map(|job| (job.arn, job.tags));
        let own = own.chain(jobs).chain(account.tuning_jobs().into_iter().map(|job| (job.arn, job.tags)));
        own.map(|(arn, own)| {
            let mut tags = self.inherited.get(&arn).cloned().unwrap_or_default();
            tags.extend(own);
            (arn, tags)
        })
        .collect()
    }

    /// The owner of a resource; `None`: it has none.
    pub fn owner(&self, line: &BillLine) -> Option<String> {
        line.owner.clone().or_else(|| self.inherited.get(&line.arn)?.get("Owner").cloned())
    }
}

/// The tags that the estate's apps inherit, by ARN.
fn inherited(estate: &Estate) -> BTreeMap<String, Tags> {
    let of = |app: &AppSpec| {
        let domain = estate.domain.iter().find(|domain| domain.id == app.domain).map(|domain| &domain.tags);
        let space = estate
            .space
            .iter()
            .find(|space| space.domain == app.domain && Some(&space.name) == app.space.as_ref())
            .map(|space| &space.tags);
        let profiles = estate.user_profile.iter();
        let profile =
            profiles.filter(|one| one.domain == app.domain && Some(&one.name) == app.user_profile.as_ref()).map(|one| &one.tags).next();
        let tags = domain.into_iter().chain(space).chain(profile).flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        let home = app.space.as_ref().or(app.user_profile.as_ref()).cloned().unwrap_or_default();
        let id = format!("app/{}/{home}/{}/{}", app.domain, app.app_type, app.name).to_lowercase();
        (format!("arn:aws:sagemaker:{}:{}:{id}", estate.region, estate.account), tags)
    };
    estate.app.iter().map(of).collect()
}

/// Something that happened at one time.
pub struct Moment {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// The kinds of events in the week.
pub enum Happening {
    /// The policy was switched to enforce.
    Enforcing,
    /// The guard did an action on a resource.
    Done(&'static str, String),
    /// The guard intended an action, but did not do it.
    NotDone {
        /// The resource's name.
        name: String,
        /// The reason.
        why: String,
    },
    /// Mails were sent to these owners, one entry per mail.
    Mailed(Vec<String>),
    /// Something could not be read or done.
    Trouble(String),
}

/// Simulates the week. `progress` is called after each day.
///
/// # Errors
/// The estate or the policy is invalid.
pub async fn live(mut progress: impl FnMut(i64)) -> anyhow::Result<Week> {
    let estate = || Estate::read(&project_file("tests/end-to-end/estates/ml-team.toml"));
    let policy = |name: &str| std::fs::read_to_string(project_file("tests/end-to-end/estates").join(name));
    let (account, alone) = (Simulator::start(estate()?)?, Simulator::start(estate()?)?);
    // In this week, events are delivered twice and the tag index is two minutes behind.
    account.add_fault(Fault::new("*", What::DuplicateEvents));
    account.add_fault(Fault::new("*", What::StaleTags("2m".parse()?)));
    // The account's Spot quota is too small for one job.
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse("ResourceLimitExceeded".into(), QUOTA.into())).times(1));
    let report = policy("ml-team-report.toml")?;
    let stack = deploy(&account, &PARAMETERS)?;
    let deployed = Function::ALL.iter().filter(|function| stack.functions().iter().any(|name| name == function.name()));
    let guards: Vec<Guard> = deployed.map(|function| Guard::of(*function, &account, &report)).collect::<Result<_, _>>()?;
    let start = account.now();
    let enforced_from = start + ENFORCED_FROM;
    let mut week = Week {
        start,
        zone: zone_named("Europe/Berlin")?,
        enforced_from,
        moments: vec![],
        mails: vec![],
        next_monday: vec![],
        resources: account.resources().len(),
        guarded: BTreeMap::new(),
        unguarded: BTreeMap::new(),
        runs: 0,
        events: 0,
        calls: BTreeMap::new(),
        inherited: inherited(&estate()?),
        warned: BTreeMap::new(),
        coverage: vec![],
        mendable: 0,
        wrongs: vec![],
    };
    let mut at = start;
    while at < start + WEEK {
        let since = at;
        at += STEP;
        account.live_until(at);
        if at == enforced_from {
            let enforce = policy("ml-team-enforce.toml")?;
            guards.iter().try_for_each(|guard| guard.set_policy(&enforce))?;
            week.moments.push(Moment { at, what: Happening::Enforcing });
        }
        step(&guards, &stack, since, &mut week).await?;
        if at.duration_since(start).as_hours() % 24 == 0 && at.duration_since(start).as_mins() % 60 == 0 {
            progress(at.duration_since(start).as_hours() / 24);
        }
    }
    alone.live_until(at);
    week.mails = account.mails();
    week.calls = account.calls();
    let by_arn = |bill: Vec<BillLine>| bill.into_iter().map(|line| (line.arn.clone(), line)).collect();
    (week.guarded, week.unguarded) = (by_arn(account.bill()), by_arn(alone.bill()));
    week.next_monday = next_monday(&guards, &account).await?;
    Ok(week)
}

/// The weekly summaries: those of teams in all time zones are due by Monday afternoon.
async fn next_monday(guards: &[Guard], account: &Simulator) -> anyhow::Result<Vec<Mail>> {
    let before = account.mail_count();
    account.live_until(account.now() + SignedDuration::from_hours(17));
    for guard in guards.iter().filter(|guard| guard.function == Function::CostReporter) {
        guard.run().await?;
    }
    Ok(account.mails().into_iter().skip(before).collect())
}

/// Delivers the events and does the scheduled runs, each twice. A second run may only close what the first one ended.
async fn step(guards: &[Guard], stack: &Stack, since: Timestamp, week: &mut Week) -> anyhow::Result<()> {
    let Some(account) = guards.first().map(|guard| guard.account.clone()) else { return Ok(()) };
    let at = account.now();
    let of_name = |name: &str| guards.iter().find(|guard| guard.function.name() == name);
    for event in account.take_events() {
        for guard in stack.targets(&event)?.iter().filter_map(|name| of_name(name)) {
            let mails = account.mail_count();
            let report = guard.wake(event.clone()).await?;
            week.events += 1;
            if guard.function == Function::NotebookStopper && (!report.actions.is_empty() || account.mail_count() != mails) {
                week.wrongs.push(format!("{at}: an event by itself led to a mail or an action"));
            }
            tell(&account, week, &report, mails);
        }
    }
    let firings = stack.firings(since, at).into_iter();
    let last_of_each: BTreeMap<(String, String), Value> = firings.map(|one| ((one.function, one.schedule), one.input)).collect();
    for ((function, _), event) in last_of_each {
        let Some(guard) = of_name(&function) else { continue };
        let mails = account.mail_count();
        let tags = own_tags(&account);
        let report = guard.wake(event.clone()).await?;
        week.runs += 1;
        tell(&account, week, &report, mails);
        week.wrongs.extend(overwritten(&tags, &own_tags(&account)).map(|wrong| format!("{at}: {wrong}")));
        // If nothing was due, a second run is not needed.
        if event["due-only"] == true && report.actions.is_empty() && account.mail_count() == mails {
            continue;
        }
        let mails = account.mail_count();
        let second = guard.wake(event).await?;
        if let Some(resources) = report.coverage.as_ref().map(|coverage| &coverage["resources"]) {
            let count = |field: &str| resources[field].as_u64().unwrap_or_default();
            week.coverage.push((at, count("total"), count("tagged")));
            week.mendable = second.findings.iter().filter(|finding| finding.remedy == "add-tags").count();
        }
        if !second.actions.is_empty() || account.mail_count() != mails {
            week.wrongs.push(format!("{at}: a second run of {} mailed or acted", guard.function.name()));
        }
    }
    Ok(())
}

/// Records what a run did, and what it should not have done. `mails` is the number of mails before the run.
fn tell(account: &Simulator, week: &mut Week, report: &Report, mails: usize) {
    let at = account.now();
    let tags = if report.actions.is_empty() { BTreeMap::new() } else { week.tags_of(account) };
    let names: BTreeMap<&str, _> = report.findings.iter().map(|finding| (finding.resource.as_str(), finding)).collect();
    for action in &report.actions {
        let name = names.get(action.resource.as_str()).map_or(action.resource.clone(), |finding| finding.name.clone());
        let what = if action.outcome == "done" {
            let of = tags.get(&action.resource);
            if action.action == "add-tags" {
                week.moments.push(Moment { at, what: Happening::Done(action.action, name) });
                continue;
            }
            let is_job = action.resource.contains(":training-job/") || action.resource.contains(":hyper-parameter-tuning-job/");
            let wrong = if is_job { wrong_job(at, week.enforced_from, &name, of) } else { wrong(at, week.enforced_from, &name, of) };
            week.wrongs.extend(wrong);
            if action.action != "resubmit-as-spot" {
                week.wrongs.extend(unwarned(at, &name, week.warned.get(&name)));
            }
            Happening::Done(action.action, name)
        } else {
            Happening::NotDone { name, why: format!("{}: {}", action.outcome, action.detail) }
        };
        week.moments.push(Moment { at, what });
    }
    if mails < account.mail_count() {
        let new: Vec<Mail> = account.mails().into_iter().skip(mails).collect();
        week.warned.extend(new.iter().flat_map(|mail| warned_of(&mail.message)).map(|name| (name, at)));
        let mailed = new.iter().map(|mail| format!("{}: {}", mail.attributes["owner"].1, mail.subject)).collect();
        week.moments.push(Moment { at, what: Happening::Mailed(mailed) });
    }
    // The results of actions were recorded above.
    let is_told =
        |failure: &str| report.actions.iter().any(|action| failure.contains(&action.resource) && failure.contains(&action.detail));
    let failures = report.failures.iter().filter(|failure| !is_told(failure));
    week.moments.extend(failures.map(|failure| Moment { at, what: Happening::Trouble(failure.clone()) }));
}

/// The names of the resources that a mail warns of.
fn warned_of(mail: &str) -> Vec<String> {
    let warning = |line: &str| {
        let (what, when) = line.strip_prefix("* ")?.split_once(": on ")?;
        when.contains(" it will be ").then(|| what.to_owned())
    };
    let kinds = ["notebook instance ", "Studio app ", "training job ", "tuning job "];
    let name = |what: String| kinds.iter().find_map(|kind| what.strip_prefix(kind)).unwrap_or(&what).to_owned();
    mail.lines().filter_map(warning).map(name).collect()
}

/// Why a stop came without a warning; `None`: it did not. The demo's policy lets a warning hold for a week.
fn unwarned(at: Timestamp, name: &str, warned: Option<&Timestamp>) -> Option<String> {
    let grace = SignedDuration::from_mins(14);
    let holds = SignedDuration::from_hours(7 * 24 + 2);
    let was_warned = warned.is_some_and(|warned| (grace..=holds).contains(&at.duration_since(*warned)));
    (!was_warned).then(|| format!("{at}: {name} was stopped without a warning"))
}

/// The own tags of all resources, by ARN.
fn own_tags(account: &Simulator) -> BTreeMap<String, Tags> {
    account.resources().into_iter().map(|resource| (resource.arn, resource.tags)).collect()
}

/// The tags that a run of the guard removed or overwrote.
fn overwritten(before: &BTreeMap<String, Tags>, after: &BTreeMap<String, Tags>) -> impl Iterator<Item = String> {
    before.iter().flat_map(|(arn, tags)| {
        let now = after.get(arn);
        let lost = tags.iter().filter(move |(key, value)| now.is_some_and(|now| now.get(*key) != Some(value)));
        lost.map(move |(key, value)| format!("{arn} had {key}={value}, and has it no more"))
    })
}

/// Why the stop or resubmission of a job was wrong, judged only by its name and tags; `None`: it was right.
fn wrong_job(at: Timestamp, enforced_from: Timestamp, name: &str, tags: Option<&Tags>) -> Option<String> {
    let Some(tags) = tags else { return Some(format!("{at}: {name} was stopped, and nobody knows its tags")) };
    let why = match name {
        _ if at < enforced_from => "before anything was enforced",
        _ if tags.contains_key(KEEP_UNTIL_TAG) => "though its owner keeps it",
        _ if name.starts_with("pipelines-") => "though a pipeline submitted it",
        _ if name.starts_with("forecast-xgb") => "though the SDK waits for it",
        _ if name.starts_with("foundation-") => "though it runs on reserved capacity",
        _ if name.ends_with("-spot") || name.starts_with("forecast-nightly") || name.starts_with("nlp-embed") => "though it is on Spot",
        _ => return None,
    };
    Some(format!("{at}: {name} was stopped {why}"))
}

/// Why a stop was wrong, judged only by the tags and not by what the guard says; `None`: it was right.
fn wrong(at: Timestamp, enforced_from: Timestamp, name: &str, tags: Option<&Tags>) -> Option<String> {
    let Some(tags) = tags else { return Some(format!("{at}: {name} was stopped, and nobody knows its tags")) };
    let berlin = zone_named("Europe/Berlin").ok()?;
    let day = at.to_zoned_datetime(berlin.clone()).date();
    let calendar = Calendar { zone: berlin, holidays: std::collections::BTreeSet::new() };
    let team_hours = match tags.get("Team").map(String::as_str) {
        Some("vision") => "mon-fri/08:00-18:00@America/New_York",
        Some("robotics") => "mon-fri/08:00-19:00@Asia/Tokyo",
        _ => "mon-fri/08:00-19:00",
    };
    let hours = tags.get(SCHEDULE_TAG).map_or(team_hours, String::as_str).parse::<Schedule>();
    let keep = tags.get(KEEP_UNTIL_TAG).map(|until| until.parse::<Date>());
    let why = match (hours, keep) {
        _ if at < enforced_from => "before anything was enforced",
        (Err(_), _) => "though its working hours cannot be read",
        (_, Some(Err(_))) => "though its keep tag cannot be read",
        (_, Some(Ok(until))) if day <= until => "though its owner keeps it",
        (Ok(hours), _) if hours.is_working(at, &calendar) => "in its working hours",
        _ if tags.get("Environment").is_some_and(|environment| environment.starts_with("prod")) => "though production is only reported",
        _ => return None,
    };
    Some(format!("{at}: {name} was stopped {why}"))
}
