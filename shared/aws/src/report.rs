//! What a run did: returned, and logged as one line of JSON; and its metrics, in CloudWatch's embedded metric format.

use std::collections::BTreeMap;

use cost_rules::{
    facts::{Facts, Unread},
    plan::{Entry, Outcome, Plan, Planned, State, Step},
    remedy::Remedy,
    resource::{Kind, Resource},
    rulebook::{Exempted, Judgement},
};
use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// How many findings the report names. `total-findings` has the true count.
pub const FINDINGS_SHOWN: usize = 500;

/// How many failures the function's error names.
const FAILURES_TOLD: usize = 20;

/// What a run did.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The function.
    pub function: String,
    /// Whether nothing was done, mailed and written on purpose.
    pub dry_run: bool,
    /// How many resources were looked at, by kind.
    pub examined: BTreeMap<&'static str, usize>,
    /// At most 500 of the findings.
    pub findings: Vec<ReportedFinding>,
    /// What was done, and how it ended.
    pub actions: Vec<ReportedAction>,
    /// How many actions were due but held back for the next run.
    pub held_back: usize,
    /// What could not be read.
    #[serde(serialize_with = "unread")]
    pub unread: Vec<Unread>,
    /// How many owners were mailed.
    pub notified: usize,
    /// How many findings there are.
    pub total_findings: usize,
    /// What share of the resources and of the dollars is tagged, where the function counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Value>,
    /// What asking Cost Explorer cost in this run, in USD, where the function does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Metrics beside those of every function, each a line.
    #[serde(skip)]
    pub more_metrics: Vec<Value>,
    /// What went wrong and needs somebody: enforcement or mails that failed. Not part of the contract's fields; the function fails with it.
    #[serde(skip)]
    pub failures: Vec<String>,
    /// Whether this run was for everything and could do its work: what the dead man's switch listens for.
    #[serde(skip)]
    pub is_whole: bool,
    /// USD per month of all that was found and is not left alone, each resource once.
    #[serde(skip)]
    pub waste_usd_per_month: Decimal,
    /// USD per month of what was stopped, each resource once.
    #[serde(skip)]
    pub stopped_usd_per_month: Decimal,
}

/// A finding in the report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReportedFinding {
    /// The rule's name.
    pub rule: &'static str,
    /// The resource's ARN.
    pub resource: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// Why it is waste.
    pub reason: String,
    /// What it costs, to the cent; null: no price known.
    pub monthly_cost_usd: Option<f64>,
    /// The action that the rule may take, or `none`.
    pub remedy: &'static str,
    /// `reported`, `warned`, `acting`, `acted`, `exempt` or `held-back`.
    pub state: &'static str,
}

impl ReportedFinding {
    fn of(planned: &Planned) -> Self {
        let Planned { finding, .. } = planned;
        Self {
            rule: finding.rule,
            resource: finding.resource.arn_or_id().to_owned(),
            name: finding.resource.name.clone(),
            owner: finding.owner.clone(),
            team: finding.team.clone(),
            reason: finding.waste.reason.clone(),
            monthly_cost_usd: finding.waste.usd_per_month.and_then(cents),
            remedy: finding.waste.remedy.action(),
            state: state(planned),
        }
    }

    /// What was left alone, and why: a person sees that it was looked at.
    fn exempted(one: &Exempted) -> Self {
        Self {
            rule: one.rule,
            resource: one.resource.arn_or_id().to_owned(),
            name: one.resource.name.clone(),
            owner: one.owner.clone(),
            team: one.team.clone(),
            reason: format!("left alone: {}", one.why),
            monthly_cost_usd: None,
            remedy: Remedy::None.action(),
            state: "exempt",
        }
    }
}

/// How far a finding has come, as the report spells it.
fn state(planned: &Planned) -> &'static str {
    match planned.step {
        Step::Exempt => "exempt",
        Step::HoldBack => "held-back",
        Step::Report | Step::Remind | Step::Escalate => "reported",
        Step::Warn => "warned",
        Step::Act => match &planned.outcome {
            Some(outcome) if outcome.is_over() => "acted",
            Some(Outcome::Skipped(_)) => "warned",
            Some(Outcome::GivenUp(_)) => "reported",
            _ => "acting",
        },
        Step::Wait => match planned.entry.state {
            State::Warned => "warned",
            State::Acting => "acting",
            State::Acted => "acted",
            State::Exempt => "exempt",
            State::Reported | State::GivenUp | State::Closed | State::Unreadable => "reported",
        },
    }
}

