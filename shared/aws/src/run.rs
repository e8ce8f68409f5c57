//! The part of a run that all functions share: judge with confirmed tags, then settle: ledger, actions, mails, ledger, report.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use cost_rules::{
    facts::{Facts, Kind, Unread},
    finding::{Finding, Judgement, Remedy},
    mail::{self, Item, Letterhead, News, UNOWNED},
    plan::{Closed, Entry, Plan, Planned, State, Step, plan},
    policy::Policy,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use rust_decimal::Decimal;
use serde_json::Value;
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    Clients,
    act::{Outcome, act},
    event::{Home, Wake},
    gather,
    ledger::{self, Key, Ledger, Record},
    notify::publish,
    policy::PolicyCache,
    report::{FINDINGS_SHOWN, Report, ReportedAction, ReportedFinding, cents},
    settings::Settings,
};

/// New work is not begun when less than this is left before Lambda ends the function.
const RESERVE: Duration = Duration::from_secs(10);

/// Actions in flight. Each is looked at once more right before, by twice as many.
const ACTIONS_IN_FLIGHT: usize = 16;

/// Mails in flight.
const MAILS_IN_FLIGHT: usize = 4;

/// What a function works with, for one invocation. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The function's name.
    pub function: &'static str,
    /// Where AWS is.
    pub clients: Clients,
    /// What the environment says.
    pub settings: Settings,
    policies: Arc<PolicyCache>,
    account: Option<String>,
    deadline: Option<Instant>,
}

/// The Lambda loop of a function. A wrong environment fails every invocation, so that each caller is told why, instead of a process that dies on its
/// start.
///
/// # Errors
/// The runtime's own.
pub async fn serve(
    function: &'static str,
    handle: impl AsyncFn(Value, &Context, Timestamp) -> anyhow::Result<Report>,
) -> Result<(), lambda_runtime::Error> {
    let (context, handle) = (&Context::from_env(function).await, &handle);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let context = context.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let now = Timestamp::now();
        handle(event.payload, &context.invoked(&event.context), now).await?.finish(now)
    }))
    .await
}

impl Context {
    /// From clients and settings, without a deadline.
    pub fn new(function: &'static str, clients: Clients, settings: Settings) -> Self {
        Self { function, clients, settings, policies: Arc::default(), account: None, deadline: None }
    }

    /// From the environment; starts the log.
    ///
    /// # Errors
    /// All that is wrong with the environment.
    pub async fn from_env(function: &'static str) -> anyhow::Result<Self> {
        let settings = Settings::from_env()?;
        crate::log::start(&settings.log);
        Ok(Self::new(function, Clients::from_env().await, settings))
    }

    /// The same, for one invocation: Lambda says when it ends it, and in which account.
    #[must_use]
    pub fn invoked(&self, invocation: &lambda_runtime::Context) -> Self {
        let left = invocation.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        // arn:aws:lambda:<region>:<account>:function:<name>
        let account = invocation.invoked_function_arn.split(':').nth(4).filter(|account| !account.is_empty());
        Self { deadline: Some(Instant::now() + left), account: account.map(str::to_owned), ..self.clone() }
    }

    /// Where the function is.
    pub fn home(&self) -> Home<'_> {
        Home { region: &self.clients.region, account: self.account.as_deref() }
    }

    /// The policy.
    ///
    /// # Errors
    /// It cannot be read or is wrong: nothing may be done then.
    pub async fn policy(&self, now: Timestamp) -> anyhow::Result<Arc<Policy>> {
        self.policies.get(&self.settings.policy, &self.clients, now).await
    }

    /// The function's part of the ledger.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger { clients: &self.clients, table: &self.settings.table, function: self.function }
    }

    fn time_is_up(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline < Instant::now() + RESERVE)
    }
}

/// What the ledger says of a run's findings.
pub enum Known {
    /// What was read. If nothing could be, nothing is done and nobody is mailed.
    Read(anyhow::Result<Vec<Entry>>),
    /// Nothing was read, and all that was found is only to be told: writing it finds out whether it is news. Saves a call where an event
    /// wakes the function for one resource.
    Unread,
}

