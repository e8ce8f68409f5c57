//! Training plans: capacity that was paid in advance, and when it was last used.

use aws_sdk_sagemaker::types::{SageMakerResourceName, SortBy, SortOrder, TrainingPlanStatus, TrainingPlanSummary};
use cost_rules::{
    currency::Currency,
    facts::{Facts, TrainingPlan, Unread},
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    clients::{Clients, why::why},
    gather::{
        read::{Listed, Read, decimal, is_not_in_this_region, timestamp},
        tags,
    },
};

/// Reads all training plans that are not over into the facts.
pub async fn read(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts) {
    if !rulebook.uses_rule("training-plan-idle") {
        return;
    }
    let now = facts.now;
    let (mut plans, mut index) = tokio::join!(list(clients, now), tags::index(clients, rulebook, &[Kind::TrainingPlan]));
    for plan in &mut plans.items {
        plan.resource.tags = index.take(&plan.resource.id);
        // What is in use needs no further look.
        if plan.is_active && plan.in_use == 0 {
            match last_used(clients, plan).await {
                Ok(at) => plan.last_used = at,
                Err(why) => {
                    plan.is_active = false;
                    plans
                        .unread
                        .push(Unread::new(format!("the jobs of {}", plan.resource.id), why).with_cause("the jobs of training plans"));
                }
            }
        }
    }
    facts.training_plans = plans.into_facts(facts);
    facts.reading.unread.extend(index.unread);
}

async fn list(clients: &Clients, now: Timestamp) -> Listed<TrainingPlan> {
    Listed::read(
        clients,
        Kind::TrainingPlan,
        "ListTrainingPlans",
        |plan: &TrainingPlan| plan.resource.id.clone(),
        async |token| {
            let page = match clients.sagemaker.list_training_plans().set_next_token(token).send().await {
                Ok(page) => page,
                Err(error) if error.as_service_error().is_some_and(is_not_in_this_region) => return Ok((vec![], None)),
                Err(error) => return Err(why(&error)),
            };
            let plans = page.training_plan_summaries.unwrap_or_default();
            let is_over =
                |plan: &TrainingPlanSummary| matches!(plan.status, Some(TrainingPlanStatus::Expired | TrainingPlanStatus::Failed));
            Ok((plans.into_iter().filter(|plan| !is_over(plan)).map(|plan| one(plan, now)).collect(), page.next_token))
        },
    )
    .await
}

fn one(plan: TrainingPlanSummary, now: Timestamp) -> Option<TrainingPlan> {
    let (arn, name) = (plan.training_plan_arn?, plan.training_plan_name?);
    let (start, end) = (timestamp(plan.start_time.as_ref()), timestamp(plan.end_time.as_ref()));
    let has_times = start.is_some() && end.is_some();
    let (start, end) = (start.unwrap_or(Timestamp::MAX), end.unwrap_or(Timestamp::MAX));
    let count = |number: Option<i32>| u32::try_from(number.unwrap_or_default()).unwrap_or_default();
    let mut types: Vec<String> = plan
        .reserved_capacity_summaries
        .unwrap_or_default()
        .into_iter()
        .filter_map(|one| one.instance_type)
        .map(|one| one.as_str().to_owned())
        .collect();
    types.dedup();
    let paid = plan.upfront_fee.filter(|_| Currency::of_account().check(plan.currency_code.as_deref()).is_ok());
    // Of clusters and endpoints there is no list of who used them.
    let is_for_jobs = plan.target_resources.unwrap_or_default().iter().all(|one| *one == SageMakerResourceName::TrainingJob);
    Some(TrainingPlan {
        resource: Resource {
            id: Kind::TrainingPlan.id(&name),
            arn: Some(arn),
            name,
            tags: Tags::NotIndexed,
            ownership: Ownership::default(),
        },
        is_active: is_for_jobs && has_times && plan.status == Some(TrainingPlanStatus::Active) && start <= now,
        instance_type: types.pop().filter(|_| types.is_empty()),
        instances: count(plan.total_instance_count),
        in_use: count(plan.in_use_instance_count),
        start,
        end,
        paid: paid.and_then(|usd| decimal(&usd).ok()).filter(|usd| Decimal::ZERO <= *usd),
        last_used: None,
    })
}

/// When the plan's last training job ended, or was last seen. `None`: there was none.
async fn last_used(clients: &Clients, plan: &TrainingPlan) -> Read<Option<Timestamp>> {
    clients.in_time()?;
    let call = clients.sagemaker.list_training_jobs().set_training_plan_arn_equals(plan.resource.arn.clone()).max_results(1);
    let call = call.sort_by(SortBy::CreationTime).sort_order(SortOrder::Descending);
    let page = call.send().await.map_err(|error| format!("sagemaker:ListTrainingJobs: {}", why(&error)))?;
    let newest = page.training_job_summaries.unwrap_or_default().into_iter().next();
    Ok(newest.and_then(|job| timestamp(job.training_end_time.as_ref().or(job.last_modified_time.as_ref()).or(job.creation_time.as_ref()))))
}
