//! Amounts, shares and days in words.

use std::cmp::Ordering;

use cost_rules::{
    price::dollars,
    report::{Change, Money, ReportPeriod, ReportUnit},
    text::grouped,
};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy, dec, prelude::ToPrimitive as _};

/// From which amount on the first screen leaves out cents.
const WHOLE_FROM: Decimal = dec!(100);

/// An amount for the first screen: whole dollars above $100.
pub(super) fn about(usd: Money) -> String {
    let size = usd.0.abs();
    let whole = size.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    let words = if size < WHOLE_FROM { dollars(size) } else { dollars(whole).trim_end_matches(".00").to_owned() };
    if usd.0.round_dp(2) < Decimal::ZERO { format!("−{words}") } else { words }
}

/// An amount that is more (`+$1.00`) or less (`−$1.00`) than another.
pub(super) fn signed(usd: Money) -> String {
    let size = Money(usd.0.abs());
    match usd.0.round_dp(2).cmp(&Decimal::ZERO) {
        Ordering::Equal => size.to_string(),
        Ordering::Less => format!("−{size}"),
        Ordering::Greater => format!("+{size}"),
    }
}

/// A share in whole percent: `38 %`. `None`: of nothing.
pub(super) fn share(part: Money, whole: Money) -> Option<String> {
    let percent = percent(part.0, whole.0)?;
    let rounded = percent.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    let is_small = rounded.is_zero() && !part.0.is_zero();
    Some(if is_small { "< 1\u{a0}%".to_owned() } else { format!("{rounded}\u{a0}%") })
}

/// What is spent of a limit, in whole percent. What is below it is never shown as all of it.
pub(super) fn used(spent: Money, limit: Money) -> Option<String> {
    let is_nearly_all = spent.0 < limit.0 && dec!(99.5) <= percent(spent.0, limit.0)?;
    if is_nearly_all { Some("99\u{a0}%".to_owned()) } else { share(spent, limit) }
}

/// What a part is of a whole, in percent. `None`: the whole is nothing.
pub(super) fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    if whole <= Decimal::ZERO { None } else { (part * Decimal::ONE_HUNDRED).checked_div(whole) }
}

/// The length of a bar in percent, between 0 and 100.
pub(super) fn length(part: Decimal, whole: Decimal) -> String {
    let percent = percent(part, whole).unwrap_or_default().clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
    percent.round_dp(1).normalize().to_string()
}

/// How a change by the day is written in percent: `+12 %`. `None`: it is not known, or nothing was spent before.
pub(super) fn change_percent(change: Change, period: ReportPeriod) -> Option<String> {
    let percent = change.percent(period)?;
    let sign = match percent {
        0 => "±",
        1.. => "+",
        _ => "−",
    };
    Some(format!("{sign}{}", percent_of(percent)))
}

/// The size of a change in percent: `12 %`.
pub(super) fn percent_of(change: i64) -> String {
    format!("{}\u{a0}%", grouped(&change.unsigned_abs().to_string()))
}

/// A number with its word: `1 day`, `3 days`.
pub(super) fn many(number: usize, one: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{}\u{a0}{one}{end}", grouped(&number.to_string()))
}

/// A day without its year: `22 November`.
pub(super) fn day(date: Date) -> String {
    date.strftime("%-d\u{a0}%B").to_string()
}

/// A time for people: `23 November 2026, 08:05 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// The UTC day of a time for people: `23 November 2026`.
pub(super) fn date(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%-d\u{a0}%B %Y").to_string()
}

/// A period for people: `16–22 November 2026`, `November 2026`. A line does not break within `16–22 November`.
pub(super) fn span(period: ReportPeriod) -> String {
    let last = period.until.saturating_sub(1.day());
    let from = period.from;
    match period.unit {
        ReportUnit::Month => from.strftime("%B %Y").to_string(),
        ReportUnit::Week if from.month() == last.month() => format!("{}–\u{2060}{}", from.strftime("%-d"), last.strftime("%-d\u{a0}%B %Y")),
        ReportUnit::Week if from.year() == last.year() => format!("{} – {}", from.strftime("%-d %B"), last.strftime("%-d %B %Y")),
        ReportUnit::Week => format!("{} – {}", from.strftime("%-d %B %Y"), last.strftime("%-d %B %Y")),
    }
}

