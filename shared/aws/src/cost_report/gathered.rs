//! What a report is made of: the bill, the ledger of all functions, and what is asked of Cost Explorer for it alone.

use std::collections::BTreeMap;

use cost_rules::{
    facts::{DailySpend, HibernationStage, SleepingEndpoint, Spend, TagKeyStatus, Unread},
    period::{begin_of, day_of},
    plan::{Entry, Saved},
    report::{BudgetOnRecord, Cuts, PlanAdvice, ReportPeriod, Resources, Sources, UNTAGGED, Unchecked, from_findings},
    rulebook::Rulebook,
    scope::Scope,
};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};

use crate::{
    context::Context,
    gather::{
        bill::{
            cost_tags,
            days::{self, Reading},
            resources,
        },
        savings_plans,
    },
    ledger::{FUNCTIONS, Ledger},
};

/// How far back savings are read: as far as the usual days of the bill are cached.
const SAVED_SINCE: SignedDuration = SignedDuration::from_hours(95 * 24);

/// How far back it is told what the functions could not read: their rules run once a day, or more often.
const UNCHECKED_SINCE: SignedDuration = SignedDuration::from_hours(26);

/// Everything that was read for a report.
pub(super) struct Gathered {
    account: String,
    region: String,
    now: Timestamp,
    pub(super) spend: Option<Spend>,
    is_current: bool,
    entries: Vec<Entry>,
    saved: Vec<Saved>,
    sleeping: Vec<SleepingEndpoint>,
    advice: Option<PlanAdvice>,
    budgets: Vec<BudgetOnRecord>,
    budgets_read: Option<Timestamp>,
    exempts: Vec<(String, Timestamp)>,
    resources: Resources,
    requests_by_day: BTreeMap<Date, u64>,
    notes: Vec<String>,
    /// The same as `unread`, for people.
    not_read: Vec<String>,
    /// What the functions could not read.
    unchecked: Vec<Unchecked>,
    /// What could not be read.
    pub(super) unread: Vec<Unread>,
    /// What could not be cached.
    pub(super) failures: Vec<String>,
    /// The number of requests to Cost Explorer in this run.
    pub(super) requests: u32,
}

/// The sums of the bill, and what else of it the report needs.
pub(super) struct Bill<'a> {
    pub(super) spend: &'a Spend,
    cuts: Cuts,
    entries: Vec<&'a Entry>,
}

impl Gathered {
    /// Reads everything for the report of a period.
    ///
    /// # Errors
    /// The account is not known, or the ledger cannot be read.
    pub(super) async fn read(
        context: &Context,
        rulebook: &Rulebook,
        period: ReportPeriod,
        reading: Reading,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let account = context.account()?;
        // Older days are refused. What is before is then not known.
        let oldest = day_of(now).first_of_month().saturating_sub(days::MONTHS.months());
        let ledger = context.ledger();
        let reading = Reading { since: Some(Cuts::first_day(period).max(oldest)), ..reading };
        let known = days::read(&context.clients, rulebook, &ledger, account, reading, now).await;
        let (budgets_read, budgets) = ledger.budgets(period.until.saturating_sub(1.day()).first_of_month()).await?;
        let mut gathered = Self {
            account: account.to_owned(),
            region: context.clients.region.clone(),
            now,
            spend: known.spend,
            is_current: known.is_current,
            entries: vec![],
            saved: vec![],
            sleeping: vec![],
            advice: savings_plans::last_advice(&ledger, rulebook, now).await?,
            budgets,
            budgets_read,
            exempts: rulebook.exempt_until().collect(),
            resources: Resources::default(),
            requests_by_day: known.requests_by_day,
            notes: vec![],
            not_read: vec![],
            unchecked: vec![],
            unread: known.unread,
            failures: known.failures,
            requests: known.requests,
        };
        gathered.read_ledger(&ledger, period).await?;
        gathered.not_read = gathered.unread.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
        Ok(gathered)
    }

    /// Asks Cost Explorer what only this report needs.
    pub(super) async fn read_more(&mut self, context: &Context, rulebook: &Rulebook, period: ReportPeriod) {
        if self.spend.is_some() {
            self.read_resources(context, rulebook, period).await;
            self.read_tag_status(context, rulebook, period).await;
        }
    }

    /// Whether all days of a period and their charges are known, and nothing of them failed to be read today.
    pub(super) fn is_whole(&self, period: ReportPeriod) -> bool {
        let days = |known: usize| i64::try_from(known).is_ok_and(|known| known == period.days());
        let is_known = |spend: &Spend| {
            days(spend.days.range(period.from..period.until).count()) && days(spend.charges.range(period.from..period.until).count())
        };
        self.is_current && self.spend.as_ref().is_some_and(is_known)
    }

