//! The record of the spend: running resources, planted spend, and the days on which tags count.

use jiff::civil::date;
use serde_json::json;

use super::*;

const RUNNING: &str = r#"
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
[[notebook]]
name = "a"
instance-type = "ml.m5.xlarge"
since = "-11h"
tags = { Owner = "ann" }
plan = [
    { at = "2026-11-23 20:00", do = "tag Owner=bob" },
    { at = "2026-11-23 22:00", do = "delete" },
]
[[notebook]]
name = "b"
instance-type = "ml.zz9.plural"
since = "-1h"
[[domain]]
id = "d-1"
[[space]]
domain = "d-1"
name = "lab"
[[app]]
domain = "d-1"
space = "lab"
instance-type = "ml.t3.medium"
since = "-1h"
[[app]]
domain = "d-1"
user-profile = "ann"
type = "JupyterServer"
instance-type = "system"
[prices]
"ml.t3.medium" = 0.06
"#;

fn world(toml: &str, until: &str) -> World {
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    world.live_until(until.parse().unwrap());
    world
}

/// The rows: day, usage type, owner, USD, hours.
fn told(world: &World) -> Vec<(String, String, String, Decimal, Decimal)> {
    let row = |row: Spend| (row.day.to_string(), row.usage_type, row.tags.get("Owner").cloned().unwrap_or_default(), row.usd, row.quantity);
    world.spend().into_iter().map(row).collect()
}

#[test]
fn what_runs_is_billed_by_utc_day_with_the_tags_of_its_time_though_it_is_gone() {
    let world = world(RUNNING, "2026-11-24T06:00:00Z");
    let row =
        |day: &str, usage: &str, owner: &str, usd, hours| (format!("2026-11-{day}"), format!("EUC1-{usage}"), owner.to_owned(), usd, hours);
    let hourly = dec!(0.276);
    let mut rows = told(&world);
    rows.sort();
    assert_eq!(
        rows,
        [
            row("22", "Notebk:ml.m5.xlarge", "ann", dec!(3) * hourly, dec!(3)),
            row("23", "Notebk:ml.m5.xlarge", "ann", dec!(20) * hourly, dec!(20)),
            row("23", "Notebk:ml.m5.xlarge", "bob", dec!(2) * hourly, dec!(2)),
            row("23", "Notebk:ml.zz9.plural", "", dec!(0), dec!(17)),
            row("23", "Studio:JupyterLab-ml.t3.medium", "", dec!(17) * dec!(0.06), dec!(17)),
            row("24", "Notebk:ml.zz9.plural", "", dec!(0), dec!(6)),
            row("24", "Studio:JupyterLab-ml.t3.medium", "", dec!(6) * dec!(0.06), dec!(6)),
        ]
    );
    assert!(world.spend().iter().all(|row| row.unit == "Hrs" && row.service == "Amazon SageMaker" && row.record_type == "Usage"));
}

