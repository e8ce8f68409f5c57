//! The hours that traffic keeps: scheduled actions that follow from the traffic itself.
//!
//! For each quarter of an hour of each day, the instances that were needed then, or that tracking alone had too late. From these levels, few pieces of a day are made
//! that cover them at the least cost. Days of the week are told apart where the traffic does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, civil::Weekday, tz::TimeZone};

use crate::scaling::{
    days::{Days, Scheduled},
    lines::number,
    load::Load,
    setting::Terms,
    setting::in_minutes,
    traffic::MISSING,
};

/// The minutes of a slot.
const SLOT: usize = 15;
/// The slots of a day.
const SLOTS: usize = 24 * 60 / SLOT;
/// The least difference between days of the week that counts.
const QUIET_SHARE: f64 = 0.6;
/// With so many days, what only one of them needed does not count.
const MANY_DAYS: usize = 4;

/// One level by slot of a day: how many instances are to be there.
pub(super) type Levels = [u32; SLOTS];

/// The calendar of a load, in a time zone.
pub(super) struct Hours {
    zone: TimeZone,
    /// The day of the load, counted from the first one, and the slot, of each quarter of an hour.
    quarters: Vec<(u16, u8)>,
    weekdays: Vec<Weekday>,
    /// How long before a slot its instances must be asked for, in minutes.
    lead: usize,
}

impl Hours {
    pub(super) fn of(load: &Load, zone: TimeZone, terms: &Terms) -> Self {
        let time_of = |quarter: usize| {
            let minutes = SignedDuration::from_mins(i64::try_from(quarter * SLOT).unwrap_or(0));
            load.starts_at.checked_add(minutes).unwrap_or(load.starts_at).to_zoned_datetime(zone.clone()).datetime()
        };
        let first = time_of(0).date();
        let mut weekdays = vec![];
        let quarter = |quarter: usize| {
            let at = time_of(quarter);
            let day = usize::try_from(at.date().duration_since(first).as_hours() / 24).unwrap_or(0);
            if weekdays.len() <= day {
                weekdays.resize(day + 1, at.date().weekday());
            }
            let slot = (usize::from(at.hour().unsigned_abs()) * 60 + usize::from(at.minute().unsigned_abs())) / SLOT;
            (u16::try_from(day).unwrap_or(u16::MAX), u8::try_from(slot).unwrap_or(0))
        };
        let quarters = (0..load.minutes().div_ceil(SLOT)).map(quarter).collect();
        Self { zone, quarters, weekdays, lead: in_minutes(terms.start_up) + 1 }
    }

    /// The ways to tell days apart: not at all, and by what days of the week carry.
    pub(super) fn groupings(&self, load: &Load) -> Vec<Vec<Days>> {
        let mut by_weekday: BTreeMap<i8, (f64, f64)> = BTreeMap::new();
        for (quarter, (day, _)) in self.quarters.iter().enumerate() {
            let minutes = &load.requests[quarter * SLOT..((quarter + 1) * SLOT).min(load.minutes())];
            let sum: f64 = minutes.iter().filter(|requests| **requests != MISSING).map(|requests| number(*requests)).sum();
            let entry = by_weekday.entry(self.weekdays[usize::from(*day)].to_monday_zero_offset()).or_default();
            *entry = (entry.0 + sum, entry.1 + 1.0);
        }
        let mut ordered: Vec<(f64, Weekday)> = by_weekday
            .into_iter()
            .filter_map(|(day, (sum, quarters))| Some((sum / quarters, Weekday::from_monday_zero_offset(day).ok()?)))
            .collect();
        ordered.sort_by(|one, other| one.0.total_cmp(&other.0));
        let widest = (1..ordered.len()).min_by(|one, other| {
            let step = |at: usize| ordered[at - 1].0 / ordered[at].0.max(f64::MIN_POSITIVE);
            step(*one).total_cmp(&step(*other))
        });
        // Each day of the week was seen twice.
        let split = widest.filter(|at| 14 <= self.weekdays.len() && ordered[at - 1].0 < QUIET_SHARE * ordered[*at].0);
        let quiet = split.map(|at| Days::of(ordered[..at].iter().map(|(_, day)| *day)));
        [Some(vec![Days::ALL]), quiet.map(|quiet| vec![quiet.others(), quiet])].into_iter().flatten().collect()
    }

