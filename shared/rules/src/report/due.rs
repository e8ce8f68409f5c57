//! When a report is due: on the first working morning after its week, and after a month from a day on that the policy names.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};

use crate::{
    policy::Policy,
    report::period::{ReportPeriod, ReportUnit},
    vocabulary::period::begin_of,
};

/// The time of day (UTC) from which the bill usually contains the previous day.
pub const BILLED_FROM: SignedDuration = SignedDuration::from_hours(8);

/// For how long it stays due. Later it would be old news.
const DUE_FOR: SignedDuration = SignedDuration::from_hours(24);

/// From when on it goes out although the bill is incomplete: runs every hour still try it twice.
const LAST_CHANCE: SignedDuration = SignedDuration::from_hours(22);

/// How many weeks and months back a report may be due: more than any holidays.
const WEEKS: usize = 9;
const MONTHS: usize = 3;

/// A report that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its period.
    pub period: ReportPeriod,
    /// Whether it is given up soon: then it goes out with what is known.
    pub is_last_chance: bool,
}

/// The reports that are due now: weeks, then months. Days are those of the policy's time zone, in which the mornings are.
pub fn due(policy: &Policy, now: Timestamp) -> Vec<Due> {
    let today = now.to_zoned_datetime(policy.zone_of(None).clone()).date();
    let before = |period: ReportPeriod, most: usize| {
        let mut all: Vec<ReportPeriod> = std::iter::successors(Some(period), |one| Some(one.before())).take(most).collect();
        all.reverse();
        all
    };
    let weeks = before(ReportPeriod::week_of(today), WEEKS).into_iter().filter(|_| policy.report.weekly);
    let months = before(ReportPeriod::month_of(today), MONTHS).into_iter().filter(|_| policy.report.monthly);
    let is_due = |period: ReportPeriod| {
        let since = now.duration_since(due_from(policy, period)?);
        (SignedDuration::ZERO <= since && since < DUE_FOR).then_some(Due { period, is_last_chance: LAST_CHANCE <= since })
    };
    weeks.chain(months).filter_map(is_due).collect()
}

/// Whether the bill usually contains all days of a period.
pub fn is_billed(period: ReportPeriod, now: Timestamp) -> bool {
    period.is_over(now - BILLED_FROM)
}

/// The first working morning after a period, but not before the bill contains its last day. `None`: it is out of range.
fn due_from(policy: &Policy, period: ReportPeriod) -> Option<Timestamp> {
    let first: Date = match period.unit {
        ReportUnit::Week => period.until,
        ReportUnit::Month => period.until.checked_add(i64::from(policy.report.monthly_on - 1).days()).ok()?,
    };
    let midnight = first.to_datetime(jiff::civil::Time::midnight());
    let begin = midnight.to_zoned_datetime(policy.zone_of(None).clone()).ok()?.timestamp();
    let morning = policy.next_morning(None, begin - SignedDuration::from_secs(1));
    Some(morning.max(begin_of(period.until) + BILLED_FROM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(policy: &Policy, now: &str) -> Vec<String> {
        due(policy, now.parse().unwrap()).iter().map(|one| one.period.to_string()).collect()
    }

    #[test]
    fn a_week_is_due_on_its_first_working_morning_and_a_month_from_its_day_on() {
        let policy = |more: &str| {
            let text = format!(
                "timezone = \"Europe/Berlin\"\n[working-hours]\ndefault = \"mon-fri/08:00-19:00\"\nholidays = [\"2026-11-30\"]\n{more}"
            );
            Policy::from_toml(&text).unwrap()
        };
        let usual = policy("");
        for (now, expected) in [
            ("2026-11-23T05:00:00Z", &[][..]),
            ("2026-11-23T08:00:00Z", &["2026-W47"]),
            ("2026-11-24T05:00:00Z", &["2026-W47"]),
            ("2026-11-24T09:00:00Z", &[]),
            // Monday is a holiday.
            ("2026-11-30T12:00:00Z", &[]),
            ("2026-12-01T08:00:00Z", &["2026-W48"]),
            // A Friday.
            ("2026-12-04T08:00:00Z", &["2026-11"]),
            ("2026-12-05T12:00:00Z", &[]),
            // The 4th is a Sunday, the Monday is both.
            ("2026-10-05T08:00:00Z", &["2026-W40", "2026-09"]),
        ] {
            assert_eq!(names(&usual, now), expected, "{now}");
        }
        assert_eq!(names(&policy("[report]\nweekly = false\nmonthly-on = 5"), "2026-10-05T08:00:00Z"), ["2026-09"]);
        assert_eq!(names(&policy("[report]\nmonthly = false"), "2026-10-05T08:00:00Z"), ["2026-W40"]);
    }

    #[test]
    fn no_week_is_due_before_its_sunday_is_on_the_bill() {
        for (zone, early, due_at, late) in [
            ("Europe/Berlin", "2026-07-20T07:30:00Z", "2026-07-20T08:00:00Z", "2026-07-21T08:00:00Z"),
            ("Asia/Tokyo", "2026-07-20T00:30:00Z", "2026-07-20T08:00:00Z", "2026-07-21T08:00:00Z"),
            ("Australia/Sydney", "2026-07-19T23:30:00Z", "2026-07-20T08:00:00Z", "2026-07-21T08:00:00Z"),
            ("America/Los_Angeles", "2026-07-20T15:00:00Z", "2026-07-20T16:00:00Z", "2026-07-21T16:00:00Z"),
        ] {
            let policy = Policy::from_toml(&format!("timezone = \"{zone}\"")).unwrap();
            assert_eq!(names(&policy, early), [""; 0], "{zone}");
            assert_eq!(names(&policy, due_at), ["2026-W29"], "{zone}");
            assert_eq!(names(&policy, late), [""; 0], "{zone}");
        }
    }

    #[test]
    fn a_week_without_working_days_delays_its_report_and_loses_none() {
        let days: Vec<String> = (24..=31).map(|day| format!("\"2026-12-{day}\"")).chain(["\"2027-01-01\"".to_owned()]).collect();
        let text = format!(
            "timezone = \"Europe/Berlin\"\n[working-hours]\ndefault = \"mon-fri/08:00-19:00\"\nholidays = [{}]\n[report]\nmonthly-on = 28",
            days.join(", ")
        );
        let policy = Policy::from_toml(&text).unwrap();
        assert_eq!(names(&policy, "2026-12-28T09:00:00Z"), [""; 0]);
        assert_eq!(names(&policy, "2027-01-04T09:00:00Z"), ["2026-W52", "2026-W53", "2026-11"]);
    }

    #[test]
    fn a_report_has_its_last_chance_before_it_is_given_up() {
        let policy = Policy::from_toml("timezone = \"UTC\"\n[report]\nmonthly = false").unwrap();
        let is_last = |now: &str| due(&policy, now.parse().unwrap()).iter().map(|one| one.is_last_chance).collect::<Vec<_>>();
        assert_eq!(is_last("2026-11-24T06:59:00Z"), [false]);
        assert_eq!(is_last("2026-11-24T07:00:00Z"), [true]);
        assert_eq!(is_last("2026-11-24T09:00:00Z"), [false; 0]);
    }
}
