//! The period against the one before: what can be compared, and why not.

use super::View;
use crate::report::{Change, Money, cuts::Twice, days_in_words, period::ReportPeriod};

impl View<'_> {
    /// Periods are compared only if all days of both are known, and a team only if both have teams.
    pub(super) fn change(&self, usd: Twice) -> Change {
        let period = self.period();
        let are_known = self.missing_days(period) == 0 && self.missing_days(period.before()) == 0;
        let is_compared = are_known && (self.team.is_none() || !self.tagged.is_once());
        Change { usd: Money(usd.now), before: is_compared.then_some(Money(usd.before)) }
    }

    /// How many days of a period are not on the bill.
    pub(super) fn missing_days(&self, period: ReportPeriod) -> usize {
        let known = self.from.cuts.days.range(period.from..period.until).count();
        period.all_days().count().saturating_sub(known)
    }

    /// Why it is not compared with the period before. `None`: it is, or days of the period itself are missing.
    pub(super) fn not_compared(&self) -> Option<String> {
        let (period, before) = (self.period(), self.period().before_words());
        if 0 < self.missing_days(period) {
            return None;
        }
        match self.missing_days(period.before()) {
            0 => self.teams_not_compared().filter(|_| self.team.is_some()),
            missing if missing == period.before().all_days().count() => Some(format!("Nothing is known of {before}")),
            1 => Some(format!("A day of {before} is missing, so the two are not compared")),
            missing => Some(format!("{} of {before} are missing, so the two are not compared", days_in_words(missing))),
        }
    }

    /// Why teams are not compared with the period before.
    pub(super) fn teams_not_compared(&self) -> Option<String> {
        let when = match self.tagged.since() {
            Some(day) => format!("before {day}"),
            None => "of this period".to_owned(),
        };
        self.tagged
            .is_once()
            .then(|| format!("No spend {when} has a team, so teams are not compared: their tag was not active, or nothing had it"))
    }
}
