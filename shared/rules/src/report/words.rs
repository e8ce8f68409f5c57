//! What the report says to people, on the page and in the mail.

use crate::report::{Change, CostReport, Money, PlanAdvice, ReportPeriod, SavingsPlans};

/// What stands for several instance types or usage types in a cause.
pub(crate) const SEVERAL_TYPES: &str = "several types";

/// What stands for several teams in a cause, and for all of them.
pub(crate) const SEVERAL_TEAMS: &str = "several teams";
pub(crate) const ALL_TEAMS: &str = "all teams";

/// What [`SavingsPlans::never_covered`] is, for people.
pub const NEVER_COVERED: &str = "training on Spot, serverless endpoints, storage, data, labelling";
/// What [`SavingsPlans::not_sure`] is, for people.
pub const NOT_SURE: &str = "Canvas, asynchronous endpoints, HyperPod, other";

/// Why there is no cost of single resources: the payer has not switched it on, or AWS has switched it off again. For people.
pub const NO_RESOURCE_DATA: &str = "Cost Explorer's resource-level data of SageMaker is off. The payer account switches it on in Billing and Cost Management, Cost \
    Management preferences, Cost Explorer: \u{201c}Resource-level data at daily granularity\u{201d}, with SageMaker among its services. AWS switches it off again if \
    nobody uses it for three months";

/// What [`crate::report::Method::lacks_charges`] means, for people.
pub const LACKS_CHARGES: &str = "accounts, charge types, the invoice and what plans cover are not known: the charges of some days could not be read, or do not \
    add up to their cost";

impl CostReport {
    /// How many of the period's days are on the bill, for people: `2 of its 31 days`. `None`: all of them.
    pub(crate) fn days_on_the_bill(&self) -> Option<String> {
        let days = usize::try_from(self.period.days()).unwrap_or_default();
        let known = days.saturating_sub(self.method.missing_days);
        (known < days).then(|| format!("{known} of its {days} days"))
    }

    /// How many days are estimated, for people: `3 of 7 days are estimated: AWS may still correct them`. `None`: none is.
    pub fn estimated_days(&self) -> Option<String> {
        let days = self.method.estimated_days;
        let (are, them) = if days == 1 { ("is", "it") } else { ("are", "them") };
        (0 < days).then(|| format!("{days} of {} days {are} estimated: AWS may still correct {them}", self.period.days()))
    }

    /// The comparison by the day, for people, if the period before has fewer or more days: `by the day 1 % more, since the month before has 31 days and this
    /// one 30`.
    pub fn by_the_day(&self) -> Option<String> {
        let (days, days_before) = (self.period.days(), self.period.before().days());
        let more = self.spent.by_the_day(self.period)?;
        Some(format!("{more}, since {} has {days_before} days and this one {days}", self.period.before_words()))
    }

    /// What the number of days alone makes of the difference to the period before, with its words: `1 day less`. `None`: both have as many days, or they are
    /// not compared.
    pub fn by_number_of_days(&self) -> Option<(String, Money)> {
        let before = self.spent.before?.0;
        let (days, days_before) = (self.period.all_days().count(), self.period.before().all_days().count());
        let words = format!("{} {}", days_in_words(days.abs_diff(days_before)), if days < days_before { "less" } else { "more" });
        (days != days_before).then(|| (words, Money(self.period.in_its_days(before) - before)))
    }

    /// What the causes and the number of days leave of the difference, so that all of them add up to it. `None`: nothing, or no cause is told.
    pub fn other_causes(&self) -> Option<Money> {
        let by_days = self.by_number_of_days().map(|(_, usd)| usd);
        if self.causes.is_empty() && by_days.is_none() {
            return None;
        }
        let told: Money = self.causes.iter().map(|cause| cause.difference).chain(by_days).sum();
        let other = Money(self.spent.difference()?.0 - told.0);
        (!other.0.round_dp(2).is_zero()).then_some(other)
    }
}

impl Change {
    /// The comparison by the day, in words: `by the day 10 % more`. `None`: both periods have as many days, nothing was spent before, or it is not known.
    pub(crate) fn by_the_day(&self, period: ReportPeriod) -> Option<String> {
        Some(match self.percent(period).filter(|_| period.is_of_other_length())? {
            0 => "by the day as much".to_owned(),
            percent @ 1.. => format!("by the day {percent} % more"),
            percent => format!("by the day {} % less", percent.abs()),
        })
    }

    /// The same with what it is compared to: `by the day 10 % more than the month before`.
    pub(crate) fn by_the_day_than_before(&self, period: ReportPeriod) -> Option<String> {
        let than = if self.percent(period)? == 0 { "as" } else { "than" };
        Some(format!("{} {than} {}", self.by_the_day(period)?, period.before_words()))
    }
}

impl SavingsPlans {
    /// What a plan can still cover, and whether buying one pays; for people. `None`: it is not known what plans cover, or they cover all, and there is no advice.
    pub fn buying(&self) -> Option<String> {
        if self.not_covered.0.is_zero() {
            return self.advice.as_ref().map(PlanAdvice::words);
        }
        let plan = if self.is_owned { "Another plan" } else { "A plan" };
        let pays = self.advice.as_ref().map_or_else(
            || {
                "whether buying one pays is not known here: savings-plan-advisor works that out once a week and mails it (docs/savings-plans.md says what it \
                 needs)."
                    .to_owned()
            },
            PlanAdvice::pays,
        );
        Some(format!("{plan} can cover {} of the use, and {pays}", self.not_covered))
    }
}

impl PlanAdvice {
    /// In a sentence.
    pub fn words(&self) -> String {
        let (how, aws) = (self.how(), self.of_aws());
        if self.commitment.0.is_zero() {
            return format!("Do not buy a plan ({how}): {}.{aws}", self.why_not());
        }
        format!("A plan of {} per hour ({how}) would save {} a month.{aws}", self.commitment, self.saves)
    }

    /// Whether buying pays, as the end of a sentence.
    fn pays(&self) -> String {
        let (how, aws) = (self.how(), self.of_aws());
        if self.commitment.0.is_zero() {
            return format!("buying one does not pay ({how}): {}. So savings-plan-advisor says: do not buy.{aws}", self.why_not());
        }
        format!("savings-plan-advisor says: buy {} per hour ({how}), which would save {} a month.{aws}", self.commitment, self.saves)
    }

    /// How it is bought, and when that was worked out.
    fn how(&self) -> String {
        format!("{}{}", self.offer, self.as_of.map_or_else(String::new, |day| format!(", as of {day}")))
    }

    /// What AWS recommends, as a sentence after others.
    fn of_aws(&self) -> String {
        let waste = if self.with_waste > self.commitment { ", with the waste in it" } else { "" };
        self.by_aws.map_or_else(String::new, |usd| format!(" AWS recommends {usd} per hour{waste}."))
    }

    /// Why none is advised.
    const fn why_not(&self) -> &'static str {
        if self.with_waste.0.is_zero() { "what no plan covers yet is too little" } else { "without what will vanish, none saves enough" }
    }
}

/// `1 day`, `3 days`
pub(crate) fn days_in_words(days: usize) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// What a sum lacks, as the end of its sentence: `, without 1 day that is not on the bill`. Empty: nothing.
pub fn without(missing_days: usize) -> String {
    let are = if missing_days == 1 { "is" } else { "are" };
    if missing_days == 0 { String::new() } else { format!(", without {} that {are} not on the bill", days_in_words(missing_days)) }
}
