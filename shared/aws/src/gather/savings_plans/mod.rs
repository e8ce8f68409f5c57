//! Reads Savings Plans: those that are owned, how they are used, and what could be committed to. Nothing is bought, and no role may.
//!
//! What Cost Explorer charges for is read once a week and cached in the ledger; the rest is free and read in each run.

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    facts::{Advised, Commitment, Facts, PlanKind, SavingsPlan, Unread, Utilisation},
    period::day_of,
    plan::{Entry, Window, vanishing},
    report::PlanAdvice,
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    savings_plan::{Advice, ByAws, Days, Deducted, Deduction, FEWEST_HOURS, Longer, Offer, Offered, Question, Rates, Usage, advise},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, dec, prelude::ToPrimitive as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    clients::Clients,
    gather::{self, bill},
    ledger::Ledger,
};

mod by_aws;
mod coverage;
mod detail;
mod hours;
mod owned;
mod rates;
mod training_plans;

pub use training_plans::read as training_plans;

/// How long what Cost Explorer said is used: a week, less what a schedule may be late.
const USED_FOR: SignedDuration = SignedDuration::from_hours(6 * 24 + 12);
/// How long AWS's recommendations are used: AWS works them out anew only when somebody asks for that, and each of the six costs a request.
const BY_AWS_USED_FOR: SignedDuration = SignedDuration::from_hours(27 * 24);
/// How long it is cached. The cost report shows it until then.
const KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);
/// The name under which AWS's recommendations are cached, on their own.
const NAME_BY_AWS: &str = "savings-plan-by-aws";
/// The function that looks.
const ADVISOR: &str = "savings-plan-advisor";
/// The name under which it is cached.
const NAME: &str = "savings-plan-advice";
/// Of a plan that ends within this time it is worked out what to renew: 60 days before its end it is mailed, and the last look may be a week old then.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours((60 + 7) * 24);
/// For how long the cost report shows an advice.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is read only once a week.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Looked {
    /// What is advised. `None`: there are no hourly data, or no rates.
    pub advice: Option<Advice>,
    /// Why there is no advice.
    pub why_not: Option<String>,
    /// What AWS recommends.
    pub by_aws: Vec<ByAws>,
    /// What a plan could cover of a month and none does, USD on demand. `None`: not known.
    pub uncovered_usd_per_month: Option<Decimal>,
    /// How the owned plans are used, by id.
    utilisation: BTreeMap<String, Utilisation>,
    /// What to renew of the plans that end soon, by id, USD per hour.
    renewals: BTreeMap<String, Decimal>,
    /// The plans that were owned then, by id: with others it is not the same question.
    owned: BTreeSet<String>,
    /// [`Commitment::known_as`].
    #[serde(default)]
    known_as: Decimal,
    /// [`Commitment::advised_before`].
    #[serde(default)]
    advised_before: Option<Advised>,
    /// Whether something could not be read.
    #[serde(skip)]
    has_failed: bool,
}

impl Looked {
    fn advised(&self, offer: Offer) -> Option<Advised> {
        let offered = self.advice.as_ref()?.of(offer)?;
        Some(Advised { commitment: offered.commitment, usd_per_month: offered.usd_per_month })
    }

    /// Takes over from the last look what people know of it.
    fn go_on_from(&mut self, last: Option<&Self>, offer: Offer) {
        let is_about = |known: Decimal, now: Decimal| (known - now).abs() <= known / Decimal::TEN;
        let known = last.map(|last| last.known_as);
        self.known_as = match self.advised(offer).map(|one| one.commitment) {
            Some(now) => known.filter(|known| is_about(*known, now)).unwrap_or(now),
            None => known.unwrap_or_default(),
        };
        self.advised_before = last.and_then(|last| last.advised(offer)).filter(|before| !before.commitment.is_zero());
    }
}

