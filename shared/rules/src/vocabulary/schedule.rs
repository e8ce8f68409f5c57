//! Working hours: their grammar, which the policy and the tag `cost-guard:schedule` share, and whether a time is within them.
//!
//! ```text
//! schedule = window *("+" window) ["@" zone] | "always" | "never"
//! window   = days "/" time "-" time          days = day | day "-" day          day = mon … sun
//! time     = 00:00 … 24:00                   a window may pass midnight: it belongs to the day it begins on
//! ```
//! All of its characters are legal in a SageMaker tag value (aws-facts: `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`).

use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

use anyhow::{Context as _, bail, ensure};
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Minutes of a day. Schedules have no seconds.
const DAY: u16 = 24 * 60;

/// How many days ahead and back the start or end of working hours is searched for: a week, plus more holidays in a row than are likely.
const HORIZON_DAYS: i64 = 30;

/// When people work. [`FromStr`] reads it from text; [`Display`](fmt::Display) returns the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    hours: Hours,
    zone: Option<TimeZone>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hours {
    Always,
    Never,
    Windows(Vec<Window>),
}

/// From `from` to before `until`, in minutes since midnight, beginning on each of `days`. If `until <= from`, it ends on the next day.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    days: Vec<Weekday>,
    from: u16,
    until: u16,
}

/// The time zone of schedules that name none, and the days on which nobody works.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The policy's time zone.
    pub zone: TimeZone,
    /// Nobody works in a window that begins on one of these days.
    pub holidays: BTreeSet<Date>,
}

impl Schedule {
    /// Every hour is a working hour.
    pub fn always() -> Self {
        Self { text: "always".into(), hours: Hours::Always, zone: None }
    }

    /// The time zone of its times: its own, else the calendar's.
    pub fn zone<'a>(&'a self, calendar: &'a Calendar) -> &'a TimeZone {
        self.zone.as_ref().unwrap_or(&calendar.zone)
    }

    /// Its text with its time zone, even if it names none: `mon-fri/08:00-19:00@Europe/Berlin`. `always` and `never` stay as they are.
    pub fn with_zone(&self, calendar: &Calendar) -> String {
        match (self.zone(calendar).iana_name(), &self.zone, &self.hours) {
            (Some(zone), None, Hours::Windows(_)) => format!("{}@{zone}", self.text),
            _ => self.text.clone(),
        }
    }

