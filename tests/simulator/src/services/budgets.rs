//! Budgets: the spend of each as of the last time that the bill was read, and the messages about it (aws-facts §6). One file: one small API.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use rust_decimal::{Decimal, RoundingStrategy, dec};
use serde_json::{Value, json};

use crate::{
    estate::{BudgetSpec, HealthSpec, NotificationSpec},
    life::billing::{Filter, Metric, day_of, midnight, number, plus_days, plus_months},
    services::{On, Operation, cost_explorer::Outlook},
    wire::{Refusal, seconds, text, with_token},
    world::{Due, World},
};

pub(crate) const TIME_UNITS: [&str; 5] = ["DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY", "CUSTOM"];
pub(crate) const TYPES: [&str; 6] =
    ["COST", "USAGE", "RI_UTILIZATION", "RI_COVERAGE", "SAVINGS_PLANS_UTILIZATION", "SAVINGS_PLANS_COVERAGE"];
pub(crate) const HEALTH_REASONS: [&str; 4] =
    ["BILLING_VIEW_NO_ACCESS", "BILLING_VIEW_UNHEALTHY", "FILTER_INVALID", "MULTI_YEAR_HISTORICAL_DATA_DISABLED"];
/// The cost types and their defaults (API reference, `CostTypes`).
pub(crate) const COST_TYPES: [(&str, bool); 11] = [
    ("IncludeTax", true),
    ("IncludeSubscription", true),
    ("UseBlended", false),
    ("IncludeRefund", true),
    ("IncludeCredit", true),
    ("IncludeUpfront", true),
    ("IncludeRecurring", true),
    ("IncludeOtherSubscription", true),
    ("IncludeSupport", true),
    ("IncludeDiscount", true),
    ("UseAmortized", false),
];
/// 2087-06-15: AWS's end date of a budget without an end.
const NO_END: f64 = 3_706_473_600.0;
/// The maximum per budget (aws-facts §6).
const MOST_NOTIFICATIONS: usize = 10;

/// All budgets.
#[derive(Default)]
pub(crate) struct Budgets(BTreeMap<String, Budget>);

struct Budget {
    spec: BudgetSpec,
    /// The rows of the bill that it counts.
    filter: Filter,
    /// Its first day, and the first day after it.
    from: Date,
    until: Option<Date>,
    /// When it was created.
    updated: Timestamp,
    notifications: Vec<Notification>,
    /// The numbers of the last time that the bill was read.
    looked: Option<Look>,
}

struct Look {
    at: Timestamp,
    period: (Date, Date),
    actual: Decimal,
    forecast: Option<Decimal>,
}

struct Notification {
    spec: NotificationSpec,
    /// The ARN of the topic; `None`: no topic is notified.
    topic: Option<String>,
    is_alarm: bool,
    /// Whether it counts as notified in this period.
    told: bool,
}

/// A budget, as of the last time that Budgets read the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// Its name.
    pub name: String,
    /// When Budgets last read the bill.
    pub at: Timestamp,
    /// The first day of the period.
    pub from: Date,
    /// The first day after it.
    pub until: Date,
    /// The limit, in the budget's unit.
    pub limit: Decimal,
    /// The actual spend of the period.
    pub actual: Decimal,
    /// The forecast for the period; `None`: there is none, for example because there is too little history.
    pub forecast: Option<Decimal>,
    /// For each notification, whether its threshold is exceeded.
    pub alarms: Vec<bool>,
}

impl Budgets {
    pub(crate) fn states(&self) -> Vec<BudgetState> {
        let state = |budget: &Budget| {
            let look = budget.looked.as_ref()?;
            Some(BudgetState {
                name: budget.spec.name.clone(),
                at: look.at,
                from: look.period.0,
                until: look.period.1,
                limit: budget.limit(look.period.0),
                actual: look.actual,
                forecast: look.forecast,
                alarms: budget.notifications.iter().map(|one| one.is_alarm).collect(),
            })
        };
        self.0.values().filter_map(state).collect()
    }
}

