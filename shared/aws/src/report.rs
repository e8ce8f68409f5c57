//! The report of a run, which is returned and logged as one line of JSON, and its metrics in CloudWatch's embedded metric format.

use std::collections::BTreeMap;

use cost_rules::{
    facts::{Facts, Unread},
    inference::{Given, Sharing, options_json, shared_json},
    plan::{Entry, Outcome, Plan, Planned, State, Step},
    policy::Policy,
    remedy::Remedy,
    resource::{Kind, Resource},
    rulebook::{Exempted, Judgement},
    text::{lines, one_line},
};
use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// The most findings that the report lists. `total-findings` has the full number.
const FINDINGS_SHOWN: usize = 500;

/// The most endpoints whose options the report lists.
const OPTIONS_SHOWN: usize = 50;

/// How many metrics `CloudWatch` returns for one USD (aws-facts §4).
const METRICS_PER_USD: f64 = 100_000.0;

/// The most failures that the function's error lists.
const FAILURES_TOLD: usize = 20;

/// What one run found and did.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The function's name.
    pub function: String,
    /// Whether this was a dry run: no action, no mail, and no write to the ledger.
    pub dry_run: bool,
    /// How many resources were examined, by kind.
    pub examined: BTreeMap<&'static str, usize>,
    /// The findings. The report's JSON lists at most 500 of them.
    #[serde(serialize_with = "shown")]
    pub findings: Vec<ReportedFinding>,
    /// The actions that were due, and how each ended.
    pub actions: Vec<ReportedAction>,
    /// How many actions were due but held back for the next run.
    pub held_back: usize,
    /// What could not be read, and why.
    #[serde(serialize_with = "unread")]
    pub unread: Vec<Unread>,
    /// How many mails were sent.
    pub notified: usize,
    /// How many resources wait for their owner's next daily mail or weekly summary.
    pub waiting: usize,
    /// How many findings there are, including exempt ones.
    pub total_findings: usize,
    /// The tag coverage of resources and of spend. `None`: the function does not measure it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Value>,
    /// The ways of serving endpoints that were compared, of at most 50 endpoints. Empty: the function compares none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serving: Vec<Value>,
    /// The cost reports that were made, with their numbers. Empty: none was due, or the function makes none.
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "cost-report")]
    pub cost_reports: Vec<Value>,
    /// What could be committed to. `None`: the function does not look at that.
    #[serde(skip_serializing_if = "Option::is_none", rename = "savings-plan")]
    pub savings_plan: Option<Value>,
    /// What this run's requests to Cost Explorer or `CloudWatch` cost, in USD. `None`: the function does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Further metrics, beside those that every function has: one log line each.
    #[serde(skip)]
    pub more_metrics: Vec<Value>,
    /// Failures that somebody has to look at, such as failed actions and mails. They are not in the report's JSON: the function's error lists them.
    #[serde(skip)]
    pub failures: Vec<String>,
    /// Of those that are failed actions: the ARN of the resource, by the failure's text.
    #[serde(skip)]
    pub failed_resources: BTreeMap<String, String>,
    /// Whether this was a complete run that could do its work. Only such a run writes the `Heartbeat` metric.
    #[serde(skip)]
    pub is_whole: bool,
    /// What the findings that are neither exempt nor stopped cost, in USD per month. Each resource counts once.
    #[serde(skip)]
    pub waste_usd_per_month: Decimal,
    /// What the resources that this run stopped cost, in USD per month. Each counts once; jobs, which end by themselves, do not count.
    #[serde(skip)]
    pub stopped_usd_per_month: Decimal,
}

/// A finding in the report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReportedFinding {
    /// The rule's name.
    pub rule: &'static str,
    /// The resource's ARN, or its id if the ARN is not known.
    pub resource: String,
    /// The resource's name.
    pub name: String,
    /// The owner. `None`: not known.
    pub owner: Option<String>,
    /// The team. `None`: not known.
    pub team: Option<String>,
    /// Why it is waste, or why it is exempt.
    pub reason: String,
    /// What it costs in USD per month, rounded to the cent. `None`: no price is known, or it is exempt.
    pub monthly_cost_usd: Option<f64>,
    /// The action that the rule may take, or `none`.
    pub remedy: &'static str,
    /// `reported`, `warned`, `acting`, `acted`, `exempt` or `held-back`.
    pub state: &'static str,
}

