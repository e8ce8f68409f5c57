//! The mornings of a team: when its daily mails and weekly summaries are sent.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::{
    policy::settings::Policy,
    vocabulary::{resource::Resource, schedule::Schedule, text::alike, working_time::Calendar},
};

/// How many days back a working morning is searched for: more than any holidays.
const LONGEST_HOLIDAYS: i64 = 60;

impl Policy {
    /// The time zone in which a team reads times: that of its working hours.
    pub fn zone_of(&self, team: Option<&str>) -> &TimeZone {
        self.usual_hours(team).0.zone(&self.calendar)
    }

    /// The time zone in which the owner of a resource reads times: that of the working hours that it is judged by.
    pub fn zone_of_resource(&self, resource: &Resource) -> TimeZone {
        let hours = self.hours_of(resource).map(|hours| hours.schedule.zone(hours.calendar).clone());
        hours.unwrap_or_else(|_| self.zone_of(self.team_of(resource).as_deref()).clone())
    }

    /// The next working morning of a team, at the time of its daily mail. If it has none for a long time, now.
    pub(crate) fn next_morning(&self, team: Option<&str>, now: Timestamp) -> Timestamp {
        let today = now.to_zoned_datetime(self.zone_of(team).clone()).date();
        let days = (0..LONGEST_HOLIDAYS).map_while(|ahead| today.checked_add(ahead.days()).ok());
        self.mornings_of(team, days).map(|(_, at)| at).find(|at| now < *at).unwrap_or(now)
    }

    /// The last working morning of a team, at the time of its daily mail, up to now. `None`: it had none for a long time.
    pub fn last_morning(&self, team: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned_datetime(self.zone_of(team).clone()).date();
        self.mornings_back_from(team, today).map(|(_, at)| at).find(|at| *at <= now)
    }

