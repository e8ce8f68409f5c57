//! The rules about commitments, on literals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::{Decimal, dec};

use crate::{
    facts::{Advised, Commitment, PlanKind, SavingsPlan, TrainingPlan, Utilisation},
    rulebook::Rulebook,
    rules::{
        context::RuleContext,
        rule::Rule,
        savings_plans::{
            reasons, savings_plan_expiring::SavingsPlanExpiring, savings_plan_returnable::SavingsPlanReturnable,
            savings_plan_shortfall::SavingsPlanShortfall, savings_plan_underused::SavingsPlanUnderused,
            savings_plan_wrong_kind::SavingsPlanWrongKind, training_plan_idle::TrainingPlanIdle,
        },
        verdict::{Severity, Verdict, Waste},
    },
    samples::{context, resource},
    savings_plan::{
        Advice, Amount, ByAws, Certainty, Deduction, Longer, Offer, Question, Rate, Rates, Together, Usage, Used, Vanishing, advise,
    },
    vocabulary::component::Component,
};

const NOW: &str = "2026-11-30T08:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[track_caller]
fn waste(verdict: Verdict) -> Waste {
    match verdict {
        Verdict::Waste(waste) => *waste,
        other => panic!("{other:?}"),
    }
}

/// A plan of $10 an hour that began half a year ago, of which 98 % is used.
fn plan() -> SavingsPlan {
    SavingsPlan {
        resource: resource("savings-plan/sp-1"),
        kind: PlanKind::SageMaker,
        is_active: true,
        offer: Some(Offer::default()),
        commitment: dec!(10),
        start: at("2026-06-01T00:00:00Z"),
        end: at("2027-06-01T00:00:00Z"),
        returnable_until: None,
        utilisation: Some(used(98)),
        uncovered_usd_per_month: Some(dec!(500)),
        has_sagemaker_plan: true,
        is_followed: false,
        renewal: Some(dec!(4.5)),
    }
}

/// 14 days of $10 an hour at a discount of 30 %.
fn used(percent: u32) -> Utilisation {
    let committed = dec!(3360);
    let used = committed * Decimal::from(percent) / dec!(100);
    Utilisation { days: 14, hours: dec!(336), committed, used, on_demand: (used / dec!(0.7)).round_dp(4) }
}

#[test]
fn what_nobody_uses_of_a_plan_is_told() {
    let rule = SavingsPlanUnderused::default();
    let check = |plan: &SavingsPlan| rule.check(plan, &context(NOW));
    assert_eq!(check(&plan()), Verdict::Fine);
    let told = waste(check(&SavingsPlan { utilisation: Some(used(71)), ..plan() }));
    assert_eq!(
        told.reason.to_string(),
        "71 % of $10.000 per hour was used in the last 14 days: nobody uses $2,117.00 a month; it pays from 70 % on"
    );
    assert_eq!(told.usd_per_month, Some(dec!(2117)));
    assert_eq!(check(&SavingsPlan { utilisation: None, ..plan() }), Verdict::Later, "Cost Explorer does not know it yet");
    for fine in [
        SavingsPlan { utilisation: Some(used(84)), ..plan() },
        SavingsPlan { utilisation: Some(used(71)), is_active: false, ..plan() },
        SavingsPlan { utilisation: Some(used(71)), kind: PlanKind::Other("Compute".into()), ..plan() },
        SavingsPlan { utilisation: Some(Utilisation { committed: dec!(10), used: dec!(1), ..used(71) }), ..plan() },
    ] {
        assert_eq!(check(&fine), Verdict::Fine, "{fine:?}");
    }
}

