//! When an owner is mailed what: at once, the next working morning, or in the weekly summary.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    mail::item::{Item, addressee},
    plan::{End, News, Planned, Step},
    policy::{MailSettings, Repeated, Reports},
    remedy::Remedy,
    rules::verdict::Severity,
};

/// When something that waits is mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// The next working morning.
    Daily,
    /// With the next weekly summary.
    Weekly,
    /// With the next weekly summary, if there is one anyway.
    Aside,
}

/// The items of a run, by when they are mailed.
#[derive(Debug, Default)]
pub struct Post {
    /// What is mailed at once.
    pub at_once: Vec<Item>,
    /// What waits.
    pub later: Vec<(Item, Due)>,
}

/// Sorts the items of a run by when they are mailed. An owner who is mailed at once gets everything that is due the next morning in the same mail.
pub fn sort_out(items: Vec<Item>, settings: &MailSettings) -> Post {
    let of = |item: &Item| addressee(item.owner.as_deref());
    let mailed: BTreeSet<String> = items.iter().filter(|item| item.due(settings).is_none()).map(of).collect();
    let mut post = Post::default();
    for item in items {
        match item.due(settings) {
            Some(due) if due == Due::Weekly || !mailed.contains(&of(&item)) => post.later.push((item, due)),
            _ => post.at_once.push(item),
        }
    }
    post
}

/// Whether a finding that is only reported may wait for a regular mail.
pub fn may_wait(one: &Planned, settings: &MailSettings) -> bool {
    let is_urgent = one.step == Step::Escalate || Severity::Info < one.finding.waste.notice.severity;
    settings.reports == Reports::Daily && one.step.only_reports() && !is_urgent
}

impl Item {
    /// How urgent its mail is.
    pub(crate) fn severity(&self) -> Severity {
        self.news.severity().max(self.notice.severity)
    }

    /// When it is mailed. `None`: at once.
    fn due(&self, settings: &MailSettings) -> Option<Due> {
        if Severity::Info < self.severity() {
            return None;
        }
        match self.news {
            // The warning has said that its stops are in the weekly summary.
            News::Done(_) if self.recurs => Some(Due::Weekly),
            News::Done(_) if settings.reports == Reports::Daily && self.remedy.as_ref().is_some_and(Remedy::is_harmless) => {
                Some(Due::Weekly)
            }
            News::Done(_) if self.is_repeated && settings.repeated_stops == Repeated::Weekly => Some(Due::Weekly),
            // Somebody may wait for the job under its old name.
            News::Done(End::Replaced(_) | End::NotNeeded(_)) => None,
            _ => (settings.reports == Reports::Daily).then_some(Due::Daily),
        }
    }
}
