//! The search for the cheapest setting: minimum, maximum, target and cooldowns, under the limit on short minutes.
//!
//! A setting counts as good enough if the share of short minutes is kept by both ways of scaling in, and also on a day on which CloudWatch is late. Most settings
//! are given up early: when too many minutes were short, or when even the best rest would cost more than the best setting so far.

use crate::{
    scaling::{
        days::{Scheduled, changes},
        load::Load,
        need::{Floor, Need},
        replay::{Replay, Rules},
        setting::{Replayed, ScaleIn, Setting, Terms},
    },
    vocabulary::duration::Duration,
};

/// Cooldowns of scaling in that are tried. AWS's default is the first one.
const IN_COOLDOWNS: [i64; 5] = [300, 600, 900, 1800, 3600];
/// The one of them that is tried first beside the default.
const LONG: usize = 2;
/// The shortest cooldown of scaling out: AWS's default.
const OUT_COOLDOWN: i64 = 300;
/// Targets that are tried first, in hundredths of what an instance carries.
const COARSE: [u32; 14] = [100, 95, 90, 85, 80, 70, 60, 50, 40, 32, 25, 18, 12, 8];
/// How many settings the fine search tries at most.
const FINE_TRIES: u32 = 100;

/// What a try says of a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tried {
    Better,
    NotCheaper,
    Short,
}

/// A setting, and the more expensive of its replays.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) setting: Setting,
    pub(super) replayed: Replayed,
    /// Whether it keeps the limit also on a day on which CloudWatch is late.
    pub(super) is_robust: bool,
}

/// What a robust setting may cost more than the cheapest one, in hundredths. A higher price for a rare delay is not paid, but said.
const ROBUST_MARGIN: u64 = 3;

/// The best settings so far, and what is needed to find better ones.
pub(super) struct Search<'a> {
    pub(super) load: &'a Load,
    pub(super) terms: Terms,
    pub(super) need: &'a Need,
    /// The most short minutes.
    pub(super) allowed: u64,
    /// A setting must cost less than this.
    limit: u64,
    cheapest: Option<Found>,
    robust: Option<Found>,
    /// How many settings were tried.
    pub(super) tries: u32,
}

impl<'a> Search<'a> {
    /// A search for settings that cost less than `limit` instance-minutes.
    pub(super) fn new(load: &'a Load, terms: Terms, need: &'a Need, allowed: u64, limit: u64) -> Self {
        Self { load, terms, need, allowed, limit, cheapest: None, robust: None, tries: 0 }
    }

    /// A setting must cost less than this to be kept.
    fn limit(&self) -> u64 {
        let cost = |found: &Option<Found>| found.as_ref().map_or(u64::MAX, |found| found.replayed.instance_minutes);
        let cheapest = cost(&self.cheapest);
        self.limit.min(cost(&self.robust)).min(cheapest.saturating_add(cheapest / 100 * ROBUST_MARGIN))
    }

    /// The best setting: the robust one, if it costs little more.
    pub(super) fn best(&self) -> Option<&Found> {
        let is_near = |found: &&Found| found.replayed.instance_minutes <= self.limit() || self.cheapest.is_none();
        self.robust.as_ref().filter(is_near).or(self.cheapest.as_ref())
    }

    /// The cooldowns that are tried first: a shorter one of scaling out would end before the instance serves.
    pub(super) fn cooldowns(&self) -> (Duration, Duration) {
        let start_up = self.terms.start_up.signed().as_secs();
        (Duration::seconds(start_up.max(OUT_COOLDOWN)), Duration::seconds(IN_COOLDOWNS[0]))
    }

    /// A setting with these first cooldowns.
    pub(super) fn setting(&self, min: u32, max: u32, hundredths: u32) -> Setting {
        let (scale_out_cooldown, scale_in_cooldown) = self.cooldowns();
        let target = rounded(self.terms.per_instance * f64::from(hundredths) / 100.0);
        Setting { min, max, target, scale_out_cooldown, scale_in_cooldown, schedules: vec![] }
    }

