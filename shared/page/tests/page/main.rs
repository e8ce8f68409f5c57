//! The page of sample reports, as text. What a browser makes of it is tested in the repository's tests/page, with the pages that are written here.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test: it panics, and reads the charts as they were")]

mod amounts;
mod samples;
mod scan;
mod text;

use std::{collections::BTreeMap, fs, path::Path};

use cost_page::{page, scan::scan_page};
use cost_rules::{
    currency::Currency,
    report::{Became, Budget, Change, CostReport, Found, Hours, Line, Money, Trend, Unchecked},
};
use rust_decimal::{Decimal, dec};

use samples::{hostile, largest, minimal, month, report, team};

/// The sections of a page, in order.
const SECTIONS: [&str; 14] = [
    "guard",
    "decisions",
    "trend",
    "components",
    "teams",
    "accounts",
    "instance-types",
    "spot",
    "savings-plans",
    "resources",
    "sleeping",
    "exemptions",
    "inference",
    "method",
];

fn sections(page: &str) -> Vec<&str> {
    page.split("<section id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn linked(page: &str) -> Vec<&str> {
    let nav = page.split("<nav").nth(1).unwrap().split("</nav>").next().unwrap();
    nav.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_pages_are_written_for_the_browsers_tests() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).unwrap();
    let samples = [
        ("report", report()),
        ("month", month()),
        ("minimal", minimal()),
        ("team", team()),
        ("hostile", hostile()),
        ("largest", largest()),
    ];
    for (name, report) in samples {
        fs::write(folder.join(format!("{name}.html")), page(&report).unwrap()).unwrap();
    }
    for (name, found) in [("scan", scan::scan()), ("hostile-scan", scan::hostile_scan())] {
        fs::write(folder.join(format!("{name}.html")), scan_page(&found).unwrap()).unwrap();
    }
}

#[test]
fn the_sample_in_docs_is_the_page() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cost-report-sample.html");
    let is_same = fs::read_to_string(&sample).unwrap_or_default() == page(&report()).unwrap();
    assert!(
        is_same,
        "docs/cost-report-sample.html is stale: cp {}/pages/report.html docs/cost-report-sample.html",
        env!("CARGO_TARGET_TMPDIR")
    );
}

#[test]
fn the_sample_is_consistent() {
    for report in [report(), team()] {
        let whole = report.spent.usd;
        let sum = |all: Vec<Money>| all.into_iter().sum::<Money>();
        assert_eq!(sum(report.components.iter().map(|line| line.spent.usd).collect()), whole);
        for lines in [&report.teams, &report.accounts] {
            assert!(lines.is_empty() || sum(lines.iter().map(|line| line.spent.usd).collect()) == whole);
            assert!(lines.is_empty() || sum(lines.iter().filter_map(|line| line.spent.before).collect()) == report.spent.before.unwrap());
        }
        let in_period = |usd: &Money, at: usize| report.period.has(report.trend.days[at]).then_some(*usd);
        let of_days = |series: &cost_rules::report::Series| series.usd.iter().enumerate().filter_map(|(at, usd)| in_period(usd, at)).sum();
        assert_eq!(report.trend.components.iter().map(of_days).sum::<Money>(), whole);
        let counted = || report.method.charge_types.iter().filter(|charge| charge.is_counted);
        assert!(counted().count() == 0 || counted().map(|charge| charge.amortized).sum::<Money>() == whole);
        assert_eq!(report.guard.savings.iter().map(|saving| saving.estimated).sum::<Money>(), report.guard.estimated);
    }
}

#[test]
fn an_account_s_page_has_all_sections_and_a_team_s_those_with_content() {
    let page_of = |report: &CostReport| page(report).unwrap();
    let full = page_of(&report());
    assert_eq!(sections(&full), SECTIONS);
    assert_eq!(linked(&full), SECTIONS);
    let of_team = page_of(&team());
    let shown = ["guard", "decisions", "trend", "components", "instance-types", "spot", "exemptions", "method"];
    assert_eq!(sections(&of_team), shown);
    assert_eq!(linked(&of_team), shown);
}