#[test]
fn jobs_are_billed_while_they_have_their_instances_spot_at_its_discount_and_warm_pools() {
    // Each has its instances from two minutes after its creation, for its training time and a minute and a half.
    let jobs = r#"
region = "eu-central-1"
start = "2026-11-23T23:00:00Z"
[prices]
"ml.m5.xlarge" = 1
[[training-job]]
name = "spot"
spot = true
instance-count = 2
created = "2026-11-23T23:28:00Z"
takes = "2h"
max-wait = "2d"
interruptions = ["59m"]
checkpoint = "s3://b/c"
tags = { Owner = "ann" }
plan = [{ at = "2026-11-24 00:40", do = "tag Owner=bob" }]
[[training-job]]
name = "warm"
keep-alive = "30m"
takes = "58m 30s"
created = "2026-11-24T01:58:00Z"
[[training-job]]
name = "history"
status = "Completed"
takes = "58m 30s"
since = "2026-10-01T12:00:00Z"
"#;
    let world = world(jobs, "2026-11-24T12:00:00Z");
    let row = |day: &str, usage: &str, owner: &str, usd, hours| {
        (day.to_owned(), format!("EUC1-{usage}:ml.m5.xlarge"), owner.to_owned(), usd, hours)
    };
    let mut rows = told(&world);
    rows.sort();
    assert_eq!(
        rows,
        [
            row("2026-10-01", "Train", "", dec!(1), dec!(1)),
            row("2026-11-23", "TrSpt", "ann", dec!(0.3), dec!(1)),
            // Until the interruption after an hour, and again from 00:37.
            row("2026-11-24", "TrSpt", "ann", dec!(0.33), dec!(1.1)),
            row("2026-11-24", "TrSpt", "bob", dec!(0.595), dec!(1.9833333333)),
            row("2026-11-24", "Train", "", dec!(1.5), dec!(1.5)),
        ]
    );
    let lines = world.bill(world.started);
    let both = |kind| lines.iter().filter(|line| line.kind == kind).filter_map(|line| line.usd).sum::<Decimal>();
    assert_eq!((both("training-job"), both("spot-training-job")), (dec!(1.5), dec!(1.225)), "as on the bill of each");
}

