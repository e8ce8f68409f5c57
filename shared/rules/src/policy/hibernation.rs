//! When an endpoint that sleeps is created again.

use jiff::{SignedDuration, Timestamp};

use crate::{
    facts::{Hibernation, HibernationStage},
    policy::{HoursOf, settings::Policy},
    remedy::WakesBy,
    vocabulary::{duration::Duration, resource::Resource},
};

/// How often what is due is looked at (`EndpointDueSchedule` of the template).
const EVERY: SignedDuration = SignedDuration::from_mins(15);

impl Policy {
    /// Whether it is time to create an endpoint again: working hours begin within the time that it takes. If its working hours are not known, it is.
    pub fn is_to_wake(&self, resource: &Resource, hibernation: &Hibernation, now: Timestamp) -> bool {
        if hibernation.stage != HibernationStage::Asleep || hibernation.wakes != WakesBy::WorkingHours {
            return false;
        }
        let Ok(HoursOf { schedule, calendar, .. }) = self.hours_of(resource) else { return true };
        // Later runs would be too late for what is due before the next one.
        let is_time = |start: Timestamp| self.wakes_at(start, hibernation.took) < now + EVERY;
        schedule.is_working(now, calendar) || schedule.next_start(now, calendar).is_some_and(is_time)
    }

    /// When the guard begins to create an endpoint again whose working hours begin at this time. `took`: how long AWS took the last time.
    pub fn wakes_at(&self, start: Timestamp, took: Option<Duration>) -> Timestamp {
        // AWS gives no time. Twice the last one is enough for most days (aws-facts §3.6).
        let usual = took.map_or(jiff::SignedDuration::ZERO, |took| took.signed() * 2);
        start - usual.max(self.hibernation.wake_before.signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        samples::{hibernation, resource, with_tags},
        vocabulary::duration::Duration,
    };

    #[test]
    fn it_is_created_before_working_hours_begin() {
        let policy = Policy::from_toml("timezone = \"Europe/Berlin\"\n[working-hours]\ndefault = \"mon-fri/08:00-19:00\"").unwrap();
        let asleep = |took| Hibernation { took, ..hibernation(HibernationStage::Asleep, "2026-11-23T18:00:00Z") };
        let churn = || resource("endpoint/churn");
        // 2026-11-24 is a Tuesday: 08:00 in Berlin is 07:00 in UTC.
        for (now, took, schedule, is_to_wake) in [
            ("2026-11-23T18:15:00Z", None, None, false),
            ("2026-11-24T06:25:00Z", None, None, false),
            // The next run is 15 minutes later: 20 minutes would not be left then.
            ("2026-11-24T06:26:00Z", None, None, true),
            ("2026-11-24T06:16:00Z", Some(Duration::minutes(15)), None, true),
            ("2026-11-24T09:00:00Z", None, None, true),
            ("2026-11-28T09:00:00Z", None, None, false), // a Saturday
            ("2026-11-28T09:00:00Z", None, Some("always"), true),
            ("2026-11-28T09:00:00Z", None, Some("nonsense"), true),
            ("2026-11-24T09:00:00Z", None, Some("never"), false),
        ] {
            let one = schedule.map_or_else(churn, |hours| with_tags(churn(), &[("cost-guard:schedule", hours)]));
            assert_eq!(policy.is_to_wake(&one, &asleep(took), now.parse().unwrap()), is_to_wake, "{now} {took:?} {schedule:?}");
        }
        let noon = "2026-11-24T11:00:00Z".parse().unwrap();
        assert!(!policy.is_to_wake(&churn(), &Hibernation { wakes: WakesBy::Asking, ..asleep(None) }, noon));
        assert!(!policy.is_to_wake(&churn(), &Hibernation { stage: HibernationStage::Awake, ..asleep(None) }, noon));
    }
}
