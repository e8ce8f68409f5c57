//! The report as a mail: the whole summary as plain text, because a link may be dead or not allowed when it is read.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use crate::{
    mail::{Audience, Digest, MailContext, PLATFORM, closing, section},
    report::{
        Ask, AverageDay, Budget, Cause, Change, CostReport, Forecast, Hours, LACKS_CHARGES, Line, Money, NEVER_COVERED, NOT_SURE,
        ReportPeriod, without,
    },
    rules::verdict::Severity,
    vocabulary::{
        period::day_of,
        price::dollars,
        resource::{UNOWNED, of_owner},
        text::one_line,
    },
};

/// The longest body in bytes, so that it fits into one SNS message with its attributes.
const BODY: usize = 200 * 1024;

/// The longest subject.
const SUBJECT: usize = 99;

/// Where the page was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In a bucket: the console's link to it, and the command that copies it.
    Page {
        /// The link of the AWS console.
        console: String,
        /// The command of the AWS CLI.
        command: String,
    },
    /// Nowhere, for this reason.
    Nowhere(String),
}

impl Change {
    /// `, $120.00 (11 %) more than the week before`; of a month of another length only `more`: the head says with what it is compared. Empty: the two are not compared.
    fn words(&self, period: ReportPeriod) -> String {
        let Some(difference) = self.by_days_of(period).difference() else { return String::new() };
        let percent = self.percent(period).map_or_else(String::new, |percent| format!(" ({} %)", percent.abs()));
        let by = |word: &str| if period.is_of_other_length() { String::new() } else { format!(" {word} {}", period.before_words()) };
        match difference.0 {
            difference if difference.round_dp(2).is_zero() => format!(", as much{}", by("as")),
            difference if difference < Decimal::ZERO => format!(", {}{percent} less{}", dollars(-difference), by("than")),
            difference => format!(", {}{percent} more{}", dollars(difference), by("than")),
        }
    }
}

/// The mail about a report.
pub fn mail(report: &CostReport, stored: &Stored, context: &MailContext<'_>) -> Digest {
    let owner = context.policy.report.to.clone().unwrap_or_else(|| PLATFORM.to_owned());
    let mut body = head(report);
    section(&mut body, "why", causes(report));
    section(&mut body, "what to do", asks(report));
    let as_of = |title: &str| format!("{title} as of {}", day_of(report.made));
    section(&mut body, &as_of("what needs a decision"), decisions(report));
    budgets(&mut body, report);
    guard(&mut body, report);
    section(&mut body, "by component", report.components.iter().map(|line| spent(line.component.words(), &line.spent, report)).collect());
    section(&mut body, "by team", lines(&report.teams, report));
    if 1 < report.accounts.len() {
        section(&mut body, "by account", lines(&report.accounts, report));
    }
    section(&mut body, "training on spot", spot(report));
    section(&mut body, "savings plans", savings_plans(report));
    section(
        &mut body,
        &as_of("asleep"),
        report.sleeping.iter().map(|one| format!("endpoint {} since {}. Wake it: {}", one.name, one.since, one.wake)).collect(),
    );
    section(&mut body, "would cost less served another way", inference(report));
    section(&mut body, "how this is counted", method(report));
    section(&mut body, "the whole report", whole(stored));
    body += &closing(&owner, context);
    Digest {
        audience: if owner == PLATFORM { Audience::Platform } else { Audience::OwnerAndPlatform },
        owner,
        functions: vec![context.function.to_owned()],
        teams: vec![UNOWNED.to_owned()],
        severity: Severity::Info,
        subject: subject(report),
        body: cut(body),
        notified: vec![],
        told: None,
    }
}

