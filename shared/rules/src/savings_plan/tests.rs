//! The worked examples, the golds of three fleets, and properties.

use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

use super::*;

/// Use of one usage type, in USD per hour on demand, and a plan with a discount.
fn one(hours: &[Decimal], discount: Decimal) -> (Usage, Rates) {
    many(&[hours], &[discount])
}

fn many(columns: &[&[Decimal]], discounts: &[Decimal]) -> (Usage, Rates) {
    let names: Vec<String> = (0..columns.len()).map(|index| format!("type-{index}")).collect();
    let mut usage = Usage::new(names.clone());
    for hour in 0..columns[0].len() {
        usage.push(columns.iter().map(|column| column[hour])).unwrap();
    }
    let rate = |discount: &Decimal| Rate { on_demand: Decimal::ONE, savings_plan: Decimal::ONE - discount };
    (usage, names.into_iter().zip(discounts.iter().map(rate)).collect())
}

fn usd(numbers: &[i64]) -> Vec<Decimal> {
    numbers.iter().map(|number| Decimal::from(*number)).collect()
}

fn repeated(numbers: &[Decimal], times: usize) -> Vec<Decimal> {
    numbers.repeat(times)
}

/// The best commitment and its outcome.
fn best((usage, rates): &(Usage, Rates)) -> (Decimal, Outcome) {
    let covering = Covering::new(usage, rates);
    let best = covering.best();
    (best, covering.outcome(best))
}

/// Checks the best commitment, its cost, and in how many hours it is under-used.
#[track_caller]
fn assert_best(given: &(Usage, Rates), commitment: Decimal, cost: Decimal, under_used: usize) -> Outcome {
    let (best, outcome) = best(given);
    assert_eq!((best, outcome.cost.round_dp(6), outcome.under_used_hours), (commitment, cost, under_used));
    outcome
}

/// The examples of <https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html> and of terraform-aws-sp-autopilot's tests, and the same worked out by trying every breakpoint.
#[test]
fn the_worked_examples() {
    let first = one(&usd(&[10, 20, 30, 40]), dec!(0.3));
    let outcome = assert_best(&first, dec!(14), dec!(86), 1);
    assert_eq!((outcome.on_demand, outcome.utilisation().unwrap()), (dec!(100), dec!(0.875)));
    assert_eq!(outcome.break_even().unwrap().round_dp(9), dec!(0.7));
    for (commitment, cost) in [(dec!(7), dec!(88)), (dec!(21), dec!(94)), (dec!(28), dec!(112))] {
        assert_eq!(Covering::new(&first.0, &first.1).outcome(commitment).cost, cost);
    }
    let spa = [45.2, 52.1, 48.7, 60.3, 55.8, 42.0, 38.5, 50.0, 65.2, 70.1].map(|one| Decimal::try_from(one).unwrap());
    let outcome = assert_best(&one(&repeated(&spa, 7), dec!(0.348)), dec!(31.7524), dec!(2651.768), 21);
    assert_eq!((outcome.on_demand, outcome.utilisation().unwrap().round_dp(6)), (dec!(3695.30), dec!(0.958111)));
    let weekday = repeated(&usd(&[60, 65, 70, 75, 80, 75, 70, 65]), 3 * 5);
    let week = [weekday, repeated(&usd(&[40, 35, 38, 42, 45, 43, 40, 38]), 3 * 2)].concat();
    let outcome = assert_best(&one(&week, dec!(0.3)), dec!(42), dec!(8256), 48);
    assert_eq!(outcome.utilisation().unwrap().round_dp(6), dec!(0.905357));
    assert_best(&one(&repeated(&usd(&[10, 100, 15, 95, 20, 90, 25, 85]), 10), dec!(0.4)), dec!(15), dec!(3900), 30);
    assert_best(&one(&(1..=100).map(Decimal::from).collect::<Vec<_>>(), dec!(0.3)), dec!(21), dec!(4585), 29);
    let fifths = repeated(&usd(&[50, 60, 55, 70, 65, 45]), 12);
    assert_best(&one(&fifths, dec!(0.1)), dec!(40.5), dec!(3816), 0);
    assert_best(&one(&fifths, dec!(0.6)), dec!(24), dec!(1908), 36);
    assert_best(&one(&usd(&[0, 0, 0, 10]), dec!(0.25)), dec!(0), dec!(10), 0);
    assert_best(&one(&usd(&[5, 5, 5, 5]), dec!(0.3)), dec!(3.5), dec!(14), 0);
    let office: Vec<Decimal> =
        (0..336).map(|hour| Decimal::from(u8::from(hour / 24 % 7 < 5 && (8..18).contains(&(hour % 24))) * 10)).collect();
    assert_best(&one(&office, dec!(0.3)), dec!(0), dec!(1000), 0);
    assert_best(&one(&[dec!(0.0000000001), dec!(0.0000000002)], dec!(0.3)), dec!(0), dec!(0.0000000003).round_dp(6), 0);
}

