//! What the account spends on `SageMaker` in all Regions, by day, usage type and team, and by account and type of charge; AWS's forecast and anomalies
//! (aws-facts §7). Each page costs 0.01 USD, so what was read is cached in the ledger, in one place for all functions that read it: a day that is final is never
//! read again; the rest once a day, and AWS's forecast and anomalies every few days.

use std::collections::{BTreeMap, HashMap};

use cost_rules::{
    currency::Currency,
    facts::{Charge, DailySpend, ServiceForecast, Spend, Unread},
    period::{begin_of, day_of, days_between},
    report::BILLED_FROM,
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    savings_plan::Days,
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::asking::{Answer, Asking};
use super::METRIC;
use crate::{
    clients::Clients,
    gather::read::{IN_FLIGHT, Read},
    ledger::Ledger,
};

mod asking;

/// How many days the first read goes back: three months, and a few days.
const DAYS: i64 = 95;

/// How many months Cost Explorer keeps before this one (aws-facts §7.1).
pub const MONTHS: i64 = 13;

/// A day is final this long after its end, until its month is settled. Cost Explorer refreshes its data up to three times a day; what it adds later is little.
const FINAL_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The day of the next month from which on a month does not change any more: credits, refunds and tax come until its invoice (money-facts §2.1).
const SETTLED_ON: i64 = 8;

/// What is read earlier in a UTC day counts as read on the previous day.
const READ_FROM: SignedDuration = BILLED_FROM;

/// After how many days AWS's anomalies and its forecast are read again. Both change slowly, and each request costs 0.01 USD.
const ANOMALIES_EVERY: i64 = 2;
const FORECAST_EVERY: i64 = 3;

/// How long an item is cached: two quarters and some days.
const KEPT: SignedDuration = SignedDuration::from_hours(200 * 24);

/// The part of the ledger in which it is cached, whichever function reads it: nobody pays twice.
pub const PLACE: &str = "bill";

/// Names of items in the ledger. `DAY`, `CHARGES` and `REQUESTS` are prefixes.
const DAY: &str = "spend#";
const CHARGES: &str = "charges#";
const DAYS_ASKED: &str = "spend-asked";
const CHARGES_ASKED: &str = "charges-asked";
const ANOMALIES: &str = "anomalies";
const AHEAD: &str = "forecast";
const REQUESTS: &str = "requests#";
const REFUSED: &str = "refused";

/// For how long nothing is asked after an answer that does not change within hours. Less than the day for which a cost report is due.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(20);

/// Parts of answers that do not change within hours, and what can be done.
const LASTING: [(&str, &str); 4] = [
    ("not enabled for cost explorer", "enable Cost Explorer in Billing and Cost Management. Its data is there a day later"),
    ("linked account", "the payer account must allow its member accounts to use Cost Explorer"),
    (
        ", expected usd",
        "the guard reads a bill in one currency. If all of it is in CNY, say `currency = \"CNY\"` in [prices] of the policy",
    ),
    (
        ", expected cny",
        "the guard reads a bill in one currency. If all of it is in USD, say `currency = \"USD\"` in [prices] of the policy",
    ),
];

/// What is known of the spend, and what could not be read or cached.
#[derive(Default)]
pub struct Known {
    /// The spend. `None`: nothing is known.
    pub spend: Option<Spend>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What could not be cached: the next run pays for it again.
    pub failures: Vec<String>,
    /// The number of requests to Cost Explorer, 0.01 USD each.
    pub requests: u32,
    /// Whether today's bill was read without a failure: all days and charges that the reading needs, now or by an earlier run.
    pub is_current: bool,
    /// The requests by day, with those of earlier runs of whichever function.
    pub requests_by_day: BTreeMap<Date, u64>,
}

/// How the spend is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Whether what was read is cached; if not (in a dry run), the next run reads it again.
    pub keeps: bool,
    /// The first day that is needed. `None`: the last three months are enough.
    pub since: Option<Date>,
    /// Whether the charges by account and type are needed, too.
    pub charges: bool,
    /// Whether Cost Explorer is asked although it refused a short time ago.
    pub insists: bool,
}