/// What the last look advised for the policy's way to buy, for the cost report. `None`: nothing was advised.
///
/// # Errors
/// The ledger cannot be read.
pub async fn last_advice(ledger: &Ledger<'_>, rulebook: &Rulebook, now: Timestamp) -> anyhow::Result<Option<PlanAdvice>> {
    let cached = Ledger { function: ADVISOR, ..*ledger }.kept(NAME).await?;
    let fresh = cached.filter(|(at, _)| now.duration_since(*at) < SHOWN_FOR);
    let looked = fresh.and_then(|(at, text)| Some((at, serde_json::from_str::<Looked>(&text).ok()?)));
    Ok(looked.and_then(|(at, looked)| {
        looked.advice?.of(rulebook.policy.savings_plan.offer()).map(|offered| PlanAdvice::of(offered, day_of(at)))
    }))
}

/// The rates of each way to buy a plan.
type Offers = BTreeMap<Offer, Rates>;

/// How it is read.
pub struct Reading<'a> {
    /// AWS's services.
    pub clients: &'a Clients,
    /// The policy.
    pub rulebook: &'a Rulebook,
    /// The ledger of the function that reads.
    pub ledger: &'a Ledger<'a>,
    /// The account whose Cost Explorer is asked. `None`: not known.
    pub account: Option<&'a str>,
    /// The findings of all functions. `None`: not known, and nothing is advised.
    pub entries: Option<&'a [Entry]>,
    /// Whether what was read is cached; if not (in a dry run), the next run reads it again.
    pub keeps: bool,
    /// The current time.
    pub now: Timestamp,
}

impl Reading<'_> {
    /// What of a usage whose first hour begins then will vanish.
    fn vanishing(&self, usage: &Usage, from: Timestamp) -> Vec<Deduction> {
        let entries: Vec<&Entry> = self.entries.unwrap_or_default().iter().collect();
        vanishing(&entries, &self.rulebook.policy, Window { usage, from })
    }
}

/// What could not be cached, and how many requests to Cost Explorer were sent.
#[derive(Default)]
pub struct Read {
    /// What could not be cached: the next run pays for it again.
    pub failure: Option<String>,
    /// The number of requests to Cost Explorer, 0.01 USD each.
    pub requests: u32,
}

/// Reads the plans and the advice into the facts.
pub async fn read(reading: &Reading<'_>, facts: &mut Facts) -> Read {
    let Reading { clients, rulebook, now, .. } = *reading;
    let mut plans = owned::plans(clients, rulebook, now).await.into_facts(facts);
    // Without all plans, or all waste, the advice would be too large.
    let knows_all = facts.reading.complete.contains(&Kind::SavingsPlan) && reading.entries.is_some();
    let (looked, read) = if knows_all { look(reading, &plans, facts).await } else { Default::default() };
    let has_sagemaker_plan = plans.iter().any(|plan| plan.kind == PlanKind::SageMaker);
    let followed = followed(&plans, now);
    for plan in &mut plans {
        plan.utilisation = looked.utilisation.get(&plan.resource.id).copied();
        plan.uncovered_usd_per_month = looked.uncovered_usd_per_month;
        plan.has_sagemaker_plan = has_sagemaker_plan;
        plan.is_followed = followed.contains(&plan.resource.id);
        plan.renewal = looked.renewals.get(&plan.resource.id).copied();
    }
    facts.savings_plans = plans;
    facts.commitments = vec![Commitment {
        resource: resource(rulebook, "sagemaker", None, "SageMaker"),
        account: reading.account.map(str::to_owned),
        advice: looked.advice,
        why_not: looked.why_not,
        by_aws: looked.by_aws,
        known_as: looked.known_as,
        advised_before: looked.advised_before,
    }];
    read
}