impl Known {
    /// Whether [`Known::Unread`] will do for these findings.
    pub fn can_be_unread(judgement: &Judgement) -> bool {
        let only_told = |finding: &Finding| !finding.is_enforced() && finding.keep.is_none();
        !judgement.findings.is_empty() && judgement.undecided.is_empty() && judgement.findings.iter().all(only_told)
    }
}

/// Judges the facts. Indexes leave out what was never tagged and lag behind: what would be reported on their word is confirmed first.
pub async fn judge(context: &Context, policy: &Policy, facts: &mut Facts) -> Judgement {
    let judgement = policy.evaluate(facts);
    let training = facts.training_jobs.iter().filter(|job| job.indexed).map(|job| &job.resource);
    let tuning = facts.tuning_jobs.iter().filter(|job| job.indexed).map(|job| &job.resource);
    let indexed: HashSet<&str> = training.chain(tuning).map(|resource| resource.id.as_str()).collect();
    let unconfirmed = |finding: &&Finding| gather::is_doubtful(&finding.resource) || indexed.contains(finding.resource.id.as_str());
    let doubtful: BTreeSet<String> = judgement.findings.iter().filter(unconfirmed).map(|finding| finding.resource.id.clone()).collect();
    if doubtful.is_empty() {
        return judgement;
    }
    gather::confirm(&context.clients, policy, facts, &doubtful).await;
    policy.evaluate(facts)
}

/// Plans and does what is planned.
pub async fn settle(context: &Context, policy: &Policy, wake: &Wake, facts: &Facts, judgement: Judgement, known: Known) -> Report {
    let mut report =
        Report { function: context.function.to_owned(), dry_run: wake.dry_run, examined: examined(facts), ..Report::default() };
    report.unread.clone_from(&facts.unread);
    report.unread.extend(judgement.unknown.iter().cloned());
    let claims = matches!(known, Known::Unread);
    let entries = match known {
        Known::Unread => Some(vec![]),
        Known::Read(read) => read.map_err(|error| report.unread.push(unread("the ledger: nothing is enforced and nobody is mailed", &error))).ok(),
    };
    let has_ledger = entries.is_some();
    let left_alone: Vec<ReportedFinding> = judgement.left_alone.iter().map(ReportedFinding::left_alone).collect();
    let Plan { mut planned, closed } = plan(judgement, facts, entries, &wake.scope);
    report.total_findings = planned.len() + left_alone.len();
    report.held_back = planned.iter().filter(|one| one.step == Step::HoldBack).count();
    let outcomes = if wake.dry_run {
        due(&planned).into_keys().map(|id| (id, None)).collect()
    } else if has_ledger {
        carry_out(context, policy, facts, &mut planned, closed, claims, &mut report).await
    } else {
        HashMap::new()
    };
    report.actions = actions(&planned, &outcomes);
    report.stopped_usd_per_month = stopped_usd_per_month(&planned, &outcomes);
    report.findings = planned.into_iter().map(|one| reported(one, &outcomes)).chain(left_alone).take(FINDINGS_SHOWN).collect();
    report
}

/// How the action on a resource ended, by resource id; `None`: only planned.
type Outcomes = HashMap<String, Option<Outcome>>;