#[test]
fn the_record_is_the_same_however_often_it_is_looked_at() {
    let mut often = world(RUNNING, "2026-11-23T08:00:00Z");
    for hour in 0..22 {
        often.live_until("2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour));
        often.settle(often.now - jiff::SignedDuration::from_mins(7));
    }
    often.live_until("2026-11-24T06:00:00Z".parse().unwrap());
    let once = world(RUNNING, "2026-11-24T06:00:00Z");
    let sorted = |world: &World| {
        let mut rows = told(world);
        rows.sort();
        rows
    };
    assert_eq!(sorted(&often), sorted(&once));
}

fn planted(spend: &str) -> BTreeMap<Date, Amount> {
    let toml = format!("start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\n{spend}");
    let mut world = World::new(Estate::from_toml(&toml).unwrap());
    world.settle("2026-11-23T06:00:00Z".parse().unwrap());
    world.billing.daily(Date::MIN, Date::MAX, &Filter::all())
}

#[test]
fn planted_spend_by_weekday_with_growth_spikes_and_an_end() {
    for (spend, day, usd) in [
        ("usd = 12", date(2026, 11, 22), dec!(12)),
        ("usd = 12", date(2025, 10, 1), dec!(12)),
        ("usd = 12", date(2025, 9, 30), dec!(0)),
        ("usd = 12\nunit = \"GB-Mo\"", date(2026, 11, 23), dec!(3)),
        ("usd = { mon-fri = 10, sun = 2 }", date(2026, 11, 20), dec!(10)),
        ("usd = { mon-fri = 10, sun = 2 }", date(2026, 11, 21), dec!(0)),
        ("usd = { mon-fri = 10, sun = 2 }", date(2026, 11, 22), dec!(2)),
        ("usd = 10\nweekend = 0.3", date(2026, 11, 21), dec!(3)),
        ("usd = 100\nfrom = \"2026-11-16\"\ngrowth = 1", date(2026, 11, 18), dec!(102.01)),
        ("usd = 100\nfrom = \"2026-11-16\"", date(2026, 11, 15), dec!(0)),
        ("usd = 100\nfrom = \"-7d\"\nuntil = \"-2d\"", date(2026, 11, 16), dec!(100)),
        ("usd = 100\nfrom = \"-7d\"\nuntil = \"-2d\"", date(2026, 11, 21), dec!(0)),
        ("usd = 20\nspikes = [{ day = \"2026-11-12\", usd = 480 }]", date(2026, 11, 12), dec!(500)),
        ("record-type = \"Credit\"\nusd = -5", date(2026, 11, 12), dec!(-5)),
    ] {
        assert_eq!(planted(spend).get(&day).map(|amount| amount.usd).unwrap_or_default(), usd, "{spend} {day}");
    }
    let used = planted("usd = 24\nquantity = 96\nweekend = 0.5\nfrom = \"-7d\"");
    assert_eq!((used[&date(2026, 11, 20)].quantity, used[&date(2026, 11, 21)].quantity), (dec!(96), dec!(48)), "it follows the money");
}

#[test]
fn noise_is_always_the_same_within_its_bounds_and_another_for_another_seed() {
    let noisy = |seed: u64| planted(&format!("usd = 100\nnoise = 10\n[cost-explorer]\nseed = {seed}"));
    let (days, again, other) = (noisy(1), noisy(1), noisy(2));
    assert_eq!(days, again);
    assert_ne!(days, other);
    let whole: Vec<Decimal> = days.range(..date(2026, 11, 23)).map(|(_, amount)| amount.usd).collect();
    assert!(whole.iter().all(|usd| (dec!(90)..=dec!(110)).contains(usd)));
    let mean = whole.iter().sum::<Decimal>() / Decimal::from(whole.len());
    assert!((mean - dec!(100)).abs() < dec!(1), "{mean}");
}

#[test]
fn prefixes_of_regions() {
    for (region, usage_type) in [("eu-west-1", "EU-Train:ml.x"), ("us-east-1", "USE1-Train:ml.x"), ("mars-1", "Train:ml.x")] {
        let world = world(&format!("region = \"{region}\""), "2026-11-23T08:00:00Z");
        let tags = BTreeMap::new();
        let ran = InstanceHours {
            component: "Train",
            instance_type: "ml.x",
            count: 2,
            from: world.now,
            until: world.now + jiff::SignedDuration::from_mins(90),
            usd_per_hour: Some(dec!(2)),
            tags: &tags,
        };
        let metered = world.instance_hours(&ran);
        assert_eq!((metered.kind.usage_type.as_str(), metered.amount.usd, metered.amount.quantity), (usage_type, dec!(6), dec!(3)));
    }
}

#[test]
fn filters() {
    let kind = Kind {
        service: "Amazon SageMaker".into(),
        usage_type: "EUC1-Host:ml.m5.xlarge".into(),
        operation: "RunInstance".into(),
        region: "eu-central-1".into(),
        account: "123456789012".into(),
        record_type: "Usage".into(),
        unit: "Hrs".into(),
        tags: BTreeMap::from([("Team".to_owned(), "nlp".to_owned()), ("Owner".to_owned(), "ann".to_owned())]),
    };
    let given = BTreeMap::from([("Team".to_owned(), crate::estate::Activation::Always)]);
    let tags = CostTags::new(&given, Timestamp::UNIX_EPOCH, jiff::SignedDuration::ZERO);
    let visible = Visible { kind: &kind, tags: &tags, day: date(2026, 11, 23) };
    let service = json!({"Dimensions": {"Key": "SERVICE", "Values": ["Amazon SageMaker", "x"]}});
    let credit = json!({"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Refund"], "MatchOptions": ["EQUALS"]}});
    for (expression, takes) in [
        (service.clone(), true),
        (json!({"Dimensions": {"Key": "SERVICE", "Values": ["amazon sagemaker"]}}), false),
        (json!({"Not": credit}), true),
        (json!({"And": [service, {"Not": credit}]}), true),
        (json!({"And": [service, credit]}), false),
        (json!({"Or": [credit, service]}), true),
        (json!({"Tags": {"Key": "Team", "Values": ["nlp"]}}), true),
        (json!({"Tags": {"Key": "Team", "Values": ["cv"]}}), false),
        (json!({"Tags": {"Key": "Team", "MatchOptions": ["ABSENT"]}}), false),
        (json!({"Tags": {"Key": "Team"}}), false),
        (json!({"Tags": {}}), false),
        // The resource has this tag, but it is not a cost allocation tag.
        (json!({"Tags": {"Key": "Owner", "Values": ["ann"]}}), false),
        (json!({"Tags": {"Key": "Owner", "MatchOptions": ["ABSENT"]}}), true),
    ] {
        let filter = Filter::of(&json!({"Filter": expression})).unwrap();
        assert_eq!(filter.takes(&kind, &visible), takes, "{expression}");
    }
    for (expression, says) in [
        (json!({}), "Expression is empty"),
        (
            json!({"And": [service, credit], "Dimensions": service["Dimensions"]}),
            "Expression has more than one roots. Only one root operator",
        ),
        (json!({"Not": {}}), "Expression is empty"),
        (json!({"And": [service]}), "at least two"),
        (json!({"Dimensions": {"Key": "SERVCE", "Values": ["x"]}}), "enum value set"),
        (json!({"Dimensions": {"Key": "SERVICE", "Values": []}}), "must not be empty"),
        (json!({"Dimensions": {"Key": "SERVICE", "Values": ["x"], "MatchOptions": ["STARTS_WITH"]}}), "STARTS_WITH is not supported"),
        (json!({"Dimensions": {"Key": "SERVICE", "MatchOptions": ["ABSENT"]}}), "ABSENT is not supported"),
        (json!({"Tags": {"Values": ["x"]}}), "expected a Key"),
        (json!({"Dimensions": {"Key": "AZ", "Values": ["x"]}}), "not simulated"),
        (json!({"CostCategories": {"Key": "x"}}), "not simulated"),
    ] {
        let refusal = Filter::of(&json!({"Filter": expression})).unwrap_err();
        assert!(refusal.message.contains(says), "{expression}: {}", refusal.message);
    }
    for (name, values, takes) in [
        ("Service", &["Amazon SageMaker"][..], true),
        ("UsageType", &["EUC1-Train:ml.m5.xlarge"], false),
        ("TagKeyValue", &["user:Team$cv", "user:Team$nlp"], true),
        // Without the prefix it matches nothing, and there is no error.
        ("TagKeyValue", &["Team$nlp"], false),
        ("TagKeyValue", &["user:Owner$ann"], false),
        ("TagKeyValue", &["user:Owner$"], true),
    ] {
        let filters = BTreeMap::from([(name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())]);
        assert_eq!(Filter::of_budget(&filters, None).unwrap().takes(&kind, &visible), takes, "{name} {values:?}");
    }
}

