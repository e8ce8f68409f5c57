//! Builds the mails: one per owner and run of what is urgent, one a day of everything else, and one a week that sums up. Pure.

use std::collections::BTreeMap;

use self::{body::body, digest::teams, item::entries, subject::subject};

pub use self::{
    aside::asides,
    delivery::{Due, Post, sort_out},
    digest::Digest,
    item::{Item, MailContext, addressee},
    notification::{Notification, notifications},
    rounds::{Desk, Letter, Mailed, Regular, Waiting},
    weekly::WEEK,
};

mod aside;
mod body;
mod closing;
mod daily;
mod delivery;
mod digest;
mod item;
mod notification;
mod rounds;
mod subject;
mod weekly;

/// The mails of a run. `held_back`: by owner, how many due actions exceeded the maximum of one run.
pub fn digests(items: &[Item], held_back: &BTreeMap<String, usize>, context: &MailContext<'_>) -> Vec<Digest> {
    let items: Vec<Item> = items.iter().map(Item::as_text).collect();
    let mut by_owner: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
    for item in &items {
        by_owner.entry(addressee(item.owner.as_deref())).or_default().push(item);
    }
    by_owner.iter().map(|(owner, items)| digest(owner, items, held_back.get(owner).copied().unwrap_or(0), context)).collect()
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
        subject: subject(&entries, context.policy, context.now),
        body,
        notified: keys,
    }
}

#[cfg(test)]
mod tests;