/// The plans, by id, for which about the same commitment is queued that begins by their end. What is queued follows one of them only.
fn followed(plans: &[SavingsPlan], now: Timestamp) -> BTreeSet<String> {
    let mut queued: Vec<(&SavingsPlan, Decimal)> =
        plans.iter().filter(|plan| now < plan.start).map(|plan| (plan, plan.commitment)).collect();
    let mut ending: Vec<&SavingsPlan> = plans.iter().filter(|plan| plan.start <= now).collect();
    ending.sort_by_key(|plan| plan.end);
    let mut followed = BTreeSet::new();
    for plan in ending {
        let until = plan.end + SignedDuration::from_hours(1);
        let follows = |other: &SavingsPlan| other.kind == plan.kind && other.start <= until;
        let there: Decimal = queued.iter().filter(|(other, _)| follows(other)).map(|(_, left)| *left).sum();
        if there < plan.commitment * dec!(0.9) {
            continue;
        }
        followed.insert(plan.resource.id.clone());
        let mut needed = plan.commitment;
        for (_, left) in queued.iter_mut().filter(|(other, _)| follows(other)) {
            let taken = needed.min(*left);
            (needed, *left) = (needed - taken, *left - taken);
        }
    }
    followed
}

/// The advice for the run's own report.
pub fn told(commitment: &Commitment) -> Value {
    let number = |usd: Decimal| usd.round_dp(6).to_f64();
    let by_aws: Vec<Value> = commitment
        .by_aws
        .iter()
        .map(
            |one| json!({"offer": one.offer.to_string(), "commitment": number(one.commitment), "usd-per-month": number(one.usd_per_month)}),
        )
        .collect();
    let Some(advice) = &commitment.advice else { return json!({"offers": [], "why-not": commitment.why_not, "by-aws": by_aws}) };
    let offer = |one: &Offered| {
        json!({
            "offer": one.offer.to_string(),
            "commitment": number(one.commitment),
            "commitment-with-waste": number(one.with_waste.commitment),
            "commitment-by-hours": number(one.by_hours()),
            "usd-per-month": number(one.usd_per_month),
            "usd-per-month-if-all-days-repeat": one.if_longer.and_then(number),
            "may-fall-percent": one.may_fall,
            "utilisation": one.utilisation.and_then(number),
            "break-even-utilisation": one.break_even.and_then(number),
            "under-used-hours": one.under_used_hours,
            "payback-months": one.payback_months().and_then(number),
        })
    };
    let deducted = |one: &Deducted| json!({"what": one.what, "component": one.component, "certainty": one.certainty, "usd-per-month": number(advice.a_month(one.usd))});
    json!({
        "hours": advice.hours,
        "days-of-the-bill": advice.earlier.as_ref().map(|earlier| earlier.days),
        "on-demand-usd-per-month": number(advice.a_month(advice.on_demand)),
        "deducted": advice.deducted.iter().map(deducted).collect::<Vec<_>>(),
        "owned-plans-cover-usd-per-month": number(advice.a_month(advice.owned_covers)),
        "trend": number(advice.trend),
        "offers": advice.offers.iter().map(offer).collect::<Vec<_>>(),
        "by-aws": by_aws,
    })
}

/// A plan as a resource. Who decides about commitments owns it.
fn resource(rulebook: &Rulebook, id: &str, arn: Option<String>, name: &str) -> Resource {
    let owner = rulebook.policy.savings_plan.finance.clone();
    Resource {
        id: Kind::SavingsPlan.id(id),
        arn,
        name: name.to_owned(),
        tags: Tags::Known(BTreeMap::new()),
        ownership: Ownership { owner, team: None },
    }
}