#[test]
fn an_end_is_told_at_sixty_thirty_and_seven_days() {
    let rule = SavingsPlanExpiring::default();
    let check = |end: &str, followed| rule.check(&SavingsPlan { end: at(end), is_followed: followed, ..plan() }, &context(NOW));
    for (end, key) in [
        ("2027-01-29T08:00:00Z", None), // in 60 days
        ("2027-01-29T07:00:00Z", Some("at 1")),
        ("2026-12-29T08:00:00Z", Some("at 2")),
        ("2026-12-05T08:00:00Z", Some("at 3")),
        ("2026-11-30T07:00:00Z", None),
    ] {
        match (check(end, false), key) {
            (Verdict::Fine, None) => {}
            (Verdict::Waste(waste), Some(level)) => {
                assert!(waste.notice.key.as_ref().unwrap().ends_with(level), "{end}: {:?}", waste.notice.key);
                assert!(waste.notice.advice.unwrap().starts_with("renew $4.500 per hour"));
                assert_eq!(waste.usd_per_month.map(|usd| usd.round_dp(2)), Some(dec!(2920)), "1.4 of each dollar, less the dollar");
                assert_eq!(waste.notice.severity, if level == "at 3" { Severity::Warning } else { Severity::Info });
            }
            (verdict, _) => panic!("{end}: {verdict:?}"),
        }
    }
    assert_eq!(check("2026-12-05T08:00:00Z", true), Verdict::Fine, "another one follows");
    let nothing = SavingsPlan { end: at("2026-12-05T08:00:00Z"), renewal: Some(dec!(0)), ..plan() };
    assert!(waste(rule.check(&nothing, &context(NOW))).notice.advice.unwrap().starts_with("let it end"));
}

#[test]
fn what_can_be_given_back_is_told_with_the_deadline() {
    let rule = SavingsPlanReturnable::default();
    let new = SavingsPlan { returnable_until: Some(at("2026-11-30T23:59:59Z")), utilisation: Some(used(40)), ..plan() };
    let told = waste(rule.check(&new, &context(NOW)));
    assert!(told.reason.to_string().starts_with("only 40 % of $10.000 per hour is used: it costs "), "{}", told.reason);
    assert!(told.reason.has_time() && told.notice.severity == Severity::Warning);
    for fine in [
        SavingsPlan { returnable_until: None, ..new.clone() },
        SavingsPlan { returnable_until: Some(at(NOW)), ..new.clone() },
        SavingsPlan { utilisation: Some(used(71)), ..new.clone() },
    ] {
        assert_eq!(rule.check(&fine, &context(NOW)), Verdict::Fine);
    }
    assert_eq!(rule.check(&SavingsPlan { utilisation: None, ..new }, &context(NOW)), Verdict::Later);
}

#[test]
fn a_plan_for_something_else_is_told_where_sagemaker_has_none() {
    let rule = SavingsPlanWrongKind::default();
    let compute = SavingsPlan { kind: PlanKind::Other("Compute".into()), has_sagemaker_plan: false, ..plan() };
    let told = waste(rule.check(&compute, &context(NOW)));
    assert_eq!(
        told.reason.to_string(),
        "a Compute Savings Plan of $10.000 per hour covers nothing of SageMaker, which costs $500.00 a month on demand"
    );
    for fine in [
        SavingsPlan { has_sagemaker_plan: true, ..compute.clone() },
        SavingsPlan { is_active: false, ..compute.clone() },
        SavingsPlan { uncovered_usd_per_month: Some(dec!(99)), ..compute.clone() },
        SavingsPlan { kind: PlanKind::SageMaker, ..compute },
    ] {
        assert_eq!(rule.check(&fine, &context(NOW)), Verdict::Fine);
    }
}

#[test]
fn a_training_plan_that_nobody_uses_is_told_with_the_dollars_left() {
    let rule = TrainingPlanIdle::default();
    let plan = TrainingPlan {
        resource: resource("training-plan/p5"),
        is_active: true,
        instance_type: Some("ml.p5.48xlarge".into()),
        instances: 4,
        in_use: 0,
        start: at("2026-11-28T08:00:00Z"),
        end: at("2026-12-06T08:00:00Z"),
        paid: Some(dec!(80000)),
        last_used: None,
    };
    let told = waste(rule.check(&plan, &context(NOW))).reason.to_string();
    assert!(
        told.contains("4 ml.p5.48xlarge, paid in advance until")
            && told.contains("nothing has used them for 2d; $60,000.00 are left in it"),
        "{told}"
    );
    for fine in [
        TrainingPlan { in_use: 1, ..plan.clone() },
        TrainingPlan { is_active: false, ..plan.clone() },
        TrainingPlan { last_used: Some(at("2026-11-30T00:00:00Z")), ..plan.clone() },
        TrainingPlan { end: at(NOW), ..plan.clone() },
        TrainingPlan { instances: 0, ..plan.clone() },
    ] {
        assert_eq!(rule.check(&fine, &context(NOW)), Verdict::Fine, "{fine:?}");
    }
    let later = TrainingPlan { paid: None, ..plan };
    assert!(!waste(rule.check(&later, &context(NOW))).reason.to_string().contains('$'));
}