/// An action in the report.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedAction {
    /// What was done: `stop-notebook-instance`, `delete-app`, `resubmit-as-spot`, …
    pub action: &'static str,
    /// The resource's ARN.
    pub resource: String,
    /// `done`, `already-done`, `skipped`, `failed`; in a dry run `planned`.
    pub outcome: &'static str,
    /// Why, where there is something to say.
    pub detail: String,
}

impl ReportedAction {
    /// One that was tried, or is only planned.
    fn of(planned: &Planned) -> Self {
        let outcome = planned.outcome.as_ref();
        Self {
            action: planned.finding.waste.remedy.action(),
            resource: planned.finding.resource.arn_or_id().to_owned(),
            outcome: outcome.map_or("planned", Outcome::name),
            detail: outcome.map_or("", Outcome::detail).to_owned(),
        }
    }
}

impl Report {
    /// Of a run that has done nothing yet.
    pub(crate) fn new(function: &str, dry_run: bool) -> Self {
        Self { function: function.to_owned(), dry_run, ..Self::default() }
    }

    /// What was read and judged. `entries`: what the ledger says, if it was read.
    pub(crate) fn read(&mut self, facts: &Facts, judgement: &Judgement, entries: Option<&[Entry]>) {
        self.examined = examined(facts);
        let unreadable = entries.into_iter().flatten().filter(|entry| entry.state == State::Unreadable).map(unreadable);
        self.unread.extend(facts.reading.unread.iter().chain(&judgement.unknown).cloned().chain(unreadable));
    }

    /// What was planned, and what became of it.
    pub(crate) fn done(&mut self, plan: &Plan, judgement: &Judgement) {
        self.actions = plan.due().into_iter().map(ReportedAction::of).collect();
        self.waste_usd_per_month = waste_usd_per_month(&plan.planned);
        self.stopped_usd_per_month = stopped_usd_per_month(&plan.planned);
        self.total_findings = plan.planned.len() + judgement.exempted.len();
        let exempted = judgement.exempted.iter().map(ReportedFinding::exempted);
        self.findings = plan.planned.iter().map(ReportedFinding::of).chain(exempted).take(FINDINGS_SHOWN).collect();
    }

    /// Logs the report and the metrics, each as one line, and fails if somebody has to look.
    ///
    /// # Errors
    /// An enforcement or a mail failed: all of them, one line each.
    pub fn finish(&self, now: Timestamp) -> anyhow::Result<Value> {
        // A line for each: of a report's JSON, Logs Insights knows the first 200 fields only.
        for one in &self.unread {
            lambda_runtime::tracing::info!(unread = one.what, why = one.why);
        }
        let report = serde_json::to_value(self)?;
        log_line(&report);
        for line in std::iter::once(&self.metrics(now)).chain(&self.more_metrics) {
            log_line(line);
        }
        let Some(failures) = self.told_failures() else { return Ok(report) };
        anyhow::bail!("the run ended, but not all of it succeeded:\n{failures}")
    }

    /// As many as a person reads.
    fn told_failures(&self) -> Option<String> {
        let mut lines: Vec<String> = self.failures.iter().take(FAILURES_TOLD).cloned().collect();
        if FAILURES_TOLD < self.failures.len() {
            lines.push(format!("… and {} more", self.failures.len() - FAILURES_TOLD));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn metrics(&self, now: Timestamp) -> Value {
        let failed = self.actions.iter().filter(|action| action.outcome == "failed").count();
        let done = self.actions.iter().filter(|action| matches!(action.outcome, "done" | "already-done")).count();
        let mut names = vec!["Findings", "Actions", "ActionFailures", "EstimatedMonthlySavings", "Unread"];
        // Only a run for everything that did its work is a sign of life: who listens hears when there is none.
        names.extend(self.is_whole.then_some("Heartbeat"));
        let unit = |name: &str| if name == "EstimatedMonthlySavings" { "None" } else { "Count" };
        let metrics: Vec<Value> = names.into_iter().map(|name| json!({"Name": name, "Unit": unit(name)})).collect();
        let mut line = metric_line(&metrics, &["FunctionName"], &self.function, now);
        line["Findings"] = self.total_findings.into();
        line["Actions"] = done.into();
        line["ActionFailures"] = failed.into();
        line["EstimatedMonthlySavings"] = cents(self.stopped_usd_per_month).into();
        line["Unread"] = self.unread.len().into();
        line["Heartbeat"] = 1.into();
        // Not metrics, which cost by the month: the dashboard reads them from the log.
        line["Whole"] = u8::from(self.is_whole).into();
        line["EstimatedMonthlyWaste"] = cents(self.waste_usd_per_month).into();
        line["HeldBack"] = self.held_back.into();
        if let Some(usd) = self.cost_usd {
            line["CostExplorerUsd"] = usd.into();
        }
        line
    }
}

/// A line in the embedded metric format: these metrics with these dimensions, whose values are for the caller to add, but the function's.
fn metric_line(metrics: &[Value], dimensions: &[&str], function: &str, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": "CostGuard", "Dimensions": [dimensions], "Metrics": metrics}],
        },
        "Function": function,
        // Two stacks in one account have functions of two names.
        "FunctionName": std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| function.to_owned()),
    })
}

