//! Proposals for real traffic against a brute-force search, and for traffic of known shapes.
#![expect(clippy::cast_precision_loss, reason = "counts are small")]

use jiff::Timestamp;

use super::*;
use crate::{scaling::replay::replay, scaling::setting::ScaleIn, vocabulary::duration::Duration};

const SERIES: [(&str, &str); 6] = [
    ("office-hours", include_str!("../../../data/traffic/office-hours.txt")),
    ("steady", include_str!("../../../data/traffic/steady.txt")),
    ("night-batch", include_str!("../../../data/traffic/night-batch.txt")),
    ("rare-daytime", include_str!("../../../data/traffic/rare-daytime.txt")),
    ("bursty-elb", include_str!("../../../data/traffic/bursty-elb.txt")),
    ("web-diurnal-nasa", include_str!("../../../data/traffic/web-diurnal-nasa.csv")),
];

fn monday() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

fn traffic(requests: impl IntoIterator<Item = u64>) -> Traffic {
    Traffic::new(monday(), requests.into_iter().map(Some))
}

fn series(text: &str) -> Vec<u64> {
    text.lines().filter_map(|line| line.rsplit(',').next()?.parse().ok()).collect()
}

fn question(per_instance: f64, instances: u32) -> Question {
    Question { terms: Terms::usual(per_instance), instances, min_instances: 1, max_short_share: 0.001, zone: TimeZone::UTC }
}

/// The cheapest of all settings of a grid, by replays from the first minute to the last.
fn brute_force(load: &Load, terms: &Terms, fixed: u32, allowed: u64) -> u64 {
    let mut best = u64::MAX;
    for min in 1..=fixed {
        for max in [fixed, fixed + 1, fixed + 2, 2 * fixed] {
            for twentieths in 1..=20 {
                for seconds in [300, 900] {
                    let cooldown = Duration::seconds(seconds);
                    let target = terms.per_instance * f64::from(twentieths) / 20.0;
                    let setting = Setting {
                        min,
                        max,
                        target,
                        scale_out_cooldown: Duration::seconds(300),
                        scale_in_cooldown: cooldown,
                        schedules: vec![],
                    };
                    let both = [ScaleIn::Gradual, ScaleIn::Proportional].map(|scale_in| replay(load, &setting, terms, scale_in, None));
                    if both.iter().all(|replayed| replayed.short_minutes <= allowed) {
                        best = best.min(both.iter().map(|replayed| replayed.instance_minutes).max().unwrap());
                    }
                }
            }
        }
    }
    best
}

#[test]
fn a_brute_force_search_is_not_cheaper_by_five_hundredths() {
    for (name, text) in SERIES {
        let requests = series(text);
        let peak = *requests.iter().max().unwrap() as f64;
        let traffic = traffic(requests);
        let load = Load::new(&traffic);
        for (peak_needs, share) in [(2.5, 0.001), (5.0, 0.001), (5.0, 0.01), (8.0, 0.001)] {
            let question = Question { max_short_share: share, ..question((peak / peak_needs).ceil(), 12) };
            let proposal = propose(&traffic, &question);
            let allowed = allowed(&load, share);
            let fixed = Need::of(&load, question.terms.per_instance).fixed(allowed);
            let brute = brute_force(&load, &question.terms, fixed, allowed).min(u64::from(fixed) * proposal.today.minutes);
            let cost = proposal.replay.instance_minutes;
            assert!(cost * 100 <= brute * 105, "{name} at {peak_needs}: {cost} instead of {brute}: {proposal:?}");
            assert!(cost <= proposal.today.instance_minutes && proposal.replay.short_minutes <= allowed, "{name}: {proposal:?}");
        }
    }
}

#[test]
fn a_nightly_batch_is_awaited_by_scheduled_actions() {
    let requests = series(SERIES[2].1);
    let peak = *requests.iter().max().unwrap() as f64;
    let proposal = propose(&traffic(requests), &question((peak / 5.0).ceil(), 5));
    assert_eq!(proposal.advice, Advice::Schedule);
    let before = proposal.setting.schedules.iter().find(|action| 3 <= action.min).expect("instances are there before the batch");
    assert!((30..60).contains(&before.minute), "{before:?}");
    assert!(proposal.replay.instance_minutes * 2 < proposal.today.instance_minutes, "{proposal:?}");
}

/// A weekday's requests rise at 08:00 and fall at 18:00.
fn office(minute: usize) -> u64 {
    let (day, hour) = (minute / 1440 % 7, minute / 60 % 24);
    if day < 5 && (8..18).contains(&hour) { 900 } else { 20 }
}