/// `SageMaker: $1,234.56 in 2026-W47, estimated 11 % more, 12 to decide on ($820.00 a month)`. Without the last amount, if it is too long.
fn subject(report: &CostReport) -> String {
    let is_by_day = report.period.is_of_other_length();
    let a_day = if is_by_day { format!(" a day than {}", report.period.before_words()) } else { String::new() };
    let estimated = if report.method.estimated_days == 0 { "" } else { "estimated " };
    let change = match (report.days_on_the_bill(), report.spent.percent(report.period)) {
        (Some(days), _) => format!(" ({days})"),
        (None, Some(0)) if is_by_day => format!(", as much a day as {}", report.period.before_words()),
        (None, Some(0)) => ", as before".to_owned(),
        (None, Some(percent)) => format!(", {estimated}{} % {}{a_day}", percent.abs(), if percent < 0 { "less" } else { "more" }),
        (None, None) => String::new(),
    };
    let count = report.decisions.len() + report.more_decisions;
    let decisions = if count == 0 { String::new() } else { format!(", {count} to decide on") };
    let subject = format!("SageMaker: {} in {}{change}{decisions}", report.spent.usd, report.period);
    let usd = report.decisions_usd_per_month.filter(|usd| !usd.0.is_zero()).map(|usd| format!(" ({usd} a month)"));
    let usd = usd.filter(|usd| subject.len() + usd.len() <= SUBJECT).unwrap_or_default();
    format!("{subject}{usd}").chars().filter(char::is_ascii).take(SUBJECT).collect()
}

fn head(report: &CostReport) -> String {
    let CostReport { account, period, spent, .. } = report;
    let mut text = format!("SageMaker of account {account} in all Regions, {}.\n\n", period.words());
    let _ = match report.days_on_the_bill() {
        Some(days) => write!(text, "It cost {} on {days}. The other days are not on the bill yet, or could not be read.", spent.usd),
        None => write!(text, "It cost {}{}.", spent.usd, compared(report)),
    };
    for sentence in report.compared_with().iter().chain(&report.not_compared).chain(&report.estimated_days()) {
        let _ = write!(text, " {sentence}.");
    }
    text.push('\n');
    month(&mut text, report);
    text
}

/// The period beside the one before, as the end of a sentence: `, as much as the week before`, `: $91.79 a day, 153 % more than October's $36.28 a day`.
fn compared(report: &CostReport) -> String {
    let Some(day) = report.average_day() else { return report.spent.words(report.period) };
    let AverageDay { usd, before, of, .. } = &day;
    let than = match day.percent {
        None => return format!(": {usd} a day, after {before} a day in {of}"),
        Some(0) => "as much as".to_owned(),
        Some(percent @ 1..) => format!("{percent} % more than"),
        Some(percent) => format!("{} % less than", percent.abs()),
    };
    format!(": {usd} a day, {than} {of}'s {before} a day")
}

/// The month in which the period ends, as far as it says more than the period itself.
fn month(text: &mut String, report: &CostReport) {
    let month = &report.month;
    let so_far = report.month_until().map(|until| format!("{} {until}: {}{}.", month.name, month.usd, without(month.missing_days)));
    let forecast = month.forecast.map(|Forecast { usd, low, high, missing_days }| {
        format!("AWS's forecast of the whole month is {usd} (between {low} and {high}){}.", without(missing_days))
    });
    let sentences: Vec<String> = so_far.into_iter().chain(forecast).collect();
    if !sentences.is_empty() {
        let _ = writeln!(text, "{}", sentences.join(" "));
    }
}

fn budgets(text: &mut String, report: &CostReport) {
    let month = &report.month;
    let line = |budget: &Budget| {
        let name = one_line(&budget.name);
        let forecast = budget.forecast.map_or_else(String::new, |usd| format!(", forecast {usd}"));
        let by_bill = if budget.by_bill { ", by the bill" } else { "" };
        let used_up = if budget.is_used_up() { ", used up" } else { "" };
        match budget.wrong() {
            Some((what, why)) => format!("{name} of {} {what}: {}", budget.limit, one_line(why)),
            None => format!("{name}: {} of {}{used_up}{forecast}{by_bill}", budget.spent, budget.limit),
        }
    };
    section(text, &format!("budgets of {}", month.name), month.budgets.iter().map(line).chain(month.no_budgets()).collect());
    if let Some(day) = report.budgets_read() {
        let by_bill = if month.budgets.iter().any(|one| one.by_bill) { ", unless they say by the bill" } else { "" };
        let _ = writeln!(text, "They were read on {day} and so are without most of that day{by_bill}.");
    }
}

