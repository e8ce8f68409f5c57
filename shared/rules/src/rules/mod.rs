//! The rules, one file each. To add one: its file, its `mod` line and its line in [`ALL`] (CONTRIBUTING.md).

use crate::rules::rule::Registration;

pub mod asset;
pub mod budgets;
pub mod context;
pub mod guard_tag_unreadable;
pub mod notebooks;
pub mod rule;
pub mod studio;
pub mod tags;
pub mod training;
pub mod verdict;

/// Every rule, in the order of the manual.
pub static ALL: &[Registration] = &[
    Registration::of::<notebooks::notebook_off_hours::NotebookOffHours>(),
    Registration::of::<notebooks::notebook_idle::NotebookIdle>(),
    Registration::of::<notebooks::notebook_always_on::NotebookAlwaysOn>(),
    Registration::of::<notebooks::notebook_forgotten::NotebookForgotten>(),
    Registration::of::<studio::studio_app_off_hours::StudioAppOffHours>(),
    Registration::of::<studio::studio_app_always_on::StudioAppAlwaysOn>(),
    Registration::of::<studio::studio_idle_shutdown_off::StudioIdleShutdownOff>(),
    Registration::of::<training::training_on_demand::TrainingOnDemand>(),
    Registration::of::<training::tuning_on_demand::TuningOnDemand>(),
    Registration::of::<training::spot_without_checkpoint::SpotWithoutCheckpoint>(),
    Registration::of::<training::warm_pool_idle::WarmPoolIdle>(),
    Registration::of::<training::runtime_limit_loose::RuntimeLimitLoose>(),
    Registration::of::<training::resubmitted_job_doubled::ResubmittedJobDoubled>(),
    Registration::of::<training::resubmitted_job_failed::ResubmittedJobFailed>(),
    Registration::of::<tags::missing_tag::MissingTag>(),
    Registration::of::<tags::invalid_tag_value::InvalidTagValue>(),
    Registration::of::<tags::inactive_cost_allocation_tag::InactiveCostAllocationTag>(),
    Registration::of::<tags::untagged_spend::UntaggedSpend>(),
    Registration::of::<budgets::budget_exceeded::BudgetExceeded>(),
    Registration::of::<budgets::budget_forecast_exceeded::BudgetForecastExceeded>(),
    Registration::of::<budgets::budget_unhealthy::BudgetUnhealthy>(),
    Registration::of::<budgets::no_budget::NoBudget>(),
    Registration::of::<budgets::spend_spike::SpendSpike>(),
    Registration::of::<budgets::stoppable_over_budget::StoppableOverBudget>(),
    Registration::of::<guard_tag_unreadable::GuardTagUnreadable>(),
];
