//! Reports to draw: three from files, and two that are made of the first.

use cost_rules::{
    report::{Became, Budget, Cause, Change, ComponentLine, CostReport, Found, InstanceType, Line, Money, ReportPeriod, Series},
    vocabulary::component::Component,
};
use rust_decimal::{Decimal, dec};

/// A week of an ML team of four, and what is untagged.
pub(crate) fn report() -> CostReport {
    serde_json::from_str(include_str!("../report.json")).unwrap()
}

/// A month of a new account: nothing is known.
pub(crate) fn minimal() -> CostReport {
    serde_json::from_str(include_str!("../minimal.json")).unwrap()
}

/// A small November of two teams in one account, after an October of 31 days. A budget counts nothing.
pub(crate) fn month() -> CostReport {
    let mut report = report();
    report.period = ReportPeriod::parse("2026-11").unwrap();
    let spent = |usd, before| Change { usd: Money(usd), before: Some(Money(before)) };
    let line = |name: &str, usd, before| Line { name: name.to_owned(), spent: spent(usd, before) };
    report.made = "2026-12-04T08:00:00Z".parse().unwrap();
    (report.spent, report.month.usd) = (spent(dec!(330), dec!(310)), Money(dec!(330)));
    (report.month.is_over, report.month.forecast) = (true, None);
    report.teams = vec![line("vision", dec!(300), dec!(308)), line("nlp", dec!(30), dec!(2))];
    report.accounts = vec![line("111122223333", dec!(330), dec!(310))];
    report.components.truncate(1);
    report.components[0].spent = report.spent;
    let day = |text: &str| text.parse().unwrap();
    let [run, lab] = [0, 1].map(|at| report.causes[at].clone());
    let run =
        Cause { difference: Money(dec!(20)), days: Some(1), mostly_on: Some(day("2026-11-18")), until: Some(day("2026-11-18")), ..run };
    let stopped = Became::StoppedByGuard(day("2026-11-22"));
    let found = Found { what: "notebook instance lab".to_owned(), owner: "ann@example.com".to_owned(), became: stopped };
    report.causes = vec![
        run,
        Cause {
            component: Component::Notebook,
            what: "ml.g5.4xlarge".to_owned(),
            difference: Money(dec!(8.06)),
            days: Some(14),
            mostly_on: None,
            until: Some(day("2026-11-22")),
            found: vec![found],
            ..lab
        },
    ];
    let budget = |name: &str, limit, spent, unhealthy: Option<&str>| Budget {
        name: name.to_owned(),
        limit: Money(limit),
        spent: Money(spent),
        forecast: None,
        as_of: Some("2026-11-30".parse().unwrap()),
        by_bill: false,
        unhealthy: unhealthy.map(str::to_owned),
    };
    report.month.budgets = vec![
        budget("ml-vision", dec!(280), dec!(291.5), None),
        budget("ml-churn", dec!(500), dec!(0), Some("it filters by Team$churn, which no spend has: AWS wants user:Team$churn")),
    ];
    report
}

/// The same week of one of its teams.
pub(crate) fn team() -> CostReport {
    serde_json::from_str(include_str!("../team.json")).unwrap()
}

/// Texts that want to be more than text, or to break the page's layout.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title></style></svg></table></section><b>&amp;lt;",
    "{{ report }} {% if true %} {# no #} #0000E1",
    "moc.elpmaxe\u{202e}@ann\u{2066}\u{200b}\u{7}",
    "مرحبا بالعالم שלום 山田 😀 Zoë",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "a\nb\r\nc\td",
];

/// A text that a stranger wrote; each number another one, many of 256 characters.
pub(crate) fn strange(number: usize) -> String {
    match number % 9 {
        8 => "é\u{301}_:/=+-@. ".chars().cycle().take(256).collect(),
        of => HOSTILE[of].to_owned(),
    }
}