/// `Training on demand, ml.p4d.24xlarge, team vision`
fn of_cause(cause: &Cause) -> String {
    format!("{}, {}, {}", cause.component.words(), one_line(&cause.what), cause.whose())
}

fn causes(report: &CostReport) -> Vec<String> {
    let line = |cause: &Cause| {
        let also = cause.when(report.period).into_iter().chain(cause.known()).fold(String::new(), |all, one| all + ", " + &one);
        format!("{}: {}{also}", of_cause(cause), more_or_less(cause.difference))
    };
    let other = report.other_causes().map(|usd| format!("Everything else: {}", more_or_less(usd)));
    let all = report.all_causes().map(|usd| {
        let percent = report.spent.percent(report.period).map_or_else(String::new, |percent| format!(" ({} %)", percent.abs()));
        format!("In all: {}{percent} than {}", more_or_less(usd), report.period.scaled_words())
    });
    report.causes.iter().map(line).chain(other).chain(all).chain(report.since_then()).collect()
}

/// What to ask about the causes.
fn asks(report: &CostReport) -> Vec<String> {
    let line = |ask: Ask<'_>| format!("{}: {}", of_cause(ask.cause), ask.words);
    report.asks().into_iter().map(line).collect()
}

/// `$12.00 less`
fn more_or_less(usd: Money) -> String {
    format!("{} {}", Money(usd.0.abs()), if usd.0 < Decimal::ZERO { "less" } else { "more" })
}

fn guard(text: &mut String, report: &CostReport) {
    let guard = &report.guard;
    section(text, "what was done", guard.did.iter().map(|one| format!("{}: {}", one.what, one.times)).collect());
    if guard.estimated.0.is_zero() {
        return;
    }
    let savings = guard.savings.iter().map(|one| {
        let confirmed = one.realised.map_or_else(String::new, |usd| format!(", {usd} confirmed"));
        format!("{} of team {}: {} estimated{confirmed}; {}", one.component.words(), one_line(&one.team), one.estimated, one.why)
    });
    section(text, "what that saved", savings.collect());
    if guard.savings.len() == 1 {
        return;
    }
    let _ = write!(text, "Estimated {}, of which the bill confirms {}.", guard.estimated, guard.realised);
    if !guard.open.0.is_zero() {
        let _ = write!(text, " Of {} nothing is known yet.", guard.open);
    }
    text.push('\n');
}

fn decisions(report: &CostReport) -> Vec<String> {
    let line = |one: &super::Decision| {
        let usd = one.usd_per_month.map_or_else(String::new, |usd| format!("{usd} a month, "));
        let to_do = if one.to_do.is_empty() { String::new() } else { format!(": {}", one.to_do) };
        format!("{}{}: {usd}{} ({}){to_do}", one.what, of_owner(&one.owner), one.next, one.why)
    };
    let more = (0 < report.more_decisions).then(|| format!("and {} more", report.more_decisions));
    report.decisions.iter().map(line).chain(more).collect()
}

/// `nlp: $14.00, $2.00 (17 %) more than the week before`
fn spent(name: &str, spent: &Change, report: &CostReport) -> String {
    format!("{}: {}{}", one_line(name), spent.usd, spent.words(report.period))
}

fn lines(lines: &[Line], report: &CostReport) -> Vec<String> {
    lines.iter().map(|line| spent(&line.name, &line.spent, report)).collect()
}

