//! The part of a mail about one resource: what happens to it and why, what it costs, and how to stop or keep it.

use std::collections::{HashMap, hash_map::Entry as Slot};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rust_decimal::Decimal;

use crate::{
    mail::{
        item::{Item, MailContext, MailEntry, is_job},
        plain::explained,
    },
    plan::{End, News},
    policy::{KEEP_UNTIL_TAG, Policy, SCHEDULE_TAG},
    remedy::{Remedy, Sleep, SpotTerms, how_to_add, how_to_stop, how_to_wake},
    rules::verdict::Detail,
    vocabulary::{
        duration::{Duration, roughly},
        price::{HOURS_PER_MONTH, SPOT_SAVES_UP_TO, dollars, price_not_known},
        resource::{Arn, Kind, region_option},
        text::one_line,
        time_zone::until_end,
        timed_text::TimedText,
    },
};

/// How long a mail offers to keep a resource.
const WEEK: Duration = Duration::days(7);

/// The least width of the labels of commands, so that those of several resources stand below each other.
const LABEL: usize = 23;

/// The lists that a mail has printed, and for which resource.
pub(crate) type Lists<'a> = HashMap<&'a Detail, &'a str>;

/// What a mail says about one resource. Each text is one or more lines, each with a line break before it.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The resource, and what happens to it.
    pub(crate) head: TimedText,
    /// Why, one line per rule.
    pub(crate) reasons: Vec<TimedText>,
    /// What it costs or saves. Empty: nothing, or that is not said.
    pub(crate) costs: TimedText,
    /// Everything else: what there is to know, and what its owner can do.
    pub(crate) more: Vec<TimedText>,
    /// How people do it by hand, for the end of the mail. Empty: there is nothing of that kind.
    pub(crate) by_hand: String,
}

impl Part {
    /// All of it but what is for the end of the mail.
    pub(crate) fn text(&self) -> TimedText {
        let mut text = TimedText::default();
        [&self.head].into_iter().chain(&self.reasons).chain([&self.costs]).chain(&self.more).for_each(|part| text.append(part));
        text.text("\n")
    }
}

/// When a mail is read that tells of something.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// It is sent at once.
    AtOnce,
    /// It waits, until about this time.
    Later(Timestamp),
}

/// Writes the part about one resource. `lists`: what the mail has printed so far.
pub(crate) fn part<'a>(told: &MailEntry<'a>, lists: &mut Lists<'a>, read: Read, context: &MailContext<'_>) -> Part {
    Part {
        head: head(told, read, context),
        reasons: reasons(told),
        costs: costs(told, read, context),
        more: more(told, lists, read, context),
        by_hand: by_hand(told),
    }
}

/// Commands and code, below the resource's name.
fn by_hand(told: &MailEntry<'_>) -> String {
    if told.by_hand.is_empty() {
        return String::new();
    }
    let block = |detail: &&Detail| format!("{}\n{}\n", detail.title, detail.list.join("\n"));
    format!("\n{}\n{}", told.first.name.to_uppercase(), told.by_hand.iter().map(block).collect::<Vec<_>>().join("\n"))
}

/// `* notebook instance churn: on Mon 2026-11-23 19:30 it will be stopped, unless you keep it`
fn head(told: &MailEntry<'_>, read: Read, MailContext { now, .. }: &MailContext<'_>) -> TimedText {
    let Item { news, id, name, .. } = told.first;
    let kind = Kind::of(id).map_or("resource", Kind::words);
    let head = TimedText::from(format!("\n* {kind} {name}"));
    let failed = |why: &str| format!("\n  Failed: {}.", explained(&one_line(why)));
    match (news, read) {
        (News::Failed(why) | News::Doubled(why), _) => {
            head.text(&failed(why)).text(" The guard tries again, each time after a longer pause.")
        }
        (News::GivenUp(why), _) => head.text(&failed(why)).text(" It goes on as it is, and the guard leaves it alone."),
        (News::Refused(why), _) => {
            head.text(&failed(why)).text("\n  The job goes on as it is, and the guard tries again, each time after a longer pause.")
        }
        (News::Warning(at), _) => {
            let participle = told.first.participle();
            let unless = told.first.notice.instead.unwrap_or("keep it");
            let lost = told.remedy.and_then(|remedy| remedy.what_is_lost(told.writes_checkpoints));
            let lost = lost.map_or_else(String::new, |lost| format!("\n  Loses: {lost}."));
            head.text(": on ").time(*at).text(&format!(" it will be {participle}, unless you {unless}{lost}"))
        }
        (News::Reminder(since) | News::Escalation(since), _) => head.text(": open since ").time(*since),
        (News::Found, Read::Later(_)) => head.text(": found on ").time(*now),
        (News::Done(End::Stopping(_)), Read::Later(_)) => head.text(&format!(": {} on ", told.first.ended())).time(*now).text(&note(told)),
        (News::Done(_), Read::Later(_)) => head.text(": on ").time(*now).text(&note(told)),
        (News::Found | News::Done(_), Read::AtOnce) => head.text(&note(told)),
    }
}