/// Two weeks of an endpoint of $10 an hour, half of which is waste, and office hours.
pub(super) fn commitment(aws: Option<Decimal>) -> Commitment {
    let by_aws: Vec<ByAws> = aws
        .iter()
        .map(|commitment| ByAws { offer: Offer::default(), commitment: *commitment, usd_per_month: dec!(1900), detail: None, at: None })
        .collect();
    let advice = advised(&by_aws);
    Commitment {
        resource: resource("savings-plan/sagemaker"),
        account: Some("123456789012".into()),
        advice,
        why_not: None,
        by_aws,
        known_as: dec!(3.65),
        advised_before: None,
    }
}

/// The advice for these two weeks.
pub(super) fn advised(by_aws: &[ByAws]) -> Option<Advice> {
    let mut usage = Usage::new(vec!["USE1-Host:ml.g5.xlarge".into(), "USE1-Notebk:ml.t3.medium".into()]);
    for hour in 0..336 {
        let is_office = hour / 24 % 7 < 5 && (8..18).contains(&(hour % 24));
        usage.push([dec!(10), if is_office { dec!(8) } else { dec!(0) }]).unwrap();
    }
    let rates = |discount: Decimal| -> Rates {
        let rate = Rate { on_demand: dec!(1), savings_plan: dec!(1) - discount };
        usage.usage_types().iter().map(|name| (name.clone(), rate)).collect()
    };
    let offers = Offer::ALL.into_iter().zip([dec!(0.27), dec!(0.31), dec!(0.33), dec!(0.43), dec!(0.48), dec!(0.5)].map(rates)).collect();
    let deductions = [Deduction {
        what: "endpoint-idle: 2 resources".into(),
        resources: vec![Vanishing {
            name: "old".into(),
            owner: Some("ann@example.com".into()),
            found: at("2026-11-20T08:00:00Z"),
            told: Some(at("2026-11-20T08:00:00Z")),
            usd_per_month: dec!(2000),
            ..Vanishing::default()
        }],
        together: Together { resources: 2, usd_per_month: dec!(3650) },
        component: Component::Realtime,
        instance_type: None,
        amount: Amount::Hourly(vec![dec!(5); 336]),
        certainty: Certainty::Enforced,
    }];
    advise(&Question {
        usage: &usage,
        from: at("2026-11-15T00:00:00Z"),
        deductions: &deductions,
        owned: &[],
        offers: &offers,
        by_aws,
        longer: None,
    })
}

