//! Time zones by name, and times of a zone for people.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The form of a time zone's name. Whether the zone exists, a pattern cannot check.
pub(crate) const ZONE: &str = "[A-Za-z][A-Za-z0-9_+/-]*";

/// Abbreviations that stand for one offset in all of the world and that people know. `CST`, `IST` and `PST` do not.
const UNAMBIGUOUS: [&str; 10] = ["UTC", "GMT", "WET", "WEST", "CET", "CEST", "EET", "EEST", "EST", "EDT"];

/// Names of zones that have the same offset all year and are no place, each with the place that is meant, and what to write for no summer time.
const FIXED: [(&str, &str, &str); 3] = [
    ("EST", "America/New_York", ", or \"America/Panama\" if you mean no summer time"),
    ("MST", "America/Denver", ", or \"America/Phoenix\" if you mean no summer time"),
    ("HST", "Pacific/Honolulu", ""),
];

/// The place that is meant by a name of Greenwich Mean Time.
const LONDON: &str = "Europe/London";

/// Older and other names of zones, each with the name that the place has today: the links in the `backward` file of the IANA database (2026), without those that
/// join places of different countries, because these have different holidays.
const ALIASES: &str = include_str!("../../data/time_zone_aliases.txt");

/// A time zone by its IANA name. It has the name that its place has today, so that zones of two names are the same zone.
///
/// # Errors
/// There is no such zone, or its clock is not that of a place: it has no summer time.
pub fn zone_named(name: &str) -> anyhow::Result<TimeZone> {
    if let Some((fixed, place, or)) = fixed(name) {
        anyhow::bail!("`{fixed}` has no summer time: write \"{place}\"{or}");
    }
    if is_greenwich(name) {
        anyhow::bail!("`{name}` has no summer time: write \"{LONDON}\", or \"UTC\" if you mean no summer time");
    }
    if let Some(hours) = hours_of_etc(name) {
        let behind_or_ahead = if hours < 0 { "ahead of" } else { "behind" };
        anyhow::bail!(
            "`{name}` is {} hour{} {behind_or_ahead} UTC all year, without summer time: write the zone of a place, for example \"Europe/Berlin\"",
            hours.abs(),
            if hours.abs() == 1 { "" } else { "s" }
        );
    }
    let zone = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown() && !name.eq_ignore_ascii_case("Factory"));
    let of_today = |zone: TimeZone| zone.iana_name().and_then(name_of_today).and_then(|name| TimeZone::get(name).ok()).unwrap_or(zone);
    zone.map(of_today)
        .ok_or_else(|| anyhow::anyhow!("`{name}` is not a time zone: write an IANA name, for example \"Europe/Berlin\" or \"UTC\""))
}

/// The name of the zone that is meant by a name that is none, or none of a place. `None`: not known.
pub(crate) fn zone_meant(name: &str) -> Option<&str> {
    let place = fixed(name).map(|(_, place, _)| *place).or_else(|| is_greenwich(name).then_some(LONDON));
    place.or_else(|| zone_named(name).is_ok().then_some(name))
}

fn fixed(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    FIXED.iter().find(|(fixed, ..)| fixed.eq_ignore_ascii_case(name))
}

/// Whether it has the clock of several countries and the name of none, so that it has no country's holidays: `CET`.
pub fn is_of_no_country(zone: &TimeZone) -> bool {
    zone.iana_name().is_some_and(|name| ["CET", "EET", "MET", "WET"].contains(&name))
}

/// The name of today for the place that an older name means. `None`: the name is no older one.
fn name_of_today(name: &str) -> Option<&'static str> {
    ALIASES.lines().filter_map(|line| line.split_once(' ')).find(|(older, _)| *older == name).map(|(_, today)| today)
}

/// Whether it is one of the names of Greenwich Mean Time, which is London's in winter only.
fn is_greenwich(name: &str) -> bool {
    let own = name.get(..4).filter(|front| front.eq_ignore_ascii_case("Etc/")).and_then(|_| name.get(4..)).unwrap_or(name);
    ["GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich"].iter().any(|gmt| gmt.eq_ignore_ascii_case(own))
}

