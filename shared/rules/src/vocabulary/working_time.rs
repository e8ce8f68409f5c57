//! Whether a time is within working hours, and when working hours begin and end.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use crate::vocabulary::schedule::{DAY, Hours, Schedule, Window};

/// How many days ahead and back the start or end of working hours is searched for: a week, plus more holidays in a row than are likely.
const HORIZON_DAYS: i64 = 30;

/// The most breaks of one day that are looked at.
const MOST_BREAKS: usize = 8;

/// How much longer the hours are that an owner is offered, in minutes.
const LONGER: u16 = 3 * 60;

/// The time zone of schedules that name none, and the days on which nobody works.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The policy's time zone.
    pub zone: TimeZone,
    /// Nobody works in a window that begins on one of these days.
    pub holidays: BTreeSet<Date>,
}

/// Working hours that an owner is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongerHours {
    /// As the tag `cost-guard:schedule` takes them, with their time zone.
    pub tag: String,
    /// When they end: until then, they prevent a stop.
    pub until: Timestamp,
    /// The id of what gets the tag, if that is not the resource itself: what hands its tags on to the resource, and outlives it.
    pub on: Option<String>,
}

impl Schedule {
    /// The time zone of its times: its own, else the calendar's.
    pub fn zone<'a>(&'a self, calendar: &'a Calendar) -> &'a TimeZone {
        self.zone.as_ref().unwrap_or(&calendar.zone)
    }

    /// The same hours with later ends, up to midnight: an example for an owner who works longer. `None`: no end can be later, or `at` is off hours by them too.
    pub(crate) fn longer(&self, at: Timestamp, calendar: &Calendar) -> Option<LongerHours> {
        let Hours::Windows(windows) = &self.hours else { return None };
        let until = |window: &Window| if window.passes_midnight() { window.until } else { (window.until + LONGER).min(DAY) };
        let longer: Vec<Window> = windows.iter().map(|window| Window { until: until(window), ..window.clone() }).collect();
        let text = longer.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
        let zone = self.zone(calendar).iana_name().map_or_else(String::new, |zone| format!("@{zone}"));
        let text = Some(text + &zone).filter(|_| longer != *windows)?;
        let hours: Self = text.parse().ok()?;
        let until = Some(at).filter(|at| hours.is_working(*at, calendar)).and_then(|at| hours.working_until(at, calendar))?;
        Some(LongerHours { tag: text, until, on: None })
    }

    /// Whether people work at this time, by the zone's wall clock. So changes to and from daylight saving are respected.
    pub fn is_working(&self, at: Timestamp, calendar: &Calendar) -> bool {
        match &self.hours {
            Hours::Always => true,
            Hours::Never => false,
            Hours::Windows(windows) => {
                let (date, minute) = wall(at, self.zone(calendar));
                let begins_on = |day: Option<Date>, window: &Window| {
                    day.is_some_and(|day| window.days.contains(&day.weekday()) && !calendar.holidays.contains(&day))
                };
                let (today, yesterday) = (Some(date), date.yesterday().ok());
                windows.iter().any(|window| {
                    if window.passes_midnight() {
                        (window.from <= minute && begins_on(today, window)) || (minute < window.until && begins_on(yesterday, window))
                    } else {
                        window.from <= minute && minute < window.until && begins_on(today, window)
                    }
                })
            }
        }
    }

    /// Whether people work at some time of this day. With the hours `never`, each day counts as a working day.
    pub fn works_on(&self, day: Date, calendar: &Calendar) -> bool {
        match &self.hours {
            Hours::Always | Hours::Never => true,
            Hours::Windows(windows) => {
                !calendar.holidays.contains(&day) && windows.iter().any(|window| window.days.contains(&day.weekday()))
            }
        }
    }