#[test]
fn the_highest_saving_is_covered_first() {
    let (ten, thirty) = (vec![dec!(10); 24], [vec![dec!(30); 8], vec![dec!(0); 16]].concat());
    let given = many(&[&ten, &thirty], &[dec!(0.2), dec!(0.5)]);
    assert_best(&given, dec!(8), dec!(384), 0);
    for (commitment, cost) in [(dec!(0), dec!(480)), (dec!(15), dec!(440)), (dec!(23), dec!(552))] {
        assert_eq!(Covering::new(&given.0, &given.1).outcome(commitment).cost, cost);
    }
    let gpu: Vec<Decimal> = (0..24).map(|hour| if hour % 3 == 0 { dec!(20) } else { dec!(0) }).collect();
    for (discounts, commitment, cost) in [
        ([dec!(0.2), dec!(0.6)], dec!(8), dec!(272)),
        ([dec!(0.3), dec!(0.35)], dec!(7), dec!(321.846154)),
        ([dec!(0.1), dec!(0.7)], dec!(9), dec!(269.333333)),
        ([dec!(0.4), dec!(0.2)], dec!(6), dec!(304)),
    ] {
        assert_best(&many(&[&ten, &gpu], &discounts), commitment, cost, 0);
    }
}

/// The hour of AWS's own page. r5.4xlarge, Fargate vCPU and GB, m5.24xlarge, Lambda's GB-seconds and requests.
#[test]
fn the_hour_on_the_page_of_aws() {
    let rates = [
        ("r5", 4, dec!(1.00), dec!(0.70)),
        ("vcpu", 400, dec!(0.04), dec!(0.03)),
        ("gb", 1_600, dec!(0.004), dec!(0.003)),
        ("m5", 1, dec!(10), dec!(8.20)),
        ("gb-s", 1_500_000, dec!(0.000015), dec!(0.00001275)),
        ("requests", 1, dec!(0.20), dec!(0.20)),
    ];
    let mut usage = Usage::new(rates.map(|(name, ..)| name.to_owned()).to_vec());
    usage.push(rates.map(|(_, count, on_demand, _)| Decimal::from(count) * on_demand)).unwrap();
    let rates: Rates =
        rates.map(|(name, _, on_demand, savings_plan)| (name.to_owned(), Rate { on_demand, savings_plan })).into_iter().collect();
    let covering = Covering::new(&usage, &rates);
    assert_eq!(usage.on_demand(), dec!(59.10));
    assert_eq!(
        (covering.best(), covering.outcome(dec!(46.925)).cost, covering.outcome(dec!(47.125)).cost),
        (dec!(46.925), dec!(47.125), dec!(47.125))
    );
    let left = |commitment| covering.outcome(commitment).cost - commitment;
    assert_eq!((left(dec!(50)), left(dec!(2)).round_dp(2), left(dec!(19.60))), (dec!(0), dec!(56.24), dec!(32.70)));
    assert_eq!(covering.rest(dec!(2)).on_demand().round_dp(2), dec!(56.24));
}

fn table(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(',').collect())
}

fn rates(offer: usize) -> Rates {
    let rate =
        |row: Vec<&str>| (row[0].to_owned(), Rate { on_demand: row[1].parse().unwrap(), savings_plan: row[2 + offer].parse().unwrap() });
    table(include_str!("tests/rates.csv")).skip(1).map(rate).collect()
}

fn fleet(text: &str, part: impl Fn(&str) -> Decimal) -> Usage {
    let rates = rates(0);
    let mut rows = table(text);
    let names: Vec<String> = rows.next().unwrap()[1..].iter().map(|name| (*name).to_owned()).collect();
    let mut usage = Usage::new(names.clone());
    for row in rows {
        let hours = row[1..].iter().map(|hours| if hours.is_empty() { Decimal::ZERO } else { hours.parse().unwrap() });
        usage.push(hours.zip(&names).map(|(hours, name): (Decimal, _)| hours * rates[name].on_demand * part(name))).unwrap();
    }
    usage
}

