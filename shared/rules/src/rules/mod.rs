//! The rules, one file each. To add one: its file, its `mod` line and its line in [`ALL`] (CONTRIBUTING.md).

use crate::rules::rule::Entry;

pub mod asset;
pub mod budgets;
pub mod guard_tag_unreadable;
pub mod notebooks;
pub mod rule;
pub mod scene;
pub mod studio;
pub mod tags;
pub mod training;
pub mod verdict;

/// Every rule, in the order of the manual.
pub static ALL: &[Entry] = &[
    Entry::of::<notebooks::notebook_off_hours::NotebookOffHours>(),
    Entry::of::<notebooks::notebook_idle::NotebookIdle>(),
    Entry::of::<notebooks::notebook_always_on::NotebookAlwaysOn>(),
    Entry::of::<notebooks::notebook_forgotten::NotebookForgotten>(),
    Entry::of::<studio::studio_app_off_hours::StudioAppOffHours>(),
    Entry::of::<studio::studio_app_always_on::StudioAppAlwaysOn>(),
    Entry::of::<studio::studio_idle_shutdown_off::StudioIdleShutdownOff>(),
    Entry::of::<training::training_on_demand::TrainingOnDemand>(),
    Entry::of::<training::tuning_on_demand::TuningOnDemand>(),
    Entry::of::<training::spot_without_checkpoint::SpotWithoutCheckpoint>(),
    Entry::of::<training::warm_pool_idle::WarmPoolIdle>(),
    Entry::of::<training::runtime_limit_loose::RuntimeLimitLoose>(),
    Entry::of::<training::resubmitted_job_doubled::ResubmittedJobDoubled>(),
    Entry::of::<training::resubmitted_job_failed::ResubmittedJobFailed>(),
    Entry::of::<tags::missing_tag::MissingTag>(),
    Entry::of::<tags::invalid_tag_value::InvalidTagValue>(),
    Entry::of::<tags::inactive_cost_allocation_tag::InactiveCostAllocationTag>(),
    Entry::of::<tags::untagged_spend::UntaggedSpend>(),
    Entry::of::<budgets::budget_exceeded::BudgetExceeded>(),
    Entry::of::<budgets::budget_forecast_exceeded::BudgetForecastExceeded>(),
    Entry::of::<budgets::budget_unhealthy::BudgetUnhealthy>(),
    Entry::of::<budgets::no_budget::NoBudget>(),
    Entry::of::<budgets::spend_spike::SpendSpike>(),
    Entry::of::<budgets::stoppable_over_budget::StoppableOverBudget>(),
    Entry::of::<guard_tag_unreadable::GuardTagUnreadable>(),
];
