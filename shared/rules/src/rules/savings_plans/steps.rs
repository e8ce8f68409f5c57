//! What to do about an advice, step by step: ask the owners of waste, buy, and look whether it pays.

use jiff::{Timestamp, ToSpan as _, civil::Date};
use rust_decimal::{Decimal, dec};

use super::{hourly, message::short, monthly, reasons};
use crate::{
    savings_plan::{Advice, Offered},
    vocabulary::period::day_of,
};

/// The largest commitment that can be returned, USD per hour (money-facts §4.6).
const RETURNABLE: Decimal = dec!(100);
/// For how many days a plan can be returned (money-facts §4.6).
const RETURNABLE_FOR: i32 = 7;
/// How many days the owners of waste have to decide.
const TO_DECIDE: i32 = 7;

/// What to do, in this order, a numbered line each.
pub(super) fn steps(advice: &Advice, offered: &Offered, now: Timestamp) -> String {
    let steps = Steps { advice, offered, waste: reasons::reported_waste(advice), now };
    let all = steps.ask().into_iter().chain([steps.buy()]).chain(steps.look());
    all.enumerate().map(|(index, step)| format!("{}. {step}", index + 1)).collect::<Vec<_>>().join("\n")
}

struct Steps<'a> {
    advice: &'a Advice,
    offered: &'a Offered,
    /// What its owners have to decide about, USD a month.
    waste: Decimal,
    now: Timestamp,
}

impl Steps<'_> {
    fn can_be_returned(&self) -> bool {
        self.offered.to_begin_with() <= RETURNABLE
    }

    /// What the owners of waste have to decide. `None`: there is none.
    fn ask(&self) -> Option<String> {
        let kept = if reasons::is_waste(self.advice, self.offered) { " If it is kept, the guard advises a larger plan later." } else { "" };
        let until = day(day_of(self.now).saturating_add(TO_DECIDE.days()));
        let text = format!(
            "Ask the owners of the waste above to end it or to keep it, by {until}. Ending it saves {} without a commitment.{kept}",
            monthly(self.waste)
        );
        (!self.waste.is_zero()).then_some(text)
    }

    /// When and how to buy it.
    fn buy(&self) -> String {
        let offered = self.offered;
        let (what, rest) = if offered.begins_with_half() {
            ("half of it first", " The guard advises the rest when more weeks show that this use goes on.")
        } else {
            ("it", "")
        };
        let (twice, when) = if self.can_be_returned() {
            ("", when(self.now))
        } else {
            ("Check the number twice: a plan of more than $100 per hour cannot be returned at all. ", String::new())
        };
        let anyway = if self.waste.is_zero() { "" } else { ", whether or not the waste has ended by then: the number leaves it out" };
        format!(
            "{twice}Buy {what}{when}{anyway}. In the console: Billing and Cost Management, Savings Plans, Purchase Savings Plans, type SageMaker, {}, {}, hourly commitment {} or less.{rest}",
            offered.offer.term,
            offered.offer.payment,
            hourly(offered.to_begin_with())
        )
    }

    /// How to see whether it pays, and until when it can be returned. `None`: it cannot.
    fn look(&self) -> Option<String> {
        let an_hour = |usd: Decimal| format!("{} an hour", short(usd));
        let now = self.advice.stays() / Decimal::from(self.advice.hours.max(1));
        let fills = if self.waste.is_zero() {
            String::new()
        } else {
            format!(
                " While the waste runs, it fills the plan, which then shows as used: count only the use without it ({} now).",
                an_hour(now)
            )
        };
        let text = format!(
            "On the sixth day after that, look at what it covers (Savings Plans, Utilization report). It loses money if that costs less than {} on demand.{fills} If it is less, return the plan (Inventory, Return): only within {RETURNABLE_FOR} days, and only in the calendar month (UTC) of its purchase. An organization can return 10 a year.",
            an_hour(self.offered.to_begin_with())
        );
        self.can_be_returned().then_some(text)
    }
}

/// ` by 23 November` or ` between 1 and 24 December`: who buys then can return it for the whole week. The right to return ends with the month (UTC) of the purchase.
fn when(now: Timestamp) -> String {
    let today = day_of(now);
    let last_of = |month: Date| month.last_of_month().saturating_sub(RETURNABLE_FOR.days());
    if today <= last_of(today) {
        return format!(" by {}", day(last_of(today)));
    }
    let next = today.last_of_month().saturating_add(1.day());
    format!(" between {} and {}", next.strftime("%-d"), day(last_of(next)))
}