    /// Tries all minimums from `least` on, with the maximums and targets that could pay.
    pub(super) fn coarse(&mut self, least: u32, fixed: u32) {
        for min in steps(least, fixed) {
            let floor = self.need.floor(min, self.allowed);
            if self.limit() <= floor.all() {
                break;
            }
            let [least_max, more, most] = maximums(fixed, self.need).map(|max| max.max(min));
            // A long cooldown keeps what the next peak needs: another way than a low target.
            for (max, cooldown) in [(least_max, 0), (more, 0), (more, LONG), (most, 0)] {
                let scale_in_cooldown = Duration::seconds(IN_COOLDOWNS[cooldown]);
                self.targets(&COARSE, &floor, |search, hundredths| Setting { scale_in_cooldown, ..search.setting(min, max, hundredths) });
            }
        }
    }

    /// Finds the highest of these targets, the cheapest one, that is good enough. They are ordered from the highest on.
    pub(super) fn targets(&mut self, hundredths: &[u32], floor: &Floor, with: impl Fn(&Self, u32) -> Setting) {
        let (mut from, mut until) = (0, hundredths.len());
        while from < until {
            let middle = usize::midpoint(from, until);
            match self.attempt(with(self, hundredths[middle]), floor) {
                // A lower target costs more.
                Tried::Better | Tried::NotCheaper => until = middle,
                Tried::Short => from = middle + 1,
            }
        }
    }

    /// Tries a setting, and keeps it if it is the best.
    pub(super) fn attempt(&mut self, setting: Setting, floor: &Floor) -> Tried {
        self.tries += 1;
        let changes = changes(&setting.schedules, self.load.starts_at, self.load.minutes());
        let limit = self.limit();
        let run = |terms: &Terms, scale_in, limit: u64| {
            let mut replay = Replay::new(self.load, Rules::new(&setting, terms, scale_in), &changes, None);
            loop {
                if self.allowed < replay.done.short_minutes {
                    return Err(Tried::Short);
                }
                if limit <= floor.with(replay.done.instance_minutes, replay.minute()) {
                    return Err(Tried::NotCheaper);
                }
                if !replay.advance() {
                    // The floor allows for what short minutes may spare. Now it is known.
                    return if replay.done.instance_minutes < limit { Ok(replay.done) } else { Err(Tried::NotCheaper) };
                }
            }
        };
        let both =
            run(&self.terms, ScaleIn::Gradual, limit).and_then(|gradual| Ok((gradual, run(&self.terms, ScaleIn::Proportional, limit)?)));
        let replayed = match both {
            Err(why) => return why,
            Ok((gradual, proportional)) if gradual.instance_minutes < proportional.instance_minutes => proportional,
            Ok((gradual, _)) => gradual,
        };
        let late = Terms { metric_delay: Terms::LONG_METRIC_DELAY.max(self.terms.metric_delay), ..self.terms };
        let is_robust = [ScaleIn::Proportional, ScaleIn::Gradual].iter().all(|scale_in| run(&late, *scale_in, u64::MAX).is_ok());
        self.keep(Found { setting, replayed, is_robust })
    }

    fn keep(&mut self, found: Found) -> Tried {
        let is_cheapest = self.cheapest.as_ref().is_none_or(|best| found.replayed.instance_minutes < best.replayed.instance_minutes);
        let is_robust = found.is_robust;
        if is_cheapest {
            self.cheapest = Some(found.clone());
        }
        if is_robust {
            self.robust = Some(found);
        }
        if is_cheapest || is_robust { Tried::Better } else { Tried::Short }
    }

    /// The minutes that are short with a setting, on a day on which CloudWatch is late.
    pub(super) fn short_minutes(&self, setting: &Setting) -> Vec<usize> {
        let late = Terms { metric_delay: Terms::LONG_METRIC_DELAY.max(self.terms.metric_delay), ..self.terms };
        let mut replay = Replay::new(self.load, Rules::new(setting, &late, ScaleIn::Proportional), &[], None);
        let mut short = vec![];
        loop {
            let (from, counted) = (replay.minute(), replay.done.short_minutes);
            if !replay.advance() {
                return short;
            }
            if counted < replay.done.short_minutes {
                short.extend((from..replay.minute()).filter(|minute| replay.is_short(*minute)));
            }
        }
    }

