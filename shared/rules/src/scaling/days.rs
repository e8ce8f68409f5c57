//! Days of the week, and what happens on them at a time: scheduled actions.

use std::fmt;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Time, Weekday},
    tz::TimeZone,
};

use crate::vocabulary::schedule::{DAY_NAMES, time_of_day};

/// Some days of the week. Its text is like that of working hours: `mon-fri`, `sat-sun`, `mon,wed-thu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(u8);

impl Days {
    /// Monday to Sunday.
    pub const ALL: Self = Self(0b111_1111);

    /// These days.
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self(days.into_iter().fold(0, |bits, day| bits | Self::bit(day)))
    }

    /// The days that these are not.
    #[must_use]
    pub fn others(self) -> Self {
        Self(Self::ALL.0 & !self.0)
    }

    /// Whether a day is one of them.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// Each of them, from Monday on.
    pub fn each(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday.cycle_forward().take(7).filter(move |day| self.contains(*day))
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }

    fn has(self, day: usize) -> bool {
        self.0 & (1 << day) != 0
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = vec![];
        let mut day = 0;
        while day < 7 {
            let run = (day..7).take_while(|day| self.has(*day)).count();
            match run {
                0 => {}
                1 => parts.push(DAY_NAMES[day].to_owned()),
                run => parts.push(format!("{}-{}", DAY_NAMES[day], DAY_NAMES[day + run - 1])),
            }
            day += run + 1;
        }
        f.write_str(&parts.join(","))
    }
}

/// A scheduled action: on these days at this time, the target's minimum and maximum become these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The days.
    pub days: Days,
    /// The minute of the day, by the zone's wall clock.
    pub minute: u16,
    /// The time zone.
    pub zone: TimeZone,
    /// The minimum number of instances from then on.
    pub min: u32,
    /// The maximum number of instances from then on.
    pub max: u32,
}

impl Scheduled {
    /// The hour and the minute of its time.
    pub fn hour_and_minute(&self) -> (u16, u16) {
        (self.minute / 60, self.minute % 60)
    }

    /// Its time, for example `07:45`.
    pub fn time(&self) -> String {
        time_of_day(self.minute)
    }

    /// The name of its time zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

/// The minimum and maximum from a minute of the traffic on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) minute: usize,
    pub(super) min: u32,
    pub(super) max: u32,
}

/// Eight days: each action of a week has happened at least once.
const LOOK_BACK_DAYS: i64 = 8;

/// When each of the actions happens, from some days before `starts_at` on: the minute from the start, and which action it is.
fn occurrences(actions: &[Scheduled], starts_at: Timestamp, minutes: usize) -> Vec<(i64, usize)> {
    let mut all = vec![];
    for (index, action) in actions.iter().enumerate() {
        let first = starts_at.to_zoned_datetime(action.zone.clone()).date();
        let days = i64::try_from(minutes / 1440).unwrap_or(i64::MAX) + 1;
        let (hour, minute) = action.hour_and_minute();
        let Ok(time) = Time::new(i8::try_from(hour).unwrap_or(23), i8::try_from(minute).unwrap_or(59), 0, 0) else { continue };
        for day in -LOOK_BACK_DAYS..=days {
            let Ok(date) = first.checked_add(day.days()) else { continue };
            if !action.days.contains(date.weekday()) {
                continue;
            }
            let Ok(at) = action.zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible() else { continue };
            // It takes effect in the first whole minute.
            all.push((-(-at.duration_since(starts_at).as_secs()).div_euclid(60), index));
        }
    }
    all.sort_unstable();
    all
}

/// When the actions happen in so many minutes from `starts_at` on. What happened before stands at minute 0.
pub(super) fn changes(actions: &[Scheduled], starts_at: Timestamp, minutes: usize) -> Vec<Change> {
    let all = occurrences(actions, starts_at, minutes);
    let begun = all.partition_point(|(at, _)| *at <= 0);
    let change = |(at, index): &(i64, usize)| {
        let Scheduled { min, max, .. } = actions[*index];
        Change { minute: usize::try_from(*at).unwrap_or(0), min, max }
    };
    all[begun.saturating_sub(1)..].iter().map(change).filter(|change| change.minute < minutes).collect()
}