#[test]
fn a_page_of_nothing_says_so() {
    let page = page(&minimal()).unwrap();
    assert_eq!(sections(&page), ["nothing", "method"], "one section has all that was found empty");
    for words in [
        "SageMaker cost <strong>$0.00</strong> in November 2026.</h1>",
        "30\u{a0}days are not on the bill yet, so this is less than the whole, and is not compared.",
        "no cause is known",
        "Nothing needs a decision.",
        "The guard stopped and changed nothing in the month.",
        "There are not enough days yet to show a trend.",
        "No cost is known by team.",
        "No cost is known by account.",
        "No instances are on the bill in the month.",
        "Nothing was trained.",
        "No SageMaker Savings Plan is on the bill.",
        "No cost of single resources is known.",
        "No endpoint sleeps.",
        "Nothing is exempt.",
        "No endpoint is known that would cost less served another way.",
        "Nothing of SageMaker is on the bill.",
        "Cost Explorer has no data of this account yet",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<table"), "a table of nothing");
}

#[test]
fn the_first_screen_answers() {
    let page = page(&report()).unwrap();
    let first = text::of(page.split("<section class=\"first\"").nth(1).unwrap().split("</section>").next().unwrap());
    for words in [
        "SageMaker cost $7,282 in the week of 16–\u{2060}22\u{a0}November, $786 more than the week before (+12\u{a0}%).",
        "3 of 7 days are estimated: AWS may still correct them.",
        "Training on demand ml.g5.12xlarge · team vision 210.1 instance hours in all +$671.06",
        "ml.p4d.24xlarge · team nlp nearly all of it on Fri 20 November, 32.9 instance hours in all",
        "in all known of these: training job nlp-bert-large-ft-7 (ben@example.com), not found since Sat 21 November +$163.46",
        "What to do Training on demand +$671.06 Ask team vision whether it is intended. ml.g5.12xlarge · team vision",
        "Training on demand +$163.46 Ask ben@example.com whether it is intended. ml.p4d.24xlarge · team nlp",
        "Everything else",
        "endpoint churn-v2 $2,056 a month",
        "All 10 decisions",
        "$20,768 so far. AWS forecasts $27,914 for the whole month, most likely between $26,403 and $29,588.",
        "Budget sagemaker-all: $27,000, and the forecast of $27,914 is $914 over it.",
        "$20,768 spent, 77\u{a0}%",
    ] {
        assert!(first.contains(words), "{words}\n{first}");
    }
}

/// "What to do" had decisions only, and none was about what the bill rose by.
#[test]
fn what_the_causes_name_is_the_first_thing_to_do() {
    let todo = |report: &CostReport| {
        let page = page(report).unwrap();
        text::of(page.split("<div class=\"todo\">").nth(1).unwrap().split("</ol>").next().unwrap())
    };
    let mut report = report();
    let decision = report.decisions[2].clone();
    report.causes[0].found = vec![Found { what: decision.what, owner: decision.owner, became: Became::Open }];
    let said = todo(&report);
    assert!(!said.contains("Ask team vision"), "the decision says what to do: {said}");
    assert!(said.find("training job ads-ranker-nightly") < said.find("endpoint churn-v2"), "{said}");
    let first = text::of(&page(&report).unwrap());
    assert!(first.contains("known of these: training job ads-ranker-nightly (chen@example.com), which needs a decision"), "{first}");
    report.causes.truncate(1);
    let cause = &mut report.causes[0];
    cause.until = Some("2026-11-17".parse().unwrap());
    cause.found[0].became = Became::StoppedByGuard("2026-11-17".parse().unwrap());
    let first = text::of(&page(&report).unwrap());
    assert!(
        first.contains("(chen@example.com), which the guard stopped on Tue 17 November; since then it has cost no more than usual"),
        "{first}"
    );
    assert!(!todo(&report).contains("Ask "), "{}", todo(&report));
}

/// "unowned" stood there as if it were somebody.
#[test]
fn where_nobody_is_known_the_page_says_so_in_the_same_words() {
    let mut report = report();
    report.decisions[0].owner = "unowned".to_owned();
    report.sleeping[0].owner = "unowned".to_owned();
    report.exemptions[0].owner = "unowned".to_owned();
    report.inference[0].owner = "unowned".to_owned();
    let page = page(&report).unwrap();
    assert!(!page.contains("unowned") && !text::of(&page).contains("Nobody"), "{page}");
    assert_eq!(page.matches("owner not known").count(), 7, "first screen, two decisions, resource, sleeping, exemption, inference");
}

/// A list that could not be filled looked like an empty one.
#[test]
fn an_empty_list_that_could_not_be_checked_says_so() {
    let mut report = minimal();
    report.month.lacks_budgets = true;
    report.method.lacks_charges = true;
    let checked = text::of(&page(&report).unwrap());
    assert!(checked.contains("Budgets could not be checked: budget-alerter has not read them in November 2026."), "{checked}");
    assert!(checked.contains("The cost by account could not be checked: accounts, charge types,"), "{checked}");
    assert!(checked.contains("No endpoint is known that would cost less served another way."), "{checked}");
    report.method.unchecked = vec![Unchecked { function: "inference-advisor".to_owned(), why: "endpoint metrics: denied".to_owned() }];
    let said = text::of(&page(&report).unwrap());
    let why = "could not be checked: inference-advisor: endpoint metrics: denied";
    for what in ["Whether an endpoint would cost less served another way", "What needs a decision", "What is exempt by tag"] {
        assert!(said.contains(&format!("{what} {why}")), "{what}: {said}");
    }
    assert!(!said.contains("Nothing needs a decision") && !said.contains("Nothing is exempt"), "{said}");
}

fn headline(report: &CostReport) -> String {
    let page = page(report).unwrap();
    text::of(page.split("<h1 id=\"headline\">").nth(1).unwrap().split("</h1>").next().unwrap())
}

#[test]
fn a_comparison_is_said_in_each_case() {
    let said = |usd: Decimal, before: Option<Decimal>| {
        let mut report = minimal();
        report.spent.usd = Money(usd);
        report.spent.before = before.map(Money);
        headline(&report)
    };
    assert_eq!(
        said(dec!(80), Some(dec!(100))),
        "SageMaker cost $80.00 in November 2026: $2.67 a day, 17\u{a0}% less than October's $3.23 a day."
    );
    assert_eq!(said(dec!(80), Some(dec!(0))), "SageMaker cost $80.00 in November 2026: $2.67 a day, after $0.00 a day in October.");
    assert_eq!(said(dec!(60), Some(dec!(62))), "SageMaker cost $60.00 in November 2026: $2.00 a day, as much as October's $2.00 a day.");
    assert_eq!(
        said(dec!(-5), Some(dec!(1))),
        "SageMaker cost −$5.00 in November 2026: −$0.17 a day, 617\u{a0}% less than October's $0.03 a day."
    );
    let week = |usd: Decimal, before: Decimal| {
        let mut report = report();
        report.spent = Change { usd: Money(usd), before: Some(Money(before)) };
        headline(&report)
    };
    let of_week = "SageMaker cost $80.00 in the week of 16–\u{2060}22\u{a0}November";
    assert_eq!(week(dec!(80), dec!(100)), format!("{of_week}, $20.00 less than the week before (−20\u{a0}%)."));
    assert_eq!(week(dec!(80), dec!(0)), format!("{of_week}, $80.00 more than the week before."));
    assert_eq!(week(dec!(80), dec!(80.001)), format!("{of_week}, as much as the week before."));
}

#[test]
fn a_month_that_is_over_and_a_budget_that_is_used_up_are_said() {
    let mut report = report();
    (report.month.is_over, report.month.forecast) = (true, None);
    let budget = &mut report.month.budgets[0];
    (budget.spent, budget.forecast, budget.as_of) = (Money(dec!(29430)), None, Some("2026-11-20".parse().unwrap()));
    let page = text::of(&page(&report).unwrap());
    assert!(page.contains("$20,768 to the end of the week."), "{page}");
    assert!(page.contains("Budget sagemaker-all: $27,000, and it is used up."), "{page}");
    assert!(page.contains("Budgets were read on 20\u{a0}November and so are without most of that day."), "{page}");
    assert!(page.contains("$29,430 spent, 109\u{a0}%"), "{page}");
    assert!(!page.contains(", by the bill"), "{page}");
    assert!(page.contains("As of 23\u{a0}November 2026."), "decisions are those of the day when it was made");
}

#[test]
fn a_budget_whose_amount_is_the_bills_says_so() {
    let mut report = report();
    let read = Budget { name: "read".to_owned(), as_of: Some("2026-11-20".parse().unwrap()), ..report.month.budgets[0].clone() };
    (report.month.budgets[0].spent, report.month.budgets[0].by_bill) = (Money(dec!(29430)), true);
    report.month.budgets.push(read);
    let page = text::of(&page(&report).unwrap());
    assert!(page.contains("$29,430 spent, 109\u{a0}%, by the bill"), "{page}");
    assert!(page.contains("without most of that day, unless it says “by the bill”."), "{page}");
}

#[test]
fn hours_that_are_not_known_are_no_zero() {
    let mut report = report();
    report.spot.hours = Hours(dec!(0));
    report.instance_types[0].hours = Hours(dec!(0));
    report.instance_types[0].usd_per_hour = None;
    let page = text::of(&page(&report).unwrap());
    assert!(page.contains("Spot took 25\u{a0}% of the cost of training."), "{page}");
    assert!(!page.contains("of the instance-hours of training"));
    assert_eq!(page.matches("“–”: the bill has a cost without hours.").count(), 2, "once below each table: {page}");
    assert_eq!(page.matches('–').count(), 5 + text::of(&cost_page::page(&self::report()).unwrap()).matches('–').count());
}

#[test]
fn drift_is_said_plainly() {
    let page = text::of(&page(&report()).unwrap());
    assert!(page.contains("It saved an estimated $317.16 in the week; the bill confirms $240.00 of it."), "{page}");
    assert!(page.contains("$41.28 is not known yet") && page.contains("$35.88 is not confirmed, and is not claimed."));
}

#[test]
fn days_that_are_not_on_the_bill_are_not_known() {
    let mut report = report();
    let missing = report.trend.days[80];
    report.trend.missing = vec![missing];
    report.trend.components.iter_mut().for_each(|series| series.usd[80] = Money(dec!(0)));
    (report.month.missing_days, report.spent.before) = (1, None);
    report.not_compared = Some("A day of the week before is missing, so the two are not compared".to_owned());
    let page = text::of(&page(&report).unwrap());
    for words in [
        format!("{missing} not known not on the bill"),
        "days that are not on the bill are missing in their bars".to_owned(),
        "$20,768 so far, without 1 day that is not on the bill.".to_owned(),
        "A day of the week before is missing, so the two are not compared.".to_owned(),
    ] {
        assert!(page.contains(&words), "{words}: {page}");
    }
}

#[test]
fn what_plans_cover_is_told_as_far_as_it_is_known() {
    let of = |change: fn(&mut CostReport)| {
        let mut report = report();
        change(&mut report);
        text::of(&page(&report).unwrap())
    };
    let whole = of(|_| ());
    for words in [
        "96\u{a0}% of the commitment was used.",
        "The plans cover 33\u{a0}% of the use that they can cover.",
        "labelling $1,203.47",
        "$310.17",
    ] {
        assert!(whole.contains(words), "{words}: {whole}");
    }
    let without_fee = of(|report| report.savings_plans.unused = None);
    assert!(without_fee.contains("Commitment that nobody used not known Commitment not known"), "{without_fee}");
    assert!(without_fee.contains("The plans saved $556.44 before what nobody used of them.") && !without_fee.contains("Commitment used"));
    let without_charges = of(|report| report.method.lacks_charges = true);
    assert!(
        without_charges.contains("What plans cover is not known: the charges are not.") && !without_charges.contains("Commitment that")
    );
    let none = of(|report| report.savings_plans.is_owned = false);
    let says = "Use for $4,194.34 is of kinds that plans cover, one-off use included. savings-plan-advisor says: buy $3.65 per hour (1 year, No Upfront), which would save $985.50 a month. \
                AWS recommends $7.30 per hour, with the waste in it. No plan covers $1,203.47 of it (training on Spot,";
    assert!(none.contains(says), "{none}");
    assert!(
        whole.contains(
            "Other use for $4,194.34 is of kinds that plans cover, one-off use included. savings-plan-advisor says: buy $3.65 per hour"
        ),
        "{whole}"
    );
    let unknown = of(|report| (report.savings_plans.is_owned, report.savings_plans.advice) = (false, None));
    assert!(
        unknown
            .contains("Whether buying one pays is not known here: savings-plan-advisor works that out once a week and mails it. No plan"),
        "{unknown}"
    );
}

#[test]
fn only_the_report_s_currency_is_named() {
    let mut report = report();
    report.currency = Currency::Cny;
    let page = text::of(&page(&report).unwrap());
    assert!(page.contains("Amounts are CNY of use") && !page.contains("USD") && !page.contains("ollars"), "{page}");
}

/// The page had the dollars of whole months beside the percent by the day: "−$3.20, +2 %".
#[test]
fn months_of_different_lengths_are_compared_in_as_many_days_on_the_whole_page() {
    let page = text::of(&page(&month()).unwrap());
    for words in [
        "SageMaker cost $330 in November 2026: $11.00 a day, 10\u{a0}% more than October's $10.00 a day.",
        "Why October scaled to 30 days: $300.00 (its 31 days cost $310.00).",
        "on Wed 18 November only, 210.1 instance hours in all +$20.00 Notebook instances ml.g5.4xlarge · team nlp on 14 of 30 days,",
        "known of these: notebook instance lab (ann@example.com), which the guard stopped on Sun 22 November; since then it has cost no more than usual +$8.06",
        "In all against October scaled to 30 days +$30.00 What to do Training on demand +$20.00",
        "None of it after Wed 18 November: ask team vision whether it comes again; if so, on managed Spot. ml.g5.12xlarge · team vision",
        "vision spent most, 91\u{a0}% of all. nlp grew most, by $28.06.",
        "Cost Share October, 30 days Change against October, 30 days in % vision $300.00 91\u{a0}% $298.06 +$1.94 +1\u{a0}%",
        "All $330.00 100\u{a0}% $300.00 +$30.00 +10\u{a0}%",
        "Training on demand $330.00 100\u{a0}% $300.00 +$30.00 +10\u{a0}%",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let week = text::of(&cost_page::page(&report()).unwrap());
    assert!(week.contains("Share the week before Change against the week before in %") && !week.contains("average days"), "{week}");
}

#[test]
fn a_text_stands_once_on_the_first_screen_of_a_month() {
    let page = page(&month()).unwrap();
    let first = text::of(page.split("<section class=\"first\"").nth(1).unwrap().split("</section>").next().unwrap());
    for once in ["$330", "10\u{a0}%", "November 2026:", "read on"] {
        assert_eq!(first.matches(once).count(), 1, "{once}: {first}");
    }
    assert!(first.contains("Budgets of November 2026"), "{first}");
}

/// "And 1 more." hid a budget that counts nothing.
#[test]
fn no_budget_that_needs_attention_is_hidden() {
    let budget = |name: &str, spent, unhealthy: Option<&str>| Budget {
        name: name.to_owned(),
        limit: Money(dec!(100)),
        spent: Money(spent),
        forecast: None,
        as_of: None,
        by_bill: false,
        unhealthy: unhealthy.map(str::to_owned),
    };
    let many = |number: usize, spent| (0..number).map(|_| budget("x", spent, None)).collect::<Vec<_>>();
    let (over, calm) = (dec!(120), dec!(20));
    let wrong = budget("ml-churn", dec!(0), Some("it filters by Team$churn, which no spend has"));
    for (budgets, bars, more) in [
        (many(3, calm), 3, None),
        (many(5, calm), 3, Some("And 2 more within their limits.")),
        ([many(5, over), many(2, calm)].concat(), 5, Some("And 2 more within their limits.")),
        ([many(12, over), many(2, calm)].concat(), 10, Some("And 4 more, 2 of them used up or heading for it.")),
    ] {
        let mut report = month();
        report.month.budgets = [budgets, vec![wrong.clone()]].concat();
        let page = page(&report).unwrap();
        assert_eq!(page.matches("class=\"bullet\"").count(), bars);
        let page = text::of(&page);
        assert!(page.contains("Budget ml-churn: $100 It counts nothing: it filters by Team$churn, which no spend has."), "{page}");
        assert!(more.map_or(!page.contains(" more within"), |words| page.contains(words)), "{more:?}: {page}");
    }
}

#[test]
fn a_cut_of_one_row_is_a_line_and_no_table() {
    let said = text::of(&page(&month()).unwrap());
    assert!(said.contains("What else was looked at All cost is of account 111122223333."), "{said}");
    assert!(!said.contains("Accounts, the most expensive first"), "{said}");
    let mut untagged = month();
    untagged.teams = vec![Line { name: "untagged".to_owned(), spent: untagged.spent }];
    assert!(text::of(&page(&untagged).unwrap()).contains("Nothing of it has a team."));
}

#[test]
fn what_is_nothing_is_left_out() {
    let mut report = report();
    (report.spot.usd, report.spot.hours, report.spot.saved) = (Money(dec!(0)), Hours(dec!(0)), None);
    report.instance_types[1].usd = Money(dec!(0));
    report.instance_types[1].instance_type = "ml.free.tier".to_owned();
    report.decisions.iter_mut().for_each(|one| one.usd_per_month = None);
    let page = text::of(&page(&report).unwrap());
    assert!(page.contains("No training ran on Spot. On demand it cost $2,864.04."), "{page}");
    assert!(!page.contains("Cost 0\u{a0}%") && !page.contains("ml.free.tier"), "{page}");
    assert!(page.contains("Labelling $6.40 &#60; 1\u{a0}% $0.00 +$6.40 new"), "{page}");
    assert!(page.contains("What What to do, and why endpoint churn-v2"), "a column of amounts that are not known: {page}");
}

#[test]
fn the_weeks_of_the_chart_and_of_its_table_are_named_alike() {
    let page = page(&report()).unwrap();
    assert!(page.contains(">16 Nov<"), "the last bar");
    assert!(text::of(&page).contains("Seven days from Training on demand"));
    assert!(page.contains("<tr><th scope=\"row\"><time>2026-11-16</time></th>"));
}

#[test]
fn the_trend_s_budget_has_its_name() {
    let said = text::of(&page(&report()).unwrap());
    assert!(said.contains("The budget sagemaker-all, $900.00 a day"), "{said}");
}

#[test]
fn a_trend_without_spend_has_no_most_expensive_day() {
    let mut report = report();
    all_days(&mut report.trend, Money(dec!(0)));
    let page = text::of(&page(&report).unwrap());
    assert!(page.contains("Nothing was spent in the last 90\u{a0}days.") && !page.contains("The most expensive of"), "{page}");
}

#[test]
fn every_amount_is_the_models() {
    for report in [report(), month(), team(), minimal(), largest()] {
        let known = amounts::known(&report);
        let page = page(&report).unwrap();
        let unknown: Vec<String> = amounts::on(&text::of(&page)).into_iter().filter(|amount| !known.contains(amount)).collect();
        assert_eq!(unknown, Vec::<String>::new());
    }
}

#[test]
fn what_strangers_write_stays_text() {
    let page = page(&hostile()).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img"), "markup of strangers");
    let inputs = ["&#60;script&#62;alert(1)&#60;/script&#62;", "&#60;img src=x onerror=alert(1)&#62;"];
    assert!(inputs.iter().all(|escaped| page.contains(escaped)));
    assert!(!page.contains(|c: char| "\u{202e}\u{2066}\u{200b}\u{7}".contains(c)), "characters that cannot be seen");
    assert!(page.contains("<title>SageMaker cost, 16–\u{2060}22\u{a0}November 2026, team &#60;/title&#62;"), "the title is text as well");
}

#[test]
fn a_page_is_self_contained() {
    for report in [report(), hostile()] {
        let page = page(&report).unwrap();
        let attributes = ["src=", "srcset=", "<script", "<iframe", "<link rel=\"stylesheet", "@import", "@font-face", "<form", "<base"];
        let tags: Vec<&str> = page.split('<').filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect();
        for attribute in attributes {
            assert!(!tags.iter().any(|tag| format!("<{tag}").contains(attribute)), "{attribute}");
        }
        let is_handler = |rest: &str| rest.split_once('=').is_some_and(|(name, _)| name.chars().all(char::is_alphanumeric));
        assert!(!tags.iter().any(|tag| tag.split(" on").skip(1).any(is_handler)), "a handler of events");
        let addresses = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        assert!(addresses.into_iter().all(|address| address.starts_with('#') || address == "data:,"));
        let urls = page.split("url(").skip(1).map(|rest| rest.split(')').next().unwrap());
        assert!(urls.into_iter().all(|url| url.starts_with("#pattern-")));
    }
}

#[test]
fn the_largest_page_is_short_and_says_what_it_leaves_out() {
    let page = page(&largest()).unwrap();
    assert!(page.len() <= 600_000, "{} bytes", page.len());
    let text = text::of(&page);
    for words in ["and 15 more", "and 25 more", "and 175 more", "and 9,988 more usage types", "And 4,351 more"] {
        assert!(text.contains(words), "{words}");
    }
}

/// The SVGs of a page's charts, by name. Other SVGs are keys of legends.
fn charts(page: &str) -> BTreeMap<String, String> {
    let names = [
        "by-day-wide.svg",
        "by-day-narrow.svg",
        "by-component-wide.svg",
        "by-component-narrow.svg",
        "by-commitment-wide.svg",
        "by-commitment-narrow.svg",
    ];
    let drawn = page.split("<svg class=\"chart ").skip(1).map(|rest| rest.split("</svg>").next().unwrap());
    names.into_iter().zip(drawn).map(|(name, svg)| (name.to_owned(), format!("<svg class=\"chart {svg}</svg>\n"))).collect()
}

#[test]
fn charts_are_as_they_were() {
    let charts = charts(&page(&report()).unwrap());
    assert_eq!(charts.len(), 6);
    let drawn = Path::new(env!("CARGO_TARGET_TMPDIR")).join("charts");
    fs::create_dir_all(&drawn).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut other = vec![];
    for (name, svg) in charts {
        fs::write(drawn.join(&name), &svg).unwrap();
        if fs::read_to_string(golden.join(&name)).unwrap_or_default() != svg {
            other.push(name);
        }
    }
    assert!(
        other.is_empty(),
        "{other:?} are drawn differently: look at them, and if they are right, cp {}/*.svg {}",
        drawn.display(),
        golden.display()
    );
}

/// The first days of a trend only.
fn first_days(trend: &mut Trend, days: usize) {
    trend.days.truncate(days);
    trend.components.iter_mut().for_each(|series| series.usd.truncate(days));
}

/// Each component costs so much on each day.
fn all_days(trend: &mut Trend, usd: Money) {
    trend.components.iter_mut().flat_map(|series| &mut series.usd).for_each(|day| *day = usd);
}

#[test]
fn odd_days_are_drawn() {
    type Odd = fn(&mut Trend);
    let cases: [(&str, Odd, usize); 11] = [
        ("two days", |trend| first_days(trend, 2), 4),
        ("thirteen days", |trend| first_days(trend, 13), 4),
        ("fourteen days", |trend| first_days(trend, 14), 6),
        ("no component", |trend| trend.components.clear(), 4),
        ("nothing spent", |trend| all_days(trend, Money(dec!(0))), 6),
        ("credits only", |trend| all_days(trend, Money(dec!(-1))), 6),
        ("next to nothing", |trend| all_days(trend, Money(dec!(0.0000000001))), 6),
        ("very much", |trend| all_days(trend, Money(dec!(123456789012.34))), 6),
        ("a day missing", |trend| trend.missing = vec![trend.days[40]], 6),
        ("all days missing", |trend| trend.missing.clone_from(&trend.days), 6),
        ("all estimated", |trend| trend.estimated_from = trend.days.first().copied(), 6),
    ];
    for (name, odd, drawn) in cases {
        let mut report = report();
        odd(&mut report.trend);
        // Two of them are the curve of commitments.
        let charts = charts(&page(&report).unwrap());
        assert_eq!(charts.len(), drawn, "{name}");
        for svg in charts.values() {
            assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.contains("<text"), "{name}: {svg}");
        }
    }
}

#[test]
fn charts_have_the_colours_of_the_page_and_words_for_screen_readers() {
    for (name, svg) in charts(&page(&report()).unwrap()) {
        assert!(!svg.contains("#0000"), "{name} has a colour that stands for another");
        for part in ["role=\"img\"", "<title>Cost by ", "<desc>", "The table below has all amounts.", "viewBox="] {
            assert!(svg.contains(part), "{name}: {part}");
        }
    }
}
