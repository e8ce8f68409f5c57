//! What the ledger says in the report: what the guard did and saved, what needs a decision, what sleeps, what is exempt, what could be served another way.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use rust_decimal::{Decimal, dec};

use crate::{
    facts::SleepingEndpoint,
    mail::{OPEN, Open, addressee, of_entry, resources},
    plan::{Entry, Saved, SavedBy, State},
    remedy::{Remedy, how_to_wake},
    report::{
        Advice, BudgetOnRecord, Decision, Did, Exemption, GuardsWork, Money, ReportPeriod, ResourceLine, Resources, Savings, Sleeping,
        budget::Counts,
        cuts::UNTAGGED,
        realised::{Held, hold},
        sources::Sources,
    },
    rules::{
        self,
        budgets::{budget_unhealthy::BudgetUnhealthy, thresholds::in_percent},
        rule::Rule as _,
    },
    vocabulary::{
        currency::Currency,
        period::day_of,
        resource::{Arn, Kind},
        text::{is_alike, one_line},
        time_zone::{day, moment, until_end},
    },
};

/// The most expensive resources that are listed.
const RESOURCES: usize = 10;

/// An exemption that ends within this time needs a decision.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// USD per request to Cost Explorer.
const PER_REQUEST: Decimal = dec!(0.01);

/// What requests to Cost Explorer cost. 0 in China: its price there is not known.
pub(super) fn cost_of(requests: u64) -> Money {
    match Currency::of_account() {
        Currency::Usd => Money(PER_REQUEST * Decimal::from(requests)),
        Currency::Cny => Money::default(),
    }
}

/// The rules of inference-advisor, and the ways that they recommend.
const WAYS: [(&str, &str); 5] = [
    ("endpoint-fits-serverless", "serverless"),
    ("endpoint-fits-async", "asynchronous, to zero while nothing waits"),
    ("endpoint-fits-batch", "batch transform"),
    ("endpoint-oversized", "fewer, smaller or newer instances"),
    ("endpoints-fit-multi-model", "one endpoint for several models"),
];

/// The rule whose findings come first: what they cost a month is not known.
const EXCEEDED: &str = "budget-exceeded";

/// The owner of an exemption of the policy.
const POLICY: &str = "policy";

/// The ledger's part of the account's report, or of one team's.
pub(super) struct Remembered<'a> {
    from: &'a Sources<'a>,
    team: Option<&'a str>,
    saved: Vec<&'a Saved>,
    entries: Vec<&'a Entry>,
}

impl<'a> Remembered<'a> {
    pub(super) fn of(from: &'a Sources<'a>, team: Option<&'a str>) -> Self {
        let is_its = |of: Option<&str>| team.is_none_or(|team| of.is_some_and(|of| is_alike(team, of)));
        let saved = from.saved.iter().filter(|one| is_its(one.team.as_deref())).collect();
        let entries = from.entries.iter().copied().filter(|entry| is_its(entry.team.as_deref())).collect();
        Self { from, team, saved, entries }
    }

    fn zone(&self) -> &TimeZone {
        &self.from.policy.calendar.zone
    }

