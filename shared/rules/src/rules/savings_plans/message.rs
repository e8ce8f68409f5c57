//! The advice in short: the subject of its mail, why, and what to do.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy, dec};

use super::{hourly, monthly, per_hour, reasons, whole_dollars};
use crate::{
    rules::verdict::Detail,
    savings_plan::{Advice, Certainty, Offered},
    vocabulary::{currency::Currency, period::day_of, price::dollars, timed_text::TimedText},
};

/// How much of a subject is left beside `Cost guard: `.
const ROOM: usize = 87;
/// The largest commitment that can be returned, USD per hour (money-facts §4.6).
const RETURNABLE: Decimal = dec!(100);
/// On so many days at the end of a month a plan is better bought in the next one: waiting costs little, and a day or two are too few to see how it is used.
const LAST_DAYS: i8 = 3;

/// The subject: where AWS's number has waste in it, both numbers and how much the waste is.
pub(super) fn subject(advice: &Advice, offered: &Offered) -> String {
    not_what_aws_says(advice, offered)
        .unwrap_or_else(|| format!("a SageMaker Savings Plan of {} saves {}", per_hour(offered.commitment), monthly(offered.usd_per_month)))
}

/// `commit $5.21 an hour, not AWS's $13.03: 60 % of it looks forgotten ($7,713 a month)`. `None`: AWS does not recommend more, or not because of waste.
fn not_what_aws_says(advice: &Advice, offered: &Offered) -> Option<String> {
    let by_aws = offered.by_aws.as_ref()?.commitment;
    let [ours, theirs] = [offered.commitment, by_aws].map(short);
    let gone: Decimal = advice.deducted.iter().map(|one| one.usd).sum();
    let percent = (gone.checked_div(advice.on_demand)? * Decimal::ONE_HUNDRED).round();
    if by_aws <= offered.commitment || ours == theirs || percent.is_zero() || !reasons::is_waste(advice, offered) {
        return None;
    }
    let text = format!("commit {ours} an hour, not AWS's {theirs}: {percent} % of it {}", fate(advice));
    let usd = format!(" ({} a month)", whole_dollars(advice.a_month(gone)));
    Some(if text.len() + usd.len() <= ROOM { text + &usd } else { text })
}

/// USD per hour with cents, rounded down; less than a dollar with all digits.
fn short(commitment: Decimal) -> String {
    if commitment < Decimal::ONE {
        return Currency::of_account().amount(hourly(commitment), hourly(commitment).scale());
    }
    dollars(commitment.round_dp_with_strategy(2, RoundingStrategy::ToZero))
}

/// What becomes of all that was taken out.
fn fate(advice: &Advice) -> &'static str {
    let is_forgotten = advice.deducted.iter().all(|one| one.certainty == Certainty::Reported && !one.moves_to_spot);
    if is_forgotten { "looks forgotten" } else { "will end" }
}

/// What it saves, what it binds, and when it loses money.
pub(super) fn reason(offered: &Offered) -> String {
    let fall = offered.may_fall.map_or_else(String::new, |percent| format!("; you lose money if this use falls by more than {percent} %"));
    format!(
        "a SageMaker Savings Plan of {} ({}) would save {}; it binds you to {} in all{fall}",
        per_hour(offered.commitment),
        offered.offer,
        monthly(offered.usd_per_month),
        dollars(offered.binds())
    )
}

/// What ending the waste is worth beside the plan. `None`: there is none that anybody has to end.
pub(super) fn worth_of_the_waste(advice: &Advice, offered: &Offered) -> Option<Detail> {
    let waste = reasons::reported_waste(advice);
    let times = waste.checked_div(offered.usd_per_month)?;
    let text = match times {
        times if times <= Decimal::ZERO => return None,
        times if times < Decimal::ONE => format!("Ending the waste saves {} more, and binds you to nothing.", monthly(waste)),
        times => format!(
            "Ending the waste is worth {:.1} times the plan: it saves {}, and binds you to nothing.",
            times.round_dp(1),
            monthly(waste)
        ),
    };
    Some(Detail::from(TimedText::from(text)))
}

