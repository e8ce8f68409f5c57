//! Which rules are enforced because a budget is used up. budget-alerter writes it into the ledger, and the functions whose rules these are read it.

use cost_rules::{
    facts::{BudgetMeasure, Unread},
    rulebook::Rulebook,
};
use jiff::Timestamp;

use super::table::Ledger;
use crate::context::Context;

/// The function that writes them, and their name in its part of the ledger.
const WRITER: &str = "budget-alerter";
const NAME: &str = "budget-measures";

fn ledger(context: &Context) -> Ledger<'_> {
    Ledger { function: WRITER, ..context.ledger() }
}

/// Those that hold at this moment, and that the policy still asks for.
///
/// # Errors
/// They cannot be read: then none holds, and nothing is enforced that the policy itself does not.
pub async fn read(context: &Context, rulebook: &Rulebook, now: Timestamp) -> Result<Vec<BudgetMeasure>, Unread> {
    let unread = |why: String| Unread { what: "what is enforced because a budget is used up".to_owned(), why };
    let kept = ledger(context).kept(NAME).await.map_err(|error| unread(format!("{error:#}")))?;
    let Some((_, text)) = kept else { return Ok(vec![]) };
    let mut budget_measures: Vec<BudgetMeasure> =
        serde_json::from_str(&text).map_err(|error| unread(format!("ledger item {NAME}: {error}")))?;
    budget_measures.retain(|one| now < one.until && rulebook.policy.asks_for(one));
    Ok(budget_measures)
}

/// Replaces them.
///
/// # Errors
/// The table cannot be written: those before go on.
pub async fn write(context: &Context, budget_measures: &[BudgetMeasure], now: Timestamp) -> anyhow::Result<()> {
    ledger(context).keep(NAME, &serde_json::to_string(budget_measures)?, now).await
}
