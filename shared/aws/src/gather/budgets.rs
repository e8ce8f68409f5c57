//! Reads the account's budgets from AWS Budgets: limits, actual and forecast spend, filters and notifications (aws-facts §6). Also finds what runs now, for the
//! mails to the budgets' owners.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_budgets::types::{
    Budget as Described, BudgetType, ComparisonOperator, Expression, HealthStatusValue, MatchOption, Metric, Notification,
    NotificationType, Spend, TagValues, ThresholdType, TimePeriod, TimeUnit as Unit,
};
use cost_rules::{
    currency::Currency,
    facts::{Asset, At, Budget, Facts, Filter, Insight, Likeness, RunningAsset, Unhealthy, Unread, limit_of},
    period::{Period, TimeUnit, day_of},
    policy::STOPPABLE_TAG,
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    scope::Scope,
};
use futures_util::{StreamExt as _, stream};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use super::{
    inventory::Inventory,
    read::{IN_FLIGHT, Listed, Read, amount, decimal, every_page, timestamp, unread_of},
};
use crate::{
    clients::{Clients, why::why},
    context::Context,
};

/// Budgets per page: the most that AWS allows.
const PAGE: i32 = 1000;

/// The kinds of what runs: it is billed by the hour, or can be stopped.
const RUNNING: [Kind; 13] = [
    Kind::NotebookInstance,
    Kind::App,
    Kind::TrainingJob,
    Kind::ProcessingJob,
    Kind::TransformJob,
    Kind::TuningJob,
    Kind::AutoMlJob,
    Kind::Endpoint,
    Kind::TrackingServer,
    Kind::PartnerApp,
    Kind::OptimizationJob,
    Kind::InferenceRecommendationsJob,
    Kind::Cluster,
];

/// The account whose budgets are read.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The Region in which the guard stops things.
    pub region: &'a str,
}

impl Account<'_> {
    /// A budget's ARN. AWS Budgets does not return it, and its names keep their spelling in ARNs.
    fn budget_arn(self, name: &str) -> String {
        format!("arn:{}:budgets::{}:budget/{name}", self.partition, self.id)
    }

    /// A filter by accounts, Regions or zones, under its key of either form. `None`: it is none, or what it says of here is not certain.
    fn place(self, key: &str, values: &[String]) -> Option<Filter> {
        let has = |own: &str| values.iter().any(|value| value == own);
        let is_here = match key {
            "LinkedAccount" | "LINKED_ACCOUNT" => has(self.id),
            "Region" | "REGION" => has(self.region),
            // Not all that is billed in a Region has a zone.
            "AZ" if !values.iter().any(|value| value.starts_with(self.region) || value.starts_with("No")) => false,
            _ => return None,
        };
        Some(Filter::Place(key.to_owned(), is_here))
    }
}

/// All budgets of an account. Notifications are read only of budgets that count `SageMaker` or may do so.
pub async fn all(clients: &Clients, rulebook: &Rulebook, account: Account<'_>, now: Timestamp) -> Listed<Budget> {
    let listed = Listed::read_of(
        clients,
        Kind::Budget,
        "budgets:DescribeBudgets",
        |read: &Numbered| read.as_ref().map_or_else(|(id, _)| id.clone(), |budget| budget.resource.id.clone()),
        async |token| {
            // Without this, AWS leaves out the filter of a newer budget, as if it counted everything.
            let call = clients.budgets.describe_budgets().account_id(account.id).max_results(PAGE).show_filter_expression(true);
            let page = call.set_next_token(token).send().await.map_err(|error| why(&error))?;
            let read = page.budgets.unwrap_or_default().into_iter().map(|one| Some(of(one, account, now)));
            Ok((read.collect(), page.next_token))
        },
    )
    .await;
    let Listed { items, mut complete, mut unread } = listed;
    let (mut budgets, mut broken) = (vec![], vec![]);
    for read in items {
        match read {
            Ok(budget) => budgets.push(budget),
            Err(why) => broken.push(why),
        }
    }
    if !broken.is_empty() {
        complete.clear();
    }
    unread.extend(unread_of("numbers", &broken));
    for budget in &mut budgets {
        rulebook.policy.settle_budget_ownership(budget);
    }
    let is_asked = |budget: &Budget| budget.period.is_some() && budget.filter.takes_sagemaker(&rulebook.policy) != Some(false);
    let notifications = async |budget: &mut Budget| {
        let read = notifications(clients, account.id, budget).await;
        budget.unread_thresholds = read.is_err();
        read
    };
    unread.extend(unread_of("notifications", &each(&mut budgets, is_asked, notifications).await));
    Listed { items: budgets, complete, unread }
}

