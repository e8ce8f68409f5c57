//! Builds the mails: one per owner and run of what is urgent, one a day of everything else, and one a week that sums up. Pure.

use std::collections::BTreeMap;

use self::{
    body::body,
    digest::teams,
    item::{MailEntry, entries},
    subject::subject,
};
use crate::{plan::News, rules::verdict::Severity, vocabulary::resource::Kind};

pub use self::{
    aside::asides,
    chat::ChatMessage,
    delivery::{Due, Post, may_wait, sort_out},
    digest::{Audience, Digest, PLATFORM, Told},
    habit::{HABIT, habits, mark_habits, new_habits},
    item::{Item, MailContext, addressee},
    notification::{Notification, notifications},
    platform::{MANY_OWNERS, MONTH, Period, PlatformGets, Sent, period_since, platform_summary},
    rounds::{Desk, Letter, Mailed, Regular, Waiting},
    trouble::{Failure, Trouble},
    weekly::WEEK,
};
pub(crate) use self::{
    closing::closing,
    rounds::OPEN,
    weekly::{Open, of_entry, resources, section},
};

mod aside;
mod body;
mod chat;
mod closing;
mod daily;
mod delivery;
mod digest;
mod habit;
mod item;
mod notification;
mod part;
mod plain;
mod platform;
mod rounds;
mod subject;
mod trouble;
mod weekly;

/// The mails of a run. `held_back`: by owner, how many due actions exceeded the maximum of one run.
pub fn digests(items: &[Item], held_back: &BTreeMap<String, usize>, context: &MailContext<'_>) -> Vec<Digest> {
    let items: Vec<Item> = items.iter().map(Item::as_text).collect();
    let mut of_owner: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
    for item in &items {
        of_owner.entry(addressee(item.owner.as_deref())).or_default().push(item);
    }
    of_owner.iter().map(|(owner, items)| digest(owner, items, held_back.get(owner).copied().unwrap_or(0), context)).collect()
}

fn digest(owner: &str, items: &[&Item], held_back: usize, context: &MailContext<'_>) -> Digest {
    let teams = teams(items.iter().filter_map(|item| item.team.clone()));
    let entries = entries(items.to_vec());
    let severity = items.iter().map(|item| item.severity()).max().unwrap_or_default();
    let (body, fitted) = body(owner, &entries, held_back, context);
    let keys = entries[..fitted].iter().flat_map(|one| one.keys.iter().copied().cloned()).collect();
    Digest {
        owner: owner.to_owned(),
        functions: vec![context.function.to_owned()],
        teams,
        severity,
        subject: subject(&entries, context.now),
        body,
        notified: keys,
        audience: Audience::of(owner, severity == Severity::Critical || items.iter().any(|item| concerns_the_platform(item))),
        told: Some(told(&entries[..fitted])),
    }
}

/// Whether it is about the whole account, or about an action that failed, or only the platform can mend it.
pub(crate) fn concerns_the_platform(item: &Item) -> bool {
    item.notice.for_platform
        || matches!(item.news, News::Failed(_) | News::Doubled(_) | News::GivenUp(_))
        || Kind::of(&item.id).is_some_and(Kind::is_of_the_account)
}

fn told(entries: &[MailEntry<'_>]) -> Told {
    Told { warned: entries.iter().filter(|one| matches!(one.first.news, News::Warning(_))).count() }
}

#[cfg(test)]
mod tests;