#[test]
fn the_golds_of_three_fleets() {
    let golds: serde_json::Value = serde_json::from_str(include_str!("tests/golds.json")).unwrap();
    let whole = |_: &str| Decimal::ONE;
    let less = |name: &str| match name {
        "USE1-Studio:KernelGateway-ml.r5.24xlarge" => Decimal::ZERO,
        "USE1-Host:ml.m5.xlarge" => Decimal::TWO / dec!(3),
        _ => Decimal::ONE,
    };
    let a = fleet(include_str!("tests/fleet_a.csv"), whole);
    let owned = Covering::new(&a, &rates(0)).rest(dec!(1.5));
    let fleets = [
        ("fleet_a", a),
        ("fleet_b", fleet(include_str!("tests/fleet_b.csv"), whole)),
        ("fleet_c", fleet(include_str!("tests/fleet_c.csv"), whole)),
        ("fleet_c_minus_waste", fleet(include_str!("tests/fleet_c.csv"), less)),
        ("fleet_a_owning_1.5_1y-none", owned),
    ];
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
    let mut checked = 0;
    for (name, usage) in fleets {
        let gold = &golds[name];
        assert_eq!(usage.on_demand().round_dp(4), number(&gold["on_demand"]).round_dp(4), "{name}");
        for (offer, option) in ["1y-none", "1y-partial", "1y-all", "3y-none", "3y-partial", "3y-all"].into_iter().enumerate() {
            let (gold, rates) = (&gold["options"][option], rates(offer));
            let covering = Covering::new(&usage, &rates);
            let (best, from, until) = (covering.best(), number(&gold["best"]), number(&gold["flat_up_to"]));
            assert!(from - dec!(0.00001) <= best && best <= until, "{name} {option}: {best} is not in {from} to {until}");
            let outcome = covering.outcome(from);
            assert!((outcome.cost - number(&gold["cost"])).abs() < dec!(0.00001), "{name} {option}: {}", outcome.cost);
            assert!((covering.outcome(best).cost - outcome.cost).abs() < dec!(0.005), "{name} {option}");
            for (part, percent) in [(outcome.utilisation(), "utilisation_pct"), (outcome.coverage(), "coverage_pct")] {
                let off = part.unwrap() * Decimal::ONE_HUNDRED - number(&gold[percent]);
                assert!(off.abs() < dec!(0.0001), "{name} {option} {percent}: {off}");
            }
            for point in gold["curve"].as_array().unwrap() {
                let at = covering.outcome(number(&point[0]));
                assert!((at.cost - number(&point[1])).abs() < dec!(0.0001), "{name} {option} {point}: {}", at.cost);
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 30);
}

#[test]
fn the_worst_30_days_are_any_30_days() {
    let hours = [vec![dec!(10); 700], vec![dec!(4); 720], vec![dec!(10); 700]].concat();
    let outcome = Covering::new(&one(&hours, dec!(0.5)).0, &one(&hours, dec!(0.5)).1).outcome(dec!(5));
    assert_eq!((outcome.unused, outcome.worst_unused), (dec!(2160), Some(dec!(2160))));
    assert_eq!(best(&one(&hours[..719], dec!(0.5))).1.worst_unused, None);
}

#[test]
fn what_is_no_amount_is_refused() {
    let mut usage = Usage::new(vec!["a".into(), "b".into()]);
    for row in [vec![dec!(1)], vec![dec!(1), dec!(-1)], vec![dec!(1), dec!(99999999)], vec![dec!(1), dec!(1), dec!(1)]] {
        assert_eq!(usage.push(row), None);
    }
    assert_eq!(usage.hours(), 0);
    let nothing = Covering::new(&usage, &Rates::new());
    assert_eq!((nothing.best(), nothing.outcome(dec!(0)).utilisation(), nothing.curve(dec!(0)).len()), (dec!(0), None, 1));
}

prop_compose! {
    /// Up to 40 hours of up to four usage types, in steps of cents, with gaps.
    fn any_use()(
        types in 1_usize..=4,
        hours in 1_usize..=40,
    )(
        cells in prop::collection::vec(prop_oneof![2 => Just(0_i64), 3 => 1_i64..5_000], types * hours),
        discounts in prop::collection::vec(1_i64..80, types),
        types in Just(types),
    ) -> (Usage, Rates) {
        let columns: Vec<Vec<Decimal>> =
            (0..types).map(|index| cells.iter().skip(index).step_by(types).map(|cents| Decimal::new(*cents, 2)).collect()).collect();
        let columns: Vec<&[Decimal]> = columns.iter().map(Vec::as_slice).collect();
        many(&columns, &discounts.into_iter().map(|percent| Decimal::new(percent, 2)).collect::<Vec<_>>())
    }
}

/// All commitments at which the cost can change its slope.
fn breakpoints((usage, rates): &(Usage, Rates)) -> Vec<Decimal> {
    let mut order: Vec<usize> = (0..usage.usage_types().len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(rates[&usage.usage_types()[*index]].discount()), *index));
    let of_hour = |row: &[i64]| {
        let costs = order.iter().map(|index| Decimal::new(row[*index], 12) * rates[&usage.usage_types()[*index]].savings_plan);
        costs
            .scan(Decimal::ZERO, |sum, usd| {
                *sum += usd;
                Some(*sum)
            })
            .collect::<Vec<_>>()
    };
    usage.rows().flat_map(of_hour).chain([Decimal::ZERO]).collect()
}

proptest! {
    #[test]
    fn no_commitment_is_better(given in any_use()) {
        let covering = Covering::new(&given.0, &given.1);
        let best = covering.best();
        let cost = covering.outcome(best).cost;
        for commitment in breakpoints(&given) {
            let other = covering.outcome(commitment).cost;
            // Rounding down to five decimals costs at most that much of each hour.
            prop_assert!(cost <= other + dec!(0.0005), "{best} costs {cost}, {commitment} costs {other}");
            prop_assert!(other + dec!(0.0005) < cost + dec!(0.001) || commitment != best);
        }
        for step in 1..20_u32 {
            let less = best * Decimal::from(step) / dec!(20);
            prop_assert!(cost <= covering.outcome(less).cost + dec!(0.0005));
        }
    }

    #[test]
    fn twice_the_use_is_twice_the_commitment(given in any_use(), times in 2_i64..9) {
        let (usage, rates) = &given;
        let mut more = Usage::new(usage.usage_types().to_vec());
        for row in usage.rows() {
            more.push(row.iter().map(|cell| Decimal::new(*cell * times, 12))).unwrap();
        }
        let (once, many) = (best(&given).0, best(&(more, rates.clone())).0);
        prop_assert!((once * Decimal::from(times) - many).abs() <= dec!(0.001) * Decimal::from(times), "{once} and {many}");
    }

    #[test]
    fn an_hour_without_use_and_less_use_never_raise_it(given in any_use(), keep in prop::collection::vec(0_u32..=100, 160)) {
        let (usage, rates) = &given;
        let before = best(&given).0;
        let mut longer = usage.clone();
        longer.push(vec![Decimal::ZERO; usage.usage_types().len()]).unwrap();
        prop_assert!(best(&(longer, rates.clone())).0 <= before);
        // With one discount, less use in any hour is a lower quantile. (With several it may not be: what was covered first makes room.)
        let flat: Rates = rates.keys().map(|name| (name.clone(), Rate { on_demand: Decimal::ONE, savings_plan: dec!(0.7) })).collect();
        let width = usage.usage_types().len();
        let less = usage.lessened(|hour, index, usd| usd * Decimal::from(keep[(hour * width + index) % keep.len()]) / Decimal::ONE_HUNDRED);
        prop_assert!(best(&(less, flat.clone())).0 <= best(&(usage.clone(), flat)).0);
    }

    #[test]
    fn dollars_add_up(given in any_use(), commitment in 0_i64..200) {
        let covering = Covering::new(&given.0, &given.1);
        for (at, cost) in covering.curve(Decimal::from(commitment)) {
            prop_assert_eq!(cost, covering.outcome(at).cost, "the curve at {}", at);
        }
        let commitment = Decimal::from(commitment);
        let outcome = covering.outcome(commitment);
        let rest = covering.rest(commitment).on_demand();
        prop_assert!((outcome.on_demand - outcome.covered - rest).abs() < dec!(0.000001));
        prop_assert!((outcome.cost - outcome.committed() - rest).abs() < dec!(0.000001));
        prop_assert!(outcome.unused <= outcome.committed() && Decimal::ZERO <= outcome.unused);
    }
}