#[test]
fn what_is_left_without_the_waste_is_advised_beside_the_number_of_aws() {
    let rule = SavingsPlanShortfall::default();
    let found = commitment(Some(dec!(7.3)));
    let told = waste(rule.check(&found, &context(NOW)));
    // Half of the endpoint at 73 %; office hours are too few.
    assert_eq!(
        told.reason.to_string(),
        "a SageMaker Savings Plan of $3.650 per hour (1 year, No Upfront) would save $985.50 a month; it binds you to $31,974.00 in all; you lose money if what it covers falls by more than 27 %"
    );
    assert_eq!(told.usd_per_month, Some(dec!(985.5)));
    let text: String = told
        .notice
        .details
        .iter()
        .flat_map(|one| std::iter::once(one.title.to_string()).chain(one.list.clone()))
        .collect::<Vec<_>>()
        .join("\n");
    for line in [
        "Use of AWS account 123456789012 and, if it pays for other accounts, of those, from 2026-11-15 to 2026-11-28 (14 days, UTC), hour by hour: $9,038.10 a month on demand (a month is 730 hours)",
        "-$3,650.00 a month: endpoint-idle: 2 resources (Real-time endpoints; the guard ends it)",
        "   old, of ann@example.com, found on 2026-11-20: $2,000.00 a month",
        "no plan that this account owns or has queued covers any of it (plans of other accounts are not seen here)",
        "USE1-Host:ml.g5.xlarge: $7,300.00 a month at $1.000 per hour on demand, of which $3,650.00 stays: 10 x ml.g5.xlarge on average, 5 are waste, 5 stay",
        ": 2.4 x ml.t3.medium on average",
        "= $5,388.10 a month that stays",
        "AWS recommends $7.300 per hour. If the waste is kept and these hours go on, that is the better plan: it saves $1,971.00 a month. Once the waste has ended, it costs",
        "AWS's own estimate is $1,900.00 a month, an average of up to 60 days. It implies that over those days only about 99 % of this use ran; at 99 % the plan that is advised saves $",
        "Best without the waste: $3.650 per hour.",
        "1 year, No Upfront: $3.650 per hour (AWS: $7.300 per hour), 27 % less than on demand. It saves $985.50 a month. It binds you to $31,974.00, nothing of it due when you buy.",
        "all waste stays: it saves $985.50 a month",
        "25 % less use: it saves $344.58 a month",
        "50 % less use: it costs $296.35 a month more than no plan",
        "Half of it, $1.825 per hour, saves about $492.75 a month, even if half of this use ends.",
        "   and 1 more",
        "none of it is used any more: it costs $2,664.50 a month until its term is over",
        "Your policy asks for 1 year, No Upfront",
        "all of it would have been used in all 336 hours",
    ] {
        assert!(text.contains(line), "{line}\n\n{text}");
    }
    let bought = told.notice.advice.unwrap();
    assert!(bought.contains("type SageMaker, 1 year, No Upfront, hourly commitment 3.650 or less.\n3. On the sixth day"), "{bought}");
    assert!(bought.contains("return it (Savings Plans, Inventory, Return). That is possible only within 7 days"), "{bought}");
}

#[test]
fn waste_is_told_with_what_shows_it() {
    let mut advice = commitment(None).advice.unwrap();
    advice.deducted[0].certainty = Certainty::Reported;
    let whole = Vanishing {
        reason: Some("not called in the last 14d: the limit is 7d".into()),
        since: Some(at("2026-10-15T08:00:00Z")),
        region: Some("us-east-1".into()),
        instance_type: Some("ml.g5.xlarge".into()),
        usd_per_month: dec!(2190),
        ..advice.deducted[0].resources[0].clone()
    };
    for (resource, line) in [
        (
            whole.clone(),
            "   old (us-east-1, 3 x ml.g5.xlarge, since 2026-10-15), not called in the last 14d: the limit is 7d; of ann@example.com, who was told on 2026-11-20 and has not decided yet: $2,190.00 a month",
        ),
        // It runs a part of the time: how many there are is not known.
        (
            Vanishing { usd_per_month: dec!(2000), since: None, reason: None, owner: None, ..whole },
            "   old (us-east-1), no owner known, found on 2026-11-20: $2,000.00 a month",
        ),
    ] {
        advice.deducted[0].resources = vec![resource];
        let offered = advice.of(Offer::default()).unwrap();
        assert_eq!(reasons::details(&commitment(None), &advice, offered)[0].list[1], line);
    }
}