fn day(day: Date) -> String {
    day.strftime("%-d %B").to_string()
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::given, *};
    use crate::savings_plan::{Certainty, Earlier};

    #[test]
    fn it_is_bought_when_it_can_be_returned_for_a_week() {
        for (now, when) in [
            ("2026-11-01T00:00:00Z", " by 23 November"),
            ("2026-11-23T23:59:59Z", " by 23 November"),
            ("2026-11-24T00:00:00Z", " between 1 and 24 December"),
            ("2026-12-31T08:00:00Z", " between 1 and 24 January"),
            ("2027-02-21T08:00:00Z", " by 21 February"),
            ("2028-02-22T08:00:00Z", " by 22 February"),
            ("2028-01-26T08:00:00Z", " between 1 and 22 February"),
        ] {
            assert_eq!(super::when(now.parse().unwrap()), when, "{now}");
        }
    }

    #[test]
    fn what_cannot_be_returned_is_checked_twice() {
        let (advice, offered) = given(dec!(7.3), dec!(1680), Certainty::Reported);
        for (commitment, can_be_returned) in [(dec!(100), true), (dec!(100.001), false)] {
            let offered = Offered { commitment, ..offered.clone() };
            let text = steps(&advice, &offered, "2026-11-30T08:00:00Z".parse().unwrap());
            let second = text.lines().nth(1).unwrap();
            assert_eq!(
                second.starts_with("2. Buy it between 1 and 24 December, whether or not the waste has ended by then"),
                can_be_returned,
                "{second}"
            );
            assert_eq!(second.starts_with("2. Check the number twice: "), !can_be_returned, "{second}");
            assert_eq!(text.lines().count(), if can_be_returned { 3 } else { 2 });
        }
    }

    #[test]
    fn the_steps_are_numbered_and_begin_with_the_waste() {
        let now = "2026-11-16T08:00:00Z".parse().unwrap();
        for (certainty, starts) in [
            (
                Certainty::Reported,
                &[
                    "1. Ask the owners of the waste above to end it or to keep it, by 23 November. Ending it saves $3,650.00 a month without a commitment. If it is kept, the guard advises",
                    "2. Buy it by 23 November, whether or not the waste has ended by then: the number leaves it out. In the console: ",
                    "3. On the sixth day after that, look at what it covers (Savings Plans, Utilization report). It loses money if that costs less than $3.65 an hour on demand. While the waste runs, it fills the plan, which then shows as used: count only the use without it ($5.00 an hour now). If it is less, return the plan",
                ][..],
            ),
            (
                Certainty::Enforced,
                &[
                    "1. Buy it by 23 November. In the console: ",
                    "2. On the sixth day after that, look at what it covers (Savings Plans, Utilization report). It loses money if that costs less than $3.65 an hour on demand. If it is less, return the plan",
                ],
            ),
        ] {
            let (advice, offered) = given(dec!(7.3), dec!(1680), certainty);
            let text = steps(&advice, &offered, now);
            assert_eq!(text.lines().count(), starts.len(), "{text}");
            text.lines().zip(starts).for_each(|(line, start)| assert!(line.starts_with(start), "{start}\n{line}"));
        }
    }

    #[test]
    fn what_is_new_is_bought_by_half() {
        let (mut advice, mut offered) = given(dec!(7.3), dec!(1680), Certainty::Reported);
        advice.earlier = Some(Earlier { days: 60, part: dec!(0.6), since: jiff::civil::date(2026, 10, 25) });
        for (if_longer, bought, is_half) in [(dec!(492.75), "3.650", false), (dec!(492.74), "1.825", true), (dec!(-500), "1.825", true)] {
            offered.if_longer = Some(if_longer);
            let text = steps(&advice, &offered, "2026-11-16T08:00:00Z".parse().unwrap());
            assert!(text.contains(&format!("hourly commitment {bought} or less.")), "{text}");
            assert_eq!(text.contains("Buy half of it first by") && text.contains("The guard advises the rest"), is_half, "{text}");
        }
    }
}