/// The sample with hostile texts wherever the model has text.
pub(crate) fn hostile() -> CostReport {
    let mut report = report();
    let mut number = 0;
    let mut next = |text: &mut String| {
        number += 1;
        *text = strange(number);
    };
    report.team = Some(HOSTILE[2].to_owned());
    for text in [&mut report.account, &mut report.region, &mut report.resources.how] {
        next(text);
    }
    report.month.budgets.iter_mut().for_each(|budget| next(&mut budget.name));
    report.trend.budget.iter_mut().for_each(&mut next);
    report.causes.iter_mut().for_each(|cause| [&mut cause.what, &mut cause.team].into_iter().for_each(&mut next));
    let found = report.causes.iter_mut().flat_map(|cause| &mut cause.found);
    found.for_each(|one| [&mut one.what, &mut one.owner].into_iter().for_each(&mut next));
    report.guard.did.iter_mut().for_each(|did| next(&mut did.what));
    report.guard.savings.iter_mut().for_each(|saving| [&mut saving.team, &mut saving.why].into_iter().for_each(&mut next));
    for one in &mut report.decisions {
        [&mut one.what, &mut one.owner, &mut one.team, &mut one.why, &mut one.next, &mut one.to_do].into_iter().for_each(&mut next);
    }
    report.teams.iter_mut().chain(&mut report.accounts).for_each(|line| next(&mut line.name));
    report.instance_types.iter_mut().for_each(|line| next(&mut line.instance_type));
    report.resources.lines.iter_mut().for_each(|line| [&mut line.what, &mut line.owner].into_iter().for_each(&mut next));
    for one in &mut report.sleeping {
        [&mut one.name, &mut one.owner, &mut one.wake].into_iter().for_each(&mut next);
    }
    report.exemptions.iter_mut().for_each(|one| [&mut one.what, &mut one.owner].into_iter().for_each(&mut next));
    for one in &mut report.inference {
        [&mut one.name, &mut one.owner, &mut one.way].into_iter().for_each(&mut next);
    }
    report.method.charge_types.iter_mut().for_each(|charge| next(&mut charge.name));
    report.method.notes.iter_mut().chain(&mut report.method.unread).for_each(&mut next);
    for line in &mut report.components {
        line.usage_types = std::mem::take(&mut line.usage_types).into_values().enumerate().map(|(at, usd)| (strange(at), usd)).collect();
    }
    report
}

/// An amount of many digits that differs from the others.
fn usd(number: usize) -> Money {
    Money(dec!(98765.4321098765) / Decimal::from(number + 1))
}

fn change(number: usize) -> Change {
    Change { usd: usd(number), before: Some(usd(number + 3)) }
}

fn lines(count: usize, name: impl Fn(usize) -> String) -> Vec<Line> {
    (0..count).map(|number| Line { name: name(number), spent: change(number) }).collect()
}

fn times<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    all.iter().cycle().take(count).cloned().collect()
}

/// The largest report: 90 days, 16 components, 40 teams with long names, 50 accounts, 200 instance types, and long lists of all else.
pub(crate) fn largest() -> CostReport {
    let mut report = report();
    let days = report.trend.days.len();
    report.trend.components = Component::ALL
        .into_iter()
        .enumerate()
        .map(|(at, component)| Series { component, usd: (0..days).map(|day| usd(at * 7 + day)).collect() })
        .collect();
    let usage_types = |component| match component {
        Component::Other | Component::Hyperpod => (0..10_000).map(|number| (format!("Unknown-{number}:Usage"), usd(number))).collect(),
        _ => [].into(),
    };
    report.components = Component::ALL
        .into_iter()
        .enumerate()
        .map(|(at, component)| ComponentLine { component, spent: change(at), usage_types: usage_types(component) })
        .collect();
    report.teams = lines(40, |number| format!("{number}-{}", "team".repeat(63)));
    report.accounts = lines(50, |number| format!("{number:012}"));
    report.instance_types = (0..200)
        .map(|number| InstanceType {
            instance_type: format!("ml.g{number}.48xlarge"),
            usd: usd(number),
            ..report.instance_types[0].clone()
        })
        .collect();
    report.guard.savings = times(&report.guard.savings, 200);
    report.decisions = times(&report.decisions, 50);
    report.more_decisions = 4_321;
    report.sleeping = times(&report.sleeping, 300);
    report.exemptions = times(&report.exemptions, 300);
    report.inference = times(&report.inference, 300);
    report.method.unread = times(&report.method.unread, 1_000);
    report
}