    /// Moves the best setting as long as a move makes it cheaper.
    pub(super) fn fine(&mut self, least: u32) {
        let until = self.tries + FINE_TRIES;
        let (mut at, mut in_vain) = (0, 0);
        while let Some(best) = self.best().map(|found| found.setting.clone()) {
            let moves = moves(&best, least, self.terms.per_instance);
            if moves.len() <= in_vain || until <= self.tries {
                break;
            }
            // What helped once may help again.
            let floors = [best.least(), best.least().saturating_sub(1).max(least)].map(|min| (min, self.need.floor(min, self.allowed)));
            while in_vain < moves.len() && self.tries < until {
                let candidate = moves[at % moves.len()].clone();
                let floor = floors.iter().find(|(min, _)| *min <= candidate.least()).map_or(&floors[1].1, |(_, floor)| floor);
                if self.attempt(candidate, floor) == Tried::Better {
                    in_vain = 0;
                    break;
                }
                (at, in_vain) = (at + 1, in_vain + 1);
            }
        }
    }
}

/// The settings next to one.
fn moves(of: &Setting, least: u32, per_instance: f64) -> Vec<Setting> {
    let target =
        |hundredths: f64| Setting { target: rounded((of.target + per_instance * hundredths / 100.0).min(per_instance)), ..of.clone() };
    let mut moves: Vec<Setting> = [15.0, 6.0, 2.0, 1.0].map(target).into();
    for (out, within) in cooldowns(of) {
        let rests = |setting: Setting| Setting { scale_out_cooldown: out, scale_in_cooldown: within, ..setting };
        moves.extend([rests(of.clone()), rests(target(10.0))]);
    }
    for max in [of.max.saturating_add(1), of.max.saturating_add(of.max.div_ceil(3)), of.max.saturating_sub(1)] {
        if of.schedules.iter().all(|action| action.min <= max) && of.min <= max {
            let within = |setting: Setting| Setting { max, schedules: with_max(&setting, max), ..setting };
            moves.extend([within(of.clone()), within(target(4.0)), within(target(12.0))]);
        }
    }
    moves.extend(schedule_moves(of, least));
    if of.schedules.is_empty() {
        let within = |min: u32, setting: Setting| Setting { min, max: setting.max.max(min), ..setting };
        let (less, more) = (of.min.saturating_sub(1).max(least), of.min.saturating_add(1));
        moves.extend([0.0, -5.0, -15.0].map(|hundredths| within(less, target(hundredths))));
        moves.extend([5.0, 20.0].map(|hundredths| within(more, target(hundredths))));
    }
    moves.retain(|moved| moved != of && 0.0 < moved.target);
    moves
}

fn with_max(setting: &Setting, max: u32) -> Vec<Scheduled> {
    setting.schedules.iter().cloned().map(|action| Scheduled { max, ..action }).collect()
}

/// The same setting with one scheduled action that keeps an instance less, or is a quarter of an hour earlier or later.
fn schedule_moves(of: &Setting, least: u32) -> Vec<Setting> {
    let with = |at: usize, change: &dyn Fn(&mut Scheduled)| {
        let mut schedules = of.schedules.clone();
        change(&mut schedules[at]);
        let min = schedules.iter().map(|action| action.min).min().unwrap_or(of.min);
        Setting { min, schedules, ..of.clone() }
    };
    let mut moves = vec![];
    for at in 0..of.schedules.len() {
        let Scheduled { minute, days, min, .. } = of.schedules[at];
        if least < min {
            moves.push(with(at, &|action| action.min -= 1));
        }
        for moved in [minute.checked_sub(15), Some(minute + 15).filter(|moved| *moved < 24 * 60)].into_iter().flatten() {
            if of.schedules.iter().all(|other| (other.minute, other.days) != (moved, days)) {
                moves.push(with(at, &|action| action.minute = moved));
            }
        }
    }
    moves
}