impl Budget {
    /// The period that contains a day: its first day, and the first day after it.
    fn period(&self, day: Date) -> (Date, Date) {
        let month = day.first_of_month();
        match self.spec.time_unit.as_str() {
            "DAILY" => (day, plus_days(day, 1)),
            "QUARTERLY" => {
                let start = plus_months(month, -i64::from((month.month() - 1) % 3));
                (start, plus_months(start, 3))
            }
            "ANNUALLY" => (day.first_of_year(), plus_months(day.first_of_year(), 12)),
            "CUSTOM" => (self.from, self.until.unwrap_or(Date::MAX)),
            _ => (month, plus_months(month, 1)),
        }
    }

    /// The limit of the period that begins on a day. The last planned limit stays in force.
    fn limit(&self, start: Date) -> Decimal {
        let planned = self.spec.planned.range(..=start).next_back().or_else(|| self.spec.planned.iter().next());
        self.spec.amount.or(planned.map(|(_, amount)| *amount)).unwrap_or_default()
    }

    fn is_usage(&self) -> bool {
        self.spec.budget_type == "USAGE"
    }

    /// What it counts.
    fn metric(&self) -> Metric {
        let is_amortized = || {
            let by_type = self.spec.cost_types.get("UseAmortized") == Some(&true);
            by_type || self.spec.metrics.iter().any(|metric| metric.ends_with("AmortizedCost"))
        };
        match () {
            () if self.is_usage() => Metric::Quantity,
            () if is_amortized() => Metric::Amortized,
            () => Metric::Unblended,
        }
    }

    /// The spend from one day to another. It is never negative, even if credits outweigh the costs.
    fn spent(&self, world: &World, from: Date, until: Date) -> Decimal {
        if let Some(actual) = self.spec.actual {
            return actual;
        }
        let days = world.billing.daily(from, until, &self.filter);
        let sum: Decimal = days.values().map(|amount| amount.of(self.metric())).sum();
        sum.max(Decimal::ZERO).round_dp(3)
    }

    /// The spend expected by the end of a period; `None`: there is too little history, or AWS has no forecast for this budget.
    fn forecast(&self, world: &World, (from, until): (Date, Date)) -> Option<Decimal> {
        if self.spec.forecast.is_some() {
            return self.spec.forecast;
        }
        // Daily budgets have no forecast.
        if self.spec.time_unit == "DAILY" || self.spec.actual.is_some() {
            return None;
        }
        let outlook = Outlook::of(world, &self.filter, self.metric())?;
        let today = day_of(world.billing.settled()).max(from);
        let so_far = self.spent(world, from, today) + self.spent(world, today, plus_days(today, 1)).max(outlook.expected(today));
        let rest = (1..).map(|offset| plus_days(today, offset)).take_while(|day| *day < until);
        Some((so_far + rest.map(|day| outlook.expected(day)).sum::<Decimal>()).max(Decimal::ZERO).round_dp(3))
    }

    fn json(&self, with_expression: bool) -> Value {
        let spec = &self.spec;
        let spend = |amount: Decimal| json!({"Amount": plain(amount), "Unit": spec.unit});
        let start = self.looked.as_ref().map_or(self.from, |look| look.period.0);
        let mut budget = json!({
            "BudgetName": spec.name, "BudgetType": spec.budget_type, "TimeUnit": spec.time_unit,
            "TimePeriod": {"Start": seconds(midnight(self.from)), "End": self.until.map_or(NO_END, |until| seconds(midnight(until)))},
            "LastUpdatedTime": seconds(self.updated), "BudgetLimit": spend(self.limit(start)),
        });
        if let Some(look) = &self.looked {
            budget["CalculatedSpend"] = json!({"ActualSpend": spend(look.actual)});
            if let Some(forecast) = look.forecast {
                budget["CalculatedSpend"]["ForecastedSpend"] = spend(forecast);
            }
        }
        if !spec.planned.is_empty() {
            let planned = spec.planned.iter().map(|(day, amount)| (midnight(*day).as_second().to_string(), spend(*amount)));
            budget["PlannedBudgetLimits"] = planned.collect();
        }
        match &spec.filter_expression {
            Some(expression) if with_expression => budget["FilterExpression"] = expression.clone(),
            Some(_) => {}
            None => budget["CostFilters"] = json!(spec.cost_filters),
        }
        if !spec.metrics.is_empty() {
            budget["Metrics"] = json!(spec.metrics);
        }
        if spec.budget_type == "COST" && spec.filter_expression.is_none() {
            let types = COST_TYPES.map(|(name, default)| (name, spec.cost_types.get(name).copied().unwrap_or(default)));
            budget["CostTypes"] = json!(BTreeMap::from(types));
        }
        let healthy = HealthSpec { status: "HEALTHY".into(), reason: None };
        let health = spec.health.as_ref().unwrap_or(&healthy);
        budget["HealthStatus"] = json!({"Status": health.status, "LastUpdatedTime": seconds(self.updated)});
        if let Some(reason) = &health.reason {
            budget["HealthStatus"]["StatusReason"] = reason.clone().into();
        }
        budget
    }
}

