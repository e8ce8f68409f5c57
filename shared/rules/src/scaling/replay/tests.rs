//! The replay against a plain one that is written down as the model is, and against what must always hold.

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::{
    scaling::{
        days::{Days, Scheduled},
        traffic::Traffic,
    },
    vocabulary::duration::Duration,
};

/// A Monday.
pub(crate) fn monday() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

fn load(requests: impl IntoIterator<Item = Option<u64>>) -> Load {
    Load::new(&Traffic::new(monday(), requests))
}

fn setting(min: u32, max: u32, target: f64) -> Setting {
    let cooldown = Duration::seconds(300);
    Setting { min, max, target, scale_out_cooldown: cooldown, scale_in_cooldown: cooldown, schedules: vec![] }
}

/// 100 requests for 5 minutes, 1,000 for 25, 100 for 60.
fn reference() -> Load {
    load([(100, 5), (1000, 25), (100, 60)].into_iter().flat_map(|(requests, minutes)| std::iter::repeat_n(Some(requests), minutes)))
}

#[test]
fn gives_the_reference_trace() {
    let (setting, terms) = (setting(1, 8, 200.0), Terms::usual(400.0));
    let of = |scale_in| replay(&reference(), &setting, &terms, scale_in, None);
    let gradual = Replayed { minutes: 90, instance_minutes: 268, short_minutes: 8, peak_instances: 5, scale_outs: 1, scale_ins: 4 };
    assert_eq!(of(ScaleIn::Gradual), gradual);
    assert_eq!(of(ScaleIn::Proportional), Replayed { instance_minutes: 238, scale_ins: 1, ..gradual });
    assert_eq!(dearer(&reference(), &setting, &terms, None), gradual);
}

#[test]
fn the_reference_trace_acts_at_its_minutes() {
    let (reference, setting, terms) = (reference(), setting(1, 8, 200.0), Terms::usual(400.0));
    let desired_by_minute = |scale_in| {
        let mut replay = Replay::new(&reference, Rules::new(&setting, &terms, scale_in), &[], None);
        let mut changes = vec![];
        for minute in 0..90 {
            let before = replay.desired;
            replay.pass_minute();
            if replay.desired != before {
                changes.push((minute, replay.desired));
            }
        }
        changes
    };
    assert_eq!(desired_by_minute(ScaleIn::Gradual), [(8, 5), (45, 4), (50, 3), (55, 2), (60, 1)]);
    assert_eq!(desired_by_minute(ScaleIn::Proportional), [(8, 5), (45, 1)]);
}

#[test]
fn a_fixed_number_costs_its_minutes() {
    let replayed = dearer(&reference(), &Setting::fixed(5, 200.0), &Terms::usual(200.0), None);
    assert_eq!(replayed, Replayed { minutes: 90, instance_minutes: 450, peak_instances: 5, ..Replayed::default() });
}

#[test]
fn nothing_happens_without_datapoints() {
    let terms = Terms::usual(400.0);
    // Busy, then silent: the instances stay. Zeros bring them down.
    let busy = || std::iter::repeat_n(Some(1000), 30);
    let silent = load(busy().chain(std::iter::repeat_n(None, 60)));
    assert_eq!(dearer(&silent, &setting(1, 8, 200.0), &terms, None).scale_ins, 0);
    let zeros = load(busy().chain(std::iter::repeat_n(Some(0), 60)));
    assert_eq!(dearer(&zeros, &setting(1, 8, 200.0), &terms, None).scale_ins, 4);
    // Low, then silent: what was begun one by one stops, and goes on when data comes back.
    let low = || busy().chain(std::iter::repeat_n(Some(100), 16)).chain(std::iter::repeat_n(None, 60));
    assert_eq!(dearer(&load(low()), &setting(1, 8, 200.0), &terms, None).scale_ins, 1);
    assert_eq!(dearer(&load(low().chain([Some(100), Some(100)])), &setting(1, 8, 200.0), &terms, None).scale_ins, 2);
    assert_eq!(dearer(&load([None; 90]), &setting(2, 8, 200.0), &terms, None).instance_minutes, 180);
}

#[test]
fn a_scheduled_action_takes_effect_at_once_whatever_the_cooldowns() {
    let at = |minute, min, max| Scheduled { days: Days::ALL, minute, zone: TimeZone::UTC, min, max };
    // Without datapoints the policy does nothing.
    let load = load([None; 60]);
    let day = |schedules| Setting { schedules, scale_in_cooldown: Duration::hours(9), ..setting(1, 8, 200.0) };
    // Before the first one, the last one of the day before holds.
    let replayed = dearer(&load, &day(vec![at(20, 4, 8), at(30, 1, 2), at(1439, 3, 8)]), &Terms::usual(400.0), None);
    assert_eq!(replayed.instance_minutes, 20 * 3 + 10 * 4 + 30 * 2);
    assert_eq!((replayed.peak_instances, replayed.scale_outs, replayed.scale_ins), (4, 1, 1));
    // What only starts is given up first.
    let replayed = dearer(&load, &day(vec![at(20, 4, 8), at(22, 1, 2), at(1439, 1, 8)]), &Terms::usual(5.0), None);
    assert_eq!(replayed.instance_minutes, 20 + 4 * 2 + 2 * 38);
}