/// The cooldowns next to those of a setting.
fn cooldowns(of: &Setting) -> Vec<(Duration, Duration)> {
    let (out, within) = (of.scale_out_cooldown, of.scale_in_cooldown);
    let at = IN_COOLDOWNS.iter().position(|seconds| Duration::seconds(*seconds) == within).unwrap_or(0);
    let next = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| IN_COOLDOWNS.get(at));
    let mut cooldowns: Vec<_> = next.map(|seconds| (out, Duration::seconds(*seconds))).collect();
    if out < Duration::seconds(1800) {
        cooldowns.push((out * 2, within));
    }
    cooldowns
}

/// Three digits: what people write into a policy.
pub(super) fn rounded(target: f64) -> f64 {
    if !target.is_normal() {
        return target;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a number has at most 308 digits")]
    let digits = 2 - target.log10().floor() as i32;
    // Divided, because a power with a negative exponent is not exact.
    if digits < 0 {
        (target / 10_f64.powi(-digits)).floor() * 10_f64.powi(-digits)
    } else {
        (target * 10_f64.powi(digits)).floor() / 10_f64.powi(digits)
    }
}

/// Numbers from one to another: all of the small ones, then at growing steps.
fn steps(from: u32, to: u32) -> Vec<u32> {
    let mut numbers = vec![];
    let mut at = from;
    while at <= to {
        numbers.push(at);
        let Some(next) = at.checked_add((at / 3).max(1)) else { break };
        at = next;
    }
    numbers
}

/// Maximums that are tried first: the least with which few minutes are short, somewhat more, and more than can be needed.
pub(super) fn maximums(fixed: u32, need: &Need) -> [u32; 3] {
    let peak = need.by_minute().iter().copied().max().unwrap_or(0).max(1);
    [fixed, fixed.saturating_add(fixed.div_ceil(3).max(2)), peak.saturating_mul(2).max(fixed)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::Traffic;

    fn load() -> Load {
        // An hour of work in each of four hours.
        let requests = (0..4 * 1440).map(|minute| Some(if minute / 60 % 4 == 0 { 350 } else { 90 }));
        Load::new(&Traffic::new("2026-11-23T00:00:00Z".parse().unwrap(), requests))
    }

    #[test]
    fn only_a_cheaper_setting_is_better() {
        let load = load();
        let terms = Terms::usual(100.0);
        let need = Need::of(&load, 100.0);
        let mut search = Search::new(&load, terms, &need, 1000, u64::MAX);
        let floor = need.floor(1, 1000);
        let setting = search.setting(1, 4, 90);
        assert_eq!(search.attempt(setting.clone(), &floor), Tried::Better);
        assert_eq!(search.attempt(setting.clone(), &floor), Tried::NotCheaper);
        assert_eq!(search.attempt(Setting { max: 9, ..setting.clone() }, &floor), Tried::NotCheaper);
        assert_eq!(search.attempt(Setting { max: 1, ..setting }, &floor), Tried::Short);
        let cost = search.best().map_or(0, |found| found.replayed.instance_minutes);
        assert!(floor.all() <= cost, "{} {cost}", floor.all());
    }

    #[test]
    fn the_floor_is_below_every_setting_that_is_good_enough() {
        let (load, terms) = (load(), Terms::usual(100.0));
        let need = Need::of(&load, 100.0);
        // With so many minutes that may be short, the cheapest setting spares them all.
        for allowed in [0, 500, 1440] {
            let floor = need.floor(1, allowed);
            let mut search = Search::new(&load, terms, &need, allowed, u64::MAX);
            let fixed = need.fixed(allowed);
            assert_eq!(search.attempt(Setting::fixed(fixed, 100.0), &floor), Tried::Better);
            assert!(floor.all() <= u64::from(fixed) * 5760, "{allowed}: {}", floor.all());
        }
        assert_eq!(need.floor(1, 1440).all(), 5760);
    }

    #[test]
    fn targets_have_three_digits() {
        for (target, digits) in [(123.456, 123.0), (1_234_567.0, 1_230_000.0), (0.012_345, 0.0123), (72.0, 72.0), (0.1, 0.1)] {
            assert!((rounded(target) - digits).abs() < 1e-12 * digits, "{target}: {}", rounded(target));
        }
    }
}
