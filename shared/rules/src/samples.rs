//! Samples for the rules' tests: resources, budgets, spend, and a policy with working hours in Berlin. And a test that every rule is registered.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::{
        App, Asset, AutoScaling, Budget, CanSleep, Capacity, Compute, DailySpend, Endpoint, Filter, Hibernation, HibernationStage, Insight,
        JobSeries, JobStatus, Measures, Notebook, RunState, Serving, Spend, TagKey, TrainingJob, TuningDefinition, TuningJob, Variant,
        Workflows,
    },
    plan::{Entry, State},
    policy::Policy,
    remedy::{Remedy, WakesBy},
    rules::{ALL, context::RuleContext},
    vocabulary::{
        duration::Duration,
        period::{Period, TimeUnit},
        price::{Instances, Prices},
        resource::{AppHome, Kind, Ownership, Resource, Tags},
    },
};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::from_toml(
        r#"
        timezone = "Europe/Berlin"
        [working-hours]
        default = "mon-fri/08:00-19:00"
        teams = { vision = "mon-fri/08:00-19:00@America/New_York" }
        "#,
    )
    .unwrap()
});

static PRICES: LazyLock<Prices> = LazyLock::new(|| Prices::of_region("us-east-1", []));

static NO_MEASURES: LazyLock<Measures> = LazyLock::new(Measures::default);

static NO_WORKFLOWS: Workflows = Workflows::new();

pub(crate) fn context(now: &str) -> RuleContext<'static> {
    RuleContext { now: now.parse().unwrap(), policy: &POLICY, prices: &PRICES, measures: &NO_MEASURES, workflows: &NO_WORKFLOWS }
}

pub(crate) fn resource(id: &str) -> Resource {
    Resource {
        id: id.into(),
        arn: Some(format!("arn:aws:sagemaker:us-east-1:123456789012:{id}")),
        name: id.rsplit('/').next().unwrap().into(),
        tags: Tags::Known(BTreeMap::new()),
        ownership: Ownership::default(),
    }
}

/// An `ml.m5.xlarge` that has run since `started`.
pub(crate) fn notebook(started: &str) -> Notebook {
    Notebook {
        resource: resource("notebook-instance/churn"),
        instance_type: Some("ml.m5.xlarge".into()),
        state: RunState::InService,
        since: Some(started.parse().unwrap()),
        volume_gb: None,
        usage: None,
    }
}

pub(crate) fn tagged(mut notebook: Notebook, tags: &[(&str, &str)]) -> Notebook {
    notebook.resource.tags = Tags::Known(tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect());
    notebook
}

pub(crate) fn app(app_type: &str, instance_type: &str, started: &str) -> App {
    App {
        resource: resource(&format!("app/d-1/lab/{}/default", app_type.to_lowercase())),
        domain: "d-1".into(),
        home: AppHome::Space("lab".into()),
        space_owner: None,
        app_type: app_type.into(),
        app_name: "default".into(),
        instance_type: Some(instance_type.into()),
        state: RunState::InService,
        created: Some(started.parse().unwrap()),
        deleted_by_guard: None,
    }
}

pub(crate) fn with_tags(mut resource: Resource, tags: &[(&str, &str)]) -> Resource {
    resource.tags = Tags::Known(tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect());
    resource
}

/// A job on two `ml.m5.xlarge`, on demand: submitted at `created`, training since five minutes later, with a limit of one day.
pub(crate) fn training_job(created: &str) -> TrainingJob {
    let created: Timestamp = created.parse().unwrap();
    TrainingJob {
        resource: resource("training-job/churn-train-2026-11-24-11-00-00"),
        indexed: false,
        status: JobStatus::InProgress,
        created: Some(created),
        started: Some(created + jiff::SignedDuration::from_mins(5)),
        ended: None,
        spot: false,
        checkpoint: None,
        instances: vec![Instances { instance_type: "ml.m5.xlarge".into(), count: 2 }],
        max_runtime: Some(Duration::days(1)),
        keep_alive: None,
        capacity: Capacity::Common,
        parent: None,
        work: None,
        algorithm: None,
        waited_for: false,
        secondary_status: Some("Training".into()),
        failure: None,
        replaces: None,
        training_seconds: None,
        billable_seconds: None,
    }
}