#[test]
fn hours_of_weekdays_are_found_in_the_traffic() {
    let proposal = propose(&traffic((0..14 * 1440).map(office)), &question(100.0, 10));
    assert_eq!(proposal.advice, Advice::Schedule, "{proposal:?}");
    let days: Vec<String> = proposal.setting.schedules.iter().map(|action| action.days.to_string()).collect();
    assert!(days.iter().any(|days| days == "mon-fri"), "{proposal:?}");
    // 10 hours of 9 instances, and an instance for the rest, with an hour of head-room a day.
    assert!(proposal.replay.instance_minutes < 10 * (11 * 60 * 9 + 13 * 60) + 4 * 1440 + 10 * 9 * 60, "{proposal:?}");
    assert!(proposal.is_promised(), "{:?}", proposal.doubts);
}

#[test]
fn it_is_never_more_expensive_than_today_nor_below_the_minimum() {
    let flat = || traffic(std::iter::repeat_n(450, 14 * 1440));
    for (instances, least, advice, min, why) in [
        (8, 1, Advice::Fixed, 5, "5 carry the load as well as 8"),
        (5, 1, Advice::Fixed, 5, "no cheaper setting"),
        (3, 1, Advice::Fixed, 3, "3 are too few already: 5"),
        (8, 6, Advice::Fixed, 6, "6 carry the load as well as 8"),
        (1, 2, Advice::Fixed, 1, "fewer than the minimum of 2"),
    ] {
        let proposal = propose(&flat(), &Question { min_instances: least, ..question(100.0, instances) });
        assert_eq!((proposal.advice, proposal.setting.min, proposal.setting.max), (advice, min, min), "{instances}: {proposal:?}");
        assert!(proposal.reason.contains(why), "{}", proposal.reason);
        assert!(proposal.replay.instance_minutes <= proposal.today.instance_minutes);
    }
    let daily = propose(&traffic((0..14 * 1440).map(office)), &Question { min_instances: 3, ..question(100.0, 10) });
    assert!(3 <= daily.setting.least() && 3 <= daily.setting.min, "{daily:?}");
    let missing = propose(&Traffic::new(monday(), std::iter::repeat_n(None, 2000)), &question(100.0, 4));
    assert_eq!((missing.advice, missing.setting.min), (Advice::Fixed, 4), "{missing:?}");
}

#[test]
fn from_zero_where_the_kind_allows_it() {
    // An hour of work a day.
    let requests = (0..14 * 1440).map(|minute| if (600..660).contains(&(minute % 1440)) { 50 } else { 0 });
    let question = Question { min_instances: 0, max_short_share: 0.01, ..question(100.0, 1) };
    let proposal = propose(&traffic(requests), &question);
    assert_eq!((proposal.advice, proposal.setting.least()), (Advice::ToZero, 0), "{proposal:?}");
    assert!(proposal.doubts.iter().any(|doubt| doubt.text.contains("step policy")));
    assert!(proposal.replay.instance_minutes * 5 < proposal.today.instance_minutes);
}

#[test]
fn what_the_past_does_not_support_is_not_promised() {
    let days = |days: usize| 0..days * 1440;
    let wave = |minute: usize| if (480..1080).contains(&(minute % 1440)) { 800 } else { 50 };
    let two_weeks = |of: &dyn Fn(usize) -> u64| propose(&traffic(days(14).map(of)), &question(100.0, 20));
    for (proposal, says) in [
        (propose(&traffic(days(3).map(wave)), &question(100.0, 20)), "only 3d of traffic"),
        (propose(&traffic(days(8).map(wave)), &question(100.0, 20)), "seen only once or twice"),
        (two_weeks(&|minute| wave(minute) * (100 + minute as u64 / 200) / 100), "grows from week to week"),
        (two_weeks(&|minute| if minute < 12 * 1440 { wave(minute) } else { wave(minute) * 8 / 5 }), "above the same days a week before"),
        (two_weeks(&|minute| if minute < 10 * 1440 { wave(minute) } else { 0 }), "no requests since Thu 2026-12-03 00:00 UTC"),
        (two_weeks(&|minute| if minute < 13 * 1440 { wave(minute) } else { 5 }), "may have ended"),
        (two_weeks(&|minute| if (9000..9030).contains(&minute) { 2000 } else { wave(minute) }), "single event makes the peak: 2000"),
        (two_weeks(&|_| 0), "no requests in 14d"),
        (
            propose(&Traffic::new(monday(), days(14).map(|minute| (minute % 1440 < 1200).then(|| wave(minute)))), &question(100.0, 20)),
            "no datapoint",
        ),
    ] {
        let texts: Vec<&str> = proposal.doubts.iter().map(|doubt| doubt.text.as_str()).collect();
        assert!(texts.iter().any(|text| text.contains(says)), "{says}: {texts:?}");
        assert!(!proposal.is_promised(), "{says}: {texts:?}");
    }
    let regular = two_weeks(&wave);
    assert!(regular.is_promised(), "{:?}", regular.doubts);
    assert!(
        (regular.saved_hours_per_month() - (f64::from(20 * 730) - regular.replay.instance_minutes as f64 / 20160.0 * 730.0)).abs() < 0.1
    );
}