impl Notification {
    /// The amount of the threshold.
    fn bound(&self, limit: Decimal) -> Decimal {
        if self.spec.threshold_type == "ABSOLUTE_VALUE" { self.spec.threshold } else { limit * self.spec.threshold / dec!(100) }
    }

    fn is_passed(&self, value: Decimal, limit: Decimal) -> bool {
        let bound = self.bound(limit);
        match self.spec.operator.as_str() {
            "LESS_THAN" => value < bound,
            "EQUAL_TO" => value == bound,
            _ => bound < value,
        }
    }

    fn json(&self) -> Value {
        json!({
            "NotificationType": self.spec.notification_type, "ComparisonOperator": self.spec.operator, "Threshold": number(self.spec.threshold),
            "ThresholdType": self.spec.threshold_type, "NotificationState": if self.is_alarm { "ALARM" } else { "OK" },
        })
    }
}

/// An amount as Budgets' API writes it.
fn plain(amount: Decimal) -> String {
    let mut amount = amount.normalize();
    if amount.scale() == 0 {
        amount.rescale(1);
    }
    amount.to_string()
}

/// An amount as a message writes it: `$0.59`, `12.5 Hrs`.
fn spoken(amount: Decimal, unit: &str) -> String {
    if unit != "USD" {
        return format!("{} {unit}", amount.round_dp(2).normalize());
    }
    let cents = format!("{:.2}", amount.abs().round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero));
    let (whole, cents) = cents.split_once('.').unwrap_or((&cents, "00"));
    let groups: Vec<&str> = whole.as_bytes().rchunks(3).rev().filter_map(|digits| str::from_utf8(digits).ok()).collect();
    format!("{}${}.{cents}", if amount.is_sign_negative() { "-" } else { "" }, groups.join(","))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

/// Adds a budget of the estate. Thresholds that are exceeded at the start count as already notified.
pub(crate) fn add(world: &mut World, spec: BudgetSpec, topic: Option<&str>) {
    let arn = topic.map(|name| format!("arn:aws:sns:{}:{}:{name}", world.region, world.account));
    let notifications = spec.notifications.iter().map(|one| (one.clone(), arn.clone().filter(|_| one.topic))).collect::<Vec<_>>();
    // The filter was checked when the estate was read. A wrong filter, which only a test's own estate can have, adds no budget.
    let _ = begin(world, spec, notifications);
}

fn begin(world: &mut World, spec: BudgetSpec, notifications: Vec<(NotificationSpec, Option<String>)>) -> Result<(), Refusal> {
    let mut parts = vec![Filter::of_budget(&spec.cost_filters, spec.filter_expression.as_ref())?];
    let excluded = [("IncludeTax", "Tax"), ("IncludeRefund", "Refund"), ("IncludeCredit", "Credit"), ("IncludeSupport", "Support")];
    for (name, record_type) in excluded {
        if spec.cost_types.get(name) == Some(&false) {
            parts.push(Filter::Not(Box::new(Filter::Dimension("RECORD_TYPE".into(), vec![record_type.into()]))));
        }
    }
    if spec.budget_type == "USAGE" {
        parts.push(Filter::Unit(spec.unit.clone()));
    }
    let (today, start_day) = (day_of(world.now), day_of(world.started));
    let every = spec.updated_every.signed();
    let name = spec.name.clone();
    let mut budget = Budget {
        filter: Filter::And(parts),
        from: today,
        until: spec.until.map(|until| until.on(start_day)),
        updated: world.now,
        notifications: notifications.into_iter().map(|(spec, topic)| Notification { spec, topic, is_alarm: false, told: false }).collect(),
        looked: None,
        spec,
    };
    budget.from = budget.spec.from.map_or_else(|| budget.period(today).0, |from| from.on(start_day));
    world.budgets.0.insert(name.clone(), budget);
    look(world, &name);
    world.at(world.now + every, Due::Budget(name));
    Ok(())
}

