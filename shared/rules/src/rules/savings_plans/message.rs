//! The advice in short: the subject of its mail, and why.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{hourly, if_longer, monthly, per_hour, reasons, whole_dollars};
use crate::{
    rules::verdict::Detail,
    savings_plan::{Advice, Certainty, Offered},
    vocabulary::{currency::Currency, price::dollars, timed_text::TimedText},
};

/// How much of a subject is left beside `Cost guard: `.
const ROOM: usize = 87;

/// The subject: where AWS's number has waste in it, both numbers and how much the waste is.
pub(super) fn subject(advice: &Advice, offered: &Offered) -> String {
    not_what_aws_says(advice, offered)
        .unwrap_or_else(|| format!("a SageMaker Savings Plan of {} saves {}", per_hour(offered.commitment), monthly(offered.promised())))
}

/// `commit $5.21 an hour, not AWS's $13.03: 60 % of use looks forgotten ($7,713 a month)`. `None`: AWS does not recommend more, or not because of waste.
fn not_what_aws_says(advice: &Advice, offered: &Offered) -> Option<String> {
    let by_aws = offered.by_aws.as_ref()?.commitment;
    let [ours, theirs] = [offered.commitment, by_aws].map(short);
    let gone: Decimal = advice.deducted.iter().map(|one| one.usd).sum();
    let percent = (gone.checked_div(advice.on_demand)? * Decimal::ONE_HUNDRED).round();
    if by_aws <= offered.commitment || ours == theirs || percent.is_zero() || !reasons::is_waste(advice, offered) {
        return None;
    }
    let less = if offered.by_hours_alone.is_some() { ", and less ran before" } else { "" };
    let text = format!("commit {ours} an hour, not AWS's {theirs}: {percent} % of use {}{less}", fate(advice));
    let usd = format!(" ({} a month)", whole_dollars(advice.a_month(gone)));
    Some(if text.len() + usd.len() <= ROOM { text + &usd } else { text })
}

/// USD per hour with cents, rounded down; less than a dollar with all digits.
pub(super) fn short(commitment: Decimal) -> String {
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

/// What it saves by the hours and by the last two months, what it binds, and when it loses money.
pub(super) fn reason(advice: &Advice, offered: &Offered) -> String {
    let fall =
        offered.may_fall.map_or_else(String::new, |percent| format!("; you lose money if what it covers falls by more than {percent} %"));
    format!(
        "a SageMaker Savings Plan of {} ({}) would save {}{}; it binds you to {} in all{fall}",
        per_hour(offered.commitment),
        offered.offer,
        monthly(offered.usd_per_month),
        if_longer(advice, offered),
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

#[cfg(test)]
pub(super) mod tests {
    use rust_decimal::dec;

    use super::{super::tests::commitment, *};
    use crate::savings_plan::{Earlier, Offer};

    /// What the message is made of: $10 an hour of which `waste` is taken out, and AWS's number.
    pub(in crate::rules::savings_plans) fn given(by_aws: Decimal, waste: Decimal, certainty: Certainty) -> (Advice, Offered) {
        let mut advice = commitment(Some(by_aws)).advice.unwrap();
        advice.on_demand = dec!(3360);
        advice.deducted[0].together.usd_per_month = advice.a_month(waste);
        (advice.deducted[0].usd, advice.deducted[0].certainty) = (waste, certainty);
        let offered = advice.of(Offer::default()).unwrap().clone();
        (advice, offered)
    }

    #[test]
    fn the_subject_has_both_numbers_where_waste_makes_the_difference() {
        let plain = "a SageMaker Savings Plan of $3.650 per hour saves $985.50 a month";
        let reported = Certainty::Reported;
        for (by_aws, waste, certainty, subject) in [
            (dec!(7.3099), dec!(1680), reported, "commit $3.65 an hour, not AWS's $7.30: 50 % of use looks forgotten ($3,650 a month)"),
            (dec!(7.3), dec!(1680), Certainty::Enforced, "commit $3.65 an hour, not AWS's $7.30: 50 % of use will end ($3,650 a month)"),
            (dec!(3.65), dec!(1680), reported, plain),
            (dec!(3.6599), dec!(1680), reported, plain),
            (dec!(2), dec!(1680), reported, plain),
            (dec!(7.3), dec!(16), reported, plain),
            (dec!(123456789.5), dec!(1680), reported, "commit $3.65 an hour, not AWS's $123,456,789.50: 50 % of use looks forgotten"),
        ] {
            let (advice, offered) = given(by_aws, waste, certainty);
            assert_eq!(super::subject(&advice, &offered), subject, "{by_aws} {waste}");
        }
        let (mut advice, mut offered) = given(dec!(7.3), dec!(1680), reported);
        offered.by_hours_alone = Some(dec!(4));
        assert_eq!(
            super::subject(&advice, &offered),
            "commit $3.65 an hour, not AWS's $7.30: 50 % of use looks forgotten, and less ran before",
            "waste is not all of the reason"
        );
        offered.by_hours_alone = None;
        advice.deducted[0].moves_to_spot = true;
        assert!(super::subject(&advice, &offered).contains("50 % of use will end"));
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
        let (mut advice, mut offered) = given(dec!(7.3), dec!(1680), Certainty::Reported);
        let said = reason(&advice, &offered);
        assert!(said.ends_with("; it binds you to $31,974.00 in all; you lose money if what it covers falls by more than 27 %"), "{said}");
        offered.may_fall = None;
        assert!(reason(&advice, &offered).ends_with("would save $985.50 a month; it binds you to $31,974.00 in all"));
        // What the bill says of the two months before.
        advice.earlier = Some(Earlier { days: 60, part: dec!(0.77) });
        for (usd, much) in [(dec!(940), "as much"), (dec!(137.2), "$137.20 a month"), (dec!(-12.5), "lose $12.50 a month")] {
            offered.if_longer = Some(usd);
            let said = reason(&advice, &offered);
            let both = format!("$985.50 a month if the last 14 days go on, and {much} if the last 60 days repeat themselves; it binds");
            assert!(said.contains(&both), "{said}");
        }
    }
}