    /// What was saved that began in the period.
    fn begun(&self) -> impl Iterator<Item = &&'a Saved> {
        self.saved.iter().filter(|one| self.from.cuts.period.has(one.from.to_zoned_datetime(TimeZone::UTC).date()))
    }

    pub(super) fn guards_work(&self) -> GuardsWork {
        let held = hold(self.from.cuts, self.from.estimated_from, &self.saved);
        let sum = |of: fn(&Held) -> Decimal| Money(held.iter().map(of).sum());
        GuardsWork {
            did: self.did(),
            estimated: sum(|one| one.line.estimated.0),
            realised: sum(|one| one.line.realised.unwrap_or_default().0),
            open: sum(|one| one.open),
            savings: held.into_iter().map(|one| one.line).collect::<Vec<Savings>>(),
            own_cost: cost_of(if self.team.is_none() { self.from.requests_in_period() } else { 0 }),
        }
    }

    /// `notebook instances stopped`, the most frequent first.
    fn did(&self) -> Vec<Did> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for one in self.begun() {
            let kind = Arn::parse(&one.arn).and_then(|arn| Kind::of(&arn.id()?)).map_or("resource", Kind::words);
            let what = match one.by {
                SavedBy::Guard => format!("{kind}s {}", one.action.as_deref().map_or("stopped", Remedy::participle_of_action)),
                SavedBy::Owner => format!("{kind}s stopped by their owners after a mail"),
                SavedBy::Spot => "training jobs that ran on managed Spot".to_owned(),
                SavedBy::Scaling => "days of auto scaling that the guard attached".to_owned(),
            };
            *counts.entry(what).or_default() += 1;
        }
        let mut did: Vec<Did> = counts.into_iter().map(|(what, times)| Did { what, times }).collect();
        did.sort_by_key(|one| std::cmp::Reverse(one.times));
        did
    }

    pub(super) fn saved_by_spot(&self) -> Option<Money> {
        let spot: Vec<Decimal> = self.begun().filter(|one| one.by == SavedBy::Spot).filter_map(|one| one.usd).collect();
        (!spot.is_empty()).then(|| Money(spot.iter().sum()))
    }

    /// What needs a decision: what is open, what is exempt for a short time only, and budgets that were used up in a month that is over. Exceeded budgets first,
    /// then the most expensive.
    pub(super) fn decisions(&self) -> Vec<Decision> {
        let open: Vec<&Entry> = self.entries.iter().copied().filter(|entry| OPEN.contains(&entry.state)).collect();
        let mut decisions: Vec<Decision> = resources(&open)
            .into_values()
            .map(|one| {
                let since = day(one.entry.first_seen, self.zone());
                let next = match one.warned {
                    Some((at, participle)) => format!("will be {participle} on {}", moment(at, self.zone())),
                    None => format!("open since {since}"),
                };
                let usd = one.usd_per_month.or_else(|| one.entry.usd_per_month.filter(|_| rule_saves(&one.entry.rule)));
                Decision {
                    what: of_entry(one.entry),
                    owner: addressee(one.entry.owner.as_deref()),
                    team: team_of(one.entry),
                    why: one.rules.join(", "),
                    usd_per_month: usd.map(Money),
                    next: self
                        .blind(&one)
                        .and_then(|budget| self.unwatched(budget))
                        .map_or_else(|| next.clone(), |cost| format!("{next}; {cost}")),
                    to_do: self
                        .blind(&one)
                        .and_then(|budget| budget.fix.as_deref().map(one_line))
                        .unwrap_or_else(|| one.rules.iter().find_map(|rule| rules::to_do(rule)).unwrap_or_default().to_owned()),
                }
            })
            .chain(self.used_up())
            .chain(self.ending())
            .collect();
        decisions.sort_by_key(|one| (!one.why.split(", ").any(|rule| rule == EXCEEDED), std::cmp::Reverse(one.usd_per_month)));
        decisions
    }

    /// The budget that does not watch the spend, if that is what is open.
    fn blind(&self, one: &Open<'_>) -> Option<&'a BudgetOnRecord> {
        let is_it = |budget: &&BudgetOnRecord| one.rules.contains(&BudgetUnhealthy::NAME) && one.entry.id == Kind::Budget.id(&budget.name);
        self.from.budgets.iter().find(is_it)
    }

    /// What a budget's team cost in the period, which the budget did not see: `team churn cost $235.60`. `None`: it is not of one team, or that cost nothing.
    fn unwatched(&self, budget: &BudgetOnRecord) -> Option<String> {
        let (team, period) = (budget.team.as_deref()?, self.from.cuts.period);
        let usd = self.from.cost_of(&Counts::Team(team.to_owned()), period.from..period.until);
        (Decimal::ZERO < usd).then(|| format!("team {} cost {} in {}", one_line(team), Money(usd), period.words()))
    }

    /// The budgets that were used up in the report's month, if that is over: their findings end with it. One that is open again is told by its finding.
    fn used_up(&self) -> impl Iterator<Item = Decision> {
        let policy = self.from.policy;
        let month = self.from.cuts.period.last_month();
        // The month that the decision is for: the one in which the report is made.
        let this_month = day_of(self.from.now);
        let is_open = |name: &str| self.entries.iter().any(|one| one.rule == EXCEEDED && one.name == name && OPEN.contains(&one.state));
        let is_told = |one: &BudgetOnRecord| one.is_used_up() && one.unhealthy.is_none() && !is_open(&one.name);
        let budgets = self.from.budgets_of(self.team).filter(|(one, _)| month.is_over(self.from.now) && is_told(one));
        let read = self.from.budgets_read.map_or_else(String::new, |at| format!(", as read on {}", day_of(at).strftime("%-d %B")));
        let decision = |(one, by_bill): (BudgetOnRecord, bool)| Decision {
            what: format!("{} {}", Kind::Budget.words(), one_line(&one.name)),
            owner: addressee(policy.budget(&one.name).and_then(|section| policy.owner_by_section(section)).as_deref()),
            team: team_or_untagged(one.team.as_deref()),
            why: EXCEEDED.to_owned(),
            usd_per_month: None,
            next: format!(
                "{} of {} spent{} in {}{}",
                Money(one.spent),
                Money(one.limit),
                in_percent(one.spent, one.limit, []),
                month.words(),
                if by_bill { ", by the bill" } else { &read }
            ),
            to_do: format!(
                "{} is over: decide whether {} is right for {}{}",
                month.words(),
                Money(one.limit),
                this_month.strftime("%B"),
                self.at_this_rate(&one, month).filter(|_| by_bill).unwrap_or_default()
            ),
        };
        budgets.map(decision).collect::<Vec<_>>().into_iter()
    }

    /// What the next month costs if it goes on as in the last seven days of this one: `. At the $4.20 a day of its last 7 days, it needs $130.20`.
    fn at_this_rate(&self, budget: &BudgetOnRecord, month: ReportPeriod) -> Option<String> {
        let week = self.from.cost_of(budget.counts.as_ref()?, month.until.saturating_sub(7.days())..month.until);
        let a_day = week / Decimal::from(7);
        let next = a_day * Decimal::from(month.until.days_in_month());
        Some(format!(". At the {} a day of the last 7 days, it needs {}", Money(a_day), Money(next)))
    }

    /// The exemptions that end soon.
    fn ending(&self) -> impl Iterator<Item = Decision> {
        let soon = self.from.now..self.from.now + ENDS_SOON;
        let decision = |what: String, owner: String, team: String, usd: Option<Decimal>, until: Timestamp| Decision {
            what,
            owner,
            team,
            why: "its exemption ends".to_owned(),
            usd_per_month: usd.map(Money),
            next: format!("exempt {}", until_end(until, self.zone())),
            to_do: "stop it, or keep it longer".to_owned(),
        };
        let by_tag = self.kept().filter_map(|(entry, until)| Some((entry, until?)));
        let by_tag = by_tag.map(move |(entry, until)| {
            (until, decision(of_entry(entry), addressee(entry.owner.as_deref()), team_of(entry), entry.usd_per_month, until))
        });
        let sections = self.from.exempts.iter().filter(|_| self.team.is_none());
        let by_policy =
            sections.map(move |(what, until)| (*until, decision(one_line(what), POLICY.to_owned(), UNTAGGED.to_owned(), None, *until)));
        by_tag.chain(by_policy).filter(move |(until, _)| soon.contains(until)).map(|(_, decision)| decision).collect::<Vec<_>>().into_iter()
    }

    /// What owners keep by tag, each resource once, and until when. `None`: without end.
    fn kept(&self) -> impl Iterator<Item = (&'a Entry, Option<Timestamp>)> {
        let mut kept: BTreeMap<&str, (&Entry, Option<Timestamp>)> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.state == State::Exempt) {
            let Some(wish) = &entry.kept else { continue };
            let policy = self.from.policy;
            kept.insert(&entry.arn, (entry, policy.kept_until(&wish.value, wish.since, policy.zone_of(entry.team.as_deref()))));
        }
        kept.into_values().filter(|(_, until)| until.is_none_or(|until| self.from.now < until)).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn exemptions(&self) -> Vec<Exemption> {
        let last_day = |until: Timestamp| (until - SignedDuration::from_secs(1)).to_zoned_datetime(self.zone().clone()).date();
        let by_tag = self.kept().map(|(entry, until)| Exemption {
            what: of_entry(entry),
            owner: addressee(entry.owner.as_deref()),
            until: until.map(last_day),
            usd_per_month: entry.usd_per_month.map(Money),
        });
        let sections = self.from.exempts.iter().filter(|(_, until)| self.team.is_none() && self.from.now < *until);
        let by_policy = sections.map(|(what, until)| Exemption {
            what: one_line(what),
            owner: POLICY.to_owned(),
            until: (*until != Timestamp::MAX).then(|| last_day(*until)),
            usd_per_month: None,
        });
        let mut all: Vec<Exemption> = by_tag.chain(by_policy).collect();
        all.sort_by_key(|one| (one.until.is_none(), one.until));
        all
    }

    pub(super) fn sleeping(&self) -> Vec<Sleeping> {
        let policy = self.from.policy;
        let is_its =
            |one: &&SleepingEndpoint| self.team.is_none_or(|team| policy.team_of(&one.resource).is_some_and(|of| is_alike(team, &of)));
        let line = |one: &SleepingEndpoint| Sleeping {
            name: one_line(&one.resource.name),
            owner: addressee(policy.owner_of(&one.resource).as_deref()),
            since: one.hibernation.since.to_zoned_datetime(self.zone().clone()).date(),
            saved: one.hibernation.saved_between(one.hibernation.since, self.from.now).map(Money),
            wake: how_to_wake(&one.resource.name, &one.config, &one.resource.region_option()),
        };
        let mut all: Vec<Sleeping> = self.from.sleeping.iter().filter(is_its).map(line).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.saved));
        all
    }

    pub(super) fn inference(&self) -> Vec<Advice> {
        let open = self.entries.iter().filter(|entry| OPEN.contains(&entry.state));
        let advice = |entry: &&Entry| {
            let (_, way) = WAYS.iter().find(|(rule, _)| *rule == entry.rule)?;
            let (owner, saves) = (addressee(entry.owner.as_deref()), entry.usd_per_month.map(Money));
            Some(Advice { name: one_line(&entry.name), owner, way: (*way).to_owned(), saves })
        };
        let mut all: Vec<Advice> = open.filter_map(advice).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.saves));
        all
    }
}