/// Reads the bill for a budget, notifies, and schedules the next time.
pub(crate) fn refresh(world: &mut World, name: &str) {
    let today = day_of(world.now);
    // AWS deletes a budget after its end (API reference, Budget).
    if world.budgets.0.get(name).and_then(|budget| budget.until).is_some_and(|until| until <= today) {
        world.budgets.0.remove(name);
    }
    let Some(budget) = world.budgets.0.get(name) else { return };
    let every = budget.spec.updated_every.signed();
    // An unhealthy budget is not updated.
    if budget.spec.health.as_ref().is_none_or(|health| health.status == "HEALTHY") {
        look(world, name);
    }
    world.at(world.now + every, Due::Budget(name.to_owned()));
}

fn look(world: &mut World, name: &str) {
    world.settle(world.now - world.cost_explorer.lag.signed());
    let Some(mut budget) = world.budgets.0.remove(name) else { return };
    // A daily budget is judged by the day before: "Yesterday, the ACTUAL Cost …" (message of a real account).
    let period = budget.period(plus_days(day_of(world.now), if budget.spec.time_unit == "DAILY" { -1 } else { 0 }));
    let (actual, forecast) = (budget.spent(world, period.0, period.1), budget.forecast(world, period));
    let is_first = budget.looked.is_none();
    let is_new_period = budget.looked.as_ref().is_none_or(|look| look.period != period);
    budget.looked = Some(Look { at: world.now, period, actual, forecast });
    let limit = budget.limit(period.0);
    let mut messages = vec![];
    let spec = budget.spec.clone();
    for notification in &mut budget.notifications {
        if is_new_period {
            notification.told = false;
        }
        let value = if notification.spec.notification_type == "FORECASTED" { forecast } else { Some(actual) };
        notification.is_alarm = value.is_some_and(|value| notification.is_passed(value, limit));
        if notification.is_alarm && !notification.told {
            notification.told = true;
            let message = message(world, &spec, notification, value.unwrap_or_default(), limit);
            messages.extend(notification.topic.clone().filter(|_| !is_first).map(|topic| (topic, message)));
        }
    }
    world.budgets.0.insert(name.to_owned(), budget);
    for (topic, message) in messages {
        publish(world, &topic, &format!("AWS Budgets: {name} has exceeded your alert threshold"), &message);
    }
}

/// The text of Budgets' message, as real accounts got it (aws-facts §6), daily budgets included. For other periods the noun is a guess.
fn message(world: &World, spec: &BudgetSpec, notification: &Notification, value: Decimal, limit: Decimal) -> String {
    let kind = &notification.spec.notification_type;
    let what = match spec.budget_type.as_str() {
        "COST" => "Cost",
        "USAGE" => "Usage",
        other => other,
    };
    let (words, sign) = match notification.spec.operator.as_str() {
        "LESS_THAN" => ("less than", '<'),
        "EQUAL_TO" => ("equal to", '='),
        _ => ("greater than", '>'),
    };
    let [value, limit, bound] = [value, limit, notification.bound(limit)].map(|amount| spoken(amount, &spec.unit));
    let (period, the) = match spec.time_unit.as_str() {
        "DAILY" => ("per day", "Yesterday, the"),
        "QUARTERLY" => ("for the current quarter", "The"),
        "ANNUALLY" => ("for the current year", "The"),
        "CUSTOM" => ("for the current period", "The"),
        _ => ("for the current month", "The"),
    };
    let (name, date) = (&spec.name, world.now.strftime("%B %d, %Y"));
    format!(
        "AWS Budget Notification {date}\nAWS Account {account}\n\nDear AWS Customer,\n\n\
         You requested that we alert you when the {kind} {what} associated with your {name} budget is {words} {bound} {period}. \
         {the} {kind} {what} associated with this budget is {value}. \
         You can find additional details below and by accessing the AWS Budgets dashboard [1].\n\n\
         Budget Name: {name}\nBudget Type: {what}\nBudgeted Amount: {limit}\nAlert Type: {kind}\n\
         Alert Threshold: {sign} {bound}\n{kind} Amount: {value}\n\n[1] https://console.aws.amazon.com/billing/home#/budgets\n",
        account = world.account,
    )
}