/// Ledger first, then actions, then mails, then the ledger again. Each step is safe to be broken off after.
async fn carry_out(
    context: &Context,
    policy: &Policy,
    facts: &Facts,
    planned: &mut [Planned],
    mut closed: Vec<Closed>,
    claims: bool,
    report: &mut Report,
) -> Outcomes {
    let (ledger, now) = (context.ledger(), facts.now);
    let record = |one: &mut Planned| match claims {
        true => {
            // Never the version of one that is there.
            one.entry.version = u64::try_from(now.as_millisecond()).unwrap_or_default();
            Record::Claim(one.entry.clone(), now - one.finding.remind_after.signed())
        }
        false => Record::Finding(one.entry.clone()),
    };
    let before = planned.iter_mut().filter(|one| one.changed).map(record).collect();
    match ledger.write(before, now).await {
        Ok(refused) => leave_to_the_other_run(planned, &refused),
        Err(error) => {
            report.unread.push(unread("the ledger: nothing is enforced and nobody is mailed", &error));
            for one in planned.iter_mut() {
                one.step = Step::Wait;
            }
            return HashMap::new();
        }
    }
    let mut after: HashSet<Key> = HashSet::new();
    for one in planned.iter_mut().filter(|one| one.changed) {
        one.entry.version += 1;
    }

    let outcomes = act_on_due(context, policy, facts, planned).await;
    for (id, one) in due(planned) {
        if let Some(why) = outcomes.get(&id).and_then(|outcome| outcome.as_ref()?.failure()) {
            report.failures.push(format!("{} of {}: {why}", one.finding.waste.remedy.action(), one.entry.arn));
        }
    }
    let mut items = vec![];
    let mut told: HashMap<Key, bool> = HashMap::new();
    for one in planned.iter_mut() {
        let news = match one.step {
            Step::Report => Some(News::Found),
            Step::Remind => Some(News::Reminder(one.entry.first_seen)),
            Step::Warn => one.entry.act_after.map(News::Warning),
            Step::Act => {
                after.insert(ledger::key(&one.entry));
                settle_action(&mut one.entry, outcomes.get(&one.finding.resource.id).and_then(Option::as_ref), now)
            }
            Step::Wait | Step::HoldBack | Step::Exempt => None,
        };
        if let Some(news) = news {
            // What is only told was written as told before.
            told.insert(ledger::key(&one.entry), one.entry.notified_at.is_some());
            let outcome = outcomes.get(&one.finding.resource.id).and_then(Option::as_ref).filter(|_| one.step == Step::Act);
            items.push(Item { advice: advice(one, outcome), ..Item::of(&one.finding, news) });
        }
    }
    for one in &closed {
        if one.untold {
            items.push(Item::of_untold(one));
        }
    }

    let unreached = send(context, policy, &items, planned, now, report).await;
    let reached = |owner: Option<&str>| !unreached.contains(owner.unwrap_or(UNOWNED));
    for one in planned.iter_mut() {
        let key = ledger::key(&one.entry);
        let reached = reached(one.entry.owner.as_deref());
        match told.get(&key) {
            Some(written_as_told) if *written_as_told != reached => {
                one.entry.notified_at = reached.then_some(now);
                after.insert(key);
            }
            _ => {}
        }
    }
    closed.retain(|one| !one.untold || reached(one.entry.owner.as_deref()));
    for one in closed.iter_mut().filter(|one| one.untold) {
        one.entry.notified_at = Some(now);
    }
    let settled = planned.iter().filter(|one| after.contains(&ledger::key(&one.entry))).map(|one| Record::Finding(one.entry.clone()));
    let closed = closed.into_iter().map(|one| Record::Closed(one.entry, one.saving));
    if let Err(error) = ledger.write(settled.chain(closed).collect(), now).await {
        report.failures.push(format!("{error:#}: what was mailed or done in this run may be mailed again"));
    }
    outcomes
}

/// What the owner can do: what the rule says, and if a job could not be submitted again, its definition.
fn advice(one: &Planned, outcome: Option<&Outcome>) -> Option<String> {
    let advice = one.finding.waste.advice.clone();
    match outcome {
        Some(Outcome::NotResubmitted { definition, .. }) => Some(format!(
            "it goes on as it is. To submit it as Spot yourself, save this as job.json, then aws sagemaker create-training-job --cli-input-json file://job.json\n{definition}"
        )),
        // The guard has done it.
        Some(Outcome::Done | Outcome::AlreadyDone(_)) if matches!(one.finding.waste.remedy, Remedy::ResubmitAsSpot(_)) => None,
        _ => advice,
    }
}

/// Another run has written these findings since they were read: it looks after them.
fn leave_to_the_other_run(planned: &mut [Planned], refused: &HashSet<Key>) {
    if refused.is_empty() {
        return;
    }
    lambda_runtime::tracing::info!(refused = ?ledger::by_rule(refused), "another run looks after these findings");
    for one in planned.iter_mut().filter(|one| refused.contains(&ledger::key(&one.entry))) {
        one.step = Step::Wait;
        one.changed = false;
    }
}

