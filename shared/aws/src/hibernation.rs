//! Looks after the endpoints that the guard has hibernated, and creates them again: by a schedule, by an event, or because a person asks. Each step first looks at what is
//! there, so that the next run goes on where an interrupted one stopped. No run waits for AWS.

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    duration::Duration,
    facts::{CanSleep, Facts, HibernationStage, SleepingEndpoint, Unread},
    policy::Policy,
    remedy::WakeStep,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    act::{
        completing,
        recreate::{self, Created},
    },
    context::Context,
    gather::endpoints::describe_as,
    report::{Report, ReportedAction},
};

pub mod asked;

const ACTION: &str = "restore-endpoint";

/// After this time, a step that fails again and again is told as a failure to create the endpoint: AWS may only have been busy before.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// After this time, an endpoint that was to be deleted and is there was not deleted.
const LONGEST_DELETION: SignedDuration = SignedDuration::from_hours(1);

/// What a run knows of the endpoints that were ever hibernated, and what it has done for them.
#[derive(Default)]
pub struct Hibernations {
    /// By endpoint id.
    pub all: BTreeMap<String, SleepingEndpoint>,
    /// Those for which something was done, by id, with their names.
    pub touched: BTreeMap<String, Option<String>>,
    now: Timestamp,
    actions: Vec<ReportedAction>,
    failures: Vec<String>,
    unread: Vec<Unread>,
    /// Those (by id) whose record cannot be read.
    unreadable: BTreeSet<String>,
    /// Whether no record could be read.
    is_unread: bool,
}

