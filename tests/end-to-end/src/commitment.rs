//! What to commit to: two weeks of an account that runs more than it uses, and what savings-plan-advisor advises beside AWS.

use jiff::SignedDuration;
use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use serde_json::Value;
use simulator::Mail;

use crate::{Function, testing};

const ESTATE: &str = include_str!("../estates/commitment.toml");
const POLICY: &str = "[savings-plan]\nfinance = \"finops@example.com\"";

/// What was advised for one year without upfront payment, USD per hour.
pub struct Advised {
    /// By the guard, to begin with.
    pub by_guard: Decimal,
    /// By AWS.
    pub by_aws: Decimal,
    /// What the guard took out, USD a month on demand.
    pub waste: Decimal,
    /// The advice's mail.
    pub mail: Mail,
}

/// Lives through the two weeks.
///
/// # Errors
/// A function fails, or nothing is advised.
pub async fn live() -> anyhow::Result<Advised> {
    let account = testing::account_at("2026-11-14T08:00:00Z", ESTATE);
    account.advance(SignedDuration::from_hours(16 * 24));
    testing::guard_of(Function::EndpointAutoscaler, &account, POLICY).run().await?;
    // The bill tells what ran before the two weeks.
    testing::guard_of(Function::BudgetAlerter, &account, POLICY).run().await?;
    let report = testing::guard_of(Function::SavingsPlanAdvisor, &account, POLICY).run().await?;
    let told = report.savings_plan.unwrap_or_default();
    let usd = |value: &Value| anyhow::Context::context(value.as_f64().and_then(Decimal::from_f64), format!("no number: {told}"));
    let mail = account.mails().pop().ok_or_else(|| anyhow::anyhow!("nobody was mailed"))?;
    Ok(Advised {
        by_guard: usd(&told["offers"][0]["commitment"])?,
        by_aws: usd(&told["by-aws"][0]["commitment"])?,
        waste: usd(&told["deducted"][0]["usd-per-month"])?,
        mail,
    })
}
