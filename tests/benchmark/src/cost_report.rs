//! The cost report: a bill of two million rows summed up and drawn.

use std::{collections::BTreeMap, time::Instant};

use anyhow::ensure;
use cost_rules::{
    facts::Charge,
    policy::Policy,
    report::{BillRow, Cuts, ReportPeriod, Resources, Sources, make},
};
use jiff::{ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use crate::{Figure, median};

const DAYS: i64 = 90;
const ACCOUNTS: usize = 50;
const USAGE_TYPES: usize = 200;
const TEAMS: usize = 40;
/// The rows of a day.
const ROWS: usize = 22_223;

pub(crate) fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let names = Names::new();
    let (mut seconds, mut bytes) = (vec![], 0);
    for _ in 0..runs {
        let started = Instant::now();
        let page = report(&names)?;
        seconds.push(started.elapsed().as_secs_f64());
        bytes = page.len();
    }
    Ok(vec![Figure {
        what: "a bill of 2,000,000 rows (90 days, 200 usage types, 40 teams, 50 accounts) summed up and drawn: one core / the page",
        measured: format!("{:.2} s / {} kB", median(seconds), bytes / 1000),
        goal: "≤ 4 s / ≤ 600 kB",
    }])
}

struct Names {
    usages: Vec<String>,
    teams: Vec<String>,
    accounts: Vec<String>,
}

impl Names {
    fn new() -> Self {
        let component = |n: usize| ["Host", "Train", "TrSpt", "Notebk", "Processing"][n % 5];
        Self {
            usages: (0..USAGE_TYPES).map(|n| format!("{}:ml.c{}.{n}xlarge", component(n), n % 9)).collect(),
            teams: (0..TEAMS).map(|n| format!("team-{n:02}")).collect(),
            accounts: (0..ACCOUNTS).map(|n| format!("{:012}", 100_000_000_000 + n)).collect(),
        }
    }
}

/// The page of a report on the last month of the bill.
fn report(names: &Names) -> anyhow::Result<String> {
    let period = ReportPeriod::parse("2026-10").expect("a month");
    let first: Date = period.until.saturating_sub(DAYS.days());
    let mut cuts = Cuts::new(period);
    for (number, day) in first.series(1.day()).take_while(|day| *day < period.until).enumerate() {
        let mut spent = Decimal::ZERO;
        for row in 0..ROWS {
            let usd = Decimal::new(i64::try_from((row * 7919 + number * 31) % 90_000)?, 4);
            let (usage, team) = (&names.usages[row % USAGE_TYPES], &names.teams[row / USAGE_TYPES % TEAMS]);
            cuts.add(BillRow { day, usage, team, usd, quantity: Decimal::ONE });
            spent += usd;
        }
        for account in &names.accounts {
            let usd = spent / Decimal::from(ACCOUNTS);
            cuts.add_charge(day, &Charge { account: account.clone(), record_type: "Usage".into(), usd, billed: usd });
        }
    }
    let sources = Sources {
        account: "123456789012",
        region: "eu-central-1",
        policy: &Policy::default(),
        cuts: &cuts,
        estimated_from: period.until,
        ahead: None,
        budgets: &[],
        budgets_read: None,
        entries: &[],
        saved: &[],
        sleeping: &[],
        exempts: &[],
        advice: None,
        resources: &Resources::default(),
        requests: &BTreeMap::new(),
        requests_for_this: 0,
        unread: &[],
        unchecked: &[],
        notes: &[],
        now: "2026-11-04T08:00:00Z".parse()?,
    };
    let made = make(&sources, None);
    ensure!(made.teams.len() == TEAMS && made.accounts.len() == ACCOUNTS, "{} teams, {} accounts", made.teams.len(), made.accounts.len());
    cost_page::page(&made)
}
