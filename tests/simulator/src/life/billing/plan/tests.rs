//! Savings Plans on the bill: the rows of a bought plan, and its cost for fleets whose best commitments are known (data/README.md).

use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    life::billing::{Slot, Visible, midnight, sizing},
    world::World,
};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
const FLEETS: [&str; 3] = ["fleet_a_endpoints_336h", "fleet_b_office_and_batch_336h", "fleet_c_mixed_336h"];

fn gold() -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("{DATA}/gold_336h.json")).unwrap()).unwrap()
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// An account with a fleet from 3 to 16 August, after the lag of its data.
fn account(fleet: &str, plan: &str) -> World {
    let toml = format!(
        "start = \"2026-08-20T12:00:00Z\"\n[[spend]]\ncsv = \"{DATA}/{fleet}.csv\"\n[savings-plan-rates]\ncsv = \"{DATA}/rates.csv\"\n{plan}"
    );
    let mut world = World::new(Estate::from_toml(&toml).unwrap());
    world.settle("2026-08-20T00:00:00Z".parse().unwrap());
    world
}

fn fleet_hours() -> (Timestamp, Timestamp) {
    (midnight(jiff::civil::date(2026, 8, 3)), midnight(jiff::civil::date(2026, 8, 17)))
}

/// All usage of each hour.
fn hours(world: &World) -> Vec<Hour> {
    let (from, until) = fleet_hours();
    let mut hours = vec![Hour::default(); 336];
    let sort = |kind: &Kind, _: &Visible<'_>| world.billing.is_coverable(kind).then_some(());
    world.billing.sorted(from, until, sort, |slot: Slot, (), kind, amount| {
        let place = slot.begin.duration_since(from).as_hours().to_usize().unwrap();
        hours[place].add(kind, amount);
    });
    hours
}

#[test]
fn a_bought_plan_costs_what_the_best_one_is_known_to_cost() {
    for fleet in FLEETS {
        let gold = &gold()[fleet];
        let world = account(fleet, "");
        let hours = hours(&world);
        let on_demand: Decimal = hours.iter().map(Hour::on_demand).sum();
        assert_eq!(on_demand.round_dp(6), decimal(&gold["on_demand_usd"]).round_dp(6), "{fleet}");
        for offer in Offer::ALL {
            let gold = &gold["options"][offer.column()];
            let best = decimal(&gold["best_commitment_usd_per_hour"]);
            let plans = &world.billing.plans;
            assert_eq!(sizing::best(plans, &hours, offer).round_dp(8), best, "{fleet} {offer}");
            let outcome = sizing::outcome(plans, &hours, best, offer);
            assert_eq!(outcome.cost().round_dp(6), decimal(&gold["cost"]), "{fleet} {offer}");
            let utilization = outcome.used / outcome.commitment.max(dec!(0.000001)) * dec!(100);
            assert_eq!(utilization.round_dp(4), decimal(&gold["utilisation_pct"]), "{fleet} {offer}");
        }
    }
}

#[test]
fn what_an_owned_plan_covers_is_not_sized_again() {
    let plan = "[[savings-plan]]\nname = \"a\"\ncommitment = 1.5\nstart = \"2026-08-01T00:00:00Z\"";
    let world = account(FLEETS[0], plan);
    let gold = &gold()["fleet_a_endpoints_336h_owning_1.5_1y-none"];
    let now = "2026-08-20T00:00:00Z".parse().unwrap();
    let left: Vec<Hour> = hours(&world).into_iter().map(|hour| world.billing.plans.left_of(hour, now)).collect();
    let on_demand: Decimal = left.iter().map(Hour::on_demand).sum();
    assert_eq!(on_demand.round_dp(6), decimal(&gold["on_demand_usd"]).round_dp(6));
    for offer in Offer::ALL {
        let gold = &gold["options"][offer.column()];
        let best = sizing::best(&world.billing.plans, &left, offer);
        assert_eq!(best.round_dp(8), decimal(&gold["best_commitment_usd_per_hour"]), "{offer}");
        let cost = sizing::outcome(&world.billing.plans, &left, best, offer).cost();
        assert_eq!(cost.round_dp(6), decimal(&gold["cost"]), "{offer}");
    }
}

/// USD of all services between two moments by record type: unblended, amortized, on demand.
fn by_record_type(world: &World, (from, until): (Timestamp, Timestamp)) -> BTreeMap<String, [Decimal; 3]> {
    let mut sums: BTreeMap<String, Amount> = BTreeMap::new();
    let sort = |kind: &Kind, _: &Visible<'_>| Some(kind.record_type.clone());
    world.billing.sorted(from, until, sort, |_, record_type, _, amount| *sums.entry(record_type.clone()).or_default() += amount);
    sums.into_iter().map(|(name, sum)| (name, [sum.usd, sum.amortized, sum.on_demand].map(|usd| usd.round_dp(6).normalize()))).collect()
}