/// The spend: from the ledger, and what is new today from Cost Explorer.
pub async fn read(clients: &Clients, rulebook: &Rulebook, ledger: &Ledger<'_>, account: &str, reading: Reading, now: Timestamp) -> Known {
    let ledger = &Ledger { function: PLACE, ..*ledger };
    let mut known = Known::default();
    let cached = match ledger.all_kept().await {
        Ok(cached) => cached,
        // Without the ledger, every run would pay for it again.
        Err(error) => {
            known.unread.push(unread("what SageMaker cost", format!("{error:#}")));
            return known;
        }
    };
    let question = question(rulebook);
    let cached = answers(cached, &question);
    known.requests_by_day = requests_by_day(&cached);
    if let Some(why) = refused(&cached, now).filter(|_| !reading.insists) {
        known.unread.push(unread("what SageMaker cost", why));
        return known;
    }
    let today = day_of(now);
    let usual = today.saturating_sub(DAYS.days());
    let from = reading.since.map_or(usual, |since| since.min(usual));
    let (first_day, first_charges) =
        (first_not_final::<DailySpend>(&cached, DAY, from, now), first_not_final::<Charge>(&cached, CHARGES, from, now));
    let asking = Asking { clients, rulebook, now, requests: 0.into() };
    let is_read_within = |name: &str, days: i64| {
        let read_on = cached.get(name).map(|(at, _)| day_of(*at - READ_FROM));
        read_on.is_some_and(|read_on| days_between(read_on, day_of(now - READ_FROM)) < days)
    };
    let is_todays = |name: &str| is_read_within(name, 1);
    let is_of_this_month = |name: &str| cached.get(name).is_some_and(|(at, _)| begin_of(today.first_of_month()) <= *at);
    // AWS adds to a day during the day after, so days and charges are read at the same time: else their sums differ.
    let is_charged = !reading.charges || (is_todays(CHARGES_ASKED) && usual <= first_charges);
    let has_days = is_charged && is_todays(DAYS_ASKED) && usual <= first_day;
    let has_charges = !reading.charges || has_days;
    let days = async { if has_days { Default::default() } else { asking.days(first_day, today).await } };
    let charges = async { if has_charges { Default::default() } else { asking.charges(first_charges, today).await } };
    let anomalies = async { if is_read_within(ANOMALIES, ANOMALIES_EVERY) { Ok(None) } else { asking.anomalies().await.map(Some) } };
    let has_ahead = is_read_within(AHEAD, FORECAST_EVERY) && is_of_this_month(AHEAD);
    let ahead = async { if has_ahead { Ok(None) } else { asking.ahead().await.map(Some) } };
    let (days, charges, anomalies, ahead) = tokio::join!(Box::pin(days), Box::pin(charges), Box::pin(anomalies), Box::pin(ahead));

    let mut keep = Keep { ledger, keeps: reading.keeps, now, question: &question, items: vec![] };
    let are_whole = [(DAYS_ASKED, !has_days && days.1.is_none()), (CHARGES_ASKED, !has_charges && charges.1.is_none())];
    let lasting = [&days.1, &charges.1].into_iter().flatten().find(|why| advice(why).is_some());
    keep.refused(lasting);
    known.is_current = days.1.is_none() && charges.1.is_none();
    let days = keep.days(DAY, days, &cached, &mut known, "what SageMaker cost by day");
    let charges = keep.days(CHARGES, charges, &cached, &mut known, "what SageMaker cost by account and type of charge");
    let anomalies = keep.told(ANOMALIES, anomalies, &cached, &mut known, "anomalies of what SageMaker cost");
    let ahead = keep
        .told(AHEAD, ahead, &cached, &mut known, "forecast of what SageMaker will cost")
        .flatten()
        .map(|ahead: ServiceForecast| ahead.left_on(today));
    known.requests = asking.requests.into_inner();
    *known.requests_by_day.entry(today).or_default() += u64::from(known.requests);
    if 0 < known.requests {
        keep.add(format!("{REQUESTS}{today}"), &known.requests_by_day.get(&today));
    }
    known.failures = keep.all().await;
    // They count as read only if they are cached.
    if known.failures.is_empty() {
        for (asked, _) in are_whole.into_iter().filter(|(_, is_whole)| *is_whole) {
            keep.add(asked.to_owned(), &());
        }
        known.failures = keep.all().await;
    }
    if !days.is_empty() {
        let estimated_from = day_of(now - FINAL_AFTER);
        known.spend =
            Some(Spend { resource: resource(account), days, charges, estimated_from, anomalies, ahead, uncovered: None, running: None });
    }
    known
}

