//! What became of findings, as events for other programs: opened, warned, acted upon, closed. Pure.
//!
//! An event tells only what is in the ledger. So there are two halves, as in a run: [`Teller::found`] after the first write, and [`Teller::done`] after
//! the writes that follow actions and mails.

use std::collections::HashSet;

use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    plan::{Closed, Ended, Entry, FindingKey, News, Outcome, Plan, Planned, State, Step},
    vocabulary::{currency::Currency, resource::Kind, text::one_line},
};

pub use self::batch::{MOST_BYTES, MOST_ENTRIES, batches};

mod batch;

/// The source of all events. The functions' roles may put no events of another source.
pub const SOURCE: &str = "sagemaker-cost-guard";

/// The version of [`Detail`]. Fields may be added to it; what a field means changes only with the version.
const VERSION: &str = "1";

/// An event: the parts of EventBridge's envelope that depend on what happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// What happened.
    pub detail_type: What,
    /// To which finding, and how that is now.
    pub detail: Detail,
}

/// What happened to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub enum What {
    /// A rule has found waste. Or waste that was exempt is so no longer.
    #[serde(rename = "Finding Opened")]
    Opened,
    /// Its owner was mailed what the guard will do, and when.
    #[serde(rename = "Finding Warned")]
    Warned,
    /// The guard has tried to end it. `outcome` says whether it did.
    #[serde(rename = "Finding Acted Upon")]
    ActedUpon,
    /// It is over, or its owner wishes to keep it (`state` is `exempt`).
    #[serde(rename = "Finding Closed")]
    Closed,
}

impl What {
    /// The event's `detail-type`.
    pub const fn detail_type(self) -> &'static str {
        match self {
            Self::Opened => "Finding Opened",
            Self::Warned => "Finding Warned",
            Self::ActedUpon => "Finding Acted Upon",
            Self::Closed => "Finding Closed",
        }
    }

    /// Its part of the key.
    const fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Warned => "warned",
            Self::ActedUpon => "acted-upon",
            Self::Closed => "closed",
        }
    }
}

/// The event's `detail`. What is not known, or does not apply, is absent. Names, owners and teams are texts that people wrote.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Detail {
    /// The version of this form: `1`. Fields may be added within a version.
    pub version: &'static str,
    /// What identifies this happening. Events with the same key tell the same thing.
    pub key: String,
    /// The function that found it: `notebook-stopper`.
    pub function: String,
    /// The rule that it is a finding of: `notebook-off-hours`.
    pub rule: String,
    /// What identifies the finding among those of its function and rule. It stays the same from Opened to Closed.
    pub id: String,
    /// The resource's ARN. Of a finding about a series of jobs, one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The resource's name.
    pub name: String,
    /// Its kind: `notebook-instance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Its owner: an address or a name, or several with commas between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Why it is waste, for people. Absent of what is closed because it was not found anymore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the finding is in its life now.
    pub state: State,
    /// Where it was before, if it is closed now. After `acting` and `acted`, the guard has ended it; after the others, somebody else did, or it ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_before: Option<State>,
    /// What it costs in an hour, in `currency`. A number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<f64>,
    /// What it costs in a month, in `currency`. A number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_month: Option<f64>,
    /// The currency of both amounts.
    pub currency: Currency,
    /// When it was first found: RFC 3339, UTC.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
    /// When the guard may act: RFC 3339, UTC. Absent: it does not, or not yet.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act_after: Option<Timestamp>,
    /// What the guard will do or has done: `stop-notebook-instance`. Absent: the rule only reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
    /// How the action ended. Only in Finding Acted Upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Ended>,
    /// Why it failed, or a note. Only in Finding Acted Upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_detail: Option<String>,
}

impl Event {
    /// The JSON Schema of an event, without the parts of the envelope that EventBridge adds.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// Where the findings are that are told of, and how times are written for people.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The account, twelve digits.
    pub account: &'a str,
    /// The Region.
    pub region: &'a str,
    /// The policy's time zone.
    pub zone: &'a TimeZone,
}

