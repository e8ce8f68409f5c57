//! The ways to buy a plan: what each saves and binds, and what paying early brings.

use rust_decimal::Decimal;

use super::{if_longer, monthly, per_hour, percent};
use crate::{
    rules::verdict::Detail,
    savings_plan::{Advice, Offer, Offered, Payment},
    vocabulary::price::dollars,
};

/// All ways to buy.
pub(super) fn ways(advice: &Advice, offered: &Offered) -> Detail {
    Detail {
        title: format!("The ways to buy it. Your policy asks for {} (`[savings-plan]` term and payment)", offered.offer).into(),
        list: advice.offers.iter().map(|one| way(advice, one)).collect(),
    }
}

/// One way to buy. That all of it is used goes without saying.
fn way(advice: &Advice, one: &Offered) -> String {
    let aws = one.by_aws.as_ref().map_or_else(String::new, |aws| format!(" (AWS: {})", per_hour(aws.commitment)));
    if one.commitment.is_zero() {
        return format!("{}: do not buy{aws}", one.offer);
    }
    let cheaper = one.discount().map_or_else(String::new, |part| format!(", {} less than on demand", percent(part)));
    let used = one.utilisation.map(percent).filter(|used| used != "100 %");
    format!(
        "{}: {}{aws}{cheaper}. It saves {}{}. It binds you to {}, {}.{}",
        one.offer,
        per_hour(one.commitment),
        monthly(one.usd_per_month),
        if_longer(advice, one),
        dollars(one.binds()),
        upfront(advice, one),
        used.map_or_else(String::new, |used| format!(" {used} of it is used."))
    )
}

/// What is paid early, and what that brings.
fn upfront(advice: &Advice, one: &Offered) -> String {
    let paid = match one.offer.payment {
        Payment::NoUpfront => return "nothing of it due when you buy".to_owned(),
        Payment::PartialUpfront => dollars(one.upfront()),
        Payment::AllUpfront => "all".to_owned(),
    };
    let no_upfront = advice.of(Offer { payment: Payment::NoUpfront, ..one.offer });
    let more = no_upfront.map(|other| one.usd_per_month - other.usd_per_month).filter(|usd| Decimal::ZERO < *usd);
    let covers_the_same = no_upfront.is_some_and(|other| is_about(one.covers(), other.covers()));
    let why = if covers_the_same { "for that it" } else { "it covers more, and" };
    let more = more.map_or_else(String::new, |usd| format!(": {why} saves {} more than No Upfront", monthly(usd)));
    let back = one
        .payback_months()
        .map_or_else(String::new, |months| format!(". It is recovered by savings after {:.1} months", months.round_dp(1)));
    format!("{paid} of it due when you buy{more}{back}")
}

/// Whether two amounts differ by less than 1 %.
fn is_about(one: Option<Decimal>, other: Option<Decimal>) -> bool {
    one.zip(other).is_some_and(|(one, other)| (one - other).abs() * Decimal::ONE_HUNDRED < other)
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::{super::tests::commitment, *};

    #[test]
    fn each_way_says_what_paying_early_brings() {
        let advice = commitment(None).advice.unwrap();
        let all = ways(&advice, &advice.offers[0]).list;
        for (index, end) in [
            (0, "It binds you to $31,974.00, nothing of it due when you buy."),
            (
                1,
                "It binds you to $30,222.00, $15,111.00 of it due when you buy: for that it saves $146.00 a month more than No Upfront. It is recovered by savings after 6.3 months.",
            ),
            (
                2,
                "It binds you to $29,346.00, all of it due when you buy: for that it saves $219.00 a month more than No Upfront. It is recovered by savings after 8.0 months.",
            ),
            (
                5,
                "It binds you to $65,700.00, all of it due when you buy: for that it saves $255.50 a month more than No Upfront. It is recovered by savings after 18.0 months.",
            ),
        ] {
            assert!(all[index].ends_with(end), "{end}\n{}", all[index]);
        }
    }

    #[test]
    fn what_is_not_used_is_said_and_what_saves_nothing_more_is_not() {
        let mut advice = commitment(None).advice.unwrap();
        advice.offers[1].utilisation = Some(dec!(0.971));
        advice.offers[1].usd_per_month = advice.offers[0].usd_per_month;
        advice.offers[2].commitment = dec!(0);
        let all = ways(&advice, &advice.offers[0]).list;
        assert!(!all[0].contains("is used") && all[1].ends_with(" months. 97.1 % of it is used."), "{all:?}");
        assert!(!all[1].contains("more than No Upfront"), "{all:?}");
        assert_eq!(all[2], "1 year, All Upfront: do not buy");
    }
}
