//! What a rule says of one resource.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::remedy::Remedy;

/// What a rule says of one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// No waste that this rule knows.
    Fine,
    /// Waste.
    Waste(Box<Waste>),
    /// It would be waste, but this speaks against doing anything about it. It is in the report, and nobody is mailed.
    Exempt(String),
    /// It is on its way to another state: nothing is done, and what is in the ledger stays as it is until it has come there.
    Later,
    /// A fact is missing, this one. Nothing is done, and what is in the ledger stays as it is.
    Unknown(String),
}

/// The waste that a rule found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waste {
    /// Why it is waste, with the numbers: observed and limit. A sentence without its final period.
    pub reason: String,
    /// USD per hour that it costs; `None`: no price known, or not billed by the hour.
    pub usd_per_hour: Option<Decimal>,
    /// USD per month that it costs if nothing changes, of a job at most until its time limit; `None`: no price known.
    pub usd_per_month: Option<Decimal>,
    /// When the waste would end by itself (working hours begin): what is saved is counted until then.
    pub ends: Option<Timestamp>,
    /// What the guard can do about it.
    pub remedy: Remedy,
    /// What its mail says beyond the reason and the dollars.
    pub notice: Notice,
}

/// What a mail about waste says beyond the reason and the dollars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notice {
    /// What its owner was notified of: when it becomes another, its owner is notified anew.
    pub key: Option<String>,
    /// How urgently its mail is to be read, while the guard does nothing about it.
    pub severity: Severity,
    /// What a subject says of it, as the end of "churn …" and of "3 resources …"; `None`: that it needs a look.
    pub headline: Option<&'static str>,
    /// The whole subject, where its name is not the best beginning: it is told by itself.
    pub subject: Option<String>,
    /// What there is to know beyond the reason: lines, as its mail has them.
    pub details: Vec<String>,
    /// What a person can do about it, beside what the guard would do. May have several lines.
    pub advice: Option<String>,
    /// What a person can do once the guard has stopped it, where that is another thing than before.
    pub after_stop: Option<String>,
    /// What its owner can do so that the guard does nothing, as the end of "unless you …"; `None`: keep it.
    pub instead: Option<&'static str>,
    /// The working hours that it is judged by, with their time zone: what its owner may change by a tag. Only where that would help.
    pub hours: Option<String>,
}

/// A [`Notice::key`] that has levels: of two of the same series, only the higher one is news ([`is_news`]).
pub fn leveled(series: &str, level: Decimal) -> String {
    format!("{series}{LEVEL}{}", level.normalize())
}

const LEVEL: &str = " at ";

/// Whether an owner who was notified under one key has to be notified under another.
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

/// How urgently a mail is to be read: its message attribute `severity`, by which a subscription can filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be looked at some time.
    #[default]
    Info,
    /// Something will be stopped, or is done twice.
    Warning,
    /// Something could not be stopped, or work is lost.
    Critical,
}

impl Severity {
    /// As the attribute spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
