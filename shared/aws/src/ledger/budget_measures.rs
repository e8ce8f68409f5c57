//! Which rules are enforced because a budget is used up. budget-alerter writes them into the ledger, and the functions that have these rules read them.

use cost_rules::{
    facts::{BudgetMeasure, Unread},
    rulebook::Rulebook,
};
use jiff::Timestamp;

use super::table::Ledger;
use crate::context::Context;

/// The function that writes the measures, and the name of the item in its part of the ledger.
const WRITER: &str = "budget-alerter";
const NAME: &str = "budget-measures";

fn ledger(context: &Context) -> Ledger<'_> {
    Ledger { function: WRITER, ..context.ledger() }
}

/// The measures that are in force now and that the policy still asks for.
///
/// # Errors
/// The measures cannot be read. Then none is in force, and only what the policy itself enforces is enforced.
pub async fn read(context: &Context, rulebook: &Rulebook, now: Timestamp) -> Result<Vec<BudgetMeasure>, Unread> {
    let unread = |why: String| Unread::new("what is enforced because a budget is used up", why);
    let cached = ledger(context).kept(NAME).await.map_err(|error| unread(format!("{error:#}")))?;
    let Some((_, text)) = cached else { return Ok(vec![]) };
    let mut budget_measures: Vec<BudgetMeasure> =
        serde_json::from_str(&text).map_err(|error| unread(format!("ledger item {NAME}: {error}")))?;
    budget_measures.retain(|one| now < one.until && rulebook.policy.asks_for(one));
    Ok(budget_measures)
}

/// Replaces the measures.
///
/// # Errors
/// The table cannot be written. The earlier measures stay in force.
pub async fn write(context: &Context, budget_measures: &[BudgetMeasure], now: Timestamp) -> anyhow::Result<()> {
    ledger(context).keep(NAME, &serde_json::to_string(budget_measures)?, now).await
}
