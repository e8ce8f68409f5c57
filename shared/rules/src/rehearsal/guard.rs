//! A function of the guard in a rehearsal: it judges, plans and writes its ledger as in a real run. Every action and every mail succeeds.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{outcome::Rehearsal, scope::is_rehearsed};
use crate::{
    facts::{Facts, Unread},
    mail::{self, Item},
    plan::{Entry, FindingKey, News, Outcome, Outcomes, Plan, Planned, Record, Step, plan},
    remedy::Remedy,
    rulebook::{Finding, Judgement, Rulebook},
    vocabulary::scope::Scope,
};

/// A function with its ledger in memory.
pub(super) struct Guard<'a> {
    rulebook: &'a Rulebook,
    ledger: BTreeMap<FindingKey, Entry>,
    /// What was done to which resource, and when its owner was last mailed that.
    habits: HashMap<String, Timestamp>,
    unjudged: BTreeMap<String, Unread>,
    /// Rules that would have attached auto scaling.
    attaching: HashSet<&'static str>,
}

/// What a run stops, for each resource the findings that ask for it.
pub(super) type Stops = BTreeMap<String, Vec<Finding>>;

impl<'a> Guard<'a> {
    pub(super) fn new(rulebook: &'a Rulebook) -> Self {
        Self { rulebook, ledger: BTreeMap::new(), habits: HashMap::new(), unjudged: BTreeMap::new(), attaching: HashSet::new() }
    }

    /// The resources of which something is due at this time.
    pub(super) fn due(&self, now: Timestamp) -> Scope {
        let due = self.ledger.values().filter(|entry| entry.is_due(now));
        Scope::Only(due.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect())
    }

    /// One run. What it mails is added to the rehearsal.
    pub(super) fn run(&mut self, facts: &Facts, scope: &Scope, rehearsal: &mut Rehearsal) -> Stops {
        let judgement = self.judge(facts);
        let now = facts.now;
        let mut plan = plan(judgement, facts, Some(self.ledger.values().cloned().collect()), scope);
        let intended = plan.intended(false, now);
        self.write(intended);
        plan.written();
        let of = |one: &Planned| (one.finding.resource.id.clone(), one.finding.waste.remedy.clone());
        let outcomes: Outcomes = plan.due().into_iter().map(|one| (of(one), Outcome::Done)).collect();
        let silent = plan.settle(&outcomes, now);
        self.write(silent);
        rehearsal.held_back += plan.planned.iter().filter(|one| one.step == Step::HoldBack).count();
        self.mail(&mut plan, now, rehearsal);
        let mut stops = Stops::new();
        for one in plan.planned.into_iter().filter(|one| one.step == Step::Act) {
            stops.entry(one.finding.resource.id.clone()).or_default().push(one.finding);
        }
        stops
    }

    /// What the rehearsed rules find.
    fn judge(&mut self, facts: &Facts) -> Judgement {
        let mut judgement = self.rulebook.evaluate(facts);
        judgement.findings.retain(|finding| {
            let is_rehearsed = is_rehearsed(finding.rule);
            let attaches = matches!(finding.waste.remedy, Remedy::AttachScaling(..));
            if is_rehearsed && attaches && finding.is_enforced() {
                self.attaching.insert(finding.rule);
            }
            is_rehearsed && !attaches
        });
        for one in judgement.unknown.iter().filter(|one| one.rule.is_some_and(is_rehearsed)) {
            self.unjudged.insert(one.cause.clone(), one.clone());
        }
        judgement
    }

    fn write(&mut self, records: Vec<Record>) {
        for record in records {
            let entry = record.entry();
            self.ledger.insert(record.key(), Entry { version: entry.version + 1, ..entry.clone() });
        }
    }

    /// Mails everything, and counts the mails.
    fn mail(&mut self, plan: &mut Plan, now: Timestamp, rehearsal: &mut Rehearsal) {
        let mut items: Vec<Item> = plan.planned.iter().filter_map(|one| Item::of(one, &self.rulebook.policy)).collect();
        mail::mark_habits(&mut items, |habit| self.habits.get(habit).is_some_and(|at| now.duration_since(*at) < mail::HABIT));
        self.habits.extend(mail::new_habits(&items).map(|habit| (habit.to_owned(), now)));
        let keys: Vec<FindingKey> = items.iter().map(|item| item.key.clone()).collect();
        rehearsal.warnings += items.iter().filter(|item| matches!(item.news, News::Warning(_))).count();
        let post = mail::sort_out(items, &self.rulebook.policy.mail);
        let of = |item: &Item| mail::addressee(item.owner.as_deref());
        for owner in post.at_once.iter().map(of).collect::<HashSet<String>>() {
            rehearsal.mails.entry(owner).or_default().at_once += 1;
        }
        for (item, _) in &post.later {
            rehearsal.mails.entry(of(item)).or_default().regular += 1;
        }
        let reached: HashSet<&FindingKey> = keys.iter().collect();
        let after = plan.notified(&keys, &reached, now);
        self.write(after);
    }

    /// What it could not judge, and the rules that would have attached auto scaling.
    pub(super) fn end(self) -> (impl Iterator<Item = Unread>, HashSet<&'static str>) {
        (self.unjudged.into_values(), self.attaching)
    }
}
