//! The account's budgets, by AWS Budgets: limits, what is spent and forecast, what they count, and who is told of them (aws-facts §6).

use std::collections::{BTreeMap, HashMap};

use aws_sdk_budgets::types::{
    Budget as Described, BudgetType, ComparisonOperator, Expression, HealthStatusValue, MatchOption, Notification, NotificationType, Spend,
    TagValues, ThresholdType, TimePeriod, TimeUnit as Unit,
};
use cost_rules::{
    budgets::{Filter, Insight, Period, TimeUnit, day_of, limit_of},
    facts::{Budget, Kind, Resource, Tags, Unread, Whose},
    policy::Policy,
};
use futures_util::{StreamExt as _, stream};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use super::read::{IN_FLIGHT, Listed, Read, amount, decimal, every_page, timestamp, unread_of};
use crate::clients::{Clients, why::why};

/// Budgets in one answer: the most that AWS gives.
const PAGE: i32 = 1000;

/// All budgets of an account, with their notifications where they count `SageMaker`.
pub async fn all(clients: &Clients, policy: &Policy, account: &str, now: Timestamp) -> Listed<Budget> {
    let listed = Listed::read_of(
        clients,
        Kind::Budget,
        "budgets:DescribeBudgets",
        |read: &Numbered| read.as_ref().map_or_else(|(id, _)| id.clone(), |budget| budget.resource.id.clone()),
        async |token| {
            // Without this, AWS leaves out what a newer budget counts, as if it counted everything.
            let call = clients.budgets.describe_budgets().account_id(account).max_results(PAGE).show_filter_expression(true);
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
        policy.settle_whose_budget(budget);
    }
    let is_asked = |budget: &Budget| budget.period.is_some() && budget.filter.takes_sagemaker(policy) != Some(false);
    let notifications = async |budget: &mut Budget| {
        let read = notifications(clients, account, budget).await;
        budget.unread_thresholds = read.is_err();
        read
    };
    unread.extend(unread_of("notifications", &each(&mut budgets, is_asked, notifications).await));
    Listed { items: budgets, complete, unread }
}

/// What AWS says of a budget; or its id, and what of that is no number, no day or not known.
type Numbered = Result<Budget, (String, String)>;

fn of(described: Described, account: &str, now: Timestamp) -> Numbered {
    let id = Kind::Budget.id(&described.budget_name);
    numbers(described, account, now).map_err(|why| (id, why))
}

#[expect(deprecated, reason = "budgets that were made with CostFilters still have them")]
fn numbers(described: Described, account: &str, now: Timestamp) -> Read<Budget> {
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
        (Some(expression), _) => (expression_filter(expression), None),
        (None, Some(filters)) => cost_filters(filters),
        (None, None) => (Filter::everything(), None),
    };
    // Budgets of reservations and plans count hours of those, whatever their filter: they are looked at elsewhere.
    let counts = matches!(described.budget_type, BudgetType::Cost | BudgetType::Usage);
    if let Some(health) = described.health_status.filter(|health| health.status == Some(HealthStatusValue::Unhealthy)) {
        broken = Some(format!(
            "AWS says that it is unhealthy: {}",
            health.status_reason.as_ref().map_or("without a reason", |why| why.as_str())
        ));
    }
    Ok(Budget {
        resource: Resource {
            id: Kind::Budget.id(&name),
            arn: Some(format!("arn:aws:budgets::{account}:budget/{name}")),
            name,
            tags: Tags::Known(BTreeMap::new()),
            whose: Whose::default(),
        },
        is_cost: described.budget_type == BudgetType::Cost,
        unit: units.into_iter().flatten().next().map_or_else(|| "USD".to_owned(), |spend| spend.unit.clone()),
        limit: period.and_then(|period| limit_of(period, limit, &planned)),
        period: period.filter(|_| counts),
        actual: spend(actual)?,
        forecast: spend(calculated.and_then(|calculated| calculated.forecasted_spend.as_ref()))?,
        filter: if counts { filter } else { Filter::Service(vec![]) },
        thresholds: vec![],
        forecast_thresholds: vec![],
        unread_thresholds: false,
        unhealthy: broken,
        last: None,
        insight: Insight::default(),
    })
}

/// The first day and the first day after it; those that are not told are far away.
fn days(period: Option<&TimePeriod>) -> (Date, Date) {
    let day = |time| timestamp(time).map(day_of);
    let start = period.and_then(|period| day(period.start.as_ref())).unwrap_or(Date::MIN);
    (start, period.and_then(|period| day(period.end.as_ref())).unwrap_or(Date::MAX))
}