/// What is due, each resource once: several rules may have found it.
fn due(planned: &[Planned]) -> BTreeMap<String, &Planned> {
    let mut due = BTreeMap::new();
    for one in planned.iter().filter(|one| one.step == Step::Act) {
        due.entry(one.finding.resource.id.clone()).or_insert(one);
    }
    due
}

async fn act_on_due(context: &Context, policy: &Policy, facts: &Facts, planned: &[Planned]) -> Outcomes {
    let permits = Semaphore::new(ACTIONS_IN_FLIGHT);
    let one_resource = async |(id, one): (String, &Planned)| {
        let outcome = match still_due(context, policy, facts, &one.finding).await {
            Ok(()) => {
                let _permit = permits.acquire().await;
                act(context, &one.finding, facts.now).await
            }
            Err(outcome) => outcome,
        };
        lambda_runtime::tracing::info!(
            action = one.finding.waste.remedy.action(),
            resource = one.finding.resource.arn_or_id(),
            outcome = outcome.name(),
            detail = outcome.detail()
        );
        (id, Some(outcome))
    };
    stream::iter(due(planned)).map(one_resource).buffer_unordered(3 * ACTIONS_IN_FLIGHT).collect().await
}

/// Looks at a resource once more, by the service's own word: is it the same run, still found by the same rule, and still not kept?
async fn still_due(context: &Context, policy: &Policy, facts: &Facts, finding: &Finding) -> Result<(), Outcome> {
    if context.time_is_up() {
        return Err(Outcome::Skipped("this run is out of time: the next one goes on".into()));
    }
    let fresh = match gather::again(&context.clients, policy, facts, &finding.resource.id).await {
        Ok(Some(fresh)) => fresh,
        Ok(None) => return Err(Outcome::AlreadyDone("it is gone".into())),
        Err(error) => return Err(Outcome::Failed(format!("it could not be read again: {error:#}"))),
    };
    let judgement = policy.evaluate(&fresh);
    match judgement.findings.iter().find(|found| found.rule == finding.rule) {
        None => Err(Outcome::Skipped("it changed since it was read: it is not found any more".into())),
        Some(found) if found.run != finding.run => Err(Outcome::Skipped("it was started anew since it was read".into())),
        Some(found) if found.keep != finding.keep || !found.is_enforced() => {
            Err(Outcome::Skipped("its tags changed since they were read: the next run looks at it".into()))
        }
        Some(_) => Ok(()),
    }
}

/// What the ledger says after an action, and what the owner is told.
fn settle_action(entry: &mut Entry, outcome: Option<&Outcome>, now: Timestamp) -> Option<News> {
    // A warned entry whose time has come is acted upon by the next run.
    let due_again = |entry: &mut Entry| {
        entry.state = State::Warned;
        entry.notified_at = Some(now);
    };
    match outcome {
        Some(Outcome::Done | Outcome::AlreadyDone(_)) => {
            entry.state = State::Acted;
            entry.failure = None;
            entry.last_seen = now;
            Some(News::Done)
        }
        Some(Outcome::Failed(why) | Outcome::NotResubmitted { why, .. }) => {
            due_again(entry);
            // The same failure is told once; the function's own error says it every time.
            let told_before = entry.failure.replace(why.clone()).is_some_and(|before| before == *why);
            (!told_before).then(|| News::Failed(why.clone()))
        }
        Some(Outcome::Skipped(_)) | None => {
            due_again(entry);
            None
        }
    }
}