/// A budget; or its id, and why it could not be read: a value is no number, no date, or not known.
type Numbered = Result<Budget, (String, String)>;

fn of(described: Described, account: Account<'_>, now: Timestamp) -> Numbered {
    let id = Kind::Budget.id(&described.budget_name);
    numbers(described, account, now).map_err(|why| (id, why))
}

#[expect(deprecated, reason = "budgets that were made with CostFilters still have them")]
fn numbers(described: Described, account: Account<'_>, now: Timestamp) -> Read<Budget> {
    let is_amortized = is_amortized(&described);
    let name = described.budget_name;
    let spend = |spend: Option<&Spend>| spend.map(|spend| decimal(&spend.amount)).transpose();
    let (start, end) = days(described.time_period.as_ref());
    let unit = match &described.time_unit {
        Unit::Daily => TimeUnit::Daily,
        Unit::Monthly => TimeUnit::Monthly,
        Unit::Quarterly => TimeUnit::Quarterly,
        Unit::Annually => TimeUnit::Annually,
        Unit::Custom => TimeUnit::Custom,
        other => return Err(format!("its time unit is {other}, which is not known")),
    };
    let period = Period::current(unit, start, end, now);
    let mut planned: BTreeMap<i64, Decimal> = BTreeMap::new();
    for (begins, limit) in described.planned_budget_limits.iter().flatten() {
        let begins = begins.parse().map_err(|_| format!("a planned limit begins at `{begins}`, expected seconds since 1970"))?;
        planned.insert(begins, decimal(&limit.amount)?);
    }
    let limit = spend(described.budget_limit.as_ref())?;
    let calculated = described.calculated_spend.as_ref();
    let actual = calculated.and_then(|calculated| calculated.actual_spend.as_ref());
    let units =
        [described.budget_limit.as_ref(), actual, described.planned_budget_limits.as_ref().and_then(|planned| planned.values().next())];
    let (filter, mut broken) = match (&described.filter_expression, &described.cost_filters) {
        (Some(expression), _) => (expression_filter(expression, account), wrong_part(expression)),
        (None, Some(filters)) => cost_filters(filters, account),
        (None, None) => (Filter::everything(), None),
    };
    // Budgets of reservations and Savings Plans count the hours of those, whatever their filter says: the rules do not look at them.
    let counts = matches!(described.budget_type, BudgetType::Cost | BudgetType::Usage);
    if let Some(health) = described.health_status.filter(|health| health.status == Some(HealthStatusValue::Unhealthy)) {
        let reason = health.status_reason.as_ref().map_or("without a reason", |why| why.as_str());
        broken = Some(Unhealthy { why: format!("AWS says that it is unhealthy: {reason}"), fix: broken.and_then(|one| one.fix) });
    }
    Ok(Budget {
        resource: Resource {
            id: Kind::Budget.id(&name),
            arn: Some(account.budget_arn(&name)),
            name,
            tags: Tags::Known(BTreeMap::new()),
            ownership: Ownership::default(),
        },
        is_cost: described.budget_type == BudgetType::Cost,
        is_amortized,
        unit: units.into_iter().flatten().next().map_or_else(|| Currency::of_account().code().to_owned(), |spend| spend.unit.clone()),
        adjusts: described.auto_adjust_data.is_some(),
        limit: period.and_then(|period| limit_of(period, limit, &planned)),
        period: period.filter(|_| counts),
        begins_soon: counts && Period::begins_soon(unit, start, end, now),
        changed: timestamp(described.last_updated_time.as_ref()),
        actual: spend(actual)?,
        forecast: spend(calculated.and_then(|calculated| calculated.forecasted_spend.as_ref()))?,
        is_elsewhere: filter.is_elsewhere(),
        filter: if counts { filter } else { Filter::Service(vec![]) },
        thresholds: vec![],
        forecast_thresholds: vec![],
        unread_thresholds: false,
        unhealthy: broken,
        last: None,
        insight: Insight::default(),
    })
}

/// Whether a budget counts amortized cost, in either form: `Metrics` belong to `FilterExpression` as `CostTypes` to `CostFilters`.
#[expect(deprecated, reason = "budgets that were made with CostTypes still have them")]
fn is_amortized(described: &Described) -> bool {
    let is_by_metric = described.metrics().iter().any(|metric| matches!(metric, Metric::AmortizedCost | Metric::NetAmortizedCost));
    is_by_metric || described.cost_types.as_ref().and_then(|types| types.use_amortized).unwrap_or_default()
}