impl ReportedFinding {
    fn of(planned: &Planned, policy: &Policy) -> Self {
        let Planned { finding, .. } = planned;
        Self {
            rule: finding.rule,
            resource: one_line(finding.resource.arn_or_id()),
            name: one_line(&finding.resource.name),
            owner: finding.owner.clone(),
            team: finding.team.clone(),
            reason: one_line(&finding.waste.reason.with_zone(&policy.calendar.zone)),
            monthly_cost_usd: finding.waste.usd_per_month.and_then(cents),
            remedy: finding.waste.remedy.action(),
            state: state(planned),
        }
    }

    /// An exempt resource with the reason: the report shows that it was examined.
    fn exempted(one: &Exempted) -> Self {
        Self {
            rule: one.rule,
            resource: one_line(one.resource.arn_or_id()),
            name: one_line(&one.resource.name),
            owner: one.owner.clone(),
            team: one.team.clone(),
            reason: one_line(&format!("left alone: {}", one.why)),
            monthly_cost_usd: None,
            remedy: Remedy::None.action(),
            state: "exempt",
        }
    }
}

/// The state of a finding, as the report spells it.
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
    /// The resource's ARN, or its id if the ARN is not known.
    pub resource: String,
    /// `done`, `already-done`, `skipped`, `failed`; in a dry run `planned`.
    pub outcome: &'static str,
    /// Details, such as the reason of a failure; may be empty.
    pub detail: String,
}

impl ReportedAction {
    /// An action that was tried, or that is only planned.
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
    /// The report of a run that has done nothing yet.
    pub fn new(function: &str, dry_run: bool) -> Self {
        Self { function: function.to_owned(), dry_run, ..Self::default() }
    }

    /// Adds what was examined and what could not be read. `entries`: the ledger's entries, if the ledger was read.
    pub(crate) fn read(&mut self, facts: &Facts, judgement: &Judgement, entries: Option<&[Entry]>) {
        self.examined = examined(facts);
        let unreadable = entries.into_iter().flatten().filter(|entry| entry.state == State::Unreadable).map(unreadable);
        self.unread.extend(facts.reading.unread.iter().chain(&judgement.unknown).cloned().chain(unreadable));
    }

    /// Adds the findings and the actions of the plan, with their outcomes.
    pub(crate) fn done(&mut self, plan: &Plan, judgement: &Judgement, policy: &Policy) {
        self.actions = plan.due().into_iter().map(ReportedAction::of).collect();
        self.waste_usd_per_month = waste_usd_per_month(&plan.planned);
        self.stopped_usd_per_month = stopped_usd_per_month(&plan.planned);
        self.total_findings = plan.planned.len() + judgement.exempted.len();
        let exempted = judgement.exempted.iter().map(ReportedFinding::exempted);
        self.findings = plan.planned.iter().map(|one| ReportedFinding::of(one, policy)).chain(exempted).collect();
    }

    /// Adds what the metrics that `CloudWatch` was asked for cost.
    pub fn add_metrics_read(&mut self, metrics: usize) {
        self.cost_usd = Some(f64::from(u32::try_from(metrics).unwrap_or(u32::MAX)) / METRICS_PER_USD);
    }

    /// Adds what requests to Cost Explorer cost.
    pub fn add_requests(&mut self, requests: u32) {
        let usd = self.cost_usd.unwrap_or_default() + f64::from(requests) / 100.0;
        self.cost_usd = Some(usd).filter(|usd| 0.0 < *usd);
    }

