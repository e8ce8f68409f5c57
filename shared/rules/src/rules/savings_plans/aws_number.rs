//! AWS's number, and why ours is another one.

use rust_decimal::{Decimal, dec};

use super::{monthly, per_hour, saves, whole_dollars};
use crate::{
    rules::verdict::Detail,
    savings_plan::{Advice, ByAws, Offered, Tried},
    vocabulary::timed_text::TimedText,
};

/// Commitments that differ by less than this part are the same for people.
const SAME: Decimal = dec!(0.01);

/// Whether AWS's number is about what would be advised with all waste in the use: one of both is enough to say.
pub(super) fn is_best_with_waste(offered: &Offered) -> bool {
    let best = offered.with_waste.commitment;
    offered.by_aws.as_ref().is_some_and(|aws| (aws.commitment - best).abs() <= best * SAME)
}

/// AWS's number, and why ours is another one. `None`: AWS has none, or the same.
pub(super) fn by_aws(advice: &Advice, offered: &Offered) -> Option<Detail> {
    let (aws, here) = (offered.by_aws.as_ref()?, offered.by_aws_here.as_ref()?);
    if offered.commitment == aws.commitment.round_dp(5) {
        return None;
    }
    let mut list = vec![recommended(advice, offered, here), estimate(aws, offered)];
    list.extend(best(advice, offered));
    Some(Detail { title: TimedText::from("Why AWS says another number"), list })
}

/// What AWS's number saves in these hours. Whether waste is kept is for its owners to decide.
fn recommended(advice: &Advice, offered: &Offered, here: &Tried) -> String {
    let aws = per_hour(here.commitment);
    let (stays, ends) = (saves(here.if_waste_stays), saves(here.if_waste_ends));
    if advice.deducted.is_empty() {
        format!("AWS recommends {aws}. In these hours it {ends}.")
    } else if offered.if_waste_stays < here.if_waste_stays {
        format!(
            "AWS recommends {aws}. If the waste is kept and these hours go on, that is the better plan: it {stays}. Once the waste has ended, it {ends}."
        )
    } else {
        format!("AWS recommends {aws}. As long as the waste stays, it {stays}. Once that has ended, it {ends}.")
    }
}

/// AWS's own estimate, and what it implies.
fn estimate(aws: &ByAws, offered: &Offered) -> String {
    // What the bill says of the days before is better than what follows from an average.
    let implied = offered.implied.as_ref().filter(|_| offered.if_longer.is_none());
    let implied = implied.map_or_else(String::new, |implied| {
        let percent = (implied.part * Decimal::ONE_HUNDRED).round();
        let usd = whole_dollars(implied.usd_per_month.abs());
        let saves = if implied.usd_per_month.is_sign_negative() {
            format!("costs {usd} a month more than no plan")
        } else {
            format!("saves {usd} a month")
        };
        let ours = if offered.commitment.is_zero() { String::new() } else { format!("; at {percent} % the plan that is advised {saves}") };
        format!(" It implies that over those days only about {percent} % of this use ran{ours}.")
    });
    format!("AWS's own estimate is {}, an average of up to 60 days.{implied}", monthly(aws.usd_per_month))
}