/// A definition of training jobs on demand, each on one such instance with a limit of one hour.
pub(crate) fn tuning_definition(instance_type: &str) -> TuningDefinition {
    let instances = vec![Instances { instance_type: instance_type.into(), count: 1 }];
    TuningDefinition {
        algorithm: None,
        spot: false,
        choices: vec![instances],
        max_runtime: Some(Duration::hours(1)),
        capacity: Capacity::Common,
        keep_alive: None,
    }
}

/// A tuning job with twenty training jobs, four at a time, each on one `ml.m5.xlarge` with a limit of one hour.
pub(crate) fn tuning_job(created: &str) -> TuningJob {
    TuningJob {
        resource: resource("hyper-parameter-tuning-job/churn-tune"),
        indexed: false,
        status: JobStatus::InProgress,
        created: Some(created.parse().unwrap()),
        work: None,
        definitions: vec![tuning_definition("ml.m5.xlarge")],
        parallel: 4,
        most_jobs: Some(20),
        ended: 0,
        max_runtime: None,
        running: None,
    }
}

/// A resource that does not run, with these tags.
pub(crate) fn audited(id: &str, tags: &[(&str, &str)]) -> Asset {
    Asset {
        resource: with_tags(resource(id), tags),
        tag_count: tags.len(),
        created: None,
        run: None,
        is_leaving: false,
        changing: None,
        instances: vec![],
        limit: None,
        stop: Remedy::None,
        parent: None,
        part_of: None,
        work: None,
        is_spot: false,
        ancestors: vec![],
        creator: None,
        ownership_unknown: None,
    }
}

/// A monthly budget of 1,000 USD for `SageMaker`, with no spend.
pub(crate) fn budget(name: &str) -> Budget {
    let period = Period { unit: TimeUnit::Monthly, from: "2026-11-01".parse().unwrap(), until: "2026-12-01".parse().unwrap() };
    Budget {
        resource: Resource { arn: Some(format!("arn:aws:budgets::123456789012:budget/{name}")), ..resource(&Kind::Budget.id(name)) },
        is_cost: true,
        unit: "USD".into(),
        period: Some(period),
        begins_soon: false,
        changed: None,
        limit: Some(rust_decimal::dec!(1000)),
        actual: Some(Decimal::ZERO),
        forecast: None,
        filter: Filter::Service(vec!["Amazon SageMaker".into()]),
        is_elsewhere: false,
        is_amortized: false,
        thresholds: vec![],
        forecast_thresholds: vec![],
        unread_thresholds: false,
        adjusts: false,
        unhealthy: None,
        last: None,
        insight: Insight::default(),
    }
}

/// A spend of `usd` on each of the 95 days before `today`, without a team.
pub(crate) fn spend(today: &str, usd: Decimal) -> Spend {
    let today: jiff::civil::Date = today.parse().unwrap();
    let row = DailySpend { usage: "Host:ml.m5.xlarge".into(), usd, ..DailySpend::default() };
    let days = (1..=95).map(|ago| (today.saturating_sub(jiff::Span::new().days(ago)), vec![row.clone()]));
    Spend {
        resource: Resource { arn: None, ..resource("spend/sagemaker") },
        days: days.collect(),
        charges: BTreeMap::new(),
        estimated_from: today.saturating_sub(jiff::Span::new().days(3)),
        anomalies: None,
        ahead: None,
        uncovered: None,
        running: None,
    }
}

/// A tag key whose status and spend are not known.
pub(crate) fn tag_key(key: &str) -> TagKey {
    TagKey { resource: Resource { arn: None, ..resource(&format!("tag-key/{key}")) }, status: None, spend: None }
}

