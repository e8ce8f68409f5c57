//! Replays traffic against an auto scaling setting, minute by minute, as target tracking is known to work.
//!
//! AWS publishes neither the formula nor the size of one step, so this is a model. Its rules: a datapoint is the requests of a minute by the instances that
//! served then. Three in a row above the target scale out, to what the last one needs. Fifteen in a row below 0.9 of the target scale in, if nothing starts and
//! both cooldowns are over. Nothing happens while the newest minute has no datapoint. A scheduled action changes minimum and maximum and takes
//! effect at once.

use std::collections::VecDeque;

use crate::scaling::{
    days::{Change, changes},
    lines::{Lines, needed, share},
    load::{BLOCK, HIGH_POINTS, LOW_POINTS, LOW_SHARE, Load},
    setting::{Replayed, ScaleIn, Setting, Terms, in_minutes},
    traffic::MISSING,
};

/// Replays with one way of scaling in. It starts with `start` instances, or with the minimum.
pub fn replay(load: &Load, setting: &Setting, terms: &Terms, scale_in: ScaleIn, start: Option<u32>) -> Replayed {
    let changes = changes(&setting.schedules, load.starts_at, load.minutes());
    let mut replay = Replay::new(load, Rules::new(setting, terms, scale_in), &changes, start);
    while replay.advance() {}
    replay.done
}

/// Replays with both ways of scaling in. The more expensive one is what may be promised.
pub fn dearer(load: &Load, setting: &Setting, terms: &Terms, start: Option<u32>) -> Replayed {
    let gradual = replay(load, setting, terms, ScaleIn::Gradual, start);
    let proportional = replay(load, setting, terms, ScaleIn::Proportional, start);
    if gradual.instance_minutes < proportional.instance_minutes { proportional } else { gradual }
}

/// The instances that are billed in each minute, with the way of scaling in that is the more expensive one.
pub fn billed_by_minute(load: &Load, setting: &Setting, terms: &Terms, start: Option<u32>) -> Vec<u32> {
    let changes = changes(&setting.schedules, load.starts_at, load.minutes());
    let trace = |scale_in| {
        let mut replay = Replay::new(load, Rules::new(setting, terms, scale_in), &changes, start);
        let mut billed = Vec::with_capacity(load.minutes());
        while replay.advance() {
            billed.resize(replay.minute, replay.active.max(replay.desired));
        }
        (replay.done.instance_minutes, billed)
    };
    let (gradual, proportional) = (trace(ScaleIn::Gradual), trace(ScaleIn::Proportional));
    if gradual.0 < proportional.0 { proportional.1 } else { gradual.1 }
}

/// The parts of the setting and the terms that decide, in minutes and seconds.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    min: u32,
    max: u32,
    target: f64,
    per_instance: f64,
    out_cooldown: u64,
    in_cooldown: u64,
    start_up: usize,
    delay: usize,
    gradual: bool,
}

impl Rules {
    pub(super) fn new(setting: &Setting, terms: &Terms, scale_in: ScaleIn) -> Self {
        let seconds = |length: crate::vocabulary::duration::Duration| u64::try_from(length.signed().as_secs()).unwrap_or_default();
        Self {
            min: setting.min,
            max: setting.max,
            target: setting.target,
            per_instance: terms.per_instance,
            out_cooldown: seconds(setting.scale_out_cooldown),
            in_cooldown: seconds(setting.scale_in_cooldown),
            start_up: in_minutes(terms.start_up),
            delay: in_minutes(terms.metric_delay),
            gradual: scale_in == ScaleIn::Gradual,
        }
    }
}

/// A replay under way.
pub(super) struct Replay<'a> {
    load: &'a Load,
    rules: Rules,
    changes: &'a [Change],
    minute: usize,
    /// Instances that serve.
    active: u32,
    /// Instances that are wanted: those that serve, and those that start.
    desired: u32,
    /// When how many instances will serve.
    starting: VecDeque<(usize, u32)>,
    /// How many instances there were before `since`, and from which minute on, as long as such datapoints are not visible yet.
    earlier: VecDeque<(usize, u32)>,
    /// The first minute of which all datapoints are of as many instances as now.
    since: usize,
    /// All visible datapoints from this minute on are high.
    high_from: usize,
    /// All visible datapoints from this minute on are low.
    low_from: usize,
    /// When the policy scaled out last, and to how many.
    last_out: Option<(usize, u32)>,
    last_in: Option<usize>,
    /// For `active` instances.
    lines: Lines,
    pub(super) done: Replayed,
}

