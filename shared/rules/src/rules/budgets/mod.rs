//! Rules about budgets and spend.

pub mod budget_exceeded;
pub mod budget_forecast_exceeded;
pub mod budget_unhealthy;
pub mod explain;
pub mod no_budget;
pub mod spend_spike;
pub mod spikes;
pub mod stoppable_over_budget;
pub mod thresholds;