/// An empty series of jobs on one `ml.m5.xlarge`, counted over two weeks.
pub(crate) fn job_series() -> JobSeries {
    JobSeries {
        resource: resource("job-series/training-job/churn-train"),
        completed: 0,
        longest: Duration::seconds(0),
        max_runtime: None,
        instances: vec![Instances { instance_type: "ml.m5.xlarge".into(), count: 1 }],
        warm_pools: 0,
        unused_warm_pools: 0,
        unused_for: Duration::seconds(0),
        window: Duration::days(14),
    }
}

/// What the ledger remembers of a finding about a notebook.
pub(crate) fn entry(rule: &str, name: &str, state: State) -> Entry {
    Entry {
        rule: rule.into(),
        id: format!("notebook-instance/{name}"),
        arn: format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"),
        name: name.into(),
        owner: Some("ann@example.com".into()),
        team: None,
        state,
        first_seen: "2026-11-25T08:00:00Z".parse().unwrap(),
        last_seen: "2026-11-25T08:00:00Z".parse().unwrap(),
        topic: None,
        action: None,
        announced: None,
        escalated_at: None,
        notified_at: None,
        standing: None,
        act_after: None,
        run: None,
        stopped: None,
        reason: None,
        instance_type: None,
        usd_per_hour: None,
        usd_per_month: Some(rust_decimal::dec!(201.48)),
        ends: None,
        kept: None,
        retry_after: None,
        failure: None,
        written: None,
        version: 1,
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this test reads the source")]
fn every_file_is_registered_under_its_name() {
    let rules = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules"));
    let entries = |folder: &std::path::Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // The manual in a rule's file begins with the rule's name as its title.
    let name_of = |path: std::path::PathBuf| {
        let name = path.file_stem()?.to_str()?.replace('_', "-");
        std::fs::read_to_string(&path).ok()?.starts_with(&format!("//! # {name}\n")).then_some(name)
    };
    let mut files: Vec<String> =
        entries(rules).flat_map(|path| if path.is_dir() { entries(&path).collect() } else { vec![path] }).filter_map(name_of).collect();
    files.sort();
    let mut registered: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
    registered.sort_unstable();
    assert_eq!(files, registered, "a rule needs its file, its `mod` line and its line in ALL, all of one name");
}

/// A hibernation at this time, which ends with the working hours and has met no failure. Its costs are not known.
pub(crate) fn hibernation(stage: HibernationStage, at: &str) -> Hibernation {
    let at = at.parse().unwrap();
    let wakes = WakesBy::WorkingHours;
    Hibernation {
        stage,
        at,
        wakes,
        since: at,
        first_created: at,
        usd_per_hour: None,
        took: None,
        failed: None,
        until: None,
        is_created_by_guard: false,
    }
}

/// An endpoint of one variant on two `ml.m5.large` that was created at this time. Nothing is known of its use.
pub(crate) fn endpoint(created: &str) -> Endpoint {
    let instance_type = Some("ml.m5.large".to_owned());
    let variant = Variant {
        name: "AllTraffic".into(),
        is_shadow: false,
        compute: Compute::Instances { instance_type, current: 2, desired: 2, fixed: None },
        weight: Some(1.0),
        scaling: AutoScaling::None,
        invocations: None,
        start_up: None,
        provisioned_use: None,
    };
    Endpoint {
        resource: resource("endpoint/churn"),
        state: RunState::InService,
        created: Some(created.parse().unwrap()),
        modified: None,
        config: Some("churn-1".into()),
        serving: Serving::RealTime,
        is_deploying: false,
        variants: vec![variant],
        components: Some(vec![]),
        backlog: None,
        attached: None,
        announced: vec![],
        hibernation: None,
        router: None,
        can_sleep: CanSleep::NotLooked,
        compute_optimizer: None,
    }
}
