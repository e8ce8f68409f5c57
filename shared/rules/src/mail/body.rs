//! The body of a mail: what, why, dollars, when, and how to stop or keep it.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    fmt::Write as _,
};

use jiff::Timestamp;

use crate::{
    mail::{
        closing::closing,
        item::{Item, MailContext, MailEntry, is_job, said},
    },
    plan::{End, News},
    policy::{KEEP_UNTIL_TAG, Policy, SCHEDULE_TAG},
    remedy::{Remedy, SpotTerms, console_link, how_to_add, how_to_stop},
    rules::verdict::Detail,
    vocabulary::{
        duration::Duration,
        price::{Instances, dollars},
        resource::{Arn, Kind, UNOWNED, region_option},
        text::one_line,
    },
};

/// The longest body, in bytes. SNS accepts 256 KiB including subject and attributes, which need room, as does the end of the body.
pub(crate) const BODY: usize = 240 * 1024;

/// How long a mail offers to keep a resource.
const WEEK: Duration = Duration::days(7);

/// The body, and how many of the entries fit into it. Links to the console are left out if they would take the place of entries.
pub(crate) fn body(owner: &str, told: &[MailEntry<'_>], held_back: usize, context: &MailContext<'_>) -> (String, usize) {
    let (text, fitted) = written(owner, told, held_back, context, link);
    if fitted < told.len() { written(owner, told, held_back, context, |_| None) } else { (text, fitted) }
}

/// The link to a resource's page in the console.
pub(crate) fn link(told: &MailEntry<'_>) -> Option<String> {
    let Item { arn, id, name, .. } = told.first;
    console_link(arn, id, name)
}

/// The line with a link.
pub(crate) fn link_line(link: Option<&str>) -> String {
    link.map_or_else(String::new, |link| format!("  Console: {link}\n"))
}

fn written(
    owner: &str,
    told: &[MailEntry<'_>],
    held_back: usize,
    context: &MailContext<'_>,
    link: impl Fn(&MailEntry<'_>) -> Option<String>,
) -> (String, usize) {
    let mut fitted = told.len();
    let arns: Vec<&str> = told.iter().map(|one| one.first.arn.as_str()).collect();
    let mut text = opening(owner, &arns, context);
    let mut heading = String::new();
    let mut lists = HashMap::new();
    for (index, one) in told.iter().enumerate() {
        let mut part = String::new();
        let this = said(one.first, true);
        if this != heading {
            let _ = write!(part, "\n{}\n", this.to_uppercase());
            heading = this;
        }
        resource(&mut part, one, &mut lists, context);
        part += &link_line(link(one).as_deref());
        if BODY < text.len() + part.len() {
            let _ = write!(text, "\n… and {} more, which do not fit into one mail: they come with the next.\n", told.len() - index);
            fitted = index;
            break;
        }
        text += &part;
    }
    if 0 < held_back {
        let _ = write!(
            text,
            "\nHeld back: {held_back} more of yours are due, but one run does only so much (`max-actions`). The next run goes on.\n"
        );
    }
    text += &closing(owner, context);
    (text, fitted)
}

/// The first lines of a mail: for whom it is, and about which account and Region.
pub(crate) fn opening(owner: &str, arns: &[&str], context: &MailContext<'_>) -> String {
    let is_of_the_account = |arn: &&str| Arn::parse(arn).and_then(|arn| Kind::of(&arn.id()?)).is_some_and(Kind::is_of_the_account);
    let mut text = if owner == UNOWNED && arns.iter().all(is_of_the_account) {
        "For whoever runs the platform.\n".to_owned()
    } else if owner == UNOWNED {
        let tags = context.policy.owner_tags.join(" or ");
        let these = if arns.iter().any(is_of_the_account) { "the resources among these" } else { "these" };
        let left = if context.policy.left.texts().is_empty() { "" } else { ", or who it names has left" };
        format!("Nobody owns {these}: none of them has a tag {tags}{left}. Whoever runs the platform, please find out whose they are.\n")
    } else {
        format!("For {owner}.\n")
    };
    let mut arns = arns.iter().filter_map(|arn| Arn::parse(arn));
    match arns.clone().find(|arn| !arn.region.is_empty()).or_else(|| arns.next()) {
        Some(Arn { region: "", account, .. }) => drop(writeln!(text, "AWS account {account}.")),
        Some(Arn { region, account, .. }) => drop(writeln!(text, "AWS account {account}, Region {region}.")),
        None => {}
    }
    text
}

/// The part of a mail about one resource, in which every list is printed, and its lines with the reasons.
pub(crate) fn entry(told: &MailEntry<'_>, context: &MailContext<'_>) -> (String, Vec<String>) {
    let mut text = String::new();
    resource(&mut text, told, &mut HashMap::new(), context);
    (text, reasons(told))
}

/// `  Why:   on since … (notebook-off-hours).`
fn reasons(told: &MailEntry<'_>) -> Vec<String> {
    let is_mended = matches!(told.first.news, News::Done(_)) && told.remedy.is_some_and(Remedy::is_harmless);
    let label = if is_mended { "Was:" } else { "Why:" };
    told.reasons.iter().map(|(rule, reason)| format!("  {label}   {reason} ({rule}).")).collect()
}

/// `lists`: the lists that this mail has printed, and for which resource.
fn resource<'a>(text: &mut String, told: &MailEntry<'a>, lists: &mut HashMap<&'a Detail, &'a str>, context: &MailContext<'_>) {
    let MailContext { policy, now, .. } = context;
    let Item { news, id, arn, name, suspended, .. } = told.first;
    // If two jobs do the same work, or the guard leaves the job alone, the advice says what to do. The command that stops this job is not enough.
    let remedy = told.remedy.filter(|_| !matches!(news, News::Doubled(_) | News::GivenUp(_)));
    let kind = Kind::of(id).map_or("resource", Kind::words);
    let is_done = matches!(news, News::Done(_));
    let is_mended = is_done && remedy.is_some_and(Remedy::is_harmless);
    let region = region_option(arn);
    let _ = write!(text, "\n* {kind} {name}");
    match news {
        News::Failed(why) | News::Doubled(why) => {
            let _ =
                write!(text, "\n  Failed: {}. The guard tries again, each time after a longer pause.", one_line(why.trim_end_matches('.')));
        }
        News::GivenUp(why) => {
            let _ =
                write!(text, "\n  Failed: {}. It goes on as it is, and the guard leaves it alone.", one_line(why.trim_end_matches('.')));
        }
        News::Warning(at) => {
            let _ = write!(
                text,
                ": on {} it will be {}, unless you {}",
                policy.clock(*at),
                told.first.participle(),
                told.first.notice.instead.unwrap_or("keep it")
            );
            if told.first.recurs {
                let _ = write!(
                    text,
                    "\n  Again: left on again in the next 7 days, it is {} in the same way without a mail. Your weekly summary lists that.",
                    told.first.participle()
                );
            }
        }
        News::Reminder(since) | News::Escalation(since) => {
            let _ = write!(text, ": open since {}", policy.clock(*since));
        }
        News::Done(End::Stopping(Some(note)) | End::Stopped(Some(note)) | End::ByItself(note)) => {
            let _ = write!(text, "\n  Note:  {}.", one_line(note));
        }
        News::Done(_) | News::Found => {}
    }
    for reason in reasons(told) {
        let _ = write!(text, "\n{reason}");
    }
    let _ = match (told.usd_per_month, told.usd_per_hour) {
        _ if is_mended => Ok(()),
        (_, Some(hour)) if is_done => {
            write!(text, "\n  Cost:  {} an hour while it was on.", dollars(hour))
        }
        (Some(most), Some(hour)) if is_job(told.first) => {
            write!(text, "\n  Costs: {} an hour, at most {} until its time limit.", dollars(hour), dollars(most))
        }
        (Some(month), Some(hour)) => write!(text, "\n  Costs: {} a month if nothing changes ({} an hour).", dollars(month), dollars(hour)),
        (Some(month), None) => write!(text, "\n  Costs: {} a month.", dollars(month)),
        (None, Some(hour)) => write!(text, "\n  Costs: {} an hour.", dollars(hour)),
        (None, None)
            if let Some(instances) = told.unpriced
                && !is_done =>
        {
            write!(text, "\n  Costs: {}.", price_not_known(instances))
        }
        (None, None) if remedy == Some(&Remedy::None) || !Kind::of(id).is_some_and(Kind::is_metered) => Ok(()),
        (None, None) => write!(text, "\n  Costs: price not known."),
    };
    for detail in &told.details {
        let _ = write!(text, "\n  {}", detail.title);
        if detail.list.is_empty() {
            continue;
        }
        match lists.entry(*detail) {
            Slot::Occupied(before) => {
                let _ = write!(text, " as of {} above.", before.get());
            }
            Slot::Vacant(slot) => {
                for line in &detail.list {
                    let _ = write!(text, "\n         {line}");
                }
                slot.insert(&told.first.name);
            }
        }
    }
    if let Some(why) = suspended.as_ref().filter(|why| told.reasons.iter().all(|(_, reason)| reason != why)) {
        let _ = write!(text, "\n  Note:  the guard leaves it alone for now: {why}.");
    }
    if let Some(remedy) = remedy.filter(|remedy| !is_done && **remedy != Remedy::None && !remedy.is_harmless()) {
        let keep_for = match policy.exemption.max {
            _ if is_job(told.first) => "Keep this job:".to_owned(),
            max if max < WEEK => format!("Keep it for {max}:"),
            _ => "Keep it for a week:".to_owned(),
        };
        let _ = write!(text, "\n  Stop it now:        {}", remedy.command(name, &region));
        let _ = write!(text, "\n  {keep_for:<19} {}", how_to_add(arn, [(KEEP_UNTIL_TAG, in_a_week(news, *now, policy).as_str())]));
        if let Some(hours) = told.hours {
            let _ = write!(text, "\n  Change its hours:   {}", how_to_add(arn, [(SCHEDULE_TAG, hours)]));
        }
    } else if let News::Done(end) = news {
        text.push_str(&after(end, told, remedy, &region));
    }
    for advice in &told.advice {
        let _ = write!(text, "\n  To do: {}", advice.replace('\n', "\n         "));
    }
    text.push('\n');
}

/// `price not known (2 x ml.p9.giant)`
fn price_not_known(instances: &[Instances]) -> String {
    if instances.is_empty() { "price not known".to_owned() } else { format!("price not known ({})", Instances::words(instances)) }
}

/// What the mail says about something that is over: what is kept, what is lost, how to start it again.
fn after(end: &End, told: &MailEntry<'_>, remedy: Option<&Remedy>, region: &str) -> String {
    let Item { name, arn, .. } = told.first;
    match (end, remedy) {
        (End::ByItself(_), _) => String::new(),
        (End::NotNeeded(new), _) => format!("\n  It was stopped because its Spot job, {new}, has done the work."),
        (End::Replaced(new), remedy) => as_which_job(name, new, remedy, region),
        (End::Stopping(_) | End::Stopped(_), Some(remedy)) => format!("\n  {}", remedy.when_done(name, arn)),
        // Only its entry in the ledger is known.
        (End::Stopping(_) | End::Stopped(_), None) if is_job(told.first) => "\n  What it wrote to S3 is kept.".to_owned(),
        (End::Stopping(_) | End::Stopped(_), None) => "\n  Its files are kept. Start it again where you started it.".to_owned(),
    }
}

/// The date one week from now, or from the announced stop. Earlier if the policy's longest exemption is shorter.
fn in_a_week(news: &News, now: Timestamp, policy: &Policy) -> String {
    let from = if let News::Warning(at) = news { now.max(*at) } else { now };
    (from + WEEK.min(policy.exemption.max).signed()).to_zoned_datetime(policy.calendar.zone.clone()).date().to_string()
}

/// What an owner must know about the job that does the work now. Its terms are known only in the run that submitted it.
fn as_which_job(old: &str, new: &str, remedy: Option<&Remedy>, region: &str) -> String {
    let terms = match remedy {
        Some(Remedy::ResubmitAsSpot(SpotTerms { wait, resumes, .. })) => {
            let from =
                if *resumes { "goes on from the checkpoints" } else { "starts from the beginning, because there were no checkpoints" };
            format!(" That {from}, and may take up to {wait} longer.")
        }
        _ => String::new(),
    };
    format!(
        "\n  It was stopped, and its work was submitted once more, on Spot: training job {new}.{terms} Whatever waits for {old} has to wait for {new} now.\
         \n  Stop the new one:   {}\
         \n  To keep the next one on demand, submit it with the tag {KEEP_UNTIL_TAG}, and the last day as its value.",
        how_to_stop(new, region)
    )
}