fn sum(rows: &BTreeMap<String, [Decimal; 3]>) -> [Decimal; 3] {
    rows.values().fold([Decimal::ZERO; 3], |sums, row| [sums[0] + row[0], sums[1] + row[1], sums[2] + row[2]])
}

#[test]
fn the_rows_of_a_plan_add_up_to_its_cost_whenever_it_is_paid() {
    for (payment, column) in [("no-upfront", "1y-none"), ("all-upfront", "1y-all")] {
        for fleet in FLEETS {
            let gold = &gold()[fleet];
            let option = &gold["options"][column];
            let commitment = decimal(&option["best_commitment_usd_per_hour"]);
            if commitment.is_zero() {
                continue;
            }
            let plan = format!(
                "[[savings-plan]]\nname = \"a\"\ncommitment = {commitment}\npayment = \"{payment}\"\nstart = \"2026-08-03T00:00:00Z\""
            );
            let rows = by_record_type(&account(fleet, &plan), fleet_hours());
            let [unblended, amortized, on_demand] = sum(&rows);
            assert_eq!(amortized.round_dp(2), decimal(&option["cost"]).round_dp(2), "{fleet}");
            assert_eq!(on_demand.round_dp(2), decimal(&gold["on_demand_usd"]).round_dp(2), "{fleet}");
            assert_eq!(rows["SavingsPlanCoveredUsage"][0], -rows["SavingsPlanNegation"][0], "{fleet}");
            if payment == "no-upfront" {
                assert_eq!(unblended.round_dp(2), amortized.round_dp(2), "{fleet}");
                assert_eq!(rows["SavingsPlanRecurringFee"][0], (commitment * dec!(336)).round_dp(6).normalize());
            } else {
                assert_eq!(rows["SavingsPlanRecurringFee"][0], Decimal::ZERO);
                assert_eq!(rows["SavingsPlanUpfrontFee"], [(commitment * dec!(8760)).round_dp(6).normalize(), dec!(0), dec!(0)]);
            }
        }
    }
}

#[test]
fn plans_cover_hour_by_hour_from_when_they_begin_the_older_one_first_and_neither_storage_nor_spot() {
    let toml = r#"
start = "2026-08-05T12:00:00Z"
[savings-plan-rates]
discounts = { 1y-no-upfront = 20, 3y-no-upfront = 50 }
[[savings-plan]]
name = "young"
term = "3y"
commitment = 1
start = "2026-08-04T12:00:00Z"
[[savings-plan]]
name = "old"
commitment = 4
start = "2026-08-03T12:00:00Z"
[[savings-plan]]
name = "queued"
commitment = 9
start = "2026-09-01T00:00:00Z"
[[savings-plan]]
name = "returned"
commitment = 9
state = "returned"
start = "2026-08-03T00:00:00Z"
[[spend]]
usage-type = "EUC1-Host:ml.m5.xlarge"
usd = 80
from = "2026-08-01"
hours = "mon-sun/08:00-16:00"
[[spend]]
usage-type = "EUC1-TrSpt:ml.m5.xlarge"
usd = 80
from = "2026-08-01"
[[spend]]
usage-type = "EUC1-Host:VolumeUsage.gp3"
usd = 80
from = "2026-08-01"
"#;
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    world.settle("2026-08-05T12:00:00Z".parse().unwrap());
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    // 10 USD an hour: 5 USD of it covered by 4, then the rest by 1 of the younger one.
    let day = by_record_type(&world, (at("2026-08-03T00:00:00Z"), at("2026-08-04T00:00:00Z")));
    assert_eq!(day["SavingsPlanCoveredUsage"], [dec!(20), dec!(16), dec!(20)], "in the four hours after its begin");
    assert_eq!(day["SavingsPlanRecurringFee"], [dec!(48), dec!(32), dec!(0)], "nobody used it in eight hours");
    assert_eq!(day["Usage"][0], dec!(220));
    let hour = by_record_type(&world, (at("2026-08-05T09:00:00Z"), at("2026-08-05T10:00:00Z")));
    assert_eq!(hour["SavingsPlanCoveredUsage"], [dec!(7), dec!(5), dec!(7)]);
    assert_eq!(hour["SavingsPlanRecurringFee"], [dec!(5), dec!(0), dec!(0)]);
    assert!(!by_record_type(&world, (at("2026-08-01T00:00:00Z"), at("2026-08-03T00:00:00Z"))).contains_key("SavingsPlanRecurringFee"));
}