/// What is advised for $10 an hour since the 15th of November, of which $5 is waste that has run for 60 days, and for so much an hour before. `change`: more to ask.
fn advised_after(before: Decimal, change: impl Fn(&mut Usage)) -> Advice {
    let mut usage = Usage::new(vec!["USE1-Host:ml.g5.xlarge".into()]);
    (0..336).for_each(|_| usage.push([dec!(10)]).unwrap());
    change(&mut usage);
    let from = at("2026-11-15T00:00:00Z");
    let rate = Rate { on_demand: dec!(1), savings_plan: dec!(0.7) };
    let offers = [(Offer::default(), [("USE1-Host:ml.g5.xlarge".to_owned(), rate)].into_iter().collect())].into();
    let day = |back: i64| jiff::civil::date(2026, 11, 28) - jiff::Span::new().days(back);
    let hours = |back: i64| if back < 14 { dec!(240) } else { before * dec!(24) };
    let days = (0..60).map(|back| (day(back), [("Host:ml.g5.xlarge".to_owned(), hours(back))].into())).collect();
    let longer = Longer::of(&usage, from, &days).unwrap();
    let idle = |hours| Deduction {
        what: "endpoint-idle: 1 resource".into(),
        resources: vec![],
        together: Together { resources: 1, usd_per_month: dec!(3650) },
        component: Component::Realtime,
        instance_type: None,
        amount: Amount::Hourly(vec![dec!(5); hours]),
        certainty: Certainty::Reported,
    };
    let (short, long) = ([idle(336)], [idle(1440)]);
    let longer = Some((&longer, &long[..]));
    advise(&Question { usage: &usage, from, deductions: &short, owned: &[], offers: &offers, by_aws: &[], longer }).unwrap()
}

#[test]
fn what_the_two_months_before_do_not_carry_is_not_advised() {
    for (before, part, commitment, alone) in [
        // Five of five on 14 days, and so many of five before.
        (dec!(10), dec!(1), dec!(3.5), None),
        (dec!(9), dec!(0.8467), dec!(2.8), Some(dec!(3.5))),
        (dec!(6), dec!(0.3867), dec!(0.7), Some(dec!(3.5))),
        (dec!(5), dec!(0.2333), dec!(0), Some(dec!(3.5))),
        (dec!(20), dec!(2.5333), dec!(3.5), None),
    ] {
        let advice = advised_after(before, |_| {});
        let offered = advice.of(Offer::default()).unwrap();
        let earlier = advice.earlier.as_ref().unwrap();
        assert_eq!((earlier.days, earlier.part, offered.commitment), (60, part, commitment), "{before}");
        assert_eq!(offered.by_hours_alone, alone, "{before}");
        assert!(offered.if_longer.is_some_and(|usd| Decimal::ZERO <= usd), "{before}: {:?}", offered.if_longer);
    }
}

#[test]
fn it_is_said_what_the_two_months_before_carry() {
    let advice = advised_after(dec!(9), |_| {});
    let found = Commitment { advice: Some(advice), ..commitment(None) };
    let told = waste(SavingsPlanShortfall::default().check(&found, &context(NOW)));
    let says = "would save $876.00 a month if the last 14 days go on, and as much if the last 60 days repeat themselves; it binds you to $24,528.00";
    assert!(told.reason.to_string().contains(says), "{}", told.reason);
    assert!(told.notice.advice.as_ref().unwrap().contains("hourly commitment 2.800 or less"), "{:?}", told.notice.advice);
    let says = "the guard has the bill of 60 days. On these, 84.7 % of the use that stays ran on average. The last 14 days alone carry $3.500 per hour, the 60 days carry $2.800 per hour: the smaller of both is advised. If the use goes on, the guard advises more.";
    assert!(told.notice.details.iter().any(|one| one.title.to_string().contains(says)), "{:?}", told.notice.details);

    let none = Commitment { advice: Some(advised_after(dec!(5), |_| {})), ..commitment(Some(dec!(7.3))) };
    let offered = none.advice.as_ref().unwrap().of(Offer::default()).unwrap();
    assert_eq!(
        reasons::why_not(none.advice.as_ref().unwrap(), offered),
        "the use of the last 14 days would pay for a plan, that of the last 60 does not"
    );
}

/// All use stopped two days ago, and a plan for a year was advised.
#[test]
fn use_that_has_ended_is_not_committed_to() {
    for (days, percent, ended_on, commitment) in [
        (0, 0, None, dec!(3.5)),
        // A day may be a holiday, or not complete yet.
        (1, 0, None, dec!(3)),
        (2, 0, Some("2026-11-27"), dec!(0)),
        (5, 4, Some("2026-11-24"), dec!(0)),
        (2, 60, None, dec!(3.1)),
    ] {
        let advice = advised_after(dec!(10), |usage| {
            let last = 336 - days * 24;
            *usage = usage.lessened(|hour, _, usd| if last <= hour { usd * Decimal::from(percent) / Decimal::ONE_HUNDRED } else { usd });
        });
        let offered = advice.of(Offer::default()).unwrap();
        assert_eq!(advice.ended_on.map(|day| day.to_string()).as_deref(), ended_on, "{days} {percent}");
        assert_eq!(offered.commitment, commitment, "{days} {percent}");
    }
}