/// How much was used of each usage type on each cached day. Nothing is asked for.
///
/// # Errors
/// The ledger cannot be read.
pub async fn used(ledger: &Ledger<'_>, rulebook: &Rulebook) -> anyhow::Result<Days> {
    let cached = answers(Ledger { function: PLACE, ..*ledger }.all_kept().await?, &question(rulebook));
    let of_day = |rows: Vec<DailySpend>| {
        let mut by_type = BTreeMap::new();
        for row in rows {
            *by_type.entry(row.usage).or_insert(Decimal::ZERO) += row.quantity;
        }
        by_type
    };
    Ok(kept_days(&cached, DAY).into_iter().map(|(day, rows)| (day, of_day(rows))).collect())
}

/// Whether today's bill was read already, by whichever function.
///
/// # Errors
/// The ledger cannot be read.
pub async fn is_read(ledger: &Ledger<'_>, now: Timestamp) -> anyhow::Result<bool> {
    let asked = Ledger { function: PLACE, ..*ledger }.kept(DAYS_ASKED).await?;
    Ok(asked.is_some_and(|(at, _)| day_of(at - READ_FROM) == day_of(now - READ_FROM)))
}

fn resource(account: &str) -> Resource {
    Resource {
        id: Kind::Spend.id("sagemaker"),
        arn: None,
        name: format!("SageMaker of account {account}"),
        tags: Tags::Known(BTreeMap::new()),
        ownership: Ownership::default(),
    }
}

fn unread(what: &str, why: String) -> Unread {
    Unread::new(what, why)
}

/// The cached items by name: when each was cached, and its value.
type Kept = HashMap<String, (Timestamp, Value)>;

/// The parts of the policy that the answers depend on. Answers to another question are not used.
fn question(rulebook: &Rulebook) -> String {
    format!(
        "{METRIC}{} of {} by {}",
        match Currency::of_account() {
            // What earlier versions cached.
            Currency::Usd => "",
            Currency::Cny => " in CNY",
        },
        rulebook.policy.billing.services.join(", "),
        rulebook.policy.team_tags.first().map_or("", String::as_str)
    )
}

/// What was cached of the answers to this question.
fn answers(cached: HashMap<String, (Timestamp, String)>, question: &str) -> Kept {
    cached.into_iter().filter_map(|(name, (at, text))| Some((name, (at, answer_to(question, &text)?)))).collect()
}

fn answer_to(question: &str, text: &str) -> Option<Value> {
    let mut item: Value = serde_json::from_str(text).ok()?;
    (item["of"] == question).then(|| item["what"].take())
}

/// The first day from `from` on that is not final or not cached: from this one on, the days are read again.
fn first_not_final<T: DeserializeOwned>(kept: &Kept, prefix: &str, from: Date, now: Timestamp) -> Date {
    let is_final = |day: &Date| {
        let read = kept.get(&format!("{prefix}{day}")).map(|(at, _)| *at).filter(|_| rows_at::<T>(kept, prefix, *day).is_some());
        let settled = begin_of(day.first_of_month().saturating_add(1.month()).saturating_add((SETTLED_ON - 1).days()));
        read.is_some_and(|at| FINAL_AFTER <= at.duration_since(begin_of(day.saturating_add(1.day()))) && (now < settled || settled <= at))
    };
    let today = day_of(now);
    from.series(1.day()).take_while(|day| *day < today).find(|day| !is_final(day)).unwrap_or(today)
}

/// A day's cached rows. `None`: there are none in a form that is known.
fn rows_at<T: DeserializeOwned>(kept: &Kept, prefix: &str, day: Date) -> Option<Vec<T>> {
    kept.get(&format!("{prefix}{day}")).and_then(|(_, what)| Deserialize::deserialize(what).ok())
}

