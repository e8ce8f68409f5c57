//! The bill of a period as a table for FinOps people, with the column names of FOCUS 1.2; columns of the guard's own begin with `x_` (docs/cost-report.md).
//!
//! The sum of `EffectiveCost` is what the report calls spent, plus credits, refunds and tax. The sum of `BilledCost` is the invoice.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{
    facts::{Charge, DailySpend, Spend},
    report::period::ReportPeriod,
    vocabulary::{
        component::{Component, instance_type_of},
        currency::Currency,
        period::plus_days,
    },
};

/// The columns.
pub const COLUMNS: [&str; 24] = [
    "BillingAccountId",
    "SubAccountId",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "ChargeFrequency",
    "BilledCost",
    "EffectiveCost",
    "ConsumedQuantity",
    "ConsumedUnit",
    "PricingCategory",
    "CommitmentDiscountCategory",
    "CommitmentDiscountType",
    "CommitmentDiscountStatus",
    "ServiceCategory",
    "ServiceName",
    "x_UsageType",
    "x_Component",
    "x_InstanceType",
    "x_Team",
    "x_RecordType",
];

/// One line of the table. An empty cell: null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row<'a> {
    day: Date,
    account: &'a str,
    category: &'static str,
    frequency: &'static str,
    billed: Decimal,
    effective: Decimal,
    quantity: Option<Decimal>,
    status: &'static str,
    usage: &'a str,
    team: &'a str,
    record_type: &'a str,
}

/// Of whom a table is.
#[derive(Clone, Copy, Debug)]
pub struct TableOf<'a> {
    /// Its period.
    pub period: ReportPeriod,
    /// The account that the guard is in.
    pub account: &'a str,
    /// The name of SageMaker in the bill.
    pub service: &'a str,
    /// The name of each team in the report, by its spelling on the bill.
    pub teams: &'a BTreeMap<String, String>,
}

/// The cells of each line of the period, by day.
pub fn table<'a>(spend: &'a Spend, of: TableOf<'a>) -> impl Iterator<Item = [String; 24]> + use<'a> {
    let TableOf { period, account, service, teams } = of;
    let days = spend.days.range(period.from..period.until);
    let used = days.flat_map(move |(day, rows)| {
        let account = only_account(spend.charges.get(day).map_or(&[], Vec::as_slice));
        rows.iter().flat_map(move |row| used(*day, account, row))
    });
    let used = used.map(|row| Row { team: teams.get(row.team).map_or(row.team, String::as_str), ..row });
    let charges = spend.charges.range(period.from..period.until);
    let others = charges.flat_map(|(day, charges)| charges.iter().filter(|one| !one.is_of_use()).map(|one| other(*day, one)));
    used.chain(others).map(move |row| row.cells(account, service))
}

/// The account of a day's use, if it is of one account. Cost Explorer groups by two things at most: by usage type and team, or by account.
fn only_account(charges: &[Charge]) -> &str {
    let mut accounts = charges.iter().filter(|one| one.is_of_use()).map(|one| one.account.as_str());
    let first = accounts.next().unwrap_or_default();
    if accounts.all(|account| account == first) { first } else { "" }
}

/// Use is one line. The fee of a Savings Plan is its purchase, and the part of it that nobody used.
fn used<'a>(day: Date, account: &'a str, row: &'a DailySpend) -> Vec<Row<'a>> {
    let of = Row { day, account, usage: &row.usage, team: &row.team, category: "Usage", frequency: "Usage-Based", ..Row::default() };
    if Component::of(&row.usage) == Component::Fee {
        let bought = Row { category: "Purchase", frequency: "Recurring", billed: row.on_the_invoice(), ..of.clone() };
        return vec![bought, Row { effective: row.usd, status: "Unused", ..of }];
    }
    vec![Row { billed: row.on_the_invoice(), effective: row.usd, quantity: Some(row.quantity), ..of }]
}

fn other(day: Date, charge: &Charge) -> Row<'_> {
    let category = match charge.record_type.as_str() {
        "Credit" => "Credit",
        "Tax" => "Tax",
        _ => "Adjustment",
    };
    let Charge { account, record_type, usd, billed } = charge;
    Row { day, account, category, frequency: "One-Time", billed: *billed, effective: *usd, record_type, ..Row::default() }
}

