//! Working hours as scheduled actions: fewer instances when they end, and those of before shortly before they begin.

use jiff::{
    Timestamp, ToSpan as _,
    civil::Time,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::{
    scaling::{
        attachment::{Attachment, Bounds, Counts, ScheduledBounds},
        days::{Days, Scheduled},
    },
    vocabulary::schedule::{Schedule, time_of_day},
};

/// How long before working hours begin the instances are started: they take minutes.
const LEAD: usize = 20;
/// Breaks up to so many minutes are worked through: instances that stop and start again save little in them.
const BREAK: usize = 2 * 60;
/// How long copies are kept at zero when working hours end, in minutes.
const UNTIL_GONE: u16 = 15;
const DAY: usize = 24 * 60;
const DAY_MINUTES: u16 = 24 * 60;
const WEEK: usize = 7 * DAY;

/// When instances are needed, by the week.
#[derive(Clone, Debug, PartialEq)]
pub struct OfficeHours {
    changes: Vec<Change>,
    zone: TimeZone,
}

/// They begin or end to be needed, on these days at this minute of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    begins: bool,
    days: Days,
    minute: u16,
}

impl Change {
    /// The same, so many minutes later. It may be on the next day.
    fn later(self, minutes: u16) -> Self {
        let minute = self.minute + minutes;
        let (days, minute) = if minute < DAY_MINUTES {
            (self.days, minute)
        } else {
            (Days::of(self.days.each().map(|day| day.wrapping_add(1))), minute - DAY_MINUTES)
        };
        Self { days, minute, ..self }
    }
}

impl OfficeHours {
    /// The hours as scheduled actions can keep them.
    ///
    /// # Errors
    /// They cannot: the end of a sentence "it cannot be scaled by its working hours: …".
    pub fn new(schedule: &Schedule, zone: &TimeZone, now: Timestamp) -> Result<Self, String> {
        if zone.iana_name().is_none() {
            return Err("their time zone has no name that AWS knows".into());
        }
        let changes = changes(&needed(&schedule.worked_minutes()));
        if changes.is_empty() {
            return Err("they have no beginning or no end".into());
        }
        let hours = Self { changes, zone: zone.clone() };
        match hours.changes.iter().find(|change| change.begins && hours.is_skipped(**change, now)) {
            Some(Change { minute, .. }) => {
                let time = time_of_day(*minute);
                Err(format!("clocks skip {time} when summer time begins, so that its instances might not start on that day"))
            }
            None => Ok(hours),
        }
    }

    /// The same auto scaling, with other bounds outside of working hours.
    pub fn applied(&self, attachment: Attachment, outside: Bounds) -> Attachment {
        let within = Bounds { max: attachment.max, ..attachment.bounds_before() };
        let at = |change: Change, Bounds { min, max }: Bounds| {
            ScheduledBounds::new(&Scheduled { days: change.days, minute: change.minute, zone: self.zone.clone(), min, max })
        };
        // Copies without requests may publish no metric, and target tracking then removes none: they are set to zero, and a little later may come back.
        let is_forced = attachment.counts == Counts::Copies && outside.min == 0 && 0 < outside.max;
        let actions = |change: &Change| match change.begins {
            true => vec![at(*change, within)],
            false if is_forced => vec![at(*change, Bounds { max: 0, ..outside }), at(change.later(UNTIL_GONE), outside)],
            false => vec![at(*change, outside)],
        };
        Attachment { min: within.min, actions: self.changes.iter().flat_map(actions).collect(), ..attachment }
    }

    /// Whether clocks skip this time on one of its days in the next year.
    fn is_skipped(&self, change: Change, now: Timestamp) -> bool {
        let today = self.zone.to_datetime(now).date();
        let (hour, minute) = (change.minute / 60, change.minute % 60);
        let time = i8::try_from(hour).ok().zip(i8::try_from(minute).ok()).and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
        let is_gap = |time: Time, day: i32| {
            today.checked_add(day.days()).is_ok_and(|date| {
                let at = self.zone.to_ambiguous_timestamp(date.to_datetime(time));
                change.days.contains(date.weekday()) && matches!(at.offset(), AmbiguousOffset::Gap { .. })
            })
        };
        time.is_some_and(|time| (0..366).any(|day| is_gap(time, day)))
    }
}

/// Of each minute of the week, whether instances are needed: some time before working hours begin, and through short breaks.
fn needed(worked: &[bool]) -> Vec<bool> {
    let behind = since_work(worked.iter());
    let mut ahead = since_work(worked.iter().rev());
    ahead.reverse();
    let is_needed = |(ahead, behind): (usize, usize)| ahead <= LEAD || ahead.saturating_add(behind) <= BREAK + 1;
    ahead.into_iter().zip(behind).map(is_needed).collect()
}

/// How many minutes of the week each is behind the last one with work; 0: it has work itself.
fn since_work<'a>(worked: impl Iterator<Item = &'a bool> + Clone) -> Vec<usize> {
    let mut since = usize::MAX;
    let minutes = worked.clone().chain(worked).map(|works| {
        since = if *works { 0 } else { since.saturating_add(1) };
        since
    });
    minutes.skip(WEEK).collect()
}