#[test]
fn a_tag_counts_from_its_activation_on() {
    let at = |day: i8, hour: i8| TimeZone::UTC.to_timestamp(date(2026, 11, day).at(hour, 0, 0, 0)).unwrap();
    let mut tags = CostTags::new(&BTreeMap::new(), at(1, 0), jiff::SignedDuration::from_hours(24));
    let (team, owner) = ("Team".to_owned(), "Owner".to_owned());
    tags.seen([&team, &owner].into_iter(), date(2026, 11, 9));
    let known = |tags: &CostTags, now| tags.known(now).map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(known(&tags, at(9, 23)), [""; 0], "it takes up to a day until a key is known");
    assert_eq!(known(&tags, at(10, 0)), ["Owner", "Team"]);
    tags.set("Team", true, at(10, 8));
    let active = |tags: &CostTags, key: &str| (1..=20).filter(|day| tags.is_active(key, date(2026, 11, *day))).collect::<Vec<i8>>();
    assert_eq!(active(&tags, "Team"), (11..=20).collect::<Vec<i8>>(), "a day later, and not before");
    tags.set("Team", true, at(12, 8));
    assert_eq!(active(&tags, "Team"), (11..=20).collect::<Vec<i8>>(), "again is no change");
    tags.set("Owner", true, at(10, 8));
    tags.set("Owner", false, at(12, 8));
    assert_eq!(active(&tags, "Owner"), [11, 12]);
    tags.set("Team", false, at(15, 0));
    assert_eq!(active(&tags, "Team"), (11..=15).collect::<Vec<i8>>());
}

