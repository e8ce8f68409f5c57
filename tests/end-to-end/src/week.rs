//! One week of the demo's team, with the guard and without: what it did, whom it mailed, what the week cost, and whether it ever did wrong.

use std::collections::BTreeMap;

use cost_rules::{
    policy::{KEEP_UNTIL_TAG, SCHEDULE_TAG},
    schedule::{Calendar, Schedule, zone_named},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use simulator::{BillLine, Estate, Fault, Mail, Simulator, What, estate::AppSpec};

use crate::{Guard, project_file};

/// The guard's schedule.
const EVERY: SignedDuration = SignedDuration::from_mins(15);

/// The whole of the week.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When the team switches from report to enforce: Tuesday, 12:00 in Berlin.
const ENFORCED_FROM: SignedDuration = SignedDuration::from_hours(36);

/// What happened.
pub struct Week {
    /// When it began.
    pub start: Timestamp,
    /// Where the team lives.
    pub zone: TimeZone,
    /// When the policy was switched to enforce.
    pub enforced_from: Timestamp,
    /// What happened, oldest first.
    pub moments: Vec<Moment>,
    /// Every mail.
    pub mails: Vec<Mail>,
    /// How many resources the estate has.
    pub resources: usize,
    /// The bill with the guard, by ARN.
    pub guarded: BTreeMap<String, BillLine>,
    /// The bill without it.
    pub unguarded: BTreeMap<String, BillLine>,
    /// Runs of the guard.
    pub runs: usize,
    /// Events delivered to it.
    pub events: usize,
    /// AWS calls, by operation.
    pub calls: BTreeMap<String, u64>,
    /// What an app inherits from its space or profile and its domain, by the app's ARN.
    inherited: BTreeMap<String, Tags>,
    /// Whatever should not have happened: an exempt notebook stopped, a second run that did something.
    pub wrongs: Vec<String>,
}

type Tags = BTreeMap<String, String>;

impl Week {
    /// The tags of everything, by ARN: its own over those that it inherits.
    fn tags_of(&self, account: &Simulator) -> BTreeMap<String, Tags> {
        let own = account.notebooks().into_iter().chain(account.apps());
        own.map(|one| {
            let mut tags = self.inherited.get(&one.arn).cloned().unwrap_or_default();
            tags.extend(one.tags);
            (one.arn, tags)
        })
        .collect()
    }

    /// Whose something is.
    pub fn owner(&self, line: &BillLine) -> Option<String> {
        line.owner.clone().or_else(|| self.inherited.get(&line.arn)?.get("Owner").cloned())
    }
}

/// What the estate's apps inherit.
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

/// Something to tell.
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What can happen.
pub enum Happening {
    /// The policy was switched.
    Enforcing,
    /// The guard stopped this.
    Stopped(String),
    /// The guard meant to, and did not.
    NotStopped {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// Mails were sent: how many, and to whom.
    Mailed(Vec<String>),
    /// Something could not be read or done.
    Trouble(String),
}

/// Lives through the week. `progress` is called after each day.
///
/// # Errors
/// The estate or the policy is wrong.
pub async fn live(mut progress: impl FnMut(i64)) -> anyhow::Result<Week> {
    let estate = || Estate::read(&project_file("tests/end-to-end/estates/ml-team.toml"));
    let policy = |name: &str| std::fs::read_to_string(project_file("tests/end-to-end/estates").join(name));
    let (account, alone) = (Simulator::start(estate()?)?, Simulator::start(estate()?)?);
    // Events come twice this week, and the tag index is two minutes behind.
    account.add_fault(Fault::new("*", What::DuplicateEvents));
    account.add_fault(Fault::new("*", What::StaleTags("2m".parse()?)));
    let guard = Guard::new(&account, &policy("ml-team-report.toml")?)?;
    let start = account.now();
    let enforced_from = start + ENFORCED_FROM;
    let mut week = Week {
        start,
        zone: zone_named("Europe/Berlin")?,
        enforced_from,
        moments: vec![],
        mails: vec![],
        resources: account.notebooks().len() + account.apps().len() + 11,
        guarded: BTreeMap::new(),
        unguarded: BTreeMap::new(),
        runs: 0,
        events: 0,
        calls: BTreeMap::new(),
        inherited: inherited(&estate()?),
        wrongs: vec![],
    };
    let mut at = start;
    while at < start + WEEK {
        at += EVERY;
        account.live_until(at);
        if at == enforced_from {
            guard.set_policy(&policy("ml-team-enforce.toml")?)?;
            week.moments.push(Moment { at, what: Happening::Enforcing });
        }
        step(&guard, &mut week).await?;
        if at.duration_since(start).as_hours() % 24 == 0 && at.duration_since(start).as_mins() % 60 == 0 {
            progress(at.duration_since(start).as_hours() / 24);
        }
    }
    alone.live_until(at);
    week.mails = account.mails();
    week.calls = account.calls();
    let by_arn = |bill: Vec<BillLine>| bill.into_iter().map(|line| (line.arn.clone(), line)).collect();
    (week.guarded, week.unguarded) = (by_arn(account.bill()), by_arn(alone.bill()));
    Ok(week)
}

/// The events that came, the scheduled run, and a second run that must do nothing but close what the first one ended.
async fn step(guard: &Guard, week: &mut Week) -> anyhow::Result<()> {
    let account = &guard.account;
    let at = account.now();
    for event in account.take_events() {
        let mails = account.mails().len();
        let report = guard.wake(event).await?;
        week.events += 1;
        if !report.actions.is_empty() || account.mails().len() != mails {
            week.wrongs.push(format!("{at}: an event by itself led to a mail or an action"));
        }
    }
    let tags_before = week.tags_of(account);
    let mails = account.mails().len();
    let report = guard.run().await?;
    week.runs += 1;
    let names: BTreeMap<&str, _> = report.findings.iter().map(|finding| (finding.resource.as_str(), finding)).collect();
    for action in &report.actions {
        let finding = names.get(action.resource.as_str());
        let name = finding.map_or(action.resource.clone(), |finding| finding.name.clone());
        let what = if action.outcome == "done" {
            week.wrongs.extend(wrong(at, week.enforced_from, &name, tags_before.get(&action.resource)));
            Happening::Stopped(name)
        } else {
            Happening::NotStopped { name, why: format!("{}: {}", action.outcome, action.detail) }
        };
        week.moments.push(Moment { at, what });
    }
    let mailed: Vec<String> =
        account.mails()[mails..].iter().map(|mail| format!("{}: {}", mail.attributes["owner"].1, mail.subject)).collect();
    if !mailed.is_empty() {
        week.moments.push(Moment { at, what: Happening::Mailed(mailed) });
    }
    week.moments.extend(report.failures.iter().map(|failure| Moment { at, what: Happening::Trouble(failure.clone()) }));

    let mails = account.mails().len();
    let second = guard.run().await?;
    if !second.actions.is_empty() || account.mails().len() != mails {
        week.wrongs.push(format!("{at}: a second run mailed or acted"));
    }
    Ok(())
}

/// Whether a stop was wrong, judged by the tags alone and not by the guard's own word.
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
