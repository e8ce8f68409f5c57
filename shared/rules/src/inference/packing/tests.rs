use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{few::best_of_few, members::Members, room::rooms, search::Search, *};
use crate::inference::{InstanceType, InstanceTypes};

const PRICES: [(&str, f64); 9] = [
    ("ml.m5.large", 0.115),
    ("ml.m5.xlarge", 0.23),
    ("ml.m5.2xlarge", 0.461),
    ("ml.m5.4xlarge", 0.922),
    ("ml.c5.xlarge", 0.204),
    ("ml.c5.2xlarge", 0.408),
    ("ml.r5.large", 0.151),
    ("ml.r5.xlarge", 0.302),
    ("ml.g4dn.xlarge", 0.736),
];
/// How many of them have no GPU.
const CPU: usize = 8;

fn priced(name: &str) -> PricedType<'_> {
    let usd_per_hour = PRICES.iter().find(|(known, _)| *known == name).unwrap().1;
    PricedType { name, has: InstanceTypes::shipped().get(name).unwrap(), usd_per_hour }
}

/// One instance of this type with this load by the hour, and a model of 1 GiB that needs 2 GiB with its server.
fn one(id: usize, name: &'static str, vcpus: &[f64]) -> Candidate<'static> {
    let load = vcpus.iter().map(|vcpus| Load { vcpus: *vcpus, requests: vcpus * 100.0, gpus: 0.0 }).collect();
    let today = priced(name);
    let (memory_gib, gpu_memory_gib) = (2.0, if today.has.gpus == 0 { 0.0 } else { 1.0 });
    Candidate { id, today, instances: 1, at_least: 1, load, memory_gib, gpu_memory_gib, model_gib: Some(1.0) }
}

fn packed(candidates: &[Candidate<'_>], types: &[&str]) -> Packing {
    let types: Vec<_> = types.iter().map(|name| priced(name)).collect();
    pack(candidates, &types, &Limits::default())
}

/// What all cost together in a month.
fn total(candidates: &[Candidate<'_>], packing: &Packing) -> f64 {
    let usd = |id: &usize| {
        let one = candidates.iter().find(|one| one.id == *id).unwrap();
        one.today.usd_per_hour * f64::from(one.instances) * 730.0
    };
    packing.groups.iter().map(|group| group.usd_per_month).sum::<f64>() + packing.alone.iter().map(usd).sum::<f64>()
}

#[test]
fn day_and_night_share_an_instance() {
    let endpoints = [one(7, "ml.m5.large", &[1.3, 1.2, 0.1, 0.0]), one(3, "ml.m5.large", &[0.0, 0.1, 1.2, 1.1])];
    let packing = packed(&endpoints, &["ml.m5.large", "ml.m5.xlarge"]);
    let [group] = &packing.groups[..] else { panic!("{packing:?}") };
    assert_eq!((&group.members[..], group.instance_type.as_str(), group.instances), (&[3, 7][..], "ml.m5.large", 1));
    assert!((group.usd_per_month - 0.115 * 730.0).abs() < 1e-9 && (group.usd_per_month_today - 0.23 * 730.0).abs() < 1e-9);
    // 2 GiB for the server and 1 for each model, of 8; 1.3 of 2 vCPUs.
    assert!((group.highest.memory - 0.5).abs() < 1e-9 && (group.highest.cpu - 0.65).abs() < 1e-9 && group.highest.gpu <= 0.0);
    let busiest = group.busiest.unwrap();
    assert_eq!((busiest.hour, busiest.noisiest), (0, 7), "in hour 1 it is the same sum and less of one");
    assert!((busiest.share - 1.0).abs() < 1e-9);
    // Busy at the same time they need two instances, which saves nothing.
    let together = [one(0, "ml.m5.large", &[1.3, 0.0]), one(1, "ml.m5.large", &[1.2, 0.0])];
    assert_eq!(packed(&together, &["ml.m5.large", "ml.m5.xlarge"]), Packing { groups: vec![], alone: vec![0, 1] });
}

#[test]
fn three_save_what_two_do_not() {
    let of = |count: usize| (0..count).map(|id| one(id, "ml.m5.large", &[0.9])).collect::<Vec<_>>();
    assert_eq!(packed(&of(2), &["ml.m5.xlarge"]).groups, []);
    let three = packed(&of(3), &["ml.m5.xlarge"]);
    assert_eq!(three.groups.iter().map(|group| (group.members.len(), group.instances)).collect::<Vec<_>>(), [(3, 1)]);
    // At the same price two small instances are better than a large one.
    let three = packed(&of(3), &["ml.m5.xlarge", "ml.m5.large"]);
    assert_eq!((three.groups[0].instance_type.as_str(), three.groups[0].instances), ("ml.m5.large", 2));
}

#[test]
fn what_limits_a_group() {
    let pair = |change: fn(&mut Candidate<'static>)| {
        let mut pair = [one(0, "ml.m5.xlarge", &[0.1]), one(1, "ml.m5.xlarge", &[0.1])];
        change(&mut pair[1]);
        packed(&pair, &["ml.m5.large", "ml.m5.xlarge"]).groups.first().map(|group| (group.instance_type.clone(), group.instances))
    };
    let on = |name: &str, instances| Some((name.to_owned(), instances));
    assert_eq!(pair(|_| ()), on("ml.m5.large", 1));
    assert_eq!(pair(|one| one.at_least = 2), on("ml.m5.large", 2));
    assert_eq!(pair(|one| one.model_gib = Some(3.5)), on("ml.m5.large", 2), "4.4 of 8 GiB are left for models");
    assert_eq!(pair(|one| one.model_gib = Some(4.5)), on("ml.m5.xlarge", 1), "a model has to fit into one instance");
    assert_eq!(pair(|one| one.memory_gib = 7.0), on("ml.m5.xlarge", 1), "with its server, too");
    assert_eq!(pair(|one| (one.memory_gib, one.model_gib) = (6.0, None)), on("ml.m5.xlarge", 1), "a size that is not known is the memory");
    assert_eq!(pair(|one| one.memory_gib = 13.0), None, "it fits into no type");
    assert_eq!(pair(|one| one.load[0].vcpus = 1.31), on("ml.m5.large", 2));
}

#[test]
fn requests_are_limited_if_it_is_known_what_an_instance_carries() {
    let pair = [one(0, "ml.m5.xlarge", &[0.3]), one(1, "ml.m5.xlarge", &[0.3])];
    let on = |requests| {
        pack(&pair, &[priced("ml.m5.large")], &Limits { requests, ..Limits::default() }).groups.first().map(|group| group.instances)
    };
    assert_eq!([None, Some(60.0), Some(59.0), Some(10.0), Some(f64::NAN)].map(on), [Some(1), Some(1), Some(2), None, Some(1)]);
}

#[test]
fn instances_of_different_kinds_are_not_mixed() {
    let gpu = |id, gpus| {
        let mut gpu = one(id, "ml.g4dn.xlarge", &[0.1]);
        gpu.load[0].gpus = gpus;
        gpu
    };
    let mixed = [gpu(0, 0.3), one(1, "ml.m5.large", &[0.1]), gpu(2, 0.4), one(3, "ml.m5.large", &[0.1]), gpu(4, 0.5)];
    let packing = packed(&mixed, &["ml.g4dn.xlarge", "ml.m5.large"]);
    let members: Vec<_> = packing.groups.iter().map(|group| (&group.members[..], group.instances)).collect();
    assert_eq!(members, [(&[0, 2][..], 1), (&[1, 3][..], 1)], "a third one would need a second instance");
    assert!((packing.groups[0].highest.gpu - 0.7).abs() < 1e-9 && packing.groups[0].busiest.unwrap().noisiest == 2);
    // GPU memory is limited like memory: 12.8 of 16 GiB on each instance.
    let mut full = [gpu(0, 0.1), gpu(1, 0.1)];
    full[1].gpu_memory_gib = 12.0;
    assert_eq!(packed(&full, &["ml.g4dn.xlarge"]).groups, []);
    // Not every type runs multi-model endpoints, has known numbers, or a CPU that is not throttled.
    let pair = [one(0, "ml.m5.large", &[0.1]), one(1, "ml.m5.large", &[0.1])];
    let usable = priced("ml.m5.large").has;
    for has in [
        InstanceType { multi_model: false, ..usable.clone() },
        InstanceType { unverified: true, ..usable.clone() },
        InstanceType { burstable: true, ..usable.clone() },
        InstanceType { arm64: true, ..usable.clone() },
    ] {
        let types = [PricedType { name: "ml.other", has: &has, usd_per_hour: 0.01 }];
        assert_eq!(pack(&pair, &types, &Limits::default()).groups, [], "{has:?}");
    }
}

#[test]
fn bad_input_is_left_alone() {
    let types = ["ml.m5.large"];
    assert_eq!(packed(&[], &types), Packing::default());
    assert_eq!(packed(&[one(4, "ml.m5.large", &[0.1])], &types), Packing { groups: vec![], alone: vec![4] });
    let pair = [one(0, "ml.m5.large", &[]), one(1, "ml.m5.large", &[])];
    assert_eq!(packed(&pair, &[]).alone, [0, 1], "no type");
    assert_eq!(packed(&pair, &types).groups[0].busiest, None, "no load");
    // What is no load is none, and after its last hour nobody has any.
    let odd = [one(0, "ml.m5.large", &[f64::NAN, -5.0, 1.3]), one(1, "ml.m5.large", &[1.3, 1.2])];
    assert_eq!(packed(&odd, &types).groups[0].instances, 1);
    let spoil: [fn(&mut Candidate<'static>); 8] = [
        |one| one.load[0].vcpus = f64::INFINITY,
        |one| one.memory_gib = f64::NAN,
        |one| one.memory_gib = 0.0,
        |one| one.gpu_memory_gib = f64::NAN,
        |one| one.today.usd_per_hour = f64::NAN,
        |one| one.today.usd_per_hour = -1.0,
        |one| one.at_least = u32::MAX,
        |one| one.instances = 0,
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut spoilt = [one(0, "ml.m5.large", &[0.1]), one(1, "ml.m5.large", &[0.1])];
        spoil(&mut spoilt[1]);
        assert_eq!(packed(&spoilt, &types).alone, [0, 1], "{number}");
    }
}

/// An endpoint as it may be: steady, busy by day, busy by night, or changing from hour to hour.
fn endpoint() -> impl Strategy<Value = Candidate<'static>> {
    let level = (prop_oneof![Just(0.05), Just(0.3), Just(0.9)], 0.0_f64..1.0);
    let hours = prop_oneof![
        Just([1.0; 6]),
        Just([0.0, 0.05, 1.0, 1.0, 0.9, 0.05]),
        Just([1.0, 0.9, 0.05, 0.0, 0.05, 1.0]),
        prop::array::uniform6(0.0_f64..1.0),
    ];
    let sizes = (0.1_f64..0.8, prop::option::of(0.0_f64..1.0));
    (0..CPU, prop::sample::select(vec![1_u32, 1, 1, 2, 2, 3]), level, hours, sizes).prop_map(|(number, instances, level, hours, sizes)| {
        let vcpus = f64::from(priced(PRICES[number].0).has.vcpu * instances) * level.0 * level.1;
        let mut endpoint = one(0, PRICES[number].0, &hours.map(|share| share * vcpus));
        endpoint.memory_gib = endpoint.today.has.memory_gib * sizes.0;
        endpoint.model_gib = sizes.1.map(|share| endpoint.memory_gib * share);
        (endpoint.instances, endpoint.at_least) = (instances, instances.min(2));
        endpoint
    })
}

fn endpoints(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<Candidate<'static>>> {
    prop::collection::vec(endpoint(), count).prop_map(|mut some| {
        some.iter_mut().enumerate().for_each(|(id, one)| one.id = id);
        some
    })
}

fn types() -> impl Strategy<Value = Vec<PricedType<'static>>> {
    prop::sample::subsequence(PRICES[..CPU].to_vec(), 2..=3).prop_map(|some| some.iter().map(|(name, _)| priced(name)).collect())
}

/// The least that these cost in a month, in each way of dividing them into groups: the rules written down once more, and simply.
fn least(candidates: &[Candidate<'_>], types: &[PricedType<'_>]) -> f64 {
    fn divide<'a>(left: &'a [Candidate<'a>], groups: &mut Vec<Vec<&'a Candidate<'a>>>, cost: &dyn Fn(&[&Candidate<'a>]) -> f64) -> f64 {
        let Some((next, left)) = left.split_first() else { return groups.iter().map(|group| cost(group)).sum() };
        groups.push(vec![next]);
        let mut least = divide(left, groups, cost);
        groups.pop();
        for at in 0..groups.len() {
            groups[at].push(next);
            least = least.min(divide(left, groups, cost));
            groups[at].pop();
        }
        least
    }
    let cost = |group: &[&Candidate<'_>]| match group {
        [alone] => alone.today.usd_per_hour * f64::from(alone.instances),
        group => types.iter().map(|one| instances(group, one) * one.usd_per_hour).fold(f64::INFINITY, f64::min),
    };
    730.0 * divide(candidates, &mut vec![], &cost)
}