/// What `CostFilters` take: all of their keys, of each any of its values. And what no spend can ever be, if there is such a one.
fn cost_filters(filters: &HashMap<String, Vec<String>>) -> (Filter, Option<String>) {
    let mut parts = vec![];
    let mut broken = None;
    for (key, values) in filters {
        match key.as_str() {
            "Service" => parts.push(Filter::Service(values.clone())),
            "UsageType" => parts.push(Filter::UsageType(values.clone())),
            "RecordType" | "ChargeType" => parts.push(Filter::Charges),
            "TagKeyValue" => {
                let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for value in values {
                    let (key, tag) = value.split_once('$').unwrap_or((value, ""));
                    if !key.contains(':') {
                        broken = Some(format!("it filters by {value}, which no spend has: AWS wants user:{value}"));
                    }
                    tags.entry(without_user(key)).or_default().push(tag.to_owned());
                }
                parts.extend(tags.into_iter().map(|(key, values)| Filter::Tag(key, values)));
            }
            other => parts.push(Filter::Unknown(other.to_owned())),
        }
    }
    (Filter::All(parts), broken)
}

fn without_user(key: &str) -> String {
    key.strip_prefix("user:").unwrap_or(key).to_owned()
}

fn is_exact(options: &[MatchOption]) -> bool {
    options.iter().all(|option| matches!(option, MatchOption::Equals | MatchOption::CaseSensitive))
}

fn expression_filter(expression: &Expression) -> Filter {
    let all = |parts: &[Expression]| parts.iter().map(expression_filter).collect();
    if let Some(parts) = &expression.and {
        return Filter::All(all(parts));
    }
    if let Some(parts) = &expression.or {
        return Filter::Any(all(parts));
    }
    if let Some(inner) = &expression.not {
        return Filter::Not(Box::new(expression_filter(inner)));
    }
    if let Some(dimension) = &expression.dimensions {
        let is_exact = is_exact(dimension.match_options());
        return match dimension.key.as_str() {
            "SERVICE" if is_exact => Filter::Service(dimension.values.clone()),
            "USAGE_TYPE" if is_exact => Filter::UsageType(dimension.values.clone()),
            "RECORD_TYPE" => Filter::Charges,
            other => Filter::Unknown(other.to_owned()),
        };
    }
    if let Some(tag @ TagValues { key: Some(key), .. }) = &expression.tags {
        return match tag.match_options() {
            [MatchOption::Absent] => Filter::Tag(without_user(key), vec![String::new()]),
            options if is_exact(options) => Filter::Tag(without_user(key), tag.values().to_vec()),
            _ => Filter::Unknown(format!("tag {key}")),
        };
    }
    let category = expression.cost_categories.as_ref().and_then(|category| category.key.clone());
    Filter::Unknown(category.map_or_else(|| "something new".to_owned(), |key| format!("cost category {key}")))
}

/// At how many percent its owner wishes to be told.
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

/// What was budgeted and spent in the period before, of these budgets (by id), where AWS tells it: not of annual and custom ones.
pub async fn last_periods(clients: &Clients, account: &str, budgets: &mut [Budget], ids: &[String]) -> Option<Unread> {
    let is_asked = |budget: &Budget| {
        let unit = budget.period.map(|period| period.unit);
        ids.contains(&budget.resource.id) && !matches!(unit, Some(TimeUnit::Annually | TimeUnit::Custom) | None)
    };
    unread_of("past periods", &each(budgets, is_asked, async |budget| last_period(clients, account, budget).await).await)
}

/// Asks something of each of these budgets; gives what could not be read, by id.
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

