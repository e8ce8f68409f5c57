//! What the platform's address gets of the owners' mails: each of them, or one summary of all. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    mail::{
        body::{by_which_clock, place},
        closing::closing,
        digest::{Audience, Digest, PLATFORM, Told},
        item::{MailContext, addressee},
        rounds::{OPEN, SUMMARY_DAY},
        subject::counting,
        trouble::{Trouble, Wrong, by_cause, held_back, lines, no_longer_so},
        weekly::{Open, WEEK, count, of_entry, resources, section, stopped_times},
    },
    plan::{Entry, Saved, SavedBy, State},
    policy::{PlatformMails, Policy},
    rules::{guard_tag_unreadable::GuardTagUnreadable, rule::Rule as _, verdict::Severity},
    vocabulary::{
        owners,
        price::dollars,
        resource::{Kind, UNOWNED, of_owner},
        time_zone::{day, until_end},
    },
};

/// From so many owners within [`MONTH`] on, the summary takes the place of their mails.
pub const MANY_OWNERS: usize = 10;

/// The time in which owners are counted, and the longest period of a summary.
pub const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What goes wrong in every run is seen again within this time: each function looks at everything once a day.
const SEEN_AGAIN: SignedDuration = SignedDuration::from_hours(26);

/// The most owners and lines under one heading.
const LINES: usize = 10;

/// What the costs of the owners' lines are.
const IF_LEFT_ON: &str = "The costs a month are what the resources would cost if they were left on, each counted once. \"Found\" includes what was mended since.\n";

/// What the platform's address gets of the owners' mails now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformGets {
    /// Each mail.
    EachMail,
    /// Each mail, because few owners were mailed in the last month: these.
    EachMailOf(BTreeSet<String>),
    /// The summary.
    Summary,
}

impl PlatformGets {
    /// For whom a mail is.
    pub fn audience(&self, digest: &Digest) -> Audience {
        match (digest.audience, self) {
            (Audience::Owner, Self::EachMail | Self::EachMailOf(_)) => Audience::OwnerAndPlatform,
            (audience, _) => audience,
        }
    }

    /// Counts the owner of a mail that was sent. Returns whether the summary takes the place of the mails from now on.
    pub fn count(&mut self, owner: &str) -> bool {
        let Self::EachMailOf(owners) = self else { return false };
        owners.extend(owners::each(owner).into_iter().filter(|one| *one != UNOWNED).map(str::to_owned));
        let are_many = MANY_OWNERS <= owners.len();
        if are_many {
            *self = Self::Summary;
        }
        are_many
    }
}

/// A mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// To whom: `unowned` if no owner is known.
    pub owner: String,
    /// How much it told.
    #[serde(flatten)]
    pub told: Told,
}

/// What happened since the last summary.
#[derive(Debug)]
pub struct Period<'a> {
    /// Since when.
    pub since: Timestamp,
    /// The mails that were sent in it.
    pub sent: Vec<Sent>,
    /// What was saved in it.
    pub saved: Vec<Saved>,
    /// What went wrong in it, oldest first.
    pub troubles: Vec<Trouble>,
    /// The findings, by function.
    pub entries: &'a [(&'static str, Vec<Entry>)],
    /// The `[[exempt]]` sections of the policy, each with its end.
    pub exempts: Vec<(String, Timestamp)>,
}

/// The start of the period of the summary that is due now. `None`: none is due. `last`: when the last one was sent, or since when it takes the place of the
/// mails. `is_asked`: a person asks for it, whatever the time.
pub fn period_since(policy: &Policy, last: Option<Timestamp>, is_asked: bool, now: Timestamp) -> Option<Timestamp> {
    let morning = |at: Timestamp| match policy.mail.platform {
        PlatformMails::WeeklySummary => policy.last_weekly_morning(None, at),
        _ => policy.last_morning(None, at),
    };
    let this = morning(now);
    let is_due = this.is_some_and(|this| last.is_none_or(|last| last < this) && now.duration_since(this) < SUMMARY_DAY);
    let before = || this.and_then(|this| morning(this - SignedDuration::from_secs(1))).unwrap_or(now - WEEK);
    (is_due || is_asked).then(|| last.unwrap_or_else(before).max(now - MONTH))
}