/// What a cut of the bill groups by.
type Cut = fn(&Kind, &Visible<'_>) -> String;

#[test]
fn a_bill_with_a_savings_plan_is_right_by_every_cut() {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../end-to-end/bills/");
    let totals: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{FOLDER}2026_09_totals.json")).unwrap()).unwrap();
    let mut world = World::new(Estate::from_toml("start = \"2026-10-05T12:00:00Z\"\n[cost-allocation-tags]\nTeam = \"always\"").unwrap());
    world.billing.add_bill(&format!("{FOLDER}2026_09.csv"), "us-east-1").unwrap();
    let cuts: [(&str, Cut); 5] = [
        ("account", |kind, _| kind.account.clone()),
        ("team", |_, visible| visible.tag("Team").unwrap_or("(untagged)").to_owned()),
        ("service", |kind, _| kind.service.clone()),
        ("record_type", |kind, _| kind.record_type.clone()),
        ("usage_type", |kind, _| Some(kind.usage_type.clone()).filter(|usage| !usage.is_empty()).unwrap_or_else(|| "(none)".into())),
    ];
    let sums = |of: &dyn Fn(&Kind, &Visible<'_>) -> String, by_day: bool| {
        let mut sums: BTreeMap<String, Amount> = BTreeMap::new();
        world.billing.sorted(
            midnight(date(2026, 9, 1)),
            midnight(date(2026, 10, 1)),
            |kind, visible| Some(of(kind, visible)),
            |slot, group, _, amount| {
                *sums.entry(if by_day { slot.day.to_string() } else { group.clone() }).or_default() += amount;
            },
        );
        sums
    };
    let matches = |cut: &str, sums: BTreeMap<String, Amount>| {
        assert_eq!(sums.len(), totals[cut].as_object().unwrap().len(), "{cut}");
        for (group, amount) in sums {
            for (name, metric) in
                [("unblended", Metric::Unblended), ("amortized", Metric::Amortized), ("public_on_demand", Metric::OnDemand)]
            {
                let total: Decimal = totals[cut][&group][name].as_str().unwrap().parse().unwrap();
                assert_eq!(amount.of(metric).normalize(), total.normalize(), "{cut} {group} {name}");
            }
        }
    };
    for (cut, of) in cuts {
        matches(cut, sums(&of, false));
    }
    matches("day", sums(&|_, _| String::new(), true));
    matches("all", sums(&|_, _| "all".to_owned(), false));
}

#[test]
fn a_savings_plan_takes_back_what_it_covers_and_costs_what_it_is_for() {
    let days = |metric| {
        let toml = "start = \"2026-11-23T06:00:00Z\"\n[[spend]]\nusage-type = \"Host:x\"\nusd = 100\nfrom = \"2026-11-19\"\n\
                    savings-plan = { from = \"2026-11-21\", discount = 30, unused = 5 }\n";
        let mut world = World::new(Estate::from_toml(toml).unwrap());
        world.settle("2026-11-23T00:00:00Z".parse().unwrap());
        let sagemaker =
            Filter::of(&serde_json::json!({"Filter": {"Dimensions": {"Key": "SERVICE", "Values": ["Amazon SageMaker"]}}})).unwrap();
        let of = |filter: &Filter| {
            world.billing.daily(Date::MIN, Date::MAX, filter).values().map(|amount| amount.of(metric)).collect::<Vec<_>>()
        };
        (of(&sagemaker), of(&Filter::all()))
    };
    let of = |numbers: [i64; 4]| numbers.map(Decimal::from).to_vec();
    assert_eq!(days(Metric::Unblended), (of([100, 100, 0, 0]), of([100, 100, 75, 75])));
    assert_eq!(days(Metric::Amortized), (of([100, 100, 70, 70]), of([100, 100, 75, 75])));
    assert_eq!(days(Metric::OnDemand), (of([100, 100, 100, 100]), of([100, 100, 100, 100])));
}