/// Which hibernated endpoints a run looks after.
pub enum Which<'a> {
    /// All of them. Those that sleep are looked at, in case somebody has created one.
    All,
    /// Those of which something is due.
    Due,
    /// Those whose time has come as it was known when they were hibernated, because the policy cannot be read.
    Overdue,
    /// This one (by id), because something happened to it.
    Changed(&'a str),
    /// This one (by id), because a person asks for it.
    Asked(&'a str),
}

/// How far an endpoint has come in this run.
enum Progress {
    /// It sleeps on.
    Sleeps,
    /// AWS is at work on it.
    UnderWay(&'static str),
    /// It is as it was, but for this.
    Awake(Vec<String>),
    /// It was there before.
    WasAwake,
    /// Somebody has created another endpoint of its name.
    Replaced,
    /// AWS does not create it, for this reason.
    Failed(String),
}

impl Hibernations {
    /// Reads what the ledger knows, and does what is due. Never fails: what could not be read is in [`Facts::reading`] afterwards.
    pub async fn tend(context: &Context, policy: &Policy, which: &Which<'_>, is_dry_run: bool, now: Timestamp) -> Self {
        let ledger = context.ledger();
        let read = match which {
            Which::All | Which::Due | Which::Overdue => ledger.hibernations().await,
            Which::Changed(id) | Which::Asked(id) => {
                Ok(ledger.hibernation(id).await.transpose().map(|one| ((*id).to_owned(), one)).into_iter().collect())
            }
        };
        let mut known = Self { now, ..Self::default() };
        known.take(read);
        let is_due = |one: &&SleepingEndpoint| which.is_due(one, policy, now);
        let due: Vec<SleepingEndpoint> = known.all.values().filter(is_due).cloned().collect();
        for one in due.into_iter().filter(|_| !is_dry_run) {
            if context.time_is_up() {
                break;
            }
            Box::pin(known.tend_one(context, policy, one, which)).await;
        }
        known
    }

    fn take(&mut self, read: anyhow::Result<BTreeMap<String, anyhow::Result<SleepingEndpoint>>>) {
        self.is_unread = read.is_err();
        let why = |error: anyhow::Error| format!("{error:#}");
        let all = read.map_err(|error| self.unread.push(Unread::new("endpoints that were hibernated", why(error)))).unwrap_or_default();
        for (id, one) in all {
            match one {
                Ok(one) => drop(self.all.insert(id, one)),
                Err(error) => {
                    self.unread.push(Unread::new(format!("the hibernation of {id}"), why(error)));
                    self.unreadable.insert(id);
                }
            }
        }
    }

    async fn tend_one(&mut self, context: &Context, policy: &Policy, mut one: SleepingEndpoint, which: &Which<'_>) {
        let mut was = one.hibernation.stage;
        let is_asked = matches!(which, Which::Asked(_));
        let (outcome, detail) = match Box::pin(go_on(context, policy, (&mut one, &mut was), which, self.now)).await {
            Ok(Progress::Sleeps) if is_asked => ("skipped", "the guard is deleting it: ask again in an hour".to_owned()),
            Ok(Progress::Sleeps) if was == one.hibernation.stage => return,
            Ok(Progress::Sleeps) => ("skipped", "it sleeps".to_owned()),
            Ok(Progress::UnderWay(what)) => ("skipped", what.to_owned()),
            Ok(Progress::Awake(notes)) => ("done", notes.join("; ")),
            Ok(Progress::WasAwake) => ("already-done", "it is there".to_owned()),
            Ok(Progress::Replaced) => ("skipped", "somebody has created another endpoint of its name".to_owned()),
            Ok(Progress::Failed(why)) | Err(why) => {
                one.hibernation = one.hibernation.out_of_patience(&why, PATIENCE, self.now);
                self.failures.push(format!("{ACTION} of {}: {why}", one.resource.arn_or_id()));
                ("failed", why)
            }
        };
        self.actions.push(ReportedAction { action: ACTION, resource: one.resource.arn_or_id().to_owned(), outcome, detail });
        match context.ledger().set_hibernation(&one, was).await {
            Ok(true) => {}
            Ok(false) => self.unread.push(Unread::new(one.resource.id.clone(), "another run is at work on it")),
            Err(error) => self.failures.push(format!("{error:#}")),
        }
        self.touched.insert(one.resource.id.clone(), Some(one.resource.name.clone()));
        self.all.insert(one.resource.id.clone(), one);
    }

    /// Sets what is known of the hibernation of endpoints, and adds those that sleep. Where that is not known, nothing is hibernated, and what is not there is not gone.
    pub fn take_into(&self, facts: &mut Facts) {
        for endpoint in &mut facts.endpoints {
            endpoint.hibernation = self.all.get(&endpoint.resource.id).map(|one| one.hibernation.clone());
            if self.is_unread || self.unreadable.contains(&endpoint.resource.id) {
                endpoint.can_sleep = CanSleep::Unknown("the guard's record of its last hibernation cannot be read".to_owned());
            }
        }
        facts.reading.gone.retain(|id| !self.unreadable.contains(id));
        facts.reading.unknown.extend(self.unreadable.iter().cloned());
        let sleeps = |one: &&SleepingEndpoint| matches!(one.hibernation.stage, HibernationStage::Asleep | HibernationStage::Waking);
        facts.sleeping = self.all.values().filter(sleeps).cloned().collect();
        facts.reading.unread.extend(self.unread.clone());
    }

    /// The report of a run in which nothing else is done.
    #[must_use]
    pub fn alone(self, mut report: Report) -> Report {
        report.unread.extend(self.unread.clone());
        self.report(&mut report);
        report
    }

    /// Adds what was done to the report.
    pub fn report(self, report: &mut Report) {
        report.actions.extend(self.actions);
        report.failures.extend(self.failures);
    }
}

impl Which<'_> {
    fn is_due(&self, one: &SleepingEndpoint, policy: &Policy, now: Timestamp) -> bool {
        let hibernation = &one.hibernation;
        match (self, hibernation.stage) {
            (Self::Asked(_), _) | (Self::All | Self::Changed(_), HibernationStage::Asleep) | (_, HibernationStage::Deleting) => true,
            (_, HibernationStage::Awake) => false,
            (Self::Overdue, HibernationStage::Asleep) => hibernation.until.is_some_and(|until| until <= now),
            (Self::Due, HibernationStage::Asleep) => policy.is_to_wake(&one.resource, hibernation, now),
            (_, HibernationStage::Waking) => hibernation.failed.as_ref().is_none_or(|failed| failed.retry_after <= now),
        }
    }
}

/// Looks at what is there, and takes the next step. `Err`: what is there could not be read, or AWS refused a step that the next run takes again.
///
/// `was`: the stage that the ledger has.
async fn go_on(
    context: &Context,
    policy: &Policy,
    (one, was): (&mut SleepingEndpoint, &mut HibernationStage),
    which: &Which<'_>,
    now: Timestamp,
) -> Result<Progress, String> {
    let there: Option<Value> = describe_as(&context.clients, &one.resource.name).await?;
    let is_there = there.as_ref().is_some_and(|there| there["EndpointStatus"] != "Deleting");
    match one.hibernation.stage {
        HibernationStage::Deleting if !is_there => one.hibernation.reach(HibernationStage::Asleep, now),
        HibernationStage::Deleting if now.duration_since(one.hibernation.at) < LONGEST_DELETION => return Ok(Progress::Sleeps),
        // It was never deleted, and nothing of it was lost.
        HibernationStage::Deleting => {
            one.hibernation.reach(HibernationStage::Awake, now);
            return Ok(Progress::WasAwake);
        }
        HibernationStage::Awake if is_there => return Ok(Progress::WasAwake),
        _ => {}
    }
    if one.hibernation.stage != HibernationStage::Waking {
        // The policy does not decide about these.
        let is_decided = matches!(which, Which::Asked(_) | Which::Overdue);
        if !is_decided && !is_there && !policy.is_to_wake(&one.resource, &one.hibernation, now) {
            return Ok(Progress::Sleeps);
        }
        begin(context, one, *was, now).await?;
        *was = one.hibernation.stage;
    }
    Box::pin(wake(context, one, there, now)).await
}

/// Records that it shall be created again, before anything is created.
async fn begin(context: &Context, one: &mut SleepingEndpoint, was: HibernationStage, now: Timestamp) -> Result<(), String> {
    one.hibernation.reach(HibernationStage::Waking, now);
    match context.ledger().set_hibernation(one, was).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("another run is at work on it".to_owned()),
        Err(error) => Err(format!("{error:#}")),
    }
}