/// What is best with and without what makes the difference, as far as it has not been said.
fn best(advice: &Advice, offered: &Offered) -> Vec<String> {
    let (with_waste, has_waste) = (offered.with_waste.commitment, !advice.deducted.is_empty());
    let rest = if advice.owned_covers.is_zero() { "the same use" } else { "what your plans leave of the use" };
    let mut list = vec![];
    if !is_best_with_waste(offered) {
        list.push(format!("Best for {rest}{}: {}.", if has_waste { " with all waste in it" } else { "" }, per_hour(with_waste)));
    }
    let by_hours = offered.by_hours();
    if with_waste != by_hours {
        let why = if has_waste { "without the waste" } else { "for the last days alone, because use is changing" };
        list.push(format!("Best {why}: {}.", per_hour(by_hours)));
    }
    if let Some(earlier) = advice.earlier.as_ref().filter(|_| offered.by_hours_alone.is_some()) {
        let carry = if offered.commitment.is_zero() { "none".to_owned() } else { per_hour(offered.commitment) };
        list.push(format!("Best if the last {} days repeat themselves: {carry}.", earlier.days));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::{super::tests::commitment, *};
    use crate::savings_plan::{Implied, Offer};

    /// What is said of AWS's number if all that AWS could cover is worth $7.300 per hour, and half of it is waste.
    fn said(aws: Decimal, change: impl Fn(&mut Offered)) -> Vec<String> {
        let advice = commitment(Some(aws)).advice.unwrap();
        let mut offered = advice.of(Offer::default()).unwrap().clone();
        change(&mut offered);
        by_aws(&advice, &offered).map(|detail| detail.list).unwrap_or_default()
    }

    #[test]
    fn two_numbers_that_are_nearly_the_same_are_said_once() {
        for (aws, lines) in [(dec!(7.3), 3), (dec!(7.25), 3), (dec!(7.1), 4), (dec!(3.65), 0)] {
            let said = said(aws, |_| {});
            assert_eq!(said.len(), lines, "{aws}: {said:?}");
            assert_eq!(said.iter().any(|line| line.contains("with all waste in it: $7.300 per hour.")), lines == 4, "{said:?}");
        }
    }

    #[test]
    fn who_keeps_the_waste_is_told_which_plan_is_better() {
        for (aws, text) in [
            (
                dec!(7.3),
                "If the waste is kept and these hours go on, that is the better plan: it saves $1,971.00 a month. Once the waste has ended, it costs",
            ),
            (dec!(2), "As long as the waste stays, it saves $540.00 a month. Once that has ended, it saves $540.00 a month."),
        ] {
            assert!(said(aws, |_| {})[0].contains(text), "{:?}", said(aws, |_| {}));
        }
    }

    #[test]
    fn an_estimate_that_is_lower_than_these_hours_says_what_it_implies() {
        let implied = |usd_per_month| Some(Implied { part: dec!(0.7608), usd_per_month });
        let average = "AWS's own estimate is $1,900.00 a month, an average of up to 60 days.";
        for (implied, end) in [
            (None, ""),
            (
                implied(dec!(106.9)),
                " It implies that over those days only about 76 % of this use ran; at 76 % the plan that is advised saves $107 a month.",
            ),
            (
                implied(dec!(-12.4)),
                " It implies that over those days only about 76 % of this use ran; at 76 % the plan that is advised costs $12 a month more than no plan.",
            ),
        ] {
            assert_eq!(said(dec!(7.3), |offered| offered.implied.clone_from(&implied))[1], format!("{average}{end}"));
        }
        let none = said(dec!(7.3), |offered| (offered.commitment, offered.implied) = (dec!(0), implied(dec!(0))));
        assert!(none[1].ends_with(" only about 76 % of this use ran."), "no plan is advised: {none:?}");
    }

    #[test]
    fn the_part_that_ran_is_worked_out_from_the_estimate() {
        // $5,329.00 a month are committed, and $7,300.00 covered in these hours.
        for (estimate, implied) in [
            (dec!(1971), None),
            (dec!(2500), None),
            (dec!(-5400), None),
            (dec!(-759), Some((dec!(0.626), dec!(26.7)))),
            (dec!(511), Some((dec!(0.8), dec!(472.8)))),
        ] {
            let mut found = commitment(Some(dec!(7.3)));
            found.by_aws[0].usd_per_month = estimate;
            let advice = super::super::tests::advised(&found.by_aws).unwrap();
            let got = advice.of(Offer::default()).unwrap().implied.clone();
            assert_eq!(got.map(|one| (one.part.round_dp(4), one.usd_per_month.round_dp(1))), implied, "{estimate}");
        }
    }
}
