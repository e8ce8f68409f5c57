//! The bill, from Cost Explorer: the filters, groups and results that all requests share.

use aws_sdk_costexplorer::types::{
    Dimension, DimensionValues, Expression, Group, GroupDefinition, GroupDefinitionType, builders::ExpressionBuilder,
};
use cost_rules::{
    rulebook::Rulebook,
    vocabulary::usage_type::{SAVINGS_PLAN_FEES, without_region},
};
use rust_decimal::Decimal;

use super::read::{Read, decimal};

pub mod cost_tags;
pub mod days;

/// The cost by use. `UnblendedCost` shows what a Savings Plan covers as free, because another row takes its cost back (aws-facts §7.2).
const METRIC: &str = "AmortizedCost";

/// What is not the cost of any use. The other types of charges stay, whatever they are called: discounts make use cheaper.
const NO_USE: [&str; 3] = ["Credit", "Refund", "Tax"];

/// A filter for `SageMaker` without credits, refunds and taxes, and with these further conditions.
fn of_sagemaker(rulebook: &Rulebook, more: impl IntoIterator<Item = Expression>) -> Expression {
    let services = dimension(Dimension::Service, rulebook.policy.billing.services.clone());
    let no_use = dimension(Dimension::RecordType, NO_USE.map(str::to_owned).to_vec());
    let all = Expression::builder().and(services).and(Expression::builder().not(no_use).build());
    more.into_iter().fold(all, ExpressionBuilder::and).build()
}

/// The same with the fees of SageMaker Savings Plans, which are on the bill under another service. Their amortized cost is what of the commitment nobody used.
fn with_savings_plans(rulebook: &Rulebook) -> Expression {
    let fees = dimension(Dimension::UsageType, SAVINGS_PLAN_FEES.map(str::to_owned).to_vec());
    Expression::builder().or(of_sagemaker(rulebook, [])).or(fees).build()
}

fn dimension(key: Dimension, values: Vec<String>) -> Expression {
    Expression::builder().dimensions(DimensionValues::builder().key(key).set_values(Some(values)).build()).build()
}

/// Groups by usage type and the first of the policy's team tags; without a team tag, by usage type only.
fn by_usage_and_team(rulebook: &Rulebook) -> Vec<GroupDefinition> {
    let group = |of, key: &str| GroupDefinition::builder().r#type(of).key(key).build();
    let by_team = rulebook.policy.team_tags.first().map(|key| group(GroupDefinitionType::Tag, key));
    std::iter::once(group(GroupDefinitionType::Dimension, "USAGE_TYPE")).chain(by_team).collect()
}

/// A group's usage type without its Region, team (empty: none), and cost in USD.
fn of_group(group: Group) -> Read<(String, String, Decimal)> {
    let mut keys = group.keys.unwrap_or_default().into_iter();
    let usage = keys.next().ok_or("ce:GetCostAndUsage: a group without a usage type")?;
    // The key is `Team$nlp`, or `Team$` without a team.
    let team = keys.next().and_then(|key| key.split_once('$').map(|(_, value)| value.to_owned())).unwrap_or_default();
    let cost = group.metrics.unwrap_or_default().remove(METRIC);
    let (amount, unit) = cost.map_or((None, None), |cost| (cost.amount, cost.unit));
    if unit.as_deref().is_some_and(|unit| unit != "USD") {
        return Err(format!("ce:GetCostAndUsage: {METRIC} of {usage} is in {}, expected USD", unit.unwrap_or_default()));
    }
    let usd = decimal(&amount.unwrap_or_default()).map_err(|why| format!("ce:GetCostAndUsage: {METRIC} of {usage}: {why}"))?;
    Ok((without_region(&usage).to_owned(), team, usd))
}