    /// When the off hours began that include this time: when people last stopped working. `None`: it is within working hours, or they began too
    /// long ago to be found.
    pub fn off_since(&self, at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        if self.is_working(at, calendar) {
            return None;
        }
        self.changes(at, calendar).into_iter().filter(|end| *end <= at && !self.is_working(*end, calendar)).max()
    }

    /// When the next working hours begin. `None`: it is within working hours, or they begin too far ahead to be found.
    pub fn next_start(&self, at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        if self.is_working(at, calendar) {
            return None;
        }
        self.changes(at, calendar).into_iter().filter(|start| at < *start && self.is_working(*start, calendar)).min()
    }

    /// When the next off hours of at least this length begin, or now if it is off hours and so much of them is left. `None`: there are none, or they begin too far
    /// ahead to be found.
    pub(crate) fn off_from(&self, now: Timestamp, calendar: &Calendar, least: SignedDuration) -> Option<Timestamp> {
        let mut from = if self.is_working(now, calendar) { self.working_until(now, calendar)? } else { now };
        for _ in 0..MOST_BREAKS {
            match self.next_start(from, calendar) {
                Some(start) if start.duration_since(from) < least => from = self.working_until(start, calendar)?,
                _ => return Some(from),
            }
        }
        None
    }

    /// When the working hours end that include this time. `None`: it is off hours, or they end too far ahead to be found.
    fn working_until(&self, at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        self.changes(at, calendar).into_iter().filter(|end| at < *end && !self.is_working(*end, calendar)).min()
    }

    /// The holiday because of which nobody works at this time: the day on which the last window before it would have begun. `None`: another reason.
    pub fn holiday_at(&self, at: Timestamp, calendar: &Calendar) -> Option<Date> {
        let Hours::Windows(windows) = &self.hours else { return None };
        let (today, minute) = wall(at, self.zone(calendar));
        let has_begun =
            |day: Date| windows.iter().any(|window| window.days.contains(&day.weekday()) && (day < today || window.from <= minute));
        let last = (0..=7).filter_map(|back| today.checked_sub(back.days()).ok()).find(|day| has_begun(*day))?;
        (calendar.holidays.contains(&last) && !self.is_working(at, calendar)).then_some(last)
    }

    /// The share of a week without holidays that is off hours: 0 for `always`, 1 for `never`.
    pub fn off_share(&self) -> f64 {
        let worked = self.worked_minutes();
        let off = worked.iter().filter(|worked| !**worked).count();
        #[expect(clippy::cast_precision_loss, reason = "at most 10,080 minutes")]
        let share = off as f64 / worked.len() as f64;
        share
    }

    /// Of each minute of a week without holidays, from Monday on, whether people work. Windows may overlap.
    pub fn worked_minutes(&self) -> Vec<bool> {
        let mut worked = vec![matches!(self.hours, Hours::Always); 7 * usize::from(DAY)];
        let Hours::Windows(windows) = &self.hours else { return worked };
        for window in windows {
            for day in &window.days {
                let start = usize::from(day.to_monday_zero_offset().unsigned_abs()) * usize::from(DAY) + usize::from(window.from);
                for minute in start..start + usize::from(window.minutes()) {
                    let minute = minute % worked.len();
                    worked[minute] = true;
                }
            }
        }
        worked
    }

    /// The times around `at` at which people begin or stop to work.
    fn changes(&self, at: Timestamp, calendar: &Calendar) -> Vec<Timestamp> {
        let is_change = |moment: &Timestamp| {
            let before = moment.checked_sub(SignedDuration::from_secs(1)).unwrap_or(*moment);
            self.is_working(before, calendar) != self.is_working(*moment, calendar)
        };
        let mut moments = self.boundaries(at, calendar);
        moments.retain(is_change);
        moments
    }