    /// Whether people work at this time, by the zone's wall clock. So changes to and from daylight saving are respected.
    pub fn is_working(&self, at: Timestamp, calendar: &Calendar) -> bool {
        match &self.hours {
            Hours::Always => true,
            Hours::Never => false,
            Hours::Windows(windows) => {
                let wall = at.to_zoned_datetime(self.zone(calendar).clone()).datetime();
                let minute = u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs());
                let begins_on = |day: Option<Date>, window: &Window| {
                    day.is_some_and(|day| window.days.contains(&day.weekday()) && !calendar.holidays.contains(&day))
                };
                let (today, yesterday) = (Some(wall.date()), wall.date().yesterday().ok());
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

    /// When the off hours began that include this time. `None`: it is within working hours, or they began too long ago to be found.
    pub fn off_since(&self, at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        if self.is_working(at, calendar) {
            return None;
        }
        let ends = self.boundaries(at, calendar, |window| window.until);
        ends.into_iter().filter(|end| *end <= at && !self.is_working(*end, calendar)).max()
    }

    /// When the next working hours begin. `None`: it is within working hours, or they begin too far ahead to be found.
    pub fn next_start(&self, at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        if self.is_working(at, calendar) {
            return None;
        }
        let starts = self.boundaries(at, calendar, |window| window.from);
        starts.into_iter().filter(|start| at < *start && self.is_working(*start, calendar)).min()
    }

    /// The share of a week without holidays that is off hours: 0 for `always`, 1 for `never`.
    pub fn off_share(&self) -> f64 {
        match &self.hours {
            Hours::Always => 0.0,
            Hours::Never => 1.0,
            Hours::Windows(windows) => {
                // Windows may overlap, and each minute counts once.
                let mut worked = vec![false; 7 * usize::from(DAY)];
                for window in windows {
                    for day in &window.days {
                        let start = usize::from(day.to_monday_zero_offset().unsigned_abs()) * usize::from(DAY) + usize::from(window.from);
                        for minute in start..start + usize::from(window.minutes()) {
                            let minute = minute % worked.len();
                            worked[minute] = true;
                        }
                    }
                }
                let off = worked.iter().filter(|worked| !**worked).count();
                #[expect(clippy::cast_precision_loss, reason = "at most 10,080 minutes")]
                let share = off as f64 / worked.len() as f64;
                share
            }
        }
    }

    /// The times around `at` at which a window begins or ends, as `minute` picks. A wall-clock time that a change to daylight
    /// saving skips is moved forward by the length of the gap.
    fn boundaries(&self, at: Timestamp, calendar: &Calendar, minute: impl Fn(&Window) -> u16) -> Vec<Timestamp> {
        let Hours::Windows(windows) = &self.hours else { return vec![] };
        let zone = self.zone(calendar);
        let today = at.to_zoned_datetime(zone.clone()).date();
        let mut moments = vec![];
        for offset in -HORIZON_DAYS..=HORIZON_DAYS {
            let Ok(day) = today.checked_add(offset.days()) else { continue };
            for window in windows {
                let minute = minute(window);
                let Ok(wall) = DateTime::from_parts(day, Time::midnight()).checked_add(i64::from(minute).minutes()) else { continue };
                moments.extend(zone.to_ambiguous_timestamp(wall).compatible());
            }
        }
        moments
    }
}

impl Window {
    fn passes_midnight(&self) -> bool {
        self.until <= self.from
    }

    fn minutes(&self) -> u16 {
        if self.passes_midnight() { self.until + DAY - self.from } else { self.until - self.from }
    }
}

impl FromStr for Schedule {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let (hours, zone) = match text.split_once('@') {
            Some((hours, zone)) => (hours, Some(zone_named(zone)?)),
            None => (text, None),
        };
        let hours = match hours {
            "always" => Hours::Always,
            "never" => Hours::Never,
            windows => Hours::Windows(windows.split('+').map(window).collect::<anyhow::Result<_>>()?),
        };
        Ok(Self { text: text.to_owned(), hours, zone })
    }
}

/// A time zone by its IANA name.
pub fn zone_named(name: &str) -> anyhow::Result<TimeZone> {
    TimeZone::get(name)
        .map_err(|_| anyhow::anyhow!("`{name}` is not a time zone: write an IANA name, for example \"Europe/Berlin\" or \"UTC\""))
}

fn window(text: &str) -> anyhow::Result<Window> {
    let (days, times) = text
        .split_once('/')
        .with_context(|| format!("`{text}` is not working hours: write for example \"mon-fri/08:00-19:00\", \"always\" or \"never\""))?;
    let (from, until) =
        times.split_once('-').with_context(|| format!("`{times}` is not a span of time: write for example \"08:00-19:00\""))?;
    let (from, until) = (minute(from)?, minute(until)?);
    ensure!(from != DAY, "`{times}` begins at 24:00: write 00:00 and the next day");
    ensure!(from != until, "`{times}` is empty: write 00:00-24:00 for a whole day, \"always\" or \"never\"");
    let days = match days.split_once('-') {
        None => vec![weekday(days)?],
        Some((first, last)) => {
            let (first, last) = (weekday(first)?, weekday(last)?);
            first.cycle_forward().take(7).take_while(|day| *day != last).chain([last]).collect()
        }
    };
    Ok(Window { days, from, until })
}

fn weekday(text: &str) -> anyhow::Result<Weekday> {
    Ok(match text {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        other => bail!("`{other}` is not a day: write mon, tue, wed, thu, fri, sat or sun"),
    })
}

fn minute(text: &str) -> anyhow::Result<u16> {
    let digits = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let minute = text.split_once(':').and_then(|(hour, minute)| Some((digits(hour)?, digits(minute)?)));
    match minute {
        Some((24, 0)) => Ok(DAY),
        Some((hour @ 0..24, minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => bail!("`{text}` is not a time: write 00:00 to 24:00"),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The form of a time zone's name. Whether the zone exists, a pattern cannot check.
const ZONE: &str = "[A-Za-z][A-Za-z0-9_+/-]*";

impl JsonSchema for Schedule {
    fn schema_name() -> Cow<'static, str> {
        "Schedule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const DAY: &str = "(mon|tue|wed|thu|fri|sat|sun)";
        const TIME: &str = "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)";
        let window = format!("{DAY}(-{DAY})?/{TIME}-{TIME}");
        json_schema!({
            "title": "working hours",
            "type": "string",
            "pattern": format!("^(always|never|{window}(\\+{window})*)(@{ZONE})?$"),
            "examples": ["mon-fri/08:00-19:00", "mon-fri/08:00-19:00+sat/10:00-14:00@Europe/Berlin", "always", "never"],
        })
    }
}

/// The schema of a time zone, see [`zone_named`].
pub(crate) fn zone_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "time zone", "type": "string", "pattern": format!("^{ZONE}$"), "examples": ["Europe/Berlin", "UTC"] })
}

#[cfg(test)]
mod tests {

    use super::*;
    use proptest::prelude::*;

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
    fn refuses_with_an_example() {
        for (text, says) in [
            ("", "is not working hours"),
            ("9-5", "is not working hours"),
            ("mo-fr/08:00-19:00", "`mo` is not a day"),
            ("mon-fri/8:00-19:00", "`8:00` is not a time"),
            ("mon-fri/08:00-25:00", "`25:00` is not a time"),
            ("mon-fri/08:60-19:00", "`08:60` is not a time"),
            ("mon-fri/08:00", "is not a span of time"),
            ("mon/08:00-08:00", "is empty"),
            ("mon/24:00-08:00", "begins at 24:00"),
            ("mon/08:00-19:00@Europe/Berln", "`Europe/Berln` is not a time zone"),
            ("mon/08:00-19:00@", "is not a time zone"),
            ("always+mon/08:00-19:00", "is not working hours"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
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
        let zone = prop::sample::select(vec!["", "@UTC", "@Europe/Berlin", "@America/New_York", "@Asia/Kolkata", "@Australia/Lord_Howe"]);
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
}
