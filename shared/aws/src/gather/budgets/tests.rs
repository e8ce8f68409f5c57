//! Tests of budgets in all forms in which AWS returns them.

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

const ACCOUNT: Account<'_> = Account { partition: "aws", id: "123456789012", region: "eu-central-1" };

fn clients(rules: &[&Rule]) -> Clients {
    Clients { budgets: mock_client!(aws_sdk_budgets, RuleMode::MatchAny, rules).into(), ..testing::clients() }
}

fn rulebook() -> Rulebook {
    Rulebook::from_toml("team-tags = [\"Team\"]\n[[budget]]\nname = \"ml-*\"\nowner = \"ann@example.com\"").unwrap()
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
fn a_budgets_arn_has_the_partition_of_its_account() {
    for (partition, arn) in [
        ("aws", "arn:aws:budgets::123456789012:budget/ML-Dev: all"),
        ("aws-cn", "arn:aws-cn:budgets::123456789012:budget/ML-Dev: all"),
        ("aws-us-gov", "arn:aws-us-gov:budgets::123456789012:budget/ML-Dev: all"),
    ] {
        let budget = of(described("ML-Dev: all").build().unwrap(), Account { partition, ..ACCOUNT }, now()).unwrap();
        assert_eq!(budget.resource.arn.as_deref(), Some(arn));
        assert_eq!(cost_rules::resource::id_of_arn(arn), Some(budget.resource.id));
    }
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
    let budget = read(described("x").planned_budget_limits("1793491200", planned).budget_type(BudgetType::Usage).build().unwrap()).unwrap();
    assert_eq!((budget.limit, budget.actual, budget.forecast), (Some(dec!(75)), None, None));
    assert_eq!((budget.unit.as_str(), budget.is_cost), ("Hrs", false));
    let nothing = read(described("x").build().unwrap()).unwrap();
    assert_eq!((nothing.limit, nothing.filter, nothing.unhealthy), (None, Filter::everything(), None));
    let plans = read(described("x").budget_type(BudgetType::SpUtilization).build().unwrap()).unwrap();
    assert_eq!((plans.period, plans.filter.takes_sagemaker(&rulebook().policy)), (None, Some(false)), "it counts no money");
}

#[test]
fn a_budget_of_another_account_or_region_is_known_in_both_forms() {
    for (key, dimension, value, is_elsewhere) in [
        ("Region", Dimension::Region, "us-east-1", true),
        ("Region", Dimension::Region, "eu-central-1", false),
        ("LinkedAccount", Dimension::LinkedAccount, "999999999999", true),
        ("LinkedAccount", Dimension::LinkedAccount, "123456789012", false),
    ] {
        let filters = HashMap::from([(key.to_owned(), vec![value.to_owned()])]);
        assert_eq!(read(described("x").set_cost_filters(Some(filters)).build().unwrap()).unwrap().is_elsewhere, is_elsewhere, "{value}");
        let part = ExpressionDimensionValues::builder().key(dimension).values(value).build().unwrap();
        let part = Expression::builder().dimensions(part).build();
        for expression in [part.clone(), Expression::builder().and(part.clone()).build(), Expression::builder().or(part.clone()).build()] {
            let budget = read(described("x").filter_expression(expression).build().unwrap()).unwrap();
            assert_eq!(budget.is_elsewhere, is_elsewhere, "{value}");
        }
        let budget = read(described("x").filter_expression(Expression::builder().not(part).build()).build().unwrap()).unwrap();
        assert_eq!(budget.is_elsewhere, !is_elsewhere, "not {value}");
    }
    assert!(!read(described("x").build().unwrap()).unwrap().is_elsewhere);
    for (zones, is_elsewhere) in [(&["us-east-1a"][..], true), (&["us-east-1a", "eu-central-1b"], false), (&["NoAZ"], false)] {
        let filters = HashMap::from([("AZ".to_owned(), zones.iter().map(|zone| (*zone).to_owned()).collect())]);
        let budget = read(described("x").set_cost_filters(Some(filters)).build().unwrap()).unwrap();
        assert_eq!(budget.is_elsewhere, is_elsewhere, "{zones:?}");
    }
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
    for (wrong, meant) in [
        ("Team$nlp", "user:Team$nlp"),
        ("User:Team$nlp", "user:Team$nlp"),
        ("USER:Team$nlp", "user:Team$nlp"),
        ("acme:Team$nlp", "user:acme:Team$nlp"),
        // `user:` was put before what was there.
        ("tag:Team$nlp", "user:Team$nlp"),
        ("users:Team$nlp", "user:Team$nlp"),
        // Nothing was said of these, or they were to be written with `user:` before them.
        ("user:Team:nlp", "user:<key>$<value>"),
        ("user:Team=nlp", "user:<key>$<value>"),
        ("Team:nlp", "user:<key>$<value>"),
        ("user:awsApplicationarn:aws:resource-groups:eu-central-1:123456789012:group/x", "user:<key>$<value>"),
        ("user:Project${var.project_name}", "user:<key>$<value>"),
        ("Team${var.team}", "user:<key>$<value>"),
        ("user:Team$${TeamName}", "user:<key>$<value>"),
        ("user:Team${{ team }}", "user:<key>$<value>"),
    ] {
        let read = filters(&[("TagKeyValue", wrong)]);
        let Unhealthy { why, fix } = read.unhealthy.unwrap();
        assert_eq!(why, format!("it filters by {wrong}, which no spend has: AWS wants {meant}"));
        assert!(fix.unwrap().starts_with(&format!("let it filter by {meant} instead of {wrong}, in the AWS Budgets console")));
    }
    assert_eq!(filters(&[("TagKeyValue", "User:Team$nlp")]).filter, Filter::All(vec![nlp.clone()]));
    assert_eq!(filters(&[("TagKeyValue", "aws:createdBy$x")]).unhealthy, None);
    let both = HashMap::from([("TagKeyValue".to_owned(), vec!["Team$nlp".to_owned(), "user:Team$nlp".to_owned()])]);
    assert_eq!(read(described("x").set_cost_filters(Some(both)).build().unwrap()).unwrap().unhealthy, None, "the right one counts");
    assert_eq!(filters(&[("Region", "eu-west-1")]).filter, Filter::All(vec![Filter::Place("Region".into(), false)]));

    let of_service = ExpressionDimensionValues::builder().key(Dimension::Service).values("Amazon SageMaker").build().unwrap();
    let of_service = Expression::builder().dimensions(of_service).build();
    let tag = |option: Option<MatchOption>, values: Vec<String>| {
        let values = TagValues::builder().key("Team").set_values(Some(values)).set_match_options(option.map(|option| vec![option])).build();
        Expression::builder().tags(values).build()
    };
    let absent = Expression::builder().not(tag(Some(MatchOption::Absent), vec![])).build();
    let of_nlp = tag(None, vec!["nlp".into()]);
    let starts = tag(Some(MatchOption::StartsWith), vec!["n".into()]);
    let like = |at, ignores_case| Filter::ServiceLike(vec!["SageMaker".into()], Likeness { at, ignores_case });
    let named = |options: &[MatchOption]| {
        let dimension = ExpressionDimensionValues::builder().key(Dimension::Service).values("SageMaker");
        Expression::builder().dimensions(dimension.set_match_options(Some(options.to_vec())).build().unwrap()).build()
    };
    for (expression, filter) in [
        (Expression::builder().and(of_service.clone()).and(of_nlp.clone()).build(), Filter::All(vec![service.clone(), nlp.clone()])),
        (Expression::builder().or(of_service).or(of_nlp).build(), Filter::Any(vec![service, nlp])),
        (absent, Filter::Not(Box::new(Filter::Tag("Team".into(), vec![String::new()])))),
        (starts, Filter::Unknown("tag Team".into())),
        (Expression::builder().build(), Filter::Unknown("something new".into())),
        (named(&[MatchOption::Contains]), like(At::Anywhere, false)),
        (named(&[MatchOption::StartsWith, MatchOption::CaseInsensitive]), like(At::Start, true)),
        (named(&[MatchOption::Absent]), Filter::Unknown("SERVICE".into())),
    ] {
        assert_eq!(read(described("x").filter_expression(expression).build().unwrap()).unwrap().filter, filter);
    }
}

#[test]
fn a_region_or_an_account_in_another_form_was_silently_nothing() {
    for (key, dimension, value, wants) in [
        ("Region", Dimension::Region, "EU (Frankfurt)", Some("its code, as in `eu-central-1`")),
        ("Region", Dimension::Region, "EUC1", Some("its code, as in `eu-central-1`")),
        ("Region", Dimension::Region, "eu-central-1", None),
        ("Region", Dimension::Region, "us-gov-west-1", None),
        ("Region", Dimension::Region, "global", None),
        ("Region", Dimension::Region, "NoRegion", None),
        ("LinkedAccount", Dimension::LinkedAccount, "1234-5678-9012", Some("its twelve digits")),
        ("LinkedAccount", Dimension::LinkedAccount, "999999999999", None),
    ] {
        let why = wants.map(|wants| {
            let what = if key == "Region" { "Region" } else { "account" };
            format!("it filters by the {what} `{value}`, which no spend has: AWS wants {wants}")
        });
        let filters = HashMap::from([(key.to_owned(), vec![value.to_owned()])]);
        let part = ExpressionDimensionValues::builder().key(dimension).values(value).build().unwrap();
        let part = Expression::builder().dimensions(part).build();
        for budget in [
            described("x").set_cost_filters(Some(filters)),
            described("x").filter_expression(part.clone()),
            described("x").filter_expression(Expression::builder().and(part).build()),
        ] {
            let unhealthy = read(budget.build().unwrap()).unwrap().unhealthy;
            assert_eq!(unhealthy.map(|unhealthy| unhealthy.why), why, "{value}");
        }
    }
}

/// A budget with `Metrics`, which replace `CostTypes`, was said to count unblended cost.
#[test]
fn the_kind_of_cost_is_read_in_both_forms() {
    for (metric, use_amortized, is_amortized) in [
        (None, None, false),
        (None, Some(false), false),
        (None, Some(true), true),
        (Some(Metric::AmortizedCost), None, true),
        (Some(Metric::NetAmortizedCost), None, true),
        (Some(Metric::AmortizedCost), Some(false), true),
        (Some(Metric::UnblendedCost), None, false),
        (Some(Metric::NetUnblendedCost), None, false),
        (Some(Metric::BlendedCost), None, false),
    ] {
        let types = use_amortized.map(|is| aws_sdk_budgets::types::CostTypes::builder().use_amortized(is).build());
        let budget = described("x").set_metrics(metric.clone().map(|one| vec![one])).set_cost_types(types);
        assert_eq!(read(budget.build().unwrap()).unwrap().is_amortized, is_amortized, "{metric:?} {use_amortized:?}");
    }
}

#[test]
fn awss_word_on_health_is_passed_on() {
    let sick = HealthStatus::builder().status(HealthStatusValue::Unhealthy).status_reason(HealthStatusReason::FilterInvalid).build();
    let budget = read(described("x").health_status(sick).build().unwrap()).unwrap();
    assert_eq!(budget.unhealthy.unwrap().why, "AWS says that it is unhealthy: FILTER_INVALID");
}

fn notification(kind: NotificationType, threshold: f64, threshold_type: Option<ThresholdType>) -> Notification {
    let built = Notification::builder().notification_type(kind).comparison_operator(ComparisonOperator::GreaterThan).threshold(threshold);
    built.set_threshold_type(threshold_type).build().unwrap()
}

#[tokio::test]
async fn all_pages_are_read_and_only_budgets_of_sagemaker_are_asked_for_notifications() {
    let list = mock!(aws_sdk_budgets::Client::describe_budgets).then_compute_output(|asked| {
        assert_eq!((asked.account_id(), asked.show_filter_expression(), asked.max_results()), (Some(ACCOUNT.id), Some(true), Some(1000)));
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
        let less = Notification::builder().notification_type(NotificationType::Actual).comparison_operator(ComparisonOperator::LessThan);
        DescribeNotificationsForBudgetOutput::builder()
            .notifications(notification(NotificationType::Actual, 50.0, Some(ThresholdType::Percentage)))
            .notifications(notification(NotificationType::Actual, 30.0, Some(ThresholdType::AbsoluteValue)))
            .notifications(notification(NotificationType::Forecasted, 110.5, None))
            .notifications(less.threshold(10.0).build().unwrap())
            .build()
    });
    let Listed { items, complete, unread } = all(&clients(&[&list, &told]), &rulebook(), ACCOUNT, now()).await;
    assert_eq!((items.len(), complete, list.num_calls(), told.num_calls()), (2, vec![], 2, 1), "what is not understood is not complete");
    assert_eq!(unread.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["numbers of budget/broken"]);
    let mine = &items[0];
    assert_eq!((&mine.thresholds, &mine.forecast_thresholds), (&vec![dec!(50), dec!(15)], &vec![dec!(110.5)]));
    assert_eq!(mine.resource.ownership.owner.as_deref(), Some("ann@example.com"));
}

#[tokio::test]
async fn budgets_that_cannot_be_read_are_not_taken_for_none() {
    let denied = mock!(aws_sdk_budgets::Client::describe_budgets).then_error(|| DescribeBudgetsError::generic(testing::denied()));
    let Listed { items, complete, unread } = all(&clients(&[&denied]), &rulebook(), ACCOUNT, now()).await;
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
    let unread = last_periods(&clients(&[&history]), ACCOUNT.id, &mut budgets, &["budget/ml-dev".to_owned()]).await;
    assert_eq!((budgets[0].last, budgets[1].last, unread), (Some((dec!(90), dec!(88.5))), None, None));
}