/// Why Cost Explorer refused a short time ago what it still refuses. `None`: it did not.
fn refused(kept: &Kept, now: Timestamp) -> Option<String> {
    let (at, why) = kept.get(REFUSED)?;
    let is_recent = now.duration_since(*at) < REFUSED_FOR;
    why.as_str().filter(|_| is_recent).map(|why| format!("{why} (asked at {at}; the next time after {} hours)", REFUSED_FOR.as_hours()))
}

/// What can be done about an answer that does not change within hours. `None`: it may.
fn advice(why: &str) -> Option<&'static str> {
    let why = why.to_lowercase();
    LASTING.iter().find(|(part, _)| why.contains(part)).map(|(_, advice)| *advice)
}

fn with_advice(why: &str) -> String {
    advice(why).map_or_else(|| why.to_owned(), |advice| format!("{why}: {advice}"))
}

/// Counts requests that were sent beside the reading of the days.
///
/// # Errors
/// The ledger cannot be read or written.
pub async fn count_requests(ledger: &Ledger<'_>, rulebook: &Rulebook, requests: u32, now: Timestamp) -> anyhow::Result<()> {
    let (ledger, question, name) = (Ledger { function: PLACE, ..*ledger }, question(rulebook), format!("{REQUESTS}{}", day_of(now)));
    let before = ledger.kept(&name).await?.and_then(|(_, text)| answer_to(&question, &text)?.as_u64()).unwrap_or_default();
    ledger.keep_for(&name, &json!({"of": question, "what": before + u64::from(requests)}).to_string(), now, KEPT).await
}

fn requests_by_day(kept: &Kept) -> BTreeMap<Date, u64> {
    kept.iter().filter_map(|(name, (_, what))| Some((name.strip_prefix(REQUESTS)?.parse().ok()?, what.as_u64()?))).collect()
}

fn kept_days<T: DeserializeOwned>(kept: &Kept, prefix: &str) -> BTreeMap<Date, Vec<T>> {
    let days = kept.keys().filter_map(|name| name.strip_prefix(prefix)?.parse().ok());
    days.filter_map(|day| Some((day, rows_at(kept, prefix, day)?))).collect()
}

/// Collects what is cached in the ledger.
struct Keep<'a> {
    ledger: &'a Ledger<'a>,
    keeps: bool,
    now: Timestamp,
    question: &'a str,
    items: Vec<(String, String)>,
}

impl Keep<'_> {
    fn add(&mut self, name: String, what: &impl Serialize) {
        if self.keeps {
            self.items.push((name, json!({"of": self.question, "what": what}).to_string()));
        }
    }

    /// Remembers a refusal, with what can be done.
    fn refused(&mut self, why: Option<&String>) {
        if let Some(why) = why {
            self.add(REFUSED.to_owned(), &with_advice(why));
        }
    }

    /// All days: those that are cached, and those that were read now. Also says what could not be read.
    fn days<T: Serialize + DeserializeOwned>(
        &mut self,
        prefix: &str,
        (new, why): Answer<T>,
        kept: &Kept,
        known: &mut Known,
        what: &str,
    ) -> BTreeMap<Date, Vec<T>> {
        known.unread.extend(why.map(|why| unread(what, with_advice(&why))));
        let mut all = kept_days(kept, prefix);
        for (day, rows) in new {
            self.add(format!("{prefix}{day}"), &rows);
            all.insert(day, rows);
        }
        all
    }

    /// Returns what was read now, or else what is cached. What another version cached in another form is ignored.
    fn told<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        read: Read<Option<T>>,
        kept: &Kept,
        known: &mut Known,
        what: &str,
    ) -> Option<T> {
        match read {
            Ok(Some(new)) => {
                self.add(name.to_owned(), &new);
                Some(new)
            }
            Ok(None) => kept.get(name).and_then(|(_, what)| T::deserialize(what).ok()),
            Err(why) => {
                known.unread.push(unread(what, why));
                None
            }
        }
    }

    async fn all(&mut self) -> Vec<String> {
        let (ledger, now, items) = (self.ledger, self.now, std::mem::take(&mut self.items));
        let written = stream::iter(items).map(async |(name, text)| ledger.keep_for(&name, &text, now, KEPT).await);
        written
            .buffer_unordered(IN_FLIGHT)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .filter_map(|written| Some(format!("{:#}", written.err()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