    /// Adds the options that were compared: of the endpoints for which one is recommended, or of all.
    pub fn add_options(&mut self, facts: &Facts, is_of_all: bool) {
        let given = facts.hosted.iter().filter_map(|one| Some((&one.endpoint.resource, one.advice.given()?)));
        let told = given.filter(|(_, given)| is_of_all || given.best.is_some() || given.sharing.is_shared());
        let options = |(resource, given): (&Resource, &Given)| {
            let mut one = json!({"resource": resource.arn_or_id(), "name": resource.name});
            one["options"] = options_json(&given.estimates);
            one["recommended"] = json!(given.recommended().map(|one| one.option.name()));
            match &given.sharing {
                Sharing::Alone => {}
                Sharing::First(shared) => one["multi-model"] = shared_json(shared),
                Sharing::Of(first) => one["multi-model-with"] = json!(first),
            }
            one
        };
        self.serving = told.take(OPTIONS_SHOWN).map(options).collect();
    }

    /// Logs the report and the metrics, one line each. Returns the report's JSON, or an error if something failed that somebody has to look at.
    ///
    /// # Errors
    /// An action, a mail or a write failed. The error lists the failures, one per line.
    pub fn finish(&self, now: Timestamp) -> anyhow::Result<Value> {
        // One line each, because Logs Insights discovers only the first 200 fields of the report's JSON.
        for one in &self.unread {
            lambda_runtime::tracing::info!(unread = one.what, why = one.why);
        }
        let report = as_text(serde_json::to_value(self)?);
        log_line(&report);
        for line in std::iter::once(&self.metrics(now)).chain(&self.more_metrics) {
            log_line(&as_text(line.clone()));
        }
        let Some(failures) = self.told_failures() else { return Ok(report) };
        anyhow::bail!("the run ended, but not all of it succeeded:\n{failures}")
    }

    /// Adds the metric of confirmed subscriptions that are gone. There is none in other runs, because each hour with a metric costs money.
    pub fn add_lost_subscriptions(&mut self, lost: u64, now: Timestamp) {
        let mut line = metric_line(&[json!({"Name": "SubscriptionsLost", "Unit": "Count"})], &["FunctionName"], &self.function, now);
        line["SubscriptionsLost"] = lost.into();
        self.more_metrics.extend((0 < lost).then_some(line));
    }

    /// The first failures, one per line, and how many more there are. `None`: nothing failed.
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
        let unit = |name: &str| if name == "EstimatedMonthlySavings" { "None" } else { "Count" };
        let names = ["Findings", "Actions", "ActionFailures", "EstimatedMonthlySavings", "Unread"];
        let metrics = names.map(|name| json!({"Name": name, "Unit": unit(name)}));
        // One metric each for all functions: a metric costs $0.30 a month. The dashboard takes those of each function from the log.
        let mut line = metric_line(&metrics, &["Ledger"], &self.function, now);
        line["Ledger"] = std::env::var("COST_GUARD_TABLE").unwrap_or_else(|_| "none".to_owned()).into();
        // Only a complete run that did its work writes the heartbeat: without it, an alarm goes off.
        if self.is_whole
            && let Some(directives) = line["_aws"]["CloudWatchMetrics"].as_array_mut()
        {
            directives.push(directive(&[json!({"Name": "Heartbeat", "Unit": "Count"})], &["FunctionName"]));
        }
        line["Findings"] = self.total_findings.into();
        line["Actions"] = done.into();
        line["ActionFailures"] = failed.into();
        line["EstimatedMonthlySavings"] = cents(self.stopped_usd_per_month).into();
        line["Unread"] = self.unread.len().into();
        line["Heartbeat"] = 1.into();
        // These are not metrics, because each metric costs money per month: the dashboard reads them from the log.
        line["Whole"] = u8::from(self.is_whole).into();
        line["EstimatedMonthlyWaste"] = cents(self.waste_usd_per_month).into();
        line["HeldBack"] = self.held_back.into();
        if let Some(usd) = self.cost_usd {
            line["ReadingUsd"] = usd.into();
        }
        line
    }
}