fn spot(report: &CostReport) -> Vec<String> {
    let spot = &report.spot;
    if spot.usd.0.is_zero() && spot.on_demand_usd.0.is_zero() {
        return vec![];
    }
    let part = |usd: Money, hours: Hours, how: &str| match hours.known_of(usd) {
        None => format!("{usd} {how}"),
        Some(_) if usd.0.is_zero() && hours.0.is_zero() => format!("nothing {how}"),
        Some(hours) => format!("{usd} for {hours} hours {how}"),
    };
    let used = format!("{}, {}", part(spot.usd, spot.hours, "on Spot"), part(spot.on_demand_usd, spot.on_demand_hours, "on demand"));
    std::iter::once(used).chain(spot.saved.map(|usd| format!("Spot saved {usd} on the jobs that ended"))).collect()
}

fn savings_plans(report: &CostReport) -> Vec<String> {
    let plans = &report.savings_plans;
    let unused = || plans.unused.map_or_else(|| "not known: no fee of a plan is on this bill".to_owned(), |usd| usd.to_string());
    let owned = plans.is_owned.then(|| {
        [
            format!("covered: {} for use that would cost {} on demand", plans.covered, plans.covered_on_demand),
            format!("unused commitment: {}", unused()),
            format!("use that no plan covers ({NEVER_COVERED}): {}", plans.never_covered),
            format!("use of which it is not sure ({NOT_SURE}): {}", plans.not_sure),
        ]
    });
    owned.into_iter().flatten().chain(plans.buying()).collect()
}

fn inference(report: &CostReport) -> Vec<String> {
    let line = |one: &super::Advice| {
        let saves = one.saves.map_or_else(String::new, |usd| format!(", which would save {usd} a month"));
        format!("{}{}: {}{saves}", one.name, of_owner(&one.owner), one.way)
    };
    report.inference.iter().map(line).collect()
}

fn method(report: &CostReport) -> Vec<String> {
    let method = &report.method;
    let left_out: Vec<String> =
        method.charge_types.iter().filter(|one| !one.is_counted).map(|one| format!("{} {}", one.name, one.billed)).collect();
    let left_out = if left_out.is_empty() { "credits, refunds and tax".to_owned() } else { left_out.join(", ") };
    let billed: Decimal = method.charge_types.iter().map(|one| one.billed.0).sum();
    let mut lines = vec![format!(
        "amortized cost: what a Savings Plan covers counts at its rate, and what of it nobody used is a line of its own. Left out: {left_out}"
    )];
    if method.lacks_charges {
        lines.push(LACKS_CHARGES.to_owned());
    }
    if !method.charge_types.is_empty() {
        lines.push(format!("on the invoice, with all of that: {}", dollars(billed)));
    }
    if 0 < method.estimated_days {
        let days = if method.estimated_days == 1 { "day".to_owned() } else { format!("{} days", method.estimated_days) };
        lines.push(format!("AWS may still correct the last {days}"));
    }
    let priced = |usd: Money| if usd.0.is_zero() { String::new() } else { format!(", {usd}") };
    lines.push(format!(
        "reading for this report: {} requests to Cost Explorer{}; all of the guard's readings in that time: {}{}",
        method.requests_for_this,
        priced(method.cost_of_this),
        method.requests,
        priced(report.guard.own_cost)
    ));
    lines.extend(method.notes.iter().cloned());
    lines.extend(method.unread.iter().map(|one| format!("not read: {}", one_line(one))));
    lines.extend(report.unchecked(&[]));
    lines
}

fn whole(stored: &Stored) -> Vec<String> {
    match stored {
        Stored::Page { console, command } => vec![console.clone(), command.clone()],
        Stored::Nowhere(why) => vec![format!("not stored: {why}")],
    }
}

/// Cuts a body that is too long at a line.
fn cut(mut body: String) -> String {
    if body.len() <= BODY {
        return body;
    }
    let end = (0..=BODY).rev().find(|at| body.is_char_boundary(*at)).unwrap_or_default();
    let end = body.get(..end).and_then(|text| text.rfind('\n')).unwrap_or(end);
    body.truncate(end);
    body + "\n… The rest is in the page.\n"
}