    /// The times around `at` at which a window begins or ends on any day, by each reading of a clock that is turned back, and at which the clock is
    /// changed: a window may begin or end in an hour that is skipped.
    fn boundaries(&self, at: Timestamp, calendar: &Calendar) -> Vec<Timestamp> {
        let Hours::Windows(windows) = &self.hours else { return vec![] };
        let zone = self.zone(calendar);
        let today = at.to_zoned_datetime(zone.clone()).date();
        let mut moments = vec![];
        for day in (-HORIZON_DAYS..=HORIZON_DAYS).filter_map(|offset| today.checked_add(offset.days()).ok()) {
            for minute in windows.iter().flat_map(|window| [window.from, window.until]) {
                let Ok(wall) = DateTime::from_parts(day, Time::midnight()).checked_add(i64::from(minute).minutes()) else { continue };
                let reading = zone.to_ambiguous_timestamp(wall);
                moments.extend([reading.earlier(), reading.later()].into_iter().flatten());
            }
        }
        let horizon = SignedDuration::from_hours(24 * HORIZON_DAYS);
        let (first, last) = (at.checked_sub(horizon).unwrap_or(Timestamp::MIN), at.checked_add(horizon).unwrap_or(Timestamp::MAX));
        moments.extend(zone.following(first).map(|change| change.timestamp()).take_while(|change| *change <= last));
        moments
    }
}