/// What was cached within a week, or else what is read now.
async fn look(reading: &Reading<'_>, plans: &[SavingsPlan], facts: &mut Facts) -> (Looked, Read) {
    let Reading { ledger, keeps, now, .. } = *reading;
    let cached = match ledger.kept(NAME).await {
        Ok(cached) => cached,
        // Without the ledger, every run would pay for it again.
        Err(error) => {
            facts.reading.unread.push(Unread::new("what could be committed to", format!("{error:#}")));
            return Default::default();
        }
    };
    let last = cached.and_then(|(at, text)| Some((at, serde_json::from_str::<Looked>(&text).ok()?)));
    // Who bought or gave back a plan since gets another answer at once.
    let last = last.filter(|(_, last)| last.owned == ids(plans));
    let last = match last {
        Some((at, looked)) if now.duration_since(at) < USED_FOR => return with_new_plans(reading, looked, plans, facts).await,
        last => last.map(|(_, last)| last),
    };
    let (mut looked, requests) = anew(reading, plans, facts).await;
    looked.go_on_from(last.as_ref(), reading.rulebook.policy.savings_plan.offer());
    let mut read = Read { failure: None, requests };
    // What could not be read is asked again by the next run.
    if keeps && looked.is_whole() {
        let kept = async { ledger.keep_for(NAME, &serde_json::to_string(&looked)?, now, KEPT).await };
        read.failure = kept.await.err().map(|error| format!("the advice about Savings Plans: {error:#}"));
    }
    (looked, read)
}

fn ids(plans: &[SavingsPlan]) -> BTreeSet<String> {
    plans.iter().filter(|plan| plan.kind == PlanKind::SageMaker).map(|plan| plan.resource.id.clone()).collect()
}

/// Reads anew how a plan is used that can still be given back: that is for a week only.
async fn with_new_plans(reading: &Reading<'_>, mut looked: Looked, plans: &[SavingsPlan], facts: &mut Facts) -> (Looked, Read) {
    let is_new = |plan: &&SavingsPlan| {
        let may_go_back = plan.returnable_until.is_some_and(|until| reading.now < until);
        plan.kind == PlanKind::SageMaker && plan.is_active && may_go_back
    };
    let new: Vec<&SavingsPlan> = plans.iter().filter(is_new).collect();
    let (utilisation, requests) = owned::utilisation(reading.clients, &new, reading.now).await;
    match utilisation {
        Ok(utilisation) => looked.utilisation.extend(utilisation),
        Err(why) => facts.reading.unread.push(Unread::new("how Savings Plans are used", why)),
    }
    (looked, Read { failure: None, requests })
}

/// Reads everything from AWS. Returns also the number of requests to Cost Explorer.
async fn anew(reading: &Reading<'_>, plans: &[SavingsPlan], facts: &mut Facts) -> (Looked, u32) {
    let Reading { clients, rulebook, now, .. } = *reading;
    let mut looked = Looked { owned: ids(plans), ..Looked::default() };
    // A queued plan is bought, too.
    let owned: Vec<&SavingsPlan> = plans.iter().filter(|plan| plan.kind == PlanKind::SageMaker).collect();
    let active: Vec<&SavingsPlan> = owned.iter().copied().filter(|plan| plan.is_active).collect();
    let (hours, (by_aws, asked), (utilisation, asked_use)) = tokio::join!(
        Box::pin(hours::read(clients, rulebook, now)),
        Box::pin(recommended(reading)),
        Box::pin(owned::utilisation(clients, &active, now))
    );
    let mut requests = asked + asked_use;
    let before = facts.reading.unread.len();
    match by_aws {
        // It recommends what is bought already, if AWS worked it out before a plan began.
        Ok(by_aws) => {
            looked.by_aws = by_aws.into_iter().filter(|one| one.at.is_none_or(|at| owned.iter().all(|plan| plan.start <= at))).collect();
        }
        Err(why) => unread(facts, "AWS's recommendations of Savings Plans", why),
    }
    match utilisation {
        Ok(utilisation) => looked.utilisation = utilisation,
        Err(why) => unread(facts, "how Savings Plans are used", why),
    }
    requests += match hours {
        hours::Answer::Read(found) => {
            by_hour(reading, &mut looked, &found, &owned, facts).await;
            found.requests
        }
        hours::Answer::NotOptedIn(asked) => asked + without_hours(reading, &mut looked, &owned, facts).await,
        hours::Answer::Failed(asked, why) => {
            unread(facts, "what SageMaker cost by the hour", why);
            asked
        }
    };
    looked.has_failed = before < facts.reading.unread.len();
    (looked, requests)
}