/// The first day, and the first day after the end. If one is missing, it is the earliest or latest date.
fn days(period: Option<&TimePeriod>) -> (Date, Date) {
    let day = |time| timestamp(time).map(day_of);
    let start = period.and_then(|period| day(period.start.as_ref())).unwrap_or(Date::MIN);
    (start, period.and_then(|period| day(period.end.as_ref())).unwrap_or(Date::MAX))
}

/// The filter that `CostFilters` describe: all keys must match, each with any of its values. Also returns what is wrong if no spend can ever match.
fn cost_filters(filters: &HashMap<String, Vec<String>>, account: Account<'_>) -> (Filter, Option<Unhealthy>) {
    let mut parts = vec![];
    let mut broken = None;
    for (key, values) in filters {
        match key.as_str() {
            "Service" => parts.push(Filter::Service(values.clone())),
            "UsageType" => parts.push(Filter::UsageType(values.clone())),
            "InstanceType" => parts.push(Filter::InstanceType(values.clone())),
            "RecordType" | "ChargeType" => parts.push(Filter::Charges(values.clone())),
            "TagKeyValue" => {
                let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for value in values {
                    let (key, tag) = value.split_once('$').unwrap_or((value, ""));
                    tags.entry(without_user(key).to_owned()).or_default().push(tag.to_owned());
                }
                // The values that are right count.
                let wants: Vec<String> = values.iter().filter_map(|value| wanted_tag(value)).collect();
                if !values.is_empty() && wants.len() == values.len() {
                    broken = Some(Unhealthy::by_tags(values, wants));
                }
                parts.extend(tags.into_iter().map(|(key, values)| Filter::Tag(key, values)));
            }
            other => {
                broken = broken.or_else(|| wrong_place(other, values));
                parts.push(account.place(other, values).unwrap_or_else(|| Filter::Unknown(other.to_owned())));
            }
        }
    }
    (Filter::All(parts), broken)
}

/// The form of a `TagKeyValue`.
const TAG_FORM: &str = "user:<key>$<value>";

/// What AWS wants instead of a `TagKeyValue` that no spend has. `None`: it is right.
fn wanted_tag(value: &str) -> Option<String> {
    let Some((key, tag)) = value.split_once('$') else { return Some(TAG_FORM.to_owned()) };
    // The variable of a template, left as it is written: `$` ends the key.
    if tag.starts_with('{') || tag.contains("${") {
        return Some(TAG_FORM.to_owned());
    }
    if key.starts_with("user:") || key.starts_with("aws:") {
        return None;
    }
    let (prefix, own) = key.split_once(':').unwrap_or(("", key));
    let is_prefix = ["user", "users", "tag", "tags"].iter().any(|one| prefix.trim().eq_ignore_ascii_case(one));
    Some(format!("user:{}${tag}", if is_prefix { own } else { key }))
}

/// What is wrong with a filter by accounts or Regions, under its key of either form, if no spend can have any of the values.
fn wrong_place(key: &str, values: &[String]) -> Option<Unhealthy> {
    let (what, wants, is_right): (_, _, fn(&str) -> bool) = match key {
        "Region" | "REGION" => ("Region", "its code, as in `eu-central-1`", is_region_code),
        "LinkedAccount" | "LINKED_ACCOUNT" => ("account", "its twelve digits", is_account_id),
        _ => return None,
    };
    let first = values.first().filter(|_| !values.iter().any(|value| is_right(value)))?;
    Some(Unhealthy {
        why: format!("it filters by the {what} `{first}`, which no spend has: AWS wants {wants}"),
        fix: Some(format!("let it filter by the {what} with {wants}")),
    })
}