/// The numbers of one owner, or of several.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    mails: usize,
    found: usize,
    /// What that wastes in USD per month, whether it was mended since or not.
    found_usd: Decimal,
    warned: usize,
    /// How many resources were stopped, and how often in all.
    stopped: usize,
    stops: usize,
    saved: Decimal,
    by_spot: Decimal,
    open: usize,
    usd_per_month: Decimal,
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.mails += other.mails;
        self.found += other.found;
        self.found_usd += other.found_usd;
        self.warned += other.warned;
        self.stopped += other.stopped;
        self.stops += other.stops;
        self.saved += other.saved;
        self.by_spot += other.by_spot;
        self.open += other.open;
        self.usd_per_month += other.usd_per_month;
    }

    fn of<'r>(rows: impl IntoIterator<Item = &'r Self>) -> Self {
        let mut sum = Self::default();
        for row in rows {
            sum.add(row);
        }
        sum
    }

    /// `2 found ($1,020.00 a month), 3 mails, 1 resource stopped, $2.10 saved, 1 open ($820.00 a month)`
    fn words(&self) -> String {
        let number = |n: usize, what: &str| (0 < n).then(|| format!("{n} {what}"));
        let usd = |usd: Decimal, what: &str| (!usd.is_zero()).then(|| format!("{} {what}", dollars(usd)));
        let with = |n: usize, what: &str, monthly: Decimal| {
            let monthly = usd(monthly, "a month").map_or_else(String::new, |usd| format!(" ({usd})"));
            number(n, what).map(|number| number + &monthly)
        };
        let parts = [
            with(self.found, "found", self.found_usd),
            (0 < self.mails).then(|| count(self.mails, "mail")),
            (0 < self.warned).then(|| count(self.warned, "warning")),
            (0 < self.stops).then(|| stopped_times(self.stopped, self.stops)),
            usd(self.saved, "saved"),
            usd(self.by_spot, "saved by Spot"),
            with(self.open, "open", self.usd_per_month),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Period<'_> {
    fn all_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flat_map(|(_, entries)| entries)
    }

    /// The open findings.
    fn open(&self) -> Vec<&Entry> {
        self.all_entries().filter(|entry| OPEN.contains(&entry.state)).collect()
    }

    /// What was found in it. What was mended since is still found.
    fn found(&self) -> Vec<&Entry> {
        let is_found = |entry: &&Entry| self.since < entry.first_seen && !matches!(entry.state, State::Exempt | State::Unreadable);
        self.all_entries().filter(is_found).collect()
    }

    /// The numbers of each owner, and of what nobody owns.
    fn rows(&self) -> BTreeMap<String, Row> {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for Sent { owner, told } in &self.sent {
            rows.entry(owner.clone()).or_default().add(&Row { mails: 1, warned: told.warned, ..Row::default() });
        }
        let mut stopped: BTreeSet<&str> = BTreeSet::new();
        for one in self.saved.iter().filter(|one| one.by != SavedBy::Owner) {
            let is_stop = one.by == SavedBy::Guard && !one.is_resubmitted;
            let is_first = is_stop && stopped.insert(&one.arn);
            let usd = one.usd.unwrap_or_default();
            let (saved, by_spot) = if one.by == SavedBy::Spot { (Decimal::ZERO, usd) } else { (usd, Decimal::ZERO) };
            let row = Row { stopped: usize::from(is_first), stops: usize::from(is_stop), saved, by_spot, ..Row::default() };
            rows.entry(addressee(one.owner.as_deref())).or_default().add(&row);
        }
        for (owner, found) in by_owner(&self.found()) {
            let (found, found_usd) = in_all(&found);
            rows.entry(owner).or_default().add(&Row { found, found_usd, ..Row::default() });
        }
        for (owner, open) in by_owner(&self.open()) {
            let (open, usd_per_month) = in_all(&open);
            rows.entry(owner).or_default().add(&Row { open, usd_per_month, ..Row::default() });
        }
        rows
    }

    /// What went wrong, by whether it still does.
    fn troubles(&self, now: Timestamp) -> (Vec<Trouble>, Vec<Trouble>) {
        let fails = |function: &str, arn: &str| {
            let mut entries = self.entries.iter().filter(|(name, _)| *name == function).flat_map(|(_, entries)| entries);
            entries.any(|entry| entry.arn == arn && entry.failure.is_some() && OPEN.contains(&entry.state))
        };
        by_cause(&self.troubles).into_iter().partition(|one| match one.resource() {
            Some(arn) => fails(one.function(), arn),
            None => now < one.last() + SEEN_AGAIN,
        })
    }

    /// Whether anything happened. What is only still open is told on the first working morning of a week.
    fn has_news(&self, context: &MailContext<'_>) -> bool {
        let week = context.policy.last_weekly_morning(None, context.now);
        let is_first = week.is_some_and(|week| self.since < week);
        let is_open = is_first && (!self.open().is_empty() || !self.exempt(context).is_empty() || !self.kept(context).is_empty());
        // What auto scaling saves day by day is no news.
        let is_saved = self.saved.iter().any(|one| one.by != SavedBy::Scaling);
        !self.sent.is_empty() || is_saved || !self.troubles.is_empty() || is_open
    }

    /// The exemptions of the policy that are over, and those that end in the next week.
    fn exempt(&self, context: &MailContext<'_>) -> Vec<String> {
        let now = context.now;
        let is_over = |until: &Timestamp| *until <= now;
        let over = self.exempts.iter().filter(|(_, until)| is_over(until)).map(|(what, _)| format!("is over: {what}"));
        let ending = self.exempts.iter().filter(|(_, until)| !is_over(until) && *until <= now + WEEK);
        over.chain(ending.map(|(what, _)| format!("ends soon: {what}"))).collect()
    }

    /// What owners keep by tag, where that ends in the next week.
    fn kept(&self, context: &MailContext<'_>) -> Vec<String> {
        let ending = |entry: &Entry| {
            let kept = entry.kept.as_ref().filter(|_| entry.state == State::Exempt)?;
            let zone = context.policy.zone_of(entry.team.as_deref());
            let until = context.policy.kept_until(&kept.value, kept.since, zone)?;
            (context.now < until && until <= context.now + WEEK).then_some(until)
        };
        let mut lines: BTreeMap<&str, (Timestamp, String)> = BTreeMap::new();
        for (entry, until) in self.all_entries().filter_map(|entry| Some((entry, ending(entry)?))) {
            let line =
                format!("{} of {} {}", of_entry(entry), addressee(entry.owner.as_deref()), until_end(until, &context.policy.calendar.zone));
            lines.insert(&entry.arn, (until, line));
        }
        let mut lines: Vec<(Timestamp, String)> = lines.into_values().collect();
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

/// The findings of each owner. Two functions may know different owners of one resource: each of them is mailed about it.
fn by_owner<'a>(entries: &[&'a Entry]) -> BTreeMap<String, Vec<&'a Entry>> {
    let mut by_owner: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        by_owner.entry(addressee(entry.owner.as_deref())).or_default().push(entry);
    }
    by_owner
}