    /// The first working morning of a week of a team, the last one up to now: the time of its weekly summary. `None`: it had none for a long time.
    pub fn last_weekly_morning(&self, team: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned_datetime(self.zone_of(team).clone()).date();
        let sunday = today.nth_weekday(1, Weekday::Monday).ok()?.yesterday().ok()?;
        let mornings: Vec<(Date, Timestamp)> = self.mornings_back_from(team, sunday).collect();
        let monday = |day: Date| day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).ok();
        // A morning is the first of its week if the working morning before it is in another week.
        let is_first = |index: usize| mornings.get(index + 1).is_none_or(|(before, _)| monday(*before) != monday(mornings[index].0));
        (0..mornings.len()).filter(|index| is_first(*index)).map(|index| mornings[index].1).find(|at| *at <= now)
    }

    /// The days on which a team works, with the time of its daily mail, from this day back.
    fn mornings_back_from(&self, team: Option<&str>, day: Date) -> impl Iterator<Item = (Date, Timestamp)> {
        self.mornings_of(team, (0..LONGEST_HOLIDAYS).map_while(move |back| day.checked_sub(back.days()).ok()))
    }

    /// Those of these days on which a team works, with the time of its daily mail.
    fn mornings_of(&self, team: Option<&str>, days: impl Iterator<Item = Date>) -> impl Iterator<Item = (Date, Timestamp)> {
        let (schedule, calendar) = self.usual_hours(team);
        let zone = schedule.zone(&self.calendar).clone();
        days.filter(|day| schedule.works_on(*day, calendar))
            .filter_map(move |day| Some((day, day.to_datetime(self.mail.at).to_zoned_datetime(zone.clone()).ok()?.timestamp())))
    }

    /// The working hours of a team, or the policy's if it has none, and its holidays.
    fn usual_hours(&self, team: Option<&str>) -> (&Schedule, &Calendar) {
        let schedule = team.and_then(|team| alike(&self.team_hours, team)).map_or(&self.hours, |(_, hours)| hours);
        let calendar = team.and_then(|team| alike(&self.calendars.by_team, team)).map(|(_, days)| days);
        (schedule, calendar.unwrap_or_else(|| self.calendars.of(schedule, &self.calendar)))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Time;

    use super::*;
    use crate::samples::{resource, with_tags};

    fn policy() -> Policy {
        Policy::from_toml(
            r#"
            timezone = "Europe/Berlin"
            [working-hours]
            default = "mon-fri/08:00-19:00"
            teams = { robotics = "mon-fri/08:00-19:00@Asia/Tokyo", shop = "sat-sun/08:00-20:00" }
            holidays = ["2026-11-30"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn a_morning_is_one_of_a_working_day_in_the_teams_zone() {
        // 2026-11-27 is a Friday, 2026-11-30 a Monday and a holiday in Berlin. 09:00 is 08:00Z in Berlin and 00:00Z in Tokyo.
        for (team, now, morning, weekly) in [
            (None, "2026-11-27T07:59:00Z", "2026-11-26T08:00:00Z", "2026-11-23T08:00:00Z"),
            (None, "2026-11-27T08:00:00Z", "2026-11-27T08:00:00Z", "2026-11-23T08:00:00Z"),
            (None, "2026-11-29T12:00:00Z", "2026-11-27T08:00:00Z", "2026-11-23T08:00:00Z"),
            (None, "2026-11-30T12:00:00Z", "2026-11-27T08:00:00Z", "2026-11-23T08:00:00Z"),
            (None, "2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z"),
            (Some("Robotics"), "2026-11-29T23:59:00Z", "2026-11-27T00:00:00Z", "2026-11-23T00:00:00Z"),
            (Some("robotics"), "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z"),
            (Some("shop"), "2026-11-27T12:00:00Z", "2026-11-22T08:00:00Z", "2026-11-21T08:00:00Z"),
            (Some("shop"), "2026-11-28T12:00:00Z", "2026-11-28T08:00:00Z", "2026-11-28T08:00:00Z"),
        ] {
            let (policy, at) = (policy(), now.parse().unwrap());
            assert_eq!(policy.last_morning(team, at), Some(morning.parse().unwrap()), "{team:?} {now}");
            assert_eq!(policy.last_weekly_morning(team, at), Some(weekly.parse().unwrap()), "{team:?} {now}");
        }
    }

    #[test]
    fn the_next_morning_is_one_of_a_working_day() {
        for (team, now, morning) in [
            (None, "2026-11-26T18:00:00Z", "2026-11-27T08:00:00Z"),
            (None, "2026-11-27T07:59:00Z", "2026-11-27T08:00:00Z"),
            (None, "2026-11-27T08:00:00Z", "2026-12-01T08:00:00Z"), // a weekend and a holiday
            (Some("robotics"), "2026-11-27T08:00:00Z", "2026-11-30T00:00:00Z"),
        ] {
            let (policy, at) = (policy(), now.parse().unwrap());
            assert_eq!(policy.next_morning(team, at), morning.parse().unwrap(), "{team:?} {now}");
        }
    }

    #[test]
    fn an_owner_reads_times_in_the_zone_of_the_resources_hours() {
        for (tags, zone) in [
            (&[][..], "Europe/Berlin"),
            (&[("Team", "robotics")], "Asia/Tokyo"),
            (&[("Team", "robotics"), ("cost-guard:schedule", "mon-fri/08:00-19:00@America/New_York")], "America/New_York"),
            (&[("Team", "robotics"), ("cost-guard:schedule", "9 to 5")], "Asia/Tokyo"),
        ] {
            let notebook = with_tags(resource("notebook-instance/churn"), tags);
            assert_eq!(policy().zone_of_resource(&notebook).iana_name(), Some(zone), "{tags:?}");
        }
    }

    #[test]
    fn the_time_is_hours_and_minutes() {
        assert_eq!(Policy::from_toml("[mail]\nat = \"07:30\"").unwrap().mail.at, Time::constant(7, 30, 0, 0));
        for wrong in ["7:30", "24:00", "09:60", "09:00:00", "nine"] {
            let error = Policy::from_toml(&format!("[mail]\nat = \"{wrong}\"")).err().unwrap().to_string();
            assert!(error.contains("is not a time: write for example"), "{error}");
        }
    }
}
