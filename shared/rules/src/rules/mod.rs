//! All rules, one file each. To add a rule, add its file, its `mod` line and its line in `all!` (CONTRIBUTING.md).

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::rules::rule::Registration;

pub mod asset;
pub mod budgets;
pub mod context;
pub mod endpoints;
pub mod guard_tag_unreadable;
pub mod inference;
pub mod inventory;
pub mod notebooks;
pub mod rule;
pub mod savings_plans;
pub mod studio;
pub mod tags;
pub mod training;
pub mod verdict;

/// Lists the rules twice. The schemas are in a list of their own, so that a binary that never uses them does not contain them.
macro_rules! all {
    ($($rule:ty),+ $(,)?) => {
        /// Every rule, in the order of the manual.
        pub static ALL: &[Registration] = &[$(Registration::of::<$rule>()),+];

        /// The schema of each rule's own settings, in the same order.
        pub(crate) const SCHEMAS: &[fn(&mut SchemaGenerator) -> Schema] = &[$(<$rule as JsonSchema>::json_schema),+];
    };
}

all![
    notebooks::notebook_off_hours::NotebookOffHours,
    notebooks::notebook_idle::NotebookIdle,
    notebooks::notebook_always_on::NotebookAlwaysOn,
    notebooks::notebook_forgotten::NotebookForgotten,
    notebooks::notebook_stuck::NotebookStuck,
    studio::studio_app_off_hours::StudioAppOffHours,
    studio::studio_app_always_on::StudioAppAlwaysOn,
    studio::studio_app_stuck::StudioAppStuck,
    studio::studio_idle_shutdown_off::StudioIdleShutdownOff,
    training::training_on_demand::TrainingOnDemand,
    training::tuning_on_demand::TuningOnDemand,
    training::spot_without_checkpoint::SpotWithoutCheckpoint,
    training::warm_pool_idle::WarmPoolIdle,
    training::runtime_limit_loose::RuntimeLimitLoose,
    training::resubmitted_job_doubled::ResubmittedJobDoubled,
    training::resubmitted_job_failed::ResubmittedJobFailed,
    endpoints::endpoint_without_autoscaling::EndpointWithoutAutoscaling,
    endpoints::endpoint_autoscaling_ineffective::EndpointAutoscalingIneffective,
    endpoints::endpoint_never_at_zero::EndpointNeverAtZero,
    endpoints::endpoint_idle::EndpointIdle,
    endpoints::endpoint_off_hours::EndpointOffHours,
    endpoints::endpoint_wake_failed::EndpointWakeFailed,
    endpoints::provisioned_concurrency_unused::ProvisionedConcurrencyUnused,
    inference::endpoint_fits_serverless::EndpointFitsServerless,
    inference::endpoint_fits_async::EndpointFitsAsync,
    inference::endpoint_fits_batch::EndpointFitsBatch,
    inference::endpoint_oversized::EndpointOversized,
    inference::endpoints_fit_multi_model::EndpointsFitMultiModel,
    inventory::resource_stuck::ResourceStuck,
    tags::missing_tag::MissingTag,
    tags::invalid_tag_value::InvalidTagValue,
    tags::inactive_cost_allocation_tag::InactiveCostAllocationTag,
    tags::untagged_spend::UntaggedSpend,
    budgets::budget_exceeded::BudgetExceeded,
    budgets::budget_forecast_exceeded::BudgetForecastExceeded,
    budgets::budget_unhealthy::BudgetUnhealthy,
    budgets::no_budget::NoBudget,
    budgets::spend_spike::SpendSpike,
    budgets::stoppable_over_budget::StoppableOverBudget,
    savings_plans::savings_plan_shortfall::SavingsPlanShortfall,
    savings_plans::savings_plan_underused::SavingsPlanUnderused,
    savings_plans::savings_plan_expiring::SavingsPlanExpiring,
    savings_plans::savings_plan_returnable::SavingsPlanReturnable,
    savings_plans::savings_plan_wrong_kind::SavingsPlanWrongKind,
    savings_plans::training_plan_idle::TrainingPlanIdle,
    guard_tag_unreadable::GuardTagUnreadable,
];

/// Whether the cost of what a rule finds is wasted ([`rule::Manner::costs_are_waste`]).
pub fn costs_are_waste(rule: &str) -> bool {
    ALL.iter().find(|known| known.name == rule).is_none_or(|known| known.manner.costs_are_waste)
}

/// What a person can do about what a rule finds ([`rule::Rule::TO_DO`]). `None`: this version has no such rule.
pub(crate) fn to_do(rule: &str) -> Option<&'static str> {
    ALL.iter().find(|known| known.name == rule).map(|known| known.to_do)
}