/// What to do, in this order, a numbered line each.
pub(super) fn steps(advice: &Advice, offered: &Offered, now: Timestamp) -> String {
    let waste = reasons::reported_waste(advice);
    let kept = if reasons::is_waste(advice, offered) { " If it is kept, a larger plan is better: see above." } else { "" };
    let end = format!("End the waste above, or decide to keep it. Ending it saves {} without a commitment.{kept}", monthly(waste));
    let end = Some(end).filter(|_| !waste.is_zero());
    let steps = end.into_iter().chain([buy(offered, now)]).chain(look(offered.commitment));
    steps.enumerate().map(|(index, step)| format!("{}. {step}", index + 1)).collect::<Vec<_>>().join("\n")
}

/// When and how to buy it.
fn buy(offered: &Offered, now: Timestamp) -> String {
    let first = if RETURNABLE < offered.commitment {
        "Check the number twice: a plan of more than $100 per hour cannot be returned at all. ".to_owned()
    } else {
        not_today(now).unwrap_or_default()
    };
    format!(
        "{first}Buy it in the console: Billing and Cost Management, Savings Plans, Purchase Savings Plans, type SageMaker, {}, {}, hourly commitment {} or less.",
        offered.offer.term,
        offered.offer.payment,
        hourly(offered.commitment)
    )
}

/// On the last days of a month, who waits can return it for a week. `None`: it is earlier.
fn not_today(now: Timestamp) -> Option<String> {
    let today = day_of(now);
    let is_late = today.days_in_month() - today.day() < LAST_DAYS;
    let next = today.last_of_month().tomorrow().ok().filter(|_| is_late)?.strftime("%-d %B");
    Some(format!("Not today: buy on {next} or after, because the right to return a plan ends with the month (UTC) of its purchase. "))
}

