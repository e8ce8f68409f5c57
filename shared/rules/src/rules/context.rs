//! What a rule gets in addition to the resource: time, policy, prices, budget measures. And the checks that several rules share.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::{BudgetMeasure, Change, Measures, OnExceed, RunState, Workflows},
    policy::{HoursOf, Policy},
    remedy::Remedy,
    rules::verdict::{Notice, Verdict, Waste},
    vocabulary::{
        duration::{Duration, roughly},
        price::{HOURS_PER_MONTH, Instances, Prices},
        resource::Resource,
        timed_text::TimedText,
    },
};

/// What the cost of a month supposes where every hour counts.
const DAY_AND_NIGHT: &str = "if left on day and night";

/// What a rule gets in addition to the resource that it judges.
pub struct RuleContext<'a> {
    /// The current time.
    pub now: Timestamp,
    /// The settings that all rules share, for example working hours and time zone.
    pub policy: &'a Policy,
    /// Prices in USD per hour.
    pub prices: &'a Prices,
    /// What the guard enforces because budgets are used up.
    pub measures: &'a Measures,
    /// The workflows that wait for jobs.
    pub workflows: &'a Workflows,
}

/// A resource that is on.
pub(crate) struct Running<'a> {
    pub(crate) resource: &'a Resource,
    /// The start of its run.
    pub(crate) run: Timestamp,
    pub(crate) instance_type: Option<&'a str>,
    /// When it was last used. `None`: not known.
    pub(crate) last_used: Option<Timestamp>,
}