/// The day and the minute of the day by the zone's wall clock.
fn wall(at: Timestamp, zone: &TimeZone) -> (Date, u16) {
    let wall = at.to_zoned_datetime(zone.clone()).datetime();
    (wall.date(), u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vocabulary::time_zone::zone_named;

    fn berlin() -> Calendar {
        Calendar { zone: zone_named("Europe/Berlin").unwrap(), holidays: BTreeSet::from(["2026-12-25".parse().unwrap()]) }
    }

    /// `at` is wall-clock time in Berlin.
    fn working(schedule: &str, at: &str) -> bool {
        let at = format!("{at}[Europe/Berlin]").parse::<jiff::ZonedDateTime>().unwrap().timestamp();
        schedule.parse::<Schedule>().unwrap().is_working(at, &berlin())
    }

    #[test]
    fn judges_moments() {
        // 2026-11-23 is a Monday.
        for (schedule, at, expected) in [
            ("mon-fri/08:00-19:00", "2026-11-23T07:59", false),
            ("mon-fri/08:00-19:00", "2026-11-23T08:00", true),
            ("mon-fri/08:00-19:00", "2026-11-23T18:59", true),
            ("mon-fri/08:00-19:00", "2026-11-23T19:00", false),
            ("mon-fri/08:00-19:00", "2026-11-28T12:00", false),
            ("mon-fri/08:00-19:00+sat/10:00-14:00", "2026-11-28T12:00", true),
            ("sat-mon/00:00-24:00", "2026-11-29T23:59", true), // days may pass the week's end
            ("sat-mon/00:00-24:00", "2026-11-24T00:00", false),
            ("fri/22:00-06:00", "2026-11-28T05:59", true), // passes midnight, belongs to Friday
            ("fri/22:00-06:00", "2026-11-28T06:00", false),
            ("fri/22:00-06:00", "2026-11-27T05:00", false),
            ("thu/22:00-06:00", "2026-12-25T05:00", true),  // began before the holiday
            ("fri/22:00-06:00", "2026-12-26T05:00", false), // would have begun on it
            ("mon-fri/08:00-19:00", "2026-12-25T12:00", false),
            ("mon-fri/08:00-19:00@America/New_York", "2026-11-23T13:59", false),
            ("mon-fri/08:00-19:00@America/New_York", "2026-11-23T14:00", true),
            ("always", "2026-12-25T03:00", true),
            ("never", "2026-11-23T12:00", false),
            ("never@Europe/Berlin", "2026-11-23T12:00", false),
        ] {
            assert_eq!(working(schedule, at), expected, "{schedule} at {at}");
        }
    }

    #[test]
    fn follows_the_wall_clock_through_daylight_saving() {
        let schedule: Schedule = "mon-fri/08:00-19:00".parse().unwrap();
        // Berlin is at UTC+1 on the last Friday of winter time and at UTC+2 on the Monday after.
        for (at, expected) in [
            ("2027-03-26T07:00:00Z", true),
            ("2027-03-26T06:59:59Z", false),
            ("2027-03-29T06:00:00Z", true),
            ("2027-03-29T05:59:59Z", false),
            ("2027-03-29T17:00:00Z", false),
        ] {
            assert_eq!(schedule.is_working(at.parse().unwrap(), &berlin()), expected, "{at}");
        }
    }

    /// `at` and what is expected are wall-clock times in Berlin.
    fn in_berlin(wall: &str) -> Timestamp {
        wall.parse::<DateTime>().unwrap().to_zoned_datetime(zone_named("Europe/Berlin").unwrap()).unwrap().timestamp()
    }

    #[test]
    fn off_hours_begin_when_people_last_stopped_working() {
        // 2026-11-28 is a Saturday, 2026-12-25 a Friday and a holiday.
        for (schedule, at, ended, begins) in [
            ("mon-fri/08:00-19:00", "2026-11-27T21:54", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-fri/08:00-19:00", "2026-11-28T07:00", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-fri/08:00-19:00", "2026-11-28T21:54", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-fri/08:00-19:00", "2026-11-29T19:00", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-fri/08:00-19:00", "2026-11-30T07:59", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-fri/08:00-19:00", "2026-12-25T20:00", "2026-12-24T19:00", "2026-12-28T08:00"),
            ("mon-fri/08:00-19:00", "2026-12-27T20:00", "2026-12-24T19:00", "2026-12-28T08:00"),
            ("mon-fri/08:00-19:00+sat/10:00-14:00", "2026-11-29T20:00", "2026-11-28T14:00", "2026-11-30T08:00"),
            ("mon-fri/22:00-06:00", "2026-11-29T20:00", "2026-11-28T06:00", "2026-11-30T22:00"),
            ("tue/08:00-19:00", "2026-11-30T20:00", "2026-11-24T19:00", "2026-12-01T08:00"),
            ("mon-fri/08:00-12:00+mon-fri/12:00-19:00", "2026-11-28T20:00", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-fri/08:00-15:00+mon-fri/10:00-19:00", "2026-11-28T20:00", "2026-11-27T19:00", "2026-11-30T08:00"),
            ("mon-sun/00:00-24:00", "2026-12-25T20:00", "2026-12-25T00:00", "2026-12-26T00:00"),
        ] {
            let (schedule, at): (Schedule, _) = (schedule.parse().unwrap(), in_berlin(at));
            let found = (schedule.off_since(at, &berlin()), schedule.next_start(at, &berlin()));
            assert_eq!(found, (Some(in_berlin(ended)), Some(in_berlin(begins))), "{schedule} at {at}");
        }
    }

    #[test]
    fn a_window_begins_and_ends_with_the_change_of_a_clock_that_skips_it() {
        // Berlin's clock goes from 02:00 to 03:00 on 2027-03-28 (01:00 UTC), and from 03:00 to 02:00 on 2027-10-31 (01:00 UTC). Both are Sundays.
        for (schedule, at, ended, begins) in [
            ("sun/02:30-10:00", "2027-03-28T00:30:00Z", "2027-03-21T09:00:00Z", "2027-03-28T01:00:00Z"),
            ("sun/02:00-10:00", "2027-03-28T00:30:00Z", "2027-03-21T09:00:00Z", "2027-03-28T01:00:00Z"),
            ("sun/03:00-10:00", "2027-03-28T00:30:00Z", "2027-03-21T09:00:00Z", "2027-03-28T01:00:00Z"),
            ("sat/22:00-02:30", "2027-03-28T01:10:00Z", "2027-03-28T01:00:00Z", "2027-04-03T20:00:00Z"),
            ("sat/22:00-02:30", "2027-03-28T02:00:00Z", "2027-03-28T01:00:00Z", "2027-04-03T20:00:00Z"),
            // The skipped hour holds all of this window.
            ("sun/02:15-02:45", "2027-03-28T02:00:00Z", "2027-03-21T01:45:00Z", "2027-04-04T00:15:00Z"),
            // What the clock shows twice counts twice.
            ("sun/02:30-10:00", "2027-10-31T01:10:00Z", "2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z"),
            ("sun/01:00-02:30", "2027-10-31T00:40:00Z", "2027-10-31T00:30:00Z", "2027-10-31T01:00:00Z"),
            ("sun/01:00-02:30", "2027-10-31T01:40:00Z", "2027-10-31T01:30:00Z", "2027-11-07T00:00:00Z"),
        ] {
            let (schedule, at): (Schedule, Timestamp) = (schedule.parse().unwrap(), at.parse().unwrap());
            let found = (schedule.off_since(at, &berlin()), schedule.next_start(at, &berlin()));
            assert_eq!(found, (Some(ended.parse().unwrap()), Some(begins.parse().unwrap())), "{schedule} at {at}");
        }
    }

    #[test]
    fn a_holiday_is_named_only_where_it_is_why_nobody_works() {
        // 2026-12-25 is a Friday and a holiday.
        for (schedule, at, named) in [
            ("mon-fri/08:00-19:00", "2026-12-25T07:59", false), // the night after Thursday
            ("mon-fri/08:00-19:00", "2026-12-25T08:00", true),
            ("mon-fri/08:00-19:00", "2026-12-25T20:00", true),
            ("mon-fri/08:00-19:00", "2026-12-27T12:00", true), // the hours ended on Thursday because of it
            ("mon-fri/08:00-19:00", "2026-12-28T12:00", false), // people work
            ("mon-fri/08:00-19:00", "2026-12-28T20:00", false),
            ("mon-fri/08:00-19:00+sat/10:00-14:00", "2026-12-26T20:00", false),
            ("thu/22:00-06:00", "2026-12-25T12:00", false),
            ("fri/22:00-06:00", "2026-12-26T03:00", true),
            ("mon-thu/08:00-19:00", "2026-12-25T12:00", false),
            ("never", "2026-12-25T12:00", false),
            ("always", "2026-12-25T12:00", false),
        ] {
            let holiday = schedule.parse::<Schedule>().unwrap().holiday_at(in_berlin(at), &berlin());
            assert_eq!(holiday, named.then(|| "2026-12-25".parse().unwrap()), "{schedule} at {at}");
        }
    }

    #[test]
    fn finds_where_off_hours_begin_and_end() {
        let schedule: Schedule = "mon-fri/08:00-19:00".parse().unwrap();
        let saturday = "2026-11-28T12:00:00Z".parse().unwrap();
        assert_eq!(schedule.off_since(saturday, &berlin()), Some("2026-11-27T18:00:00Z".parse().unwrap()));
        assert_eq!(schedule.next_start(saturday, &berlin()), Some("2026-11-30T07:00:00Z".parse().unwrap()));
        let monday = "2026-11-30T09:00:00Z".parse().unwrap();
        assert_eq!(schedule.off_since(monday, &berlin()), None);
        assert_eq!(schedule.next_start(monday, &berlin()), None);
        let never: Schedule = "never".parse().unwrap();
        assert_eq!((never.off_since(monday, &berlin()), never.next_start(monday, &berlin())), (None, None));
    }

    #[test]
    fn counts_the_share_of_off_hours() {
        for (text, off_hours) in [
            ("mon-fri/08:00-19:00", 113.0),
            ("always", 0.0),
            ("never", 168.0),
            ("sun/22:00-06:00", 160.0),
            ("mon/08:00-12:00+mon/10:00-14:00", 162.0),
        ] {
            let share = text.parse::<Schedule>().unwrap().off_share();
            assert!((share * 168.0 - off_hours).abs() < 1e-9, "{text}: {share}");
        }
    }

    fn schedules() -> impl Strategy<Value = String> {
        let days = prop::sample::select(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon-fri", "sat-sun", "fri-mon"]);
        let window = (days, 0..24u8, 0..60u8, 1..1440u16).prop_map(|(days, hour, minute, length)| {
            let until = (u16::from(hour) * 60 + u16::from(minute) + length) % DAY;
            format!("{days}/{hour:02}:{minute:02}-{:02}:{:02}", until / 60, until % 60)
        });
        let zone = prop::sample::select(vec![
            "",
            "@UTC",
            "@Europe/Berlin",
            "@America/New_York",
            "@Asia/Kolkata",
            "@Asia/Kathmandu",
            "@Australia/Lord_Howe",
            "@Pacific/Apia",
        ]);
        (prop::collection::vec(window, 1..4), zone).prop_map(|(windows, zone)| windows.join("+") + zone)
    }

    proptest! {
        #[test]
        fn off_hours_lie_between_their_boundaries(text in schedules(), seconds in 1_750_000_000i64..1_850_000_000) {
            let schedule: Schedule = text.parse().unwrap();
            prop_assert_eq!(schedule.to_string(), text);
            let (calendar, at) = (berlin(), Timestamp::from_second(seconds).unwrap());
            if schedule.is_working(at, &calendar) {
                prop_assert_eq!(schedule.off_since(at, &calendar), None);
            } else {
                let (since, next) = (schedule.off_since(at, &calendar).unwrap(), schedule.next_start(at, &calendar).unwrap());
                prop_assert!(since <= at && at < next);
                prop_assert!(schedule.is_working(next, &calendar));
                prop_assert!(!schedule.is_working(since, &calendar));
                // Nor does anybody work halfway between `since` and `at`.
                prop_assert!(!schedule.is_working(since + at.duration_since(since) / 2, &calendar));
            }
        }
    }

    #[test]
    fn hours_that_are_offered_end_later() {
        let calendar = Calendar { zone: zone_named("Europe/Berlin").unwrap(), holidays: BTreeSet::new() };
        // The 24th is a Tuesday.
        for (hours, at, longer) in [
            ("mon-fri/08:00-19:00", "24T19:00", Some(("mon-fri/08:00-22:00@Europe/Berlin", "24T22:00"))),
            ("mon-fri/08:00-19:00@Asia/Tokyo", "24T11:00", Some(("mon-fri/08:00-22:00@Asia/Tokyo", "24T14:00"))),
            ("mon-sat/06:00-22:00+sun/10:00-12:00", "24T23:00", Some(("mon-sat/06:00-24:00+sun/10:00-15:00@Europe/Berlin", "25T00:00"))),
            ("fri-mon/22:00-06:00+tue/08:00-12:00", "24T12:30", Some(("fri-mon/22:00-06:00+tue/08:00-15:00@Europe/Berlin", "24T15:00"))),
            // They would not prevent a stop in the night or on a Sunday.
            ("mon-fri/08:00-19:00", "24T22:00", None),
            ("mon-fri/08:00-19:00", "25T02:45", None),
            ("mon-fri/08:00-19:00", "22T12:00", None),
            ("mon-fri/08:00-24:00", "24T23:00", None),
            ("never", "24T19:00", None),
            ("always", "24T19:00", None),
        ] {
            let time = |at: &str| format!("2026-11-{at}:00+01:00").parse::<Timestamp>().unwrap();
            let offered = hours.parse::<Schedule>().unwrap().longer(time(at), &calendar);
            let expected = longer.map(|(tag, until)| LongerHours { tag: tag.to_owned(), until: time(until), on: None });
            assert_eq!(offered, expected, "{hours} at {at}");
            assert!(offered.is_none_or(|offered| offered.tag.parse::<Schedule>().is_ok()), "{hours}");
        }
    }
}