/// A metric in percent, with a dimension beside the function's.
pub(crate) fn percent_line(metric: &str, percent: Decimal, dimension: Option<(&str, &str)>, function: &str, now: Timestamp) -> Value {
    let dimensions: Vec<&str> = std::iter::once("FunctionName").chain(dimension.map(|(name, _)| name)).collect();
    let mut line = metric_line(&[json!({"Name": metric, "Unit": "Percent"})], &dimensions, function, now);
    line[metric] = cents(percent).into();
    if let Some((name, value)) = dimension {
        line[name] = value.into();
    }
    line
}

#[expect(clippy::print_stdout, reason = "Lambda takes a function's log and its embedded metrics from standard output")]
fn log_line(line: &Value) {
    println!("{line}");
}

fn unread<S: Serializer>(unread: &[Unread], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(unread.iter().map(|one| json!({"what": one.what, "why": one.why})))
}

/// To the cent, as a JSON number.
pub fn cents(usd: Decimal) -> Option<f64> {
    usd.round_dp(2).to_f64()
}

/// Of the resources that are neither exempt nor stopped now. What is found of the bill (budgets, spend, tags) is the cost of resources too.
fn waste_usd_per_month(planned: &[Planned]) -> Decimal {
    let is_wasted = |one: &&Planned| {
        one.finding.resource.kind().is_some_and(|kind| !kind.is_of_the_account())
            && one.step != Step::Exempt
            && one.entry.state != State::Exempt
            && !one.outcome.as_ref().is_some_and(Outcome::is_over)
    };
    each_once(planned.iter().filter(is_wasted))
}

fn stopped_usd_per_month(planned: &[Planned]) -> Decimal {
    // A job would have come to its end by itself.
    let is_stopped = |one: &&Planned| {
        one.step == Step::Act && one.outcome == Some(Outcome::Done) && !one.finding.resource.kind().is_some_and(Kind::ends_by_itself)
    };
    each_once(planned.iter().filter(is_stopped))
}

/// The sum over the resources, of the most that is said of each.
fn each_once<'a>(planned: impl Iterator<Item = &'a Planned>) -> Decimal {
    let mut by_resource: BTreeMap<&str, Decimal> = BTreeMap::new();
    for (id, usd) in planned.filter_map(|one| Some((one.finding.resource.id.as_str(), one.finding.waste.usd_per_month?))) {
        let most = by_resource.entry(id).or_default();
        *most = usd.max(*most);
    }
    by_resource.values().sum()
}

/// How many were looked at, by kind: a kind that was read in full and has none is told from one that was not read.
fn examined(facts: &Facts) -> BTreeMap<&'static str, usize> {
    let reading = &facts.reading;
    let mut counts: BTreeMap<&'static str, usize> = reading.complete.iter().map(|kind| (kind.as_str(), 0)).collect();
    for kind in facts.resources().filter_map(Resource::kind).filter(|kind| !reading.looked_at.contains_key(kind)) {
        *counts.entry(kind.as_str()).or_default() += 1;
    }
    counts.extend(reading.looked_at.iter().map(|(kind, count)| (kind.as_str(), *count)));
    counts
}

fn unreadable(entry: &Entry) -> Unread {
    Unread {
        what: format!("what the ledger says of {} ({}): it is left alone", entry.id, entry.rule),
        why: entry.failure.clone().unwrap_or_default(),
    }
}