/// Sized by these hours of some usage types at a discount of 26 %, the last hour that of a Saturday's end.
fn sized_by(hours: usize, usd: impl Fn(usize) -> [Decimal; 2]) -> Advice {
    let mut usage = Usage::new(vec!["USE1-Host:ml.m5.xlarge".into(), "USE1-Host:ml.p3.2xlarge".into()]);
    (0..hours).for_each(|hour| usage.push(usd(hour)).unwrap());
    let rate = Rate { on_demand: dec!(1), savings_plan: dec!(0.74) };
    let rates: Rates = usage.usage_types().iter().map(|name| (name.clone(), rate)).collect();
    let offers = BTreeMap::from([(Offer::default(), rates)]);
    let from = at("2026-11-16T00:00:00Z");
    advise(&Question { usage: &usage, from, deductions: &[], owned: &[], offers: &offers, by_aws: &[], longer: None }).unwrap()
}

/// 13 days have one weekend day less than whole weeks, if they begin on a Monday: a plan for use of weekdays looked right.
#[test]
fn thirteen_days_are_sized_as_two_weeks() {
    for begins in 0..7 {
        let advice = sized_by(13 * 24, |hour| [if (begins + hour / 24) % 7 < 5 { dec!(10) } else { dec!(0) }, dec!(0)]);
        let offered = &advice.offers[0];
        assert_eq!((advice.hours, offered.commitment), (312, dec!(0)), "begins on day {begins}: five of seven days do not pay");
    }
    // A job of every Sunday is no trend.
    let sunday = sized_by(13 * 24, |hour| [dec!(1), if hour / 24 % 7 == 6 { dec!(20) } else { dec!(0) }]);
    assert!(!sunday.is_changing() && !sunday.has_moved(), "{} {}", sunday.trend, sunday.moved);
}

/// The dollars were equal, and the plan for a year was for a usage type that nobody uses any more.
#[test]
fn use_that_moved_to_another_usage_type_is_seen() {
    let moved =
        sized_by(336, |hour| if hour < 192 { [dec!(10), dec!(0)] } else { [dec!(0), if hour % 24 < 12 { dec!(20) } else { dec!(0) }] });
    assert!(!moved.is_changing() && moved.has_moved(), "{} {}", moved.trend, moved.moved);
    assert_eq!((moved.offers[0].commitment, moved.ended_types), (dec!(0), vec!["USE1-Host:ml.m5.xlarge".to_owned()]));
    let both = sized_by(336, |hour| [if hour < 264 { dec!(10) } else { dec!(0) }, dec!(10)]);
    assert_eq!(both.offers[0].commitment, dec!(7.4), "what ended three days ago is left out");
}

#[test]
fn what_it_covers_may_fall_by_what_it_saves_of_it() {
    // 10 all the time and 8 in office hours: the plan covers the steady part.
    let advice = sized_by(336, |hour| [dec!(10), if (9..17).contains(&(hour % 24)) { dec!(8) } else { dec!(0) }]);
    let offered = &advice.offers[0];
    assert_eq!((offered.commitment, offered.may_fall, offered.covers().map(|usd| usd.round_dp(2))), (dec!(7.4), Some(26), Some(dec!(10))));
}