/// The note for the owner about something that is over.
fn note(told: &MailEntry<'_>) -> String {
    match &told.first.news {
        News::Done(End::Stopping(Some(note)) | End::Stopped(Some(note)) | End::ByItself(note)) => format!("\n  Note:  {}.", one_line(note)),
        _ => String::new(),
    }
}

/// Whether the guard mended it, and nothing was stopped.
fn is_mended(told: &MailEntry<'_>) -> bool {
    matches!(told.first.news, News::Done(_)) && told.remedy.is_some_and(Remedy::leaves_running)
}

/// `  Why:   on since … (notebook-off-hours).`
fn reasons(told: &MailEntry<'_>) -> Vec<TimedText> {
    let label = if is_mended(told) { "Found:" } else { "Why:" };
    let reason = |(rule, reason): &(&str, &TimedText)| {
        let mut line = TimedText::from(format!("\n  {label:<6} "));
        line.append(reason);
        line.text(&format!(" ({rule})."))
    };
    told.reasons.iter().map(reason).collect()
}

fn costs(told: &MailEntry<'_>, read: Read, MailContext { now, .. }: &MailContext<'_>) -> TimedText {
    let is_done = matches!(told.first.news, News::Done(_));
    let is_job = is_job(told.first);
    // What is found about its tags alone costs the same with all tags.
    let tags_alone = told.first.is_open() && told.wasted_per_month.is_none() && told.usd_per_month.is_some();
    let untagged = if tags_alone { ", whether it is tagged or not" } else { "" };
    let month = told.wasted_per_month.or(told.usd_per_month);
    let text = match (month, told.usd_per_hour) {
        (Some(month), _) if told.is_saving && (is_mended(told) || told.saves_by_month()) => {
            let by = if is_mended(told) { ", by its last 14 days" } else { "" };
            format!("Saves: about {} a month{by}", dollars(month))
        }
        _ if is_mended(told) => return TimedText::default(),
        (_, Some(hour)) if let Some(saves) = told.stop_saves(*now) => {
            let (label, once) = match (&told.first.news, read) {
                // Read hours later, it is stopped.
                (News::Done(_), Read::Later(_)) => ("Saved:", ""),
                (News::Done(End::Stopping(_)), Read::AtOnce) => ("Saves:", ", once it is stopped"),
                _ => ("Saves:", ""),
            };
            let saves = TimedText::from(format!("\n  {label} about {} until ", dollars(saves.usd))).time(saves.until);
            return saves.text(&format!(" ({} an hour){once}.", dollars(hour)));
        }
        (_, Some(hour)) if matches!(told.first.news, News::Done(End::Replaced(_))) => {
            let most = hour * Decimal::from(SPOT_SAVES_UP_TO) / Decimal::ONE_HUNDRED;
            format!("Saves: up to {} of {} an hour", dollars(most), dollars(hour))
        }
        (_, Some(hour)) if is_done => format!("Cost:  {} an hour{}", dollars(hour), so_far(told.first, hour, *now)),
        (Some(most), Some(hour)) if matches!(told.first.news, News::Warning(_)) && told.ends_a_job() => {
            format!("Saves: up to {} until its time limit ({} an hour)", dollars(most), dollars(hour))
        }
        (Some(most), Some(hour)) if is_job => {
            format!("Costs: {} an hour, at most {} until its time limit{untagged}", dollars(hour), dollars(most))
        }
        (Some(month), Some(hour)) if tags_alone => format!("Costs: {} a month{untagged} ({} an hour)", dollars(month), dollars(hour)),
        (None, Some(hour)) if told.is_saving && told.saves_by_month() => {
            format!("Saves: perhaps {} a month, which is not promised (see below)", dollars(hour * HOURS_PER_MONTH))
        }
        (Some(month), Some(hour)) => {
            let supposes = told.supposes.unwrap_or("if nothing changes");
            format!("Costs: {} a month {supposes} ({} an hour)", dollars(month), dollars(hour))
        }
        (Some(month), None) => format!("Costs: {} a month{untagged}", dollars(month)),
        (None, Some(hour)) => format!("Costs: {} an hour", dollars(hour)),
        (None, None) if let Some(instances) = told.unpriced.filter(|_| !is_done) => format!("Costs: {}", price_not_known(instances)),
        (None, None) if told.remedy == Some(&Remedy::None) || !Kind::of(&told.first.id).is_some_and(Kind::is_metered) => {
            return TimedText::default();
        }
        (None, None) => "Costs: price not known".to_owned(),
    };
    format!("\n  {text}.").into()
}

