//! The functions of the guard by their names, for whoever runs them outside Lambda: the command line, the demo and the tests.

use clap::ValueEnum;
use cost_aws::{Context, report::Report};
use jiff::Timestamp;
use serde_json::Value;

/// A function of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[expect(missing_docs, reason = "each is the function of its name")]
pub enum Function {
    BudgetAlerter,
    EndpointAutoscaler,
    // After endpoint-autoscaler, whose findings it reads.
    InferenceAdvisor,
    NotebookStopper,
    TagAuditor,
    TrainingJobSpotEnforcer,
    // After the others, whose findings it reads.
    SavingsPlanAdvisor,
    // The last one, so that it mails what the others found.
    CostReporter,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 8] = [
        Self::BudgetAlerter,
        Self::EndpointAutoscaler,
        Self::InferenceAdvisor,
        Self::NotebookStopper,
        Self::TagAuditor,
        Self::TrainingJobSpotEnforcer,
        Self::SavingsPlanAdvisor,
        Self::CostReporter,
    ];

    /// The name of its folder, package and binary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BudgetAlerter => budget_alerter::NAME,
            Self::CostReporter => cost_reporter::NAME,
            Self::EndpointAutoscaler => endpoint_autoscaler::NAME,
            Self::InferenceAdvisor => inference_advisor::NAME,
            Self::NotebookStopper => notebook_stopper::NAME,
            Self::SavingsPlanAdvisor => savings_plan_advisor::NAME,
            Self::TagAuditor => tag_auditor::NAME,
            Self::TrainingJobSpotEnforcer => training_job_spot_enforcer::NAME,
        }
    }

    /// One run of it.
    ///
    /// # Errors
    /// Those of the function.
    pub async fn handle(self, event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
        match self {
            Self::BudgetAlerter => Box::pin(budget_alerter::handle(event, context, now)).await,
            Self::CostReporter => Box::pin(cost_reporter::handle(event, context, now)).await,
            Self::EndpointAutoscaler => Box::pin(endpoint_autoscaler::handle(event, context, now)).await,
            Self::InferenceAdvisor => Box::pin(inference_advisor::handle(event, context, now)).await,
            Self::NotebookStopper => notebook_stopper::handle(event, context, now).await,
            Self::SavingsPlanAdvisor => Box::pin(savings_plan_advisor::handle(event, context, now)).await,
            Self::TagAuditor => tag_auditor::handle(event, context, now).await,
            Self::TrainingJobSpotEnforcer => training_job_spot_enforcer::handle(event, context, now).await,
        }
    }
}