/// Adds a topic's message to the events, in the form in which SNS sends it to Lambda.
fn publish(world: &mut World, topic: &str, subject: &str, message: &str) {
    if !world.topics.contains(topic) {
        return;
    }
    let number = world.events.len();
    let at = world.now.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let host = format!("https://sns.{}.amazonaws.com/", world.region);
    let subscription = format!("{topic}:00000000-0000-4000-8000-000000000001");
    let event = json!({"Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription,
        "Sns": {
            "Type": "Notification", "MessageId": format!("budgets-{number}-{}", world.now.as_millisecond()), "TopicArn": topic,
            "Subject": subject, "Message": message, "Timestamp": at, "SignatureVersion": "1", "Signature": "simulated",
            "SigningCertUrl": format!("{host}SimpleNotificationService-simulated.pem"),
            "UnsubscribeUrl": format!("{host}?Action=Unsubscribe&SubscriptionArn={subscription}"), "MessageAttributes": {},
        },
    }]});
    world.events.push((world.now, event));
}

const ONE: On = On::Of(|world, input| {
    let created = input.pointer("/Budget/BudgetName").and_then(Value::as_str);
    format!("arn:aws:budgets::{}:budget/{}", world.account, text(input, "BudgetName").or(created).unwrap_or("*"))
});

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("DescribeBudgets", ONE, |world, input| {
        is_own(world, input)?;
        let shown = input.get("ShowFilterExpression").and_then(Value::as_bool).unwrap_or_default();
        page(input, world.budgets.0.values().map(|budget| budget.json(shown)).collect(), "Budgets", 1000)
    })
    .in_iam("ViewBudget"),
    Operation::new("DescribeNotificationsForBudget", ONE, |world, input| {
        let budget = find(world, "DescribeNotificationsForBudget", input)?;
        page(input, budget.notifications.iter().map(Notification::json).collect(), "Notifications", 100)
    })
    .in_iam("ViewBudget"),
    Operation::new("DescribeBudgetPerformanceHistory", ONE, |world, input| {
        history(world, find(world, "DescribeBudgetPerformanceHistory", input)?, input)
    })
    .in_iam("ViewBudget"),
    Operation::new("CreateBudget", ONE, create).in_iam("ModifyBudget"),
    Operation::new("DeleteBudget", ONE, delete).in_iam("ModifyBudget"),
];

/// Refuses an account other than the caller's.
fn is_own(world: &World, input: &Value) -> Result<(), Refusal> {
    let account = text(input, "AccountId").unwrap_or_default();
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(format!("AccountId '{account}' is not valid: expected twelve digits")));
    }
    if account != world.account {
        let message = format!("Access to the budgets of account {account} is denied: the caller's is {}", world.account);
        return Err(Refusal::new(400, "AccessDeniedException", message));
    }
    Ok(())
}

fn find<'a>(world: &'a World, operation: &str, input: &Value) -> Result<&'a Budget, Refusal> {
    is_own(world, input)?;
    let name = text(input, "BudgetName").unwrap_or_default();
    world.budgets.0.get(name).ok_or_else(|| no_such_budget(world, operation, name))
}

fn delete(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    is_own(world, input)?;
    let name = text(input, "BudgetName").unwrap_or_default();
    if world.budgets.0.remove(name).is_none() {
        let message = format!("Unable to delete budget: {name} - the budget doesn't exist. Try creating it first. ");
        return Err(Refusal::new(400, "NotFoundException", message));
    }
    Ok(json!({}))
}