/// The same actions without those that never change anything.
pub(super) fn without_repeats(mut actions: Vec<Scheduled>, starts_at: Timestamp) -> Vec<Scheduled> {
    while let Some(index) = repeat(&actions, starts_at) {
        actions.remove(index);
    }
    actions
}

/// An action before which its minimum and maximum are always in force.
fn repeat(actions: &[Scheduled], starts_at: Timestamp) -> Option<usize> {
    let all = occurrences(actions, starts_at, 14 * 1440);
    let bounds = |index: usize| (actions[index].min, actions[index].max);
    let changes_something = |index: usize| all.windows(2).any(|pair| pair[1].1 == index && bounds(pair[0].1) != bounds(index));
    (0..actions.len()).find(|index| 1 < actions.len() && !changes_something(*index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: Days, minute: u16, zone: &str, min: u32) -> Scheduled {
        Scheduled { days, minute, zone: TimeZone::get(zone).unwrap(), min, max: 9 }
    }

    #[test]
    fn days_are_written_as_people_write_them() {
        let weekend = Days::of([Weekday::Sunday, Weekday::Saturday]);
        for (days, text) in [
            (Days::ALL, "mon-sun"),
            (weekend, "sat-sun"),
            (weekend.others(), "mon-fri"),
            (Days::of([Weekday::Monday, Weekday::Wednesday, Weekday::Thursday]), "mon,wed-thu"),
            (Days::of([Weekday::Sunday]), "sun"),
        ] {
            assert_eq!(days.to_string(), text);
        }
    }

    #[test]
    fn what_was_in_force_before_is_in_force_at_the_start() {
        let weekdays = Days::of([Weekday::Saturday, Weekday::Sunday]).others();
        let actions = [at(weekdays, 8 * 60, "UTC", 4), at(weekdays, 19 * 60, "UTC", 1)];
        // A Monday: Friday's evening holds.
        let starts_at = "2026-11-23T00:00:00Z".parse().unwrap();
        let found: Vec<_> = changes(&actions, starts_at, 2 * 1440).iter().map(|change| (change.minute, change.min)).collect();
        assert_eq!(found, [(0, 1), (480, 4), (1140, 1), (1920, 4), (2580, 1)]);
        assert!(changes(&[], starts_at, 1440).is_empty());
    }

    #[test]
    fn actions_that_never_change_anything_are_left_out() {
        let weekdays = Days::of([Weekday::Saturday, Weekday::Sunday]).others();
        let starts_at = "2026-11-23T00:00:00Z".parse().unwrap();
        let left = |actions: Vec<Scheduled>| {
            without_repeats(actions, starts_at).iter().map(|action| (action.minute, action.min)).collect::<Vec<_>>()
        };
        let all = |minute, min| at(Days::ALL, minute, "UTC", min);
        assert_eq!(left(vec![all(45, 5), all(75, 1), all(600, 1), all(720, 1), all(1185, 2)]), [(45, 5), (75, 1), (1185, 2)]);
        // After a weekend it does change something.
        let weekend = at(weekdays.others(), 0, "UTC", 1);
        assert_eq!(left(vec![at(weekdays, 0, "UTC", 2), weekend, at(weekdays, 480, "UTC", 2)]), [(0, 2), (0, 1)]);
    }

    #[test]
    fn times_are_of_the_wall_clock_also_when_it_is_changed() {
        // The clock of Berlin is turned back on 2026-10-25: from then on 08:00 is 07:00 UTC.
        let starts_at = "2026-10-24T00:00:00Z".parse().unwrap();
        let found: Vec<_> = changes(&[at(Days::ALL, 480, "Europe/Berlin", 4)], starts_at, 2 * 1440).iter().map(|c| c.minute).collect();
        assert_eq!(found, [0, 360, 1440 + 420]);
        // From a start within a minute on, an action holds from the next whole minute.
        let starts_at = "2026-11-23T00:00:30Z".parse().unwrap();
        assert_eq!(changes(&[at(Days::ALL, 1, "UTC", 4)], starts_at, 1440)[1].minute, 1);
    }
}
