//! The mails: one digest per owner and run. Subject first, then what, why, dollars, when, and how to stop or keep it. Pure.

use std::collections::{BTreeMap, HashMap};

use self::{body::body, item::MailEntry, subject::subject};
use crate::{plan::FindingKey, remedy::Remedy, rules::verdict::Severity, vocabulary::resource::UNOWNED};

pub use self::item::{Item, MailContext};

mod body;
mod item;
mod subject;

/// Room for the names of teams in a mail's attributes.
const TEAMS: usize = 8 * 1024;

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Whose: `unowned` where nobody is known.
    pub owner: String,
    /// The teams of what is in it: `unowned` where none is known.
    pub teams: Vec<String>,
    /// The most urgent of what is in it.
    pub severity: Severity,
    /// At most 99 printable ASCII characters.
    pub subject: String,
    /// Plain text. With subject and attributes it fits into one message of SNS.
    pub body: String,
    /// The findings that it tells: those that did not fit are not among them.
    pub notified: Vec<FindingKey>,
}

/// The mails of a run. `held_back`: by owner, what was due but exceeded the most that may be done in one run.
pub fn digests(items: &[Item], held_back: &BTreeMap<String, usize>, context: &MailContext<'_>) -> Vec<Digest> {
    let mut by_owner: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in items {
        by_owner.entry(item.owner.as_deref().unwrap_or(UNOWNED)).or_default().push(item);
    }
    by_owner.into_iter().map(|(owner, items)| digest(owner, items, held_back.get(owner).copied().unwrap_or(0), context)).collect()
}

fn digest(owner: &str, mut items: Vec<&Item>, held_back: usize, context: &MailContext<'_>) -> Digest {
    let mut teams: Vec<String> = items.iter().filter_map(|item| item.team.clone()).collect();
    teams.sort();
    teams.dedup();
    // A filter that looks for a team beyond these is matched by the mail of no such team: more of them do not fit.
    let mut room = TEAMS;
    teams.retain(|team| {
        room = room.saturating_sub(team.len() + 3);
        0 < room
    });
    if teams.is_empty() {
        teams.push(UNOWNED.to_owned());
    }
    // The most urgent first, by what happened and by what it is, then the most expensive; of one resource the most urgent news is told, with every reason.
    items.sort_by(|a, b| (&a.news, b.notice.severity, b.usd_per_month, &a.id).cmp(&(&b.news, a.notice.severity, a.usd_per_month, &b.id)));
    let mut told: Vec<MailEntry<'_>> = vec![];
    let mut places: HashMap<&str, usize> = HashMap::new();
    for item in &items {
        let (usd_per_hour, usd_per_month) = (item.usd_per_hour, item.usd_per_month);
        let place = *places.entry(&item.id).or_insert(told.len());
        match told.get_mut(place) {
            Some(same) => {
                same.keys.push(&item.key);
                same.reasons.push((&item.key.rule, &item.reason));
                if same.remedy.is_none_or(|remedy| *remedy == Remedy::None) {
                    same.remedy = item.remedy.as_ref();
                }
                same.hours = same.hours.zip(item.notice.hours.as_deref()).map(|(hours, _)| hours);
                same.advice.extend(item.notice.advice.as_deref().filter(|advice| !same.advice.contains(advice)));
                // Two rules about one budget have the same to say of it.
                if same.details.is_empty() {
                    same.details.extend(item.notice.details.iter().map(String::as_str));
                }
                same.usd_per_hour = same.usd_per_hour.max(usd_per_hour);
                same.usd_per_month = same.usd_per_month.max(usd_per_month);
            }
            None => told.push(MailEntry {
                first: item,
                keys: vec![&item.key],
                remedy: item.remedy.as_ref(),
                hours: item.notice.hours.as_deref(),
                reasons: vec![(&item.key.rule, &item.reason)],
                advice: item.notice.advice.as_deref().into_iter().collect(),
                details: item.notice.details.iter().map(String::as_str).collect(),
                usd_per_hour,
                usd_per_month,
            }),
        }
    }
    let severity = items.iter().map(|item| item.news.severity().max(item.notice.severity)).max().unwrap_or_default();
    let (body, fitted) = body(owner, &told, held_back, context);
    let keys = told[..fitted].iter().flat_map(|one| one.keys.iter().copied().cloned()).collect();
    Digest { owner: owner.to_owned(), teams, severity, subject: subject(&told, context.policy, context.now), body, notified: keys }
}

#[cfg(test)]
mod tests;