    /// The levels of some days: in each slot the highest that more than one day needed. What happened once is no rhythm.
    pub(super) fn levels(&self, need: impl Iterator<Item = (usize, u32)>, days: Days) -> Levels {
        let mut by_day = vec![[0_u32; SLOTS]; self.weekdays.len()];
        for (minute, need) in need {
            // Instances for a minute are asked for before it, and are still there in it.
            let asked = minute.saturating_sub(self.lead) / SLOT;
            for quarter in asked..=minute / SLOT {
                let (day, slot) = self.quarters[quarter];
                let level = &mut by_day[usize::from(day)][usize::from(slot)];
                *level = need.max(*level);
            }
        }
        let of_group = || by_day.iter().zip(&self.weekdays).filter(|(_, day)| days.contains(**day)).map(|(levels, _)| levels);
        let seen_before = usize::from(MANY_DAYS <= of_group().count());
        std::array::from_fn(|slot| {
            let mut all: Vec<u32> = of_group().map(|levels| levels[slot]).collect();
            all.sort_unstable_by(|one, other| other.cmp(one));
            all.get(seen_before).copied().unwrap_or(0)
        })
    }

    /// Scheduled actions that keep these levels, with few pieces a day. `None`: one level would do.
    pub(super) fn actions(&self, groups: &[(Days, Levels)], pieces: usize, max: u32) -> Option<Vec<Scheduled>> {
        let cut: Vec<(Days, Vec<(usize, u32)>)> = groups.iter().map(|(days, levels)| (*days, cut(levels, pieces))).collect();
        let last_level =
            |day: Weekday| cut.iter().find(|(days, _)| days.contains(day)).and_then(|(_, pieces)| pieces.last()).map(|(_, level)| *level);
        let mut actions = vec![];
        for (days, pieces) in &cut {
            let goes_on = |level: u32| {
                let week = Weekday::Monday.cycle_forward().take(7).filter(|day| days.contains(*day));
                week.map(Weekday::previous).all(|day| last_level(day) == Some(level))
            };
            for (slot, level) in pieces {
                if *slot != 0 || !goes_on(*level) {
                    let minute = u16::try_from(slot * SLOT).unwrap_or(0);
                    actions.push(Scheduled { days: *days, minute, zone: self.zone.clone(), min: *level, max: max.max(*level) });
                }
            }
        }
        let is_one_level = actions.iter().all(|action| action.min == actions[0].min);
        (!is_one_level).then_some(actions)
    }
}

/// Cuts a day into at most so many pieces, each as high as its highest level, so that the sum is least: the start and the level of each.
fn cut(levels: &Levels, pieces: usize) -> Vec<(usize, u32)> {
    // For each number of pieces and each end, the least cost and where the last piece begins.
    let mut best = vec![[(u64::MAX, 0_usize); SLOTS + 1]; pieces + 1];
    best[0][0] = (0, 0);
    for piece in 1..=pieces {
        for end in 1..=SLOTS {
            let mut level = 0_u32;
            for start in (0..end).rev() {
                level = level.max(levels[start]);
                let (before, _) = best[piece - 1][start];
                let cost = before.saturating_add(u64::from(level) * (end - start) as u64);
                if cost < best[piece][end].0 {
                    best[piece][end] = (cost, start);
                }
            }
        }
    }
    let used = (1..=pieces).min_by_key(|piece| (best[*piece][SLOTS].0, *piece)).unwrap_or(1);
    let mut found = vec![];
    let mut end = SLOTS;
    for piece in (1..=used).rev() {
        let (_, start) = best[piece][end];
        found.push((start, levels[start..end].iter().copied().max().unwrap_or(0)));
        end = start;
    }
    found.reverse();
    found.dedup_by_key(|(_, level)| *level);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_cut_where_it_costs_least() {
        let mut levels = [1; SLOTS];
        levels[4..17].fill(9);
        assert_eq!(cut(&levels, 4), [(0, 1), (4, 9), (17, 1)]);
        assert_eq!(cut(&levels, 1), [(0, 9)]);
        assert_eq!(cut(&levels, 2), [(0, 9), (17, 1)]);
        assert_eq!(cut(&[3; SLOTS], 4), [(0, 3)]);
    }
}