/// The hours that `Etc/GMT+5` is behind UTC. `None`: it is no such name, or UTC itself.
fn hours_of_etc(name: &str) -> Option<i8> {
    let (etc, gmt) = name.split_once('/')?;
    let hours = gmt.get(..3).filter(|gmt| gmt.eq_ignore_ascii_case("GMT")).and_then(|_| gmt.get(3..))?;
    etc.eq_ignore_ascii_case("Etc").then(|| hours.parse().ok()).flatten().filter(|hours| *hours != 0)
}

/// A time for people: `Mon 2026-11-23 09:00 CET`, or with its offset where the zone's abbreviation is not clear: `Mon 2026-11-23 13:30 UTC+5:30`.
pub(crate) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", moment(at, zone), zone_at(at, zone))
}

/// A time within a day, for people: `09:00 CET`.
pub(crate) fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", at.to_zoned_datetime(zone.clone()).strftime("%H:%M"), zone_at(at, zone))
}

/// A zone for people, as it is at this time: `CET`, or `UTC+5:30`.
pub(crate) fn zone_at(at: Timestamp, zone: &TimeZone) -> String {
    let wall = at.to_zoned_datetime(zone.clone());
    let abbreviation = wall.strftime("%Z").to_string();
    if UNAMBIGUOUS.contains(&abbreviation.as_str()) { abbreviation } else { offset(wall.offset().seconds()) }
}

/// A time for people who know by which clock: `Mon 2026-11-23 09:00`.
pub(crate) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%a %F %H:%M").to_string()
}

/// The end of something that begins at `from`: `08:00`, or with its day if it is a day or more later: `Mon 08:00`.
pub(crate) fn until(end: Timestamp, from: Timestamp, zone: &TimeZone) -> String {
    let form = if end.duration_since(from) < SignedDuration::from_hours(24) { "%H:%M" } else { "%a %H:%M" };
    end.to_zoned_datetime(zone.clone()).strftime(form).to_string()
}

/// Until when something is kept: `until the end of Fri 2026-12-04`, or `until Fri 2026-12-04 18:00` where that is no end of a day by the reader's clock.
pub(crate) fn until_end(end: Timestamp, zone: &TimeZone) -> String {
    if end.to_zoned_datetime(zone.clone()).time() == Time::midnight() {
        format!("until the end of {}", day(end - SignedDuration::from_secs(1), zone))
    } else {
        format!("until {}", moment(end, zone))
    }
}