impl Teller<'_> {
    /// What the ledger says after the first write of a run: what is open now and was not before, and what its owner keeps now and was open before.
    pub fn found(&self, plan: &Plan) -> Vec<Event> {
        let written = plan.planned.iter().filter(|one| one.changed);
        let told = written.filter_map(|one| {
            let was_open = one.before.is_some_and(State::is_open);
            let what = match (was_open, one.entry.state) {
                (false, state) if state.is_open() => What::Opened,
                (true, State::Exempt) => What::Closed,
                _ => return None,
            };
            Some(self.of_planned(one, what, one.entry.last_seen))
        });
        told.collect()
    }

    /// What the ledger says after the actions and mails: who was warned, what was done, and what is over. `written`: the findings that were written since.
    pub fn done(&self, plan: &Plan, written: &HashSet<FindingKey>) -> Vec<Event> {
        let planned = plan.planned.iter().filter(|one| written.contains(&one.entry.key()));
        let planned = planned.filter_map(|one| {
            let (what, at) = match one.step {
                Step::Warn => (What::Warned, one.entry.notified_at?),
                Step::Act if one.entry.state == State::Closed => (What::Closed, one.entry.last_seen),
                Step::Act if one.news.is_some() => (What::ActedUpon, one.entry.last_seen),
                _ => return None,
            };
            Some(self.of_planned(one, what, at))
        });
        let closed = plan.closed.iter().filter(|one| one.before.is_open() && written.contains(&one.entry.key()));
        planned.chain(closed.map(|one| self.of_closed(one))).collect()
    }

    /// `at`: the time in the ledger that marks what happened.
    fn of_planned(&self, one: &Planned, what: What, at: Timestamp) -> Event {
        let waste = &one.finding.waste;
        let was = waste.was.as_ref().filter(|_| matches!(one.news, Some(News::Done(_))));
        let outcome = one.outcome.as_ref().filter(|_| what == What::ActedUpon);
        let detail = Detail {
            reason: Some(one_line(&was.unwrap_or(&waste.reason).with_zone(self.zone))),
            state_before: one.before.filter(|_| what == What::Closed),
            action: one.finding.is_enforced().then(|| waste.remedy.action()),
            outcome: outcome.map(Outcome::ended),
            outcome_detail: outcome.map(|outcome| one_line(outcome.detail())).filter(|detail| !detail.is_empty()),
            ..self.detail(&one.entry, what, at)
        };
        Event { detail_type: what, detail }
    }

    fn of_closed(&self, one: &Closed) -> Event {
        let detail = self.detail(&one.entry, What::Closed, one.entry.last_seen);
        Event { detail_type: What::Closed, detail: Detail { state_before: Some(one.before), ..detail } }
    }

    /// What the ledger's entry says of it.
    fn detail(&self, entry: &Entry, what: What, at: Timestamp) -> Detail {
        let kind = Kind::of_series(&entry.id).or_else(|| Kind::of(&entry.id));
        let rounded = |usd: Option<Decimal>, digits: u32| usd?.round_dp(digits).to_f64();
        Detail {
            version: VERSION,
            key: self.key(entry, what, at),
            function: self.function.to_owned(),
            rule: entry.rule.clone(),
            id: one_line(&entry.id),
            resource: Some(one_line(&entry.arn)).filter(|arn| arn.starts_with("arn:")),
            name: one_line(&entry.name),
            kind: kind.map(Kind::as_str),
            owner: entry.owner.as_deref().map(one_line),
            team: entry.team.as_deref().map(one_line),
            reason: None,
            state: entry.state,
            state_before: None,
            usd_per_hour: rounded(entry.usd_per_hour, 6),
            usd_per_month: rounded(entry.usd_per_month, 2),
            currency: Currency::of_account(),
            first_seen: entry.first_seen,
            act_after: entry.act_after,
            action: None,
            outcome: None,
            outcome_detail: None,
        }
    }

    /// The same happening has the same key, and two happenings have two: a finding is written once at a time. The id comes last, because people choose names.
    fn key(&self, entry: &Entry, what: What, at: Timestamp) -> String {
        let Self { function, account, region, .. } = self;
        format!("{account}#{region}#{function}#{}#{}#{at}#{}", entry.rule, what.word(), one_line(&entry.id))
    }
}

#[cfg(test)]
mod tests;