    async fn read_ledger(&mut self, ledger: &Ledger<'_>, period: ReportPeriod) -> anyhow::Result<()> {
        let mut hibernated: Vec<SleepingEndpoint> = vec![];
        for function in FUNCTIONS {
            let of = Ledger { function, ..*ledger };
            self.entries.extend(of.findings(&Scope::Everything).await?);
            self.saved.extend(of.saved_since(begin_of(period.from) - SAVED_SINCE).await?);
            hibernated.extend(of.hibernations().await?.into_values().flatten());
        }
        for trouble in ledger.troubles_since(self.now - UNCHECKED_SINCE).await? {
            let Some(why) = trouble.unread().filter(|_| FUNCTIONS.contains(&trouble.function())) else { continue };
            let one = Unchecked { function: trouble.function().to_owned(), why: why.to_owned() };
            if !self.unchecked.contains(&one) {
                self.unchecked.push(one);
            }
        }
        let (saved, now) = (std::mem::take(&mut self.saved), self.now);
        self.saved = saved.into_iter().map(|one| one.by_now(&hibernated, now)).collect();
        self.sleeping = hibernated.into_iter().filter(|one| one.hibernation.stage == HibernationStage::Asleep).collect();
        Ok(())
    }

    /// The most expensive resources by the bill, or else by the open findings.
    async fn read_resources(&mut self, context: &Context, rulebook: &Rulebook, period: ReportPeriod) {
        let expensive = resources::read(&context.clients, rulebook, period, self.now).await;
        self.requests += expensive.requests;
        self.resources = match (expensive.lines, expensive.days) {
            (Ok(lines), Some((from, until))) => {
                Resources { how: format!("by the bill, amortized, from {from} until before {until}"), lines }
            }
            (lines, _) => {
                let entries: Vec<&Entry> = self.entries.iter().collect();
                from_findings(&entries, &lines.err().unwrap_or_default())
            }
        };
    }

    /// Says so if the tag of the teams is not active: then all spend looks untagged. Without spend there is nothing to say.
    async fn read_tag_status(&mut self, context: &Context, rulebook: &Rulebook, period: ReportPeriod) {
        let Some(key) = rulebook.policy.team_tags.first() else { return };
        let days = self.spend.iter().flat_map(|spend| spend.days.range(period.from..period.until));
        let spent: Vec<&DailySpend> = days.flat_map(|(_, rows)| rows).filter(|row| !row.usd.is_zero()).collect();
        if spent.is_empty() || spent.iter().any(|row| !row.team.is_empty()) {
            return;
        }
        let status =
            cost_tags::statuses(&context.clients, vec![key.clone()], &mut self.requests).await.ok().and_then(|all| all.get(key).copied());
        let why = match status {
            Some(TagKeyStatus::Active) => "is active, and nothing that was spent has it yet",
            Some(TagKeyStatus::Inactive) => "is not an active cost allocation tag: activate it in Billing, or let tag-auditor do it",
            Some(TagKeyStatus::NeverSeen) => "was never on the bill",
            Some(TagKeyStatus::NotThePayer) | None => "may not be an active cost allocation tag: the payer account knows",
        };
        self.notes.push(format!("all spend is {UNTAGGED}: the tag {key} {why}"));
    }

    /// The sums of the bill. `None`: nothing of it is known.
    pub(super) fn bill(&self, period: ReportPeriod) -> Option<Bill<'_>> {
        let spend = self.spend.as_ref()?;
        Some(Bill { spend, cuts: Cuts::of(spend, period), entries: self.entries.iter().collect() })
    }

    /// The sources of the account's report and of each team's.
    pub(super) fn sources<'a>(&'a self, bill: &'a Bill<'a>, rulebook: &'a Rulebook) -> Sources<'a> {
        Sources {
            account: &self.account,
            region: &self.region,
            policy: &rulebook.policy,
            cuts: &bill.cuts,
            estimated_from: bill.spend.estimated_from,
            ahead: bill.spend.ahead,
            budgets: &self.budgets,
            budgets_read: self.budgets_read,
            entries: &bill.entries,
            saved: &self.saved,
            sleeping: &self.sleeping,
            exempts: &self.exempts,
            advice: self.advice.as_ref(),
            resources: &self.resources,
            requests: &self.requests_by_day,
            requests_for_this: u64::from(self.requests),
            unread: &self.not_read,
            unchecked: &self.unchecked,
            notes: &self.notes,
            now: self.now,
        }
    }
}