#[test]
fn a_start_out_of_bounds_is_brought_into_them() {
    let load = load([Some(150); 10]);
    for (start, instance_minutes, short) in [(Some(1), 20, 5), (Some(9), 50, 0), (None, 20, 0), (Some(4), 40, 0)] {
        let replayed = dearer(&load, &setting(2, 5, 200.0), &Terms::usual(100.0), start);
        assert_eq!((replayed.instance_minutes, replayed.short_minutes), (instance_minutes, short), "{start:?}");
    }
}

#[test]
fn from_zero_the_first_request_waits_for_an_instance() {
    let load = load(std::iter::repeat_n(Some(0), 30).chain([Some(5); 30]).chain([Some(0); 60]));
    let replayed = dearer(&load, &setting(0, 4, 10.0), &Terms::usual(20.0), None);
    // Three datapoints, of which the last one is seen a minute later, and five minutes of the start. Five requests are low too: the first zero ends it.
    assert_eq!((replayed.short_minutes, replayed.instance_minutes, replayed.scale_ins), (8, 28, 1));
}

/// The model as it is written down: each minute looks at all that is visible.
fn plain(requests: &[Option<u64>], setting: &Setting, terms: &Terms, gradual: bool) -> Replayed {
    let (start_up, delay) = (in_minutes(terms.start_up), in_minutes(terms.metric_delay));
    let cooldown = |length: Duration| usize::try_from(length.signed().as_secs()).unwrap();
    let mut done = Replayed { minutes: requests.len() as u64, ..Replayed::default() };
    let (mut min, mut max) = (setting.min, setting.max);
    let changes = changes(&setting.schedules, monday(), requests.len());
    if let Some(first) = changes.first().filter(|change| change.minute == 0) {
        (min, max) = (first.min, first.max);
    }
    let later: Vec<_> = changes.iter().filter(|change| 0 < change.minute).collect();
    let (mut active, mut pending) = (min, vec![]);
    let (mut last_out, mut last_want, mut last_in) = (None, 0, None);
    let mut metric: Vec<Option<f64>> = vec![];
    for now in 0..requests.len() {
        active += pending.iter().filter(|(ready, _)| *ready <= now).map(|(_, count)| *count).sum::<u32>();
        pending.retain(|(ready, _)| now < *ready);
        let mut desired = active + pending.iter().map(|(_, count)| *count).sum::<u32>();
        if let Some(change) = later.iter().find(|change| change.minute == now) {
            (min, max) = (change.min, change.max);
            if desired < min {
                pending.push((now + start_up, min - desired));
                done.scale_outs += 1;
                desired = min;
            } else if max < desired {
                done.scale_ins += 1;
                while max < desired {
                    desired -= 1;
                    match pending.last_mut() {
                        Some((_, count)) => *count -= 1,
                        None => active -= 1,
                    }
                    pending.retain(|(_, count)| 0 < *count);
                }
            }
        }
        metric.push(requests[now].map(|requests| share(requests, active)));
        let visible = &metric[..(now + 1).saturating_sub(delay)];
        let points: Vec<(usize, f64)> = visible.iter().enumerate().filter_map(|(at, m)| Some((at, (*m)?))).collect();
        let all = |count: usize, is: &dyn Fn(f64) -> bool| {
            count <= points.len()
                && points[points.len() - count..].iter().all(|(_, m)| is(*m))
                && visible.last().is_some_and(Option::is_some)
        };
        let rests = |last: Option<usize>, seconds: usize| last.is_none_or(|last| seconds <= 60 * (now - last));
        let want = |(at, _): &(usize, f64)| needed(requests[*at].unwrap(), setting.target);
        if all(3, &|m| setting.target < m) {
            let want = want(points.last().unwrap()).min(max);
            if desired < want && (rests(last_out, cooldown(setting.scale_out_cooldown)) || last_want < want) {
                pending.push((now + start_up, want - desired));
                (desired, last_out, last_want) = (want, Some(now), want);
                done.scale_outs += 1;
            }
        } else if all(15, &|m| m < 0.9 * setting.target)
            && pending.is_empty()
            && rests(last_out, cooldown(setting.scale_out_cooldown))
            && rests(last_in, cooldown(setting.scale_in_cooldown))
        {
            let want = want(points.last().unwrap()).max(min);
            let want = if gradual { want.max(desired.saturating_sub(1)) } else { want };
            if want < desired {
                (desired, active, last_in) = (want, want, Some(now));
                done.scale_ins += 1;
            }
        }
        let billed = active.max(desired);
        done.instance_minutes += u64::from(billed);
        done.peak_instances = done.peak_instances.max(billed);
        done.short_minutes += u64::from(requests[now].is_some_and(|requests| terms.per_instance < share(requests, active)));
    }
    done
}

