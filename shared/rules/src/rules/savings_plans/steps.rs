//! What to do about an advice, step by step: ask the owners of waste, buy, and look whether it pays.

use jiff::{Timestamp, ToSpan as _, civil::Date};
use rust_decimal::{Decimal, dec};

use super::{hourly, message::short, monthly, reasons, whole_dollars};
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
    let all = steps.ask().into_iter().chain([steps.goes_on(), steps.buy()]).chain(steps.look());
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
        self.offered.commitment <= RETURNABLE
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

    /// What to ask about the use that stays. The bill does not name its resources.
    fn goes_on(&self) -> String {
        let all = self.offered.offer.term.months().normalize();
        let pays = self.offered.months_that_pay().map_or_else(String::new, |months| {
            format!(": the plan pays if this use lasts {} of its {all} months", months.round_dp(1).normalize())
        });
        format!("Ask who runs what stays whether it goes on{pays}.")
    }

    /// When and how to buy it.
    fn buy(&self) -> String {
        let offered = self.offered;
        let when = if self.can_be_returned() { when(self.now) } else { String::new() };
        let anyway = if self.waste.is_zero() { "" } else { ", whether or not the waste has ended by then: the number leaves it out" };
        let twice =
            format!(" Check the number twice: a plan of more than {} per hour cannot be returned at all.", whole_dollars(RETURNABLE));
        format!(
            "If the use goes on, buy it{when}{anyway}. If the number changes before that, there is another mail. In the console: Billing and Cost Management, Savings Plans, Purchase Savings Plans, type SageMaker, {}, {}, hourly commitment {} or less.{}",
            offered.offer.term,
            offered.offer.payment,
            hourly(offered.commitment),
            if self.can_be_returned() { "" } else { &twice }
        )
    }

    /// How to see whether it pays, and until when it can be returned. `None`: it cannot.
    fn look(&self) -> Option<String> {
        let falls = self.offered.may_fall.unwrap_or_default();
        let waste = if self.waste.is_zero() {
            String::new()
        } else {
            format!(
                " While the waste runs, it fills the plan, and the report shows the plan as used. Then look at the usage quantity (hours) by instance type, without those of the waste, in the hours of a day with the least use. Times their prices on demand, all hours were worth {} an hour on average in the days above. If they are worth {falls} % less, return it.",
                short((self.advice.stays() + self.advice.owned_covers) / Decimal::from(self.advice.hours.max(1)))
            )
        };
        let text = format!(
            "On the sixth day after that, look in Cost Explorer at the plan's utilization report. Below {} %, the plan loses money: return it (Savings Plans, Inventory, Return). That is possible only within {RETURNABLE_FOR} days, and only in the calendar month (UTC) of its purchase. An organization can return 10 a year.{waste}",
            100_u32.saturating_sub(falls)
        );
        self.can_be_returned().then_some(text)
    }
}

/// ` by 23 November` or ` between 1 and 24 December`: after everybody who was asked has decided, and so that it can be returned for the whole week. The right to return
/// ends with the month (UTC) of the purchase.
fn when(now: Timestamp) -> String {
    let decided = day_of(now).saturating_add(TO_DECIDE.days());
    let last_of = |month: Date| month.last_of_month().saturating_sub(RETURNABLE_FOR.days());
    if decided <= last_of(day_of(now)) {
        return format!(" by {}", day(last_of(decided)));
    }
    let first = decided.max(day_of(now).last_of_month().saturating_add(1.day()));
    format!(" between {} and {}", first.strftime("%-d"), day(last_of(first)))
}

fn day(day: Date) -> String {
    day.strftime("%-d %B").to_string()
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::given, *};
    use crate::savings_plan::Certainty;

    #[test]
    fn it_is_bought_when_it_can_be_returned_for_a_week() {
        for (now, when) in [
            ("2026-11-01T00:00:00Z", " by 23 November"),
            ("2026-11-16T23:59:59Z", " by 23 November"),
            ("2026-11-17T00:00:00Z", " between 1 and 24 December"),
            ("2026-11-30T09:00:00Z", " between 7 and 24 December"),
            ("2026-12-31T08:00:00Z", " between 7 and 24 January"),
            ("2027-02-14T08:00:00Z", " by 21 February"),
            ("2028-02-15T08:00:00Z", " by 22 February"),
            ("2028-01-26T08:00:00Z", " between 2 and 22 February"),
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
            let third = text.lines().nth(2).unwrap();
            assert_eq!(
                third.starts_with("3. If the use goes on, buy it between 7 and 24 December, whether or not the waste has ended by then"),
                can_be_returned,
                "{third}"
            );
            assert_eq!(
                third.contains(" Check the number twice: a plan of more than $100 per hour cannot be returned"),
                !can_be_returned,
                "{third}"
            );
            assert_eq!(text.lines().count(), if can_be_returned { 4 } else { 3 });
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
                    "2. Ask who runs what stays whether it goes on: the plan pays if this use lasts 8.8 of its 12 months.",
                    "3. If the use goes on, buy it by 23 November, whether or not the waste has ended by then: the number leaves it out. If the number changes before that, there is another mail. In the console: ",
                    "4. On the sixth day after that, look in Cost Explorer at the plan's utilization report. Below 73 %, the plan loses money: return it (Savings Plans, Inventory, Return). That is possible only within 7 days, and only in the calendar month (UTC) of its purchase. An organization can return 10 a year. While the waste runs, it fills the plan, and the report shows the plan as used. Then look at the usage quantity (hours) by instance type, without those of the waste, in the hours of a day with the least use. Times their prices on demand, all hours were worth $5.00 an hour on average in the days above. If they are worth 27 % less, return it.",
                ][..],
            ),
            (
                Certainty::Enforced,
                &[
                    "1. Ask who runs what stays whether it goes on: the plan pays if this use lasts 8.8 of its 12 months.",
                    "2. If the use goes on, buy it by 23 November. If the number changes before that, there is another mail. In the console: ",
                    "3. On the sixth day after that, look in Cost Explorer at the plan's utilization report. Below 73 %, the plan loses money: return it",
                ],
            ),
        ] {
            let (advice, offered) = given(dec!(7.3), dec!(1680), certainty);
            let text = steps(&advice, &offered, now);
            assert_eq!(text.lines().count(), starts.len(), "{text}");
            text.lines().zip(starts).for_each(|(line, start)| assert!(line.starts_with(start), "{start}\n{line}"));
        }
    }
}
