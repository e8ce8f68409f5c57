//! What an owner is told of one resource, as words that wait until they are mailed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    mail::{
        body::{entry, link},
        delivery::Due,
        item::{Item, MailContext, MailEntry, addressee, entries, is_job, said},
    },
    plan::{End, FindingKey, News},
    remedy::Remedy,
    vocabulary::{resource::Kind, text::one_line},
};

/// What an owner is told of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Whether no mail is sent for it: it is told in the weekly summary if there is one anyway.
    #[serde(default)]
    pub is_aside: bool,
    /// What an open finding costs in USD per month. `None`: not known, or it is a job or over.
    pub usd_per_month: Option<Decimal>,
    /// The reasons, each as a line of the mail.
    pub reasons: Vec<String>,
    /// Its part of the mail.
    pub text: String,
    /// Its page in the AWS console, if it has one. Notifications of earlier versions have none.
    #[serde(default)]
    pub link: Option<String>,
}

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
    let is_open = matches!(first.news, News::Found | News::Reminder(_) | News::Escalation(_));
    let (text, reasons) = entry(told, context);
    let kind = Kind::of(&first.id).map_or("resource", Kind::words);
    let counted_as = match &first.news {
        News::Done(End::Replaced(_)) => "resubmitted",
        News::Done(End::ByItself(_)) => "over",
        News::Done(_) if first.remedy.as_ref().is_some_and(Remedy::is_harmless) => first.participle(),
        News::Done(_) => "stopped",
        News::Reminder(_) | News::Escalation(_) => "still open",
        _ => "found",
    };
    Notification {
        due,
        function: context.function.to_owned(),
        owner: addressee(first.owner.as_deref()),
        team: first.team.clone(),
        arn: first.arn.clone(),
        what: format!("{kind} {}", first.name),
        name: first.name.clone(),
        heading: said(first, true),
        counted_as: counted_as.to_owned(),
        headline: if is_open { first.notice.headline.unwrap_or("needs a look").to_owned() } else { said(first, true) },
        brief: brief(first),
        findings: told.keys.iter().copied().cloned().collect(),
        is_open,
        is_mendable: is_open && !is_job(first),
        is_aside: false,
        usd_per_month: told.usd_per_month.filter(|_| is_open && !is_job(first)),
        reasons,
        text,
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
    format!("{kind} {} {}{tags}", item.name, said(item, true))
}