/// What a job that was stopped has cost: `, about $0.47 in the 15m that it ran`.
fn so_far(item: &Item, hour: Decimal, now: Timestamp) -> String {
    let Some(since) = item.notice.billed_since else { return " while it was on".to_owned() };
    let ran = now.duration_since(since);
    let usd = hour * Duration::between(since, now).in_hours();
    format!(", about {} in the {} that it ran", dollars(usd), roughly(ran))
}

fn more<'a>(told: &MailEntry<'a>, lists: &mut Lists<'a>, read: Read, context: &MailContext<'_>) -> Vec<TimedText> {
    let Item { news, suspended, .. } = told.first;
    // If two jobs do the same work, or the guard leaves the job alone, the advice says what to do. The command that stops this job is not enough.
    let remedy = told.remedy.filter(|_| !matches!(news, News::Doubled(_) | News::GivenUp(_)));
    let mut more: Vec<TimedText> = told.details.iter().map(|detail| listed(detail, &told.first.name, lists)).collect();
    if let Some(tags) = suspended.as_ref().filter(|tags| told.reasons.iter().all(|(_, reason)| reason.to_string() != tags.why)) {
        let commands = tags.commands.replace('\n', "\n         ");
        more.push(format!("\n  Note:  the guard leaves it alone for now: {}.\n         Correct that: {commands}", tags.why).into());
    }
    match (news, remedy) {
        // What was done can be taken back: that comes first.
        (News::Done(end), _) => more.insert(0, after(end, told, remedy, read, context)),
        (_, Some(remedy)) if *remedy != Remedy::None && !remedy.is_harmless() => {
            more.extend(matches!(news, News::Refused(_)).then(|| "\n  You can wait for that, or do one of these:".into()));
            more.extend(commands(told, remedy, read, context).into_iter().map(TimedText::from));
        }
        _ => {}
    }
    // Of a refused job, the commands before it are choices too.
    let label = if matches!(news, News::Refused(_)) { "Or:   " } else { "To do:" };
    // Who deletes it by hand loses what the guard would restore.
    let advice = told.advice.iter().filter(|_| !matches!((news, remedy), (News::Warning(_) | News::Done(_), Some(Remedy::Hibernate(_)))));
    more.extend(advice.map(|advice| format!("\n  {label} {}", advice.replace('\n', "\n         ")).into()));
    more
}

/// A detail. A list that the mail has printed before is not printed again.
fn listed<'a>(detail: &'a Detail, name: &'a str, lists: &mut Lists<'a>) -> TimedText {
    let mut text = TimedText::from("\n  ");
    text.append(&detail.title);
    if detail.list.is_empty() {
        return text;
    }
    match lists.entry(detail) {
        Slot::Occupied(before) => text.text(&format!(" as of {} above.", before.get())),
        Slot::Vacant(slot) => {
            slot.insert(name);
            detail.list.iter().fold(text, |text, line| text.text(&format!("\n         {line}")))
        }
    }
}