/// When it begins and ends to be needed, the same times of several days together.
fn changes(needed: &[bool]) -> Vec<Change> {
    let mut changes: Vec<Change> = vec![];
    for minute in 0..WEEK {
        let begins = needed[minute];
        if begins == needed[(minute + WEEK - 1) % WEEK] {
            continue;
        }
        let day = Days::ALL.each().nth(minute / DAY);
        let of_day = u16::try_from(minute % DAY).unwrap_or_default();
        match changes.iter_mut().find(|change| (change.begins, change.minute) == (begins, of_day)) {
            Some(change) => change.days = Days::of(change.days.each().chain(day)),
            None => changes.push(Change { begins, days: Days::of(day), minute: of_day }),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::time_zone::zone_named;

    fn actions(schedule: &str, zone: &str) -> Result<Vec<String>, String> {
        let hours = OfficeHours::new(&schedule.parse().unwrap(), &zone_named(zone).unwrap(), "2026-11-24T12:00:00Z".parse().unwrap())?;
        let attached = hours.applied(Attachment::of_variant("office", "AllTraffic", 3), Bounds { min: 1, max: 1 });
        assert_eq!((attached.min, attached.max), (3, 3));
        let text = |action: &ScheduledBounds| format!("{} {}-{}", action.schedule, action.min, action.max);
        let mut all: Vec<String> = attached.actions.iter().map(text).collect();
        all.sort();
        Ok(all)
    }

    #[test]
    fn hours_become_two_actions_a_day_or_more() {
        for (schedule, expected) in [
            ("mon-fri/08:00-19:00", &["cron(0 19 ? * MON-FRI *) 1-1", "cron(40 7 ? * MON-FRI *) 3-3"][..]),
            // It begins on the day before.
            ("mon-fri/00:10-19:00", &["cron(0 19 ? * MON-FRI *) 1-1", "cron(50 23 ? * MON-THU,SUN *) 3-3"]),
            ("mon-sun/08:00-24:00", &["cron(0 0 ? * * *) 1-1", "cron(40 7 ? * * *) 3-3"]),
            ("fri/22:00-06:00", &["cron(0 6 ? * SAT *) 1-1", "cron(40 21 ? * FRI *) 3-3"]),
            // A lunch break is worked through, and so is what overlaps.
            ("mon/08:00-12:00+mon/13:00-17:00", &["cron(0 17 ? * MON *) 1-1", "cron(40 7 ? * MON *) 3-3"]),
            ("mon/08:00-12:00+mon/10:00-17:00", &["cron(0 17 ? * MON *) 1-1", "cron(40 7 ? * MON *) 3-3"]),
            ("mon/08:00-12:00+tue/08:00-13:00", &["cron(0 12 ? * MON *) 1-1", "cron(0 13 ? * TUE *) 1-1", "cron(40 7 ? * MON-TUE *) 3-3"]),
            // The week ends on a Sunday night.
            ("sun/22:00-24:00+mon/00:00-06:00", &["cron(0 6 ? * MON *) 1-1", "cron(40 21 ? * SUN *) 3-3"]),
            (
                "mon/08:00-12:00+mon/14:01-17:00",
                &["cron(0 12 ? * MON *) 1-1", "cron(0 17 ? * MON *) 1-1", "cron(40 7 ? * MON *) 3-3", "cron(41 13 ? * MON *) 3-3"],
            ),
        ] {
            assert_eq!(actions(schedule, "Europe/Berlin").unwrap(), expected, "{schedule}");
        }
    }

    #[test]
    fn copies_go_to_zero_and_may_come_back_a_little_later() {
        for (schedule, expected) in [
            ("mon-fri/08:00-19:00", ["cron(0 19 ? * MON-FRI *) 0-0", "cron(15 19 ? * MON-FRI *) 0-2", "cron(40 7 ? * MON-FRI *) 2-2"]),
            ("mon-sat/08:00-23:50", ["cron(40 7 ? * MON-SAT *) 2-2", "cron(5 0 ? * TUE-SAT,SUN *) 0-2", "cron(50 23 ? * MON-SAT *) 0-0"]),
        ] {
            let hours = OfficeHours::new(
                &schedule.parse().unwrap(),
                &zone_named("Europe/Berlin").unwrap(),
                "2026-11-24T12:00:00Z".parse().unwrap(),
            );
            let attached = hours.unwrap().applied(Attachment::of_component("llm", 2), Bounds { min: 0, max: 2 });
            let mut all: Vec<String> = attached.actions.iter().map(|one| format!("{} {}-{}", one.schedule, one.min, one.max)).collect();
            all.sort();
            assert_eq!(all, expected, "{schedule}");
        }
    }

    #[test]
    fn what_cannot_be_said_by_the_week_is_refused() {
        for (schedule, zone, says) in [
            ("always", "Europe/Berlin", "no beginning"),
            ("never", "Europe/Berlin", "no beginning"),
            ("mon-sun/00:00-23:00", "Europe/Berlin", "no beginning"),
            ("sun/02:50-10:00", "Europe/Berlin", "skip 02:30"),
            ("sun/00:20-10:00", "America/Santiago", "skip 00:00"),
        ] {
            let refused = actions(schedule, zone).unwrap_err();
            assert!(refused.contains(says), "{schedule}: {refused}");
        }
        for (schedule, zone) in
            [("mon/02:50-10:00", "Europe/Berlin"), ("sun/02:50-10:00", "Asia/Tokyo"), ("sun/10:00-02:30", "Europe/Berlin")]
        {
            assert!(actions(schedule, zone).is_ok(), "{schedule}");
        }
    }
}