/// Declares metrics with these dimensions.
fn directive(metrics: &[Value], dimensions: &[&str]) -> Value {
    json!({"Namespace": "CostGuard", "Dimensions": [dimensions], "Metrics": metrics})
}

/// A line in the embedded metric format that declares these metrics and dimensions. The caller adds their values, except for `FunctionName`.
fn metric_line(metrics: &[Value], dimensions: &[&str], function: &str, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [directive(metrics, dimensions)],
        },
        "Function": function,
        // The deployed function's name, which differs between stacks.
        "FunctionName": std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| function.to_owned()),
    })
}

/// A metric in percent, with an optional dimension beside `FunctionName`.
pub(crate) fn percent_line(metric: &str, percent: Decimal, dimension: Option<(&str, &str)>, function: &str, now: Timestamp) -> Value {
    let dimensions: Vec<&str> = std::iter::once("FunctionName").chain(dimension.map(|(name, _)| name)).collect();
    let mut line = metric_line(&[json!({"Name": metric, "Unit": "Percent"})], &dimensions, function, now);
    line[metric] = cents(percent).into();
    if let Some((name, value)) = dimension {
        line[name] = value.into();
    }
    line
}

/// The same with what others wrote as text: JSON escapes line breaks, but not all that a terminal or a viewer obeys.
fn as_text(value: Value) -> Value {
    match value {
        Value::String(text) => lines(&text).into(),
        Value::Array(values) => values.into_iter().map(as_text).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (lines(&key), as_text(value))).collect()),
        other => other,
    }
}

#[expect(clippy::print_stdout, reason = "Lambda takes a function's log and its embedded metrics from standard output")]
fn log_line(line: &Value) {
    println!("{line}");
}

fn shown<S: Serializer>(findings: &[ReportedFinding], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().take(FINDINGS_SHOWN))
}

fn unread<S: Serializer>(unread: &[Unread], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(unread.iter().map(|one| json!({"what": one.what, "why": one.why})))
}

/// Rounds to the cent, as a number for JSON.
pub fn cents(usd: Decimal) -> Option<f64> {
    usd.round_dp(2).to_f64()
}

/// What the resources that are neither exempt nor stopped cost, in USD per month. Findings about the account (budgets, spend, tag keys) do not count: their
/// cost is the cost of resources.
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
    // A stopped job does not count: it would have ended by itself.
    let is_stopped = |one: &&Planned| {
        one.step == Step::Act && one.outcome == Some(Outcome::Done) && !one.finding.resource.kind().is_some_and(Kind::ends_by_itself)
    };
    each_once(planned.iter().filter(is_stopped))
}

/// The sum over the resources. Of several findings about a resource, the most expensive one counts.
fn each_once<'a>(planned: impl Iterator<Item = &'a Planned>) -> Decimal {
    let mut by_resource: BTreeMap<&str, Decimal> = BTreeMap::new();
    for (id, usd) in planned.filter_map(|one| Some((one.finding.resource.id.as_str(), one.finding.waste.usd_per_month?))) {
        let most = by_resource.entry(id).or_default();
        *most = usd.max(*most);
    }
    by_resource.values().sum()
}

/// How many resources were examined, by kind. A kind that was read completely but has no resources is present with 0; a kind that was not read is absent.
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
    Unread::new(
        format!("what the ledger says of {} ({}): it is left alone", entry.id, entry.rule),
        entry.failure.clone().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_forges_no_line_and_steers_no_terminal() {
        let hostile = "churn\n{\"function\":\"other\"}\u{1b}[2J\u{9b}2J\u{202e}\u{2028}";
        let report = as_text(json!({"findings": [{"reason": hostile}], "by-team": {hostile: 1}}));
        let line = report.to_string();
        assert!(!line.contains(|c: char| c.is_control() || "\u{202e}\u{2028}".contains(c)), "{line}");
        assert_eq!(report["findings"][0]["reason"], "churn\n{\"function\":\"other\"}\u{fffd}[2J\u{fffd}2J\u{fffd}\u{fffd}");
    }
}
