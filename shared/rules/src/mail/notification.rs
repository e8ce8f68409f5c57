//! What an owner is told of one resource, as words that wait until they are mailed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    mail::{
        body::link,
        delivery::Due,
        item::{Item, MailContext, MailEntry, addressee, entries, is_job, said_later},
        part::{Lists, Part, Read, part},
    },
    plan::{End, FindingKey, News},
    remedy::Remedy,
    vocabulary::{resource::Kind, text::one_line, timed_text::TimedText},
};

/// What an owner is told of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, by its name in the ledger")]
pub struct Notification {
    /// When it is mailed.
    pub due: Due,
    /// The function that found it.
    pub function: String,
    /// The owner: `unowned` if no owner is known.
    pub owner: String,
    /// The team. `None`: no team is known.
    pub team: Option<String>,
    /// The resource's ARN.
    pub arn: String,
    /// The resource's kind and name: `notebook instance churn`.
    pub what: String,
    /// The resource's name.
    pub name: String,
    /// What happened, as its heading in a mail: `found`, `was stopped`.
    pub heading: String,
    /// The same, as the end of "3 …" in a subject: `found`, `stopped`.
    pub counted_as: String,
    /// The end of a subject that begins with its name: `needs a look`.
    pub headline: String,
    /// One line for the weekly summary: `training job churn was stopped`.
    pub brief: String,
    /// Its findings.
    pub findings: Vec<FindingKey>,
    /// Whether it is about waste that is open.
    pub is_open: bool,
    /// Whether somebody can mend it before the mail, so that there is nothing to tell. A job ends by itself, and the next one is the same.
    pub is_mendable: bool,
    /// Whether nothing is done about it and nothing is lost.
    #[serde(default)]
    pub is_report: bool,
    /// Whether the platform's address gets it, too.
    #[serde(default)]
    pub for_platform: bool,
    /// What an open finding wastes in USD per month. `None`: not known, or it is a job or over.
    pub usd_per_month: Option<Decimal>,
    /// What it costs in USD per hour, or did. `None`: not known.
    #[serde(default)]
    pub usd_per_hour: Option<Decimal>,
    /// Its part of the mail: what happened to it.
    #[serde(alias = "text")]
    pub head: TimedText,
    /// The reasons, each as a line of the mail.
    pub reasons: Vec<TimedText>,
    /// What it costs.
    #[serde(default)]
    pub costs: TimedText,
    /// Everything else, such as commands.
    #[serde(default)]
    pub more: Vec<TimedText>,
    /// How people do it by hand, for the end of the mail.
    #[serde(default)]
    pub by_hand: String,
    /// Its page in the AWS console, if it has one. Notifications of earlier versions have none.
    #[serde(default)]
    pub link: Option<String>,
}

impl Notification {
    /// Whether the platform's address gets it at once: it is about the whole account, or only the platform can mend it.
    pub(crate) fn concerns_the_platform(&self) -> bool {
        self.for_platform || self.findings.iter().any(|key| Kind::of(&key.id).is_some_and(Kind::is_of_the_account))
    }

    /// Whether it tells what was found for the first time.
    pub(crate) fn is_new(&self) -> bool {
        self.counted_as == FOUND
    }
}

/// How new findings are counted in a subject.
const FOUND: &str = "found";

/// What waits, as words: one notification for each resource and time.
pub fn notifications(later: &[(Item, Due)], context: &MailContext<'_>) -> Vec<Notification> {
    let items: Vec<(Item, Due)> = later.iter().map(|(item, due)| (item.as_text(), *due)).collect();
    let of = |due: Due| {
        let items = items.iter().filter(|(_, when)| *when == due).map(|(item, _)| item).collect();
        entries(items).into_iter().map(move |entry| notification(&entry, due, context)).collect::<Vec<_>>()
    };
    [of(Due::Daily), of(Due::Weekly)].concat()
}

fn notification(told: &MailEntry<'_>, due: Due, context: &MailContext<'_>) -> Notification {
    let first = told.first;
    let is_open = first.is_open();
    // Its dates count from when it is read.
    let read = match due {
        Due::Daily => context.policy.next_morning(first.team.as_deref(), context.now),
        Due::Weekly | Due::Aside => context.now,
    };
    let Part { head, reasons, costs, more, by_hand } = part(told, &mut Lists::new(), Read::Later(read), context);
    let kind = Kind::of(&first.id).map_or("resource", Kind::words);
    let counted_as = match &first.news {
        News::Done(End::Replaced(_)) => "resubmitted",
        News::Done(End::ByItself(_)) => "over",
        News::Done(_) if first.remedy.as_ref().is_some_and(Remedy::leaves_running) => first.participle(),
        News::Done(_) => "stopped",
        News::Reminder(_) | News::Escalation(_) => "still open",
        _ => FOUND,
    };
    Notification {
        due,
        function: context.function.to_owned(),
        owner: addressee(first.owner.as_deref()),
        team: first.team.clone(),
        arn: first.arn.clone(),
        what: format!("{kind} {}", first.name),
        name: first.name.clone(),
        heading: said_later(first),
        counted_as: counted_as.to_owned(),
        headline: if is_open { first.notice.headline.unwrap_or("needs a look").to_owned() } else { said_later(first) },
        brief: brief(first),
        findings: told.keys.iter().copied().cloned().collect(),
        is_open,
        is_mendable: is_open && !is_job(first),
        is_report: first.is_report(),
        for_platform: first.notice.for_platform,
        usd_per_month: told.wasted_per_month.filter(|_| is_open && !is_job(first)),
        usd_per_hour: told.usd_per_hour,
        head,
        reasons,
        costs,
        more,
        by_hand,
        link: link(told),
    }
}

fn brief(item: &Item) -> String {
    let kind = Kind::of(&item.id).map_or("resource", Kind::words);
    let tags = match &item.remedy {
        Some(Remedy::AddTags { tags, .. }) => {
            tags.iter().map(|(key, value)| one_line(&format!("{key}={value}"))).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let tags = if tags.is_empty() { tags } else { format!(": {tags}") };
    format!("{kind} {} {}{tags}", item.name, said_later(item))
}