/// The text is AWS's, from a real account.
fn no_such_budget(world: &World, operation: &str, name: &str) -> Refusal {
    let account = &world.account;
    let message = format!(
        "[Exception=NotFoundException] Failed to call {operation} for [AccountId: {account}] - Failed to call GetBudget for [AccountId: {account}] - Unable to get budget: {name} - the budget doesn't exist."
    );
    Refusal::new(400, "NotFoundException", message)
}

/// One page of a list. The token has the position.
fn page(input: &Value, all: Vec<Value>, list: &str, most: u64) -> Result<Value, Refusal> {
    let size = match input.get("MaxResults").map(Value::as_u64) {
        None => 100,
        Some(Some(size)) if (1..=most).contains(&size) => usize::try_from(size).unwrap_or(100),
        Some(_) => return Err(invalid(format!("MaxResults must be between 1 and {most}"))),
    };
    let skip = match text(input, "NextToken").map(|token| token.strip_prefix("after:")) {
        None | Some(Some("")) => 0,
        Some(place) => place
            .and_then(|place| place.parse::<usize>().ok())
            .ok_or_else(|| Refusal::new(400, "InvalidNextTokenException", "The pagination token is invalid."))?,
    };
    let next = (skip + size < all.len()).then(|| format!("after:{}", skip + size));
    let page: Vec<Value> = all.into_iter().skip(skip).take(size).collect();
    Ok(with_token(json!({ list: page }), next))
}

fn time(value: &Value) -> Option<Date> {
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
    let second = value.as_f64()? as i64;
    Timestamp::from_second(second).ok().map(day_of)
}

/// The periods in the history: twelve months, four quarters or sixty days, and the current period.
fn history(world: &World, budget: &Budget, input: &Value) -> Result<Value, Refusal> {
    let today = day_of(world.now);
    let earliest = match budget.spec.time_unit.as_str() {
        "DAILY" => plus_days(today, -60),
        "MONTHLY" | "QUARTERLY" => plus_months(today.first_of_month(), -12),
        other => return Err(invalid(format!("Budget performance history is not available for {other} budgets"))),
    };
    let bound = |name: &str| input.get("TimePeriod").and_then(|period| period.get(name)).and_then(time);
    let (start, end) = (bound("Start").unwrap_or(earliest).max(earliest).max(budget.from), bound("End").unwrap_or(Date::MAX));
    let unit = &budget.spec.unit;
    let mut list = vec![];
    let mut period = budget.period(start);
    while period.0 <= today && period.0 < end {
        let spend = |amount: Decimal| json!({"Amount": plain(amount), "Unit": unit});
        list.push(json!({
            "BudgetedAmount": spend(budget.limit(period.0)), "ActualAmount": spend(budget.spent(world, period.0, period.1)),
            "TimePeriod": {"Start": seconds(midnight(period.0)), "End": seconds(midnight(period.1))},
        }));
        period = budget.period(period.1);
    }
    let mut answer = page(input, list, "BudgetedAndActualAmountsList", 100)?;
    let next = answer.as_object_mut().and_then(|fields| fields.remove("NextToken"));
    let spec = &budget.spec;
    answer["BudgetName"] = spec.name.clone().into();
    answer["BudgetType"] = spec.budget_type.clone().into();
    answer["TimeUnit"] = spec.time_unit.clone().into();
    let next = next.and_then(|next| next.as_str().map(str::to_owned));
    Ok(with_token(json!({"BudgetPerformanceHistory": answer}), next))
}

fn decimal(spend: &Value) -> Option<Decimal> {
    text(spend, "Amount")?.parse().ok()
}