/// How many instances of a type without GPUs a group needs.
fn instances(group: &[&Candidate<'_>], on: &PricedType<'_>) -> f64 {
    let memory = on.has.memory_gib * 0.8 - (on.has.memory_gib * 0.1).max(2.0);
    let size = |one: &Candidate<'_>| one.model_gib.filter(|size| 0.0 < *size).unwrap_or(one.memory_gib);
    if group.iter().any(|one| memory < size(one) || on.has.memory_gib * 0.8 < one.memory_gib) {
        return f64::INFINITY;
    }
    let hours = group.iter().map(|one| one.load.len()).max().unwrap();
    let vcpus = |hour: usize| group.iter().filter_map(|one| one.load.get(hour)).map(|load| load.vcpus).sum::<f64>();
    let cpu = (0..hours).map(vcpus).fold(0.0, f64::max) / (f64::from(on.has.vcpu) * 0.7);
    let sizes = group.iter().map(|one| size(one) * f64::from(one.at_least)).sum::<f64>();
    let at_least = group.iter().map(|one| one.at_least).max().unwrap();
    (cpu.max(sizes / memory) - 1e-9).ceil().max(f64::from(at_least))
}

proptest! {
    #[test]
    fn a_few_are_packed_as_well_as_can_be(candidates in endpoints(0..=7), types in types()) {
        let packing = pack(&candidates, &types, &Limits::default());
        let (mine, least) = (total(&candidates, &packing), least(&candidates, &types));
        prop_assert!((mine - least).abs() < 1e-6, "{mine} {least}");
    }

    #[test]
    fn groups_are_sound(candidates in endpoints(0..40), types in types()) {
        let packing = pack(&candidates, &types, &Limits::default());
        let mut all: Vec<usize> = packing.groups.iter().flat_map(|group| &group.members).chain(&packing.alone).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..candidates.len()).collect::<Vec<_>>(), "each is in one group, or alone");
        for group in &packing.groups {
            let members: Vec<_> = group.members.iter().map(|id| &candidates[*id]).collect();
            let on = types.iter().find(|one| one.name == group.instance_type).unwrap();
            prop_assert!(1 < members.len() && group.usd_per_month < group.usd_per_month_today);
            prop_assert!(instances(&members, on) <= f64::from(group.instances), "each hour is within the limits");
            prop_assert!(group.highest.cpu <= 0.7 + 1e-6 && group.highest.memory <= 0.8 + 1e-6);
            // Nobody is in it who would be cheaper alone.
            for gone in &members {
                let rest: Vec<_> = members.iter().filter(|one| one.id != gone.id).copied().collect();
                let of_rest = types.iter().map(|one| instances(&rest, one) * one.usd_per_hour).fold(f64::INFINITY, f64::min);
                let of_rest = if rest.len() == 1 { rest[0].today.usd_per_hour * f64::from(rest[0].instances) } else { of_rest };
                let apart = of_rest + gone.today.usd_per_hour * f64::from(gone.instances);
                prop_assert!(group.usd_per_month <= apart * 730.0 + 1e-6, "{} is cheaper alone", gone.id);
            }
        }
    }

    #[test]
    fn one_more_costs_no_more_than_itself(candidates in endpoints(1..=8), types in types()) {
        let limits = Limits::default();
        let (last, before) = candidates.split_last().unwrap();
        let alone = last.today.usd_per_hour * f64::from(last.instances) * 730.0;
        let without = total(before, &pack(before, &types, &limits));
        let with = total(&candidates, &pack(&candidates, &types, &limits));
        prop_assert!(with <= without + alone + 1e-6, "{with} {without} {alone}");
    }

    #[test]
    fn the_order_does_not_matter((some, shuffled) in endpoints(0..30).prop_flat_map(|some| (Just(some.clone()), Just(some).prop_shuffle())), types in types()) {
        let reversed: Vec<_> = types.iter().rev().copied().collect();
        prop_assert_eq!(pack(&some, &types, &Limits::default()), pack(&shuffled, &reversed, &Limits::default()));
    }
}