/// The advice of a mail became a third before the days on which to buy began, and nobody was told.
#[test]
fn another_number_is_mailed_and_one_that_does_not_hold_is_taken_back() {
    let check = |found: &Commitment| waste(SavingsPlanShortfall::default().check(found, &context(NOW)));
    let found = commitment(None);
    let changed = Commitment { known_as: dec!(5), ..found.clone() };
    assert_ne!(check(&found).notice.key, check(&changed).notice.key);
    let before = Some(Advised { commitment: dec!(5.21), usd_per_month: dec!(900) });
    let none = Commitment { advice: Some(sized_by(336, |_| [dec!(0); 2])), advised_before: before, ..found };
    let taken_back = check(&none);
    let subject = taken_back.notice.subject.as_deref();
    assert_eq!(subject, Some("do not buy the Savings Plan of $5.210 per hour that was advised"));
    assert!(
        taken_back.reason.to_string().starts_with("$5.210 per hour was advised a week ago, and is not any more: "),
        "{}",
        taken_back.reason
    );
    let nobody_knew = Commitment { advised_before: None, ..none };
    assert_eq!(SavingsPlanShortfall::default().check(&nobody_knew, &context(NOW)), Verdict::Fine);
}

#[test]
fn a_plan_pays_once_it_has_covered_what_all_of_it_costs() {
    let advice = advised(&[]).unwrap();
    let offered = advice.of(Offer::default()).unwrap().clone();
    for (utilisation, months) in [(dec!(1), dec!(8.76)), (dec!(0.8), dec!(10.95))] {
        let offered = crate::savings_plan::Offered { utilisation: Some(utilisation), ..offered.clone() };
        assert_eq!(offered.months_that_pay(), Some(months));
    }
}

#[test]
fn what_its_owner_decides_is_not_told_as_if_it_had_been_decided() {
    for (certainty, moves, lines) in [
        (
            Certainty::Reported,
            false,
            [
                "-$3,650.00 a month if it is ended: endpoint-idle: 2 resources (Real-time endpoints; looks forgotten; its owner decides)",
                "   old, of ann@example.com, who was told on 2026-11-20 and has not decided yet: $2,000.00 a month",
            ],
        ),
        (
            Certainty::Reported,
            true,
            [
                "-$3,650.00 a month once it has moved: endpoint-idle: 2 resources (Real-time endpoints; its owner decides)",
                "   old, of ann@example.com, who was told on 2026-11-20 and has not decided yet: $2,000.00 a month",
            ],
        ),
        (
            Certainty::Enforced,
            false,
            [
                "-$3,650.00 a month: endpoint-idle: 2 resources (Real-time endpoints; the guard ends it)",
                "   old, of ann@example.com, found on 2026-11-20: $2,000.00 a month",
            ],
        ),
    ] {
        let mut found = commitment(None);
        let deducted = &mut found.advice.as_mut().unwrap().deducted[0];
        (deducted.certainty, deducted.moves_to_spot) = (certainty, moves);
        let told = waste(SavingsPlanShortfall::default().check(&found, &context(NOW)));
        let list = told.notice.details.into_iter().find(|one| one.title.to_string().starts_with("Use of")).unwrap().list;
        assert_eq!(list[..2], lines);
    }
}

#[test]
fn instances_are_counted_from_the_dollars() {
    let used =
        |on_demand: Decimal, stays: Decimal| Used { usage_type: "EUC1-Host:ml.g5.xlarge".into(), on_demand, stays, price: Some(dec!(2)) };
    let hour = |usd: Decimal| usd * dec!(336);
    for (one, owned, says) in [
        (used(hour(dec!(20)), hour(dec!(8))), dec!(0), Some("10 x ml.g5.xlarge on average, 6 are waste, 4 stay")),
        (used(hour(dec!(5)), hour(dec!(2))), dec!(0), Some("2.5 x ml.g5.xlarge on average, 1.5 are waste, 1 stays")),
        (used(hour(dec!(4)), hour(dec!(2))), dec!(0), Some("2 x ml.g5.xlarge on average, 1 is waste, 1 stays")),
        (used(hour(dec!(4)), hour(dec!(4))), dec!(0), Some("2 x ml.g5.xlarge on average")),
        (used(hour(dec!(20)), hour(dec!(8))), dec!(1), Some("10 x ml.g5.xlarge on average, 6 are waste or have a plan, 4 stay")),
        (used(hour(dec!(0.05)), dec!(0)), dec!(0), None),
        (Used { price: None, ..used(hour(dec!(20)), dec!(0)) }, dec!(0), None),
        (Used { price: Some(dec!(0)), ..used(hour(dec!(20)), dec!(0)) }, dec!(0), None),
        (Used { usage_type: "EUC1-Host:VolumeUsage.gp3".into(), ..used(hour(dec!(20)), dec!(0)) }, dec!(0), None),
    ] {
        let advice = Advice { owned_covers: owned, ..commitment(None).advice.unwrap() };
        assert_eq!(reasons::instances(&advice, &one).as_deref(), says, "{one:?}");
    }
}