/// Mails every owner; tells which could not be reached.
async fn send(
    context: &Context,
    policy: &Policy,
    items: &[Item],
    planned: &[Planned],
    now: Timestamp,
    report: &mut Report,
) -> HashSet<String> {
    let mut held_back: BTreeMap<String, usize> = BTreeMap::new();
    for one in planned.iter().filter(|one| one.step == Step::HoldBack) {
        *held_back.entry(one.finding.owner.clone().unwrap_or_else(|| UNOWNED.to_owned())).or_default() += 1;
    }
    let digests = mail::digests(items, &held_back, &Letterhead { function: context.function, policy, now });
    let sent = stream::iter(&digests).map(async |digest| {
        if context.time_is_up() {
            return (digest.owner.clone(), Err(anyhow::anyhow!("mail to {}: this run is out of time, the next one sends it", digest.owner)));
        }
        let sent = publish(&context.clients, &context.settings.topic_arn, context.function, digest).await;
        (digest.owner.clone(), sent)
    });
    let sent: Vec<(String, anyhow::Result<()>)> = sent.buffer_unordered(MAILS_IN_FLIGHT).collect().await;
    let mut unreached = HashSet::new();
    for (owner, sent) in sent {
        match sent {
            Ok(()) => report.notified += 1,
            Err(error) => {
                report.failures.push(format!("{error:#}"));
                unreached.insert(owner);
            }
        }
    }
    unreached
}

fn actions(planned: &[Planned], outcomes: &Outcomes) -> Vec<ReportedAction> {
    let reported = due(planned).into_iter().filter_map(|(id, one)| {
        let outcome = outcomes.get(&id)?.as_ref();
        Some(ReportedAction {
            action: one.finding.waste.remedy.action(),
            resource: one.finding.resource.arn_or_id().to_owned(),
            outcome: outcome.map_or("planned", Outcome::name),
            detail: outcome.map_or("", Outcome::detail).to_owned(),
        })
    });
    reported.collect()
}

fn stopped_usd_per_month(planned: &[Planned], outcomes: &Outcomes) -> Decimal {
    let mut by_resource: BTreeMap<&str, Decimal> = BTreeMap::new();
    for one in planned.iter().filter(|one| one.step == Step::Act) {
        let id = one.finding.resource.id.as_str();
        // A job would have come to its end by itself.
        let usd = one.finding.waste.usd_per_month.filter(|_| !Kind::of(id).is_some_and(Kind::ends_by_itself));
        if let (Some(Some(Outcome::Done)), Some(usd)) = (outcomes.get(id), usd) {
            let most = by_resource.entry(id).or_default();
            *most = usd.max(*most);
        }
    }
    by_resource.values().sum()
}

fn reported(one: Planned, outcomes: &Outcomes) -> ReportedFinding {
    let Planned { finding, step, entry, .. } = one;
    let state = match step {
        Step::Exempt => "exempt",
        Step::HoldBack => "held-back",
        Step::Report | Step::Remind => "reported",
        Step::Warn => "warned",
        Step::Act => match outcomes.get(&finding.resource.id) {
            Some(Some(Outcome::Done | Outcome::AlreadyDone(_))) => "acted",
            Some(Some(Outcome::Skipped(_))) => "warned",
            _ => "acting",
        },
        Step::Wait => match entry.state {
            State::Warned => "warned",
            State::Acting => "acting",
            State::Acted => "acted",
            State::Exempt => "exempt",
            State::Reported | State::Closed => "reported",
        },
    };
    ReportedFinding {
        rule: finding.rule,
        resource: finding.resource.arn_or_id().to_owned(),
        remedy: finding.waste.remedy.action(),
        name: finding.resource.name,
        owner: finding.owner,
        team: finding.team,
        reason: finding.waste.reason,
        monthly_cost_usd: finding.waste.usd_per_month.and_then(cents),
        state,
    }
}

/// How many were looked at, by kind: a kind that was read in full and has none is told from one that was not read.
fn examined(facts: &Facts) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = facts.complete.iter().map(|kind| (kind.as_str(), 0)).collect();
    for kind in facts.resources().filter_map(cost_rules::facts::Resource::kind).filter(|kind| !facts.looked_at.contains_key(kind)) {
        *counts.entry(kind.as_str()).or_default() += 1;
    }
    counts.extend(facts.looked_at.iter().map(|(kind, count)| (kind.as_str(), *count)));
    counts
}

fn unread(what: &str, error: &anyhow::Error) -> Unread {
    Unread { what: what.to_owned(), why: format!("{error:#}") }
}
