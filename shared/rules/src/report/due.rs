//! When a report is due: on the first working morning of a week, and of a month from a day on that the policy names.

use jiff::{SignedDuration, Timestamp};

use crate::{policy::Policy, report::period::ReportPeriod};

/// For how long it stays due. Later it would be old news.
const DUE_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The periods of which a report is due now. Days are those of the policy's time zone, in which the mornings are.
pub fn due(policy: &Policy, now: Timestamp) -> Vec<ReportPeriod> {
    let is_now = |morning: &Timestamp| *morning <= now && now.duration_since(*morning) < DUE_FOR;
    let day_of = |morning: Timestamp| morning.to_zoned_datetime(policy.calendar.zone.clone()).date();
    let weekly = policy.last_weekly_morning(None, now).filter(|_| policy.report.weekly);
    let monthly = monthly_morning(policy, now).filter(|_| policy.report.monthly);
    let of_week = weekly.filter(is_now).map(|morning| ReportPeriod::week_of(day_of(morning)).before());
    let of_month = monthly.filter(is_now).map(|morning| ReportPeriod::month_of(day_of(morning)).before());
    of_week.into_iter().chain(of_month).collect()
}

/// The first working morning from the policy's day of this month on.
fn monthly_morning(policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let zone = &policy.calendar.zone;
    let today = now.to_zoned_datetime(zone.clone()).date();
    let day = jiff::civil::Date::new(today.year(), today.month(), policy.report.monthly_on).ok()?;
    let begin = day.to_datetime(jiff::civil::Time::midnight()).to_zoned_datetime(zone.clone()).ok()?.timestamp();
    Some(policy.next_morning(None, begin - SignedDuration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_due_on_its_first_working_morning_and_a_month_from_its_day_on() {
        let policy = |more: &str| {
            let text = format!(
                "timezone = \"Europe/Berlin\"\n[working-hours]\ndefault = \"mon-fri/08:00-19:00\"\nholidays = [\"2026-11-30\"]\n{more}"
            );
            Policy::from_toml(&text).unwrap()
        };
        let names = |policy: &Policy, now: &str| due(policy, now.parse().unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>();
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
}