/// How its owner can stop it, keep it, or change its hours.
fn commands(told: &MailEntry<'_>, remedy: &Remedy, read: Read, MailContext { policy, now, .. }: &MailContext<'_>) -> Vec<String> {
    let Item { news, arn, name, .. } = told.first;
    let from = match (news, read) {
        (News::Warning(at), _) => (*now).max(*at),
        (_, Read::Later(at)) => at,
        _ => *now,
    };
    let stop = Some(remedy.command(name, &region_option(arn))).filter(|command| !command.is_empty());
    let mut commands: Vec<(String, String)> = stop.map(|command| ("Stop it now:".to_owned(), command)).into_iter().collect();
    commands.extend(
        keeps(told.first, from, read, policy, *now)
            .into_iter()
            .map(|(label, day)| (label, how_to_add(arn, [(KEEP_UNTIL_TAG, day.as_str())]))),
    );
    // Hours that end before the stop do not prevent it.
    let hours = told.hours.filter(|hours| !matches!(news, News::Warning(at) if hours.until <= *at));
    commands.extend(hours.map(|hours| {
        ("Give it longer hours:".to_owned(), how_to_add(&arn_of(hours.on.as_deref(), arn), [(SCHEDULE_TAG, hours.tag.as_str())]))
    }));
    let width = commands.iter().map(|(label, _)| label.len()).max().unwrap_or_default().max(LABEL);
    commands.into_iter().map(|(label, command)| format!("\n  {label:<width$} {command}")).collect()
}

/// The ARN of another resource in the same account and Region. `id` is `None`, or `arn` is none: `arn`.
fn arn_of(id: Option<&str>, arn: &str) -> String {
    let whereabouts = Arn::parse(arn).and_then(|parsed| arn.strip_suffix(parsed.resource));
    id.zip(whereabouts).map_or_else(|| arn.to_owned(), |(id, whereabouts)| format!("{whereabouts}{id}"))
}

/// How long its owner can keep it, each with the value of the tag.
fn keeps(item: &Item, from: Timestamp, read: Read, policy: &Policy, now: Timestamp) -> Vec<(String, String)> {
    // Of what is only reported, the tag ends the reports too.
    let what = match &item.remedy {
        _ if item.is_open() => "No report and no stop",
        Some(Remedy::AttachScaling(..)) => "Leave it as it is",
        _ => "Keep it",
    };
    let in_a_week = in_a_week(from, policy);
    if is_job(item) {
        let label = if item.is_open() { format!("{what} of this job:") } else { "Keep this job:".to_owned() };
        return vec![(label, in_a_week)];
    }
    let zone = match read {
        Read::AtOnce => &item.zone,
        Read::Later(_) => policy.zone_of(item.team.as_deref()),
    };
    let is_warned = matches!(item.news, News::Warning(_)) && Duration::days(1) < policy.exemption.max;
    let days = is_warned.then(|| tomorrow(from, &item.zone)).into_iter().chain([in_a_week]);
    days.map(|day| {
        let end = policy.end_of_day(&day, &item.zone).filter(|end| *end <= now + policy.exemption.max.signed());
        (format!("{what} {}:", how_long(end, zone, policy)), day)
    })
    .collect()
}

/// How long the tag keeps something that ends then: `until the end of Fri 2026-12-04`, `until Fri 2026-12-04 18:00` where the policy's day ends then by the
/// reader's clock, or `for 3d` if the policy allows no longer.
fn how_long(end: Option<Timestamp>, zone: &TimeZone, policy: &Policy) -> String {
    end.map_or_else(|| format!("for {}", policy.exemption.max), |end| until_end(end, zone))
}

/// A day as the tag `cost-guard:keep-until` takes it: until its end by the policy's clock.
fn day_of(at: Timestamp, policy: &Policy) -> String {
    at.to_zoned_datetime(policy.calendar.zone.clone()).date().to_string()
}

/// The day that mails offer: a week from then, or as long as the policy allows.
fn in_a_week(from: Timestamp, policy: &Policy) -> String {
    day_of(from + WEEK.min(policy.exemption.max).signed(), policy)
}