/// The most expensive resources where the bill does not tell them, for this reason: those of the open findings.
pub fn from_findings(entries: &[&Entry], why: &str) -> Resources {
    let open: Vec<&Entry> = entries.iter().copied().filter(|entry| OPEN.contains(&entry.state)).collect();
    let line = |one: Open<'_>| {
        let usd = Money(one.usd_per_month?);
        Some(ResourceLine { what: of_entry(one.entry), owner: addressee(one.entry.owner.as_deref()), usd })
    };
    let mut lines: Vec<ResourceLine> = resources(&open).into_values().filter_map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.usd));
    lines.truncate(RESOURCES);
    let by_findings = if lines.is_empty() { "" } else { "by the open findings, at list prices a month. " };
    let how = format!("{by_findings}The bill by resource could not be read: {}", one_line(why));
    Resources { how, lines }
}

/// Whether a finding's amount is what another way would save.
fn rule_saves(rule: &str) -> bool {
    WAYS.iter().any(|(known, _)| *known == rule)
}

fn team_of(entry: &Entry) -> String {
    team_or_untagged(entry.team.as_deref())
}

fn team_or_untagged(team: Option<&str>) -> String {
    team.map(one_line).filter(|team| !team.is_empty()).unwrap_or_else(|| UNTAGGED.to_owned())
}