fn unread(facts: &mut Facts, what: &str, why: String) {
    facts.reading.unread.push(Unread::new(what, why));
}

/// The advice from Cost Explorer's hours.
async fn by_hour(reading: &Reading<'_>, looked: &mut Looked, found: &hours::Hours, owned: &[&SavingsPlan], facts: &mut Facts) {
    let rates = match rates::read(reading.clients, found).await {
        Ok(rates) => rates,
        Err(why) => return unread(facts, "the rates of Savings Plans", why),
    };
    let eligible = rates.eligible(&found.on_demand);
    let days = match bill::days::used(reading.ledger, reading.rulebook).await {
        Ok(days) => days,
        Err(error) => {
            unread(facts, "what SageMaker used by day", format!("{error:#}"));
            Days::new()
        }
    };
    size(
        reading,
        looked,
        &ByHour { from: found.from, on_demand: &found.on_demand, eligible: &eligible, offers: &rates.offers, days },
        owned,
    );
    looked.uncovered_usd_per_month = Some(found.uncovered_a_month(&eligible));
    if looked.advice.is_none() {
        looked.why_not = Some(if found.on_demand.on_demand().is_zero() {
            "nothing that a plan covers was used".to_owned()
        } else if rates.offers.is_empty() {
            "AWS has no rates of SageMaker Savings Plans for what was used".to_owned()
        } else if eligible.hours() < FEWEST_HOURS {
            format!("only {} hours are known: a week is needed", eligible.hours())
        } else {
            "the rates of a plan that is owned are not known".to_owned()
        });
    }
}

/// What is known without hours: what no plan covers and, if the policy says so, the advice from the hours of AWS's recommendation. Returns the number of requests.
async fn without_hours(reading: &Reading<'_>, looked: &mut Looked, owned: &[&SavingsPlan], facts: &mut Facts) -> u32 {
    let Reading { clients, rulebook, now, .. } = *reading;
    let (uncovered, mut requests) = coverage::uncovered_a_month(clients, rulebook, now).await;
    match uncovered {
        Ok(usd) => looked.uncovered_usd_per_month = usd,
        Err(why) => unread(facts, "what Savings Plans cover", why),
    }
    let settings = &rulebook.policy.savings_plan;
    let preferred = looked.by_aws.iter().find(|one| one.offer == settings.offer()).filter(|_| settings.use_recommendation_hours);
    if let Some(by_aws) = preferred {
        requests += 1;
        match detail::read(clients, by_aws, now).await {
            Ok(found) => looked.advice = found.and_then(|found| size_detail(reading, &looked.by_aws, &found, owned)),
            Err(why) => unread(facts, "the hours of AWS's recommendation", why),
        }
    }
    if looked.advice.is_none() {
        looked.why_not = Some(hours::NOT_OPTED_IN.to_owned());
    }
    requests
}

/// What is known by the hour, and by the day before.
struct ByHour<'a> {
    /// When the first hour begins.
    from: Timestamp,
    /// All use, USD on demand.
    on_demand: &'a Usage,
    /// The part that a plan can cover.
    eligible: &'a Usage,
    offers: &'a Offers,
    /// What each day of the bill used.
    days: Days,
}