async fn wake(context: &Context, one: &mut SleepingEndpoint, there: Option<Value>, now: Timestamp) -> Result<Progress, String> {
    let clients = &context.clients;
    let stored = context.ledger().blueprint(&one.resource.id).await.map_err(|error| format!("{error:#}"))?;
    let blueprint = stored.ok_or("what it takes to create it again is not in the ledger")?;
    match (blueprint.next_step(there.as_ref()), there) {
        (WakeStep::Wait, _) => Ok(Progress::UnderWay("AWS is at work on it")),
        (WakeStep::Create, _) => match Box::pin(recreate::create(clients, &blueprint)).await {
            Ok(Created::Yes) => {
                one.hibernation.reach(HibernationStage::Waking, now);
                one.hibernation.is_created_by_guard = true;
                Ok(Progress::UnderWay("AWS is creating it"))
            }
            Ok(Created::Refused(why)) => Ok(failed(one, why, now)),
            Err(unread) => Err(unread),
        },
        (WakeStep::Remove(why), _) => {
            let removed = recreate::remove(clients, &one.resource.name).await;
            let why = removed
                .err()
                .map_or_else(|| why.clone(), |removing| format!("{why}; the failed endpoint could not be deleted: {removing}"));
            Ok(failed(one, why, now))
        }
        (WakeStep::SetCapacity(input), _) => {
            recreate::set_capacity(clients, &input).await?;
            Ok(Progress::UnderWay("its number of instances is being set"))
        }
        (WakeStep::Complete, Some(there)) => {
            let notes = Box::pin(completing::complete(clients, &blueprint, &there, now)).await?;
            // How long it takes is known of what the guard has created.
            if one.hibernation.is_created_by_guard {
                one.hibernation.took = Some(Duration::seconds(now.duration_since(one.hibernation.at).as_secs()));
            }
            one.hibernation.failed = None;
            one.hibernation.reach(HibernationStage::Awake, now);
            Ok(Progress::Awake(notes))
        }
        (WakeStep::Replaced | WakeStep::Complete, _) => {
            // What was stored is of no use any more.
            (one.hibernation.failed, one.hibernation.first_created) = (None, now);
            one.hibernation.reach(HibernationStage::Awake, now);
            Ok(Progress::Replaced)
        }
    }
}

fn failed(one: &mut SleepingEndpoint, why: String, now: Timestamp) -> Progress {
    one.hibernation = one.hibernation.failing(why.clone(), now);
    Progress::Failed(why)
}