impl<'a> Replay<'a> {
    pub(super) fn new(load: &'a Load, mut rules: Rules, mut changes: &'a [Change], start: Option<u32>) -> Self {
        // What was scheduled last before the start is in force from the start on.
        if let Some((first, rest)) = changes.split_first().filter(|(first, _)| first.minute == 0) {
            (rules.min, rules.max, changes) = (first.min, first.max, rest);
        }
        let active = start.unwrap_or(rules.min);
        let mut replay = Self {
            load,
            rules,
            changes,
            minute: 0,
            active,
            desired: active,
            starting: VecDeque::new(),
            earlier: VecDeque::new(),
            since: 0,
            high_from: 0,
            low_from: 0,
            last_out: None,
            last_in: None,
            lines: Lines::of(active, rules.target, rules.per_instance),
            done: Replayed { minutes: load.minutes() as u64, ..Replayed::default() },
        };
        // A target that is registered brings the instances into its bounds.
        replay.clamp();
        replay
    }

    /// The minute that comes next.
    pub(super) fn minute(&self) -> usize {
        self.minute
    }

    /// Whether there are more requests in a minute than the present instances carry.
    pub(super) fn is_short(&self, minute: usize) -> bool {
        self.lines.carried < self.load.requests[minute] && self.load.requests[minute] != MISSING
    }

    /// Goes on by a minute, or by all minutes in which nothing happens. `false`: it is over.
    pub(super) fn advance(&mut self) -> bool {
        if self.load.minutes() <= self.minute {
            return false;
        }
        if !self.pass_quiet_minutes() {
            self.pass_minute();
        }
        true
    }

    fn pass_minute(&mut self) {
        let now = self.minute;
        self.start_instances(now);
        while let Some((change, rest)) = self.changes.split_first().filter(|(change, _)| change.minute <= now) {
            (self.rules.min, self.rules.max, self.changes) = (change.min, change.max, rest);
            self.clamp();
        }
        if let Some(visible) = now.checked_sub(self.rules.delay) {
            self.decide(visible);
        }
        let billed = self.active.max(self.desired);
        self.done.instance_minutes += u64::from(billed);
        self.done.short_minutes += u64::from(self.is_short(now));
        self.done.peak_instances = self.done.peak_instances.max(billed);
        self.minute = now + 1;
    }

    /// Counts the minutes before `until`, in which nothing changes.
    fn bill(&mut self, until: usize) {
        let billed = self.active.max(self.desired);
        self.done.instance_minutes += u64::from(billed) * (until - self.minute) as u64;
        self.done.short_minutes += self.load.above(self.lines.carried, self.minute..until);
        self.done.peak_instances = self.done.peak_instances.max(billed);
        self.minute = until;
    }

    fn start_instances(&mut self, now: usize) {
        while let Some((_, count)) = self.starting.pop_front_if(|(ready, _)| *ready <= now) {
            self.set_active(self.active.saturating_add(count), now);
        }
    }

    fn set_active(&mut self, instances: u32, since: usize) {
        self.earlier.push_back((self.since, self.active));
        self.active = instances;
        self.since = since;
        self.lines = Lines::of(instances, self.rules.target, self.rules.per_instance);
    }

    /// Brings the instances into the bounds, whatever the cooldowns.
    fn clamp(&mut self) {
        let bounded = self.desired.max(self.rules.min).min(self.rules.max);
        if self.desired < bounded {
            self.scale_out(bounded);
        } else if bounded < self.desired {
            self.done.scale_ins += 1;
            // What only starts goes first, the latest before the others.
            let mut surplus = self.desired - bounded;
            while let Some((_, count)) = self.starting.back_mut().filter(|_| 0 < surplus) {
                let given_up = surplus.min(*count);
                *count -= given_up;
                surplus -= given_up;
                if *count == 0 {
                    self.starting.pop_back();
                }
            }
            self.desired = bounded;
            if 0 < surplus {
                self.set_active(self.active - surplus, self.minute);
            }
        }
    }

    fn scale_out(&mut self, desired: u32) {
        self.starting.push_back((self.minute.saturating_add(self.rules.start_up), desired - self.desired));
        self.desired = desired;
        self.done.scale_outs += 1;
    }

    /// Whether the datapoint of a minute is high, and whether it is low.
    fn status(&mut self, minute: usize, requests: u64) -> (bool, bool) {
        if self.since <= minute {
            self.earlier.clear();
            return (self.lines.high < requests, requests < self.lines.low);
        }
        // It is of as many instances as there were then.
        while self.earlier.get(1).is_some_and(|(since, _)| *since <= minute) {
            self.earlier.pop_front();
        }
        let each = share(requests, self.earlier.front().map_or(self.active, |(_, instances)| *instances));
        (self.rules.target < each, each < LOW_SHARE * self.rules.target)
    }