/// How many resources these findings are about, and what they cost in a month: each resource once, at its dearest finding.
fn in_all(entries: &[&Entry]) -> (usize, Decimal) {
    let resources = resources(entries);
    (resources.len(), resources.values().map(monthly).sum())
}

/// What an open resource costs in a month. A job ends by itself, and what a budget costs is the cost of resources.
fn monthly(open: &Open<'_>) -> Decimal {
    let is_counted = Kind::of(&open.entry.id).is_none_or(|kind| !kind.ends_by_itself() && !kind.is_of_the_account());
    open.usd_per_month.filter(|_| is_counted).unwrap_or_default()
}

/// The platform's summary. `None`: there is nothing to tell.
pub fn platform_summary(period: &Period<'_>, context: &MailContext<'_>) -> Option<Digest> {
    if !period.has_news(context) {
        return None;
    }
    let mut rows = period.rows();
    let unowned = rows.remove(UNOWNED).unwrap_or_default();
    let open = period.open();
    let arns: Vec<&str> = open.iter().map(|entry| entry.arn.as_str()).chain(period.saved.iter().map(|one| one.arn.as_str())).collect();
    let zone = &context.policy.calendar.zone;
    let mut text = format!("For whoever runs the platform.\n{}", place(&arns));
    text += &by_which_clock(zone, context.now);
    let _ = writeln!(text, "All owners from {} to {}.", day(period.since, zone), day(context.now, zone));
    let (troubles, over) = period.troubles(context.now);
    let failures = lines(&troubles, Wrong::Failed, zone);
    let failed = failures.len();
    section(&mut text, "failed", failures);
    owners_section(&mut text, &rows);
    unowned_section(&mut text, &unowned, &open);
    for (heading, lines) in [
        ("could not be read", lines(&troubles, Wrong::Unread, zone)),
        ("tags of the guard that cannot be read", unreadable(&open)),
        ("exemptions of the policy", period.exempt(context)),
        ("kept by tag, ends within a week", period.kept(context)),
        ("held back", held_back(&period.troubles)),
    ] {
        section(&mut text, heading, lines);
    }
    text += &no_longer_so(&over, zone);
    text += &closing(PLATFORM, context);
    Some(Digest {
        owner: PLATFORM.to_owned(),
        functions: vec![context.function.to_owned()],
        teams: vec![UNOWNED.to_owned()],
        severity: Severity::Info,
        subject: subject(&rows, &unowned, in_all(&open), failed),
        body: text,
        notified: vec![],
        audience: Audience::Platform,
        told: None,
    })
}