fn create(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    is_own(world, input)?;
    let given = input.get("Budget").cloned().unwrap_or_default();
    let name = text(&given, "BudgetName").unwrap_or_default();
    if name.is_empty() || 100 < name.chars().count() || name.contains([':', '\\']) {
        return Err(invalid(format!("BudgetName '{name}' is not valid: expected 1 to 100 characters without : and \\")));
    }
    if world.budgets.0.contains_key(name) {
        return Err(Refusal::new(400, "DuplicateRecordException", format!("Error creating budget: {name} - the budget already exists.")));
    }
    let field = |name: &str| text(&given, name).map(str::to_owned);
    let planned: BTreeMap<Date, Decimal> = given
        .get("PlannedBudgetLimits")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(second, spend)| Some((day_of(Timestamp::from_second(second.parse().ok()?).ok()?), decimal(spend)?)))
        .collect();
    let amount = given.get("BudgetLimit").and_then(decimal);
    if amount.is_some() != planned.is_empty() {
        // The first text is AWS's, from moto.
        let none =
            "Unable to create/update budget - please provide one of the followings: Budget Limit/ Planned Budget Limit/ Auto Adjust Data";
        return Err(invalid(if amount.is_none() { none } else { "BudgetLimit and PlannedBudgetLimits cannot both be given" }));
    }
    let known = |field: &str, value: Option<String>, all: &[&str]| {
        let value = value.unwrap_or_default();
        if all.contains(&value.as_str()) {
            Ok(value)
        } else {
            Err(invalid(format!("{field} is '{value}': expected one of {}", all.join(", "))))
        }
    };
    let texts =
        |value: &Value| value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect::<Vec<_>>();
    let period = given.get("TimePeriod").cloned().unwrap_or_default();
    let bound = |name: &str| period.get(name).and_then(time).map(crate::estate::Day::On);
    let unit = given
        .pointer("/BudgetLimit/Unit")
        .and_then(Value::as_str)
        .or_else(|| given.get("PlannedBudgetLimits")?.as_object()?.values().next().and_then(|spend| text(spend, "Unit")));
    let spec = BudgetSpec {
        name: name.to_owned(),
        amount,
        unit: unit.unwrap_or("USD").to_owned(),
        time_unit: known("TimeUnit", field("TimeUnit"), &TIME_UNITS)?,
        budget_type: known("BudgetType", field("BudgetType"), &TYPES)?,
        planned,
        cost_filters: given
            .get("CostFilters")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, values)| (name.clone(), texts(values)))
            .collect(),
        cost_types: given
            .get("CostTypes")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, is_on)| Some((name.clone(), is_on.as_bool()?)))
            .collect(),
        filter_expression: given.get("FilterExpression").cloned(),
        metrics: given.get("Metrics").map(texts).unwrap_or_default(),
        from: bound("Start"),
        until: bound("End"),
        ..BudgetSpec::default()
    };
    let mut notifications = vec![];
    for one in input.get("NotificationsWithSubscribers").and_then(Value::as_array).into_iter().flatten() {
        notifications.push(notification(one)?);
    }
    if MOST_NOTIFICATIONS < notifications.len() {
        return Err(Refusal::new(
            400,
            "CreationLimitExceededException",
            format!("A budget has at most {MOST_NOTIFICATIONS} notifications"),
        ));
    }
    begin(world, spec, notifications)?;
    Ok(json!({}))
}

fn notification(given: &Value) -> Result<(NotificationSpec, Option<String>), Refusal> {
    let of = given.get("Notification").cloned().unwrap_or_default();
    let field = |name: &str, default: &str| text(&of, name).unwrap_or(default).to_owned();
    let threshold = of.get("Threshold").and_then(|threshold| threshold.to_string().parse::<Decimal>().ok());
    let subscribers: Vec<(&str, &str)> = given
        .get("Subscribers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| Some((text(one, "SubscriptionType")?, text(one, "Address")?)))
        .collect();
    let topics: Vec<&str> = subscribers.iter().filter(|(kind, _)| *kind == "SNS").map(|(_, arn)| *arn).collect();
    let emails: Vec<String> = subscribers.iter().filter(|(kind, _)| *kind == "EMAIL").map(|(_, mail)| (*mail).to_owned()).collect();
    if subscribers.is_empty() || 1 < topics.len() || 10 < emails.len() {
        return Err(invalid("A notification has at least one subscriber, at most one SNS topic and ten e-mail addresses"));
    }
    let spec = NotificationSpec {
        notification_type: field("NotificationType", ""),
        operator: field("ComparisonOperator", ""),
        threshold: threshold.ok_or_else(|| invalid("A notification has a Threshold"))?,
        threshold_type: field("ThresholdType", "PERCENTAGE"),
        topic: !topics.is_empty(),
        emails,
    };
    Ok((spec, topics.first().map(|arn| (*arn).to_owned())))
}

#[cfg(test)]
mod tests;
