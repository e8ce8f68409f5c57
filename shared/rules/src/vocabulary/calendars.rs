//! The days on which nobody works, by time zone and by team.

use std::collections::BTreeMap;

use crate::vocabulary::{schedule::Schedule, working_time::Calendar};

/// The calendars of a policy besides its own. They all have its time zone, for schedules that name none.
#[derive(Clone, Debug)]
pub struct Calendars {
    /// By the name of the time zone that a schedule is in.
    pub by_zone: BTreeMap<String, Calendar>,
    /// By team.
    pub by_team: BTreeMap<String, Calendar>,
    /// Without holidays: for time zones that have no calendar here.
    pub without_holidays: Calendar,
}

impl Calendars {
    /// The calendar for a schedule: the one of its time zone. In the policy's own time zone this is `own`.
    pub fn of<'a>(&'a self, schedule: &Schedule, own: &'a Calendar) -> &'a Calendar {
        match schedule.zone(own).iana_name() {
            zone if zone == own.zone.iana_name() => own,
            zone => zone.and_then(|zone| self.by_zone.get(zone)).unwrap_or(&self.without_holidays),
        }
    }
}
