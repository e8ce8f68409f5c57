//! The verdict of a rule on one resource, and what the mail about it says.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    remedy::Remedy,
    vocabulary::{price::Instances, timed_text::TimedText, working_time::LongerHours},
};

/// The verdict of a rule on one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The rule finds no waste.
    Fine,
    /// The rule finds waste.
    Waste(Box<Waste>),
    /// It would be waste, but it is left alone for this reason. It is in the report, and nobody is mailed.
    Exempt(String),
    /// It cannot be judged in this run, for example because its state is changing. No action is taken, and its ledger entry stays as it is.
    Later,
    /// This fact is missing. No action is taken, and its ledger entry stays as it is.
    Unknown(String),
}

/// The waste that a rule found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waste {
    /// Why it is waste, with the observed value and the limit. A sentence without its final period.
    pub reason: TimedText,
    /// The same in the past tense, for a mail about what was done. `None`: it reads the same then.
    pub was: Option<TimedText>,
    /// Its cost in USD per hour. `None`: no price is known, or it is not billed by the hour.
    pub usd_per_hour: Option<Decimal>,
    /// Its cost in USD per month if nothing changes; for a job, at most until its time limit. `None`: no price is known.
    pub usd_per_month: Option<Decimal>,
    /// When the waste ends by itself, for example because working hours begin. A saving is counted until then. `None`: no such time is known.
    pub ends: Option<Timestamp>,
    /// Whether it is waste whenever its owner leaves it on, so that one warning can hold for a while. `false`: each action needs a warning of its own.
    pub recurs: bool,
    /// When a person undid what the guard had done. An action before this time does not count: a new one needs a warning. `None`: nobody did.
    pub undone: Option<Timestamp>,
    /// Before this time the guard does not act, for example because people still work. `None`: it may act at any time.
    pub not_before: Option<Timestamp>,
    /// What the guard can do about it.
    pub remedy: Remedy,
    /// What its mail says in addition to the reason and the cost.
    pub notice: Notice,
}

/// What a mail about waste says in addition to the reason and the cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notice {
    /// What the owner is notified of. When the key changes, the owner is notified again ([`is_news`]).
    pub key: Option<String>,
    /// How urgent the mail is, as long as the guard takes no action.
    pub severity: Severity,
    /// The end of a subject that begins with "churn …" or "3 resources …". `None`: it needs a look.
    pub headline: Option<&'static str>,
    /// The whole subject, where it should not begin with the resource's name. `None`: it is made of the name and the headline.
    pub subject: Option<String>,
    /// More lines for the mail. A mail prints a list once.
    pub details: Vec<Detail>,
    /// More lines, which only a mail from before the action has: what there is to decide.
    pub before: Vec<Detail>,
    /// How people do it by hand: commands and code, at the end of a mail from before the action.
    pub by_hand: Vec<Detail>,
    /// What a person can do about it, in addition to the guard's remedy. May have several lines.
    pub advice: Option<String>,
    /// What a person can do after the guard has stopped it. `None`: the same as `advice`.
    pub after_stop: Option<String>,
    /// How the owner can prevent the action, as the end of "unless you …". `None`: keep it.
    pub instead: Option<&'static str>,
    /// What it runs on, if it runs at a price that is not known; empty if that is not known either. `None`: its price is known, or it costs nothing.
    pub unpriced: Option<Vec<Instances>>,
    /// Working hours that end later than those it is judged by: an example for its owner, who can set hours with a tag. `None`: other hours would not help.
    pub hours: Option<LongerHours>,
    /// Whether its cost of a month is what is saved when it is mended, and the rest goes on.
    pub is_saving: bool,
    /// What its cost of a month supposes: `if left on day and night`. `None`: that nothing changes.
    pub supposes: Option<&'static str>,
    /// Whether a training job writes checkpoints. `None`: not known, or it is none.
    pub writes_checkpoints: Option<bool>,
    /// Since when a job is billed. `None`: not known, or it is none.
    pub billed_since: Option<Timestamp>,
    /// Whether the platform's address gets it at once, because only whoever runs the platform can mend it.
    pub for_platform: bool,
}

/// A line of a mail, such as `Cause: what cost more than usual:`, and the list below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Detail {
    /// The line.
    pub title: TimedText,
    /// The lines of the list. Empty: there is none.
    pub list: Vec<String>,
}

impl<T: Into<TimedText>> From<T> for Detail {
    fn from(title: T) -> Self {
        Self { title: title.into(), list: vec![] }
    }
}

/// A [`Notice::key`] with a level. Within one series, only a higher level is news ([`is_news`]).
pub fn leveled(series: &str, level: Decimal) -> String {
    format!("{series}{LEVEL}{}", level.normalize())
}

const LEVEL: &str = " at ";

/// Whether an owner who was notified of one [`Notice::key`] must be notified of another one.
pub fn is_news(told: Option<&str>, now: Option<&str>) -> bool {
    let level = |topic: Option<&str>| {
        let (series, level) = topic?.rsplit_once(LEVEL)?;
        Some((series.to_owned(), level.parse::<Decimal>().ok()?))
    };
    match (level(told), level(now)) {
        (Some((told, before)), Some((now, level))) if told == now => before < level,
        _ => told != now,
    }
}

/// How urgent a mail is. It is the message attribute `severity`, by which a subscription can filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not urgent.
    #[default]
    Info,
    /// Something will be stopped, or is done twice.
    Warning,
    /// Something could not be stopped, or work is lost.
    Critical,
}

impl Severity {
    /// The value of the message attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