#[test]
fn a_plan_of_more_than_a_hundred_dollars_an_hour_cannot_be_returned() {
    let mut found = commitment(None);
    found.advice.as_mut().unwrap().offers.iter_mut().for_each(|one| one.commitment = dec!(100.001));
    let told = waste(SavingsPlanShortfall::default().check(&found, &context(NOW)));
    let bought = told.notice.advice.unwrap();
    assert!(!bought.contains("7 days") && bought.contains("cannot be returned at all"), "{bought}");
}

#[test]
fn a_trend_is_not_called_waste() {
    let mut found = commitment(Some(dec!(7.3)));
    let advice = found.advice.as_mut().unwrap();
    advice.deducted.clear();
    for one in &mut advice.offers {
        (one.commitment, one.usd_per_month) = (dec!(0), dec!(0));
    }
    let told = waste(SavingsPlanShortfall::default().check(&found, &context(NOW)));
    assert_eq!(told.notice.advice.as_deref(), Some("buy nothing. The guard looks again every week."));
}

#[test]
fn the_policys_way_to_buy_is_advised() {
    let rulebook = Rulebook::from_toml("[savings-plan]\nterm = \"3y\"\npayment = \"all-upfront\"").unwrap();
    let cx = RuleContext { policy: &rulebook.policy, ..context(NOW) };
    let told = waste(SavingsPlanShortfall::default().check(&commitment(None), &cx));
    assert!(told.reason.to_string().contains("(3 years, All Upfront)"), "{}", told.reason);
}

#[test]
fn do_not_buy_is_said_where_aws_says_buy() {
    let rule = SavingsPlanShortfall::default();
    let mut found = commitment(Some(dec!(7.3)));
    for one in &mut found.advice.as_mut().unwrap().offers {
        (one.commitment, one.usd_per_month) = (dec!(0), dec!(0));
    }
    let told = waste(rule.check(&found, &context(NOW)));
    assert_eq!((told.usd_per_month, told.notice.key.as_deref()), (None, Some("do not buy")));
    found.advice.as_mut().unwrap().offers.iter_mut().for_each(|one| one.by_aws = None);
    assert_eq!(rule.check(&found, &context(NOW)), Verdict::Fine);
    assert_eq!(rule.check(&Commitment { advice: None, ..found }, &context(NOW)), Verdict::Later);
}

#[test]
fn few_hours_and_a_changing_week_make_it_careful() {
    let offers = [(Offer::default(), Rates::from([("a".into(), Rate { on_demand: dec!(1), savings_plan: dec!(0.7) })]))].into();
    let advised = |hours: &[Decimal]| {
        let mut usage = Usage::new(vec!["a".into()]);
        for usd in hours {
            usage.push([*usd]).unwrap();
        }
        advise(&Question {
            usage: &usage,
            from: at("2026-11-15T00:00:00Z"),
            deductions: &[],
            owned: &[],
            offers: &offers,
            by_aws: &[],
            longer: None,
        })
    };
    assert_eq!(advised(&[dec!(10); 167]), None, "less than a week");
    let ends = advised(&[[dec!(10); 168], [dec!(2); 168]].concat()).unwrap();
    assert!(ends.is_changing());
    // All of the commitment of the first week would be under water in the second.
    assert_eq!(ends.of(Offer::default()).unwrap().commitment, dec!(1.4));
    let steady = advised(&[dec!(10); 336]).unwrap();
    assert!(!steady.is_changing() && steady.of(Offer::default()).unwrap().commitment == dec!(7));
    let begins = advised(&[[dec!(2); 168], [dec!(10); 168]].concat()).unwrap();
    assert_eq!(begins.of(Offer::default()).unwrap().commitment, dec!(1.4), "growth is not bet on");
}