/// The next day where the owner works.
fn tomorrow(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).date().saturating_add(1.day()).to_string()
}

/// What the mail says about something that is over: what is kept, what is lost, how to start it again.
fn after(end: &End, told: &MailEntry<'_>, remedy: Option<&Remedy>, read: Read, context: &MailContext<'_>) -> TimedText {
    let Item { name, arn, .. } = told.first;
    let text = match (end, remedy) {
        (End::Stopping(_) | End::Stopped(_), Some(Remedy::Hibernate(sleep))) => return asleep(sleep, told, read, context),
        (End::ByItself(_), _) => String::new(),
        (End::NotNeeded(new), _) => format!("\n  It was stopped because its Spot job, {new}, has done the work."),
        (End::Replaced(new), remedy) => as_which_job(told.first, new, remedy, context),
        (End::Stopping(_) | End::Stopped(_), Some(remedy)) => format!("\n  {}", remedy.when_done(name, arn, told.writes_checkpoints)),
        // Only its entry in the ledger is known.
        (End::Stopping(_) | End::Stopped(_), None) if is_job(told.first) => "\n  What it wrote to S3 is kept.".to_owned(),
        (End::Stopping(_) | End::Stopped(_), None) => "\n  Its files are kept. Start it again where you started it.".to_owned(),
    };
    text.into()
}

/// Until when an endpoint sleeps or slept, what comes back, and how to keep it on. `told` has an end if its working hours wake it.
fn asleep(sleep: &Sleep, told: &MailEntry<'_>, read: Read, MailContext { policy, now, .. }: &MailContext<'_>) -> TimedText {
    const COMES_BACK: &str = "with its tags, its auto scaling and its number of instances";
    let Item { name, arn, .. } = told.first;
    let Some(end) = told.ends() else {
        let until = sleep.until_somebody_wakes_it(name, &region_option(arn));
        return format!("\n  {until}\n  It comes back {COMES_BACK}. Until then its callers get errors.").into();
    };
    let keep = how_to_add(arn, [(KEEP_UNTIL_TAG, in_a_week(end, policy).as_str())]);
    let is_over = matches!(read, Read::Later(at) if end <= at);
    let (slept, created) =
        if is_over { ("Slept: ", "Then the guard created it again") } else { ("Sleeps:", "Then the guard creates it again") };
    let text = TimedText::from(format!("\n  {slept} until ")).time(end).text(&format!(". {created}, {COMES_BACK}."));
    let wake = how_to_wake(name, &sleep.config, &region_option(arn));
    let wake = if is_over { String::new() } else { format!("\n  Until it is in service, its callers get errors. Wake it now: {wake}") };
    let begun = if *now < end && !is_over { "Keep it on for a week, once it is back:" } else { "Keep it on for a week:" };
    text.text(&format!(
        "{wake}\n  It sleeps like this each time its working hours end. Your weekly summary counts how often.\n  {begun} {keep}"
    ))
}

/// What an owner must know about the job that does the work now. Its terms are known only in the run that submitted it.
fn as_which_job(Item { name: old, arn, notice, .. }: &Item, new: &str, remedy: Option<&Remedy>, context: &MailContext<'_>) -> String {
    let MailContext { policy, now, .. } = context;
    let terms = match remedy {
        Some(Remedy::ResubmitAsSpot(SpotTerms { wait, resumes, .. })) => {
            let from = match (resumes, notice.billed_since) {
                (true, _) => "resumes from the last checkpoint. What was trained since then is done again",
                (false, Some(_)) => "starts from the beginning, because there were no checkpoints: what was trained so far is done again",
                (false, None) => "starts from the beginning: the old one was not training yet",
            };
            format!("\n  It {from}. It may finish up to {wait} later.")
        }
        _ => String::new(),
    };
    format!(
        "\n  We asked AWS to stop {old}, and restarted its work on Spot as {new}.{terms}\
         \n  Does a script or a pipeline wait for {old}? Let it wait for {new}.\
         \n  Stop the new one:   {}\
         \n  To keep the next one on demand, submit it with a tag and a last day, for example {KEEP_UNTIL_TAG} = {}.",
        how_to_stop(new, &region_option(arn)),
        in_a_week(*now, policy)
    )
}