impl Row<'_> {
    fn cells(&self, account: &str, service: &str) -> [String; 24] {
        let midnight = |day: Date| format!("{day}T00:00:00Z");
        let month = ReportPeriod::month_of(self.day);
        let component = (!self.usage.is_empty()).then(|| Component::of(self.usage));
        let is_fee = component == Some(Component::Fee);
        let of_plan = |text: &str| if is_fee { text.to_owned() } else { String::new() };
        let pricing = match component {
            Some(Component::TrainingSpot) => "Dynamic",
            Some(Component::Fee) => "Committed",
            // A line may be covered in part.
            _ => "",
        };
        let unit = self.quantity.and(component).map_or("", Component::unit);
        [
            account.to_owned(),
            self.account.to_owned(),
            Currency::of_account().code().to_owned(),
            midnight(month.from),
            midnight(month.until),
            midnight(self.day),
            midnight(plus_days(self.day, 1)),
            self.category.to_owned(),
            self.frequency.to_owned(),
            self.billed.normalize().to_string(),
            self.effective.normalize().to_string(),
            self.quantity.map(|quantity| quantity.normalize().to_string()).unwrap_or_default(),
            unit.to_owned(),
            pricing.to_owned(),
            of_plan("Spend"),
            of_plan("Savings Plan"),
            self.status.to_owned(),
            "AI and Machine Learning".to_owned(),
            // Under which name the fee is on the bill is not documented.
            if is_fee { String::new() } else { service.to_owned() },
            self.usage.to_owned(),
            component.map(Component::name).unwrap_or_default().to_owned(),
            instance_type_of(self.usage).unwrap_or_default().to_owned(),
            self.team.to_owned(),
            self.record_type.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::{report::cuts::Cuts, samples};

    #[test]
    fn the_table_adds_up_to_the_bill_and_to_the_invoice() {
        let day: Date = "2026-11-17".parse().unwrap();
        let mut spend = samples::spend("2026-11-27", dec!(1));
        let row =
            |usage: &str, team: &str, usd, billed| DailySpend { usage: usage.into(), team: team.into(), usd, billed, quantity: dec!(3) };
        let rows = vec![
            row("Host:ml.m5.xlarge", "nlp", dec!(7), Some(dec!(2))),
            row("TrSpt:ml.g5.xlarge", " NLP", dec!(1.5), None),
            row("SageMakerSP:1yrNoUpfront", "", dec!(0.25), Some(dec!(6))),
        ];
        spend.days = [(day, rows)].into();
        let charge = |record_type: &str, usd| Charge { account: "111111111111".into(), record_type: record_type.into(), usd, billed: usd };
        spend.charges =
            [(day, vec![charge("Usage", dec!(8.75)), charge("Credit", dec!(-2)), charge("Refund", dec!(-1)), charge("Tax", dec!(0.5))])]
                .into();
        let period = ReportPeriod::parse("2026-W47").unwrap();
        let teams = Cuts::of(&spend, period).spellings();
        let of = TableOf { period, account: "999999999999", service: "Amazon SageMaker", teams: &teams };
        let table: Vec<[String; 24]> = table(&spend, of).collect();
        let column = |name: &str| COLUMNS.iter().position(|column| *column == name).unwrap();
        let cells = |name: &str| table.iter().map(|row| row[column(name)].as_str()).collect::<Vec<_>>();
        let sum = |name: &str| cells(name).iter().map(|cell| cell.parse::<Decimal>().unwrap()).sum::<Decimal>();
        assert_eq!((sum("EffectiveCost"), sum("BilledCost")), (dec!(6.25), dec!(7)));
        assert_eq!(cells("ChargeCategory"), ["Usage", "Usage", "Purchase", "Usage", "Credit", "Adjustment", "Tax"]);
        assert_eq!(cells("CommitmentDiscountStatus"), ["", "", "", "Unused", "", "", ""]);
        assert_eq!(cells("PricingCategory"), ["", "Dynamic", "Committed", "Committed", "", "", ""]);
        assert_eq!(cells("x_Component"), ["realtime", "training-spot", "fee", "fee", "", "", ""]);
        assert_eq!(cells("x_Team"), ["nlp", "nlp", "untagged", "untagged", "", "", ""], "the teams are those of the report");
        assert_eq!(cells("ConsumedUnit"), ["Hrs", "Hrs", "", "", "", "", ""]);
        assert!(cells("SubAccountId").iter().all(|account| *account == "111111111111"));
        assert_eq!(table[0][column("ChargePeriodEnd")], "2026-11-18T00:00:00Z");
    }
}