#[test]
fn the_search_for_many_is_nearly_as_good_as_trying_all() {
    let (mut mine, mut best) = (0, 0);
    let mut runner = TestRunner::deterministic();
    for _ in 0..100 {
        let (candidates, types) = (endpoints(9..=10), types()).new_tree(&mut runner).unwrap().current();
        let singles: Vec<Members> = candidates.iter().map(|one| Members::one(one.id, one, 6).unwrap()).collect();
        let rooms = rooms(types, &Limits::default());
        let cost = |groups: &[Members]| groups.iter().map(|group| group.today - group.saving()).sum::<i64>();
        mine += cost(&Search { singles: &singles, rooms: &rooms }.run());
        best += cost(&best_of_few(&singles.iter().collect::<Vec<_>>(), &rooms));
    }
    assert!(best <= mine && mine * 100 <= best * 101, "{mine} {best}: more than 1 % dearer");
}

#[test]
fn hundreds_over_two_weeks() {
    let mut runner = TestRunner::deterministic();
    let mut candidates = endpoints(500).new_tree(&mut runner).unwrap().current();
    for one in &mut candidates {
        one.load = one.load.repeat(56);
    }
    let types: Vec<_> = PRICES[..CPU].iter().map(|(name, _)| priced(name)).collect();
    let packing = pack(&candidates, &types, &Limits::default());
    let today = total(&candidates, &Packing { groups: vec![], alone: (0..500).collect() });
    assert!(total(&candidates, &packing) < 0.5 * today, "{} {today}", total(&candidates, &packing));
}