/// A period in a sentence: `in the week of 16–22 November`, `in November 2026`.
pub(super) fn during(period: ReportPeriod) -> String {
    let span = span(period);
    match period.unit {
        ReportUnit::Month => format!("in {span}"),
        ReportUnit::Week => {
            let year = format!(" {}", period.from.year());
            format!("in the week of {}", span.strip_suffix(&year).unwrap_or(&span))
        }
    }
}

/// `in the week`, `in the month`.
pub(super) const fn within(period: ReportPeriod) -> &'static str {
    match period.unit {
        ReportUnit::Week => "in the week",
        ReportUnit::Month => "in the month",
    }
}

/// A decimal as a whole number of percent for words: `62 %`.
pub(super) fn whole_percent(part: Decimal, whole: Decimal) -> Option<String> {
    Some(format!("{}\u{a0}%", percent(part, whole)?.round().to_i64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money(text.parse().unwrap())
    }

    #[test]
    fn amounts_for_the_first_screen_are_short() {
        for (amount, short, with_sign) in [
            ("0", "$0.00", "$0.00"),
            ("0.0000000001", "$0.00", "$0.00"),
            ("-0.004", "$0.00", "$0.00"),
            ("99.99", "$99.99", "+$99.99"),
            ("100", "$100", "+$100.00"),
            ("7281.590829", "$7,282", "+$7,281.59"),
            ("-1234.5", "−$1,235", "−$1,234.50"),
            ("1000000", "$1,000,000", "+$1,000,000.00"),
        ] {
            assert_eq!((about(usd(amount)).as_str(), signed(usd(amount)).as_str()), (short, with_sign), "{amount}");
        }
    }

    #[test]
    fn shares_and_changes() {
        let [week, november] = ["2026-W47", "2026-11"].map(|period| ReportPeriod::parse(period).unwrap());
        assert_eq!(share(usd("38"), usd("100")).as_deref(), Some("38\u{a0}%"));
        assert_eq!(share(usd("0.1"), usd("100")).as_deref(), Some("< 1\u{a0}%"));
        assert_eq!(share(usd("0"), usd("100")).as_deref(), Some("0\u{a0}%"));
        assert_eq!(share(usd("1"), usd("0")), None);
        for (spent, percent) in [("99.4", "99"), ("99.5", "99"), ("99.99", "99"), ("100", "100"), ("100.4", "100"), ("114.57", "115")] {
            assert_eq!(used(usd(spent), usd("100")).unwrap(), format!("{percent}\u{a0}%"), "{spent}");
        }
        assert_eq!(length(usd("1").0, usd("3").0), "33.3");
        assert_eq!(length(usd("-1").0, usd("3").0), "0");
        let change = |now: &str, before: Option<&str>| change_percent(Change { usd: usd(now), before: before.map(usd) }, week);
        assert_eq!(change("112", Some("100")).as_deref(), Some("+12\u{a0}%"));
        assert_eq!(change("88", Some("100")).as_deref(), Some("−12\u{a0}%"));
        assert_eq!(change("100", Some("100")).as_deref(), Some("±0\u{a0}%"));
        assert_eq!(change("150000", Some("100")).as_deref(), Some("+149,900\u{a0}%"));
        assert_eq!(change("1", None), None);
        let by_day = change_percent(Change { usd: usd("330"), before: Some(usd("310")) }, november);
        assert_eq!(by_day.as_deref(), Some("+10\u{a0}%"), "October has 31 days");
    }

    #[test]
    fn periods_for_people() {
        for (period, words) in [
            ("2026-W47", "16–\u{2060}22\u{a0}November 2026"),
            ("2026-W49", "30 November – 6 December 2026"),
            ("2026-W53", "28 December 2026 – 3 January 2027"),
            ("2026-10", "October 2026"),
        ] {
            assert_eq!(span(ReportPeriod::parse(period).unwrap()), words);
        }
    }
}