/// A day for people: `Mon 2026-11-23`.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%a %F").to_string()
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// The schema of a time zone, see [`zone_named`].
pub(crate) fn zone_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "time zone", "type": "string", "pattern": format!("^{ZONE}$"), "examples": ["Europe/Berlin", "UTC"] })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_zone_without_summer_time_is_refused_with_the_one_that_is_meant() {
        for (name, says) in [
            ("EST", "`EST` has no summer time: write \"America/New_York\", or \"America/Panama\" if"),
            ("est", "`EST` has no summer time"),
            ("MST", "write \"America/Denver\", or \"America/Phoenix\""),
            ("HST", "write \"Pacific/Honolulu\""),
            ("Etc/GMT+5", "`Etc/GMT+5` is 5 hours behind UTC all year, without summer time: write the zone of a place"),
            ("etc/gmt-7", "`etc/gmt-7` is 7 hours ahead of UTC all year"),
            ("Etc/GMT-14", "14 hours ahead"),
            ("Etc/GMT+1", "`Etc/GMT+1` is 1 hour behind UTC"),
            ("Etc/GMT-1", "is 1 hour ahead of UTC"),
            ("Etc/GMT+11", "is 11 hours behind UTC"),
            ("GMT", "`GMT` has no summer time: write \"Europe/London\", or \"UTC\" if you mean no summer time"),
            ("gmt0", "write \"Europe/London\""),
            ("GMT+0", "write \"Europe/London\""),
            ("Greenwich", "write \"Europe/London\""),
            ("Etc/GMT", "write \"Europe/London\""),
            ("etc/gmt-0", "write \"Europe/London\""),
            ("Etc/Greenwich", "write \"Europe/London\""),
            ("Etc/Unknown", "is not a time zone"),
            ("Factory", "is not a time zone"),
            ("PST", "is not a time zone"),
            ("CST", "is not a time zone"),
            ("IST", "is not a time zone"),
            ("BST", "is not a time zone"),
            ("CEST", "is not a time zone"),
            ("GMT+5", "is not a time zone"),
            ("UTC+2", "is not a time zone"),
            ("+02:00", "is not a time zone"),
            ("Berlin", "is not a time zone"),
            ("", "is not a time zone"),
        ] {
            let error = zone_named(name).unwrap_err().to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }

    #[test]
    fn an_end_of_a_day_is_told_as_that_day_and_any_other_with_its_time() {
        let end: Timestamp = "2026-12-04T23:00:00Z".parse().unwrap();
        for (zone, told) in [
            ("Europe/Berlin", "until the end of Fri 2026-12-04"),
            ("America/New_York", "until Fri 2026-12-04 18:00"),
            ("Asia/Tokyo", "until Sat 2026-12-05 08:00"),
        ] {
            assert_eq!(until_end(end, &zone_named(zone).unwrap()), told);
        }
    }

    #[test]
    fn a_zone_of_a_place_and_one_with_summer_time_is_taken() {
        let offset = |name: &str, at: &str| zone_named(name).unwrap().to_offset(at.parse::<Timestamp>().unwrap()).seconds() / 3600;
        for (name, winter, summer) in [
            ("UTC", 0, 0),
            ("Etc/UTC", 0, 0),
            ("Zulu", 0, 0),
            ("Europe/London", 0, 1),
            ("GB", 0, 1),
            ("Europe/Berlin", 1, 2),
            ("europe/berlin", 1, 2),
            ("America/Phoenix", -7, -7),
            ("Asia/Bangkok", 7, 7),
            ("US/Eastern", -5, -4),
            ("EST5EDT", -5, -4),
            ("PST8PDT", -8, -7),
            ("CET", 1, 2),
            ("EET", 2, 3),
            ("WET", 0, 1),
            ("MET", 1, 2),
            ("Japan", 9, 9),
        ] {
            assert_eq!((offset(name, "2026-01-15T12:00:00Z"), offset(name, "2026-07-15T12:00:00Z")), (winter, summer), "{name}");
        }
    }

    /// Whatever else the database has: a zone that is taken is UTC, or a place, or knows summer time.
    #[test]
    fn no_other_zone_without_a_place_has_a_fixed_offset() {
        let utc = ["UTC", "UCT", "Universal", "Zulu"];
        for name in jiff::tz::db().available().map(|name| name.to_string()) {
            let Ok(zone) = zone_named(&name) else { continue };
            let is_place = name.contains('/') && !name.starts_with("Etc/");
            let of_utc = name.trim_start_matches("Etc/");
            let is_fixed = zone.following("2026-01-01T00:00:00Z".parse().unwrap()).next().is_none();
            let country = [
                "Cuba",
                "Egypt",
                "Eire",
                "Hongkong",
                "Iceland",
                "Iran",
                "Jamaica",
                "Japan",
                "Kwajalein",
                "Libya",
                "PRC",
                "ROC",
                "ROK",
                "Singapore",
                "Turkey",
                "W-SU",
            ];
            assert!(is_place || !is_fixed || utc.contains(&of_utc) || country.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn a_zone_of_two_names_is_one_zone() {
        for (one, other, same) in [
            ("US/Eastern", "America/New_York", true),
            ("us/eastern", "America/New_York", true),
            ("Asia/Calcutta", "Asia/Kolkata", true),
            ("Europe/Kiev", "Europe/Kyiv", true),
            ("GB", "Europe/London", true),
            ("Japan", "Asia/Tokyo", true),
            ("Etc/UTC", "UTC", true),
            ("Etc/Universal", "UTC", true),
            ("Zulu", "uct", true),
            ("EST5EDT", "America/New_York", true),
            ("cst6cdt", "US/Central", true),
            ("MST7MDT", "America/Denver", true),
            ("PST8PDT", "US/Pacific", true),
            // The clocks agree, and the holidays do not.
            ("Europe/Berlin", "Europe/Oslo", false),
            ("Europe/Berlin", "Europe/Madrid", false),
            ("America/New_York", "America/Toronto", false),
            ("Europe/London", "Europe/Dublin", false),
            ("Asia/Bangkok", "Asia/Jakarta", false),
        ] {
            let name = |name| zone_named(name).unwrap().iana_name().unwrap().to_owned();
            assert_eq!(name(one) == name(other), same, "{one} {other}");
        }
    }

    #[test]
    fn an_alias_has_the_clock_of_its_place() {
        assert!(100 < ALIASES.lines().count());
        for line in ALIASES.lines() {
            let (older, today) = line.split_once(' ').unwrap();
            assert_eq!(name_of_today(today), None, "{today} is itself an older name");
            let [older, today] = [older, today].map(|name| TimeZone::get(name).unwrap_or_else(|error| panic!("{line}: {error}")));
            for year in 2020..2040 {
                for at in ["01-15", "04-01", "07-15", "10-30"].map(|day| format!("{year}-{day}T12:00:00Z").parse::<Timestamp>().unwrap()) {
                    assert_eq!(older.to_offset(at), today.to_offset(at), "{line} at {at}");
                }
            }
        }
    }

    #[test]
    fn times_have_an_abbreviation_only_where_it_is_clear() {
        for (zone, at, told) in [
            ("UTC", "2026-11-23T08:00:00Z", "Mon 2026-11-23 08:00 UTC"),
            ("Europe/Berlin", "2026-11-23T08:00:00Z", "Mon 2026-11-23 09:00 CET"),
            ("Europe/Berlin", "2026-07-20T08:00:00Z", "Mon 2026-07-20 10:00 CEST"),
            ("Europe/Dublin", "2026-07-20T08:00:00Z", "Mon 2026-07-20 09:00 UTC+1"),
            ("America/New_York", "2026-11-23T14:00:00Z", "Mon 2026-11-23 09:00 EST"),
            ("America/Chicago", "2026-11-23T14:00:00Z", "Mon 2026-11-23 08:00 UTC-6"),
            ("Asia/Shanghai", "2026-11-23T00:00:00Z", "Mon 2026-11-23 08:00 UTC+8"),
            ("Asia/Kolkata", "2026-11-23T08:00:00Z", "Mon 2026-11-23 13:30 UTC+5:30"),
            ("Asia/Jerusalem", "2026-11-23T08:00:00Z", "Mon 2026-11-23 10:00 UTC+2"),
            ("Asia/Bangkok", "2026-11-23T08:00:00Z", "Mon 2026-11-23 15:00 UTC+7"),
            ("America/St_Johns", "2026-11-23T12:00:00Z", "Mon 2026-11-23 08:30 UTC-3:30"),
            ("Africa/Abidjan", "2026-11-23T08:00:00Z", "Mon 2026-11-23 08:00 GMT"),
        ] {
            assert_eq!(clock(at.parse().unwrap(), &zone_named(zone).unwrap()), told, "{zone}");
        }
    }

    #[test]
    fn an_unambiguous_abbreviation_has_one_offset_in_all_zones() {
        let mut offsets: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
        for name in jiff::tz::db().available() {
            let Ok(zone) = TimeZone::get(name.as_str()) else { continue };
            for at in ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"] {
                let wall = at.parse::<Timestamp>().unwrap().to_zoned_datetime(zone.clone());
                offsets.entry(wall.strftime("%Z").to_string()).or_default().insert(wall.offset().seconds());
            }
        }
        for abbreviation in UNAMBIGUOUS {
            assert_eq!(offsets.get(abbreviation).map(BTreeSet::len), Some(1), "{abbreviation}: {:?}", offsets.get(abbreviation));
        }
        assert!(1 < offsets["CST"].len() && 1 < offsets["IST"].len());
    }
}