/// The owners of whom most was found, in dollars, then those whose open resources cost most, and the sum of the others.
fn owners_section(text: &mut String, rows: &BTreeMap<String, Row>) {
    let mut largest: Vec<(&String, &Row)> = rows.iter().collect();
    largest.sort_by_key(|(_, row)| std::cmp::Reverse((row.found_usd, row.usd_per_month, row.mails, row.open)));
    let shown = largest.len().min(LINES);
    section(text, "owners", largest[..shown].iter().map(|(owner, row)| format!("{owner}: {}", row.words())).collect());
    let others = &largest[shown..];
    if !others.is_empty() {
        let sum = Row::of(others.iter().map(|(_, row)| *row));
        let _ = writeln!(text, "… and {}: {}", count(others.len(), "more owner"), sum.words());
    }
    if 1 < rows.len() {
        let _ = writeln!(text, "In all: {}", Row::of(rows.values()).words());
    }
    if rows.values().any(|row| !row.found_usd.is_zero() || !row.usd_per_month.is_zero()) {
        text.push_str(IF_LEFT_ON);
    }
}

fn unowned_section(text: &mut String, row: &Row, open: &[&Entry]) {
    let is_unowned = |entry: &&&Entry| addressee(entry.owner.as_deref()) == UNOWNED;
    let unowned: Vec<&Entry> = open.iter().filter(is_unowned).copied().collect();
    let unowned = resources(&unowned);
    let mut largest: Vec<&Open<'_>> = unowned.values().collect();
    largest.sort_by_key(|one| std::cmp::Reverse(one.usd_per_month));
    let line = |one: &&Open<'_>| {
        let cost = monthly(one);
        let cost = if cost.is_zero() { String::new() } else { format!(", {} a month", dollars(cost)) };
        format!("{}{cost}", of_entry(one.entry))
    };
    let words = Some(row.words()).filter(|words| !words.is_empty()).map(|words| format!("in all: {words}"));
    let lines = words.into_iter().chain(largest.iter().take(LINES).map(line)).collect();
    section(text, "no owner known", lines);
    if LINES < largest.len() {
        let _ = writeln!(text, "… and {} more", largest.len() - LINES);
    }
}

/// The resources with a tag of the guard's that it cannot read, and their owners, who know what is wrong.
fn unreadable(open: &[&Entry]) -> Vec<String> {
    let tags = open.iter().filter(|entry| entry.rule == GuardTagUnreadable::NAME);
    tags.map(|entry| format!("{}{}", of_entry(entry), of_owner(&addressee(entry.owner.as_deref())))).collect()
}

/// `Cost guard: platform: 12 owners, 2 resources stopped 5 times, $12.40 saved, $3,210.00 a month open`
fn subject(rows: &BTreeMap<String, Row>, unowned: &Row, (open, usd_per_month): (usize, Decimal), failed: usize) -> String {
    let all = Row::of(rows.values().chain([unowned]));
    let mailed = rows.values().filter(|row| 0 < row.mails).count();
    let owners = if mailed == rows.len() { count(mailed, "owner") } else { format!("{mailed} of {} mailed", count(rows.len(), "owner")) };
    let open = match usd_per_month {
        usd if !usd.is_zero() => Some(format!("{} a month open", dollars(usd))),
        _ => (0 < open).then(|| format!("{open} open")),
    };
    let parts = [
        (0 < failed).then(|| format!("{failed} failed")),
        (0 < mailed).then_some(owners),
        (0 < all.stops).then(|| stopped_times(all.stopped, all.stops)),
        (!all.saved.is_zero()).then(|| format!("{} saved", dollars(all.saved))),
        open,
    ];
    counting(PLATFORM, &parts, 1, "what could not be done or read")
}