/// Stretches of like traffic, of noise, and of silence.
fn traffics() -> impl Strategy<Value = Vec<Option<u64>>> {
    let stretch = (0_u64..1500, 0_u64..300, 1_usize..150, 0_u8..8).prop_map(|(level, noise, minutes, kind)| {
        let at = move |minute: usize| match kind {
            0 => None,
            1 if minute.is_multiple_of(3) => None,
            _ => Some(level + minute as u64 * 7919 % (noise + 1)),
        };
        (0..minutes).map(at).collect::<Vec<_>>()
    });
    prop::collection::vec(stretch, 1..12).prop_map(|stretches| stretches.concat())
}

fn settings() -> impl Strategy<Value = Setting> {
    let schedules = prop::collection::vec((0_u16..1440, 0_u32..6, 0_u32..6), 0..4).prop_map(|actions| {
        let action = |(minute, min, more)| Scheduled { days: Days::ALL, minute, zone: TimeZone::UTC, min, max: min + more };
        let mut schedules: Vec<Scheduled> = actions.into_iter().map(action).collect();
        schedules.sort_by_key(|action| action.minute);
        schedules.dedup_by_key(|action| action.minute);
        schedules
    });
    let cooldowns = (0_i64..30, 0_i64..30);
    (0_u32..5, 0_u32..12, 20_f64..600.0, cooldowns, schedules).prop_map(|(min, more, target, (out, within), schedules)| Setting {
        min,
        max: min + more,
        target,
        scale_out_cooldown: Duration::seconds(out * 50),
        scale_in_cooldown: Duration::seconds(within * 50),
        schedules,
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    (20_f64..600.0, 0_i64..40, 0_i64..5).prop_map(|(per_instance, start_up, delay)| Terms {
        per_instance,
        start_up: Duration::minutes(start_up),
        metric_delay: Duration::minutes(delay),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn is_as_fast_as_it_is_by_leaving_out_nothing(requests in traffics(), setting in settings(), terms in terms()) {
        let load = load(requests.clone());
        for (scale_in, gradual) in [(ScaleIn::Gradual, true), (ScaleIn::Proportional, false)] {
            prop_assert_eq!(replay(&load, &setting, &terms, scale_in, None), plain(&requests, &setting, &terms, gradual));
        }
    }

    #[test]
    fn stays_within_its_bounds_and_bills_what_serves(requests in traffics(), setting in settings(), terms in terms()) {
        let load = load(requests);
        let changes = changes(&setting.schedules, monday(), load.minutes());
        for scale_in in [ScaleIn::Gradual, ScaleIn::Proportional] {
            let mut replay = Replay::new(&load, Rules::new(&setting, &terms, scale_in), &changes, None);
            let mut billed = 0;
            while replay.advance() {
                prop_assert!(replay.active <= replay.desired, "what serves is wanted");
                prop_assert!((replay.rules.min..=replay.rules.max).contains(&replay.desired));
                let more = replay.done.instance_minutes - billed;
                billed = replay.done.instance_minutes;
                prop_assert!(u64::from(replay.desired) <= more);
            }
            prop_assert!(replay.done.instance_minutes <= replay.done.minutes * u64::from(replay.done.peak_instances));
            prop_assert!(replay.done.short_minutes <= replay.done.minutes);
        }
    }

    #[test]
    fn with_one_policy_alone_a_higher_minimum_never_costs_less(requests in traffics(), terms in terms(), min in 0_u32..5) {
        let load = load(requests);
        let fixed = |instances| dearer(&load, &Setting::fixed(instances, 100.0), &terms, None);
        prop_assert!(fixed(min).instance_minutes <= fixed(min + 1).instance_minutes);
        prop_assert!(fixed(min + 1).short_minutes <= fixed(min).short_minutes);
        let scaled = dearer(&load, &setting(min, min + 4, 100.0), &terms, None);
        prop_assert!(fixed(min).instance_minutes <= scaled.instance_minutes && scaled.instance_minutes <= fixed(min + 4).instance_minutes);
        prop_assert!(fixed(min + 4).short_minutes <= scaled.short_minutes && scaled.short_minutes <= fixed(min).short_minutes);
    }
}

#[test]
fn days_of_the_week_are_those_of_the_start() {
    let actions = vec![
        Scheduled { days: Days::of([Weekday::Tuesday]), minute: 0, zone: TimeZone::UTC, min: 3, max: 3 },
        Scheduled { days: Days::of([Weekday::Wednesday]), minute: 0, zone: TimeZone::UTC, min: 1, max: 1 },
    ];
    let week = load(std::iter::repeat_n(Some(0), 7 * 1440));
    let replayed = dearer(&week, &Setting { schedules: actions, ..setting(1, 3, 10.0) }, &Terms::usual(10.0), None);
    assert_eq!(replayed.instance_minutes, 1440 * 9);
}