/// Works out the advice, and what to renew of the plans that end soon: what would be advised in addition if none of them were there. Each has its part of it.
fn size(reading: &Reading<'_>, looked: &mut Looked, known: &ByHour<'_>, owned: &[&SavingsPlan]) {
    let Reading { rulebook, now, .. } = *reading;
    let ByHour { from, eligible, offers, .. } = *known;
    let deductions = reading.vanishing(known.on_demand, from);
    let longer = Longer::of(eligible, from, &known.days).map(|longer| (reading.vanishing(&longer.usage, longer.from), longer));
    let ends_soon = |plan: &SavingsPlan| plan.end < now + ENDS_SOON;
    let advised = |is_there: &dyn Fn(&SavingsPlan) -> bool| {
        let goes_on = owned.iter().filter(|plan| is_there(plan));
        // A plan whose rates are not known covers nobody knows what.
        let goes_on: Option<Vec<_>> = goes_on.map(|plan| Some((plan.commitment, offers.get(&plan.offer?)?.clone()))).collect();
        advise(&Question {
            usage: eligible,
            from,
            deductions: &deductions,
            owned: &goes_on?,
            offers,
            by_aws: &looked.by_aws,
            longer: longer.as_ref().map(|(deductions, longer)| (longer, &deductions[..])),
        })
    };
    let preferred = |advice: &Advice| advice.of(rulebook.policy.savings_plan.offer()).map(|offered| offered.commitment);
    looked.advice = advised(&|_| true);
    let ending: Vec<&&SavingsPlan> = owned.iter().filter(|plan| ends_soon(plan)).collect();
    let in_all: Decimal = ending.iter().map(|plan| plan.commitment).sum();
    let with = looked.advice.as_ref().and_then(preferred);
    let without = if ending.is_empty() { None } else { advised(&|plan| !ends_soon(plan)).as_ref().and_then(preferred) };
    if let (Some(with), Some(without)) = (with, without) {
        let more = (without - with).max(Decimal::ZERO);
        let part = |plan: &&&SavingsPlan| Some((plan.resource.id.clone(), (more * plan.commitment).checked_div(in_all)?));
        looked.renewals = ending.iter().filter_map(part).collect();
    }
}

/// Works out the advice from the hours of AWS's own recommendation. What plans cover is not in them. `None`: a plan began since, or is queued, and nobody knows what
/// it covers of them.
fn size_detail(reading: &Reading<'_>, by_aws: &[ByAws], found: &detail::Detail, owned: &[&SavingsPlan]) -> Option<Advice> {
    if owned.iter().any(|plan| found.from < plan.start) {
        return None;
    }
    let deductions = reading.vanishing(&found.usage, found.from);
    let offers = Offers::from([(reading.rulebook.policy.savings_plan.offer(), found.rates.clone())]);
    advise(&Question { usage: &found.usage, from: found.from, deductions: &deductions, owned: &[], offers: &offers, by_aws, longer: None })
}

/// AWS's recommendations: those of the last four weeks, or else asked now. And the number of requests.
async fn recommended(reading: &Reading<'_>) -> (gather::Read<Vec<ByAws>>, u32) {
    let Reading { ledger, clients, keeps, now, .. } = *reading;
    let cached = ledger.kept(NAME_BY_AWS).await.ok().flatten().filter(|(at, _)| now.duration_since(*at) < BY_AWS_USED_FOR);
    if let Some(by_aws) = cached.and_then(|(_, text)| serde_json::from_str(&text).ok()) {
        return (Ok(by_aws), 0);
    }
    let (by_aws, requests) = by_aws::read(clients).await;
    if let Ok(text) = by_aws.as_ref().map_err(drop).and_then(|by_aws| serde_json::to_string(by_aws).map_err(drop))
        && keeps
        && let Err(error) = ledger.keep_for(NAME_BY_AWS, &text, now, KEPT).await
    {
        lambda_runtime::tracing::warn!("AWS's recommendations are asked again by the next run: {error:#}");
    }
    (by_aws, requests)
}

impl Looked {
    /// Whether all was read that can be.
    fn is_whole(&self) -> bool {
        !self.has_failed && (self.advice.is_some() || self.why_not.is_some())
    }
}