/// `global` and `NoRegion` are on the bill, too.
fn is_region_code(value: &str) -> bool {
    value.starts_with("No") || value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_account_id(value: &str) -> bool {
    value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is wrong with a part of an expression, if no spend can match the whole.
fn wrong_part(expression: &Expression) -> Option<Unhealthy> {
    if let Some(parts) = &expression.and {
        return parts.iter().find_map(wrong_part);
    }
    let dimension = expression.dimensions.as_ref().filter(|dimension| is_exact(dimension.match_options()))?;
    wrong_place(dimension.key.as_str(), &dimension.values)
}

/// A tag's key without the prefix that AWS Budgets puts before it, however it is spelt.
fn without_user(key: &str) -> &str {
    let (prefix, own) = key.split_once(':').unwrap_or(("", key));
    if prefix.trim().eq_ignore_ascii_case("user") { own } else { key }
}

fn is_exact(options: &[MatchOption]) -> bool {
    likeness(options) == Some(Likeness { at: At::Whole, ignores_case: false })
}

/// How names are compared. `None`: in a way that is not known.
fn likeness(options: &[MatchOption]) -> Option<Likeness> {
    let mut like = Likeness { at: At::Whole, ignores_case: false };
    for option in options {
        match option {
            MatchOption::Equals | MatchOption::CaseSensitive => {}
            MatchOption::CaseInsensitive => like.ignores_case = true,
            MatchOption::StartsWith => like.at = At::Start,
            MatchOption::EndsWith => like.at = At::End,
            MatchOption::Contains => like.at = At::Anywhere,
            _ => return None,
        }
    }
    Some(like)
}

fn expression_filter(expression: &Expression, account: Account<'_>) -> Filter {
    let all = |parts: &[Expression]| parts.iter().map(|part| expression_filter(part, account)).collect();
    if let Some(parts) = &expression.and {
        return Filter::All(all(parts));
    }
    if let Some(parts) = &expression.or {
        return Filter::Any(all(parts));
    }
    if let Some(inner) = &expression.not {
        return Filter::Not(Box::new(expression_filter(inner, account)));
    }
    if let Some(dimension) = &expression.dimensions {
        let (key, values) = (dimension.key.as_str(), dimension.values.clone());
        return match (key, likeness(dimension.match_options())) {
            ("SERVICE", Some(like)) if !is_exact(dimension.match_options()) => Filter::ServiceLike(values, like),
            _ if !is_exact(dimension.match_options()) => Filter::Unknown(key.to_owned()),
            ("SERVICE", _) => Filter::Service(values),
            ("USAGE_TYPE", _) => Filter::UsageType(values),
            ("INSTANCE_TYPE", _) => Filter::InstanceType(values),
            ("RECORD_TYPE", _) => Filter::Charges(values),
            _ => account.place(key, &values).unwrap_or_else(|| Filter::Unknown(key.to_owned())),
        };
    }
    if let Some(tag @ TagValues { key: Some(key), .. }) = &expression.tags {
        return match tag.match_options() {
            [MatchOption::Absent] => Filter::Tag(without_user(key).to_owned(), vec![String::new()]),
            options if is_exact(options) => Filter::Tag(without_user(key).to_owned(), tag.values().to_vec()),
            _ => Filter::Unknown(format!("tag {key}")),
        };
    }
    let category = expression.cost_categories.as_ref().and_then(|category| category.key.clone());
    Filter::Unknown(category.map_or_else(|| "something new".to_owned(), |key| format!("cost category {key}")))
}

/// Reads the thresholds at which the budget's owner wants to be notified, in percent.
async fn notifications(clients: &Clients, account: &str, budget: &mut Budget) -> Read<()> {
    let (name, limit) = (budget.resource.name.clone(), budget.limit);
    let (mut spent, mut forecast) = (vec![], vec![]);
    let read = every_page(clients, async |token| {
        let call = clients.budgets.describe_notifications_for_budget().account_id(account).budget_name(&name).max_results(100);
        let page =
            call.set_next_token(token).send().await.map_err(|error| format!("budgets:DescribeNotificationsForBudget: {}", why(&error)))?;
        for one in page.notifications.unwrap_or_default() {
            let Some(percent) = percent(&one, limit) else { continue };
            if one.notification_type == NotificationType::Forecasted { &mut forecast } else { &mut spent }.push(percent);
        }
        Ok(page.next_token)
    });
    read.await?;
    (budget.thresholds, budget.forecast_thresholds) = (spent, forecast);
    Ok(())
}

fn percent(notification: &Notification, limit: Option<Decimal>) -> Option<Decimal> {
    if notification.comparison_operator != ComparisonOperator::GreaterThan {
        return None;
    }
    let threshold = amount(notification.threshold)?;
    match notification.threshold_type {
        Some(ThresholdType::AbsoluteValue) => {
            let limit = limit.filter(|limit| Decimal::ZERO < *limit)?;
            Some((threshold * Decimal::ONE_HUNDRED / limit).round_dp(4))
        }
        _ => Some(threshold),
    }
}

/// Reads the limit and the spend of the previous period of these budgets (by id). AWS has none for annual and custom budgets. Returns what could not be read.
pub async fn last_periods(clients: &Clients, account: &str, budgets: &mut [Budget], ids: &[String]) -> Option<Unread> {
    let is_asked = |budget: &Budget| {
        let unit = budget.period.map(|period| period.unit);
        ids.contains(&budget.resource.id) && !matches!(unit, Some(TimeUnit::Annually | TimeUnit::Custom) | None)
    };
    unread_of("past periods", &each(budgets, is_asked, async |budget| last_period(clients, account, budget).await).await)
}

/// Calls `ask` for each selected budget. Returns the ids of those that could not be read, with the reasons.
async fn each(
    budgets: &mut [Budget],
    is_asked: impl Fn(&Budget) -> bool,
    ask: impl AsyncFn(&mut Budget) -> Read<()>,
) -> Vec<(String, String)> {
    let asked = stream::iter(budgets.iter_mut().filter(|budget| is_asked(budget)));
    let read = asked.map(async |budget| (budget.resource.id.clone(), ask(budget).await)).buffer_unordered(IN_FLIGHT);
    read.collect::<Vec<_>>().await.into_iter().filter_map(|(id, read)| Some((id, read.err()?))).collect()
}

async fn last_period(clients: &Clients, account: &str, budget: &mut Budget) -> Read<()> {
    let Some(before) = budget.period.map(Period::before) else { return Ok(()) };
    let name = budget.resource.name.clone();
    let mut last = None;
    let read = every_page(clients, async |token| {
        let call = clients.budgets.describe_budget_performance_history().account_id(account).budget_name(&name).max_results(100);
        let page = call
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| format!("budgets:DescribeBudgetPerformanceHistory: {}", why(&error)))?;
        for one in page.budget_performance_history.and_then(|history| history.budgeted_and_actual_amounts_list).unwrap_or_default() {
            if let (Some(limit), Some(actual)) = (&one.budgeted_amount, &one.actual_amount)
                && days(one.time_period.as_ref()).0 == before.from
            {
                last = Some((decimal(&limit.amount)?, decimal(&actual.amount)?));
            }
        }
        Ok(page.next_token)
    });
    read.await?;
    budget.last = last;
    Ok(())
}

/// Budgets that AWS Budgets sent a message about, by name, and that do not exist.
pub fn missing(told: &[String], facts: &Facts) -> Vec<Unread> {
    let is_there = |name: &&String| facts.budgets.iter().any(|budget| budget.resource.name == **name);
    let missing = told.iter().filter(|name| facts.reading.complete.contains(&Kind::Budget) && !is_there(name));
    let unread = |name| Unread::new(format!("budget {name}, of which AWS Budgets told"), "there is no such budget in this account");
    missing.map(unread).collect()
}

/// Removes the budgets that the run is not asked for, and the spend.
pub fn narrow(facts: &mut Facts, scope: &Scope) {
    let Some(named) = scope.named() else { return };
    if facts.reading.complete.remove(&Kind::Budget) {
        let there: BTreeSet<&String> = facts.budgets.iter().map(|budget| &budget.resource.id).collect();
        facts.reading.gone.extend(named.keys().filter(|id| !there.contains(id)).cloned());
    }
    facts.budgets.retain(|budget| named.contains_key(&budget.resource.id));
    facts.spend.clear();
}

/// Finds what runs now. Resources whose price will be in a mail (`is_told`), and those that may be stopped, are described, too: what they run on, and what they
/// belong to. Returns whether all kinds were listed completely.
pub async fn find_running(context: &Context, rulebook: &Rulebook, is_told: bool, facts: &mut Facts) -> bool {
    let inventory = Inventory::of_running(&context.clients, rulebook);
    let mut found = Box::pin(inventory.everything(&RUNNING, facts.now)).await;
    // What is on its way, such as after a stop that hangs, is not gone.
    found.assets.retain(|audited| audited.run.is_some() || audited.changing.is_some());
    let is_stoppable = |audited: &Asset| audited.resource.tags.read().is_some_and(|tags| tags.contains_key(STOPPABLE_TAG));
    let is_asked = |audited: &&Asset| {
        audited.run.is_some()
            && ((is_told && audited.instances.is_empty()) || (!facts.measures.in_force.is_empty() && is_stoppable(audited)))
    };
    let ids = found.assets.iter().filter(is_asked).map(|audited| audited.resource.id.clone()).collect();
    inventory.enrich(&mut found, &ids).await;
    let is_all = RUNNING.iter().all(|kind| found.reading.complete.contains(kind));
    facts.running = found.assets.into_iter().map(RunningAsset).collect();
    facts.reading.complete.extend(found.reading.complete);
    facts.reading.unread.extend(found.reading.unread);
    is_all
}

#[cfg(test)]
#[expect(deprecated, reason = "budgets that were made with CostFilters still have them")]
mod tests;
