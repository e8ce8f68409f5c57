//! Builds the mails: one digest per owner and run. Pure.

use std::collections::{BTreeMap, HashMap};

use self::{body::body, item::MailEntry, subject::subject};
use crate::{
    plan::FindingKey,
    remedy::Remedy,
    rules::verdict::Severity,
    vocabulary::{resource::UNOWNED, text::one_line},
};

pub use self::item::{Item, MailContext};

mod body;
mod item;
mod subject;

/// The room for team names in a mail's attributes, in bytes.
const TEAMS: usize = 8 * 1024;

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The owner: `unowned` if no owner is known.
    pub owner: String,
    /// The teams of its findings: `unowned` if no team is known.
    pub teams: Vec<String>,
    /// The severity of its most urgent finding.
    pub severity: Severity,
    /// At most 99 printable ASCII characters.
    pub subject: String,
    /// Plain text. With subject and attributes it fits into one SNS message.
    pub body: String,
    /// The findings in this mail. Findings that did not fit are not among them.
    pub notified: Vec<FindingKey>,
}

/// The mails of a run. `held_back`: by owner, how many due actions exceeded the maximum of one run.
pub fn digests(items: &[Item], held_back: &BTreeMap<String, usize>, context: &MailContext<'_>) -> Vec<Digest> {
    let items: Vec<Item> = items.iter().map(Item::as_text).collect();
    let mut by_owner: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
    for item in &items {
        by_owner.entry(addressee(item.owner.as_deref())).or_default().push(item);
    }
    by_owner.iter().map(|(owner, items)| digest(owner, items.clone(), held_back.get(owner).copied().unwrap_or(0), context)).collect()
}

/// To whom the mail about an owner's resources goes: the owner, or `unowned`.
pub fn addressee(owner: Option<&str>) -> String {
    Some(one_line(owner.unwrap_or_default()).trim()).filter(|owner| !owner.is_empty()).unwrap_or(UNOWNED).to_owned()
}

fn digest(owner: &str, mut items: Vec<&Item>, held_back: usize, context: &MailContext<'_>) -> Digest {
    let mut teams: Vec<String> = items.iter().filter_map(|item| item.team.clone()).collect();
    teams.sort();
    teams.dedup();
    // More teams do not fit. A subscription that filters for one of them does not receive this mail.
    let mut room = TEAMS;
    teams.retain(|team| {
        room = room.saturating_sub(team.len() + 3);
        0 < room
    });
    if teams.is_empty() {
        teams.push(UNOWNED.to_owned());
    }
    // The most urgent first, by news and by severity, then the most expensive. A resource has one entry, with its most urgent news and every reason.
    items.sort_by(|a, b| (&a.news, b.notice.severity, b.rank(), &a.id).cmp(&(&b.news, a.notice.severity, a.rank(), &b.id)));
    let mut entries: Vec<MailEntry<'_>> = vec![];
    let mut places: HashMap<&str, usize> = HashMap::new();
    for item in &items {
        let (usd_per_hour, usd_per_month) = (item.usd_per_hour, item.usd_per_month);
        let place = *places.entry(&item.id).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(same) => {
                same.keys.push(&item.key);
                same.reasons.push((&item.key.rule, &item.reason));
                if same.remedy.is_none_or(|remedy| *remedy == Remedy::None) {
                    same.remedy = item.remedy.as_ref();
                }
                same.hours = same.hours.zip(item.notice.hours.as_deref()).map(|(hours, _)| hours);
                same.advice.extend(item.notice.advice.as_deref().filter(|advice| !same.advice.contains(advice)));
                // Two rules about the same budget have the same details.
                if same.details.is_empty() {
                    same.details.extend(&item.notice.details);
                }
                same.unpriced = same.unpriced.or(item.notice.unpriced.as_deref());
                same.usd_per_hour = same.usd_per_hour.max(usd_per_hour);
                same.usd_per_month = same.usd_per_month.max(usd_per_month);
            }
            None => entries.push(MailEntry {
                first: item,
                keys: vec![&item.key],
                remedy: item.remedy.as_ref(),
                hours: item.notice.hours.as_deref(),
                reasons: vec![(&item.key.rule, &item.reason)],
                advice: item.notice.advice.as_deref().into_iter().collect(),
                details: item.notice.details.iter().collect(),
                unpriced: item.notice.unpriced.as_deref(),
                usd_per_hour,
                usd_per_month,
            }),
        }
    }
    let severity = items.iter().map(|item| item.news.severity().max(item.notice.severity)).max().unwrap_or_default();
    let (body, fitted) = body(owner, &entries, held_back, context);
    let keys = entries[..fitted].iter().flat_map(|one| one.keys.iter().copied().cloned()).collect();
    Digest { owner: owner.to_owned(), teams, severity, subject: subject(&entries, context.policy, context.now), body, notified: keys }
}

#[cfg(test)]
mod tests;