#[cfg(test)]
#[expect(deprecated, reason = "budgets that were made with CostFilters still have them")]
mod tests {
    use aws_sdk_budgets::{
        operation::{
            describe_budget_performance_history::DescribeBudgetPerformanceHistoryOutput,
            describe_budgets::{DescribeBudgetsError, DescribeBudgetsOutput},
            describe_notifications_for_budget::DescribeNotificationsForBudgetOutput,
        },
        types::{
            BudgetPerformanceHistory, BudgetedAndActualAmounts, CalculatedSpend, Dimension, ExpressionDimensionValues, HealthStatus,
            HealthStatusReason,
        },
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use rust_decimal::dec;

    use super::*;
    use crate::testing::{self, at};

    const ACCOUNT: &str = "123456789012";

    fn clients(rules: &[&Rule]) -> Clients {
        Clients { budgets: mock_client!(aws_sdk_budgets, RuleMode::MatchAny, rules).into(), ..testing::clients() }
    }

    fn policy() -> Policy {
        Policy::from_toml("team-tags = [\"Team\"]\n[[budget]]\nname = \"ml-*\"\nowner = \"ann@example.com\"").unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-11T12:00:00Z".parse().unwrap()
    }

    fn spend(amount: &str, unit: &str) -> Spend {
        Spend::builder().amount(amount).unit(unit).build().unwrap()
    }

    fn described(name: &str) -> aws_sdk_budgets::types::builders::BudgetBuilder {
        let period = TimePeriod::builder().start(at("2026-01-01T00:00:00Z")).end(at("2087-06-15T00:00:00Z")).build();
        Described::builder().budget_name(name).budget_type(BudgetType::Cost).time_unit(Unit::Monthly).time_period(period)
    }

    fn read(described: Described) -> Read<Budget> {
        of(described, ACCOUNT, now()).map_err(|(id, why)| format!("{id}: {why}"))
    }

    #[test]
    fn amounts_come_in_many_forms() {
        for (written, expected) in
            [("100", dec!(100)), ("100.0", dec!(100)), ("1.5E+3", dec!(1500)), ("-3.25", dec!(-3.25)), ("0.0000000001", dec!(0.0000000001))]
        {
            let spent = CalculatedSpend::builder().actual_spend(spend(written, "USD")).forecasted_spend(spend(written, "USD")).build();
            let budget = read(described("x").budget_limit(spend(written, "USD")).calculated_spend(spent).build().unwrap()).unwrap();
            assert_eq!((budget.limit, budget.actual, budget.forecast), (Some(expected), Some(expected), Some(expected)), "{written}");
        }
        let why = read(described("x").budget_limit(spend("much", "USD")).build().unwrap()).unwrap_err();
        assert_eq!(why, "budget/x: an amount is `much`, expected a number");
    }

    #[test]
    fn what_may_be_missing_is_missing() {
        let planned = spend("75", "Hrs");
        let budget =
            read(described("x").planned_budget_limits("1793491200", planned).budget_type(BudgetType::Usage).build().unwrap()).unwrap();
        assert_eq!((budget.limit, budget.actual, budget.forecast), (Some(dec!(75)), None, None));
        assert_eq!((budget.unit.as_str(), budget.is_cost), ("Hrs", false));
        let nothing = read(described("x").build().unwrap()).unwrap();
        assert_eq!((nothing.limit, nothing.filter, nothing.unhealthy), (None, Filter::everything(), None));
        let plans = read(described("x").budget_type(BudgetType::SpUtilization).build().unwrap()).unwrap();
        assert_eq!((plans.period, plans.filter.takes_sagemaker(&policy())), (None, Some(false)), "it counts no money");
    }

    #[test]
    fn what_a_budget_counts_is_read_in_both_forms() {
        let service = Filter::Service(vec!["Amazon SageMaker".into()]);
        let nlp = Filter::Tag("Team".into(), vec!["nlp".into()]);
        let filters = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]));
            read(described("x").set_cost_filters(Some(pairs.collect())).build().unwrap()).unwrap()
        };
        assert_eq!(filters(&[("Service", "Amazon SageMaker")]).filter, Filter::All(vec![service.clone()]));
        let tagged = filters(&[("TagKeyValue", "user:Team$nlp")]);
        assert_eq!((tagged.filter, tagged.unhealthy), (Filter::All(vec![nlp.clone()]), None));
        let wrong = filters(&[("TagKeyValue", "Team$nlp")]).unhealthy.unwrap();
        assert_eq!(wrong, "it filters by Team$nlp, which no spend has: AWS wants user:Team$nlp");
        assert_eq!(filters(&[("Region", "eu-west-1")]).filter, Filter::All(vec![Filter::Unknown("Region".into())]));

        let of_service = ExpressionDimensionValues::builder().key(Dimension::Service).values("Amazon SageMaker").build().unwrap();
        let of_service = Expression::builder().dimensions(of_service).build();
        let tag = |option: Option<MatchOption>, values: Vec<String>| {
            let values =
                TagValues::builder().key("Team").set_values(Some(values)).set_match_options(option.map(|option| vec![option])).build();
            Expression::builder().tags(values).build()
        };
        let absent = Expression::builder().not(tag(Some(MatchOption::Absent), vec![])).build();
        let of_nlp = tag(None, vec!["nlp".into()]);
        let starts = tag(Some(MatchOption::StartsWith), vec!["n".into()]);
        for (expression, filter) in [
            (Expression::builder().and(of_service.clone()).and(of_nlp.clone()).build(), Filter::All(vec![service.clone(), nlp.clone()])),
            (Expression::builder().or(of_service).or(of_nlp).build(), Filter::Any(vec![service, nlp])),
            (absent, Filter::Not(Box::new(Filter::Tag("Team".into(), vec![String::new()])))),
            (starts, Filter::Unknown("tag Team".into())),
            (Expression::builder().build(), Filter::Unknown("something new".into())),
        ] {
            assert_eq!(read(described("x").filter_expression(expression).build().unwrap()).unwrap().filter, filter);
        }
    }

    #[test]
    fn awss_word_on_health_is_passed_on() {
        let sick = HealthStatus::builder().status(HealthStatusValue::Unhealthy).status_reason(HealthStatusReason::FilterInvalid).build();
        let budget = read(described("x").health_status(sick).build().unwrap()).unwrap();
        assert_eq!(budget.unhealthy.as_deref(), Some("AWS says that it is unhealthy: FILTER_INVALID"));
    }

    fn notification(kind: NotificationType, threshold: f64, threshold_type: Option<ThresholdType>) -> Notification {
        let built =
            Notification::builder().notification_type(kind).comparison_operator(ComparisonOperator::GreaterThan).threshold(threshold);
        built.set_threshold_type(threshold_type).build().unwrap()
    }

    #[tokio::test]
    async fn all_pages_are_read_and_only_budgets_of_sagemaker_are_asked_for_notifications() {
        let list = mock!(aws_sdk_budgets::Client::describe_budgets).then_compute_output(|asked| {
            assert_eq!((asked.account_id(), asked.show_filter_expression(), asked.max_results()), (Some(ACCOUNT), Some(true), Some(1000)));
            let mine = described("ml-dev").budget_limit(spend("200", "USD")).cost_filters("Service", vec!["Amazon SageMaker".to_owned()]);
            let anothers = described("ec2").cost_filters("Service", vec!["Amazon Elastic Compute Cloud - Compute".to_owned()]);
            let broken = described("broken").budget_limit(spend("?", "USD"));
            let page = DescribeBudgetsOutput::builder();
            match asked.next_token() {
                None => page.budgets(mine.build().unwrap()).budgets(broken.build().unwrap()).next_token("2").build(),
                Some(_) => page.budgets(anothers.build().unwrap()).build(),
            }
        });
        let told = mock!(aws_sdk_budgets::Client::describe_notifications_for_budget).then_compute_output(|asked| {
            assert_eq!(asked.budget_name(), Some("ml-dev"));
            let less =
                Notification::builder().notification_type(NotificationType::Actual).comparison_operator(ComparisonOperator::LessThan);
            DescribeNotificationsForBudgetOutput::builder()
                .notifications(notification(NotificationType::Actual, 50.0, Some(ThresholdType::Percentage)))
                .notifications(notification(NotificationType::Actual, 30.0, Some(ThresholdType::AbsoluteValue)))
                .notifications(notification(NotificationType::Forecasted, 110.5, None))
                .notifications(less.threshold(10.0).build().unwrap())
                .build()
        });
        let Listed { items, complete, unread } = all(&clients(&[&list, &told]), &policy(), ACCOUNT, now()).await;
        assert_eq!(
            (items.len(), complete, list.num_calls(), told.num_calls()),
            (2, vec![], 2, 1),
            "what is not understood is not complete"
        );
        assert_eq!(unread.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["numbers of budget/broken"]);
        let mine = &items[0];
        assert_eq!((&mine.thresholds, &mine.forecast_thresholds), (&vec![dec!(50), dec!(15)], &vec![dec!(110.5)]));
        assert_eq!(mine.resource.whose.owner.as_deref(), Some("ann@example.com"));
    }

    #[tokio::test]
    async fn budgets_that_cannot_be_read_are_not_taken_for_none() {
        let denied = mock!(aws_sdk_budgets::Client::describe_budgets).then_error(|| DescribeBudgetsError::generic(testing::denied()));
        let Listed { items, complete, unread } = all(&clients(&[&denied]), &policy(), ACCOUNT, now()).await;
        assert!(items.is_empty() && complete.is_empty());
        assert!(unread[0].what.contains("budgets:DescribeBudgets") && unread[0].why.contains("AccessDenied"), "{unread:?}");
    }

    #[tokio::test]
    async fn the_period_before_is_found_in_the_history() {
        let history = mock!(aws_sdk_budgets::Client::describe_budget_performance_history).then_output(|| {
            let month = |from: &str, until: &str, actual: &str| {
                let period = TimePeriod::builder().start(at(from)).end(at(until)).build();
                BudgetedAndActualAmounts::builder()
                    .budgeted_amount(spend("90", "USD"))
                    .actual_amount(spend(actual, "USD"))
                    .time_period(period)
                    .build()
            };
            let list = BudgetPerformanceHistory::builder()
                .budgeted_and_actual_amounts_list(month("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", "1"))
                .budgeted_and_actual_amounts_list(month("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "88.5"));
            DescribeBudgetPerformanceHistoryOutput::builder().budget_performance_history(list.build()).build()
        });
        let mut budgets = vec![read(described("ml-dev").build().unwrap()).unwrap(), read(described("other").build().unwrap()).unwrap()];
        let unread = last_periods(&clients(&[&history]), ACCOUNT, &mut budgets, &["budget/ml-dev".to_owned()]).await;
        assert_eq!((budgets[0].last, budgets[1].last, unread), (Some((dec!(90), dec!(88.5))), None, None));
    }
}
