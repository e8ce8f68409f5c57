//! The bill, from Cost Explorer: the filters, groups and results that all requests share.

use std::ops::AddAssign;

use aws_sdk_costexplorer::types::{
    Dimension, DimensionValues, Expression, Group, GroupDefinition, GroupDefinitionType, MetricValue, builders::ExpressionBuilder,
};
use cost_rules::{
    currency::Currency,
    facts::{DailySpend, NO_USE},
    rulebook::Rulebook,
    vocabulary::usage_type::{SAVINGS_PLAN_FEES, without_region},
};
use rust_decimal::Decimal;

use super::read::{Read, decimal};

pub mod cost_tags;
pub mod days;
pub mod resources;

/// The cost by use. `UnblendedCost` shows what a Savings Plan covers as free, because another row takes its cost back (aws-facts §7.2).
const METRIC: &str = "AmortizedCost";

/// What the invoice says.
const BILLED: &str = "UnblendedCost";

/// How much was used.
const QUANTITY: &str = "UsageQuantity";

/// A filter for `SageMaker` without credits, refunds and taxes, and with these further conditions.
fn of_sagemaker(rulebook: &Rulebook, more: impl IntoIterator<Item = Expression>) -> Expression {
    let all = Expression::builder().and(services(rulebook)).and(is_use());
    more.into_iter().fold(all, ExpressionBuilder::and).build()
}

/// The same with the fees of SageMaker Savings Plans, which are on the bill under another service. Their amortized cost is what of the commitment nobody used.
fn with_savings_plans(rulebook: &Rulebook) -> Expression {
    Expression::builder().and(all_charges(rulebook)).and(is_use()).build()
}

/// All charges of `SageMaker` and of its Savings Plans, with credits, refunds and taxes.
fn all_charges(rulebook: &Rulebook) -> Expression {
    Expression::builder().or(services(rulebook)).or(fees()).build()
}

/// `SageMaker`, as the policy says that the bill calls it.
pub(super) fn services(rulebook: &Rulebook) -> Expression {
    dimension(Dimension::Service, rulebook.policy.billing.services.clone())
}

/// Without credits, refunds and taxes.
fn is_use() -> Expression {
    Expression::builder().not(dimension(Dimension::RecordType, NO_USE.map(str::to_owned).to_vec())).build()
}

fn fees() -> Expression {
    dimension(Dimension::UsageType, SAVINGS_PLAN_FEES.map(str::to_owned).to_vec())
}

pub(super) fn dimension(key: Dimension, values: Vec<String>) -> Expression {
    Expression::builder().dimensions(DimensionValues::builder().key(key).set_values(Some(values)).build()).build()
}

/// Groups by usage type and the first of the policy's team tags; without a team tag, by usage type only.
fn by_usage_and_team(rulebook: &Rulebook) -> Vec<GroupDefinition> {
    let group = |of, key: &str| GroupDefinition::builder().r#type(of).key(key).build();
    let by_team = rulebook.policy.team_tags.first().map(|key| group(GroupDefinitionType::Tag, key));
    std::iter::once(group(GroupDefinitionType::Dimension, "USAGE_TYPE")).chain(by_team).collect()
}

/// Groups by account and type of charge.
fn by_account_and_charge() -> [GroupDefinition; 2] {
    ["LINKED_ACCOUNT", "RECORD_TYPE"].map(|key| GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key(key).build())
}

/// The amounts of a group.
#[derive(Default)]
struct Amounts {
    /// USD by use.
    usd: Decimal,
    /// USD on the invoice. `None`: it was not asked for.
    billed: Option<Decimal>,
    /// Zero if it was not asked for.
    quantity: Decimal,
}

impl Amounts {
    fn are_zero(&self) -> bool {
        [self.usd, self.billed.unwrap_or_default(), self.quantity].iter().all(Decimal::is_zero)
    }

    fn into_row(self, usage: String, team: String) -> DailySpend {
        let (usd, billed) = (self.usd.normalize(), self.billed.map(|billed| billed.normalize()));
        DailySpend { usage, team, usd, billed: billed.filter(|billed| *billed != usd), quantity: self.quantity.normalize() }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.usd += other.usd;
        self.quantity += other.quantity;
        self.billed = [self.billed, other.billed].into_iter().flatten().reduce(|a, b| a + b);
    }
}

/// A group's usage type without its Region, team (empty: none), and amounts.
fn of_group(group: Group) -> Read<(String, String, Amounts)> {
    let (usage, team, amounts) = keys_and_amounts(group)?;
    // The key is `Team$nlp`, or `Team$` without a team.
    let team = team.split_once('$').map(|(_, value)| value.to_owned()).unwrap_or_default();
    Ok((without_region(&usage).to_owned(), team, amounts))
}

/// A group's two keys and its amounts. The second key is empty if there is none.
fn keys_and_amounts(group: Group) -> Read<(String, String, Amounts)> {
    let mut keys = group.keys.unwrap_or_default().into_iter();
    let first = keys.next().ok_or("ce:GetCostAndUsage: a group without keys")?;
    let second = keys.next().unwrap_or_default();
    let mut metrics = group.metrics.unwrap_or_default();
    let mut amount = |metric: &str, is_money: bool| -> Read<Option<Decimal>> {
        let Some(MetricValue { amount, unit, .. }) = metrics.remove(metric) else { return Ok(None) };
        let unit = unit.as_deref().filter(|_| is_money);
        Currency::of_account().check(unit).map_err(|why| format!("ce:GetCostAndUsage: {metric} of {first} {why}"))?;
        let amount = decimal(&amount.unwrap_or_default()).map_err(|why| format!("ce:GetCostAndUsage: {metric} of {first}: {why}"))?;
        Ok(Some(amount))
    };
    let usd = amount(METRIC, true)?.ok_or_else(|| format!("ce:GetCostAndUsage: {first} has no {METRIC}"))?;
    let (billed, quantity) = (amount(BILLED, true)?, amount(QUANTITY, false)?.unwrap_or_default());
    Ok((first, second, Amounts { usd, billed, quantity }))
}