/// What to do once it is bought. `None`: it cannot be returned.
fn look(commitment: Decimal) -> Option<String> {
    let text = "Look after some days at how much of it is used (Savings Plans, Inventory). You can return it only within 7 days, and only in the calendar month (UTC) in which you bought it (there: Return; an organization can return 10 a year).";
    (commitment <= RETURNABLE).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::tests::commitment, *};
    use crate::savings_plan::Offer;

    /// What the message is made of: $10 an hour of which `waste` is taken out, and AWS's number.
    fn given(by_aws: Decimal, waste: Decimal, certainty: Certainty) -> (Advice, Offered) {
        let mut advice = commitment(Some(by_aws)).advice.unwrap();
        advice.on_demand = dec!(3360);
        (advice.deducted[0].usd, advice.deducted[0].certainty) = (waste, certainty);
        let offered = advice.of(Offer::default()).unwrap().clone();
        (advice, offered)
    }

    #[test]
    fn the_subject_has_both_numbers_where_waste_makes_the_difference() {
        let plain = "a SageMaker Savings Plan of $3.650 per hour saves $985.50 a month";
        let reported = Certainty::Reported;
        for (by_aws, waste, certainty, subject) in [
            (dec!(7.3099), dec!(1680), reported, "commit $3.65 an hour, not AWS's $7.30: 50 % of it looks forgotten ($3,650 a month)"),
            (dec!(7.3), dec!(1680), Certainty::Enforced, "commit $3.65 an hour, not AWS's $7.30: 50 % of it will end ($3,650 a month)"),
            (dec!(3.65), dec!(1680), reported, plain),
            (dec!(3.6599), dec!(1680), reported, plain),
            (dec!(2), dec!(1680), reported, plain),
            (dec!(7.3), dec!(16), reported, plain),
            (dec!(123456789.5), dec!(1680), reported, "commit $3.65 an hour, not AWS's $123,456,789.50: 50 % of it looks forgotten"),
        ] {
            let (advice, offered) = given(by_aws, waste, certainty);
            assert_eq!(super::subject(&advice, &offered), subject, "{by_aws} {waste}");
        }
        let (mut advice, offered) = given(dec!(7.3), dec!(1680), reported);
        advice.deducted[0].moves_to_spot = true;
        assert!(super::subject(&advice, &offered).contains("50 % of it will end"));
        advice.deducted.clear();
        assert_eq!(super::subject(&advice, &offered), plain);
        assert_eq!(short(dec!(0.01239)), "$0.01239");
    }

    #[test]
    fn it_is_said_what_ending_the_waste_is_worth() {
        for (waste, certainty, says) in [
            (
                dec!(1680),
                Certainty::Reported,
                Some("Ending the waste is worth 3.7 times the plan: it saves $3,650.00 a month, and binds you to nothing."),
            ),
            (dec!(168), Certainty::Reported, Some("Ending the waste saves $365.00 a month more, and binds you to nothing.")),
            (dec!(1680), Certainty::Enforced, None),
        ] {
            let (advice, offered) = given(dec!(7.3), waste, certainty);
            let said = worth_of_the_waste(&advice, &offered).map(|one| one.title.to_string());
            assert_eq!(said.as_deref(), says);
        }
        let (mut advice, offered) = given(dec!(7.3), dec!(1680), Certainty::Reported);
        advice.deducted[0].moves_to_spot = true;
        assert_eq!(worth_of_the_waste(&advice, &offered), None, "it goes on, on Spot");
    }

    #[test]
    fn the_reason_says_when_it_loses_money() {
        let (_, offered) = given(dec!(7.3), dec!(1680), Certainty::Reported);
        assert!(
            reason(&offered).ends_with("; it binds you to $31,974.00 in all; you lose money if this use falls by more than 38 %"),
            "{}",
            reason(&offered)
        );
        let without = Offered { may_fall: None, ..offered };
        assert!(reason(&without).ends_with(" in all"));
    }

    #[test]
    fn at_the_end_of_a_month_it_is_bought_in_the_next() {
        for (now, commitment, start) in [
            ("2026-11-27T23:59:59Z", dec!(5), "Buy it"),
            ("2026-11-28T00:00:00Z", dec!(5), "Not today: buy on 1 December or after, because"),
            ("2026-11-30T23:59:59Z", dec!(100), "Not today: buy on 1 December or after, because"),
            (
                "2026-11-30T23:59:59Z",
                dec!(100.001),
                "Check the number twice: a plan of more than $100 per hour cannot be returned at all. Buy it",
            ),
            ("2026-12-01T00:00:00Z", dec!(5), "Buy it"),
            ("2026-12-31T08:00:00Z", dec!(5), "Not today: buy on 1 January or after, because"),
            ("2027-02-26T08:00:00Z", dec!(5), "Not today: buy on 1 March or after, because"),
            ("2028-02-26T08:00:00Z", dec!(5), "Buy it"),
        ] {
            let offered = Offered { commitment, ..given(dec!(7.3), dec!(1680), Certainty::Reported).1 };
            let text = buy(&offered, now.parse().unwrap());
            assert!(text.starts_with(start) && text.contains("Buy it in the console"), "{now} {commitment}: {text}");
            assert_eq!(look(commitment).is_some(), commitment <= dec!(100));
        }
    }

    #[test]
    fn the_steps_are_numbered_and_begin_with_the_waste() {
        let now = "2026-11-16T08:00:00Z".parse().unwrap();
        for (certainty, starts) in [
            (
                Certainty::Reported,
                &[
                    "1. End the waste above, or decide to keep it. Ending it saves $3,650.00 a month without a commitment. If it is kept, a larger plan",
                    "2. Buy it in the console: ",
                    "3. Look ",
                ][..],
            ),
            (Certainty::Enforced, &["1. Buy it in the console: ", "2. Look "]),
        ] {
            let (advice, offered) = given(dec!(7.3), dec!(1680), certainty);
            let text = steps(&advice, &offered, now);
            assert_eq!(text.lines().count(), starts.len(), "{text}");
            text.lines().zip(starts).for_each(|(line, start)| assert!(line.starts_with(start), "{start}\n{line}"));
        }
    }
}