#[test]
fn a_year_from_a_file_is_on_the_bill_from_the_day_that_the_estate_says() {
    let first = midnight(jiff::civil::date(2025, 10, 1));
    let hours =
        (0..8760).map(|hour| (first + HOUR * hour).strftime("%Y-%m-%dT%HZ,").to_string() + if hour % 2 == 0 { "2,\n" } else { "1,0.5\n" });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, format!("hour_utc,USE1-Host:ml.m5.xlarge,USE1-Train:ml.m5.xlarge\n{}", hours.collect::<String>())).unwrap();
    let path = file.path().display();
    let toml = format!(
        "start = \"2026-11-23T12:00:00Z\"\n[[spend]]\ncsv = \"{path}\"\nfrom = \"-365d\"\n[[savings-plan]]\nname = \"a\"\ncommitment = 0.1679\nstart = \"2026-11-22T00:00:00Z\""
    );
    let mut world = World::new(Estate::from_toml(&toml).unwrap());
    world.settle("2026-11-23T12:00:00Z".parse().unwrap());
    let of = |from: i8, until: i8| (midnight(jiff::civil::date(2026, 11, from)), midnight(jiff::civil::date(2026, 11, until)));
    let plain = by_record_type(&world, of(21, 22));
    assert_eq!(plain["Usage"][0], dec!(0.23) * dec!(42));
    let covered = by_record_type(&world, of(22, 23));
    assert_eq!(covered["SavingsPlanCoveredUsage"], [dec!(5.52), dec!(4.0296), dec!(5.52)]);
    let year = by_record_type(&world, (Timestamp::MIN, Timestamp::MAX));
    assert_eq!(sum(&year)[2], dec!(0.23) * dec!(1.75) * dec!(8760), "each hour once");
}

/// Hours with one kind of usage, of these USD.
fn series(usd: impl IntoIterator<Item = Decimal>) -> Vec<Hour> {
    let usage = |usd| {
        Hour(vec![Eligible {
            usage_type: "Host:ml.x".into(),
            account: String::new(),
            amount: Amount::on_demand(usd, Decimal::ZERO),
            row: 0,
        }])
    };
    usd.into_iter().map(usage).collect()
}

#[test]
fn the_best_commitment_of_series_that_were_worked_out_by_hand() {
    let spa = [45.2, 52.1, 48.7, 60.3, 55.8, 42.0, 38.5, 50.0, 65.2, 70.1].map(|usd| Decimal::try_from(usd).unwrap());
    let of = |usd: &[i64], times| -> Vec<Decimal> { std::iter::repeat_n(usd, times).flatten().map(|usd| Decimal::from(*usd)).collect() };
    for (usd, discount, best, cost) in [
        (of(&[10, 20, 30, 40], 1), dec!(30), dec!(14), dec!(86)),
        (std::iter::repeat_n(spa, 7).flatten().collect(), dec!(34.8), dec!(31.7524), dec!(2651.768)),
        (of(&[10, 100, 15, 95, 20, 90, 25, 85], 10), dec!(40), dec!(15), dec!(3900)),
        ((1..=100).map(Decimal::from).collect(), dec!(30), dec!(21), dec!(4585)),
        (of(&[50, 60, 55, 70, 65, 45], 12), dec!(60), dec!(24), dec!(1908)),
        (of(&[0, 0, 0, 10], 1), dec!(25), dec!(0), dec!(10)),
        (of(&[5], 4), dec!(30), dec!(3.5), dec!(14)),
    ] {
        let offer = Offer::ALL[0];
        let estate = Estate::from_toml(&format!("[savings-plan-rates]\ndiscounts = {{ 1y-no-upfront = {discount} }}")).unwrap();
        let plans = Plans::new(&estate, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let hours = series(usd);
        let found = sizing::best(&plans, &hours, offer);
        assert_eq!(
            (found.normalize(), sizing::outcome(&plans, &hours, found, offer).cost().round_dp(6).normalize()),
            (best, cost.normalize())
        );
    }
}

#[test]
fn what_a_plan_covers_is_read_from_the_usage_type() {
    for (usage_type, covered) in [
        ("USE1-Host:ml.m5.xlarge", true),
        ("Studio:JupyterLab-ml.t3.medium", true),
        ("EUC1-Processing:ml.m5.xlarge", true),
        ("USE1-Studio:VolumeUsage.gp3", false),
        ("USE1-TrSpt:ml.m5.xlarge", false),
        ("USE1-AsyncInf:ml.m5.xlarge", false),
        ("USE1-Cluster:ml.g5.8xlarge", false),
        ("USE1-ServerlessInf:Mem-4GB", false),
    ] {
        assert_eq!(is_eligible(usage_type), covered, "{usage_type}");
    }
    assert_eq!(json!(Offer::ALL.map(Offer::column)), json!(["1y-none", "1y-partial", "1y-all", "3y-none", "3y-partial", "3y-all"]));
}