impl RuleContext<'_> {
    /// The used-up budget that requires this measure for a resource now. `None`: no budget does.
    pub(crate) fn measure(&self, what: OnExceed, resource: &Resource) -> Option<&BudgetMeasure> {
        let team = self.policy.team_of(resource);
        let is_meant = |one: &&BudgetMeasure| one.what == what && self.now < one.until && one.is_for(team.as_deref());
        self.measures.in_force.iter().find(is_meant)
    }

    /// USD per hour of an instance type of a notebook or a Studio app. `None`: the type or its price is not known.
    pub(crate) fn hourly(&self, instance_type: Option<&str>) -> Option<Decimal> {
        self.prices.hourly(instance_type?)
    }

    /// USD per hour of all these instances of a job. `None`: one of the prices is not known, or there are no instances.
    pub(crate) fn hourly_of(&self, instances: &[Instances]) -> Option<Decimal> {
        self.prices.hourly_of(instances)
    }

    /// Judges a resource that is on: waste if that is outside working hours. Both off-hours rules use this.
    pub(crate) fn off_hours(&self, running: &Running<'_>, late_start_grace: Duration, remedy: Remedy) -> Verdict {
        let &Running { resource, run, instance_type, last_used } = running;
        let HoursOf { schedule, whose, calendar, slip } = match self.policy.hours_of(resource) {
            Ok(hours) => hours,
            Err(why) => return Verdict::Unknown(why),
        };
        if schedule.is_working(self.now, calendar) {
            return Verdict::Fine;
        }
        let started_off_hours = !schedule.is_working(run, calendar);
        if started_off_hours && self.now.duration_since(run) < late_start_grace.signed() {
            return Verdict::Fine;
        }
        let ended_at = schedule.off_since(self.now, calendar);
        // Who started it or used it since working hours ended needs it now.
        let is_needed = ended_at.is_none_or(|end| end <= run || last_used.is_some_and(|used| end < used));
        let ended = match ended_at {
            Some(end) => TimedText::from(", which ended ").time(end),
            None => TimedText::default(),
        };
        let holiday = schedule.holiday_at(self.now, calendar).map_or_else(String::new, |day| format!("; {day} is a holiday"));
        let mut reason =
            on_since(run).text(&format!(" ({}), outside {whose} working hours {schedule}", roughly(self.now.duration_since(run))));
        reason.append(&ended);
        let reason = reason.text(&holiday);
        let usd_per_hour = self.hourly(instance_type);
        let off_share = Decimal::try_from(schedule.off_share()).unwrap_or_default();
        let supposes = if off_share < Decimal::ONE { "if left on every night and weekend" } else { DAY_AND_NIGHT };
        Verdict::Waste(Box::new(Waste {
            reason,
            usd_per_hour,
            usd_per_month: usd_per_hour.map(|usd| usd * HOURS_PER_MONTH * off_share),
            ends: schedule.next_start(self.now, calendar),
            recurs: !is_needed,
            not_before: None,
            remedy,
            notice: Notice {
                hours: schedule.longer(self.now, calendar),
                unpriced: unpriced(instance_type, usd_per_hour),
                supposes: Some(supposes),
                details: slip.into_iter().map(Into::into).collect(),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }

    /// Judges a resource that has been on since `run`: waste if that is longer than `limit`. Both always-on rules use this.
    pub(crate) fn up_longer_than(&self, limit: Duration, run: Timestamp, instance_type: Option<&str>, remedy: Remedy) -> Verdict {
        let up = self.now.duration_since(run);
        if up <= limit.signed() {
            return Verdict::Fine;
        }
        let reason = on_since(run).text(&format!(", for {} without a break: the limit is {limit}", roughly(up)));
        Verdict::Waste(Box::new(self.running_waste(reason, instance_type, remedy)))
    }

    /// Judges a resource that has been on its way to another state since `since`: waste if that is longer than `limit`. All stuck rules use this.
    pub(crate) fn stuck(&self, change: Change, since: Option<Timestamp>, limit: Duration, advice: String) -> Verdict {
        let Some(since) = since else { return Verdict::Unknown(format!("it is {}, and since when could not be read", change.as_str())) };
        let length = self.now.duration_since(since);
        if length <= limit.signed() {
            return Verdict::Fine;
        }
        let reason = TimedText::from(format!("{} since ", change.as_str())).time(since);
        let reason = reason.text(&format!(", for {}: the limit is {limit}", roughly(length)));
        Verdict::Waste(Box::new(needs_a_person(reason, change.as_str(), "stuck", advice)))
    }

    /// The waste of a resource that is billed for every hour of the month if nobody stops it.
    pub(crate) fn running_waste(&self, reason: TimedText, instance_type: Option<&str>, remedy: Remedy) -> Waste {
        let usd_per_hour = self.hourly(instance_type);
        let usd_per_month = usd_per_hour.map(|usd| usd * HOURS_PER_MONTH);
        let notice = Notice { unpriced: unpriced(instance_type, usd_per_hour), supposes: Some(DAY_AND_NIGHT), ..Notice::default() };
        Waste { reason, usd_per_hour, usd_per_month, remedy, notice, ..Waste::default() }
    }
}

/// `on since Mon 2026-11-23 09:00`
pub(crate) fn on_since(run: Timestamp) -> TimedText {
    TimedText::from("on since ").time(run)
}

/// What a running notebook or app is on, if its price is not known ([`Notice::unpriced`]).
fn unpriced(instance_type: Option<&str>, usd_per_hour: Option<Decimal>) -> Option<Vec<Instances>> {
    let one = |instance_type: &str| Instances { instance_type: instance_type.to_owned(), count: 1 };
    usd_per_hour.is_none().then(|| instance_type.map(one).into_iter().collect())
}

/// What a job runs on, if its price is not known ([`Notice::unpriced`]).
pub(crate) fn unpriced_job(instances: &[Instances], usd_per_hour: Option<Decimal>) -> Option<Vec<Instances>> {
    usd_per_hour.is_none().then(|| instances.to_vec())
}

/// What is wrong with a resource in this state, which only a person can mend.
pub(crate) fn needs_a_person(reason: TimedText, state: &str, headline: &'static str, advice: String) -> Waste {
    let notice = Notice { key: Some(state.to_owned()), headline: Some(headline), advice: Some(advice), ..Notice::default() };
    Waste { reason, notice, ..Waste::default() }
}

/// The start of the current run. `Err`: the verdict on a resource that is not running, or whose start time is not known.
pub(crate) fn judged_run(state: RunState, since: Option<Timestamp>) -> Result<Timestamp, Verdict> {
    match state {
        RunState::InService => since.ok_or_else(|| Verdict::Unknown("its start time could not be read".into())),
        RunState::Stopped | RunState::Failed | RunState::Deleted => Err(Verdict::Fine),
        // A stop that hangs has not saved anything yet.
        RunState::Changing(_) | RunState::Other => Err(Verdict::Later),
    }
}