    /// What the policy does when the datapoint of a minute becomes visible.
    fn decide(&mut self, visible: usize) {
        let requests = self.load.requests[visible];
        if requests == MISSING {
            return;
        }
        let (is_high, is_low) = self.status(visible, requests);
        if !is_high {
            self.high_from = visible + 1;
        }
        if !is_low {
            self.low_from = visible + 1;
        }
        let points = |from: usize| (self.load.seen[visible + 1] - self.load.seen[from]) as usize;
        if HIGH_POINTS <= points(self.high_from) {
            self.add(requests);
        } else if LOW_POINTS <= points(self.low_from) {
            self.remove(requests);
        }
    }

    fn add(&mut self, requests: u64) {
        let want = needed(requests, self.rules.target).min(self.rules.max);
        let may = |(at, wanted): (usize, u32)| wanted < want || self.rules.out_cooldown <= self.seconds_since(at);
        if self.desired < want && self.last_out.is_none_or(may) {
            self.scale_out(want);
            self.last_out = Some((self.minute, want));
        }
    }

    fn remove(&mut self, requests: u64) {
        let rests = self.last_out.is_none_or(|(at, _)| self.rules.out_cooldown <= self.seconds_since(at))
            && self.last_in.is_none_or(|at| self.rules.in_cooldown <= self.seconds_since(at));
        if !rests || !self.starting.is_empty() {
            return;
        }
        let want = needed(requests, self.rules.target).max(self.rules.min);
        let want = if self.rules.gradual { want.max(self.desired.saturating_sub(1)) } else { want };
        if want < self.desired {
            self.desired = want;
            // The datapoint of this minute is still of the instances before.
            self.set_active(want, self.minute + 1);
            self.last_in = Some(self.minute);
            self.done.scale_ins += 1;
        }
    }

    fn seconds_since(&self, minute: usize) -> u64 {
        60 * (self.minute - minute) as u64
    }

    /// Passes the minutes in which nothing can happen, all at once. `false`: there are none.
    fn pass_quiet_minutes(&mut self) -> bool {
        let Some(visible) = self.minute.checked_sub(self.rules.delay) else { return false };
        let is_settled = self.starting.is_empty()
            && self.since <= visible
            && LOW_POINTS <= (self.load.seen[visible + 1] - self.load.seen[self.since]) as usize;
        if !is_settled {
            return false;
        }
        let end = self.changes.first().map_or(self.load.minutes(), |change| change.minute.max(self.minute));
        let until = self.quiet_until(visible, end - self.rules.delay);
        if until == visible {
            return false;
        }
        self.look_back(until);
        self.bill(until + self.rules.delay);
        true
    }

    /// The first minute from `at` on whose datapoint could change the number of instances, or `end`.
    fn quiet_until(&self, mut at: usize, end: usize) -> usize {
        let Lines { high, low, fewer, .. } = self.lines;
        let (may_add, may_remove) = (self.active < self.rules.max, self.rules.min < self.active);
        while at < end {
            if at.is_multiple_of(BLOCK) && at + BLOCK <= end {
                let block = &self.load.blocks[at / BLOCK];
                let adds = may_add && high < block.high;
                let removes = may_remove && block.low < low && block.least <= fewer;
                if !adds && !removes {
                    at += BLOCK;
                    continue;
                }
            }
            let adds = may_add && high < self.load.high[at];
            let removes = may_remove && self.load.low[at] < low && self.load.requests[at] <= fewer;
            if adds || removes {
                break;
            }
            at += 1;
        }
        at
    }

    /// Finds out since when the datapoints before `until` are high or low, after minutes were passed.
    fn look_back(&mut self, until: usize) {
        let first_of_run = |is_in_run: &dyn Fn(u64) -> bool| {
            let mut points = 0;
            let earlier = (self.since..until).rev().find(|minute| {
                let requests = self.load.requests[*minute];
                points += usize::from(requests != MISSING);
                requests != MISSING && !is_in_run(requests) || LOW_POINTS <= points
            });
            match earlier {
                Some(minute) if is_in_run(self.load.requests[minute]) => minute,
                Some(minute) => minute + 1,
                None => self.since,
            }
        };
        let Lines { high, low, .. } = self.lines;
        self.high_from = first_of_run(&|requests| high < requests);
        self.low_from = first_of_run(&|requests| requests < low);
    }
}

#[cfg(test)]
pub(crate) mod tests;
