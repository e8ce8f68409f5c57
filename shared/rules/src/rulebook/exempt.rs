//! `[[exempt]]`: resources that the guard leaves alone until a day, for owners who may not set tags.

use std::fmt;

use jiff::{civil::Date, tz::TimeZone};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    policy::{self, Keep, Policy, Wrong, contradiction, only_known_keys, table, wrong},
    rulebook::overrides::Match,
};

/// How a day is written in an error message.
const UNTIL: &str = "write for example until = \"2026-12-31\"";

/// `[[exempt]]`: nothing is done about these resources until the end of a day. [`Exemption::max`](crate::policy::Exemption) does not limit it.
pub(crate) struct Exempt {
    pub(super) matches: Match,
    /// The last day, in the time zone of the resource's working hours or the policy's: whichever ends later.
    pub(super) until: Date,
    reason: String,
}

impl Exempt {
    pub(super) fn read(item: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let item = table(item, "exempt")?;
        only_known_keys(item.get_ref(), "[[exempt]]", ["match", "until", "reason"])?;
        let Some(matching) = item.get_ref().get("match") else {
            return contradiction(item.span(), "this [[exempt]] has no `match`: write for example match = { name = \"churn-*\" }");
        };
        let Some(until) = item.get_ref().get("until") else {
            return contradiction(item.span(), format!("this [[exempt]] has no `until`: {UNTIL}"));
        };
        Ok(Self { matches: Match::read(&table(matching, "match")?)?, until: day(until)?, reason: reason(&item)? })
    }

    /// The exemption as if the resource, which is worked with in this time zone, had the tag `cost-guard:keep-until`.
    pub(super) fn keep(&self, policy: &Policy, zone: &TimeZone) -> Keep {
        let until = policy.end_of(self.until, zone);
        Keep { value: format!("{} by the policy: {}", self.until, self.reason), until: Some(until), longest: None, by_policy: None }
    }
}

impl fmt::Display for Exempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} until {} ({})", self.matches, self.until, self.reason)
    }
}

/// A day as text or as TOML's own date.
fn day(value: &Spanned<DeValue<'_>>) -> Result<Date, Wrong> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(day) => day.to_string(),
        _ => return wrong(value.span(), format!("`until` is not a day: {UNTIL}")),
    };
    policy::day(&text).map_or_else(|| wrong(value.span(), format!("`until` is `{text}`, which is not a day: {UNTIL}")), Ok)
}

fn reason(item: &Spanned<DeTable<'_>>) -> Result<String, Wrong> {
    const SAYS: &str = "write for example reason = \"demo for the board\"";
    match item.get_ref().get("reason").map(|value| (value, value.get_ref())) {
        Some((_, DeValue::String(text))) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Some((value, _)) => wrong(value.span(), format!("`reason` is no text: {SAYS}")),
        None => contradiction(item.span(), format!("this [[exempt]] has no `reason`: {SAYS}")),
    }
}
